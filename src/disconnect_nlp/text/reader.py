"""Texts to tokens. spaCy's tokenizer looks at what stands between two spaces by itself, so it is asked once for each.

No Doc is made of a text: what the tokenizer says of a chunk ("don't", "numb,") is kept as numbers for texts to come.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from threading import RLock
from typing import Any

import numpy as np
import spacy
from spacy.attrs import IDX, IS_PUNCT, IS_SPACE, LENGTH, NORM, ORTH
from spacy.language import Language

from disconnect_nlp.text.ragged import Array, bounds_of, spread
from disconnect_nlp.text.tokens import Tokens, TokenTable, marks_of, sentence_starts

MOST_CHUNKS = 1 << 17  # some 30 MB
_MOST_CHARACTERS = 1 << 24  # where chunks are no words
_RUNS = re.compile(r"\s+|\S+")
_ATTRIBUTES = [NORM, ORTH, LENGTH, IS_SPACE, IS_PUNCT, IDX]
_NEEDED = (NORM, IS_SPACE, IS_PUNCT)  # of the twenty things that spaCy finds out about a new word
_ZONE = RLock()  # leaving a memory zone frees the words of every Doc made meanwhile, in whatever thread


class _Numbers(dict[str, int]):
    """Numbers chunks in the order in which they are met."""

    def __missing__(self, chunk: str) -> int:
        self[chunk] = number = len(self)
        return number


class _Chunks:
    """Chunks met so far: chunk ``i`` is ``sizes[i]`` rows of the table, from row ``first[i]`` on."""

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self.numbers = _Numbers()
        self.first = np.empty(0, dtype=np.int64)
        self.sizes = np.empty(0, dtype=np.int64)
        self.table = TokenTable()
        self.characters = 0

    @property
    def full(self) -> bool:
        return len(self.numbers) > MOST_CHUNKS or self.characters > _MOST_CHARACTERS

    def numbered(self, chunks: Sequence[str]) -> Array:
        """Return the number of each chunk; new ones are tokenized."""
        numbers = np.fromiter(map(self.numbers.__getitem__, chunks), dtype=np.int64, count=len(chunks))
        if new := len(self.numbers) - len(self.sizes):
            self._learn(list(islice(reversed(self.numbers), new))[::-1])
        return numbers

    def _learn(self, new: Sequence[str]) -> None:
        new = [mended(chunk) for chunk in new]
        solid = [i for i, chunk in enumerate(new) if not chunk.isspace()]
        blank = [i for i, chunk in enumerate(new) if chunk.isspace()]
        # Words met for the first time would stay in spaCy's vocabulary for good; memory_zone frees them.
        with self._nlp.memory_zone():
            # A line break between two chunks, so that no emoticon is seen across them.
            joined = self._look("\n".join(new[i] for i in solid))
            alone = [self._look(new[i]) for i in blank]
        begins = bounds_of(np.array([len(new[i]) + 1 for i in solid], dtype=np.int64))
        first = joined[:, 5].astype(np.int64)
        owner = np.searchsorted(begins, first, side="right") - 1
        inside = first < begins[owner + 1] - 1  # else it is the line break
        sizes = np.array([*np.bincount(owner[inside], minlength=len(solid)), *map(len, alone)], dtype=np.int64)
        breaks = [int(row) for row, i in zip(bounds_of(sizes)[len(solid) :], blank, strict=False) if "\n" in new[i]]
        place = np.argsort([*solid, *blank])
        self.first = np.append(self.first, (len(self.table) + bounds_of(sizes)[:-1])[place])
        self.sizes = np.append(self.sizes, sizes[place])
        norms, orths, lengths, is_space, is_punct, _ = np.concatenate([joined[inside], *alone]).T
        self.table.extend(norms, marks_of(orths, is_space, is_punct, breaks), lengths.astype(np.int32))
        self.characters += sum(map(len, new))

    def _look(self, text: str) -> Array:
        found: Array = self._nlp.tokenizer(text).to_array(_ATTRIBUTES).reshape(-1, len(_ATTRIBUTES))
        return found


class TextReader:
    """Turns texts into the tokens that ``spacy.blank("en")`` makes of them, with our sentence boundaries.

    Notes
    -----
    What stood between spaces is kept in memory, up to ``MOST_CHUNKS`` of it; a pickled reader keeps nothing.

    There is one difference to spaCy, which lets an emoticon fall apart when one that overlaps it could be read across
    a space (``:) :):)«``): here what stands between spaces is always split alike.

    Examples
    --------
    >>> tokens = TextReader().read(["I don't."])
    >>> [tokens.texts[0][a:b] for a, b in zip(tokens.begins, tokens.ends, strict=True)]
    ['I', 'do', "n't", '.']
    """

    def __init__(self) -> None:
        self.nlp = spacy.blank("en")
        vocab: Any = self.nlp.vocab  # the stub does not know its getters
        vocab.lex_attr_getters = {attribute: vocab.lex_attr_getters[attribute] for attribute in _NEEDED}
        self._chunks = _Chunks(self.nlp)

    def __reduce__(self) -> tuple[type[TextReader], tuple[()]]:
        return TextReader, ()  # without what it has read

    def read(self, texts: Sequence[str]) -> Tokens:
        """Return the tokens of all texts."""
        chunks, counts, glued = _split(texts)
        with _ZONE:
            known = _Chunks(self.nlp) if self._chunks.full else self._chunks
            self._chunks = _Chunks(self.nlp)  # should the tokenizer fail, nothing half learnt is kept
            numbers = known.numbered(chunks)
            first, sizes = known.first[numbers], known.sizes[numbers]
            self._chunks = known
        owner, rank = spread(sizes)
        types = first[owner] + rank
        ends = bounds_of(sizes)
        bounds = ends[bounds_of(np.array(counts, dtype=np.int64))]
        spaced = np.zeros(len(types), dtype=bool)
        spaced[ends[1:] - 1] = True
        spaced[ends[1:][glued] - 1] = False
        return Tokens(texts, bounds, types, known.table, spaced, sentence_starts(known.table.marks[types], bounds))


def mended(chunk: str) -> str:
    """Return ``chunk`` in a form spaCy takes, of the same length."""
    try:
        chunk.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as broken exports hold
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in chunk)
    return chunk


def _split(texts: Sequence[str]) -> tuple[list[str], list[int], list[int]]:
    """Return the chunks of all texts, how many each has, and which chunks no space follows."""
    chunks: list[str] = []
    counts: list[int] = []
    glued: list[int] = []
    for text in texts:
        own = text.split()
        if own and " ".join(own) == text:
            glued.append(len(chunks) + len(own) - 1)
        else:
            own, close = _odd_chunks(text)
            glued += [len(chunks) + i for i in close]
        chunks += own
        counts.append(len(own))
    return chunks, counts, glued


def _odd_chunks(text: str) -> tuple[list[str], list[int]]:
    """Split as spaCy does where white space is more than single spaces: all but a space after a word is a token."""
    chunks: list[str] = []
    glued: list[int] = []
    for run in _RUNS.findall(text):
        if chunks and run[0] == " ":
            glued.pop()  # the chunk before has its space
            run = run[1:]
        if run:
            glued.append(len(chunks))
            chunks.append(run)
    return chunks, glued

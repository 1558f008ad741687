"""The tokens of a batch of texts in flat arrays: what everything after the tokenizer works on.

Made from spaCy Docs of any pipeline (``tokens_of``) or straight from texts (``reader``). Token ids are spaCy's: hashes
of strings, the same in every vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from spacy.attrs import IS_PUNCT, IS_SPACE, LENGTH, NORM, ORTH, SENT_START, SPACY
from spacy.strings import get_string_id
from spacy.tokens import Doc

from disconnect_nlp.text.ragged import Array, bounds_of, running

# What a token is, as bits.
PUNCT, SPACE, BREAK, END, CLOSER, OPENING, CLOSING = (1 << bit for bit in range(7))
_SPELT = {
    END: (".", "!", "?", "…", "..", "...", "....", ".....", "。", "！", "？", "।", "؟"),
    CLOSER: ('"', "”", "’", "'", ")", "]", "»", "''"),
    OPENING: tuple('"“„«‘'),
    CLOSING: tuple('"”“»’'),
}
_ATTRIBUTES = [NORM, ORTH, LENGTH, IS_SPACE, IS_PUNCT, SPACY, SENT_START]


def ids_of(words: Iterable[str]) -> Array:
    """Return spaCy's id of every word, dtype uint64."""
    return np.array([get_string_id(word) for word in words], dtype=np.uint64)


_MARKED = {mark: ids_of(words) for mark, words in _SPELT.items()}


class Words:
    """Words that are looked for, numbered from 1 on; every other word is number 0."""

    def __init__(self, words: Iterable[str]) -> None:
        self.ids = np.unique(ids_of(words))

    def __len__(self) -> int:
        return len(self.ids)

    def codes_of(self, words: Iterable[str]) -> Iterator[int]:
        """Return the number of each word."""
        return iter(self.codes(ids_of(words)).tolist())

    def codes(self, norms: Array) -> Array:
        """Return the number of each norm."""
        if not len(self.ids):
            return np.zeros(len(norms), dtype=np.uint16)
        place = np.minimum(np.searchsorted(self.ids, norms), len(self.ids) - 1)
        kind = np.uint16 if len(self.ids) < 2**16 else np.uint32  # numpy sorts short integers in linear time
        codes: Array = np.where(self.ids[place] == norms, place + 1, 0).astype(kind)
        return codes


class TokenTable:
    """Distinct tokens and what is known of each: norm, marks, length in characters. It only grows."""

    def __init__(self) -> None:
        self.norms = np.empty(0, dtype=np.uint64)
        self.marks = np.empty(0, dtype=np.uint8)
        self.lengths = np.empty(0, dtype=np.int32)
        self._codes: dict[Words, Array] = {}

    def __len__(self) -> int:
        return len(self.lengths)

    def extend(self, norms: Array, marks: Array, lengths: Array) -> None:
        """Append tokens; none before moves."""
        self.norms = np.concatenate((self.norms, norms))
        self.marks = np.concatenate((self.marks, marks))
        self.lengths = np.concatenate((self.lengths, lengths))

    def codes(self, words: Words) -> Array:
        """Return the number in ``words`` of every token; each is looked up once."""
        known = self._codes.get(words)
        if known is None:
            known = words.codes(self.norms)
        elif len(known) < len(self.norms):
            known = np.concatenate((known, words.codes(self.norms[len(known) :])))
        self._codes[words] = known
        return known


@dataclass(frozen=True, eq=False)
class Tokens:
    """All tokens of several texts, one after the other.

    Attributes
    ----------
    texts
        What the character offsets point into.
    bounds
        Text ``i`` holds tokens ``bounds[i]`` to ``bounds[i + 1]``, shape ``(n_texts + 1,)``.
    types
        Row of each token in ``table``, shape ``(n_tokens,)``.
    spaced
        Whether a space follows, shape ``(n_tokens,)``.
    starts
        Whether a sentence starts here, shape ``(n_tokens,)``; the first token of a text always does.
    """

    texts: Sequence[str]
    bounds: Array
    types: Array
    table: TokenTable
    spaced: Array
    starts: Array

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def norms(self) -> Array:
        """NORM ids of spaCy, shape ``(n_tokens,)``, dtype uint64."""
        norms: Array = self.table.norms[self.types]
        return norms

    @cached_property
    def marks(self) -> Array:
        """What each token is, as bits, shape ``(n_tokens,)``."""
        marks: Array = self.table.marks[self.types]
        return marks

    @cached_property
    def begins(self) -> Array:
        """First character of each token in its text, shape ``(n_tokens,)``."""
        before = running(self.table.lengths[self.types] + self.spaced)
        begins: Array = before[:-1] - np.repeat(before[self.bounds[:-1]], np.diff(self.bounds))
        return begins

    @cached_property
    def ends(self) -> Array:
        """Character after each token, shape ``(n_tokens,)``."""
        ends: Array = self.begins + self.table.lengths[self.types]
        return ends

    @cached_property
    def sentences(self) -> Array:
        """First token of every sentence, and the end of the last, shape ``(n_sentences + 1,)``."""
        return np.append(np.flatnonzero(self.starts), len(self))

    @cached_property
    def sentence_of(self) -> Array:
        """Number of the sentence of each token, shape ``(n_tokens,)``."""
        return np.cumsum(self.starts) - 1

    def codes(self, words: Words) -> Array:
        """Return the number in ``words`` of every token, shape ``(n_tokens,)``."""
        codes: Array = self.table.codes(words)[self.types]
        return codes

    def text_of(self, positions: Array) -> Array:
        """Return the number of the text that holds each token."""
        return np.searchsorted(self.bounds, positions, side="right") - 1


def tokens_of(docs: Sequence[Doc]) -> Tokens:
    """Return the tokens of Docs. Sentences are those of the Doc, ours where it has none."""
    arrays: list[Any] = [doc.to_array(_ATTRIBUTES).reshape(-1, len(_ATTRIBUTES)) for doc in docs]
    given = [bool(array[1:, -1].any()) for array in arrays]  # doc.has_annotation asks the same, token by token
    sizes = np.array([len(array) for array in arrays], dtype=np.int64)
    joined = np.concatenate([np.empty((0, len(_ATTRIBUTES)), dtype=np.uint64), *arrays])
    norms, orths, lengths, is_space, is_punct, spacy, sent_start = joined.T
    bounds, blank = bounds_of(sizes), np.flatnonzero(is_space)
    owner = np.searchsorted(bounds, blank, side="right") - 1
    inside = blank - bounds[owner]
    breaks = [
        position
        for position, doc, token in zip(blank.tolist(), owner.tolist(), inside.tolist(), strict=True)
        if "\n" in docs[doc][token].text
    ]
    table = TokenTable()
    table.extend(norms, marks_of(orths, is_space, is_punct, breaks), lengths.astype(np.int32))
    starts = np.where(np.repeat(given, sizes), sent_start == 1, sentence_starts(table.marks, bounds))
    starts[bounds[:-1][sizes > 0]] = True
    return Tokens([doc.text for doc in docs], bounds, np.arange(len(joined)), table, spacy > 0, starts)


def marks_of(orths: Array, is_space: Array, is_punct: Array, breaks: Sequence[int]) -> Array:
    """Return what each token is, as bits. ``breaks`` numbers the tokens of white space that break the line."""
    marks: Array = np.where(is_punct > 0, PUNCT, 0) | np.where(is_space > 0, SPACE, 0)
    for mark, ids in _MARKED.items():
        marks[np.isin(orths, ids)] |= mark
    marks[list(breaks)] |= BREAK
    return marks.astype(np.uint8)


def sentence_starts(marks: Array, bounds: Array) -> Array:
    """Return where sentences start, in text as people write it: line breaks end a sentence too. No statistics.

    A sentence ends after ``. ! ? …`` and any closing quotation marks or brackets, and at a line break. White space
    belongs to the sentence before it.
    """
    starts = np.zeros(len(marks), dtype=bool)
    starts[bounds[:-1][np.diff(bounds) > 0]] = True
    ended = np.flatnonzero(marks & (END | BREAK))
    fresh = np.flatnonzero((marks & (SPACE | CLOSER | END)) == 0)  # what may begin a sentence
    after = np.append(fresh, len(marks))[np.searchsorted(fresh, ended, side="right")]
    same = after < bounds[np.searchsorted(bounds, ended, side="right")]
    starts[after[same]] = True
    return starts

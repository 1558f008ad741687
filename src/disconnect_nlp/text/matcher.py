"""Finds lexicon entries in Docs.

spaCy's ``Matcher`` with gapped patterns costs many times the tokenizer, so it sees a sentence only after two cheap
looks: every required word of the pattern occurs in it (one sparse product for a whole batch of Docs), and they occur
in the right order, close enough together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from spacy.attrs import NORM, SENT_START
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from disconnect_nlp.records import Status
from disconnect_nlp.text.lexicon import Entry, Lexicon
from disconnect_nlp.text.pattern import Pattern, parse_pattern


@dataclass(frozen=True, slots=True)
class Match:
    """A lexicon entry found in a Doc, in token offsets (half-open)."""

    start: int
    end: int
    label: str
    entry: str
    weight: float
    status: Status = "affirmed"
    cue: tuple[int, int, str] | None = None
    """Token start, token end and id of the cue that decided the status."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    entry: Entry
    required: tuple[frozenset[int], ...]
    reach: tuple[int, ...]
    """How many tokens after each required word the next one stands at most."""
    matcher: Matcher


@dataclass(frozen=True)
class _Sentences:
    """All sentences of a batch: which Doc, which tokens, and the norms of the batch."""

    owner: np.ndarray
    start: np.ndarray
    end: np.ndarray
    rows: np.ndarray
    """Sentence of every token."""
    norms: np.ndarray
    offset: np.ndarray
    """Number of the first token of each Doc, counted over the batch."""


class LexiconMatcher:
    """Finds all entries of a lexicon in Docs.

    Norm ids are hashes of strings, the same in every vocabulary, so Docs may come from any pipeline.

    Parameters
    ----------
    vocab
        Any English vocabulary.
    lexicon
        What to look for.
    """

    def __init__(self, vocab: Vocab, lexicon: Lexicon) -> None:
        parsed = [
            (entry, parse_pattern(text, lexicon.classes, place=f"lexicon entry {entry.id}"))
            for entry in lexicon
            for text in entry.patterns
        ]
        self._compiled = [_compile(vocab, entry, pattern) for entry, pattern in parsed]
        anchors = [frozenset(map(vocab.strings.add, pattern.anchor.words)) for _, pattern in parsed]
        elements = sorted({own for c in self._compiled for own in c.required}, key=sorted)
        number = {element: i for i, element in enumerate(elements)}
        self._words = np.array(sorted(set().union(*elements)), dtype=np.uint64)
        self._holds = self._incidence(elements)
        self._anchored = self._incidence(anchors)
        # Patterns have different numbers of required words; the last column of "present" is always true.
        widest = max((len(c.required) for c in self._compiled), default=0)
        self._required = np.full((len(self._compiled), widest), len(elements))
        for row, compiled in enumerate(self._compiled):
            self._required[row, : len(compiled.required)] = [number[own] for own in compiled.required]

    def __call__(self, doc: Doc) -> list[Match]:
        """Return matches in order of position; of overlapping matches for one label the longest stays."""
        return self.find_all([doc])[0]

    def find_all(self, docs: Sequence[Doc]) -> list[list[Match]]:
        """Return the matches of each Doc."""
        found: list[list[Match]] = [[] for _ in docs]
        sentences = _sentences(docs)
        for sentence, index in self._candidates(sentences):
            owner, start, end = (int(part[sentence]) for part in (sentences.owner, sentences.start, sentences.end))
            compiled = self._compiled[index]
            first = int(sentences.offset[owner])
            if _in_order(sentences.norms[first + start : first + end].tolist(), compiled):
                entry = compiled.entry
                found[owner] += [
                    Match(start + a, start + b, entry.label, entry.id, entry.weight)
                    for _, a, b in compiled.matcher(docs[owner][start:end])
                ]
        return [_longest(matches) for matches in found]

    def _candidates(self, sentences: _Sentences) -> list[tuple[int, int]]:
        """Sentence and pattern numbers for which every required word is there."""
        if not len(self._words) or not len(sentences.norms):
            return []
        place = np.minimum(np.searchsorted(self._words, sentences.norms), len(self._words) - 1)
        known = np.flatnonzero(self._words[place] == sentences.norms)
        ones = np.ones(len(known), dtype=np.int32)
        shape = (len(sentences.owner), len(self._words))
        words = sparse.csr_matrix((ones, (sentences.rows[known], place[known])), shape=shape)
        pairs = (words @ self._anchored).tocoo()
        present = np.ones((shape[0], self._holds.shape[1] + 1), dtype=bool)
        present[:, :-1] = (words @ self._holds).toarray() > 0
        complete = present[pairs.row[:, None], self._required[pairs.col]].all(axis=1)
        return list(zip(pairs.row[complete].tolist(), pairs.col[complete].tolist(), strict=True))

    def _incidence(self, sets: Sequence[frozenset[int]]) -> sparse.csr_matrix:
        """Words by sets, 1 where a set holds a word."""
        words = np.array([word for own in sets for word in own], dtype=np.uint64)
        columns = np.repeat(np.arange(len(sets)), [len(own) for own in sets])
        ones = np.ones(len(words), dtype=np.int32)
        places = np.searchsorted(self._words, words)
        return sparse.csr_matrix((ones, (places, columns)), shape=(len(self._words), len(sets)))


def _compile(vocab: Vocab, entry: Entry, pattern: Pattern) -> _Compiled:
    matcher = Matcher(vocab, validate=False)
    matcher.add("entry", [pattern.token_patterns()], greedy="LONGEST")
    required, reach, distance = [], [], 0
    for element in pattern.elements:
        distance += max(element.gap, 1)
        if element.required:
            required.append(frozenset(map(vocab.strings.add, element.words)))
            reach.append(distance)
            distance = 0
    return _Compiled(entry, tuple(required), tuple(reach[1:]), matcher)


def _in_order(norms: list[int], compiled: _Compiled) -> bool:
    """Whether the required words occur one after the other, none further from the last than the pattern allows."""
    ends = [position for position, norm in enumerate(norms) if norm in compiled.required[0]]
    for words, reach in zip(compiled.required[1:], compiled.reach, strict=True):
        ends = [
            position
            for position in range(ends[0] + 1, min(ends[-1] + reach + 1, len(norms)))
            if norms[position] in words and any(end < position <= end + reach for end in ends)
        ]
        if not ends:
            return False
    return True


def _sentences(docs: Sequence[Doc]) -> _Sentences:
    arrays = [doc.to_array([NORM, SENT_START]) for doc in docs]
    lengths = np.array([len(array) for array in arrays], dtype=np.int64)
    joined = np.concatenate([array.reshape(-1, 2) for array in arrays]) if arrays else np.empty((0, 2), dtype=np.uint64)
    offset = np.concatenate(([0], np.cumsum(lengths)))
    starts = joined[:, 1].astype(np.int64) == 1
    starts[offset[:-1][lengths > 0]] = True
    begin = np.flatnonzero(starts)
    owner = np.searchsorted(offset, begin, side="right") - 1
    end = np.append(begin[1:], len(joined))
    return _Sentences(
        owner, begin - offset[owner], end - offset[owner], np.cumsum(starts) - 1, joined[:, 0], offset[:-1]
    )


def _longest(matches: list[Match]) -> list[Match]:
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.start - m.end, -m.weight, m.start, m.entry)):
        if not any(k.label == match.label and k.start < match.end and match.start < k.end for k in kept):
            kept.append(match)
    return sorted(kept, key=lambda m: (m.start, m.end, m.label))

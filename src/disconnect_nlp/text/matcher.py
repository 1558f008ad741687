"""Finds lexicon entries in the sentences of a batch.

Every pattern is looked for where its rarest required word stands (rarest in the batch at hand), then only where its
other required words stand near enough, and at the few places that are left all ways to match it are followed at once:
bit ``d`` of an integer says that ``d`` tokens from its start can be matched. What it finds is what spaCy's ``Matcher``
finds with ``greedy="LONGEST"``; that one costs many times the tokenizer for patterns with gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.records import Status
from disconnect_nlp.text.compiled import GAP, ONE, OPTIONAL, REQUIRED, CompiledPatterns
from disconnect_nlp.text.lexicon import Lexicon
from disconnect_nlp.text.overlap import choose
from disconnect_nlp.text.pattern import parse_pattern
from disconnect_nlp.text.ragged import Array, bounds_of, spread
from disconnect_nlp.text.tokens import PUNCT, SPACE, Tokens, tokens_of

_ONE = np.uint64(1)


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


@dataclass(frozen=True)
class Spans:
    """Entries found in a batch: number of the entry, first token, end token; in order of position."""

    entry: Array
    start: Array
    end: Array

    def __len__(self) -> int:
        return len(self.entry)


class LexiconMatcher:
    """Finds all entries of a lexicon.

    Parameters
    ----------
    lexicon
        What to look for.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.entries = tuple(lexicon)
        owners = [(number, text) for number, entry in enumerate(self.entries) for text in entry.patterns]
        names = [f"lexicon entry {self.entries[number].id}" for number, _ in owners]
        patterns = [
            parse_pattern(text, lexicon.classes, place=name) for (_, text), name in zip(owners, names, strict=True)
        ]
        self._entry_of = np.array([number for number, _ in owners], dtype=np.int64)
        self._patterns = CompiledPatterns(patterns, names)
        # The first word of each element's list of words, and its length.
        self._first_member = np.searchsorted(self._patterns.member_elements, np.arange(self._patterns.n_elements + 1))
        self._weight = np.array([entry.weight for entry in self.entries])
        self._label = _ranks([entry.label for entry in self.entries])
        self._id = _ranks([entry.id for entry in self.entries])

    def __call__(self, doc: Doc) -> list[Match]:
        """Return matches in order of position; of overlapping matches for one label the longest stays."""
        found = self.find(tokens_of([doc]))
        return [
            Match(start, end, entry.label, entry.id, entry.weight)
            for number, start, end in zip(found.entry.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
            for entry in [self.entries[number]]
        ]

    def find(self, tokens: Tokens) -> Spans:
        """Return the matches in all texts; of overlapping matches for one label the longest stays."""
        codes = tokens.codes(self._patterns.words)
        place = _Sentences(tokens)
        pattern, position, column = self._candidates(codes)
        for other in range(self._patterns.kind.shape[1]):
            near = self._near(codes, place, pattern, position, column, other)
            pattern, position, column = pattern[near], position[near], column[near]
        pattern, start = self._beginnings(place, pattern, position, column)
        lengths = self._lengths(tokens, codes, place, pattern, start)
        which, length = _expanded(lengths)
        pattern, start = pattern[which], start[which]
        end = start + length
        kept = choose(pattern, start, end, [start - end, start])  # of one pattern, as spaCy does
        return self._longest(self._entry_of[pattern[kept]], start[kept], end[kept])

    def _longest(self, entry: Array, start: Array, end: Array) -> Spans:
        label = self._label[entry]
        kept = choose(label, start, end, [start - end, -self._weight[entry], start, self._id[entry]])
        kept = kept[np.lexsort((label[kept], end[kept], start[kept]))]
        return Spans(entry[kept], start[kept], end[kept])

    def _candidates(self, codes: Array) -> tuple[Array, Array, Array]:
        """Pattern, token and element, for every token that is the rarest required element of a pattern."""
        own = self._patterns
        counts = np.bincount(codes, minlength=len(own.words) + 1)
        frequency = np.bincount(own.member_elements, counts[own.member_words], minlength=own.n_elements)
        required = np.where(own.kind == REQUIRED, frequency[own.element], np.inf) if own.n_elements else own.kind
        possible = np.flatnonzero(required.min(axis=1, initial=np.inf) > 0)
        column = required[possible].argmin(axis=1) if len(possible) else possible
        element = own.element[possible, column]
        which, rank = spread(self._first_member[element + 1] - self._first_member[element])
        word = own.member_words[self._first_member[element[which]] + rank]
        by_word = np.argsort(codes, kind="stable")
        again, nth = spread(counts[word])
        position = by_word[bounds_of(counts)[word[again]] + nth]
        pattern = which[again]
        return possible[pattern], position, column[pattern]

    def _near(
        self, codes: Array, place: _Sentences, pattern: Array, position: Array, column: Array, other: int
    ) -> Array:
        """Candidates that have their required element ``other`` within reach."""
        own = self._patterns
        wanted = np.flatnonzero((own.kind[pattern, other] == REQUIRED) & (column != other))
        if not len(wanted):
            return np.arange(len(pattern))
        row, at, base = pattern[wanted], position[wanted], column[wanted]
        before = other < base
        low = np.where(before, own.most[row, other] - own.most[row, base], own.least[row, other] - own.least[row, base])
        high = np.where(before, own.least[row, other] - own.least[row, base], own.most[row, other] - own.most[row, base])
        low = np.maximum(low, place.start[at] - at)
        high = np.minimum(high, place.end[at] - 1 - at)
        which, rank = spread(np.maximum(high - low + 1, 0))
        fits = own.holds(codes[at[which] + low[which] + rank], own.element[row[which], other])
        missing = np.ones(len(wanted), dtype=bool)
        missing[which[fits]] = False
        keep = np.ones(len(pattern), dtype=bool)
        keep[wanted[missing]] = False
        return np.flatnonzero(keep)

    def _beginnings(
        self, place: _Sentences, pattern: Array, position: Array, column: Array
    ) -> tuple[Array, Array]:
        """Pattern and first token of all ways to lay a pattern over its candidates, each once."""
        least, most = self._patterns.least[pattern, column], self._patterns.most[pattern, column]
        which, rank = spread(most - least + 1)
        start = position[which] - least[which] - rank
        inside = start >= place.start[position[which]]
        keys = pattern[which[inside]] * len(place.start) + start[inside]
        keys = np.unique(keys)
        return keys // max(len(place.start), 1), keys % max(len(place.start), 1)

    def _lengths(
        self, tokens: Tokens, codes: Array, place: _Sentences, pattern: Array, start: Array
    ) -> Array:
        """Bits of the lengths over which each pattern matches from its start."""
        own = self._patterns
        reached = np.ones(len(pattern), dtype=np.uint64)
        limit = place.end[start] - start if len(start) else start
        free = (tokens.marks & (PUNCT | SPACE)) == 0
        open_ = _bits(free, start, np.zeros_like(start), np.minimum(own.most[pattern, -1], limit))
        for column in range(own.kind.shape[1]):
            kind = own.kind[pattern, column]
            worded = np.flatnonzero((kind == REQUIRED) | (kind == OPTIONAL))
            if len(worded):
                row, at = pattern[worded], start[worded]
                low, high = own.least[row, column], np.minimum(own.most[row, column] + 1, limit[worded])
                which, rank = spread(np.maximum(high - low, 0))
                distance = low[which] + rank
                fits = own.holds(codes[at[which] + distance], own.element[row[which], column])
                bits = _summed(fits, which, distance, len(worded))
                stay = np.where(kind[worded] == OPTIONAL, reached[worded], np.uint64(0))
                reached[worded] = stay | ((reached[worded] & bits) << _ONE)
            single = kind == ONE
            reached[single] = (reached[single] & open_[single]) << _ONE
            gap = np.where(kind == GAP, own.gap[pattern, column], 0)
            for step in range(int(gap.max(initial=0))):
                wide = gap > step
                reached[wide] |= (reached[wide] & open_[wide]) << _ONE
        return reached


class _Sentences:
    """Sentence of every token: its first token and its end."""

    def __init__(self, tokens: Tokens) -> None:
        bounds, number = tokens.sentences, tokens.sentence_of
        self.start, self.end = bounds[:-1][number], bounds[1:][number]


def _bits(flags: Array, start: Array, low: Array, high: Array) -> Array:
    which, rank = spread(np.maximum(high - low, 0))
    distance = low[which] + rank
    return _summed(flags[start[which] + distance], which, distance, len(start))


def _summed(flags: Array, owner: Array, distance: Array, size: int) -> Array:
    """Return for every owner the bits of the distances at which a flag is set."""
    bits = np.zeros(size, dtype=np.uint64)
    owner, distance = owner[flags], distance[flags]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if len(first):
        bits[owner[first]] = np.bitwise_or.reduceat(_ONE << distance.astype(np.uint64), first)
    return bits


def _expanded(bits: Array) -> tuple[Array, Array]:
    """Owner and number of every bit that is set."""
    owners, lengths = [], []
    left = np.flatnonzero(bits)
    for length in range(64):
        if not len(left):
            break
        rest = bits[left] >> np.uint64(length)
        hit = left[(rest & _ONE) > 0]
        owners.append(hit)
        lengths.append(np.full(len(hit), length))
        left = left[rest > _ONE]
    if not owners:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(owners), np.concatenate(lengths)


def _ranks(names: Sequence[str]) -> Array:
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1] if names else np.empty(0, dtype=np.int64)

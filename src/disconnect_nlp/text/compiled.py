"""Lexicon patterns as integer arrays, so that all of them can be looked for in all sentences of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.text.pattern import Element, Pattern
from disconnect_nlp.text.ragged import Array, bounds_of, spread
from disconnect_nlp.text.tokens import Words, ids_of

NONE, REQUIRED, OPTIONAL, GAP, ONE = range(5)
_BIT = (1 << np.arange(8)).astype(np.uint8)
LONGEST = 63  # tokens; reached lengths are kept as bits of one integer


class CompiledPatterns:
    """Patterns as a table with one row a pattern and one column an element.

    Attributes
    ----------
    words
        All words of all patterns.
    member_words, first_member
        Words of all sets, set by set, and where those of each begin and the last end.
    kind, words_of, gap
        What each element is, the number of its set of words, how many free words it takes.
    required, first_required
        Sets of words that are required, pattern by pattern, and where those of each pattern begin.
    size
        Number of elements of each pattern.
    least, most
        How many tokens stand before each element at least and at most; the last column counts all.
    """

    def __init__(self, patterns: Sequence[Pattern], names: Sequence[str]) -> None:
        sets = sorted({own.words for pattern in patterns for own in pattern.elements if own.words}, key=sorted)
        number = {own: i for i, own in enumerate(sets)}
        self.words = Words({word for own in sets for word in own})
        self.member_words = self.words.codes(ids_of(word for own in sets for word in own)).astype(np.int64)
        self.first_member = bounds_of(np.array([len(own) for own in sets], dtype=np.int64))
        self._bits = self._packed()
        width = max((len(pattern.elements) for pattern in patterns), default=0)
        shape = (len(patterns), width)
        self.kind, self.words_of, self.gap = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for row, pattern in enumerate(patterns):
            for column, own in enumerate(pattern.elements):
                self.kind[row, column] = _kind(own)
                self.words_of[row, column] = number.get(own.words, 0)
                self.gap[row, column] = own.gap
        self.size = (self.kind != NONE).sum(axis=1)
        self.required = self.words_of[self.kind == REQUIRED]
        self.first_required = bounds_of((self.kind == REQUIRED).sum(axis=1))[:-1]
        zero = np.zeros((len(patterns), 1), dtype=np.int64)
        fixed, free = np.isin(self.kind, (REQUIRED, ONE)), np.where(self.kind == OPTIONAL, 1, self.gap)
        self.least = np.hstack([zero, np.cumsum(fixed, axis=1)])
        self.most = np.hstack([zero, np.cumsum(np.where(fixed, 1, free), axis=1)])
        for name, longest in zip(names, self.most[:, -1].tolist(), strict=True):
            if longest > LONGEST:
                raise LexiconError(f"{name}: a pattern of up to {longest} words. {LONGEST} are allowed: shorten it.")

    def _packed(self) -> Array:
        # One row a word (row 0: any other word), one bit a set: 5 MB for the lexicon of the package.
        self._row = len(self.first_member) // 8 + 1
        bits = np.zeros((len(self.words) + 1) * self._row, dtype=np.uint8)
        own = spread(np.diff(self.first_member))[0]
        np.bitwise_or.at(bits, self.member_words * self._row + (own >> 3), _BIT[own & 7])
        return bits

    def holds(self, codes: Array, sets: Array) -> Array:
        """Return whether each set holds the word of that code."""
        found: Array = self._bits[codes.astype(np.int64) * self._row + (sets >> 3)] & _BIT[sets & 7]
        return found > 0


def _kind(element: Element) -> int:
    if element.words:
        return OPTIONAL if element.optional else REQUIRED
    return ONE if element.gap == 1 else GAP

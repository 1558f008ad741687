"""Lexicon patterns as integer arrays, so that all of them can be looked for in all sentences of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.text.pattern import Element, Pattern
from disconnect_nlp.text.ragged import Array
from disconnect_nlp.text.tokens import Words, ids_of

NONE, REQUIRED, OPTIONAL, GAP, ONE = range(5)
LONGEST = 63  # tokens; reached lengths are kept as bits of one integer


class CompiledPatterns:
    """Patterns as a table with one row a pattern and one column an element.

    Attributes
    ----------
    words
        All words of all patterns.
    kind, element, gap
        What each element is, which set of words it is, how many free words it takes.
    least, most
        How many tokens stand before each element at least and at most; the last column counts all.
    """

    def __init__(self, patterns: Sequence[Pattern], names: Sequence[str]) -> None:
        sets = sorted({own.words for pattern in patterns for own in pattern.elements if own.words}, key=sorted)
        number = {own: i for i, own in enumerate(sets)}
        self.words = Words({word for own in sets for word in own})
        self.n_elements = len(sets)
        self.member_words, self.member_elements = self._members(sets)
        self._bits = self._packed()
        width = max((len(pattern.elements) for pattern in patterns), default=0)
        shape = (len(patterns), width)
        self.kind, self.element, self.gap = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for row, pattern in enumerate(patterns):
            for column, own in enumerate(pattern.elements):
                self.kind[row, column] = _kind(own)
                self.element[row, column] = number.get(own.words, 0)
                self.gap[row, column] = own.gap
        zero = np.zeros((len(patterns), 1), dtype=np.int64)
        fixed, free = np.isin(self.kind, (REQUIRED, ONE)), np.where(self.kind == OPTIONAL, 1, self.gap)
        self.least = np.hstack([zero, np.cumsum(fixed, axis=1)])
        self.most = np.hstack([zero, np.cumsum(np.where(fixed, 1, free), axis=1)])
        for name, longest in zip(names, self.most[:, -1].tolist(), strict=True):
            if longest > LONGEST:
                raise LexiconError(f"{name}: a pattern of up to {longest} words. {LONGEST} are allowed: shorten it.")

    def _members(self, sets: Sequence[frozenset[str]]) -> tuple[Array, Array]:
        """Word and element of every membership, by element."""
        norms = ids_of(word for own in sets for word in own)
        return self.words.codes(norms).astype(np.int64), np.repeat(np.arange(len(sets)), [len(own) for own in sets])

    def _packed(self) -> Array:
        """Membership as bits: one row a word (row 0: any other word), one bit an element."""
        self._row = self.n_elements // 8 + 1
        bits = np.zeros((len(self.words) + 1) * self._row, dtype=np.uint8)
        place = self.member_words * self._row + (self.member_elements >> 3)
        np.bitwise_or.at(bits, place, np.left_shift(1, self.member_elements & 7).astype(np.uint8))
        return bits

    def holds(self, codes: Array, elements: Array) -> Array:
        """Return whether each element holds the word of that code."""
        found = self._bits[codes.astype(np.int64) * self._row + (elements >> 3)]
        return ((found >> (elements & 7).astype(np.uint8)) & 1).astype(bool)


def _kind(element: Element) -> int:
    if element.words:
        return OPTIONAL if element.optional else REQUIRED
    return ONE if element.gap == 1 and not element.optional else GAP

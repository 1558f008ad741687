"""Where compiled patterns match in a batch of texts, over all patterns and all texts at once.

Every pattern is looked for where its rarest required word stands (rarest in the batch at hand), then only where its
other required words stand near enough, and at the few places that are left all ways to match it are followed at once:
bit ``d`` of an integer says that ``d`` tokens from its start can be matched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disconnect_nlp.text.compiled import GAP, ONE, OPTIONAL, REQUIRED, CompiledPatterns
from disconnect_nlp.text.ragged import Array, bounds_of, spread
from disconnect_nlp.text.tokens import PUNCT, SPACE, Tokens

_FIRST_BIT = np.uint64(1)


def search(patterns: CompiledPatterns, tokens: Tokens) -> tuple[Array, Array, Array]:
    """Return pattern, first token and end token of every match, overlapping ones too.

    No match crosses a sentence; free words are neither punctuation nor white space.
    """
    if not len(patterns.kind) or not len(tokens):
        return (np.empty(0, dtype=np.int64),) * 3
    at_hand = _Search(patterns, tokens)
    pattern, start = at_hand.beginnings(at_hand.candidates())
    which, length = _bits_of(at_hand.reached(pattern, start))
    return pattern[which], start[which], start[which] + length


@dataclass(frozen=True)
class _Candidates:
    """A pattern, a token, and the element of the pattern that holds the token's word."""

    pattern: Array
    position: Array
    element: Array

    def __getitem__(self, which: Array) -> _Candidates:
        return _Candidates(self.pattern[which], self.position[which], self.element[which])


class _Search:
    """The search in one batch. ``start`` and ``end`` are those of the sentence of each token."""

    def __init__(self, patterns: CompiledPatterns, tokens: Tokens) -> None:
        self.patterns = patterns
        self.codes = tokens.codes(patterns.words)
        self.start = tokens.sentences[tokens.sentence_of]
        self.end = tokens.sentences[tokens.sentence_of + 1]
        self.free = (tokens.marks & (PUNCT | SPACE)) == 0

    def candidates(self) -> _Candidates:
        """Return the tokens that hold the rarest required word of a pattern, with the other ones near."""
        found = self._anchored()
        for element in range(self._widest(found.pattern)):
            found = found[self._near(found, element)]
        return found

    def _widest(self, pattern: Array) -> int:
        return int(self.patterns.size[pattern].max(initial=0))

    def _anchored(self) -> _Candidates:
        own = self.patterns
        counts = np.bincount(self.codes, minlength=len(own.words) + 1)
        frequency = np.add.reduceat(counts[own.member_words], own.first_member[:-1])
        rarest = np.minimum.reduceat(frequency[own.required], own.first_required)
        possible = np.flatnonzero(rarest)
        sets = own.words_of[possible]
        element = ((own.kind[possible] == REQUIRED) & (frequency[sets] == rarest[possible, None])).argmax(axis=1)
        anchor = sets[np.arange(len(possible)), element]
        which, rank = spread(own.first_member[anchor + 1] - own.first_member[anchor])
        word = own.member_words[own.first_member[anchor[which]] + rank]
        again, rank = spread(counts[word])
        position = np.argsort(self.codes, kind="stable")[bounds_of(counts)[word[again]] + rank]
        return _Candidates(possible[which[again]], position, element[which[again]])

    def _near(self, found: _Candidates, element: int) -> Array:
        """Candidates that have their required element of this number within reach."""
        own = self.patterns
        asked = np.flatnonzero((own.kind[found.pattern, element] == REQUIRED) & (found.element != element))
        pattern, position, anchor = found.pattern[asked], found.position[asked], found.element[asked]
        least = own.least[pattern, element] - own.least[pattern, anchor]
        most = own.most[pattern, element] - own.most[pattern, anchor]
        first = np.maximum(position + np.minimum(least, most), self.start[position])
        last = np.minimum(position + np.maximum(least, most), self.end[position] - 1)
        which, rank = spread(np.maximum(last - first + 1, 0))
        fits = own.holds(self.codes[first[which] + rank], own.words_of[pattern[which], element])
        kept = np.ones(len(found.pattern), dtype=bool)
        kept[asked] = False
        kept[asked[which[fits]]] = True
        return np.flatnonzero(kept)

    def beginnings(self, found: _Candidates) -> tuple[Array, Array]:
        """Pattern and first token of all ways to lay a pattern over its candidates, each once."""
        least = self.patterns.least[found.pattern, found.element]
        which, rank = spread(self.patterns.most[found.pattern, found.element] - least + 1)
        start = found.position[which] - least[which] - rank
        inside = start >= self.start[found.position[which]]
        keys = np.unique(found.pattern[which[inside]] * len(self.codes) + start[inside])
        return np.divmod(keys, len(self.codes))

    def reached(self, pattern: Array, start: Array) -> Array:
        """Return the lengths over which each pattern matches from its start, as bits."""
        own = self.patterns
        reached = np.ones(len(pattern), dtype=np.uint64)
        room = self.end[start] - start
        which, distance = spread(np.minimum(own.most[pattern, -1], room))
        free = _as_bits(self.free[start[which] + distance], which, distance, len(pattern))
        for element in range(self._widest(pattern)):
            kind = own.kind[pattern, element]
            worded = np.flatnonzero((kind == REQUIRED) | (kind == OPTIONAL))
            fits = self._fitting(pattern[worded], start[worded], room[worded], element)
            stay = np.where(kind[worded] == OPTIONAL, reached[worded], np.uint64(0))
            reached[worded] = stay | ((reached[worded] & fits) << _FIRST_BIT)
            one = kind == ONE
            reached[one] = (reached[one] & free[one]) << _FIRST_BIT
            gap = np.where(kind == GAP, own.gap[pattern, element], 0)
            for width in range(int(gap.max(initial=0))):
                wide = gap > width
                reached[wide] |= (reached[wide] & free[wide]) << _FIRST_BIT
        return reached

    def _fitting(self, pattern: Array, start: Array, room: Array, element: int) -> Array:
        """Distances from the start at which a word of the element stands, as bits."""
        own = self.patterns
        least = own.least[pattern, element]
        which, rank = spread(np.maximum(np.minimum(own.most[pattern, element] + 1, room) - least, 0))
        distance = least[which] + rank
        fits = own.holds(self.codes[start[which] + distance], own.words_of[pattern[which], element])
        return _as_bits(fits, which, distance, len(pattern))


def _as_bits(flags: Array, owner: Array, distance: Array, size: int) -> Array:
    """Return for every owner the distances at which a flag is set, as bits."""
    bits = np.zeros(size, dtype=np.uint64)
    owner, distance = owner[flags], distance[flags]
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if len(first):
        bits[owner[first]] = np.bitwise_or.reduceat(_FIRST_BIT << distance.astype(np.uint64), first)
    return bits


def _bits_of(numbers: Array) -> tuple[Array, Array]:
    """Owner and place of every bit that is set."""
    some = np.flatnonzero(numbers)
    owner, place = np.nonzero((numbers[some, None] >> np.arange(64, dtype=np.uint64)) & _FIRST_BIT)
    return some[owner], place

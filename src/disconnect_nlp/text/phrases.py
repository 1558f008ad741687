"""Finds fixed phrases in all texts of a batch at once, by walking a trie from every token that may begin one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disconnect_nlp.text.ragged import Array, spread
from disconnect_nlp.text.tokens import Tokens, Words


@dataclass(frozen=True)
class Phrases:
    """Phrases found: first token, end token, number of the owner; by start, then length, then owner."""

    start: Array
    end: Array
    owner: Array

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, which: Array) -> Phrases:
        return Phrases(self.start[which], self.end[which], self.owner[which])


class PhraseFinder:
    """Finds phrases that are given as sequences of norms, each with the number of its owner.

    Parameters
    ----------
    phrases
        Norms and owner; a phrase may have several owners.
    words
        Numbers at least the words of the phrases.
    """

    def __init__(self, phrases: Sequence[tuple[Sequence[str], int]], words: Words) -> None:
        self._words = words
        self._width = len(words) + 1
        children: dict[tuple[int, int], int] = {}
        owners: list[list[int]] = [[]]
        numbers = words.codes_of(word for norms, _ in phrases for word in norms)
        for norms, owner in phrases:
            node = 0
            for _ in norms:
                step = (node, next(numbers))
                if step not in children:
                    children[step] = len(owners)
                    owners.append([])
                node = children[step]
            owners[node].append(owner)
        steps = sorted((node * self._width + code, child) for (node, code), child in children.items())
        self._steps, self._children = np.array(steps, dtype=np.int64).reshape(-1, 2).T
        self._sizes = np.array([len(own) for own in owners])
        self._first = np.cumsum(self._sizes) - self._sizes
        self._owners = np.array([owner for own in owners for owner in sorted(own)], dtype=np.int64)
        self._root = np.zeros(self._width, dtype=np.int64)
        for (node, code), child in children.items():
            if node == 0:
                self._root[code] = child

    def find(self, tokens: Tokens, texts: Array) -> Phrases:
        """Return all phrases in the texts for which ``texts`` is true, overlapping ones too."""
        codes = tokens.codes(self._words)
        node = self._root[codes] * np.repeat(texts, np.diff(tokens.bounds))
        start = np.flatnonzero(node)
        node = node[start]
        stop = tokens.bounds[1:][tokens.text_of(start)]
        parts = []
        length = 1
        while len(start):
            which, rank = spread(self._sizes[node])
            owner = self._owners[self._first[node[which]] + rank]
            parts.append((start[which], np.full(len(which), length), owner))
            inside = start + length < stop
            start, stop, node = start[inside], stop[inside], node[inside]
            step = node * self._width + codes[start + length]
            place = np.minimum(np.searchsorted(self._steps, step), len(self._steps) - 1)
            goes = self._steps[place] == step
            start, stop, node = start[goes], stop[goes], self._children[place[goes]]
            length += 1
        if not parts:
            none = np.empty(0, dtype=np.int64)
            return Phrases(none, none, none)
        first, lengths, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((owner, lengths, first))
        return Phrases(first[order], (first + lengths)[order], owner[order])

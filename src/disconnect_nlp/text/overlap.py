"""Of overlapping spans the best stays: greedy choice over a whole batch, linear in the spans and their length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disconnect_nlp.text.ragged import Array


def choose(group: Array, start: Array, end: Array, order: Sequence[Array]) -> Array:
    """Return the numbers of the spans that stay: each the best of those of its group that it overlaps.

    Spans are taken by ``order`` (first key first, ascending); one that overlaps a span of its group that was
    taken before is left.

    Examples
    --------
    >>> start, end = np.array([0, 2, 7]), np.array([3, 6, 8])
    >>> choose(np.zeros(3, dtype=int), start, end, [start - end]).tolist()   # the longest first
    [1, 2]
    """
    if not len(start):
        return np.empty(0, dtype=np.int64)
    width = int(end.max()) + 1
    low, high = group * width + start, group * width + end
    by_place = np.argsort(low, kind="stable")
    reach = np.maximum.accumulate(high[by_place])
    fresh = np.append(True, low[by_place][1:] >= reach[:-1])  # overlaps nothing to its left
    cluster = np.empty(len(start), dtype=np.int64)
    cluster[by_place] = np.cumsum(fresh) - 1
    alone = np.bincount(cluster)[cluster] == 1
    crowd = np.flatnonzero(~alone)
    ranked = crowd[np.lexsort([key[crowd] for key in reversed(order)])]
    kept = np.flatnonzero(alone).tolist() + _greedy(ranked, low, high)
    return np.sort(np.array(kept, dtype=np.int64))


def _greedy(ranked: Array, low: Array, high: Array) -> list[int]:
    taken: set[int] = set()
    kept = []
    for number, first, last in zip(ranked.tolist(), low[ranked].tolist(), high[ranked].tolist(), strict=True):
        if taken.isdisjoint(range(first, last)):
            taken.update(range(first, last))
            kept.append(number)
    return kept

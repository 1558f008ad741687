"""Lists of different lengths in flat arrays: the one trick behind everything that runs over a whole batch at once."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def spread(counts: Array) -> tuple[Array, Array]:
    """Return owner and rank of every item when list ``i`` holds ``counts[i]`` items.

    Examples
    --------
    >>> owner, rank = spread(np.array([2, 0, 3]))
    >>> owner.tolist(), rank.tolist()
    ([0, 0, 2, 2, 2], [0, 1, 0, 1, 2])
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - first[owner]


def bounds_of(counts: Array) -> Array:
    """Return where each list begins, and where the last one ends: shape ``(n + 1,)``."""
    return np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))


def running(flags: Array) -> Array:
    """Return how many flags are set before each position, shape ``(n + 1,)``; a difference counts those between."""
    return np.concatenate(([0], np.cumsum(flags, dtype=np.int64)))

"""From token ids to a matrix of hashed n-grams, on spaCy's integer arrays.

Nothing is tokenised twice and no vocabulary is stored: n-grams are hashed from token ids, so a matrix (and a model
over it) keeps no words of the texts it was fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

Array = np.ndarray

# Odd 64-bit multipliers (splitmix64, Steele et al. 2014) that spread token ids before they are combined.
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True)
class Passages:
    """Token ids of many passages, one after the other.

    Attributes
    ----------
    ids
        Ids of all tokens, of whatever is counted, shape ``(n_tokens,)``, dtype uint64.
    bounds
        Passage ``i`` holds tokens ``bounds[i]`` to ``bounds[i + 1]``, shape ``(n_passages + 1,)``.
    """

    ids: Array
    bounds: Array

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def rows(self) -> Array:
        """Passage number of every token."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    @classmethod
    def join(cls, arrays: Sequence[Array]) -> Passages:
        """Put token-id arrays one after the other."""
        lengths = np.fromiter((len(array) for array in arrays), dtype=np.int64, count=len(arrays))
        ids = np.concatenate(arrays) if len(arrays) else np.empty(0, dtype=np.uint64)
        return cls(ids.astype(np.uint64), np.concatenate(([0], np.cumsum(lengths))))


UNIGRAMS, BIGRAMS, SKIPGRAMS = range(3)
"""Kinds of n-grams, by the distance from first to last token; skip-grams leave out the token between."""


@dataclass(frozen=True)
class NGrams:
    """Hashed n-grams, a row a kind.

    Attributes
    ----------
    kinds
        Of which kind each row is, ascending.
    columns
        Column of the n-gram that begins at each token, shape ``(n_kinds, n_tokens)``.
    valid
        Whether it ends in the same passage, same shape.
    """

    kinds: tuple[int, ...]
    columns: Array
    valid: Array


def hash_ngrams(passages: Passages, *, bits: int, kinds: tuple[int, ...] = (UNIGRAMS, BIGRAMS, SKIPGRAMS)) -> NGrams:
    """Return all n-grams of these kinds, hashed to ``2**bits`` columns.

    Examples
    --------
    >>> ids = Passages.join([np.array([11, 12, 13], dtype=np.uint64)])
    >>> hash_ngrams(ids, bits=10).valid.sum(axis=1).tolist()   # 3 unigrams, 2 bigrams, 1 skip-gram
    [3, 2, 1]
    """
    ids, rows = passages.ids, passages.rows
    columns = np.zeros((len(kinds), len(ids)), dtype=np.int32)
    valid = np.zeros((len(kinds), len(ids)), dtype=bool)
    first = ids * np.uint64(_MIX[0])
    for row, distance in enumerate(kinds):
        begins = slice(0, max(0, len(ids) - distance))
        hashed = first[begins]
        if distance:
            hashed = (hashed << np.uint64(1)) ^ (ids[distance:] * np.uint64(_MIX[distance]))
        columns[row, begins] = _finish(hashed, bits)
        valid[row, begins] = rows[begins] == rows[distance:]
    return NGrams(kinds, columns, valid)


def _finish(values: Array, bits: int) -> Array:
    values = values ^ (values >> np.uint64(31))
    values *= np.uint64(_MIX[1])
    values >>= np.uint64(64 - bits)
    return values.astype(np.int32)


def ngram_keys(ngrams: NGrams, passages: Passages, *, bits: int) -> Array:
    """Return passage and column of every n-gram in one number, shape ``(n_kinds, n_tokens)``."""
    keys: Array = (passages.rows << bits) | ngrams.columns
    return keys


def count_matrix(ngrams: NGrams, passages: Passages, *, bits: int) -> sparse.csr_matrix:
    """Return dampened counts ``1 + ln(count)``, shape ``(n_passages, 2**bits)``, dtype float32, columns sorted."""
    keys = ngram_keys(ngrams, passages, bits=bits)[ngrams.valid]
    keys.sort()
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, dtype=np.int64)
    counts = np.diff(first, append=len(keys)).astype(np.float32)
    distinct = keys[first]
    bounds = np.searchsorted(distinct, np.arange(len(passages) + 1) << bits)
    columns = (distinct & ((1 << bits) - 1)).astype(np.int32)
    return sparse.csr_matrix((1 + np.log(counts), columns, bounds), shape=(len(passages), 1 << bits))

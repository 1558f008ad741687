"""From Docs to a feature matrix: hashed n-grams, mean word vectors and lexicon matches, from spaCy's integer arrays.

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
    norms
        spaCy NORM ids of all tokens, shape ``(n_tokens,)``, dtype uint64.
    bounds
        Passage ``i`` holds tokens ``bounds[i]`` to ``bounds[i + 1]``, shape ``(n_passages + 1,)``.
    """

    norms: Array
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
        norms = np.concatenate(arrays) if len(arrays) else np.empty(0, dtype=np.uint64)
        return cls(norms.astype(np.uint64), np.concatenate(([0], np.cumsum(lengths))))


@dataclass(frozen=True)
class NGrams:
    """Occurrences of hashed n-grams: which column, in which passage, over which tokens."""

    columns: Array
    rows: Array
    first: Array
    """Number of the first token, counted over all passages."""
    last: Array
    """Number of the last token, inclusive."""


def hash_ngrams(passages: Passages, *, bits: int) -> NGrams:
    """Return all unigrams, bigrams and one-gap skip-grams, hashed to ``2**bits`` columns.

    Examples
    --------
    >>> ids = Passages.join([np.array([11, 12, 13], dtype=np.uint64)])
    >>> len(hash_ngrams(ids, bits=10).columns)   # 3 unigrams, 2 bigrams, 1 skip-gram
    6
    """
    norms, rows = passages.norms, passages.rows
    tokens = np.arange(len(norms))
    shift = np.uint64(64 - bits)
    mixed = [norms * np.uint64(factor) for factor in _MIX]
    parts = [(_finish(mixed[0], shift), tokens, tokens)]
    for distance, second in ((1, mixed[1]), (2, mixed[2])):
        together = np.flatnonzero(rows[:-distance] == rows[distance:]) if len(rows) > distance else tokens[:0]
        combined = (mixed[0][together] << np.uint64(1)) ^ second[together + distance]
        parts.append((_finish(combined, shift), together, together + distance))
    columns, first, last = (np.concatenate(part) for part in zip(*parts, strict=True))
    return NGrams(columns, rows[first], first, last)


def _finish(values: Array, shift: np.uint64) -> Array:
    values = values ^ (values >> np.uint64(31))
    return ((values * np.uint64(_MIX[1])) >> shift).astype(np.int64)


def count_matrix(ngrams: NGrams, n_passages: int, *, bits: int) -> sparse.csr_matrix:
    """Return dampened counts ``1 + ln(count)``, shape ``(n_passages, 2**bits)``, dtype float32."""
    ones = np.ones(len(ngrams.columns), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, (ngrams.rows, ngrams.columns)), shape=(n_passages, 1 << bits))
    matrix.sum_duplicates()
    matrix.data = 1 + np.log(matrix.data)
    return matrix


@dataclass(frozen=True)
class WordVectors:
    """Static word vectors looked up by spaCy NORM id.

    Attributes
    ----------
    ids
        Sorted NORM ids, shape ``(n_words,)``, dtype uint64.
    vectors
        One row a word, shape ``(n_words, n_dimensions)``.
    """

    ids: Array
    vectors: Array

    def rows_of(self, norms: Array) -> Array:
        """Return the row of every id, or -1 where the word has no vector."""
        place = np.minimum(np.searchsorted(self.ids, norms), len(self.ids) - 1)
        return np.where(self.ids[place] == norms, place, -1)

    def means(self, passages: Passages) -> Array:
        """Return the mean vector of each passage's known words, shape ``(n_passages, n_dimensions)``; 0 if none."""
        rows = self.rows_of(passages.norms)
        known = np.flatnonzero(rows >= 0)
        shape = (len(passages), len(self.ids))
        ones = np.ones(len(known), dtype=np.float32)
        counts = sparse.csr_matrix((ones, (passages.rows[known], rows[known])), shape=shape)
        totals = np.asarray(counts.sum(axis=1)).ravel()
        means: Array = np.asarray(counts @ self.vectors.astype(np.float32)) / np.maximum(totals, 1)[:, None]
        return means

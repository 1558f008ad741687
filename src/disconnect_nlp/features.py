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
    """Hashed n-grams by distance: row 0 holds the unigrams, row 1 the bigrams, row 2 the one-gap skip-grams.

    Attributes
    ----------
    columns
        Column of the n-gram that begins at each token, shape ``(3, n_tokens)``.
    valid
        Whether it ends in the same passage, same shape.
    """

    columns: Array
    valid: Array


def hash_ngrams(passages: Passages, *, bits: int) -> NGrams:
    """Return all unigrams, bigrams and one-gap skip-grams, hashed to ``2**bits`` columns.

    Examples
    --------
    >>> ids = Passages.join([np.array([11, 12, 13], dtype=np.uint64)])
    >>> hash_ngrams(ids, bits=10).valid.sum(axis=1).tolist()   # 3 unigrams, 2 bigrams, 1 skip-gram
    [3, 2, 1]
    """
    norms, rows = passages.norms, passages.rows
    columns = np.zeros((3, len(norms)), dtype=np.int32)
    valid = np.zeros((3, len(norms)), dtype=bool)
    first = norms * np.uint64(_MIX[0])
    columns[0], valid[0] = _finish(first, bits), True
    first <<= np.uint64(1)
    for distance in (1, 2):
        second = norms[distance:] * np.uint64(_MIX[distance])
        columns[distance, :-distance] = _finish(first[:-distance] ^ second, bits)
        valid[distance, :-distance] = rows[:-distance] == rows[distance:]
    return NGrams(columns, valid)


def _finish(values: Array, bits: int) -> Array:
    values = values ^ (values >> np.uint64(31))
    values *= np.uint64(_MIX[1])
    values >>= np.uint64(64 - bits)
    return values.astype(np.int32)


def ngram_keys(ngrams: NGrams, passages: Passages, *, bits: int) -> Array:
    """Return passage and column of every n-gram in one number, shape ``(3, n_tokens)``."""
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

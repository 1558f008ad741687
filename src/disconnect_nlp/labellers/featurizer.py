"""Windows to the classifier's features, and contributions back to tokens.

Three blocks side by side: hashed n-grams (tf-idf, unit length at most), mean word vector (unit length, optional),
lexicon matches (affirmed and cancelled, two columns a label). All are linear in the tokens, so a decision can be taken
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from disconnect_nlp.features import NGrams, Passages, WordVectors, count_matrix, hash_ngrams, ngram_keys
from disconnect_nlp.labellers.lexical import Matches, MatchFinder
from disconnect_nlp.labellers.windows import Window, Windows, windows_in_docs
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.ragged import Array, bounds_of, spread

# Matches are dense and n-grams sparse: unscaled, the penalty would all but spare matches and let them decide alone.
# Chosen by transfer to real passages (data/README.md, log).
_LEXICON_SCALE = 0.1

# Added to the squared length of a row of tf-idf: at unit length a text of two words would speak as loudly as one of
# fifty. Three words or so.
_SHORT = 300.0


@dataclass(frozen=True, eq=False)
class Features:
    """The blocks of the windows of a batch.

    Attributes
    ----------
    passages, ngrams
        Tokens and n-grams of the windows.
    tfidf
        Shape ``(n_windows, 2**bits)``.
    vectors
        Shape ``(n_windows, n_dimensions)``, or none.
    lexicon
        Shape ``(n_windows, 2 * n_labels)``.
    strongest
        Window, column and number of the match of every value in ``lexicon``, in the order of its data.
    """

    passages: Passages
    ngrams: NGrams
    tfidf: sparse.csr_matrix
    vectors: Array | None
    lexicon: sparse.csr_matrix
    strongest: tuple[Array, Array, Array]

    def joined(self) -> sparse.csr_matrix:
        """Return all blocks as one matrix, dtype float32."""
        vectors = [] if self.vectors is None else [sparse.csr_matrix(self.vectors)]
        return sparse.hstack([self.tfidf, *vectors, self.lexicon], format="csr", dtype=np.float32)

    def __matmul__(self, coefficients: Array) -> Array:
        """Return what ``joined() @ coefficients`` returns, without the copy."""
        ngram_rows, lexicon_rows = self.tfidf.shape[1], self.lexicon.shape[1]
        product: Array = self.tfidf @ coefficients[:ngram_rows] + self.lexicon @ coefficients[-lexicon_rows:]
        if self.vectors is not None:
            product += self.vectors @ coefficients[ngram_rows:-lexicon_rows]
        return product


class Featurizer:
    """Builds features for windows.

    Parameters
    ----------
    taxonomy
        Labels of the lexicon block.
    matches
        Finds lexicon matches.
    bits
        n-grams are hashed to ``2**bits`` columns.
    vectors
        Word vectors, or none.
    """

    def __init__(
        self, taxonomy: Taxonomy, matches: MatchFinder, *, bits: int, vectors: WordVectors | None = None
    ) -> None:
        self.taxonomy = taxonomy
        self.matches = matches
        self.bits = bits
        self.vectors = vectors
        self.idf: Array = np.ones(1 << bits, dtype=np.float32)

    @property
    def width(self) -> int:
        """Number of columns."""
        dimensions = 0 if self.vectors is None else self.vectors.vectors.shape[1]
        return (1 << self.bits) + dimensions + 2 * len(self.taxonomy.ids)

    def fit(self, windows: Windows) -> Featurizer:
        """Learn inverse document frequencies, ``ln((1 + n) / (1 + df)) + 1``; return self."""
        passages = _passages(windows)
        counts = count_matrix(hash_ngrams(passages, bits=self.bits), passages, bits=self.bits)
        frequency = np.bincount(counts.indices, minlength=1 << self.bits)
        self.idf = (np.log((1 + len(windows)) / (1 + frequency)) + 1).astype(np.float32)
        return self

    def transform(self, windows: Windows | Sequence[Window]) -> sparse.csr_matrix:
        """Return features, shape ``(n_windows, width)``, dtype float32."""
        windows = windows if isinstance(windows, Windows) else windows_in_docs(windows)
        return self.features(windows, self.matches.find(windows.tokens)).joined()

    def features(self, windows: Windows, matches: Matches) -> Features:
        """Return the blocks; ``matches`` are those of the tokens of the windows."""
        passages = _passages(windows)
        ngrams = hash_ngrams(passages, bits=self.bits)
        tfidf = self._tfidf(count_matrix(ngrams, passages, bits=self.bits))
        vectors = None if self.vectors is None else _unit(self.vectors.means(passages))
        strongest = self._strongest(windows, matches)
        window, column, number = strongest
        values = (_LEXICON_SCALE * matches.weight[number]).astype(np.float32)
        shape = (len(windows), 2 * len(self.taxonomy.ids))
        lexicon = sparse.csr_matrix((values, (window, column)), shape=shape)
        return Features(passages, ngrams, tfidf, vectors, lexicon, strongest)

    def _tfidf(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        counts.data *= self.idf[counts.indices]
        squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
        counts.data /= np.repeat(np.sqrt(squares + _SHORT), np.diff(counts.indptr))
        return counts

    def _strongest(self, windows: Windows, matches: Matches) -> tuple[Array, Array, Array]:
        """Window, column and number of the matches that count: of each window and column the strongest, then first."""
        window = windows.holding(matches.spans.start, matches.spans.end)
        number = np.flatnonzero(window >= 0)
        number = number[np.lexsort((-matches.weight[number], window[number]))]
        window, column = window[number], 2 * matches.label[number] + ~matches.counts[number]
        key = window * (2 * len(self.taxonomy.ids)) + column
        first = np.unique(key, return_index=True)[1]
        return window[first], column[first], number[first]

    def token_contributions(self, window: Window, coefficients: Array, columns: Sequence[int]) -> Array:
        """Return what each token adds to ``features @ coefficients[:, columns]``, shape ``(n_tokens, n_columns)``.

        The columns sum to the decision of the window without its intercept. An n-gram's share is split evenly
        over its tokens, a lexicon match's over the tokens it covers.

        Parameters
        ----------
        coefficients
            Shape ``(width, n_labels)``.
        columns
            The labels wanted.
        """
        windows = windows_in_docs([window])
        matches = self.matches.find(windows.tokens)
        features = self.features(windows, matches)
        pairs = np.zeros(len(columns), dtype=np.int64), np.array(columns, dtype=np.int64)
        return self.contributions(windows, matches, features, coefficients, *pairs).reshape(len(columns), -1).T

    def contributions(
        self, windows: Windows, matches: Matches, features: Features, coefficients: Array, window: Array, column: Array
    ) -> Array:
        """Return what each token of a window adds to a column, for pairs of both, pair by pair in one flat array."""
        sizes = windows.sizes[window]
        pair, rank = spread(sizes)
        token = features.passages.bounds[window][pair] + rank
        label = column[pair]
        out = self._ngram_contributions(features, coefficients, token, label)
        if self.vectors is not None:
            end = (1 << self.bits) + self.vectors.vectors.shape[1]
            out += self._vector_contributions(features.passages, coefficients[1 << self.bits : end], token, label)
        self._add_lexicon(out, windows, matches, features, coefficients, window, column, bounds_of(sizes)[:-1])
        return out

    def _ngram_contributions(self, features: Features, coefficients: Array, token: Array, label: Array) -> Array:
        shares = self._shares(features)
        out = np.zeros(len(token))
        for distance in range(3):
            share = shares[distance, token] * coefficients[features.ngrams.columns[distance, token], label] / 2
            out += share
            out[distance:] += share[: len(out) - distance]  # an n-gram that would leave its window has no share
        return out

    def _shares(self, features: Features) -> Array:
        """Weight of every single n-gram: that of its column, divided by how often it is there."""
        keys = ngram_keys(features.ngrams, features.passages, bits=self.bits)
        tfidf = features.tfidf
        owner = np.repeat(np.arange(tfidf.shape[0]), np.diff(tfidf.indptr))
        distinct = (owner << self.bits) | tfidf.indices
        shares = np.zeros(keys.shape)
        valid = features.ngrams.valid
        place = np.searchsorted(distinct, keys[valid])
        shares[valid] = (tfidf.data / np.bincount(place, minlength=len(distinct)))[place]
        return shares

    def _vector_contributions(self, passages: Passages, coefficients: Array, token: Array, label: Array) -> Array:
        assert self.vectors is not None
        rows = self.vectors.rows_of(passages.norms)
        known = rows >= 0
        total = np.maximum(np.bincount(passages.rows, known, minlength=len(passages)), 1)
        length = np.maximum(np.linalg.norm(self.vectors.means(passages), axis=1), 1e-12)
        scale = np.where(known, 1 / (total * length)[passages.rows], 0)
        vectors = self.vectors.vectors[rows[token]].astype(np.float64)
        out: Array = np.einsum("ij,ij->i", vectors, coefficients.T[label]) * scale[token]
        return out

    def _add_lexicon(
        self,
        out: Array,
        windows: Windows,
        matches: Matches,
        features: Features,
        coefficients: Array,
        window: Array,
        column: Array,
        base: Array,
    ) -> None:
        """Spread the contribution of every lexicon match over its tokens; pair ``i`` stands in ``out[base[i]:]``."""
        held, own, number = features.strongest  # in order of window
        counts = np.bincount(held, minlength=len(windows))
        pair, rank = spread(counts[window])
        item = bounds_of(counts)[window[pair]] + rank
        start, size = matches.spans.start[number[item]], (matches.spans.end - matches.spans.start)[number[item]]
        rows = coefficients.shape[0] - 2 * len(self.taxonomy.ids) + own[item]
        value = features.lexicon.data[item] * coefficients[rows, column[pair]] / size.astype(np.float32)
        which, step = spread(size)
        np.add.at(out, base[pair[which]] + (start - windows.first[window[pair]])[which] + step, value[which])


def _passages(windows: Windows) -> Passages:
    return Passages(windows.tokens.norms[windows.positions], bounds_of(windows.sizes))


def _unit(rows: Array) -> Array:
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit

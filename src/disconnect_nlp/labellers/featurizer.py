"""Docs to the classifier's feature matrix, and contributions back to tokens.

Three blocks side by side: hashed n-grams (tf-idf, unit length at most), mean word vector (unit length, optional),
lexicon matches (affirmed and cancelled, two columns a label). All are linear in the tokens, so a decision can be taken
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from spacy.attrs import NORM
from spacy.tokens import Doc

from disconnect_nlp.features import NGrams, Passages, WordVectors, count_matrix, hash_ngrams
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.matcher import Match

Array = np.ndarray
Window = tuple[Doc, int, int]  # a Doc and a token range in it

# Matches are dense and n-grams sparse: unscaled, the penalty would all but spare matches and let them decide alone.
# Chosen by transfer to real passages (data/README.md, log).
_LEXICON_SCALE = 0.1

# Added to the squared length of a row of tf-idf: at unit length a text of two words would speak as loudly as one of
# fifty. Three words or so.
_SHORT = 300.0


@dataclass(frozen=True)
class _Parsed:
    passages: Passages
    ngrams: NGrams
    counts: sparse.csr_matrix


class Featurizer:
    """Builds features for windows of Docs.

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

    def fit(self, windows: Sequence[Window]) -> Featurizer:
        """Learn inverse document frequencies, ``ln((1 + n) / (1 + df)) + 1``; return self."""
        counts = self._parse(windows).counts
        frequency = np.bincount(counts.indices, minlength=1 << self.bits)
        self.idf = (np.log((1 + len(windows)) / (1 + frequency)) + 1).astype(np.float32)
        return self

    def transform(self, windows: Sequence[Window]) -> sparse.csr_matrix:
        """Return features, shape ``(n_windows, width)``, dtype float32."""
        parsed = self._parse(windows)
        blocks = [self._tfidf(parsed)]
        if self.vectors is not None:
            blocks.append(sparse.csr_matrix(_unit(self.vectors.means(parsed.passages))))
        blocks.append(self._lexicon(windows))
        return sparse.hstack(blocks, format="csr", dtype=np.float32)

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
        parsed = self._parse([window])
        ngram_rows = 1 << self.bits
        out = self._ngram_contributions(parsed, coefficients, columns)
        if self.vectors is not None:
            end = ngram_rows + self.vectors.vectors.shape[1]
            out += self._vector_contributions(parsed.passages, coefficients[ngram_rows:end, columns])
        lexicon = coefficients[-2 * len(self.taxonomy.ids) :, columns]
        _, start, _ = window
        for column, value, match in self._lexicon_values(window, self.matches(window[0])):
            out[match.start - start : match.end - start] += value * lexicon[column] / (match.end - match.start)
        return out

    def _parse(self, windows: Sequence[Window]) -> _Parsed:
        passages = Passages.join([_norms(window) for window in windows])
        ngrams = hash_ngrams(passages, bits=self.bits)
        return _Parsed(passages, ngrams, count_matrix(ngrams, len(passages), bits=self.bits))

    def _tfidf(self, parsed: _Parsed) -> sparse.csr_matrix:
        weighted = parsed.counts.copy()
        weighted.data *= self.idf[weighted.indices]
        lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel() + _SHORT)
        weighted.data /= np.repeat(lengths, np.diff(weighted.indptr))
        return weighted

    def _lexicon(self, windows: Sequence[Window]) -> sparse.csr_matrix:
        rows, columns, values = [], [], []
        matches = self.matches.find_all([doc for doc, _, _ in windows])
        for row, (window, own) in enumerate(zip(windows, matches, strict=True)):
            for column, value, _ in self._lexicon_values(window, own):
                rows.append(row)
                columns.append(column)
                values.append(value)
        shape = (len(windows), 2 * len(self.taxonomy.ids))
        return sparse.csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float32)

    def _lexicon_values(self, window: Window, matches: Sequence[Match]) -> list[tuple[int, float, Match]]:
        """Column, value and match: of each column the strongest match counts."""
        best: dict[int, tuple[int, float, Match]] = {}
        _, start, end = window
        for match in matches:
            if start <= match.start and match.end <= end:
                cancelled = match.status not in self.taxonomy.counting[match.label]
                column = 2 * self.taxonomy.index[match.label] + cancelled
                if column not in best or best[column][2].weight < match.weight:
                    best[column] = (column, _LEXICON_SCALE * match.weight, match)
        return list(best.values())

    def _ngram_contributions(self, parsed: _Parsed, coefficients: Array, columns: Sequence[int]) -> Array:
        grams = parsed.ngrams
        out = np.zeros((len(parsed.passages.norms), len(columns)))
        if len(grams.columns):
            found, place, counts = np.unique(grams.columns, return_inverse=True, return_counts=True)
            weights = self._tfidf(parsed)  # one row, its columns sorted like ``found``
            weights.sort_indices()
            share = (weights.data / counts)[:, None] * coefficients[found][:, columns] / 2
            np.add.at(out, grams.first, share[place])
            np.add.at(out, grams.last, share[place])
        return out

    def _vector_contributions(self, passages: Passages, coefficients: Array) -> Array:
        assert self.vectors is not None
        out = np.zeros((len(passages.norms), coefficients.shape[1]))
        rows = self.vectors.rows_of(passages.norms)
        known = np.flatnonzero(rows >= 0)
        if len(known):
            vectors = self.vectors.vectors[rows[known]].astype(np.float64)
            length = max(float(np.linalg.norm(vectors.mean(axis=0))), 1e-12)
            out[known] = vectors @ coefficients / (len(known) * length)
        return out


def _norms(window: Window) -> Array:
    doc, start, end = window
    norms: Array = doc.to_array([NORM])[start:end]
    return norms


def _unit(rows: Array) -> Array:
    unit: Array = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit

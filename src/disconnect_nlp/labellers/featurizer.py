"""Windows to the classifier's features, and contributions back to tokens.

Three views of the tokens side by side, each as hashed n-grams (tf-idf, unit length at most): words; their base forms;
words with the status that a match on them would have, so that "not useless" and "useless" differ. Beside them lexicon
matches (affirmed and cancelled, two columns a label). All are linear in the tokens, so a decision can be taken apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from disconnect_nlp.features import (
    BIGRAMS,
    SKIPGRAMS,
    UNIGRAMS,
    NGrams,
    Passages,
    count_matrix,
    hash_ngrams,
    ngram_keys,
)
from disconnect_nlp.labellers.lexical import Matches, MatchFinder
from disconnect_nlp.labellers.windows import Window, Windows, windows_in_docs
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.lemmas import load_lemmas
from disconnect_nlp.text.ragged import Array, bounds_of, spread
from disconnect_nlp.text.tokens import Tokens

# Matches are dense and n-grams sparse: unscaled, the penalty would all but spare matches and let them decide alone.
# Chosen by transfer to real passages (data/README.md, log).
_LEXICON_SCALE = 0.1

# Added to the squared length of a row of tf-idf: at unit length a text of two words would speak as loudly as one of
# fifty. Three words or so.
_SHORT = 300.0

# Odd 64-bit multiplier that tells one word under several statuses apart (splitmix64, Steele et al. 2014).
_BY_STATUS = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class View:
    """Which n-grams are counted of one way to look at tokens, in ``2**bits`` columns from ``first`` on."""

    kinds: tuple[int, ...]
    bits: int
    first: int

    @property
    def columns(self) -> slice:
        """Its columns among all features."""
        return slice(self.first, self.first + (1 << self.bits))


def views(bits: int) -> tuple[View, View, View]:
    """Return the views of words (in ``2**bits`` columns), of base forms and of words with their status (half each).

    Examples
    --------
    >>> [view.columns for view in views(4)]
    [slice(0, 16, None), slice(16, 24, None), slice(24, 32, None)]
    """
    pairs = (UNIGRAMS, BIGRAMS)
    return (
        View((*pairs, SKIPGRAMS), bits, 0),
        View(pairs, bits - 1, 1 << bits),
        View(pairs, bits - 1, (1 << bits) + (1 << bits - 1)),
    )


@dataclass(frozen=True, eq=False)
class Found:
    """What a batch of texts holds beside its words.

    Attributes
    ----------
    matches
        Lexicon matches.
    status
        The number in ``STATUSES`` that a match on each token alone would have, shape ``(n_tokens,)``.
    """

    matches: Matches
    status: Array


@dataclass(frozen=True, eq=False)
class Block:
    """The n-grams of the windows of a batch in one view, and their weights, shape ``(n_windows, 2**bits)``."""

    view: View
    passages: Passages
    ngrams: NGrams
    tfidf: sparse.csr_matrix

    def shares(self) -> Array:
        """Return the weight of every single n-gram: that of its column, divided by how often it is there."""
        bits = self.view.bits
        keys = ngram_keys(self.ngrams, self.passages, bits=bits)
        owner = np.repeat(np.arange(self.tfidf.shape[0]), np.diff(self.tfidf.indptr))
        distinct = (owner << bits) | self.tfidf.indices
        shares = np.zeros(keys.shape)
        place = np.searchsorted(distinct, keys[self.ngrams.valid])
        shares[self.ngrams.valid] = (self.tfidf.data / np.bincount(place, minlength=len(distinct)))[place]
        return shares

    def add_contributions(self, out: Array, coefficients: Array, token: Array, label: Array) -> None:
        """Add to ``out`` what each token adds to a label; an n-gram's share is split over its first and last token."""
        shares = self.shares()
        for row, distance in enumerate(self.ngrams.kinds):
            column = self.view.first + self.ngrams.columns[row, token]
            share = shares[row, token] * coefficients[column, label] / 2
            out += share
            out[distance:] += share[: len(out) - distance]  # an n-gram that would leave its window has no share


@dataclass(frozen=True, eq=False)
class Features:
    """The features of the windows of a batch.

    Attributes
    ----------
    passages
        Tokens of the windows.
    blocks
        n-grams, view by view.
    lexicon
        Shape ``(n_windows, 2 * n_labels)``.
    strongest
        Window, column and number of the match of every value in ``lexicon``, in the order of its data.
    """

    passages: Passages
    blocks: Sequence[Block]
    lexicon: sparse.csr_matrix
    strongest: tuple[Array, Array, Array]

    def joined(self) -> sparse.csr_matrix:
        """Return everything as one matrix, dtype float32."""
        return sparse.hstack([*(block.tfidf for block in self.blocks), self.lexicon], format="csr", dtype=np.float32)

    def __matmul__(self, coefficients: Array) -> Array:
        """Return what ``joined() @ coefficients`` returns, without the copy."""
        product: Array = self.lexicon @ coefficients[-self.lexicon.shape[1] :]
        for block in self.blocks:
            product += block.tfidf @ coefficients[block.view.columns]
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
        See :func:`views`.
    """

    def __init__(self, taxonomy: Taxonomy, matches: MatchFinder, *, bits: int) -> None:
        self.taxonomy = taxonomy
        self.matches = matches
        self.views = views(bits)
        self.lemmas = load_lemmas()
        self.idf: Array = np.ones(self.views[-1].columns.stop, dtype=np.float32)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.idf) + 2 * len(self.taxonomy.ids)

    def find(self, tokens: Tokens) -> Found:
        """Return the matches of all texts, and the status of every token."""
        return Found(self.matches.find(tokens), self.matches.assertion.status_of_tokens(tokens))

    def fit(self, windows: Windows) -> Featurizer:
        """Learn inverse document frequencies, ``ln((1 + n) / (1 + df)) + 1``; return self."""
        for view, passages in zip(self.views, self._seen(windows, self.find(windows.tokens)), strict=True):
            counts = count_matrix(hash_ngrams(passages, bits=view.bits, kinds=view.kinds), passages, bits=view.bits)
            frequency = np.bincount(counts.indices, minlength=1 << view.bits)
            self.idf[view.columns] = np.log((1 + len(windows)) / (1 + frequency)) + 1
        return self

    def transform(self, windows: Windows | Sequence[Window]) -> sparse.csr_matrix:
        """Return features, shape ``(n_windows, width)``, dtype float32."""
        windows = windows if isinstance(windows, Windows) else windows_in_docs(windows)
        return self.features(windows, self.find(windows.tokens)).joined()

    def features(self, windows: Windows, found: Found) -> Features:
        """Return the features; ``found`` is what the tokens of the windows hold."""
        seen = self._seen(windows, found)
        blocks = [self._block(view, passages) for view, passages in zip(self.views, seen, strict=True)]
        strongest = self._strongest(windows, found.matches)
        window, column, number = strongest
        values = (_LEXICON_SCALE * found.matches.weight[number]).astype(np.float32)
        shape = (len(windows), 2 * len(self.taxonomy.ids))
        lexicon = sparse.csr_matrix((values, (window, column)), shape=shape)
        return Features(seen[0], blocks, lexicon, strongest)

    def _seen(self, windows: Windows, found: Found) -> tuple[Passages, ...]:
        """Return the tokens of the windows as each view sees them."""
        tokens, positions, bounds = windows.tokens, windows.positions, bounds_of(windows.sizes)
        with_status = tokens.norms ^ (found.status * _BY_STATUS)
        return tuple(Passages(ids[positions], bounds) for ids in (tokens.norms, self.lemmas.ids(tokens), with_status))

    def _block(self, view: View, passages: Passages) -> Block:
        ngrams = hash_ngrams(passages, bits=view.bits, kinds=view.kinds)
        counts = count_matrix(ngrams, passages, bits=view.bits)
        counts.data *= self.idf[view.columns][counts.indices]
        squares = np.asarray(counts.multiply(counts).sum(axis=1)).ravel()
        counts.data /= np.repeat(np.sqrt(squares + _SHORT), np.diff(counts.indptr))
        return Block(view, passages, ngrams, counts)

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
        found = self.find(windows.tokens)
        features = self.features(windows, found)
        pairs = np.zeros(len(columns), dtype=np.int64), np.array(columns, dtype=np.int64)
        return self.contributions(windows, found.matches, features, coefficients, *pairs).reshape(len(columns), -1).T

    def contributions(
        self, windows: Windows, matches: Matches, features: Features, coefficients: Array, window: Array, column: Array
    ) -> Array:
        """Return what each token of a window adds to a column, for pairs of both, pair by pair in one flat array."""
        sizes = windows.sizes[window]
        pair, rank = spread(sizes)
        token = features.passages.bounds[window][pair] + rank
        out = np.zeros(len(token))
        for block in features.blocks:
            block.add_contributions(out, coefficients, token, column[pair])
        self._add_lexicon(out, windows, matches, features, coefficients, window, column, bounds_of(sizes)[:-1])
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

"""Metrics of decisions, per label and averaged. Undefined is nan, never 0 and never a warning.

Contract: precision is undefined where nothing was given; recall, F1 and ranking metrics where no text carries the
label; Matthews and balanced accuracy where either class is empty (Matthews also where all or nothing was given). F1 is
0 where the label exists and nothing right was given. Macro averages go over labels for which the metric is defined;
micro F1 pools all labels.

Every function takes ``weights``, how often each text is drawn, of shape ``(n_samples, n_texts)``; results then have a
leading axis of samples. That is how a whole bootstrap is a few matrix products.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Counts:
    """Numbers of texts, each of shape ``(n_labels,)`` or with a leading axis of samples."""

    hits: Array
    given: Array
    positives: Array
    n: Array
    """Texts in all; broadcasts against the others."""

    @property
    def precision(self) -> Array:
        """Hits among given; nan where none was given."""
        return ratio(self.hits, self.given)

    @property
    def recall(self) -> Array:
        """Hits among positives; nan where there is none."""
        return ratio(self.hits, self.positives)

    @property
    def f1(self) -> Array:
        """Harmonic mean of both, ``2 hits / (given + positives)``; nan without positives."""
        f1 = ratio(2 * self.hits, self.given + self.positives)
        return np.where(self.positives > 0, f1, np.nan)

    @property
    def balanced_accuracy(self) -> Array:
        """Mean of recall and specificity; nan where either class is empty."""
        negatives = self.n - self.positives
        specificity = ratio(negatives - (self.given - self.hits), negatives)
        mean: Array = (self.recall + specificity) / 2
        return mean

    @property
    def mcc(self) -> Array:
        """Matthews correlation of decision and truth; nan where either is constant."""
        covariance = self.hits * self.n - self.given * self.positives
        spread = self.given * (self.n - self.given) * self.positives * (self.n - self.positives)
        return ratio(covariance, np.sqrt(np.maximum(spread, 0)))

    @property
    def prevalence_error(self) -> Array:
        """Share given minus share carrying: what counting decisions gets wrong."""
        return ratio(self.given - self.positives, self.n)

    @property
    def macro_f1(self) -> Array:
        """Mean F1 over labels with positives."""
        return nanmean(self.f1)

    @property
    def micro_f1(self) -> Array:
        """F1 of the counts pooled over labels."""
        pooled = ratio(2 * self.hits.sum(-1), self.given.sum(-1) + self.positives.sum(-1))
        return np.where(self.positives.sum(-1) > 0, pooled, np.nan)


def count(truth: Array, decided: Array, weights: Array | None = None) -> Counts:
    """Count hits, given, positives and texts per label.

    Parameters
    ----------
    truth, decided
        0/1, shape ``(n_texts, n_labels)``.
    weights
        How often each text is drawn, shape ``(n_samples, n_texts)``; then results are ``(n_samples, n_labels)``.
    """
    hits, given, positives = (table.astype(np.float64) for table in (truth & decided, decided, truth))
    if weights is None:
        return Counts(hits.sum(0), given.sum(0), positives.sum(0), np.array(float(len(truth))))
    return Counts(weights @ hits, weights @ given, weights @ positives, weights.sum(1)[:, None])


def set_accuracy(truth: Array, decided: Array, weights: Array | None = None) -> Array:
    """Share of texts whose whole label set is right; nan without labels."""
    return _mean((truth == decided).all(axis=1) if truth.shape[1] else np.full(len(truth), np.nan), weights)


def hamming_loss(truth: Array, decided: Array, weights: Array | None = None) -> Array:
    """Share of all decisions, texts times labels, that are wrong; nan without labels."""
    return _mean((truth != decided).mean(axis=1) if truth.shape[1] else np.full(len(truth), np.nan), weights)


def flag_all_f1(truth: Array) -> Array:
    """F1 of giving every label to every text, ``2 p / (1 + p)`` with prevalence ``p``; nan without positives."""
    share = truth.mean(axis=0)
    return np.where(share > 0, 2 * share / (1 + share), np.nan)


def confusion(truth: Array, decided: Array) -> tuple[Array, Array]:
    """Return how often one label is given for another: shares and numbers of texts, ``(n_labels, n_labels)``.

    Row ``i``, column ``j``: of the texts that carry ``i`` and not ``j``, the share to which ``j`` was given. The
    diagonal is recall.
    """
    carries = truth.astype(np.float64)
    lacks, given = 1 - carries, decided.astype(np.float64)
    n = carries.T @ lacks
    wrong = carries.T @ (given * lacks)
    np.fill_diagonal(n, carries.sum(0))
    np.fill_diagonal(wrong, (carries * given).sum(0))
    return ratio(wrong, n), n


def ratio(a: Array, b: Array) -> Array:
    """Divide; nan where ``b`` is 0."""
    out = np.full(np.broadcast_shapes(np.shape(a), np.shape(b)), np.nan)
    np.divide(a, b, out=out, where=np.asarray(b) > 0)
    return out


def nanmean(values: Array) -> Array:
    """Mean over the last axis of what is defined; nan where nothing is."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1).astype(np.float64))


def _mean(values: Array, weights: Array | None) -> Array:
    values = values.astype(np.float64)
    if weights is None:
        return np.array(values.mean())
    return ratio(weights @ values, weights.sum(1))

"""Metrics per label, from scores and decisions. Undefined is None, never 0 and never a warning.

Contract: precision is undefined where nothing was given; recall, F1 and average precision are undefined where no text
carries the label; F1 is 0 where the label exists and nothing right was given. Macro averages go over labels that
some text carries; micro F1 pools all chosen labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

Array = np.ndarray
_BINS = 10


@dataclass(frozen=True)
class Counts:
    """Numbers of texts, each of shape ``(n_labels,)`` or with leading bootstrap axis."""

    hits: Array
    given: Array
    positives: Array

    @property
    def precision(self) -> Array:
        """Hits among given; nan where none was given."""
        return _ratio(self.hits, self.given)

    @property
    def recall(self) -> Array:
        """Hits among positives; nan where there is none."""
        return _ratio(self.hits, self.positives)

    @property
    def f1(self) -> Array:
        """Harmonic mean of both, ``2 hits / (given + positives)``; nan without positives."""
        f1 = _ratio(2 * self.hits, self.given + self.positives)
        return np.where(self.positives > 0, f1, np.nan)

    @property
    def macro_f1(self) -> Array:
        """Mean F1 over labels with positives."""
        return _nanmean(self.f1)

    @property
    def micro_f1(self) -> Array:
        """F1 of the counts pooled over labels."""
        pooled = _ratio(2 * self.hits.sum(-1), self.given.sum(-1) + self.positives.sum(-1))
        return np.where(self.positives.sum(-1) > 0, pooled, np.nan)


def count(truth: Array, decided: Array, weights: Array | None = None) -> Counts:
    """Count hits, given and positives per label.

    Parameters
    ----------
    truth, decided
        0/1, shape ``(n_texts, n_labels)``.
    weights
        How often each text is drawn, shape ``(n_samples, n_texts)``; then results are ``(n_samples, n_labels)``.
    """
    hits = (truth & decided).astype(np.float64)
    if weights is None:
        return Counts(hits.sum(0), decided.sum(0, dtype=np.float64), truth.sum(0, dtype=np.float64))
    return Counts(weights @ hits, weights @ decided.astype(np.float64), weights @ truth.astype(np.float64))


def flag_all_f1(truth: Array) -> Array:
    """F1 of giving every label to every text, ``2 p / (1 + p)`` with prevalence ``p``; nan without positives."""
    share = truth.mean(axis=0)
    return np.where(share > 0, 2 * share / (1 + share), np.nan)


def average_precision(truth: Array, scores: Array) -> Array:
    """Average precision per label, shape ``(n_labels,)``; nan without positives."""
    return np.array(
        [
            average_precision_score(truth[:, label], scores[:, label]) if truth[:, label].any() else np.nan
            for label in range(truth.shape[1])
        ]
    )


def calibration_error(truth: Array, scores: Array, *, bins: int = _BINS) -> Array:
    """Return the expected calibration error per label, equal-width bins (Guo et al. 2017), shape ``(n_labels,)``.

    The mean over texts of the gap between mean score and share of positives in the text's bin.
    """
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    errors = np.zeros(truth.shape[1])
    for number in range(bins):
        inside = bin_of == number
        gap = np.abs((np.where(inside, truth, 0).sum(0)) - np.where(inside, scores, 0).sum(0))
        errors += gap / len(truth)
    return errors


def bootstrap_weights(groups: tuple[str, ...], *, samples: int, seed: int) -> Array:
    """Draw groups with replacement; return how often each text is drawn, shape ``(samples, n_texts)``."""
    codes = np.unique(np.array(groups), return_inverse=True)[1]
    n_groups = codes.max() + 1
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=samples)
    return draws[:, codes].astype(np.float64)


def interval(samples: Array, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return percentile bounds over the first axis; samples in which the value is undefined are left out."""
    tail = (1 - level) / 2
    low = np.full(samples.shape[1:], np.nan)
    high = low.copy()
    for place in np.ndindex(*samples.shape[1:]):
        column = samples[(slice(None), *place)]
        defined = column[~np.isnan(column)]
        if len(defined):
            low[place], high[place] = np.quantile(defined, [tail, 1 - tail])
    return low, high


def _ratio(a: Array, b: Array) -> Array:
    ratio = np.full(np.broadcast_shapes(np.shape(a), np.shape(b)), np.nan)
    np.divide(a, b, out=ratio, where=np.asarray(b) > 0)
    return ratio


def _nanmean(values: Array) -> Array:
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(-1), defined.sum(-1).astype(np.float64))

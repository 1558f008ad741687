"""Metrics that need no threshold: average precision and the area under the ROC curve, for many samples at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from disconnect_nlp.eval.metrics import Array, ratio

_CELLS = 4_000_000  # samples times texts held at once, 32 MB each


def average_precision(truth: Array, scores: Array, weights: Array | None = None) -> Array:
    """Average precision per label: precision at every score, weighted by the recall gained there.

    Parameters
    ----------
    truth, scores
        Shape ``(n_texts, n_labels)``. A label whose scores hold nan is undefined.
    weights
        How often each text is drawn, shape ``(n_samples, n_texts)``.

    Returns
    -------
    Array
        Shape ``(n_labels,)`` or ``(n_samples, n_labels)``; nan without positives.
    """
    return _by_label(_average_precision, truth, scores, weights)


def roc_auc(truth: Array, scores: Array, weights: Array | None = None) -> Array:
    """Area under the ROC curve per label: how often a carrier scores above a non-carrier, ties half.

    Shapes as in :func:`average_precision`; nan where either class is empty.
    """
    return _by_label(_roc_auc, truth, scores, weights)


def precision_recall_curve(truth: Array, scores: Array) -> tuple[Array, Array]:
    """Return recall and precision of one label at each distinct score, from the highest down."""
    positives, given = _blocks(truth, scores, np.ones((1, len(truth))))
    hits = positives[0].cumsum()
    return ratio(hits, hits[-1]), ratio(hits, given[0].cumsum())


def _by_label(
    metric: Callable[[Array, Array, Array], Array], truth: Array, scores: Array, weights: Array | None
) -> Array:
    drawn = np.ones((1, len(truth))) if weights is None else weights
    out = np.full((len(drawn), truth.shape[1]), np.nan)
    step = max(1, _CELLS // max(len(truth), 1))
    for label in range(truth.shape[1]):
        if truth[:, label].any() and not np.isnan(scores[:, label]).any():
            for start in range(0, len(drawn), step):
                part = slice(start, start + step)
                out[part, label] = metric(truth[:, label], scores[:, label], drawn[part])
    return out[0] if weights is None else out


def _blocks(truth: Array, scores: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of positives and of all texts at each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] < ranked[:-1]))
    drawn = weights[:, order]
    return np.add.reduceat(drawn * truth[order], starts, axis=1), np.add.reduceat(drawn, starts, axis=1)


def _average_precision(truth: Array, scores: Array, weights: Array) -> Array:
    positives, given = _blocks(truth, scores, weights)
    precision = np.nan_to_num(ratio(positives.cumsum(1), given.cumsum(1)))
    return ratio((positives * precision).sum(1), positives.sum(1))


def _roc_auc(truth: Array, scores: Array, weights: Array) -> Array:
    positives, given = _blocks(truth, scores, weights)
    negatives = given - positives
    total = negatives.sum(1, keepdims=True)
    below = total - negatives.cumsum(1) + negatives / 2
    return ratio((positives * below).sum(1), positives.sum(1) * total[:, 0])

"""Scores to probabilities to thresholds, per label, on scores of texts that the model was not fitted on.

Training texts are richer in labels than what people write. Held-out positives and negatives are therefore weighted
so that they stand in the proportion expected in use (Saerens et al. 2002 give the prior-shift argument).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disconnect_nlp.labellers.base import Array, Thresholds

_PRECISION, _RECALL = 0.8, 0.9
_UNREACHABLE = 1.01  # above every probability
FLOOR = 0.1
"""Below it the best F1 of a rare label is chance."""
_PRIOR_STRENGTH = 1.0  # pulls the slope towards 1 where positives are few
_SCREEN_FLOOR = 0.5
"""Least probability at which the screen flags, as a share of what is expected of any text: a screen that flags what is
far less likely than that would be read by nobody. At 1 `default` misses a tenth of risk language in passages that
people wrote (data/README.md, log)."""


@dataclass(frozen=True)
class Calibration:
    """Per-label logistic curves: ``p = 1 / (1 + exp(-(slope * score + offset)))`` (Platt 1999)."""

    slope: Array
    offset: Array

    def __call__(self, scores: Array) -> Array:
        """Return probabilities for log-odds ``scores`` of shape ``(n, n_labels)``."""
        return sigmoid(scores * self.slope + self.offset)


def sigmoid(values: Array) -> Array:
    """Return ``1 / (1 + exp(-values))`` without overflow."""
    out: Array = np.exp(-np.logaddexp(0, -values))
    return out


def natural_weights(truth: Array, prevalence: float) -> Array:
    """Return weights that bring positives to the share ``prevalence``; they sum to the number of texts."""
    positive = truth.mean()
    if positive in (0, 1):
        return np.ones(len(truth))
    weights: Array = np.where(truth > 0, prevalence / positive, (1 - prevalence) / (1 - positive))
    return weights


def fit_curve(scores: Array, truth: Array, weights: Array) -> tuple[float, float]:
    """Fit one Platt curve by weighted maximum likelihood; return slope and offset.

    The slope has a log-normal prior around 1, so it stays positive: calibration never reorders texts.
    """
    from scipy.optimize import minimize  # for fitting only, and slow to import

    def loss(parameters: Array) -> float:
        log_slope, offset = parameters
        logits = np.exp(log_slope) * scores + offset
        nll = weights * (np.logaddexp(0, logits) - truth * logits)
        return float(nll.sum() + _PRIOR_STRENGTH * log_slope**2)

    found = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-3, 3), (-30, 30)])
    return float(np.exp(found.x[0])), float(found.x[1])


def choose_thresholds(probabilities: Array, truth: Array, weights: Array) -> tuple[float, float, float]:
    """Return the thresholds of the policies f1, precision (.8) and recall (.9) for one label.

    That of f1 is half the best F1 that calibrated probabilities promise, where F1 is highest if they are right (Lipton
    et al. 2014): a few held-out texts more or less do not move it, as they would the cut that was best for them. The
    others lie halfway between neighbouring held-out probabilities, so none hangs on a single text's exact score.
    """
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum((weights * truth)[order])
    given = np.cumsum(weights[order])
    ranked = probabilities[order]
    cuts = np.append((ranked[:-1] + ranked[1:]) / 2, ranked[-1] / 2)
    if hits[-1] == 0:
        return _UNREACHABLE, _UNREACHABLE, _UNREACHABLE
    precision, recall = hits / given, hits / hits[-1]
    promised = np.cumsum(weights[order] * ranked)
    best = float((promised / (given + promised[-1])).max())  # half of F1
    distinct = np.append(ranked[:-1] > ranked[1:], True)  # no cut between texts of equal score
    precise = np.flatnonzero((precision >= _PRECISION) & distinct)
    return (
        max(FLOOR, best),
        float(cuts[precise[-1]]) if len(precise) else _UNREACHABLE,
        float(cuts[int(np.flatnonzero((recall >= _RECALL) & distinct)[0])]),
    )


def calibrate(
    scores: Array, truth: Array, observed: Array, prevalence: Array, *, screened: Sequence[int] = ()
) -> tuple[Calibration, Thresholds]:
    """Fit curves and thresholds for all labels.

    Parameters
    ----------
    scores
        Held-out log-odds, shape ``(n_texts, n_labels)``.
    truth, observed
        0/1, same shape; only texts observed for a label count for it.
    prevalence
        Share of texts expected to carry each label in use, shape ``(n_labels,)``.
    screened
        Columns of the recall-first labels. Their threshold for recall is not below half their expected share.
    """
    n_labels = scores.shape[1]
    curves = np.zeros((2, n_labels))
    cuts = np.zeros((3, n_labels))
    for label in range(n_labels):
        rows = observed[:, label] > 0
        own, true = scores[rows, label], truth[rows, label]
        if not true.any():  # never seen: never given
            curves[:, label] = 1, 0
            cuts[:, label] = _UNREACHABLE
            continue
        weights = natural_weights(true, prevalence[label])
        curves[:, label] = fit_curve(own, true, weights)
        probabilities = sigmoid(own * curves[0, label] + curves[1, label])
        cuts[:, label] = choose_thresholds(probabilities, true, weights)
    own = list(screened)
    cuts[2, own] = np.maximum(cuts[2, own], _SCREEN_FLOOR * prevalence[own])
    return Calibration(*curves), Thresholds(f1=cuts[0], precision=cuts[1], recall=cuts[2])

"""Calibration and thresholds for the texts a model is meant for, from held-out scores of mostly other texts.

Authored texts say things more plainly than people do. A model that is as sure of what people really wrote as of those
would need no correction; how much less sure it is, is measured on the labels that enough real passages carry, and
taken to hold for the others, most types among them. What is left of the difference, in which real positives spread
more widely, is met by thresholds for F1 a constant lower. Without either thresholds are too strict in use
(data/README.md, log).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import FLOOR, Calibration, calibrate, sigmoid

Array = np.ndarray
_FEW = 10
"""Positives of either kind below which the median of a label says little."""
_FEW_LABELS = 3
"""Labels below which the median over them says little."""
_SHIFT = -0.5
"""Added to thresholds for F1, in log-odds, where positives are lowered. A constant: held-out F1 is so flat in it that
what is best for one fit is not for the next (data/README.md, log)."""


@dataclass(frozen=True)
class ForUse:
    """What held-out scores say about use.

    Attributes
    ----------
    calibration, thresholds
        Of every label.
    scores
        The held-out log-odds, those of positives not real lowered, shape ``(n_texts, n_labels)``.
    gap
        By how much, in calibrated log-odds: 0 or less.
    """

    calibration: Calibration
    thresholds: Thresholds
    scores: Array
    gap: float


def calibrate_for_use(
    scores: Array,
    truth: Array,
    observed: Array,
    prevalence: Array,
    real: Array,
    *,
    screened: Sequence[int] = (),
    gap: float | None = None,
) -> ForUse:
    """Lower positives among other texts to where real ones lie, calibrate, and lower thresholds for F1 with them.

    Parameters
    ----------
    scores, truth, observed, prevalence, screened
        As in :func:`~disconnect_nlp.labellers.calibration.calibrate`.
    real
        Bool, shape ``(n_texts,)``: texts of the kind that the model will read. With too few of them nothing is lowered.
    gap
        By how much to lower positives, where it is known from elsewhere.
    """
    plain, _ = calibrate(scores, truth, observed, prevalence)
    if gap is None:
        gap = _gap(scores * plain.slope + plain.offset, truth * observed > 0, real)
    lowered = scores + np.where((truth > 0) & ~real[:, None], gap / plain.slope, 0)
    calibration, thresholds = calibrate(lowered, truth, observed, prevalence, screened=screened)
    shifted = sigmoid(_log_odds(thresholds.f1) + (_SHIFT if gap else 0))
    # What never fires stays so, and a threshold that chance set stays where it is.
    given = (thresholds.f1 > FLOOR) & (thresholds.f1 < 1)
    f1 = np.where(given, np.maximum(FLOOR, shifted), thresholds.f1)
    return ForUse(calibration, replace(thresholds, f1=f1), lowered, gap)


def _log_odds(probabilities: Array) -> Array:
    log_odds: Array = logit(np.clip(probabilities, 1e-9, 1 - 1e-9))
    return log_odds


def _gap(logits: Array, positive: Array, real: Array) -> float:
    """Return the median over labels of how far the median of real positives lies below that of the others."""
    differences = []
    for label in range(logits.shape[1]):
        own = logits[:, label]
        others, reals = own[positive[:, label] & ~real], own[positive[:, label] & real]
        if min(len(others), len(reals)) >= _FEW:
            differences.append(np.median(reals) - np.median(others))
    return min(0.0, float(np.median(differences))) if len(differences) >= _FEW_LABELS else 0.0

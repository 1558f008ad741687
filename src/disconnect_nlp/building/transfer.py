"""Authored texts say things more plainly than people do: held-out scores as they would be if they did not.

A model that is as sure of what people really wrote as of authored texts would need no such step. How much less sure it
is, is measured on the labels that enough public passages carry, and taken to hold for the others, most types among
them. Without it thresholds are too strict in use (data/README.md, log).
"""

from __future__ import annotations

import numpy as np

from disconnect_nlp.labellers.calibration import Calibration

Array = np.ndarray
_FEW = 10
"""Positives of either kind below which the median of a label says little."""
_FEW_LABELS = 3
"""Labels below which the median over them says little."""


def lowered(log_odds: Array, calibration: Calibration, truth: Array, observed: Array, n_authored: int) -> Array:
    """Return held-out log-odds with those of authored positives lowered to where public ones lie.

    Parameters
    ----------
    log_odds
        Before calibration, shape ``(n_texts, n_labels)``.
    calibration
        Puts labels on one scale.
    truth, observed
        0/1, same shape.
    n_authored
        The first so many texts are authored, the others are public passages. With too few of those, nothing is lowered.
    """
    gap = _gap(log_odds * calibration.slope + calibration.offset, truth * observed > 0, n_authored)
    out = log_odds.copy()
    out[:n_authored] += np.where(truth[:n_authored] > 0, gap / calibration.slope, 0)
    return out


def _gap(logits: Array, positive: Array, n_authored: int) -> float:
    gaps = []
    for label in range(logits.shape[1]):
        authored = logits[:n_authored][positive[:n_authored, label], label]
        public = logits[n_authored:][positive[n_authored:, label], label]
        if min(len(authored), len(public)) >= _FEW:
            gaps.append(np.median(public) - np.median(authored))
    return min(0.0, float(np.median(gaps))) if len(gaps) >= _FEW_LABELS else 0.0

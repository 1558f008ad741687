"""Whether probabilities mean what they say: Brier score, calibration error, reliability curves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from disconnect_nlp.eval.metrics import Array, ratio

_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Texts whose score lies from ``low`` to below ``high``."""

    low: float
    high: float
    n: int
    mean_score: float | None
    share: float | None
    """Share of them that carries the label."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def brier(truth: Array, scores: Array, weights: Array | None = None) -> Array:
    """Return the mean squared gap of score and truth per label (Brier 1950).

    Parameters
    ----------
    truth, scores
        Shape ``(n_texts, n_labels)``; nan in a label's scores makes it undefined.
    weights
        How often each text is drawn, shape ``(n_samples, n_texts)``; results then have a leading axis of samples.
    """
    squared = (scores - truth) ** 2
    return squared.mean(0) if weights is None else ratio(weights @ squared, weights.sum(1)[:, None])


def calibration_error(truth: Array, scores: Array, weights: Array | None = None, *, bins: int = _BINS) -> Array:
    """Return the expected calibration error per label, equal-width bins (Guo et al. 2017).

    The mean over texts of the gap between mean score and share of positives in the text's bin. Shapes as in
    :func:`brier`. Samples of a bootstrap lie above the figure of the whole: chance gaps add up and never cancel.
    """
    drawn = np.ones((1, len(truth))) if weights is None else weights
    gaps, place = truth - scores, _bin_of(scores, bins)
    errors = sum(np.abs(drawn @ np.where(place == number, gaps, 0)) for number in range(bins))
    errors = ratio(np.asarray(errors), drawn.sum(1)[:, None])
    errors[:, np.isnan(scores).any(axis=0)] = np.nan
    return errors[0] if weights is None else errors


def reliability_curve(truth: Array, scores: Array, *, bins: int = _BINS) -> list[Bin]:
    """Return the bins of scores of any shape, pooled; empty if a score is nan.

    Examples
    --------
    >>> curve = reliability_curve(np.array([0, 1, 1]), np.array([0.1, 0.6, 0.7]), bins=2)
    >>> [(b.n, b.mean_score, b.share) for b in curve]
    [(1, 0.1, 0.0), (2, 0.65, 1.0)]
    """
    if np.isnan(scores).any():
        return []
    place = _bin_of(scores, bins)
    out = []
    for number in range(bins):
        inside = place == number
        n = int(inside.sum())
        mean = round(float(scores[inside].mean()), 4) if n else None
        share = round(float(truth[inside].mean()), 4) if n else None
        out.append(Bin(number / bins, (number + 1) / bins, n, mean, share))
    return out


def _bin_of(scores: Array, bins: int) -> Array:
    place: Array = np.minimum((np.nan_to_num(scores) * bins).astype(int), bins - 1)
    return place

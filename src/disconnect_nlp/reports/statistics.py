"""Intervals and tests for shares of texts. Plain arrays in, plain arrays out.

Texts count as independent unless their writers are known; then people, not texts, are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import fisher_exact, norm

Array = np.ndarray
SAMPLES = 1000
MIN_PERSONS = 10  # with fewer, drawing people again and again shows little but the same few
_MOST_PERSONS = 5000  # with more, the bootstrap and its linear approximation no longer differ


def wilson(hits: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); (0, 1) without observations.

    ``hits`` and ``n`` may be fractions, as effective numbers of texts are.

    Examples
    --------
    >>> low, high = wilson(5, 50)
    >>> round(low, 3), round(high, 3)
    (0.043, 0.214)
    """
    if n == 0:
        return 0.0, 1.0
    z = float(norm.ppf(0.5 + level / 2))
    share = hits / n
    centre = share + z * z / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding must not put the share itself outside.
    return max(0.0, min(share, float((centre - reach) / scale))), min(1.0, max(share, float((centre + reach) / scale)))


def newcombe(hits: int, n: int, other_hits: int, other_n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a difference of two independent shares (Newcombe 1998, method 10).

    Examples
    --------
    >>> [round(bound, 4) for bound in newcombe(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    if not n or not other_n:
        return -1.0, 1.0
    a, b = hits / n, other_hits / other_n
    (a_low, a_high), (b_low, b_high) = wilson(hits, n, level=level), wilson(other_hits, other_n, level=level)
    return (
        float(a - b - np.hypot(a - a_low, b_high - b)),
        float(a - b + np.hypot(a_high - a, b - b_low)),
    )


def fisher(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """Return Fisher's exact two-sided p-value for equal shares."""
    return float(fisher_exact([[hits, n - hits], [other_hits, other_n - other_hits]])[1])


def holm(p_values: Sequence[float] | Array) -> Array:
    """Return p-values adjusted for their number (Holm 1979); missing ones stay missing and are not counted.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, float("nan")]).round(3).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    stepped = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped)) if len(order) else []
    return adjusted


@dataclass(frozen=True)
class Clusters:
    """Texts summed by person: what is drawn together.

    Attributes
    ----------
    sizes
        Texts of each person, shape ``(n_persons,)``.
    hits
        Of these with each label, shape ``(n_persons, n_labels)``.
    """

    sizes: Array
    hits: Array

    @classmethod
    def of(cls, given: Array, persons: Array, n_persons: int) -> Clusters:
        """Sum decisions of shape ``(n_texts, n_labels)`` by person number."""
        hits = np.zeros((n_persons, given.shape[1]))
        for label in range(given.shape[1]):
            hits[:, label] = np.bincount(persons, weights=given[:, label], minlength=n_persons)
        return cls(np.bincount(persons, minlength=n_persons).astype(float), hits)

    @property
    def enough(self) -> bool:
        """Whether there are persons enough to draw from."""
        return int((self.sizes > 0).sum()) >= MIN_PERSONS

    def design_effect(self) -> Array:
        """How much wider than for independent texts the variance of each share is, shape ``(n_labels,)``, at least 1.

        The linearised variance of a ratio over persons (Cochran 1977, ch. 6) by the binomial one.
        """
        n, persons = self.sizes.sum(), (self.sizes > 0).sum()
        share = self.hits.sum(0) / n
        residuals = self.hits - self.sizes[:, None] * share
        variance = (residuals**2).sum(0) / n**2 * persons / max(persons - 1, 1)
        binomial = share * (1 - share) / n
        effect: Array = np.maximum(1.0, np.divide(variance, binomial, out=np.ones_like(share), where=binomial > 0))
        return effect

    def share_intervals(self, *, seed: int, level: float = 0.95) -> tuple[Array, Array]:
        """Return bounds of each label's share, by drawing persons with replacement, each of shape ``(n_labels,)``."""
        if len(self.sizes) > _MOST_PERSONS:
            n, effect = self.sizes.sum(), self.design_effect()
            bounds = np.array(
                [wilson(h / e, n / e, level=level) for h, e in zip(self.hits.sum(0), effect, strict=True)]
            )
            return bounds[:, 0], bounds[:, 1]
        weights = _draws(len(self.sizes), seed)
        low, high = _percentiles(_ratio(weights @ self.hits, weights @ self.sizes), level)
        return low, high


def cluster_difference(one: Clusters, other: Clusters, *, seed: int, level: float = 0.95) -> tuple[Array, Array, Array]:
    """Return low, high and p-value of the difference of two sets of texts of the same persons, for each label.

    Both hold one row a person, in the same order; a person may have texts in either or in both.
    """
    if len(one.sizes) > _MOST_PERSONS:
        difference, deviation = _linear_difference(one, other)
        z = float(norm.ppf(0.5 + level / 2))
        low, high = difference - z * deviation, difference + z * deviation
    else:
        weights = _draws(len(one.sizes), seed)
        drawn = _ratio(weights @ one.hits, weights @ one.sizes) - _ratio(weights @ other.hits, weights @ other.sizes)
        low, high = _percentiles(drawn, level)
        difference = one.hits.sum(0) / one.sizes.sum() - other.hits.sum(0) / other.sizes.sum()
        deviation = np.nanstd(drawn, axis=0)
    z_values = np.divide(difference, deviation, out=np.zeros_like(difference), where=deviation > 0)
    return low, high, 2 * norm.sf(np.abs(z_values))


def _linear_difference(one: Clusters, other: Clusters) -> tuple[Array, Array]:
    shares = [own.hits.sum(0) / own.sizes.sum() for own in (one, other)]
    pulls = [
        (own.hits - own.sizes[:, None] * share) / own.sizes.sum()
        for own, share in zip((one, other), shares, strict=True)
    ]
    return shares[0] - shares[1], np.sqrt(((pulls[0] - pulls[1]) ** 2).sum(0))


def _draws(n: int, seed: int) -> Array:
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=SAMPLES).astype(float)


def _ratio(hits: Array, sizes: Array) -> Array:
    """Shares by draw; nan where a draw has no text."""
    ratio: Array = np.divide(hits, sizes[:, None], out=np.full(hits.shape, np.nan), where=sizes[:, None] > 0)
    return ratio


def _percentiles(drawn: Array, level: float) -> tuple[Array, Array]:
    kept = drawn[~np.isnan(drawn).any(axis=1)]
    if not len(kept):
        nothing = np.full(drawn.shape[1], np.nan)
        return nothing, nothing
    tail = (1 - level) / 2
    low, high = np.quantile(kept, [tail, 1 - tail], axis=0)
    return low, high

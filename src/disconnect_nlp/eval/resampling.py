"""Uncertainty by resampling groups: bootstrap intervals, paired permutation tests, correction for many tests.

Texts of one author or document are no independent evidence, so whole groups are drawn and swapped. Seeds are drawn
first: what is computed afterwards cannot move a draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disconnect_nlp.eval.metrics import Array

MIN_GROUPS = 10


def group_codes(groups: Sequence[str]) -> Array:
    """Return the number of each text's group, 0 upwards, shape ``(n_texts,)``."""
    codes: Array = np.unique(np.array(groups), return_inverse=True)[1]
    return codes


def bootstrap_weights(groups: Sequence[str], *, samples: int, seed: int) -> Array:
    """Draw groups with replacement; return how often each text is drawn, shape ``(samples, n_texts)``.

    Of fewer than ten groups no sample is drawn, shape ``(0, n_texts)``, so every interval is undefined: it would only
    look certain.
    """
    codes = group_codes(groups)
    n_groups = codes.max() + 1
    if n_groups < MIN_GROUPS:
        return np.empty((0, len(codes)))
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=samples)
    return draws[:, codes].astype(np.float64)


def interval(samples: Array, *, level: float = 0.95) -> tuple[Array, Array]:
    """Return percentile bounds over the first axis, nan without samples; undefined values are left out."""
    tail = (1 - level) / 2
    low = np.full(samples.shape[1:], np.nan)
    high = low.copy()
    for place in np.ndindex(*samples.shape[1:]):
        column = samples[(slice(None), *place)]
        defined = column[~np.isnan(column)]
        if len(defined):
            low[place], high[place] = np.quantile(defined, [tail, 1 - tail])
    return low, high


def swaps(groups: Sequence[str], *, samples: int, seed: int) -> Array:
    """Return which texts change sides in each permutation, whole groups together, 0/1 ``(samples, n_texts)``.

    Of few groups (always below ten) every way of swapping is listed once, the one that swaps nothing first.
    """
    codes = group_codes(groups)
    n_groups = int(codes.max()) + 1
    if n_groups < MIN_GROUPS or (n_groups < 31 and 2**n_groups <= samples):
        by_group = (np.arange(2**n_groups)[:, None] >> np.arange(n_groups)) & 1
    else:
        by_group = np.random.default_rng(seed).integers(0, 2, size=(samples, n_groups))
        by_group[0] = 0  # the observed arrangement is one of them (Phipson and Smyth 2010)
    return by_group[:, codes].astype(np.float64)


def permutation_p(differences: Array) -> Array:
    """Return two-sided p-values: the share of permutations with a gap as large as the first one, the observed.

    Parameters
    ----------
    differences
        Shape ``(n_permutations, ...)``; where the observed one is nan, so is the p-value.
    """
    observed = differences[0]
    as_large = np.abs(np.nan_to_num(differences)) >= np.abs(observed) - 1e-12
    return np.where(np.isnan(observed), np.nan, as_large.mean(axis=0))


def holm(p_values: Sequence[float] | Array) -> Array:
    """Return p-values corrected for their number by Holm's step-down method (1979); nan stays nan and is not counted.

    Examples
    --------
    >>> [round(float(p), 3) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    given = np.asarray(p_values, dtype=np.float64)
    out = np.full(len(given), np.nan)
    tested = np.flatnonzero(~np.isnan(given))
    order = tested[np.argsort(given[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    out[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1)
    return out

"""Paired comparison of two systems on the same texts: differences with intervals and permutation tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.metrics import Array, Counts, count, nanmean
from disconnect_nlp.eval.ranking import average_precision
from disconnect_nlp.eval.resampling import bootstrap_weights, holm, interval, permutation_p, swaps
from disconnect_nlp.eval.systems import Predictions


def compare_all(
    truth: Array,
    systems: Mapping[str, Predictions],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    samples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Compare the first system with each other one; parameters as in :func:`compare`."""
    (first, own), *others = systems.items()
    return [
        {"systems": [first, name], **compare(truth, own, other, labels, groups, samples=samples, seed=seed)}
        for name, other in others
    ]


def compare(
    truth: Array,
    first: Predictions,
    second: Predictions,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """Return differences, first minus second, on the labels that both cover.

    Intervals are paired: both systems see the same bootstrap draws. The test swaps the decisions of the two systems
    group by group; ``p`` is the share of swaps with a gap as large as the observed. ``p_holm`` corrects the labels'
    p-values for their number.

    Parameters
    ----------
    truth
        0/1, shape ``(n_texts, n_labels)``.
    first, second
        Columns as in ``truth``.
    samples
        Bootstrap draws and, once more, permutations.

    Returns
    -------
    dict
        ``macro_f1``, ``micro_f1``, ``macro_ap`` and ``labels`` (F1 by id), each with ``difference``, ``low``, ``high``
        and ``p``. Average precision has no test: scores of two systems are on no common scale to swap on.
    """
    both = first.covered & second.covered
    truth, first, second = truth[:, both], first.columns(both), second.columns(both)
    drawn = bootstrap_weights(groups, samples=samples, seed=seed)
    seen = _gaps(count(truth, first.decided, drawn), count(truth, second.decided, drawn))
    swapped = _swapped(truth, first.decided, second.decided, swaps(groups, samples=samples, seed=seed))
    p = {key: permutation_p(gaps) for key, gaps in swapped.items()}
    rows = {key: _row(swapped[key][0], seen[key], p[key]) for key in ("macro_f1", "micro_f1")}
    # Differences first, then their mean: over the labels for which both have scores.
    ap, ap_drawn = (
        nanmean(average_precision(truth, first.scores, w) - average_precision(truth, second.scores, w))
        for w in (None, drawn)
    )
    corrected = holm(p["f1"])
    names = [label for label, used in zip(labels, both, strict=True) if used]
    return {
        **rows,
        "macro_ap": _row(ap, ap_drawn, np.array(np.nan)),
        "labels": {
            label: {
                **_row(swapped["f1"][0, place], seen["f1"][:, place], p["f1"][place]),
                "p_holm": plain(corrected[place]),
            }
            for place, label in enumerate(names)
        },
    }


def _gaps(first: Counts, second: Counts) -> dict[str, Array]:
    return {key: getattr(first, key) - getattr(second, key) for key in ("f1", "macro_f1", "micro_f1")}


def _swapped(truth: Array, first: Array, second: Array, changed: Array) -> dict[str, Array]:
    """Gaps after each permutation; the first is the observed one."""
    kept = 1 - changed
    hits = [(truth & decided).astype(np.float64) for decided in (first, second)]
    given = [decided.astype(np.float64) for decided in (first, second)]
    positives, n = truth.sum(0, dtype=np.float64), np.array(float(len(truth)))
    sides = [
        Counts(kept @ hits[a] + changed @ hits[b], kept @ given[a] + changed @ given[b], positives[None], n)
        for a, b in ((0, 1), (1, 0))
    ]
    return _gaps(*sides)


def _row(difference: Array, drawn: Array, p: Array) -> dict[str, float | None]:
    low, high = interval(drawn)
    defined = not np.isnan(difference)
    return {
        "difference": plain(difference),
        "low": plain(low) if defined else None,
        "high": plain(high) if defined else None,
        "p": plain(p),
    }

"""Agreement of two raters on 0/1 labels, per label: whether a system is as close to a reader as another reader is."""

from __future__ import annotations

from typing import Any

import numpy as np

from disconnect_nlp.eval.metrics import Array, nanmean, ratio


def positive_agreement(first: Array, second: Array) -> Array:
    """Return ``2 * both / (first + second)`` per label; nan where neither gave it (Cicchetti and Feinstein 1990)."""
    return ratio(2.0 * (first & second).sum(0), (first.sum(0, dtype=np.float64) + second.sum(0)))


def cohen_kappa(first: Array, second: Array) -> Array:
    """Return Cohen's kappa (1960) per label; nan where both raters are constant and alike."""
    a, b = first.mean(0), second.mean(0)
    expected = a * b + (1 - a) * (1 - b)
    return ratio((first == second).mean(0) - expected, 1 - expected)


def krippendorff_alpha(first: Array, second: Array) -> Array:
    """Return Krippendorff's alpha per label, nominal, two raters, nothing missing; nan where all values are equal.

    ``1 - observed / expected`` disagreement; expected pairs any two of the ``2 n`` values (Krippendorff 2011).
    """
    values = 2.0 * len(first)
    ones = first.sum(0, dtype=np.float64) + second.sum(0)
    observed = (first != second).mean(0)
    expected = 2 * ones * (values - ones) / (values * (values - 1))
    return np.where(expected > 0, 1 - ratio(observed, expected), np.nan)


def agreement(raters: dict[str, Array], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the agreement of every pair of raters, per label and averaged over labels where it is defined.

    Parameters
    ----------
    raters
        Name to 0/1 decisions, each of shape ``(n_texts, n_labels)``.

    Returns
    -------
    list
        One dictionary a pair: ``raters``, ``macro`` and ``labels``, each with ``alpha``, ``kappa`` and
        ``positive_agreement``, and with ``n_first`` and ``n_second``, how often each gave the label.
    """
    names = list(raters)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    return [_pair((a, b), raters[a], raters[b], labels) for a, b in pairs]


def _pair(names: tuple[str, str], first: Array, second: Array, labels: tuple[str, ...]) -> dict[str, Any]:
    values = {
        "alpha": krippendorff_alpha(first, second),
        "kappa": cohen_kappa(first, second),
        "positive_agreement": positive_agreement(first, second),
    }
    return {
        "raters": list(names),
        "macro": {key: plain(nanmean(value)) for key, value in values.items()},
        "labels": {
            label: {
                "n_first": int(first[:, number].sum()),
                "n_second": int(second[:, number].sum()),
                **{key: plain(value[number]) for key, value in values.items()},
            }
            for number, label in enumerate(labels)
        },
    }


def plain(value: Any) -> float | None:
    """Return a number for JSON with four decimals, None if it is undefined."""
    number = float(value)
    return None if np.isnan(number) else round(number, 4)

"""Evaluates labellers on a data set: numbers in plain dictionaries, ready for JSON and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import (
    average_precision,
    bootstrap_weights,
    calibration_error,
    count,
    flag_all_f1,
    interval,
)
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.taxonomy import load_taxonomy

SAMPLES = 1000
_MIN_GROUPS = 10


@dataclass(frozen=True)
class Predictions:
    """What a system says about the texts of a data set, both of shape ``(n_texts, n_labels)``."""

    scores: np.ndarray
    decided: np.ndarray


def predict(labeller: Labeller, dataset: Dataset) -> Predictions:
    """Run a labeller over a data set."""
    scores = labeller.predict_proba(dataset.texts)
    return Predictions(scores, labeller.decide(scores))


def evaluate(
    systems: Mapping[str, Predictions],
    dataset: Dataset,
    *,
    model: str,
    labels: Sequence[str] | None = None,
    samples: int = SAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Return every number for every system.

    Parameters
    ----------
    systems
        Name to predictions.
    model
        Name of the model under test, for the record.
    labels
        Which labels to evaluate; all by default.
    samples, seed
        Bootstrap over ``dataset.groups``; all systems see the same draws.

    Returns
    -------
    dict
        ``n``, ``model``, ``seed`` and ``systems``: name to ``labels`` (id to numbers), ``macro_f1``, ``micro_f1`` with
        ``_low`` and ``_high``, ``macro_ap``, ``mean_ece``. Undefined numbers are None.
    """
    taxonomy = load_taxonomy()
    chosen = taxonomy.check(labels if labels is not None else taxonomy.ids, place="labels")
    columns = [taxonomy.index[label] for label in chosen]
    weights = bootstrap_weights(dataset.groups, samples=samples, seed=seed)
    truth = dataset.truth[:, columns]
    return {
        "n": len(dataset),
        "model": model,
        "dataset": dataset.name,
        "n_groups": len(set(dataset.groups)),
        "samples": samples,
        "seed": seed,
        "systems": {
            name: _system(
                truth, own.scores[:, columns], own.decided[:, columns], chosen, weights, len(set(dataset.groups))
            )
            for name, own in systems.items()
        },
    }


def _system(
    truth: np.ndarray,
    scores: np.ndarray,
    decided: np.ndarray,
    labels: Sequence[str],
    weights: np.ndarray,
    n_groups: int,
) -> dict[str, Any]:
    counts, drawn = count(truth, decided), count(truth, decided, weights)
    f1_low, f1_high = interval(drawn.f1)
    macro_low, macro_high = interval(drawn.macro_f1)
    micro_low, micro_high = interval(drawn.micro_f1)
    if n_groups < _MIN_GROUPS:  # too few to draw from: an interval would only look certain
        f1_low, f1_high = np.full_like(f1_low, np.nan), np.full_like(f1_high, np.nan)
        macro_low = macro_high = micro_low = micro_high = np.array(np.nan)
    ap, ece = average_precision(truth, scores), calibration_error(truth, scores)
    columns = {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "f1_low": f1_low,
        "f1_high": f1_high,
        "flag_all_f1": flag_all_f1(truth),
        "average_precision": ap,
        "ece": ece,
    }
    return {
        "labels": {
            label: {
                "n_pos": int(counts.positives[number]),
                "n_given": int(counts.given[number]),
                **{key: _plain(values[number]) for key, values in columns.items()},
            }
            for number, label in enumerate(labels)
        },
        "macro_f1": _plain(counts.macro_f1),
        "macro_f1_low": _plain(macro_low),
        "macro_f1_high": _plain(macro_high),
        "micro_f1": _plain(counts.micro_f1),
        "micro_f1_low": _plain(micro_low),
        "micro_f1_high": _plain(micro_high),
        "macro_ap": _plain(np.nanmean(ap) if not np.isnan(ap).all() else np.nan),
        "mean_ece": _plain(ece.mean()),
    }


def _plain(value: Any) -> float | None:
    number = float(value)
    return None if np.isnan(number) else round(number, 4)

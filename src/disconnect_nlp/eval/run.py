"""Evaluates systems on a data set: numbers in plain dictionaries, ready for JSON and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from disconnect_nlp.errors import DataError
from disconnect_nlp.eval import metrics
from disconnect_nlp.eval.agreement import agreement, plain
from disconnect_nlp.eval.averages import MEANS, averaged
from disconnect_nlp.eval.compare import compare_all
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.gates import BETTER_UP
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.ranking import average_precision, roc_auc
from disconnect_nlp.eval.reliability import brier, calibration_error, reliability_curve
from disconnect_nlp.eval.resampling import bootstrap_weights, interval
from disconnect_nlp.eval.systems import Predictions, predict
from disconnect_nlp.taxonomy import load_taxonomy

__all__ = ["SAMPLES", "Predictions", "evaluate", "predict"]

SAMPLES = 1000


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
        ``n``, ``model``, ``subject`` (the first system), ``seed`` … and ``systems``: name to ``labels`` (id to
        numbers) and averages, each number with its interval as ``_low`` and ``_high``, and ``averaged_over``: over
        how many labels; the first system also holds the bootstrap samples of its averages, ``draws``.
        ``comparisons`` of the first system with each other one; ``agreement`` where the data name single readers.
        Undefined numbers are None.

    Raises
    ------
    DataError
        If a system is called like a reader: their agreement could not be told apart.
    """
    taxonomy = load_taxonomy()
    chosen = taxonomy.check(labels if labels is not None else taxonomy.ids, place="labels")
    columns = [taxonomy.index[label] for label in chosen]
    truth = dataset.truth[:, columns]
    own = {name: said.columns(columns) for name, said in systems.items()}
    weights = bootstrap_weights(dataset.groups, samples=samples, seed=seed)
    first = next(iter(own))
    readers = {name: given[:, columns] for name, given in dataset.readers.items()}
    if alike := [name for name in own if name in readers]:
        raise DataError(f"a reader and a system are both called {alike[0]!r}. Rename the column of the reader.")
    raters = {name: said.decided for name, said in own.items() if said.covered.all()}
    return {
        "n": len(dataset),
        "model": model,
        "subject": first,
        "dataset": dataset.name,
        "data_sha256": dataset.fingerprint,
        "n_groups": len(set(dataset.groups)),
        "samples": samples,
        "seed": seed,
        "systems": {name: _system(truth, said, chosen, weights, keep=name == first) for name, said in own.items()},
        "comparisons": compare_all(truth, own, chosen, dataset.groups, samples=samples, seed=seed),
        "agreement": agreement({**readers, **raters}, chosen) if readers else [],
    }


def rehearsal(labels: Sequence[str]) -> dict[str, Any]:
    """Return a result of the form of :func:`evaluate`, of one empty text: which metrics there will be."""
    nothing = np.zeros((1, len(load_taxonomy().ids)), np.int8)
    data = Dataset("", ("",), nothing, ("",))
    return evaluate({"model": Predictions(nothing * 1.0, nothing)}, data, model="", labels=labels, samples=1)


def label_measures(truth: Array, said: Predictions, weights: Array | None = None) -> dict[str, Array]:
    """Return every metric that has a value per label, shape ``(n_labels,)`` or ``(n_samples, n_labels)``."""
    counts = metrics.count(truth, said.decided, weights)
    values = {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "average_precision": average_precision(truth, said.scores, weights),
        "roc_auc": roc_auc(truth, said.scores, weights),
        "mcc": counts.mcc,
        "balanced_accuracy": counts.balanced_accuracy,
        "brier": brier(truth, said.probabilities, weights),
        "ece": calibration_error(truth, said.probabilities, weights),
        "prevalence_error": counts.prevalence_error,
    }
    return {key: np.where(said.covered, value, np.nan) for key, value in values.items()}


def overall_measures(
    truth: Array, said: Predictions, by_label: Mapping[str, Array], weights: Array | None = None
) -> dict[str, Array]:
    """Return every metric that has one value for all labels, a scalar or shape ``(n_samples,)``."""
    truth, decided = truth[:, said.covered], said.decided[:, said.covered]
    return {
        **{key: metrics.nanmean(by_label[name]) for key, name in MEANS.items()},
        "mean_prevalence_error": metrics.nanmean(np.abs(by_label["prevalence_error"])),
        "micro_f1": metrics.count(truth, decided, weights).micro_f1,
        "set_accuracy": metrics.set_accuracy(truth, decided, weights),
        "hamming_loss": metrics.hamming_loss(truth, decided, weights),
    }


def _system(truth: Array, said: Predictions, labels: Sequence[str], weights: Array, *, keep: bool) -> dict[str, Any]:
    by_label, drawn = label_measures(truth, said), label_measures(truth, said, weights)
    overall, overall_drawn = (
        overall_measures(truth, said, values, own) for values, own in ((by_label, None), (drawn, weights))
    )
    rows = _with_bounds(by_label, drawn)
    shares, n = metrics.confusion(truth, said.decided)
    numbers = {
        label: {
            "n_pos": int(truth[:, place].sum()),
            "n_given": int(said.decided[:, place].sum()),
            **{key: plain(values[place]) for key, values in rows.items()},
            "flag_all_f1": plain(metrics.flag_all_f1(truth)[place]),
            "reliability": [
                b.as_dict() for b in reliability_curve(truth[:, place], said.probabilities[:, place]) if b.n
            ],
            "given_for": {
                other: {"share": plain(shares[row, place]), "n": int(n[row, place])}
                for row, other in enumerate(labels)
                if row != place and shares[row, place] > 0
            },
        }
        for place, label in enumerate(labels)
    }
    covered = said.probabilities[:, said.covered]
    averages = _with_bounds(overall, overall_drawn)
    return {
        "labels": numbers,
        **{key: plain(value) for key, value in averages.items()},
        "averaged_over": {key: len(averaged(numbers, key)) for key in overall},
        "n_labels_covered": int(said.covered.sum()),
        "reliability": [b.as_dict() for b in reliability_curve(truth[:, said.covered], covered) if b.n],
        "draws": {key: [plain(value) for value in overall_drawn[key]] for key in BETTER_UP} if keep else {},
    }


def _with_bounds(values: Mapping[str, Array], drawn: Mapping[str, Array]) -> dict[str, Array]:
    out: dict[str, Array] = {}
    for key, value in values.items():
        low, high = interval(drawn[key])
        out |= {key: value, f"{key}_low": np.where(np.isnan(value), np.nan, low)}
        out[f"{key}_high"] = np.where(np.isnan(value), np.nan, high)
    return out

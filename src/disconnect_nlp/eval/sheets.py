"""Evaluation results as plain tables: what the terminal, Markdown and HTML print alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disconnect_nlp.eval.systems import TRIVIAL

LABEL_COLUMNS = ("n", "precision", "recall", "F1", "95 % interval", "flag-all F1", "AP", "ECE")
NOTE = (
    "F1 intervals: bootstrap over the groups of the data (authors or documents where it names them, else texts)."
    " A dash where there are fewer than ten. flag-all F1: giving the label to every text. AP: average "
    "precision. ECE: expected calibration error. A dash is undefined: no text carries the label, or none was given."
)
_OVERVIEW = {
    "macro F1": "macro_f1",
    "micro F1": "micro_f1",
    "macro AP": "macro_ap",
    "ROC AUC": "macro_roc_auc",
    "MCC": "macro_mcc",
    "balanced accuracy": "macro_balanced_accuracy",
    "Brier score": "mean_brier",
    "ECE": "mean_ece",
    "prevalence error": "mean_prevalence_error",
    "whole sets right": "set_accuracy",
    "Hamming loss": "hamming_loss",
}
_WITH_BOUNDS = ("macro_f1", "micro_f1", "macro_ap")


@dataclass(frozen=True)
class Sheet:
    """One table: cells are strings, the first column names the row."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[str]]
    note: str = ""
    summary: int = 0
    """How many rows at the end are averages."""


def show(value: float | None) -> str:
    """Return a share without its leading zero, or a dash.

    Examples
    --------
    >>> show(0.25), show(1.0), show(-0.5), show(None)
    ('.250', '1.000', '-.500', '–')
    """
    if value is None:
        return "–"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def bounds(low: float | None, high: float | None, between: str = " to ") -> str:
    """Return an interval, or a dash."""
    return "–" if low is None or high is None else f"{show(low)}{between}{show(high)}"


def sheets(results: Mapping[str, Any]) -> list[Sheet]:
    """Return every table that the results hold, the overview first; only there do trivial baselines stand."""
    shown = [name for name in results["systems"] if name not in TRIVIAL]
    parts = [overview(results), *(label_sheet(results, name) for name in shown)]
    parts += [_comparison(pair) for pair in results["comparisons"] if pair["systems"][1] in shown]
    parts += [_slices(name, rows) for name, rows in results.get("slices", {}).items() if rows]
    parts += [_near(name, rows) for name, rows in results.get("near_misses", {}).items() if rows]
    parts += [_agreement(results["agreement"])] if results["agreement"] else []
    parts += [behaviour_sheet(name, rows) for name, rows in results.get("behaviour", {}).items()]
    return parts


def overview(results: Mapping[str, Any]) -> Sheet:
    """Return one row a metric, one column a system."""
    systems = results["systems"]
    rows = []
    for name, key in _OVERVIEW.items():
        rows.append([name, *(show(own[key]) for own in systems.values())])
        if key in _WITH_BOUNDS:
            inside = [bounds(own[f"{key}_low"], own[f"{key}_high"], "–") for own in systems.values()]
            rows.append(["  95 % interval", *inside])
    title = f"All systems on {results['dataset']} ({results['n']} texts, {results['n_groups']} groups)"
    return Sheet(title, ("mean over labels", *systems), rows)


def label_sheet(results: Mapping[str, Any], name: str) -> Sheet:
    """Return one row a label and the averages."""
    system = results["systems"][name]
    rows = [[label, *_label_cells(own)] for label, own in system["labels"].items()]
    return Sheet(
        f"{name} on {results['dataset']} ({results['n']} texts, {results['n_groups']} groups)",
        ("label", *LABEL_COLUMNS),
        [*rows, *averages(system)],
        summary=2,
    )


def averages(system: Mapping[str, Any]) -> list[list[str]]:
    """Return the two last rows of a label sheet."""
    macro, micro = (bounds(system[f"{kind}_f1_low"], system[f"{kind}_f1_high"]) for kind in ("macro", "micro"))
    mean = [show(system["macro_ap"]), show(system["mean_ece"])]
    return [
        ["macro average", "", "", "", show(system["macro_f1"]), macro, "", *mean],
        ["micro average", "", "", "", show(system["micro_f1"]), micro, "", "", ""],
    ]


def _label_cells(own: Mapping[str, Any]) -> list[str]:
    first = [show(own[key]) for key in ("precision", "recall", "f1")]
    last = [show(own[key]) for key in ("flag_all_f1", "average_precision", "ece")]
    return [str(own["n_pos"]), *first, bounds(own["f1_low"], own["f1_high"]), *last]


def _comparison(pair: Mapping[str, Any]) -> Sheet:
    rows = [[label, *_gap(own), show(own["p_holm"])] for label, own in pair["labels"].items()]
    rows += [[name, *_gap(pair[key]), ""] for name, key in (("macro F1", "macro_f1"), ("micro F1", "micro_f1"))]
    rows.append(["macro AP", *_gap(pair["macro_ap"]), ""])
    first, second = pair["systems"]
    note = "F1, paired by text. p: permutation of whole groups; p corrected by Holm for the number of labels."
    columns = ("label", "difference", "95 % interval", "p", "p corrected")
    return Sheet(f"{first} minus {second}", columns, rows, note, summary=3)


def _gap(own: Mapping[str, Any]) -> list[str]:
    return [show(own["difference"]), bounds(own["low"], own["high"]), show(own["p"])]


def _slices(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    cells = [
        [f"{row['slice']}: {row['value']}", str(row["n"]), str(row["n_pos"]), show(row["micro_f1"]), show(row["rest"]),
         show(row["gap"]), bounds(row["gap_low"], row["gap_high"]), show(row["cost"]),
         "too small to say" if row["too_small"] else ""]
        for row in rows
    ]  # fmt: skip
    columns = ("slice", "texts", "labels", "micro F1", "elsewhere", "gap", "95 % interval", "cost", "")
    note = "Sorted by cost: what micro F1 would gain without the slice."
    return Sheet(f"{name}: slices", columns, cells, note)


def _near(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    cells = [
        [row["reason"], str(row["n"]), str(row["given"]), show(row["rate"]), bounds(row["rate_low"], row["rate_high"]),
         show(row["elsewhere"])]
        for row in rows
    ]  # fmt: skip
    columns = ("reason", "near misses", "given", "rate", "95 % interval", "rate elsewhere")
    note = "How often a label that is mentioned and does not count is given all the same."
    return Sheet(f"{name}: near misses by assertion reason", columns, cells, note)


def _agreement(pairs: Sequence[Mapping[str, Any]]) -> Sheet:
    rows = [
        [" with ".join(pair["raters"]), *(show(pair["macro"][key]) for key in ("alpha", "kappa", "positive_agreement"))]
        for pair in pairs
    ]
    note = "Means over labels where defined. Readers with each other are the mark that a system is held to."
    return Sheet("Agreement", ("raters", "alpha", "kappa", "positive agreement"), rows, note)


def behaviour_sheet(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """Return one row a capability."""
    cells = [
        [row["capability"], row["kind"], str(row["n"]), str(row["n_vacuous"]), str(row["n_failed"]),
         show(row["failure_rate"]), row["examples"][0]["text"] if row["examples"] else ""]
        for row in rows
    ]  # fmt: skip
    columns = ("capability", "kind", "cases", "vacuous", "failed", "failure rate", "example")
    note = "Vacuous: the unchanged sentence is not recognised, so the case proves nothing; rates leave these out."
    return Sheet(f"{name}: behaviour tests", columns, cells, note)

"""Evaluation results as plain tables: what the terminal, Markdown and HTML print alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disconnect_nlp.eval.averages import averaged
from disconnect_nlp.eval.resampling import MIN_GROUPS
from disconnect_nlp.eval.systems import TRIVIAL

LABEL_COLUMNS = ("n", "precision", "recall", "F1", "95 % interval", "flag-all F1", "AP", "ECE")
NOTE = (
    "F1 intervals: bootstrap over the groups of the data (authors or documents where it names them, else texts)."
    " A dash where there are fewer than ten. flag-all F1: giving the label to every text. AP: average "
    "precision. ECE: expected calibration error. A dash is undefined: no text carries the label, or none was given."
)
OTHER_LABELS = "(n*): averaged over n other labels than the first, so the two figures are not to be compared."
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


def marked(value: float | None, own: tuple[str, ...], first: tuple[str, ...]) -> str:
    """Return an average, marked with its number of labels if they are others than those of the first.

    Examples
    --------
    >>> marked(0.5, ("civic",), ("civic",)), marked(0.5, ("civic",), ("civic", "scale"))
    ('.500', '.500 (1*)')
    """
    return show(value) if value is None or own == first else f"{show(value)} ({len(own)}*)"


def sheets(results: Mapping[str, Any]) -> list[Sheet]:
    """Return every table that the results hold, the overview first; only there do trivial baselines stand."""
    shown = [name for name in results["systems"] if name not in TRIVIAL]
    parts = [overview(results), *(label_sheet(results, name) for name in shown)]
    parts += [_comparison(pair, results["n_groups"]) for pair in results["comparisons"] if pair["systems"][1] in shown]
    parts += [_slices(name, rows) for name, rows in results.get("slices", {}).items() if rows]
    parts += [_near(name, rows) for name, rows in results.get("near_misses", {}).items() if rows]
    parts += [_agreement(results["agreement"])] if results["agreement"] else []
    parts += [behaviour_sheet(name, rows) for name, rows in results.get("behaviour", {}).items()]
    return parts


def overview(results: Mapping[str, Any]) -> Sheet:
    """Return one row a metric, one column a system, and over how many labels the first one's figure goes."""
    systems = results["systems"]
    rows = []
    for name, key in _OVERVIEW.items():
        behind = [averaged(own["labels"], key) for own in systems.values()]
        first = next((labels for labels in behind if labels), ())
        cells = [marked(own[key], labels, first) for own, labels in zip(systems.values(), behind, strict=True)]
        rows.append([name, str(len(first)), *cells])
        if key in _WITH_BOUNDS:
            inside = [bounds(own[f"{key}_low"], own[f"{key}_high"], "–") for own in systems.values()]
            rows.append(["  95 % interval", "", *inside])
    title = f"All systems on {results['dataset']} ({results['n']} texts, {results['n_groups']} groups)"
    return Sheet(title, ("mean over labels", "labels", *systems), rows, _note_if_marked(rows))


def _note_if_marked(rows: Sequence[Sequence[str]]) -> str:
    return OTHER_LABELS if any(cell.endswith("*)") for row in rows for cell in row) else ""


def label_sheet(results: Mapping[str, Any], name: str) -> Sheet:
    """Return one row a label and the averages."""
    system = results["systems"][name]
    rows = [[label, *_label_cells(own)] for label, own in system["labels"].items()]
    title = f"{name} on {results['dataset']} ({results['n']} texts, {results['n_groups']} groups)"
    means = averages(system)
    return Sheet(title, ("label", *LABEL_COLUMNS), [*rows, *means], _note_if_marked(means), summary=len(means))


def averages(system: Mapping[str, Any]) -> list[list[str]]:
    """Return the two last rows of a label sheet, each with its number of labels."""
    macro, micro = (bounds(system[f"{kind}_f1_low"], system[f"{kind}_f1_high"]) for kind in ("macro", "micro"))
    behind = {key: averaged(system["labels"], key) for key in ("macro_f1", "macro_ap", "mean_ece", "micro_f1")}
    mean = [marked(system[key], behind[key], behind["macro_f1"]) for key in ("macro_ap", "mean_ece")]
    n_macro, n_micro = (f"{len(behind[key])} label{'s' * (len(behind[key]) != 1)}" for key in ("macro_f1", "micro_f1"))
    return [
        ["macro average", n_macro, "", "", show(system["macro_f1"]), macro, "", *mean],
        ["micro average", n_micro, "", "", show(system["micro_f1"]), micro, "", "", ""],
    ]


def _label_cells(own: Mapping[str, Any]) -> list[str]:
    first = [show(own[key]) for key in ("precision", "recall", "f1")]
    last = [show(own[key]) for key in ("flag_all_f1", "average_precision", "ece")]
    return [str(own["n_pos"]), *first, bounds(own["f1_low"], own["f1_high"]), *last]


def _comparison(pair: Mapping[str, Any], n_groups: int) -> Sheet:
    rows = [[label, *_gap(own), show(own["p_holm"])] for label, own in pair["labels"].items()]
    rows += [[name, *_gap(pair[key]), ""] for name, key in (("macro F1", "macro_f1"), ("micro F1", "micro_f1"))]
    rows.append(["macro AP", *_gap(pair["macro_ap"]), ""])
    first, second = pair["systems"]
    note = "F1, paired by text. p: permutation of whole groups; p corrected by Holm for the number of labels."
    if n_groups < MIN_GROUPS:
        least = f"{0.5 ** (n_groups - 1):.3g}"
        note += f" With {n_groups} groups there is no interval, and no difference can have a p below {least}."
    columns = ("label", "difference", "95 % interval", "p", "p corrected")
    return Sheet(f"{first} minus {second}", columns, rows, note, summary=3)


def benchmark_sheets(results: Mapping[str, Any]) -> list[Sheet]:
    """Return the figures of a benchmark, and the differences of what was fitted in domain and its rivals."""
    systems = results["systems"]
    labels = tuple(systems["in_domain"]["labels"])
    rows = [
        [key, *(marked(own[figure], averaged(own["labels"], figure), labels) for figure in ("macro_f1", "macro_ap")),
         bounds(own["macro_f1_low"], own["macro_f1_high"]), *(show(label["f1"]) for label in own["labels"].values())]
        for key, own in systems.items()
    ]  # fmt: skip
    title = f"{results['title']}: {results['n_train']} texts to fit on, {results['n']} to test"
    note = f"{results['protocol']}\n{results['caution']}\n{results['citation']} {results['where']}"
    columns = ("system", "macro F1", "macro AP", "95 % interval of macro F1", *labels)
    gaps = [
        [" minus ".join(pair["systems"]), name, *_gap(pair[key])]
        for pair in results["comparisons"]
        for name, key in (("macro F1", "macro_f1"), ("macro AP", "macro_ap"))
    ]
    return [
        Sheet(title, columns, rows, "\n".join(filter(None, [_note_if_marked(rows), note]))),
        Sheet("Differences", ("systems", "figure", "difference", "95 % interval", "p"), gaps),
    ]


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
    keys = ("alpha", "kappa", "positive_agreement")
    first = averaged(pairs[0]["labels"], "alpha")
    rows = [
        [" with ".join(pair["raters"]), str(len(averaged(pair["labels"], "alpha"))),
         *(marked(pair["macro"][key], averaged(pair["labels"], key), first) for key in keys)]
        for pair in pairs
    ]  # fmt: skip
    note = "Means over labels where defined. Readers with each other are the mark that a system is held to."
    columns = ("raters", "labels", "alpha", "kappa", "positive agreement")
    return Sheet("Agreement", columns, rows, " ".join(filter(None, [note, _note_if_marked(rows)])))


def contrast_sheet(name: str, rows: Sequence[Mapping[str, Any]]) -> Sheet:
    """Return one row a role, then that of whole sets."""
    cells = [
        [row["what"], str(row["n"]), str(row["n_right"]), show(row["right"]), bounds(row["low"], row["high"])]
        for row in rows
    ]
    columns = ("labels of the set are", "decisions", "right", "share", "95 % interval")
    note = (
        "Right: given where affirmed, not given elsewhere. A whole set is right if all decisions on its texts are. "
        "Intervals: bootstrap over sets."
    )
    return Sheet(f"{name}: contrast sets", columns, cells, note, summary=1)


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

"""Evaluation results as terminal tables and as Markdown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

_COLUMNS = ("n", "precision", "recall", "F1", "95 % interval", "flag-all F1", "AP", "ECE")
NOTE = (
    "F1 intervals: bootstrap over the groups of the data (authors or documents where it names them, else texts)."
    " A dash where there are fewer than ten. flag-all F1: giving the label to every text. AP: average "
    "precision. ECE: expected calibration error. A dash is undefined: no text carries the label, or none was given."
)


def print_tables(results: dict[str, Any], console: Console) -> None:
    """Print one table a system."""
    for name, system in results["systems"].items():
        table = Table(title=f"{name} on {results['dataset']} ({results['n']} texts, {results['n_groups']} groups)")
        table.add_column("label", no_wrap=True)
        for column in _COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for label, numbers in system["labels"].items():
            table.add_row(label, *_cells(numbers))
        table.add_section()
        for kind, row in _averages(system):
            table.add_row(kind, *row)
        console.print(table)
    console.print(NOTE, style="dim")


def markdown(results: dict[str, Any]) -> str:
    """Return one Markdown table a system."""
    parts = []
    for name, system in results["systems"].items():
        lines = [
            f"**{name}** on {results['dataset']}, {results['n']} texts",
            "",
            "| label | " + " | ".join(_COLUMNS) + " |",
            "|---" * (len(_COLUMNS) + 1) + "|",
        ]
        rows = [(f"`{label}`", _cells(numbers)) for label, numbers in system["labels"].items()] + _averages(system)
        lines += ["| " + " | ".join([label, *cells]) + " |" for label, cells in rows]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + f"\n\n{NOTE}\n"


def show(value: float | None) -> str:
    """Return a share without its leading zero, or a dash.

    Examples
    --------
    >>> show(0.25), show(1.0), show(None)
    ('.250', '1.000', '–')
    """
    if value is None:
        return "–"
    return f"{value:.3f}".removeprefix("0")


def _cells(numbers: dict[str, Any]) -> list[str]:
    bounds = f"{show(numbers['f1_low'])} to {show(numbers['f1_high'])}" if numbers["f1_low"] is not None else "–"
    keys = ("flag_all_f1", "average_precision", "ece")
    first = [show(numbers[key]) for key in ("precision", "recall", "f1")]
    return [str(numbers["n_pos"]), *first, bounds, *(show(numbers[key]) for key in keys)]


def _averages(system: dict[str, Any]) -> list[tuple[str, list[str]]]:
    macro = f"{show(system['macro_f1_low'])} to {show(system['macro_f1_high'])}"
    micro = f"{show(system['micro_f1_low'])} to {show(system['micro_f1_high'])}"
    return [
        (
            "macro average",
            ["", "", "", show(system["macro_f1"]), macro, "", show(system["macro_ap"]), show(system["mean_ece"])],
        ),
        ("micro average", ["", "", "", show(system["micro_f1"]), micro, "", "", ""]),
    ]

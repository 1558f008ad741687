"""Tables of results in the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from disconnect_nlp.eval.sheets import NOTE, Sheet, label_sheet, sheets, show

__all__ = ["label_markdown", "markdown_report", "markdown_rows", "print_sheets", "print_tables", "show"]


def print_tables(results: Mapping[str, Any], console: Console) -> None:
    """Print every table."""
    print_sheets(sheets(results), console)
    console.print(NOTE, style="dim")


def print_sheets(parts: Sequence[Sheet], console: Console) -> None:
    """Print tables with their notes."""
    for sheet in parts:
        table = Table(title=sheet.title)
        for column in sheet.columns:
            words = column in ("example", "label", sheet.columns[0])
            table.add_column(column, justify="left" if words else "right", no_wrap=column != "example")
        for number, row in enumerate(sheet.rows):
            if sheet.summary and number == len(sheet.rows) - sheet.summary:
                table.add_section()
            table.add_row(*map(_plain, row))
        console.print(table)
        if sheet.note:
            console.print(sheet.note, style="dim")


def _plain(cell: str) -> str:
    return cell.replace("[", r"\[")


def label_markdown(results: Mapping[str, Any], name: str) -> str:
    """Return the table of labels of one system as Markdown, for model cards."""
    sheet = label_sheet(results, name)
    labels, means = sheet.rows[: -sheet.summary], sheet.rows[-sheet.summary :]
    rows = [[f"`{label}`", *cells] for label, *cells in labels] + means
    title = f"**{results['dataset']}, {results['n']} texts**"
    return "\n".join([title, "", *markdown_rows(sheet.columns, rows), *_below(sheet)])


def markdown_report(results: Mapping[str, Any]) -> str:
    """Return every table of the results as Markdown."""
    parts = []
    for sheet in sheets(results):
        rows = [[f"`{row[0]}`", *row[1:]] if sheet.columns[0] == "label" else row for row in sheet.rows]
        body = [f"### {sheet.title}", "", *markdown_rows(sheet.columns, rows)]
        parts.append("\n".join([*body, *_below(sheet)]))
    return "\n\n".join([*parts, NOTE]) + "\n"


def _below(sheet: Sheet) -> list[str]:
    return ["", sheet.note] if sheet.note else []


def markdown_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    safe = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return [
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *("| " + " | ".join(r) + " |" for r in safe),
    ]

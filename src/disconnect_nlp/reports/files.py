"""Writes what a report is made of as files: every table as CSV."""

from __future__ import annotations

from pathlib import Path

from disconnect_nlp.reports.summarise import ReportData


def write_tables(data: ReportData, folder: Path) -> list[Path]:
    """Write every table of numbers as CSV; return the paths. Holds no texts, but the words that mark a label.

    Where a row is a sentence, columns are named after sentences.
    """
    paths = []
    for name, frame in data.tables.items():
        if len(frame):
            paths.append(folder / f"{name}.csv")
            named = frame.rename(columns=lambda column: column.replace("texts", data.units))
            named.to_csv(paths[-1], index=False, float_format="%.6g", lineterminator="\n")
    return paths

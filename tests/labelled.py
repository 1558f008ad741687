"""Writes small labelled tables, as ``label`` does, for the tests of what reads them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LABELS = ("professional", "numbness", "distress")


def marked(text: str, quote: str, label: str, **more: Any) -> dict[str, Any]:
    start = text.index(quote)
    return {
        "start": start,
        "end": start + len(quote),
        "quote": quote,
        "label": label,
        "weight": 2.0,
        "counts": True,
    } | more


def row(
    text: str,
    given: Mapping[str, float] | None = None,
    *,
    evidence: Sequence[Mapping[str, Any]] = (),
    uncertain: Sequence[str] = (),
    status: str = "ok",
    **own: Any,
) -> dict[str, Any]:
    given = given or {}
    cells = {
        **own,
        "entry": text,
        "disconnect_status": status,
        "disconnect_labels": ";".join(given),
        "disconnect_uncertain": ";".join(uncertain),
        "disconnect_evidence": json.dumps(list(evidence), ensure_ascii=False),
    }
    for label in LABELS:
        cells[f"disconnect_{label}"] = int(label in given) if status == "ok" else ""
        cells[f"disconnect_{label}_score"] = given.get(label, 0.1) if status == "ok" else ""
    return cells


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_manifest(table: Path, **own: Any) -> Path:
    """Write a run manifest beside a table, with some of its parts given."""
    counts = {"rows": 0, "statuses": {}, "given": {}, "uncertain": {}, "reasons": {}, "broken": {}}
    options = {"text_columns": ["entry"], "labels": list(LABELS)}
    plain = {"format": 1, "input": {"sha256": ""}, "output": {"sha256": ""}, "model": {}, "options": options}
    path = table.with_name(table.name + ".manifest.json")
    path.write_text(json.dumps(plain | {"counts": counts} | own))
    return path

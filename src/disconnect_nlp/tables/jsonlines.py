"""JSON lines: one object a line, nested values kept."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Row, writable

RAW = "raw_line"
"""Key under which a line that is no JSON object is kept."""


class JsonLinesReader:
    """Reads JSON objects line by line. ``columns`` are the keys of all lines, in order of appearance."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []
        self.n_rows = 0
        self.notes: list[str] = []
        for row in self:
            self.n_rows += 1
            self.columns += [key for key in row.cells if key not in self.columns]
        if not self.columns:
            raise DataError(f'{path}: no JSON object found. Each line must hold one object, such as {{"text": …}}.')

    def __iter__(self) -> Iterator[Row]:
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(number, line)


def _row(number: int, line: str) -> Row:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, {RAW: line.rstrip("\r\n")}, problem="not JSON")
    if not isinstance(value, dict):
        return Row(number, {RAW: line.rstrip("\r\n")}, problem="not a JSON object")
    return Row(number, value)


class JsonLinesWriter:
    """Writes one object a line, with the row's own keys first."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8", errors="surrogateescape")

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row with all its keys."""
        missing = {column: None for column in self._columns if column not in cells}
        line = json.dumps({**cells, **missing}, ensure_ascii=False)
        if not writable(line):  # half a surrogate pair: as an escape it goes out as it came in
            line = json.dumps({**cells, **missing})
        self._file.write(line + "\n")

    def close(self) -> None:
        """Flush to disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

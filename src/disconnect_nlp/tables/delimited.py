"""CSV and TSV: delimiter and encoding detected, cells kept as the strings they are."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Row

_SAMPLE = 1 << 20  # bytes looked at to detect encoding and delimiter
_DELIMITERS = ",;\t|"
EXTRA = "extra_cells"
"""Column that receives the surplus cells of a row with more cells than the header."""

csv.field_size_limit(1 << 30)


class DelimitedReader:
    """Reads a delimited file with a header row.

    Parameters
    ----------
    path
        The file.
    delimiter
        Detected from the header if left out: the one of ``, ; tab |`` that occurs most outside quotation marks.
    """

    def __init__(self, path: Path, *, delimiter: str | None = None) -> None:
        self.path = path
        self.encoding = detect_encoding(path)
        self.delimiter = delimiter or self._detect_delimiter()
        with path.open(encoding=self.encoding, newline="", errors="surrogateescape") as file:
            header = next(self._rows(file), None)
        if not header:
            raise DataError(f"{path}: the file is empty. It needs a header row with column names.")
        self._header = header
        self.columns = unique_names(header)
        self.n_rows, widest = self._survey()
        if widest > len(self.columns):
            self.columns.append(self._free_name(EXTRA))

    def __iter__(self) -> Iterator[Row]:
        with self.path.open(encoding=self.encoding, newline="", errors="surrogateescape") as file:
            rows = self._rows(file)
            next(rows)
            line = rows.line_num
            for cells in rows:
                start, line = line + 1, rows.line_num
                if cells:
                    yield self._row(start, cells)

    def _rows(self, file: Any) -> Any:
        return csv.reader(file, delimiter=self.delimiter)

    def _row(self, number: int, cells: list[str]) -> Row:
        width = len(self._header)
        named: dict[str, Any] = dict(zip(self.columns[:width], cells, strict=False))
        if len(cells) == width:
            return Row(number, named)
        if len(cells) > width:
            named[self.columns[width]] = self.delimiter.join(cells[width:])
        return Row(number, named, problem=f"{len(cells)} cells, header has {width}")

    def _survey(self) -> tuple[int, int]:
        """Read the file once for the number of rows and the width of the widest."""
        with self.path.open(encoding=self.encoding, newline="", errors="surrogateescape") as file:
            n_rows, widest = -1, 0  # the header is no row
            for cells in self._rows(file):
                if cells:
                    n_rows, widest = n_rows + 1, max(widest, len(cells))
        return n_rows, widest

    def _free_name(self, name: str) -> str:
        return unique_names([*self.columns, name])[-1]

    def _detect_delimiter(self) -> str:
        with self.path.open(encoding=self.encoding, newline="", errors="surrogateescape") as file:
            line = file.readline(_SAMPLE)
        outside = "".join(line.split('"')[::2])
        counts = Counter(char for char in outside if char in _DELIMITERS)
        return counts.most_common(1)[0][0] if counts else ","


class DelimitedWriter:
    """Writes UTF-8 with Unix line ends; spreadsheets find the encoding by the byte-order mark."""

    def __init__(self, path: Path, columns: list[str], *, delimiter: str) -> None:
        self._columns = columns
        self._file = path.open("w", encoding="utf-8-sig", newline="", errors="surrogateescape")
        self._writer = csv.writer(self._file, delimiter=delimiter, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""
        values = (cells.get(column) for column in self._columns)
        self._writer.writerow(["" if value is None else value for value in values])

    def close(self) -> None:
        """Flush to disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def detect_encoding(path: Path) -> str:
    """Return UTF-8 (with or without mark), UTF-16 by its mark, or Windows-1252 for what is no UTF-8."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
        rest = file.read(4)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_at_the_end = rest and error.start >= len(sample) - 3
        return "utf-8-sig" if cut_at_the_end else "cp1252"
    return "utf-8-sig"


def unique_names(header: list[str]) -> list[str]:
    """Return column names, the empty ones named and repeated ones numbered, so that none hides another.

    Examples
    --------
    >>> unique_names(["id", "", "note", "note"])
    ['id', 'column_2', 'note', 'note.1']
    """
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        base = (name.strip() and name) or f"column_{position}"
        candidate, count = base, 0
        while candidate in names:
            count += 1
            candidate = f"{base}.{count}"
        names.append(candidate)
    return names

"""CSV and TSV: delimiter and encoding detected, cells kept as the strings they are."""

from __future__ import annotations

import codecs
import csv
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Row, writable

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
        # Five bytes mean nothing in Windows-1252; in UTF-8 a broken byte goes out as it came in.
        self._errors = "replace" if self.encoding == "cp1252" else "surrogateescape"
        self.delimiter = delimiter or self._detect_delimiter()
        with path.open(encoding=self.encoding, newline="", errors=self._errors) as file:
            header = next((cells for cells in self._rows(file) if cells), None)
        if not header:
            raise DataError(f"{path}: the file is empty. It needs a header row with column names.")
        self._header = header
        self.columns: list[str] = unique_names(header)
        self.marked = self.encoding != "utf-8"
        """Whether the file told or needs to tell its encoding by a byte-order mark."""
        self.notes = self._notes()
        self.n_rows, widest = self._survey()
        if widest > len(self.columns):
            self.columns.append(self._free_name(EXTRA))

    def __iter__(self) -> Iterator[Row]:
        with self.path.open(encoding=self.encoding, newline="", errors=self._errors) as file:
            rows = self._rows(file)
            line, in_header = 0, True
            for cells in rows:
                start, line = line + 1, rows.line_num
                if in_header:
                    in_header = not cells
                elif cells or len(self._header) == 1:  # in a table of one column a blank line is an empty cell
                    yield self._row(start, cells or [""])

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

    def _notes(self) -> list[str]:
        notes = []
        renamed = [new for new, old in zip(self.columns, self._header, strict=True) if new != old]
        if renamed:
            notes.append(f"columns without a name of their own were named {', '.join(renamed)}.")
        if self.encoding == "cp1252":
            notes.append("the file is not valid UTF-8 and was read as Windows-1252; the output is UTF-8.")
        return notes

    def _survey(self) -> tuple[int, int]:
        """Read the file once for the number of rows and the width of the widest."""
        with self.path.open(encoding=self.encoding, newline="", errors=self._errors) as file:
            n_rows, widest = -1, 0  # the header is no row
            for cells in self._rows(file):
                if cells or (n_rows >= 0 and len(self._header) == 1):
                    n_rows, widest = n_rows + 1, max(widest, len(cells))
        return n_rows, widest

    def _free_name(self, name: str) -> str:
        return unique_names([*self.columns, name])[-1]

    def _detect_delimiter(self) -> str:
        with self.path.open(encoding=self.encoding, newline="", errors=self._errors) as file:
            header = next((line for line in file if line.strip()), "")
            while header.count('"') % 2 and (more := file.readline(_SAMPLE)):  # a line break inside quotation marks
                header += more
        outside = "".join(header.split('"')[::2])
        counts = Counter(char for char in outside if char in _DELIMITERS)
        return counts.most_common(1)[0][0] if counts else ","


class DelimitedWriter:
    """Writes UTF-8 with Unix line ends; spreadsheets find the encoding by the byte-order mark."""

    def __init__(self, path: Path, columns: list[str], *, delimiter: str, mark: bool = True) -> None:
        self._columns = columns
        encoding = "utf-8-sig" if mark else "utf-8"
        self._file = path.open("w", encoding=encoding, newline="", errors="surrogateescape")
        # csv quotes a cell for the characters of its line end: with both, a lone carriage return is safe.
        self._writer = csv.writer(_UnixLines(self._file), delimiter=delimiter, lineterminator="\r\n")
        self._writer.writerow(columns)

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""
        self._writer.writerow([_cell(cells.get(column)) for column in self._columns])

    def close(self) -> None:
        """Flush to disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


class _UnixLines:
    """Takes rows that end in CR LF and writes them ending in LF."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n") + "\n")


def _cell(value: Any) -> Any:
    if isinstance(value, str) and not writable(value):  # half a surrogate pair has no form in a text file
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    return "" if value is None else value


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
        if not cut_at_the_end:
            return "cp1252"
    return "utf-8-sig" if sample.startswith(codecs.BOM_UTF8) else "utf-8"


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

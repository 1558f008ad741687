"""Reads the sheets of spreadsheet programs and writes Excel workbooks. A text is a text, even if it begins with =."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.tables.base import REPLACEMENT, Dialect, Row, need
from disconnect_nlp.tables.delimited import unique_names
from disconnect_nlp.tables.dialects import SET_ASIDE, recognise
from disconnect_nlp.tables.encode import as_text
from disconnect_nlp.tables.source import Source

_MOST_ROWS = 1_048_576  # of a sheet
_BLOCK = 1 << 20
_OVERLAP = 64  # bytes: more than the end of a cell takes
_NO_RESULT = re.compile(
    rb"(</(\w+:)?f>|<(\w+:)?f\b[^<>]*/>)\s*(<(\w+:)?v>\s*</(\w+:)?v>|<(\w+:)?v\s*/>)?\s*</(\w+:)?c>"
)
"""The end of a cell that holds a formula and no result."""


class SheetReader:
    """Reads one sheet of a workbook, the first if none is named.

    Formulas are read as their last results; one that has none, as a text that begins with = and was stored as a
    formula by the program that wrote it, is read as it stands there.

    The sheet is held in memory: Excel's limit is a million rows.
    """

    def __init__(self, source: Source, *, sheet: str | None = None) -> None:
        calamine = need("python_calamine", extra="formats", what=f"a {source.format} file")
        try:
            with source.open() as file:
                book = calamine.CalamineWorkbook.from_filelike(file)
        except calamine.CalamineError as error:
            raise DataError(f"{source.name}: not a workbook, or damaged. Save it again as .xlsx.") from error
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise DataError(f"{source.name}: no sheet {sheet!r}. Sheets: {', '.join(map(shorten, names))}.")
        self._sheet = book.get_sheet_by_name(sheet or names[0])
        self._formulas = _without_result(source, sheet or names[0]) if source.format == ".xlsx" else {}
        self._before_values = (self._sheet.start or (0, 0))[1]  # columns
        rows = self._rows()
        first = next(rows, None)
        if first is None:
            raise DataError(f"{source.name}: sheet {shorten(sheet or names[0])!r} is empty. It needs a header row.")
        self._skipped, header = first
        self.columns: list[str] = unique_names([as_text(cell) for cell in header])
        below = [[as_text(cell) for cell in cells] for _, (_, cells) in zip(range(2), rows, strict=False)]
        self.dialect: Dialect | None = recognise(self.columns, below)
        self.n_rows = sum(1 for _ in self._rows()) - 1
        self.notes = [f"sheet {shorten(sheet or names[0])!r} of {len(names)} was read."] if len(names) > 1 else []
        if self.dialect:
            self.notes.append(f"read as {self.dialect.name}.")
        if self._formulas:
            n = sum(map(len, self._formulas.values()))
            self.notes.append(f"{n} formulas without a stored result were read as texts, as in '=…'.")

    def __iter__(self) -> Iterator[Row]:
        rows = self._rows()
        next(rows)
        aside = self.dialect.header_rows if self.dialect else 0
        for position, (number, cells) in enumerate(rows):
            named = dict(zip(self.columns, cells, strict=False))
            yield Row(number, named, aside=SET_ASIDE if position < aside else None)

    def _rows(self) -> Iterator[tuple[int, list[Any]]]:
        # The library knows nothing of cells without a value, be they left of all others, to the right or below, and
        # leaves out the columns before the first value.
        below = (self._sheet.end or (-1, -1))[0] + 1
        more: Iterator[list[Any]] = repeat([], max(0, max(self._formulas, default=0) - below))
        before = min((column - 1 for row in self._formulas.values() for column in row), default=self._before_values)
        left_out = min(before, self._before_values)
        for number, cells in enumerate(chain(self._sheet.iter_rows(), more), start=1):
            plain = [None] * (self._before_values - left_out) + [_plain(cell) for cell in cells]
            for column, formula in self._formulas.get(number, {}).items():
                place = column - left_out
                plain += [None] * (place - len(plain))
                plain[place - 1] = formula
            if any(cell is not None for cell in plain):
                yield number, plain


def _without_result(source: Source, sheet: str) -> dict[int, dict[int, str]]:
    """Return formulas that have no result, not even an empty one, by row and column from 1."""
    with source.open() as file, zipfile.ZipFile(file) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        if not any(_ends_without_result(archive, name) for name in sheets):
            return {}
    openpyxl = need("openpyxl", extra="formats", what="a formula without a result in an .xlsx file")
    found: dict[int, dict[int, str]] = {}
    with source.open() as formulas, source.open() as values:
        stored = openpyxl.load_workbook(formulas, read_only=True)[sheet]
        results = openpyxl.load_workbook(values, read_only=True, data_only=True)[sheet]
        for own_sheet in (stored, results):
            own_sheet.reset_dimensions()  # some programs tell fewer cells than there are
        for cells, own in zip(stored.iter_rows(), results.iter_rows(), strict=True):
            for cell, result in zip(cells, own, strict=True):
                if cell.data_type == "f" and result.value is None and result.data_type != "str":
                    found.setdefault(cell.row, {})[cell.column] = str(getattr(cell.value, "text", cell.value))
    return found


def _ends_without_result(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as file:
        before = b""
        while block := file.read(_BLOCK):
            if _NO_RESULT.search(before + block):
                return True
            before = block[-_OVERLAP:]
    return False


def _plain(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return None if cell == "" else cell


class ExcelWriter:
    """Writes one sheet, row by row; what is in the workbook beside the cells of the sheet read is not carried over."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        openpyxl = need("openpyxl", extra="formats", what="writing an .xlsx file")
        self._cell = openpyxl.cell.WriteOnlyCell
        self._clean = openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE
        self._path, self._columns, self._row = path, columns, 0
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("labelled")
        self._append(columns)

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""
        check_rows(self._row)  # every sentence may have become a row
        self._append([cells.get(column) for column in self._columns])

    def close(self) -> None:
        """Write the workbook."""
        self._book.save(self._path)

    def _append(self, values: list[Any]) -> None:
        self._row += 1
        self._sheet.append([self._written(value) for value in values])

    def _written(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | datetime.date | datetime.time | datetime.timedelta):
            return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
        text = self._clean.sub(REPLACEMENT, as_text(value))
        cell = self._cell(self._sheet, text)
        cell.data_type = "s"  # else a text that begins with = would become a formula
        return cell


def check_rows(rows: int) -> None:
    """Raise DataError if so many rows and a header are more than a sheet holds."""
    if rows >= _MOST_ROWS:
        raise DataError(
            f"{rows:,} rows: a sheet of Excel holds {_MOST_ROWS - 1:,} below its header. "
            "Name an output that ends in .csv or .parquet."
        )

"""Reads and writes the data sets of SPSS (.sav) and Stata (.dta) with their labels, missing codes and formats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.tables.base import Dialect, Row, need
from disconnect_nlp.tables.encode import as_text
from disconnect_nlp.tables.source import Source

_CHUNK = 20_000  # rows; the library finds each chunk by reading over those before it
_LONGEST_NAME = {".sav": 64, ".dta": 32}
_MEASURES = {bool: "nominal", str: "nominal", int: "scale", float: "scale"}


class StatisticsReader:
    """Reads a data set of SPSS or Stata; codes stay codes.

    Parameters
    ----------
    source
        The file.
    raw
        Whether dates stay the numbers they are stored as, so that a writer of the same format finds them unchanged.
    """

    def __init__(self, source: Source, *, raw: bool = False) -> None:
        self.source = source
        self._library = need("pyreadstat", extra="formats", what=f"a {source.format} file")
        self._raw = raw
        _, self.meta = self._read(metadataonly=True)
        self.columns: list[str] = list(self.meta.column_names)
        self.n_rows = self._survey()
        self.notes: list[str] = []
        self.dialect: Dialect | None = None

    def __iter__(self) -> Iterator[Row]:
        number = 0
        for start in range(0, max(self.n_rows, 1), _CHUNK):
            frame, _ = self._read(row_offset=start, row_limit=_CHUNK)
            columns = [_values(frame[name]) for name in self.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, dict(zip(self.columns, cells, strict=True)))

    def _survey(self) -> int:
        if self.meta.number_rows is not None:
            return int(self.meta.number_rows)
        return len(self._read(usecols=self.columns[:1])[0])  # some programs leave the count out

    def _read(self, **options: Any) -> Any:
        read = self._library.read_sav if self.source.format == ".sav" else self._library.read_dta
        try:
            with self.source.open() as file:
                return read(file, user_missing=True, disable_datetime_conversion=self._raw, **options)
        except (self._library.ReadstatError, self._library.PyreadstatError) as error:
            raise DataError(
                f"{self.source.name}: not a {self.source.format} file, or damaged. Save it again."
            ) from error


def _values(column: pd.Series[Any]) -> list[Any]:
    missing = column.isna().tolist()
    return [None if absent else value for value, absent in zip(column.tolist(), missing, strict=True)]


class StatisticsWriter:
    """Writes a data set; the input's labels, codes, formats and missing values stay if it is of the same format.

    The rows are held in memory until :meth:`close`, since the format is written at once.

    Parameters
    ----------
    like
        The reader of the input.
    labels
        Variable labels of added columns.
    kinds
        ``bool`` (written as 1 and 0), ``int`` or ``float`` for added columns that hold numbers; the others are text.
    """

    def __init__(
        self,
        path: Path,
        columns: list[str],
        *,
        format: str,
        like: object = None,
        labels: dict[str, str] | None = None,
        kinds: dict[str, type] | None = None,
    ) -> None:
        self._library = need("pyreadstat", extra="formats", what=f"a {format} file")
        self._path, self._columns, self._format = path, columns, format
        self._meta = like.meta if isinstance(like, StatisticsReader) and like.source.format == format else None
        self._labels, self._kinds = labels or {}, kinds or {}
        self._own = set(self._meta.column_names) if self._meta else set()
        check_names(columns, format=format)
        self._rows: list[list[Any]] = []

    def write(self, cells: dict[str, Any]) -> None:
        """Keep one row."""
        row = [self._cell(name, cells.get(name)) for name in self._columns]
        self._rows.append(row)

    def close(self) -> None:
        """Write the file."""
        frame = pd.DataFrame(
            {name: self._series(name, [row[i] for row in self._rows]) for i, name in enumerate(self._columns)}
        )
        write = self._library.write_sav if self._format == ".sav" else self._library.write_dta
        write(frame, str(self._path), **self._described(frame))

    def _cell(self, name: str, value: Any) -> Any:
        if name in self._own or value is None or name in self._kinds or isinstance(value, int | float):
            return value
        return as_text(value)

    def _series(self, name: str, values: list[Any]) -> pd.Series[Any]:
        numeric = name in self._kinds
        if self._meta is not None and name in self._own:
            numeric = self._meta.readstat_variable_types[name] != "string"
            if numeric and not any(isinstance(value, str) for value in values):  # a letter is a Stata missing code
                return pd.Series(values, dtype="float64")
        if numeric and name not in self._own:
            return pd.Series(values, dtype="float64")
        if numeric:
            return pd.Series(values, dtype="object")
        if any(isinstance(value, str) for value in values) or not any(value is not None for value in values):
            return pd.Series(["" if value is None else as_text(value) for value in values], dtype="object")
        return pd.Series(values, dtype="float64")

    def _described(self, frame: pd.DataFrame) -> dict[str, Any]:
        own = self._meta
        options: dict[str, Any] = {"column_labels": {**(own.column_names_to_labels if own else {}), **self._labels}}
        measures = {name: _MEASURES[self._kinds.get(name, str)] for name in self._labels}
        if own is None:
            return options | ({"variable_measure": measures} if self._format == ".sav" else {})
        options |= {
            "file_label": own.file_label or "",
            "variable_value_labels": own.variable_value_labels,
            "variable_format": own.original_variable_types,
        }
        if self._format == ".dta":
            numeric = [name for name, kind in own.readstat_variable_types.items() if kind != "string"]
            letters = {name: sorted({v for v in frame[name].tolist() if isinstance(v, str)}) for name in numeric}
            return options | {"missing_user_values": {name: found for name, found in letters.items() if found}}
        return options | {
            "missing_ranges": own.missing_ranges,
            "variable_measure": own.variable_measure | measures,
            "variable_display_width": own.variable_display_width,
            "note": list(own.notes or []),
        }


def check_names(columns: list[str], *, format: str) -> None:
    """Raise DataError if the format cannot hold a column of such a name."""
    for name in columns:
        if len(name.encode()) > _LONGEST_NAME[format]:
            raise DataError(
                f"column {shorten(name)!r}: {format} holds names of up to {_LONGEST_NAME[format]} bytes. "
                "Pass a shorter --prefix, rename the column, or name an output that ends in .csv."
            )
        if not name.isidentifier() and not name.replace(".", "_").replace("@", "_").replace("#", "_").isidentifier():
            raise DataError(
                f"column {shorten(name)!r}: {format} holds names of letters, digits and _ only, without spaces. "
                "Rename it, or name an output that ends in .csv or .xlsx."
            )

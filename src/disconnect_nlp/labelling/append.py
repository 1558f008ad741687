"""Adds to a labelled output the rows of the input that are not in it yet, known by an id column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import EMPTY, status_of
from disconnect_nlp.labelling.checkpoint import differences
from disconnect_nlp.labelling.manifest import read_manifest
from disconnect_nlp.labelling.summary import Summary
from disconnect_nlp.tables import Row, Source, TableReader
from disconnect_nlp.tables.cells import cell_of, known_column
from disconnect_nlp.tables.delimited import DelimitedReader
from disconnect_nlp.tables.encode import as_text


class AppendTo:
    """A finished output to which new rows are added. Holds the ids of its rows in memory.

    Parameters
    ----------
    path
        The output.
    reader
        Of the output.
    id_column
        The column that tells rows apart, in input and output; every row has its own value.
    """

    def __init__(self, path: Path, reader: TableReader, id_column: str) -> None:
        self.path, self.reader, self._id_column = path, reader, id_column
        self._manifest = read_manifest(path)
        _, digest = Source(path).digest()
        if digest != self._manifest["output"]["sha256"]:
            raise DataError(
                f"{path}: has been changed since it was labelled, so rows cannot be added safely. "
                "Restore it, or label the input into another output."
            )
        self._digest = digest
        self._known = {as_text(cell_of(row.cells, id_column)) for row in reader}

    def check(self, settings: dict[str, Any]) -> None:
        """Raise DataError if the output was not labelled as new rows would be."""
        differing = differences({key: self._manifest.get(key) for key in settings}, settings)
        if differing:
            raise DataError(
                f"{self.path}: new rows would be labelled otherwise than those in it: {'; '.join(differing)}. "
                "Use what it was made with, or label everything anew with --force."
            )

    def check_columns(self, columns: list[str], name: str) -> None:
        """Raise DataError if new rows would not fit under the columns of the output."""
        in_order = isinstance(self.reader, DelimitedReader)
        same = columns == self.reader.columns if in_order else set(columns) == set(self.reader.columns)
        if not same:
            odd = sorted(map(shorten, set(columns) ^ set(self.reader.columns))) or ["their order"]
            raise DataError(
                f"{name}: its columns do not fit those of {self.path}; the difference: {', '.join(odd)}. "
                "Label it into another output."
            )

    def settings(self) -> dict[str, Any]:
        """Return what decides which rows are added."""
        return {"id_column": self._id_column, "sha256": self._digest}

    def summary(self) -> Summary:
        """Return the counts of the rows that are in the output already."""
        return Summary.from_dict(self._manifest["counts"])

    def new_rows(self, reader: TableReader, name: str) -> Iterator[Row]:
        """Yield the rows of the input whose id is not in the output.

        Raises
        ------
        DataError
            If there is no such column, or a row has no id or that of an earlier one.
        """
        if known_column(self._id_column, reader.columns) not in reader.columns:
            columns = ", ".join(map(shorten, reader.columns))
            raise DataError(f"{name}: no column {self._id_column!r}. Columns: {columns}. Name one with --id-column.")
        seen: set[str] = set()
        for row in reader:
            value = cell_of(row.cells, self._id_column)
            own = as_text(value)
            if row.aside and own in self._known:
                continue
            if status_of(value) == EMPTY or own in seen:
                raise DataError(
                    f"{name}, row {row.number}: {'the id of an earlier row' if own in seen else 'no id'} in column "
                    f"{shorten(self._id_column)!r}. Every row needs an id of its own; name another --id-column."
                )
            seen.add(own)
            if own not in self._known:
                yield row

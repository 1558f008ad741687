"""Turns cells into the lines of a CSV, TSV or JSON-lines file.

Added cells are encoded apart from a row's own, so that workers can do it and hand over text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from disconnect_nlp.tables.base import REPLACEMENT, writable


class Encoder(Protocol):
    """Encodes rows of one file."""

    def head(self) -> str:
        """Return what comes before the first row."""

    def fragment(self, names: Sequence[str], cells: Sequence[Any]) -> str:
        """Return some of a row's cells, named, as a piece of its line."""

    def line(self, cells: Mapping[str, Any], fragments: Sequence[str]) -> str:
        """Return a row's line from its own cells and the pieces that follow them."""


class DelimitedEncoder:
    """Encodes delimited rows with Unix line ends.

    Parameters
    ----------
    columns
        The row's own columns; those added come after them.
    added
        All columns added, in order.
    mark
        Whether the file begins with a byte-order mark, by which spreadsheets find the encoding.
    """

    def __init__(
        self, columns: Sequence[str], added: Sequence[str] = (), *, delimiter: str = ",", mark: bool = True
    ) -> None:
        self._columns, self._added, self._mark = list(columns), list(added), mark
        self._delimiter = delimiter
        self._buffer = io.StringIO()
        # csv quotes a cell for the characters of its line end: with both, a lone carriage return is safe.
        self._writer = csv.writer(self._buffer, delimiter=delimiter, lineterminator="\r\n")

    def head(self) -> str:
        """Return the header row."""
        return ("\ufeff" if self._mark else "") + self._cells([*self._columns, *self._added]) + "\n"

    def fragment(self, names: Sequence[str], cells: Sequence[Any]) -> str:
        """Return cells between delimiters."""
        return self._cells([as_text(value) for value in cells])

    def line(self, cells: Mapping[str, Any], fragments: Sequence[str]) -> str:
        """Return one row; missing cells are empty."""
        own = [as_text(cells.get(column)) for column in self._columns]
        return self._delimiter.join([*([self._cells(own)] if own else []), *fragments]) + "\n"

    def _cells(self, cells: list[str]) -> str:
        self._buffer.seek(0)
        self._buffer.truncate()
        # A row of one empty cell would be a blank line, which csv writes as a pair of quotation marks.
        self._writer.writerow(cells)
        return self._buffer.getvalue().removesuffix("\r\n")


class JsonEncoder:
    """Encodes one object a line, with the row's own keys first, then those that only other rows have."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)

    def head(self) -> str:
        """Return nothing: JSON lines have no header."""
        return ""

    def fragment(self, names: Sequence[str], cells: Sequence[Any]) -> str:
        """Return keys and values without the braces."""
        return to_json(dict(zip(names, cells, strict=True)))[1:-1]

    def line(self, cells: Mapping[str, Any], fragments: Sequence[str]) -> str:
        """Return one object with all keys."""
        missing = {column: None for column in self._columns if column not in cells}
        own = to_json({**cells, **missing})[1:-1]
        return "{" + ", ".join(part for part in (own, *fragments) if part) + "}\n"


def to_json(value: Any) -> str:
    """Return JSON; half a surrogate pair becomes an escape, so that it goes out as it came in."""
    line = json.dumps(value, ensure_ascii=False, default=as_text)
    return line if writable(line) else json.dumps(value, default=as_text)


def as_text(value: Any) -> str:
    r"""Return a cell as a text file shows it.

    Examples
    --------
    >>> import datetime
    >>> [as_text(value) for value in (None, "x", 1.5, datetime.date(2026, 1, 2), ["a"], b"caf\xc3\xa9")]
    ['', 'x', '1.5', '2026-01-02', '["a"]', 'café']
    """
    if value is None:
        return ""
    if isinstance(value, str):
        if writable(value):
            return value
        return "".join(REPLACEMENT if "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict | list | tuple):
        return to_json(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

"""What every reader and writer of tables offers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from disconnect_nlp.errors import DataError

REPLACEMENT = "\ufffd"
"""Stands where a character could not be read or cannot be written."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    number: int
    """Where the row begins, from 1: its line in a text file, its row in a sheet or data set."""
    cells: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """Why the row cannot be used, without any of its content."""
    aside: str | None = None
    """The status of a row that is no data, such as the question texts below a survey's header."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The export of a program that is known to look in its own way."""

    name: str
    text_columns: tuple[str, ...] = ()
    """Columns that hold texts, the likeliest first."""
    by_kind: bool = False
    """Whether rows are of several kinds, and each has its text in another of ``text_columns``."""
    header_rows: int = 0
    """Rows below the header that are no data."""
    removed: frozenset[str] = frozenset()
    """What stands where a text has been taken away."""


def writable(text: str) -> bool:
    """Return whether ``text`` can be written as UTF-8, bytes that could not be read included."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def need(module: str, *, extra: str, what: str) -> ModuleType:
    """Import an optional library.

    Raises
    ------
    DataError
        Naming what to install, if it is not there.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise DataError(
            f"{what} needs {module.partition('.')[0]}, which is not installed. "
            f"Run: pip install 'disconnect-nlp[{extra}]'"
        ) from error


class TableReader(Protocol):
    """Reads rows lazily, in order, as often as it is iterated over."""

    columns: list[str]
    n_rows: int
    notes: list[str]
    """What a user should know of how the file was read."""
    dialect: Dialect | None

    def __iter__(self) -> Iterator[Row]: ...


class TableWriter(Protocol):
    """Writes rows in order."""

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""

    def close(self) -> None:
        """Flush to disk and close."""

"""What every reader and writer of tables offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    number: int
    """Line of the file where the row begins, from 1."""
    cells: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None
    """Why the row cannot be used, without any of its content."""


def writable(text: str) -> bool:
    """Return whether ``text`` can be written as UTF-8, bytes that could not be read included."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


class TableReader(Protocol):
    """Reads rows lazily, in order."""

    columns: list[str]
    n_rows: int
    notes: list[str]
    """What a user should know of how the file was read."""

    def __iter__(self) -> Iterator[Row]: ...


class TableWriter(Protocol):
    """Writes rows in order."""

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""

    def close(self) -> None:
        """Flush to disk and close."""

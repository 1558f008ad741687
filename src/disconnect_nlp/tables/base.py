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


class TableReader(Protocol):
    """Reads rows lazily, in order."""

    columns: list[str]
    n_rows: int

    def __iter__(self) -> Iterator[Row]: ...


class TableWriter(Protocol):
    """Writes rows in order."""

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""

    def close(self) -> None:
        """Flush to disk and close."""

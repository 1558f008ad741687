"""Finds a row's cell by a column's name or by a dotted path into nested values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def known_column(name: str, columns: Sequence[str]) -> str:
    """Return the column that holds what ``name`` names: itself, or where a dotted path begins."""
    return name if name in columns else name.partition(".")[0]


def cell_of(cells: Mapping[str, Any], name: str) -> Any:
    """Return a cell by its column's name or by a dotted path into nested values, None where there is nothing.

    Examples
    --------
    >>> row = {"data": {"posts": [{"body": "hello"}]}, "a.b": "kept"}
    >>> cell_of(row, "data.posts.0.body"), cell_of(row, "a.b"), cell_of(row, "data.none")
    ('hello', 'kept', None)
    """
    if name in cells or "." not in name:
        return cells.get(name)
    value: Any = cells
    for part in name.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value

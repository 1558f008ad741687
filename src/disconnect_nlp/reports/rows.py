"""Rows of a report's tables as plain records, for what reads them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd


def rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Return the rows as named tuples.

    Examples
    --------
    >>> [row.n for row in rows(pd.DataFrame({"n": [1, 2]}))]
    [1, 2]
    """
    return iter(frame.itertuples(index=False))


def by_key(frame: pd.DataFrame, key: str) -> dict[str, dict[str, Any]]:
    """Return the rows as dictionaries by the value of one column.

    Examples
    --------
    >>> by_key(pd.DataFrame({"label": ["civic"], "n": [1]}), "label")
    {'civic': {'n': 1}}
    """
    plain: dict[Any, Any] = frame.set_index(key).to_dict("index")
    return plain

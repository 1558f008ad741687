"""Dates of texts: read, and dealt into days, weeks, months or years."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disconnect_nlp.errors import DataError

_MAX_PERIODS = 60
_DATE_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d")
_TEXTS_PER_PERIOD = 8  # with fewer, an interval spans nearly everything


def parse_times(times: Sequence[str], column: str) -> pd.Series[pd.Timestamp]:
    """Return time stamps, NaT where a cell holds none; the whole column is read in one format.

    Raises
    ------
    DataError
        If day and month cannot be told apart.

    Examples
    --------
    >>> parse_times(["2026-03-01T10:00:00+01:00", "soon"], "date").isna().tolist()
    [False, True]
    """
    cells = pd.Series(list(times), dtype="str").str.strip()
    # An offset such as +02:00 or Z is dropped: the writer's own clock says which day it was.
    local = cells.str.replace(r"(?<=\d)(Z|[+-]\d\d:?\d\d)$", "", regex=True)
    stamps = pd.to_datetime(local, errors="coerce", format="ISO8601")
    if stamps.notna().any():
        return stamps
    readings = [pd.to_datetime(local.str[:10], errors="coerce", format=own) for own in _DATE_FORMATS]
    best = max(readings, key=lambda own: int(own.notna().sum()))
    rivals = [own for own in readings if own.notna().sum() == best.notna().sum() and not own.equals(best)]
    if best.notna().any() and rivals:
        raise DataError(f"column {column!r}: day and month cannot be told apart. Write dates as 2026-03-31.")
    if not best.notna().any():
        raise DataError(f"column {column!r} holds no date that can be read, such as 2026-03-31. Pass another --time.")
    return best


def periods_of(stamps: pd.Series[pd.Timestamp]) -> tuple[pd.PeriodIndex, np.ndarray, str]:
    """Return all periods from first to last, the number of each text's period (-1 without a date), and their unit."""
    known = stamps.notna().to_numpy()
    code, name = _unit(stamps.min(), stamps.max(), int(known.sum()))
    own = stamps.dt.to_period(code)
    periods = pd.period_range(own[known].min(), own[known].max(), freq=code)
    return periods, np.where(known, periods.get_indexer(pd.PeriodIndex(own)), -1), name


def period_name(period: pd.Period, unit: str) -> str:
    """Return how a period is called.

    Examples
    --------
    >>> period_name(pd.Period("2026-03", "M"), "month")
    'Mar 2026'
    """
    styles = {"day": "%d %b %Y", "week": "%d %b %Y", "month": "%b %Y", "year": "%Y"}
    return period.start_time.strftime(styles[unit])


def _unit(first: pd.Timestamp, last: pd.Timestamp, n_texts: int) -> tuple[str, str]:
    """Return the finest unit with at most sixty periods and eight texts in each on average, else months or years."""
    days = (last - first).days + 1
    for code, name, length in (("D", "day", 1), ("W", "week", 7), ("M", "month", 31)):
        n_periods = days / length + 1
        if n_periods <= _MAX_PERIODS and n_texts / n_periods >= _TEXTS_PER_PERIOD:
            return code, name
    return ("M", "month") if days <= 31 * _MAX_PERIODS else ("Y", "year")

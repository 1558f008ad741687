"""How numbers and labels are written in a report."""

from __future__ import annotations

import pandas as pd

from disconnect_nlp.taxonomy import load_taxonomy


def name(label: str) -> str:
    """Return how a label is called."""
    return load_taxonomy()[label].name


def percent(value: float, digits: int = 0) -> str:
    """Return a share as a percentage, or a dash.

    Examples
    --------
    >>> percent(0.0456, 1), percent(float("nan"))
    ('4.6 %', '–')
    """
    return "–" if pd.isna(value) else f"{100 * value:.{digits}f} %"


def between(low: float, high: float, digits: int = 1) -> str:
    """Return an interval of shares as percentages, or a dash.

    Examples
    --------
    >>> between(0.02, 0.31)
    '2.0 to 31.0 %'
    """
    return "–" if pd.isna(low) or pd.isna(high) else f"{100 * low:.{digits}f} to {percent(high, digits)}"


def points(value: float) -> str:
    """Return a difference of shares in percentage points.

    Examples
    --------
    >>> points(0.05), points(-0.2), points(-0.001), points(float("nan"))
    ('+5', '−20', '0', '–')
    """
    if pd.isna(value):
        return "–"
    rounded = round(100 * value)
    return f"{rounded:+d}".replace("-", "−") if rounded else "0"


def p_value(value: float) -> str:
    """Return a p-value.

    Examples
    --------
    >>> p_value(0.0304), p_value(1e-9), p_value(1.0)
    ('.030', '< .001', '1')
    """
    if pd.isna(value):
        return "–"
    return "< .001" if value < 0.001 else "1" if value > 0.9995 else f"{value:.3f}".removeprefix("0")


def number(value: float) -> str:
    """Return a count with thousands apart.

    Examples
    --------
    >>> number(12345)
    '12,345'
    """
    return f"{int(value):,}"

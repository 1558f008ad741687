"""A labelled table to the numbers and passages of a report. One pass; keeps counts and a few examples."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import OK, PREFIX
from disconnect_nlp.tables import TableReader
from disconnect_nlp.taxonomy import load_taxonomy

_EXAMPLES = 4  # passages a label
_MAX_PERIODS = 60
_DATE_FORMATS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d")
_TEXTS_PER_PERIOD = 8  # with fewer, an interval spans nearly everything


@dataclass(frozen=True)
class Span:
    """A piece of an example passage, marked as evidence or not."""

    text: str
    evidence: bool


@dataclass(frozen=True)
class Example:
    """A passage that carries a label, cut into plain and marked pieces."""

    row: int
    score: float
    spans: tuple[Span, ...]
    group: str | None
    time: str | None


@dataclass
class ReportData:
    """Everything a report shows."""

    name: str
    n_rows: int = 0
    n_texts: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    labels: tuple[str, ...] = ()
    given: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    by_group: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    group_sizes: Counter[str] = field(default_factory=Counter)
    group_column: str | None = None
    periods: tuple[str, ...] = ()
    period_unit: str = ""
    by_period: dict[str, list[int]] = field(default_factory=dict)
    period_sizes: list[int] = field(default_factory=list)
    undated: int = 0
    examples: dict[str, list[Example]] = field(default_factory=lambda: defaultdict(list))


def wilson(hits: int, n: int, *, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927); (0, 1) without observations.

    Examples
    --------
    >>> low, high = wilson(5, 50)
    >>> round(low, 3), round(high, 3)
    (0.043, 0.214)
    """
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    centre = share + z * z / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding must not put the share itself outside.
    return max(0.0, min(share, float((centre - reach) / scale))), min(1.0, max(share, float((centre + reach) / scale)))


def summarise(
    reader: TableReader,
    *,
    text_column: str | None,
    time_column: str | None = None,
    group_column: str | None = None,
    prefix: str = PREFIX,
    name: str = "table",
) -> ReportData:
    """Read a labelled table and count.

    Parameters
    ----------
    text_column
        Where the texts stand, for the example passages; none leaves them out.

    Raises
    ------
    DataError
        If the table was not written by ``label``, or a named column is missing.
    """
    labels = tuple(label for label in load_taxonomy().ids if f"{prefix}{label}_score" in reader.columns)
    if not labels or prefix + "status" not in reader.columns:
        raise DataError(
            f"{name}: no columns {prefix}<label> found. Run 'disconnect-nlp label' first, or pass --prefix."
        )
    for column in (text_column, time_column, group_column):
        if column is not None and column not in reader.columns:
            raise DataError(f"{name}: no column {column!r}. Columns: {', '.join(map(shorten, reader.columns))}.")
    data = ReportData(name=name, labels=labels, group_column=group_column)
    times: list[str] = []
    given_at: list[tuple[str, ...]] = []
    for row in reader:
        data.n_rows += 1
        status = str(row.cells.get(prefix + "status") or "missing").split(":")[0]
        data.statuses[status] += 1
        if status != OK:
            continue
        data.n_texts += 1
        given = tuple(label for label in labels if _yes(row.cells.get(prefix + label), f"{name}, line {row.number}"))
        data.given.update(given)
        data.uncertain.update(label for label in str(row.cells.get(prefix + "uncertain") or "").split(";") if label)
        group = str(row.cells.get(group_column)) if group_column else None
        if group is not None:
            data.group_sizes[group] += 1
            data.by_group[group].update(given)
        times.append(str(row.cells.get(time_column) or "") if time_column else "")
        given_at.append(given)
        if text_column is not None:
            for label in given:
                _keep_example(data, label, row.number, row.cells, text_column, prefix, group, times[-1] or None)
    if time_column:
        _count_periods(data, times, given_at, time_column)
    return data


def _keep_example(
    data: ReportData,
    label: str,
    number: int,
    cells: dict[str, Any],
    text_column: str,
    prefix: str,
    group: str | None,
    time: str | None,
) -> None:
    score = float(cells.get(f"{prefix}{label}_score") or 0)
    kept = data.examples[label]
    if len(kept) == _EXAMPLES and score <= kept[-1].score:
        return
    spans = mark_evidence(str(cells[text_column]), label, cells.get(prefix + "evidence"))
    kept.append(Example(number, score, spans, group, time))
    kept.sort(key=lambda example: (-example.score, example.row))
    del kept[_EXAMPLES:]


def mark_evidence(text: str, label: str, evidence: Any) -> tuple[Span, ...]:
    """Cut ``text`` into pieces at the evidence that counts for ``label``.

    Examples
    --------
    >>> evidence = [{"start": 3, "end": 7, "label": "numbness", "counts": True}]
    >>> mark_evidence("So numb.", "numbness", evidence)
    (Span(text='So ', evidence=False), Span(text='numb', evidence=True), Span(text='.', evidence=False))
    """
    items = json.loads(evidence) if isinstance(evidence, str) and evidence else evidence or []
    marked = np.zeros(len(text) + 1, dtype=bool)
    for item in items:
        if item["label"] == label and item["counts"]:
            marked[item["start"] : item["end"]] = True
    cuts = [0, *(np.flatnonzero(np.diff(marked[:-1])) + 1).tolist(), len(text)] if text else [0]
    return tuple(Span(text[a:b], bool(marked[a])) for a, b in pairwise(cuts))


def _count_periods(data: ReportData, times: list[str], given: list[tuple[str, ...]], column: str) -> None:
    stamps = parse_times(times, column)
    known = stamps.notna()
    data.undated = int((~known).sum())
    if not known.any():
        raise DataError(f"column {column!r} holds no date that can be read, such as 2026-03-31. Pass another --time.")
    first, last = stamps.min(), stamps.max()
    unit, data.period_unit = _unit(first, last, int(known.sum()))
    periods = pd.period_range(first, last, freq=unit)
    data.periods = tuple(_name(period.start_time, data.period_unit) for period in periods)
    place = {period: number for number, period in enumerate(periods)}
    data.period_sizes = [0] * len(periods)
    data.by_period = {label: [0] * len(periods) for label in data.labels}
    for stamp, labels, ok in zip(stamps, given, known, strict=True):
        if ok:
            number = place[stamp.to_period(unit)]
            data.period_sizes[number] += 1
            for label in labels:
                data.by_period[label][number] += 1


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
    return best


def _yes(cell: Any, place: str) -> bool:
    text = str(cell).strip()
    if text in ("1", "1.0", "True"):
        return True
    if text in ("0", "0.0", "False", "", "None"):
        return False
    raise DataError(f"{place}: a decision must be 1, 0 or empty. Label the table again, or restore the column.")


def _unit(first: pd.Timestamp, last: pd.Timestamp, n_texts: int) -> tuple[str, str]:
    """Return the finest unit with at most sixty periods and eight texts in each on average, else months or years."""
    days = (last - first).days + 1
    for code, name, length in (("D", "day", 1), ("W", "week", 7), ("M", "month", 31)):
        n_periods = days / length + 1
        if n_periods <= _MAX_PERIODS and n_texts / n_periods >= _TEXTS_PER_PERIOD:
            return code, name
    return ("M", "month") if days <= 31 * _MAX_PERIODS else ("Y", "year")


def _name(start: datetime, unit: str) -> str:
    return start.strftime({"day": "%d %b %Y", "week": "%d %b %Y", "month": "%b %Y", "year": "%Y"}[unit])

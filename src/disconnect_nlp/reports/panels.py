"""What both page and Markdown show of co-occurrence and of persons, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from disconnect_nlp.reports import formats, wording
from disconnect_nlp.reports.compare import MIN_TOGETHER
from disconnect_nlp.reports.summarise import ReportData

MOST_PERSONS = 8
"""Shown of those who have texts enough; the rest are in the tables."""


@dataclass(frozen=True)
class Cell:
    """How many of a label's texts carry another one, too."""

    text: str
    shade: int
    """From 0, of too few texts, to 4: a fifth of the texts each."""


@dataclass(frozen=True)
class Together:
    """Labels by labels."""

    names: list[str]
    rows: list[tuple[str, list[Cell]]]
    """Name with its number of texts, and a cell for each name."""


def together(data: ReportData) -> Together | None:
    """Return how often core labels stand together, or None if there are no two."""
    labels = wording.core_labels(data)
    if len(labels) < 2:
        return None
    both = data["together"].set_index(["label", "other"])["both"]
    given = data["prevalence"].set_index("label")["given"]
    names = [formats.name(label).removesuffix(" disconnection") for label in labels]
    lines = [
        (f"{name} ({formats.number(given[label])})", [_cell(both, given, label, other) for other in labels])
        for name, label in zip(names, labels, strict=True)
    ]
    return Together(names, lines)


def _cell(both: pd.Series[Any], given: pd.Series[Any], label: str, other: str) -> Cell:
    if label == other:
        return Cell("·", 0)
    n, hits = int(given[label]), int(both[label, other])
    if n < MIN_TOGETHER:
        return Cell(f"{hits} of {n}", 0)
    return Cell(formats.percent(hits / n), min(4, -(-5 * hits // n)))


@dataclass(frozen=True)
class Person:
    """One writer's texts over time."""

    name: str
    number: int
    """From 1, as the plots count."""
    n: int
    first: str
    last: str
    rows: pd.DataFrame
    """Of ``people``: one a label that the texts carry."""
    lines: list[str]
    """What differs beyond chance, in words."""


def persons(data: ReportData) -> list[Person]:
    """Return the persons with the most texts."""
    found = []
    for number, name in enumerate(list(data.ticks)[:MOST_PERSONS], start=1):
        own = data["people"][data["people"]["person"] == name]
        top = own.iloc[0]
        lines = wording.of_person(data, name)
        found.append(Person(name, number, int(top["texts"]), top["first"], top["last"], own, lines))
    return found

"""Diaries: each person's texts in order of time. Early against late, and one change point, not over-read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from disconnect_nlp.reports.compare import adjust
from disconnect_nlp.reports.statistics import fisher, newcombe

Array = np.ndarray

MIN_TEXTS = 8  # dated texts of a person, from which early and late are compared
_MIN_FOR_CHANGE = 20
_MIN_SEGMENT = 5
_MOST_PERSONS = 50
_SHUFFLES = 999


@dataclass(frozen=True)
class Change:
    """The place that best splits a person's texts into two shares."""

    place: int
    """The first text after it."""
    before: float
    after: float
    p: float
    """Share of random orders of the same texts that split as well somewhere."""


def trajectories(
    given: Array, order: Array, persons: Array, names: Sequence[str], labels: Sequence[str], *, seed: int
) -> pd.DataFrame:
    """Return one row a person and label that the person's texts carry.

    Parameters
    ----------
    given
        0/1, shape ``(n_texts, n_labels)``.
    order
        Time of each text as a number, negative where it is unknown; those texts are left out.
    persons, names
        Person number of each text (-1: unknown), and what each number is called.
    labels
        Names of the columns of ``given``.

    Returns
    -------
    pandas.DataFrame
        Of the fifty persons with the most texts, at least eight each: shares of the earlier and later half, difference
        with a 95 % interval, p-value of Fisher's test adjusted over persons and labels; and the change point where
        there are at least twenty texts, its p-value adjusted likewise. ``change_at`` is the time of the first text
        after it; ``change`` tells whether it is more than chance would give.
    """
    known = (persons >= 0) & (order >= 0)
    sizes = np.bincount(persons[known], minlength=len(names))
    chosen = sorted(np.flatnonzero(sizes >= MIN_TEXTS).tolist(), key=lambda person: (-sizes[person], names[person]))
    rows = []
    for person in chosen[:_MOST_PERSONS]:
        own = np.flatnonzero(known & (persons == person))
        own = own[np.argsort(order[own], kind="stable")]
        for column, label in enumerate(labels):
            series = given[own, column]
            if series.any():
                rows.append({"person": names[person], "label": label, **_row(series, order[own], seed)})
    frame = pd.DataFrame(rows, columns=[*_COLUMNS])
    frame["family"] = "core"
    frame = adjust(frame)
    changes = adjust(frame[["family"]].assign(p=frame["change_p"].astype(float)))
    frame["change_p_adjusted"], frame["change"] = changes["p_adjusted"], changes["differs"]
    return frame.drop(columns="family")


_COLUMNS = (
    *("person", "label", "texts", "given", "first", "last", "share_early", "share_late"),
    *("difference", "low", "high", "p", "change_at", "share_before", "share_after", "change_p"),
)


def _row(series: Array, times: Array, seed: int) -> dict[str, float]:
    half = len(series) // 2
    early, late = series[:half], series[half:]
    counts = int(late.sum()), len(late), int(early.sum()), len(early)
    low, high = newcombe(*counts)
    found = change_point(series, seed=seed)
    return {
        "texts": len(series),
        "given": int(series.sum()),
        "first": times[0],
        "last": times[-1],
        "share_early": early.mean(),
        "share_late": late.mean(),
        "difference": late.mean() - early.mean(),
        "low": low,
        "high": high,
        "p": fisher(*counts),
        "change_at": np.nan if found is None else times[found.place],
        "share_before": np.nan if found is None else found.before,
        "share_after": np.nan if found is None else found.after,
        "change_p": np.nan if found is None else found.p,
    }


def change_point(series: Array, *, seed: int = 0) -> Change | None:
    """Return the most likely single change of a 0/1 series, or None for fewer than twenty texts or all alike.

    The split with the highest binomial likelihood, at least five texts on either side. Its p-value comes from the same
    search over random orders, so it allows for having searched; it takes the texts as exchangeable, which those of one
    mood are not.

    Examples
    --------
    >>> found = change_point(np.array([0] * 15 + [1] * 15))
    >>> found.place, found.before, found.after, found.p
    (15, 0.0, 1.0, 0.001)
    """
    n, hits = len(series), int(series.sum())
    if n < _MIN_FOR_CHANGE or hits in (0, n):
        return None
    gains = _gains(series[None, :])[0]
    best = int(gains.argmax())
    place = best + _MIN_SEGMENT
    p = float((1 + (_shuffled(n, hits, seed) >= gains[best] - 1e-9).sum()) / (_SHUFFLES + 1))
    return Change(place, float(series[:place].mean()), float(series[place:].mean()), p)


@lru_cache(maxsize=256)
def _shuffled(n: int, hits: int, seed: int) -> Array:
    """Best gain of each of many random orders of ``hits`` ones among ``n``."""
    rng = np.random.default_rng([seed, n, hits])
    series = np.zeros(n, dtype=np.uint8)
    series[:hits] = 1
    return np.array([_gains(rng.permutation(series)[None, :])[0].max() for _ in range(_SHUFFLES)])


def _gains(series: Array) -> Array:
    """Return the log-likelihood that splitting gains, for each place, shape ``(n_series, n_places)``."""
    n = series.shape[1]
    places = np.arange(_MIN_SEGMENT, n - _MIN_SEGMENT + 1)
    before = np.cumsum(series, axis=1)[:, places - 1]
    total = series.sum(axis=1, dtype=np.int64)[:, None]
    gains: Array = (
        _likelihood(before, places) + _likelihood(total - before, n - places) - _likelihood(total, np.array([n]))
    )
    return gains


def _likelihood(hits: Array, n: Array) -> Array:
    misses = n - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(hits > 0, hits * np.log(hits / n), 0) + np.where(misses > 0, misses * np.log(misses / n), 0)
    return np.asarray(terms)

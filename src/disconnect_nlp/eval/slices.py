"""Where a system is worse: the same measure inside a slice and outside it, and false alarms on near misses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from disconnect_nlp.corpus import NEAR_REASONS
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import Array, ratio
from disconnect_nlp.eval.resampling import bootstrap_weights, interval
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.taxonomy import load_taxonomy

LENGTH = "length"
_LENGTHS = ((20, "up to 20 words"), (60, "21 to 60 words"), (110, "61 to 110 words"), (10**9, "over 110 words"))
_MOST_VALUES = 50
_MIN_POSITIVES = 5
_MIN_TAGS = 10
MIN_N = 30


@dataclass(frozen=True)
class _Pooled:
    """Hits, given and positives of each text over all labels, shape ``(n_texts, 3)``, and bootstrap weights."""

    counts: Array
    weights: Array

    def f1(self, inside: Array) -> tuple[float, Array]:
        """Micro F1 of the texts ``inside``, and of each bootstrap sample."""
        own = self.counts * inside[:, None]
        return float(_f1(own.sum(0))), _f1(self.weights @ own)


def _f1(counts: Array) -> Array:
    hits, given, positives = np.moveaxis(counts, -1, 0)
    return np.where(positives > 0, ratio(2 * hits, given + positives), np.nan)


def slice_table(
    dataset: Dataset,
    said: Predictions,
    *,
    by: Sequence[str],
    labels: Sequence[str],
    min_n: int = MIN_N,
    samples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Return one row a slice, those first that cost most.

    Parameters
    ----------
    by
        Columns of the data set, or ``length``.
    min_n
        Slices of fewer texts, or with fewer than five labels to find, come last and are marked ``too_small``.

    Returns
    -------
    list
        Rows with ``slice``, ``value``, ``n``, ``n_pos``, ``micro_f1``, ``rest`` (micro F1 of all other texts), their
        ``gap`` with its interval, ``cost`` (what micro F1 would gain were the slice left out) and ``too_small``. All
        of them speak of the labels that the system covers, as its micro F1 does.
    """
    columns = [load_taxonomy().index[label] for label in _covered(said, labels)]
    truth, decided = dataset.truth[:, columns], said.decided[:, columns]
    counts = np.stack([(truth & decided).sum(1), decided.sum(1), truth.sum(1)], axis=1).astype(np.float64)
    pooled = _Pooled(counts, bootstrap_weights(dataset.groups, samples=samples, seed=seed))
    rows = [_row(pooled, name, value, inside, min_n) for name, value, inside in _slices(dataset, by)]
    return sorted(rows, key=lambda row: (row["too_small"], -(row["cost"] or 0)))


def _covered(said: Predictions, labels: Sequence[str]) -> list[str]:
    """Return the labels that a system knows: what it cannot give is neither missed nor held back."""
    return [label for label in labels if said.covered[load_taxonomy().index[label]]]


def _row(pooled: _Pooled, name: str, value: str, inside: Array, min_n: int) -> dict[str, Any]:
    n_pos = int(pooled.counts[inside, 2].sum())
    too_small = int(inside.sum()) < min_n or n_pos < _MIN_POSITIVES
    (own, own_drawn), (rest, rest_drawn) = pooled.f1(inside), pooled.f1(~inside)
    whole, _ = pooled.f1(np.ones_like(inside))
    low, high = interval(own_drawn - rest_drawn)
    sure = not too_small and not np.isnan(own - rest)
    return {
        "slice": name,
        "value": value,
        "n": int(inside.sum()),
        "n_pos": n_pos,
        "micro_f1": plain(own),
        "rest": plain(rest),
        "gap": plain(own - rest),
        "gap_low": plain(low) if sure else None,
        "gap_high": plain(high) if sure else None,
        "cost": plain(rest - whole),
        "too_small": too_small,
    }


def check_slices(dataset: Dataset, by: Sequence[str]) -> None:
    """Raise DataError if a column is missing or has too many values."""
    for _ in _slices(dataset, by):
        pass


def _slices(dataset: Dataset, by: Sequence[str]) -> Iterator[tuple[str, str, Array]]:
    for name in by:
        values = np.array(_lengths(dataset) if name == LENGTH else _column(dataset, name))
        for value in sorted(set(values.tolist())):
            yield name, value, values == value


def _lengths(dataset: Dataset) -> list[str]:
    sizes = [len(text.split()) for text in dataset.texts]
    return [next(name for most, name in _LENGTHS if size <= most) for size in sizes]


def _column(dataset: Dataset, name: str) -> list[str]:
    if name not in dataset.columns:
        known = ", ".join([LENGTH, *map(shorten, dataset.columns)])
        raise DataError(f"--slice {name!r}: no such column. There are: {known}.")
    values = [value or "(empty)" for value in dataset.columns[name]]
    if len(set(values)) > _MOST_VALUES:
        raise DataError(f"--slice {name!r}: {len(set(values))} values are too many to compare; at most {_MOST_VALUES}.")
    return values


def near_misses(
    dataset: Dataset, said: Predictions, *, labels: Sequence[str], samples: int, seed: int
) -> list[dict[str, Any]]:
    """Return how often a label that is mentioned and does not count is given all the same, by assertion reason.

    Returns
    -------
    list
        Rows with ``reason``, ``n`` tags, ``given``, ``rate`` with its interval, and ``elsewhere``: the rate at which
        the same labels are given to texts that neither carry nor mention them. Labels that the system does not cover
        are left out.
    """
    taxonomy = load_taxonomy()
    labels = _covered(said, labels)
    weights = bootstrap_weights(dataset.groups, samples=samples, seed=seed)
    tagged = _tags(dataset, labels)
    columns = [taxonomy.index[label] for label in labels]
    given = said.decided[:, columns].astype(np.float64)
    plain_texts = (dataset.truth[:, columns] == 0) & ~np.any(list(tagged.values()), axis=0)
    elsewhere = ratio((given * plain_texts).sum(0), plain_texts.sum(0))
    return [_near_row(reason, own, given, elsewhere, weights) for reason, own in tagged.items() if own.any()]


def _tags(dataset: Dataset, labels: Sequence[str]) -> Mapping[str, Array]:
    """Reason to where it is tagged, shape ``(n_texts, n_labels)``."""
    place = {label: number for number, label in enumerate(labels)}
    tagged = {reason: np.zeros((len(dataset), len(labels)), bool) for reason in NEAR_REASONS}
    for row, tags in enumerate(dataset.near):
        for label, _, reason in (tag.partition(":") for tag in tags):
            if label in place and reason in tagged:
                tagged[reason][row, place[label]] = True
    return tagged


def _near_row(reason: str, tagged: Array, given: Array, elsewhere: Array, weights: Array) -> dict[str, Any]:
    wrong, n = (given * tagged).sum(1), tagged.sum(1).astype(np.float64)
    low, high = interval(ratio(weights @ wrong, weights @ n))
    sure = n.sum() >= _MIN_TAGS
    return {
        "reason": reason,
        "n": int(n.sum()),
        "given": int(wrong.sum()),
        "rate": plain(wrong.sum() / n.sum()),
        "rate_low": plain(low) if sure else None,
        "rate_high": plain(high) if sure else None,
        "elsewhere": plain((np.nan_to_num(elsewhere) * tagged.sum(0)).sum() / n.sum()),
    }

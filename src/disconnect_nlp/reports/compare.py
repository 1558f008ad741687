"""Compares shares between sets of texts: groups, early and late, labels that go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from disconnect_nlp.reports.statistics import Clusters, cluster_difference, fisher, holm, newcombe, wilson
from disconnect_nlp.taxonomy import load_taxonomy

Array = np.ndarray

MIN_GROUP = 5  # texts; smaller groups are listed and not compared
MOST_GROUPS = 50
MIN_TOGETHER = 5  # texts with a label, from which it is said what share of them carry another
_ROWS = 50_000  # multiplied at a time, to bound memory
_DIFFERENCE = ("difference", "difference_low", "difference_high", "p", "p_adjusted", "differs")


class People:
    """Who wrote which text, for intervals that draw people rather than texts; or which text a sentence stands in."""

    def __init__(self, codes: Array | None, n_persons: int, drawn: str = "texts") -> None:
        self._codes, self._n = codes, n_persons
        self.drawn = drawn
        """What is drawn, in words."""

    def clusters(self, given: Array, mask: Array | None = None) -> Clusters | None:
        """Return texts by person, or None where people are unknown or too few to draw from."""
        if self._codes is None or (self._codes < 0).any():
            return None
        chosen = slice(None) if mask is None else mask
        clusters = Clusters.of(given[chosen], self._codes[chosen], self._n)
        return clusters if mask is not None or clusters.enough else None


def difference(
    given: Array,
    mask: Array,
    other: Array,
    labels: Sequence[str],
    people: People,
    *,
    seed: int,
    comparisons: int = 1,
) -> pd.DataFrame:
    """Compare the texts of ``mask`` with those of ``other``, label by label.

    Intervals hold together (Bonferroni) for all labels of a family, the core labels or the rest, and for as many such
    ``comparisons``. The p-values are as they are, for :func:`adjust`.
    """
    n, other_n = int(mask.sum()), int(other.sum())
    hits, other_hits = given[mask].sum(0, dtype=np.int64), given[other].sum(0, dtype=np.int64)
    frame = pd.DataFrame({"label": list(labels), "difference": hits / max(n, 1) - other_hits / max(other_n, 1)})
    frame["family"] = families(labels)
    whole = people.clusters(given)
    for _, rows in frame.groupby("family"):
        columns = rows.index.to_numpy()
        level = 1 - 0.05 / (len(columns) * comparisons)
        if whole is not None:
            one, two = people.clusters(given[:, columns], mask), people.clusters(given[:, columns], other)
            assert one is not None
            assert two is not None
            low, high, p = cluster_difference(one, two, seed=seed, level=level)
        else:
            counts = [(int(hits[c]), n, int(other_hits[c]), other_n) for c in columns]
            bounds = np.array([newcombe(*own, level=level) for own in counts])
            low, high, p = bounds[:, 0], bounds[:, 1], np.array([fisher(*own) for own in counts])
        frame.loc[columns, ["difference_low", "difference_high", "p"]] = np.stack([low, high, p], axis=1)
    return frame


def families(labels: Sequence[str]) -> list[str]:
    """Return the family of each label that its comparisons are adjusted within."""
    core = set(load_taxonomy().core)
    return ["core" if label in core else "other" for label in labels]


def adjust(frame: pd.DataFrame) -> pd.DataFrame:
    """Add ``p_adjusted`` over each family of a frame, and ``differs`` (below .05)."""
    frame["p_adjusted"] = np.nan
    for _, rows in frame.groupby("family"):
        frame.loc[rows.index, "p_adjusted"] = holm(rows["p"].to_numpy(dtype=float))
    frame["differs"] = frame["p_adjusted"] < 0.05
    return frame


def by_group(
    given: Array, codes: Array, names: Sequence[str], column: str, labels: Sequence[str], people: People, *, seed: int
) -> pd.DataFrame:
    """Return shares by group, and how each group differs from all others together.

    Of two groups, the first is compared with the second. At most fifty groups, the largest, are compared.
    """
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda group: (-sizes[group], names[group]))[:MOST_GROUPS]
    compared = [group for group in order if sizes[group] >= MIN_GROUP]
    once = compared[:1] if len(compared) == 2 else compared if len(compared) > 2 else []
    frames = []
    for group in order:
        own = codes == group
        frame = shares(given, own, labels)
        frame.insert(0, "group", names[group])
        frame.insert(0, "column", column)
        frame["family"] = families(labels)
        if group in once:
            others = (codes >= 0) & ~own
            contrast = difference(given, own, others, labels, people, seed=seed, comparisons=len(once))
            frame = frame.join(contrast[["difference", "difference_low", "difference_high", "p"]])
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    for name in _DIFFERENCE[:4]:
        if name not in table:
            table[name] = np.nan
    return adjust(table)


def shares(given: Array, mask: Array, labels: Sequence[str], effect: Array | None = None) -> pd.DataFrame:
    """Return texts, share and Wilson interval of each label among the texts of ``mask``.

    Parameters
    ----------
    effect
        Design effect of each label: by it the number of texts is divided before the interval is taken.
    """
    n = int(mask.sum())
    hits = given[mask].sum(0, dtype=np.int64)
    effect = np.ones(len(labels)) if effect is None else effect
    bounds = [wilson(h / e, n / e) if n else (np.nan, np.nan) for h, e in zip(hits.tolist(), effect, strict=True)]
    return pd.DataFrame(
        {
            "label": list(labels),
            "texts": n,
            "given": hits,
            "share": hits / n if n else np.nan,
            "low": [low for low, _ in bounds],
            "high": [high for _, high in bounds],
        }
    )


def together(given: Array, labels: Sequence[str]) -> pd.DataFrame:
    """Return, for every two labels, how often they stand in one text and by what factor the odds change.

    The odds ratio has half a text added to each cell (Haldane 1956, Anscombe 1956), its interval is Woolf's.
    """
    counts = np.zeros((len(labels), len(labels)))
    for start in range(0, len(given), _ROWS):
        part = given[start : start + _ROWS].astype(float)
        counts += part.T @ part
    n, rows = len(given), []
    for a in range(len(labels)):
        for b in range(len(labels)):
            if a != b and counts[a, a] and counts[b, b]:
                rows.append(_pair(labels[a], labels[b], counts[a, b], counts[a, a], counts[b, b], n))
    columns = ["label", "other", "both", "share_of_label", "share_overall", "odds_ratio", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _pair(label: str, other: str, both: float, of_a: float, of_b: float, n: int) -> tuple[Any, ...]:
    cells = np.array([both, of_a - both, of_b - both, n - of_a - of_b + both]) + 0.5
    log_ratio = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    reach = 1.959964 * np.sqrt((1 / cells).sum())
    low, ratio, high = np.exp([log_ratio - reach, log_ratio, log_ratio + reach])
    return label, other, int(both), both / of_a, of_b / n, ratio, low, high

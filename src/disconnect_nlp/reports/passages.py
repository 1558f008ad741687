"""Passages to read: a bounded, seeded choice of a table's texts, cut into plain and marked pieces."""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LENGTH = 900  # characters shown of a text
_AROUND = 110  # characters shown on either side of a marked stretch of a longer text
_GAP = " … "


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage: plain, or marked for some labels."""

    text: str
    supports: tuple[str, ...] = ()
    """Labels that it is evidence for."""
    cancelled: tuple[str, ...] = ()
    """Labels that it would be evidence for, were it not negated, past, somebody else's …"""
    note: str = ""
    """What a reader should know of the mark."""


@dataclass(frozen=True, slots=True)
class Passage:
    """One text of the table, shortened."""

    row: int
    name: str
    """Its id, or its line."""
    facts: tuple[str, ...]
    """Time, groups, person: what stands beside it."""
    labels: tuple[str, ...]
    uncertain: tuple[str, ...]
    scores: Mapping[str, float]
    """Of the labels given or uncertain."""
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """What is shown, without marks."""
        return "".join(piece.text for piece in self.pieces)


class Choice:
    """Keeps, for each label, the texts of highest score, some drawn at random, and some of the uncertain ones.

    Every text may come in once for several labels. Which are drawn depends on the seed alone.
    """

    def __init__(self, most: int) -> None:
        self._highest, self._random, self._uncertain = most - most // 2, most // 2, most // 2
        self._heaps: dict[tuple[str, str], list[tuple[float, int, Passage]]] = {}

    def wanted(self, given: Sequence[str], uncertain: Sequence[str], scores: Mapping[str, float], key: float) -> bool:
        """Return whether a text with these labels would be kept; ``key`` is its random number."""
        return any(self._fits(kind, label, rank) for kind, label, rank in self._ranks(given, uncertain, scores, key))

    def add(self, passage: Passage, key: float) -> None:
        """Keep a passage where it belongs."""
        for kind, label, rank in self._ranks(passage.labels, passage.uncertain, passage.scores, key):
            if self._fits(kind, label, rank):
                heap = self._heaps.setdefault((kind, label), [])
                heapq.heappush(heap, (rank, -passage.row, passage))
                if len(heap) > self._size(kind):
                    heapq.heappop(heap)

    def passages(self) -> list[Passage]:
        """Return all that were kept, each once, in the table's order."""
        kept = {passage.row: passage for heap in self._heaps.values() for _, _, passage in heap}
        return [kept[row] for row in sorted(kept)]

    def _ranks(
        self, given: Sequence[str], uncertain: Sequence[str], scores: Mapping[str, float], key: float
    ) -> list[tuple[str, str, float]]:
        ranks = [("highest", label, scores[label]) for label in given]
        ranks += [("random", label, key) for label in given]
        return ranks + [("uncertain", label, key) for label in uncertain]

    def _size(self, kind: str) -> int:
        return {"highest": self._highest, "random": self._random, "uncertain": self._uncertain}[kind]

    def _fits(self, kind: str, label: str, rank: float) -> bool:
        size = self._size(kind)
        heap = self._heaps.get((kind, label), [])
        return size > 0 and (len(heap) < size or rank > heap[0][0])


def read_evidence(cell: Any) -> list[dict[str, Any]] | None:
    """Return the items of an evidence cell, or None if it holds something else."""
    try:
        items = json.loads(cell) if isinstance(cell, str) and cell else cell or []
        well = all({"start", "end", "label", "counts"} <= set(item) for item in items)
    except (ValueError, TypeError):
        return None
    return list(items) if well else None


def moved(evidence: Sequence[Mapping[str, Any]] | None, by: int) -> list[dict[str, Any]] | None:
    """Return evidence shifted by so many characters."""
    if evidence is None:
        return None
    return [{**item, "start": item["start"] + by, "end": item["end"] + by} for item in evidence]


def cut(text: str, evidence: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...]:
    """Cut ``text`` into pieces at its evidence, leaving out what is far from any where it is long.

    Evidence that does not stand in the text, as after an edit, is not marked.

    Examples
    --------
    >>> evidence = [{"start": 3, "end": 7, "label": "numbness", "counts": True}]
    >>> [(piece.text, piece.supports) for piece in cut("So numb.", evidence)]
    [('So ', ()), ('numb', ('numbness',)), ('.', ())]
    """
    items = [item for item in evidence if fits(text, item)]
    shown = _windows(text, items)
    pieces: list[Piece] = []
    for number, (start, end) in enumerate(shown):
        if start > 0 or number:
            pieces.append(Piece(_GAP.lstrip() if not number else _GAP))
        edges = {start, end, *(edge for item in items for edge in (item["start"], item["end"]) if start < edge < end)}
        cuts = sorted(edges)
        pieces += [_piece(text, a, b, items) for a, b in pairwise(cuts)]
    if shown and shown[-1][1] < len(text):
        pieces.append(Piece(_GAP.rstrip()))
    return tuple(pieces)


def fits(text: str, item: Mapping[str, Any]) -> bool:
    """Return whether an evidence item stands in ``text`` where it says."""
    start, end = item["start"], item["end"]
    stands = 0 <= start < end <= len(text)
    return bool(stands and item.get("quote", text[start:end]) == text[start:end])


def _piece(text: str, start: int, end: int, items: Sequence[Mapping[str, Any]]) -> Piece:
    over = [item for item in items if item["start"] <= start and end <= item["end"] and item["start"] < item["end"]]
    supports = {item["label"]: None for item in over if item["counts"] and item.get("weight", 1) > 0}
    cancelled = {item["label"]: None for item in over if not item["counts"] and item["label"] not in supports}
    return Piece(text[start:end], tuple(supports), tuple(cancelled), "; ".join(dict.fromkeys(map(_note, over))))


def _note(item: Mapping[str, Any]) -> str:
    if item["counts"]:
        return str(item["label"])
    cue = item.get("cue") or {}
    return f"not {item['label']}: {item.get('status', 'cancelled')}" + (
        f" by “{cue['quote']}”" if cue.get("quote") else ""
    )


def _windows(text: str, items: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Return which ranges of a text are shown: all of a short one, what is near its evidence of a long one."""
    if len(text) <= LENGTH:
        return [(0, len(text))] if text else []
    heaviest = sorted(items, key=lambda item: -abs(item.get("weight", 1)))
    chosen: list[tuple[int, int]] = []
    for item in heaviest or [{"start": 0, "end": LENGTH // 2}]:
        start, end = item["start"], min(item["end"], item["start"] + LENGTH // 2)
        more = _merged([*chosen, (_word_start(text, start - _AROUND), _word_end(text, end + _AROUND))])
        if sum(b - a for a, b in more) > LENGTH:
            break
        chosen = more
    return chosen or [(0, _word_end(text, LENGTH // 2))]


def _merged(ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _word_start(text: str, place: int) -> int:
    if place <= 0:
        return 0
    space = text.find(" ", place)
    return space + 1 if 0 <= space - place < 30 else place


def _word_end(text: str, place: int) -> int:
    if place >= len(text):
        return len(text)
    space = text.rfind(" ", 0, place)
    return space if 0 <= place - space < 30 else place

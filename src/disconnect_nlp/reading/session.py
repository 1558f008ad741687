"""A reader at work: the table, what was said of it so far, and which passage comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np

from disconnect_nlp.errors import DataError
from disconnect_nlp.reading.agreement import Reader, disagreement
from disconnect_nlp.reading.journal import Journal, Reading
from disconnect_nlp.reading.passages import cut, sound_evidence
from disconnect_nlp.reading.table import Array, ReadingTable

Show = Literal["all", "unread", "begun", "read", "changed", "noted", "disagreement"]
By = Literal["now", "model", "doubt"]
Go = Literal["here", "next", "previous", "first", "last"]
_STATES = ("unread", "begun", "read")


class StaleReading(DataError):
    """A passage was changed elsewhere since it was shown."""


@dataclass(frozen=True)
class Filter:
    """Which passages to page through; all by default."""

    show: Show = "all"
    by: By | None = None
    """Passages with ``label`` now, by the model, or in doubt; with any label if none is named."""
    label: str | None = None
    query: str = ""
    """Words that stand in the text; case does not matter."""


@dataclass(frozen=True)
class Source:
    """Which window a reading comes from, and which of its words it is: a later turn is a newer word."""

    window: str
    turn: int


class Session:
    """What the page asks for and tells. Safe to call from several threads.

    Parameters
    ----------
    table
        What is read.
    journal
        Where it is written down.
    others
        Readers whose labels are compared; empty, or two.
    """

    def __init__(self, table: ReadingTable, journal: Journal, *, others: Sequence[Reader] = ()) -> None:
        self.table, self.journal, self.others = table, journal, tuple(others)
        self._lock = Lock()
        self._sources: dict[str, Source] = {}
        self._place = {label: column for column, label in enumerate(table.labels)}
        self._disputed = disagreement(table, self.others)
        self._before = self._starting_labels()
        self._now = self._before.copy()
        self._state = np.zeros(len(table), dtype=np.int8)
        self._noted = np.zeros(len(table), dtype=bool)
        self._found: tuple[str, Array] = ("", np.ones(len(table), dtype=bool))
        row_of = {key: row for row, key in enumerate(table.keys)}
        self.elsewhere = sum(key not in row_of for key in journal.readings.by_key)
        """Readings of texts that are not in this table; they stay in the journal."""
        for key, reading in journal.readings.by_key.items():
            if key in row_of:
                self._take(row_of[key], reading)

    @property
    def blind(self) -> bool:
        """Whether the model's labels and evidence are kept from the reader."""
        return self.journal.header.blind

    def counts(self) -> dict[str, int]:
        """Return the number of passages by state."""
        numbers = np.bincount(self._state, minlength=len(_STATES)).tolist()
        return {**dict(zip(_STATES, numbers, strict=True)), "all": len(self.table)}

    def find(self, at: int, go: Go, wanted: Filter) -> tuple[int | None, int, int]:
        """Return the row to go to, its rank among those wanted (from 1) and how many there are.

        ``here`` is ``at`` itself if it is wanted, else the nearest wanted row after it, else before it. Where there is
        no next or previous row the row is None.
        """
        rows = np.flatnonzero(self._wanted(wanted))
        if not len(rows):
            return None, 0, 0
        after = int(np.searchsorted(rows, at, side="right"))
        before = int(np.searchsorted(rows, at, side="left")) - 1
        here = before + 1 if before + 1 < len(rows) else len(rows) - 1
        places: Mapping[Go, int] = {"here": here, "next": after, "previous": before, "first": 0, "last": len(rows) - 1}
        rank = places[go]
        return (int(rows[rank]), rank + 1, len(rows)) if 0 <= rank < len(rows) else (None, 0, len(rows))

    def passage(self, row: int) -> dict[str, Any]:
        """Return everything the page shows of a row, as plain values. A blind reader gets nothing of the model's."""
        table, key = self.table, self.table.keys[row]
        text = table.texts[row]
        evidence, unfit = ([], 0) if self.blind else sound_evidence(table.evidence[row], text, table.labels)
        reading = self.journal.readings.of(key)
        return {
            "row": row,
            "key": key,
            "id": table.ids[row],
            "pieces": cut(text, [(item["start"], item["end"]) for item in evidence]),
            "evidence": evidence,
            "unfit_evidence": unfit,
            "context": list(zip(table.context_columns, table.context[row], strict=True)),
            "model": None if self.blind else self._model(row),
            "labels": self._names(self._now[row]),
            "before": self._names(self._before[row]),
            "near": list(reading.near),
            "note": reading.note,
            "state": reading.state,
            "revision": self.journal.readings.revisions[key],
            "readers": [
                {"name": other.name, **reading.model_dump()}
                for other in self.others
                if (reading := other.readings.of(key)).state != "unread"
            ],
            "disputed": bool(self._disputed[row]),
        }

    def save(self, row: int, key: str, reading: Reading, *, revision: int, source: Source | None = None) -> int:
        """Write a reading to the journal; return the passage's new revision.

        Words of one window may overtake each other on their way: a newer one is taken, an older one then left.

        Raises
        ------
        StaleReading
            If the passage was changed since revision ``revision``, in another window say.
        DataError
            If the reading speaks of other labels or passages, or could not be saved.
        """
        if not 0 <= row < len(self.table) or self.table.keys[row] != key:
            raise DataError("no such passage in this table. Reload the page.")
        with self._lock:
            readings = self.journal.readings
            if readings.of(key) == reading:  # a second try of what was saved, its answer lost
                return readings.revisions[key]
            last = self._sources.get(key)
            if source is not None and last is not None and source.window == last.window:
                if source.turn < last.turn:
                    return readings.revisions[key]
            elif readings.revisions[key] != revision:
                raise StaleReading("the passage was changed in another window. It has been loaded again.")
            new = self.journal.record(key, reading, id=self.table.ids[row])
            self._take(row, reading)
            if source is not None:
                self._sources[key] = source
            return new

    def _take(self, row: int, reading: Reading) -> None:
        self._state[row] = _STATES.index(reading.state)
        self._noted[row] = bool(reading.note.strip())
        if reading.state == "unread":
            self._now[row] = self._before[row]
        else:
            self._now[row] = [label in reading.labels for label in self.table.labels]

    def _starting_labels(self) -> Array:
        """Return what a passage shows before it is read: what readers agree on, or else the model's labels."""
        table = self.table
        before = np.zeros_like(table.given) if self.blind else table.given.copy()
        for row, key in enumerate(table.keys if self.others else ()):
            said = [reading for other in self.others if (reading := other.readings.of(key)).state == "read"]
            if said:
                before[row] = [all(label in reading.labels for reading in said) for label in table.labels]
        return before

    def _wanted(self, wanted: Filter) -> Array:
        rows: Array = self._shown(wanted.show) & self._containing(wanted.query)
        if wanted.by is not None or wanted.label is not None:
            by = {"now": self._now, "model": self.table.given, "doubt": self.table.uncertain}[wanted.by or "now"]
            if self.blind and by is not self._now:
                raise DataError("a blind reading does not show what the model says.")
            rows = rows & (by[:, self._place[wanted.label]] if wanted.label is not None else by.any(axis=1))
        return rows

    def _shown(self, show: Show) -> Array:
        if show == "all":
            return np.ones(len(self.table), dtype=bool)
        masks: dict[Show, Array] = {
            "changed": (self._state > 0) & (self._now != self._before).any(axis=1),
            "noted": self._noted,
            "disagreement": self._disputed,
        }
        return masks[show] if show in masks else np.equal(self._state, _STATES.index(show))

    def _containing(self, query: str) -> Array:
        if query != self._found[0]:
            folded = query.casefold()
            self._found = query, np.array([folded in text.casefold() for text in self.table.texts])
        return self._found[1]

    def _model(self, row: int) -> dict[str, Any]:
        scores = self.table.scores[row]
        return {
            "labels": self._names(self.table.given[row]),
            "uncertain": self._names(self.table.uncertain[row]),
            "scores": {
                label: round(float(score), 4)
                for label, score in zip(self.table.labels, scores, strict=True)
                if score == score
            },
        }

    def _names(self, mask: Array) -> list[str]:
        return [label for label, yes in zip(self.table.labels, mask, strict=True) if yes]

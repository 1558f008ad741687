"""One pass over a labelled table: what the statistics need, a few passages, and no other text.

Keeps about a hundred bytes a row, 130 more to know the text of a sentence, whatever the length of the texts.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any

import numpy as np

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import OK, PREFIX, kind_of
from disconnect_nlp.reports.passages import Choice, Passage, cut, fits, moved, read_evidence
from disconnect_nlp.reports.words import WordCounts
from disconnect_nlp.tables import Row, TableReader
from disconnect_nlp.tables.cells import cell_of, known_column
from disconnect_nlp.taxonomy import load_taxonomy

Array = np.ndarray

_BATCH = 2000
_MOST_READ = 200_000  # texts of which the words are counted, drawn evenly
_DECISIONS = {1: 1, "1": 1, "1.0": 1, "True": 1, 0: 0, "0": 0, "0.0": 0, "False": 0, "": 0, None: 0, "None": 0}


@dataclass(frozen=True)
class Columns:
    """Which columns of a table mean what; None where there is none."""

    text: str | None = None
    time: str | None = None
    groups: tuple[str, ...] = ()
    person: str | None = None
    id: str | None = None
    prefix: str = PREFIX
    sentences: bool = False
    """Whether every row is a sentence."""
    whole: str | None = None
    """Of sentences: where the texts are that they were taken from."""

    @property
    def named(self) -> tuple[str, ...]:
        """All that are named."""
        all_ = (self.text, self.time, *self.groups, self.person, self.id, self.whole)
        return tuple(column for column in all_ if column)


class Codes:
    """Values of a column as numbers, in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._codes = array("i")

    def add(self, value: Any) -> None:
        """Append one cell; an empty one is no value."""
        text = "" if value is None else str(value).strip()
        self._codes.append(self._numbers.setdefault(text, len(self._numbers)) if text else -1)

    @property
    def names(self) -> list[str]:
        """The values."""
        return [*self._numbers]

    @property
    def codes(self) -> Array:
        """Their numbers, -1 where a cell is empty, shape ``(n_texts,)``."""
        return np.frombuffer(self._codes, dtype=np.intc) if self._codes else np.empty(0, dtype=np.intc)


@dataclass
class Scan:
    """What one pass leaves."""

    labels: tuple[str, ...]
    n_rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    given: Array = field(default_factory=lambda: np.empty((0, 0), dtype=np.uint8))
    """0/1 for each labelled text and label."""
    uncertain: Counter[str] = field(default_factory=Counter)
    times: list[str] = field(default_factory=list)
    groups: dict[str, Codes] = field(default_factory=dict)
    persons: Codes = field(default_factory=Codes)
    sources: Codes = field(default_factory=Codes)
    """Of sentences: which text each stands in."""
    passages: list[Passage] = field(default_factory=list)
    words: WordCounts | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def n_texts(self) -> int:
        """Labelled texts."""
        return len(self.given)


def scan_table(reader: TableReader, columns: Columns, *, name: str, max_examples: int, seed: int) -> Scan:
    """Read a labelled table once.

    Raises
    ------
    DataError
        If the table was not written by ``label``, a named column is missing, or a decision is none.
    """
    labels = _checked_labels(reader, columns, name)
    scan = Scan(labels, groups={column: Codes() for column in columns.groups})
    pass_ = _Pass(scan, columns, name, Choice(max_examples), np.random.default_rng(seed))
    share = min(1.0, _MOST_READ / max(reader.n_rows or 1, 1))
    if columns.text:
        scan.words = WordCounts(len(labels))
    parts = [np.empty((0, len(labels)), dtype=np.uint8)]
    rows = iter(reader)
    while batch := list(islice(rows, _BATCH)):
        parts.append(pass_.take(batch, share))
    scan.given = np.concatenate(parts)
    scan.passages = pass_.choice.passages()
    _say(scan, columns, pass_, share)
    return scan


def _checked_labels(reader: TableReader, columns: Columns, name: str) -> tuple[str, ...]:
    present = set(reader.columns)
    labels = tuple(label for label in load_taxonomy().ids if f"{columns.prefix}{label}_score" in present)
    if not labels or columns.prefix + "status" not in present:
        raise DataError(
            f"{name}: no columns {columns.prefix}<label> found. Run 'disconnect-nlp label' first, or pass --prefix."
        )
    for column in columns.named:
        if known_column(column, reader.columns) not in present:
            raise DataError(f"{name}: no column {column!r}. Columns: {', '.join(map(shorten, reader.columns))}.")
    return labels


def _say(scan: Scan, columns: Columns, pass_: _Pass, share: float) -> None:
    if scan.words is not None and share < 1:
        scan.notes.append(f"Words were counted in {scan.words.n_texts:,} of {scan.n_texts:,} texts, drawn evenly.")
    if columns.text and pass_.without_evidence:
        scan.notes.append("The table has no column with evidence, so nothing is marked in the passages.")
    if pass_.misfits:
        scan.notes.append(
            f"In {pass_.misfits} passages the evidence does not stand where the table says, so it is not marked. "
            "Was the text changed after labelling, or is another column the text?"
        )


class _Pass:
    """The pass itself: takes rows batch by batch."""

    def __init__(self, scan: Scan, columns: Columns, name: str, choice: Choice, rng: np.random.Generator) -> None:
        self.scan, self.columns, self.name, self.choice, self._rng = scan, columns, name, choice, rng
        self.misfits = 0
        self.without_evidence = False
        self._status = columns.prefix + "status"
        self._decisions = [columns.prefix + label for label in scan.labels]
        self._same: dict[str, str] = {}
        self._text, self._digest = "", ""  # of the whole text before
        self._copies: Counter[tuple[str, int]] = Counter()  # of a sentence, by its text and its number in it

    def take(self, batch: Sequence[Row], share: float) -> Array:
        """Count a batch; return the decisions on its labelled texts."""
        labelled = [row for row in batch if self._status_of(row) == OK]
        given = np.array([self._decided(row) for row in labelled], dtype=np.uint8).reshape(-1, len(self.scan.labels))
        keys = self._rng.random((len(labelled), 2))
        for row, own, (key, _) in zip(labelled, given, keys.tolist(), strict=True):
            self._take_row(row, own, key)
        if self.scan.words is not None:
            place = self.columns.text or ""
            read = [(n, cell_of(row.cells, place)) for n, row in enumerate(labelled) if keys[n, 1] < share]
            texts = [(n, text) for n, text in read if isinstance(text, str)]
            self.scan.words.add([text for _, text in texts], given[[n for n, _ in texts]])
        return given

    def _status_of(self, row: Row) -> str:
        status = kind_of(str(row.cells.get(self._status) or "missing"))
        self.scan.n_rows += 1
        self.scan.statuses[status] += 1
        return status

    def _decided(self, row: Row) -> list[int]:
        try:
            return [_DECISIONS[row.cells.get(column)] for column in self._decisions]
        except (KeyError, TypeError):
            raise DataError(
                f"{self.name}, line {row.number}: a decision must be 1, 0 or empty. Label the table again, or restore "
                "the column."
            ) from None

    def _take_row(self, row: Row, own: Array, key: float) -> None:
        cells, columns = row.cells, self.columns
        uncertain = tuple(label for label in str(cells.get(columns.prefix + "uncertain") or "").split(";") if label)
        self.scan.uncertain.update(uncertain)
        if columns.time:
            time = str(cell_of(cells, columns.time) or "")
            self.scan.times.append(self._same.setdefault(time, time))  # equal dates share one string
        for column, codes in self.scan.groups.items():
            codes.add(cell_of(cells, column))
        if columns.person:
            self.scan.persons.add(cell_of(cells, columns.person))
        if columns.sentences:
            self.scan.sources.add(self._source(row))
        if columns.text:
            given = tuple(self.scan.labels[n] for n in np.flatnonzero(own))
            scores = {label: self._score(row, label) for label in dict.fromkeys((*given, *uncertain))}
            if self.choice.wanted(given, uncertain, scores, key):
                self.choice.add(self._passage(row, given, uncertain, scores), key)

    def _source(self, row: Row) -> str:
        """Return what tells the text a sentence stands in from all others, nothing if that is not known."""
        columns, cells = self.columns, row.cells
        if columns.whole is None:
            return str(cell_of(cells, columns.id) or "") if columns.id else ""
        text = cell_of(cells, columns.whole)
        if not isinstance(text, str) or str(cells.get(columns.prefix + "quote")) not in text:
            return ""
        if text != self._text:
            self._text = text
            self._digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        # Where several rows held the same text, its first sentence comes as often, wherever that is in the table.
        place = self._digest, self._whole(row, "sentence")
        self._copies[place] += 1
        return f"{self._digest}-{self._copies[place]}"

    def _whole(self, row: Row, name: str) -> int:
        try:
            return int(float(row.cells.get(self.columns.prefix + name) or 0))
        except (TypeError, ValueError):
            raise DataError(
                f"{self.name}, line {row.number}: {self.columns.prefix}{name} is no number. Label the table again."
            ) from None

    def _score(self, row: Row, label: str) -> float:
        cell = row.cells.get(f"{self.columns.prefix}{label}_score")
        try:
            return float(cell or 0)
        except (TypeError, ValueError):
            raise DataError(
                f"{self.name}, line {row.number}: the score of {label!r} is no number. Label the table again."
            ) from None

    def _passage(
        self, row: Row, given: tuple[str, ...], uncertain: tuple[str, ...], scores: dict[str, float]
    ) -> Passage:
        columns, cells = self.columns, row.cells
        text = str(cell_of(cells, columns.text or "") or "")
        evidence = read_evidence(cells.get(columns.prefix + "evidence"))
        if columns.sentences:  # their evidence is placed in the whole text
            evidence = moved(evidence, -self._whole(row, "start"))
        self.without_evidence |= columns.prefix + "evidence" not in cells
        if evidence is None or not all(fits(text, item) for item in evidence):
            self.misfits += 1
        name = str(cell_of(cells, columns.id) or "") if columns.id else ""
        return Passage(
            row=row.number,
            name=name or f"line {row.number}",
            facts=tuple(self._facts(row)),
            labels=given,
            uncertain=uncertain,
            scores=scores,
            pieces=cut(text, evidence or []),
        )

    def _facts(self, row: Row) -> Iterator[str]:
        columns = self.columns
        for column in dict.fromkeys(column for column in (columns.person, *columns.groups, columns.time) if column):
            value = str(cell_of(row.cells, column) or "").strip()
            if value:
                yield value[:60]

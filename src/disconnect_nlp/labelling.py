"""Labelling a table: rows in, the same rows out with labels. Opens no file, prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from disconnect_nlp.labellers.base import BATCH, Labeller
from disconnect_nlp.labellers.frames import (
    BAD_ROW,
    OK,
    PREFIX,
    check_columns,
    empty_cells,
    output_cells,
    output_columns,
    status_of,
)
from disconnect_nlp.tables import Row, TableReader, TableWriter

_TEXT_COLUMNS = ("text", "entry", "body", "content", "comment", "message", "post", "answer", "response", "journal")
_LOOK_AT = 200  # rows read to find the text column


@dataclass
class Summary:
    """What a run did: rows by status, and texts by label."""

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)

    @property
    def skipped(self) -> int:
        """Rows that are in the output without labels."""
        return self.rows - self.statuses[OK]


def find_text_column(reader: TableReader, *, without: str | None = None) -> str | None:
    """Return the column that most likely holds the texts, or None if there is no clear one.

    A column of a usual name (``text``, ``entry``, ``comment`` …) wins; else the one with the most words, if it
    has more than twice as many as any other. Columns that begin with ``without`` are passed over.
    """
    allowed = [column for column in reader.columns if without is None or not column.startswith(without)]
    lowered = {column.lower().strip(): column for column in reversed(allowed)}
    for name in _TEXT_COLUMNS:
        if name in lowered:
            return lowered[name]
    words: Counter[str] = Counter()
    for row in islice(reader, _LOOK_AT):
        for column, value in row.cells.items():
            if isinstance(value, str) and column in allowed:
                words[column] += len(value.split())
    ranked = [*words.most_common(2), ("", 0)]
    (column, most), (_, next_most) = ranked[0], ranked[1]
    return column if most > 2 * next_most else None


def label_rows(
    labeller: Labeller,
    rows: Iterable[Row],
    *,
    text_column: str,
    labels: Sequence[str],
    prefix: str = PREFIX,
    evidence: bool = True,
    summary: Summary | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield every row's cells with its labels added, in order.

    A row that cannot be labelled comes out with its own cells, a status that says why, and no labels.
    """
    summary = summary if summary is not None else Summary()
    columns = output_columns(labels, prefix=prefix, evidence=evidence)
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        statuses = [BAD_ROW if row.problem else status_of(row.cells.get(text_column)) for row in batch]
        texts = [row.cells[text_column] for row, status in zip(batch, statuses, strict=True) if status == OK]
        notes = labeller.annotate_all(texts, evidence=evidence)
        for row, status in zip(batch, statuses, strict=True):
            summary.rows += 1
            summary.statuses[status] += 1
            if status == OK:
                note = next(notes)
                summary.given.update(note.labels)
                summary.uncertain.update(note.uncertain)
                cells = output_cells(note, labels, evidence=evidence)
            else:
                reason = f"{status}: {row.problem}" if row.problem else status
                cells = empty_cells(reason, labels, evidence=evidence)
            yield {**row.cells, **dict(zip(columns, cells, strict=True))}


def label_table(
    labeller: Labeller,
    reader: TableReader,
    open_output: Callable[[list[str]], TableWriter],
    *,
    text_column: str,
    labels: Sequence[str],
    prefix: str = PREFIX,
    evidence: bool = True,
    advance: Callable[[], None] = lambda: None,
) -> Summary:
    """Label all rows of a table and write them.

    Parameters
    ----------
    open_output
        Called with the output's columns once everything about the input has been checked.
    advance
        Called after every row, for a progress bar.

    Raises
    ------
    DataError
        Before anything is written, if the text column is missing or a column would be overwritten.
    """
    added = output_columns(labels, prefix=prefix, evidence=evidence)
    check_columns(reader.columns, added, text_column=text_column, place="input")
    summary = Summary()
    writer = open_output([*reader.columns, *added])
    try:
        for cells in label_rows(
            labeller, reader, text_column=text_column, labels=labels, prefix=prefix, evidence=evidence, summary=summary
        ):
            writer.write(cells)
            advance()
    finally:
        writer.close()
    return summary

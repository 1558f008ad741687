"""Cuts a table into chunks, the units of work, of writing and of resuming. The same table gives the same chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import BAD_ROW, EMPTY, OK, kind_of, status_of
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.summary import REMOVED, TOO_LONG
from disconnect_nlp.labelling.work import Item
from disconnect_nlp.tables import Row
from disconnect_nlp.tables.cells import cell_of
from disconnect_nlp.tables.dialects import SET_ASIDE

ROWS = 2048  # of a chunk at most: a second of work, and enough for the tokenizer's cache to pay
CHARACTERS = 200_000  # from which on a chunk takes no further row: as much work as 2048 short texts
LONGEST_TEXT = 4_000_000
"""Characters, more than the longest novels. A text so long takes 1.2 GB of memory with its evidence, about 200 bytes a
character more than short ones (``benchmarks/batch.py cell``); beyond, it is rather a mistake of the export."""


@dataclass
class Chunk:
    """Rows in a row, with the status of each of their texts."""

    rows: list[Row] = field(default_factory=list)
    statuses: list[list[str]] = field(default_factory=list)
    """One a text column for every row, with its reason."""
    texts: list[Item] = field(default_factory=list)
    """All that are ``ok``, in order."""


def read_chunks(rows: Iterable[Row], options: LabelOptions, *, removed: frozenset[str]) -> Iterator[Chunk]:
    """Yield chunks. ``removed`` is what stands where texts have been taken away."""
    chunk, size = Chunk(), 0
    for row in rows:
        values = [cell_of(row.cells, column) for column in options.text_columns]
        statuses = [_status(row, value, removed) for value in values]
        chunk.rows.append(row)
        chunk.statuses.append(statuses)
        for position, (value, status) in enumerate(zip(values, statuses, strict=True)):
            if kind_of(status) == OK:
                chunk.texts.append((position, status, value))
                size += len(value)
        if len(chunk.rows) == ROWS or size >= CHARACTERS:
            yield chunk
            chunk, size = Chunk(), 0
    if chunk.rows:
        yield chunk


def _status(row: Row, value: object, removed: frozenset[str]) -> str:
    if row.aside:
        return row.aside
    if row.problem:
        return f"{BAD_ROW}: {row.problem}"
    if isinstance(value, str):
        if value in removed:
            return REMOVED
        if len(value) > LONGEST_TEXT:
            return f"{TOO_LONG}: {len(value)} characters, the limit is {LONGEST_TEXT}"
    return status_of(value)


def check_strictly(rows: Iterable[Row], options: LabelOptions, *, removed: frozenset[str], name: str) -> None:
    """Raise DataError at the first row that could not be labelled as it is; empty and removed texts are no fault."""
    for chunk in read_chunks(rows, options, removed=removed):
        for row, statuses in zip(chunk.rows, chunk.statuses, strict=True):
            for column, status in zip(options.text_columns, statuses, strict=True):
                if status not in (OK, EMPTY, REMOVED, SET_ASIDE):
                    raise DataError(
                        f"{name}, row {row.number}, column {shorten(column)!r}: {status.removeprefix(f'{OK}: ')}. "
                        "Mend the row, or leave out --strict to keep it with its status."
                    )

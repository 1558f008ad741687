"""Cuts a table into chunks, the units of work, of writing and of resuming. The same table gives the same chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import BAD_ROW, EMPTY, OK, status_of
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.summary import REMOVED, TOO_LONG
from disconnect_nlp.tables import Row
from disconnect_nlp.tables.base import REPLACEMENT
from disconnect_nlp.tables.cells import cell_of
from disconnect_nlp.tables.dialects import SET_ASIDE

ROWS = 2048  # of a chunk at most: a second of work, and enough for the tokenizer's cache to pay
CHARACTERS = 200_000  # from which on a chunk takes no further row; the matcher takes some 4 kB of memory for each
LONGEST_TEXT = 1_000_000  # characters, more than most novels; beyond, one text would take gigabytes of memory


@dataclass
class Chunk:
    """Rows in a row, with the status of each of their texts."""

    rows: list[Row] = field(default_factory=list)
    statuses: list[list[str]] = field(default_factory=list)
    """One a text column for every row; a bad row's with its reason."""
    texts: list[tuple[int, str]] = field(default_factory=list)
    """Position of the text column, and text, of all that are ``ok``, in order."""


def read_chunks(rows: Iterable[Row], options: LabelOptions, *, removed: frozenset[str]) -> Iterator[Chunk]:
    """Yield chunks. ``removed`` is what stands where texts have been taken away."""
    chunk, size = Chunk(), 0
    for row in rows:
        values = [cell_of(row.cells, column) for column in options.text_columns]
        statuses = [_status(row, value, removed) for value in values]
        chunk.rows.append(row)
        chunk.statuses.append(statuses)
        for position, (value, status) in enumerate(zip(values, statuses, strict=True)):
            if status == OK:
                chunk.texts.append((position, value))
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


def broken_characters(text: str) -> str | None:
    r"""Return what is wrong with a text that can be labelled all the same, or None.

    Examples
    --------
    >>> [broken_characters(text) for text in ("caf\udce9", "a\x00b", "a\ud83d", "caf\ufffd", "é")]
    ['bytes that are no UTF-8', 'NUL characters', 'halves of surrogate pairs', 'characters that were lost (U+FFFD)', None]
    """
    if text.isascii():
        return "NUL characters" if "\x00" in text else None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        escaped = "\udc80" <= text[error.start] <= "\udcff"
        return "bytes that are no UTF-8" if escaped else "halves of surrogate pairs"
    if REPLACEMENT in text:
        return "characters that were lost (U+FFFD)"
    return "NUL characters" if "\x00" in text else None


def check_strictly(rows: Iterable[Row], options: LabelOptions, *, removed: frozenset[str], name: str) -> None:
    """Raise DataError at the first row that could not be labelled as it is; empty and removed texts are no fault."""
    for chunk in read_chunks(rows, options, removed=removed):
        texts = iter(chunk.texts)
        for row, statuses in zip(chunk.rows, chunk.statuses, strict=True):
            for column, status in zip(options.text_columns, statuses, strict=True):
                wrong = broken_characters(next(texts)[1]) if status == OK else status
                if wrong and status not in (EMPTY, REMOVED, SET_ASIDE):
                    raise DataError(
                        f"{name}, row {row.number}, column {shorten(column)!r}: {wrong}. "
                        "Mend the row, or leave out --strict to keep it with its status."
                    )

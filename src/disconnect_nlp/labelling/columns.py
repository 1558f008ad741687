"""Finds the columns with the texts."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from disconnect_nlp.tables import TableReader

_TEXT_COLUMNS = ("text", "entry", "body", "content", "comment", "message", "post", "answer", "response", "journal")
_LOOK_AT = 200  # rows read to find the text column


def find_text_columns(reader: TableReader) -> tuple[str, ...]:
    """Return the columns to label: the one of :func:`find_text_column`, or one for each kind of row."""
    if reader.dialect and reader.dialect.by_kind:
        return reader.dialect.text_columns
    found = find_text_column(reader)
    return () if found is None else (found,)


def find_text_column(reader: TableReader, *, without: str | None = None) -> str | None:
    """Return the column that most likely holds the texts, or None if there is no clear one.

    A column that the exporting program is known to keep texts in wins, then one of a usual name (``text``, ``entry``,
    ``comment`` …); else the one with the most words, if it has more than twice as many as any other. Columns that
    begin with ``without`` are passed over.
    """
    allowed = [column for column in reader.columns if without is None or not column.startswith(without)]
    known = [name for name in (reader.dialect.text_columns if reader.dialect else ()) if name in allowed]
    if known:
        return known[0]
    lowered = {column.lower().strip(): column for column in reversed(allowed)}
    for name in _TEXT_COLUMNS:
        if name in lowered:
            return lowered[name]
    words: Counter[str] = Counter()
    for row in islice((row for row in reader if not row.aside), _LOOK_AT):
        for column, value in row.cells.items():
            if isinstance(value, str) and column in allowed:
                words[column] += len(value.split())
    ranked = [*words.most_common(2), ("", 0), ("", 0)]
    (column, most), (_, next_most) = ranked[0], ranked[1]
    return column if most > 2 * next_most else None

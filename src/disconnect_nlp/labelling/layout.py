"""How a labelled table is laid out: where its texts stand and which columns were added, by what the run wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.labelling.columns import find_text_column
from disconnect_nlp.labelling.options import SENTENCE_COLUMNS, LabelOptions
from disconnect_nlp.tables import TableReader
from disconnect_nlp.tables.cells import known_column


@dataclass(frozen=True)
class Layout:
    """Where to look in a labelled table."""

    text_column: str | None
    """None where no column is named or looks like text. Where every row is a sentence, the column of the sentences."""
    prefix: str
    """Of the columns added for that text column."""
    sentences: bool
    """Whether every row is a sentence."""
    others: tuple[str, ...] = ()
    """Other text columns that have labels of their own."""
    whole_column: str | None = None
    """Of sentences: where the texts are that they were taken from, if that is known."""


def layout_of(
    reader: TableReader,
    manifest: Mapping[str, Any] | None,
    *,
    text_column: str | None = None,
    prefix: str | None = None,
    name: str = "table",
) -> Layout:
    """Return the layout of a table: what is named here, else what its run manifest says, else the usual.

    Of several text columns with labels of their own, the first if none is named.

    Raises
    ------
    DataError
        If the column named is none of several that were labelled, or not that of the sentences.
    """
    ran = LabelOptions.from_plain(manifest["options"]) if manifest else LabelOptions((), ())
    here = [column for column in ran.text_columns if known_column(column, reader.columns) in reader.columns]
    if len(ran.text_columns) > 1 and prefix is None:
        return _one_of_several(reader, ran, here, text_column, name)
    own = ran.prefix if prefix is None else prefix
    if _has_sentences(reader, own):
        return _of_sentences(reader, here, text_column, own, name)
    found = text_column or next(iter(here), None) or find_text_column(reader, without=own)
    return Layout(found, own, sentences=False)


def _of_sentences(reader: TableReader, here: Sequence[str], text_column: str | None, prefix: str, name: str) -> Layout:
    quote = prefix + "quote"
    if text_column not in (None, quote):
        raise DataError(
            f"{name}: every row is a sentence, and its words stand in column {quote!r}. "
            f"Leave --text-column {text_column} out."
        )
    return Layout(quote, prefix, True, whole_column=next(iter(here), None) or find_text_column(reader, without=prefix))


def _one_of_several(
    reader: TableReader, ran: LabelOptions, here: Sequence[str], text_column: str | None, name: str
) -> Layout:
    """Return the layout for one of several labelled columns, some of which may have been taken out of the table."""
    if text_column is not None and text_column not in ran.text_columns:
        raise DataError(f"{name}: {text_column!r} was not labelled. Labelled columns: {', '.join(ran.text_columns)}.")
    found = text_column or next(iter(here), None)
    chosen = found or ran.text_columns[0]
    own = ran.prefix_of(ran.text_columns.index(chosen))
    return Layout(found, own, False, tuple(column for column in here if column != chosen))


def _has_sentences(reader: TableReader, prefix: str) -> bool:
    return {prefix + name for name in SENTENCE_COLUMNS} <= set(reader.columns)

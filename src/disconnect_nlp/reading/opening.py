"""From a file and options to what is read: the table, the reader's journal so far, the readers to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import PREFIX
from disconnect_nlp.reading.agreement import Reader, check_readers, find_reader
from disconnect_nlp.reading.journal import Header, Journal, Readings, begun_journal, journal_path
from disconnect_nlp.reading.session import Session
from disconnect_nlp.reading.table import ReadingTable, read_table
from disconnect_nlp.tables import TableReader
from disconnect_nlp.taxonomy import load_taxonomy


@dataclass(frozen=True)
class Material:
    """A table, and what its readers said so far."""

    table: ReadingTable
    path: Path
    """Of the reader's journal, whether it is there or not."""
    header: Header
    readings: Readings
    """What the reader said, empty where the journal is not there."""
    others: tuple[Reader, ...] = ()

    def session(self) -> Session:
        """Open the journal for writing; close ``session.journal`` when done."""
        journal = Journal(self.path, self.header)
        try:
            return Session(self.table, journal, others=self.others)
        except BaseException:
            journal.close()
            raise


def open_material(
    file: Path,
    reader: TableReader,
    *,
    text_column: str,
    reader_name: str,
    id_column: str | None = None,
    context_columns: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    blind: bool = False,
    compare: Sequence[str] = (),
    prefix: str = PREFIX,
    sentences: bool = False,
) -> Material:
    """Read a table and the journals beside it.

    A journal that was begun keeps its labels and stays blind if it was; labels of two kinds in one file would make
    "not given" mean two things.

    Raises
    ------
    DataError
        If the options contradict the journal, or readers cannot be compared.
    """
    path = journal_path(file, reader_name)
    begun = begun_journal(path)
    others = tuple(find_reader(file, name) for name in compare)
    chosen = labels
    if chosen is None and begun is not None:
        chosen = begun.header.labels
    elif chosen is None and others:
        chosen = [label for label in load_taxonomy().ids if all(label in o.readings.header.labels for o in others)]
    table = read_table(
        reader,
        text_column=text_column,
        id_column=id_column,
        context_columns=context_columns,
        labels=chosen,
        prefix=prefix,
        sentences=sentences,
        name=file.name,
    )
    if compare:
        check_readers(others, table.labels)
    header = begun.header if begun else _header(table, reader_name, blind=blind)
    _check_begun(path, header, table, blind=blind)
    return Material(table, path, header, begun or Readings(header), others)


def _header(table: ReadingTable, reader_name: str, *, blind: bool) -> Header:
    version = load_taxonomy().version
    return Header(table=table.name, reader=reader_name, labels=table.labels, blind=blind, taxonomy=version)


def _check_begun(path: Path, header: Header, table: ReadingTable, *, blind: bool) -> None:
    if not table.labelled and not header.blind:
        raise DataError(f"{table.name} was not labelled by 'disconnect-nlp label'. Label it, or pass --blind.")
    other = [label for label in header.labels if label not in table.labels]
    if other or len(header.labels) < len(table.labels):
        named = f"other labels too: {', '.join(other)}" if other else f"fewer labels: {', '.join(header.labels)}"
        raise DataError(f"{path} was begun for {named}. Leave --labels out, or pass another --reader.")
    if blind and not header.blind:
        raise DataError(f"{path} was begun with the model's labels in view. Pass another --reader to read blind.")

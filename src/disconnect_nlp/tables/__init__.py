"""Reads and writes tables row by row, by file format. Cells go through untouched; knows no labels."""

from __future__ import annotations

from pathlib import Path

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Row, TableReader, TableWriter
from disconnect_nlp.tables.delimited import DelimitedReader, DelimitedWriter
from disconnect_nlp.tables.jsonlines import JsonLinesReader, JsonLinesWriter

FORMATS = (".csv", ".tsv", ".jsonl")

__all__ = ["FORMATS", "Row", "TableReader", "TableWriter", "open_reader", "open_writer"]


def open_reader(path: Path) -> TableReader:
    """Return a reader for ``path`` by its suffix.

    Raises
    ------
    DataError
        If there is no such file or its format is not known.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    if _format(path) == ".jsonl":
        return JsonLinesReader(path)
    return DelimitedReader(path, delimiter="\t" if _format(path) == ".tsv" else None)


def open_writer(path: Path, *, target: Path, columns: list[str], like: TableReader | None = None) -> TableWriter:
    """Return a writer to ``path`` in the format that the suffix of ``target`` names.

    A CSV made from a CSV keeps its delimiter, and its byte-order mark if it had one.
    """
    if _format(target) == ".jsonl":
        return JsonLinesWriter(path, columns)
    source = like if isinstance(like, DelimitedReader) else None
    delimiter = source.delimiter if source and _format(target) == ".csv" else ","
    mark = source is None or source.marked
    return DelimitedWriter(path, columns, delimiter="\t" if _format(target) == ".tsv" else delimiter, mark=mark)


def _format(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise DataError(f"{path}: format {suffix or '(no suffix)'!r} is not known. Known: {', '.join(FORMATS)}.")
    return suffix

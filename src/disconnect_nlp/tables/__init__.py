"""Reads and writes tables row by row, by file format. Cells go through untouched; knows no labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.tables.base import Dialect, Row, TableReader, TableWriter
from disconnect_nlp.tables.delimited import DelimitedReader
from disconnect_nlp.tables.encode import DelimitedEncoder, Encoder, JsonEncoder
from disconnect_nlp.tables.jsonlines import JsonLinesReader, JsonReader
from disconnect_nlp.tables.source import COMPRESSIONS, Source, SpooledSource, compressed, format_of
from disconnect_nlp.tables.textfiles import TextFilesReader
from disconnect_nlp.tables.textwriter import TextWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = (".csv", ".tsv", ".jsonl")
"""Formats of lines, which may be compressed and to which rows can be appended."""
_SHEETS = (".xlsx", ".xls", ".xlsb", ".ods")
_COLUMNAR = (".parquet", ".feather")
_DATA_SETS = (".sav", ".dta")
FORMATS = (*LINES, ".json", *_COLUMNAR, *_SHEETS, *_DATA_SETS, ".txt")
"""Formats that can be read."""
WRITABLE = (*LINES, *_COLUMNAR, ".xlsx", *_DATA_SETS)

__all__ = [
    "COMPRESSIONS",
    "FORMATS",
    "LINES",
    "WRITABLE",
    "Dialect",
    "Encoder",
    "ReadOptions",
    "Row",
    "Source",
    "SpooledSource",
    "TableReader",
    "TableWriter",
    "TextFilesReader",
    "check_fits",
    "compressed",
    "format_of",
    "fragment_encoder",
    "fragment_spec",
    "line_encoder",
    "longest_cell",
    "open_reader",
    "open_source",
    "open_writer",
    "readable_format",
    "writable_format",
]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file, where a user knows better than the file tells."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool | None = None
    sheet: str | None = None
    raw: bool = False
    """Whether dates of SPSS and Stata stay the numbers they are stored as."""


def open_reader(path: Path, options: ReadOptions | None = None) -> TableReader:
    """Return a reader for ``path`` by its suffix.

    Raises
    ------
    DataError
        If there is no such file or its format is not known.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    readable_format(path)
    return open_source(Source(path), options)


def open_source(source: Source, options: ReadOptions | None = None) -> TableReader:
    """Return a reader for a source by its format."""
    own = options or ReadOptions()
    if source.format in (".csv", ".tsv"):
        return DelimitedReader(source, delimiter=own.delimiter, encoding=own.encoding, header=own.header)
    if source.format == ".jsonl":
        return JsonLinesReader(source, encoding=own.encoding)
    if source.format == ".json":
        return JsonReader(source, encoding=own.encoding)
    if source.format == ".txt":
        return TextFilesReader([source.path], root=source.path.parent, encoding=own.encoding)
    return _open_binary(source, own)


def _open_binary(source: Source, options: ReadOptions) -> TableReader:
    if source.format in _COLUMNAR:
        from disconnect_nlp.tables.columnar import ColumnarReader

        return ColumnarReader(source)
    if source.format in _SHEETS:
        from disconnect_nlp.tables.excel import SheetReader

        return SheetReader(source, sheet=options.sheet)
    from disconnect_nlp.tables.statistics import StatisticsReader

    return StatisticsReader(source, raw=options.raw)


def open_writer(
    path: Path,
    *,
    target: Path,
    columns: list[str],
    like: TableReader | None = None,
    labels: dict[str, str] | None = None,
    kinds: dict[str, type] | None = None,
) -> TableWriter:
    """Return a writer to ``path`` in the format that the suffix of ``target`` names.

    Parameters
    ----------
    columns
        All columns, in order.
    like
        The reader of the input: a CSV made from a CSV keeps its delimiter and byte-order mark, a data set its labels.
    labels, kinds
        Variable labels of added columns, and ``bool`` (written as 1 and 0), ``int`` or ``float`` for those that hold
        numbers.
    """
    suffix, compression = writable_format(target)
    if suffix in LINES:
        return TextWriter(path, line_encoder(target, columns, like=like), compression=compression)
    if suffix in _COLUMNAR:
        from disconnect_nlp.tables.columnar import ColumnarWriter

        return ColumnarWriter(path, columns, format=suffix, like=like, kinds=kinds)
    if suffix in _DATA_SETS:
        from disconnect_nlp.tables.statistics import StatisticsWriter

        return StatisticsWriter(path, columns, format=suffix, like=like, labels=labels, kinds=kinds)
    from disconnect_nlp.tables.excel import ExcelWriter

    return ExcelWriter(path, columns)


def longest_cell(target: Path) -> int | None:
    """Return how long a cell may be in a target's format; None if there is no limit to speak of."""
    return 32_767 if format_of(target)[0] in (".xlsx", ".sav") else None


def check_fits(target: Path, columns: list[str], reader: TableReader) -> None:
    """Raise DataError if a table cannot be written in the target's format, before any work is put into it."""
    suffix, _ = writable_format(target)
    limit = longest_cell(target)
    if suffix in _DATA_SETS:
        from disconnect_nlp.tables.statistics import check_names

        check_names(columns, format=suffix)
    if suffix == ".xlsx":
        from disconnect_nlp.tables.excel import check_rows

        check_rows(reader.n_rows)
    if limit is None:
        return
    for row in reader:
        for column, value in row.cells.items():
            if not isinstance(value, str) or len(value) * 4 <= limit:
                continue
            # Excel counts characters, SPSS bytes.
            size = len(value if suffix == ".xlsx" else value.encode("utf-8", "surrogatepass"))
            if size > limit:
                raise DataError(
                    f"row {row.number}: column {shorten(column)!r} is {size:,} long; a cell of {suffix} holds "
                    f"{limit:,}. Name an output that ends in .csv or .parquet."
                )


def line_encoder(
    target: Path, columns: Sequence[str], *, added: Sequence[str] = (), like: TableReader | None = None
) -> Encoder:
    """Return an encoder of lines in the format that the suffix of ``target`` names."""
    suffix, _ = writable_format(target)
    if suffix == ".jsonl":
        return JsonEncoder(columns)
    source = like if isinstance(like, DelimitedReader) else None
    delimiter = source.delimiter if source and suffix == ".csv" else ","
    mark = source is None or source.marked
    return DelimitedEncoder(columns, added, delimiter="\t" if suffix == ".tsv" else delimiter, mark=mark)


def fragment_spec(target: Path, *, like: TableReader | None = None) -> dict[str, str]:
    """Return how added cells are encoded for a target, as plain values that can be sent to another process."""
    suffix, _ = writable_format(target)
    if suffix not in (".csv", ".tsv"):
        return {"kind": "json"}  # also for formats that are assembled from a journal of JSON
    own = like.delimiter if isinstance(like, DelimitedReader) else ","
    return {"kind": "delimited", "delimiter": "\t" if suffix == ".tsv" else own}


def fragment_encoder(spec: dict[str, str]) -> Encoder:
    """Return the encoder that :func:`fragment_spec` describes."""
    return JsonEncoder([]) if spec["kind"] == "json" else DelimitedEncoder([], delimiter=spec["delimiter"])


def readable_format(path: Path) -> tuple[str, str]:
    """Return format and compression of an input.

    Raises
    ------
    DataError
        If the format is not known.
    """
    return _known(path, FORMATS)


def writable_format(path: Path) -> tuple[str, str]:
    """Return format and compression of an output.

    Raises
    ------
    DataError
        If the format is not known, or is one that is only read.
    """
    return _known(path, WRITABLE)


def _known(path: Path, formats: tuple[str, ...]) -> tuple[str, str]:
    suffix, compression = format_of(path)
    if suffix in FORMATS and suffix not in formats:
        raise DataError(f"{path}: {suffix} can be read, not written. Name an output of {', '.join(formats)}.")
    if suffix not in formats or (compression and suffix not in (*LINES, ".json")):
        raise DataError(
            f"{path}: format {path.suffix or '(no suffix)'!r} is not known. Known: {', '.join(formats)}; "
            f"{', '.join(LINES)} also with {', '.join(COMPRESSIONS)}."
        )
    return suffix, compression

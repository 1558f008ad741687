"""Reads CSV and TSV: delimiter, encoding and header detected, cells kept as the strings they are."""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TextIO

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import REPLACEMENT, Row
from disconnect_nlp.tables.dialects import SET_ASIDE, recognise
from disconnect_nlp.tables.quoting import Record, read_records
from disconnect_nlp.tables.source import Source

_SAMPLE = 1 << 20  # bytes looked at to detect encoding and delimiter
_LOOK_AT = 20  # rows looked at to tell a header from data
_DELIMITERS = ",;\t|"
_DATUM = re.compile(r"[+-]?\d+([.,]\d+)*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*")
EXTRA = "extra_cells"
"""Column that receives the surplus cells of a row with more cells than the header."""


class DelimitedReader:
    """Reads a delimited file.

    Parameters
    ----------
    source
        The file.
    delimiter
        Detected from the header if left out: the one of ``, ; tab |`` that occurs most outside quotation marks.
    encoding
        Detected if left out: UTF-8, UTF-16, or Windows-1252 for what is neither.
    header
        Whether the first row holds column names; detected if left out.
    """

    def __init__(
        self,
        source: Source,
        *,
        delimiter: str | None = None,
        encoding: str | None = None,
        header: bool | None = None,
    ) -> None:
        self.source = source
        self.encoding = checked_encoding(encoding, source) if encoding else detect_encoding(source)
        self._errors = decoding_errors(self.encoding)
        self.delimiter = delimiter or self._detect_delimiter()
        first = [record.cells for record in islice(self._records(), _LOOK_AT)]
        if not first:
            raise DataError(f"{source.name}: the file is empty. It needs a header row with column names.")
        self._has_header = _looks_like_header(first) if header is None else header
        self._header = first[0] if self._has_header else [""] * max(map(len, first))
        self.columns: list[str] = unique_names(self._header)
        self.marked = self.encoding != "utf-8"
        """Whether the file told or needs to tell its encoding by a byte-order mark."""
        self.dialect = recognise(self.columns, first[1:]) if self._has_header else None
        self.n_rows, widest = self._survey()
        self.notes = self._notes(encoding, header)
        if widest > len(self.columns):
            self.columns.append(unique_names([*self.columns, EXTRA])[-1])

    def __iter__(self) -> Iterator[Row]:
        records = self._records()
        if self._has_header:
            next(records)
        for record in islice(records, self.dialect.header_rows if self.dialect else 0):
            row = self._row(record)
            yield Row(row.number, row.cells, aside=SET_ASIDE)
        yield from map(self._row, records)

    def _records(self) -> Iterator[Record]:
        """Yield the records that are rows, the header among them."""
        width = 0
        with self._text() as file:
            for record in read_records(file, delimiter=self.delimiter):
                if record.cells:
                    width = width or len(record.cells)
                    yield record
                elif width == 1:  # in a table of one column a blank line is an empty cell
                    yield Record(record.line, [""])

    @contextmanager
    def _text(self) -> Iterator[TextIO]:
        with (
            self.source.open() as file,
            io.TextIOWrapper(file, encoding=self.encoding, newline="", errors=self._errors) as text,
        ):
            yield text

    def _row(self, record: Record) -> Row:
        cells, width = record.cells, len(self._header)
        named: dict[str, Any] = dict(zip(self.columns[:width], cells, strict=False))
        problem = record.problem
        if len(cells) > width:
            named[self.columns[width]] = self.delimiter.join(cells[width:])
        if len(cells) != width and not problem:
            problem = f"{len(cells)} cells, header has {width}"
        return Row(record.line, named, problem=problem)

    def _notes(self, encoding: str | None, header: bool | None) -> list[str]:
        notes = []
        renamed = [new for new, old in zip(self.columns, self._header, strict=True) if new != old]
        if not self._has_header:
            why = "the first row looks like data, so " if header is None else ""
            notes.append(f"{why}columns were named {renamed[0]} … {renamed[-1]}.")
        elif renamed:
            notes.append(f"columns without a name of their own were named {', '.join(renamed)}.")
        if self.encoding == "cp1252" and encoding is None:
            notes.append("the file is not valid UTF-8 and was read as Windows-1252; the output is UTF-8.")
        notes += lost_characters(self.source, self.encoding)
        if self.dialect:
            notes.append(f"read as {self.dialect.name}.")
        return notes

    def _survey(self) -> tuple[int, int]:
        """Read the file once for the number of rows and the width of the widest."""
        n_rows, widest = -1 if self._has_header else 0, 0
        for record in self._records():
            n_rows, widest = n_rows + 1, max(widest, len(record.cells))
        return n_rows, widest

    def _detect_delimiter(self) -> str:
        if self.source.format == ".tsv":
            return "\t"
        with self._text() as file:
            header = next((line for line in iter(lambda: file.readline(_SAMPLE), "") if line.strip()), "")
            while header.count('"') % 2 and len(header) < _SAMPLE and (more := file.readline(_SAMPLE)):
                header += more  # a line break inside quotation marks
        outside = "".join(header.split('"')[::2])
        counts = Counter(char for char in outside if char in _DELIMITERS)
        return counts.most_common(1)[0][0] if counts else ","


def _looks_like_header(rows: list[list[str]]) -> bool:
    """Return whether the first row holds names.

    It does, unless a column is numbers or dates from its first cell on and none becomes so in the second row.

    Examples
    --------
    >>> _looks_like_header([["id", "2024"], ["1", "5"]]), _looks_like_header([["1", "b"], ["2", "a"]])
    (True, False)
    """
    throughout = False
    for column, cell in enumerate(rows[0]):
        below = [row[column] for row in rows[1:] if len(row) > column and row[column]]
        if below and all(_DATUM.fullmatch(value.strip()) for value in below):
            if not _DATUM.fullmatch(cell.strip()):
                return True
            throughout = True
    return not throughout


def checked_encoding(name: str, source: Source) -> str:
    """Return an encoding's name if Python knows it."""
    try:
        codecs.lookup(name)
    except LookupError:
        raise DataError(
            f"{source.name}: no encoding {name!r}. Common ones: utf-8, utf-16, cp1252, latin-1, mac-roman."
        ) from None
    return name


def decoding_errors(encoding: str) -> str:
    """Return how to decode what is broken: in UTF-8 a byte goes out as it came in, else it is replaced."""
    return "surrogateescape" if codecs.lookup(encoding).name in ("utf-8", "utf-8-sig") else "replace"


def lost_characters(source: Source, encoding: str) -> list[str]:
    """Return a note on how many characters were replaced because they are none of an encoding, or no note."""
    if decoding_errors(encoding) != "replace":
        return []
    n = _replacements(source, encoding, "replace")
    n -= n and _replacements(source, encoding, "ignore")  # those that stand in the file itself
    what = f"{n} characters are no {encoding} and stand as {REPLACEMENT} in the output"
    return [f"{what}. Name the file's own encoding with --encoding."] if n else []


def _replacements(source: Source, encoding: str, errors: str) -> int:
    with source.open() as file, io.TextIOWrapper(file, encoding=encoding, errors=errors) as text:
        return sum(block.count(REPLACEMENT) for block in iter(lambda: text.read(_SAMPLE), ""))


def detect_encoding(source: Source) -> str:
    """Return UTF-8 (with or without mark), UTF-16 (by its mark or its zeros), or Windows-1252 for what is neither."""
    with source.open() as file:
        sample = file.read(_SAMPLE)
        rest = file.read(4)
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    for name, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if zeros and zeros.count(0) > len(zeros) // 2:
            return name
    try:
        sample.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        cut_at_the_end = rest and error.start >= len(sample) - 3
        if not cut_at_the_end and not _mostly_utf8(sample):
            return "cp1252"
    return "utf-8-sig" if sample.startswith(codecs.BOM_UTF8) else "utf-8"


def _mostly_utf8(sample: bytes) -> bool:
    """Return whether more letters beyond ASCII are whole in UTF-8 than broken: then a few rows are, not the file."""
    text = sample.decode("utf-8", "surrogateescape")
    broken = sum("\udc80" <= char <= "\udcff" for char in text)
    return sum(char > "\x7f" for char in text) > 2 * broken


def unique_names(header: list[str]) -> list[str]:
    """Return column names, the empty ones named and repeated ones numbered, so that none hides another.

    Examples
    --------
    >>> unique_names(["id", "", "note", "note"])
    ['id', 'column_2', 'note', 'note.1']
    """
    names: list[str] = []
    for position, name in enumerate(header, start=1):
        base = (name.strip() and name) or f"column_{position}"
        candidate, count = base, 0
        while candidate in names:
            count += 1
            candidate = f"{base}.{count}"
        names.append(candidate)
    return names

"""Splits delimited text into records; a quotation mark that is never closed costs one record, not the rest."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LONGEST_CELL = 1 << 27  # characters; beyond that a quotation mark was surely left open
UNCLOSED = "a quotation mark is not closed"


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one row, and the line where it begins, from 1."""

    line: int
    cells: list[str]
    problem: str | None = None


def read_records(lines: Iterable[str], *, delimiter: str) -> Iterator[Record]:
    r"""Yield records in order; blank lines are records without cells.

    Cells are read as spreadsheets write them: quoted where needed, quotation marks within doubled. Where a quotation
    mark that opens a cell swallows following lines and does not end where a cell ends, or the row comes out with
    another number of cells than the first, its line stands alone, with a problem, and reading goes on in the next line.

    Examples
    --------
    >>> [record.cells for record in read_records(['1,"a\n', 'b"\n', '2,"open\n', '3,c\n'], delimiter=",")]
    [['1', 'a\nb'], ['2', 'open'], ['3', 'c']]
    """
    feed = _Feed(lines)
    strict = csv.reader(feed, delimiter=delimiter, strict=True)
    width = 0
    while True:
        feed.taken.clear()
        start = feed.line + 1
        try:
            cells = _next(strict)
            if cells and len(feed.taken) > 1 and (_odd(feed.taken) or len(cells) != (width or len(cells))):
                raise csv.Error  # it ends where a cell ends, but by chance
        except csv.Error:
            taken = list(feed.taken)
            feed.push_back(taken[1:])
            alone = _next(csv.reader(taken[:1], delimiter=delimiter)) or []
            swallowed = len(taken) > 1 or not _closes(taken[0], delimiter)
            # A line end that the cell would have held is the line's own.
            cells = [cell.removesuffix("\n").removesuffix("\r") for cell in alone]
            yield Record(start, cells, UNCLOSED if swallowed else None)
            strict = csv.reader(feed, delimiter=delimiter, strict=True)
            continue
        if cells is None:
            return
        width = width or len(cells)
        yield Record(start, cells)


def _next(rows: Iterator[list[str]]) -> list[str] | None:
    # The limit belongs to the whole process, so it is put back after every row.
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        return next(rows, None)
    finally:
        csv.field_size_limit(before)


def _odd(lines: list[str]) -> bool:
    """Return whether quotation marks come in no pairs, as they do in a record that is whole."""
    return sum(line.count('"') for line in lines) % 2 == 1


def _closes(line: str, delimiter: str) -> bool:
    """Return whether a malformed line, read leniently, ends outside quotation marks."""
    return _next(csv.reader([line], delimiter=delimiter)) == _next(csv.reader([line, "more"], delimiter=delimiter))


class _Feed:
    """Hands out lines, remembers those of the present record, and takes lines back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.line += 1
        self.taken.append(line)
        return line

    def push_back(self, lines: list[str]) -> None:
        self._back.extendleft(reversed(lines))
        self.line -= len(lines)

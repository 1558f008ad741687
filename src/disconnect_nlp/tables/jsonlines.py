"""Reads JSON lines, one object a line, and JSON files that hold one array of objects. Nested values are kept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Dialect, Row
from disconnect_nlp.tables.delimited import checked_encoding, decoding_errors, lost_characters
from disconnect_nlp.tables.dialects import DAY_ONE, forum
from disconnect_nlp.tables.jsonarray import read_items
from disconnect_nlp.tables.source import Source

RAW = "raw_line"
"""Key under which a line that is no JSON object is kept."""
_DAY_ONE_KEY = "entries"


class JsonLinesReader:
    """Reads JSON objects line by line. ``columns`` are the keys of all objects, in order of appearance."""

    def __init__(self, source: Source, *, encoding: str | None = None) -> None:
        self.source = source
        self._encoding = checked_encoding(encoding, source) if encoding else "utf-8-sig"
        self.n_rows = 0
        self.notes = lost_characters(source, self._encoding)
        keys: dict[str, None] = {}
        for row in self:
            self.n_rows += 1
            keys.update(dict.fromkeys(row.cells))
        self.columns = list(keys)
        if not set(self.columns) - {RAW}:
            raise DataError(
                f'{source.name}: no JSON object found. Each line must hold one object, such as {{"text": …}}.'
            )
        self.dialect: Dialect | None = self._dialect()
        if self.dialect:
            self.notes.append(f"read as {self.dialect.name}.")

    def __iter__(self) -> Iterator[Row]:
        with self._text() as text:
            for number, line in enumerate(text, start=1):
                if line.strip():
                    yield _row(number, line)

    @contextmanager
    def _text(self) -> Iterator[TextIO]:
        errors = decoding_errors(self._encoding)
        with self.source.open() as file, io.TextIOWrapper(file, self._encoding, errors=errors) as text:
            yield text

    def _dialect(self) -> Dialect | None:
        return forum(self.columns)


class JsonReader(JsonLinesReader):
    """Reads a JSON file that is one array of objects, or an object with such an array under ``entries``."""

    def __iter__(self) -> Iterator[Row]:
        with self._text() as text:
            for number, value in enumerate(read_items(text, key=_DAY_ONE_KEY, name=self.source.name), start=1):
                yield _checked(number, value, raw=json.dumps(value) if not isinstance(value, dict) else "")

    def _dialect(self) -> Dialect | None:
        return DAY_ONE if {"uuid", "creationDate"} <= set(self.columns) else forum(self.columns)


def _row(number: int, line: str) -> Row:
    raw = line.rstrip("\r\n")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, {RAW: raw}, problem="not JSON")
    return _checked(number, value, raw=raw)


def _checked(number: int, value: Any, *, raw: str) -> Row:
    if not isinstance(value, dict):
        return Row(number, {RAW: raw}, problem="not a JSON object")
    return Row(number, value)

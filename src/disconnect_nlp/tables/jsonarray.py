"""Reads the items of one JSON array one by one, without holding the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from disconnect_nlp.errors import DataError

_BLOCK = 1 << 20
_SPACE = " \t\r\n"


def read_items(text: TextIO, *, key: str, name: str) -> Iterator[Any]:
    """Yield the items of an array at the top, or of the one under ``key`` in an object at the top.

    Raises
    ------
    DataError
        If there is neither, or the JSON breaks off or is not valid.

    Examples
    --------
    >>> import io
    >>> journal = io.StringIO('{"metadata": {}, "entries": [{"text": "a"}, {"text": "b"}]}')
    >>> list(read_items(journal, key="entries", name="x"))
    [{'text': 'a'}, {'text': 'b'}]
    """
    reader = _Values(text, name)
    if reader.take("[", otherwise="{") == "{":
        while reader.value() != key:
            reader.take(":")
            reader.value()
            reader.take(",", f"{name}: no array under {key!r}. A .json file must hold an array of objects.")
        reader.take(":")
        reader.take("[")
    if reader.peek() == "]":
        return
    while True:
        yield reader.value()
        if reader.take(",", otherwise="]") == "]":
            return


class _Values:
    """Takes one value or mark after the other from a stream."""

    def __init__(self, text: TextIO, name: str) -> None:
        self._text, self._name = text, name
        self._buffer, self._position = "", 0
        self._decoder = json.JSONDecoder()

    def peek(self) -> str:
        """Return the next character that is no white space, or nothing at the end."""
        while True:
            while self._position < len(self._buffer):
                if self._buffer[self._position] not in _SPACE + "\ufeff":
                    return self._buffer[self._position]
                self._position += 1
            if not self._more(_BLOCK):
                return ""

    def take(self, mark: str, message: str = "", *, otherwise: str = "") -> str:
        """Return the next character if it is one of the two."""
        found = self.peek()
        if not found or found not in mark + otherwise:
            raise DataError(message or f"{self._name}: not valid JSON, or cut off. A .json file holds one array.")
        self._position += 1
        return found

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        want = _BLOCK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._position)
            except (ValueError, RecursionError) as error:
                if not self._more(want):
                    raise DataError(f"{self._name}: not valid JSON, or cut off.") from error
                want *= 2  # a value longer than the buffer is read from its start again, each time twice as far
                continue
            if end == len(self._buffer) and self._more(_BLOCK):
                continue  # a number may go on
            self._position = end
            return value

    def _more(self, size: int) -> bool:
        data = self._text.read(size)
        self._buffer = self._buffer[self._position :] + data
        self._position = 0
        return bool(data)

"""Reads text files as a table: one file, one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Dialect, Row
from disconnect_nlp.tables.delimited import checked_encoding, decoding_errors, detect_encoding
from disconnect_nlp.tables.source import Source


class TextFilesReader:
    """Reads every file as one text, in the order given; a row's number is its place in that order."""

    columns: list[str]
    dialect: Dialect | None = Dialect("text files", ("text",))

    def __init__(self, paths: Sequence[Path], *, root: Path, encoding: str | None = None) -> None:
        if not paths:
            raise DataError(f"{root}: no .txt file in it.")
        self._sources = [Source(path) for path in paths]
        self._root, self._encoding = root, encoding
        self.columns = ["file", "text"]
        self.n_rows = len(paths)
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[Row]:
        for number, source in enumerate(self._sources, start=1):
            encoding = checked_encoding(self._encoding, source) if self._encoding else detect_encoding(source)
            with source.open() as file:
                text = file.read().decode(encoding, decoding_errors(encoding))
            name = source.path.relative_to(self._root).as_posix()
            yield Row(number, {"file": name, "text": text.replace("\r\n", "\n")})

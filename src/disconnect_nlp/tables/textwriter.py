"""Writes CSV, TSV and JSON lines, compressed or not, row by row."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from disconnect_nlp.tables.encode import Encoder
from disconnect_nlp.tables.source import compressed

_ROWS = 2048  # rows that make one member of a compressed file


class TextWriter:
    """Writes the lines of an encoder."""

    def __init__(self, path: Path, encoder: Encoder, *, compression: str = "") -> None:
        self._encoder, self._compression = encoder, compression
        self._file = path.open("wb")
        self._lines = [encoder.head()]

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""
        self._lines.append(self._encoder.line(cells, ()))
        if len(self._lines) >= _ROWS:
            self._flush()

    def close(self) -> None:
        """Flush to disk and close."""
        self._flush()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def _flush(self) -> None:
        data = "".join(self._lines).encode("utf-8", "surrogateescape")
        if data:
            self._file.write(compressed(data, self._compression))
        self._lines = []

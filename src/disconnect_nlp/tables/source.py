"""The bytes of a table: a file, compressed or not, or what came by standard input. Knows no rows."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import os
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import need

COMPRESSIONS = (".gz", ".bz2", ".zst")
_ALIASES = {".ndjson": ".jsonl", ".tab": ".tsv", ".arrow": ".feather", ".zsav": ".sav"}
_BLOCK = 1 << 20
_COMPRESSED = (
    (b"\x1f\x8b", ".gz"),
    *((b"BZh%d" % level, ".bz2") for level in range(1, 10)),
    (b"\x28\xb5\x2f\xfd", ".zst"),
)
_FORMATS = (
    (b"PAR1", ".parquet"),
    (b"ARROW1", ".feather"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", ".xls"),
    (b"$FL2@(#)", ".sav"),
    (b"$FL3@(#)", ".sav"),
    (b"<stata_dta>", ".dta"),
    # Before Stata 13: number of the format, order of bytes, and two that are always the same.
    *((bytes([number, order, 1, 0]), ".dta") for number in range(104, 116) for order in (1, 2)),
)
"""How files begin that are no text, and their formats."""
# Dumps of forums are compressed with a window of 2 GiB, which the library refuses unless told.
_ZST_WINDOW = 1 << 31


def format_of(path: Path) -> tuple[str, str]:
    """Return the format and the compression that a file's name tells, each as a suffix, in lower case.

    Examples
    --------
    >>> format_of(Path("a.CSV")), format_of(Path("b.ndjson.gz")), format_of(Path("RC_2019-01.zst"))
    (('.csv', ''), ('.jsonl', '.gz'), ('.jsonl', '.zst'))
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSIONS else ""
    suffix = suffixes[-1] if suffixes else ""
    if compression == ".zst" and suffix not in (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json"):
        suffix = ".jsonl"  # dumps of forums go by names such as RC_2019-01.zst
    return _ALIASES.get(suffix, suffix), compression


class Source:
    """A file's bytes, decompressed, as often as they are wanted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.format, self.compression = format_of(path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the decompressed bytes.

        Raises
        ------
        DataError
            If the compressed data is damaged or cut off.
        """
        try:
            with self._raw() as raw, _decompressed(raw, self.compression) as file:
                yield file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{self.name}: the compressed data is damaged or cut off. Fetch the file again.") from error
        except OSError as error:
            if error.errno is None:  # bz2 has no error of its own
                raise DataError(f"{self.name}: the compressed data is damaged. Fetch the file again.") from error
            raise

    def digest(self) -> tuple[int, str]:
        """Return size and SHA-256 of the bytes as they are stored."""
        with self._raw() as raw:
            hashed = hashlib.file_digest(cast(Any, raw), "sha256").hexdigest()
            return raw.seek(0, os.SEEK_END), hashed

    def _raw(self) -> BinaryIO:
        return self.path.open("rb")


class SpooledSource(Source):
    """Standard input, kept in a file without a name that the system removes even if the program is killed.

    Its first bytes tell compression and format; JSON lines begin with a brace, CSV with anything that is not known.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(Path("standard input"))
        with tempfile.TemporaryFile() as spool:
            shutil.copyfileobj(stream, spool, _BLOCK)
            spool.flush()
            self._descriptor = os.dup(spool.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        with self._raw() as raw:
            start = raw.read(16)
        self.compression = next((name for magic, name in _COMPRESSED if start.startswith(magic)), "")
        with self.open() as file:
            start = file.read(_BLOCK)
        text = ".jsonl" if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" else ".csv"
        self.format = next((name for magic, name in _FORMATS if start.startswith(magic)), text)

    def _raw(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Positioned(self._descriptor), _BLOCK))


class _Positioned(io.RawIOBase):
    """Reads a file descriptor at a position of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._position = descriptor, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._descriptor).st_size
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: size}[whence]
        return self._position

    def readinto(self, buffer: Any) -> int:
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _decompressed(raw: BinaryIO, compression: str) -> BinaryIO:
    if compression == ".gz":
        return cast(BinaryIO, gzip.open(raw, "rb"))
    if compression == ".bz2":
        return cast(BinaryIO, bz2.open(raw, "rb"))
    if compression == ".zst":
        return cast(BinaryIO, io.BufferedReader(_Zstandard(raw), _BLOCK))
    return raw


class _Zstandard(io.RawIOBase):
    """Decompresses frame after frame; unlike the library's own reader, it does not take a cut-off file for whole."""

    def __init__(self, raw: BinaryIO) -> None:
        self._zstandard = need("zstandard", extra="formats", what="a .zst file")
        self._raw, self._ready = raw, b""
        self._frame: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._fill():
                return 0
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def _fill(self) -> bool:
        unused = b""
        if self._frame is not None and self._frame.eof:
            unused, self._frame = self._frame.unused_data, None
        data = unused or self._raw.read(_BLOCK // 4)
        if not data:
            if self._frame is not None:
                raise EOFError
            return False
        if self._frame is None:
            self._frame = self._zstandard.ZstdDecompressor(max_window_size=_ZST_WINDOW).decompressobj()
        try:
            self._ready = self._frame.decompress(data)
        except self._zstandard.ZstdError as error:
            raise EOFError from error
        return True


def compressed(data: bytes, compression: str) -> bytes:
    """Return ``data`` as one member of a compressed file; members in a row are a valid file, equal for equal data."""
    if compression == ".gz":
        return gzip.compress(data, compresslevel=6, mtime=0)
    if compression == ".bz2":
        return bz2.compress(data)
    if compression == ".zst":
        zstandard = need("zstandard", extra="formats", what="a .zst file")
        return cast(bytes, zstandard.ZstdCompressor(level=3).compress(data))
    return data

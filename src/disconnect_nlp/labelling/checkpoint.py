"""An output that grows in whole chunks and survives kill -9, power loss and a full disk.

Beside the output lie ``.NAME.unfinished``, what has been written, and ``.NAME.unfinished.json``, how much of it is on
disk for sure. The second is replaced as a whole after the first has been flushed to disk, so going on from it gives
the bytes that an uninterrupted run gives. Both hold parts of the input and have the permissions of the output.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables import Source

_BLOCK = 1 << 20


@dataclass
class Checkpoint:
    """How far a run has come."""

    settings: dict[str, Any]
    """All that decides the output; another run may only go on from here if its settings are the same."""
    started: str
    rows: int = 0
    """Rows of the input that are done."""
    bytes: int = 0
    sha256: str = hashlib.sha256().hexdigest()
    """Of the bytes written."""
    seconds: float = 0.0
    sittings: int = 1
    """Runs that it took."""
    summary: dict[str, Any] = field(default_factory=dict)


class UnfinishedOutput:
    """Appends chunks beside ``target``, which appears whole when all is done."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.unfinished")
        self._state = target.with_name(f".{target.name}.unfinished.json")
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self.held = False
        """Whether what lies there is this run's own."""

    @property
    def assembling(self) -> Path:
        """Where an output is put together that cannot grow by itself."""
        return self.path.with_name(self.path.name + ".whole")

    def exists(self) -> bool:
        """Return whether an earlier run was left unfinished."""
        return self._state.exists()

    @contextmanager
    def start(self, settings: dict[str, Any], *, started: str, first: Path | None = None) -> Iterator[Checkpoint]:
        """Begin anew, with the bytes of ``first`` if given."""
        checkpoint = Checkpoint(settings, started)
        with self._opened("w+b"):
            if first is not None:
                with first.open("rb") as old:
                    while block := old.read(_BLOCK):
                        self._write(block)
            self._save(checkpoint)
            yield checkpoint

    @contextmanager
    def resume(self, settings: dict[str, Any]) -> Iterator[Checkpoint]:
        """Go on where an earlier run was stopped.

        Raises
        ------
        DataError
            If its settings were others, or what it had written has been changed.
        """
        checkpoint = self._load()
        differing = differences(checkpoint.settings, settings)
        if differing:
            raise DataError(
                f"{self.target}: cannot go on, since this has changed: {'; '.join(differing)}. "
                "Restore it, or start anew with --force."
            )
        with self._opened("r+b") as file:
            left = checkpoint.bytes
            while left and (block := file.read(min(left, _BLOCK))):
                self._hash.update(block)
                left -= len(block)
            if left or self._hash.hexdigest() != checkpoint.sha256:
                raise DataError(f"{self.path}: not as the earlier run left it. Start anew with --force.")
            file.truncate(checkpoint.bytes)
            checkpoint.sittings += 1
            yield checkpoint

    def append(self, data: bytes, checkpoint: Checkpoint) -> None:
        """Write a chunk to disk, then note that it is there."""
        self._write(data)
        self._save(checkpoint)

    def finished(self, settings: dict[str, Any]) -> Checkpoint | None:
        """Return the checkpoint of a run that was stopped after its output had taken its place, if that is so."""
        if not self.exists() or self.path.exists() or not self.target.exists():
            return None
        checkpoint = self._load()
        whole = Source(self.target).digest() == (checkpoint.bytes, checkpoint.sha256)
        return checkpoint if whole and not differences(checkpoint.settings, settings) else None

    def finish(self, made: Path | None = None) -> None:
        """Put the output, or ``made`` from it, in the place of ``target``."""
        (made or self.path).replace(self.target)
        self.discard()
        _sync_folder(self.target.parent)

    def discard(self) -> None:
        """Remove what was left unfinished."""
        for path in (self._state, self.assembling, self.path):
            path.unlink(missing_ok=True)

    @contextmanager
    def _opened(self, mode: str) -> Iterator[BinaryIO]:
        # A run that is still at work holds the lock; one that was killed does not.
        with self.path.open("ab") as lock, _locked(lock, self.target), self.path.open(mode) as file:
            self._file, self._hash = file, hashlib.sha256()  # type: ignore[assignment]  # mode is binary
            self.held = True
            try:
                yield self._file  # type: ignore[misc]
            finally:
                self._file = None

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._hash.update(data)

    def _save(self, checkpoint: Checkpoint) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        checkpoint.bytes, checkpoint.sha256 = self._file.tell(), self._hash.hexdigest()
        write_whole(self._state, json.dumps(asdict(checkpoint)))

    def _load(self) -> Checkpoint:
        if not self.exists():
            raise DataError(f"{self.target}: no unfinished run to go on with. Run without --resume.")
        try:
            return Checkpoint(**json.loads(self._state.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise DataError(f"{self._state}: not readable. Start anew with --force.") from error


def write_whole(path: Path, text: str) -> None:
    """Write a small file that is there whole or not at all, even after a loss of power."""
    fresh = path.with_name(f".{path.name.lstrip('.')}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(file: BinaryIO, target: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"{target}: another run is writing it. Wait for it, or stop it.") from None
    yield


def differences(before: dict[str, Any], now: dict[str, Any], place: str = "") -> list[str]:
    """Return where two records of settings differ, in words."""
    found = []
    for key in [*before, *(key for key in now if key not in before)]:
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{place}{key} ")
        elif old != new:
            found.append(f"{place}{key}" + (f" (was {old}, is {new})" if _short(old) and _short(new) else ""))
    return found


def _short(value: object) -> bool:
    return value is None or (isinstance(value, str | int | float | bool) and len(str(value)) <= 40)

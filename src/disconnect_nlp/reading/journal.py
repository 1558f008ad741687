"""What a reader said, as an append-only journal beside the table: each line on disk before it is acknowledged."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disconnect_nlp.corpus import NEAR_REASONS
from disconnect_nlp.errors import DataError

State = Literal["unread", "begun", "read"]
_LONGEST_NOTE = 20_000
_Entry = TypeVar("_Entry", bound=BaseModel)


class _Record(BaseModel):
    # Values may be somebody's words, so no error repeats them.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Header(_Record):
    """First line of a journal: what was read, by whom and how."""

    readings: Literal[1] = 1
    """Version of the format."""
    table: str
    reader: str
    labels: tuple[str, ...]
    """The labels read for; nothing is known of others."""
    blind: bool
    taxonomy: str


class Reading(_Record):
    """What a reader says of one passage. ``unread`` takes back all that was said before."""

    labels: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    """``label:reason`` for labels that are mentioned and do not count."""
    note: str = Field(default="", max_length=_LONGEST_NOTE)
    state: State = "read"

    def check(self, labels: tuple[str, ...]) -> Self:
        """Raise DataError if it speaks of other labels, or a label is both given and near."""
        for label in self.labels:
            if label not in labels:
                raise DataError(f"label {_named(label)} is not among those read for: {', '.join(labels)}.")
        for item in self.near:
            label, _, reason = item.partition(":")
            if label not in labels or reason not in NEAR_REASONS:
                raise DataError(f"near must be label:reason with a reason of {', '.join(NEAR_REASONS)}.")
            if label in self.labels:
                raise DataError(f"{label} is both given and near. Take one of them back.")
        return self


class _Line(Reading):
    key: str
    id: str
    at: str


@dataclass
class Readings:
    """A journal's content: the last word on every passage."""

    header: Header
    by_key: dict[str, Reading] = field(default_factory=dict)
    revisions: Counter[str] = field(default_factory=Counter)
    """How often each passage was written about."""

    def of(self, key: str) -> Reading:
        """Return what was last said of a passage, or an ``unread`` reading."""
        return self.by_key.get(key, Reading(state="unread"))

    def take(self, key: str, reading: Reading) -> None:
        """Let ``reading`` be the last word on a passage."""
        self.revisions[key] += 1
        if reading.state == "unread":
            self.by_key.pop(key, None)
        else:
            self.by_key[key] = reading


def journal_path(table: Path, reader: str) -> Path:
    """Return where a reader's journal of a table lies.

    Examples
    --------
    >>> journal_path(Path("diary.labelled.csv"), "ann").name
    'diary.labelled.ann.readings.jsonl'
    """
    if not re.fullmatch(r"[\w-]{1,40}", reader):
        raise DataError("--reader: a name of up to forty letters, digits, '-' and '_' is allowed.")
    return table.with_name(f"{table.stem}.{reader}.readings.jsonl")


def read_journal(path: Path) -> tuple[Readings, int]:
    """Return a journal's content and the number of bytes that hold whole lines.

    A last line without its end was never acknowledged (the power went while it was written) and is left out.

    Raises
    ------
    DataError
        If the file is missing or no journal, naming the line.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such journal. It is written by 'disconnect-nlp read TABLE --reader NAME'.")
    whole = path.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    lines = whole.split(b"\n")[:-1]
    if not lines:
        raise DataError(f"{path}: the journal is empty. Remove it to begin anew.")
    readings = Readings(_parsed(Header, lines[0], f"{path}, line 1"))
    for number, line in enumerate(lines[1:], start=2):
        entry = _parsed(_Line, line, f"{path}, line {number}").check(readings.header.labels)
        readings.take(entry.key, Reading.model_validate(entry.model_dump(include=set(Reading.model_fields))))
    return readings, len(whole)


def begun_journal(path: Path) -> Readings | None:
    """Return what a journal holds, or None if it is not there or nothing was said in it."""
    if not path.exists() or b"\n" not in path.read_bytes():
        return None
    readings, _ = read_journal(path)
    return readings if readings.revisions else None


class Journal:
    """A journal open for writing.

    A second writer, such as a view left open in another window, is refused.

    Parameters
    ----------
    path
        Made if it is not there, readable by its owner alone: notes are as private as the texts.
    header
        What to begin it with.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._lock = FileLock(path.with_name(f".{path.name}.lock"), blocking=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise DataError(f"{path} is open in another reading view. Close that, or pass another --reader.") from None
        try:
            self._open(header)
        except BaseException:
            self._unlock()
            raise

    def _open(self, header: Header) -> None:
        begun = begun_journal(self.path)
        self.readings = begun or Readings(header)
        self._size = read_journal(self.path)[1] if begun else 0
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, self._size)  # what was never acknowledged
        if not begun:
            self._append(header.model_dump())
            _sync_folder(self.path.parent)

    @property
    def header(self) -> Header:
        """What was read, by whom and how."""
        return self.readings.header

    def record(self, key: str, reading: Reading, *, id: str) -> int:
        """Write a reading to disk; return the passage's new revision. Raises DataError if it could not be saved."""
        reading.check(self.header.labels)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._append({"key": key, "id": id, **reading.model_dump(), "at": now})
        self.readings.take(key, reading)
        return self.readings.revisions[key]

    def close(self) -> None:
        """Close the file; everything acknowledged is on disk already."""
        os.close(self._file)
        self._unlock()

    def _unlock(self) -> None:
        with suppress(OSError):  # Windows does not remove a file that is open
            Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _append(self, entry: dict[str, Any]) -> None:
        # Plain ASCII, so that half a surrogate pair in a note cannot make the line unwritable.
        line = json.dumps(entry).encode("ascii") + b"\n"
        try:
            os.lseek(self._file, self._size, os.SEEK_SET)
            left = memoryview(line)
            while left:
                left = left[os.write(self._file, left) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)  # half a line would hide the next one
            raise DataError(f"{self.path}: could not be written ({error.strerror}). Nothing was saved.") from None
        self._size += len(line)


def _parsed(kind: type[_Entry], line: bytes, place: str) -> _Entry:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['type']}" for e in error.errors())
        raise DataError(f"{place}: not a line of a reading journal ({problems}). Restore the file.") from None


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":  # elsewhere folders cannot be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _named(label: str) -> str:
    return repr(label) if re.fullmatch(r"[\w-]{1,40}", label) else "(a value that is no label id)"

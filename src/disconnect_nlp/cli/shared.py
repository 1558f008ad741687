"""What the commands share: checks of a target, writing in place of it, progress."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from disconnect_nlp.errors import DataError

if TYPE_CHECKING:
    from disconnect_nlp.records import Policy


def check_target(target: Path, source: Path, *, force: bool) -> None:
    """Refuse an output that exists, is the input or has no folder, before any work is done."""
    if target.exists() and not force:
        raise DataError(f"{target} exists. Name another file with -o, or pass --force to replace it.")
    if target.exists() and source.exists() and target.samefile(source):
        raise DataError(f"{target} is the input itself. Name another file with -o.")
    if not target.parent.is_dir():
        raise DataError(f"{target.parent}: no such folder. Make it first.")


def policy_named(name: str) -> Policy:
    """Return the policy of that name, checked."""
    from disconnect_nlp.records import POLICIES

    for policy in POLICIES:
        if policy == name:
            return policy
    raise DataError(f"--policy {name!r}: allowed are {', '.join(POLICIES)}.")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` that takes its place if all goes well and vanishes if not."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    # A polite kill unwinds like Ctrl-C does, so nothing half-written stays behind.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        signal.signal(signal.SIGTERM, before)
        unfinished.unlink(missing_ok=True)

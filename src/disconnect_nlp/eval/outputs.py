"""What the commands share: files written whole or not at all, the progress bar, the ranges of options."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from disconnect_nlp.errors import DataError

LARGEST_SEED = 2**32 - 1  # numpy and scikit-learn take no other


def failure_rate(value: str) -> float:
    """Return the number of an option from 0 to 1. Nothing is above nan, so as a limit it would let everything pass.

    Examples
    --------
    >>> failure_rate(".2")
    0.2
    """
    try:
        rate = float(value)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise typer.BadParameter(f"{value!r} is no number from 0 to 1, such as .2.")
    return rate


# The keywords of every option that limits the failure rate of behaviour tests.
FAILURE_RATE: dict[str, Any] = {"parser": failure_rate, "metavar": "RATE"}


def check_targets(*targets: Path | None) -> None:
    """Refuse a target without a folder before any work is done."""
    for target in targets:
        if target is not None and not target.parent.is_dir():
            raise DataError(f"{target.parent}: no such folder. Make it first.")
        if target is not None and target.is_dir():
            raise DataError(f"{target} is a folder. Name a file.")


def write_whole(target: Path | None, content: Callable[[], str]) -> None:
    """Write what ``content`` returns in place of ``target``; do nothing without a target."""
    if target is None:
        return
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        unfinished.write_text(content(), encoding="utf-8")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)

"""What the commands share: files written whole or not at all, the progress bar, the range of seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from disconnect_nlp.errors import DataError

LARGEST_SEED = 2**32 - 1  # numpy and scikit-learn take no other


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

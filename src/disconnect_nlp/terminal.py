"""What the three command lines share: where they print, and how an expected error looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from disconnect_nlp.errors import DisconnectError

_PLAIN_WIDTH = 120  # columns where standard output is no terminal


def output() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def run_app(app: typer.Typer) -> None:
    """Run a command line; an expected error is one line on standard error and exit code 2."""
    try:
        app()
    except DisconnectError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


class ProgressBar:
    """Rows done, rows a second and time left, on standard error; silent where that is no terminal."""

    def __init__(self, total: int | None, *, shown: bool, what: str) -> None:
        console = Console(stderr=True)
        columns = (
            TextColumn(what, markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=console, disable=not (shown and console.is_terminal))
        self._task = self.bar.add_task("", total=total, speed="")
        self._began, self._rows = time.monotonic(), 0

    def skip(self, rows: int) -> None:
        """Take note of rows done by an earlier run, which tell nothing of the speed of this one."""
        self.bar.update(self._task, completed=rows)
        self._began = time.monotonic()

    def advance(self, rows: int) -> None:
        """Take note of rows done."""
        self._rows += rows
        speed = self._rows / max(time.monotonic() - self._began, 1e-9)
        self.bar.update(self._task, advance=rows, speed=f"{speed:,.0f} rows/s")


@contextmanager
def progress_bar(total: int | None, *, shown: bool = True, what: str = "labelling") -> Iterator[ProgressBar]:
    """Show a progress bar while the block runs; ``total`` is None if it is not known."""
    progress = ProgressBar(total, shown=shown, what=what)
    with progress.bar:
        yield progress

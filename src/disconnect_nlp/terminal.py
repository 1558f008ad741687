"""What the three command lines share: where they print, and how an expected error looks."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

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

"""The ``disconnect-nlp`` command, one module each: options, files, printing. The layers below do the work."""

from __future__ import annotations

import typer

from disconnect_nlp.cli import inspect, label, read, report
from disconnect_nlp.terminal import run_app

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Tags free text with disconnection types and emotional-isolation signs. Offline. Labels describe language, "
    "not people: no diagnosis, no screening of individuals.",
)
for command in (
    label.label,
    report.report,
    read.read,
    read.readings,
    inspect.labels,
    inspect.check_corpus,
    inspect.check_lexicon,
):
    app.command()(command)


def main() -> None:
    """Run the command."""
    run_app(app)

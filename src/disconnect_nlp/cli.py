"""The ``disconnect-nlp`` command: parses options, opens files, prints. The work is done in the layers below."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.terminal import output as output_console
from disconnect_nlp.terminal import run_app

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Policy

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Tags free text with disconnection types and emotional-isolation signs. Offline. Labels describe language, "
    "not people: no diagnosis, no screening of individuals.",
)


@app.command()
def label(
    file: Annotated[Path, typer.Argument(help="CSV, TSV or JSONL.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: FILE.labelled.SUFFIX.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column with the texts; found if left out.")] = None,
    model: Annotated[str, typer.Option(help="Shipped model's name, 'lexicon' or a model folder.")] = "default",
    labels: Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")] = None,
    policy: Annotated[
        str, typer.Option(help="f1, precision (≥ .8) or recall (≥ .9 held out). The safety screen: recall.")
    ] = "f1",
    prefix: Annotated[str, typer.Option(help="Put before the name of every added column.")] = "disconnect_",
    evidence: Annotated[bool, typer.Option(help="Add a column with the evidence as JSON.")] = True,
    force: Annotated[bool, typer.Option(help="Replace an existing output.")] = False,
) -> None:
    """Label every row of a table; order and other columns stay."""
    from disconnect_nlp.labelling import find_text_column, label_table
    from disconnect_nlp.store import load
    from disconnect_nlp.tables import FORMATS, open_reader, open_writer
    from disconnect_nlp.taxonomy import chosen_labels

    if not file.is_file():
        raise DataError(
            f"{file}: {'a folder' if file.is_dir() else 'no such file'}. Give one {', '.join(FORMATS)} file."
        )
    target = output or file.with_name(f"{file.stem}.labelled{file.suffix}")
    _check_target(target, file, force=force)
    reader = open_reader(file)
    column = text_column or find_text_column(reader)
    if column is None:
        raise DataError(
            f"{file}: no column looks like text. Columns: {', '.join(map(shorten, reader.columns))}. "
            "Pass --text-column."
        )
    labeller = load(model, policy=_policy(policy))
    chosen = chosen_labels(labels)
    with _replacing(target) as unfinished, _progress(reader.n_rows) as advance:
        summary = label_table(
            labeller,
            reader,
            lambda columns: open_writer(unfinished, target=target, columns=columns, like=reader),
            text_column=column,
            labels=chosen,
            prefix=prefix,
            evidence=evidence,
            advance=advance,
        )
    out = output_console()
    out.print(
        f"{summary.rows} rows of column {shorten(column)!r} labelled by {model!r}: {target}",
        highlight=False,
        markup=False,
    )
    for note in reader.notes:
        out.print(f"note: {note}", highlight=False, markup=False)
    table = Table()
    for heading in ("label", "texts", "share", "uncertain"):
        table.add_column(heading, justify="left" if heading == "label" else "right")
    n_texts = max(summary.statuses["ok"], 1)
    for name in chosen:
        if summary.given[name] or summary.uncertain[name]:
            share = f"{summary.given[name] / n_texts:.1%}"
            mark = " (experimental)" if labeller.taxonomy[name].quality == "experimental" else ""
            table.add_row(name + mark, str(summary.given[name]), share, str(summary.uncertain[name]))
    out.print(table)
    if summary.skipped:
        reasons = ", ".join(f"{n} {status}" for status, n in sorted(summary.statuses.items()) if status != "ok")
        out.print(f"{summary.skipped} rows could not be labelled and are in the output without labels: {reasons}.")
    if "risk_language" in chosen and summary.given["risk_language"]:
        out.print(
            f"{summary.given['risk_language']} texts are flagged by the safety screen (risk_language): they may speak "
            "of suicide or self-harm. A person should read them first. The screen flags much that is harmless "
            "and misses some; it is no risk score."
        )


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="A table written by 'label'.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The HTML file.")] = Path("report.html"),
    time: Annotated[str | None, typer.Option(help="Column with dates.")] = None,
    group: Annotated[str | None, typer.Option(help="Column with groups, such as a person or site.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Column with the texts; found if left out.")] = None,
    texts: Annotated[bool, typer.Option(help="Show example passages.")] = True,
    prefix: Annotated[str, typer.Option(help="The prefix given to 'label'.")] = "disconnect_",
    force: Annotated[bool, typer.Option(help="Replace an existing report.")] = False,
) -> None:
    """Write a self-contained HTML report of a labelled table."""
    from disconnect_nlp.labelling import find_text_column
    from disconnect_nlp.reports.render import render_report
    from disconnect_nlp.reports.summarise import summarise
    from disconnect_nlp.tables import open_reader

    _check_target(output, file, force=force)
    reader = open_reader(file)
    column = text_column or find_text_column(reader, without=prefix)
    if texts and column is None:
        output_console().print("No column looks like text, so no passages are shown. Pass --text-column for them.")
    summary = summarise(
        reader,
        text_column=column if texts else None,
        time_column=time,
        group_column=group,
        prefix=prefix,
        name=file.name,
    )
    with _replacing(output) as unfinished:
        unfinished.write_text(render_report(summary), encoding="utf-8")
    output_console().print(f"Report on {summary.n_texts} texts: {output}", highlight=False, markup=False)


@app.command()
def labels() -> None:
    """List every label with its definition."""
    from disconnect_nlp.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    out = output_console()
    for group in taxonomy.groups:
        table = Table(title=f"{group.name}: {group.question}", title_justify="left", min_width=80)
        for heading in ("id", "definition", "not this", "quality"):
            table.add_column(heading)
        for name in taxonomy.group(group.id):
            entry = taxonomy[name]
            table.add_row(name, entry.definition, entry.exclusion, entry.quality)
        out.print(table)


@app.command()
def check_corpus(folder: Annotated[Path | None, typer.Argument(help="Default: the shipped corpus.")] = None) -> None:
    """Check corpus files: ids, labels, splits, duplicates, near-duplicates across splits."""
    from disconnect_nlp import corpus

    texts = corpus.load_corpus(folder=folder)
    problems = corpus.check_corpus(texts)
    for problem in problems:
        output_console().print(problem, highlight=False, markup=False, soft_wrap=True)
    output_console().print(f"{len(texts)} texts, {len(problems)} problems", highlight=False)
    if problems:
        raise typer.Exit(1)


@app.command()
def check_lexicon(
    files: Annotated[list[Path] | None, typer.Argument(help="Entry files to add to the shipped lexicon.")] = None,
) -> None:
    """Check lexicon files and count their entries by label."""
    from collections import Counter

    from disconnect_nlp.text.lexicon import load_lexicon, read_lexicon

    lexicon = read_lexicon(*files, base=load_lexicon()) if files else load_lexicon()
    for name, n in sorted(Counter(entry.label for entry in lexicon).items()):
        output_console().print(f"{n:5d}  {name}", highlight=False)


def main() -> None:
    """Run the command."""
    run_app(app)


def _check_target(target: Path, source: Path, *, force: bool) -> None:
    """Refuse an output that exists, is the input or has no folder, before any work is done."""
    if target.exists() and not force:
        raise DataError(f"{target} exists. Name another file with -o, or pass --force to replace it.")
    if target.exists() and source.exists() and target.samefile(source):
        raise DataError(f"{target} is the input itself. Name another file with -o.")
    if not target.parent.is_dir():
        raise DataError(f"{target.parent}: no such folder. Make it first.")


def _policy(name: str) -> Policy:
    from disconnect_nlp.labellers.base import POLICIES

    for policy in POLICIES:
        if policy == name:
            return policy
    raise DataError(f"--policy {name!r}: allowed are {', '.join(POLICIES)}.")


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
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


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show a progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("labelling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


if __name__ == "__main__":
    main()

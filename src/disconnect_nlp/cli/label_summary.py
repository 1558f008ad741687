"""What ``disconnect-nlp label`` says at the end of a run."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from disconnect_nlp.errors import shorten
from disconnect_nlp.labellers.frames import OK
from disconnect_nlp.labelling.run import Job
from disconnect_nlp.labelling.summary import Summary
from disconnect_nlp.tables.dialects import SET_ASIDE
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.terminal import output as output_console

SCREEN = "risk_language"


def print_summary(summary: Summary, job: Job, target: Path | None) -> None:
    """Print counts; on standard error where the rows themselves went to standard output."""
    out = output_console() if target else Console(stderr=True)
    columns = ", ".join(repr(shorten(column)) for column in job.options.text_columns)
    aside = summary.aside // len(job.options.text_columns)
    rows = summary.rows - aside
    _say(out, f"{rows} rows of column {columns} labelled by {job.model!r}: {target or 'standard output'}")
    if job.append:
        added = summary.rows - job.append.summary().rows
        _say(out, f"{added} of them are new and were added; the others were there.")
    if aside:
        _say(out, f"note: {aside} rows below the header are no data; they are in the output without labels.")
    for note in job.reader.notes:
        _say(out, f"note: {note}")
    out.print(_table(summary, job))
    if summary.skipped:
        reasons = ", ".join(f"{n} {s}" for s, n in sorted(summary.statuses.items()) if s not in (OK, SET_ASIDE))
        what = "rows" if len(job.options.text_columns) == 1 else "texts"
        _say(out, f"{summary.skipped} {what} could not be labelled and are in the output without labels: {reasons}.")
        for reason, n in summary.reasons.most_common(5):
            _say(out, f"  {n} {reason}")
    for wrong, n in sorted(summary.broken.items()):
        _say(out, f"note: {n} texts hold {wrong}; they were labelled by the rest. --strict refuses them.")
    if SCREEN in job.options.labels and summary.given[SCREEN]:
        _say(
            out,
            f"{summary.given[SCREEN]} texts are flagged by the safety screen ({SCREEN}): they may speak "
            "of suicide or self-harm. A person should read them first, the highest score at the top. The screen flags "
            "much that is harmless and misses some; it is no risk score.",
        )


def _table(summary: Summary, job: Job) -> Table:
    table = Table()
    for heading in ("label", "texts", "share", "uncertain"):
        table.add_column(heading, justify="left" if heading == "label" else "right")
    n_texts = max(summary.statuses[OK], 1)
    for name in job.options.labels:
        if summary.given[name] or summary.uncertain[name]:
            share = f"{summary.given[name] / n_texts:.1%}"
            mark = " (experimental)" if load_taxonomy()[name].quality == "experimental" else ""
            table.add_row(name + mark, str(summary.given[name]), share, str(summary.uncertain[name]))
    return table


def _say(out: Console, text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)

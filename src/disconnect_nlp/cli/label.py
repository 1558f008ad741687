"""``disconnect-nlp label``: label a table file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from disconnect_nlp.cli.shared import check_target, policy_named, progress, replacing
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.terminal import output as output_console


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
    check_target(target, file, force=force)
    reader = open_reader(file)
    column = text_column or find_text_column(reader)
    if column is None:
        raise DataError(
            f"{file}: no column looks like text. Columns: {', '.join(map(shorten, reader.columns))}. "
            "Pass --text-column."
        )
    labeller = load(model, policy=policy_named(policy))
    chosen = chosen_labels(labels)
    with replacing(target) as unfinished, progress(reader.n_rows) as advance:
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

"""``disconnect-nlp report``: an HTML report of a labelled table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disconnect_nlp.cli.shared import check_target, replacing
from disconnect_nlp.terminal import output as output_console


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

    check_target(output, file, force=force)
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
    with replacing(output) as unfinished:
        unfinished.write_text(render_report(summary), encoding="utf-8")
    output_console().print(f"Report on {summary.n_texts} texts: {output}", highlight=False, markup=False)

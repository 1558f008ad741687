"""``disconnect-nlp report``: a report of a labelled table, as HTML or Markdown, with its numbers and plots as files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from disconnect_nlp.cli.shared import check_target, policy_named, replacing
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.terminal import output as output_console

if TYPE_CHECKING:
    from disconnect_nlp.reports.correction import Rates

_FORMATS = ("html", "md")


def report(
    file: Annotated[Path, typer.Argument(help="A table written by 'label'.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Default: report.html, or report.md.")] = None,
    time: Annotated[str | None, typer.Option(help="Column with dates.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Column with groups to compare, such as a site. May be given again.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Column that tells who wrote: intervals by person, and each one over time.")
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column with the rows' own names.")] = None,
    text_column: Annotated[
        str | None, typer.Option(help="Column with the texts. Default: the run manifest's first, else found.")
    ] = None,
    texts: Annotated[bool, typer.Option(help="Show passages and words. --no-texts: numbers only.")] = True,
    max_examples: Annotated[int, typer.Option(min=0, help="Passages a label.")] = 8,
    format: Annotated[str | None, typer.Option(help="html or md. Default: by the output's suffix.")] = None,
    tables: Annotated[Path | None, typer.Option(help="Folder for every number as CSV; made if need be.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for the plots as PNG and SVG; made if need be.")] = None,
    model: Annotated[
        str | None, typer.Option(help="What labelled the table, for its error rates. Default: the run manifest's.")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="The policy it used. Default: the run manifest's, or f1.")] = None,
    rates: Annotated[
        Path | None, typer.Option(help="Error rates instead: JSON of 'python -m disconnect_nlp.eval --data …'.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="The prefix given to 'label'. Default: the run manifest's.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every draw.")] = 0,
    force: Annotated[bool, typer.Option(help="Replace an existing report.")] = False,
) -> None:
    """Write a self-contained report of a labelled table."""
    from disconnect_nlp.labelling.layout import layout_of
    from disconnect_nlp.labelling.manifest import find_manifest
    from disconnect_nlp.reports.files import write_tables
    from disconnect_nlp.reports.markdown import render_markdown
    from disconnect_nlp.reports.render import render_report
    from disconnect_nlp.reports.summarise import summarise
    from disconnect_nlp.tables import open_reader

    kind = _kind(format, output)
    target = output or Path(f"report.{kind}")
    check_target(target, file, force=force)
    for folder in (tables, plots):
        _check_folder(folder, force=force)
    reader = open_reader(file)
    manifest = find_manifest(file)
    layout = layout_of(reader, manifest, text_column=text_column, prefix=prefix, name=file.name)
    console = output_console()
    if texts and layout.text_column is None:
        console.print("No column looks like text, so no passages are shown. Pass --text-column for them.")
    if layout.others:
        others = " or ".join(f"--text-column {shorten(column)}" for column in layout.others)
        console.print(f"On {layout.text_column}. Also labelled: {others}.", highlight=False, markup=False)
    known_rates, where = _rates(model, policy, rates, manifest, sentences=layout.sentences)
    data = summarise(
        reader,
        text_column=layout.text_column if texts else None,
        time_column=time,
        group_columns=tuple(dict.fromkeys(group or [])),
        person_column=person,
        id_column=id_column,
        prefix=layout.prefix,
        sentences=layout.sentences,
        whole_column=layout.whole_column,
        name=f"{file.name}, {layout.text_column}" if layout.others else file.name,
        max_examples=max_examples,
        rates=known_rates,
        correction=where,
        manifest=manifest,
        seed=seed,
    )
    page = render_report(data) if kind == "html" else render_markdown(data, _addresses(data, plots, target))
    with replacing(target) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    console.print(f"Report on {data.n_texts} {data.units}: {target}", highlight=False, markup=False)
    for folder, write in ((tables, write_tables), (plots, _write_plots)):
        if folder is not None:
            paths = _fill(folder, lambda place, write=write: write(data, place))  # type: ignore[misc]
            console.print(f"{len(paths)} files: {folder}", highlight=False, markup=False)


def _kind(format: str | None, output: Path | None) -> str:
    if format is not None and format not in _FORMATS:
        raise DataError(f"--format {format!r}: allowed are {', '.join(_FORMATS)}.")
    return format or ("md" if output is not None and output.suffix.lower() in (".md", ".markdown") else "html")


def _check_folder(folder: Path | None, *, force: bool) -> None:
    if folder is None:
        return
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file. Name a folder.")
    if folder.exists() and any(folder.iterdir()) and not force:
        raise DataError(f"{folder} is not empty. Name another folder, or pass --force to write into it.")
    if not folder.parent.is_dir():
        raise DataError(f"{folder.parent}: no such folder. Make it first.")


def _fill(folder: Path, write: Callable[[Path], list[Path]]) -> list[Path]:
    """Write files to a folder beside, then move them over, so that nothing half-written stays behind."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        paths = write(unfinished)
        folder.mkdir(exist_ok=True)
        return [path.replace(folder / path.name) for path in paths]
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _addresses(data: Any, folder: Path | None, target: Path) -> dict[str, str]:
    """Return where each plot will lie, seen from the report."""
    from disconnect_nlp.reports.plot import plot_names
    from disconnect_nlp.reports.wording import core_labels

    if folder is None:
        return {}
    place = Path(os.path.relpath(folder, target.parent)).as_posix()
    return {name: quote(f"{place}/{name}.png") for name in plot_names(data, core_labels(data))}


def _write_plots(data: Any, folder: Path) -> list[Path]:
    from disconnect_nlp.reports.plot import write_plots
    from disconnect_nlp.reports.wording import core_labels

    return write_plots(data, folder, core_labels(data))


def _rates(
    model: str | None, policy: str | None, own: Path | None, manifest: dict[str, Any] | None, *, sentences: bool
) -> tuple[dict[str, Rates], str]:
    """Return error rates and in words where they come from, or why there are none."""
    from disconnect_nlp.reports.correction import model_rates, read_rates

    if own is not None:
        return read_rates(own), f"by the error rates in {own.name}"
    if sentences:
        return {}, "not available: error rates are measured on passages, and this table has sentences. Pass --rates"
    ran = (manifest or {}).get("model")
    ran = ran if isinstance(ran, dict) else {}
    name = model or ran.get("name")
    if not isinstance(name, str):
        return {}, "not available: nothing says which model labelled this table. Pass --model, or --rates"
    return model_rates(
        name, policy_named(policy or str(ran.get("policy", "f1"))), ran.get("sha256") if not model else None
    )

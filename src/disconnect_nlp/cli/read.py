"""``disconnect-nlp read`` and ``readings``: read a labelled table in a browser; export and compare what was read."""

from __future__ import annotations

import secrets
import signal
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from disconnect_nlp.cli.shared import check_target, replacing
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.terminal import output as output_console

if TYPE_CHECKING:
    from disconnect_nlp.reading.opening import Material
    from disconnect_nlp.reading.session import Session

_File = Annotated[Path, typer.Argument(help="A table written by 'label'; any table with --blind.")]
_Reader = Annotated[str | None, typer.Option(help="Your name, for your journal. Default: reader; agreed if comparing.")]
_TextColumn = Annotated[
    str | None, typer.Option(help="Column with the texts. Default: the run manifest's first, else found.")
]
_IdColumn = Annotated[str | None, typer.Option("--id", help="Column with ids. Default: the line of the file.")]
_Labels = Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")]
_Compare = Annotated[list[str] | None, typer.Option(help="A reader to compare. Name two.")]
_Prefix = Annotated[str | None, typer.Option(help="The prefix given to 'label'. Default: the run manifest's.")]


def read(
    file: _File,
    reader: _Reader = None,
    text_column: _TextColumn = None,
    id_column: _IdColumn = None,
    labels: _Labels = None,
    context: Annotated[list[str] | None, typer.Option(help="Column to show beside the text. Repeatable.")] = None,
    blind: Annotated[bool, typer.Option(help="Keep the model's labels and evidence from the reader.")] = False,
    compare: _Compare = None,
    host: Annotated[str, typer.Option(help="Only this machine's own addresses are allowed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    prefix: _Prefix = None,
) -> None:
    """Read passages with their evidence in a browser and correct their labels.

    Every correction is on disk, in a journal beside the table, before the page says so.
    """
    _check_installed()
    material = _material(
        file,
        reader,
        text_column,
        prefix,
        id_column=id_column,
        context_columns=context or [],
        labels=_chosen(labels),
        blind=blind,
        compare=compare or [],
    )
    session = material.session()
    try:
        _serve(session, host=host, port=port, open_page=open_page)
    finally:
        session.journal.close()


def readings(
    file: _File,
    reader: _Reader = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="CSV, TSV or JSONL of what was read.")] = None,
    texts: Annotated[bool, typer.Option(help="Put the texts into the output.")] = True,
    compare: _Compare = None,
    disagreements: Annotated[Path | None, typer.Option(help="CSV of what the two readers do not agree on.")] = None,
    text_column: _TextColumn = None,
    id_column: _IdColumn = None,
    labels: _Labels = None,
    force: Annotated[bool, typer.Option(help="Replace existing outputs.")] = False,
    prefix: _Prefix = None,
) -> None:
    """Export what was read as training data, and compare two readers."""
    _check_installed()
    from disconnect_nlp.reading.export import disagreement_rows, export_rows

    if output is None and not compare:
        raise DataError("nothing to do. Pass -o FILE to export a reader's labels, or --compare for two readers.")
    if disagreements is not None and not compare:
        raise DataError("--disagreements needs two readers. Pass --compare twice.")
    for target in filter(None, (output, disagreements)):
        check_target(target, file, force=force)
    material = _material(
        file, reader, text_column, prefix, id_column=id_column, labels=_chosen(labels), compare=compare or []
    )
    if not compare and not material.path.exists():
        raise DataError(f"{material.path}: no such journal. Read with 'disconnect-nlp read' first, or pass --reader.")
    if compare:
        _print_agreement(material)
    if disagreements is not None:
        _write(disagreements, list(disagreement_rows(material.table, material.others, texts=texts)), "disagreements")
    if output is not None:
        exported = export_rows(material.table, material.readings, others=material.others, texts=texts)
        _write(output, list(exported), "passages read")


def _material(file: Path, reader: str | None, text_column: str | None, prefix: str | None, **options: Any) -> Material:
    from disconnect_nlp.labelling.layout import layout_of
    from disconnect_nlp.labelling.manifest import find_manifest
    from disconnect_nlp.reading.opening import open_material
    from disconnect_nlp.tables import open_reader

    source = open_reader(file)
    layout = layout_of(source, find_manifest(file), text_column=text_column, prefix=prefix, name=file.name)
    if layout.text_column is None:
        columns = ", ".join(map(shorten, source.columns))
        raise DataError(f"{file}: no column looks like text. Columns: {columns}. Pass --text-column.")
    name = reader or ("agreed" if options["compare"] else "reader")
    return open_material(
        file,
        source,
        text_column=layout.text_column,
        reader_name=name,
        prefix=layout.prefix,
        sentences=layout.sentences,
        **options,
    )


def _serve(session: Session, *, host: str, port: int, open_page: bool) -> None:
    from disconnect_nlp.reading.server import make_app, serve

    token = secrets.token_urlsafe(32)
    server, address = serve(make_app(session, token=token), host=host, port=port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds as Ctrl-C does
    counts = session.counts()
    out = output_console()
    out.print(f"{counts['all']} passages, {counts['read']} read. Journal: {session.journal.path}", highlight=False)
    if session.elsewhere:
        out.print(f"{session.elsewhere} readings in the journal are of texts that are not in this table; they stay.")
    link = f"{address}?token={token}"
    out.print(f"Read at {link}", soft_wrap=True, highlight=False, markup=False)
    out.print("Only this machine can open it. Ctrl-C ends it; everything read is saved.")
    if open_page:
        webbrowser.open(link)
    try:
        server.run()
    finally:
        server.close()


def _print_agreement(material: Material) -> None:
    from disconnect_nlp.reading.agreement import agreement

    rows = agreement(material.table, material.others)
    first, second = (other.name for other in material.others)
    table = Table(title=f"{first} and {second}: {rows[0].n} passages read by both", title_justify="left")
    for heading in ("label", "both", first, second, "positive agreement", "alpha", "95 % interval"):
        table.add_column(heading, justify="left" if heading == "label" else "right")
    for row in rows:
        if row.both or row.first_only or row.second_only:
            interval = "–" if row.alpha_low is None else f"{row.alpha_low:.2f} to {row.alpha_high:.2f}"
            given = [str(row.both), str(row.first_only), str(row.second_only)]
            table.add_row(row.label, *given, _number(row.positive_agreement), _number(row.alpha), interval)
    output_console().print(table)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _write(target: Path, rows: list[dict[str, Any]], what: str) -> None:
    from disconnect_nlp.tables import open_writer

    if not rows:
        output_console().print(f"No {what}: {target} was not written.", highlight=False, markup=False)
        return
    with replacing(target) as unfinished:
        writer = open_writer(unfinished, target=target, columns=list(rows[0]))
        for row in rows:
            writer.write(row)
        writer.close()
    output_console().print(f"{len(rows)} {what}: {target}", highlight=False, markup=False)


def _chosen(labels: str | None) -> tuple[str, ...] | None:
    from disconnect_nlp.taxonomy import chosen_labels

    return chosen_labels(labels) if labels is not None else None


def _check_installed() -> None:
    missing = [name for name in ("filelock", "flask", "waitress") if find_spec(name) is None]
    if missing:
        raise DataError(f"reading needs {', '.join(missing)}. Run: pip install 'disconnect-nlp[read]'")

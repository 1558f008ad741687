"""``disconnect-nlp label``: label tables of any size."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from disconnect_nlp.cli.shared import check_target, policy_named
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.terminal import progress_bar

if TYPE_CHECKING:
    from disconnect_nlp.labelling.append import AppendTo
    from disconnect_nlp.labelling.jobs import Plan
    from disconnect_nlp.labelling.options import LabelOptions
    from disconnect_nlp.labelling.run import Job
    from disconnect_nlp.tables import ReadOptions, Source, TableReader

_INTERRUPTED = 130  # exit code of a program stopped by Ctrl-C


def label(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="CSV, TSV, JSONL (also .gz .bz2 .zst), JSON, Parquet, Feather, Excel, SPSS, Stata, .txt; folders, "
            "globs, or - for standard input.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File, folder, or - . Default: FILE.labelled.SUFFIX beside the input."),
    ] = None,
    to: Annotated[str | None, typer.Option(help="Format of the output, such as parquet or jsonl.gz.")] = None,
    text_column: Annotated[
        list[str] | None,
        typer.Option(help="Column with the texts, or a dotted path into JSON; found if left out. May be repeated."),
    ] = None,
    model: Annotated[str, typer.Option(help="Shipped model's name, 'lexicon' or a model folder.")] = "default",
    labels: Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")] = None,
    policy: Annotated[
        str, typer.Option(help="f1, precision (≥ .8) or recall (≥ .9 held out). The safety screen: recall.")
    ] = "f1",
    prefix: Annotated[
        str | None,
        typer.Option(help="Put before the name of every added column. Default: disconnect_, for Stata dn_."),
    ] = None,
    evidence: Annotated[bool, typer.Option(help="Add a column with the evidence as JSON.")] = True,
    sentences: Annotated[bool, typer.Option("--sentences", help="Make a row of every sentence.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing output.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was left unfinished; leave finished outputs.")
    ] = False,
    append_new: Annotated[
        bool, typer.Option("--append-new", help="Label only rows that the output has not yet, and add them.")
    ] = False,
    id_column: Annotated[str | None, typer.Option(help="Column that tells rows apart, for --append-new.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a table at its first bad row, before labelling any.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that label at the same time.")] = 1,
    encoding: Annotated[str | None, typer.Option(help="Encoding of text formats; detected if left out.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of CSV, such as ';' or tab; detected if left out.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether CSV has column names; detected if left out.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook. Default: the first.")] = None,
    engine: Annotated[str, typer.Option(help="local, or dask or spark for Parquet on a cluster.")] = "local",
) -> None:
    """Label every row of tables; order and other columns stay. A manifest beside each output says how it was made."""
    from disconnect_nlp.labelling.processes import workers_for

    chosen_policy = policy_named(policy)
    processes = workers_for(model, chosen_policy)
    if workers > 1 and engine == "local":
        processes.warm_up()  # they import what takes a second while this process finds out what the work is
    from disconnect_nlp.cli.label_summary import print_summary
    from disconnect_nlp.labelling.jobs import plan_jobs, standard_input_plan
    from disconnect_nlp.labelling.run import label_file, label_to
    from disconnect_nlp.tables import ReadOptions
    from disconnect_nlp.taxonomy import chosen_labels

    to = to and "." + to.lstrip(".")
    chosen = chosen_labels(labels)
    if append_new != (id_column is not None):
        raise DataError("--append-new and --id-column NAME go together.")
    tabs = {"tab": "\t", "\\t": "\t"}
    reading = ReadOptions(encoding, tabs.get(delimiter or "", delimiter), header, sheet)
    if engine != "local":
        from disconnect_nlp.cli.cluster import label_on_cluster

        label_on_cluster(
            engine,
            inputs,
            output,
            text_columns=text_column or [],
            labels=chosen,
            prefix=prefix,
            evidence=evidence,
            model=model,
            policy=chosen_policy,
            force=force,
            local_only={
                "--resume": resume,
                "--append-new": append_new,
                "--sentences": sentences,
                "--strict": strict,
                "--workers": workers > 1,
            },
        )
        return

    def job_for(reader: TableReader, sources: list[Source], name: str, target: Path, append: AppendTo | None) -> Job:
        from disconnect_nlp.labelling.run import Job

        options = _options(reader, text_column, name, target, chosen, prefix, evidence, sentences)
        return Job(reader, sources, name, options, model, chosen_policy, workers, processes, strict, append)

    piped = output == Path("-") or (inputs == ["-"] and output is None)
    if inputs == ["-"]:
        plans: list[Plan] = [standard_input_plan(sys.stdin.buffer, None if piped else output, to=to)]
    else:
        plans = plan_jobs(inputs, None if piped else output, to=to)
    if piped and len(plans) > 1:
        raise DataError(f"{len(plans)} tables cannot all go to standard output. Name a folder with -o.")
    if piped and (resume or append_new):
        raise DataError("what goes to standard output cannot be gone on with or added to. Name a file with -o.")
    with processes:
        for position, plan in enumerate(plans, start=1):
            if not piped:
                _check(plan, output, force=force or resume or append_new)
            reader, sources = plan.open(_reading(reading, plan))
            append = _append_to(plan.target, id_column) if append_new and plan.target.exists() else None
            job = job_for(reader, sources, plan.name, plan.target, append)
            what = f"{position}/{len(plans)} {shorten(plan.name)}" if len(plans) > 1 else "labelling"
            with _stoppable(plan.target), progress_bar(None if append else reader.n_rows, what=what) as bar:
                job.progress = bar
                if piped:
                    summary = label_to(job, sys.stdout.buffer, like=plan.target)
                else:
                    summary = label_file(job, plan.target, resume=resume, force=force)
            print_summary(summary, job, None if piped else plan.target)


def _check(plan: Plan, output: Path | None, *, force: bool) -> None:
    from disconnect_nlp.tables import writable_format

    if output is not None and output != plan.target:  # it is the folder for the outputs
        plan.target.parent.mkdir(parents=True, exist_ok=True)
    for path in plan.paths or (plan.target.parent,):
        check_target(plan.target, path, force=force)
    writable_format(plan.target)


def _options(
    reader: TableReader,
    columns: list[str] | None,
    name: str,
    target: Path,
    labels: tuple[str, ...],
    prefix: str | None,
    evidence: bool,
    sentences: bool,
) -> LabelOptions:
    from disconnect_nlp.labellers.frames import PREFIX
    from disconnect_nlp.labelling.columns import find_text_columns
    from disconnect_nlp.labelling.options import LabelOptions
    from disconnect_nlp.tables import format_of, longest_cell

    found = tuple(columns or ()) or find_text_columns(reader)
    if not found:
        raise DataError(
            f"{name}: no column looks like text. Columns: {', '.join(map(shorten, reader.columns))}. "
            "Pass --text-column."
        )
    suffix, _ = format_of(target)
    own = prefix if prefix is not None else ("dn_" if suffix == ".dta" else PREFIX)  # Stata's names: 32 bytes
    return LabelOptions(tuple(dict.fromkeys(found)), labels, own, evidence, sentences, longest_cell(target))


def _reading(options: ReadOptions, plan: Plan) -> ReadOptions:
    """Read dates of SPSS and Stata as stored, where the output can store them so."""
    from dataclasses import replace

    from disconnect_nlp.tables import format_of

    return replace(options, raw=plan.format == format_of(plan.target)[0])


def _append_to(target: Path, id_column: str | None) -> AppendTo:
    from disconnect_nlp.labelling.append import AppendTo
    from disconnect_nlp.tables import ReadOptions, open_reader

    return AppendTo(target, open_reader(target, ReadOptions(header=True, raw=True)), id_column or "")


@contextmanager
def _stoppable(target: Path) -> Iterator[None]:
    """Say how to go on when the user stops the run; a polite kill is taken like Ctrl-C."""
    from disconnect_nlp.labelling.checkpoint import UnfinishedOutput

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        if UnfinishedOutput(target).exists():
            message = f"stopped; what is done is kept beside {target}. Go on with --resume, or start anew with --force."
            typer.echo(message, err=True)
        raise typer.Exit(_INTERRUPTED) from None
    except BrokenPipeError:  # who reads our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    finally:
        signal.signal(signal.SIGTERM, before)

"""``python -m disconnect_nlp.eval``: evaluate any labeller on any labelled texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from disconnect_nlp.errors import DataError
from disconnect_nlp.eval import commands
from disconnect_nlp.eval.behaviour import behaviour_texts, load_capabilities, run_behaviour
from disconnect_nlp.eval.datasets import Columns, Dataset, read_dataset, shipped_test
from disconnect_nlp.eval.gates import Gate, against_baseline, behaviour_limits, limits, read_baseline
from disconnect_nlp.eval.gather import MODEL, Wanted, check_wanted, gather, reads_texts
from disconnect_nlp.eval.junit import junit_xml
from disconnect_nlp.eval.outputs import FAILURE_RATE, LARGEST_SEED, check_targets, progress, write_whole
from disconnect_nlp.eval.render import markdown_report, print_tables
from disconnect_nlp.eval.run import SAMPLES, evaluate, rehearsal
from disconnect_nlp.eval.slices import MIN_N, check_slices, near_misses, slice_table
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.taxonomy import chosen_labels, load_taxonomy
from disconnect_nlp.terminal import output, run_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for command in (commands.benchmark, commands.behaviour, commands.contrast, commands.curve, commands.suspects):
    app.command()(command)

_Paths = list[Path] | None
_Names = list[str] | None


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="CSV, TSV or JSONL. Default: the shipped test split.")] = None,
    text_column: Annotated[str, typer.Option(help="Column with the texts.")] = "text",
    labels_column: Annotated[str, typer.Option(help="Column with ';'-separated ids or a JSON list.")] = "labels",
    group_column: Annotated[str | None, typer.Option(help="Column with author or document, for the bootstrap.")] = None,
    readers: Annotated[str | None, typer.Option(help="Columns of two readers' labels, A,B, for agreement.")] = None,
    model: Annotated[str, typer.Option(help="Shipped model's name or a model folder.")] = "default",
    system: Annotated[_Names, typer.Option(help="Another model's name or folder, to compare. Repeatable.")] = None,
    predictions: Annotated[_Paths, typer.Option(help="Predictions made elsewhere, a table. Repeatable.")] = None,
    dictionary: Annotated[_Paths, typer.Option(help="LIWC-style .dic or .dicx file. Repeatable.")] = None,
    categories: Annotated[_Names, typer.Option("--map", help="CATEGORY=LABEL of the dictionary. Repeatable.")] = None,
    trivial: Annotated[bool, typer.Option("--trivial", help="Add baselines: nothing, everything, prior.")] = False,
    rival: Annotated[
        _Names, typer.Option(help="Train and compare tfidf, textcat, minilm or zero-shot. Repeatable; minutes.")
    ] = None,
    public: Annotated[Path | None, typer.Option(help="Folder of public passages that rivals train on too.")] = None,
    labels: Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")] = None,
    slice_by: Annotated[_Names, typer.Option("--slice", help="Column to slice by, or 'length'. Repeatable.")] = None,
    min_n: Annotated[int, typer.Option(min=1, help="Texts below which a slice is too small to say.")] = MIN_N,
    subject: Annotated[
        str, typer.Option(help="System, by its name in the tables, that gates, slices and comparisons are about.")
    ] = MODEL,
    behaviour: Annotated[bool, typer.Option("--behaviour", help="Run the behaviour tests too.")] = False,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    markdown_out: Annotated[Path | None, typer.Option("--markdown", help="Write the tables to this file.")] = None,
    html_out: Annotated[Path | None, typer.Option("--html", help="Write a page with tables and plots.")] = None,
    junit_out: Annotated[Path | None, typer.Option("--junit", help="Write gates and behaviour tests as XML.")] = None,
    fail_under: Annotated[_Names, typer.Option(help="METRIC=N or LABEL.METRIC=N of the subject. Repeatable.")] = None,
    fail_over: Annotated[_Names, typer.Option(help="The same for errors, such as mean_ece=.06. Repeatable.")] = None,
    behaviour_fail_over: Annotated[
        float | None, typer.Option(help="With --behaviour: highest failure rate of a capability.", **FAILURE_RATE)
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier --json: fail on a significant loss.")] = None,
    samples: Annotated[int, typer.Option(min=10, help="Bootstrap samples and permutations.")] = SAMPLES,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Evaluate a model and the lexicon baseline, with bootstrap intervals.

    Without a command: tables on the shipped test split or your own labelled file. Exit code 1 if a gate fails.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    reading = tuple(name.strip() for name in readers.split(",")) if readers else ()
    wanted = Wanted(model, system or [], predictions or [], dictionary or [], categories or [], trivial, rival or [],
                    public, subject, reading)  # fmt: skip
    # Whatever cannot work is found before any time is spent: names, files, limits on figures that there will not be.
    check_wanted(wanted)
    if behaviour_fail_over is not None and not (behaviour and reads_texts(subject, wanted)):
        raise DataError("--behaviour-fail-over needs --behaviour, and a --subject that reads texts.")
    check_targets(json_out, markdown_out, html_out, junit_out)
    chosen = chosen_labels(labels)
    _limits(fail_under, fail_over, rehearsal(chosen))
    dataset = shipped_test() if data is None else read_dataset(
        data, Columns(text_column, labels_column, group_column, reading)
    )  # fmt: skip
    check_slices(dataset, slice_by or [])
    same = {"data_sha256": dataset.fingerprint, "seed": seed, "samples": samples}
    before = read_baseline(baseline, same, chosen) if baseline else None
    said, tested = _ask(wanted, dataset, chosen, behaviour=behaviour)
    results = evaluate(said, dataset, model=model, labels=chosen, samples=samples, seed=seed)
    first = said[subject]
    options: dict[str, Any] = {"labels": chosen, "samples": samples, "seed": seed}

    def again(only: Sequence[str]) -> dict[str, Any]:
        alone: dict[str, Any] = evaluate({subject: first}, dataset, model=model, **options | {"labels": only})
        return dict(alone["systems"][subject])

    if slice_by:
        results["slices"] = {subject: slice_table(dataset, first, by=slice_by, min_n=min_n, **options)}
        if dataset.near:
            results["near_misses"] = {subject: near_misses(dataset, first, **options)}
    if tested:
        results["behaviour"] = tested
    gates = [
        *_limits(fail_under, fail_over, results),
        *(against_baseline(before, results, again) if before else []),
        *(
            behaviour_limits("--behaviour-fail-over", behaviour_fail_over, tested[subject])
            if behaviour_fail_over is not None
            else []
        ),
    ]
    results["gates"] = [asdict(gate) for gate in gates]
    print_tables(results, output())
    write_whole(json_out, lambda: json.dumps(results, indent=1) + "\n")
    write_whole(markdown_out, lambda: markdown_report(results))
    write_whole(html_out, lambda: _page(results, dataset, said))
    write_whole(junit_out, lambda: junit_xml(gates, tested))
    commands.report(gates)


def _limits(under: _Names, over: _Names, results: dict[str, Any]) -> list[Gate]:
    first = next(iter(results["systems"].values()))
    return [*limits(under or [], first, under=True), *limits(over or [], first, under=False)]


def _refuse_options(context: typer.Context) -> None:
    for option in context.command.params:
        if str(context.get_parameter_source(str(option.name))).endswith("COMMANDLINE"):
            raise DataError(
                f"{option.opts[0]} stands before {context.invoked_subcommand!r}, which does not know it. "
                "Put a command's own options after its name (see --help there)."
            )


def _ask(
    wanted: Wanted, dataset: Dataset, chosen: Sequence[str], *, behaviour: bool
) -> tuple[dict[str, Predictions], dict[str, list[dict[str, Any]]]]:
    """Run every system over the data and, if asked, over the behaviour tests."""
    capabilities = load_capabilities() if behaviour else []
    said: dict[str, Predictions] = {}
    tested: dict[str, list[dict[str, Any]]] = {}
    systems = gather(wanted)
    with progress("systems", len(systems)) as done:
        for name, says in systems.items():
            said[name] = says(dataset)
            if name == wanted.subject:  # the first of all
                _check_coverage(name, said[name], chosen)
            if behaviour and reads_texts(name, wanted):
                cases = behaviour_texts(capabilities)
                tested[name] = run_behaviour(capabilities, cases, says(cases))
            done()
    return said, tested


def _check_coverage(subject: str, said: Predictions, chosen: Sequence[str]) -> None:
    taxonomy = load_taxonomy()
    if not any(said.covered[taxonomy.index[label]] for label in chosen):
        known = [label for label, covered in zip(taxonomy.ids, said.covered, strict=True) if covered]
        raise DataError(f"--subject {subject!r} knows none of --labels. It knows: {', '.join(known)}.")


def _page(results: dict[str, Any], dataset: Dataset, said: dict[str, Predictions]) -> str:
    from disconnect_nlp.eval.page import evaluation_page  # matplotlib: only for those who want a page

    return evaluation_page(results, dataset, said)


if __name__ == "__main__":
    run_app(app)

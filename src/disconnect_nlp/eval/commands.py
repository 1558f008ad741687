"""The subcommands of ``python -m disconnect_nlp.eval``: options, files, printing."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from disconnect_nlp.eval.gates import Gate, behaviour_limits
from disconnect_nlp.eval.outputs import FAILURE_RATE, LARGEST_SEED, check_targets, progress, write_whole
from disconnect_nlp.eval.render import print_sheets
from disconnect_nlp.eval.sheets import Sheet, behaviour_sheet, benchmark_sheets, bounds, contrast_sheet, show
from disconnect_nlp.terminal import output

_Model = Annotated[str, typer.Option(help="Shipped model's name, 'lexicon' or a model folder.")]
_Json = Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")]
_Seed = Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of everything random.")]
_CoreLabels = Annotated[str | None, typer.Option("--labels", help="Comma-separated label ids, or 'core'.")]
_Samples = Annotated[int, typer.Option(min=10, help="Bootstrap samples.")]
_Labels = Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")]


def benchmark(
    name: Annotated[str, typer.Argument(help="irf or multiwd.")],
    data: Annotated[Path, typer.Option(help="Folder with the benchmark's table, or the table.")],
    model: _Model = "default",
    json_out: _Json = None,
    samples: Annotated[int, typer.Option(min=10, help="Bootstrap samples and permutations.")] = 1000,
    seed: _Seed = 0,
) -> None:
    """Fit our pipeline and tf-idf rivals on a public data set; score all and the shipped model on its test split."""
    from disconnect_nlp.eval.benchmarks import FITS, benchmark_named, run_benchmark
    from disconnect_nlp.store.catalogue import load

    check_targets(json_out)
    benchmark_named(name)
    labeller = load(model)
    with progress("fitting", len(FITS)) as done:
        results = run_benchmark(name, data, labeller, model_name=model, samples=samples, seed=seed, done=done)
    print_sheets(benchmark_sheets(results), output())
    write_whole(json_out, lambda: json.dumps(results, indent=1) + "\n")


def behaviour(
    model: _Model = "default",
    cases: Annotated[
        list[Path] | None, typer.Option(help="File or folder of cases, instead of the shipped ones. Repeatable.")
    ] = None,
    json_out: _Json = None,
    junit_out: Annotated[Path | None, typer.Option("--junit", help="Write every case as XML.")] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(help="Exit 1 if a capability's failure rate is above, or no case tests it.", **FAILURE_RATE),
    ] = None,
) -> None:
    """Run the behaviour tests: failure rate by capability, with an example."""
    from disconnect_nlp.eval.behaviour import behaviour_texts, load_capabilities, run_behaviour
    from disconnect_nlp.eval.junit import junit_xml
    from disconnect_nlp.eval.systems import predict
    from disconnect_nlp.store.catalogue import load

    check_targets(json_out, junit_out)
    capabilities = load_capabilities(*(cases or []))
    data = behaviour_texts(capabilities)
    rows = run_behaviour(capabilities, data, predict(load(model), data))
    print_sheets([behaviour_sheet(model, rows)], output())
    n, failed = sum(row["n"] for row in rows), sum(row["n_failed"] for row in rows)
    output().print(f"{n} cases, {len(rows)} capabilities, {failed} failures", highlight=False)
    write_whole(json_out, lambda: json.dumps({"model": model, "behaviour": rows}, indent=1) + "\n")
    gates = behaviour_limits("--fail-over", fail_over, rows) if fail_over is not None else []
    write_whole(junit_out, lambda: junit_xml(gates, {model: rows}))
    report(gates)


def contrast(
    model: _Model = "default",
    labels: _CoreLabels = "core",
    json_out: _Json = None,
    samples: _Samples = 1000,
    seed: _Seed = 0,
) -> None:
    """Run the contrast sets: labels asked for where they are affirmed, and where they are denied, past or another's."""
    from disconnect_nlp.corpus import load_corpus
    from disconnect_nlp.eval.contrast import run_contrast
    from disconnect_nlp.eval.datasets import shipped
    from disconnect_nlp.eval.systems import predict
    from disconnect_nlp.store.catalogue import load
    from disconnect_nlp.taxonomy import chosen_labels

    check_targets(json_out)
    chosen = chosen_labels(labels)
    said = predict(load(model), shipped("contrast"))
    rows = run_contrast(load_corpus(split="contrast"), said, labels=chosen, samples=samples, seed=seed)
    print_sheets([contrast_sheet(model, rows)], output())
    write_whole(json_out, lambda: json.dumps({"model": model, "labels": chosen, "contrast": rows}, indent=1) + "\n")


def report(gates: Sequence[Gate]) -> None:
    """Print the gates; exit with code 1 if one fails."""
    for gate in gates:
        state = "ok" if gate.passed else "FAILED"
        output().print(f"{state}: {gate.name}: {gate.message}", highlight=False, markup=False, soft_wrap=True)
    if not all(gate.passed for gate in gates):
        raise typer.Exit(1)


def curve(
    data: Annotated[Path | None, typer.Option(help="Labelled file to score on. Default: shipped test split.")] = None,
    public: Annotated[Path | None, typer.Option(help="Folder of public passages to train on too.")] = None,
    labels: _CoreLabels = "core",
    json_out: _Json = None,
    samples: _Samples = 1000,
    seed: _Seed = 0,
) -> None:
    """Learning curve: fit on an eighth, a quarter, half and all of the corpus, score each. Takes minutes."""
    from disconnect_nlp.corpus import load_corpus
    from disconnect_nlp.eval.datasets import read_dataset, shipped_test
    from disconnect_nlp.eval.learning import SHARES, learning_curve
    from disconnect_nlp.labellers.classifier import DisconnectClassifier
    from disconnect_nlp.taxonomy import chosen_labels, load_taxonomy
    from disconnect_nlp.training import natural_prevalence, training_texts

    check_targets(json_out)
    dataset = shipped_test() if data is None else read_dataset(data)
    prevalence = natural_prevalence(load_corpus(split="dev"), load_taxonomy())
    chosen = chosen_labels(labels)
    with progress("fitting", len(SHARES)) as done:
        steps = learning_curve(
            training_texts(public, load_taxonomy()),
            dataset,
            make=lambda: DisconnectClassifier(prevalence=prevalence),
            labels=chosen,
            samples=samples,
            seed=seed,
            done=done,
        )
    rows = [
        [f"{step['share']:g}", str(step["n_train"]), str(step["n_groups"]),
         show(step["macro_f1"]), bounds(step["macro_f1_low"], step["macro_f1_high"]),
         show(step["macro_ap"]), bounds(step["macro_ap_low"], step["macro_ap_high"])]
        for step in steps
    ]  # fmt: skip
    columns = ("share", "texts", "groups", "macro F1", "95 % interval", "macro AP", "95 % interval")
    print_sheets([Sheet(f"Learning curve on {dataset.name} ({len(dataset)} texts)", columns, rows)], output())
    write_whole(json_out, lambda: json.dumps({"dataset": dataset.name, "seed": seed, "steps": steps}, indent=1) + "\n")


def suspects(
    out: Annotated[Path, typer.Option("-o", "--output", help="CSV of ids and reasons; holds no text.")],
    data: Annotated[Path | None, typer.Option(help="Labelled file to check. Default: the shipped corpus.")] = None,
    text_column: Annotated[str, typer.Option(help="Column with the texts.")] = "text",
    labels_column: Annotated[str, typer.Option(help="Column with ';'-separated ids or a JSON list.")] = "labels",
    group_column: Annotated[str | None, typer.Option(help="Column with author or batch.")] = None,
    labels: _Labels = None,
) -> None:
    """List likely labelling mistakes: labels that a model disputes which was not fitted on their author."""
    from disconnect_nlp.corpus import load_corpus
    from disconnect_nlp.eval.datasets import Columns, read_dataset, shipped
    from disconnect_nlp.eval.suspects import mark_reread
    from disconnect_nlp.eval.suspects import suspects as find_suspects
    from disconnect_nlp.taxonomy import chosen_labels

    check_targets(out)
    columns = Columns(text_column, labels_column, group_column)
    dataset = shipped(group="batch") if data is None else read_dataset(data, columns)
    chosen = chosen_labels(labels)
    with progress("labels", len(chosen)) as done:
        found = find_suspects(dataset, labels=chosen, done=done)
    if data is None:
        found = mark_reread(found, load_corpus())
    header = ["id", "group", "label", "given", "score", "margin", "reader_differs", "reason"]
    rows: list[list[Any]] = [
        [
            one.id,
            one.group,
            one.label,
            int(one.given),
            one.score,
            round(one.margin, 4),
            int(one.reader_differs),
            one.reason,
        ]
        for one in found
    ]

    def table() -> str:
        sheet = io.StringIO()
        csv.writer(sheet, lineterminator="\n").writerows([header, *rows])
        return sheet.getvalue()

    write_whole(out, table)
    counts = Counter((one.label, one.given) for one in found)
    shown = [
        [label, str(counts[label, True]), str(counts[label, False])] for label in sorted({one.label for one in found})
    ]
    title = f"Disputed labels in {dataset.name} ({len(dataset)} texts)"
    print_sheets([Sheet(title, ("label", "given, disputed", "not given, disputed"), shown)], output())
    output().print(
        f"{len(found)} suspects in {out}, the likeliest first. Read them; do not flip them.", highlight=False
    )

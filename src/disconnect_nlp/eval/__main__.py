"""``python -m disconnect_nlp.eval``: evaluate a model and the lexicon baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from disconnect_nlp.eval.datasets import read_dataset, shipped_test
from disconnect_nlp.eval.render import markdown, print_tables
from disconnect_nlp.eval.run import SAMPLES, evaluate, predict
from disconnect_nlp.store import load
from disconnect_nlp.taxonomy import chosen_labels
from disconnect_nlp.terminal import output, run_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    data: Annotated[Path | None, typer.Option(help="CSV, TSV or JSONL. Default: the shipped test split.")] = None,
    text_column: Annotated[str, typer.Option(help="Column with the texts.")] = "text",
    labels_column: Annotated[str, typer.Option(help="Column with ';'-separated ids or a JSON list.")] = "labels",
    group_column: Annotated[str | None, typer.Option(help="Column with author or document, for the bootstrap.")] = None,
    model: Annotated[str, typer.Option(help="Shipped model's name or a model folder.")] = "default",
    labels: Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    markdown_out: Annotated[Path | None, typer.Option("--markdown", help="Write the tables to this file.")] = None,
    samples: Annotated[int, typer.Option(min=10, help="Bootstrap samples.")] = SAMPLES,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
) -> None:
    """Evaluate a model and the lexicon baseline, with bootstrap intervals."""
    chosen = chosen_labels(labels)
    dataset = (
        shipped_test()
        if data is None
        else read_dataset(data, text_column=text_column, labels_column=labels_column, group_column=group_column)
    )
    systems = {"model": predict(load(model), dataset), "lexicon": predict(load("lexicon"), dataset)}
    results = evaluate(systems, dataset, model=model, labels=chosen, samples=samples, seed=seed)
    print_tables(results, output())
    if json_out:
        json_out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if markdown_out:
        markdown_out.write_text(markdown(results), encoding="utf-8")


if __name__ == "__main__":
    run_app(app)

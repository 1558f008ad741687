"""Is the evidence what the score rests on? Comprehensiveness and sufficiency (DeYoung et al. 2020), against chance.

*Comprehensiveness*: how far a label's score falls when its evidence is deleted from the text. *Sufficiency*: how far it
falls when nothing but the evidence is left. Either says little alone: deleting anything shortens a text. So both are
measured against random stretches of the same text, as many and as long.
Run ``python -m disconnect_nlp.eval.faithfulness``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.datasets import Dataset, read_dataset, shipped_test
from disconnect_nlp.eval.outputs import LARGEST_SEED, check_targets, write_whole
from disconnect_nlp.eval.resampling import bootstrap_weights, interval
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.records import Annotation
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.taxonomy import chosen_labels
from disconnect_nlp.terminal import output, run_app

Array = np.ndarray
SAMPLES = 1000
DRAWS = 5  # random stretches a decision is compared with
_MEASURES = ("comprehensiveness", "random_comprehensiveness", "sufficiency", "random_sufficiency")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class _Decision:
    text: int
    column: int
    score: float
    evidence: Array
    """Which words of the text are evidence, shape ``(n_words,)``."""


def faithfulness(
    labeller: Labeller,
    dataset: Dataset,
    *,
    labels: Sequence[str] | None = None,
    samples: int = SAMPLES,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure how faithful a labeller's evidence is, over the labels that it gives.

    Parameters
    ----------
    labels
        Which labels to look at; all by default.
    samples
        Bootstrap samples over ``dataset.groups``.
    draws
        Random stretches drawn for every decision.

    Returns
    -------
    dict
        ``n_decisions``, ``n_left_out`` (no evidence, or evidence all over the text) and, under ``all`` and under
        ``labels``, falls of the score: ``comprehensiveness`` (more is better) and ``sufficiency`` (less is better), the
        same for random stretches, and ``comprehensiveness_gain`` and ``sufficiency_gain`` over random ones, with
        ``_low`` and ``_high``. Undefined numbers are None.
    """
    chosen = labeller.taxonomy.check(labels if labels is not None else labeller.labels, place="labels")
    rng = np.random.default_rng(seed)
    words = [_words(text) for text in dataset.texts]
    notes = list(labeller.annotate_all(dataset.texts))
    given = [_decisions(labeller, i, note, words[i], chosen) for i, note in enumerate(notes)]
    decisions = [decision for own in given for decision in own]
    usable = [decision for decision in decisions if 0 < decision.evidence.sum() < len(decision.evidence)]
    masks = [_masks(decision, draws, rng) for decision in usable]
    texts = [
        _keep(dataset.texts[decision.text], words[decision.text], kept)
        for decision, own in zip(usable, masks, strict=True)
        for mask in own
        for kept in (~mask, mask)
    ]
    scores = labeller.predict_proba(texts).reshape(len(usable), draws + 1, 2, len(labeller.labels))
    falls = np.array([own.score - scores[i, :, :, own.column] for i, own in enumerate(usable)])
    values = _measures(falls) if len(usable) else np.empty((0, len(_MEASURES)))
    weights = bootstrap_weights(dataset.groups, samples=samples, seed=seed)[:, [own.text for own in usable]]
    of_label = np.array([labeller.labels[own.column] for own in usable])
    return {
        "dataset": dataset.name,
        "model": labeller.name,
        "seed": seed,
        "n_decisions": len(decisions),
        "n_left_out": len(decisions) - len(usable),
        "all": _numbers(values, weights),
        "labels": {label: _numbers(values[of_label == label], weights[:, of_label == label]) for label in chosen},
    }


def _words(text: str) -> list[tuple[int, int]]:
    """Start and end of every word; what stands between words goes with the word before."""
    starts = [i for i, char in enumerate(text) if not char.isspace() and (i == 0 or text[i - 1].isspace())]
    return list(zip(starts, [*starts[1:], len(text)], strict=True))


def _decisions(
    labeller: Labeller, number: int, note: Annotation, words: list[tuple[int, int]], labels: Sequence[str]
) -> list[_Decision]:
    found = []
    for label in note.labels:
        if label in labels:
            spans = [(item.start, item.end) for item in note.evidence if _supports(item, label)]
            marked = np.array([any(a < end and start < b for start, end in spans) for a, b in words], dtype=bool)
            found.append(_Decision(number, labeller.taxonomy.index[label], note.scores[label], marked))
    return found


def _supports(item: Any, label: str) -> bool:
    return bool(item.label == label and item.counts and item.weight > 0)


def _masks(decision: _Decision, draws: int, rng: np.random.Generator) -> list[Array]:
    """Return the evidence, then its stretches put in random places."""
    return [decision.evidence, *(_scattered(decision.evidence, rng) for _ in range(draws))]


def _scattered(evidence: Array, rng: np.random.Generator) -> Array:
    """Return a mask with runs of the same lengths as in ``evidence``, in random order at random places."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], evidence.astype(int), [0]])))
    lengths = rng.permutation(edges[1::2] - edges[::2])
    free = len(evidence) - int(lengths.sum())
    gaps = np.sort(rng.integers(0, free + 1, size=len(lengths)))
    mask = np.zeros(len(evidence), dtype=bool)
    used = 0
    for gap, length in zip(gaps.tolist(), lengths.tolist(), strict=True):
        mask[gap + used : gap + used + length] = True
        used += length
    return mask


def _keep(text: str, words: list[tuple[int, int]], kept: Array) -> str:
    return "".join(text[a:b] for (a, b), yes in zip(words, kept, strict=True) if yes)


def _measures(falls: Array) -> Array:
    """Falls of shape ``(n, 1 + draws, 2)`` (deleted, alone) to columns in the order of ``_MEASURES``."""
    deleted, alone = falls[:, :, 0], falls[:, :, 1]
    return np.stack([deleted[:, 0], deleted[:, 1:].mean(1), alone[:, 0], alone[:, 1:].mean(1)], axis=1)


def _numbers(values: Array, weights: Array) -> dict[str, Any]:
    numbers: dict[str, Any] = {"n": len(values)}
    if not len(values):
        return numbers
    gains = np.stack([values[:, 0] - values[:, 1], values[:, 3] - values[:, 2]], axis=1)
    totals = weights.sum(axis=1)
    drawn = (weights @ gains)[totals > 0] / totals[totals > 0][:, None]
    low, high = interval(drawn)
    numbers |= {name: plain(values[:, i].mean()) for i, name in enumerate(_MEASURES)}
    for i, name in enumerate(("comprehensiveness_gain", "sufficiency_gain")):
        numbers[name] = plain(gains[:, i].mean())
        numbers[f"{name}_low"], numbers[f"{name}_high"] = plain(low[i]), plain(high[i])
    return numbers


def faithfulness_table(results: dict[str, Any]) -> Table:
    """Return the results as a table for a terminal."""
    table = Table(title=f"Faithfulness of the evidence of {results['model']} on {results['dataset']}")
    for heading in ("label", "n", "deleted", "random deleted", "gain", "alone", "random alone", "gain"):
        table.add_column(heading, justify="left" if heading == "label" else "right")
    for label, own in [*results["labels"].items(), ("all", results["all"])]:
        if own["n"]:
            cells = [f"{own[name]:.2f}" for name in _MEASURES]
            gains = [_gain(own, "comprehensiveness_gain"), _gain(own, "sufficiency_gain")]
            table.add_row(label, str(own["n"]), *cells[:2], gains[0], *cells[2:], gains[1])
    table.caption = (
        "Mean fall of the score when the evidence is deleted, and when it stands alone, against random stretches as "
        "many and as long; gains with 95 % bootstrap intervals, a dash below ten groups. "
        f"{results['n_left_out']} of {results['n_decisions']} decisions left out: no evidence, or all over the text."
    )
    return table


def _gain(own: dict[str, Any], name: str) -> str:
    low, high = own[f"{name}_low"], own[f"{name}_high"]
    return f"{own[name]:.2f} " + ("–" if low is None else f"[{low:.2f} to {high:.2f}]")


@app.command()
def run(
    data: Annotated[Path | None, typer.Option(help="CSV, TSV or JSONL. Default: the shipped test split.")] = None,
    model: Annotated[str, typer.Option(help="Shipped model's name, 'lexicon' or a model folder.")] = "default",
    labels: Annotated[str | None, typer.Option(help="Comma-separated label ids, or 'core'. Default: all.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write all numbers to this file.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of random stretches and bootstrap.")] = 0,
) -> None:
    """Measure whether deleting the evidence lowers a score more than deleting random stretches."""
    check_targets(json_out)
    chosen = chosen_labels(labels)
    dataset = shipped_test() if data is None else read_dataset(data)
    results = faithfulness(load(model), dataset, labels=chosen, seed=seed)
    output().print(faithfulness_table(results))
    write_whole(json_out, lambda: json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run_app(app)

"""Public data sets with labels of their own: our pipeline fitted on them, rivals, and the shipped model as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.compare import compare_all
from disconnect_nlp.eval.in_domain import FOLDS, Fitted, InDomainClassifier, TfidfClassifier
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import bootstrap_weights, interval
from disconnect_nlp.eval.run import label_measures, overall_measures
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.tables import open_reader
from disconnect_nlp.taxonomy import load_taxonomy


class Benchmark(BaseModel):
    """What is known of a public data set, from ``resources/benchmarks.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    file: str
    labels: tuple[str, ...]
    citation: str
    where: str
    protocol: str
    caution: str
    transfer: dict[str, tuple[str, ...]]


# What is fitted on a benchmark's train split, the first compared with the others: name to maker from a seed.
FITS: dict[str, Callable[[int], Fitted]] = {
    "in_domain": lambda seed: InDomainClassifier(seed=seed),
    "tfidf_lr": lambda seed: TfidfClassifier(seed=seed),
    "tfidf_lr_tuned": lambda seed: TfidfClassifier(seed=seed, tuned=True),
}


@dataclass(frozen=True)
class Split:
    """Texts of one split and their labels, 0/1 of shape ``(n_texts, n_labels)``."""

    texts: list[str]
    truth: Array


@cache
def load_benchmarks() -> dict[str, Benchmark]:
    """Return the benchmarks by name.

    Examples
    --------
    >>> sorted(load_benchmarks())
    ['irf', 'multiwd']
    """
    source = files("disconnect_nlp") / "resources" / "benchmarks.toml"
    return {name: Benchmark.model_validate(own) for name, own in tomllib.loads(source.read_text("utf-8")).items()}


def benchmark_named(name: str) -> Benchmark:
    """Return a benchmark by name, in any case; raise DataError naming all."""
    found = load_benchmarks().get(name.lower())
    if found is None:
        raise DataError(f"no benchmark {name!r}. There are: {', '.join(load_benchmarks())}.")
    return found


def read_benchmark(benchmark: Benchmark, data: Path) -> dict[str, Split]:
    """Read a benchmark's table, a file or a folder that holds it; return its splits by name.

    Raises
    ------
    DataError
        Saying where to get the file, or naming line and column of what cannot be read.
    """
    path = data / benchmark.file if data.is_dir() else data
    if not path.is_file():
        raise DataError(
            f"{path}: no such file. Make a table with columns split, text, {', '.join(benchmark.labels)} from "
            f"{benchmark.where} and pass its folder as --data."
        )
    reader = open_reader(path)
    missing = [name for name in ("split", "text", *benchmark.labels) if name not in reader.columns]
    if missing:
        raise DataError(f"{path}: no column {missing[0]!r}. Columns: {', '.join(map(shorten, reader.columns))}.")
    texts: dict[str, list[str]] = {}
    rows: dict[str, list[list[int]]] = {}
    for row in reader:
        values = [str(row.cells.get(label)) for label in benchmark.labels]
        if row.problem or any(value not in ("0", "1") for value in values):
            raise DataError(f"{path}, line {row.number}: {row.problem or 'a label is neither 0 nor 1'}.")
        split = str(row.cells["split"])
        texts.setdefault(split, []).append(str(row.cells["text"]))
        rows.setdefault(split, []).append([int(value) for value in values])
    absent = {"train", "test"} - set(texts)
    if absent:
        raise DataError(f"{path}: no row of split {min(absent)!r}. Found: {', '.join(sorted(texts))}.")
    return {split: Split(texts[split], np.array(rows[split], np.int8)) for split in texts}


def run_benchmark(
    name: str,
    data: Path,
    model: Labeller,
    *,
    model_name: str,
    samples: int = 1000,
    seed: int = 0,
    done: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Score the pipeline fitted in domain, its rivals and the shipped model on the test split.

    ``done`` is called after each of the ``FITS`` fits.

    Returns
    -------
    dict
        ``systems``: ``in_domain``, ``tfidf_lr`` (C = 1, threshold .5), ``tfidf_lr_tuned`` (both chosen as those of
        ``in_domain`` are) and ``transfer``, each with ``macro_f1``, ``macro_ap`` and ``labels``; ``comparisons`` of
        ``in_domain`` with both rivals. Labels that nothing of ours stands for are undefined under ``transfer``, whose
        macro averages go over the others (``n_labels_covered``).

    Raises
    ------
    DataError
        If the data cannot be read, or a label is too rare in the train split to choose anything by cross-validation.
    """
    benchmark = benchmark_named(name)
    splits = read_benchmark(benchmark, data)
    train, test = splits["train"], splits["test"]
    for label, n in zip(benchmark.labels, train.truth.sum(0), strict=True):
        if min(n, len(train.texts) - n) < FOLDS:
            raise DataError(
                f"{data}: {n} of {len(train.texts)} train texts carry {label!r}. Cross-validation needs at least "
                f"{FOLDS} with it and {FOLDS} without."
            )
    said: dict[str, Predictions] = {}
    for key, make in FITS.items():
        said[key] = _fitted(make(seed), train, test)
        done()
    groups = tuple(map(str, range(len(test.texts))))  # no author is known
    comparisons = compare_all(test.truth, said, benchmark.labels, groups, samples=samples, seed=seed)
    said["transfer"] = transfer(model, test.texts, benchmark)
    weights = bootstrap_weights(groups, samples=samples, seed=seed)
    return {
        "benchmark": name.lower(),
        **benchmark.model_dump(include={"title", "citation", "where", "protocol", "caution"}),
        "model": model_name,
        "n_train": len(train.texts),
        "n": len(test.texts),
        "samples": samples,
        "seed": seed,
        "systems": {key: _numbers(test.truth, own, benchmark.labels, weights) for key, own in said.items()},
        "comparisons": comparisons,
    }


def _fitted(system: Fitted, train: Split, test: Split) -> Predictions:
    scores = system.fit(train.texts, train.truth).predict_proba(test.texts)
    return Predictions(scores, system.decide(scores), calibrated=False)


def transfer(model: Labeller, texts: Sequence[str], benchmark: Benchmark) -> Predictions:
    """Return what a model says as it is: any of the labels that stand for a label of theirs gives it."""
    taxonomy = load_taxonomy()
    scores = model.predict_proba(texts)
    decided = model.decide(scores)
    shape = (len(texts), len(benchmark.labels))
    own = Predictions(np.full(shape, np.nan), np.zeros(shape, np.int8), calibrated=False)
    covered = np.array([label in benchmark.transfer for label in benchmark.labels])
    for place, label in enumerate(benchmark.labels):
        columns = [taxonomy.index[name] for name in taxonomy.check(benchmark.transfer.get(label, ()), place=label)]
        if columns:
            own.scores[:, place] = scores[:, columns].max(axis=1)
            own.decided[:, place] = decided[:, columns].max(axis=1)
    return Predictions(own.scores, own.decided, covered, calibrated=False)


def _numbers(truth: Array, said: Predictions, labels: Sequence[str], weights: Array) -> dict[str, Any]:
    by_label, drawn = label_measures(truth, said), label_measures(truth, said, weights)
    overall = overall_measures(truth, said, by_label)
    macro = interval(overall_measures(truth, said, drawn, weights)["macro_f1"])
    low, high = interval(drawn["f1"])
    shown: Mapping[str, Array] = {
        **{key: by_label[key] for key in ("precision", "recall", "f1", "average_precision", "roc_auc")},
        "f1_low": np.where(said.covered, low, np.nan),
        "f1_high": np.where(said.covered, high, np.nan),
    }
    return {
        "macro_f1": plain(overall["macro_f1"]),
        "macro_f1_low": plain(macro[0]),
        "macro_f1_high": plain(macro[1]),
        "micro_f1": plain(overall["micro_f1"]),
        "macro_ap": plain(overall["macro_ap"]),
        "n_labels_covered": int(said.covered.sum()),
        "labels": {
            label: {"n_pos": int(truth[:, place].sum()), **{key: plain(own[place]) for key, own in shown.items()}}
            for place, label in enumerate(labels)
        },
    }

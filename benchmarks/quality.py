"""The quality table of the README: shipped models, lexicon and the embedding baseline on authored and real passages.

    python benchmarks/quality.py --public FOLDER --data FILE [--keep FOLDER]

``--data`` has a column ``kind``, ``real`` or ``grounded``. The baseline is fitted on the corpus and the labelled public
passages; ``--keep`` stores what it said, so that it is not fitted again when only our models change.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from results import put_section
from rivals import rival_says

from disconnect_nlp.eval.datasets import read_dataset, shipped_test
from disconnect_nlp.eval.run import evaluate
from disconnect_nlp.eval.systems import Predictions, predict, trivial
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.taxonomy import load_taxonomy

README = Path(__file__).parents[1] / "README.md"
SYSTEMS = {
    "everything": ("everything gets every label", "flag-all"),
    "lexicon": ("`lexicon`", "lexicon"),
    "minilm": ("MiniLM + logistic regression", "MiniLM + LR"),
    "default": ("**`default`**", "default"),
    "accurate": ("**`accurate`**", "accurate"),
}
INTRODUCTION = """On the shipped test split ({n_test} authored texts, written as a cross-section) and on {n_data} \
passages by people who never heard of this project ({n_real} real, {n_hard} written by others to be hard), none \
used for training; averaged over the nine core labels. Brackets: 95 % bootstrap interval. The baseline is the plain \
sentence embedding of all-MiniLM-L6-v2 with one logistic regression a label, fitted, calibrated and decided on the \
same texts as ours."""


def figure(numbers: Mapping[str, Any], key: str) -> str:
    """Return a figure with its interval, two decimals."""
    value, low, high = (numbers.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    return "" if value is None else _short(value) + ("" if low is None else f" [{_short(low)}–{_short(high)}]")


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def summary(test: Mapping[str, Any], whole: Mapping[str, Any], real: Mapping[str, Any], hard: Mapping[str, Any]) -> str:
    """Return the table of averages."""
    heads = ["system", "authored: F1", "average precision", "passages: F1", "average precision", "real alone: F1",
             "average precision", "hard alone: F1"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for key, (title, _) in SYSTEMS.items():
        cells = [title]
        for results in (test, whole, real):
            own = results["systems"][key]
            f1 = _short(own["macro_f1"]) if key == "everything" else figure(own, "macro_f1")
            cells += [f1, "" if key == "everything" else figure(own, "macro_ap")]
        lines.append(f"| {' | '.join([*cells, _short(hard['systems'][key]['macro_f1'])])} |")
    return "\n".join(lines)


def by_label(results: Mapping[str, Any]) -> str:
    """Return the table of F1 by label."""
    heads = ["label", "n", *(short for _, short in SYSTEMS.values())]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for label in load_taxonomy().core:
        rows = {key: results["systems"][key]["labels"][label] for key in SYSTEMS}
        cells = [_short(row["f1"]) if key == "everything" else figure(row, "f1") for key, row in rows.items()]
        lines.append(f"| {' | '.join([f'`{label}`', str(rows['default']['n_pos']), *cells])} |")
    return "\n".join(lines)


def screen(results: Mapping[str, Any]) -> str:
    """Return what the safety screens find."""
    (label,) = load_taxonomy().recall_first
    rows = [results["systems"][key]["labels"][label] for key in ("default", "accurate")]
    recall, precision = ([_short(row[key]) for row in rows] for key in ("recall", "precision"))
    return (
        f"The safety screen finds {recall[0]} ({recall[1]}) of their {rows[0]['n_pos']} passages with risk "
        f"language, at a precision of {precision[0]} ({precision[1]})."
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, required=True, help="folder with passages.csv")
    parser.add_argument("--data", type=Path, required=True, help="labelled CSV with a column kind")
    parser.add_argument("--keep", type=Path, help="folder for what the baseline said")
    options = parser.parse_args()
    taxonomy = load_taxonomy()
    test, data = shipped_test(), read_dataset(options.data)
    minilm = rival_says("minilm", [test, data], options.public, options.keep)
    said: list[dict[str, Predictions]] = [{"minilm": own} for own in minilm]
    for name in ("default", "accurate", "lexicon"):
        labeller = load(name)
        for place, own in enumerate((test, data)):
            said[place][name] = predict(labeller, own)
    for place, own in enumerate((test, data)):
        said[place]["everything"] = trivial("everything", own)
    core = [evaluate(said[place], own, model="default", labels=taxonomy.core) for place, own in enumerate((test, data))]
    kinds = [np.array(data.columns["kind"]) == name for name in ("real", "grounded")]
    real, hard = (
        evaluate(
            {key: one.rows(rows) for key, one in said[1].items()},
            data.subset(rows, "part"),
            model="default",
            labels=taxonomy.core,
        )
        for rows in kinds
    )
    risk = evaluate(
        {key: said[1][key] for key in ("default", "accurate")}, data, model="default", labels=taxonomy.recall_first
    )
    errors = [_short(core[1]["systems"][key]["mean_ece"]) for key in ("default", "accurate")]
    n = {"n_test": core[0]["n"], "n_data": core[1]["n"], "n_real": real["n"], "n_hard": hard["n"]}
    parts = [
        INTRODUCTION.format(**n),
        summary(core[0], core[1], real, hard),
        "**Authored test split**, F1 by label:",
        by_label(core[0]),
        f"**The {n['n_data']} passages**, F1 by label:",
        by_label(core[1]),
        f"Mean calibration error on the {n['n_data']}: {errors[0]} (`default`), {errors[1]} (`accurate`). "
        f"{screen(risk)}\n"
        "Written by `python benchmarks/quality.py --public FOLDER --data FILE`; the file is not shipped: it holds "
        "other people's words. The authored columns are also what "
        "`python -m disconnect_nlp.eval --labels core --system accurate --rival minilm --public FOLDER` prints.",
    ]
    put_section("Quality", "QUALITY", "\n\n".join(parts), file=README)


if __name__ == "__main__":
    main()

"""Every shipped model beside its rivals, same texts, same run: writes the section "Rivals" of RESULTS.md.

    python benchmarks/rivals.py [--public FOLDER] [--data FILE --by COLUMN] [--benchmarks FOLDER] [--keep FOLDER]

Rivals are trained on what the shipped models are trained on: the corpus and, with ``--public``, the labelled public
passages. ``--data`` adds figures on a labelled file that is not shipped, ``--by`` its parts. ``--keep`` stores what
rivals said, so that only models are run again when models change. MiniLM needs the extra ``rivals``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import put_section

from disconnect_nlp.eval.behaviour import behaviour_texts, load_capabilities, run_behaviour
from disconnect_nlp.eval.benchmarks import FITS, load_benchmarks, run_benchmark
from disconnect_nlp.eval.datasets import Dataset, read_dataset, shipped_test
from disconnect_nlp.eval.render import show
from disconnect_nlp.eval.rivals.choose import RIVALS, check_rival, fit_rival
from disconnect_nlp.eval.run import evaluate
from disconnect_nlp.eval.systems import TRIVIAL, Predictions, predict, trivial
from disconnect_nlp.store.catalogue import load, shipped_models
from disconnect_nlp.taxonomy import load_taxonomy


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, help="folder with passages.csv")
    parser.add_argument("--data", type=Path, help="labelled CSV, TSV or JSONL")
    parser.add_argument("--by", help="column of --data whose values get tables of their own")
    parser.add_argument("--benchmarks", type=Path, help="folder with the public benchmarks' tables")
    parser.add_argument("--models", nargs="+", default=[*shipped_models(), "lexicon"], help="default: all shipped")
    parser.add_argument("--rivals", nargs="*", default=list(RIVALS), help="which rivals; default: all")
    parser.add_argument("--keep", type=Path, help="folder for what rivals said")
    return parser.parse_args()


def parts(data: Dataset, by: str) -> dict[str, np.ndarray]:
    """Return the rows of each value of a column."""
    values = np.array(data.columns[by])
    return {f"{by} {value}": values == value for value in sorted(set(values.tolist()))}


def rival_says(name: str, data: Sequence[Dataset], public: Path | None, keep: Path | None) -> list[Predictions]:
    """Return a rival's predictions, kept ones where all are there."""
    kept = [keep / f"{name}-{own.fingerprint[:16]}.npz" for own in data] if keep else []
    if kept and all(path.exists() for path in kept):
        return [Predictions(**np.load(path)) for path in kept]
    rival = fit_rival(name, public=public)
    print(f"{name} fitted", flush=True)
    said = [predict(rival, own) for own in data]
    for path, own in zip(kept, said, strict=False):
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, scores=own.scores, decided=own.decided)
    return said


def bounds(numbers: dict[str, Any], key: str) -> str:
    """Return a figure with its interval."""
    low, high = numbers.get(f"{key}_low"), numbers.get(f"{key}_high")
    return show(numbers[key]) + (f" [{show(low)}–{show(high)}]" if low is not None else "")


def difference(gap: dict[str, Any]) -> str:
    """Return a difference with its interval, if there are groups enough for one."""
    inside = "" if gap["low"] is None else f" [{gap['low']:+.3f} to {gap['high']:+.3f}]"
    return f"{gap['difference']:+.3f}{inside}"


def table(results: dict[str, Any]) -> list[str]:
    """Return one data set as a Markdown table."""
    compared = {pair["systems"][1]: pair["macro_f1"] for pair in results["comparisons"]}
    first = next(iter(results["systems"]))
    lines = [
        f"**{results['dataset']}**: {results['n']} texts, {results['n_groups']} groups, nine core labels.",
        "",
        f"| system | macro F1 | micro F1 | macro AP | ROC AUC | MCC | Brier | ECE | {first} minus it, macro F1 | p |",
        "|---" * 10 + "|",
    ]
    for name, own in results["systems"].items():
        gap = compared.get(name)
        cells = [bounds(own, "macro_f1"), show(own["micro_f1"]), bounds(own, "macro_ap"), show(own["macro_roc_auc"]),
                 show(own["macro_mcc"]), show(own["mean_brier"]), show(own["mean_ece"])]  # fmt: skip
        cells += ["", ""] if gap is None else [difference(gap), show(gap["p"])]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return [*lines, ""]


def compared(data: Dataset, systems: dict[str, Predictions]) -> list[str]:
    """Return the table of all systems on one data set."""
    return table(evaluate(systems, data, model="default", labels=load_taxonomy().core))


def behaviour_table(said: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return failure rates by capability, one column a system."""
    first = next(iter(said.values()))
    lines = [
        f"**Behaviour tests**: {sum(row['n'] for row in first)} cases ({sum(row['n_template'] for row in first)} from "
        f"templates), {len(first)} capabilities. Share that fails of the cases that test something; in brackets, how "
        "many prove nothing because the unchanged sentence is not recognised.",
        "",
        "| capability | kind | cases | " + " | ".join(said) + " |",
        "|---" * (3 + len(said)) + "|",
    ]
    for place, row in enumerate(first):
        cells = [f"{show(own[place]['failure_rate'])} ({own[place]['n_vacuous']})" for own in said.values()]
        lines.append("| " + " | ".join([row["capability"], row["kind"], str(row["n"]), *cells]) + " |")
    return [*lines, ""]


def benchmark_table(name: str, folder: Path, models: Sequence[str]) -> list[str]:
    """Return one public benchmark: in domain, its rivals, and every model as it is."""
    lines: list[str] = []
    for model in models:
        results = run_benchmark(name, folder, load(model), model_name=model)
        if not lines:
            lines = [
                f"**{results['title']}**: {results['n_train']} texts to fit on, {results['n']} to test. "
                f"{results['protocol']} {results['caution']} {results['citation']} {results['where']}",
                "",
                "| system | macro F1 | macro AP | labels | " + " | ".join(load_benchmarks()[name].labels) + " |",
                "|---" * (4 + len(load_benchmarks()[name].labels)) + "|",
            ]
            shown = {**{key: key for key in FITS}, "transfer": f"transfer, {model}"}
            gaps = results["comparisons"]
        else:
            shown = {"transfer": f"transfer, {model}"}
        for key, title in shown.items():
            own = results["systems"][key]
            cells = [bounds(own, "macro_f1"), show(own["macro_ap"]), str(own["n_labels_covered"])]
            cells += [show(label["f1"]) for label in own["labels"].values()]
            lines.append("| " + " | ".join([title, *cells]) + " |")
    told = [
        f"{' minus '.join(pair['systems'])}: macro F1 {difference(pair['macro_f1'])}, p {pair['macro_f1']['p']}; "
        f"macro AP {difference(pair['macro_ap'])}."
        for pair in gaps
    ]
    told.append("Transfer averages over the labels that any label of ours stands for, so over fewer.")
    return [*lines, "", " ".join(told), ""]


def main() -> None:
    """Measure and write."""
    options = arguments()
    for name in options.rivals:
        check_rival(name)
    data = [shipped_test(), *([read_dataset(options.data)] if options.data else [])]
    capabilities = load_capabilities()
    cases = behaviour_texts(capabilities)
    models = sorted(options.models, key=lambda name: name != "default")
    rivals = {
        f"rival: {name}": rival_says(name, [*data, cases], options.public, options.keep) for name in options.rivals
    }
    said = {name: [predict(labeller, own) for own in [*data, cases]] for name in models for labeller in [load(name)]}
    print("models done", flush=True)
    said |= rivals
    lines: list[str] = []
    for place, own in enumerate(data):
        systems = {name: all_said[place] for name, all_said in said.items()}
        systems |= {name: trivial(name, own) for name in TRIVIAL}
        lines += compared(own, systems)
        if place and options.by:
            for name, rows in parts(own, options.by).items():
                part = own.subset(rows, f"{own.name}, {name}")
                lines += compared(part, {key: one.rows(rows) for key, one in systems.items()})
    behaviour = {name: run_behaviour(capabilities, cases, own[-1]) for name, own in said.items()}
    lines += behaviour_table(behaviour)
    for name in load_benchmarks() if options.benchmarks else ():
        lines += benchmark_table(name, options.benchmarks, models)
        print(f"{name} done", flush=True)
    put_section("Rivals", "RIVALS", "\n".join(lines))


if __name__ == "__main__":
    main()

"""An evaluation as one self-contained HTML page: tables, plots as inline SVG, failing behaviour cases."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2

import disconnect_nlp
from disconnect_nlp.eval import plots
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.sheets import NOTE, sheets
from disconnect_nlp.eval.systems import TRIVIAL, Predictions
from disconnect_nlp.taxonomy import load_taxonomy


def evaluation_page(results: Mapping[str, Any], dataset: Dataset, systems: Mapping[str, Predictions]) -> str:
    """Return the page. No evaluated text stands in it; behaviour tests show the cases that fail."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    source = files("disconnect_nlp") / "resources" / "evaluation.html.j2"
    return environment.from_string(source.read_text(encoding="utf-8")).render(
        results=results,
        version=disconnect_nlp.__version__,
        sheets=sheets(results),
        note=NOTE,
        systems=[
            {
                "name": name,
                "plots": _plots(results, name, dataset, systems[name]),
                "behaviour": results.get("behaviour", {}).get(name, []),
            }
            for name in results["systems"]
            if name not in TRIVIAL
        ],
    )


def _plots(results: Mapping[str, Any], name: str, dataset: Dataset, said: Predictions) -> list[tuple[str, str]]:
    system = results["systems"][name]
    columns = [load_taxonomy().index[label] for label in system["labels"]]
    found = []
    if system["reliability"]:
        found.append(
            ("Reliability: a score of .3 should be right in three cases of ten", plots.reliability(system, name))
        )
    curve = plots.precision_recall(dataset.truth[:, columns], said.scores[:, columns], system, name)
    found.append(("Precision and recall; the dot is the chosen threshold, the line the prevalence", curve))
    if len(columns) > 1:
        found.append(("Which label is given for which", plots.confusion(system, name)))
    rows = results.get("slices", {}).get(name, [])
    if any(row["gap"] is not None and not row["too_small"] for row in rows):
        found.append(("Slices", plots.slice_bars(rows, name)))
    if results.get("behaviour", {}).get(name):
        found.append(("Behaviour tests", plots.behaviour_bars(results["behaviour"][name], name)))
    return found

"""The model card, written from an evaluation's own numbers (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2

from disconnect_nlp.eval.render import markdown, show
from disconnect_nlp.taxonomy import load_taxonomy


def _screen(result: Mapping[str, Any]) -> list[str]:
    """One line a label of the safety screen, for one data set."""
    numbers = result["systems"]["model"]["labels"]
    return [
        f"- {result['dataset']}: of {own['n_pos']} passages with `{label}` it flags {show(own['recall'])}, "
        f"of those it flags {show(own['precision'])} carry it; {own['n_given']} of {result['n']} are flagged."
        for label, own in numbers.items()
    ]


def model_card(
    name: str,
    version: str,
    trained_on: str,
    prevalence: Mapping[str, float],
    results: Sequence[Mapping[str, Any]],
    screens: Sequence[Mapping[str, Any]],
) -> str:
    """Return the card as Markdown.

    Parameters
    ----------
    prevalence
        Share of texts expected to carry each label, which the calibration assumes.
    results
        One result of :func:`disconnect_nlp.eval.run.evaluate` a data set, on the core labels.
    screens
        The same for the labels of the safety screen.
    """
    source = files("disconnect_nlp") / "resources" / "card.md.j2"
    environment = jinja2.Environment(
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(source.read_text(encoding="utf-8")).render(
        name=name,
        version=version,
        trained_on=trained_on,
        taxonomy=load_taxonomy(),
        prevalence=prevalence,
        experimental=[label.id for label in load_taxonomy().labels if label.quality == "experimental"],
        results=results,
        screen=[line for result in screens for line in _screen(result)],
        tables=[markdown(dict(result)) for result in results],
    )

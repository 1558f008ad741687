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


_KINDS = {
    "default": (
        "one vector of coefficients a label over hashed n-grams (of words, of their base forms, and of words with the "
        "status that the assertion cues around give them) and asserted lexicon matches. Those of core labels and of "
        "the safety screen are mixed from logistic regressions, support vector machines and naive Bayes for all of "
        "these and for wider questions, such as what a text is about, by a regression on held-out scores (Wolpert "
        "1992). The learners are fitted on passages and on their sentences; which sentence carries a label of its "
        "passage is what the encoder of `accurate` says. Calibrated per label on held-out author batches, whose "
        "positives are taken to be as hard as those of public passages. The threshold for F1 is half the best F1 that "
        "calibrated probabilities promise (Lipton et al. 2014), lower by .5 in log-odds for all labels where public "
        "passages are at hand.",
        "`model` is this model. `authored only` is fitted on the authored passages alone, without sentences, whose "
        "labels would come from an encoder that has learned from the public passages too. `lexicon` is the phrase "
        "baseline.",
    ),
    "accurate": (
        "the mean of two log-odds: those of `default`, and one head with attention a label (Mullenbach et al. 2018) on "
        "the token vectors of all-MiniLM-L6-v2 (Wang et al. 2020) with low-rank adapters (Hu et al. 2021) learned on "
        "the same texts, for the labels and for wider questions beside. One "
        "author batch in nine was kept from that learning; share, calibration and thresholds come from it, positives "
        "taken to be as hard as for `default`, thresholds lowered as much. Labels with "
        "fewer than 20 held-out texts are those of `default`. The weights of the encoder are not part of this model.",
        "`model` is this model; `default` is the other one, fitted on the same texts.",
    ),
}


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
    name
        ``default`` or ``accurate``.
    prevalence
        Share of texts expected to carry each label, which the calibration assumes.
    results
        One result of :func:`disconnect_nlp.eval.run.evaluate` a data set, on the core labels.
    screens
        The same for the labels of the safety screen.
    """
    kind, beside = _KINDS[name]
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
        kind=kind,
        beside=beside,
        trained_on=trained_on,
        taxonomy=load_taxonomy(),
        prevalence=prevalence,
        experimental=[label.id for label in load_taxonomy().labels if label.quality == "experimental"],
        results=results,
        screen=[line for result in screens for line in _screen(result)],
        tables=[markdown(dict(result)) for result in results],
    )

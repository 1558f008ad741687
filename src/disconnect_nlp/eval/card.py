"""The model card: what a model is for, how good it is, where it fails (Mitchell et al. 2019)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import numpy as np

from disconnect_nlp.corpus import Text, load_corpus
from disconnect_nlp.eval.agreement import plain
from disconnect_nlp.eval.contrast import run_contrast
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import Array, count, nanmean, ratio
from disconnect_nlp.eval.readers import read_readings, reader_agreement
from disconnect_nlp.eval.reliability import reliability_curve
from disconnect_nlp.eval.render import label_markdown, markdown_rows
from disconnect_nlp.eval.run import evaluate
from disconnect_nlp.eval.sheets import LABEL_COLUMNS, NOTE, bounds, label_sheet, show
from disconnect_nlp.eval.systems import Predictions, predict
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.records import POLICIES
from disconnect_nlp.store.manifest import EnsembleManifest, Manifest
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy

MODEL = "model"
"""What the model of a card is called in its tables."""
_REGISTER = "register"
_FEW_LABELS = 5
"""A register with fewer labels to find says nothing."""
_BINS = 5
_RESOURCES = files("disconnect_nlp") / "resources"

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
        "`model` is this model, `lexicon` the phrase baseline.",
    ),
    "accurate": (
        "the mean of two log-odds: those of `default`, and one head with attention a label (Mullenbach et al. 2018) on "
        "the token vectors of all-MiniLM-L6-v2 (Wang et al. 2020) with low-rank adapters (Hu et al. 2021) learned on "
        "the same texts, for the labels and for wider questions beside. One "
        "author batch in nine was kept from that learning; share, calibration and thresholds come from it, positives "
        "taken to be as hard as for `default`, thresholds lowered as much. Labels with "
        "fewer than 20 held-out texts are those of `default`. The weights of the encoder are not part of this model.",
        "`model` is this model, `default` the other one, fitted on the same texts, `lexicon` the phrase baseline.",
    ),
}


class Card:
    """Measures a model and writes what came of it.

    Parameters
    ----------
    name
        ``default`` or ``accurate``.
    manifest
        Of the model's folder.
    systems
        The model under :data:`MODEL`, and what it is compared with.
    prevalence
        Share of texts expected to carry each label, which the calibration assumes.
    samples
        Of the bootstrap.
    """

    def __init__(
        self,
        name: str,
        manifest: Manifest | EnsembleManifest,
        systems: Mapping[str, Labeller],
        prevalence: Mapping[str, float],
        *,
        samples: int = 1000,
    ) -> None:
        self.name, self.manifest, self.systems, self.prevalence = name, manifest, systems, prevalence
        self.samples = samples
        self.taxonomy = load_taxonomy()

    @property
    def model(self) -> Labeller:
        """The model that the card is about."""
        return self.systems[MODEL]

    def write(self, datasets: Sequence[Dataset], *, by: str, contrast: Sequence[Text] = ()) -> str:
        """Return the card as Markdown.

        Parameters
        ----------
        datasets
            What to measure on.
        by
            A column; the parts of a data set that has it are measured too.
        contrast
            Contrast sets, if there are any.
        """
        said = [{key: predict(system, data) for key, system in self.systems.items()} for data in datasets]
        parts = [part for data, own in zip(datasets, said, strict=True) for part in _parts(data, own, by)]
        core = [self._evaluated(data, own, self.taxonomy.core) for data, own in parts]
        environment = jinja2.Environment(
            autoescape=False, undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
        )
        kind, beside = _KINDS[self.name]
        source = (_RESOURCES / "card.md.j2").read_text(encoding="utf-8")
        return environment.from_string(source).render(
            name=self.name,
            manifest=self.manifest,
            kind=kind,
            beside=beside,
            taxonomy=self.taxonomy,
            prevalence=self.prevalence,
            agreement=agreement_line(self.taxonomy),
            summary=summary_table(core),
            core=[label_markdown(result, MODEL) for result in core],
            other=[self._others(data, own[MODEL]) for data, own in zip(datasets, said, strict=True)],
            registers=[
                self._registers(data, own[MODEL])
                for data, own in zip(datasets, said, strict=True)
                if _REGISTER in data.columns
            ],
            policies=policy_table(self.model, parts),
            doubt=doubt_table(self.model, parts),
            reliability=[self._reliability(data, own[MODEL]) for data, own in zip(datasets, said, strict=True)],
            contrast=self._contrast(contrast) if contrast else "",
            failures=failure_table(self.model),
            screen=[line for data, own in parts for line in screen_lines(self.taxonomy, data, own[MODEL])],
            note=NOTE,
        )

    def _evaluated(self, data: Dataset, said: Mapping[str, Predictions], labels: Sequence[str]) -> dict[str, Any]:
        return evaluate(said, data, model=self.name, labels=labels, samples=self.samples)

    def _others(self, data: Dataset, said: Predictions) -> str:
        """Return the figures of all labels but the core ones that some text carries."""
        shown = [
            label.id
            for label in self.taxonomy.labels
            if label.id not in self.taxonomy.core and data.truth[:, self.taxonomy.index[label.id]].any()
        ]
        sheet = label_sheet(self._evaluated(data, {MODEL: said}, shown), MODEL)
        rows = [[f"`{row[0]}`", self.taxonomy[row[0]].group, self.taxonomy[row[0]].quality, *row[1:]]
                for row in sheet.rows[: -sheet.summary]]  # fmt: skip
        return _table(f"{data.name}, {len(data)} texts", ["label", "group", "quality", *LABEL_COLUMNS], rows)

    def _registers(self, data: Dataset, said: Predictions) -> str:
        """Return figures of each kind of writing, all core labels pooled."""
        rows = []
        columns = [self.taxonomy.index[label] for label in self.taxonomy.core]
        registers = np.array(data.columns[_REGISTER])
        for register in sorted(set(registers.tolist())):
            inside = registers == register
            n_labels = int(data.truth[inside][:, columns].sum())
            if n_labels < _FEW_LABELS:
                rows.append([register, str(inside.sum()), str(n_labels), "too few to say", "", "", ""])
                continue
            result = self._evaluated(data.subset(inside, register), {MODEL: said.rows(inside)}, self.taxonomy.core)
            own = result["systems"][MODEL]
            counts = count(
                data.truth[inside][:, columns].reshape(-1, 1), said.decided[inside][:, columns].reshape(-1, 1)
            )
            rows.append([register, str(inside.sum()), str(n_labels), show(plain(counts.precision[0])),
                         show(plain(counts.recall[0])), show(own["micro_f1"]),
                         bounds(own["micro_f1_low"], own["micro_f1_high"])])  # fmt: skip
        heads = ["register", "texts", "core labels", "precision", "recall", "micro F1", "95 % interval"]
        return _table(f"{data.name}", heads, rows)

    def _reliability(self, data: Dataset, said: Predictions) -> str:
        """Return, label by label, how often a label holds among the texts of like scores."""
        rows = []
        for label in (*self.taxonomy.core, *self.taxonomy.recall_first):
            column = self.taxonomy.index[label]
            truth, scores = data.truth[:, column], said.scores[:, column]
            cells = [
                f"{show(own.share)} ({own.n})" if own.n else "–" for own in reliability_curve(truth, scores, bins=_BINS)
            ]
            rows.append([f"`{label}`", f"{scores.sum():.1f}", str(int(truth.sum())), *cells])
        edges = [f"{number / _BINS:.1f}–{(number + 1) / _BINS:.1f}" for number in range(_BINS)]
        return _table(f"{data.name}, {len(data)} texts", ["label", "expected", "found", *edges], rows)

    def _contrast(self, texts: Sequence[Text]) -> str:
        scores = self.model.predict_proba([text.text for text in texts])
        rows = run_contrast(
            texts, Predictions(scores, self.model.decide(scores)), labels=self.taxonomy.core, samples=self.samples
        )
        cells = [[row["what"], str(row["n"]), show(row["right"]), bounds(row["low"], row["high"])]
                 for row in rows]  # fmt: skip
        return _table("", ["labels are", "decisions", "right", "95 % interval"], cells)


def _parts(data: Dataset, said: Mapping[str, Predictions], by: str) -> list[tuple[Dataset, Mapping[str, Predictions]]]:
    """Return a data set and, if it has the column ``by`` with several values, its parts."""
    whole = (data, said)
    values = np.array(data.columns.get(by, ()))
    names = sorted(set(values.tolist()), key=lambda name: (-int((values == name).sum()), name))
    if len(names) < 2:
        return [whole]
    inside = [(values == name, f"{data.name}, {name} alone") for name in names]
    return [whole, *((data.subset(rows, name), {key: own.rows(rows) for key, own in said.items()})
                     for rows, name in inside)]  # fmt: skip


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([*([f"**{title}**", ""] if title else []), *markdown_rows(heads, rows)])


def agreement_line(taxonomy: Taxonomy) -> str:
    """Return Krippendorff's alpha of author and blind reader of the shipped corpus, by label."""
    alphas = reader_agreement(load_corpus(), read_readings())
    return ", ".join(f"{label} {alphas[label]['alpha']:.2f}" for label in taxonomy.ids)


def summary_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return one row a data set and system: macro F1, macro AP, calibration."""
    rows = [
        [result["dataset"], str(result["n"]), key,
         show(own["macro_f1"]), bounds(own["macro_f1_low"], own["macro_f1_high"]),
         show(own["macro_ap"]), bounds(own["macro_ap_low"], own["macro_ap_high"]), show(own["mean_ece"])]
        for result in results
        for key, own in result["systems"].items()
    ]  # fmt: skip
    return _table(
        "", ["data", "texts", "system", "macro F1", "95 % interval", "macro AP", "95 % interval", "ECE"], rows
    )


def policy_table(model: Labeller, parts: Sequence[tuple[Dataset, Mapping[str, Predictions]]]) -> str:
    """Return what each policy reaches, averaged over the core labels."""
    columns = [load_taxonomy().index[label] for label in load_taxonomy().core]
    rows = []
    for data, said in parts:
        truth, scores = data.truth[:, columns], said[MODEL].scores[:, columns]
        for policy in POLICIES:
            counts = count(truth, (scores >= model.cuts_of(policy)[columns]).astype(np.int8))
            means = [show(plain(nanmean(values))) for values in (counts.precision, counts.recall, counts.f1)]
            rows.append([data.name, f"`{policy}`", *means])
    return _table("", ["data", "policy", "mean precision", "mean recall", "macro F1"], rows)


def doubt_table(model: Labeller, parts: Sequence[tuple[Dataset, Mapping[str, Predictions]]]) -> str:
    """Return how often decisions on core labels are wrong in the uncertain band and outside."""
    columns = [load_taxonomy().index[label] for label in load_taxonomy().core]
    rows = []
    for data, said in parts:
        inside = model.in_doubt(said[MODEL].scores)[:, columns]
        given = said[MODEL].decided[:, columns] > 0
        wrong = given != (data.truth[:, columns] > 0)
        kinds = (inside, given & ~inside, ~given & ~inside)
        cells = [f"{show(_rate(wrong, chosen))} ({int(chosen.sum())})" for chosen in kinds]
        rows.append([data.name, show(float(inside.mean())), *cells, show(_rate(inside, wrong))])
    heads = ["data", "decisions in doubt", "wrong: in doubt", "wrong: given, no doubt", "wrong: not given, no doubt",
             "share of all errors that is in doubt"]  # fmt: skip
    return _table("", heads, rows)


def _rate(of: Array, among: Array) -> float | None:
    """Return the share of ``of`` among the chosen, None if nothing is chosen."""
    return float(ratio(np.array((of & among).sum()), np.array(among.sum()))) if among.any() else None


def failure_table(model: Labeller) -> str:
    """Return invented sentences with what the model says of them."""
    examples = tomllib.loads((_RESOURCES / "known_failures.toml").read_text(encoding="utf-8"))["examples"]
    index = load_taxonomy().index
    scores = model.predict_proba([example["text"] for example in examples])
    decided = model.decide(scores)
    rows = []
    for row, example in enumerate(examples):
        column = index[example["label"]]
        given = bool(decided[row, column])
        said = "given" if given else "not given"
        verdict = "right" if given == example["holds"] else "**wrong**"
        rows.append([example["kind"], example["text"], f"`{example['label']}`", "yes" if example["holds"] else "no",
                     f"{said}, {scores[row, column]:.2f}", verdict])  # fmt: skip
    return _table("", ["kind", "sentence", "label", "holds", "the model says", ""], rows)


def screen_lines(taxonomy: Taxonomy, data: Dataset, said: Predictions) -> list[str]:
    """Return one line a label of the safety screen, for one data set."""
    lines = []
    for label in taxonomy.recall_first:
        column = taxonomy.index[label]
        truth, given = data.truth[:, column], said.decided[:, column]
        own = count(truth[:, None], given[:, None])
        lines.append(
            f"- {data.name}: of {int(truth.sum())} passages with `{label}` it flags {show(plain(own.recall[0]))}, "
            f"of those it flags {show(plain(own.precision[0]))} carry it; {int(given.sum())} of {len(data)} are "
            "flagged."
        )
    return lines

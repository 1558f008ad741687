"""``make models``: fits the shipped models from the corpus, evaluates them, writes them with their cards.

With a folder that holds the public passages, their labelled texts are trained on too; without it the authored-only
variant is built. No word of the public passages enters a model: their n-grams are hashed.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from disconnect_nlp.corpus import PublicLabel, Text, load_corpus, read_public_labels
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.eval.card import model_card
from disconnect_nlp.eval.datasets import read_dataset, shipped_test
from disconnect_nlp.eval.error_rates import held_out_rates
from disconnect_nlp.eval.run import evaluate, predict
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.labellers.windows import split_windows
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store import add_error_rates, load_folder, save
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.terminal import output, run_app
from disconnect_nlp.text.components import blank_pipeline

# Sections of the codebook that readers of the public passages did not label.
_NOT_IN_PUBLIC = ("settings", "causes", "reconnection")
_MIN_PREVALENCE = 0.01  # the natural-mix batches are too few to tell rarer labels apart
VERSION = "0.1.0"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class TrainingTexts:
    """Passages to fit on, with what is known of each."""

    texts: list[str]
    labels: list[tuple[str, ...]]
    groups: list[str]
    observed: np.ndarray
    """0/1, shape ``(n_texts, n_labels)``."""

    def __add__(self, other: TrainingTexts) -> TrainingTexts:
        return TrainingTexts(
            self.texts + other.texts,
            self.labels + other.labels,
            self.groups + other.groups,
            np.vstack([self.observed, other.observed]),
        )


def authored(texts: Sequence[Text], taxonomy: Taxonomy) -> TrainingTexts:
    """Return passages of the authored corpus; a long text gives one passage a window.

    A window takes the labels whose evidence lies in it; a label without marked evidence is unknown for each of
    several windows.
    """
    nlp = blank_pipeline()
    passages: list[str] = []
    labels: list[tuple[str, ...]] = []
    groups: list[str] = []
    observed: list[np.ndarray] = []
    for text in texts:
        doc = nlp(text.text)
        windows = split_windows(doc)
        marked = {item.label for item in text.evidence}
        for start, end in windows:
            passage = doc[start:end].text
            known = np.ones(len(taxonomy.ids), dtype=np.int8)
            own = text.labels
            if len(windows) > 1:
                own = tuple(label for label in text.labels if _stands_in(text, label, passage))
                known[[taxonomy.index[label] for label in text.labels if label not in marked]] = 0
            passages.append(passage)
            labels.append(own)
            groups.append(text.batch)
            observed.append(known)
    return TrainingTexts(passages, labels, groups, np.array(observed))


def _stands_in(text: Text, label: str, passage: str) -> bool:
    return any(item.label == label and item.quote in passage for item in text.evidence)


def public(folder: Path, labels: Sequence[PublicLabel], taxonomy: Taxonomy) -> TrainingTexts:
    """Return the labelled public passages whose texts lie in ``folder/passages.csv``.

    Raises
    ------
    CorpusError
        If a labelled passage is missing or its text is not the one that was labelled.
    """
    with (folder / "passages.csv").open(encoding="utf-8", newline="") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    for label in labels:
        if label.id not in texts or hashlib.sha256(texts[label.id].encode()).hexdigest()[: len(label.id)] != label.id:
            raise CorpusError(f"{folder}: passage {label.id} ({label.source}) is missing or not the text labelled.")
    known = np.ones(len(taxonomy.ids), dtype=np.int8)
    for group in _NOT_IN_PUBLIC:
        known[[taxonomy.index[label] for label in taxonomy.group(group)]] = 0
    return TrainingTexts(
        [texts[label.id] for label in labels],
        [label.labels for label in labels],
        [f"{label.source}:{label.locator}" for label in labels],
        np.tile(known, (len(labels), 1)),
    )


def natural_prevalence(texts: Sequence[Text], taxonomy: Taxonomy) -> dict[str, float]:
    """Return the share of each label in the natural-mix batches (the dev split), at least one in a hundred."""
    n = max(len(texts), 1)
    return {label: max(_MIN_PREVALENCE, sum(label in text.labels for text in texts) / n) for label in taxonomy.ids}


def fit(training: TrainingTexts, prevalence: dict[str, float]) -> DisconnectClassifier:
    """Fit a classifier; calibration and thresholds come from texts of authors not fitted on."""
    model = DisconnectClassifier(prevalence=prevalence)
    return model.fit(training.texts, training.labels, groups=training.groups, observed=training.observed)


def measure_rates(folder: Path, training: TrainingTexts, n_authored: int) -> None:
    """Write error rates into the manifest of a saved model, from held-out scores of the texts it was fitted on."""
    model = load_folder(folder)
    fresh = DisconnectClassifier(lexicon=model.lexicon, vectors=model.vectors, bits=model.bits)
    scores = fresh.held_out_scores(training.texts, training.labels, groups=training.groups, observed=training.observed)
    add_error_rates(folder, held_out_rates(model, scores, training.labels, training.observed, n_authored))


@app.command()
def build(
    public_folder: Annotated[Path | None, typer.Option("--public", help="Folder with passages.csv.")] = None,
    out: Annotated[Path, typer.Option(help="Where the model folders go.")] = Path("models"),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "default",
    real: Annotated[Path | None, typer.Option(help="Labelled CSV of real passages, for the card.")] = None,
    rates_only: Annotated[
        bool, typer.Option("--rates-only", help="Leave the model; measure its error rates into its manifest.")
    ] = False,
) -> None:
    """Fit, evaluate and save a model."""
    console = output()
    taxonomy = load_taxonomy()
    corpus = load_corpus()
    prevalence = natural_prevalence([text for text in corpus if text.split == "dev"], taxonomy)
    own = authored([text for text in corpus if text.split == "train"], taxonomy)
    n_authored = len(own.texts)
    trained_on = f"{n_authored} authored passages"
    models: dict[str, Labeller] = {}
    if rates_only:
        if public_folder:
            own += public(public_folder, read_public_labels(shipped_path("data", "public", "labels.csv")), taxonomy)
        measure_rates(out / name, own, n_authored)
        console.print(f"error rates on {len(own.texts)} held-out passages written to {out / name}")
        return
    if public_folder:
        labelled = read_public_labels(shipped_path("data", "public", "labels.csv"))
        console.print(f"fitting the authored-only variant on {trained_on}")
        models["authored only"] = fit(own, prevalence)
        own += public(public_folder, labelled, taxonomy)
        trained_on += f", {len(labelled)} public passages"
    console.print(f"fitting {name} on {trained_on}")
    model = fit(own, prevalence)
    models = {"model": model, **models, "lexicon": LexiconLabeller()}
    datasets = [shipped_test(), *([read_dataset(real)] if real else [])]
    results, screens = [], []
    for data in datasets:
        said = {key: predict(labeller, data) for key, labeller in models.items()}
        results.append(evaluate(said, data, model=name, labels=taxonomy.core))
        screens.append(evaluate({"model": said["model"]}, data, model=name, labels=taxonomy.recall_first))
    card = model_card(name, VERSION, trained_on, prevalence, results, screens)
    rates = held_out_rates(model, model.held_out, own.labels, own.observed, n_authored)
    save(model, out / name, name=name, version=VERSION, trained_on=trained_on, error_rates=rates, card=card)
    for result in results:
        for key, numbers in result["systems"].items():
            console.print(f"{result['dataset']}, {key}: macro F1 {numbers['macro_f1']}, AP {numbers['macro_ap']}")
    console.print(f"saved to {out / name}")


if __name__ == "__main__":
    run_app(app)

"""``make models``: fits the shipped models from the corpus, evaluates them, writes them with their cards.

With a folder that holds the public passages, their labelled texts are trained on too; without it the authored-only
variant is built. No word of the public passages enters a model: their n-grams are hashed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from disconnect_nlp.corpus import load_corpus, read_public_labels
from disconnect_nlp.eval.card import model_card
from disconnect_nlp.eval.datasets import read_dataset, shipped_test
from disconnect_nlp.eval.run import evaluate, predict
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store import save
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.terminal import output, run_app
from disconnect_nlp.training import TrainingTexts, authored, natural_prevalence, public

VERSION = "0.1.0"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def fit(training: TrainingTexts, prevalence: dict[str, float]) -> DisconnectClassifier:
    """Fit a classifier; calibration and thresholds come from texts of authors not fitted on."""
    model = DisconnectClassifier(prevalence=prevalence)
    return model.fit(training.texts, training.labels, groups=training.groups, observed=training.observed)


@app.command()
def build(
    public_folder: Annotated[Path | None, typer.Option("--public", help="Folder with passages.csv.")] = None,
    out: Annotated[Path, typer.Option(help="Where the model folders go.")] = Path("models"),
    name: Annotated[str, typer.Option(help="Name of the model.")] = "default",
    real: Annotated[Path | None, typer.Option(help="Labelled CSV of real passages, for the card.")] = None,
) -> None:
    """Fit, evaluate and save a model."""
    console = output()
    taxonomy = load_taxonomy()
    corpus = load_corpus()
    prevalence = natural_prevalence([text for text in corpus if text.split == "dev"], taxonomy)
    own = authored([text for text in corpus if text.split == "train"], taxonomy)
    trained_on = f"{len(own.texts)} authored passages"
    models: dict[str, Labeller] = {}
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
    save(model, out / name, name=name, version=VERSION, trained_on=trained_on, card=card)
    for result in results:
        for key, numbers in result["systems"].items():
            console.print(f"{result['dataset']}, {key}: macro F1 {numbers['macro_f1']}, AP {numbers['macro_ap']}")
    console.print(f"saved to {out / name}")


if __name__ == "__main__":
    run_app(app)

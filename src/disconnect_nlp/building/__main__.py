"""``make models``: fits the shipped models, evaluates them, writes them with their cards.

With a folder that holds the public passages, their labelled texts are trained on too, and the variant without them is
fitted and evaluated beside; without the folder the authored-only variant is what is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from disconnect_nlp.building.ensemble import fit_ensemble
from disconnect_nlp.building.lemmas import lemma_table
from disconnect_nlp.building.sentences import label_sentences
from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.eval.card import model_card
from disconnect_nlp.eval.datasets import Dataset, read_dataset, shipped_test
from disconnect_nlp.eval.error_rates import held_out_rates
from disconnect_nlp.eval.run import evaluate, predict
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.labellers.sentences import LabelledSentences
from disconnect_nlp.labellers.stacking import near_matrix, questions
from disconnect_nlp.store.arrays import pack
from disconnect_nlp.store.classifier import save
from disconnect_nlp.store.ensemble import read_adapters, save_ensemble
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.terminal import output, run_app
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.training import TrainingTexts, held_out, natural_prevalence, training_texts

VERSION = "0.9.0"  # of the models: raised whenever predictions move

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PublicOption = Annotated[Path | None, typer.Option("--public", help="Folder with passages.csv.")]
RealOption = Annotated[Path | None, typer.Option("--real", help="Labelled CSV of real passages, for the card.")]
OutOption = Annotated[Path, typer.Option(help="Where the model folders go.")]
EncoderOption = Annotated[Path | None, typer.Option(help="Folder of all-MiniLM-L6-v2, if its package is absent.")]


@app.command()
def lemmas(out: Annotated[Path, typer.Option()] = Path("src/disconnect_nlp/resources/lemmas.tsv")) -> None:
    """Write the table of base forms, from the words of the authored train split. Every model rests on it."""
    texts = [text.text for text in load_corpus() if text.split == "train"]
    counts = Counter(token.norm_ for doc in blank_pipeline().pipe(texts) for token in doc)
    out.write_text("".join(f"{form}\t{base}\n" for form, base in lemma_table(counts).items()), encoding="utf-8")


@app.command()
def adapters(
    public: PublicOption = None,
    file: Annotated[Path, typer.Option()] = Path("adapters.npz"),
    encoder: EncoderOption = None,
) -> None:
    """Learn the adapters of the model ``accurate`` and write them to a file. Slow, and needs PyTorch.

    One group in nine is kept back, so that calibration and thresholds come from authors that were not learned from.
    """
    from disconnect_nlp.building.adapters import learn

    taxonomy = load_taxonomy()
    texts = training_texts(public, taxonomy)
    rows = np.flatnonzero(~held_out(texts.groups))
    output().print(f"learning adapters on {len(rows)} of {len(texts.texts)} passages")
    truth, observed = texts.truth()[rows], texts.observed[rows]
    near, near_known = near_matrix(texts.near, taxonomy.index)
    asked = questions(truth, observed, near[rows], near_known[rows], taxonomy)
    learned = learn([texts.texts[row] for row in rows], truth, observed, asked, folder=encoder)
    file.write_bytes(pack(learned.arrays()))


@app.command()
def fit(
    adapters: Annotated[Path, typer.Option(help="Written by 'adapters'.")],
    public: PublicOption = None,
    real: RealOption = None,
    out: OutOption = Path("models"),
    encoder: EncoderOption = None,
) -> None:
    """Fit, evaluate and save ``default``, and on it and on learned adapters ``accurate``: half an hour.

    The adapters serve both: with them sentences are labelled that ``default`` learns from beside the passages.
    """
    taxonomy = load_taxonomy()
    prevalence = natural_prevalence([text for text in load_corpus() if text.split == "dev"], taxonomy)
    learned = read_adapters(adapters)
    texts = training_texts(public, taxonomy)
    output().print(f"labelling sentences of {texts.what}")
    sentences = label_sentences(texts, learned, taxonomy, encoder)
    output().print(f"fitting default on them and {len(sentences.texts)} sentences")
    base = _fit(texts, prevalence, sentences)
    output().print(f"held-out log-odds of authored positives lowered by {abs(base.for_use.gap):.2f}")
    variants: dict[str, Labeller] = {}
    if public:
        own = training_texts(None, taxonomy)
        output().print(f"fitting the authored-only variant on {len(own.texts)} passages")
        # Without sentences: the encoder that labels them has learned from the public passages.
        variants["authored only"] = _fit(own, prevalence)
    card = _Card(texts.what, prevalence, real)
    save(
        base,
        out / "default",
        version=VERSION,
        trained_on=texts.what,
        error_rates=held_out_rates(base, base.for_use.scores, texts.labels, texts.observed, texts.n_authored),
        card=card.of("default", {"model": base, **variants, "lexicon": LexiconLabeller()}),
    )
    output().print("fitting accurate on it")
    model, scores, rows = fit_ensemble(base, texts, learned, prevalence, encoder)
    few = [texts.labels[row] for row in rows]
    n_authored = int((rows < texts.n_authored).sum())
    save_ensemble(
        model,
        learned,
        out / "accurate",
        base_folder=out / "default",
        version=VERSION,
        trained_on=texts.what,
        error_rates=held_out_rates(model, scores, few, texts.observed[rows], n_authored),
        card=card.of("accurate", {"model": model, "default": base}),
    )


def _fit(
    texts: TrainingTexts, prevalence: dict[str, float], sentences: LabelledSentences | None = None
) -> DisconnectClassifier:
    """Fit a classifier; calibration and thresholds come from texts of authors not fitted on, and are for real ones."""
    model = DisconnectClassifier(prevalence=prevalence)
    return model.fit(
        texts.texts,
        texts.labels,
        groups=texts.groups,
        observed=texts.observed,
        real=texts.real,
        near=texts.near,
        sentences=sentences,
    )


@dataclass(frozen=True)
class _Card:
    """Writes the card of a model: figures on the shipped test split and, if given, on real passages."""

    trained_on: str
    prevalence: Mapping[str, float]
    real: Path | None

    def of(self, name: str, models: Mapping[str, Labeller]) -> str:
        """Evaluate models; return the card of the one called ``model``."""
        datasets = [shipped_test(), *([read_dataset(self.real)] if self.real else [])]
        pairs = [_evaluations(models, data, name) for data in datasets]
        for result, _ in pairs:
            for key, numbers in result["systems"].items():
                output().print(f"{result['dataset']}, {key}: macro F1 {numbers['macro_f1']}, AP {numbers['macro_ap']}")
        of_core, of_screen = ([pair[part] for pair in pairs] for part in (0, 1))
        return model_card(name, VERSION, self.trained_on, self.prevalence, of_core, of_screen)


def _evaluations(models: Mapping[str, Labeller], data: Dataset, name: str) -> Sequence[Any]:
    taxonomy = load_taxonomy()
    said = {key: predict(labeller, data) for key, labeller in models.items()}
    core = evaluate(said, data, model=name, labels=taxonomy.core)
    return core, evaluate({"model": said["model"]}, data, model=name, labels=taxonomy.recall_first)


if __name__ == "__main__":
    run_app(app)

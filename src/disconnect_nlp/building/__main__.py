"""``make models``: learns adapters, fits the shipped models, measures them and writes their cards.

With a folder that holds the public passages, their labelled texts are trained on too; without it the authored-only
variants are what is built.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from disconnect_nlp.building.ensemble import fit_ensemble
from disconnect_nlp.building.lemmas import lemma_table
from disconnect_nlp.building.sentences import label_sentences
from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.eval.card import MODEL, Card
from disconnect_nlp.eval.datasets import read_dataset, shipped_test
from disconnect_nlp.eval.error_rates import held_out_rates
from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.labellers.stacking import near_matrix, questions
from disconnect_nlp.store.arrays import pack
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.store.classifier import save
from disconnect_nlp.store.ensemble import read_adapters, save_ensemble
from disconnect_nlp.store.manifest import CARD, read_manifest
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.terminal import output, run_app
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.training import held_out, natural_prevalence, training_texts

VERSION = "0.10.0"  # of the models: raised whenever predictions move

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PublicOption = Annotated[Path | None, typer.Option("--public", help="Folder with passages.csv.")]
RealOption = Annotated[Path | None, typer.Option("--real", help="Labelled CSV of real passages.")]
OutOption = Annotated[Path, typer.Option(help="Where the model folders go.")]
EncoderOption = Annotated[Path | None, typer.Option(help="Folder of all-MiniLM-L6-v2, if its package is absent.")]


@app.command()
def lemmas(out: Annotated[Path, typer.Option()] = Path("src/disconnect_nlp/resources/lemmas.tsv")) -> None:
    """Write the table of base forms, from the words of the authored train split. Every model rests on it."""
    texts = [text.text for text in load_corpus(split="train")]
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
    out: OutOption = Path("models"),
    encoder: EncoderOption = None,
) -> None:
    """Fit and save ``default``, and on it and on learned adapters ``accurate``: half an hour.

    The adapters serve both: with them sentences are labelled that ``default`` learns from beside the passages.
    """
    taxonomy = load_taxonomy()
    prevalence = natural_prevalence(load_corpus(split="dev"), taxonomy)
    learned = read_adapters(adapters)
    texts = training_texts(public, taxonomy)
    output().print(f"labelling sentences of {texts.what}")
    sentences = label_sentences(texts, learned, taxonomy, encoder)
    output().print(f"fitting default on them and {len(sentences.texts)} sentences")
    # Calibration and thresholds come from texts of authors not fitted on, and are for real ones.
    base = DisconnectClassifier(prevalence=prevalence).fit(
        texts.texts,
        texts.labels,
        groups=texts.groups,
        observed=texts.observed,
        real=texts.real,
        near=texts.near,
        sentences=sentences,
    )
    output().print(f"held-out log-odds of authored positives lowered by {abs(base.for_use.gap):.2f}")
    save(
        base,
        out / "default",
        version=VERSION,
        trained_on=texts.what,
        error_rates=held_out_rates(base, base.for_use.scores, texts.labels, texts.observed, texts.n_authored),
    )
    output().print("fitting accurate on it")
    model, scores, rows = fit_ensemble(base, texts, learned, prevalence, encoder)
    few = [texts.labels[row] for row in rows]
    save_ensemble(
        model,
        learned,
        out / "accurate",
        base_folder=out / "default",
        version=VERSION,
        trained_on=texts.what,
        error_rates=held_out_rates(
            model, scores, few, texts.observed[rows], n_authored=int((rows < texts.n_authored).sum())
        ),
    )


@app.command()
def card(
    real: RealOption = None,
    by: Annotated[str, typer.Option(help="Column of --real whose values are measured apart too.")] = "kind",
    models: Annotated[Path, typer.Option(help="Folder of the two models.")] = Path("models"),
    encoder: EncoderOption = None,
) -> None:
    """Measure the models in a folder and write their cards: on the shipped test split, and on a file of your own."""
    prevalence = natural_prevalence(load_corpus(split="dev"), load_taxonomy())
    datasets = [shipped_test(), *([read_dataset(real)] if real else [])]
    systems: dict[str, Labeller] = {"lexicon": LexiconLabeller()}
    for name in ("default", "accurate"):
        folder = models / name
        model = load(folder, encoder=encoder) if name == "accurate" else load(folder)
        written = Card(name, read_manifest(folder), {MODEL: model, **systems}, prevalence)
        text = written.write(datasets, by=by, contrast=load_corpus(split="contrast"))
        (folder / CARD).write_text(text, encoding="utf-8")
        output().print(f"{folder / CARD} written")
        systems = {name: model, **systems}


if __name__ == "__main__":
    run_app(app)

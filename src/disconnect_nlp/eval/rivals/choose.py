"""Rivals by name."""

from __future__ import annotations

from pathlib import Path

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.rivals.base import Rival
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import natural_prevalence, training_texts

RIVALS = {
    "tfidf": "word tf-idf and logistic regression",
    "textcat": "spaCy textcat_multilabel, three epochs",
    "minilm": "MiniLM sentence embeddings and logistic regression (extra 'rivals')",
    "zero-shot": "MiniLM sentence embeddings against label definitions (extra 'rivals')",
}


def check_rival(name: str) -> None:
    """Raise DataError if there is no such rival."""
    if name not in RIVALS:
        known = "; ".join(f"{key}: {about}" for key, about in RIVALS.items())
        raise DataError(f"no rival {name!r}. There are: {known}.")


def fit_rival(name: str, *, public: Path | None = None) -> Rival:
    """Train a rival on the shipped corpus, and on the public passages if their folder is given.

    Raises
    ------
    DataError
        If there is no such rival.
    ModelError
        If it needs packages that are not installed.
    """
    check_rival(name)
    rival = _unfitted(name)
    taxonomy = load_taxonomy()
    return rival.fit(training_texts(public, taxonomy), natural_prevalence(load_corpus(split="dev"), taxonomy))


def _unfitted(name: str) -> Rival:
    if name == "tfidf":
        from disconnect_nlp.eval.rivals.tfidf import TfidfScorer

        return Rival(TfidfScorer)
    if name == "textcat":
        from disconnect_nlp.eval.rivals.textcat import TextcatScorer

        return Rival(TextcatScorer, folds=1)
    from disconnect_nlp.eval.rivals.minilm import EmbeddingScorer, ZeroShotScorer, shared_encoder

    encode = shared_encoder()
    return Rival(lambda: (EmbeddingScorer if name == "minilm" else ZeroShotScorer)(encode))

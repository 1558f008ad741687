"""spaCy's own text classifier, ``textcat_multilabel``, trained from a blank English pipeline."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import spacy
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import fix_random_seed

from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.taxonomy import load_taxonomy

_BATCH = 64
_EDGE = 1e-6


class TextcatScorer:
    """The default architecture of ``textcat_multilabel`` (bag of words and a convolutional encoder).

    Parameters
    ----------
    epochs
        Passes over the training texts.
    """

    def __init__(self, *, epochs: int = 3, seed: int = 0) -> None:
        self.epochs = epochs
        self.seed = seed

    def fit(self, texts: Sequence[str], truth: Array, observed: Array) -> TextcatScorer:
        """Train; what is not observed of a text is left out of the loss. Return self."""
        fix_random_seed(self.seed)
        names = load_taxonomy().ids
        self.nlp = spacy.blank("en")
        textcat = self.nlp.add_pipe("textcat_multilabel")
        for name in names:
            textcat.add_label(name)  # type: ignore[attr-defined]
        examples = [
            Example.from_dict(
                self.nlp.make_doc(text),
                {"cats": {name: float(yes) for name, yes, seen in zip(names, own, known, strict=True) if seen}},
            )
            for text, own, known in zip(texts, truth, observed, strict=True)
        ]
        optimizer = self.nlp.initialize(lambda: examples[:_BATCH])
        order = random.Random(self.seed)
        for _ in range(self.epochs):
            order.shuffle(examples)
            for batch in minibatch(examples, _BATCH):  # type: ignore[no-untyped-call]
                self.nlp.update(batch, sgd=optimizer, drop=0.2)
        return self

    def score(self, texts: Sequence[str]) -> Array:
        """Return log-odds, shape ``(n_texts, n_labels)``."""
        names = load_taxonomy().ids
        rows = np.array([[doc.cats[name] for name in names] for doc in self.nlp.pipe(texts)])
        clipped = np.clip(rows.reshape(len(texts), len(names)), _EDGE, 1 - _EDGE)
        log_odds: Array = np.log(clipped / (1 - clipped))
        return log_odds

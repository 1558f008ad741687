"""The model ``accurate``: heads on a sentence encoder, averaged with the log-odds of the n-gram classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.labellers.base import Array, Labeller, Policy, Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.encoder import SentenceEncoder
from disconnect_nlp.labellers.windows import split_windows
from disconnect_nlp.records import Evidence


class EncoderEnsemble(Labeller):
    """Averages two readings of a passage: its sentence vector, and its n-grams and lexicon matches.

    Windows, pooling and evidence are those of the n-gram classifier; the phrases shown are therefore what *that* half
    of the decision rests on.

    Parameters
    ----------
    base
        A fitted classifier.
    encoder
        With the adapters the heads were learned with.
    heads, intercepts
        Shapes ``(encoder.dimensions, n_labels)`` and ``(n_labels,)``.
    share
        Of the encoder's log-odds in the mean, shape ``(n_labels,)``; the rest is the classifier's. 0 for labels of
        which too few held-out texts were at hand.
    calibration, thresholds, policy
        Of the mean.

    Notes
    -----
    Some twenty to fifty times slower than its base alone.
    """

    name = "accurate"

    def __init__(
        self,
        base: DisconnectClassifier,
        encoder: SentenceEncoder,
        *,
        heads: Array,
        intercepts: Array,
        share: Array,
        calibration: Calibration,
        thresholds: Thresholds,
        policy: Policy = "f1",
    ) -> None:
        self.base = base
        self.taxonomy = base.taxonomy
        self.encoder = encoder
        self.heads = heads
        self.intercepts = intercepts
        self.share = share
        self.calibration = calibration
        self.thresholds = thresholds
        self.policy = policy

    @property
    def nlp(self) -> Language:
        """The preprocessing pipeline of the n-gram classifier."""
        return self.base.nlp

    def score_docs(self, docs: Sequence[Doc]) -> Array:
        """Return calibrated probabilities, pooled over windows, shape ``(n_docs, n_labels)``."""
        spans = [split_windows(doc) for doc in docs]
        windows = [(doc, start, end) for doc, own in zip(docs, spans, strict=True) for start, end in own]
        scores = np.zeros((len(docs), len(self.labels)))
        if windows:
            read = self.encoder.encode([doc[start:end].text for doc, start, end in windows]) @ self.heads
            log_odds = self.share * (read + self.intercepts) + (1 - self.share) * self.base.log_odds(windows)
            owners = np.repeat(np.arange(len(docs)), [len(own) for own in spans])
            np.maximum.at(scores, owners, self.calibration(log_odds))
        return scores

    def explain_doc(self, doc: Doc, labels: Sequence[str]) -> list[Evidence]:
        """Return the phrases that the n-gram classifier rests on, and all lexicon matches with their status."""
        return self.base.explain_doc(doc, labels)

    def _forget(self) -> None:
        self.base._forget()

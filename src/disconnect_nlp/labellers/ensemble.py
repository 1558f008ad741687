"""The model ``accurate``: heads on a sentence encoder, averaged with the log-odds of the n-gram classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.labellers.base import Analysis, Array, Labeller, Policy, Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.classifier import DisconnectClassifier, ModelAnalysis, pooled
from disconnect_nlp.labellers.encoder import SentenceEncoder
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.labellers.windows import Windows
from disconnect_nlp.records import Evidence
from disconnect_nlp.text.tokens import Tokens


class EncoderEnsemble(Labeller):
    """Averages two readings of a passage: its sentence vector, and its n-grams and lexicon matches.

    Windows, pooling and evidence are those of the n-gram classifier; the phrases shown are therefore what *that* half
    of the decision rests on, and its contributions are not shown as those of the whole.

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
    Much slower than its base alone: some two thousand words a second on two busy cores.
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

    def analyse(self, tokens: Tokens) -> Analysis:
        """Return calibrated probabilities, pooled over windows."""
        known = self.base.analyse(tokens)
        read = self.read(_texts_of(known.windows, known.owner))
        by_window = self.calibration(self.share * read + (1 - self.share) * known.log_odds)
        return _EnsembleAnalysis(pooled(by_window, known.owner, len(tokens.texts)), known)

    def read(self, passages: Sequence[str]) -> Array:
        """Return the encoder's log-odds, shape ``(n_passages, n_labels)``."""
        read: Array = self.encoder.encode(passages) @ self.heads + self.intercepts
        return read

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return None for labels that the encoder has a share in: a sentence vector has no parts to add up."""
        own = self.base.token_contributions(doc, labels)
        shares = [self.share[self.taxonomy.index[label]] for label in labels]
        return [part if share == 0 else None for part, share in zip(own, shares, strict=True)]


@dataclass(frozen=True, eq=False)
class _EnsembleAnalysis(Analysis):
    scores: Array
    base: ModelAnalysis

    def evidence(self, wanted: Array) -> list[list[Evidence]]:
        """Return the phrases that the n-gram classifier rests on, and all lexicon matches with their status."""
        return self.base.evidence(wanted)


def _texts_of(windows: Windows, owner: Array) -> list[str]:
    """Return the text of each window, as its user wrote it."""
    tokens = windows.tokens
    filled = windows.sizes > 0
    begins, ends = np.zeros(len(windows), dtype=np.int64), np.zeros(len(windows), dtype=np.int64)
    begins[filled] = tokens.begins[windows.first[filled]]
    ends[filled] = tokens.ends[windows.last[filled] - 1]
    spans = zip(owner.tolist(), begins.tolist(), ends.tolist(), strict=True)
    return [tokens.texts[text][begin:end] for text, begin, end in spans]

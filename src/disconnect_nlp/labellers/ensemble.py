"""The model ``accurate``: heads on a sentence encoder, averaged with the log-odds of the n-gram classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.labellers.base import Analysis, Array, Labeller, Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.encoder import SentenceEncoder
from disconnect_nlp.labellers.explain import EncoderPart, TokenContributions
from disconnect_nlp.labellers.heads import LabelHeads
from disconnect_nlp.labellers.linear import LinearModel, ModelAnalysis, pooled
from disconnect_nlp.labellers.windows import Windows, split_windows
from disconnect_nlp.records import Evidence, Policy
from disconnect_nlp.text.tokens import Tokens, tokens_of


class EncoderEnsemble(Labeller):
    """Averages two readings of a passage: its tokens in their context, and its n-grams and lexicon matches.

    Windows, pooling and evidence are those of the n-gram classifier; the phrases shown are therefore what *that* half
    of the decision rests on. An explanation has the encoder's half beside them, as one sum for the passage.

    Parameters
    ----------
    base
        A fitted classifier.
    encoder
        With the adapters the heads were learned with.
    heads
        One a label.
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
        base: LinearModel,
        encoder: SentenceEncoder,
        *,
        heads: LabelHeads,
        share: Array,
        calibration: Calibration,
        thresholds: Thresholds,
        policy: Policy = "f1",
    ) -> None:
        self.base = base
        self.taxonomy = base.taxonomy
        self.encoder = encoder
        self.heads = heads
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
        return self.encoder.encode(passages, self.heads)

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return what the tokens of the window that decided add by the classifier, and the encoder as a whole.

        A token vector holds its whole passage, so what one adds is not what its word adds. What the encoder says is
        measured against an empty text, and sentence by sentence as what it loses without that sentence.
        """
        windows = [(doc, start, end) for start, end in split_windows(doc)]
        read = self.read([doc[start:end].text for _, start, end in windows])
        mean = self.share * read + (1 - self.share) * self.base.log_odds(windows)
        deciding = self.calibration(mean).argmax(axis=0)
        columns = [self.taxonomy.index[label] for label in labels]
        by_words = Calibration(self.calibration.slope * (1 - self.share), self.calibration.offset)
        empty, without = self.read([""])[0], {}
        found: list[TokenContributions | None] = []
        for column in columns:
            number, share = int(deciding[column]), float(self.share[column])
            words = self.base.window_contributions(windows[number], column, by_words)
            if share:
                if number not in without:
                    without[number] = self.read(_without_each_sentence(*windows[number]))
                slope = share * float(self.calibration.slope[column])
                whole = float(read[number, column])
                falls = tuple((slope * (whole - without[number][:, column])).tolist())
                part = EncoderPart(slope * (whole - float(empty[column])), falls)
                words = replace(words, constant=words.constant + slope * float(empty[column]), encoder=part)
            found.append(words)
        return found


@dataclass(frozen=True, eq=False)
class _EnsembleAnalysis(Analysis):
    scores: Array
    base: ModelAnalysis

    def evidence(self, wanted: Array) -> list[list[Evidence]]:
        """Return the phrases that the n-gram classifier rests on, and all lexicon matches with their status."""
        return self.base.evidence(wanted)


def _without_each_sentence(doc: Doc, start: int, end: int) -> list[str]:
    """Return the text of a window as often as it has sentences, each time without one of them."""
    tokens, text = tokens_of([doc]), doc.text
    fresh = tokens.starts[start:end].copy()
    fresh[:1] = True
    places = [*tokens.begins[start:end][fresh].tolist(), int(tokens.ends[end - 1]) if end else 0]
    return [text[places[0] : first] + text[last : places[-1]] for first, last in pairwise(places)]


def _texts_of(windows: Windows, owner: Array) -> list[str]:
    """Return the text of each window, as its user wrote it."""
    tokens = windows.tokens
    filled = windows.sizes > 0
    begins, ends = np.zeros(len(windows), dtype=np.int64), np.zeros(len(windows), dtype=np.int64)
    begins[filled] = tokens.begins[windows.first[filled]]
    ends[filled] = tokens.ends[windows.last[filled] - 1]
    spans = zip(owner.tolist(), begins.tolist(), ends.tolist(), strict=True)
    return [tokens.texts[text][begin:end] for text, begin, end in spans]

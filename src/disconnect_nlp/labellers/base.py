"""The interface that every labeller shares: Docs in, calibrated probabilities and decisions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.errors import DataError
from disconnect_nlp.records import POLICIES, Annotation, Evidence, Policy
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.reader import TextReader, mended
from disconnect_nlp.text.sentences import set_sentence_starts
from disconnect_nlp.text.tokens import Tokens, tokens_of

if TYPE_CHECKING:
    import pandas as pd

    from disconnect_nlp.labellers.explain import Explanation, TokenContributions

Array = np.ndarray
BATCH = 4096  # texts that are worked on at once, at most
_BATCH_CHARACTERS = 1 << 19  # after so many a batch ends too: larger ones are no faster and need memory


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which a label is given, one per label and policy, each of shape ``(n_labels,)``.

    A score is *uncertain*, for a person to read, below ``precision`` and from ``recall`` on, but no further down than
    half of ``f1``.
    """

    f1: Array
    """Best F1 on held-out author batches."""
    precision: Array
    """Lowest with a held-out precision of .8; 1.01 where none reaches it."""
    recall: Array
    """Highest with a held-out recall of .9."""

    def of(self, policy: Policy) -> Array:
        """Return the thresholds of a policy."""
        if policy not in POLICIES:
            raise DataError(f"unknown policy {policy!r}. Known policies: {', '.join(POLICIES)}.")
        chosen: Array = getattr(self, policy)
        return chosen

    def uncertain(self, scores: Array) -> Array:
        """Return which scores lie in the uncertain band, same shape as ``scores``."""
        low = np.minimum(np.maximum(self.recall, self.f1 / 2), self.f1)
        high = np.maximum(self.precision, self.f1)
        band: Array = (scores >= low) & (scores < high)
        return band


class Analysis(ABC):
    """What a labeller finds in a batch of texts.

    Attributes
    ----------
    scores
        Probabilities, shape ``(n_texts, n_labels)``.
    """

    scores: Array

    @abstractmethod
    def evidence(self, wanted: Array) -> list[list[Evidence]]:
        """Return evidence for and against the labels of each text for which ``wanted`` is true, in order of position.

        Parameters
        ----------
        wanted
            Bool, shape ``(n_texts, n_labels)``.
        """


class Labeller(ABC):
    """Labels texts. Subclasses analyse tokens; everything else is the same for all.

    Attributes
    ----------
    name
        Short name for tables and manifests.
    taxonomy
        Its ``ids`` are the columns of every score matrix.
    thresholds
        Per label and policy.
    policy
        Which thresholds decide.
    """

    name: str
    taxonomy: Taxonomy
    thresholds: Thresholds
    policy: Policy = "f1"
    scale: str = "log-odds"
    """On what its contributions add up."""
    _nlp: Language | None = None
    _reader: TextReader | None = None

    @abstractmethod
    def analyse(self, tokens: Tokens) -> Analysis:
        """Return scores, and on demand evidence, of a batch of texts."""

    def score_docs(self, docs: Sequence[Doc]) -> Array:
        """Return probabilities for Docs of any spaCy pipeline, shape ``(n_docs, n_labels)``."""
        return self.analyse(tokens_of(docs)).scores

    def explain_doc(self, doc: Doc, labels: Sequence[str]) -> list[Evidence]:
        """Return evidence for and against ``labels`` in one Doc, in order of position."""
        wanted = np.zeros((1, len(self.labels)), dtype=bool)
        wanted[0, [self.taxonomy.index[label] for label in labels]] = True
        return self.analyse(tokens_of([doc])).evidence(wanted)[0]

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> Sequence[TokenContributions | None]:
        """Return what each token adds to each label's score, exactly; None where a labeller cannot tell."""
        return [None] * len(labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label ids: the columns of every score matrix."""
        return self.taxonomy.ids

    @property
    def nlp(self) -> Language:
        """The preprocessing pipeline, made at first use."""
        if self._nlp is None:
            self._nlp = blank_pipeline()
        return self._nlp

    @property
    def reader(self) -> TextReader:
        """Reads texts as ``nlp`` would, made at first use."""
        if self._reader is None:
            self._reader = TextReader()
        return self._reader

    def predict_proba(self, texts: Iterable[str]) -> Array:
        """Return calibrated probabilities, shape ``(n_texts, n_labels)``, columns in taxonomy order.

        Raises
        ------
        DataError
            If ``texts`` is a single string, or an item is not a string.
        """
        parts = [self.analyse(self.reader.read(batch)).scores for batch in _batches(texts)]
        return np.vstack(parts) if parts else np.empty((0, len(self.labels)))

    @property
    def cuts(self) -> Array:
        """Scores from which each label is given, shape ``(n_labels,)``."""
        return self.cuts_of(self.policy)

    def cuts_of(self, policy: Policy) -> Array:
        """Return the scores from which each label is given under a policy, shape ``(n_labels,)``.

        Labels of a recall-first group, the safety screen, are decided by the thresholds for recall.
        """
        cuts = self.thresholds.of(policy).copy()
        screened = self.taxonomy.screened
        cuts[screened] = self.thresholds.recall[screened]
        return cuts

    def decide(self, scores: Array) -> Array:
        """Return 0/1 decisions by the labeller's policy, same shape as ``scores``."""
        return (scores >= self.cuts).astype(np.int8)

    def in_doubt(self, scores: Array) -> Array:
        """Return which scores lie in the uncertain band, same shape as ``scores``.

        That of a recall-first label reaches down to where the label is given.
        """
        band = self.thresholds.uncertain(scores)
        screened = self.taxonomy.screened
        own = scores[:, screened]
        band[:, screened] = (own >= self.thresholds.recall[screened]) & (own < self.thresholds.precision[screened])
        return band

    def predict(self, texts: Iterable[str]) -> Array:
        """Return 0/1 decisions, shape ``(n_texts, n_labels)``."""
        return self.decide(self.predict_proba(texts))

    def annotate(self, text: str) -> Annotation:
        """Label one text, with evidence in offsets of ``text``."""
        return next(self.annotate_all([text]))

    def explain(self, text: str, *, labels: Sequence[str] | None = None) -> Explanation:
        """Take the decisions on one text apart, to the last token; what it returns shows itself.

        Parameters
        ----------
        labels
            Which labels to explain; by default those given, in doubt, or with evidence that was cancelled.

        Examples
        --------
        >>> from disconnect_nlp import load
        >>> why = load().explain("I sit there and feel nothing at all.")["numbness"]
        >>> abs(why.total - np.log(why.score / (1 - why.score))) < 1e-4
        np.True_
        """
        from disconnect_nlp.labellers.explain import explanation_of

        return explanation_of(self, self.nlp(mended(_checked(0, text))), text, labels)

    def annotate_all(self, texts: Iterable[str], *, evidence: bool = True) -> Iterator[Annotation]:
        """Label texts lazily, in order, a batch at a time."""
        for batch in _batches(texts):
            yield from self._annotations(self.reader.read(batch), evidence=evidence)

    def sentences(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the sentences of each text begin and end, half-open, in characters, without white space.

        Examples
        --------
        >>> from disconnect_nlp import load
        >>> load("lexicon").sentences(["Long day. Nobody rang"])
        [[(0, 9), (10, 21)]]
        """
        return [spans for batch in _batches(texts) for spans in _sentence_spans(self.reader.read(batch))]

    def annotate_docs(self, docs: Sequence[Doc], *, evidence: bool = True) -> Iterator[Annotation]:
        """Label Docs of any spaCy pipeline."""
        return self._annotations(tokens_of([set_sentence_starts(doc) for doc in docs]), evidence=evidence)

    def _annotations(self, tokens: Tokens, *, evidence: bool) -> Iterator[Annotation]:
        analysis = self.analyse(tokens)
        decided, uncertain = self.decide(analysis.scores) > 0, self.in_doubt(analysis.scores)
        found = analysis.evidence(decided | uncertain) if evidence else [[] for _ in tokens.texts]
        columns = (analysis.scores.tolist(), self._names(decided), self._names(uncertain), found)
        for row, given, in_doubt, items in zip(*columns, strict=True):
            yield Annotation(given, dict(zip(self.labels, row, strict=True)), in_doubt, tuple(items))

    def label_frame(
        self,
        frame: pd.DataFrame,
        *,
        text_column: str,
        labels: Sequence[str] | None = None,
        prefix: str = "disconnect_",
        evidence: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Return ``frame`` with decision and score columns added; index, order and other columns stay.

        See :func:`disconnect_nlp.labellers.frames.label_frame`.
        """
        from disconnect_nlp.labellers.frames import label_frame

        return label_frame(
            self,
            frame,
            text_column=text_column,
            labels=labels,
            prefix=prefix,
            evidence=evidence,
            progress=progress,
        )

    def _names(self, mask: Array) -> list[tuple[str, ...]]:
        names: list[list[str]] = [[] for _ in mask]
        for row, column in np.argwhere(mask).tolist():
            names[row].append(self.labels[column])
        return [tuple(own) for own in names]


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield the texts as lists."""
    if isinstance(texts, str):
        raise DataError("texts is a single string. Pass a list of texts, or use annotate(text).")
    batch: list[str] = []
    characters = 0
    for number, text in enumerate(texts):
        batch.append(_checked(number, text))
        characters += len(text)
        if len(batch) == BATCH or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _sentence_spans(tokens: Tokens) -> list[list[tuple[int, int]]]:
    spans: list[list[tuple[int, int]]] = [[] for _ in tokens.texts]
    for first, last in pairwise(tokens.sentences.tolist()):
        number = int(tokens.text_of(first))
        begin, end = int(tokens.begins[first]), int(tokens.ends[last - 1])
        quote = tokens.texts[number][begin:end]
        if quote.strip():
            start = begin + len(quote) - len(quote.lstrip())
            spans[number].append((start, start + len(quote.strip())))
    return spans


def _checked(number: int, text: str) -> str:
    if not isinstance(text, str):
        raise DataError(f"text {number} is {type(text).__name__}, not str. Convert it, or leave the row out.")
    return text

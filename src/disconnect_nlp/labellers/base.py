"""The interface that every labeller shares: Docs in, calibrated probabilities and decisions out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.errors import DataError
from disconnect_nlp.records import Annotation, Evidence
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.sentences import set_sentence_starts

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray
Policy = Literal["f1", "precision", "recall"]
POLICIES: tuple[Policy, ...] = ("f1", "precision", "recall")
BATCH = 4096  # texts between which words met for the first time are forgotten; fewer costs speed
_Result = TypeVar("_Result")
_ZONE = RLock()


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


class Labeller(ABC):
    """Labels texts. Subclasses score Docs; everything else is the same for all.

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
    _nlp: Language | None = None

    @abstractmethod
    def score_docs(self, docs: Sequence[Doc]) -> Array:
        """Return probabilities, shape ``(n_docs, n_labels)``. Docs carry sentence boundaries."""

    @abstractmethod
    def explain_doc(self, doc: Doc, labels: Sequence[str]) -> list[Evidence]:
        """Return evidence for and against ``labels`` in one Doc, in order of position."""

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

    def predict_proba(self, texts: Iterable[str]) -> Array:
        """Return calibrated probabilities, shape ``(n_texts, n_labels)``, columns in taxonomy order.

        Raises
        ------
        DataError
            If ``texts`` is a single string, or an item is not a string.
        """
        parts = [self._in_zone(batch, self.score_docs) for batch in _batches(texts)]
        return np.vstack(parts) if parts else np.empty((0, len(self.labels)))

    def decide(self, scores: Array) -> Array:
        """Return 0/1 decisions by the labeller's policy, same shape as ``scores``.

        Labels of a recall-first group, the safety screen, are decided by the thresholds for recall.
        """
        cuts = self.thresholds.of(self.policy).copy()
        screened = [self.taxonomy.index[label] for label in self.taxonomy.recall_first]
        cuts[screened] = self.thresholds.recall[screened]
        return (scores >= cuts).astype(np.int8)

    def in_doubt(self, scores: Array) -> Array:
        """Return which scores lie in the uncertain band, same shape as ``scores``.

        That of a recall-first label reaches down to where the label is given.
        """
        band = self.thresholds.uncertain(scores)
        screened = [self.taxonomy.index[label] for label in self.taxonomy.recall_first]
        own = scores[:, screened]
        band[:, screened] = (own >= self.thresholds.recall[screened]) & (own < self.thresholds.precision[screened])
        return band

    def predict(self, texts: Iterable[str]) -> Array:
        """Return 0/1 decisions, shape ``(n_texts, n_labels)``."""
        return self.decide(self.predict_proba(texts))

    def annotate(self, text: str) -> Annotation:
        """Label one text, with evidence in offsets of ``text``."""
        return next(self.annotate_all([text]))

    def annotate_all(self, texts: Iterable[str], *, evidence: bool = True) -> Iterator[Annotation]:
        """Label texts lazily, in order, a batch at a time."""
        for batch in _batches(texts):
            notes = self._in_zone(batch, lambda docs: list(self.annotate_docs(docs, evidence=evidence)))
            for (_, text), note in zip(batch, notes, strict=True):
                yield _quoting(text, note)

    def sentences(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Return where the sentences of each text begin and end, half-open, in characters, without white space.

        Examples
        --------
        >>> from disconnect_nlp import load
        >>> load("lexicon").sentences(["Long day. Nobody rang"])
        [[(0, 9), (10, 21)]]
        """
        return [
            spans
            for batch in _batches(texts)
            for spans in self._in_zone(batch, lambda docs: [_spans(set_sentence_starts(doc)) for doc in docs])
        ]

    def annotate_docs(self, docs: Sequence[Doc], *, evidence: bool = True) -> Iterator[Annotation]:
        """Label Docs of any spaCy pipeline."""
        docs = [set_sentence_starts(doc) for doc in docs]
        scores = self.score_docs(docs)
        decided, uncertain = self.decide(scores), self.in_doubt(scores)
        for doc, row, yes, band in zip(docs, scores, decided, uncertain, strict=True):
            labels = self._names(yes)
            in_doubt = self._names(band)
            found = self.explain_doc(doc, tuple(dict.fromkeys((*labels, *in_doubt)))) if evidence else []
            values = dict(zip(self.labels, row.tolist(), strict=True))
            yield Annotation(labels, values, in_doubt, tuple(found))

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

    def _names(self, mask: Array) -> tuple[str, ...]:
        return tuple(label for label, yes in zip(self.labels, mask, strict=True) if yes)

    def _in_zone(self, batch: list[tuple[int, str]], use: Callable[[list[Doc]], _Result]) -> _Result:
        # Words met for the first time stay in the vocabulary for good; memory_zone frees those of past batches.
        # A zone belongs to one thread at a time: leaving it frees the words of every Doc made meanwhile.
        with _ZONE, self.nlp.memory_zone():
            try:
                return use([self.nlp(_checked(number, text)) for number, text in batch])
            finally:
                self._forget()

    def _forget(self) -> None:  # noqa: B027 - most labellers keep nothing
        """Let go of every Doc of the batch; their words are about to be freed."""


def _batches(texts: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    if isinstance(texts, str):
        raise DataError("texts is a single string. Pass a list of texts, or use annotate(text).")
    stream = enumerate(texts)
    while batch := list(islice(stream, BATCH)):
        yield batch


def _spans(doc: Doc) -> list[tuple[int, int]]:
    spans = []
    for sentence in doc.sents:
        quote = sentence.text
        if quote.strip():
            start = sentence.start_char + len(quote) - len(quote.lstrip())
            spans.append((start, start + len(quote.strip())))
    return spans


def _quoting(text: str, note: Annotation) -> Annotation:
    """Return ``note`` with every quote as it stands in ``text``, should spaCy have been given a mended form."""
    if all(text[item.start : item.end] == item.quote for item in note.evidence):
        return note
    evidence = tuple(replace(item, quote=text[item.start : item.end]) for item in note.evidence)
    return replace(note, evidence=evidence)


def _checked(number: int, text: str) -> str:
    """Return ``text`` in a form spaCy takes, with every offset unchanged."""
    if not isinstance(text, str):
        raise DataError(f"text {number} is {type(text).__name__}, not str. Convert it, or leave the row out.")
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as broken exports hold
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text

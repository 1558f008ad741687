"""Why a text got its labels: every decision taken apart into sentences and phrases, with what was cancelled and why.

Evidence (:mod:`disconnect_nlp.labellers.evidence`) names the few stretches that carry a label most; an explanation
accounts for the whole score, to the last token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.labellers.evidence import heaviest_runs, starts_word, trimmed
from disconnect_nlp.records import Evidence
from disconnect_nlp.text.tokens import Tokens, tokens_of

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Labeller

Array = np.ndarray

_MIN_PHRASE = 0.25  # below this, for or against, words are left together as the rest of their sentence


@dataclass(frozen=True, slots=True)
class TokenContributions:
    """What each token of the window that decided a label adds to the label's score."""

    first: int
    """Number of the window's first token."""
    constant: float
    """What stands there without any words."""
    values: Array
    """Shape ``(n_tokens,)``; with the constant and the encoder's part they add up to the score, on the labeller's own
    scale."""
    encoder: EncoderPart | None = None
    """What a sentence encoder adds, where the labeller has one."""


@dataclass(frozen=True, slots=True)
class EncoderPart:
    """What a sentence encoder adds to a score: it reads the window as a whole, so this has no parts that add up."""

    weight: float
    """By how much the whole window differs from an empty text."""
    falls: tuple[float, ...]
    """By how much it falls when a sentence of the window is left out, sentence by sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the original text and what its words add to the score."""

    start: int
    """Character offset in the original text, inclusive."""
    end: int
    """Character offset, exclusive."""
    quote: str
    """``text[start:end]``, always."""
    weight: float


@dataclass(frozen=True, slots=True)
class SentencePart(Part):
    """A sentence and the phrases it falls into; their weights add up to the sentence's.

    Where a sentence encoder has a share in the decision, these are the weights of the words beside it. A phrase is
    quoted from white space to white space, without punctuation at its ends, which its weight includes.
    """

    phrases: tuple[Part, ...]
    encoder_fall: float | None = None
    """By how much the encoder's part falls when the sentence is left out; these do not add up. None without one."""


@dataclass(frozen=True, slots=True)
class LabelExplanation:
    """One label's decision, taken apart."""

    label: str
    name: str
    score: float
    """Calibrated probability."""
    threshold: float
    """The score from which the label is given."""
    given: bool
    uncertain: bool
    constant: float | None
    """What the score would be without any words; None where the labeller cannot be taken apart."""
    encoder: float | None
    """What the sentence encoder adds for the window as a whole; None where the decision rests on none."""
    sentences: tuple[SentencePart, ...]
    """The sentences of the window that decided. Their weights, the constant and :attr:`encoder` add up to
    :attr:`total`."""
    evidence: tuple[Evidence, ...]
    """Lexicon matches of any status and the model's heaviest phrases, in order of position."""

    @property
    def total(self) -> float | None:
        """The score on the labeller's own scale: constant, sentences, and the sentence encoder if any."""
        if self.constant is None:
            return None
        return self.constant + self.by_words + (self.encoder or 0.0)

    @property
    def by_words(self) -> float:
        """What all sentences add by their words."""
        return sum(sentence.weight for sentence in self.sentences)

    @property
    def phrases(self) -> tuple[Part, ...]:
        """All phrases, the heaviest first, whichever way they speak."""
        parts = [phrase for sentence in self.sentences for phrase in sentence.phrases]
        return tuple(sorted(parts, key=lambda part: (-abs(part.weight), part.start)))

    @property
    def counter_evidence(self) -> tuple[Evidence, ...]:
        """Matches that would speak for the label but for their status: negated, past, somebody else's, and so on."""
        return tuple(item for item in self.evidence if not item.counts)


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a labeller decides as it does on one text.

    Shows itself: in colour where standard output is a terminal, as HTML in a notebook. It holds the text, so do not
    write it to a log.

    Examples
    --------
    >>> from disconnect_nlp import load
    >>> why = load("lexicon").explain("I never feel numb. I avoid everyone.")
    >>> [(item.label, item.given) for item in why.labels]
    [('withdrawal', True), ('numbness', False)]
    >>> why["numbness"].counter_evidence[0].cue.quote
    'never'
    """

    text: str
    model: str
    scale: str
    """On what the contributions add up: ``log-odds`` of the calibrated probability p, or ``-ln(1 - p)``."""
    labels: tuple[LabelExplanation, ...]
    """Labels given, then those in doubt, then those whose only evidence was cancelled, each in taxonomy order."""

    def __getitem__(self, label: str) -> LabelExplanation:
        for item in self.labels:
            if item.label == label:
                return item
        raise KeyError(f"{label!r} is not explained here; explained: {', '.join(i.label for i in self.labels)}")

    def __repr__(self) -> str:
        from disconnect_nlp.labellers.explain_views import as_terminal

        return as_terminal(self)

    def _repr_html_(self) -> str:
        from disconnect_nlp.labellers.explain_views import as_html

        return as_html(self)

    def to_displacy(self) -> dict[str, Any]:
        """Return the counting evidence of the labels given, for ``displacy.render(…, style="span", manual=True)``.

        Examples
        --------
        >>> from disconnect_nlp import load
        >>> load("lexicon").explain("I feel numb.").to_displacy()["spans"]
        [{'start_token': 1, 'end_token': 3, 'label': 'numbness'}]
        """
        from disconnect_nlp.labellers.explain_views import as_displacy

        return as_displacy(self)


def explanation_of(labeller: Labeller, doc: Doc, text: str, labels: Sequence[str] | None = None) -> Explanation:
    """Explain a labeller's decisions on a Doc of ``text``, by default on all labels that anything speaks for."""
    scores = labeller.score_docs([doc])
    given, uncertain = labeller.decide(scores)[0] > 0, labeller.in_doubt(scores)[0]
    index = labeller.taxonomy.index
    if labels is None:
        cancelled = {item.label for item in labeller.explain_doc(doc, labeller.labels) if not item.counts}
        ranks = {label: (0 if given[i] else 1 if uncertain[i] else 2) for label, i in index.items()}
        labels = sorted(
            (label for label in labeller.labels if ranks[label] < 2 or label in cancelled), key=ranks.__getitem__
        )
    labels = labeller.taxonomy.check(labels, place="labels")
    evidence = labeller.explain_doc(doc, labels)
    tokens, explained = tokens_of([doc]), []
    for label, own in zip(labels, labeller.token_contributions(doc, labels), strict=True):
        column = index[label]
        explained.append(
            LabelExplanation(
                label=label,
                name=labeller.taxonomy[label].name,
                score=float(scores[0, column]),
                threshold=float(labeller.cuts[column]),
                given=bool(given[column]),
                uncertain=bool(uncertain[column]),
                constant=None if own is None else own.constant,
                encoder=None if own is None or own.encoder is None else own.encoder.weight,
                sentences=() if own is None else tuple(_sentences(tokens, text, own)),
                evidence=tuple(item for item in evidence if item.label == label),
            )
        )
    return Explanation(text, labeller.name, labeller.scale, tuple(explained))


def _sentences(tokens: Tokens, text: str, own: TokenContributions) -> Iterator[SentencePart]:
    positions = np.arange(own.first, own.first + len(own.values))
    fresh = tokens.starts[positions] | (positions == own.first)
    words = np.flatnonzero(fresh | starts_word(tokens, positions))
    sums = np.add.reduceat(own.values, words) if len(words) else own.values
    bounds = np.append(positions[words], own.first + len(own.values)).tolist()
    places = [*np.flatnonzero(fresh[words]).tolist(), len(words)]
    falls = own.encoder.falls if own.encoder else [None] * (len(places) - 1)
    for (first, last), fall in zip(pairwise(places), falls, strict=True):
        phrases = tuple(
            _part(tokens, text, *trimmed(tokens, bounds[a], bounds[b]), float(sums[a:b].sum()))
            for a, b in _split(sums, first, last)
        )
        sentence = _part(tokens, text, bounds[first], bounds[last], float(sums[first:last].sum()))
        yield SentencePart(sentence.start, sentence.end, sentence.quote, sentence.weight, phrases, fall)


def _part(tokens: Tokens, text: str, first: int, last: int, weight: float) -> Part:
    start, end = int(tokens.begins[first]), int(tokens.ends[last - 1])
    return Part(start, end, text[start:end], weight)


def _split(words: Array, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut words ``first`` to ``last`` into phrases: the heaviest run, then the same left and right of it.

    What speaks for the label is looked for first, so that the heaviest of a sentence is the one that evidence names.
    """
    for sign in (1, -1):
        weight, begin, end = (
            part[0] for part in heaviest_runs(sign * words, np.array([first]), np.array([last - first]))
        )
        if weight >= _MIN_PHRASE:
            break
    else:
        yield first, last
        return
    if first < begin:
        yield from _split(words, first, int(begin))
    yield int(begin), int(end)
    if end < last:
        yield from _split(words, int(end), last)

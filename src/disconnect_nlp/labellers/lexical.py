"""The lexicon baseline: counts nothing, learns nothing, and says which entry fired and which cue cancelled it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.labellers.base import Analysis, Array, Labeller, Thresholds
from disconnect_nlp.labellers.evidence import grouped, match_evidence
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.records import Evidence
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.assertion import STATUSES, Assertion, Verdicts
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon
from disconnect_nlp.text.matcher import LexiconMatcher, Match, Spans
from disconnect_nlp.text.tokens import Tokens

# An entry counts from this weight on: more likely right than wrong by its author's estimate.
_THRESHOLD = 0.5
_BAND = (0.25, 0.8)


@dataclass(frozen=True, eq=False)
class Matches:
    """The lexicon matches of a batch, in order of position.

    Attributes
    ----------
    spans, verdicts
        Where they stand, and their status and cue.
    text
        Number of the text of each.
    label
        Column of its label in the taxonomy.
    weight
        Weight of its entry.
    counts
        Whether its status is one under which it counts for its label.
    """

    spans: Spans
    verdicts: Verdicts
    text: Array
    label: Array
    weight: Array
    counts: Array

    def __len__(self) -> int:
        return len(self.text)


class MatchFinder:
    """Lexicon matches with their assertion status."""

    def __init__(self, nlp: Language, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.matcher = LexiconMatcher(lexicon)
        self.assertion = Assertion(nlp)
        taxonomy, entries = load_taxonomy(), self.matcher.entries
        self._label = np.array([taxonomy.index[entry.label] for entry in entries], dtype=np.int64)
        self._weight = np.array([entry.weight for entry in entries])
        self._counts = np.array([[status in taxonomy.counting[label] for status in STATUSES] for label in taxonomy.ids])

    def find(self, tokens: Tokens) -> Matches:
        """Return the matches of all texts with status and cue."""
        spans = self.matcher.find(tokens)
        verdicts = self.assertion.decide(tokens, spans.start, spans.end)
        label = self._label[spans.entry]
        counts = self._counts[label, verdicts.status]
        return Matches(spans, verdicts, tokens.text_of(spans.start), label, self._weight[spans.entry], counts)

    def __call__(self, doc: Doc) -> list[Match]:
        """Return the matches of ``doc`` with status and cue."""
        return self.assertion(doc, self.matcher(doc))


class LexiconLabeller(Labeller):
    """Labels by phrase: the probability that at least one affirmed match of a label is right.

    ``1 - prod(1 - weight)`` over the affirmed matches of a label (noisy-or), 0 without one.

    Parameters
    ----------
    lexicon
        Entries to look for; those of the package by default.

    Examples
    --------
    >>> note = LexiconLabeller().annotate("I feel numb. My brother feels lonely.")
    >>> "numbness" in note.labels, "loneliness" in note.labels  # the brother's loneliness does not count
    (True, False)
    >>> [(e.quote, e.status) for e in note.evidence if e.label == "numbness"]
    [('feel numb', 'affirmed')]
    """

    name = "lexicon"
    scale = "-ln(1 - p)"

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or load_lexicon()
        self.taxonomy: Taxonomy = load_taxonomy()
        size = len(self.taxonomy.ids)
        self.thresholds = Thresholds(
            f1=np.full(size, _THRESHOLD), precision=np.full(size, _BAND[1]), recall=np.full(size, _BAND[0])
        )
        self.matches = MatchFinder(self.reader.nlp, self.lexicon)
        """Returns the matches of one Doc, whatever their status."""

    def analyse(self, tokens: Tokens) -> Analysis:
        """Return noisy-or scores and all matches."""
        found = self.matches.find(tokens)
        left = np.ones((len(tokens.texts), len(self.labels)))  # probability that no match is right
        np.multiply.at(left, (found.text[found.counts], found.label[found.counts]), 1 - found.weight[found.counts])
        return _LexiconAnalysis(1 - left, self.matches, tokens, found)

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return each token's share of ``-ln(1 - score)``: that of a match is spread over its tokens."""
        values = {label: np.zeros(len(doc)) for label in labels}
        for match in self.matches(doc):
            if match.label in values and match.status in self.taxonomy.counting[match.label]:
                values[match.label][match.start : match.end] -= np.log1p(-match.weight) / (match.end - match.start)
        return [TokenContributions(0, 0.0, values[label]) for label in labels]


@dataclass(frozen=True, eq=False)
class _LexiconAnalysis(Analysis):
    scores: Array
    finder: MatchFinder
    tokens: Tokens
    matches: Matches

    def evidence(self, wanted: Array) -> list[list[Evidence]]:
        """Return all matches for the labels wanted; those that do not count carry their status and cue."""
        own = np.flatnonzero(wanted[self.matches.text, self.matches.label])
        return grouped(self.matches.text[own], match_evidence(self.tokens, self.finder, self.matches, own), len(wanted))

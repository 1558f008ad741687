"""The lexicon baseline: counts nothing, learns nothing, and says which entry fired and which cue cancelled it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.labellers.base import Array, Labeller, Thresholds
from disconnect_nlp.labellers.evidence import match_evidence
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.records import Evidence
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.assertion import Assertion
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon
from disconnect_nlp.text.matcher import LexiconMatcher, Match

# An entry counts from this weight on: more likely right than wrong by its author's estimate.
_THRESHOLD = 0.5
_BAND = (0.25, 0.8)


class MatchFinder:
    """Lexicon matches with their assertion status."""

    def __init__(self, nlp: Language, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self._matcher = LexiconMatcher(nlp.vocab, lexicon)
        self._assertion = Assertion(nlp)
        self._last: dict[int, tuple[Doc, list[Match]]] = {}  # holding the Docs keeps their ids unique

    def __call__(self, doc: Doc) -> list[Match]:
        """Return the matches of ``doc`` with status and cue."""
        return self.find_all([doc])[0]

    def find_all(self, docs: Sequence[Doc]) -> list[list[Match]]:
        """Return the matches of each Doc; those of the batch before are kept, for explaining what was just scored."""
        unknown = {id(doc): doc for doc in docs if id(doc) not in self._last}
        if unknown:
            found = self._matcher.find_all(list(unknown.values()))
            new = {
                key: (doc, self._assertion(doc, own)) for (key, doc), own in zip(unknown.items(), found, strict=True)
            }
            self._last = {**new, **{id(doc): self._last[id(doc)] for doc in docs if id(doc) in self._last}}
        return [self._last[id(doc)][1] for doc in docs]

    def forget(self) -> None:
        """Let go of the Docs of the last batch."""
        self._last = {}


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
        self._nlp = blank_pipeline()
        self.matches = MatchFinder(self._nlp, self.lexicon)
        """Returns the matches of one Doc, whatever their status."""

    def score_docs(self, docs: Sequence[Doc]) -> Array:
        """Return noisy-or scores, shape ``(n_docs, n_labels)``."""
        scores = np.zeros((len(docs), len(self.labels)))
        for row, matches in enumerate(self.matches.find_all(docs)):
            for match in matches:
                if match.status in self.taxonomy.counting[match.label]:
                    column = self.taxonomy.index[match.label]
                    scores[row, column] = 1 - (1 - scores[row, column]) * (1 - match.weight)
        return scores

    def _forget(self) -> None:
        self.matches.forget()

    def explain_doc(self, doc: Doc, labels: Sequence[str]) -> list[Evidence]:
        """Return all matches for ``labels``; those that do not count carry their status and cue."""
        wanted = set(labels)
        return [match_evidence(doc, match) for match in self.matches(doc) if match.label in wanted]

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return each token's share of ``-ln(1 - score)``: that of a match is spread over its tokens."""
        values = {label: np.zeros(len(doc)) for label in labels}
        for match in self.matches(doc):
            if match.label in values and match.status in self.taxonomy.counting[match.label]:
                values[match.label][match.start : match.end] -= np.log1p(-match.weight) / (match.end - match.start)
        return [TokenContributions(0, 0.0, values[label]) for label in labels]

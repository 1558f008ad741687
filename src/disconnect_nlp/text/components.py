"""spaCy factories: ``disconnect_sentences``, ``disconnect_matcher``, ``disconnect_assertion``.

They are advertised as entry points, so ``nlp.add_pipe("disconnect_matcher")`` works without an import.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from disconnect_nlp.text.assertion import Assertion
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon, read_lexicon
from disconnect_nlp.text.matcher import LexiconMatcher, Match
from disconnect_nlp.text.sentences import set_sentence_starts

SPANS_KEY = "disconnect"

_KEY = "disconnect_matches"  # in doc.user_data, as plain values: a Doc must stay serialisable


def _get(doc: Doc) -> tuple[Match, ...]:
    rows = (dict(row) for row in doc.user_data.get(_KEY, ()))
    return tuple(Match(**{**row, "cue": tuple(row["cue"]) if row["cue"] else None}) for row in rows)


def _set(doc: Doc, matches: Iterable[Match]) -> None:
    doc.user_data[_KEY] = [asdict(match) for match in matches]


if not Doc.has_extension("disconnect_matches"):
    Doc.set_extension("disconnect_matches", getter=_get, setter=_set)


def blank_pipeline() -> Language:
    """Return the default preprocessing: spaCy's English tokenizer and our sentence boundaries.

    Examples
    --------
    >>> doc = blank_pipeline()("Long day. Nobody rang")
    >>> [sentence.text for sentence in doc.sents]
    ['Long day.', 'Nobody rang']
    """
    nlp = spacy.blank("en")
    nlp.max_length = 10**9  # the limit protects parsers; the tokenizer is linear
    nlp.add_pipe("disconnect_sentences")
    return nlp


@Language.factory("disconnect_sentences", assigns=["token.is_sent_start", "doc.sents"])
def make_sentences(nlp: Language, name: str) -> SentencesComponent:
    """Create the component that marks sentence boundaries."""
    return SentencesComponent()


class SentencesComponent:
    """Marks sentence boundaries; leaves those of another component alone."""

    def __call__(self, doc: Doc) -> Doc:
        """Mark sentence starts on ``doc``; return it."""
        return set_sentence_starts(doc)


@Language.factory(
    "disconnect_matcher",
    default_config={"entries": []},
    assigns=["doc._.disconnect_matches", "doc.spans"],
)
def make_matcher(nlp: Language, name: str, entries: list[str]) -> MatcherComponent:
    """Create the lexicon matcher; ``entries`` names further lexicon files."""
    base = load_lexicon()
    lexicon = read_lexicon(*(Path(path) for path in entries), base=base) if entries else base
    return MatcherComponent(nlp, lexicon)


class MatcherComponent:
    """Puts lexicon matches on ``doc._.disconnect_matches`` and ``doc.spans["disconnect"]``."""

    def __init__(self, nlp: Language, lexicon: Lexicon) -> None:
        self.matcher = LexiconMatcher(lexicon)

    def __call__(self, doc: Doc) -> Doc:
        """Find matches in ``doc``; return it."""
        store_matches(doc, self.matcher(set_sentence_starts(doc)))
        return doc


@Language.factory(
    "disconnect_assertion",
    requires=["doc._.disconnect_matches"],
    assigns=["doc._.disconnect_matches"],
)
def make_assertion(nlp: Language, name: str) -> AssertionComponent:
    """Create the component that decides the assertion status of every match."""
    return AssertionComponent(nlp)


class AssertionComponent:
    """Fills in status and cue of the matches on ``doc._.disconnect_matches``."""

    def __init__(self, nlp: Language) -> None:
        self.assertion = Assertion(nlp)

    def __call__(self, doc: Doc) -> Doc:
        """Decide the matches of ``doc``; return it."""
        store_matches(doc, self.assertion(doc, doc._.disconnect_matches))
        return doc


def store_matches(doc: Doc, matches: list[Match]) -> None:
    """Write matches to the Doc, as records and as a span group for displaCy and ``Span`` users."""
    doc._.disconnect_matches = tuple(matches)
    doc.spans[SPANS_KEY] = [_span(doc, match) for match in matches]


def _span(doc: Doc, match: Match) -> Span:
    arguments: dict[str, Any] = {"label": match.label, "span_id": match.entry}
    return Span(doc, match.start, match.end, **arguments)

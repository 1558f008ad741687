"""Assertion: is a match the writer's own, current, affirmed state? Decided by cues kept in ``resources/cues.toml``.

In the tradition of NegEx and ConText (Chapman et al. 2001; Harkema et al. 2009), with first-person text in mind:
who feels is read from the nearest subject before the match, and a match that holds a first-person word is the
writer's own. The words of a match never count as cues about itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from spacy.attrs import IS_SPACE, NORM, ORTH
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.strings import StringStore
from spacy.tokens import Doc

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.records import Status
from disconnect_nlp.text.matcher import Match

# The first status that applies wins: who speaks and who feels come before when and whether.
_PRIORITY: tuple[Status, ...] = ("quoted", "hypothetical", "other", "past", "negated", "generic")
_marks = StringStore()  # ids are hashes of strings, the same in every vocabulary
_OPENING, _CLOSING = frozenset(map(_marks.add, '"“„«‘')), frozenset(map(_marks.add, '"”“»’'))
_REPORT_REACH = 6  # tokens before an opening quotation mark in which "I said" is looked for


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CueRule(_Record):
    """One row of the cue file."""

    id: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    category: Literal["negated", "past", "other", "hypothetical", "generic", "pseudo"]
    direction: Literal["forward", "backward", "both"]
    scope: int = Field(ge=0, le=60)
    phrases: tuple[str, ...] = Field(min_length=1)
    sentences: int = Field(default=0, ge=0, le=2)
    subject: bool = False


class CueRules(_Record):
    """The whole cue file."""

    cues: tuple[CueRule, ...]
    terminators: tuple[str, ...]
    first_person: tuple[str, ...]
    reporting: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    rule: CueRule


def parse_cues(toml: str, *, place: str = "cues") -> CueRules:
    """Read and validate a cue file."""
    try:
        return CueRules.model_validate(tomllib.loads(toml))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise LexiconError(f"{place}: {error}") from error


@cache
def load_cues() -> CueRules:
    """Return the cues that come with the package."""
    source = files("disconnect_nlp") / "resources" / "cues.toml"
    return parse_cues(source.read_text(encoding="utf-8"), place="cues.toml")


class Assertion:
    """Gives every match of a Doc its status.

    Parameters
    ----------
    nlp
        Pipeline whose tokenizer makes the Docs.
    rules
        Cues, terminators and word lists; those of the package by default.
    """

    def __init__(self, nlp: Language, rules: CueRules | None = None) -> None:
        self.rules = rules or load_cues()
        self._phrases = PhraseMatcher(nlp.vocab, attr="NORM")
        self._by_key = {nlp.vocab.strings.add(rule.id): rule for rule in self.rules.cues}
        for rule in self.rules.cues:
            self._phrases.add(rule.id, [nlp.make_doc(phrase) for phrase in rule.phrases])
        self._terminators = self._ids(nlp, self.rules.terminators)
        self._first_person = self._ids(nlp, self.rules.first_person)
        self._reporting = self._ids(nlp, self.rules.reporting)

    @staticmethod
    def _ids(nlp: Language, words: Sequence[str]) -> frozenset[int]:
        return frozenset(nlp.vocab.strings.add(word) for word in words)

    def __call__(self, doc: Doc, matches: Sequence[Match]) -> list[Match]:
        """Return ``matches`` with ``status`` and ``cue`` filled in."""
        if not matches:
            return []
        norms: list[int] = doc.to_array([NORM]).tolist()
        cues = self._find(doc)
        quotations = _quotations(doc)
        return [self._assert(doc, match, norms, cues, quotations) for match in matches]

    def _find(self, doc: Doc) -> list[_Found]:
        """Cues of the Doc; a pseudo cue blocks the shorter cues that it overlaps."""
        found = [_Found(start, end, self._by_key[key]) for key, start, end in self._phrases(doc)]
        pseudo = [cue for cue in found if cue.rule.category == "pseudo"]
        return [
            cue
            for cue in found
            if cue.rule.category != "pseudo"
            and not any(_overlap(p, cue) and p.end - p.start >= cue.end - cue.start for p in pseudo)
        ]

    def _assert(
        self, doc: Doc, match: Match, norms: list[int], cues: list[_Found], quotations: list[tuple[int, int]]
    ) -> Match:
        deciding: dict[Status, _Found] = {}
        negations: list[_Found] = []
        for cue in cues:
            if (cue.start < match.end and match.start < cue.end) or not self._covers(doc, cue, match, norms):
                continue
            status: Status = cue.rule.category  # type: ignore[assignment]  # pseudo cues are gone
            if status == "negated":
                if any(_overlap(negation, cue) for negation in negations):
                    continue
                negations.append(cue)
            deciding[status] = cue
        if len(negations) % 2 == 0:  # none, or a double negation
            deciding.pop("negated", None)
        for start, end in quotations:
            if start < match.start and match.end <= end and not self._own_report(norms, start):
                return replace(match, status="quoted", cue=(start, start + 1, "quoted.marks"))
        for status in _PRIORITY:
            if status in deciding:
                cue = deciding[status]
                return replace(match, status=status, cue=(cue.start, cue.end, cue.rule.id))
        return match

    def _covers(self, doc: Doc, cue: _Found, match: Match, norms: list[int]) -> bool:
        if cue.end <= match.start:
            return (
                cue.rule.direction != "backward"
                and match.start - cue.end <= cue.rule.scope
                and not self._stopped(doc, cue, cue.end, match.start, norms)
                and not (cue.rule.subject and self._own(norms[match.start : match.end]))
            )
        return (
            cue.rule.direction != "forward"
            and cue.start - match.end <= cue.rule.scope
            and not self._stopped(doc, cue, match.end, cue.start, norms)
        )

    def _stopped(self, doc: Doc, cue: _Found, start: int, end: int, norms: list[int]) -> bool:
        """Whether a terminator, too many sentence ends or, for a subject, a first-person word lies between."""
        between = norms[start:end]
        if cue.rule.subject and self._own(between):
            return True
        if cue.rule.sentences == 0 and self._terminators.intersection(between):
            return True
        boundaries = sum(bool(doc[position].is_sent_start) for position in range(start, end + 1) if position < len(doc))
        if cue.end <= start and end < len(doc):
            return boundaries > 0
        return boundaries > cue.rule.sentences

    def _own(self, norms: Sequence[int]) -> bool:
        return not self._first_person.isdisjoint(norms)

    def _own_report(self, norms: list[int], quotation: int) -> bool:
        before = norms[max(0, quotation - _REPORT_REACH) : quotation]
        return self._own(before) and not self._reporting.isdisjoint(before)


def _overlap(a: _Found, b: _Found) -> bool:
    return a.start < b.end and b.start < a.end


def _opens(doc: Doc, position: int) -> bool:
    """Whether a mark stands where one opens: after a space and before a word. An inch mark does not."""
    before = position == 0 or bool(doc[position - 1].whitespace_) or doc[position - 1].is_punct
    return before and not doc[position].whitespace_


def _quotations(doc: Doc) -> list[tuple[int, int]]:
    """Token ranges (opening mark, closing mark) of passages in quotation marks, within a paragraph."""
    ranges: list[tuple[int, int]] = []
    opened: int | None = None
    for position, (orth, is_space) in enumerate(doc.to_array([ORTH, IS_SPACE]).tolist()):
        if opened is None:
            if orth in _OPENING and _opens(doc, position):
                opened = position
        elif orth in _CLOSING:
            ranges.append((opened, position))
            opened = None
        elif is_space and "\n" in doc[position].text:
            opened = None
    return ranges

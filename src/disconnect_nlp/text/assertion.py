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

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from spacy.language import Language
from spacy.tokens import Doc

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.records import Status
from disconnect_nlp.text.matcher import Match
from disconnect_nlp.text.phrases import PhraseFinder, Phrases
from disconnect_nlp.text.quotations import quotations
from disconnect_nlp.text.ragged import Array, running, spread
from disconnect_nlp.text.tokens import Tokens, Words, tokens_of

# The first status that applies wins: who speaks and who feels come before when and whether.
_PRIORITY: tuple[Status, ...] = ("quoted", "hypothetical", "other", "past", "negated", "generic")
STATUSES: tuple[Status, ...] = ("affirmed", *_PRIORITY)  # the numbers of statuses in arrays
_QUOTED, _NEGATED = STATUSES.index("quoted"), STATUSES.index("negated")
_QUOTATION_MARKS = "quoted.marks"
_SLICE = 1 << 17  # tokens decided on at a time: the cues around each take some hundred bytes
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


@dataclass(frozen=True)
class Verdicts:
    """Status of every match, and the cue that decided it.

    Attributes
    ----------
    status
        Number in ``STATUSES``.
    start, end
        Tokens of the cue.
    rule
        Number of the cue's rule; -1 without a cue.
    """

    status: Array
    start: Array
    end: Array
    rule: Array


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
    """Gives every match its status.

    Parameters
    ----------
    nlp
        Pipeline whose tokenizer splits the phrases of the rules.
    rules
        Cues, terminators and word lists; those of the package by default.
    """

    def __init__(self, nlp: Language, rules: CueRules | None = None) -> None:
        self.rules = rules or load_cues()
        cues = self.rules.cues
        phrases = [
            ([token.norm_ for token in nlp.make_doc(phrase)], number)
            for number, rule in enumerate(cues)
            for phrase in rule.phrases
        ]
        lists = (self.rules.terminators, self.rules.first_person, self.rules.reporting)
        self._words = Words([*(word for norms, _ in phrases for word in norms), *(w for words in lists for w in words)])
        self._cues = PhraseFinder(phrases, self._words)
        self._terminator, self._first_person, self._reporting = map(self._flags, lists)
        self.rule_ids = (*(rule.id for rule in cues), _QUOTATION_MARKS)
        self._pseudo = np.array([rule.category == "pseudo" for rule in cues])
        self._status = np.array([0 if rule.category == "pseudo" else STATUSES.index(rule.category) for rule in cues])
        self._forward = np.array([rule.direction != "backward" for rule in cues])
        self._backward = np.array([rule.direction != "forward" for rule in cues])
        self._scope = np.array([rule.scope for rule in cues])
        self._sentences = np.array([rule.sentences for rule in cues])
        self._subject = np.array([rule.subject for rule in cues])
        self._reach = int(self._scope.max(initial=0)) + max((len(norms) for norms, _ in phrases), default=0)

    def _flags(self, words: Sequence[str]) -> Array:
        flags = np.zeros(len(self._words) + 1, dtype=bool)
        flags[list(self._words.codes_of(words))] = True
        return flags

    def __call__(self, doc: Doc, matches: Sequence[Match]) -> list[Match]:
        """Return the matches of a Doc with ``status`` and ``cue`` filled in."""
        start, end = (np.array([getattr(m, part) for m in matches], dtype=np.int64) for part in ("start", "end"))
        return self.named(matches, self.decide(tokens_of([doc]), start, end))

    def named(self, matches: Sequence[Match], verdicts: Verdicts) -> list[Match]:
        """Return ``matches`` with their verdicts as names."""
        columns = (verdicts.status, verdicts.start, verdicts.end, verdicts.rule)
        rows = zip(matches, *(column.tolist() for column in columns), strict=True)
        return [
            replace(match, status=STATUSES[status], cue=(start, end, self.rule_ids[rule]) if rule >= 0 else None)
            for match, status, start, end, rule in rows
        ]

    def status_of_tokens(self, tokens: Tokens) -> Array:
        """Return the number in ``STATUSES`` that a match on each token alone would have, shape ``(n_tokens,)``."""
        status = np.empty(len(tokens), dtype=np.uint64)
        for first in range(0, len(tokens), _SLICE):
            places = np.arange(first, min(first + _SLICE, len(tokens)))
            status[places] = self.decide(tokens, places, places + 1).status
        return status

    def decide(self, tokens: Tokens, start: Array, end: Array) -> Verdicts:
        """Return the verdicts on matches from ``start`` to ``end``, given in order of position."""
        counts = _Counts(self, tokens)
        touched = np.zeros(len(tokens.texts), dtype=bool)
        touched[tokens.text_of(start)] = True
        cues = self._unblocked(self._cues.find(tokens, touched))
        match, cue = self._pairs(tokens, cues, start, end)
        covers = self._covers(counts, cues[cue], start[match], end[match])
        match, cue = match[covers], cue[covers]
        deciding = np.full((len(start), len(STATUSES)), -1)
        status = self._status[cues.owner[cue]]
        plain = status != _NEGATED
        deciding[match[plain], status[plain]] = cue[plain]  # of several the last
        _negate(deciding, cues, match[~plain], cue[~plain])
        quoted = self._quoted(counts, tokens, touched, start, end)
        return self._verdicts(deciding, cues, quoted)

    def _unblocked(self, found: Phrases) -> Phrases:
        """All cues but the pseudo cues and those that overlap a pseudo cue of at least their length."""
        pseudo = self._pseudo[found.owner]
        cues, blocks = found[~pseudo], found[pseudo]
        first = np.searchsorted(blocks.start, cues.start - self._reach)
        which, rank = spread(np.searchsorted(blocks.start, cues.end) - first)
        block = first[which] + rank
        longer = blocks.end[block] - blocks.start[block] >= cues.end[which] - cues.start[which]
        blocked = np.zeros(len(cues), dtype=bool)
        blocked[which[(blocks.end[block] > cues.start[which]) & longer]] = True
        return cues[~blocked]

    def _pairs(self, tokens: Tokens, cues: Phrases, start: Array, end: Array) -> tuple[Array, Array]:
        """Numbers of every match and every cue of its text within the widest scope of it."""
        text = tokens.text_of(start)
        low = np.maximum(start - self._reach, tokens.bounds[text])
        high = np.minimum(end + self._reach, tokens.bounds[text + 1])
        first = np.searchsorted(cues.start, low)
        match, rank = spread(np.searchsorted(cues.start, high) - first)
        return match, first[match] + rank

    def _covers(self, counts: _Counts, cues: Phrases, start: Array, end: Array) -> Array:
        """Whether each match, from ``start`` to ``end``, lies in the scope of its cue."""
        rule = cues.owner
        before, after = cues.end <= start, cues.start >= end
        low, high = np.where(before, cues.end, end), np.where(before, start, cues.start)
        apart = before | after
        low, high = np.where(apart, low, 0), np.where(apart, high, 0)
        subject = self._subject[rule]
        own = counts.first_person[high] > counts.first_person[low]
        own_match = counts.first_person[end] > counts.first_person[start]
        stopped = (self._sentences[rule] == 0) & (counts.terminator[high] > counts.terminator[low])
        crossed = counts.sentence[high + 1] - counts.sentence[low]
        covers: Array = (
            np.where(before, self._forward[rule], self._backward[rule])
            & apart
            & (high - low <= self._scope[rule])
            & ~(subject & (own | (before & own_match)))
            & ~stopped
            & (crossed <= np.where(before, 0, self._sentences[rule]))
        )
        return covers

    def _quoted(self, counts: _Counts, tokens: Tokens, texts: Array, start: Array, end: Array) -> Array:
        """Return the opening mark of the quotation of others' words that holds each match, -1 for none."""
        opening, closing = quotations(tokens, texts)
        before = np.maximum(opening - _REPORT_REACH, tokens.bounds[tokens.text_of(opening)])
        own = (counts.first_person[opening] > counts.first_person[before]) & (
            counts.reporting[opening] > counts.reporting[before]
        )
        opening, closing = opening[~own], closing[~own]
        place = np.searchsorted(opening, start) - 1  # quotations do not overlap: only the last before it can hold it
        if not len(opening):
            return np.full(len(start), -1)
        inside = (place >= 0) & (end <= closing[place])
        return np.where(inside, opening[place], -1)

    def _verdicts(self, deciding: Array, cues: Phrases, quoted: Array) -> Verdicts:
        decided = deciding >= 0
        decided[:, _QUOTED] = quoted >= 0
        decided[:, 0] = ~decided.any(axis=1)
        status = decided[:, [*range(1, len(STATUSES)), 0]].argmax(axis=1)
        status = (status + 1) % len(STATUSES)
        cue = deciding[np.arange(len(status)), status]
        none = np.full(len(status), -1)
        by_mark = status == _QUOTED
        start, end, rule = (
            np.where(cue >= 0, part[cue], none) if len(part) else none for part in (cues.start, cues.end, cues.owner)
        )
        return Verdicts(
            status,
            np.where(by_mark, quoted, start),
            np.where(by_mark, quoted + 1, end),
            np.where(by_mark, len(self.rule_ids) - 1, rule),
        )


class _Counts:
    """How many terminators, first-person words, reporting verbs and sentence starts stand before each token."""

    def __init__(self, assertion: Assertion, tokens: Tokens) -> None:
        codes = tokens.codes(assertion._words)
        self.terminator = running(assertion._terminator[codes])
        self.first_person = running(assertion._first_person[codes])
        self.reporting = running(assertion._reporting[codes])
        self.sentence = running(tokens.starts)


def _negate(deciding: Array, cues: Phrases, match: Array, cue: Array) -> None:
    """Let the last of an odd number of negations decide; cues that overlap count once, an even number cancels out."""
    single = np.bincount(match, minlength=len(deciding)) == 1
    alone = single[match]
    deciding[match[alone], _NEGATED] = cue[alone]
    reach: dict[int, int] = {}
    odd: dict[int, bool] = {}
    several = [part[~alone].tolist() for part in (match, cue, cues.start[cue], cues.end[cue])]
    for own, number, start, end in zip(*several, strict=True):
        if start >= reach.get(own, -1):
            odd[own] = not odd.get(own, False)
            deciding[own, _NEGATED] = number
            reach[own] = end
    deciding[[own for own, is_odd in odd.items() if not is_odd], _NEGATED] = -1

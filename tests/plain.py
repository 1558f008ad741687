"""The rules of matching and assertion, written plainly and slowly: what the fast code has to agree with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from spacy.language import Language
from spacy.matcher import Matcher, PhraseMatcher
from spacy.tokens import Doc

from disconnect_nlp.text.assertion import CueRule, CueRules
from disconnect_nlp.text.lexicon import Lexicon
from disconnect_nlp.text.pattern import Pattern, parse_pattern

Found = tuple[int, int, str]  # token start, token end, entry or rule id
ENDS, CLOSERS = {".", "!", "?", "…", "..", "...", "....", "....."}, {'"', "”", "’", "'", ")", "]", "»", "''"}


def sentence_starts(doc: Doc) -> list[int]:
    starts = {0} if len(doc) else set()
    for token in doc:
        if token.text in ENDS or (token.is_space and "\n" in token.text):
            after = token.i + 1
            while after < len(doc) and (doc[after].is_space or doc[after].text in CLOSERS | ENDS):
                after += 1
            starts |= {after} - {len(doc)}
    return sorted(starts)


def token_patterns(pattern: Pattern) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for element in pattern.elements:
        free = {"IS_PUNCT": False, "IS_SPACE": False}
        if element.words:
            row = {"NORM": {"IN": sorted(element.words)}}
            rows.append({**row, "OP": "?"} if element.optional else row)
        else:
            rows += [free] if element.gap == 1 else [{**free, "OP": "?"}] * element.gap
    return rows


def matches(nlp: Language, doc: Doc, lexicon: Lexicon) -> list[Found]:
    """spaCy's Matcher in every sentence; of overlapping matches for one label the longest, heaviest, first stays."""
    found: list[Found] = []
    starts = [*sentence_starts(doc), len(doc)]
    for entry in lexicon:
        for text in entry.patterns:
            matcher = Matcher(nlp.vocab)
            pattern = parse_pattern(text, lexicon.classes, place="test")
            matcher.add("entry", [token_patterns(pattern)], greedy="LONGEST")
            for start, end in pairwise(starts):
                found += [(start + a, start + b, entry.id) for _, a, b in matcher(doc[start:end])]
    entries = lexicon.entries
    kept: list[Found] = []
    for start, end, id_ in sorted(found, key=lambda f: (f[0] - f[1], -entries[f[2]].weight, f[0], f[2])):
        rivals = [k for k in kept if entries[k[2]].label == entries[id_].label]
        if all(end <= other_start or other_end <= start for other_start, other_end, _ in rivals):
            kept.append((start, end, id_))
    return sorted(kept, key=lambda f: (f[0], f[1], entries[f[2]].label))


class PlainAssertion:
    """Status of one match after the other."""

    def __init__(self, nlp: Language, rules: CueRules) -> None:
        self.rules = rules
        self.by_id = {rule.id: rule for rule in rules.cues}
        self.phrases = PhraseMatcher(nlp.vocab, attr="NORM")
        for rule in rules.cues:
            self.phrases.add(rule.id, [nlp.make_doc(phrase) for phrase in rule.phrases])

    def status(self, doc: Doc, start: int, end: int) -> tuple[str, Found | None]:
        norms = [token.norm_ for token in doc]
        for opening, closing in quotations(doc):
            said = norms[max(0, opening - 6) : opening]
            own = set(said) & set(self.rules.first_person) and set(said) & set(self.rules.reporting)
            if opening < start and end <= closing and not own:
                return "quoted", (opening, opening + 1, "quoted.marks")
        deciding: dict[str, Found] = {}
        negations: list[Found] = []
        for cue in self.cues(doc):
            rule = self.by_id[cue[2]]
            if not self.covers(doc, norms, cue, rule, start, end):
                continue
            if rule.category == "negated":
                if any(cue[0] < other[1] and other[0] < cue[1] for other in negations):
                    continue
                negations.append(cue)
            deciding[rule.category] = cue
        if len(negations) % 2 == 0:
            deciding.pop("negated", None)
        for status in ("hypothetical", "other", "past", "negated", "generic"):
            if status in deciding:
                return status, deciding[status]
        return "affirmed", None

    def cues(self, doc: Doc) -> list[Found]:
        order = [rule.id for rule in self.rules.cues]
        found = [(start, end, doc.vocab.strings[key]) for key, start, end in self.phrases(doc)]
        pseudo = [cue for cue in found if self.by_id[cue[2]].category == "pseudo"]
        return sorted(
            (
                cue
                for cue in found
                if cue not in pseudo
                and not any(p[0] < cue[1] and cue[0] < p[1] and p[1] - p[0] >= cue[1] - cue[0] for p in pseudo)
            ),
            key=lambda cue: (cue[0], cue[1], order.index(cue[2])),
        )

    def covers(self, doc: Doc, norms: list[str], cue: Found, rule: CueRule, start: int, end: int) -> bool:
        first_person = set(self.rules.first_person)
        if cue[1] <= start:
            low, high, right_side = cue[1], start, rule.direction != "backward"
            if rule.subject and first_person & set(norms[start:end]):
                return False
        elif cue[0] >= end:
            low, high, right_side = end, cue[0], rule.direction != "forward"
        else:
            return False
        between = set(norms[low:high])
        crossed = sum(bool(doc[i].is_sent_start) for i in range(low, high + 1))
        return (
            right_side
            and high - low <= rule.scope
            and not (rule.subject and first_person & between)
            and not (rule.sentences == 0 and between & set(self.rules.terminators))
            and crossed <= (0 if cue[1] <= start else rule.sentences)
        )


def quotations(doc: Doc) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    opened: int | None = None
    for token in doc:
        if opened is None:
            free = token.i == 0 or doc[token.i - 1].whitespace_ or doc[token.i - 1].is_punct
            if token.text in '"“„«‘' and free and not token.whitespace_:
                opened = token.i
        elif token.text in '"”“»’':
            ranges.append((opened, token.i))
            opened = None
        elif token.is_space and "\n" in token.text:
            opened = None
    return ranges


def heaviest_run(values: Sequence[float]) -> float:
    return max(sum(values[a:b]) for a in range(len(values)) for b in range(a + 1, len(values) + 1))

"""Finds lexicon entries in Docs: first a cheap look for each entry's rarest word, then the full pattern there.

spaCy's ``Matcher`` with gapped patterns costs many times the tokenizer, so it only sees sentences in which every
required word of an entry occurs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from spacy.attrs import NORM, SENT_START
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from disconnect_nlp.records import Status
from disconnect_nlp.text.lexicon import Entry, Lexicon
from disconnect_nlp.text.pattern import Pattern, parse_pattern


@dataclass(frozen=True, slots=True)
class Match:
    """A lexicon entry found in a Doc, in token offsets (half-open)."""

    start: int
    end: int
    label: str
    entry: str
    weight: float
    status: Status = "affirmed"
    cue: tuple[int, int, str] | None = field(default=None)
    """Token start, token end and id of the cue that decided the status."""


class LexiconMatcher:
    """Finds all entries of a lexicon in Docs that share its vocabulary.

    Parameters
    ----------
    vocab
        Vocabulary of the Docs to come.
    lexicon
        What to look for.
    """

    def __init__(self, vocab: Vocab, lexicon: Lexicon) -> None:
        self.vocab = vocab
        self.lexicon = lexicon
        self._compiled: list[tuple[Entry, list[frozenset[int]], Matcher]] = []
        by_anchor: dict[int, list[int]] = defaultdict(list)
        for entry in lexicon:
            for text in entry.patterns:
                pattern = parse_pattern(text, lexicon.classes, place=f"lexicon entry {entry.id}")
                for word in pattern.anchor.words:
                    by_anchor[vocab.strings.add(word)].append(len(self._compiled))
                self._compiled.append((entry, self._required(pattern), self._matcher(pattern)))
        self._by_anchor = dict(by_anchor)

    def __call__(self, doc: Doc) -> list[Match]:
        """Return matches in order of position; of overlapping matches for one label the longest stays."""
        norms: list[int] = doc.to_array([NORM]).tolist()
        hits = [position for position, norm in enumerate(norms) if norm in self._by_anchor]
        if not hits:
            return []
        matches: list[Match] = []
        for start, end, anchors in _by_sentence(doc, norms, hits):
            matches += self._in_sentence(doc, start, end, set(norms[start:end]), anchors)
        return _longest(matches)

    def _in_sentence(self, doc: Doc, start: int, end: int, words: set[int], anchors: set[int]) -> list[Match]:
        candidates = {index for anchor in anchors for index in self._by_anchor[anchor]}
        found = []
        for index in candidates:
            entry, required, matcher = self._compiled[index]
            for norm_ids in required:
                if words.isdisjoint(norm_ids):
                    break
            else:
                found += [
                    Match(start + first, start + last, entry.label, entry.id, entry.weight)
                    for _, first, last in matcher(doc[start:end])
                ]
        return found

    def _required(self, pattern: Pattern) -> list[frozenset[int]]:
        return [
            frozenset(self.vocab.strings.add(word) for word in element.words)
            for element in pattern.elements
            if element.required
        ]

    def _matcher(self, pattern: Pattern) -> Matcher:
        matcher = Matcher(self.vocab, validate=False)
        matcher.add("entry", [pattern.token_patterns()], greedy="LONGEST")
        return matcher


def _by_sentence(doc: Doc, norms: list[int], hits: list[int]) -> list[tuple[int, int, set[int]]]:
    """Token range of each sentence with hits, and the norms that were hit."""
    starts = np.flatnonzero(doc.to_array([SENT_START]).astype(np.int64) == 1).tolist()
    bounds = [*starts, len(doc)] if starts and starts[0] == 0 else [0, *starts, len(doc)]
    anchors: dict[int, set[int]] = defaultdict(set)
    for hit in hits:
        anchors[bisect_right(bounds, hit) - 1].add(norms[hit])
    return [(bounds[number], bounds[number + 1], words) for number, words in anchors.items()]


def _longest(matches: list[Match]) -> list[Match]:
    kept: list[Match] = []
    for match in sorted(matches, key=lambda m: (m.start - m.end, -m.weight, m.start, m.entry)):
        if not any(k.label == match.label and k.start < match.end and match.start < k.end for k in kept):
            kept.append(match)
    return sorted(kept, key=lambda m: (m.start, m.end, m.label))

"""Finds lexicon entries in the sentences of a batch.

What it finds is what spaCy's ``Matcher`` finds with ``greedy="LONGEST"``; that one costs many times the tokenizer for
patterns with gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.records import Status
from disconnect_nlp.text.compiled import CompiledPatterns
from disconnect_nlp.text.lexicon import Lexicon
from disconnect_nlp.text.overlap import choose
from disconnect_nlp.text.pattern import parse_pattern
from disconnect_nlp.text.ragged import Array
from disconnect_nlp.text.search import search
from disconnect_nlp.text.tokens import Tokens, tokens_of


@dataclass(frozen=True, slots=True)
class Match:
    """A lexicon entry found in a Doc, in token offsets (half-open)."""

    start: int
    end: int
    label: str
    entry: str
    weight: float
    status: Status = "affirmed"
    cue: tuple[int, int, str] | None = None
    """Token start, token end and id of the cue that decided the status."""


@dataclass(frozen=True)
class Spans:
    """Entries found in a batch: number of the entry, first token, end token; in order of position."""

    entry: Array
    start: Array
    end: Array


class LexiconMatcher:
    """Finds all entries of a lexicon.

    Parameters
    ----------
    lexicon
        What to look for.

    Attributes
    ----------
    entries
        The entries by number.
    """

    def __init__(self, lexicon: Lexicon) -> None:
        self.entries = tuple(lexicon)
        owners = [(number, text) for number, entry in enumerate(self.entries) for text in entry.patterns]
        places = [f"lexicon entry {self.entries[number].id}" for number, _ in owners]
        parsed = [
            parse_pattern(text, lexicon.classes, place=place) for (_, text), place in zip(owners, places, strict=True)
        ]
        self._patterns = CompiledPatterns(parsed, places)
        self._entry_of = np.array([number for number, _ in owners], dtype=np.int64)
        self._weight = np.array([entry.weight for entry in self.entries])
        self._label = _ranks([entry.label for entry in self.entries])
        self._id = _ranks([entry.id for entry in self.entries])

    def __call__(self, doc: Doc) -> list[Match]:
        """Return matches in order of position; of overlapping matches for one label the longest stays."""
        found = self.find(tokens_of([doc]))
        return [
            Match(start, end, entry.label, entry.id, entry.weight)
            for number, start, end in zip(found.entry.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
            for entry in [self.entries[number]]
        ]

    def find(self, tokens: Tokens) -> Spans:
        """Return the matches in all texts; of overlapping matches for one label the longest stays."""
        pattern, start, end = search(self._patterns, tokens)
        kept = choose(pattern, start, end, [start - end, start])  # of one pattern, as spaCy does
        entry, start, end = self._entry_of[pattern[kept]], start[kept], end[kept]
        label = self._label[entry]
        kept = choose(label, start, end, [start - end, -self._weight[entry], start, self._id[entry]])
        kept = kept[np.lexsort((label[kept], end[kept], start[kept]))]
        return Spans(entry[kept], start[kept], end[kept])


def _ranks(names: Sequence[str]) -> Array:
    """Return the place of each name in their order."""
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]

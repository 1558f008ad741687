"""Evidence: which stretches of a text carry a label, from lexicon matches and from the linear model itself."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.records import Cue, Evidence
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.matcher import Match

_MIN_WEIGHT = 0.35  # log-odds below which a phrase is not worth showing
_MIN_SHARE = 0.3  # of the strongest phrase of the same label and window
_MAX_PHRASES = 3


def match_evidence(doc: Doc, match: Match) -> Evidence:
    """Return a match in character offsets of its text."""
    span = doc[match.start : match.end]
    cue = None
    if match.cue is not None:
        start, end, cue_id = match.cue
        words = doc[start:end]
        cue = Cue(words.start_char, words.end_char, words.text, cue_id)
    return Evidence(
        start=span.start_char,
        end=span.end_char,
        quote=span.text,
        label=match.label,
        weight=match.weight,
        source=f"lexicon:{match.entry}",
        status=match.status,
        counts=match.status in load_taxonomy().counting[match.label],
        cue=cue,
    )


def model_evidence(doc: Doc, start: int, contributions: np.ndarray, labels: Sequence[str]) -> list[Evidence]:
    """Return the heaviest phrases of one window for each label.

    A phrase is the run of tokens within a sentence with the greatest sum (Kadane); at most three a label, from
    different sentences.

    Parameters
    ----------
    start
        First token of the window.
    contributions
        Log-odds by token, shape ``(n_tokens, n_labels)``.
    labels
        The label of each column.
    """
    bounds = _sentence_bounds(doc, start, start + len(contributions))
    found: list[Evidence] = []
    for column, label in enumerate(labels):
        runs = [heaviest_run(contributions[a - start : b - start, column]) for a, b in bounds]
        phrases = sorted(
            ((weight, a + first, a + last) for (weight, first, last), (a, _) in zip(runs, bounds, strict=True)),
            reverse=True,
        )
        found += [
            _phrase(doc, label, weight, first, last)
            for weight, first, last in phrases[:_MAX_PHRASES]
            if weight >= max(_MIN_WEIGHT, _MIN_SHARE * phrases[0][0])
        ]
    return found


def heaviest_run(values: np.ndarray) -> tuple[float, int, int]:
    """Return the greatest sum of a run of ``values`` and its half-open range.

    Examples
    --------
    >>> heaviest_run(np.array([1.0, -3.0, 2.0, -0.5, 2.0]))
    (3.5, 2, 5)
    """
    best, best_range, total, begin = -np.inf, (0, 0), 0.0, 0
    for position, value in enumerate(values.tolist()):
        if total <= 0:
            total, begin = 0.0, position
        total += value
        if total > best:
            best, best_range = total, (begin, position + 1)
    return (best, *best_range)


def _sentence_bounds(doc: Doc, start: int, end: int) -> list[tuple[int, int]]:
    inner = [token.i for token in doc[start:end] if token.is_sent_start and token.i > start]
    cuts = [start, *inner, end]
    return list(pairwise(cuts))


def _phrase(doc: Doc, label: str, weight: float, first: int, last: int) -> Evidence:
    while first < last - 1 and (doc[first].is_punct or doc[first].is_space):
        first += 1
    while last > first + 1 and (doc[last - 1].is_punct or doc[last - 1].is_space):
        last -= 1
    span = doc[first:last]
    return Evidence(
        start=span.start_char, end=span.end_char, quote=span.text, label=label, weight=round(weight, 4), source="model"
    )

"""Evidence: which stretches of a text carry a label, from lexicon matches and from the linear model itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from disconnect_nlp.records import Cue, Evidence
from disconnect_nlp.text.assertion import STATUSES
from disconnect_nlp.text.ragged import Array, spread
from disconnect_nlp.text.tokens import PUNCT, SPACE, Tokens

if TYPE_CHECKING:
    from disconnect_nlp.labellers.lexical import Matches, MatchFinder

_MIN_WEIGHT = 0.35  # log-odds below which a phrase is not worth showing
_MIN_SHARE = 0.3  # of the strongest phrase of the same label and window
_MAX_PHRASES = 3
_INSIDE_A_WORD = re.compile(r"(?<=\w)(?=\w|['’]\w)|(?<=\w['’])(?=\w)")


def match_evidence(tokens: Tokens, finder: MatchFinder, matches: Matches, which: Array) -> list[Evidence]:
    """Return the matches numbered ``which`` in character offsets of their texts, widened to whole words.

    A match that does not count adds nothing, so it weighs nothing.
    """
    spans, verdicts = matches.spans, matches.verdicts
    columns = [part[which] for part in (spans.entry, spans.start, spans.end, matches.text, matches.counts)]
    columns += [part[which] for part in (verdicts.status, verdicts.start, verdicts.end, verdicts.rule)]
    found = []
    for entry, start, end, text, counts, status, cue_start, cue_end, rule in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        own = finder.matcher.entries[entry]
        cue = None
        if rule >= 0:
            cue = Cue(*_stretch(tokens, text, cue_start, cue_end), finder.assertion.rule_ids[rule])
        first, last, quote = _stretch(tokens, text, start, end)
        found.append(
            Evidence(
                start=first,
                end=last,
                quote=quote,
                label=own.label,
                weight=own.weight if counts else 0.0,
                source=f"lexicon:{own.id}",
                status=STATUSES[status],
                counts=counts,
                cue=cue,
            )
        )
    return found


def model_evidence(
    tokens: Tokens, positions: Array, contributions: Array, pair: Array, text: Array, labels: Sequence[str]
) -> tuple[Array, list[Evidence]]:
    """Return the heaviest phrases of pairs of a window and a label, and the pair of each.

    A phrase is the run of words within a sentence with the greatest sum (Kadane); at most three a pair, from different
    sentences. A word is what stands between white space, so that nothing is cut in two.

    Parameters
    ----------
    positions
        Tokens of the window of each pair, pair by pair.
    contributions
        Log-odds by token, same shape.
    pair
        Number of the pair, same shape.
    text, labels
        Text and label of each pair.
    """
    fresh = tokens.starts[positions] | (np.diff(pair, prepend=-1) > 0)
    words = np.flatnonzero(fresh | starts_word(tokens, positions))
    word_ends = np.append(words[1:], len(positions))
    first = np.flatnonzero(fresh[words])
    sums = np.add.reduceat(contributions, words) if len(words) else contributions
    weight, begin, end = heaviest_runs(sums, first, np.diff(first, append=len(words)))
    own = pair[words[first]]
    order = np.lexsort((-begin, -weight, own))
    own, weight, begin, end = own[order], weight[order], begin[order], end[order]
    counts = np.bincount(own, minlength=len(labels))
    rank = spread(counts)[1]
    best = np.repeat(weight[rank == 0], counts[counts > 0])
    kept = np.flatnonzero((rank < _MAX_PHRASES) & (weight >= np.maximum(_MIN_WEIGHT, _MIN_SHARE * best)))
    own = own[kept]
    found = [
        _phrase(tokens, number, labels[of], value, first, last)
        for number, of, value, first, last in zip(
            text[own].tolist(),
            own.tolist(),
            weight[kept].tolist(),
            positions[words[begin[kept]]].tolist(),
            (positions[word_ends[end[kept] - 1] - 1] + 1).tolist(),
            strict=True,
        )
    ]
    return own, found


def starts_word(tokens: Tokens, positions: Array) -> Array:
    """Return whether white space stands before each token, or it is white space itself, same shape as ``positions``.

    What it says of the first token of a text means nothing.
    """
    blank = (tokens.marks & SPACE) > 0
    starts: Array = tokens.spaced[positions - 1] | blank[positions - 1] | blank[positions]
    return starts


def trimmed(tokens: Tokens, first: int, last: int) -> tuple[int, int]:
    """Return a token range without punctuation and white space at its ends, at least one token of it."""
    while first < last - 1 and tokens.marks[first] & (PUNCT | SPACE):
        first += 1
    while last > first + 1 and tokens.marks[last - 1] & (PUNCT | SPACE):
        last -= 1
    return first, last


def heaviest_runs(values: Array, first: Array, lengths: Array) -> tuple[Array, Array, Array]:
    """Return for each stretch of ``values`` the greatest sum of a run in it, and the run's half-open range.

    All stretches are walked at once, the longest first, one value of each a step.

    Examples
    --------
    >>> values = np.array([1.0, -3.0, 2.0, -0.5, 2.0, -1.0, -2.0])
    >>> [part.tolist() for part in heaviest_runs(values, np.array([0, 5]), np.array([5, 2]))]
    [[3.5, -1.0], [2, 5], [5, 6]]
    """
    order = np.argsort(-lengths, kind="stable")
    start, shorter = first[order], -lengths[order]
    total, begin = np.zeros(len(order)), start.copy()
    best, best_begin, best_end = np.full(len(order), -np.inf), start.copy(), start.copy()
    for step in range(int(lengths.max(initial=0))):
        live = slice(0, int(np.searchsorted(shorter, -step)))  # those longer than ``step``
        fresh = total[live] <= 0
        begin[live] = np.where(fresh, start[live] + step, begin[live])
        total[live] = np.where(fresh, 0, total[live]) + values[start[live] + step]
        better = total[live] > best[live]
        best[live] = np.where(better, total[live], best[live])
        best_begin[live] = np.where(better, begin[live], best_begin[live])
        best_end[live] = np.where(better, start[live] + step + 1, best_end[live])
    back = np.argsort(order)
    return best[back], best_begin[back], best_end[back]


def grouped(text: Array, found: Sequence[Evidence], n_texts: int) -> list[list[Evidence]]:
    """Return the evidence of each text, in the order given."""
    groups: list[list[Evidence]] = [[] for _ in range(n_texts)]
    for number, item in zip(text.tolist(), found, strict=True):
        groups[number].append(item)
    return groups


def _stretch(tokens: Tokens, text: int, start: int, end: int) -> tuple[int, int, str]:
    """Character offsets and quote of the whole words that tokens stand in: "didn't" is two tokens and one word."""
    words = tokens.texts[text]
    first, last = int(tokens.begins[start]), int(tokens.ends[end - 1])
    while _INSIDE_A_WORD.match(words, first):
        first -= 1
    while _INSIDE_A_WORD.match(words, last):
        last += 1
    return first, last, words[first:last]


def _phrase(tokens: Tokens, text: int, label: str, weight: float, first: int, last: int) -> Evidence:
    start, end, quote = _stretch(tokens, text, *trimmed(tokens, first, last))
    return Evidence(start=start, end=end, quote=quote, label=label, weight=round(weight, 4), source="model")

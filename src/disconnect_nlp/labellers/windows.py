"""Long texts are read in windows of whole sentences, so that nothing is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.text.ragged import Array, spread
from disconnect_nlp.text.tokens import Tokens, tokens_of

# The corpus unit is a passage of up to about 110 words, which is about 130 tokens with punctuation.
WINDOW_TOKENS = 130
Window = tuple[Doc, int, int]  # a Doc and a token range in it


@dataclass(frozen=True, eq=False)
class Windows:
    """Stretches of a batch of texts that do not overlap, in order: first token, end token."""

    tokens: Tokens
    first: Array
    last: Array

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, which: Array | slice) -> Windows:
        return Windows(self.tokens, self.first[which], self.last[which])

    @property
    def sizes(self) -> Array:
        """Number of tokens of each window."""
        sizes: Array = self.last - self.first
        return sizes

    @property
    def positions(self) -> Array:
        """Number of every token that lies in a window, window by window."""
        owner, rank = spread(self.sizes)
        positions: Array = self.first[owner] + rank
        return positions

    def holding(self, start: Array, end: Array) -> Array:
        """Return the number of the window that holds each span whole, -1 for none."""
        if not len(self):
            return np.full(len(start), -1)
        place = np.searchsorted(self.first, start, side="right") - 1
        return np.where((place >= 0) & (end <= self.last[place]), place, -1)


def windows_of(tokens: Tokens) -> tuple[Windows, Array]:
    """Return the windows of all texts, and the text of each."""
    sizes = np.diff(tokens.bounds)
    long = sizes > WINDOW_TOKENS
    short = np.flatnonzero(~long)
    parts = [(tokens.bounds[short], tokens.bounds[short + 1], short)]
    for text in np.flatnonzero(long).tolist():
        begin, end = tokens.bounds[text : text + 2].tolist()
        found = np.array(_pack(np.flatnonzero(tokens.starts[begin:end]).tolist(), end - begin, WINDOW_TOKENS))
        parts.append((begin + found[:, 0], begin + found[:, 1], np.full(len(found), text)))
    first, last, owner = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.lexsort((first, owner))
    return Windows(tokens, first[order], last[order]), owner[order]


def windows_in_docs(windows: Sequence[Window]) -> Windows:
    """Return token ranges of Docs as windows of one batch."""
    docs: list[Doc] = []
    numbers: list[int] = []
    reached = 0
    for doc, start, end in windows:
        if not docs or docs[-1] is not doc or start < reached:
            docs.append(doc)
        numbers.append(len(docs) - 1)
        reached = end
    tokens = tokens_of(docs)
    base = tokens.bounds[numbers] if numbers else np.empty(0, dtype=np.int64)
    first, last = (base + np.array([window[part] for window in windows], dtype=np.int64) for part in (1, 2))
    return Windows(tokens, first, last)


def split_windows(doc: Doc, *, size: int = WINDOW_TOKENS) -> list[tuple[int, int]]:
    """Return token ranges that cover ``doc``, each of whole sentences and at most ``size`` tokens.

    A single sentence longer than ``size`` is cut after ``size`` tokens. An empty Doc is one empty window.

    Examples
    --------
    >>> from disconnect_nlp.text.components import blank_pipeline
    >>> split_windows(blank_pipeline()("One two three. Four five. Six."), size=5)
    [(0, 4), (4, 9)]
    """
    return _pack(np.flatnonzero(tokens_of([doc]).starts).tolist(), len(doc), size)


def _pack(starts: Sequence[int], length: int, size: int) -> list[tuple[int, int]]:
    """Pack sentences, given by their first tokens, into windows."""
    if length <= size:
        return [(0, length)]
    windows: list[tuple[int, int]] = []
    begin = 0
    for previous, end in pairwise([*starts, length]):
        if end - begin > size and previous > begin:
            windows.append((begin, previous))
            begin = previous
        while end - begin > size:
            windows.append((begin, begin + size))
            begin += size
    if begin < length:
        windows.append((begin, length))
    return windows

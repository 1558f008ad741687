"""Long texts are read in windows of whole sentences, so that nothing is cut off."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from spacy.attrs import SENT_START
from spacy.tokens import Doc

# The corpus unit is a passage of up to about 110 words, which is about 130 tokens with punctuation.
WINDOW_TOKENS = 130


def split_windows(doc: Doc, *, size: int = WINDOW_TOKENS) -> list[tuple[int, int]]:
    """Return token ranges that cover ``doc``, each of whole sentences and at most ``size`` tokens.

    A single sentence longer than ``size`` is cut after ``size`` tokens. An empty Doc is one empty window.

    Examples
    --------
    >>> from disconnect_nlp.text.components import blank_pipeline
    >>> split_windows(blank_pipeline()("One two three. Four five. Six."), size=5)
    [(0, 4), (4, 9)]
    """
    if len(doc) <= size:
        return [(0, len(doc))]
    starts = np.flatnonzero(doc.to_array([SENT_START]).astype(np.int64) == 1).tolist()
    bounds = [*starts, len(doc)] if starts and starts[0] == 0 else [0, *starts, len(doc)]
    windows: list[tuple[int, int]] = []
    begin = 0
    for previous, end in pairwise(bounds):
        if end - begin > size and previous > begin:
            windows.append((begin, previous))
            begin = previous
        while end - begin > size:
            windows.append((begin, begin + size))
            begin += size
    if begin < len(doc):
        windows.append((begin, len(doc)))
    return windows

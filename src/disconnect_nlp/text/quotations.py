"""Passages in quotation marks, within a paragraph."""

from __future__ import annotations

import numpy as np

from disconnect_nlp.text.ragged import Array
from disconnect_nlp.text.tokens import BREAK, CLOSING, OPENING, PUNCT, Tokens


def quotations(tokens: Tokens, texts: Array) -> tuple[Array, Array]:
    """Return the tokens of opening and closing marks, in the texts for which ``texts`` is true."""
    wanted = np.repeat(texts, np.diff(tokens.bounds))
    event = np.flatnonzero(wanted & ((tokens.marks & (OPENING | CLOSING | BREAK)) > 0))
    opens = _opens(tokens, event) & ((tokens.marks[event] & OPENING) > 0)
    closes = (tokens.marks[event] & CLOSING) > 0
    found: list[tuple[int, int]] = []
    opened, opened_in = None, -1
    columns = (event, tokens.text_of(event), opens, closes)
    for position, text, may_open, may_close in zip(*(column.tolist() for column in columns), strict=True):
        if opened is None or opened_in != text:
            opened, opened_in = (position, text) if may_open else (None, -1)
        elif may_close:
            found.append((opened, position))
            opened = None
        elif tokens.marks[position] & BREAK:
            opened = None
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _opens(tokens: Tokens, position: Array) -> Array:
    """Whether a mark stands where one opens: after a space and before a word. An inch mark does not."""
    before = np.maximum(position - 1, 0)
    first = tokens.bounds[tokens.text_of(position)] == position
    free = first | tokens.spaced[before] | ((tokens.marks[before] & PUNCT) > 0)
    opens: Array = free & ~tokens.spaced[position]
    return opens

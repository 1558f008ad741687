"""Sentence boundaries for text as people write it: line breaks end a sentence too. No statistics.

Token ids are hashes of strings, so the sets below hold for every vocabulary.
"""

from __future__ import annotations

import numpy as np
from spacy.attrs import IS_SPACE, ORTH, SENT_START
from spacy.strings import StringStore
from spacy.tokens import Doc

_NO_START = np.uint64(2**64 - 1)  # -1, as spaCy stores it
_ids = StringStore()
_ENDS = frozenset(
    _ids.add(end) for end in (".", "!", "?", "…", "..", "...", "....", ".....", "。", "！", "？", "।", "؟")
)
_CLOSERS = frozenset(_ids.add(closer) for closer in ('"', "”", "’", "'", ")", "]", "»", "''"))


def set_sentence_starts(doc: Doc) -> Doc:
    """Mark sentence starts on ``doc`` unless a component before has done so; return it.

    A sentence ends after ``. ! ? …`` and any closing quotation marks or brackets, and at a line break. White space
    belongs to the sentence before it.
    """
    tokens = doc.to_array([ORTH, SENT_START, IS_SPACE])
    if not len(doc) or tokens[1:, 1].any():  # doc.has_annotation asks the same, token by token
        return doc
    orths: list[int] = tokens[:, 0].tolist()
    white_space = {i: "\n" in doc[i].text for i in np.flatnonzero(tokens[:, 2]).tolist()}
    starts = np.full((len(doc), 1), _NO_START, dtype=np.uint64)
    starts[[0, *_starts(orths, white_space)]] = 1
    # Token by token, spaCy would look through the whole Doc for a parse each time.
    doc.from_array([SENT_START], starts)  # type: ignore[arg-type]  # the stub knows signed arrays only
    return doc


def _starts(orths: list[int], white_space: dict[int, bool]) -> list[int]:
    """First tokens of all sentences but the first; ``white_space`` tells which tokens are, and which break the line."""
    ended = [position for position, orth in enumerate(orths) if orth in _ENDS]
    ended += [position for position, breaks in white_space.items() if breaks]
    starts = []
    for position in sorted(ended):
        after = position + 1
        while after < len(orths) and (after in white_space or orths[after] in _CLOSERS or orths[after] in _ENDS):
            after += 1
        if after < len(orths):
            starts.append(after)
    return starts

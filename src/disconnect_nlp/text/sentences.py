"""Sentence boundaries on spaCy Docs. The rule itself stands in ``tokens.sentence_starts``."""

from __future__ import annotations

import numpy as np
from spacy.attrs import SENT_START
from spacy.tokens import Doc

from disconnect_nlp.text.tokens import tokens_of

_NO_START = np.uint64(2**64 - 1)  # -1, as spaCy stores it


def set_sentence_starts(doc: Doc) -> Doc:
    """Mark sentence starts on ``doc`` unless a component before has done so; return it."""
    if not len(doc) or doc.to_array([SENT_START])[1:].any():  # doc.has_annotation asks the same, token by token
        return doc
    starts = np.where(tokens_of([doc]).starts, np.uint64(1), _NO_START).reshape(-1, 1)
    # Token by token, spaCy would look through the whole Doc for a parse each time.
    doc.from_array([SENT_START], starts)  # type: ignore[arg-type]  # the stub knows signed arrays only
    return doc

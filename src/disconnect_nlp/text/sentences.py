"""Sentence boundaries for text as people write it: line breaks end a sentence too. No statistics."""

from __future__ import annotations

import numpy as np
from spacy.attrs import IS_SPACE
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc

_ENDS = [".", "!", "?", "…", "...", "....", ".....", "。", "！", "？", "।", "؟"]
_sentencizer = Sentencizer(punct_chars=_ENDS)


def set_sentence_starts(doc: Doc) -> Doc:
    """Mark sentence starts on ``doc`` unless a component before has done so; return it.

    A sentence ends after ``. ! ? …`` and any closing quotation marks or brackets, and at a line break.
    """
    if not len(doc) or doc.has_annotation("SENT_START"):
        return doc
    _sentencizer(doc)
    for position in np.flatnonzero(doc.to_array([IS_SPACE])).tolist():
        started = bool(doc[position].is_sent_start) and position > 0
        if started:  # white space belongs to the sentence before it
            doc[position].is_sent_start = False
        if position + 1 < len(doc) and (started or "\n" in doc[position].text):
            doc[position + 1].is_sent_start = True
    return doc

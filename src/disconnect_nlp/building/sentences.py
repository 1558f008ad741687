"""Labels the sentences of passages with the encoder of the model ``accurate``, for ``default`` to learn from.

The passages carry the labels; the encoder only says in which of their sentences one stands, and where it is sure of
neither the sentence is left out. It was learned on most of the same passages: held-out scores of ``default`` come from
fits without the sentences of what is held out, but the encoder that labelled the others had seen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from disconnect_nlp.labellers.calibration import sigmoid
from disconnect_nlp.labellers.encoder import Array, SentenceEncoder, split_adapters
from disconnect_nlp.labellers.heads import LabelHeads
from disconnect_nlp.labellers.sentences import LabelledSentences
from disconnect_nlp.labellers.stacking import stacked
from disconnect_nlp.taxonomy import Taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.training import TrainingTexts

_CARRIES = 0.6
"""Probability from which a sentence carries a label of its passage."""
_NOT_IT = 0.1
"""Below it, a sentence of a passage with the label does not."""
_PLAIN = 0.05
"""Below it, a sentence of a passage without the label is taken as one more example of plain words."""
_PLAIN_SHARE = 0.3  # of those; all of them would outnumber the passages
_MIN_WORDS = 3


def label_sentences(
    texts: TrainingTexts,
    arrays: Mapping[str, Array],
    taxonomy: Taxonomy,
    encoder_folder: Path | None = None,
    *,
    seed: int = 0,
) -> LabelledSentences:
    """Return sentences of passages of several sentences, with the labels known that scores are mixed for.

    Parameters
    ----------
    arrays
        Adapters and heads as :func:`disconnect_nlp.building.adapters.learn` leaves them.
    seed
        Of the draw among sentences of passages without a label.
    """
    sentences, owner = split_sentences(texts)
    mixed = np.isin(np.arange(len(taxonomy.ids)), stacked(taxonomy))
    passage, known = texts.truth()[owner] > 0, (texts.observed[owner] > 0) & mixed
    drawn = np.random.default_rng(seed).random(len(owner)) < _PLAIN_SHARE
    asked = np.flatnonzero((passage & mixed).any(axis=1) | drawn)  # the encoder is slow: no others are read
    owner, passage, known, drawn = owner[asked], passage[asked], known[asked], drawn[asked]
    encoder = SentenceEncoder(encoder_folder, split_adapters(arrays))
    said = sigmoid(encoder.encode([sentences[row] for row in asked], LabelHeads.of(arrays)))
    carries = passage & (said > _CARRIES)
    does_not = np.where(passage, said < _NOT_IT, (said < _PLAIN) & drawn[:, None])
    observed = known & (carries | does_not)
    told = np.flatnonzero(observed.any(axis=1))
    return LabelledSentences(
        [sentences[row] for row in asked[told]],
        owner[told],
        carries[told].astype(np.int8),
        observed[told].astype(np.int8),
    )


def split_sentences(texts: TrainingTexts) -> tuple[list[str], Array]:
    """Return the sentences of three words and more of passages that have several such, and the row of each passage."""
    sentences: list[str] = []
    owner: list[int] = []
    for row, doc in enumerate(blank_pipeline().pipe(texts.texts)):
        own = [sentence.text.strip() for sentence in doc.sents]
        own = [sentence for sentence in own if len(sentence.split()) >= _MIN_WORDS]
        if len(own) > 1:
            sentences += own
            owner += [row] * len(own)
    return sentences, np.array(owner, dtype=int)

"""Fits the model ``accurate`` on learned adapters: the share of either reading, calibration and thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.encoder import Array, SentenceEncoder, split_adapters
from disconnect_nlp.labellers.ensemble import EncoderEnsemble
from disconnect_nlp.labellers.heads import LabelHeads
from disconnect_nlp.labellers.transfer import calibrate_for_use
from disconnect_nlp.training import TrainingTexts, held_out

_SHARES = np.linspace(0.3, 0.9, 7)
_FEW = 20
"""Held-out positives below which a label's calibration and thresholds stay those of the base."""


def fit_ensemble(
    base: DisconnectClassifier,
    texts: TrainingTexts,
    arrays: Mapping[str, Array],
    prevalence: Mapping[str, float],
    encoder_folder: Path | None = None,
) -> tuple[EncoderEnsemble, Array, Array]:
    """Return the model, held-out log-odds as they are for use, and the rows they belong to.

    Parameters
    ----------
    base
        Fitted on ``texts``, with its held-out scores.
    arrays
        Adapters and heads as :func:`disconnect_nlp.building.adapters.learn` leaves them.
    prevalence
        Share of texts expected to carry each label in use.
    """
    encoder = SentenceEncoder(encoder_folder, split_adapters(arrays))
    heads = LabelHeads.of(arrays)
    rows = np.flatnonzero(held_out(texts.groups))
    truth, observed = texts.truth()[rows], texts.observed[rows]
    read = encoder.encode([texts.texts[row] for row in rows], heads)
    known = base.held_out[rows]
    enough = (truth * observed).sum(axis=0) >= _FEW
    share = np.where(enough, _best_share(read, known, truth, observed, enough), 0.0)
    scores = share * read + (1 - share) * known
    expected = np.array([prevalence[label] for label in base.labels])
    # The gap is the base's: too few held-out public passages carry a label for another.
    use = calibrate_for_use(
        scores,
        truth,
        observed,
        expected,
        texts.real[rows],
        screened=base.taxonomy.screened,
        gap=base.for_use.gap,
    )
    model = EncoderEnsemble(
        base,
        encoder,
        heads=heads,
        share=share,
        calibration=Calibration(*_either(enough, use.calibration, base.calibration)),
        thresholds=Thresholds(*_either(enough, use.thresholds, base.thresholds)),
    )
    return model, use.scores, rows


def _either(chosen: Array, one: Calibration | Thresholds, other: Calibration | Thresholds) -> Iterator[Array]:
    """Yield every field of two records of arrays, label by label from ``one`` where chosen, else from ``other``."""
    for field in fields(one):
        yield np.where(chosen, getattr(one, field.name), getattr(other, field.name))


def _best_share(read: Array, known: Array, truth: Array, observed: Array, labels: Array) -> float:
    """Return the share of the encoder with the highest mean average precision on held-out authors."""

    def quality(share: float) -> float:
        scores = share * read + (1 - share) * known
        return float(
            np.mean(
                [
                    average_precision_score(truth[rows, label], scores[rows, label])
                    for label in np.flatnonzero(labels)
                    for rows in [observed[:, label] > 0]
                ]
            )
        )

    return float(max(_SHARES, key=quality))

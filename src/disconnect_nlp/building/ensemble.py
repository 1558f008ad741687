"""Fits the model ``accurate`` on learned adapters: the share of either reading, calibration and thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

from disconnect_nlp.labellers.calibration import Calibration, calibrate
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.encoder import Array, SentenceEncoder, split_adapters
from disconnect_nlp.labellers.ensemble import EncoderEnsemble
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
    """Return the model, held-out log-odds and the rows they belong to.

    Parameters
    ----------
    base
        Fitted on ``texts``, with its held-out scores.
    arrays
        Adapters, heads and intercepts as :func:`disconnect_nlp.building.adapters.learn` leaves them.
    prevalence
        Share of texts expected to carry each label in use.
    """
    encoder = SentenceEncoder(encoder_folder, split_adapters(arrays))
    heads, intercepts = arrays["heads"].astype(np.float32), arrays["intercepts"]
    rows = np.flatnonzero(held_out(texts.groups))
    truth, observed = texts.truth()[rows], texts.observed[rows]
    read = encoder.encode([texts.texts[row] for row in rows]) @ heads + intercepts
    known = base.held_out[rows]
    positives = (truth * observed).sum(axis=0)
    share = np.where(positives < _FEW, 0.0, _best_share(read, known, truth, observed, positives >= _FEW))
    scores = share * read + (1 - share) * known
    shares = np.array([prevalence[label] for label in base.labels])
    calibration, thresholds = calibrate(scores, truth, observed, shares)
    few = positives < _FEW
    curves = np.where(few, [base.calibration.slope, base.calibration.offset], [calibration.slope, calibration.offset])
    for policy in ("f1", "precision", "recall"):
        getattr(thresholds, policy)[few] = getattr(base.thresholds, policy)[few]
    screened = [base.taxonomy.index[label] for label in base.taxonomy.recall_first]
    thresholds.recall[screened] = np.maximum(thresholds.recall[screened], shares[screened])
    model = EncoderEnsemble(
        base,
        encoder,
        heads=heads,
        intercepts=intercepts,
        share=share,
        calibration=Calibration(*curves),
        thresholds=thresholds,
    )
    return model, scores, rows


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

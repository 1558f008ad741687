"""How often a model gives a label rightly and wrongly, from scores of texts that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from disconnect_nlp.labellers.classifier import DisconnectClassifier, label_matrix
from disconnect_nlp.labellers.ensemble import EncoderEnsemble
from disconnect_nlp.records import POLICIES, Policy
from disconnect_nlp.store.manifest import ErrorRates, LabelRates

_MIN_POSITIVES = 10  # of real passages; with fewer, all passages speak


def held_out_rates(
    model: DisconnectClassifier | EncoderEnsemble,
    log_odds: np.ndarray,
    labels: Sequence[Iterable[str]],
    observed: np.ndarray,
    n_authored: int,
) -> ErrorRates:
    """Count decisions on held-out texts, by the model's own calibration and thresholds.

    Passages that people really wrote count alone wherever at least ten of them carry a label: authored ones are easier.

    Parameters
    ----------
    log_odds
        Held-out, before calibration, authored positives as hard as real ones (``ForUse.scores``), shape
        ``(n_texts, n_labels)``.
    labels, observed
        Label ids of each text; 0/1 where it is known whether a text carries a label, shape ``(n_texts, n_labels)``.
    n_authored
        The first so many texts are authored, the others are public passages.
    """
    truth = label_matrix(labels, model.taxonomy.index)
    probabilities = model.calibration(log_odds)
    public = np.arange(len(truth)) >= n_authored
    cuts = {policy: model.cuts_of(policy) for policy in POLICIES}
    counted = {}
    for column, label in enumerate(model.labels):
        known = observed[:, column] > 0
        own = known & public if truth[known & public, column].sum() >= _MIN_POSITIVES else known
        counted[label] = _count(truth[own, column] > 0, probabilities[own, column], column, cuts)
    kinds = (
        f"{int(public.sum())} public passages, and {n_authored} authored ones, taken to be as hard, for labels that "
        "too few of those carry"
    )
    return ErrorRates(
        measured_on=f"held-out scores of {kinds if public.any() else f'{n_authored} authored passages'}", labels=counted
    )


def _count(truth: np.ndarray, scores: np.ndarray, column: int, cuts: dict[Policy, np.ndarray]) -> LabelRates:
    given = {policy: scores >= cut[column] for policy, cut in cuts.items()}
    return LabelRates(
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        hits={policy: int((own & truth).sum()) for policy, own in given.items()},
        false_alarms={policy: int((own & ~truth).sum()) for policy, own in given.items()},
    )

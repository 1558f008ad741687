"""Stacking: what texts of all core labels teach, and of wider questions that more texts answer, mixed for each of them.

A rare label has few texts, and what they say is said in parts by many: that something has no effect by the texts of the
other types, what it is about by the near misses of the label itself. Several linear learners, which err differently,
are fitted for such questions and for the labels; a regression on scores of texts not fitted on weighs them (Wolpert
1992). All of it is linear, so the product is one vector of coefficients a label, and prediction knows nothing of it. Of
the passages people wrote, each counts three times where labels are weighed: few weights are learned, and it is such
texts they are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from disconnect_nlp.taxonomy import Taxonomy

Array = np.ndarray
_STRENGTH = 0.3
"""Inverse strength of the L2 penalty on weights, for unit variance; .03 and 1 were no better for two learners."""
_REAL = 3.0  # how much more a text counts that people wrote
_FEW = 20
"""Positives, or negatives, below which a target's scores are not mixed; a label's own score then stands."""


@dataclass(frozen=True)
class Questions:
    """0/1 targets beside those of the labels, and which are known, each of shape ``(n_texts, n_questions)``."""

    truth: Array
    observed: Array


def questions(truth: Array, observed: Array, near: Array, near_known: Array, taxonomy: Taxonomy) -> Questions:
    """Return the questions that texts answer by their labels and near misses.

    Whether something has no effect; whether any type, any core label stands; for each core label whether the text is
    about it, be it as a near miss; and whether it is about any type.

    Parameters
    ----------
    truth, observed, near
        0/1, shape ``(n_texts, n_labels)``: labels carried, known, and mentioned without being carried.
    near_known
        Bool, shape ``(n_texts,)``: texts whose near misses are on record.
    """
    types, core = (_columns(taxonomy, names) for names in (taxonomy.group("types"), taxonomy.core))
    about, told = truth | near, observed * near_known[:, None]
    no_effect = _columns(taxonomy, (label.id for label in taxonomy.labels if label.no_effect))
    wide = [no_effect + types, types, core]
    asked = [(truth[:, own], observed[:, own]) for own in wide]
    asked += [(about[:, own], told[:, own]) for own in (*([column] for column in core), types)]
    # One yes answers an "any of these"; a no needs all to be known.
    answers = np.array([any_of.max(axis=1) for any_of, _ in asked], dtype=np.int8).T
    known = np.array([known.min(axis=1) for _, known in asked], dtype=np.int8).T
    return Questions(answers, np.maximum(answers, known))


def stacked(taxonomy: Taxonomy) -> list[int]:
    """Return the columns of the labels that are mixed: core labels and the recall-first ones."""
    return _columns(taxonomy, (*taxonomy.core, *taxonomy.recall_first))


def learnable(truth: Array, observed: Array, folds: Sequence[tuple[Array, Array]], targets: Iterable[int]) -> list[int]:
    """Return those of the targets whose held-out scores mean something.

    A learner that has seen no positives calls all the same, so held-out scores of groups that are all positive would be
    turned round, and scores of folds that saw some and none cannot be compared.

    Parameters
    ----------
    truth, observed
        0/1, shape ``(n_texts, n_targets)``.
    folds
        Rows fitted on and held out.
    targets
        Columns to choose from.
    """
    chosen = list(targets)
    for train, _ in folds:
        positives = (truth[train] * observed[train]).sum(axis=0)
        few = np.minimum(positives, observed[train].sum(axis=0) - positives) < _FEW
        chosen = [target for target in chosen if not few[target]]
    return chosen


def mix(
    scores: Array, truth: Array, observed: Array, weights: Array, real: Array, labels: Sequence[int]
) -> tuple[Array, Array]:
    """Learn how scores for labels and questions make up the log-odds of labels.

    Parameters
    ----------
    scores
        Held-out scores, shape ``(n_texts, n_scores)``: those of all labels first, one each.
    truth, observed
        0/1, shape ``(n_texts, n_labels)``.
    weights, real
        How much each text counts, and which people really wrote, shape ``(n_texts,)``.
    labels
        Columns of the labels to mix, from their own scores and those after the labels'; the others keep their own.

    Returns
    -------
    tuple
        Shapes ``(n_scores, n_labels)`` and ``(n_labels,)``: ``scores @ mixing + constants``.
    """
    from sklearn.linear_model import LogisticRegression  # for fitting only, and slow to import

    n_labels = truth.shape[1]
    mixing, constants = np.eye(scores.shape[1], n_labels), np.zeros(n_labels)
    inputs = [*labels, *range(n_labels, scores.shape[1])]
    deviations = scores[:, inputs].std(axis=0)
    deviations[deviations == 0] = 1.0
    weights = weights * (np.where(real, _REAL, 1.0) if 0 < real.sum() < len(real) else 1.0)
    for label in labels:
        rows = observed[:, label] > 0
        fitted = LogisticRegression(C=_STRENGTH, max_iter=2000)
        fitted.fit(scores[np.ix_(rows, inputs)] / deviations, truth[rows, label], sample_weight=weights[rows])
        mixing[:, label] = 0
        mixing[inputs, label] = fitted.coef_[0] / deviations
        constants[label] = fitted.intercept_[0]
    return mixing, constants


def near_matrix(near: Sequence[Iterable[str] | None], index: dict[str, int]) -> tuple[Array, Array]:
    """Return 0/1 of shape ``(n_texts, n_labels)``, and which texts have near misses on record, shape ``(n_texts,)``."""
    matrix = np.zeros((len(near), len(index)), dtype=np.int8)
    for row, own in enumerate(near):
        matrix[row, [index[label] for label in own or ()]] = 1
    return matrix, np.array([own is not None for own in near], dtype=bool)


def _columns(taxonomy: Taxonomy, labels: Iterable[str]) -> list[int]:
    return [taxonomy.index[label] for label in labels]

"""Linear learners that err differently; what they say is mixed, see :mod:`disconnect_nlp.labellers.stacking`.

Each finds one vector of coefficients and an intercept a target, so any mixture of theirs is again such a vector.
Coefficients are float32: a hundred vectors of half a million numbers are held at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from disconnect_nlp.labellers.base import Array

Learner = Callable[[sparse.csr_matrix, Array, Array], tuple[Array, float]]
"""Takes features, 0/1 targets and how much each text counts; returns coefficients and intercept."""
_SURE = 6.0
"""Score of a target that is the same in every text, by sign."""


def logistic_regression(*, C: float = 30.0, seed: int = 0) -> Learner:
    """Return a logistic regression with an L2 penalty of inverse strength ``C``: its scores are log-odds."""

    def learn(features: sparse.csr_matrix, truth: Array, weights: Array) -> tuple[Array, float]:
        from sklearn.linear_model import LogisticRegression  # for fitting only, and slow to import

        return _fitted(LogisticRegression(C=C, solver="liblinear", random_state=seed), features, truth, weights)

    return learn


def linear_svm(*, C: float = 1.0, seed: int = 0) -> Learner:
    """Return a linear support vector machine: decided by the texts that are hard to tell apart."""

    def learn(features: sparse.csr_matrix, truth: Array, weights: Array) -> tuple[Array, float]:
        from sklearn.svm import LinearSVC  # for fitting only, and slow to import

        return _fitted(LinearSVC(C=C, random_state=seed), features, truth, weights)

    return learn


def naive_bayes(*, alpha: float = 0.003) -> Learner:
    """Return multinomial naive Bayes without a prior: every feature by itself, also one met once or twice.

    ``alpha`` is counted beside every feature. Features that no text has say nothing, where that count would speak for
    the rarer side.
    """

    def learn(features: sparse.csr_matrix, truth: Array, weights: Array) -> tuple[Array, float]:
        from sklearn.naive_bayes import MultinomialNB  # for fitting only, and slow to import

        if _same(truth):
            return _constant(features, truth)
        model = MultinomialNB(alpha=alpha, fit_prior=False).fit(features, truth, sample_weight=weights)
        coefficients = model.feature_log_prob_[1] - model.feature_log_prob_[0]
        return np.where(model.feature_count_.any(axis=0), coefficients, 0.0).astype(np.float32), 0.0

    return learn


def _fitted(model: Any, features: sparse.csr_matrix, truth: Array, weights: Array) -> tuple[Array, float]:
    if _same(truth):
        return _constant(features, truth)
    model.fit(features, truth, sample_weight=weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _same(truth: Array) -> bool:
    return bool(truth.min(initial=1) >= truth.max(initial=0))


def _constant(features: sparse.csr_matrix, truth: Array) -> tuple[Array, float]:
    return np.zeros(features.shape[1], dtype=np.float32), _SURE if len(truth) and truth[0] else -_SURE

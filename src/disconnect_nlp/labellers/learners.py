"""Three linear learners that err differently; what they say is mixed, see :mod:`disconnect_nlp.labellers.stacking`.

Each finds one vector of coefficients and an intercept a target, so any mixture of theirs is again such a vector.
Coefficients are float32: hundreds of vectors of half a million numbers are held at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

Array = np.ndarray
Found = tuple[Array, float]
Learner = Callable[[sparse.csr_matrix, Array, Array], Found]
"""Takes features, 0/1 targets and how much each text counts; returns coefficients and intercept."""
_ALPHA = 0.003
"""Counts added to every feature in naive Bayes."""
_SURE = 6.0  # score of a target that is the same in every text


def logistic_regression(C: float, seed: int) -> Learner:
    """Return a logistic regression with an L2 penalty of inverse strength ``C``: its scores are log-odds."""

    def learn(features: sparse.csr_matrix, truth: Array, weights: Array) -> Found:
        from sklearn.linear_model import LogisticRegression  # for fitting only, and slow to import

        return _fitted(LogisticRegression(C=C, solver="liblinear", random_state=seed), features, truth, weights)

    return learn


def support_vectors(C: float, seed: int) -> Learner:
    """Return a linear support vector machine: decided by the texts that are hard to tell apart."""

    def learn(features: sparse.csr_matrix, truth: Array, weights: Array) -> Found:
        from sklearn.svm import LinearSVC  # for fitting only, and slow to import

        return _fitted(LinearSVC(C=C, random_state=seed), features, truth, weights)

    return learn


def naive_bayes(features: sparse.csr_matrix, truth: Array, weights: Array) -> Found:
    """Learn complement naive Bayes (Rennie et al. 2003): every feature by itself, also those met once or twice.

    Features that no text has say nothing; the count added to them would otherwise speak for the rarer side.
    """
    from sklearn.naive_bayes import ComplementNB  # for fitting only, and slow to import

    if _same(truth):
        return _constant(features, truth)
    model = ComplementNB(alpha=_ALPHA).fit(abs(features), truth, sample_weight=weights)
    coefficients = model.feature_log_prob_[1] - model.feature_log_prob_[0]
    return np.where(model.feature_all_ > 0, coefficients, 0.0).astype(np.float32), 0.0


def _fitted(model: Any, features: sparse.csr_matrix, truth: Array, weights: Array) -> Found:
    if _same(truth):
        return _constant(features, truth)
    model.fit(features, truth, sample_weight=weights)
    return model.coef_[0].astype(np.float32), float(model.intercept_[0])


def _same(truth: Array) -> bool:
    return bool(truth.min(initial=1) >= truth.max(initial=0))


def _constant(features: sparse.csr_matrix, truth: Array) -> Found:
    return np.zeros(features.shape[1], dtype=np.float32), _SURE if len(truth) and truth[0] else -_SURE

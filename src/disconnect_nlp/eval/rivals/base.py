"""What every rival shares: scores from a scorer of its own; folds, calibration and thresholds as in our classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import group_codes
from disconnect_nlp.labellers.classifier import label_matrix
from disconnect_nlp.labellers.transfer import calibrate_for_use
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import TrainingTexts

FOLDS = 5
_NEVER = -10.0  # log-odds of a label without an example


class Scorer(Protocol):
    """The part in which rivals differ."""

    def fit(self, texts: Sequence[str], truth: Array, observed: Array) -> Scorer:
        """Fit on 0/1 labels, shape ``(n_texts, n_labels)``, where ``observed`` is 1; return self."""

    def score(self, texts: Sequence[str]) -> Array:
        """Return uncalibrated log-odds or anything that rises with them, shape ``(n_texts, n_labels)``."""


class Rival:
    """A scorer with calibrated probabilities and thresholds from texts that it was not fitted on.

    Parameters
    ----------
    make
        Makes an unfitted scorer.
    folds
        How many of the five folds are scored held out. With 1 the scorer is fitted once, on the other four fifths;
        with more it is fitted once a fold and then on all texts.
    """

    def __init__(self, make: Callable[[], Scorer], *, folds: int = FOLDS) -> None:
        self.make = make
        self.folds = folds
        self.labels = load_taxonomy().ids

    def fit(self, training: TrainingTexts, prevalence: dict[str, float]) -> Rival:
        """Fit on training texts; probabilities assume ``prevalence`` in use, as those of the shipped models do."""
        truth = label_matrix(training.labels, load_taxonomy().index)
        splits = GroupKFold(FOLDS).split(truth, groups=group_codes(training.groups))
        held_out, rows = np.zeros(truth.shape), []
        for _, (train, test) in zip(range(self.folds), splits, strict=False):
            self.scorer = self._fitted(training, truth, train)
            held_out[test] = self.scorer.score([training.texts[row] for row in test])
            rows.append(test)
        seen = np.concatenate(rows)
        shares = np.array([prevalence[label] for label in self.labels])
        screened = load_taxonomy().screened
        use = calibrate_for_use(
            held_out[seen], truth[seen], training.observed[seen], shares, training.real[seen], screened=screened
        )
        self.calibration, self.thresholds = use.calibration, use.thresholds
        # Our own models flag for the safety screen by the threshold for recall: so do the rivals.
        cuts = self.thresholds.f1.copy()
        cuts[screened] = self.thresholds.recall[screened]
        self.thresholds = replace(self.thresholds, f1=cuts)
        if self.folds > 1:
            self.scorer = self._fitted(training, truth, np.arange(len(truth)))
        return self

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return calibrated probabilities, shape ``(n_texts, n_labels)``."""
        return self.calibration(self.scorer.score(texts))

    def decide(self, scores: Array) -> Array:
        """Return 0/1 decisions by the thresholds of best held-out F1."""
        return (scores >= self.thresholds.f1).astype(np.int8)

    def _fitted(self, training: TrainingTexts, truth: Array, rows: Array) -> Scorer:
        return self.make().fit([training.texts[row] for row in rows], truth[rows], training.observed[rows])


class LinearHeads:
    """One logistic regression a label over features of any kind.

    Parameters
    ----------
    C
        Inverse strength of the L2 penalty.
    """

    def __init__(self, *, C: float) -> None:
        self.C = C

    def fit(self, features: Array, truth: Array, observed: Array) -> LinearHeads:
        """Fit each label on the texts observed for it; return self."""
        # Plain copies: a memory-mapped matrix is read-only, and scikit-learn may sort its indices in place.
        self.heads = Parallel(n_jobs=-1, max_nbytes=None)(
            delayed(_head)(features[rows], truth[rows, label], self.C)
            for label in range(truth.shape[1])
            for rows in [np.flatnonzero(observed[:, label])]
        )
        return self

    def score(self, features: Array) -> Array:
        """Return log-odds, shape ``(n_texts, n_labels)``."""
        n = features.shape[0]
        return np.column_stack([np.full(n, _NEVER) if h is None else h.decision_function(features) for h in self.heads])


def _head(features: Array, truth: Array, strength: float) -> LogisticRegression | None:
    if truth.min(initial=1) == truth.max(initial=0):
        return None
    solver = "liblinear" if sparse.issparse(features) else "lbfgs"  # each is many times faster on its own kind
    return LogisticRegression(C=strength, solver=solver, max_iter=1000, random_state=0).fit(features, truth)

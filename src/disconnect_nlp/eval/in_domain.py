"""Classifiers for label sets of others: this library's features fitted anew, and the rivals to beat.

Nothing here is shipped or saved. It shows what the pipeline is worth where there are other people's labels to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from disconnect_nlp.eval.metrics import Array, ratio
from disconnect_nlp.labellers.calibration import sigmoid
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.windows import Windows

_STRENGTHS = (1.0, 3.0, 10.0)
FOLDS = 5


class Fitted(Protocol):
    """What both classifiers offer; truth, scores and decisions have shape ``(n_texts, n_labels)``."""

    def fit(self, texts: Sequence[str], truth: Array) -> Fitted:
        """Fit on 0/1 labels; return self."""

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return scores from 0 to 1."""

    def decide(self, scores: Array) -> Array:
        """Return 0/1 decisions."""


class TfidfClassifier:
    """Word uni- and bigrams, tf-idf, one balanced logistic regression a label: the usual baseline.

    Parameters
    ----------
    tuned
        Whether penalty and threshold are chosen as in :class:`InDomainClassifier`; else C is 1 and the threshold .5.
    """

    def __init__(self, *, seed: int = 0, tuned: bool = False) -> None:
        self.seed = seed
        self.tuned = tuned

    def fit(self, texts: Sequence[str], truth: Array) -> TfidfClassifier:
        """Fit on 0/1 labels of shape ``(n_texts, n_labels)``; return self."""
        self.vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        features = self.vectorizer.fit_transform(texts)
        if self.tuned:
            self.models, self.thresholds = _tuned(features, truth, self.seed)
        else:
            self.models = [_regression(1.0, self.seed).fit(features, column) for column in truth.T]
            self.thresholds = np.full(len(self.models), 0.5)
        return self

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return scores from 0 to 1; balanced classes make them no calibrated probabilities."""
        return _scores(self.models, self.vectorizer.transform(texts))

    def decide(self, scores: Array) -> Array:
        """Give a label from its threshold on."""
        return (scores >= self.thresholds).astype(np.int8)


class InDomainClassifier:
    """Our own hashed n-grams and asserted lexicon matches beside character n-grams.

    Strength of the penalty and threshold are chosen per label for the best F1 of five-fold cross-validation within the
    training texts.

    Examples
    --------
    >>> texts = ["Nobody likes me.", "I love my friends.", "Nobody calls.", "We had fun."] * 5
    >>> model = InDomainClassifier().fit(texts, np.array([[1], [0], [1], [0]] * 5))
    >>> model.decide(model.predict_proba(["Nobody is here.", "Such fun."])).tolist()
    [[1], [0]]
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, texts: Sequence[str], truth: Array) -> InDomainClassifier:
        """Fit on 0/1 labels of shape ``(n_texts, n_labels)``; return self."""
        self._own = DisconnectClassifier().prepare()
        self.characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
        windows = self._own.whole(texts)
        self._own.featurizer.fit(windows)
        self.characters.fit(texts)
        self.models, self.thresholds = _tuned(self._features(texts, windows), truth, self.seed)
        return self

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return scores from 0 to 1; balanced classes make them no calibrated probabilities."""
        return _scores(self.models, self._features(texts, self._own.whole(texts)))

    def decide(self, scores: Array) -> Array:
        """Decide by the thresholds found in cross-validation."""
        return (scores >= self.thresholds).astype(np.int8)

    def _features(self, texts: Sequence[str], windows: Windows) -> sparse.csr_matrix:
        blocks = [self._own.featurizer.transform(windows), self.characters.transform(texts)]
        return sparse.hstack(blocks, format="csr")


def _regression(strength: float, seed: int) -> LogisticRegression:
    return LogisticRegression(C=strength, solver="liblinear", class_weight="balanced", random_state=seed)


def _scores(models: Sequence[LogisticRegression], features: sparse.csr_matrix) -> Array:
    return sigmoid(np.column_stack([model.decision_function(features) for model in models]))


def _tuned(features: sparse.csr_matrix, truth: Array, seed: int) -> tuple[list[LogisticRegression], Array]:
    """Fit every label with the penalty and the threshold that cross-validate best."""
    fitted = Parallel(n_jobs=-1, max_nbytes=None)(delayed(_best)(features, column, seed) for column in truth.T)
    models, thresholds = zip(*fitted, strict=True)
    return list(models), np.array(thresholds)


def _best(features: sparse.csr_matrix, truth: Array, seed: int) -> tuple[LogisticRegression, float]:
    """Fit one label with the penalty that cross-validates best; return the model and its threshold."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    tried = []
    for strength in _STRENGTHS:
        model = _regression(strength, seed)
        held_out = sigmoid(cross_val_predict(model, features, truth, cv=folds, method="decision_function"))
        tried.append((*best_threshold(truth, held_out), strength))
    _, threshold, strength = max(tried, key=lambda found: found[0])
    return _regression(strength, seed).fit(features, truth), threshold


def best_threshold(truth: Array, scores: Array) -> tuple[float, float]:
    """Return the best F1 of one label and the threshold that reaches it, halfway to the next score below.

    Examples
    --------
    >>> best_threshold(np.array([1, 1, 0, 0]), np.array([0.9, 0.6, 0.4, 0.1]))
    (1.0, 0.5)
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    f1 = ratio(2.0 * hits, np.arange(1, len(truth) + 1) + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = 0  # no cut between texts of equal score
    place = int(np.argmax(f1))
    below = ranked[place + 1] if place + 1 < len(ranked) else 0.0
    return float(f1[place]), float((ranked[place] + below) / 2)

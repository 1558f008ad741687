"""Fits the classifier: linear learners, mixed for core labels, calibrated on held-out author batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.base import Array
from disconnect_nlp.labellers.learners import Learner, linear_svm, logistic_regression, naive_bayes
from disconnect_nlp.labellers.linear import LinearModel
from disconnect_nlp.labellers.sentences import LabelledSentences
from disconnect_nlp.labellers.stacking import Questions, learnable, mix, near_matrix, questions, stacked
from disconnect_nlp.labellers.transfer import calibrate_for_use
from disconnect_nlp.records import Policy
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.lexicon import Lexicon


@dataclass(frozen=True, eq=False)
class _Data:
    """What is fitted on: a row a text in each."""

    features: sparse.csr_matrix
    truth: Array
    observed: Array
    weights: Array
    real: Array
    questions: Questions
    groups: Array
    sentences: LabelledSentences
    sentence_features: sparse.csr_matrix

    @property
    def targets(self) -> tuple[Array, Array]:
        """0/1 of labels and questions, and which are known, each of shape ``(n_texts, n_targets)``."""
        return (
            np.hstack([self.truth, self.questions.truth]),
            np.hstack([self.observed, self.questions.observed]),
        )

    @property
    def sentence_targets(self) -> tuple[Array, Array]:
        """The same for sentences, which answer no questions, each of shape ``(n_sentences, n_targets)``."""
        none = np.zeros((len(self.sentences.owner), self.questions.truth.shape[1]), dtype=np.int8)
        return np.hstack([self.sentences.truth, none]), np.hstack([self.sentences.observed, none])


class DisconnectClassifier(LinearModel, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Multi-label classifier over hashed n-grams of words, base forms and asserted words, and asserted lexicon matches.

    Features → log-odds → calibration → thresholds are four separate steps. The log-odds of core labels and of the
    safety screen are mixed from what three linear learners say of all of them and of wider questions, whose
    coefficients add up to one vector a label; those of every other label, and of one with too few texts in a fold, come
    from its own logistic regression. A long text is read in windows of whole sentences; its score for a label is the
    highest of its windows, so a sentence counts the same wherever it stands. Scores are calibrated for passages; a text
    of many windows has more chances to reach a threshold by error.

    Parameters
    ----------
    lexicon
        Entries of the lexicon block; those of the package by default.
    bits
        n-grams are hashed to ``2**bits`` columns for words, half as many each for base forms and asserted words.
    C
        Inverse strength of the L2 penalty of the logistic regressions.
    folds
        Groups are dealt into this many folds for held-out scores.
    prevalence
        Label id to the share of texts expected to carry it in use. Labels not named: the share in ``y``.
    policy
        ``f1``, ``precision`` or ``recall``: which thresholds decide.
    seed
        Seed of the solvers.

    Notes
    -----
    Does *not* learn word order beyond a distance of two tokens.

    Examples
    --------
    >>> texts = ["Nobody reads my reports.", "I feel numb.", "Nice weather.", "Lunch was good."] * 5
    >>> labels = [["professional"], ["numbness"], [], []] * 5
    >>> model = DisconnectClassifier(bits=12, folds=2).fit(texts, labels, groups=list(range(20)))
    >>> model.predict_proba(texts).shape == (20, len(model.labels))
    True
    """

    def __init__(
        self,
        *,
        lexicon: Lexicon | None = None,
        bits: int = 18,
        C: float = 30.0,
        folds: int = 5,
        prevalence: dict[str, float] | None = None,
        policy: Policy = "f1",
        seed: int = 0,
    ) -> None:
        super().__init__(lexicon=lexicon, bits=bits, policy=policy)
        self.C = C
        self.folds = folds
        self.prevalence = prevalence
        self.seed = seed

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        *,
        groups: Sequence[object] | None = None,
        observed: Array | None = None,
        weights: Array | None = None,
        real: Array | None = None,
        near: Sequence[Iterable[str] | None] | None = None,
        sentences: LabelledSentences | None = None,
    ) -> DisconnectClassifier:
        """Fit on labelled texts.

        Parameters
        ----------
        texts
            Passages of up to about 110 words; longer ones are used whole.
        labels
            The label ids of each text.
        groups
            Author, document or batch of each text: calibration and thresholds come from scores of texts whose
            group was not fitted on. Every text its own group if left out.
        observed
            0/1, shape ``(n_texts, n_labels)``: 0 where it is not known whether a text carries a label.
        weights
            How much each text counts, shape ``(n_texts,)``.
        real
            Bool, shape ``(n_texts,)``: texts of the kind that the model will read, where the others were written to
            teach and are easier. Calibration and thresholds are then for the former. All alike if left out.
        near
            The labels that each text mentions without carrying them, None where that is not on record. What a text is
            about is learned beside what it carries, see :mod:`disconnect_nlp.labellers.stacking`.
        sentences
            Sentences of the texts with labels of their own, which are learned from too.

        Raises
        ------
        DataError
            If lengths differ, a sentence belongs to no text, or there are fewer groups than folds.
        """
        sentences = LabelledSentences.none(len(self.labels)) if sentences is None else sentences
        data = self._training_data(texts, labels, groups, observed, weights, near, real, sentences)
        self.held_out = self._fit_held_out_and_whole(data)
        shares = self._shares(data.truth, data.observed)
        self.for_use = calibrate_for_use(
            self.held_out, data.truth, data.observed, shares, data.real, screened=self.taxonomy.screened
        )
        self.calibration, self.thresholds = self.for_use.calibration, self.for_use.thresholds
        return self

    def _training_data(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        groups: Sequence[object] | None,
        observed: Array | None,
        weights: Array | None,
        near: Sequence[Iterable[str] | None] | None,
        real: Array | None,
        sentences: LabelledSentences,
    ) -> _Data:
        """Return what is fitted on, checked; learns the features' own weights."""
        self.prepare()
        truth = label_matrix(labels, self.taxonomy.index)
        observed = np.ones_like(truth) if observed is None else observed
        weights = np.ones(len(texts)) if weights is None else weights
        groups = list(range(len(texts))) if groups is None else list(groups)
        near = [None] * len(texts) if near is None else near
        real = np.ones(len(texts), dtype=bool) if real is None else np.asarray(real, dtype=bool)
        lengths = {len(part) for part in (truth, groups, observed, weights, near, real)}
        if lengths != {len(texts)}:
            raise DataError(
                f"lengths differ: {len(texts)} texts, but label sets, groups, observed, weights, near or real of "
                f"{', '.join(map(str, sorted(lengths - {len(texts)})))}. Give one of each a text."
            )
        if len(set(groups)) < self.folds:
            raise DataError(
                f"{len(set(groups))} groups are too few for {self.folds} folds. Pass folds= or more groups."
            )
        sentences.check(*truth.shape)
        windows = self.whole(texts)
        features = self.featurizer.fit(windows).transform(windows)
        of_sentences = self.featurizer.transform(self.whole(sentences.texts))
        asked = questions(truth, observed, *near_matrix(near, self.taxonomy.index), self.taxonomy)
        codes = np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
        return _Data(features, truth, observed, weights, real, asked, codes, sentences, of_sentences)

    def _fit_held_out_and_whole(self, data: _Data) -> Array:
        """Set coefficients and intercepts; return log-odds of every text by fits that did not see its group.

        As usual in stacking, the few weights that mix scores are learned on scores of fits that saw the group.
        """
        from sklearn.model_selection import GroupKFold  # for fitting only, and slow to import

        folds = list(GroupKFold(self.folds).split(data.features, groups=data.groups))
        mixed = self._mixed(data, folds)
        n_labels, whole = data.truth.shape[1], np.arange(len(data.truth))
        labels = [target for target in mixed if target < n_labels]
        held_out = [
            (test, np.asarray(data.features[test] @ coefficients) + intercepts)
            for train, test in folds
            for coefficients, intercepts in [self._learned(data, train, mixed)]
        ]
        scores = np.zeros((len(whole), held_out[0][1].shape[1]))
        for test, found in held_out:
            scores[test] = found
        log_odds = np.zeros(data.truth.shape)
        for train, test in folds:
            mixing, constants = self._mix(data, scores, train, labels)
            log_odds[test] = scores[test] @ mixing + constants
        coefficients, intercepts = self._learned(data, whole, mixed)
        mixing, constants = self._mix(data, scores, whole, labels)
        # float16 is what is stored: a saved and a fresh model decide alike.
        self.coefficients = (coefficients @ mixing).astype(np.float16).astype(np.float32)
        self.intercepts = intercepts @ mixing + constants
        return log_odds

    def _mixed(self, data: _Data, folds: Sequence[tuple[Array, Array]]) -> list[int]:
        """Return the targets whose scores are mixed: columns of the labels, then of the questions."""
        n_labels, n_questions = data.truth.shape[1], data.questions.truth.shape[1]
        possible = [*stacked(self.taxonomy), *range(n_labels, n_labels + n_questions)]
        return learnable(*data.targets, folds, possible)

    @staticmethod
    def _mix(data: _Data, scores: Array, rows: Array, labels: Sequence[int]) -> tuple[Array, Array]:
        return mix(scores[rows], data.truth[rows], data.observed[rows], data.weights[rows], data.real[rows], labels)

    def _learned(self, data: _Data, rows: Array, mixed: Sequence[int]) -> tuple[Array, Array]:
        """Return coefficients and intercepts of all scores: regressions for the labels, then what is mixed with them.

        Shapes ``(n_features, n_scores)`` and ``(n_scores,)``.
        """
        truth, observed = data.targets
        n_labels = data.truth.shape[1]
        regression = logistic_regression(C=self.C, seed=self.seed)
        tasks = [
            *((regression, label) for label in range(n_labels)),
            *((regression, question) for question in mixed if question >= n_labels),
            *((linear_svm(seed=self.seed), target) for target in mixed),
            *((naive_bayes(), target) for target in mixed),
        ]
        carries, asked = data.sentence_targets
        held = np.isin(np.arange(len(data.truth)), rows)
        inside = np.flatnonzero(held[data.sentences.owner])

        def task(learner: Learner, target: int) -> tuple[Any, ...]:
            known, parts = rows[observed[rows, target] > 0], inside[asked[inside, target] > 0]
            answers = np.concatenate([truth[known, target], carries[parts, target]])
            weights = np.concatenate([data.weights[known], np.ones(len(parts))])
            return learner, data.features, known, data.sentence_features, parts, answers, weights

        fitted = Parallel(n_jobs=-1)(delayed(_learn)(*task(*pair)) for pair in tasks)
        return np.array([row for row, _ in fitted]).T, np.array([intercept for _, intercept in fitted])

    def _shares(self, truth: Array, observed: Array) -> Array:
        given = self.prevalence or {}
        self.taxonomy.check(given, place="prevalence")
        measured = (truth * observed).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
        return np.array([given.get(label, measured[self.taxonomy.index[label]]) for label in self.labels])


def _learn(
    learner: Learner,
    features: sparse.csr_matrix,
    rows: Array,
    of_sentences: sparse.csr_matrix,
    sentences: Array,
    truth: Array,
    weights: Array,
) -> tuple[Array, float]:
    """Fit on some rows of the texts' features and some of the sentences'; both are shared by processes, not copied."""
    return learner(sparse.vstack([features[rows], of_sentences[sentences]], format="csr"), truth, weights)


def label_matrix(labels: Sequence[Iterable[str]], index: dict[str, int]) -> Array:
    """Return 0/1, shape ``(n_texts, n_labels)``."""
    truth = np.zeros((len(labels), len(index)), dtype=np.int8)
    for row, own in enumerate(labels):
        if isinstance(own, str):
            raise DataError(f"text {row}: its labels are one string. Give a list of label ids, empty for none.")
        for label in load_taxonomy().check(own, place=f"text {row}"):
            truth[row, index[label]] = 1
    return truth

"""The classifier: one logistic regression a label over spaCy-made features, calibrated on held-out author batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from spacy.tokens import Doc

from disconnect_nlp.errors import DataError, ModelError
from disconnect_nlp.features import WordVectors
from disconnect_nlp.labellers.base import Array, Labeller, Policy
from disconnect_nlp.labellers.calibration import calibrate
from disconnect_nlp.labellers.evidence import match_evidence, model_evidence
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.labellers.featurizer import Featurizer, Window
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.labellers.windows import split_windows
from disconnect_nlp.records import Evidence
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon


class DisconnectClassifier(Labeller, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Multi-label classifier over hashed n-grams, word vectors and asserted lexicon matches.

    Features → log-odds → calibration → thresholds are four separate steps. A long text is read in windows of whole
    sentences; its score for a label is the highest of its windows, so a sentence counts the same wherever it
    stands. Scores are calibrated for passages; a text of many windows has more chances to reach a threshold by error.

    Parameters
    ----------
    lexicon
        Entries of the lexicon block; those of the package by default.
    vectors
        Word vectors, or none.
    bits
        n-grams are hashed to ``2**bits`` columns.
    C
        Inverse strength of the L2 penalty.
    folds
        Groups are dealt into this many folds for held-out scores.
    prevalence
        Label id to the share of texts expected to carry it in use. Labels not named: the share in ``y``.
    policy
        ``f1``, ``precision`` or ``recall``: which thresholds decide.
    seed
        Seed of the solver.

    Notes
    -----
    Does *not* learn word order beyond a distance of two tokens, and does not model label co-occurrence.

    Examples
    --------
    >>> texts = ["Nobody reads my reports.", "I feel numb.", "Nice weather.", "Lunch was good."] * 5
    >>> labels = [["professional"], ["numbness"], [], []] * 5
    >>> model = DisconnectClassifier(bits=12, folds=2).fit(texts, labels, groups=list(range(20)))
    >>> model.predict_proba(texts).shape == (20, len(model.labels))
    True
    """

    name = "model"

    def __init__(
        self,
        *,
        lexicon: Lexicon | None = None,
        vectors: WordVectors | None = None,
        bits: int = 18,
        C: float = 30.0,
        folds: int = 5,
        prevalence: dict[str, float] | None = None,
        policy: Policy = "f1",
        seed: int = 0,
    ) -> None:
        self.lexicon = lexicon
        self.vectors = vectors
        self.bits = bits
        self.C = C
        self.folds = folds
        self.prevalence = prevalence
        self.policy = policy
        self.seed = seed

    @property
    def taxonomy(self) -> Taxonomy:  # type: ignore[override]  # read-only is enough here
        """The taxonomy of the package."""
        return load_taxonomy()

    def prepare(self) -> DisconnectClassifier:
        """Build the unfitted parts; return self."""
        self._nlp = blank_pipeline()
        matches = MatchFinder(self._nlp, self.lexicon or load_lexicon())
        self.featurizer = Featurizer(self.taxonomy, matches, bits=self.bits, vectors=self.vectors)
        return self

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        *,
        groups: Sequence[object] | None = None,
        observed: Array | None = None,
        weights: Array | None = None,
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

        Raises
        ------
        DataError
            If lengths differ or there are fewer groups than folds.
        """
        data = self._training_data(texts, labels, groups, observed, weights)
        features, truth, observed, weights = data[:4]
        self.held_out = self._held_out_scores(*data)
        shares = self._shares(truth, observed)
        self.calibration, self.thresholds = calibrate(self.held_out, truth, observed, shares)
        screened = [self.taxonomy.index[label] for label in self.taxonomy.recall_first]
        # A screen that flags what is no likelier than any other text would be read by nobody.
        self.thresholds.recall[screened] = np.maximum(self.thresholds.recall[screened], shares[screened])
        self.coefficients, self.intercepts = self._regressions(features, truth, observed, weights)
        self._forget()
        return self

    def held_out_scores(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        *,
        groups: Sequence[object] | None = None,
        observed: Array | None = None,
    ) -> Array:
        """Return log-odds of each text from models not fitted on its group, shape ``(n_texts, n_labels)``.

        The parameters are those of :meth:`fit`, after which the same scores stand in ``held_out``.
        """
        return self._held_out_scores(*self._training_data(texts, labels, groups, observed, None))

    def _training_data(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        groups: Sequence[object] | None,
        observed: Array | None,
        weights: Array | None,
    ) -> tuple[sparse.csr_matrix, Array, Array, Array, list[object]]:
        """Return features, truth, observed, weights and groups, checked; learns the features' own weights."""
        self.prepare()
        truth = label_matrix(labels, self.taxonomy.index)
        observed = np.ones_like(truth) if observed is None else observed
        weights = np.ones(len(texts)) if weights is None else weights
        groups = list(range(len(texts))) if groups is None else list(groups)
        if not len(texts) == len(truth) == len(groups) == len(observed) == len(weights):
            raise DataError(f"lengths differ: {len(texts)} texts, {len(truth)} label sets, {len(groups)} groups.")
        if len(set(groups)) < self.folds:
            raise DataError(
                f"{len(set(groups))} groups are too few for {self.folds} folds. Pass folds= or more groups."
            )
        windows: list[Window] = [(doc, 0, len(doc)) for doc in map(self.nlp, texts)]
        return self.featurizer.fit(windows).transform(windows), truth, observed, weights, groups

    def score_docs(self, docs: Sequence[Doc]) -> Array:
        """Return calibrated probabilities, pooled over windows, shape ``(n_docs, n_labels)``."""
        windows = [(doc, start, end) for doc in docs for start, end in split_windows(doc)]
        owners = np.repeat(np.arange(len(docs)), [len(split_windows(doc)) for doc in docs])
        scores = np.zeros((len(docs), len(self.labels)))
        if windows:
            log_odds = self.log_odds(windows)
            np.maximum.at(scores, owners, self.calibration(log_odds))
        return scores

    def log_odds(self, windows: Sequence[Window]) -> Array:
        """Return uncalibrated log-odds of windows, shape ``(n_windows, n_labels)``."""
        if not hasattr(self, "coefficients"):
            raise ModelError("this classifier is not fitted. Call fit(texts, labels), or load() a shipped model.")
        scores: Array = np.asarray(self.featurizer.transform(windows) @ self.coefficients) + self.intercepts
        return scores

    def _forget(self) -> None:
        if hasattr(self, "featurizer"):
            self.featurizer.matches.forget()

    def explain_doc(self, doc: Doc, labels: Sequence[str]) -> list[Evidence]:
        """Return the phrases that carry each label most, and all lexicon matches with their status."""
        found = [match_evidence(doc, match) for match in self.featurizer.matches(doc) if match.label in labels]
        columns = [self.taxonomy.index[label] for label in labels]
        if columns and len(doc):
            windows = [(doc, start, end) for start, end in split_windows(doc)]
            scores = self.calibration(self.log_odds(windows))[:, columns]
            # Phrases of a window that the label does not reach would explain nothing.
            reached = scores >= np.minimum(self.thresholds.f1[columns] / 2, scores.max(axis=0))
            slopes = self.calibration.slope[columns]
            for window, own in zip(windows, reached, strict=True):
                if own.any():
                    tokens = self.featurizer.token_contributions(window, self.coefficients, columns) * slopes
                    carried = [label for label, yes in zip(labels, own, strict=True) if yes]
                    found += model_evidence(doc, window[1], tokens[:, own], carried)
        return sorted(found, key=lambda e: (e.start, e.end, e.label, e.source))

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return what each token of the window that decided adds to the calibrated log-odds of each label."""
        windows = [(doc, start, end) for start, end in split_windows(doc)]
        deciding = self.calibration(self.log_odds(windows)).argmax(axis=0)
        found: list[TokenContributions | None] = []
        for label in labels:
            column = self.taxonomy.index[label]
            window = windows[deciding[column]]
            slope = float(self.calibration.slope[column])
            constant = slope * float(self.intercepts[column]) + float(self.calibration.offset[column])
            values = slope * self.featurizer.token_contributions(window, self.coefficients, [column])[:, 0]
            found.append(TokenContributions(window[1], constant, values))
        return found

    def _held_out_scores(
        self, features: sparse.csr_matrix, truth: Array, observed: Array, weights: Array, groups: Sequence[object]
    ) -> Array:
        codes = np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
        scores = np.zeros(truth.shape)
        for train, test in GroupKFold(self.folds).split(features, groups=codes):
            coefficients, intercepts = self._regressions(features[train], truth[train], observed[train], weights[train])
            scores[test] = np.asarray(features[test] @ coefficients) + intercepts
        return scores

    def _regressions(
        self, features: sparse.csr_matrix, truth: Array, observed: Array, weights: Array
    ) -> tuple[Array, Array]:
        fitted = Parallel(n_jobs=-1)(
            delayed(_regression)(features[rows], truth[rows, column], weights[rows], self.C, self.seed)
            for column in range(truth.shape[1])
            for rows in [observed[:, column] > 0]
        )
        # float16 is what is stored: a saved and a fresh model decide alike.
        coefficients = np.array([row for row, _ in fitted]).T.astype(np.float16).astype(np.float32)
        return coefficients, np.array([intercept for _, intercept in fitted])

    def _shares(self, truth: Array, observed: Array) -> Array:
        given = self.prevalence or {}
        self.taxonomy.check(given, place="prevalence")
        measured = (truth * observed).sum(axis=0) / np.maximum(observed.sum(axis=0), 1)
        return np.array([given.get(label, measured[self.taxonomy.index[label]]) for label in self.labels])


def label_matrix(labels: Sequence[Iterable[str]], index: dict[str, int]) -> Array:
    """Return 0/1, shape ``(n_texts, n_labels)``."""
    truth = np.zeros((len(labels), len(index)), dtype=np.int8)
    for row, own in enumerate(labels):
        if isinstance(own, str):
            raise DataError(f"text {row}: its labels are one string. Give a list of label ids, empty for none.")
        for label in load_taxonomy().check(own, place=f"text {row}"):
            truth[row, index[label]] = 1
    return truth


def _regression(features: sparse.csr_matrix, truth: Array, weights: Array, C: float, seed: int) -> tuple[Array, float]:
    """Coefficients and intercept of one label; a label without positives or without negatives gets its constant."""
    if truth.min(initial=1) == truth.max(initial=0):
        constant = 6.0 if len(truth) and truth[0] else -6.0
        return np.zeros(features.shape[1]), constant
    model = LogisticRegression(C=C, solver="liblinear", random_state=seed)
    model.fit(features, truth, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])

"""The classifier: one logistic regression a label over spaCy-made features, calibrated on held-out author batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.base import BaseEstimator
from spacy.tokens import Doc

from disconnect_nlp.errors import DataError, ModelError
from disconnect_nlp.labellers.base import Analysis, Array, Labeller, Policy
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.evidence import grouped, match_evidence, model_evidence
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.labellers.featurizer import Featurizer, Found
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.labellers.transfer import calibrate_for_use
from disconnect_nlp.labellers.windows import Window, Windows, split_windows, windows_in_docs, windows_of
from disconnect_nlp.records import Evidence
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon
from disconnect_nlp.text.tokens import Tokens

_SLICE = 1 << 17  # tokens scored at a time: what n-grams need is some 200 bytes a token


class DisconnectClassifier(Labeller, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Multi-label classifier over hashed n-grams of words, base forms and asserted words, and asserted lexicon matches.

    Features → log-odds → calibration → thresholds are four separate steps. A long text is read in windows of whole
    sentences; its score for a label is the highest of its windows, so a sentence counts the same wherever it
    stands. Scores are calibrated for passages; a text of many windows has more chances to reach a threshold by error.

    Parameters
    ----------
    lexicon
        Entries of the lexicon block; those of the package by default.
    bits
        n-grams are hashed to ``2**bits`` columns for words, half as many each for base forms and asserted words.
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
        bits: int = 18,
        C: float = 30.0,
        folds: int = 5,
        prevalence: dict[str, float] | None = None,
        policy: Policy = "f1",
        seed: int = 0,
    ) -> None:
        self.lexicon = lexicon
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
        matches = MatchFinder(self.reader.nlp, self.lexicon or load_lexicon())
        self.featurizer = Featurizer(self.taxonomy, matches, bits=self.bits)
        return self

    def whole(self, texts: Sequence[str]) -> Windows:
        """Return each text as one window, as long as it is: the unit of fitting."""
        tokens = self.reader.read(list(texts))
        return Windows(tokens, tokens.bounds[:-1], tokens.bounds[1:])

    def fit(
        self,
        texts: Sequence[str],
        labels: Sequence[Iterable[str]],
        *,
        groups: Sequence[object] | None = None,
        observed: Array | None = None,
        weights: Array | None = None,
        real: Array | None = None,
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

        Raises
        ------
        DataError
            If lengths differ or there are fewer groups than folds.
        """
        data = self._training_data(texts, labels, groups, observed, weights)
        features, truth, observed, weights = data[:4]
        real = np.ones(len(truth), dtype=bool) if real is None else np.asarray(real, dtype=bool)
        if real.shape != (len(truth),):
            raise DataError(f"real has the shape {real.shape}, for {len(truth)} texts. Give one true or false a text.")
        self.held_out = self._held_out_scores(*data)
        shares = self._shares(truth, observed)
        screened = self.taxonomy.screened
        self.for_use = calibrate_for_use(self.held_out, truth, observed, shares, real, screened=screened)
        self.calibration, self.thresholds = self.for_use.calibration, self.for_use.thresholds
        self.coefficients, self.intercepts = self._regressions(features, truth, observed, weights)
        return self

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
        windows = self.whole(texts)
        return self.featurizer.fit(windows).transform(windows), truth, observed, weights, groups

    def analyse(self, tokens: Tokens) -> ModelAnalysis:
        """Return calibrated probabilities, pooled over windows."""
        self._check_fitted()
        found = self.featurizer.find(tokens)
        windows, owner = windows_of(tokens)
        log_odds = np.empty((len(windows), len(self.labels)))
        for part in _slices(windows):
            features = self.featurizer.features(windows[part], found)
            log_odds[part] = features @ self.coefficients + self.intercepts
        by_window = self.calibration(log_odds)
        return ModelAnalysis(pooled(by_window, owner, len(tokens.texts)), self, found, windows, owner, log_odds)

    def log_odds(self, windows: Sequence[Window]) -> Array:
        """Return uncalibrated log-odds of token ranges of Docs, shape ``(n_windows, n_labels)``."""
        self._check_fitted()
        own = windows_in_docs(windows)
        features = self.featurizer.features(own, self.featurizer.find(own.tokens))
        scores: Array = features @ self.coefficients + self.intercepts
        return scores

    def _check_fitted(self) -> None:
        if not hasattr(self, "coefficients"):
            raise ModelError("this classifier is not fitted. Call fit(texts, labels), or load() a shipped model.")

    def token_contributions(self, doc: Doc, labels: Sequence[str]) -> list[TokenContributions | None]:
        """Return what each token of the window that decided adds to the calibrated log-odds of each label."""
        windows = [(doc, start, end) for start, end in split_windows(doc)]
        deciding = self.calibration(self.log_odds(windows)).argmax(axis=0)
        columns = [self.taxonomy.index[label] for label in labels]
        return [self.window_contributions(windows[deciding[column]], column, self.calibration) for column in columns]

    def window_contributions(self, window: Window, column: int, calibration: Calibration) -> TokenContributions:
        """Return what each token of a window adds to the log-odds of the label in a column, on a calibrated scale."""
        slope = float(calibration.slope[column])
        constant = slope * float(self.intercepts[column]) + float(calibration.offset[column])
        values = slope * self.featurizer.token_contributions(window, self.coefficients, [column])[:, 0]
        return TokenContributions(window[1], constant, values)

    def _held_out_scores(
        self, features: sparse.csr_matrix, truth: Array, observed: Array, weights: Array, groups: Sequence[object]
    ) -> Array:
        from sklearn.model_selection import GroupKFold  # for fitting only, and slow to import

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


@dataclass(frozen=True, eq=False)
class ModelAnalysis(Analysis):
    """Scores by text, and by window before calibration; ``owner`` is the text of each window."""

    scores: Array
    model: DisconnectClassifier
    found: Found
    windows: Windows
    owner: Array
    log_odds: Array

    def evidence(self, wanted: Array) -> list[list[Evidence]]:
        """Return the phrases that carry each label most, and all lexicon matches with their status."""
        tokens, finder = self.windows.tokens, self.model.featurizer.matches
        matches = self.found.matches
        own = np.flatnonzero(wanted[matches.text, matches.label])
        found = grouped(matches.text[own], match_evidence(tokens, finder, matches, own), len(wanted))
        for text, item in self._phrases(wanted):
            found[text].append(item)
        for items in found:
            items.sort(key=lambda e: (e.start, e.end, e.label, e.source))
        return found

    def _phrases(self, wanted: Array) -> Iterator[tuple[int, Evidence]]:
        # Phrases of a window that the label does not reach would explain nothing.
        by_window = self.model.calibration(self.log_odds)
        reached = by_window >= np.minimum(self.model.thresholds.f1 / 2, self.scores[self.owner])
        carried = wanted[self.owner] & reached & (self.windows.sizes > 0)[:, None]
        some = np.flatnonzero(carried.any(axis=1))
        windows = self.windows[some]
        for part in _slices(windows, carried[some].sum(axis=1)):
            window, column = np.nonzero(carried[some[part]])
            text = self.owner[some[part]][window]
            yield from self._explained(windows[part], window, column, text)

    def _explained(self, windows: Windows, window: Array, column: Array, text: Array) -> Iterator[tuple[int, Evidence]]:
        model, featurizer = self.model, self.model.featurizer
        features = featurizer.features(windows, self.found)
        values = featurizer.contributions(windows, self.found.matches, features, model.coefficients, window, column)
        pairs = windows[window]
        pair = np.repeat(np.arange(len(window)), pairs.sizes)
        values *= model.calibration.slope[column][pair]
        labels = [model.labels[number] for number in column.tolist()]
        own, found = model_evidence(windows.tokens, pairs.positions, values, pair, text, labels)
        yield from zip(text[own].tolist(), found, strict=True)


def pooled(by_window: Array, owner: Array, n_texts: int) -> Array:
    """Return the highest row of each text's windows, shape ``(n_texts, n_columns)``; every text has a window."""
    first = np.searchsorted(owner, np.arange(n_texts))
    return np.maximum.reduceat(by_window, first) if n_texts else by_window


def _slices(windows: Windows, times: Array | int = 1) -> Iterator[slice]:
    """Cut windows, each counted ``times``, into stretches of about ``_SLICE`` tokens."""
    if len(windows):
        number = np.cumsum(windows.sizes * times) // _SLICE
        cuts = np.flatnonzero(np.diff(number)) + 1
        yield from map(slice, [0, *cuts.tolist()], [*cuts.tolist(), len(windows)])


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
    from sklearn.linear_model import LogisticRegression  # for fitting only, and slow to import

    if truth.min(initial=1) == truth.max(initial=0):
        constant = 6.0 if len(truth) and truth[0] else -6.0
        return np.zeros(features.shape[1]), constant
    model = LogisticRegression(C=C, solver="liblinear", random_state=seed)
    model.fit(features, truth, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])

"""A fitted linear model: hashed n-grams and lexicon matches times coefficients, calibrated. What ``load`` gives.

Nothing here fits, so nothing here needs scikit-learn: labelling starts without waiting for its import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from spacy.tokens import Doc

from disconnect_nlp.errors import ModelError
from disconnect_nlp.labellers.base import Analysis, Array, Labeller
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.evidence import grouped, match_evidence, model_evidence
from disconnect_nlp.labellers.explain import TokenContributions
from disconnect_nlp.labellers.featurizer import Featurizer, Found
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.labellers.windows import Window, Windows, split_windows, windows_in_docs, windows_of
from disconnect_nlp.records import Evidence, Policy
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.lexicon import Lexicon, load_lexicon
from disconnect_nlp.text.tokens import Tokens

_SLICE = 1 << 17  # tokens scored at a time: what n-grams need is some 200 bytes a token


class LinearModel(Labeller):
    """Labels by coefficients that :class:`~disconnect_nlp.DisconnectClassifier` has fitted, or a store has kept.

    Parameters
    ----------
    lexicon
        Entries of the lexicon block; those of the package by default.
    bits
        n-grams are hashed to ``2**bits`` columns for words, half as many each for base forms and asserted words.
    policy
        ``f1``, ``precision`` or ``recall``: which thresholds decide.

    Attributes
    ----------
    coefficients, intercepts
        Shapes ``(n_features, n_labels)`` and ``(n_labels,)``; not there before fitting or loading.
    calibration, thresholds
        Of the log-odds.
    featurizer
        Made by :meth:`prepare`.
    """

    name = "model"
    featurizer: Featurizer
    coefficients: Array
    intercepts: Array
    calibration: Calibration

    def __init__(self, *, lexicon: Lexicon | None = None, bits: int = 18, policy: Policy = "f1") -> None:
        self.lexicon = lexicon
        self.bits = bits
        self.policy = policy

    @property
    def taxonomy(self) -> Taxonomy:  # type: ignore[override]  # read-only is enough here
        """The taxonomy of the package."""
        return load_taxonomy()

    def prepare(self) -> Self:
        """Build the unfitted parts; return self."""
        matches = MatchFinder(self.reader.nlp, self.lexicon or load_lexicon())
        self.featurizer = Featurizer(self.taxonomy, matches, bits=self.bits)
        return self

    def whole(self, texts: Sequence[str]) -> Windows:
        """Return each text as one window, as long as it is: the unit of fitting."""
        tokens = self.reader.read(list(texts))
        return Windows(tokens, tokens.bounds[:-1], tokens.bounds[1:])

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


@dataclass(frozen=True, eq=False)
class ModelAnalysis(Analysis):
    """Scores by text, and by window before calibration; ``owner`` is the text of each window."""

    scores: Array
    model: LinearModel
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

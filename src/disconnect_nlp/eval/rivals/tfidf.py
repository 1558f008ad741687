"""Word tf-idf and logistic regression: the rival everybody has."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.rivals.base import LinearHeads

_C = 10.0


class TfidfScorer:
    """Uni- and bigrams of words, sublinear tf-idf, one logistic regression a label."""

    def fit(self, texts: Sequence[str], truth: Array, observed: Array) -> TfidfScorer:
        """Fit vocabulary and regressions; return self."""
        self.vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
        self.heads = LinearHeads(C=_C).fit(self.vectorizer.fit_transform(texts), truth, observed)
        return self

    def score(self, texts: Sequence[str]) -> Array:
        """Return log-odds, shape ``(n_texts, n_labels)``."""
        return self.heads.score(self.vectorizer.transform(texts))

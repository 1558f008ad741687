"""Sentences of the texts that a classifier is fitted on, with labels of their own.

In a passage of a hundred words one clause may carry the label; a linear learner is told that all of them do. Sentences
that are known to carry it, and sentences beside them that do not, say which words it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from disconnect_nlp.errors import DataError

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LabelledSentences:
    """What :meth:`DisconnectClassifier.fit` learns from beside the texts.

    Attributes
    ----------
    texts
        The sentences.
    owner
        The row of the text that each stands in, shape ``(n_sentences,)``: it is fitted on where that text is, so
        held-out scores know nothing of it.
    truth, observed
        0/1, shape ``(n_sentences, n_labels)``: labels carried, and known.

    Examples
    --------
    >>> from disconnect_nlp import DisconnectClassifier
    >>> texts = ["I feel numb. We had soup.", "The bus came. We had bread."] * 6
    >>> labels, column = [["numbness"], []] * 6, DisconnectClassifier().taxonomy.index["numbness"]
    >>> truth, observed = np.zeros((2, 2, len(DisconnectClassifier().labels)), dtype=int)
    >>> truth[0, column], observed[:, column] = 1, 1
    >>> parts = LabelledSentences(["I feel numb.", "We had soup."], np.array([0, 0]), truth, observed)
    >>> model = DisconnectClassifier(bits=10, folds=2).fit(texts, labels, sentences=parts)
    """

    texts: Sequence[str]
    owner: Array
    truth: Array
    observed: Array

    @classmethod
    def none(cls, n_labels: int) -> LabelledSentences:
        """Return no sentences."""
        empty = np.zeros((0, n_labels), dtype=np.int8)
        return cls([], np.zeros(0, dtype=int), empty, empty)

    def check(self, n_texts: int, n_labels: int) -> None:
        """Raise DataError if shapes differ or an owner is no row of the texts."""
        shapes = {self.truth.shape, self.observed.shape, (len(self.owner), n_labels), (len(self.texts), n_labels)}
        if len(shapes) > 1:
            raise DataError(
                f"sentences: {len(self.texts)} texts, {len(self.owner)} owners, truth of shape {self.truth.shape} and "
                f"observed of shape {self.observed.shape}. Give one owner and {n_labels} labels a sentence."
            )
        if len(self.owner) and not 0 <= self.owner.min() <= self.owner.max() < n_texts:
            raise DataError(
                f"sentences: owners from {self.owner.min()} to {self.owner.max()}, but the texts are the rows 0 to "
                f"{n_texts - 1}. Name the row of the text that a sentence stands in."
            )

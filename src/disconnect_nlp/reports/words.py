"""Words and two-word phrases that mark a label in one corpus: log-odds with an informative prior.

Monroe, Colaresi & Quinn (2008), "Fightin' Words": the corpus itself is the prior, so rare words must show more before
they count. Each text counts a term once, however often it repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import sparse

Array = np.ndarray

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_TERMS = 400_000  # terms kept while counting; the rarest are forgotten beyond it
_PRIOR = 1000.0  # how many terms of the corpus at large each side is given, at most
_PRIOR_SHARE = 0.1  # of the corpus: in a small one the prior must not drown it
_MIN_TEXTS = 3  # of a label, in which a term must stand
_MIN_Z = 1.96


class WordCounts:
    """Counts in how many texts each term stands, in all and by label.

    Examples
    --------
    >>> counts = WordCounts(1)
    >>> counts.add(["Nobody reads it.", "Soup."], np.array([[1], [0]]))
    >>> counts.n_terms  # nobody, reads, it, nobody reads, reads it, soup
    6
    """

    def __init__(self, n_labels: int) -> None:
        self.n_texts = 0
        self._terms: dict[str, int] = {}
        self._all = np.zeros(0, dtype=np.int64)
        self._given: sparse.csr_matrix = sparse.csr_matrix((n_labels, 0), dtype=np.int32)

    @property
    def n_terms(self) -> int:
        """Terms held."""
        return len(self._terms)

    def add(self, texts: Sequence[str], given: Array) -> None:
        """Count the terms of ``texts`` with decisions of shape ``(n_texts, n_labels)``."""
        columns: list[int] = []
        bounds = [0]
        for text in texts:
            columns += [self._terms.setdefault(term, len(self._terms)) for term in terms_of(text)]
            bounds.append(len(columns))
        shape = (len(texts), len(self._terms))
        ones = np.ones(len(columns), dtype=np.int32)
        matrix = sparse.csr_matrix((ones, np.array(columns, dtype=np.int64), np.array(bounds)), shape=shape)
        self.n_texts += len(texts)
        self._all = np.bincount(matrix.indices, minlength=shape[1]) + np.pad(self._all, (0, shape[1] - len(self._all)))
        self._given.resize((self._given.shape[0], shape[1]))
        self._given = self._given + sparse.csr_matrix(given.T.astype(np.int32)) @ matrix
        if len(self._terms) > _MOST_TERMS:
            self._forget_rare()

    def marking(self, labels: Sequence[str], *, most: int) -> pd.DataFrame:
        """Return the terms that mark each label most, the strongest first.

        Returns
        -------
        pandas.DataFrame
            ``label``, ``term``, ``texts_with`` and ``texts_without`` (texts with and without the label in which the
            term stands), ``log_odds`` (ratio, natural logarithm) and ``z`` (the ratio by its standard deviation).
        """
        names = np.array([*self._terms], dtype=object)
        frames = [self._of_label(row, label, names, most) for row, label in enumerate(labels)]
        columns = ["label", "term", "texts_with", "texts_without", "log_odds", "z"]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def _of_label(self, row: int, label: str, names: Array, most: int) -> pd.DataFrame:
        inside = np.asarray(self._given[row].todense()).ravel().astype(float)
        outside = self._all - inside
        prior = max(1.0, min(_PRIOR, _PRIOR_SHARE * self._all.sum()))
        log_odds, z = weighted_log_odds(inside, outside, prior=prior)
        wanted = np.flatnonzero((inside >= _MIN_TEXTS) & (z >= _MIN_Z))
        order = wanted[np.lexsort((names[wanted].astype(str), -z[wanted]))]
        chosen = _without_parts(order, names, most)
        return pd.DataFrame(
            {
                "label": label,
                "term": names[chosen],
                "texts_with": inside[chosen].astype(int),
                "texts_without": outside[chosen].astype(int),
                "log_odds": log_odds[chosen].round(4),
                "z": z[chosen].round(3),
            }
        )

    def _forget_rare(self) -> None:
        order = np.argsort(-self._all, kind="stable")[: _MOST_TERMS // 2]
        kept = np.sort(order)
        names = [*self._terms]
        self._terms = {names[column]: number for number, column in enumerate(kept.tolist())}
        self._all = self._all[kept]
        self._given = self._given[:, kept]


def terms_of(text: str) -> set[str]:
    """Return the words of a text, and each two that stand next to each other, in small letters.

    Examples
    --------
    >>> sorted(terms_of("I don’t, I DON'T"))
    ["don't", "don't i", 'i', "i don't"]
    """
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


def weighted_log_odds(inside: Array, outside: Array, *, prior: float) -> tuple[Array, Array]:
    """Return the log-odds ratio of each term and its z-score (Monroe et al. 2008, eq. 16 and 22).

    Parameters
    ----------
    inside, outside
        Counts of each term, shape ``(n_terms,)``.
    prior
        Size of the prior; each term's share of it is its share of the whole corpus.
    """
    total = inside + outside
    alpha = prior * total / max(total.sum(), 1)
    sides = []
    for counts in (inside, outside):
        with_prior = counts + alpha
        rest = counts.sum() + prior - with_prior
        sides.append(np.log(with_prior / np.maximum(rest, 1e-9)))
    deviation = np.sqrt(1 / (inside + alpha) + 1 / (outside + alpha))
    log_odds = sides[0] - sides[1]
    return log_odds, log_odds / deviation


def _without_parts(order: Array, names: Array, most: int) -> list[int]:
    """Take terms in order, leaving out a word or phrase that one already taken contains or is contained in."""
    taken: list[int] = []
    words: list[set[str]] = []
    for column in order.tolist():
        own = set(str(names[column]).split())
        if not any(own <= other or other <= own for other in words):
            taken.append(column)
            words.append(own)
        if len(taken) == most:
            break
    return taken

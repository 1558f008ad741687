"""Likely labelling mistakes: texts whose label a model disputes that was not fitted on their author's texts.

After confident learning (Northcutt et al. 2021), with plain limits. A label that is not given is suspect where its
held-out score makes it likelier than not; one that is given, where its score lies among those of nine in ten texts
without it. Either way the score must lie far from the average of texts labelled alike: where a model finds a label
hardly ever, missing it says nothing. It is a list to read, no verdict: the text may be right, and merely hard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from disconnect_nlp.corpus import Text
from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import group_codes
from disconnect_nlp.labellers.calibration import sigmoid
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.taxonomy import load_taxonomy

_FOLDS = 5
_C = 30.0  # that of the shipped classifier
_LIKELIER = 0.5
_MOST = 0.9
_FAR = 0.2
_MIN_POSITIVES = 20  # fewer, and the average held-out score of carriers says little


@dataclass(frozen=True)
class Suspect:
    """One label of one text that may be wrong."""

    id: str
    group: str
    label: str
    given: bool
    """Whether the text carries the label now."""
    score: float
    """Held-out probability in this corpus."""
    average_with: float
    """Average held-out score of texts that carry the label."""
    average_without: float
    entries: tuple[str, ...]
    """Affirmed lexicon entries of the label in the text."""
    reader_differs: bool = False
    """Whether a second reading had changed this label already."""

    @property
    def margin(self) -> float:
        """How far the score lies from the average of texts labelled alike, 0 to 1."""
        return abs(self.score - (self.average_with if self.given else self.average_without))

    @property
    def reason(self) -> str:
        """Why it is listed, in one line without the text."""
        state = "given" if self.given else "not given"
        averages = f"texts with the label average {self.average_with:.2f}, without {self.average_without:.2f}"
        seen = f"lexicon: {', '.join(self.entries)}" if self.entries else "no lexicon entry"
        return f"{state}, held-out score {self.score:.2f}; {averages}; {seen}"


def suspects(
    dataset: Dataset, *, labels: Sequence[str] | None = None, done: Callable[[], None] = lambda: None
) -> list[Suspect]:
    """Return likely mistakes, those first that lie farthest from texts labelled alike.

    Parameters
    ----------
    dataset
        Labelled texts; ``groups`` are authors or batches, never split between fitting and scoring. Ids come from
        a column ``id``, else rows are numbered.
    labels
        Which labels to check; all by default. Labels with fewer than twenty carriers are left out.
    done
        Called after each label.

    Raises
    ------
    DataError
        If there are fewer than five groups.
    """
    taxonomy = load_taxonomy()
    codes = group_codes(dataset.groups)
    if codes.max() + 1 < _FOLDS:
        raise DataError(f"{codes.max() + 1} groups are too few; at least {_FOLDS} authors or batches are needed.")
    chosen = [
        label
        for label in taxonomy.check(labels if labels is not None else taxonomy.ids)
        if dataset.truth[:, taxonomy.index[label]].sum() >= _MIN_POSITIVES
    ]
    features, entries = _features(dataset.texts), _entries(dataset.texts)
    truth = dataset.truth[:, [taxonomy.index[label] for label in chosen]]
    tasks = (delayed(_held_out)(features, own, codes) for own in truth.T)
    scores = []
    for own in Parallel(n_jobs=-1, max_nbytes=None, return_as="generator")(tasks):
        scores.append(own)
        done()
    found = [
        suspect
        for label, own, score in zip(chosen, truth.T, scores, strict=True)
        for suspect in _of_label(dataset, label, own, score, entries)
    ]
    return sorted(found, key=lambda suspect: (-suspect.margin, suspect.id, suspect.label))


def mark_reread(found: Sequence[Suspect], texts: Sequence[Text]) -> list[Suspect]:
    """Mark suspects whose label stands in the author's intention and not in the labels, or the other way round."""
    changed = {
        (text.id, label) for text in texts if text.intent is not None for label in set(text.intent) ^ set(text.labels)
    }
    return [replace(one, reader_differs=(one.id, one.label) in changed) for one in found]


def _features(texts: Sequence[str]) -> sparse.csr_matrix:
    """Features of the shipped classifier, fitted anew; they see no labels."""
    model = DisconnectClassifier().prepare()
    windows = model.whole(texts)
    return model.featurizer.fit(windows).transform(windows)


def _entries(texts: Sequence[str]) -> list[dict[str, tuple[str, ...]]]:
    """Lexicon entries that support a label in each text, by label."""
    found = []
    for note in LexiconLabeller().annotate_all(texts):
        own: dict[str, set[str]] = defaultdict(set)
        for item in note.evidence:
            if item.counts:
                own[item.label].add(item.source.removeprefix("lexicon:"))
        found.append({label: tuple(sorted(ids)) for label, ids in own.items()})
    return found


def _held_out(features: sparse.csr_matrix, truth: Array, codes: Array) -> Array:
    model = LogisticRegression(C=_C, solver="liblinear", random_state=0)
    log_odds = cross_val_predict(
        model, features, truth, groups=codes, cv=GroupKFold(_FOLDS), method="decision_function"
    )
    return sigmoid(log_odds)


def _of_label(
    dataset: Dataset, label: str, truth: Array, scores: Array, entries: Sequence[dict[str, tuple[str, ...]]]
) -> list[Suspect]:
    carriers, others = float(scores[truth > 0].mean()), float(scores[truth == 0].mean())
    low = min(float(np.quantile(scores[truth == 0], _MOST)), _LIKELIER)
    far = np.abs(scores - np.where(truth > 0, carriers, others)) >= _FAR
    wrong = far & np.where(truth > 0, scores <= low, scores >= _LIKELIER)
    ids = dataset.columns.get("id") or tuple(f"row {row + 1}" for row in range(len(dataset)))
    return [
        Suspect(
            id=ids[row],
            group=dataset.groups[row],
            label=label,
            given=bool(truth[row]),
            score=round(float(scores[row]), 4),
            average_with=round(carriers, 4),
            average_without=round(others, 4),
            entries=entries[row].get(label, ()),
        )
        for row in np.flatnonzero(wrong).tolist()
    ]

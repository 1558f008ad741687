"""What the shipped models are fitted on: the authored corpus, and the labelled public passages where they are at hand.

No word of the public passages enters a model: their n-grams are hashed, and of the encoder only weights are learned.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disconnect_nlp.corpus import PublicLabel, Text, load_corpus, near_labels, read_public_labels
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.labellers.classifier import label_matrix
from disconnect_nlp.labellers.windows import split_windows
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.components import blank_pipeline

# Sections of the codebook that readers of the public passages did not label.
_NOT_IN_PUBLIC = ("settings", "causes", "reconnection")
_MIN_PREVALENCE = 0.01  # the natural-mix batches are too few to tell rarer labels apart


@dataclass(frozen=True)
class TrainingTexts:
    """Passages to fit on, with what is known of each."""

    texts: list[str]
    labels: list[tuple[str, ...]]
    groups: list[str]
    observed: np.ndarray
    """0/1, shape ``(n_texts, n_labels)``."""
    n_authored: int
    """The first so many are authored, the rest public."""
    near: list[tuple[str, ...] | None]
    """Labels mentioned without being carried; None for a part of a longer text."""

    @property
    def what(self) -> str:
        """How many of which kind, in words."""
        n_public = len(self.texts) - self.n_authored
        return f"{self.n_authored} authored passages" + (f", {n_public} public passages" if n_public else "")

    @property
    def real(self) -> np.ndarray:
        """Which passages people really wrote: the public ones. Bool, shape ``(n_texts,)``."""
        real: np.ndarray = np.arange(len(self.texts)) >= self.n_authored
        return real

    def truth(self) -> np.ndarray:
        """Return 0/1, shape ``(n_texts, n_labels)``."""
        return label_matrix(self.labels, load_taxonomy().index)

    def __add__(self, other: TrainingTexts) -> TrainingTexts:
        return TrainingTexts(
            self.texts + other.texts,
            self.labels + other.labels,
            self.groups + other.groups,
            np.vstack([self.observed, other.observed]),
            self.n_authored + other.n_authored,
            self.near + other.near,
        )


def authored(texts: Sequence[Text], taxonomy: Taxonomy) -> TrainingTexts:
    """Return passages of the authored corpus; a long text gives one passage a window.

    A window takes the labels whose evidence lies in it; a label without marked evidence is unknown for each of
    several windows.
    """
    nlp = blank_pipeline()
    passages: list[str] = []
    labels: list[tuple[str, ...]] = []
    groups: list[str] = []
    observed: list[np.ndarray] = []
    near: list[tuple[str, ...] | None] = []
    for text in texts:
        doc = nlp(text.text)
        windows = split_windows(doc)
        marked = {item.label for item in text.evidence}
        for start, end in windows:
            passage = doc[start:end].text
            known = np.ones(len(taxonomy.ids), dtype=np.int8)
            own = text.labels
            if len(windows) > 1:
                own = tuple(label for label in text.labels if _stands_in(text, label, passage))
                known[[taxonomy.index[label] for label in text.labels if label not in marked]] = 0
            passages.append(passage)
            labels.append(own)
            groups.append(text.batch)
            observed.append(known)
            near.append(near_labels(text.near) if len(windows) == 1 else None)
    return TrainingTexts(passages, labels, groups, np.array(observed), len(passages), near)


def _stands_in(text: Text, label: str, passage: str) -> bool:
    return any(item.label == label and item.quote in passage for item in text.evidence)


def public(folder: Path, labels: Sequence[PublicLabel], taxonomy: Taxonomy) -> TrainingTexts:
    """Return the labelled public passages whose texts lie in ``folder/passages.csv``.

    Raises
    ------
    CorpusError
        If a labelled passage is missing or its text is not the one that was labelled.
    """
    with (folder / "passages.csv").open(encoding="utf-8", newline="") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    for label in labels:
        if label.id not in texts or hashlib.sha256(texts[label.id].encode()).hexdigest()[: len(label.id)] != label.id:
            raise CorpusError(f"{folder}: passage {label.id} ({label.source}) is missing or not the text labelled.")
    known = np.ones(len(taxonomy.ids), dtype=np.int8)
    for group in _NOT_IN_PUBLIC:
        known[[taxonomy.index[label] for label in taxonomy.group(group)]] = 0
    return TrainingTexts(
        [texts[label.id] for label in labels],
        [label.labels for label in labels],
        [f"{label.source}:{label.locator}" for label in labels],
        np.tile(known, (len(labels), 1)),
        0,
        [near_labels(label.near) for label in labels],
    )


def training_texts(public_folder: Path | None, taxonomy: Taxonomy) -> TrainingTexts:
    """Return the passages of the train split, and the public ones if their folder is given."""
    own = authored([text for text in load_corpus() if text.split == "train"], taxonomy)
    if public_folder is None:
        return own
    labels = read_public_labels(shipped_path("data", "public", "labels.csv"))
    return own + public(public_folder, labels, taxonomy)


def natural_prevalence(texts: Sequence[Text], taxonomy: Taxonomy) -> dict[str, float]:
    """Return the share of each label in the natural-mix batches (the dev split), at least one in a hundred."""
    n = max(len(texts), 1)
    return {label: max(_MIN_PREVALENCE, sum(label in text.labels for text in texts) / n) for label in taxonomy.ids}


def held_out(groups: Sequence[str], *, every: int = 9) -> np.ndarray:
    """Return which texts belong to the one group in ``every`` that is kept from fitting, by a hash of its name.

    Examples
    --------
    >>> held_out(["a01", "a01", "b07"]).tolist()
    [False, False, False]
    """
    return np.array([int(hashlib.sha256(group.encode()).hexdigest(), 16) % every == 0 for group in groups])

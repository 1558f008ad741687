"""What models are trained on: the authored corpus as passages, and labelled public passages from a user's folder."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disconnect_nlp.corpus import PublicLabel, Text, load_corpus, read_public_labels
from disconnect_nlp.errors import CorpusError
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

    def __add__(self, other: TrainingTexts) -> TrainingTexts:
        return TrainingTexts(
            self.texts + other.texts,
            self.labels + other.labels,
            self.groups + other.groups,
            np.vstack([self.observed, other.observed]),
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
    return TrainingTexts(passages, labels, groups, np.array(observed))


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
    )


def natural_prevalence(texts: Sequence[Text], taxonomy: Taxonomy) -> dict[str, float]:
    """Return the share of each label in the natural-mix batches (the dev split), at least one in a hundred."""
    n = max(len(texts), 1)
    return {label: max(_MIN_PREVALENCE, sum(label in text.labels for text in texts) / n) for label in taxonomy.ids}


def shipped_training(folder: Path | None = None) -> TrainingTexts:
    """Return the train split of the shipped corpus, and the public passages if their folder is given."""
    taxonomy = load_taxonomy()
    own = authored(load_corpus(split="train"), taxonomy)
    if folder is None:
        return own
    return own + public(folder, read_public_labels(shipped_path("data", "public", "labels.csv")), taxonomy)

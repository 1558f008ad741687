"""How author and blind reader of the shipped corpus agree (``data/readings.csv``)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disconnect_nlp.corpus import Text, split_cell
from disconnect_nlp.eval.agreement import agreement
from disconnect_nlp.labellers.classifier import label_matrix
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.taxonomy import load_taxonomy


@dataclass(frozen=True)
class Reading:
    """What came of reading a text blind."""

    labels: tuple[str, ...]
    """The second reader's."""
    differs: bool
    """From the author's."""
    decided: bool
    """Whether a third reader had to."""


def read_readings() -> dict[str, Reading]:
    """Return the reading of every text that was read, by text id."""
    with shipped_path("data", "readings.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["id"]: Reading(
                split_cell(row["labels"]), row["differs"] == "yes", row["differs"] == "yes" or bool(row["decided"])
            )
            for row in csv.DictReader(file)
        }


def reader_agreement(texts: Sequence[Text], readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Return the agreement of author and second reader before any change, by label.

    Returns
    -------
    dict
        Label id to ``alpha``, ``kappa``, ``positive_agreement``, ``n_first`` (author) and ``n_second`` (reader).
    """
    taxonomy = load_taxonomy()
    read = [text for text in texts if text.id in readings]
    author = label_matrix([text.labels if text.intent is None else text.intent for text in read], taxonomy.index)
    reader = label_matrix([readings[text.id].labels for text in read], taxonomy.index)
    labels: dict[str, Any] = agreement({"author": author, "reader": reader}, taxonomy.ids)[0]["labels"]
    return labels

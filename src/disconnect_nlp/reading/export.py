"""Readings as training data: the columns that ``eval --data`` and the classifier's users read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from disconnect_nlp.reading.agreement import Reader, disagreement
from disconnect_nlp.reading.journal import Reading, Readings
from disconnect_nlp.reading.table import ReadingTable


def export_rows(
    table: ReadingTable, readings: Readings, *, others: Sequence[Reader] = (), texts: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield a row for each passage that was read to the end, in table order; ids joined by ``;``.

    Where two readers are compared, passages on which they agree count as read.
    """
    for row, key in enumerate(table.keys):
        reading = _final(readings.of(key), [other.readings.of(key) for other in others], table.labels)
        if reading is not None:
            yield {
                "id": table.ids[row],
                **({"text": table.texts[row]} if texts else {}),
                "labels": _joined(reading.labels, table.labels),
                "near": ";".join(reading.near),
                "note": reading.note,
            }


def _final(own: Reading, said: Sequence[Reading], labels: Sequence[str]) -> Reading | None:
    if own.state == "read":
        return own
    if not said or any(reading.state != "read" for reading in said):
        return None
    first, *rest = ([label for label in labels if label in reading.labels] for reading in said)
    if any(other != first for other in rest):
        return None
    near = tuple(
        item for item in said[0].near if item.split(":")[0] in labels and all(item in one.near for one in said)
    )
    return Reading(labels=tuple(first), near=near)


def disagreement_rows(
    table: ReadingTable, readers: Sequence[Reader], *, texts: bool = True
) -> Iterator[dict[str, Any]]:
    """Yield a row for each passage on which two readers do not agree: what both gave, and what each gave alone."""
    for row in np.flatnonzero(disagreement(table, readers)).tolist():
        said = [reader.readings.of(table.keys[row]) for reader in readers]
        first, second = (set(reading.labels) for reading in said)
        yield {
            "id": table.ids[row],
            **({"text": table.texts[row]} if texts else {}),
            "both": _joined(first & second, table.labels),
            f"only_{readers[0].name}": _joined(first - second, table.labels),
            f"only_{readers[1].name}": _joined(second - first, table.labels),
            **{f"note_{reader.name}": reading.note for reader, reading in zip(readers, said, strict=True)},
        }


def _joined(chosen: Collection[str], labels: Sequence[str]) -> str:
    return ";".join(label for label in labels if label in chosen)

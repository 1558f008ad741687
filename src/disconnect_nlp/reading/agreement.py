"""Two readers' journals of one table: how far they agree, and on which passages they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disconnect_nlp.errors import DataError
from disconnect_nlp.reading.journal import Readings, journal_path, read_journal
from disconnect_nlp.reading.table import Array, ReadingTable

_SAMPLES = 2000
_SUFFIX = ".readings.jsonl"


@dataclass(frozen=True)
class Reader:
    """Somebody who read the table."""

    name: str
    readings: Readings


@dataclass(frozen=True)
class Agreement:
    """Two readers on one label, over the passages that both have read. Undefined numbers are None."""

    label: str
    both: int
    first_only: int
    second_only: int
    neither: int
    positive_agreement: float | None
    """Passages labelled by both, twice, over labels given by either; undefined if neither gave it."""
    alpha: float | None
    """Krippendorff's alpha, nominal; undefined if all answers are the same."""
    alpha_low: float | None
    """95 % bootstrap interval over passages."""
    alpha_high: float | None

    @property
    def n(self) -> int:
        """Passages that both have read."""
        return self.both + self.first_only + self.second_only + self.neither


def find_reader(table: Path, name: str) -> Reader:
    """Return a reader of a table by name, or by the path of a journal."""
    path = Path(name) if name.endswith(_SUFFIX) else journal_path(table, name)
    readings, _ = read_journal(path)
    return Reader(readings.header.reader, readings)


def check_readers(readers: Sequence[Reader], labels: Sequence[str]) -> None:
    """Raise DataError if there are not two different readers who both read for ``labels``."""
    if len(readers) != 2 or readers[0].name == readers[1].name:
        raise DataError("--compare: name two different readers, such as --compare ann --compare bo.")
    for reader in readers:
        missing = [label for label in labels if label not in reader.readings.header.labels]
        if missing:
            raise DataError(
                f"reader {reader.name!r} did not read for {', '.join(missing)}. Pass --labels with what both read for."
            )


def answers(table: ReadingTable, reader: Reader) -> tuple[Array, Array]:
    """Return which passages a reader has read, ``(n_rows,)``, and the labels given, ``(n_rows, n_labels)``, bool."""
    said = [reader.readings.of(key) for key in table.keys]
    read = np.array([reading.state == "read" for reading in said])
    given = np.array([[label in reading.labels for label in table.labels] for reading in said])
    return read, given & read[:, None]


def disagreement(table: ReadingTable, readers: Sequence[Reader]) -> Array:
    """Return which passages both readers have read and labelled differently, bool, shape ``(n_rows,)``."""
    if not readers:
        return np.zeros(len(table), dtype=bool)
    (read, given), (other_read, other_given) = (answers(table, reader) for reader in readers)
    disputed: Array = read & other_read & (given != other_given).any(axis=1)
    return disputed


def agreement(table: ReadingTable, readers: Sequence[Reader], *, seed: int = 0) -> list[Agreement]:
    """Return agreement per label, in the table's order of labels.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability. Positive agreement: Cicchetti and Feinstein (1990).
    """
    (read, first), (other_read, second) = (answers(table, reader) for reader in readers)
    common = read & other_read
    if not common.any():
        raise DataError(f"{readers[0].name} and {readers[1].name} have read no passage in common.")
    first, second = first[common], second[common]
    cells = np.stack(
        [(first & second).sum(0), (first & ~second).sum(0), (~first & second).sum(0), (~first & ~second).sum(0)], axis=1
    )
    rng = np.random.default_rng(seed)
    return [_of_label(label, own, rng) for label, own in zip(table.labels, cells, strict=True)]


def _of_label(label: str, cells: Array, rng: np.random.Generator) -> Agreement:
    both, first_only, second_only, neither = cells.tolist()
    given = 2 * both + first_only + second_only
    drawn = alpha(rng.multinomial(cells.sum(), cells / cells.sum(), size=_SAMPLES))
    defined = drawn[~np.isnan(drawn)]
    low, high = np.quantile(defined, [0.025, 0.975]).tolist() if len(defined) else (None, None)
    own = float(alpha(cells))
    known = own == own
    return Agreement(
        label, both, first_only, second_only, neither,
        positive_agreement=2 * both / given if given else None,
        alpha=own if known else None,
        alpha_low=low if known else None,
        alpha_high=high if known else None,
    )  # fmt: skip


def alpha(cells: Array) -> Array:
    """Krippendorff's alpha of two readers and a yes-no question.

    Parameters
    ----------
    cells
        Passages with yes from both, the first alone, the second alone and neither, in the last axis.

    Returns
    -------
    numpy.ndarray
        Shape of ``cells`` without the last axis; nan where all answers are the same.

    Examples
    --------
    >>> alpha(np.array([[10, 0, 0, 90], [0, 5, 5, 90], [0, 0, 0, 5]])).round(3).tolist()
    [1.0, -0.047, nan]
    """
    both, first_only, second_only, neither = np.moveaxis(np.asarray(cells, dtype=float), -1, 0)
    yes, no = 2 * both + first_only + second_only, 2 * neither + first_only + second_only
    expected = np.where(yes * no > 0, yes * no, np.nan)
    result: Array = 1 - (yes + no - 1) * (first_only + second_only) / expected
    return result

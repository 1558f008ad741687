"""Any system as predictions: labellers, folders, objects, dictionaries, files of predictions, trivial baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.eval.datasets import Dataset, parse_labels, sound_rows
from disconnect_nlp.labellers.frames import PREFIX
from disconnect_nlp.tables import open_reader
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import natural_prevalence

Array = np.ndarray
_Row = tuple[str, dict[str, Any]]  # where it stands, and its cells
TRIVIAL = ("nothing", "everything", "prior")


@dataclass(frozen=True)
class Predictions:
    """What a system says about the texts of a data set.

    Attributes
    ----------
    scores
        Shape ``(n_texts, n_labels)``; nan where the system gives none.
    decided
        0/1, same shape.
    covered
        Which labels the system knows at all, shape ``(n_labels,)``; metrics of the others are undefined.
    calibrated
        Whether scores claim to be probabilities. If not, Brier score and calibration error are undefined.
    """

    scores: Array
    decided: Array
    covered: Array = field(default_factory=lambda: np.array(True))
    calibrated: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "covered", np.broadcast_to(self.covered, self.scores.shape[1:]))

    @property
    def probabilities(self) -> Array:
        """The scores, or nan throughout if they are no probabilities."""
        return self.scores if self.calibrated else np.full_like(self.scores, np.nan)

    def columns(self, chosen: Array | Sequence[int]) -> Predictions:
        """Return the predictions for some labels."""
        return Predictions(self.scores[:, chosen], self.decided[:, chosen], self.covered[chosen], self.calibrated)

    def rows(self, chosen: Array) -> Predictions:
        """Return the predictions for some texts, by number or by mask."""
        return Predictions(self.scores[chosen], self.decided[chosen], self.covered, self.calibrated)


def predict(system: Any, dataset: Dataset, *, labels: Sequence[str] | None = None) -> Predictions:
    """Run a labeller, or any object with ``predict_proba``, over a data set.

    Parameters
    ----------
    system
        ``predict_proba(texts)`` returns shape ``(n_texts, n_labels)`` or, as scikit-learn's multi-output classifiers
        do, a list of ``(n_texts, 2)``. ``decide(scores)`` or ``predict(texts)`` is used where there is one; else a
        label is given from .5 on.
    labels
        Ids of its columns; ``system.labels`` by default, else all labels of the taxonomy in order.

    Raises
    ------
    DataError
        If shapes do not fit, or a score is no number from 0 to 1.
    """
    index = load_taxonomy().index
    names = tuple(labels if labels is not None else getattr(system, "labels", index))
    load_taxonomy().check(names, place="labels of the system")
    scores = _matrix(system.predict_proba(dataset.texts), len(dataset), len(names))
    if hasattr(system, "decide"):
        decided = system.decide(scores)
    elif hasattr(system, "predict"):
        decided = np.asarray(system.predict(dataset.texts))
    else:
        decided = scores >= 0.5
    if decided.shape != scores.shape:
        raise DataError(f"decisions have shape {decided.shape}, scores {scores.shape}. They must be alike.")
    columns = [index[name] for name in names]
    return _spread(scores, decided.astype(np.int8), columns, calibrated=getattr(system, "calibrated", True))


def _matrix(scores: Any, n: int, n_labels: int) -> Array:
    if isinstance(scores, list) and len(scores) == n_labels and all(np.shape(part) == (n, 2) for part in scores):
        scores = np.column_stack([part[:, 1] for part in scores])
    matrix: Array = np.asarray(scores, dtype=np.float64)
    if matrix.shape != (n, n_labels):
        raise DataError(
            f"predict_proba returned shape {matrix.shape}, expected {(n, n_labels)}: one row a text, one column a "
            "label. Give the object an attribute 'labels', or pass labels=."
        )
    if np.isnan(matrix).any() or matrix.min(initial=0) < 0 or matrix.max(initial=0) > 1:
        raise DataError("predict_proba returned values that are no numbers from 0 to 1. Pass them through a sigmoid.")
    return matrix


def _spread(scores: Array, decided: Array, columns: Sequence[int], *, calibrated: bool = True) -> Predictions:
    """Put a system's own columns where the taxonomy has them."""
    shape = (len(scores), len(load_taxonomy().ids))
    all_scores, all_decided, covered = np.full(shape, np.nan), np.zeros(shape, np.int8), np.zeros(shape[1], bool)
    all_scores[:, columns], all_decided[:, columns], covered[columns] = scores, decided, True
    return Predictions(all_scores, all_decided, covered, calibrated)


def trivial(name: str, dataset: Dataset) -> Predictions:
    """Return a baseline that reads no text.

    ``nothing`` and ``everything`` give no label and every label; ``prior`` scores each text with the label's share in
    the natural-mix split of the shipped corpus, so its Brier score is what knowing the prevalence alone is worth.
    """
    taxonomy = load_taxonomy()
    shape = (len(dataset), len(taxonomy.ids))
    if name == "nothing":
        return Predictions(np.zeros(shape), np.zeros(shape, np.int8))
    if name == "everything":
        return Predictions(np.ones(shape), np.ones(shape, np.int8))
    if name == "prior":
        shares = natural_prevalence(load_corpus(split="dev"), taxonomy)
        scores = np.tile([shares[label] for label in taxonomy.ids], (len(dataset), 1))
        return Predictions(scores, np.zeros(shape, np.int8))
    raise DataError(f"no trivial system {name!r}. There are: {', '.join(TRIVIAL)}.")


def read_predictions(path: Path, dataset: Dataset, *, prefix: str = PREFIX) -> Predictions:
    """Read predictions made elsewhere.

    Parameters
    ----------
    path
        CSV, TSV or JSONL, one row a text. Columns named after labels, with or without ``prefix``, hold 0/1 decisions,
        with ``_score`` scores; or a column ``labels`` holds the ids given, an empty cell for none. Rows are matched by
        a column ``id`` where both files have one, else by order.

    Raises
    ------
    DataError
        Naming file, line and what was expected.
    """
    reader = open_reader(path)
    rows = [(place, row.cells) for place, row in sound_rows(path, reader)]
    rows = _matched(path, rows, dataset, by_id="id" in reader.columns)
    found = {
        label: (
            _first(reader.columns, f"{prefix}{label}", label),
            _first(reader.columns, f"{prefix}{label}_score", f"{label}_score"),
        )
        for label in load_taxonomy().ids
    }
    found = {label: names for label, names in found.items() if any(names)}
    sets = _first(reader.columns, f"{prefix}labels", "labels")
    if not found and sets is None:
        raise DataError(
            f"{path}: no column holds predictions. Name columns after labels (0/1; scores with '_score'), or give a "
            f"column 'labels'. Columns: {', '.join(map(shorten, reader.columns))}."
        )
    if not found:
        return _from_sets(rows, str(sets))
    scores = np.array([[_number(cells, own[1], place) for own in found.values()] for place, cells in rows])
    given = np.array([[_decision(cells, own[0], place) for own in found.values()] for place, cells in rows])
    given = np.where(np.isnan(given), scores >= 0.5, given > 0)
    return _spread(scores, given.astype(np.int8), [load_taxonomy().index[label] for label in found])


def _matched(path: Path, rows: list[_Row], dataset: Dataset, *, by_id: bool) -> list[_Row]:
    ids = dataset.columns.get("id")
    if ids and by_id:
        number_of: dict[str, int] = {}
        for number, name in enumerate(ids, start=1):
            if number_of.setdefault(name, number) != number:
                raise DataError(
                    f"{dataset.name}: texts {number_of[name]} and {number} have the same id, so {path} cannot be "
                    "matched by it. Take the column 'id' out of one file to match by order."
                )
        row_of = _rows_by_id(rows)
        missing = [number for name, number in number_of.items() if name not in row_of]
        if missing:
            raise DataError(
                f"{path}: {len(missing)} of {len(ids)} ids of the data have no row, first that of text {missing[0]} "
                f"of {dataset.name}."
            )
        return [row_of[name] for name in ids]
    if len(rows) != len(dataset):
        raise DataError(
            f"{path}: {len(rows)} rows for {len(dataset)} texts. Give one row a text in the same order, or a column "
            "'id' in both files."
        )
    return rows


def _rows_by_id(rows: list[_Row]) -> dict[str, _Row]:
    found: dict[str, _Row] = {}
    for place, cells in rows:
        name = cells.get("id")
        if name is None or name == "":
            raise DataError(f"{place}: the cell of column 'id' is empty. Give every row its id.")
        if str(name) in found:
            raise DataError(f"{place}: the same id as in {found[str(name)][0]}. Give every text one row.")
        found[str(name)] = place, cells
    return found


def _from_sets(rows: Sequence[_Row], column: str) -> Predictions:
    taxonomy = load_taxonomy()
    decided = np.zeros((len(rows), len(taxonomy.ids)), np.int8)
    for row, (place, cells) in enumerate(rows):
        for label in taxonomy.check(parse_labels(cells.get(column), place=place), place=place):
            decided[row, taxonomy.index[label]] = 1
    return Predictions(np.full(decided.shape, np.nan), decided)


def _first(columns: Sequence[str], *names: str) -> str | None:
    return next((name for name in names if name in columns), None)


# No cell stands in a message: what is in the wrong column or row may be somebody's text or name.
def _number(cells: Mapping[str, Any], column: str | None, place: str) -> float:
    if column is None:
        return float("nan")
    cell = cells.get(column)
    if cell is None or cell == "":
        raise DataError(
            f"{place}: column {column!r} is empty. Write a number from 0 to 1; 0 where a label is not given."
        )
    try:
        value = float(cell)
    except (TypeError, ValueError):
        raise DataError(f"{place}: column {column!r} holds something that is no number.") from None
    if not 0 <= value <= 1:
        raise DataError(f"{place}: column {column!r} holds another number than decisions and scores, 0 to 1.")
    return value


def _decision(cells: Mapping[str, Any], column: str | None, place: str) -> float:
    value = _number(cells, column, place)
    if 0 < value < 1:
        raise DataError(
            f"{place}: column {column!r} holds a fraction; decisions are 0 or 1. Call a column of scores "
            f"'{column}_score'."
        )
    return value

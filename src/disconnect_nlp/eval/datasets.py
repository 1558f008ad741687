"""Labelled texts to evaluate on: the shipped test split, or a user's CSV, TSV or JSONL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from disconnect_nlp.corpus import load_corpus, split_cell
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.tables import open_reader
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy


@dataclass(frozen=True)
class Dataset:
    """Texts with their labels.

    Attributes
    ----------
    name
        For titles.
    texts
        ``n`` texts.
    truth
        0/1, shape ``(n, n_labels)``, columns in taxonomy order.
    groups
        What is drawn together in the bootstrap: the author batch or author of each text.
    """

    name: str
    texts: tuple[str, ...]
    truth: np.ndarray
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def shipped_test(taxonomy: Taxonomy | None = None) -> Dataset:
    """Return the test split of the shipped corpus; every text is its own group within few batches."""
    taxonomy = taxonomy or load_taxonomy()
    texts = load_corpus(split="test")
    truth = np.zeros((len(texts), len(taxonomy.ids)), dtype=np.int8)
    for row, text in enumerate(texts):
        truth[row, [taxonomy.index[label] for label in text.labels]] = 1
    return Dataset("shipped test split", tuple(t.text for t in texts), truth, tuple(t.id for t in texts))


def read_dataset(
    path: Path, *, text_column: str = "text", labels_column: str = "labels", group_column: str | None = None
) -> Dataset:
    """Read a labelled CSV, TSV or JSONL file.

    Parameters
    ----------
    labels_column
        Its cells are ``;``-separated ids, a JSON list of ids, or empty for none.
    group_column
        Author or document of each text; ``author``, ``group`` or ``batch`` is used where the file has one.

    Raises
    ------
    DataError
        Naming file, line and what was expected.
    TaxonomyError
        Naming file, line and the unknown label.
    """
    taxonomy = load_taxonomy()
    reader = open_reader(path)
    for column, option in ((text_column, "--text-column"), (labels_column, "--labels-column")):
        if column not in reader.columns:
            raise DataError(
                f"{path}: no column {column!r}. Columns: {', '.join(map(shorten, reader.columns))}. Pass {option}."
            )
    if group_column is None:
        group_column = next((name for name in ("author", "group", "batch") if name in reader.columns), None)
    elif group_column not in reader.columns:
        raise DataError(f"{path}: no column {group_column!r}. Columns: {', '.join(map(shorten, reader.columns))}.")
    texts: list[str] = []
    groups: list[str] = []
    rows: list[tuple[str, ...]] = []
    for row in reader:
        place = f"{path}, line {row.number}"
        if row.problem:
            raise DataError(f"{place}: {row.problem}. Mend the row or take it out.")
        text = row.cells.get(text_column)
        if not isinstance(text, str):
            raise DataError(f"{place}: the text is {type(text).__name__}, not a string. Take the row out.")
        texts.append(text)
        rows.append(taxonomy.check(parse_labels(row.cells.get(labels_column), place=place), place=place))
        groups.append(str(row.cells.get(group_column)) if group_column else str(row.number))
    if not texts:
        raise DataError(f"{path}: no rows to evaluate on.")
    truth = np.zeros((len(texts), len(taxonomy.ids)), dtype=np.int8)
    for number, labels in enumerate(rows):
        truth[number, [taxonomy.index[label] for label in labels]] = 1
    return Dataset(path.name, tuple(texts), truth, tuple(groups))


def parse_labels(cell: Any, *, place: str) -> Sequence[str]:
    """Return the ids in a labels cell.

    Examples
    --------
    >>> [list(parse_labels(cell, place="row 1")) for cell in ('["civic", "scale"]', "civic;scale", None)]
    [['civic', 'scale'], ['civic', 'scale'], []]
    """
    if cell is None or cell == "":
        return ()
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = json.loads(cell)
        except ValueError:
            raise DataError(f"{place}: the labels cell begins like a JSON list and is none.") from None
    if isinstance(cell, str):
        return split_cell(cell)
    if isinstance(cell, list) and all(isinstance(label, str) for label in cell):
        return list(cell)
    raise DataError(f"{place}: the labels cell must hold ids separated by ';' or a JSON list of ids.")

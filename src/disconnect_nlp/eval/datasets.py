"""Labelled texts to evaluate on: the shipped corpus, or a user's CSV, TSV or JSONL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from disconnect_nlp.corpus import Split, load_corpus, split_cell
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.classifier import label_matrix
from disconnect_nlp.tables import Row, TableReader, open_reader
from disconnect_nlp.taxonomy import load_taxonomy

_NEAR = "near"
_GROUPS = ("author", "group", "batch")


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
    columns
        Other columns to slice by: name to ``n`` values.
    near
        ``label:reason`` tags of each text for labels that are mentioned and do not count; empty if not known.
    readers
        What single annotators gave: name to 0/1 of the shape of ``truth``.
    """

    name: str
    texts: tuple[str, ...]
    truth: np.ndarray
    groups: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    near: tuple[tuple[str, ...], ...] = ()
    readers: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    def subset(self, rows: np.ndarray, name: str) -> Dataset:
        """Return some of the texts, by number or by mask, under another name."""
        chosen = np.arange(len(self))[rows]

        def pick(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(values[row] for row in chosen) if values else ()

        columns = {key: pick(values) for key, values in self.columns.items()}
        readers = {key: given[chosen] for key, given in self.readers.items()}
        picked = pick(self.texts), self.truth[chosen], pick(self.groups)
        return Dataset(name, *picked, columns=columns, near=pick(self.near), readers=readers)

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 over texts, labels and groups: two results with the same one are about the same data."""
        content = json.dumps([self.texts, self.truth.tolist(), self.groups], ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class Columns:
    """Which columns of a user's file hold what."""

    text: str = "text"
    labels: str = "labels"
    """``;``-separated ids, a JSON list of ids, or empty for none."""
    group: str | None = None
    """Author or document of each text; ``author``, ``group`` or ``batch`` is used where the file has one."""
    readers: tuple[str, ...] = ()
    """What single annotators gave, in the form of ``labels``."""


def shipped_test() -> Dataset:
    """Return the test split of the shipped corpus; every text is its own group, since the split has three batches."""
    return shipped("test")


def shipped(split: Split | None = None, *, group: Literal["id", "batch"] = "id") -> Dataset:
    """Return the shipped corpus or one of its splits, grouped by text or by author batch."""
    texts = load_corpus(split=split)
    columns = {
        "id": tuple(text.id for text in texts),
        "register": tuple(text.text_register for text in texts),
        "batch": tuple(text.batch for text in texts),
    }
    return Dataset(
        f"shipped {split} split" if split else "shipped corpus",
        tuple(text.text for text in texts),
        label_matrix([text.labels for text in texts], load_taxonomy().index),
        columns[group],
        columns,
        tuple(text.near for text in texts),
    )


def read_dataset(path: Path, columns: Columns | None = None) -> Dataset:
    """Read a labelled CSV, TSV or JSONL file.

    A column ``near`` with ``label:reason`` tags is read as such; every other column can be sliced by.

    Raises
    ------
    DataError
        Naming file, line and what was expected.
    TaxonomyError
        Naming file, line and the unknown label.
    """
    columns = columns or Columns()
    taxonomy = load_taxonomy()
    reader = open_reader(path)
    group = _check_columns(path, reader.columns, columns)
    rows = list(sound_rows(path, reader))
    if not rows:
        raise DataError(f"{path}: no rows to evaluate on.")
    for place, row in rows:
        if not isinstance(text := row.cells.get(columns.text), str):
            raise DataError(f"{place}: the text is {type(text).__name__}, not a string. Take the row out.")

    def labels_in(column: str) -> np.ndarray:
        given = [taxonomy.check(parse_labels(row.cells.get(column), place=p), place=p) for p, row in rows]
        return label_matrix(given, taxonomy.index)

    own = {columns.text, columns.labels, *columns.readers, _NEAR}
    return Dataset(
        path.name,
        tuple(row.cells[columns.text] for _, row in rows),
        labels_in(columns.labels),
        tuple(str(row.cells.get(group)) if group else str(row.number) for _, row in rows),
        {name: tuple(_cell(row.cells.get(name)) for _, row in rows) for name in reader.columns if name not in own},
        tuple(_near(row.cells.get(_NEAR), place=p) for p, row in rows) if _NEAR in reader.columns else (),
        {name: labels_in(name) for name in columns.readers},
    )


def sound_rows(path: Path, reader: TableReader) -> Iterator[tuple[str, Row]]:
    """Yield every row with the place where it stands; raise DataError at the first that is broken."""
    for row in reader:
        place = f"{path}, line {row.number}"
        if row.problem:
            raise DataError(f"{place}: {row.problem}. Mend the row or take it out.")
        yield place, row


def _check_columns(path: Path, found: Sequence[str], wanted: Columns) -> str | None:
    """Raise if a wanted column is missing; return the column of groups."""
    options = [(wanted.text, "--text-column"), (wanted.labels, "--labels-column")]
    options += [(name, "--readers") for name in wanted.readers]
    options += [(wanted.group, "--group-column")] if wanted.group else []
    for column, option in options:
        if column not in found:
            raise DataError(f"{path}: no column {column!r}. Columns: {', '.join(map(shorten, found))}. Pass {option}.")
    return wanted.group or next((name for name in _GROUPS if name in found), None)


def _near(cell: Any, *, place: str) -> tuple[str, ...]:
    tags = tuple(parse_labels(cell, place=place, holds="label:reason tags"))
    load_taxonomy().check([tag.partition(":")[0] for tag in tags], place=f"{place}, column {_NEAR}")
    return tags


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def parse_labels(cell: Any, *, place: str, holds: str = "ids") -> Sequence[str]:
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
    raise DataError(f"{place}: the labels cell must hold {holds} separated by ';' or a JSON list of {holds}.")

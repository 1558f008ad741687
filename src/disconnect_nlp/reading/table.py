"""A labelled table held for reading: texts and evidence by row, labels as arrays. Writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from disconnect_nlp.corpus import split_cell
from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.labellers.frames import OK, PREFIX, kind_of, status_of
from disconnect_nlp.tables import Row, TableReader
from disconnect_nlp.tables.cells import cell_of, known_column
from disconnect_nlp.taxonomy import load_taxonomy

Array = np.ndarray


@dataclass
class ReadingTable:
    """Rows that can be read, in table order; rows without a usable text are only counted.

    Attributes
    ----------
    given, uncertain
        What the model says, bool, shape ``(n_rows, n_labels)``, columns as ``labels``.
    scores
        Probabilities, same shape; nan where the table has none.
    """

    name: str
    labels: tuple[str, ...]
    labelled: bool
    """Whether a model has labelled the table; if not, it can only be read blind."""
    context_columns: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """A name for every passage that depends on its text alone; see :func:`passage_keys`."""
    ids: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    """Evidence as JSON, as it stands in the table; empty where there is none."""
    context: list[tuple[str, ...]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    given: Array = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    uncertain: Array = field(default_factory=lambda: np.zeros((0, 0), dtype=bool))
    scores: Array = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))

    def __len__(self) -> int:
        return len(self.texts)


def read_table(
    reader: TableReader,
    *,
    text_column: str,
    id_column: str | None = None,
    context_columns: Sequence[str] = (),
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    sentences: bool = False,
    name: str = "table",
) -> ReadingTable:
    """Read a table whole; 100,000 rows of sixty words, with evidence for 46 labels, took 620 MB.

    Parameters
    ----------
    id_column
        Where the passages' ids stand; the line of the file serves if it is left out.
    context_columns
        Columns shown beside the text.
    labels
        Which labels to read for. Default: those of the table, or all if no model has labelled it.
    sentences
        Whether every row is a sentence, as ``label --sentences`` writes them; ``text_column`` is then theirs.

    Raises
    ------
    DataError
        If a column is missing, a label was not asked of the model, or no row has a text.
    """
    for column in (text_column, id_column, *context_columns):
        if column is not None and known_column(column, reader.columns) not in reader.columns:
            raise DataError(f"{name}: no column {column!r}. Columns: {', '.join(map(shorten, reader.columns))}.")
    there = tuple(label for label in load_taxonomy().ids if f"{prefix}{label}_score" in reader.columns)
    chosen = tuple(labels) if labels is not None else there or load_taxonomy().ids
    missing = [label for label in chosen if there and label not in there]
    if missing:
        raise DataError(f"{name} was not labelled with {', '.join(missing)}. Its labels: {', '.join(there)}.")
    table = ReadingTable(name, chosen, bool(there), tuple(context_columns))
    decisions = list(_rows(table, reader, text_column, id_column, prefix, sentences=sentences))
    if not decisions:
        raise DataError(f"{name}: no row of column {text_column!r} holds a text. Name another with --text-column.")
    table.keys = list(passage_keys(table.texts))
    table.given, table.uncertain = (np.array([row[n] for row in decisions]) for n in (0, 1))
    table.scores = np.array([row[2] for row in decisions], dtype=np.float32)
    return table


def passage_keys(texts: Sequence[str]) -> Iterator[str]:
    """Yield a key a text: a hash, and how often the same text came before.

    A reading follows its text when the table is labelled again, sorted or filtered.

    Examples
    --------
    >>> list(passage_keys(["soup", "bus", "soup"]))
    ['9014fac8184d7ba9-0', '04e027e4990a203f-0', '9014fac8184d7ba9-1']
    """
    seen: Counter[str] = Counter()
    for text in texts:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        yield f"{digest}-{seen[digest]}"
        seen[digest] += 1


_Decisions = tuple[list[bool], list[bool], list[float]]


def _rows(
    table: ReadingTable, reader: TableReader, text_column: str, id_column: str | None, prefix: str, *, sentences: bool
) -> Iterator[_Decisions]:
    for row in reader:
        status = _status(row, text_column, prefix if table.labelled else None)
        if status != OK:
            table.skipped[status] += 1
            continue
        table.texts.append(cell_of(row.cells, text_column))
        table.ids.append(_plain(cell_of(row.cells, id_column)) if id_column else str(row.number))
        evidence = _plain(row.cells.get(prefix + "evidence"))
        table.evidence.append(_placed(evidence, _plain(row.cells.get(prefix + "start"))) if sentences else evidence)
        table.context.append(tuple(_plain(cell_of(row.cells, column)) for column in table.context_columns))
        yield _decisions(table, row, prefix)


def _placed(evidence: str, start: str) -> str:
    """Return a sentence's evidence, which is placed in the whole text, as placed in the sentence that starts there."""
    try:
        by = int(float(start))
        items = [{**item, "start": item["start"] - by, "end": item["end"] - by} for item in json.loads(evidence)]
    except (ValueError, TypeError, KeyError):
        return evidence  # what cannot be read is told when the passage is shown
    return json.dumps(items, ensure_ascii=False)


def _status(row: Row, text_column: str, prefix: str | None) -> str:
    if row.problem:
        return "bad_row"
    if prefix is not None:
        told = kind_of(str(row.cells.get(prefix + "status") or "missing"))
        if told != OK:
            return told
    return kind_of(status_of(cell_of(row.cells, text_column)))


def _decisions(table: ReadingTable, row: Row, prefix: str) -> _Decisions:
    place = f"{table.name}, line {row.number}"
    taxonomy = load_taxonomy()
    given, doubted = (
        set(taxonomy.check(split_cell(_plain(row.cells.get(prefix + column))), place=place))
        for column in ("labels", "uncertain")
    )
    scores = [_score(row.cells.get(f"{prefix}{label}_score"), place) for label in table.labels]
    return [label in given for label in table.labels], [label in doubted for label in table.labels], scores


def _score(cell: object, place: str) -> float:
    try:
        return float(str(cell)) if cell not in (None, "") else float("nan")
    except ValueError:
        raise DataError(f"{place}: a score is no number. Label the table again, or restore the column.") from None


def _plain(cell: object) -> str:
    return "" if cell is None else str(cell)

"""Data frame in, data frame out, for any labeller. Touches no file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.records import Annotation
from disconnect_nlp.tables.base import REPLACEMENT
from disconnect_nlp.terminal import progress_bar

if TYPE_CHECKING:
    import pandas as pd

    from disconnect_nlp.labellers.base import Labeller

PREFIX = "disconnect_"
OK, EMPTY, NOT_TEXT, BAD_ROW = "ok", "empty", "not_text", "bad_row"
"""Kinds of status. A reason may follow, as in ``bad_row: not JSON`` or ``ok: NUL characters``."""


def output_columns(labels: Sequence[str], *, prefix: str = PREFIX, evidence: bool = True) -> list[str]:
    """Return the names of the columns that labelling adds, in order.

    Examples
    --------
    >>> output_columns(["civic"], evidence=False)
    ['disconnect_status', 'disconnect_labels', 'disconnect_uncertain', 'disconnect_civic', 'disconnect_civic_score']
    """
    summary = ["status", "labels", "uncertain", *(["evidence"] if evidence else [])]
    return [prefix + name for name in (*summary, *(n for label in labels for n in (label, f"{label}_score")))]


def check_columns(columns: Sequence[str], added: Sequence[str], *, text_column: str, place: str) -> None:
    """Raise DataError if the text column is missing, a name repeats or an added column would overwrite one."""
    repeated = sorted({shorten(name) for name in columns if list(columns).count(name) > 1})
    if repeated:
        raise DataError(f"{place}: several columns are called {', '.join(repeated)}. Rename them.")
    if text_column not in columns:
        near = get_close_matches(text_column, map(str, columns), n=1)
        raise DataError(
            f"{place}: no column {text_column!r}. {f'Did you mean {shorten(near[0])!r}? ' if near else ''}"
            f"Columns: {', '.join(map(shorten, columns))}. Name one with text_column."
        )
    taken = [column for column in added if column in columns]
    if taken:
        raise DataError(f"{place}: already has {', '.join(taken[:5])}. Choose another prefix, or leave them out.")


def column_kinds(labels: Sequence[str], *, prefix: str = PREFIX, evidence: bool = True) -> dict[str, str]:
    """Return the type that pandas gives to every column that labelling adds, in order."""
    kinds = dict.fromkeys(output_columns(labels, prefix=prefix, evidence=evidence), "string")
    for label in labels:
        kinds[prefix + label], kinds[f"{prefix}{label}_score"] = "Int8", "float64"
    return kinds


def output_cells(note: Annotation, labels: Sequence[str], *, status: str = OK, evidence: bool = True) -> list[Any]:
    """Return an annotation as the cells of :func:`output_columns`."""
    chosen = set(labels)
    cells: list[Any] = [
        status,
        ";".join(label for label in note.labels if label in chosen),
        ";".join(label for label in note.uncertain if label in chosen),
    ]
    if evidence:
        found = [item.as_dict() for item in note.evidence if item.label in chosen]
        cells.append(json.dumps(found, ensure_ascii=False))
    given = set(note.labels)
    for label in labels:
        cells += [int(label in given), round(note.scores[label], 4)]
    return cells


def empty_cells(status: str, labels: Sequence[str], *, evidence: bool = True) -> list[Any]:
    """Return the cells of a row that could not be labelled."""
    return [status, *[None] * (len(output_columns(labels, evidence=evidence)) - 1)]


def status_of(value: object) -> str:
    r"""Return whether a cell can be labelled: ``ok``, ``empty`` or ``not_text``, and what of a text is broken.

    Examples
    --------
    >>> [status_of(value) for value in ("hello", "  ", None, float("nan"), 3, "hel\x00lo")]
    ['ok', 'empty', 'empty', 'empty', 'not_text', 'ok: NUL characters']
    """
    if isinstance(value, str):
        broken = _broken(value)
        return (f"{OK}: {broken}" if broken else OK) if value.strip() else EMPTY
    missing = value is None or _is_na(value) or (isinstance(value, float) and value != value)
    return EMPTY if missing else NOT_TEXT


def kind_of(status: str) -> str:
    """Return a status without its reason.

    Examples
    --------
    >>> [kind_of(status) for status in ("ok", "ok: NUL characters", "bad_row: not JSON")]
    ['ok', 'ok', 'bad_row']
    """
    return status.partition(":")[0]


def _is_na(value: object) -> bool:
    pandas = sys.modules.get("pandas")  # slow to import, and where nobody has, there is no NA
    return pandas is not None and value is pandas.NA


def _broken(text: str) -> str | None:
    """Return what is wrong with a text that can be labelled all the same, or None."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            escaped = "\udc80" <= text[error.start] <= "\udcff"
            return "bytes that are no UTF-8" if escaped else "halves of surrogate pairs"
        if REPLACEMENT in text:
            return "characters that were lost (U+FFFD)"
    return "NUL characters" if "\x00" in text else None


def label_cells(
    labeller: Labeller, values: Iterable[object], labels: Sequence[str], *, evidence: bool
) -> Iterator[list[Any]]:
    """Yield the cells of :func:`output_columns` for each value, a text or not, in order."""
    values = list(values)
    statuses = [status_of(value) for value in values]
    texts = [str(value) for value, status in zip(values, statuses, strict=True) if kind_of(status) == OK]
    notes = labeller.annotate_all(texts, evidence=evidence)
    for status in statuses:
        if kind_of(status) == OK:
            yield output_cells(next(notes), labels, status=status, evidence=evidence)
        else:
            yield empty_cells(status, labels, evidence=evidence)


def label_frame(
    labeller: Labeller,
    frame: pd.DataFrame,
    *,
    text_column: str,
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    evidence: bool = False,
    progress: bool = False,
) -> pd.DataFrame:
    """Return a copy of ``frame`` with labels added; its index, row order and other columns stay as they are.

    Parameters
    ----------
    labeller
        Any labeller, such as ``load()``.
    frame
        One text a row.
    text_column
        Where the texts stand.
    labels
        Which labels get a decision and a score column; all by default.
    prefix
        Put before the name of every added column.
    evidence
        Add a column with the evidence of each row as JSON.
    progress
        Show a progress bar on standard error, if that is a terminal.

    Returns
    -------
    pandas.DataFrame
        With ``status`` (``ok``, ``empty`` or ``not_text``; ``ok: …`` says what of a text is broken), ``labels``,
        ``uncertain`` (``;``-separated) and, for each label, the decision (1, 0, or missing where the row could not be
        labelled) and ``<label>_score``.

    Raises
    ------
    DataError
        If there is no such column, or an added one would overwrite one of the frame's.

    Examples
    --------
    >>> import pandas as pd
    >>> from disconnect_nlp import load
    >>> frame = pd.DataFrame({"id": [7, 8], "entry": ["I feel numb.", None]})
    >>> out = label_frame(load("lexicon"), frame, text_column="entry", labels=["numbness"])
    >>> out["disconnect_status"].tolist(), out["disconnect_numbness"].tolist()
    (['ok', 'empty'], [1, <NA>])
    """
    import pandas as pd  # slow to import; the command labels most tables without it

    chosen = labeller.taxonomy.check(labels if labels is not None else labeller.labels, place="labels")
    kinds = column_kinds(chosen, prefix=prefix, evidence=evidence)
    check_columns(list(frame.columns), list(kinds), text_column=text_column, place="frame")
    rows = []
    with progress_bar(len(frame), shown=progress) as bar:
        for cells in label_cells(labeller, frame[text_column], chosen, evidence=evidence):
            rows.append(cells)
            bar.advance(1)
    new = pd.DataFrame(rows, columns=list(kinds), index=frame.index)
    # Numbers are numbers even where no row could be labelled.
    new = new.astype({name: kind for name, kind in kinds.items() if kind != "string"})
    return pd.concat([frame, new], axis=1)

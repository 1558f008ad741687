"""Labels rows as they come, lazily."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import PREFIX, label_cells, output_columns
from disconnect_nlp.tables.cells import cell_of
from disconnect_nlp.terminal import progress_bar

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Labeller


def label_stream(
    labeller: Labeller,
    items: Iterable[str | Mapping[str, Any]],
    *,
    text_column: str = "text",
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    evidence: bool = False,
    batch: int = 256,
    progress: bool = False,
    total: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield every item with its labels, in order.

    The first item is answered before the second is read; then twice as many are read at a time, up to ``batch``.

    Parameters
    ----------
    labeller
        Any labeller, such as ``load()``.
    items
        Texts, or rows by column name. May be endless.
    text_column
        Where the text of a row stands; may be a dotted path into nested values. A plain text is a row of this column.
    labels
        Which labels get a decision and a score; all by default.
    prefix
        Put before the name of every added column.
    evidence
        Add the evidence as JSON.
    batch
        Items labelled together at most. More is faster, fewer answers sooner.
    progress
        Show a progress bar on standard error, if that is a terminal.
    total
        Number of items for the bar; taken from ``items`` if they have a length.

    Yields
    ------
    dict
        The item's own cells and those of :func:`disconnect_nlp.labellers.frames.output_columns`.

    Raises
    ------
    DataError
        If ``items`` is a single string or an item is neither text nor a mapping.

    Examples
    --------
    >>> from itertools import repeat
    >>> from disconnect_nlp import load
    >>> endless = repeat({"id": 7, "text": "I feel numb."})
    >>> row = next(label_stream(load("lexicon"), endless, labels=["numbness"]))
    >>> row["id"], row["disconnect_labels"]
    (7, 'numbness')
    """
    if isinstance(items, str):
        raise DataError("items is a single string. Pass an iterable of texts or rows, or use annotate(text).")
    if batch < 1:
        raise DataError(f"batch={batch}: must be at least 1.")
    chosen = labeller.taxonomy.check(labels if labels is not None else labeller.labels, place="labels")
    length = len(items) if total is None and isinstance(items, Sized) else total
    return _labelled(labeller, iter(items), text_column, chosen, prefix, evidence, batch, progress, length)


def _labelled(
    labeller: Labeller,
    items: Iterator[str | Mapping[str, Any]],
    text_column: str,
    labels: Sequence[str],
    prefix: str,
    evidence: bool,
    batch: int,
    progress: bool,
    total: int | None,
) -> Iterator[dict[str, Any]]:
    names = output_columns(labels, prefix=prefix, evidence=evidence)
    done, size = 0, 1
    with progress_bar(total, shown=progress) as bar:
        while some := list(islice(items, size)):
            rows = [_row(item, number, text_column) for number, item in enumerate(some, start=done)]
            done, size = done + len(rows), min(2 * size, batch)
            values = [cell_of(row, text_column) for row in rows]
            for row, cells in zip(rows, label_cells(labeller, values, labels, evidence=evidence), strict=True):
                yield {**row, **dict(zip(names, cells, strict=True))}
                bar.advance(1)


def _row(item: object, number: int, text_column: str) -> dict[str, Any]:
    if isinstance(item, str):
        return {text_column: item}
    if isinstance(item, Mapping):
        return dict(item)
    raise DataError(f"item {number} is {type(item).__name__}. Each must be a text or a mapping of columns to values.")

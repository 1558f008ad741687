"""Reads and writes Parquet and Feather, batch by batch, with pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables.base import Dialect, Row, need
from disconnect_nlp.tables.delimited import unique_names
from disconnect_nlp.tables.dialects import forum
from disconnect_nlp.tables.encode import as_text
from disconnect_nlp.tables.source import Source

_BATCH = 2048  # rows turned into Python objects at a time; also the rows of a written group


class ColumnarReader:
    """Reads a Parquet or Feather file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._arrow = need("pyarrow", extra="formats", what=f"a {source.format} file")
        self._parquet = need("pyarrow.parquet", extra="formats", what="a .parquet file")
        self.notes: list[str] = []
        try:
            self.schema, self.n_rows = self._survey()
        except self._arrow.ArrowInvalid as error:
            raise DataError(
                f"{source.name}: not a {source.format} file, or cut off. Check the suffix, or write it again."
            ) from error
        self.columns: list[str] = unique_names(self.schema.names)
        self.dialect: Dialect | None = forum(self.columns)

    def __iter__(self) -> Iterator[Row]:
        number = 0
        for batch in self._batches():
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield Row(number, dict(zip(self.columns, cells, strict=True)))

    def _survey(self) -> tuple[Any, int]:
        with self.source.open() as file:
            if self.source.format == ".parquet":
                table = self._parquet.ParquetFile(file)
                return table.schema_arrow, table.metadata.num_rows
            feather = self._arrow.ipc.open_file(file)
            return feather.schema, sum(feather.get_batch(i).num_rows for i in range(feather.num_record_batches))

    def _batches(self) -> Iterator[Any]:
        with self.source.open() as file:
            if self.source.format == ".parquet":
                yield from self._parquet.ParquetFile(file).iter_batches(batch_size=_BATCH)
            else:
                feather = self._arrow.ipc.open_file(file)
                for i in range(feather.num_record_batches):
                    batch = feather.get_batch(i)
                    for start in range(0, batch.num_rows, _BATCH):
                        yield batch.slice(start, _BATCH)


class ColumnarWriter:
    """Writes a Parquet or Feather file, a group of rows at a time.

    Parameters
    ----------
    like
        The reader of the input, whose columns keep their types.
    kinds
        ``bool`` (written as 1 and 0), ``int`` or ``float`` for columns that hold numbers; all others are text.
    """

    def __init__(
        self, path: Path, columns: list[str], *, format: str, like: object = None, kinds: dict[str, type] | None = None
    ) -> None:
        self._arrow = need("pyarrow", extra="formats", what=f"a {format} file")
        parquet = need("pyarrow.parquet", extra="formats", what="a .parquet file")
        self._columns = columns
        self._schema = self._types(like, kinds or {})
        self._file = path.open("wb")
        make = parquet.ParquetWriter if format == ".parquet" else self._arrow.ipc.new_file
        self._writer = make(self._file, self._schema)
        self._rows: list[dict[str, Any]] = []

    def _types(self, like: object, kinds: dict[str, type]) -> Any:
        arrow = self._arrow
        plain: dict[type | None, Any] = {bool: arrow.int64(), int: arrow.int64(), float: arrow.float64()}
        own = dict(zip(like.columns, like.schema, strict=True)) if isinstance(like, ColumnarReader) else {}
        self._texts = {name for name in self._columns if name not in own and name not in kinds}
        fields = [
            own[name].with_name(name) if name in own else arrow.field(name, plain.get(kinds.get(name), arrow.string()))
            for name in self._columns
        ]
        # What pandas wrote about its index speaks of the input's columns; the rest still holds.
        metadata = like.schema.metadata if isinstance(like, ColumnarReader) else None
        return arrow.schema(fields, metadata=metadata)

    def write(self, cells: dict[str, Any]) -> None:
        """Write one row; missing cells stay empty."""
        self._rows.append(cells)
        if len(self._rows) == _BATCH:
            self._flush()

    def close(self) -> None:
        """Flush to disk and close."""
        self._flush()
        self._writer.close()
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            columns = [self._array(field) for field in self._schema]
            self._writer.write(self._arrow.record_batch(columns, schema=self._schema))
            self._rows = []

    def _array(self, field: Any) -> Any:
        values = [row.get(field.name) for row in self._rows]
        if field.name in self._texts:
            values = [value if value is None else as_text(value) for value in values]
        return self._arrow.array(values, type=field.type)

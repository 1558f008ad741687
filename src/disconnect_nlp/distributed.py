"""Labels data frames of Dask and Spark, partition by partition, as :func:`disconnect_nlp.label_frame` does.

Every function goes from data frame to data frame and is lazy. Each worker process loads the model once. A partition
is labelled on its own, so one that is run again after a worker was lost comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.frames import PREFIX, check_columns, column_kinds
from disconnect_nlp.records import Policy
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.taxonomy import load_taxonomy

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    from pyspark.sql import DataFrame as SparkFrame


@cache
def _model(name: str, policy: Policy | None) -> Labeller:
    return load(name, policy=policy)


def label_partition(
    frame: pd.DataFrame,
    *,
    text_column: str,
    model: str = "default",
    policy: Policy | None = None,
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    evidence: bool = False,
) -> pd.DataFrame:
    """Return a pandas data frame labelled by a model that this process loads once.

    Parameters
    ----------
    frame
        One text a row.
    text_column
        Where the texts stand.
    model, policy
        As in :func:`disconnect_nlp.load`; a folder must be reachable from every worker.
    labels, prefix, evidence
        As in :func:`disconnect_nlp.label_frame`.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"entry": ["I feel numb."]})
    >>> label_partition(frame, text_column="entry", model="lexicon")["disconnect_numbness"].tolist()
    [1]
    """
    labeller = _model(model, policy)
    return labeller.label_frame(frame, text_column=text_column, labels=labels, prefix=prefix, evidence=evidence)


def label_dask(
    frame: dd.DataFrame,
    *,
    text_column: str,
    model: str = "default",
    policy: Policy | None = None,
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    evidence: bool = False,
) -> dd.DataFrame:
    """Return a Dask data frame with labels added, lazily.

    Parameters
    ----------
    frame
        Any Dask data frame.
    text_column, model, policy, labels, prefix, evidence
        As in :func:`label_partition`.

    Raises
    ------
    DataError
        At once, if there is no such column, or an added one would overwrite one of the frame's.
    """
    kinds = _checked(list(frame.columns), text_column, labels, prefix, evidence=evidence)
    options = {"model": model, "policy": policy, "labels": labels, "prefix": prefix, "evidence": evidence}
    meta = frame._meta.assign(**{name: _empty(kind) for name, kind in kinds.items()})
    mapped: dd.DataFrame = frame.map_partitions(label_partition, text_column=text_column, meta=meta, **options)
    return mapped


def label_spark(
    frame: SparkFrame,
    *,
    text_column: str,
    model: str = "default",
    policy: Policy | None = None,
    labels: Sequence[str] | None = None,
    prefix: str = PREFIX,
    evidence: bool = False,
) -> SparkFrame:
    """Return a Spark data frame with labels added, as :func:`label_dask` does.

    Decisions are bytes, scores doubles.
    """
    from pyspark.sql import types

    kinds = _checked(list(frame.columns), text_column, labels, prefix, evidence=evidence)
    options = {"model": model, "policy": policy, "labels": labels, "prefix": prefix, "evidence": evidence}
    spark = {"string": types.StringType(), "Int8": types.ByteType(), "float64": types.DoubleType()}
    schema = types.StructType([*frame.schema.fields, *(types.StructField(n, spark[k]) for n, k in kinds.items())])
    return frame.mapInPandas(partial(_label_batches, text_column=text_column, options=options), schema)


def _label_batches(
    batches: Iterator[pd.DataFrame], *, text_column: str, options: dict[str, Any]
) -> Iterator[pd.DataFrame]:
    for frame in batches:
        yield label_partition(frame, text_column=text_column, **options)


def _checked(
    columns: list[str], text_column: str, labels: Sequence[str] | None, prefix: str, *, evidence: bool
) -> dict[str, str]:
    """Return the type of every added column, if all can be added."""
    taxonomy = load_taxonomy()
    chosen = taxonomy.check(taxonomy.ids if labels is None else labels, place="labels")
    kinds = column_kinds(chosen, prefix=prefix, evidence=evidence)
    check_columns(columns, list(kinds), text_column=text_column, place="frame")
    return kinds


def _empty(kind: str) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(dtype=kind)

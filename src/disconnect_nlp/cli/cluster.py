"""``disconnect-nlp label --engine dask|spark``: Parquet in, a folder of Parquet out."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import PREFIX
from disconnect_nlp.labelling.jobs import plan_jobs
from disconnect_nlp.tables import ReadOptions, format_of
from disconnect_nlp.tables.base import need
from disconnect_nlp.terminal import output as output_console

ENGINES = ("local", "dask", "spark")


def label_on_cluster(
    engine: str,
    inputs: Sequence[str],
    output: Path | None,
    *,
    text_columns: Sequence[str],
    force: bool,
    local_only: dict[str, bool],
    **options: Any,
) -> None:
    """Label Parquet files with Dask or Spark into a folder of Parquet files, which appears when all is done.

    The cluster is the one that the environment names (``DASK_SCHEDULER_ADDRESS``, ``SPARK_REMOTE``, the defaults file
    of Spark), else processes on this machine.
    """
    if engine not in ENGINES:
        raise DataError(f"--engine {engine!r}: allowed are {', '.join(ENGINES)}.")
    asked = [name for name, given in local_only.items() if given]
    if asked:
        raise DataError(f"{', '.join(asked)}: only with --engine local.")
    if output is None:
        raise DataError(f"--engine {engine} writes a folder of Parquet files. Name it with -o.")
    if output.exists() and not force:
        raise DataError(f"{output} exists. Name another folder with -o, or pass --force to replace it.")
    plans = plan_jobs(inputs, None)
    paths = [str(path.absolute()) for plan in plans for path in plan.paths]
    if any(format_of(Path(path))[0] != ".parquet" for path in paths):
        raise DataError(f"--engine {engine} reads Parquet only. Label other formats with --engine local.")
    options["prefix"] = options["prefix"] if options["prefix"] is not None else PREFIX
    options["text_column"] = _text_column(plans[0].open(ReadOptions())[0], text_columns)
    fresh = output.with_name(f".{output.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        (_with_dask if engine == "dask" else _with_spark)(paths, fresh.absolute(), options)
        if output.exists():
            shutil.rmtree(output)
        fresh.rename(output)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    output_console().print(f"{len(paths)} files labelled by {options['model']!r} with {engine}: {output}", markup=False)


def _text_column(reader: Any, names: Sequence[str]) -> str:
    from disconnect_nlp.labelling.columns import find_text_columns

    found = tuple(names) or find_text_columns(reader)
    if len(found) != 1:
        raise DataError("a cluster labels one text column. Pass --text-column once.")
    return found[0]


def _with_dask(paths: list[str], target: Path, options: dict[str, Any]) -> None:
    frames = need("dask.dataframe", extra="dask", what="--engine dask")
    need("distributed", extra="dask", what="--engine dask")
    from distributed import Client

    from disconnect_nlp.distributed import label_dask

    # Workers of their own on this machine, unless the environment names a scheduler.
    with Client(dashboard_address=None):
        label_dask(frames.read_parquet(paths), **options).to_parquet(str(target))


def _with_spark(paths: list[str], target: Path, options: dict[str, Any]) -> None:
    sql = need("pyspark.sql", extra="spark", what="--engine spark")
    from disconnect_nlp.distributed import label_spark

    # Workers on this machine run this Python, not whichever is first on the path.
    if "SPARK_REMOTE" not in os.environ:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = sql.SparkSession.builder.appName("disconnect-nlp").getOrCreate()
    try:
        label_spark(session.read.parquet(*paths), **options).write.parquet(str(target))
    finally:
        session.stop()

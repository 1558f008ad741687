"""Clusters, real ones on this machine, give what one process gives, also when a worker is lost on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import psutil
import pytest

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import label_frame
from running import cmdline

TEXTS = ("I feel numb and empty.", "", "Nobody reads the reports I file.", "Soup with Clara.", None)
OPTIONS = {"model": "lexicon", "labels": ["numbness", "professional"], "evidence": True}


def frame(rows):
    return pd.DataFrame({"id": range(rows), "text": [TEXTS[i % len(TEXTS)] for i in range(rows)]})


@pytest.fixture(scope="module")
def expected(lexicon_labeller):
    def of(rows):
        own = {name: OPTIONS[name] for name in ("labels", "evidence")}
        return plain(label_frame(lexicon_labeller, frame(rows), text_column="text", **own))

    return of


def plain(labelled):
    """Rows in order as plain values; how a cluster spells a missing value is its own affair."""
    rows = labelled.sort_values("id").to_dict("records")
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]


@pytest.fixture(scope="module")
def dask_client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def kill_when_busy(processes, until):
    """Kill one of the processes once it works; return whether it was killed before the end."""
    while not until.is_set():
        for process in processes():
            try:
                if process.is_running() and process.cpu_times().user > 0.5:
                    process.send_signal(signal.SIGKILL)
                    return True
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.02)
    return False


@pytest.mark.filterwarnings("ignore::UserWarning")  # Dask tells of the worker that was killed
def test_dask_gives_what_one_process_gives_also_without_one_worker(dask_client, expected):
    import dask.dataframe as dd

    from disconnect_nlp.distributed import label_dask

    rows = 4000
    lazy = label_dask(dd.from_pandas(frame(rows), npartitions=40), text_column="text", **OPTIONS)
    assert list(lazy.columns)[:3] == ["id", "text", "disconnect_status"]
    future = dask_client.compute(lazy)
    first = next(iter(dask_client.run(os.getpid).values()))
    time.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    assert not future.done()
    labelled = future.result(timeout=600)
    assert plain(labelled) == expected(rows)
    assert list(labelled["id"]) == list(range(rows))
    assert first not in dask_client.run(os.getpid).values()


def test_every_worker_of_dask_loads_the_model_once(dask_client):
    import dask.dataframe as dd

    from disconnect_nlp.distributed import _model, label_dask

    label_dask(dd.from_pandas(frame(40), npartitions=8), text_column="text", **OPTIONS).compute()
    loads = dask_client.run(lambda: _model.cache_info().misses).values()
    assert all(n <= 1 for n in loads)
    assert sum(loads) >= 1


def test_a_wrong_column_or_option_is_told_before_any_work():
    import dask.dataframe as dd

    from disconnect_nlp.distributed import label_dask

    with pytest.raises(DataError, match="no column 'txt'. Did you mean 'text'?"):
        label_dask(dd.from_pandas(frame(4), npartitions=1), text_column="txt", **OPTIONS)
    with pytest.raises(TypeError, match=r"label_dask.*'evidance'"):
        label_dask(dd.from_pandas(frame(4), npartitions=1), text_column="text", evidance=True)


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2,4]")  # two cores, and a task may fail three times
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield session
    session.stop()


def python_workers():
    """The forked workers that Spark runs our code in."""
    children = psutil.Process().children(recursive=True)
    daemons = {p.pid for p in children if "pyspark.daemon" in " ".join(cmdline(p))}
    return [p for p in children if parent(p) in daemons]


def parent(process):
    try:
        return process.ppid()
    except psutil.Error:
        return None


@pytest.mark.filterwarnings("ignore")  # Spark's own use of pandas
def test_spark_gives_what_one_process_gives_also_without_one_worker(spark, expected):
    from disconnect_nlp.distributed import label_spark

    rows = 4000
    table = spark.createDataFrame(frame(rows).where(lambda f: f.notna(), None)).repartition(12)
    lazy = label_spark(table, text_column="text", **OPTIONS)
    assert lazy.columns[:3] == ["id", "text", "disconnect_status"]
    ended, killed = threading.Event(), []
    killer = threading.Thread(target=lambda: killed.append(kill_when_busy(python_workers, ended)))
    killer.start()
    labelled = lazy.toPandas()
    ended.set()
    killer.join()
    assert killed == [True]
    assert plain(labelled) == expected(rows)


@pytest.mark.parametrize("engine", ["dask", "spark"])
def test_the_command_labels_parquet_on_a_cluster_as_on_one_machine(tmp_path, expected, engine):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    whole = frame(60)
    whole[:30].to_parquet(folder / "a.parquet", index=False)
    whole[30:].to_parquet(folder / "b.parquet", index=False)
    command = [
        sys.executable, "-m", "disconnect_nlp", "label", str(folder / "*.parquet"), "-o", str(out),
        "--engine", engine, "--model", "lexicon", "--labels", "numbness,professional",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_PYTHON"}  # found by itself
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    assert plain(pd.read_parquet(out)) == expected(60)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    again = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    assert again.returncode == 2
    assert "exists. Name another folder with -o" in again.stderr

"""A run that is stopped, however rudely, goes on to the very bytes of one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import time

import psutil
import pytest

from disconnect_nlp.labelling.checkpoint import UnfinishedOutput
from disconnect_nlp.tables import open_reader
from forking import SMALL_CHUNKS

SENTENCES = (
    "I feel numb and the bus was late again.",
    "Nobody reads the reports I file.",
    "Soup with Clara, then football.",
    "",
    'I tell my wife I\'m fine, and "fine" it is.',
    "Café, naïve, 日本語 and 😶.",
)
ROWS = 1500
OPTIONS = ("--model", "lexicon", "--labels", "core")


def write_input(path, rows=ROWS, seed=7):
    draw = random.Random(seed)
    lines = [json.dumps({"id": i, "text": " ".join(draw.choices(SENTENCES, k=6))}) for i in range(rows)]
    lines[rows // 2] = "not JSON"
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("in") / "posts.jsonl"
    write_input(path)
    return path


def wait_for(target, rows, child):
    """Wait until so many rows are on disk, or the run has ended."""
    state = UnfinishedOutput(target)
    while child.poll() is None and (not state.exists() or state._load().rows < rows):
        time.sleep(0.002)


@pytest.mark.parametrize(
    ("suffix", "workers", "kills"), [(".jsonl", 1, 12), (".csv", 2, 3), (".jsonl.gz", 1, 4), (".parquet", 1, 4)]
)
def test_a_run_killed_again_and_again_gives_the_bytes_of_a_whole_one(command, tmp_path, table, suffix, workers, kills):
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"out{suffix}"
    assert command.run("label", table, "-o", whole, *OPTIONS).returncode == 0
    draw, killed, state = random.Random(suffix), 0, UnfinishedOutput(target)
    for at in sorted(draw.sample(range(ROWS), kills)):
        child = command.start("label", table, "-o", target, *OPTIONS, "--resume", "--workers", workers)
        wait_for(target, at - SMALL_CHUNKS, child)
        time.sleep(draw.uniform(0, 0.02))
        killed += child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        if state.exists():
            with state.path.open("ab") as file:
                file.write(b"what was written and not noted")
    assert killed > 1
    last = command.run("label", table, "-o", target, *OPTIONS, "--resume", "--workers", workers)
    assert last.returncode == 0, last.stderr
    assert target.read_bytes() == whole.read_bytes()
    manifests = {path: path.with_name(path.name + ".manifest.json") for path in (whole, target)}
    assert set(tmp_path.iterdir()) == {*manifests, *manifests.values()}
    first, second = (json.loads(path.read_text()) for path in manifests.values())
    assert first["counts"] == second["counts"]
    assert first["output"]["sha256"] == second["output"]["sha256"]
    assert second["time"]["sittings"] > 1


def stopped(command, table, target, *options):
    """Stop a run with Ctrl-C once some chunks are on disk."""
    child = command.start("label", table, "-o", target, *OPTIONS, *options)
    wait_for(target, 3 * SMALL_CHUNKS, child)
    child.send_signal(signal.SIGINT)
    return child


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_soon_and_says_how_to_go_on(command, tmp_path, workers):
    table, target = tmp_path / "posts.jsonl", tmp_path / "out.csv"
    write_input(table, rows=30_000)
    child = command.start("label", table, "-o", target, *OPTIONS, "--workers", workers)
    wait_for(target, 3 * SMALL_CHUNKS, child)
    for process in [*psutil.Process(child.pid).children(recursive=True), child]:  # a terminal tells all of them
        process.send_signal(signal.SIGINT)
    assert child.wait() == 130
    assert "Traceback" not in child.stderr
    assert "Go on with --resume" in child.stderr
    assert not target.exists()
    done = command.run("label", table, "-o", target, *OPTIONS)
    assert done.returncode == 2
    assert "an earlier run was left unfinished" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table, state: table.write_text(table.read_text().replace("soup", "stew") + "{}\n"), "input bytes"),
        (
            lambda table, state: state.path.write_bytes(b"x" + state.path.read_bytes()[1:]),
            "not as the earlier run left",
        ),
        (lambda table, state: os.truncate(state.path, 10), "not as the earlier run left"),
        (["--labels", "civic"], "options labels"),
        (["--model", "default"], "model name (was lexicon, is default)"),
        (["--no-evidence"], "options evidence (was True, is False)"),
        (["--policy", "recall"], "model policy (was f1, is recall)"),
    ],
)
def test_going_on_with_something_else_is_refused(command, tmp_path, change, message):
    table, target = tmp_path / "posts.jsonl", tmp_path / "out.csv"
    write_input(table)
    stopped(command, table, target).wait()
    kept = UnfinishedOutput(target)
    if callable(change):
        change(table, kept)
    before = kept._load().rows
    done = command.run("label", table, "-o", target, *OPTIONS, "--resume", *([] if callable(change) else change))
    assert done.returncode == 2
    assert message in done.stderr
    assert kept._load().rows == before
    assert not target.exists()


def test_a_full_disk_loses_nothing_that_was_done(command, tmp_path, table):
    whole, target = tmp_path / "whole.csv", tmp_path / "out.csv"
    assert command.run("label", table, "-o", whole, *OPTIONS).returncode == 0
    limit = whole.stat().st_size // 2
    done = command.run("label", table, "-o", target, *OPTIONS, file_size=limit)
    assert done.returncode == 2
    assert "the disk is full. Make room, and go on with --resume" in done.stderr
    assert UnfinishedOutput(target)._load().rows > 40
    assert command.run("label", table, "-o", target, *OPTIONS, "--resume").returncode == 0
    assert target.read_bytes() == whole.read_bytes()


def test_a_second_run_on_one_output_is_refused(command, tmp_path):
    table, target = tmp_path / "posts.jsonl", tmp_path / "out.csv"
    write_input(table, rows=30_000)
    child = command.start("label", table, "-o", target, *OPTIONS)
    wait_for(target, SMALL_CHUNKS, child)
    for option in ("--resume", "--force"):
        done = command.run("label", table, "-o", target, *OPTIONS, option)
        assert done.returncode == 2
        assert "another run is writing it" in done.stderr
        assert UnfinishedOutput(target)._load().rows
    child.send_signal(signal.SIGKILL)
    child.wait()


def test_an_input_that_is_changed_meanwhile_gives_no_output(command, tmp_path):
    table, target = tmp_path / "posts.jsonl", tmp_path / "out.csv"
    write_input(table, rows=10_000)
    child = command.start("label", table, "-o", target, *OPTIONS)
    wait_for(target, SMALL_CHUNKS, child)
    with table.open("a") as file:
        file.write('{"text": "late"}\n')
    assert child.wait() == 2
    assert "was changed while it was read" in child.stderr
    assert list(tmp_path.iterdir()) == [table]


def test_a_finished_output_is_left_alone_and_one_made_otherwise_is_refused(command, tmp_path, table):
    target = tmp_path / "out.csv"
    assert command.run("label", table, "-o", target, *OPTIONS).returncode == 0
    before = target.stat().st_mtime_ns
    done = command.run("label", table, "-o", target, *OPTIONS, "--resume")
    assert done.returncode == 0
    assert f"{ROWS} rows" in done.stdout
    assert target.stat().st_mtime_ns == before
    done = command.run("label", table, "-o", target, *OPTIONS, "--resume", "--no-evidence")
    assert done.returncode == 2
    assert "was made otherwise: options evidence" in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".jsonl.bz2", ".xlsx"])
def test_only_new_rows_are_labelled_and_added(command, tmp_path, suffix):
    table, target, whole = tmp_path / "posts.csv", tmp_path / f"out{suffix}", tmp_path / f"whole{suffix}"
    rows = [f'{i},"{SENTENCES[i % 3]}"' for i in range(12)]
    table.write_text("\n".join(["id,text", *rows[:8]]) + "\n")
    ids = ("--append-new", "--id-column", "id")
    assert command.run("label", table, "-o", target, *OPTIONS, *ids).returncode == 0  # nothing there yet: all are new
    table.write_text("\n".join(["id,text", *rows[8:], *rows[2:4]]) + "\n")
    added = command.run("label", table, "-o", target, *OPTIONS, *ids)
    assert added.returncode == 0
    assert "4 of them are new and were added" in added.stdout
    table.write_text("\n".join(["id,text", *rows]) + "\n")
    assert command.run("label", table, "-o", whole, *OPTIONS).returncode == 0
    appended, expected = ([row.cells for row in open_reader(path)] for path in (target, whole))
    assert appended == expected
    again = command.run("label", table, "-o", target, *OPTIONS, *ids)
    assert again.returncode == 0
    assert "0 of them are new and were added" in again.stdout
    assert [row.cells for row in open_reader(target)] == expected
    counts = json.loads((tmp_path / f"{target.name}.manifest.json").read_text())["counts"]
    assert counts == json.loads((tmp_path / f"{whole.name}.manifest.json").read_text())["counts"]
    for content, options, message in (
        ("id,text\n1,a\n1,b\n", ids, "row 3: the id of an earlier row in column 'id'"),
        ("id,text\n,a\n", ids, "row 2: no id in column 'id'"),
        ("id,text,site\n1,a,b\n", ids, "its columns do not fit"),
        *([("text,id\na,50\n", ids, "the difference: their order")] if suffix == ".csv" else []),
        ("id,text\n50,a\n", (*ids, "--labels", "civic"), "labelled otherwise than those in it: options labels"),
        ("id,text\n50,a\n", ("--append-new",), "go together"),
    ):
        table.write_text(content)
        before = target.read_bytes()
        done = command.run("label", table, "-o", target, *OPTIONS, *options)
        assert done.returncode == 2
        assert message in done.stderr
        assert target.read_bytes() == before
    target.write_bytes(before + b"\n")
    assert "has been changed since it was labelled" in command.run("label", table, "-o", target, *OPTIONS, *ids).stderr
    assert target.read_bytes() == before + b"\n"

"""The command line, run whole: what goes in comes out, and nothing half-written stays behind."""

from __future__ import annotations

import csv
import json
import os
import pty
import subprocess
import sys

import pandas as pd
import pytest

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import label_frame

ODD = (
    "Respondent #;What's on your mind?;;site;site\n"
    '1;"I feel numb; nothing gets through to me.";x;north;1\n'
    "2;;;south;2\n"
    '3;"=SUM(A1) and a\nsecond line 😶";y;"o""clock";3\n'
    "4;short row\n"
    "5;12345;;;\n"
)


def run(*arguments, **options):
    command = [sys.executable, "-m", "disconnect_nlp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


csv.field_size_limit(1 << 30)  # one test writes a cell of 360 kB


def rows_of(path, delimiter=","):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.fixture
def odd(tmp_path):
    path = tmp_path / "odd export.csv"
    path.write_text(ODD, encoding="utf-8")
    return path


def test_a_strangers_csv_comes_back_labelled_with_nothing_lost(odd):
    out = odd.with_name("out.csv")
    done = run("label", odd, "-o", out)
    assert done.returncode == 0, done.stderr
    rows = rows_of(out, ";")
    assert [row["Respondent #"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [row["disconnect_status"] for row in rows] == ["ok", "empty", "ok", "bad_row: 2 cells, header has 5", "ok"]
    assert rows[0]["column_3"] == "x"
    assert rows[2]["What's on your mind?"] == "=SUM(A1) and a\nsecond line 😶"
    assert rows[2]["site"] == 'o"clock'
    assert rows[2]["site.1"] == "3"
    assert rows[0]["disconnect_numbness"] == "1"
    assert "numbness" in rows[0]["disconnect_labels"].split(";")
    assert rows[1]["disconnect_numbness"] == ""
    evidence = json.loads(rows[0]["disconnect_evidence"])
    text = rows[0]["What's on your mind?"]
    assert evidence
    assert all(text[item["start"] : item["end"]] == item["quote"] for item in evidence)
    assert "5 rows of column" in done.stdout
    assert "2 rows could not be labelled" in done.stdout
    assert "1 bad_row, 1 empty" in done.stdout


def test_jsonl_keeps_nested_values_and_tells_what_is_no_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "hello", "meta": {"a": [1]}}\n{"text": 5}\n{"text": null}\nnope\n')
    assert run("label", path, "--labels", "civic").returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "a.labelled.jsonl").read_text().splitlines()]
    assert rows[3]["raw_line"] == "nope"
    assert [row["disconnect_status"] for row in rows] == ["ok", "not_text", "empty", "bad_row: not JSON"]
    assert rows[0]["meta"] == {"a": [1]}
    assert [key for key in rows[0] if key.startswith("disconnect_")] == [
        "disconnect_status", "disconnect_labels", "disconnect_uncertain", "disconnect_evidence",
        "disconnect_civic", "disconnect_civic_score",
    ]  # fmt: skip


def test_the_output_keeps_the_dress_of_the_input_and_says_what_changed(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id;note;note\n1;caf\u00e9 and soup;x\n".encode("cp1252"))
    done = run("label", path, "--text-column", "note", "--labels", "core")
    assert "was read as Windows-1252" in done.stdout
    assert "were named note.1" in done.stdout
    text = (tmp_path / "a.labelled.csv").read_text(encoding="utf-8-sig")
    assert text.startswith("id;note;note.1;disconnect_status;")
    assert "café and soup" in text
    plain = tmp_path / "b.csv"
    plain.write_text("text\nsoup\n")
    assert run("label", plain, "--labels", "civic, civic").returncode == 0
    assert (tmp_path / "b.labelled.csv").read_text().startswith("text,disconnect_status")


def test_an_existing_output_is_refused_before_any_work(odd):
    out = odd.with_name("out.csv")
    out.write_text("mine")
    done = run("label", odd, "-o", out)
    assert done.returncode == 2
    assert "exists. Name another file with -o, or pass --force" in done.stderr
    assert out.read_text() == "mine"
    assert run("label", odd, "-o", out, "--force").returncode == 0
    assert out.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text-column", "entry"], "no column 'entry'. Columns: Respondent #, What's on your mind?"),
        (["--labels", "sad"], "--labels: unknown label 'sad'. Known labels: professional"),
        (["--labels", "civik"], "Did you mean 'civic'?"),
        (["--labels", ","], "--labels names no label"),
        (["--model", "best"], "no model 'best'. Shipped: accurate, default, lexicon"),
        (["--policy", "best"], "allowed are f1, precision, recall"),
        (["-o", "/nowhere/out.csv"], "/nowhere: no such folder"),
        (["-o", "out.docx"], "format '.docx' is not known"),
    ],
)
def test_a_wrong_option_is_one_line_that_helps(odd, arguments, message):
    done = run("label", odd, *arguments, cwd=odd.parent)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in odd.parent.iterdir()] == [odd.name]


def test_a_column_that_would_be_overwritten_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,disconnect_status\nhello,mine\n")
    done = run("label", path)
    assert done.returncode == 2
    assert "already has disconnect_status" in done.stderr
    assert run("label", path, "--prefix", "dn_").returncode == 0


def test_a_report_never_replaces_its_input(odd):
    out = odd.with_name("out.csv")
    assert run("label", odd, "-o", out).returncode == 0
    before = out.read_bytes()
    done = run("report", out, "-o", out, "--force", "--text-column", "What's on your mind?")
    assert done.returncode == 2
    assert "is the input itself" in done.stderr
    assert out.read_bytes() == before
    assert "no such folder" in run("report", out, "-o", odd.parent / "none" / "x.html").stderr


def test_a_folder_without_tables_is_said_to_be_one(tmp_path):
    done = run("label", tmp_path)
    assert done.returncode == 2
    assert "no file of a known format in it. Known: .csv, .tsv, .jsonl" in done.stderr


def test_the_input_is_never_its_own_output(odd):
    done = run("label", odd, "-o", odd, "--force")
    assert done.returncode == 2
    assert "is the input itself" in done.stderr
    assert odd.read_text(encoding="utf-8") == ODD


def test_the_progress_bar_stays_off_without_a_terminal_and_shows_on_one(odd):
    assert run("label", odd, "-o", odd.with_name("a.csv")).stderr == ""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "disconnect_nlp", "label", str(odd), "-o", str(odd.with_name("b.csv"))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    process.wait(timeout=120)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert b"labelling" in shown
    assert b"5/5" in shown
    assert b"rows/s" in shown


def test_a_text_never_shows_in_what_is_printed(odd):
    done = run("label", odd)
    assert "nothing gets through" not in done.stdout + done.stderr


def test_a_very_long_cell_is_labelled(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("text\n" + "The bus was late. " * 20_000 + "I feel numb and empty inside these days.\n")
    assert run("label", path, "--model", "lexicon").returncode == 0
    assert rows_of(tmp_path / "long.labelled.csv")[0]["disconnect_numbness"] == "1"


def test_frames_keep_index_order_and_columns(lexicon_labeller):
    frame = pd.DataFrame({"t": ["I feel numb.", None, 3], "when": pd.to_datetime(["2026-01-01"] * 3)}, index=[9, 4, 4])
    out = label_frame(lexicon_labeller, frame, text_column="t", labels=["numbness"])
    assert list(out.index) == [9, 4, 4]
    pd.testing.assert_frame_equal(out[["t", "when"]], frame)
    assert out["disconnect_status"].tolist() == ["ok", "empty", "not_text"]
    assert out["disconnect_numbness"].isna().tolist() == [False, True, True]
    with pytest.raises(DataError, match="no column 'text'"):
        label_frame(lexicon_labeller, frame, text_column="text")
    assert label_frame(lexicon_labeller, frame[:0], text_column="t").shape[0] == 0


def test_checkers_are_at_hand(tmp_path):
    done = run("check-corpus")
    assert done.returncode == 0
    assert done.stdout.endswith("0 problems\n")
    bad = {
        "id": "x01-001",
        "text": "a",
        "labels": ["sad"],
        "near": [],
        "register": "diary",
        "batch": "x01",
        "split": "dev",
    }
    (tmp_path / "x.jsonl").write_text(json.dumps(bad) + "\n")
    done = run("check-corpus", tmp_path)
    assert done.returncode == 1
    assert "unknown label 'sad'" in done.stdout
    (tmp_path / "mine.toml").write_text("[[entries]]\n")
    assert run("check-lexicon", tmp_path / "mine.toml").returncode == 2
    assert "professional" in run("check-lexicon").stdout
    assert "difficulty_sharing" in run("labels").stdout

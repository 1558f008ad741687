"""Files of every format go in and come out with everything that was in them."""

from __future__ import annotations

import bz2
import csv
import datetime
import gzip
import io
import json
import re
import sys
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import zstandard
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables import ReadOptions, Source, SpooledSource, open_reader, open_source, open_writer
from disconnect_nlp.tables.quoting import UNCLOSED, read_records

OPTIONS = ("--model", "lexicon", "--labels", "numbness,civic")
NUMB = "I feel numb and empty."
TABLES = (".xlsx", ".parquet", ".feather", ".sav", ".dta")


def cells(path, options=None):
    return [row.cells for row in open_reader(path, options)]


def test_spss_keeps_labels_codes_missing_values_dates_and_long_texts(command, tmp_path):
    path, out = tmp_path / "study.sav", tmp_path / "out.sav"
    frame = pd.DataFrame(
        {
            "id": [1.0, 2.0, 3.0],
            "sex": [1.0, 2.0, -9.0],
            "when": [datetime.date(2020, 1, 2), None, datetime.date(2021, 5, 6)],
            "answer": [NUMB + " The bus was late." * 300, "", "=SUM(A1) é"],
        }
    )
    pyreadstat.write_sav(
        frame,
        str(path),
        file_label="Study",
        column_labels={"sex": "Sex of respondent"},
        variable_value_labels={"sex": {1: "m", 2: "f", -9: "refused"}},
        missing_ranges={"sex": [-9]},
        variable_measure={"sex": "nominal"},
        variable_display_width={"answer": 40},
        note=["kept"],
    )
    assert command.run("label", path, "-o", out, "--text-column", "answer", *OPTIONS).returncode == 0
    (before, was), (after, now) = (
        pyreadstat.read_sav(str(p), user_missing=True, disable_datetime_conversion=True) for p in (path, out)
    )
    pd.testing.assert_frame_equal(after[list(before)], before)
    for name in (
        "variable_value_labels", "missing_ranges", "original_variable_types", "variable_measure",
        "column_names_to_labels", "variable_display_width",
    ):  # fmt: skip
        kept = getattr(now, name)
        assert {key: kept[key] for key in getattr(was, name)} == getattr(was, name), name
    assert (now.file_label, now.notes) == (was.file_label, was.notes)
    measures = {name: now.variable_measure[f"disconnect_{name}"] for name in ("status", "numbness", "numbness_score")}
    assert measures == {"status": "nominal", "numbness": "nominal", "numbness_score": "scale"}
    assert now.column_names_to_labels["disconnect_numbness"] == "Emotional numbness: given (1) or not (0)"
    assert after["disconnect_status"].tolist() == ["ok", "empty", "ok"]
    assert after["disconnect_numbness"].tolist()[0] == 1
    assert pd.isna(after["disconnect_numbness_score"][1])


def test_stata_keeps_labels_and_missing_codes(command, tmp_path):
    path, out = tmp_path / "study.dta", tmp_path / "out.dta"
    frame = pd.DataFrame(
        {
            "x": [1.5, None, 2.0],
            "sex": [1, 2, "a"],
            "when": [datetime.date(2020, 1, 2)] * 3,
            "answer": [NUMB, "", "é" * 3000],
        }
    )
    pyreadstat.write_dta(
        frame,
        str(path),
        column_labels={"x": "Ex"},
        variable_value_labels={"sex": {1: "m", 2: "f", "a": "refused"}},
        missing_user_values={"sex": ["a"]},
    )
    assert command.run("label", path, "-o", out, *OPTIONS).returncode == 0
    (before, was), (after, now) = (
        pyreadstat.read_dta(str(p), user_missing=True, disable_datetime_conversion=True) for p in (path, out)
    )
    pd.testing.assert_frame_equal(after[list(before)], before)
    assert now.variable_value_labels["sex"] == was.variable_value_labels["sex"]
    assert now.missing_user_values == was.missing_user_values
    assert after["dn_numbness"].tolist()[0] == 1
    done = command.run(
        "label", path, "-o", tmp_path / "b.dta", "--prefix", "far_too_long_a_prefix_for_stata_", *OPTIONS
    )
    assert "holds names of up to 32 bytes. Pass a shorter --prefix" in done.stderr


def test_a_cell_of_excel_that_begins_with_an_equals_sign_stays_text(command, tmp_path):
    path, out = tmp_path / "a.xlsx", tmp_path / "out.xlsx"
    book = openpyxl.Workbook()
    book.create_sheet("answers")
    sheet = book["answers"]
    sheet.append(["id", "when", "text"])
    for number, text in enumerate((NUMB, "", "=SUM(A1)", "x" * 32_767), start=1):
        cell = openpyxl.cell.WriteOnlyCell(sheet, text)
        cell.data_type = "s"
        sheet.append([number, datetime.datetime(2026, 1, number, 10), None])
        sheet.cell(number + 1, 3).value = text
        sheet.cell(number + 1, 3).data_type = "s"
    book.save(path)
    assert "sheet 'answers'" not in command.run("label", path, "-o", tmp_path / "x.csv", *OPTIONS).stdout
    done = command.run("label", path, "-o", out, "--sheet", "answers", *OPTIONS)
    assert done.returncode == 0, done.stderr
    written = openpyxl.load_workbook(out)["labelled"]
    assert written["C4"].value == "=SUM(A1)"
    assert written["C4"].data_type == "s"
    assert cells(path, ReadOptions(sheet="answers")) == [
        {k: row[k] for k in ("id", "when", "text")} for row in cells(out)
    ]
    assert [row["disconnect_status"] for row in cells(out)] == ["ok", "empty", "ok", "ok"]
    assert (
        "no sheet 'b'. Sheets: Sheet, answers"
        in command.run("label", path, "-o", out, "--force", "--sheet", "b").stderr
    )


def test_a_text_that_was_stored_as_a_formula_is_not_lost(command, tmp_path):
    path, out = tmp_path / "a.xlsx", tmp_path / "out.csv"
    book = openpyxl.Workbook()
    book.active.append(["id", "n", "text"])
    book.active.append([1, None, "=(I feel numb and empty.)"])  # stored as a formula, and nothing calculated it
    book.active.append([2, 4, NUMB])
    book.active.append([None, None, "=I feel numb"])  # in a row without any value
    book.save(path)
    expected = [(1, "=(I feel numb and empty.)"), (2, NUMB), (None, "=I feel numb")]
    assert [(row.get("id"), row["text"]) for row in cells(path)] == expected
    done = command.run("label", path, "-o", out, *OPTIONS)
    assert "2 formulas without a stored result were read as texts" in done.stdout
    assert [row["disconnect_numbness"] for row in cells(out)] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (["id", "text", "note"], [1, "=I feel numb and empty", "kept"], ["1", "=I feel numb and empty", "kept"]),
        ([None, "note"], ["=I feel numb", "kept"], ["=I feel numb", "kept"]),  # left of all values
    ],
)
def test_a_text_stored_as_a_formula_stays_in_its_cell_behind_empty_columns(tmp_path, header, row, expected):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    for number, cells_ in enumerate((header, row), start=3):
        for column, value in enumerate(cells_, start=2):
            book.active.cell(number, column).value = value
    book.save(path)
    (found,) = cells(path)
    assert [str(value) for value in found.values()] == expected
    assert list(found)[-1] == header[-1]


def test_a_text_stored_as_a_formula_is_found_beyond_the_dimension_that_the_sheet_tells(tmp_path):
    path, plain = tmp_path / "a.xlsx", tmp_path / "plain.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["id", "text"])
    book.active.append([1, "=I feel numb"])
    book.save(plain)
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1"'))
    assert path.read_bytes() != plain.read_bytes()
    assert [row["text"] for row in cells(path)] == ["=I feel numb"]


def test_the_result_of_a_formula_is_read_in_place_of_it(tmp_path):
    path, plain = tmp_path / "a.xlsx", tmp_path / "plain.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["text", "more", "none"])
    book.active.append(["=A", "=B", "=C"])
    book.save(plain)
    results = {"A": '<c r="A2" t="str"><f>A</f><v>result</v></c>', "B": '<c r="B2" t="str"><f>B</f><v></v></c>'}
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            data = before.read(name).decode()
            for formula, cell in results.items() if "sheet1" in name else ():
                data, n = re.subn(rf"<c [^>]*><f>{formula}</f>.*?</c>", cell, data)
                assert n == 1
            after.writestr(name, data)
    (row,) = cells(path)
    assert (row["text"], row["more"], row["none"]) == ("result", None, "=C")


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("out.json", ["text"], ".json can be read, not written. Name an output of .csv, .tsv, .jsonl, .parquet"),
        ("out.xlsx", ["text"], "row 2: column 'text' is 40,000 long; a cell of .xlsx holds 32,767"),
        ("out.sav", ["text"], "a cell of .sav holds 32,767. Name an output that ends in .csv or .parquet"),
        ("out.sav", ["text", "what now?"], "'what now?': .sav holds names of letters, digits and _ only"),
    ],
)
def test_a_table_that_does_not_fit_a_format_is_refused_before_any_work(command, tmp_path, name, columns, message):
    path = tmp_path / "a.csv"
    path.write_text(",".join(columns) + "\n" + ",".join(["x" * 40_000] * len(columns)) + "\n")
    done = command.run("label", path, "-o", tmp_path / name, "--text-column", "text", *OPTIONS)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_columnar_files_keep_types_and_nested_values(command, tmp_path, suffix):
    table = pa.table(
        {
            "id": pa.array([1, 2, 3], pa.int32()),
            "when": pa.array([datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)] * 3, pa.timestamp("ns", "UTC")),
            "site": pa.array(["north", None, "north"]).dictionary_encode(),
            "tags": pa.array([["a"], [], None], pa.list_(pa.string())),
            "text": pa.array([NUMB, None, "caf\u00e9"], pa.large_string()),
        }
    )
    path, out = tmp_path / f"a{suffix}", tmp_path / f"out{suffix}"
    (pq.write_table if suffix == ".parquet" else feather.write_feather)(table, path)
    done = command.run("label", path, "-o", out, *OPTIONS)
    assert done.returncode == 0, done.stderr
    read = pq.read_table if suffix == ".parquet" else feather.read_table
    assert read(out).select(table.column_names).cast(table.schema).equals(table)
    assert read(out)["disconnect_numbness"].to_pylist() == [1, None, 0]
    assert read(out).schema.field("disconnect_numbness_score").type == pa.float64()


@pytest.mark.parametrize("compression", ["", ".gz", ".bz2", ".zst"])
def test_compressed_lines_go_in_and_come_out(command, tmp_path, compression):
    raw = b"".join(json.dumps({"text": NUMB, "n": i}).encode() + b"\n" for i in range(100))
    packed = {
        "": bytes,
        ".gz": gzip.compress,
        ".bz2": bz2.compress,
        ".zst": lambda data: zstandard.compress(data[:50]) + zstandard.compress(data[50:]),  # frames in a row
    }[compression](raw)
    path = tmp_path / f"a.jsonl{compression}"
    path.write_bytes(packed)
    assert command.run("label", path, *OPTIONS).returncode == 0
    out = tmp_path / f"a.labelled.jsonl{compression}"
    assert [row["n"] for row in cells(out)] == list(range(100))
    unpack = {"": bytes, ".gz": gzip.decompress, ".bz2": bz2.decompress}.get(compression)
    if unpack:
        assert unpack(out.read_bytes()).count(b"\n") == 100
    if compression:
        path.write_bytes(packed[: len(packed) // 2])
        with pytest.raises(DataError, match="damaged or cut off"):
            open_reader(path)


def test_a_dump_of_a_forum_is_known_and_taken_away_texts_are_told_apart(command, tmp_path):
    rows = [{"subreddit": "x", "title": "t", "selftext": text} for text in (NUMB, "[removed]", "[deleted]")]
    data = "\n".join(map(json.dumps, rows)).encode()
    path, out = tmp_path / "RS_2019-01.zst", tmp_path / "out.csv"
    path.write_bytes(zstandard.ZstdCompressor(level=1).compress(data))
    done = command.run("label", path, "-o", out, *OPTIONS)
    assert "read as a Reddit dump" in done.stdout
    assert "2 removed" in done.stdout
    assert [row["disconnect_status"] for row in cells(out)] == ["ok", "removed", "removed"]


QUALTRICS = (
    "StartDate,Q1,Q2\n"
    'Start Date,"How are you, really?",Why?\n'
    '"{""ImportId"":""startDate""}","{""ImportId"":""QID1_TEXT""}","{""ImportId"":""QID2""}"\n'
    f"2026-01-01,{NUMB},soup\n"
)
SURVEYMONKEY = f"Respondent ID,What weighs on you?,Which?,\n,Open-Ended Response,Bus,Train\n1,{NUMB},Bus,\n"


@pytest.mark.parametrize(
    ("content", "columns", "said", "statuses"),
    [
        (QUALTRICS, ["--text-column", "Q1"], "read as a Qualtrics export", ["header", "header", "ok"]),
        (SURVEYMONKEY, [], "read as a SurveyMonkey export", ["header", "ok"]),
        (f"record_id,redcap_event_name,story,story_complete\n1,a,{NUMB},2\n", [], "read as a REDCap export", ["ok"]),
    ],
)
def test_exports_of_survey_tools_are_known(command, tmp_path, content, columns, said, statuses):
    path, out = tmp_path / "export.csv", tmp_path / "out.csv"
    path.write_text(content)
    done = command.run("label", path, "-o", out, *columns, *OPTIONS, "--strict")
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "could not be labelled" not in done.stdout
    answers = sum(status != "header" for status in statuses)
    assert f"{answers} rows of column" in done.stdout
    assert ("rows below the header are no data" in done.stdout) == (answers < len(statuses))
    rows = cells(out)
    assert [row["disconnect_status"] for row in rows] == statuses
    assert rows[-1]["disconnect_numbness"] == "1"


def test_comments_and_submissions_of_one_dump_are_both_labelled(command, tmp_path):
    path = tmp_path / "dump.jsonl"
    posts = ({"body": NUMB}, {"title": "x", "selftext": NUMB}, {"body": "[removed]"}, {"selftext": "[deleted]"}, {})
    path.write_text("".join(json.dumps({"subreddit": "a", **post}) + "\n" for post in posts))
    done = command.run("label", path, *OPTIONS, "--strict")
    assert done.returncode == 0, done.stderr
    assert "read as a Reddit dump of comments (body) and submissions (selftext)" in done.stdout
    assert "3 texts could not be labelled and are in the output without labels: 1 empty, 2 removed." in done.stdout
    rows = cells(tmp_path / "dump.labelled.jsonl")
    assert [(row["disconnect_body_status"], row["disconnect_selftext_status"]) for row in rows] == [
        ("ok", "empty"), ("empty", "ok"), ("removed", "empty"), ("empty", "removed"), ("empty", "empty"),
    ]  # fmt: skip
    assert (rows[0]["disconnect_body_numbness"], rows[1]["disconnect_selftext_numbness"]) == (1, 1)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt"])
def test_an_encoding_that_does_not_fit_is_told_in_the_status_of_any_text_format(command, tmp_path, name):
    path = tmp_path / name
    text = "café, I feel numb"
    row = json.dumps({"text": text}, ensure_ascii=False)
    path.write_text({"a.txt": text, "a.jsonl": row, "a.json": f"[{row}]"}[name])
    done = command.run("label", path, "-o", tmp_path / "out.jsonl", "--encoding", "ascii", *OPTIONS)
    assert done.returncode == 0, done.stderr
    (row,) = cells(tmp_path / "out.jsonl")
    assert (row["text"], row["disconnect_numbness"]) == ("caf\ufffd\ufffd, I feel numb", 1)
    assert row["disconnect_status"] == "ok: characters that were lost (U+FFFD)"


def test_what_an_encoding_cannot_read_is_told_row_by_row(command, tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "out.csv"
    path.write_bytes("I feel numb.,1\ncafé,2\n".encode())
    run = ("label", path, "-o", out, "--encoding", "ascii", "--no-header", "--text-column", "column_1", *OPTIONS)
    done = command.run(*run)
    assert done.returncode == 0, done.stderr
    assert "note: columns were named column_1 … column_2." in done.stdout
    assert "2 characters are no ascii and stand as \ufffd in the output" in done.stdout
    assert [row["disconnect_status"] for row in cells(out)] == ["ok", "ok: characters that were lost (U+FFFD)"]
    assert "row 2, column 'column_1': characters that were lost" in command.run(*run, "--force", "--strict").stderr


def test_a_day_one_journal_is_read_entry_by_entry(command, tmp_path, monkeypatch):
    monkeypatch.setattr("disconnect_nlp.tables.jsonarray._BLOCK", 7)  # values reach over blocks
    entries = [{"uuid": str(i), "creationDate": "2026-01-01T00:00:00Z", "text": NUMB + "\n", "n": i} for i in range(30)]
    path = tmp_path / "Journal.json"
    path.write_text(json.dumps({"metadata": {"version": "1.0"}, "entries": entries, "more": [1]}, indent=1))
    assert cells(path) == entries
    done = command.run("label", path, *OPTIONS)
    assert "read as a Day One journal" in done.stdout
    assert len(cells(tmp_path / "Journal.labelled.jsonl")) == 30
    for broken in ('{"entries": [{"a": 1}, {"b"', '{"other": 1}', "[1", "5"):
        path.write_text(broken)
        with pytest.raises(DataError, match=r"JSON|no array under 'entries'"):
            open_reader(path)


def test_a_folder_of_texts_is_one_table(command, tmp_path):
    folder = tmp_path / "notes"
    (folder / "may").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"\xef\xbb\xbf" + NUMB.encode())
    (folder / "b.txt").write_text("")
    (folder / "may" / "c.txt").write_bytes("caf\u00e9".encode("cp1252"))
    assert command.run("label", folder, *OPTIONS).returncode == 0
    rows = cells(tmp_path / "notes.labelled.csv")
    assert [(row["file"], row["text"]) for row in rows] == [("a.txt", NUMB), ("b.txt", ""), ("may/c.txt", "café")]
    assert [row["disconnect_status"] for row in rows] == ["ok", "empty", "ok"]
    (folder / "d.csv").write_text("text\nsoup\n")
    assert "Name one kind" in command.run("label", folder, *OPTIONS).stderr
    assert command.run("label", f"{folder}/*.txt", "-o", tmp_path / "two.jsonl", *OPTIONS).returncode == 0
    assert len(cells(tmp_path / "two.jsonl")) == 2


def test_folders_and_globs_are_labelled_file_by_file_and_gone_on_with(command, tmp_path):
    folder, out = tmp_path / "exports", tmp_path / "out"
    (folder / "b").mkdir(parents=True)
    for name in ("a.csv", "b/a.csv", "b/c.tsv"):
        (folder / name).write_text(f"text\n{NUMB}\n")
    (folder / "b" / "notes.docx").write_text("not a table")
    done = command.run("label", folder, "-o", out, "--to", "jsonl.gz", *OPTIONS)
    assert done.returncode == 0, done.stderr
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*.gz"))
    assert made == ["a.labelled.jsonl.gz", "b/a.labelled.jsonl.gz", "b/c.labelled.jsonl.gz"]
    (folder / "d.csv").write_text(f"text\n{NUMB}\n")
    before = (out / "a.labelled.jsonl.gz").stat().st_mtime_ns
    done = command.run("label", f"{folder}/**/*.*sv", "-o", out, "--to", "jsonl.gz", "--resume", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert len(list(out.rglob("*.gz"))) == 4
    assert (out / "a.labelled.jsonl.gz").stat().st_mtime_ns == before
    assert "3 tables need a folder" in command.run("label", f"{folder}/**/*.csv", "-o", out / "x.csv").stderr
    assert "nothing matches" in command.run("label", f"{folder}/*.sav").stderr


@pytest.mark.parametrize(("data", "first"), [(f'{{"text": "{NUMB}"}}\n', "{"), (f"text;n\n{NUMB};1\n", "text;n;")])
def test_standard_input_becomes_standard_output(command, tmp_path, data, first):
    path = tmp_path / "in"
    path.write_text(data)
    done = command.run("label", "-", *OPTIONS, stdin=path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(first)
    assert done.stdout.count("\n") == data.count("\n")
    assert "1 rows of column 'text'" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("suffix", [*TABLES, ".csv.gz", ".jsonl.bz2", ".jsonl.zst"])
def test_standard_input_is_known_by_its_first_bytes(command, tmp_path, suffix):
    path = tmp_path / f"in{suffix}"
    writer = open_writer(path, target=path, columns=["text", "n"], kinds={"n": int})
    for number in range(3):
        writer.write({"text": NUMB, "n": number})
    writer.close()
    done = command.run("label", "-", "--to", "jsonl", *OPTIONS, stdin=path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["text"], int(row["n"]), row["disconnect_numbness"]) for row in rows] == [
        (NUMB, i, 1) for i in range(3)
    ]


@pytest.mark.parametrize("level", range(1, 10))
def test_bzip2_of_any_level_is_known_by_its_first_bytes(level):
    source = SpooledSource(io.BytesIO(bz2.compress(b"id,text\n1,soup\n", level)))
    assert [row.cells for row in open_source(source)] == [{"id": "1", "text": "soup"}]
    assert SpooledSource(io.BytesIO(bz2.compress(b"", level))).compression == ".bz2"


@pytest.mark.parametrize("version", [8, 10, 12, 14, "pandas 114", "pandas 114 >"])
def test_stata_of_any_version_is_known_by_its_first_bytes(tmp_path, version):
    frame, path = pd.DataFrame({"id": [1.0, 2.0], "text": ["soup", "rain"]}), tmp_path / "a.dta"
    if isinstance(version, int):
        pyreadstat.write_dta(frame, str(path), version=version)
    else:
        frame.to_stata(path, write_index=False, version=114, byteorder=">" if ">" in version else "<")
    reader = open_source(SpooledSource(io.BytesIO(path.read_bytes())))
    assert [row.cells for row in reader] == frame.to_dict("records")


def test_standard_input_can_be_read_again_and_leaves_nothing_behind():
    source = SpooledSource(io.BytesIO(b"a,text\n1,x\n2,y\n"))
    reader = open_source(source)
    assert [row.cells["a"] for row in reader] == [row.cells["a"] for row in reader] == ["1", "2"]
    assert source.digest()[0] == 15
    assert reader.n_rows == 2


@pytest.mark.parametrize(
    ("data", "options", "columns", "first"),
    [
        (b"1,soup\n2,rain\n", {}, ["column_1", "column_2"], ["1", "soup"]),  # data from the first row on
        (b"1,soup\n2,rain\n", {"header": True}, ["1", "soup"], ["2", "rain"]),
        (b"2026-01-01;soup\n2026-01-02;rain\n", {}, ["column_1", "column_2"], ["2026-01-01", "soup"]),
        (b"id,2024\n1,5\n2,6\n", {}, ["id", "2024"], ["1", "5"]),  # a year may be a name
        (b"id,text\nx,y\n", {"header": False}, ["column_1", "column_2"], ["id", "text"]),
        (b"a|b,c\n1|2,3\n", {"delimiter": ","}, ["a|b", "c"], ["1|2", "3"]),
        ("a,t\n1,\u2019\n".encode("mac-roman"), {"encoding": "mac-roman"}, ["a", "t"], ["1", "\u2019"]),
        ("a,t\n1,x\n".encode("utf-16-le"), {}, ["a", "t"], ["1", "x"]),  # no mark
        (
            b"a,t\n" + "é,ü\n".encode() * 5 + b"\xff,x\n",
            {},
            ["a", "t"],
            ["é", "ü"],
        ),  # one bad row
    ],
)
def test_what_is_detected_can_be_overridden(tmp_path, data, options, columns, first):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    reader = open_reader(path, ReadOptions(**options))
    assert reader.columns == columns
    assert list(next(iter(reader)).cells.values()) == first


def test_an_unknown_encoding_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\nx\n")
    with pytest.raises(DataError, match="no encoding 'latin-99'. Common ones: utf-8"):
        open_reader(path, ReadOptions(encoding="latin-99"))


PRINTED = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=9)
FIELD = st.text(alphabet='ab",', max_size=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('1,"a\nb"\n2,c\n', [(1, ["1", "a\nb"], None), (3, ["2", "c"], None)]),
        ('1,"a\n2,b\n3,c\n', [(1, ["1", "a"], UNCLOSED), (2, ["2", "b"], None), (3, ["3", "c"], None)]),
        ('1,"a\n2,"b"\n', [(1, ["1", "a"], UNCLOSED), (2, ["2", "b"], None)]),  # the next mark closes it
        ('1,5" pipe\n2,b\n', [(1, ["1", '5" pipe'], None), (2, ["2", "b"], None)]),
        ('1,"a"b\n2,c\n', [(1, ["1", "ab"], None), (2, ["2", "c"], None)]),  # read leniently, swallows nothing
        ('1,"a', [(1, ["1", "a"], UNCLOSED)]),
        ('1,"say "hi" to\n2,b\n', [(1, ["1", 'say hi" to'], None), (2, ["2", "b"], None)]),
    ],
)
def test_a_quotation_mark_left_open_costs_one_row(text, expected):
    found = [
        (record.line, record.cells, record.problem) for record in read_records(text.splitlines(True), delimiter=",")
    ]
    assert found == expected


@given(st.lists(FIELD, min_size=2, max_size=2), st.text(alphabet='ab",\n', max_size=6))
@settings(max_examples=150, deadline=None)
@example(["a", 'b"'], '"')
def test_a_broken_line_takes_no_whole_line_after_it_away(whole, broken):
    # The quotation mark before a field that begins with a delimiter or line break may as well close an open one.
    assume(not any(re.match('"*[,\n]', field) for field in whole))
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(["whole", *whole])
    text = broken + "\n" + "whole,a,b\n" * 3 + buffer.getvalue()
    records = [record.cells for record in read_records(text.splitlines(True), delimiter=",")]
    assert records[-4:] == [["whole", "a", "b"]] * 3 + [["whole", *whole]]


def test_the_csv_module_is_left_as_it_was(tmp_path):
    before = csv.field_size_limit()
    path = tmp_path / "a.csv"
    path.write_text("text\n" + "x" * 200_000 + "\n")
    reader = iter(open_reader(path))
    assert len(next(reader).cells["text"]) == 200_000
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("suffix", TABLES)
@given(st.lists(PRINTED, min_size=1, max_size=4))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_texts_survive_writing_and_reading(tmp_path, suffix, texts):
    path = tmp_path / f"x{suffix}"
    texts = [text.strip() + "." for text in texts]  # SPSS and Stata pad with spaces
    writer = open_writer(path, target=path, columns=["a", "n"], kinds={"n": int})
    for number, text in enumerate(texts):
        writer.write({"a": text, "n": number})
    writer.close()
    assert [(row["a"], row["n"]) for row in cells(path)] == list(zip(texts, range(len(texts)), strict=True))


def test_a_missing_library_is_named_with_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    (tmp_path / "a.sav").write_bytes(b"")
    with pytest.raises(DataError, match=r"needs pyreadstat, .* Run: pip install 'disconnect-nlp\[formats\]'"):
        open_reader(tmp_path / "a.sav")


@pytest.mark.parametrize(
    "name", ["a.sav", "a.dta", "a.xlsx", "a.parquet", "a.feather", "a.jsonl.gz", "a.csv.zst", "a.csv.bz2"]
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is something else altogether, and long enough to be looked at")
    with pytest.raises(DataError, match=name):
        open_source(Source(path))

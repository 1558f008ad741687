"""Tables go in and come out with nothing lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables import ReadOptions, Source, open_reader, open_writer
from disconnect_nlp.tables.delimited import detect_encoding

CELL = st.text(alphabet=st.characters(blacklist_characters="\x00", blacklist_categories=("Cs",)), max_size=12)


def read(path):
    reader = open_reader(path)
    return reader.columns, list(reader)


@pytest.mark.parametrize(
    ("name", "data", "columns", "first"),
    [
        ("a.csv", b"id,text\n1,hello\n", ["id", "text"], {"id": "1", "text": "hello"}),
        ("a.csv", "id;text\n1;héllo, you\n".encode(), ["id", "text"], {"id": "1", "text": "héllo, you"}),
        ("a.csv", "﻿id,text\n1,x\n".encode(), ["id", "text"], {"id": "1", "text": "x"}),  # byte-order mark
        ("a.csv", "id,text\n1,x\n".encode("utf-16"), ["id", "text"], {"id": "1", "text": "x"}),
        ("a.csv", "id,text\n1,caf\u00e9 \u2019\n".encode("cp1252"), ["id", "text"], {"id": "1", "text": "café ’"}),
        ("a.csv", b'id,text\r\n1,"two\nlines"\r\n', ["id", "text"], {"id": "1", "text": "two\nlines"}),
        ("a.csv", b'"a;b",text\n1,x\n', ["a;b", "text"], {"a;b": "1", "text": "x"}),  # delimiter inside quotes
        ("a.tsv", b"id\ttext\n007\tNA\n", ["id", "text"], {"id": "007", "text": "NA"}),  # strings stay strings
        (
            "a.csv",
            b"note,,note\n1,2,3\n",
            ["note", "column_2", "note.1"],
            {"note": "1", "column_2": "2", "note.1": "3"},
        ),
        ("a.csv", b'\n"What, now?\nsay";id\nx;1\n', ["What, now?\nsay", "id"], {"What, now?\nsay": "x", "id": "1"}),
        ("a.csv", b"text\n\nlast\n", ["text"], {"text": ""}),  # a blank line of a one-column table is an empty cell
        ("a.jsonl", b'{"id": 1, "tags": ["a"]}\n\n{"text": null}\n', ["id", "tags", "text"], {"id": 1, "tags": ["a"]}),
    ],
)
def test_files_as_people_export_them_are_read(tmp_path, name, data, columns, first):
    path = tmp_path / name
    path.write_bytes(data)
    found, rows = read(path)
    assert found == columns
    assert rows[0].cells == first
    assert rows[0].problem is None


def test_ragged_rows_are_kept_with_a_problem_and_their_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"x\ny"\n2\n3,z,more,still\n4,w\n')
    columns, rows = read(path)
    assert columns == ["id", "text", "extra_cells"]
    assert [(row.number, row.problem) for row in rows] == [
        (2, None),
        (4, "1 cells, header has 2"),
        (5, "4 cells, header has 2"),
        (6, None),
    ]
    assert rows[2].cells == {"id": "3", "text": "z", "extra_cells": "more,still"}


def test_broken_json_lines_are_kept_with_a_problem(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{"text": \n[1]\n')
    rows = read(path)[1]
    assert [row.problem for row in rows] == [None, "not JSON", "not a JSON object"]
    assert [row.cells.get("raw_line") for row in rows] == [None, '{"text": ', "[1]"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", "", "is empty. It needs a header"),
        ("a.jsonl", "\n", "no JSON object found"),
        ("a.docx", "x", r"format '.docx' is not known. Known: .csv, .tsv, .jsonl, .json"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_text(data)
    with pytest.raises(DataError, match=message):
        open_reader(path)
    with pytest.raises(DataError, match="no such file"):
        open_reader(tmp_path / "absent.csv")


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_cells_survive_writing_and_reading(tmp_path, suffix, cells):
    path = tmp_path / f"x{suffix}"
    writer = open_writer(path, target=path, columns=["a", "b"])
    for a, b in cells:
        writer.write({"a": a, "b": b})
    writer.close()
    _, rows = read(path)
    assert [(row.cells["a"], row.cells["b"]) for row in rows] == cells


def test_half_a_surrogate_pair_survives_in_json_and_is_marked_in_csv(tmp_path):
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "a \\ud83d b"}\n')
    (row,) = open_reader(source)
    for name, expected in (("out.jsonl", "a \ud83d b"), ("out.csv", "a \ufffd b")):
        writer = open_writer(tmp_path / name, target=tmp_path / name, columns=["text"])
        writer.write(row.cells)
        writer.close()
        (back,) = open_reader(tmp_path / name)
        assert back.cells["text"] == expected


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_characters_lost_in_any_column_are_counted_and_those_lost_before_are_not(tmp_path, name):
    path = tmp_path / name
    row = json.dumps({"id": "\ufffd é", "text": "x"}, ensure_ascii=False)
    content = {"a.csv": "id,text\n\ufffd é,x\n", "a.jsonl": row, "a.json": f"[{row}]"}[name]
    path.write_text(content, encoding="utf-16-le")
    assert open_reader(path, ReadOptions(encoding="utf-16-le")).notes == []
    path.write_text(content.replace("\ufffd", ""), encoding="cp1252")
    (note,) = open_reader(path, ReadOptions(encoding="ascii")).notes
    assert note.startswith("1 characters are no ascii and stand as \ufffd in the output")


def test_missing_cells_are_empty(tmp_path):
    for name, expected in (("a.csv", "\ufeffa,b\n,1\n"), ("a.jsonl", json.dumps({"b": 1, "a": None}) + "\n")):
        path = tmp_path / name
        writer = open_writer(path, target=path, columns=["a", "b"])
        writer.write({"b": 1})
        writer.close()
        assert path.read_text(encoding="utf-8") == expected


def test_a_character_cut_by_the_sample_is_no_reason_to_doubt_utf8(tmp_path, monkeypatch):
    monkeypatch.setattr("disconnect_nlp.tables.delimited._SAMPLE", 5)
    path = tmp_path / "a.csv"
    path.write_bytes("abcdé,text\n".encode())
    assert detect_encoding(Source(path)) == "utf-8"

"""The corpus keeps its rules, and the checker finds every way of breaking them."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest

from disconnect_nlp.corpus import (
    NEAR_REASONS,
    Text,
    check_corpus,
    load_corpus,
    read_public_labels,
    read_texts,
    split_cell,
)
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.taxonomy import load_taxonomy

LONG = "one two three four five six seven eight nine ten eleven twelve"


def text(id_: str = "x01-001", **changes) -> Text:
    row = {
        "id": id_,
        "text": f"Some words of {id_}.",
        "labels": [],
        "near": [],
        "register": "diary",
        "batch": id_[:3],
        "split": "train",
    }
    return Text.model_validate(row | changes)


def test_the_shipped_corpus_breaks_no_rule():
    assert check_corpus(load_corpus()) == []


def test_the_shipped_corpus_has_what_its_datasheet_promises():
    corpus = load_corpus()
    core = set(load_taxonomy().core)
    near = [item for item in corpus if item.near]
    assert len(corpus) >= 1500
    assert len(near) >= 300
    reasons = Counter(reason.split(":")[1] for item in corpus for reason in item.near)
    assert set(reasons) == set(NEAR_REASONS)
    without = sum(core.isdisjoint(item.labels) for item in corpus) / len(corpus)
    assert 0.4 <= without <= 0.75
    assert {item.split for item in corpus} == {"train", "dev", "test", "contrast"}
    assert sum(item.split == "contrast" for item in corpus) == 960


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ([text(), text()], "id used 2 times"),
        ([text(labels=["sad"])], "unknown label 'sad'"),
        ([text(near=["civic"])], "is not label:reason"),
        ([text(near=["civic:because"])], "is not label:reason"),
        ([text(near=["civic:past"], labels=["civic"])], "both given and near"),
        ([text(evidence=[{"label": "civic", "quote": "not there"}])], "does not stand in the text"),
        ([text(), text("x01-002", split="test")], "batch x01 is in splits"),
        ([text(text="Hello, you."), text("x02-001", text="hello you")], "x02-001 repeats x01-001"),
        (
            [text(text=LONG), text("x02-001", text=LONG + " thirteen", split="test")],
            "stand in different splits and share 8",
        ),
    ],
)
def test_the_checker_finds(texts, problem):
    assert any(problem in found for found in check_corpus(texts))


def test_near_duplicates_within_a_split_are_allowed():
    assert check_corpus([text(text=LONG), text("x02-001", text=LONG + " thirteen")]) == []


def test_a_broken_line_is_named_without_its_text(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"id": "x01-001", "text": "secret words"}) + "\n")
    with pytest.raises(CorpusError, match="x.jsonl, line 1: labels: Field required") as error:
        read_texts(path)
    assert "secret" not in str(error.value)


def test_public_labels_hold_known_ids_and_no_text():
    path = shipped_path("data") / "public" / "labels.csv"
    with path.open(encoding="utf-8", newline="") as file:
        assert csv.DictReader(file).fieldnames == ["id", "source", "locator", "labels", "near"]
    labels = read_public_labels(path)
    assert len({item.id for item in labels}) == len(labels) >= 4000
    load_taxonomy().check({label for item in labels for label in item.labels})


def test_cells_split_at_semicolons():
    assert split_cell("a; b;;c ") == ("a", "b", "c")
    assert split_cell("") == ()

"""Contrast sets: what is asked of a system in each role, and what counts as right."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from disconnect_nlp.corpus import Text, check_corpus, load_corpus
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.eval.__main__ import app
from disconnect_nlp.eval.contrast import SETS, run_contrast
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.taxonomy import load_taxonomy
from test_corpus import text

TAXONOMY = load_taxonomy()


def one_set(number: int = 1, **labels: list[str]) -> list[Text]:
    """Return the texts of a set, a role each, with their labels."""
    return [
        text(f"x01-{number:02d}{place}", labels=own, split="contrast", contrast={"set": number, "role": role})
        for place, (role, own) in enumerate(labels.items())
    ]


def said(*given: list[str], covered: list[str] | None = None) -> Predictions:
    """Return what a system decided on each text."""
    decided = np.array([[label in own for label in TAXONOMY.ids] for own in given], dtype=np.int8)
    known = np.array([covered is None or label in covered for label in TAXONOMY.ids])
    return Predictions(decided.astype(float), decided, known)


CIVIC = {"affirmed": ["civic"], "denied": [], "past": [], "trap": ["civic", "scale"]}


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ([["civic"], [], [], ["civic", "scale"]], {"affirmed": 1, "denied": 1, "past and over": 1, "trap": 2, SETS: 1}),
        ([["civic"]] * 4, {"affirmed": 1, "denied": 0, "past and over": 0, "trap": 1, SETS: 0}),
        ([["civic"], ["civic"], [], ["civic", "scale"]], {"affirmed": 1, "denied": 0, "trap": 2, SETS: 0}),
        ([[]] * 4, {"affirmed": 0, "denied": 1, "past and over": 1, "trap": 0, SETS: 0}),
        # What no text of the set carries is not asked for: false alarms of other kinds are for the test split.
        ([["civic"], ["creative"], [], ["civic", "scale"]], {"denied": 1, SETS: 1}),
    ],
)
def test_labels_are_right_where_they_are_affirmed_and_wrong_elsewhere(given, right):
    rows = {row["what"]: row for row in run_contrast(one_set(**CIVIC), said(*given), labels=TAXONOMY.core)}
    names = {"trap": "affirmed among denials"}
    assert {what: rows[names.get(what, what)]["n_right"] for what in right} == right
    assert {what: rows[what]["n"] for what in ("affirmed", "affirmed among denials", "denied", SETS)} == {
        "affirmed": 1,
        "affirmed among denials": 2,
        "denied": 1,
        SETS: 1,
    }
    assert rows["quoted"]["right"] is None


def test_a_label_that_a_denying_text_carries_after_all_is_not_held_against_it():
    texts = one_set(affirmed=["civic", "distress"], denied=["distress"], past=[], trap=["civic"])
    rows = {row["what"]: row for row in run_contrast(texts, said(*[["distress"]] * 4), labels=TAXONOMY.core)}
    assert (rows["denied"]["n"], rows["denied"]["n_right"]) == (1, 1)
    assert (rows["past and over"]["n"], rows["past and over"]["n_right"]) == (2, 1)


def test_only_the_labels_asked_for_that_the_system_knows_are_judged():
    texts = one_set(affirmed=["civic", "distress"], denied=[], past=[], trap=["civic"])
    rows = run_contrast(texts, said(*[["civic"]] * 4, covered=["civic", "scale"]), labels=TAXONOMY.core)
    assert [row["n"] for row in rows if row["what"] == "affirmed"] == [1]
    assert run_contrast(texts, said(*[[]] * 4), labels=["numbness"])[-1]["right"] is None


def test_intervals_draw_whole_sets():
    """Both labels of a set are right or wrong together, so twenty decisions are ten witnesses."""
    texts = [one for n in range(1, 11) for one in one_set(n, affirmed=["civic", "scale"], denied=[], past=[], trap=[])]
    given = [["civic", "scale"] if n % 2 else [] for n in range(10) for _ in range(4)]
    row = run_contrast(texts, said(*given), labels=TAXONOMY.core, samples=4000)[0]
    assert (row["n"], row["n_right"], row["right"]) == (20, 10, 0.5)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(10), abs=0.08)
    assert run_contrast(texts[:36], said(*given[:36]), labels=TAXONOMY.core)[0]["low"] is None  # nine are too few


def test_texts_without_a_set_are_refused():
    for texts in ([], [text()]):
        with pytest.raises(CorpusError, match="belongs to no set, or there is none"):
            run_contrast(texts, said([]), labels=TAXONOMY.core)


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ([text(split="contrast")], "belong to a contrast set, and no others"),
        ([text(contrast={"set": 1, "role": "denied"})], "belong to a contrast set, and no others"),
        (one_set(**CIVIC)[:3], "batch x01, set 1: roles affirmed, denied, past; give"),
        ([*one_set(**CIVIC), one_set(1, quoted=[])[0].model_copy(update={"id": "x01-999"})], "set 1: roles"),
    ],
)
def test_the_checker_finds_broken_sets(texts, problem):
    assert any(problem in found for found in check_corpus(texts))
    assert check_corpus(one_set(**CIVIC)) == []


def test_the_command_judges_the_shipped_sets(tmp_path):
    out = tmp_path / "contrast.json"
    result = CliRunner().invoke(app, ["contrast", "--model", "lexicon", "--json", str(out)])
    assert result.exit_code == 0, result.output
    assert "contrast sets" in result.output
    rows = {row["what"]: row for row in json.loads(out.read_text())["contrast"]}
    n_sets = len({(one.batch, one.contrast.set) for one in load_corpus(split="contrast")})
    assert n_sets * 0.8 <= rows[SETS]["n"] <= n_sets  # some are about labels outside the core
    assert rows["denied"]["right"] > 0.5  # what a denial cancels does not count
    assert rows[SETS]["low"] < rows[SETS]["right"] < rows[SETS]["high"]

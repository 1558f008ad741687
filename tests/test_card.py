"""A model card's numbers are those of the decisions it is about, on whole data sets and on their parts."""

from __future__ import annotations

import re

import numpy as np
import pytest

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.eval.card import MODEL, Card, failure_table
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.labellers.base import Labeller, Thresholds
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store.manifest import read_manifest
from disconnect_nlp.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
CIVIC, FAMILY, RISK = (TAXONOMY.index[label] for label in ("civic", "family", "risk_language"))
N = 40
SCORES = {"civic": (0.9, 0.5, 0.3, 0.05), "family": (0.9, 0.1, 0.1, 0.1), "risk_language": (0.02, 0.008, 0.001, 0.001)}
"""Of the text whose number is 0, 1, 2, 3 modulo 4. Others are never given."""


class Fixed(Labeller):
    """Says what a text's number tells it to."""

    name, taxonomy = "fixed", TAXONOMY
    thresholds = Thresholds(
        f1=np.full(46, 0.4), precision=np.full(46, 0.8), recall=np.where(np.arange(46) == RISK, 0.005, 0.2)
    )

    analyse = None  # its scores rest on no tokens

    def predict_proba(self, texts):
        scores = np.full((len(texts), 46), 0.01)
        scores[:, RISK] = 0.001
        for row, text in enumerate(texts):
            if text.isdigit():
                for label, own in SCORES.items():
                    scores[row, TAXONOMY.index[label]] = own[int(text) % 4]
        return scores


@pytest.fixture(scope="module")
def card() -> str:
    """Of 40 texts: every one with a civic score of .9 is civic, and one in two with .5."""
    truth = np.zeros((N, 46), np.int8)
    truth[0::4, CIVIC] = truth[1::8, CIVIC] = truth[0::4, FAMILY] = 1
    truth[0, RISK] = truth[3, RISK] = 1
    data = Dataset(
        "forty",
        tuple(map(str, range(N))),
        truth,
        tuple(map(str, range(N))),
        {
            "register": tuple("poem" if row == 2 else "diary" for row in range(N)),
            "kind": tuple("a" if row < 24 else "b" for row in range(N)),
        },
    )
    systems = {MODEL: Fixed(), "lexicon": LexiconLabeller()}
    subject = Card(
        "default",
        read_manifest(shipped_path("models", "default")),
        systems,
        dict.fromkeys(TAXONOMY.ids, 0.05),
        samples=20,
    )
    return subject.write([data], by="kind", contrast=load_corpus(split="contrast")[:8])


def row(card: str, section: str, start: str) -> list[str]:
    """Return the cells of the first row that begins so, below a heading."""
    lines = card.partition(f"# {section}\n")[2].splitlines()
    return next(
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith(f"| {start}")
    )


def test_it_says_what_the_model_must_not_be_used_for(card):
    assert "must not be used to screen, rank, hire" in card
    for heading in ("Construct", "Use", "Measured quality", "Reliability", "Prior shift and drift", "Known failures"):
        assert f"# {heading}\n" in card
    assert "**Cite**" in card
    assert re.search(r"Krippendorff's alpha, nominal\): professional 0\.\d\d, civic 0\.\d\d", card)
    assert "{{" not in card


def test_every_part_of_a_data_set_is_measured_the_largest_first(card):
    of_model = [line for line in card.splitlines() if line.endswith("|") and "| model |" in line]
    assert [line.split("|")[1:3] for line in of_model] == [
        [" forty ", " 40 "], [" forty, a alone ", " 24 "], [" forty, b alone ", " 16 "]
    ]  # fmt: skip
    assert row(card, "Core labels", "`civic`")[1:5] == ["15", ".750", "1.000", ".857"]  # given to 20, 15 of them civic
    assert "**forty, b alone, 16 texts**" in card


def test_policies_reach_what_their_thresholds_reach(card):
    assert row(card, "Policies", "forty | `f1`")[2:] == [".750", "1.000", ".857"]
    assert row(card, "Policies", "forty | `precision`")[2:] == ["1.000", ".667", ".800"]
    assert row(card, "Policies", "forty | `recall`")[2:] == [".500", "1.000", ".667"]


def test_errors_in_doubt_are_told_from_those_that_are_not(card):
    # In doubt: .5 (given, ten texts, five wrong) and .3 (not given, ten texts, none wrong), of 40 texts times 9 labels.
    assert row(card, "Uncertain decisions", "forty ")[1:] == [".056", ".250 (20)", ".000 (10)", ".000 (330)", "1.000"]


def test_reliability_shows_how_often_a_label_holds_in_each_band(card):
    assert row(card, "Reliability", "`civic`") == [
        "`civic`", "17.5", "15", ".000 (10)", ".000 (10)", ".500 (10)", "–", "1.000 (10)"
    ]  # fmt: skip


def test_kinds_of_writing_with_too_few_labels_say_so(card):
    assert row(card, "Kinds of writing", "poem")[1:4] == ["1", "0", "too few to say"]
    assert row(card, "Kinds of writing", "diary")[1:6] == ["39", "15", ".750", "1.000", ".857"]


def test_labels_outside_the_core_stand_with_their_quality(card):
    assert row(card, "All other labels", "`family`")[1:7] == ["settings", "measured", "10", "1.000", "1.000", "1.000"]
    assert "`study`" not in card  # nobody carries it


def test_the_screen_counts_what_it_flags_and_misses(card):
    assert (
        "- forty: of 2 passages with `risk_language` it flags .500, of those it flags .050 carry it; 20 of 40" in card
    )


def test_contrast_sets_are_judged(card):
    assert row(card, "Denials, the past, other people", "denied")[2] == "1.000"
    assert row(card, "Denials, the past, other people", "affirmed")[2] == ".000"


def test_known_failures_are_what_the_model_says_now():
    lines = failure_table(Fixed()).splitlines()[2:]
    holds = [line for line in lines if "| yes |" in line]
    assert len(holds) >= 3
    assert all("not given" in line for line in lines)
    assert all(line.endswith("| **wrong** |") for line in holds)
    assert all(line.endswith("| right |") for line in lines if "| no |" in line)

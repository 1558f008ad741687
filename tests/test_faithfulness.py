"""The faithfulness measure: it tells evidence that a score rests on from evidence that it does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.faithfulness import _measures, _scattered, app, faithfulness
from disconnect_nlp.eval.resampling import bootstrap_weights
from disconnect_nlp.labellers.base import Analysis
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.taxonomy import load_taxonomy

TEXTS = (
    "The bus was late and we had soup with the neighbours. I feel numb. Then the shop was closed and it rained.",
    "Soup again. The report took all day and I feel numb since the spring came to our town and the river rose.",
    "I avoid everyone. It rained on the market and the man with the dog had a new hat that nobody had seen.",
)


@pytest.fixture
def dataset():
    """Each of the three texts by four writers."""
    truth = np.zeros((4 * len(TEXTS), len(load_taxonomy().ids)), dtype=np.int8)
    return Dataset("twelve", TEXTS * 4, truth, tuple(map(str, range(12))))


class Retold(Analysis):
    """Scores as they were, and other evidence."""

    def __init__(self, own, retell):
        self.own, self.retell, self.scores = own, retell, own.scores

    def evidence(self, wanted):
        return self.retell(self.own.evidence(wanted))


class Misleading(LexiconLabeller):
    """Decides like the lexicon and points elsewhere."""

    def analyse(self, tokens):
        def first_words(found):
            return [
                [replace(item, start=0, end=8, quote=text[:8]) for item in items]
                for text, items in zip(tokens.texts, found, strict=True)
            ]

        return Retold(super().analyse(tokens), first_words)


def test_evidence_that_a_score_rests_on_beats_random_stretches(dataset):
    honest = faithfulness(LexiconLabeller(), dataset, labels=["numbness", "withdrawal"])
    assert honest["n_decisions"] == 12
    assert honest["all"]["comprehensiveness"] == pytest.approx(honest["all"]["comprehensiveness_gain"], abs=0.3)
    assert honest["all"]["comprehensiveness_gain_low"] > 0.3  # all of the score goes with the evidence
    assert honest["all"]["sufficiency"] == pytest.approx(0, abs=1e-9)  # and nothing else is needed
    assert honest["labels"]["numbness"]["n"] == 8


def test_evidence_that_points_elsewhere_does_not(dataset):
    misled = faithfulness(Misleading(), dataset, labels=["numbness"])
    assert misled["all"]["comprehensiveness_gain_high"] <= 0
    assert misled["all"]["sufficiency"] > 0.5


class Silent(LexiconLabeller):
    """Decides like the lexicon and points at nothing."""

    def analyse(self, tokens):
        return Retold(super().analyse(tokens), lambda found: [[] for _ in found])


def test_decisions_without_evidence_are_counted_and_left_out(dataset):
    results = faithfulness(Silent(), dataset, labels=["numbness"])
    assert (results["n_decisions"], results["n_left_out"], results["all"]) == (8, 8, {"n": 0})


class Counting(LexiconLabeller):
    """Gives numbness to every text, .1 for each of its words that is spelt with a z, and points at two words."""

    def predict_proba(self, texts):
        scores = np.zeros((len(texts), len(self.labels)))
        scores[:, self.taxonomy.index["numbness"]] = [sum("z" in word for word in text.split()) / 10 for text in texts]
        return scores

    def annotate_all(self, texts):
        for own, score in zip(texts, self.predict_proba(texts).max(axis=1), strict=True):
            item = SimpleNamespace(label="numbness", counts=True, weight=1, start=0, end=own.index("|"))
            yield SimpleNamespace(labels=("numbness",), scores={"numbness": score}, evidence=[item])


def test_falls_and_gains_of_a_worked_example():
    # Evidence: the first two words, both with z, of eight words with three in all. Deleted: .3 to .1; alone: .3 to .2.
    texts = ("zig zag| a b c d e zoo",) * 12
    data = Dataset("x", texts, np.zeros((12, len(load_taxonomy().ids)), np.int8), tuple(map(str, range(12))))
    own = faithfulness(Counting(), data, labels=["numbness"], draws=400, samples=200)["all"]
    assert (own["n"], own["comprehensiveness"], own["sufficiency"]) == (12, 0.2, 0.1)
    # A random pair of neighbours starts at one of seven places and holds 2, 1, 0, 0, 0, 0, 1 words with z.
    assert own["random_comprehensiveness"] == pytest.approx(0.1 * 4 / 7, abs=0.005)
    assert own["random_sufficiency"] == pytest.approx(0.3 - 0.1 * 4 / 7, abs=0.005)
    assert own["comprehensiveness_gain"] == pytest.approx(0.2 - own["random_comprehensiveness"], abs=1.1e-4)
    assert own["sufficiency_gain"] == pytest.approx(own["random_sufficiency"] - 0.1, abs=1.1e-4)
    for gain in ("comprehensiveness_gain", "sufficiency_gain"):
        assert own[f"{gain}_low"] <= own[gain] <= own[f"{gain}_high"] < own[f"{gain}_low"] + 0.01  # equal texts
    few = faithfulness(Counting(), data.subset(np.arange(9), "nine"), labels=["numbness"], draws=2)["all"]
    assert (few["comprehensiveness"], few["comprehensiveness_gain_low"]) == (0.2, None)  # nine groups: no interval


def test_the_bounds_of_a_gain_are_those_of_the_texts_drawn(monkeypatch):
    texts = [f"zig zag| {'zoo ' * (row % 5)}a b c d e" for row in range(24)]
    groups = tuple(f"p{row // 2}" for row in range(24))
    data = Dataset("x", tuple(texts), np.zeros((24, len(load_taxonomy().ids)), np.int8), groups)
    seen = []
    monkeypatch.setattr(
        "disconnect_nlp.eval.faithfulness._measures", lambda falls: seen.append(_measures(falls)) or seen[0]
    )
    own = faithfulness(Counting(), data, labels=["numbness"], samples=50, seed=3)["all"]
    (measures,) = seen  # one decision a text
    gains = {"comprehensiveness": measures[:, 0] - measures[:, 1], "sufficiency": measures[:, 3] - measures[:, 2]}
    drawn = [np.repeat(np.arange(24), times.astype(int)) for times in bootstrap_weights(groups, samples=50, seed=3)]
    for name, values in gains.items():
        low, high = np.quantile([values[rows].mean() for rows in drawn], [0.025, 0.975])
        assert own[f"{name}_gain"] == pytest.approx(values.mean(), abs=6e-5)
        assert (own[f"{name}_gain_low"], own[f"{name}_gain_high"]) == pytest.approx((low, high), abs=6e-5)
        assert high - low > 0.01


def test_equal_seeds_give_equal_numbers(dataset):
    labeller = LexiconLabeller()
    assert faithfulness(labeller, dataset, seed=3) == faithfulness(labeller, dataset, seed=3)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 1000))
def test_random_stretches_are_as_many_words_in_no_more_runs(evidence, seed):
    mask = np.array(evidence)
    drawn = _scattered(mask, np.random.default_rng(seed))
    assert drawn.sum() == mask.sum()
    assert len(drawn) == len(mask)

    def runs(values):
        return int((np.diff(np.concatenate([[0], values.astype(int)])) == 1).sum())

    assert runs(drawn) <= runs(mask)


def test_it_runs_as_a_command(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("text,labels\n" + "".join(f'"{text}",numbness\n' for text in TEXTS))
    arguments = [
        "--data",
        str(file),
        "--model",
        "lexicon",
        "--labels",
        "numbness",
        "--json",
        str(tmp_path / "out.json"),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "a dash below ten groups" in " ".join(done.output.split())  # three texts
    assert "random stretches" in " ".join(done.output.split())
    assert '"comprehensiveness_gain_low"' in (tmp_path / "out.json").read_text()

"""The evaluation's numbers, each against an independent computation."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_recall_fscore_support

from disconnect_nlp.errors import DataError, TaxonomyError
from disconnect_nlp.eval.datasets import Dataset, read_dataset
from disconnect_nlp.eval.metrics import (
    average_precision,
    bootstrap_weights,
    calibration_error,
    count,
    flag_all_f1,
    interval,
)
from disconnect_nlp.eval.run import Predictions, evaluate
from disconnect_nlp.taxonomy import load_taxonomy

RNG = np.random.default_rng(7)
TRUTH = (RNG.random((60, 4)) < [0.5, 0.2, 0.1, 0.0]).astype(np.int8)
SCORES = np.clip(0.5 * TRUTH + RNG.random((60, 4)) * 0.7, 0, 1)
DECIDED = (SCORES >= 0.5).astype(np.int8)
GROUPS = tuple(str(i // 4) for i in range(60))


def test_precision_recall_and_f1_are_those_of_scikit_learn():
    counts = count(TRUTH, DECIDED)
    precision, recall, f1, _ = precision_recall_fscore_support(TRUTH[:, :3], DECIDED[:, :3], zero_division=0)
    np.testing.assert_allclose(counts.precision[:3], precision)
    np.testing.assert_allclose(counts.recall[:3], recall)
    np.testing.assert_allclose(counts.f1[:3], f1)
    assert counts.micro_f1 == pytest.approx(f1_score(TRUTH, DECIDED, average="micro"))
    assert counts.macro_f1 == pytest.approx(np.mean(f1))


def test_what_is_undefined_is_undefined():
    nothing = np.zeros((5, 1), dtype=np.int8)
    counts = count(nothing, nothing)
    assert np.isnan([counts.precision[0], counts.recall[0], counts.f1[0], counts.macro_f1, counts.micro_f1]).all()
    assert np.isnan(average_precision(nothing, nothing * 0.5)).all()
    missed = count(np.ones((5, 1), dtype=np.int8), nothing)
    assert missed.f1[0] == 0  # the label is there and was not found: that is zero


def test_flag_all_is_the_f1_of_giving_every_label_to_every_text():
    expected = f1_score(TRUTH[:, :3], np.ones((60, 3), dtype=int), average=None)
    np.testing.assert_allclose(flag_all_f1(TRUTH)[:3], expected)


def test_average_precision_is_that_of_scikit_learn():
    for label in range(3):
        expected = average_precision_score(TRUTH[:, label], SCORES[:, label])
        assert average_precision(TRUTH, SCORES)[label] == pytest.approx(expected)


def test_calibration_error_of_a_worked_example():
    # Two texts in the bin .2-.3 (mean .25, one positive), two in .9-1.0 (mean .95, both positive).
    scores = np.array([[0.2], [0.3 - 1e-9], [0.9], [1.0]])
    truth = np.array([[0], [1], [1], [1]])
    assert calibration_error(truth, scores)[0] == pytest.approx(0.5 * (0.5 - 0.25) + 0.5 * (1 - 0.95))


@given(st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_weighted_counts_are_counts_of_the_texts_drawn(seed):
    weights = bootstrap_weights(GROUPS, samples=3, seed=seed)
    drawn = count(TRUTH, DECIDED, weights)
    for sample in range(3):
        rows = np.repeat(np.arange(60), weights[sample].astype(int))
        again = count(TRUTH[rows], DECIDED[rows])
        np.testing.assert_allclose(drawn.f1[sample], again.f1)
        np.testing.assert_allclose(drawn.micro_f1[sample], again.micro_f1)


def test_the_bootstrap_draws_whole_groups_and_as_many_as_there_are():
    weights = bootstrap_weights(GROUPS, samples=50, seed=0)
    by_group = weights.reshape(50, 15, 4)
    assert (by_group == by_group[:, :, :1]).all()
    assert (by_group[:, :, 0].sum(axis=1) == 15).all()


def test_intervals_are_percentiles_of_the_defined_samples():
    samples = np.arange(101.0)[:, None]
    samples[0] = np.nan
    low, high = interval(samples)
    assert (low[0], high[0]) == (pytest.approx(np.quantile(np.arange(1, 101), 0.025)), pytest.approx(97.525))


def dataset(truth):
    return Dataset("x", tuple("t" * len(truth)), truth, tuple(map(str, range(len(truth)))))


def test_the_result_has_the_shape_that_users_parse():
    taxonomy = load_taxonomy()
    truth = (RNG.random((40, len(taxonomy.ids))) < 0.2).astype(np.int8)
    scores = RNG.random(truth.shape)
    own = {"model": Predictions(scores, (scores > 0.5).astype(np.int8))}
    results = evaluate(own, dataset(truth), model="m", labels=["civic", "scale"], samples=20)
    assert results["n"] == 40
    assert results["model"] == "m"
    assert list(results["systems"]["model"]["labels"]) == ["civic", "scale"]
    numbers = results["systems"]["model"]["labels"]["civic"]
    assert set(numbers) >= {
        "n_pos", "precision", "recall", "f1", "f1_low", "f1_high", "flag_all_f1", "average_precision", "ece",
    }  # fmt: skip
    assert numbers["f1_low"] <= numbers["f1"] <= numbers["f1_high"]
    assert results == evaluate(own, dataset(truth), model="m", labels=["civic", "scale"], samples=20)


def test_too_few_groups_give_no_interval():
    taxonomy = load_taxonomy()
    truth = (RNG.random((40, len(taxonomy.ids))) < 0.2).astype(np.int8)
    data = Dataset("x", ("t",) * 40, truth, ("one author",) * 40)
    own = {"model": Predictions(truth * 0.9, truth)}
    numbers = evaluate(own, data, model="m", labels=["civic"], samples=20)["systems"]["model"]
    assert numbers["macro_f1"] == 1
    assert numbers["macro_f1_low"] is None
    assert numbers["labels"]["civic"]["f1_high"] is None


def test_a_model_with_shuffled_scores_is_caught(default_model):
    from disconnect_nlp.eval.datasets import shipped_test
    from disconnect_nlp.eval.run import predict

    data = shipped_test()
    good = predict(default_model, data)
    shuffled = np.random.default_rng(0).permutation(good.scores)
    bad = Predictions(shuffled, default_model.decide(shuffled))
    core = default_model.taxonomy.core
    results = evaluate({"good": good, "bad": bad}, data, model="m", labels=core, samples=200)["systems"]
    assert results["good"]["macro_f1_low"] > results["bad"]["macro_f1_high"]
    flag_all = np.mean([row["flag_all_f1"] for row in results["good"]["labels"].values()])
    assert results["good"]["macro_f1_low"] > flag_all


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,labels,author\nhello,civic;scale,a\nyou,,a\n"x","[""civic""]",b\n'),
        ("a.jsonl", '{"text": "hello", "labels": ["civic", "scale"], "author": "a"}\n'
                    '{"text": "you", "labels": null, "author": "a"}\n{"text": "x", "labels": "civic", "author": "b"}'),
    ],
)  # fmt: skip
def test_labels_are_read_as_ids_or_as_json(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    data = read_dataset(path)
    index = load_taxonomy().index
    assert data.truth[:, index["civic"]].tolist() == [1, 0, 1]
    assert data.truth[:, index["scale"]].tolist() == [1, 0, 0]
    assert data.truth.sum() == 3
    assert data.groups == ("a", "a", "b")


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("text,labels\nhello,I told Anna that I am sad\n", TaxonomyError, "line 2: unknown label .a value that is no"),
        ("text,labels\nhello,sad\n", TaxonomyError, "a.csv, line 2: unknown label 'sad'"),
        ("text,tags\nhello,civic\n", DataError, "no column 'labels'. Columns: text, tags. Pass --labels-column"),
        ('text,labels\nhello,"[civic"\n', DataError, "line 2: the labels cell begins like a JSON list"),
        ("text,labels\nhello\n", DataError, "line 2: 1 cells, header has 2"),
        ("text,labels\n", DataError, "no rows to evaluate on"),
    ],
)
def test_unusable_data_is_refused_by_line(tmp_path, content, error, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_dataset(path)


def test_the_command_evaluates_a_users_file(tmp_path):
    data, out, table = tmp_path / "a.csv", tmp_path / "out.json", tmp_path / "out.md"
    data.write_text("body,tags\nI feel numb.,numbness\nNice soup.,\nI feel empty and numb.,numbness\n")
    command = [sys.executable, "-m", "disconnect_nlp.eval", "--data", data, "--text-column", "body", "--labels-column",
               "tags", "--labels", "numbness,civic", "--json", out, "--markdown", table, "--samples", "20"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    results = json.loads(out.read_text())
    assert list(results["systems"]) == ["model", "lexicon"]
    assert results["systems"]["lexicon"]["labels"]["numbness"]["f1"] == 1
    assert results["systems"]["model"]["labels"]["civic"]["f1"] is None
    assert results["model"] == "default"
    assert "macro average" in done.stdout
    assert "| `numbness` | 2 |" in table.read_text()
    wrong = subprocess.run([*map(str, command[:3]), "--model", "best"], capture_output=True, text=True, timeout=120)
    assert wrong.returncode == 2
    assert "no model 'best'" in wrong.stderr


def test_the_readme_prints_what_the_command_prints(default_model):
    from disconnect_nlp.eval.datasets import shipped_test
    from disconnect_nlp.eval.run import predict

    data = shipped_test()
    core = default_model.taxonomy.core
    systems = {"model": predict(default_model, data)}
    numbers = evaluate(systems, data, model="default", labels=core)["systems"]["model"]
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    expected = {f"`{label}`": row["f1"] for label, row in numbers["labels"].items()}
    for name, f1 in (expected | {"macro average": numbers["macro_f1"]}).items():
        (line,) = [line for line in readme.splitlines() if line.startswith(f"| {name} |")]
        authored = re.findall(r"\*\*(\.\d\d|1\.00)\*\*", line)[0]
        assert float(authored) == pytest.approx(f1, abs=0.0051), name

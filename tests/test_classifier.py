"""The classifier: shapes, decisions, calibration, windows, evidence; and saving and loading without pickle."""

from __future__ import annotations

import json
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit

from conftest import TINY
from disconnect_nlp.errors import DataError, ModelError, TaxonomyError
from disconnect_nlp.features import Passages, hash_ngrams
from disconnect_nlp.labellers import classifier
from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import (
    FLOOR,
    calibrate,
    choose_thresholds,
    fit_curve,
    natural_weights,
    sigmoid,
)
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.sentences import LabelledSentences
from disconnect_nlp.labellers.transfer import calibrate_for_use
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.store.classifier import save
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.lexicon import Entry, Lexicon
from disconnect_nlp.text.pattern import WordClasses

TEXTS = [text for text, _ in TINY[:6]]
PLAIN = "nobody reads the report i feel numb nothing soup . , ! he said"
WORDS = st.sampled_from([*PLAIN.split(), "😶", "é\u0301", "ש", "\n"])
MESSY = st.lists(WORDS, max_size=60).map(" ".join)


def test_it_learns_what_the_tiny_corpus_teaches(tiny_model):
    index = tiny_model.taxonomy.index
    decided = tiny_model.predict(TEXTS)
    assert decided[:, index["professional"]].tolist() == [1, 1, 0, 0, 0, 0]
    assert decided[:, index["numbness"]].tolist() == [0, 0, 1, 1, 0, 0]


def test_probabilities_have_one_shape_and_lie_between_0_and_1(tiny_model):
    scores = tiny_model.predict_proba(TEXTS)
    assert scores.shape == (6, len(tiny_model.taxonomy.ids))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert tiny_model.predict_proba([]).shape == (0, len(tiny_model.taxonomy.ids))


@given(st.lists(MESSY, max_size=5))
@settings(max_examples=25, deadline=None)
def test_a_batch_gives_what_its_texts_give_one_by_one(tiny_model, texts):
    together = tiny_model.predict_proba(texts)
    alone = [tiny_model.predict_proba([text])[0] for text in texts]
    np.testing.assert_allclose(together, np.reshape(alone, together.shape), atol=1e-6)


@given(MESSY)
@settings(max_examples=40, deadline=None)
def test_every_quote_stands_at_its_offsets(default_model, text):
    note = default_model.annotate(text)
    for item in note.evidence:
        assert text[item.start : item.end] == item.quote
        if item.cue:
            assert text[item.cue.start : item.cue.end] == item.cue.quote


@given(MESSY.filter(str.strip))
@settings(max_examples=40, deadline=None)
def test_token_contributions_add_up_to_the_log_odds(tiny_model, text):
    doc = tiny_model.nlp(text)
    window = (doc, 0, len(doc))
    tokens = tiny_model.featurizer.token_contributions(window, tiny_model.coefficients, range(len(tiny_model.labels)))
    expected = tiny_model.log_odds([window])[0] - tiny_model.intercepts
    np.testing.assert_allclose(tokens.sum(axis=0), expected, atol=1e-4)


def test_an_ngram_speaks_from_the_tokens_it_covers(tiny_model):
    doc = tiny_model.nlp("we had soup today")
    grams = hash_ngrams(Passages.join([doc.to_array(["NORM"]).ravel()]), bits=tiny_model.bits)
    for distance, first in ((1, 1), (2, 0)):  # "had soup", "we … soup"
        coefficients = np.zeros_like(tiny_model.coefficients)
        coefficients[grams.columns[distance, first], 0] = 1
        (tokens,) = tiny_model.featurizer.token_contributions((doc, 0, 4), coefficients, [0]).T
        assert np.flatnonzero(tokens).tolist() == [first, first + distance]
        assert tokens[first] == tokens[first + distance] > 0


def test_of_the_matches_of_a_label_the_strongest_counts():
    entries = [
        Entry(id=f"numbness.{w}", label="numbness", weight=v, patterns=(w,)) for w, v in (("numb", 0.5), ("empty", 0.9))
    ]
    model = DisconnectClassifier(lexicon=Lexicon({e.id: e for e in entries}, WordClasses({})), bits=8).prepare()
    doc = model.nlp("numb empty numb")
    (row,) = model.featurizer.transform([(doc, 0, 3)])[:, 1 << 9 :].toarray()
    assert row[np.flatnonzero(row)] == pytest.approx([0.09])
    (row,) = model.featurizer.transform([(doc, 0, 1)])[:, 1 << 9 :].toarray()  # of those in the window
    assert row[np.flatnonzero(row)] == pytest.approx([0.05])


def test_one_sentence_counts_the_same_in_a_long_text(tiny_model):
    filler = "The bus was late and the shop was closed. "
    long = filler * 60 + TEXTS[2] + " " + filler * 60
    column = tiny_model.taxonomy.index["numbness"]
    quiet = tiny_model.predict_proba([filler * 120])[0, column]
    assert tiny_model.predict_proba([long])[0, column] > 3 * quiet
    assert tiny_model.predict_proba([TEXTS[2] + " " + filler * 120])[0, column] > 3 * quiet


def test_evidence_points_at_the_words_that_matter(default_model):
    text = "We had soup. I feel numb and empty these days. The bus was late."
    note = default_model.annotate(text)
    assert "numbness" in note.labels
    own = [item for item in note.evidence if item.label == "numbness" and item.source == "model"]
    assert own
    assert all("soup" not in item.quote and "bus" not in item.quote for item in own)


def test_a_cancelled_match_is_shown_as_counter_evidence(default_model):
    doc = default_model.nlp("I never feel numb.")
    found = default_model.explain_doc(doc, ["numbness"])
    assert [item.status for item in found if item.source.startswith("lexicon")] == ["negated"]


def _two_clauses(n=240):
    """Passages in which one clause carries numbness and another always stands beside it; their sentences, labelled."""
    texts = [f"i feel numb. we had soup on day {i}." if i % 2 else f"the bus came on day {i}. fine." for i in range(n)]
    labels = [["numbness"] if i % 2 else [] for i in range(n)]
    sentences = [part for i in range(1, n, 2) for part in ("i feel numb.", f"we had soup on day {i}.")]
    owner = np.repeat(np.arange(1, n, 2), 2)
    return texts, labels, sentences, owner


def _sentences(sentences, owner, carrying):
    column = load_taxonomy().index["numbness"]
    truth = np.zeros((len(owner), len(load_taxonomy().ids)), dtype=np.int8)
    observed = truth.copy()
    truth[:, column], observed[:, column] = carrying, 1
    return LabelledSentences(sentences, owner, truth, observed)


def test_sentences_tell_which_clause_of_a_passage_carries_its_label():
    texts, labels, sentences, owner = _two_clauses()
    column = load_taxonomy().index["numbness"]

    def log_odds(labelled):
        model = DisconnectClassifier(bits=12, folds=3).fit(texts, labels, sentences=labelled)
        docs = [model.nlp(text) for text in ("i feel numb", "we had soup")]
        return model.log_odds([(doc, 0, len(doc)) for doc in docs])[:, column]

    numb, soup = log_odds(None)
    assert min(numb, soup) > 0
    numb, soup = log_odds(_sentences(sentences, owner, [1, 0] * (len(owner) // 2)))
    assert numb > 0 > soup


def test_held_out_scores_of_a_text_know_nothing_of_its_sentences():
    """Sentences of one fold are turned round: its own scores stay, up to the few weights that mix; the others move."""
    texts, labels, sentences, owner = _two_clauses()
    groups = [i // 80 for i in range(len(texts))]
    column = load_taxonomy().index["numbness"]
    seen = []
    for turned in (False, True):
        carrying = np.tile([1, 0], len(owner) // 2)
        carrying[owner < 80] ^= turned
        model = DisconnectClassifier(bits=12, folds=3)
        data = model._training_data(
            texts, labels, groups, None, None, None, None, _sentences(sentences, owner, carrying)
        )
        coefficients, intercepts = model._learned(data, np.arange(80, 240), [column])
        seen.append(np.asarray(data.features[:80] @ coefficients) + intercepts)
        moved, _ = model._learned(data, np.arange(160), [column])
        seen.append(moved)
    np.testing.assert_array_equal(seen[0], seen[2])
    assert abs(seen[1] - seen[3]).max() > 0.1


def test_sentences_that_do_not_fit_the_texts_are_refused():
    texts, labels, sentences, owner = _two_clauses(12)
    for wrong, said in (
        (_sentences(sentences[1:], owner, 1), "11 texts, 12 owners"),
        (_sentences(sentences, owner + 1, 1), "owners from 2 to 12, but the texts are the rows 0 to 11"),
    ):
        with pytest.raises(DataError, match=said):
            DisconnectClassifier(bits=8, folds=2).fit(texts, labels, sentences=wrong)


def test_a_single_string_and_a_number_are_refused(tiny_model):
    with pytest.raises(DataError, match="single string"):
        tiny_model.predict_proba("hello")
    with pytest.raises(DataError, match="text 1 is float"):
        tiny_model.predict_proba(["a", 2.5])


def test_an_unfitted_model_says_so(tmp_path):
    with pytest.raises(ModelError, match="not fitted. Call fit"):
        DisconnectClassifier().annotate("hello")
    with pytest.raises(ModelError, match="nothing to save"):
        save(DisconnectClassifier(), tmp_path / "x")


def test_a_short_text_does_not_speak_as_loudly_as_a_long_one(tiny_model):
    docs = [tiny_model.nlp(text) for text in ("numb", " ".join(TEXTS))]
    rows = tiny_model.featurizer.transform([(doc, 0, len(doc)) for doc in docs])[:, : 1 << tiny_model.bits]
    short, long = np.linalg.norm(rows.toarray(), axis=1)  # at unit length both would be 1
    assert short < 0.5 * long < 0.5


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("she helps", "she helped", (False, True, False)),  # forms of a word
        ("never help", "help never", (False, False, False)),  # order, and what is negated
        ("help", "HELP", (True, True, True)),
    ],
)
def test_three_views_see_words_their_base_forms_and_what_is_said_of_them(tiny_model, one, other, same):
    featurizer = tiny_model.featurizer
    rows = [featurizer.transform(tiny_model.whole([text])) for text in (one, other)]
    assert same == tuple((rows[0] != rows[1])[:, view.columns].nnz == 0 for view in featurizer.views)


def test_under_negation_a_word_is_another_in_one_view_alone(tiny_model):
    featurizer = tiny_model.featurizer
    plain, negated = (set(featurizer.transform(tiny_model.whole([text])).indices) for text in ("help", "never help"))
    lost = plain - negated
    assert len(lost) == 1
    assert lost < set(range(featurizer.views[2].columns.start, featurizer.views[2].columns.stop))


@pytest.mark.parametrize("learner", ["linear_svm", "naive_bayes"])
def test_core_labels_hear_every_learner_and_others_their_regression_alone(monkeypatch, learner):
    texts = ["Nobody reads my reports.", "Soup at work with my reports.", "Nobody likes rain.", "The garden."] * 50
    labels = [["professional", "workplace"], [], [], []] * 50

    def coefficients():
        return DisconnectClassifier(bits=8, folds=2).fit(texts, labels, groups=list(range(200))).coefficients

    def silent(features, _truth, _weights):
        return np.zeros(features.shape[1], dtype=np.float32), 0.0

    before = coefficients()
    monkeypatch.setattr(classifier, learner, lambda **_: silent)
    moved = (coefficients() != before).any(axis=0)
    index = load_taxonomy().index
    assert moved[index["professional"]]
    assert not moved[index["workplace"]]


def test_fit_refuses_unknown_labels_and_too_few_groups():
    with pytest.raises(TaxonomyError, match="text 0: unknown label 'sad'"):
        DisconnectClassifier(bits=8).fit(["a"], [["sad"]])
    with pytest.raises(DataError, match="text 0: its labels are one string. Give a list"):
        DisconnectClassifier(bits=8).fit(["a"], ["civic"])
    with pytest.raises(DataError, match="2 groups are too few for 5 folds"):
        DisconnectClassifier(bits=8).fit(["a", "b"], [[], []])
    model = DisconnectClassifier(bits=8).prepare()
    with pytest.raises(ModelError, match="not fitted"):
        model.log_odds([(model.nlp("a"), 0, 1)])


def test_hashed_ngrams_never_cross_passages():
    a, b = np.array([5, 6], dtype=np.uint64), np.array([7, 8], dtype=np.uint64)
    both, *alone = (hash_ngrams(Passages.join(x), bits=12) for x in ([a, b], [a], [b]))
    assert sorted(both.columns[both.valid]) == sorted(np.concatenate([grams.columns[grams.valid] for grams in alone]))


# ------------------------------------------------------------------------------------------ calibration


def test_calibration_recovers_a_known_curve_and_corrects_prevalence():
    rng = np.random.default_rng(1)
    scores = rng.normal(0, 2, 20_000)
    truth = (rng.random(20_000) < sigmoid(1.7 * scores - 1)).astype(int)
    slope, offset = fit_curve(scores, truth, np.ones(20_000))
    assert slope == pytest.approx(1.7, abs=0.1)
    assert offset == pytest.approx(-1, abs=0.1)
    weights = natural_weights(truth, 0.05)
    slope, offset = fit_curve(scores, truth, weights)
    mean = np.average(sigmoid(slope * scores + offset), weights=weights)
    assert mean == pytest.approx(0.05, abs=0.005)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_threshold_promises_a_higher_f1_than_the_one_chosen(pairs):
    scores = np.array([score for score, _ in pairs])
    truth = np.array([int(yes) for _, yes in pairs])
    if truth.sum() == 0:
        return
    f1, precision, recall = choose_thresholds(scores, truth, np.ones(len(truth)))

    def value(cut: float) -> float:
        given = scores >= cut
        return (
            2 * scores[given].sum() / max(given.sum() + scores.sum(), 1e-12)
        )  # as many hits as probabilities add up to

    assert f1 >= 0.1  # the floor
    assert value(f1) >= max((value(cut) for cut in scores[scores >= 0.1]), default=0) - 1e-9
    assert truth[scores >= recall].sum() >= 0.9 * truth.sum()
    if precision <= 1:
        assert truth[scores >= precision].mean() >= 0.8


def test_positives_written_to_teach_are_taken_for_as_hard_as_real_ones():
    """Of three labels positives of both kinds, real ones lower in log-odds; of a fourth none is real."""
    real = np.repeat([False, True], 40)
    truth = np.zeros((80, 4), dtype=np.int8)
    truth[:15], truth[40:55, :3] = 1, 1
    draw = np.random.default_rng(0).normal(size=truth.shape)
    scores = np.where(truth > 0, 2, -2) + draw
    scores[40:55, :3] -= 2
    given = (scores, truth, np.ones_like(truth), np.full(4, 0.1))
    use, plain = calibrate_for_use(*given, real), calibrate(*given)
    assert use.gap < -1
    assert (use.scores[:15] < scores[:15]).all()  # the fourth label too
    np.testing.assert_array_equal(use.scores[15:], scores[15:])
    slope, offset = plain[0].slope[3], plain[0].offset[3]
    assert use.calibration(np.full((1, 4), 0.5))[0, 3] > sigmoid(0.5 * slope + offset)  # what scores low may yet be one
    few = truth.copy()
    few[45:] = 0
    assert calibrate_for_use(scores, few, np.ones_like(few), given[3], real).gap == 0  # five real positives say little
    assert calibrate_for_use(scores + 9 * real[:, None], *given[1:], real).gap == 0  # never raised


def test_thresholds_for_f1_come_down_with_the_positives_and_no_others_do():
    """Real positives lie lower than those written to teach; of the last label nothing, of the fifth none real."""
    real = np.repeat([False, True], 400)
    truth = np.zeros((800, 6), dtype=np.int8)
    truth[:100, :5], truth[400:500, :4] = 1, 1
    scores = np.where(truth > 0, 2, -2) + np.random.default_rng(0).normal(size=truth.shape)
    scores[400:500, :4] -= 2
    given = (scores, truth, np.ones_like(truth), np.full(6, 0.1))
    use = calibrate_for_use(*given, real)
    assert use.gap < 0
    _, plain = calibrate(use.scores, *given[1:])
    lowered = logit(use.thresholds.f1[:5]) - logit(plain.f1[:5])
    np.testing.assert_allclose(lowered, np.maximum(logit(FLOOR) - logit(plain.f1[:5]), -0.5))
    assert use.thresholds.f1[5] > 1  # never given
    for policy in ("precision", "recall"):
        np.testing.assert_array_equal(getattr(use.thresholds, policy), getattr(plain, policy))
    alike = calibrate_for_use(*given, np.zeros(800, dtype=bool))
    np.testing.assert_allclose(alike.thresholds.f1, calibrate(*given)[1].f1)


def test_a_fitted_classifier_decides_for_the_texts_it_is_meant_for():
    """The others always say what they carry, real texts one time in three."""
    texts = [f"numb and tea {n}" if n % 2 else f"soup and tea {n}" for n in range(120)]
    texts += [f"numb and tea {n}" if n % 6 == 1 else f"soup and tea {n}" for n in range(120, 240)]
    labels = [["numbness", "distress", "loneliness"] if n % 2 else [] for n in range(240)]
    real = np.arange(240) >= 120
    shares = {"prevalence": dict.fromkeys(("numbness", "distress", "loneliness"), 0.1)}
    groups = [n // 6 for n in range(240)]
    plain = DisconnectClassifier(bits=10, **shares).fit(texts, labels, groups=groups)
    meant = DisconnectClassifier(bits=10, **shares).fit(texts, labels, groups=groups, real=real)
    numb = plain.taxonomy.index["numbness"]
    assert meant.for_use.gap < 0 == plain.for_use.gap
    with pytest.raises(DataError, match="240 texts, but .* real of 3"):
        DisconnectClassifier(bits=10).fit(texts, labels, groups=groups, real=[True, False, True])
    silent = ["soup and tea"]
    assert meant.predict_proba(silent)[0, numb] > plain.predict_proba(silent)[0, numb]


def test_a_label_without_positives_is_never_given():
    scores, truth = np.zeros((10, 1)), np.zeros((10, 1), dtype=int)
    _, thresholds = calibrate(scores, truth, np.ones_like(truth), np.array([0.1]))
    assert thresholds.f1[0] > 1


def test_the_uncertain_band_lies_around_the_threshold():
    thresholds = Thresholds(f1=np.array([0.5]), precision=np.array([0.8]), recall=np.array([0.2]))
    scores = np.array([[0.2], [0.25], [0.5], [0.79], [0.8]])  # no further down than half the threshold
    assert thresholds.uncertain(scores).ravel().tolist() == [False, True, True, True, False]
    with pytest.raises(DataError, match="unknown policy 'best'. Known policies: f1, precision, recall"):
        thresholds.of("best")


# ------------------------------------------------------------------------------------------ store


@pytest.fixture
def saved(tiny_model, tmp_path):
    folder = tmp_path / "model"
    save(tiny_model, str(folder), trained_on="24 texts")
    return folder


def test_a_loaded_model_scores_exactly_like_the_saved_one(tiny_model, saved):
    assert np.array_equal(load(saved).predict_proba(TEXTS), tiny_model.predict_proba(TEXTS))


def test_saving_twice_gives_the_same_bytes(tiny_model, saved, tmp_path):
    again = tmp_path / "again"
    save(tiny_model, again, name="model", trained_on="24 texts")
    for path in saved.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_fitting_twice_gives_the_same_model(tiny_model):
    texts, labels = zip(*TINY, strict=True)
    again = DisconnectClassifier(bits=10, folds=4).fit(texts, labels, groups=[i // 6 for i in range(len(texts))])
    assert np.array_equal(again.coefficients, tiny_model.coefficients)


@pytest.mark.parametrize("name", ["weights.npz", "lexicon.json"])
def test_a_changed_file_is_refused_before_anything_is_built(saved, name, monkeypatch):
    path = saved / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr("disconnect_nlp.store.classifier._construct", lambda *_: pytest.fail("constructed"))
    with pytest.raises(ModelError, match=f"{name} is not the file that was saved"):
        load(saved)


def test_pickled_weights_are_refused_even_with_the_right_hash(saved, monkeypatch):
    import hashlib

    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("unpickled"))
    archive = saved / "weights.npz"
    with zipfile.ZipFile(archive, "w") as file:
        np.lib.format.write_array(stream := file.open("coefficients.npy", "w"), np.array([{}], dtype=object))
        stream.close()
    manifest = json.loads((saved / "manifest.json").read_text())
    manifest["files"]["weights.npz"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    (saved / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="not an archive of plain arrays"):
        load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"labels": m["labels"][1:]}, "made for taxonomy"),
        (lambda m: m | {"bits": 11}, "expected <f2"),
        (lambda m: m | {"files": {"weights.npz": m["files"]["weights.npz"]}}, "nothing else"),
        (lambda m: m | {"surprise": 1}, "not a manifest"),
        (lambda m: m | {"format": 1}, "an earlier version of the library made it, train"),
        (lambda m: m | {"lemmas": "0" * 64}, "another table of base forms .* than this library has"),
    ],
)
def test_a_foreign_manifest_is_refused(saved, change, message):
    manifest = json.loads((saved / "manifest.json").read_text())
    (saved / "manifest.json").write_text(json.dumps(change(manifest)))
    with pytest.raises(ModelError, match=message):
        load(saved)


def test_unknown_names_and_folders_are_refused(tmp_path):
    with pytest.raises(ModelError, match="no model 'best'. Shipped: accurate, default, lexicon"):
        load("best")
    with pytest.raises(ModelError, match="no model folder"):
        load(tmp_path)


def test_saving_never_replaces_a_folder_that_is_no_model(tiny_model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="is no model folder"):
        save(tiny_model, tmp_path, name="x", version="0", trained_on="", card="")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_policy_can_be_chosen_on_load(saved):
    careful, eager = load(saved, policy="precision"), load(saved, policy="recall")
    scores = careful.predict_proba(TEXTS)
    assert careful.decide(scores).sum() <= eager.decide(scores).sum()
    with pytest.raises(DataError, match="unknown policy"):
        load(saved, policy="best")


# ------------------------------------------------------------------------------------------ threads, processes


def test_threads_can_share_a_model(tiny_model):
    alone = tiny_model.annotate(TEXTS[0]).scores
    with ThreadPoolExecutor(8) as pool:
        notes = list(pool.map(lambda _: tiny_model.annotate(TEXTS[0]), range(60)))
    assert all(note.scores == alone for note in notes)


def test_a_used_model_can_be_sent_to_another_process_and_keeps_no_text(tiny_model):
    tiny_model.annotate(TEXTS[0] + " Zorblax zorblaxed.")
    stored = pickle.dumps(tiny_model)
    assert b"orblax" not in stored
    copy = pickle.loads(stored)
    assert np.array_equal(copy.predict_proba(TEXTS), tiny_model.predict_proba(TEXTS))

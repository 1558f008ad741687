"""What the shipped models are trained on, and that nothing of the public passages' words stays in them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import partial
from importlib.resources import files

import numpy as np
import pytest

import disconnect_nlp.building.__main__ as building
from disconnect_nlp.building.ensemble import fit_ensemble
from disconnect_nlp.building.sentences import label_sentences
from disconnect_nlp.corpus import PublicLabel, load_corpus
from disconnect_nlp.errors import CorpusError, ModelError
from disconnect_nlp.eval.datasets import shipped_test
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store.arrays import pack, read_arrays
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.store.manifest import read_manifest
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import TrainingTexts, authored, held_out, natural_prevalence, public
from test_corpus import text

TAXONOMY = load_taxonomy()
PASSAGE = "a passage of somebody, with a comma"
ID = hashlib.sha256(PASSAGE.encode()).hexdigest()[:12]


def test_the_table_of_base_forms_is_that_of_the_corpus(tmp_path):
    building.lemmas(tmp_path / "lemmas.tsv")
    shipped = files("disconnect_nlp") / "resources" / "lemmas.tsv"
    assert (tmp_path / "lemmas.tsv").read_text(encoding="utf-8") == shipped.read_text(encoding="utf-8")


def test_a_short_text_is_one_passage_with_all_its_labels():
    training = authored([text(labels=["civic"])], TAXONOMY)
    assert training.labels == [("civic",)]
    assert training.groups == ["x01"]
    assert training.observed.all()


def test_a_window_of_a_long_text_has_the_labels_whose_sentence_stands_in_it():
    filler = "The bus was late again today. " * 25
    long = text(
        text=filler + "My vote is for nothing. " + filler,
        labels=["civic", "distress"],
        evidence=[{"label": "civic", "quote": "My vote is for nothing."}],
    )
    training = authored([long], TAXONOMY)
    assert len(training.texts) > 2
    carrying = [labels for labels, passage in zip(training.labels, training.texts, strict=True) if "vote" in passage]
    assert carrying == [("civic",)]
    assert training.labels.count(()) == len(training.labels) - 1
    civic, distress = TAXONOMY.index["civic"], TAXONOMY.index["distress"]
    assert training.observed[:, civic].all()
    assert not training.observed[:, distress].any()  # in the text, but nobody said where


def test_public_passages_are_checked_against_the_text_that_was_labelled(tmp_path):
    label = PublicLabel(id=ID, source="s", locator="7", labels=("distress",), near=())
    (tmp_path / "passages.csv").write_text(f'id,text\n{ID},"{PASSAGE}"\n')
    training = public(tmp_path, [label], TAXONOMY)
    assert training.texts == [PASSAGE]
    assert training.groups == ["s:7"]
    assert not training.observed[0, [TAXONOMY.index[name] for name in TAXONOMY.group("causes")]].any()
    assert training.observed[0, TAXONOMY.index["distress"]]
    (tmp_path / "passages.csv").write_text(f"id,text\n{ID},another text\n")
    with pytest.raises(CorpusError, match=f"passage {ID} .s. is missing or not the text labelled") as error:
        public(tmp_path, [label], TAXONOMY)
    assert "another" not in str(error.value)


def test_prevalence_is_that_of_the_natural_mix_but_never_under_one_in_a_hundred():
    shares = natural_prevalence([text(labels=["civic"]), text(labels=[])], TAXONOMY)
    assert shares["civic"] == 0.5
    assert shares["scale"] == 0.01


def test_the_shipped_model_says_what_it_was_trained_on():
    manifest = read_manifest(shipped_path("models", "default"))
    assert "authored passages" in manifest.trained_on
    assert set(manifest.files) == {"weights.npz", "lexicon.json"}  # arrays and our own phrases, no vocabulary
    assert "no diagnosis" in (shipped_path("models", "default") / "CARD.md").read_text(encoding="utf-8")


class _Counting:
    """An encoder whose first dimension tells whether a text speaks of numbness."""

    def __init__(self, folder, adapters):
        assert adapters == {}

    def encode(self, texts, pool):
        hidden = np.array([[[4.0 if "numb" in text else -4.0]] for text in texts], dtype=np.float32).reshape(-1, 1, 1)
        return pool(hidden, np.ones((len(texts), 1), dtype=np.float32))


def _training():
    """720 texts of 90 authors: every fourth speaks of numbness, one is civic."""
    words = ["numb", "bus", "soup", "river"]
    texts = [f"today {words[i % 4]} and {words[i // 4 % 4]} on day {i}" for i in range(720)]
    texts[:40] = [f"{text}. It was late when we left." for text in texts[:40]]
    labels = [("numbness",) if "numb" in text else () for text in texts]
    labels[0] = ("civic",)
    groups = [f"author{i % 90}" for i in range(len(texts))]
    n, observed = len(texts), np.ones((len(texts), len(TAXONOMY.ids)), dtype=np.int8)
    return TrainingTexts(texts, labels, groups, observed, n, [None] * n)


def test_one_fit_leaves_two_models_that_load_together(tmp_path, monkeypatch, capsys):
    """All of ``make models`` but learning the adapters, on few texts."""
    few = shipped_test()
    monkeypatch.setattr(building, "shipped_test", lambda: few.subset(np.arange(len(few.texts)) % 10 == 0, "few"))
    monkeypatch.setattr(building, "training_texts", lambda folder, taxonomy: _training())
    fitted_with = []

    class Recording(DisconnectClassifier):
        def fit(self, *texts, sentences, **options):
            fitted_with.append(sentences)
            return super().fit(*texts, sentences=sentences, **options)

    monkeypatch.setattr(building, "DisconnectClassifier", partial(Recording, bits=10, folds=3))
    stored = shipped_path("models", "accurate") / "weights.npz"
    arrays = read_arrays(stored.read_bytes(), stored)
    learned = {name: arrays[name] for name in arrays if name not in ("share", "calibration", "thresholds")}
    (tmp_path / "adapters.npz").write_bytes(pack(learned))
    building.fit(tmp_path / "adapters.npz", out=tmp_path / "models")
    learned_from = re.search(r"fitting default on them and (\d+) sentences", capsys.readouterr().out)
    assert 0 < int(learned_from[1]) == len(fitted_with[0].texts) <= 80
    for name in ("default", "accurate"):
        model = load(tmp_path / "models" / name)
        numb, bus = model.predict_proba(["today numb and soup on day 9", "today bus and soup on day 9"])
        assert numb[TAXONOMY.index["numbness"]] > bus[TAXONOMY.index["numbness"]]
        manifest = read_manifest(tmp_path / "models" / name)
        assert (manifest.version, manifest.trained_on) == (building.VERSION, "720 authored passages")
        assert "Not written yet" in (tmp_path / "models" / name / "CARD.md").read_text(encoding="utf-8")
    own = tmp_path / "own.csv"
    own.write_text("text,labels\n" + "".join(f"today numb and soup on day {row},numbness\n" for row in range(12)))
    monkeypatch.setattr(building, "load_corpus", lambda *, split: load_corpus(split=split)[:40])
    building.card(real=own, by="kind", models=tmp_path / "models", encoder=None)
    for name in ("default", "accurate"):
        card = (tmp_path / "models" / name / "CARD.md").read_text(encoding="utf-8")
        assert f"# Model card: {name} {building.VERSION}" in card
        assert "| few | 60 | model |" in card
        assert "| own.csv | 12 | model |" in card
    assert "| own.csv | 12 | default |" in card  # the last is that of accurate
    with pytest.raises(ModelError, match=r"none\.npz: no such file. Learn adapters first"):
        building.fit(tmp_path / "none.npz")


def _heads(label, weight=1.0):
    """Of an encoder of one dimension: one label is that dimension, the others are unlikely."""
    queries, heads = np.zeros((2, 1, len(TAXONOMY.ids)))
    heads[0, label] = weight
    intercepts = np.full(len(TAXONOMY.ids), -9.0)
    intercepts[label] = 0
    return {"queries": queries, "heads": heads, "intercepts": intercepts}


NUMB, FOOT, SOUP = "I feel numb today.", "My foot is numb.", "We had soup."


@pytest.mark.parametrize(
    ("passage", "labels", "weight", "carries", "does_not"),
    [
        (f"{NUMB} {SOUP}", ("numbness",), 1.0, [NUMB], [SOUP]),
        (f"{NUMB} {SOUP}", ("numbness",), 0.3, [NUMB], []),  # .77 is enough, .23 is no denial
        (f"{NUMB} {SOUP}", ("numbness",), 0.05, [], []),
        (f"{FOOT} {SOUP}", (), 1.0, [], [SOUP]),  # a reader saw no label: where the encoder sees one it is not believed
        (f"{NUMB} Ok. Soup.", ("numbness",), 1.0, [], []),  # the others are too short: the passage says all there is
    ],
)
def test_a_sentence_carries_a_label_of_its_passage_where_the_encoder_sees_it(
    monkeypatch, passage, labels, weight, carries, does_not
):
    monkeypatch.setattr("disconnect_nlp.building.sentences.SentenceEncoder", _Counting)
    monkeypatch.setattr("disconnect_nlp.building.sentences._PLAIN_SHARE", 1.0)
    numbness, family = TAXONOMY.index["numbness"], TAXONOMY.index["family"]
    read = np.ones((2, len(TAXONOMY.ids)), dtype=np.int8)
    training = TrainingTexts(["Nothing else.", passage], [(), labels], ["a", "b"], read, 2, [None] * 2)
    found = label_sentences(training, _heads(numbness, weight), TAXONOMY)
    known = found.observed[:, numbness] > 0
    said = list(zip(found.texts, found.truth[:, numbness], strict=True))
    assert [text for (text, yes), told in zip(said, known, strict=True) if told and yes] == carries
    assert [text for (text, yes), told in zip(said, known, strict=True) if told and not yes] == does_not
    assert (found.owner == 1).all()
    assert not found.observed[:, family].any()  # its score is not mixed
    read[:, numbness] = 0  # nobody read the passages for it
    assert not label_sentences(training, _heads(numbness, weight), TAXONOMY).observed[:, numbness].any()


def test_plain_sentences_are_thinned(monkeypatch):
    monkeypatch.setattr("disconnect_nlp.building.sentences.SentenceEncoder", _Counting)
    numbness = TAXONOMY.index["numbness"]
    one = np.ones((1, len(TAXONOMY.ids)), dtype=np.int8)
    long = " ".join(["We had soup there."] * 400)
    for labels, few, many in (((), 80, 160), (("numbness",), 400, 400)):
        found = label_sentences(TrainingTexts([long], [labels], ["a"], one, 1, [None]), _heads(numbness), TAXONOMY)
        assert few <= found.observed[:, numbness].sum() <= many


def test_the_ensemble_takes_thresholds_from_held_out_groups_and_leaves_rare_labels_to_its_base(monkeypatch):
    monkeypatch.setattr("disconnect_nlp.building.ensemble.SentenceEncoder", _Counting)
    training = _training()
    texts, labels, groups = training.texts, training.labels, training.groups
    base = DisconnectClassifier(bits=10, folds=3).fit(texts, labels, groups=groups)
    queries, heads = np.zeros((2, 1, len(TAXONOMY.ids)))
    arrays = {"queries": queries, "heads": heads, "intercepts": np.zeros(len(TAXONOMY.ids))}
    numbness, civic = TAXONOMY.index["numbness"], TAXONOMY.index["civic"]
    heads[0, numbness] = 1
    prevalence = dict.fromkeys(TAXONOMY.ids, 0.1)
    model, scores, rows = fit_ensemble(base, training, arrays, prevalence)
    assert {groups[row] for row in rows} == {group for group in set(groups) if held_out([group])[0]}
    assert len(scores) == len(rows)
    assert model.share[numbness] > 0
    assert model.share[civic] == 0
    assert model.thresholds.f1[civic] == base.thresholds.f1[civic]
    base.for_use = replace(base.for_use, gap=-3.0)  # too few public positives of its own: the base's gap
    harder, lowered, _ = fit_ensemble(base, training, arrays, prevalence)
    assert (lowered <= scores).all()
    assert harder.calibration(lowered * 0)[0, numbness] > model.calibration(lowered * 0)[0, numbness]
    given = model.predict(["today numb and soup on day 9", "today bus and soup on day 9"])
    assert given[:, numbness].tolist() == [1, 0]

"""What the shipped models are trained on, and that nothing of the public passages' words stays in them."""

from __future__ import annotations

import hashlib

import pytest

from disconnect_nlp.corpus import PublicLabel
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store import read_manifest
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.training import authored, natural_prevalence, public
from test_corpus import text

TAXONOMY = load_taxonomy()
PASSAGE = "a passage of somebody, with a comma"
ID = hashlib.sha256(PASSAGE.encode()).hexdigest()[:12]


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

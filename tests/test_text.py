"""Sentences, windows and the spaCy components, also in somebody else's pipeline."""

from __future__ import annotations

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from disconnect_nlp.labellers.windows import split_windows
from disconnect_nlp.text.components import blank_pipeline

MESSY = st.text(alphabet=st.sampled_from(list("aI .,!?\n\t'\"’“”…é😶\u0301\u202eשnumb ")), max_size=200)
NLP = blank_pipeline()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("no full stop\nnext line\n\nlast", ["no full stop\n", "next line\n\n", "last"]),
        ('He said "Go." Then left.', ['He said "Go."', "Then left."]),
        ("so... anyway", ["so...", "anyway"]),
        ("what?! no", ["what?!", "no"]),
        ("1.5 km", ["1.5 km"]),
        ("😶", ["😶"]),
        ("", []),
    ],
)
def test_sentences_end_where_people_end_them(text, sentences):
    assert [sentence.text for sentence in NLP(text).sents] == sentences


@given(MESSY)
@settings(max_examples=150, deadline=None)
def test_windows_cover_every_token_once_and_stay_small(text):
    doc = NLP(text)
    windows = split_windows(doc, size=7)
    covered = [token for start, end in windows for token in range(start, end)]
    assert covered == list(range(len(doc)))
    assert all(end - start <= 7 for start, end in windows)


def test_windows_keep_sentences_whole_where_they_fit():
    doc = NLP("One two three. Four five six. Seven eight nine.")
    starts = {token.i for token in doc if token.is_sent_start}
    assert len(split_windows(doc, size=9)) == 2
    assert all(start in starts for start, _ in split_windows(doc, size=9))


def test_components_work_in_a_users_own_pipeline():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("disconnect_matcher")
    nlp.add_pipe("disconnect_assertion")
    doc = nlp("I feel numb. My brother feels numb.")
    found = [(m.label, m.status) for m in doc._.disconnect_matches if m.label == "numbness"]
    assert found == [("numbness", "affirmed"), ("numbness", "other")]
    spans = [span.text for span in doc.spans["disconnect"] if span.label_ == "numbness"]
    assert spans == ["feel numb", "feels numb"]


def test_labelled_docs_can_be_stored_and_piped_through_processes():
    nlp = spacy.blank("en")
    nlp.add_pipe("disconnect", config={"model": "lexicon"})
    nlp.add_pipe("disconnect_matcher")
    doc = next(iter(nlp.pipe(["I feel numb."], n_process=2)))
    assert "numbness" in doc._.disconnect.labels
    again = spacy.tokens.Doc(nlp.vocab).from_bytes(doc.to_bytes())
    assert again._.disconnect == doc._.disconnect
    assert [m.label for m in again._.disconnect_matches] == [m.label for m in doc._.disconnect_matches]


def test_the_assertion_component_declares_what_it_needs():
    analysis = spacy.blank("en")
    analysis.add_pipe("disconnect_assertion")
    problems = analysis.analyze_pipes(keys=["requires", "assigns"])["problems"]
    assert problems["disconnect_assertion"] == ["doc._.disconnect_matches"]


def test_sentences_of_another_component_are_left_alone():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("disconnect_sentences")
    assert len(list(nlp("one\ntwo").sents)) == 1  # the sentencizer does not split at line breaks


@pytest.mark.parametrize("text", ["", "   ", "😶😶", "\n\n", "a" * 3000, "\ud83d broken"])
def test_the_lexicon_labeller_survives_odd_texts(lexicon_labeller, text):
    note = lexicon_labeller.annotate(text)
    assert note.labels == ()
    both = lexicon_labeller.annotate(text + " I feel numb \ud83d.")
    assert all((text + " I feel numb \ud83d.")[e.start : e.end] == e.quote for e in both.evidence)
    assert "numbness" in both.labels
    assert not any(np.isnan(list(note.scores.values())))

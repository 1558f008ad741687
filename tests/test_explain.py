"""Explanations: they account for the whole score, point at the right characters, and never let a text become markup."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy import displacy

from disconnect_nlp.errors import DataError, TaxonomyError
from disconnect_nlp.labellers.explain_views import as_html, as_terminal

SPACED = "I|never|feel|numb|nothing|flat|at work|my sister says she|reports|nobody|reads|soup|don't|\n\n|  "
ODD = "😶|e\u0301t\u00e9|שלום|.|!|<b>|&"
WORDS = st.sampled_from([*SPACED.split("|"), *ODD.split("|")])
NO_WORDS = r"[\s.!&]*"  # what may stand between two phrases; their weights include it
TEXTS = st.lists(WORDS, max_size=60).map(" ".join)
APOSTROPHES = ["I didn't", "don’t", "I'm", "numb,", "nobody reads", "who'd", "cannot", "reports", "«I'd»", "isn't-it"]
LONG = "The bus was late again today. " * 25 + "Nobody ever reads the reports I write at work. " + "We had soup. " * 60


def own_scale(labeller, score):
    return np.log(score / (1 - score)) if labeller.scale == "log-odds" else -np.log1p(-score)


@pytest.mark.parametrize("name", ["tiny_model", "lexicon_labeller"])
@settings(max_examples=30, deadline=None)
@given(text=TEXTS)
def test_contributions_add_up_and_cover_every_character_once(request, name, text):
    labeller = request.getfixturevalue(name)
    why = labeller.explain(text, labels=["professional", "numbness"])
    for item in why.labels:
        assert item.total == pytest.approx(own_scale(labeller, item.score), abs=1e-4)
        end = 0
        for sentence in item.sentences:
            assert sentence.weight == pytest.approx(sum(phrase.weight for phrase in sentence.phrases))
            for part in sentence.phrases:
                assert part.quote == text[part.start : part.end]
                assert re.fullmatch(NO_WORDS, text[end : part.start])
                assert part.start >= end
                end = part.end
        assert re.fullmatch(NO_WORDS, text[end:])


def test_the_shipped_model_is_taken_apart_exactly(default_model):
    text = "Another report nobody will read. I tell my wife I'm fine."
    why = default_model.explain(text)
    note = default_model.annotate(text)
    assert tuple(item.label for item in why.labels if item.given) == note.labels
    assert {item.label for item in why.labels} >= set(note.uncertain)
    for item in why.labels:
        assert item.score == note.scores[item.label]
        assert item.given == (item.score >= item.threshold)
        assert item.total == pytest.approx(own_scale(default_model, item.score), abs=1e-4)


def test_of_a_long_text_the_window_that_decided_is_explained(tiny_model):
    item = tiny_model.explain(LONG, labels=["professional"])["professional"]
    assert item.total == pytest.approx(own_scale(tiny_model, item.score), abs=1e-4)
    window = LONG[item.sentences[0].start : item.sentences[-1].end]
    assert "reports" in window
    assert len(window) < len(LONG) / 2


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(st.sampled_from(APOSTROPHES), min_size=1, max_size=30))
def test_a_phrase_never_cuts_a_word_and_is_the_same_in_every_view(tiny_model, parts):
    text = " ".join(parts)
    whole = {word.span() for word in re.finditer(r"\w+(?:['’]\w+)*", text)}
    why = tiny_model.explain(text)
    for item in why.labels:
        for part in (*item.phrases, *item.evidence, *(found.cue for found in item.evidence if found.cue)):
            for start, end in whole:
                assert not start < part.start < end, (part.quote, text)
                assert not start < part.end < end, (part.quote, text)
        phrases = {(part.start, part.end) for part in item.phrases}
        assert {(found.start, found.end) for found in item.evidence if found.source == "model"} <= phrases


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_displacy_spans_are_exactly_the_words_of_the_evidence(tiny_model, text):
    why = tiny_model.explain(text)
    plain = why.to_displacy()
    assert "".join(plain["tokens"]) == "".join(text.split())
    drawn = {
        ("".join(plain["tokens"][span["start_token"] : span["end_token"]]), span["label"]) for span in plain["spans"]
    }
    counting = [found for item in why.labels if item.given for found in item.evidence if found.counts]
    assert drawn == {("".join(found.quote.split()), found.label) for found in counting}


@pytest.mark.parametrize("text", ["I didn't feel numb.", "My sister says she feels numb.", "I never cancel plans."])
def test_what_does_not_count_weighs_nothing(lexicon_labeller, text):
    found = [item for label in lexicon_labeller.explain(text).labels for item in label.counter_evidence]
    assert found
    assert {item.weight for item in found} == {0.0}


@pytest.mark.parametrize(
    ("text", "label", "words"),
    [
        ("I never feel numb.", "numbness", "“feel numb” is negated (“never”)"),
        ("My brother feels lonely.", "loneliness", "“feels lonely” is somebody else's (“My brother”)"),
        ("I don't feel numb.", "numbness", "“feel numb” is negated (“don't”)"),
        ("I used to feel numb.", "numbness", "“feel numb” is over, not now (“used to”)"),
    ],
)
def test_counter_evidence_says_what_cancelled_it(lexicon_labeller, text, label, words):
    why = lexicon_labeller.explain(text)
    assert not why[label].given
    assert f"would speak for it, but: {words}" in as_terminal(why, colour=False)
    assert f"would speak for it, but: {words}" in unescape(as_html(why))


def test_the_shipped_model_shows_counter_evidence_for_what_it_does_not_give(default_model):
    item = default_model.explain("I never cancel plans.")["withdrawal"]
    assert not item.given
    assert not item.uncertain
    assert [(found.quote, found.cue.quote) for found in item.counter_evidence] == [("cancel plans", "never")]


def test_a_text_stays_text_in_every_view(default_model):
    text = '<script>alert("x")</script> & I feel [red]numb[/red] \x1b[31m inside, I feel nothing at all.'
    why = default_model.explain(text, labels=["numbness"])
    html = why._repr_html_()
    page = ElementTree.fromstring(f"<r>{html.replace(chr(27), '')}</r>")
    assert [node.tag for node in page.iter()].count("script") == 0
    assert text.replace("\x1b", "") in "".join(page.itertext())
    plain = repr(why)
    assert "[red]numb[/red]" in plain.replace("\n  ", " ")
    assert "\x1b" not in plain


def test_the_terminal_gets_colour_only_when_it_is_one(default_model):
    why = default_model.explain("I feel nothing at all.")
    assert "\x1b[" in as_terminal(why, colour=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", as_terminal(why, colour=True)) == as_terminal(why, colour=False) == repr(why)


def test_displacy_draws_the_evidence_of_what_was_given(default_model):
    why = default_model.explain("😶 I sit there & feel nothing at all. I never cancel plans.")
    assert "withdrawal" in [item.label for item in why.labels]
    plain = why.to_displacy()
    labels = {span["label"] for span in plain["spans"]}
    assert labels == {item.label for item in why.labels if item.given}
    words = {" ".join(plain["tokens"][s["start_token"] : s["end_token"]]) for s in plain["spans"]}
    assert any("nothing" in phrase for phrase in words)
    page = displacy.render(plain, style="span", manual=True, jupyter=False)
    assert "numbness" in page
    assert "&amp;" in page


@pytest.mark.parametrize("text", ["", "😶", " \n ", "soup"])
def test_a_text_that_says_nothing_has_an_empty_explanation(lexicon_labeller, text):
    why = lexicon_labeller.explain(text)
    assert why.labels == ()
    assert repr(why) == "No label: nothing speaks for one."
    assert "nothing speaks for one" in why._repr_html_()
    assert why.to_displacy()["spans"] == []


def test_what_cannot_be_explained_is_refused(lexicon_labeller):
    with pytest.raises(DataError, match="text 0 is int, not str"):
        lexicon_labeller.explain(5)
    with pytest.raises(TaxonomyError, match="unknown label 'sad'"):
        lexicon_labeller.explain("soup", labels=["sad"])
    with pytest.raises(KeyError, match="'civic' is not explained here; explained: numbness"):
        lexicon_labeller.explain("I feel numb.")["civic"]

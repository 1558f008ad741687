"""The lexicon's files compile, cover every label, and can be extended."""

from __future__ import annotations

from collections import Counter

import pytest

from disconnect_nlp.errors import DisconnectError, LexiconError
from disconnect_nlp.labellers.lexical import LexiconLabeller, MatchFinder
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.inflection import inflect
from disconnect_nlp.text.lexicon import Entry, Lexicon, load_lexicon, read_lexicon
from disconnect_nlp.text.pattern import WordClasses, parse_pattern


def test_every_label_has_entries_and_the_core_labels_have_forty():
    counts = Counter(entry.label for entry in load_lexicon())
    taxonomy = load_taxonomy()
    assert {label: counts[label] for label in taxonomy.core if counts[label] < 40} == {}
    assert {label: counts[label] for label in taxonomy.ids if counts[label] < 8} == {}


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("feel~ numb", "She felt numb", "felt numb"),
        ("feel~ numb", "FEELING NUMB", "FEELING NUMB"),
        ("feel~ numb", "feel so numb", None),
        ("feel~ (so) numb", "feel so numb", "feel so numb"),
        ("feel~ .. numb", "feel kind of numb", "feel kind of numb"),
        ("feel~ .. numb", "feel sort of completely numb", None),  # two words at most
        ("feel~ .. numb", "feel, numb", None),  # no gap crosses punctuation
        ("feel~ ... numb", "I feel. He is numb", None),  # nor a sentence end
        ("not reach~ @who", "It doesn't reach them", "n't reach them"),
        ("not reach~ @who", "it didnt reach anybody", "nt reach anybody"),
        ("feel~ . numb", "feel numb", None),  # one dot is exactly one word
        ("i 'm|am done", "I'm done", "I'm done"),
    ],
)
def test_patterns_find_what_they_say(pattern, text, found):
    nlp = blank_pipeline()
    entry = Entry(id="numbness.x", label="numbness", weight=0.5, patterns=(pattern,))
    finder = MatchFinder(nlp, Lexicon({entry.id: entry}, WordClasses({"who": ("them", "anybody")})))
    doc = nlp(text)
    assert [doc[m.start : m.end].text for m in finder(doc)] == ([found] if found else [])


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("read", {"read", "reads", "reading"}),
        ("stop", {"stop", "stops", "stopped", "stopping"}),
        ("carry", {"carry", "carries", "carried", "carrying"}),
        ("notice", {"notice", "notices", "noticed", "noticing"}),
        ("answer", {"answer", "answers", "answered", "answering"}),
        ("push", {"push", "pushes", "pushed", "pushing"}),
    ],
)
def test_inflection_follows_english_spelling(word, forms):
    assert inflect(word) == forms


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("@nowhere numb", "no word class '@nowhere'"),
        ("(so) ..", "no required word"),
        (".. numb", "begins or ends with a gap"),
        ("feel[ numb", r"cannot read 'feel\['"),
    ],
)
def test_a_broken_pattern_is_refused_with_its_place(pattern, message):
    with pytest.raises(LexiconError, match=f"entry x: .*{message}"):
        parse_pattern(pattern, WordClasses({}), place="entry x")


def test_users_add_replace_and_remove_entries(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[[entries]]\nid = "civic.zorb"\nlabel = "civic"\nweight = 0.9\npattern = "the zorb ignore~ us"\n')
    mine = LexiconLabeller(read_lexicon(path, base=load_lexicon()))
    text = "At the meeting the zorb ignored us."
    assert "civic" in mine.annotate(text).labels
    assert "civic" not in LexiconLabeller().annotate(text).labels
    assert "civic" not in LexiconLabeller(mine.lexicon.without("civic.zorb")).annotate(text).labels


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('[[entries]]\nid = "sad.x"\nlabel = "sad"\nweight = 0.5\npattern = "blue"', "unknown label 'sad'"),
        ('[[entries]]\nid = "scale.x"\nlabel = "civic"\nweight = 0.5\npattern = "blue"', "must start with its label"),
        ('[[entries]]\nid = "scale.x"\nlabel = "scale"\nweight = 5\npattern = "blue"', "entry scale.x: .*weight"),
        ("[[entries]\n", "mine.toml"),
    ],
)
def test_a_broken_entry_file_is_refused_by_name(tmp_path, toml, message):
    path = tmp_path / "mine.toml"
    path.write_text(toml)
    with pytest.raises(DisconnectError, match=f"(?s){message}"):
        read_lexicon(path)


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("I want to die.", True),
        ("Years ago I used to want to die.", True),  # whatever its tense
        ("If I ever killed myself they would not notice.", True),
        ("My neighbour says he wants to kill himself.", False),  # somebody else's threat
        ("The battery died on the bus.", False),
    ],
)
def test_the_safety_screen_flags_own_talk_in_any_tense(lexicon_labeller, text, flagged):
    assert ("risk_language" in lexicon_labeller.annotate(text).labels) is flagged

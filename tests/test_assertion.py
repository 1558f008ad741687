"""Only the writer's own, current, affirmed state gives a label."""

from __future__ import annotations

import pytest

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.text.assertion import parse_cues
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.lexicon import Entry, Lexicon
from disconnect_nlp.text.pattern import WordClasses

# A few fixed entries, so that this table tests assertion and not the shipped lexicon.
ENTRIES = {
    "scale.cog": "feel~ like (i) (am) (just) a cog",
    "numbness.numb": "feel~ (so|completely) numb",
    "numbness.nothing": "not feel~ anything",
    "invisibility.invisible": "feel~ (completely) invisible",
    "relational.better_off": "be better off without me",
    "distress.crying": "cry~ myself to sleep",
    "withdrawal.stopped": "stop~ answering",
}


@pytest.fixture(scope="module")
def find():
    nlp = blank_pipeline()
    entries = {i: Entry(id=i, label=i.split(".")[0], weight=0.8, patterns=(p,)) for i, p in ENTRIES.items()}
    finder = MatchFinder(nlp, Lexicon(entries, WordClasses({})))

    def statuses(text: str) -> list[tuple[str, str]]:
        doc = nlp(text)
        return [(match.label, match.status) for match in finder(doc)]

    return statuses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I feel like a cog here", [("scale", "affirmed")]),
        ("I don't feel like a cog here", [("scale", "negated")]),
        ("I dont feel like a cog here", [("scale", "negated")]),
        ("I don’t feel like a cog here", [("scale", "negated")]),
        ("I do not really feel like a cog here", [("scale", "negated")]),
        ("I never feel invisible", [("invisibility", "negated")]),
        ("I no longer feel numb", [("numbness", "negated")]),
        ("Not once did I feel numb", [("numbness", "negated")]),
        ("I hardly feel numb these days", [("numbness", "negated")]),
        ("Not only do I feel like a cog, I am one", [("scale", "affirmed")]),  # "not only" is no negation
        ("I can't say I don't feel like a cog", [("scale", "affirmed")]),  # double negation
        ("I don't know why but I feel numb", [("numbness", "affirmed")]),
        ("No wonder I feel numb", [("numbness", "affirmed")]),
        ("I don't feel anything any more", [("numbness", "affirmed")]),  # its own "not" belongs to the entry
        ("I don’t feel anything anymore.", [("numbness", "affirmed")]),
        ("They haven't noticed but I feel invisible", [("invisibility", "affirmed")]),  # "but" ends the scope
        ("For years I have felt like a cog", [("scale", "affirmed")]),  # still so
        ("Ever since the move I feel numb", [("numbness", "affirmed")]),
        ("I used to feel like a cog", [("scale", "past")]),
        ("I am used to it, I feel numb", [("numbness", "affirmed")]),  # "am used to" is a habit
        ("Back then I felt like a cog", [("scale", "past")]),
        ("I felt numb when I was a teenager", [("numbness", "past")]),
        ("I felt so numb. That has changed.", [("numbness", "past")]),  # resolved by the next sentence
        ("I felt so numb. The bus came.", [("numbness", "affirmed")]),
        ("My brother feels like a cog", [("scale", "other")]),
        ("My sister says she feels numb", [("numbness", "other")]),
        ("My sister says I feel numb too easily", [("numbness", "affirmed")]),  # who feels is "I"
        ("She makes me feel invisible", [("invisibility", "affirmed")]),
        ("They would be better off without me", [("relational", "affirmed")]),  # a match with "me" is own
        ("Clients cry themselves to sleep and I cry myself to sleep", [("distress", "affirmed")]),
        ("If I ever feel numb, I call Bob", [("numbness", "hypothetical")]),
        ("If I'm honest I feel numb", [("numbness", "affirmed")]),  # a way of speaking
        ("Even if they clap I feel numb", [("numbness", "affirmed")]),
        ("I'm afraid I might feel numb", [("numbness", "hypothetical")]),
        ("Do you feel numb?", [("numbness", "hypothetical")]),
        ("Anybody else feel numb all the time?", [("numbness", "affirmed")]),  # own, by the codebook
        ("You feel invisible in this town", [("invisibility", "generic")]),
        ("People feel invisible here", [("invisibility", "generic")]),
        ("People stare, I feel invisible", [("invisibility", "affirmed")]),
        ('"I feel numb" is how the song goes', [("numbness", "quoted")]),
        ("“I feel numb” is how the song goes", [("numbness", "quoted")]),
        ('I said "I feel numb" and he laughed', [("numbness", "affirmed")]),  # quoting oneself
        ("I stopped answering. My mother cries.", [("withdrawal", "affirmed")]),
        ("I feel numb 😶 and I feel invisible", [("numbness", "affirmed"), ("invisibility", "affirmed")]),
        ("Without him I feel numb", [("numbness", "affirmed")]),
        ("I couldn't stop feeling numb", [("numbness", "affirmed")]),
        ("I have never felt so numb", [("numbness", "affirmed")]),
        ("I would feel numb without her", [("numbness", "hypothetical")]),
        ("I might feel numb tomorrow", [("numbness", "hypothetical")]),
        ("I stopped feeling numb", [("numbness", "negated")]),
        ('I bought a 24" monitor. I feel numb. "Nice", she said.', [("numbness", "affirmed")]),  # an inch mark
        ("Lovely day", []),
        ("", []),
    ],
)
def test_only_the_writers_own_current_state_is_affirmed(find, text, expected):
    assert find(text) == expected


def test_a_cancelled_match_names_the_cue_in_offsets_of_the_text(lexicon_labeller):
    text = "Honestly, I do not feel numb."
    evidence = lexicon_labeller.explain_doc(lexicon_labeller.nlp(text), ["numbness"])
    assert [item.status for item in evidence] == ["negated"]
    cue = evidence[0].cue
    assert text[cue.start : cue.end] == cue.quote
    assert "not" in cue.quote
    assert cue.id.startswith("negated.")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('category = "maybe"', "category"),
        ("scope = -1", "scope"),
        ("phrases = []", "phrases"),
    ],
)
def test_a_broken_cue_file_is_refused_by_name(row, message):
    good = {"id": '"negated.x"', "category": '"negated"', "direction": '"forward"', "scope": "3", "phrases": '["not"]'}
    key, _, value = row.partition(" = ")
    good[key] = value
    toml = "terminators=[]\nfirst_person=[]\nreporting=[]\n[[cues]]\n" + "\n".join(
        f"{k} = {v}" for k, v in good.items()
    )
    with pytest.raises(LexiconError, match=message):
        parse_cues(toml, place="mine.toml")

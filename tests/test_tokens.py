"""What runs over whole batches at once agrees with the plain rules, token for token."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import plain
from disconnect_nlp.errors import LexiconError
from disconnect_nlp.labellers import base, linear
from disconnect_nlp.labellers.evidence import heaviest_runs
from disconnect_nlp.labellers.lexical import MatchFinder
from disconnect_nlp.text import assertion, reader
from disconnect_nlp.text.assertion import STATUSES, load_cues
from disconnect_nlp.text.components import blank_pipeline
from disconnect_nlp.text.lexicon import Entry, Lexicon
from disconnect_nlp.text.matcher import LexiconMatcher
from disconnect_nlp.text.overlap import choose
from disconnect_nlp.text.pattern import WordClasses
from disconnect_nlp.text.reader import TextReader
from disconnect_nlp.text.tokens import tokens_of

NLP = blank_pipeline()
CHUNKS = ["I", "don't", "cannot", "numb,", "(numb)", "so…", "e.g.", " :) ", "«Go.»", "😶", "ab" * 40, "שלום", "x.y"]
SPACES = [" ", "  ", "\n", " \n ", "\t", "\u00a0", "\n\n"]
MESSY = st.lists(st.one_of(st.sampled_from(CHUNKS), st.sampled_from(SPACES)), max_size=40).map("".join)
BATCH = st.lists(MESSY, max_size=5)
READER = TextReader()  # shared: what one example teaches it, the next ones use


@given(BATCH)
@settings(max_examples=150, deadline=None)
def test_texts_are_read_as_spacy_tokenizes_them(texts):
    read, made = READER.read(texts), tokens_of([NLP(text) for text in texts])
    for part in ("bounds", "norms", "marks", "spaced", "starts", "begins", "ends"):
        assert getattr(read, part).tolist() == getattr(made, part).tolist(), part
    words = [token.text for text in texts for token in NLP(text)]
    owners = read.text_of(np.arange(len(read))).tolist()
    quotes = [texts[o][a:b] for o, a, b in zip(owners, read.begins.tolist(), read.ends.tolist(), strict=True)]
    assert quotes == words


def test_what_stands_between_spaces_is_split_alike_whatever_stands_beside_it():
    parts = [":)", ":", ")", "«", "lol", "(", "😶"]
    chunks = ["".join(glued) for size in (1, 2, 3) for glued in product(parts, repeat=size)]
    one_by_one = TextReader()
    alone = [norm for chunk in chunks for norm in one_by_one.read([chunk]).norms.tolist()]
    assert TextReader().read([" ".join(chunks)]).norms.tolist() == alone


@given(MESSY)
@settings(max_examples=100, deadline=None)
def test_sentences_start_where_the_plain_rule_says(text):
    assert np.flatnonzero(READER.read([text]).starts).tolist() == plain.sentence_starts(NLP(text))


def test_a_reader_that_is_full_forgets_and_reads_on(monkeypatch):
    monkeypatch.setattr(reader, "MOST_CHUNKS", 3)
    small = TextReader()
    for text in ("one two three four five", "two six\nseven", "one eight, nine", "two one"):
        assert small.read([text]).norms.tolist() == tokens_of([NLP(text)]).norms.tolist()
        assert len(small._chunks.numbers) <= 3 + len(text.split()) * 2
    assert len(small._chunks.numbers) < 5


def test_a_text_on_which_the_tokenizer_fails_leaves_the_reader_usable(monkeypatch):
    failing = TextReader()
    tokenizer = failing.nlp.tokenizer
    monkeypatch.setattr(failing.nlp, "tokenizer", lambda text: 1 / 0 if "poison" in text else tokenizer(text))
    with pytest.raises(ZeroDivisionError):
        failing.read(["I poison."])
    assert failing.read(["I feel numb."]).norms.tolist() == tokens_of([NLP("I feel numb.")]).norms.tolist()


# ------------------------------------------------------------------------------------------ matching

WORDS = ["a", "b", "c", "d", ",", "\n", "."]
ELEMENT = st.one_of(
    st.sampled_from(["a", "b", "c|d", "a|b|d", "(b)", "(a|c)", "..", "...", ".", "@ab", "(@ab)"]),
)
PATTERN = st.lists(ELEMENT, min_size=1, max_size=6).filter(
    lambda parts: any(p[0] not in "(." for p in parts) and "." not in (parts[0][0], parts[-1][0])
)
PATTERNS = st.lists(PATTERN.map(" ".join), min_size=1, max_size=3)
LETTERS = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)


def _lexicon(patterns):
    labels = ("numbness", "scale", "numbness")
    entries = [
        Entry(id=f"{label}.e{i}", label=label, weight=0.5 + i / 10, patterns=(pattern,))
        for i, (label, pattern) in enumerate(zip(labels, patterns, strict=False))
    ]
    return Lexicon({entry.id: entry for entry in entries}, WordClasses({"ab": ("a", "b")}))


@given(PATTERNS, st.lists(LETTERS, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_patterns_match_where_spacys_matcher_matches(patterns, texts):
    lexicon = _lexicon(patterns)
    matcher = LexiconMatcher(lexicon)
    tokens = READER.read(texts)
    spans = matcher.find(tokens)
    owners = tokens.text_of(spans.start)
    for number, text in enumerate(texts):
        own, base_ = owners == number, tokens.bounds[number]
        columns = (spans.start[own] - base_, spans.end[own] - base_, spans.entry[own])
        found = [
            (start, end, matcher.entries[entry].id)
            for start, end, entry in zip(*(column.tolist() for column in columns), strict=True)
        ]
        assert found == plain.matches(NLP, NLP(text), lexicon)


def test_a_pattern_longer_than_can_be_followed_is_refused():
    with pytest.raises(LexiconError, match="entry numbness.e0: a pattern of up to 66 words. 63 are allowed: shorten"):
        LexiconMatcher(_lexicon(["a " + "... " * 16 + "b"]))
    assert len(LexiconMatcher(_lexicon(["a " + "... " * 15 + "b"])).find(READER.read(["a " + "c " * 60 + "b"])).start)


def test_an_empty_lexicon_finds_nothing():
    assert not len(LexiconMatcher(Lexicon({}, WordClasses({}))).find(READER.read(["I feel numb."])).start)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 6)), max_size=12))
@settings(max_examples=200, deadline=None)
def test_of_overlapping_spans_the_best_stays(spans):
    group, start, size = (np.array([span[i] for span in spans], dtype=np.int64) for i in range(3))
    kept: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: (-size[i], start[i], i)):
        rivals = [k for k in kept if group[k] == group[i]]
        if all(start[k] + size[k] <= start[i] or start[i] + size[i] <= start[k] for k in rivals):
            kept.append(i)
    assert choose(group, start, start + size, [-size, start, np.arange(len(spans))]).tolist() == sorted(kept)


# ------------------------------------------------------------------------------------------ assertion

SAID = (
    "numb|numb|numb|i|my|he|my sister|people|you|not|never|do not|no longer|not only|used to|that is over|not any more|"
    'if|as if|might|but|so|(|)|:|,|.|?|\n|"|“|”|said|I said|back then|once|if i died|would|feel|that has changed|"numb|'
    'numb"|“numb|numb”|not numb|my brother|or not me|not once i'
)
STATED = st.lists(st.sampled_from(SAID.split("|")), max_size=30).map(" ".join)
FINDER, PLAIN = MatchFinder(NLP, _lexicon(["numb"])), plain.PlainAssertion(NLP, load_cues())


@given(st.lists(STATED, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_assertion_follows_the_plain_rules(texts):
    tokens = READER.read(texts)
    found = FINDER.find(tokens)
    position = 0
    for number, text in enumerate(texts):
        doc = NLP(text)
        for match in FINDER(doc):
            status, cue = PLAIN.status(doc, match.start, match.end)
            assert (match.status, match.cue) == (status, cue)
            # and in a batch as in a Doc
            assert found.text[position] == number
            assert found.spans.start[position] - tokens.bounds[number] == match.start
            named = FINDER.assertion.named([match], _one(found.verdicts, position, tokens.bounds[number]))
            assert named == [match]
            position += 1
    assert position == len(found.text)


def test_no_cue_is_read_across_two_texts():
    texts = ["I feel numb not", "at all it is"]
    assert [match.status for match in FINDER(NLP(" ".join(texts)))] == ["negated"]
    assert FINDER.find(READER.read(texts)).verdicts.status.tolist() == [STATUSES.index("affirmed")]


def _one(verdicts, position, base_):
    own = slice(position, position + 1)
    return type(verdicts)(
        verdicts.status[own], verdicts.start[own] - base_, verdicts.end[own] - base_, verdicts.rule[own]
    )


def test_a_cell_with_thousands_of_matches_is_labelled_match_by_match(lexicon_labeller):
    sentence = "I do not feel numb. "
    (one,) = lexicon_labeller.explain_doc(NLP(sentence), ["numbness"])
    many = lexicon_labeller.explain_doc(NLP(sentence * 3000), ["numbness"])
    assert [item.start for item in many] == [one.start + i * len(sentence) for i in range(3000)]
    assert {(item.quote, item.status, item.cue.quote) for item in many} == {(one.quote, "negated", one.cue.quote)}


# ------------------------------------------------------------------------------------------ batches


@given(st.lists(st.lists(st.floats(-2, 2), min_size=1, max_size=8), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_the_heaviest_run_is_the_heaviest_of_all(stretches):
    lengths = np.array([len(values) for values in stretches])
    first = np.cumsum(lengths) - lengths
    values = np.concatenate(stretches)
    weight, begin, end = heaviest_runs(values, first, lengths)
    for i, own in enumerate(stretches):
        assert weight[i] == pytest.approx(plain.heaviest_run(own))
        assert first[i] <= begin[i] < end[i] <= first[i] + lengths[i]
        assert weight[i] == pytest.approx(values[begin[i] : end[i]].sum())


LONG = [
    "I feel numb. The bus was late. " * 80,
    "",
    "We had soup.",
    "I feel numb and empty. Nobody reads my reports.",
    "I do not feel numb. My brother said he is empty. " * 30,
]


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [(linear, "_SLICE", 100), (assertion, "_SLICE", 50), (base, "_BATCH_CHARACTERS", 50), (base, "BATCH", 1)],
)
def test_how_the_work_is_cut_changes_nothing(default_model, monkeypatch, module, name, value):
    expected = list(default_model.annotate_all(LONG))
    assert all(
        any(item.source == "model" for item in expected[text].evidence) for text in (0, 3)
    )  # else it shows little
    monkeypatch.setattr(module, name, value)
    found = list(default_model.annotate_all(LONG))
    assert [note.evidence for note in found] == [note.evidence for note in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-6)


@given(st.lists(MESSY.map(lambda text: text + " I feel numb."), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_docs_are_labelled_as_their_texts_are(default_model, texts):
    from_docs = list(default_model.annotate_docs([NLP(text) for text in texts]))
    for one, other in zip(from_docs, default_model.annotate_all(texts), strict=True):
        assert (one.labels, one.uncertain, one.evidence) == (other.labels, other.uncertain, other.evidence)

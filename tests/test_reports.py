"""The report: its numbers against other ways to reach them, its escaping, and that it asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from typer.testing import CliRunner

from disconnect_nlp.cli import app
from disconnect_nlp.errors import DataError
from disconnect_nlp.labelling.layout import layout_of
from disconnect_nlp.labelling.manifest import read_manifest
from disconnect_nlp.reading.table import read_table
from disconnect_nlp.reports.correction import Rates, correct, read_rates
from disconnect_nlp.reports.files import write_tables
from disconnect_nlp.reports.markdown import plain, render_markdown
from disconnect_nlp.reports.passages import LENGTH, cut
from disconnect_nlp.reports.people import change_point
from disconnect_nlp.reports.render import render_report
from disconnect_nlp.reports.statistics import Clusters, cluster_difference, holm, newcombe, wilson
from disconnect_nlp.reports.summarise import summarise
from disconnect_nlp.reports.times import parse_times
from disconnect_nlp.reports.wording import pairs
from disconnect_nlp.reports.words import WordCounts, terms_of, weighted_log_odds
from disconnect_nlp.tables import open_reader
from labelled import LABELS, marked, row, write, write_manifest

HOSTILE = 'I feel <script>alert("x")</script> & 😶 $x_1$ **numb**'


@pytest.fixture
def table(tmp_path):
    rows = [
        row(
            HOSTILE,
            {"numbness": 0.91},
            evidence=[marked(HOSTILE, "feel <script>", "numbness")],
            when="2026-01-03",
            who="Ann",
        ),
        row("soup", uncertain=["numbness"], when="2026-01-04", who="Ann"),
        row("I feel flat", {"numbness": 0.7}, when="2026-03-01", who="Bo"),
        row("what", when="no date", who="Bo"),
        row("", status="empty", when="2026-03-02", who="Bo"),
    ]
    return write(tmp_path / "labelled.csv", rows)


def corpus(path, n=400, *, seed=0, shares=None, persons=None, days=365):
    """Write a table of random decisions: ``shares`` gives each label's share by site."""
    rng = np.random.default_rng(seed)
    shares = shares or {"north": (0.1, 0.2, 0.3), "south": (0.1, 0.2, 0.3)}
    rows = []
    for number in range(n):
        site = list(shares)[number % len(shares)]
        yes = rng.random(3) < np.array(shares[site])
        labels = {label: round(float(rng.uniform(0.5, 1)), 3) for label, own in zip(LABELS, yes, strict=True) if own}
        text = f"entry {number} " + " ".join(f"marks {label}" for label in labels)
        when = (pd.Timestamp("2025-01-01") + pd.Timedelta(days=number * days // n)).date().isoformat()
        who = f"p{number % persons}" if persons else "x"
        rows.append(row(text, labels, when=when, site=site, who=who))
    return write(path, rows)


def report(path, **options):
    options = {"text_column": "entry", "name": path.name} | options
    return summarise(open_reader(path), **options)


def test_it_counts_texts_labels_groups_and_periods(table):
    data = report(table, time_column="when", group_columns=["who"])
    assert (data.n_rows, data.n_texts, data.undated) == (5, 4, 1)
    assert data.statuses == {"ok": 4, "empty": 1}
    numb = data["prevalence"].set_index("label").loc["numbness"]
    assert (numb["given"], numb["uncertain"], numb["texts"]) == (2, 1, 4)
    assert data["groups"].set_index(["group", "label"])["given"]["Ann", "numbness"] == 1
    months = data["time"][data["time"]["label"] == "numbness"]
    assert data.period_unit == "month"
    assert months["texts"].tolist() == [2, 0, 1]
    assert months["share"].isna().tolist() == [False, True, False]  # a month without texts is a gap, not a zero
    assert [passage.scores["numbness"] for passage in data.passages if passage.labels] == [0.91, 0.7]


def test_the_first_line_says_how_many_texts_the_period_is_of(table):
    assert "Of 4 texts (3 of them dated: from Jan 2026 to Mar 2026)," in render_report(
        report(table, time_column="when")
    )
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame[frame["when"] != "no date"].to_csv(table, index=False)
    assert "Of 3 texts from Jan 2026 to Mar 2026," in render_report(report(table, time_column="when"))


def test_marks_stand_at_the_right_characters():
    text = "😶e\u0301 שלום abc"
    evidence = [
        marked(text, "שלום", "numbness"),
        marked(text, "abc", "numbness", counts=False, status="negated", cue={"quote": "never"}),
        marked(text, "bc", "distress"),
    ]
    pieces = cut(text, evidence)
    assert "".join(piece.text for piece in pieces) == text
    assert [(piece.text, piece.supports, piece.cancelled) for piece in pieces if piece.note] == [
        ("שלום", ("numbness",), ()),
        ("a", (), ("numbness",)),
        ("bc", ("distress",), ("numbness",)),
    ]
    assert pieces[3].note == "not numbness: negated by “never”"
    assert cut("", []) == ()


@settings(deadline=None)
@given(st.data())
def test_a_long_text_is_shown_around_its_evidence_and_never_garbled(data):
    text = data.draw(st.text(alphabet="ab 😶é\n", min_size=0, max_size=60)) * data.draw(st.integers(1, 60))
    spans = data.draw(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 300)), max_size=6))
    evidence = [
        {"start": start, "end": start + size, "quote": text[start : start + size], "label": "civic", "counts": True}
        for start, size in spans
        if start + size <= len(text)
    ]
    pieces = cut(text, evidence)
    shown = "".join(piece.text for piece in pieces)
    assert len(shown) <= LENGTH + 3 * len(pieces)
    kept = [part for part in re.split(" ?… ?", shown) if part]
    assert all(part in text for part in kept)
    for piece in pieces:
        if piece.supports:
            assert any(piece.text in item["quote"] for item in evidence)
    if len(text) <= LENGTH:
        assert shown == text


def test_evidence_that_does_not_fit_the_text_is_not_marked_and_said(tmp_path):
    text = "I feel numb."
    wrong = [marked(text, "numb", "numbness") | {"start": 0, "end": 4}]
    data = report(write(tmp_path / "a.csv", [row(text, {"numbness": 0.9}, evidence=wrong)]))
    assert [piece.supports for piece in data.passages[0].pieces] == [()]
    assert "In 1 passages the evidence does not stand where the table says" in data.notes[0]


def test_a_table_without_evidence_says_so(table, tmp_path):
    frame = pd.read_csv(table).drop(columns="disconnect_evidence")
    frame.to_csv(tmp_path / "b.csv", index=False)
    assert "no column with evidence" in render_report(report(tmp_path / "b.csv"))


class Page(HTMLParser):
    """What a browser would see: elements, their attributes and the text of each."""

    def __init__(self, page):
        super().__init__()
        self.found, self.texts = [], {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.setdefault(self.found[-1][0] if self.found else "", []).append(data)


def test_the_page_is_self_contained_and_escapes_what_came_from_the_table(table):
    evil = '"><script>evil()</script>'
    frame = pd.read_csv(table, dtype=str, keep_default_na=False).replace("Ann", evil)
    frame.to_csv(table, index=False)
    data = report(
        table, time_column="when", group_columns=["who"], person_column="who", name=evil, manifest={evil: [evil]}
    )
    page = render_report(data)
    seen = Page(page)
    assert [tag for tag, _ in seen.found].count("script") == 1  # our own
    assert not [attrs for _, attrs in seen.found if {"src", "style", "onclick", "onload"} & set(attrs)]
    assert all(value.startswith("#") for _, attrs in seen.found for key, value in attrs.items() if "href" in key)
    assert "@import" not in page
    policy = next(attrs["content"] for tag, attrs in seen.found if attrs.get("http-equiv"))
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    quote = unescape(re.sub("<[^>]*>", "", re.search("<blockquote.*?</blockquote>", page, re.DOTALL)[0]))
    assert quote == HOSTILE


def test_every_plot_is_named_and_ids_are_unique(tmp_path):
    page = render_report(report(corpus(tmp_path / "a.csv", persons=3), time_column="when", person_column="who"))
    plots = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(plots) > 6
    for svg in plots:
        root = ElementTree.fromstring(svg)
        assert root.attrib.get("aria-label") or root.attrib.get("aria-hidden") == "true"
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_page_shows_the_numbers_of_its_tables(tmp_path):
    data = report(corpus(tmp_path / "a.csv"))
    page = render_report(data)
    for own in data["prevalence"].to_dict("records"):
        cells = f'<td class="n" data-head="texts">{own["given"]}</td><td class="n" data-head="share">'
        assert f"{cells}{100 * own['share']:.1f} %</td>" in page
    assert "corrected" not in page.split("</style>")[1].split('<h2 id="sure">')[0]


def test_texts_can_be_left_out(table):
    data = report(table, text_column=None)
    for page in (render_report(data), render_markdown(data)):
        assert "soup" not in page
        assert "I feel flat" not in page
        assert "Passages" not in page


def test_equal_tables_give_equal_reports_and_seeds_other_passages(tmp_path):
    path = corpus(tmp_path / "a.csv", 600, persons=20)
    options = {"time_column": "when", "person_column": "who", "group_columns": ["site"]}
    assert len({render_report(report(path, **options)) for _ in range(2)}) == 1
    rows = [[passage.row for passage in report(path, seed=seed).passages] for seed in (0, 1)]
    assert rows[0] != rows[1]


def test_the_page_does_not_grow_with_the_table(tmp_path):
    sizes = [
        len(render_report(report(corpus(tmp_path / f"{n}.csv", n), time_column="when", group_columns=["site"])))
        for n in (1_000, 6_000)
    ]
    assert sizes[1] < 1.1 * sizes[0]
    assert len(report(tmp_path / "6000.csv").passages) <= len(LABELS) * 12
    assert report(tmp_path / "6000.csv", max_examples=0).passages == []


def test_a_table_that_went_through_pandas_counts_the_same(table, tmp_path):
    again = tmp_path / "again.csv"
    pd.read_csv(table).to_csv(again, index=False)  # 1 becomes 1.0 where a row has no decision
    assert "1.0" in again.read_text()
    assert report(again)["prevalence"].set_index("label")["given"]["numbness"] == 2


def test_a_table_in_which_nothing_could_be_labelled_still_reports(tmp_path):
    path = write(tmp_path / "a.csv", [row("", status="empty", when="", who="")])
    data = report(path, time_column="when", group_columns=["who"], person_column="who")
    assert "No row of this table could be labelled" in render_report(data)
    assert "1 empty" in render_markdown(data)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",1,0.91", ",yes,0.91", "line 2: a decision must be 1, 0 or empty"),
        (",1,0.91", ",1,high", "line 2: the score of 'numbness' is no number"),
    ],
)
def test_a_decision_that_is_none_is_refused_without_its_text(table, old, new, message):
    table.write_text(table.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        report(table)
    assert "feel" not in str(error.value)


@pytest.mark.parametrize(
    ("cells", "months"),
    [
        (["2026-03-01", "2026-04-02"], [3, 4]),
        (["2026-03-01T10:00:00+01:00", "2026-07-01T10:00:00+02:00"], [3, 7]),  # an export across summer time
        (["13/02/2026", "01/02/2026"], [2, 2]),  # the thirteenth settles which is the day
        (["02/13/2026", "02/01/2026"], [2, 2]),
        (["soon", "2026-03-01"], [None, 3]),
    ],
)
def test_a_column_of_dates_is_read_in_one_format(cells, months):
    stamps = parse_times(cells, "when")
    assert [None if pd.isna(stamp) else stamp.month for stamp in stamps] == months


def test_dates_that_could_be_either_are_refused():
    with pytest.raises(DataError, match="day and month cannot be told apart"):
        parse_times(["01/02/2026", "03/04/2026"], "when")


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (5, 50), (10, 10), (1, 1), (12, 12), (0, 5)])
def test_wilson_is_that_of_scipy(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n <= high <= 1
    assert (low, high) == (pytest.approx(expected.low, abs=1e-6), pytest.approx(expected.high, abs=1e-6))


@pytest.mark.parametrize(
    ("counts", "expected"),  # Newcombe 1998, table II, method 10
    [((56, 70, 48, 80), (0.0524, 0.3339)), ((9, 10, 3, 10), (0.1705, 0.8090)), ((5, 56, 0, 29), (-0.0381, 0.1926))],
)
def test_newcombe_is_that_of_the_paper(counts, expected):
    assert newcombe(*counts) == pytest.approx(expected, abs=5e-5)


@given(st.lists(st.floats(0, 0.08), min_size=2, max_size=12))
def test_holm_rejects_what_stepping_down_rejects(p_values):
    adjusted = holm(p_values)
    open_, rejected = sorted(range(len(p_values)), key=lambda i: p_values[i]), set()
    for step, i in enumerate(open_):
        if p_values[i] * (len(p_values) - step) >= 0.05:
            break
        rejected.add(i)
    assert {i for i, own in enumerate(adjusted) if own < 0.05} == rejected


def test_texts_of_one_person_do_not_count_as_so_many_witnesses():
    rng = np.random.default_rng(3)
    persons = np.repeat(np.arange(60), 5)
    given = np.repeat(rng.random((60, 1)) < 0.3, 5, axis=0).astype(np.uint8)  # everyone says the same five times
    clusters = Clusters.of(given, persons, 60)
    low, high = clusters.share_intervals(seed=0)
    alone = wilson(given[::5].sum(), 60)
    assert (low[0], high[0]) == (pytest.approx(alone[0], abs=0.03), pytest.approx(alone[1], abs=0.03))
    assert clusters.design_effect()[0] == pytest.approx(5, rel=0.05)
    independent = Clusters.of(given, rng.permutation(persons), 60)
    assert independent.design_effect()[0] < 2


def test_a_difference_between_persons_is_no_surer_for_more_texts_each():
    rng = np.random.default_rng(4)
    says = (rng.random((40, 1)) < np.where(np.arange(40) < 20, 0.5, 0.3)[:, None]).astype(np.uint8)
    widths = []
    for times in (1, 8):
        given, persons = np.repeat(says, times, axis=0), np.repeat(np.arange(40), times)
        first = persons < 20
        one, two = (Clusters.of(given[own], persons[own], 40) for own in (first, ~first))
        low, high, p = cluster_difference(one, two, seed=0)
        widths.append((high[0] - low[0], p[0]))
    assert widths[0] == pytest.approx(widths[1])


def test_correction_covers_the_true_share():
    rng = np.random.default_rng(0)
    true, hit, false, inside = 0.06, 0.7, 0.05, []
    for _ in range(200):
        rates = Rates(rng.binomial(150, hit), 150, rng.binomial(2000, false), 2000)
        given = rng.binomial(round(800 * true), hit) + rng.binomial(800 - round(800 * true), false)
        found = correct(given, 800, rates)
        inside.append(found.low <= true <= found.high)
    assert np.mean(inside) > 0.9
    assert correct(8000 * (true * hit + (1 - true) * false), 8000, Rates(700, 1000, 50, 1000)).share == pytest.approx(
        true
    )


@pytest.mark.parametrize(
    "rates",
    [
        Rates(5, 9, 10, 1000),  # too few positives to know
        Rates(10, 100, 200, 1000),  # given more often where it does not belong
        Rates(6, 20, 250, 1000),  # no better than chance, for all one knows
    ],
)
def test_useless_error_rates_correct_nothing(rates):
    assert correct(100, 1000, rates) is None


def test_weighted_log_odds_is_that_of_the_paper():
    inside, outside, prior = np.array([30.0, 2, 5]), np.array([40.0, 60, 5]), 100.0
    log_odds, z = weighted_log_odds(inside, outside, prior=prior)
    for w in range(3):  # Monroe et al. 2008, equation 16 and 22, written out
        alpha = prior * (inside[w] + outside[w]) / (inside.sum() + outside.sum())
        ratio = np.log((inside[w] + alpha) / (inside.sum() + prior - inside[w] - alpha)) - np.log(
            (outside[w] + alpha) / (outside.sum() + prior - outside[w] - alpha)
        )
        assert log_odds[w] == pytest.approx(ratio)
        assert z[w] == pytest.approx(ratio / np.sqrt(1 / (inside[w] + alpha) + 1 / (outside[w] + alpha)))


def test_words_are_counted_once_a_text_however_they_come_in():
    texts = ["void void void", "the void again", "soup", "the soup again"] * 10
    given = np.array([[1], [1], [0], [0]] * 10, dtype=np.uint8)
    whole, parts = WordCounts(1), WordCounts(1)
    whole.add(texts, given)
    for start in range(0, 40, 7):
        parts.add(texts[start : start + 7], given[start : start + 7])
    found = whole.marking(["civic"], most=5)
    pd.testing.assert_frame_equal(found, parts.marking(["civic"], most=5))
    assert found.iloc[0][["term", "texts_with", "texts_without"]].tolist() == ["void", 20, 0]
    assert "soup" not in set(found["term"])
    assert terms_of("Ça va? 12 שלום") == {"ça", "va", "שלום", "ça va", "va שלום"}


def test_rare_terms_are_forgotten_and_frequent_ones_kept(monkeypatch):
    monkeypatch.setattr("disconnect_nlp.reports.words._MOST_TERMS", 200)
    counts = WordCounts(1)
    for number in range(300):
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        counts.add([f"void x{name} y{name}"], np.array([[number % 2]], dtype=np.uint8))
    assert counts.n_terms <= 210
    assert counts.marking(["civic"], most=50).empty  # "void" marks neither side
    assert counts._all[counts._terms["void"]] == 300


def test_a_change_is_found_where_it_is_and_chance_is_not_taken_for_one():
    rng = np.random.default_rng(1)
    planted = np.concatenate([rng.random(40) < 0.05, rng.random(40) < 0.7]).astype(np.uint8)
    found = change_point(planted)
    assert abs(found.place - 40) <= 4
    assert found.p < 0.01
    assert found.before < 0.2 < 0.5 < found.after
    by_chance = [change_point(rng.permutation(np.repeat([0, 1], [20, 12]).astype(np.uint8))).p for _ in range(300)]
    assert np.mean(np.array(by_chance) < 0.05) < 0.09
    assert change_point(np.array([0, 1] * 9)) is None
    assert change_point(np.zeros(50)) is None


def test_a_person_whose_writing_changed_is_told_from_one_whose_did_not(tmp_path):
    rows = []
    for day in range(80):
        when = (pd.Timestamp("2025-01-01") + pd.Timedelta(days=day)).date().isoformat()
        rows.append(row("a", {"distress": 0.9} if day >= 40 and day % 4 else {}, when=when, who="ann"))
        rows.append(row("b", {"distress": 0.9} if day % 4 == 0 else {}, when=when, who="bo"))
    data = report(write(tmp_path / "a.csv", rows), time_column="when", person_column="who")
    people = data["people"].set_index("person")
    assert people["change"].to_dict() == {"ann": True, "bo": False}
    assert people.loc["ann", "change_at"] == "2025-02-11"
    page = render_report(data)
    assert "Distress: 0 % of the earlier half, 75 % of the later." in page
    assert "0 % of the texts before 2025-02-11, 77 % from then on." in page
    assert "No difference between earlier and later half, and no change point, beyond chance." in page


def test_groups_that_differ_are_marked_and_groups_that_do_not_are_not(tmp_path):
    far = {"north": (0.1, 0.2, 0.1), "south": (0.1, 0.2, 0.6), "west": (0.1, 0.2, 0.1)}
    data = report(corpus(tmp_path / "far.csv", 600, shares=far), group_columns=["site"])
    marked_ = data["groups"][data["groups"]["differs"]]
    assert {("south", "distress")} <= set(zip(marked_["group"], marked_["label"], strict=True))
    assert set(marked_["label"]) == {"distress"}
    assert "Distress is more frequent in south" in render_report(data)
    alike = report(corpus(tmp_path / "alike.csv", 600, seed=1), group_columns=["site"])["groups"]
    assert not alike["differs"].any()
    assert alike["p"].notna().sum() == len(LABELS)  # two groups are one comparison a label
    assert (alike["difference_low"].dropna() <= alike["difference"].dropna()).all()


def test_many_false_groups_are_hardly_ever_marked(tmp_path):
    false = 0
    for seed in range(12):
        shares = {f"g{n}": (0.15, 0.2, 0.3) for n in range(5)}
        path = corpus(tmp_path / f"{seed}.csv", 300, seed=seed, shares=shares)
        false += bool(report(path, group_columns=["site"], text_column=None)["groups"]["differs"].any())
    assert false <= 3


def test_with_enough_persons_people_are_drawn_and_it_is_said(tmp_path):
    path = corpus(tmp_path / "a.csv", 300, persons=30)
    data = report(path, person_column="who", group_columns=["site"], time_column="when")
    assert set(data["prevalence"]["interval"]) == {"persons"}
    assert "persons were drawn, not texts" in render_report(data)
    few = report(corpus(tmp_path / "b.csv", 300, persons=4), person_column="who")
    assert set(few["prevalence"]["interval"]) == {"texts"}
    assert any("4 persons are too few to draw from" in note for note in few.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": "x_"}, "no columns x_<label> found"),
        ({"time_column": "date"}, "no column 'date'"),
        ({"group_columns": ["where"]}, "no column 'where'"),
        ({"person_column": "writer"}, "no column 'writer'"),
        ({"time_column": "who"}, "holds no date that can be read"),
    ],
)
def test_a_table_it_cannot_use_is_refused(table, options, message):
    with pytest.raises(DataError, match=message):
        report(table, **options)


def test_the_safety_screen_is_never_drawn_as_a_prevalence(table):
    text = table.read_text(encoding="utf-8")
    table.write_text(text.replace("numbness", "risk_language"), encoding="utf-8")
    rates = {"risk_language": Rates(90, 100, 10, 1000), "distress": Rates(90, 100, 10, 1000)}
    data = report(table, rates=rates)
    page = render_report(data)
    markdown = render_markdown(data)
    for shown in (page, markdown.replace("*", "")):
        flagged = re.sub("<[^>]*>", "", shown)
        assert "2 of 4 texts are flagged by the safety screen" in flagged
        assert "A person should read them first" in flagged
        assert "the number is no prevalence" in flagged
    assert "Risk language: flagged, read first" in page
    assert "| Risk language |" not in markdown
    assert markdown.split("## Passages")[1].startswith("\n\n### Risk language: flagged, read first\n\n> ")
    assert data["prevalence"].set_index("label")["corrected"].isna().to_dict()["risk_language"]
    assert "Safety screen: share of" not in page


@pytest.mark.parametrize(
    "text", ["12. x", "<b>x</b>", "a | b", "*x* _y_ `z`", "[x](http://y)", "# x", "- x", "1. x", "$x$ &amp;"]
)
def test_markdown_shows_a_text_as_it_is(text):
    shown = plain(text)
    assert re.sub(r"\\(.)", r"\1", shown) == text
    assert not re.search(r"(?<!\\)[*_`<\[|$&#]|^[-+]|^\d+[.]", shown)


def test_markdown_has_the_sections_and_marks_of_the_page(table):
    data = report(table, time_column="when", group_columns=["who"], id_column="who")
    page = render_markdown(data)
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == [
        "What is in it",
        "How sure is it",
        "Where it changes",
        "Passages",
        "In doubt: to read",
        "How to read this",
    ]
    assert r"**feel \<script\>**" in page
    assert "Ann, 2026-01-03" in page
    doubtful = page[page.index("## In doubt") :]
    assert "> soup" in doubtful
    assert "not given, score 0.10" in doubtful


def test_markdown_quotes_every_label_the_screened_ones_first(tmp_path):
    text = write(tmp_path / "a.csv", [row("soup", {label: 0.9}, uncertain=[label]) for label in LABELS]).read_text()
    for own, label in zip(LABELS, ("loneliness", "numbness", "risk_language"), strict=True):
        text = text.replace(own, label)
    (tmp_path / "a.csv").write_text(text)
    page = render_markdown(report(tmp_path / "a.csv"))
    names = ["Risk language: flagged, read first", "Emotional numbness", "Loneliness"]
    for part in ("## Passages\n", "## In doubt: to read\n"):
        assert re.findall("^### (.*)$", page.split(part)[1].split("\n## ")[0], re.MULTILINE) == names
    assert "Passages" not in render_markdown(report(tmp_path / "a.csv", text_column=None))


def test_markdown_shows_pairs_periods_and_persons_of_the_tables(tmp_path):
    shares = {"north": (0.5, 0.5, 0.3), "south": (0.5, 0.5, 0.3)}
    path = corpus(tmp_path / "a.csv", 200, shares=shares, persons=3, days=200)
    data = report(path, time_column="when", person_column="who")
    page = render_markdown(data)
    both = data["together"].set_index(["label", "other"]).loc[("professional", "numbness")]
    given = data["prevalence"].set_index("label")["given"]["professional"]
    (line,) = re.findall(rf"^\| Professional \({given}\) \|.*$", page, re.MULTILINE)
    assert line.split(" | ")[2] == f"{both['both'] / given:.0%}".replace("%", " %")
    for period, own in data["time"].groupby("period"):
        (line,) = re.findall(rf"^\| {period} \|.*$", page, re.MULTILINE)
        assert line.split(" | ")[1] == str(own["texts"].iloc[0])
    for person, own in data["people"].groupby("person"):
        part = page.split(f"#### {person}: ")[1].split("####")[0]
        assert part.startswith(f"{own['texts'].iloc[0]} texts, {own['first'].iloc[0]} to {own['last'].iloc[0]}")
        for row_ in own.itertuples():
            assert f"{100 * row_.share_early:.0f} % | {100 * row_.share_late:.0f} %" in part


def sentences(tmp_path):
    """Twelve texts, each of ten sentences that are all alike: numb or not."""
    rows = []
    for text in range(12):
        for number in range(1, 11):
            quote = "I feel numb." if text % 3 == 0 else "We had soup."
            whole, start = " ".join([quote] * 10), (len(quote) + 1) * (number - 1)
            given = {"numbness": 0.9} if text % 3 == 0 else {}
            evidence = [marked(quote, "numb", "numbness")] if given else []
            for item in evidence:
                item["start"], item["end"] = item["start"] + start, item["end"] + start
            place = {"sentence": number, "start": start, "end": start + len(quote), "quote": quote}
            own = {f"disconnect_{name}": value for name, value in place.items()}
            rows.append(row(whole, given, evidence=evidence, **own, when=f"2026-01-{text + 1:02}", who=f"p{text}"))
    return write(tmp_path / "sentences.csv", rows)


SENTENCES = {"sentences": True, "text_column": "disconnect_quote", "whole_column": "entry"}


def test_a_table_of_sentences_counts_and_shows_sentences_and_draws_texts(tmp_path):
    data = report(sentences(tmp_path), **SENTENCES, time_column="when")
    assert (data.n_texts, data.units) == (120, "sentences")
    numb = data["prevalence"].set_index("label").loc["numbness"]
    assert numb["interval"] == "texts"
    low, high = wilson(4, 12)  # ten sentences alike say no more than one
    assert numb["high"] - numb["low"] == pytest.approx(high - low, abs=0.1)
    passage = next(own for own in data.passages if own.labels)
    assert [(piece.text, piece.supports) for piece in passage.pieces] == [
        ("I feel ", ()),
        ("numb", ("numbness",)),
        (".", ()),
    ]
    for page in (unescape(render_report(data)), render_markdown(data)):
        assert "120 sentences" in page
        assert "120 texts" not in page
        assert "texts were drawn, not sentences" in page
    write_tables(data, tmp_path)
    assert "sentences" in pd.read_csv(tmp_path / "prevalence.csv").columns


@pytest.mark.parametrize("known_by", [{}, {"whole_column": None, "id_column": "who"}])
def test_which_text_a_sentence_stands_in_does_not_depend_on_the_order_of_rows(tmp_path, known_by):
    frame = pd.read_csv(sentences(tmp_path), dtype=str, keep_default_na=False)
    frame["disconnect_numbness"] = frame["when"].str[-1].isin(["1", "4", "7"]).astype(int)  # four texts of three kinds
    orders = {"as_made": frame, "sorted": frame.sort_values("disconnect_sentence", kind="stable")}
    found = []
    for name, ordered in orders.items():
        ordered.to_csv(tmp_path / f"{name}.csv", index=False)
        data = report(tmp_path / f"{name}.csv", **SENTENCES | known_by)
        numb = data["prevalence"].set_index("label").loc["numbness"]
        found.append((numb["interval"], numb["share"], round(numb["high"] - numb["low"], 1)))
    assert found == [("texts", pytest.approx(1 / 3), found[0][2])] * 2
    assert found[0][2] > 0.3


def test_sentences_of_unknown_texts_are_taken_as_independent_and_it_is_said(tmp_path):
    path = sentences(tmp_path)
    data = report(path, **SENTENCES | {"whole_column": None})
    assert set(data["prevalence"]["interval"]) == {"sentences"}
    assert "120 sentences name no text they stand in (name a column of the texts' ids with --id)" in data.notes[0]
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.assign(entry="another text").to_csv(path, index=False)
    (note,) = report(path, **SENTENCES).notes
    assert note.startswith("120 sentences do not stand in the text beside them (entry), so intervals take sentences as")


def test_a_table_of_sentences_needs_no_column_but_the_added_ones_and_takes_no_other_text(tmp_path):
    path = sentences(tmp_path)
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.filter(like="disconnect_").to_csv(tmp_path / "bare.csv", index=False)
    assert run(tmp_path / "bare.csv", "-o", tmp_path / "r.html").exit_code == 0
    assert "I feel numb." in re.sub("<[^>]*>", "", (tmp_path / "r.html").read_text())
    message = (
        "every row is a sentence, and its words stand in column 'disconnect_quote'. Leave --text-column nonsense out"
    )
    for command in (("report", path), ("readings", path, "-o", tmp_path / "x.csv")):
        with pytest.raises(DataError, match=message):
            CliRunner().invoke(app, [*map(str, command), "--text-column", "nonsense"], catch_exceptions=False)


def test_every_table_can_be_had_as_csv(tmp_path):
    data = report(
        corpus(tmp_path / "a.csv", persons=3), time_column="when", group_columns=["site"], person_column="who"
    )
    names = {path.name for path in write_tables(data, tmp_path)}
    assert names == {f"{name}.csv" for name in data.tables}
    for name, frame in data.tables.items():
        again = pd.read_csv(tmp_path / f"{name}.csv")
        assert list(again.columns) == list(frame.columns)
        assert len(again) == len(frame)


def run(*arguments):
    return CliRunner().invoke(app, ["report", *map(str, arguments)], catch_exceptions=False)


def test_the_command_writes_page_tables_and_plots_whole_or_not_at_all(tmp_path):
    file = corpus(tmp_path / "a.csv", 200, persons=3)
    (tmp_path / "out").mkdir()
    options = ["--time", "when", "--group", "site", "--group", "who", "--person", "who", "--no-texts"]
    places = ["--tables", tmp_path / "out/t", "--plots", tmp_path / "out/p", "-o", tmp_path / "out/r.html"]
    done = run(file, *options, *places)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["p", "r.html", "t"]
    kinds = {path.suffix for path in (tmp_path / "out/p").iterdir()}
    assert kinds == {".png", ".svg"}
    assert (tmp_path / "out/p/groups_2.png").read_bytes().startswith(b"\x89PNG")
    assert "By site" in (tmp_path / "out/r.html").read_text()
    with pytest.raises(DataError, match=r"r\.html exists"):
        run(file, *options, *places)
    with pytest.raises(DataError, match="t is not empty. Name another folder, or pass --force"):
        run(file, "--tables", tmp_path / "out/t", "-o", tmp_path / "new.html")
    assert not (tmp_path / "new.html").exists()
    assert run(file, *options, *places[-2:], "--force").exit_code == 0


def test_the_command_writes_markdown_by_suffix_or_by_wish(tmp_path):
    file = corpus(tmp_path / "a.csv", 60)
    assert run(file, "-o", tmp_path / "r.md").exit_code == 0
    assert (tmp_path / "r.md").read_text().startswith("# What the writing says: a.csv")
    assert run(file, "-o", tmp_path / "r.txt", "--format", "md").exit_code == 0
    assert (tmp_path / "r.txt").read_text() == (tmp_path / "r.md").read_text()
    with pytest.raises(DataError, match="--format 'pdf': allowed are html, md"):
        run(file, "--format", "pdf")


def test_a_manifest_beside_the_table_is_shown_and_names_the_model(tmp_path):
    file = corpus(tmp_path / "a.csv", 60)
    write_manifest(file, model={"name": "nowhere", "policy": "f1"}, library="0.1.0", list=[1, 2])
    assert run(file, "-o", tmp_path / "r.html").exit_code == 0
    page = (tmp_path / "r.html").read_text()
    assert "model.name</th><td>nowhere" in page
    assert "the model &#39;nowhere&#39; that labelled this table is not at hand" in page


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ("[]", ""),
        ("{", ""),
        ({"format": 2}, " (format)"),
        ({"options": {"text_columns": ["entry"], "labels": [], "prefix": None}}, " (options.prefix)"),
        ({"options": {"text_columns": "entry", "labels": []}}, " (options.text_columns)"),
        ({"options": {"text_columns": [], "labels": [], "of_tomorrow": 1}}, " (options.of_tomorrow)"),
        ({"counts": {}}, " (counts.rows)"),
    ],
)
def test_a_manifest_that_is_none_is_refused_by_every_command_with_its_place(tmp_path, broken, place):
    file = corpus(tmp_path / "a.csv", 60)
    if isinstance(broken, str):
        (tmp_path / "a.csv.manifest.json").write_text(broken)
    else:
        write_manifest(file, **broken)
    message = re.escape(f"a.csv.manifest.json: not a manifest of format 1{place}. Restore it, or take it away.")
    more = corpus(tmp_path / "more.csv", 60)
    options = ("--text-column", "entry", "--prefix", "x_", "--append-new", "--id-column", "who")
    commands = (
        ("report", file, "-o", "x.html"),
        ("readings", file, "-o", "x.csv"),
        ("label", more, "-o", file, *options),
    )
    for command in commands:
        with pytest.raises(DataError, match=message):
            CliRunner().invoke(app, [*map(str, command)], catch_exceptions=False)


def test_the_command_takes_prefix_column_and_sentences_from_the_manifest(tmp_path):
    file = corpus(tmp_path / "a.csv", 60)
    text = file.read_text(encoding="utf-8")
    renamed = tmp_path / "b.csv"
    renamed.write_text(text.replace("disconnect_", "dn_").replace(",entry,", ",what,"), encoding="utf-8")
    with pytest.raises(DataError, match="no columns disconnect_<label>"):
        run(renamed, "-o", tmp_path / "r.html")
    options = {"text_columns": ["what"], "labels": list(LABELS), "prefix": "dn_"}
    write_manifest(renamed, options=options)
    assert run(renamed, "-o", tmp_path / "r.html").exit_code == 0
    assert "marks professional" in (tmp_path / "r.html").read_text()
    split = sentences(tmp_path)
    done = run(split, "--model", "default", "-o", tmp_path / "s.html")
    assert "Report on 120 sentences" in done.output
    assert "error rates are measured on passages" in (tmp_path / "s.html").read_text()


def test_of_several_text_columns_each_can_be_reported(tmp_path):
    frame = pd.read_csv(corpus(tmp_path / "a.csv", 60), dtype=str, keep_default_na=False)
    added = [column for column in frame if column.startswith("disconnect_")]
    first = frame.rename(columns={name: name.replace("disconnect_", "disconnect_entry_") for name in added})
    second = frame[added].rename(columns=lambda name: name.replace("disconnect_", "disconnect_note_"))
    second["disconnect_note_numbness"] = "0"
    both = pd.concat([first, second, frame["entry"].rename("note").str.upper()], axis=1)
    both.to_csv(tmp_path / "two.csv", index=False)
    options = {"text_columns": ["entry", "note"], "labels": list(LABELS)}
    write_manifest(tmp_path / "two.csv", options=options)
    done = run(tmp_path / "two.csv", "-o", tmp_path / "r.md", "--tables", tmp_path / "t1")
    assert "On entry. Also labelled: --text-column note." in done.output
    run(tmp_path / "two.csv", "--text-column", "note", "-o", tmp_path / "r2.md", "--tables", tmp_path / "t2")
    given = [
        pd.read_csv(tmp_path / f"{t}/prevalence.csv").set_index("label")["given"]["numbness"] for t in ("t1", "t2")
    ]
    assert given == [(frame["disconnect_numbness"] == "1").sum(), 0]
    assert "MARKS PROFESSIONAL" in (tmp_path / "r2.md").read_text().replace("*", "")
    assert (tmp_path / "r2.md").read_text().startswith("# What the writing says: two.csv, note")
    with pytest.raises(DataError, match="'when' was not labelled. Labelled columns: entry, note"):
        run(tmp_path / "two.csv", "--text-column", "when", "-o", tmp_path / "r3.md")


def test_one_of_several_text_columns_can_be_reported_without_the_other(tmp_path):
    frame = pd.read_csv(corpus(tmp_path / "a.csv", 60), dtype=str, keep_default_na=False)
    added = [column for column in frame if column.startswith("disconnect_")]
    left = frame.rename(columns={name: name.replace("disconnect_", "disconnect_entry_") for name in added})
    left.to_csv(tmp_path / "one.csv", index=False)  # the column note and its labels were taken out
    write_manifest(tmp_path / "one.csv", options={"text_columns": ["note", "entry"], "labels": list(LABELS)})
    assert run(tmp_path / "one.csv", "-o", tmp_path / "r.html").exit_code == 0
    assert "marks professional" in (tmp_path / "r.html").read_text()


def test_texts_in_nested_json_are_reported_and_read_where_they_were_labelled(tmp_path):
    path, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    texts = ("I feel numb and empty.", "We had soup.")
    rows = [{"data": {"body": text, "who": "ann"}, "text": "a longer column of another name"} for text in texts]
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    command = ["label", str(path), "-o", str(out), "--model", "lexicon", "--text-column", "data.body"]
    assert CliRunner().invoke(app, command, catch_exceptions=False).exit_code == 0
    assert run(out, "--group", "data.who", "-o", tmp_path / "r.md", "--tables", tmp_path / "t").exit_code == 0
    assert "> I feel numb and empty." in (tmp_path / "r.md").read_text().replace("*", "")
    assert set(pd.read_csv(tmp_path / "t/groups.csv")["group"]) == {"ann"}
    layout = layout_of(open_reader(out), read_manifest(out))
    assert read_table(open_reader(out), text_column=layout.text_column).texts == [*texts]
    with pytest.raises(DataError, match=r"no column 'other\.body'"):
        run(out, "--text-column", "other.body", "-o", tmp_path / "r2.md")


def test_markdown_shows_every_plot_that_was_written(tmp_path):
    file = corpus(tmp_path / "a.csv", 200, persons=3)
    (tmp_path / "deep").mkdir()
    options = ["--time", "when", "--group", "site", "--person", "who", "--plots", tmp_path / "my plots"]
    assert run(file, *options, "-o", tmp_path / "deep/r.md").exit_code == 0
    page = (tmp_path / "deep/r.md").read_text()
    shown = re.findall(r"!\[([^]]+)\]\(<([^>]+)>\)", page)
    assert all(words for words, _ in shown)
    found = {(tmp_path / "deep" / unquote(address)).resolve() for _, address in shown}
    assert found == set((tmp_path / "my plots").glob("*.png"))
    run(file, *options[:-2], "-o", tmp_path / "deep/plain.md")
    assert "![" not in (tmp_path / "deep/plain.md").read_text()


def test_markdown_links_the_plots_of_the_persons_that_it_does_not_show(tmp_path):
    file = corpus(tmp_path / "a.csv", 200, persons=10)
    run(file, "--time", "when", "--person", "who", "--plots", tmp_path / "plots", "-o", tmp_path / "r.md")
    page = (tmp_path / "r.md").read_text()
    assert set(re.findall(r"\(<([^>]+)>\)", page)) == {
        f"plots/{path.name}" for path in (tmp_path / "plots").glob("*.png")
    }
    assert re.findall(r"(?<!!)\[(p\d)\]\(<plots/person_(\d+).png>\)", page) == [("p8", "9"), ("p9", "10")]
    run(file, "--time", "when", "--person", "who", "-o", tmp_path / "plain.md")
    assert "2 more persons" in (tmp_path / "plain.md").read_text()
    assert "Their plots" not in (tmp_path / "plain.md").read_text()


def test_own_error_rates_correct_the_shares(tmp_path):
    numbers = {"n_pos": 50, "n_given": 60, "recall": 0.8}
    rates = tmp_path / "rates.json"
    rates.write_text(json.dumps({"n": 500, "systems": {"model": {"labels": {"distress": numbers}}}}))
    assert read_rates(rates) == {"distress": Rates(40, 50, 20, 450)}
    file = corpus(tmp_path / "a.csv", 400)
    assert run(file, "--rates", rates, "-o", tmp_path / "r.html", "--tables", tmp_path / "t").exit_code == 0
    own = pd.read_csv(tmp_path / "t/prevalence.csv").set_index("label")
    share = own.loc["distress", "share"]
    assert own.loc["distress", "corrected"] == pytest.approx((share - 20 / 450) / (0.8 - 20 / 450), abs=1e-5)
    assert own["corrected"].isna().to_dict() == {"professional": True, "numbness": True, "distress": False}
    assert "by the error rates in rates.json" in (tmp_path / "r.html").read_text()
    rates.write_text("{}")
    with pytest.raises(DataError, match=r"rates\.json: not an evaluation"):
        read_rates(rates)


def test_without_error_rates_the_report_says_so(tmp_path):
    file = corpus(tmp_path / "a.csv", 60)
    for options, words in (([], "nothing says which model"), (["--model", "lexicon"], "not available for the model")):
        assert run(file, "-o", tmp_path / "r.html", "--force", *options).exit_code == 0
        assert words in (tmp_path / "r.html").read_text()


def test_labels_that_go_together_are_named_once_and_without_absurd_odds(tmp_path):
    rng = np.random.default_rng(2)
    rows = []
    for _ in range(300):
        numb = rng.random() < 0.3
        labels = {"numbness": 0.9, "distress": 0.9} if numb else {}  # never one without the other
        if rng.random() < (0.5 if numb else 0.1):
            labels["professional"] = 0.9
        rows.append(row("soup", labels))
    data = report(write(tmp_path / "a.csv", rows))
    counts = data["together"].set_index(["label", "other"]).loc[("professional", "numbness")]
    both = sum("professional" in own["disconnect_labels"] and "numbness" in own["disconnect_labels"] for own in rows)
    assert counts["both"] == both
    assert counts["low"] < counts["odds_ratio"] < counts["high"]
    lines = pairs(data)
    assert len(lines) == 3
    assert any("more than 100 times as high" in line for line in lines)
    assert sum("Professional disconnection and Emotional numbness" in line for line in lines) == 1

"""The report: its numbers, its escaping, and that it asks the network for nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from scipy.stats import binomtest

from disconnect_nlp.errors import DataError
from disconnect_nlp.reports.render import render_report
from disconnect_nlp.reports.summarise import mark_evidence, summarise, wilson
from disconnect_nlp.tables import open_reader

HEADER = (
    "entry,when,who,disconnect_status,disconnect_labels,disconnect_uncertain,disconnect_evidence,"
    "disconnect_numbness,disconnect_numbness_score\n"
)
NUMB = '"[{""start"": 2, ""end"": 6, ""label"": ""numbness"", ""counts"": true}]"'


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "labelled.csv"
    path.write_text(
        HEADER
        + f'I feel <script>alert("x")</script> & 😶,2026-01-03,Ann,ok,numbness,,{NUMB},1,0.91\n'
        + "soup,2026-01-04,Ann,ok,,numbness,[],0,0.2\n"
        + f"I feel flat,2026-03-01,Bo,ok,numbness,,{NUMB},1,0.7\n"
        + "what,no date,Bo,ok,,,[],0,0.1\n"
        + ",2026-03-02,Bo,empty,,,,,\n",
        encoding="utf-8",
    )
    return path


def test_it_counts_texts_labels_groups_and_periods(table):
    data = summarise(open_reader(table), text_column="entry", time_column="when", group_column="who", name="t")
    assert (data.n_rows, data.n_texts, data.undated) == (5, 4, 1)
    assert data.statuses == {"ok": 4, "empty": 1}
    assert data.given == {"numbness": 2}
    assert data.uncertain == {"numbness": 1}
    assert data.group_sizes == {"Ann": 2, "Bo": 2}
    assert data.period_unit == "month"
    assert sum(data.period_sizes) == 3
    assert 0 in data.period_sizes  # months without texts stay, as gaps
    assert sum(data.by_period["numbness"]) == 2
    assert [example.score for example in data.examples["numbness"]] == [0.91, 0.7]


def test_marks_stand_at_the_right_characters():
    evidence = [
        {"start": 3, "end": 6, "label": "numbness", "counts": True},
        {"start": 0, "end": 1, "label": "numbness", "counts": False},
        {"start": 1, "end": 2, "label": "distress", "counts": True},
    ]
    spans = mark_evidence("😶é\u0301abc", "numbness", evidence)
    assert [(span.text, span.evidence) for span in spans] == [("😶é\u0301", False), ("abc", True)]
    assert mark_evidence("", "numbness", []) == ()


def test_the_page_is_self_contained_and_escapes_texts(table):
    data = summarise(open_reader(table), text_column="entry", time_column="when", group_column="who", name="<t>")
    page = render_report(data)
    assert "<script" not in page
    assert "&lt;<mark>" not in page
    assert "&lt;script&gt;" in re.sub(r"</?mark>", "", page)
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "@import" not in page
    assert "default-src 'none'" in page
    for svg in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        root = ElementTree.fromstring(svg)
        assert root.attrib["aria-label"]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_texts_can_be_left_out(table):
    page = render_report(summarise(open_reader(table), text_column=None, name="t"))
    assert "I feel flat" not in page
    assert "In their words" not in page


def test_rendering_is_reproducible(table):
    pages = {render_report(summarise(open_reader(table), text_column="entry", time_column="when")) for _ in range(2)}
    assert len(pages) == 1


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (5, 50), (10, 10), (1, 1)])
def test_wilson_is_that_of_scipy(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == (pytest.approx(expected.low, abs=1e-4), pytest.approx(expected.high, abs=1e-4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prefix": "x_"}, "no columns x_<label> found"),
        ({"time_column": "date"}, "no column 'date'"),
        ({"time_column": "who"}, "holds no date that can be read"),
    ],
)
def test_a_table_it_cannot_use_is_refused(table, options, message):
    with pytest.raises(DataError, match=message):
        summarise(open_reader(table), text_column="entry", **options)

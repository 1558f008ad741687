"""The report: its numbers, its escaping, and that it asks the network for nothing."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pandas as pd
import pytest
from scipy.stats import binomtest

from disconnect_nlp.errors import DataError
from disconnect_nlp.reports.render import render_report
from disconnect_nlp.reports.summarise import mark_evidence, parse_times, summarise, wilson
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


def test_a_table_that_went_through_pandas_counts_the_same(table, tmp_path):
    again = tmp_path / "again.csv"
    pd.read_csv(table).to_csv(again, index=False)  # 1 becomes 1.0 where a row has no decision
    assert "1.0" in again.read_text()
    assert summarise(open_reader(again), text_column="entry").given == {"numbness": 2}


def test_a_decision_that_is_no_decision_is_refused(table):
    table.write_text(table.read_text(encoding="utf-8").replace(",1,0.91", ",yes,0.91"), encoding="utf-8")
    with pytest.raises(DataError, match="line 2: a decision must be 1, 0 or empty"):
        summarise(open_reader(table), text_column="entry")


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
    assert (low, high) == (pytest.approx(expected.low, abs=1e-4), pytest.approx(expected.high, abs=1e-4))


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


def test_the_safety_screen_is_never_drawn_as_a_prevalence(table):
    text = table.read_text(encoding="utf-8").replace("disconnect_numbness", "disconnect_risk_language")
    table.write_text(text.replace("numbness", "risk_language"), encoding="utf-8")
    page = render_report(summarise(open_reader(table), text_column="entry"))
    assert "2 of 4 texts are flagged. Many of them are harmless" in page
    assert "Safety screen: share of texts" not in page
    assert "A person should read them first" in page

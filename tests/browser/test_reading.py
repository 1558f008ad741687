"""The reading view in a real browser: the right characters marked, texts as texts, corrections kept."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from disconnect_nlp.reading.journal import Reading, journal_path, read_journal
from reading_tables import LABELS, ROWS, serving, session_of, write_table

QUOTES = [(number, label, quote) for number, row in enumerate(ROWS) for label, quote in row[3]]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("reading") / "t.csv")


@pytest.fixture
def own_table(tmp_path):
    return write_table(tmp_path / "t.csv")


def open_at(page, address, row=0):
    page.goto(address)
    heading(page, "r1")
    if row:
        page.goto(f"{address.split('?')[0]}#row={row}")
        page.reload()
        heading(page, f"r{row + 1}")


def heading(page, name):
    expect(page.locator("#heading")).to_contain_text(f"Passage {name},")


def saved(page):
    expect(page.locator("#saved")).to_have_text(re.compile(r"Saved\.$"))


def said(path, reader="ann"):
    return [(own.labels, own.state) for own in read_journal(journal_path(path, reader))[0].by_key.values()]


def test_marks_stand_on_exactly_the_words_of_the_evidence(page, table):
    with serving(table) as address:
        for row, label, quote in QUOTES:
            open_at(page, address, row)
            marks = page.locator(f"#text mark[data-labels~={label}]")
            assert "".join(marks.all_text_contents()) == quote
            assert page.evaluate("document.querySelector('#text').textContent") == ROWS[row][0]


def test_only_what_speaks_for_a_given_label_is_marked_and_the_rest_on_hovering_its_label(page, table):
    with serving(table) as address:
        open_at(page, address, 2)
        doubted = page.locator("#text mark[data-labels=distress]")
        assert "idle" in doubted.get_attribute("class")
        page.locator(".label[data-label=distress]").hover()
        assert "strong" in doubted.get_attribute("class")


def test_a_text_with_markup_stays_text_everywhere(page, own_table):
    with serving(own_table, context_columns=["day"]) as address:
        open_at(page, address, 2)
        assert page.locator("#text").inner_text() == ROWS[2][0]
        assert page.locator("#context").inner_text() == "day <i>3 & May</i>"
        assert "<b>reports</b>" in page.locator("#evidence").inner_text()
        note = '<img src=x onerror="window.hacked = 1">&amp;'
        page.fill("#note", note)
        saved(page)
        page.reload()
        expect(page.locator("#note")).to_have_value(note)
        assert page.evaluate("window.hacked") is None
        assert page.locator("#text b, #text script, #context i, img").count() == 0


def test_nothing_is_asked_of_anybody_else_and_nothing_private_is_left_in_the_browser(page, own_table):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    with serving(own_table) as address:
        open_at(page, address)
        page.keyboard.press("m")
        page.keyboard.type("between us")
        saved(page)
        home = address.split("?")[0]
        assert {url for url in asked if not url.startswith((home, "data:,"))} == set()
        left = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])")
        assert json.loads(left) == [{}, {}, "", f"{home}#row=0"]


def test_labels_are_corrected_by_keyboard_and_on_disk_before_the_page_says_so(page, own_table):
    with serving(own_table) as address:
        open_at(page, address)
        page.keyboard.press("5")  # distress
        saved(page)
        assert said(own_table) == [(("numbness", "distress"), "begun")]
        page.keyboard.press("3")
        page.keyboard.press("l")
        page.keyboard.type("civ")
        page.keyboard.press("Enter")
        expect(page.locator(".label.given")).to_have_count(2)
        page.keyboard.press("z")
        page.keyboard.press("Enter")
        heading(page, "r2")
        assert said(own_table) == [(("distress",), "read")]
        page.keyboard.press("Enter")
        heading(page, "r3")
        assert said(own_table)[1] == ((), "read")
        assert page.locator("#progress").inner_text() == "2 of 6 read"


def test_a_label_can_be_near_and_then_does_not_count(page, own_table):
    with serving(own_table) as address:
        open_at(page, address)
        page.keyboard.press("Shift+Digit3")
        page.locator(".label[data-label=numbness] select").select_option("past")
        saved(page)
    (reading,) = read_journal(journal_path(own_table, "ann"))[0].by_key.values()
    assert (reading.labels, reading.near) == ((), ("numbness:past",))


def test_work_survives_a_reload_and_a_new_start(page, own_table):
    with serving(own_table) as address:
        open_at(page, address, 4)
        page.keyboard.press("1")
        page.fill("#note", "café 😶‍🌫️")
        page.reload()  # before the pause after which a note is sent
        expect(page.locator("#note")).to_have_value("café 😶‍🌫️")
        assert page.is_checked(".label[data-label=professional] input")
    with serving(own_table) as address:
        open_at(page, address, 4)
        assert page.input_value("#note") == "café 😶‍🌫️"
        assert page.is_checked(".label[data-label=professional] input")


def test_what_could_not_be_saved_is_said_tried_again_and_not_left_behind(page, own_table):
    with serving(own_table) as address:
        open_at(page, address)
        page.route("**/api/reading", lambda route: route.abort())
        page.keyboard.press("5")
        expect(page.locator("#saved")).to_have_text(re.compile("^Not saved"))
        page.keyboard.press("j")
        page.wait_for_timeout(2500)
        assert "r1" in page.locator("#heading").inner_text()
        page.unroute("**/api/reading")
        saved(page)
        assert said(own_table) == [(("numbness", "distress"), "begun")]


def test_a_second_window_does_not_undo_the_first(page, own_table):
    with serving(own_table) as address:
        other = page.context.new_page()
        open_at(page, address)
        open_at(other, address)
        other.keyboard.press("2")
        saved(other)
        page.keyboard.press("5")
        expect(page.locator("#saved")).to_contain_text("another window")
        assert page.is_checked(".label[data-label=civic] input")
        assert said(own_table) == [(("civic", "numbness"), "begun")]


def test_filters_and_search_go_to_what_they_name(page, own_table):
    def wait(text):
        expect(page.locator("#position")).to_have_text(text)

    with serving(own_table) as address:
        open_at(page, address)
        wait("1 of 6")
        page.select_option("#label", "withdrawal")
        wait("1 of 2")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        wait("2 of 2")
        page.keyboard.press("j")
        wait("That was the last one.")
        page.keyboard.press("/")
        page.keyboard.type("no such words")
        page.keyboard.press("Enter")
        wait("No passage matches.")
        page.fill("#query", "לא בא")
        page.keyboard.press("Enter")
        wait("1 of 1")
        page.fill("#query", "")
        page.select_option("#label", "*")
        page.select_option("#by", "doubt")
        wait("1 of 2")


def test_a_blind_reader_sees_no_marks_scores_or_labels(page, own_table):
    with serving(own_table, "bo", blind=True) as address:
        open_at(page, address)
        assert page.locator("mark, .given, .doubt").count() == 0
        assert "".join(page.locator(".score").all_text_contents()) == ""
        assert not page.is_visible("#why")
        assert not page.is_visible("#by")


def test_disagreements_are_settled_in_the_same_view(page, own_table):
    for reader, labels in (("ann", ("numbness", "distress")), ("bo", ("numbness",))):
        with session_of(own_table, reader) as session:
            for row in (0, 1):
                reading = Reading(labels=labels if row == 0 else ())
                session.save(row, session.table.keys[row], reading, revision=0)
    with serving(own_table, "agreed", compare=("ann", "bo")) as address:
        page.goto(address)
        page.select_option("#show", "disagreement")
        expect(page.locator("#position")).to_have_text("1 of 1")
        assert page.locator(".label[data-label=distress] .said").inner_text() == "given by ann"
        assert page.locator(".label[data-label=numbness] .said").inner_text() == "given by ann and bo"
        page.keyboard.press("?")
        assert "Agreement on 2 passages read by both" in page.locator("#agreement").inner_text()
        page.keyboard.press("Escape")
        page.keyboard.press("5")
        page.keyboard.press("Enter")
        saved(page)
        assert said(own_table, "agreed") == [(("numbness", "distress"), "read")]


def test_single_keys_can_be_switched_off(page, own_table):
    with serving(own_table) as address:
        open_at(page, address)
        page.keyboard.press("?")
        page.uncheck("#shortcuts")
        page.keyboard.press("Escape")
        page.keyboard.press("5")
        page.reload()
        page.keyboard.press("5")
        page.wait_for_timeout(300)
        assert said(own_table) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_its_width_and_can_be_read_and_used_by_all(page, table, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    with serving(table) as address:
        open_at(page, address, 2)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert problems(page) == []
        for name in LABELS:  # every control is reached and shows where it is
            box = page.locator(f".label[data-label={name}] input")
            box.focus()
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
            assert box.evaluate("own => getComputedStyle(own).outlineStyle") == "solid"


def problems(page):
    from axe_playwright_python.sync_playwright import Axe

    return [(item["id"], item["nodes"][0]["html"]) for item in Axe().run(page).response["violations"]]

"""The report in a real browser: what a reader sees, clicks and types."""

from __future__ import annotations

import pytest

from disconnect_nlp.reports.render import render_report
from disconnect_nlp.reports.summarise import summarise
from disconnect_nlp.tables import open_reader
from labelled import marked, row, write

ODD = [
    ("😶 e\u0301te\u0301 & I feel nothing today 👩‍👩‍👧", "feel nothing"),
    ("אני לא מרגיש כלום היום, nothing at all", "nothing at all"),
    ('I feel <img src=x onerror="document.title=1"> flat </blockquote><script>alert(1)</script>', "flat"),
    ("line one\nline  two is empty", "two is empty"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    rows = [
        row(
            text,
            {"numbness": 0.9 - n / 100},
            evidence=[marked(text, quote, "numbness")],
            when=f"2026-01-0{n + 1}",
            who="Ann",
        )
        for n, (text, quote) in enumerate(ODD)
    ]
    both = "I feel numb and I worry all night, I never lie awake."
    evidence = [
        marked(both, "feel numb", "numbness"),
        marked(both, "worry", "distress"),
        marked(both, "lie awake", "distress", counts=False, status="negated", cue={"quote": "never"}),
    ]
    rows.append(row(both, {"numbness": 0.8, "distress": 0.95}, evidence=evidence, when="2026-01-20", who="Bo"))
    rows.append(row("maybe tired", uncertain=["distress"], when="2026-02-01", who="Bo"))
    rows += [
        row(f"soup number {n}, the void again", {"professional": 0.5 + n / 100}, when="2026-02-02", who="Bo")
        for n in range(40)
    ]
    rows += [row(f"bread {n}", when="2026-03-02", who="Cy") for n in range(40)]
    folder = tmp_path_factory.mktemp("report")
    data = summarise(
        open_reader(write(folder / "a.csv", rows)), text_column="entry", time_column="when", group_columns=["who"],
        person_column="who", name="a <b>name</b>", max_examples=80,
    )  # fmt: skip
    (folder / "report.html").write_text(render_report(data), encoding="utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture
def seen(page, report):
    page.asked, page.said = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.said.append(message.text))
    page.on("dialog", lambda dialog: page.said.append(dialog.message))
    page.goto(report)
    return page


def shown(page):
    return page.locator(".passage:visible")


def test_it_asks_for_nothing_and_its_policy_stops_nothing_of_its_own(seen, report):
    assert seen.asked == [report]
    assert seen.said == []


def test_marks_stand_at_the_right_characters_whatever_the_script(seen):
    seen.select_option("#f-label", "numbness")
    marks = seen.locator(".passage:visible mark:not(.off)").all_text_contents()
    assert sorted(marks) == sorted([quote for _, quote in ODD] + ["feel numb"])
    texts = seen.locator(".passage:visible blockquote").all_text_contents()
    assert {text for text, _ in ODD} <= set(texts)


def test_a_text_that_looks_like_markup_stays_text(seen):
    assert seen.locator("blockquote img, blockquote script, main h1 b").count() == 0
    assert seen.title() == "Disconnection report: a <b>name</b>"
    assert seen.locator("h1").text_content() == "What the writing says: a <b>name</b>"


def test_choosing_a_label_shows_its_passages_and_only_its_marks(seen):
    seen.select_option("#f-label", "distress")
    assert shown(seen).count() == 2
    assert seen.locator("#f-count").text_content() == f"2 of {seen.locator('.passage').count()} passages"
    assert seen.locator(".passage:visible mark:not(.off)").all_text_contents() == ["worry", "lie awake"]
    gone = seen.locator(".passage:visible mark.gone")
    assert gone.text_content() == "lie awake"
    assert "line-through" in gone.evaluate("node => getComputedStyle(node).textDecorationLine")
    assert "negated by “never”" in shown(seen).first.text_content()


def test_decisions_in_doubt_can_be_read_alone(seen):
    seen.select_option("#f-kind", "doubt")
    assert shown(seen).locator("blockquote").all_text_contents() == ["maybe tired"]
    seen.select_option("#f-kind", "sure")
    assert "maybe tired" not in shown(seen).locator("blockquote").all_text_contents()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ÉTÉ", 1),
        ("e\u0301te\u0301", 1),
        ("כלום", 1),
        ("<script>", 1),
        ("👩‍👩‍👧", 1),
        ("worry", 1),
        ("no such words", 0),
        ("  ", None),
    ],
)
def test_search_finds_words_in_any_script_and_form(seen, words, found):
    seen.fill("#f-search", words)
    expected = seen.locator(".passage").count() if found is None else found
    assert seen.locator("#f-count").text_content().startswith(f"{expected} of ")


def test_passages_come_in_the_order_asked_for_and_more_on_demand(seen):
    seen.select_option("#f-label", "professional")
    assert shown(seen).count() == 25
    assert shown(seen).first.locator("blockquote").text_content().startswith("soup number 39,")
    seen.click("#f-more")
    assert shown(seen).count() == 40
    assert seen.locator("#f-more").is_hidden()
    seen.select_option("#f-order", "low")
    assert shown(seen).first.locator("blockquote").text_content().startswith("soup number 0,")


def test_the_keyboard_reaches_every_control_and_a_word_leads_to_its_passages(seen):
    seen.focus("button.term")
    term = seen.evaluate("document.activeElement.dataset.term")
    seen.keyboard.press("Enter")
    assert seen.evaluate("document.activeElement.id") == "f-search"
    assert seen.input_value("#f-search") == term
    assert seen.input_value("#f-label") == "professional"
    assert shown(seen).count() == 25
    reached = set()
    for _ in range(6):
        seen.keyboard.press("Shift+Tab")
        reached.add(seen.evaluate("document.activeElement.id"))
        outline = seen.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"  # where the focus is can be seen
    assert {"f-label", "f-kind", "f-order"} <= reached


def test_everything_can_be_read_without_script(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    assert page.locator(".passage:visible").count() == page.locator(".passage").count() > 40
    assert page.locator("#filters").is_hidden()
    context.close()


def test_print_opens_what_is_folded(seen):
    assert seen.locator("details:not([open])").count() > 0
    seen.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.locator("details:not([open])").count() == 0


@pytest.mark.parametrize("width", [360, 390, 768])
def test_a_narrow_screen_scrolls_one_way_only(seen, width):
    seen.set_viewport_size({"width": width, "height": 800})
    assert seen.evaluate("document.documentElement.scrollWidth") <= width


CONTRAST = """([selector, behind]) => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
    const light = (node, property) => {
        canvas.fillStyle = getComputedStyle(node)[property];
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
            .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const find = (own) => document.querySelector(own);
    const pair = [light(find(selector), 'color'), light(find(behind), 'backgroundColor')];
    return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_themes(seen, scheme):
    seen.emulate_media(color_scheme=scheme)
    pairs = [
        ("p", "body"),
        (".dim", "body"),
        ("a[href='#what']", "body"),
        ("mark", "mark"),
        ("mark.gone", "mark.gone"),
        (".chips .doubt", ".passage"),
    ]
    for selector, behind in pairs:
        assert seen.evaluate(CONTRAST, [selector, behind]) >= 4.5, selector

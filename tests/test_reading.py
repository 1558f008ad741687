"""The reading view below the page: who may ask, what is on disk, what comes out."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import stat
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labelled
from disconnect_nlp.errors import DataError, TaxonomyError
from disconnect_nlp.eval.datasets import read_dataset
from disconnect_nlp.labelling.layout import layout_of
from disconnect_nlp.reading.agreement import agreement, alpha
from disconnect_nlp.reading.export import disagreement_rows, export_rows
from disconnect_nlp.reading.journal import Header, Journal, Reading, journal_path, read_journal
from disconnect_nlp.reading.opening import open_material
from disconnect_nlp.reading.passages import cut, sound_evidence
from disconnect_nlp.reading.server import make_app, serve
from disconnect_nlp.reading.session import Filter, Source, StaleReading
from disconnect_nlp.reading.table import passage_keys
from disconnect_nlp.tables import open_reader
from reading_tables import LABELS, ROWS, TOKEN, material_of, session_of, write_table

HEADER = Header(table="t.csv", reader="ann", labels=LABELS, blind=False, taxonomy="1.0.0")


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "t.csv")


@pytest.fixture
def session(table):
    with session_of(table) as session:
        yield session


def say(path, reader, said, **options):
    """Let a reader read rows: row to labels, or to a whole Reading."""
    with session_of(path, reader, **options) as session:
        for row, own in said.items():
            reading = own if isinstance(own, Reading) else Reading(labels=own)
            session.save(row, session.table.keys[row], reading, revision=0)


# --- passages


TEXTS = st.text(st.sampled_from("ab 😶\u0301\u200dא\n<&\ud83d"), min_size=1, max_size=30)


@given(TEXTS, st.data())
def test_pieces_make_up_the_text_and_every_span_covers_exactly_its_characters(text, data):
    ends = st.integers(0, len(text))
    spans = [
        (min(pair), max(pair)) for pair in data.draw(st.lists(st.tuples(ends, ends), max_size=6)) if pair[0] != pair[1]
    ]
    pieces = cut(text, spans)
    assert "".join(piece for piece, _ in pieces) == text
    for number, (start, end) in enumerate(spans):
        assert "".join(piece for piece, inside in pieces if number in inside) == text[start:end]


@pytest.mark.parametrize(
    "cell",
    [
        "not JSON",
        '{"start": 0}',
        '[{"start": 0, "end": 99, "label": "civic"}]',
        '[{"start": 3, "end": 3, "label": "civic"}]',
        '[{"start": "0", "end": 2, "label": "civic"}]',
        '[{"start": 0, "end": 2, "label": "civic", "quote": "Yo"}]',  # the text was changed after labelling
        '["civic"]',
    ],
)
def test_evidence_that_does_not_fit_its_text_is_counted_and_never_shown(cell):
    assert sound_evidence(cell, "My vote", ["civic"]) == ([], 1)


# --- the journal


def test_what_is_acknowledged_is_on_disk_for_its_owner_alone(session, table):
    key = session.table.keys[1]
    session.save(1, key, Reading(labels=("civic",), near=("distress:past",), note="…"), revision=0)
    path = journal_path(table, "ann")
    last = json.loads(path.read_bytes().splitlines()[-1])
    assert (last["id"], last["labels"], last["near"], last["state"]) == ("r2", ["civic"], ["distress:past"], "read")
    assert "soup" not in path.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400), st.lists(st.sampled_from(LABELS), unique=True))
def test_a_journal_cut_anywhere_keeps_every_whole_line_and_can_be_written_on(tmp_path_factory, cut_off, labels):
    path = tmp_path_factory.mktemp("j") / "t.ann.readings.jsonl"
    journal = Journal(path, HEADER)
    for number in range(3):
        journal.record(f"k{number}", Reading(labels=("civic",), note="half a word 😶"), id=str(number))
    journal.close()
    whole = path.read_bytes()
    left = whole[: max(0, len(whole) - cut_off)]
    path.write_bytes(left)
    expected = max(0, left.count(b"\n") - 1)
    journal = Journal(path, HEADER)
    assert len(journal.readings.by_key) == expected
    journal.record("new", Reading(labels=tuple(labels)), id="9")
    journal.close()
    again, size = read_journal(path)
    assert size == path.stat().st_size
    assert set(again.by_key) == {*(f"k{n}" for n in range(expected)), "new"}


def test_a_full_disk_is_told_and_leaves_no_half_line(session, table, monkeypatch):
    path = journal_path(table, "ann")
    before = path.read_bytes()
    write = os.write

    def full(file, data):
        write(file, bytes(data[:7]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DataError, match=r"could not be written \(No space left on device\). Nothing was saved"):
        session.save(0, session.table.keys[0], Reading(), revision=0)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert session.counts()["read"] == 0
    assert session.save(0, session.table.keys[0], Reading(), revision=0) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense with somebody's words", r"line 2: not a line of a reading journal"),
        ('{"key": "k", "id": "1", "at": "", "labels": ["somebody\'s words"]}', "a value that is no label id"),
        ('{"key": "k", "id": "1", "at": "", "labels": ["civic"], "near": ["civic:past"]}', "both given and near"),
        ('{"key": "k", "id": "1", "at": "", "near": ["civic:because"]}', "label:reason with a reason of negated, past"),
    ],
)
def test_a_line_that_is_no_reading_is_refused_by_its_place_without_its_words(tmp_path, line, message):
    path = tmp_path / "t.ann.readings.jsonl"
    path.write_text(HEADER.model_dump_json() + "\n" + line + "\n")
    with pytest.raises(DataError, match=message) as caught:
        read_journal(path)
    assert "words" not in str(caught.value)


def test_a_second_view_on_the_same_journal_is_refused_and_leaves_no_lock(table):
    with session_of(table), pytest.raises(DataError, match="open in another reading view"):
        material_of(table).session()
    assert sorted(path.name for path in table.parent.iterdir()) == ["t.ann.readings.jsonl", "t.csv"]


def test_readings_follow_their_texts_when_the_table_is_made_anew(table):
    say(table, "ann", {0: ("distress",), 3: ("civic",)})
    new = [(f"New and early, {number}.", (), (), []) for number in range(2)]
    write_table(table, [*new, *reversed(ROWS[1:])])
    with session_of(table) as session:
        labels = {session.table.texts[row]: session.passage(row)["labels"] for row in range(len(session.table))}
        assert labels[ROWS[3][0]] == ["civic"]
        assert session.elsewhere == 1
    assert len(read_journal(journal_path(table, "ann"))[0].by_key) == 2


def test_equal_texts_are_read_one_by_one():
    assert len(set(passage_keys(["a", "a", "b", "a"]))) == 4


def test_a_journal_in_which_nothing_was_said_binds_nobody(table):
    with session_of(table, labels=("civic",)):
        pass
    with session_of(table, blind=True) as session:
        session.save(0, session.table.keys[0], Reading(), revision=0)
    assert read_journal(journal_path(table, "ann"))[0].header.blind


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ("civic",)}, "begun for other labels too: professional, numbness, withdrawal, distress"),
        ({"blind": True}, "begun with the model's labels in view"),
        ({"labels": ("scale",)}, "was not labelled with scale"),
    ],
)
def test_a_journal_begun_otherwise_is_not_mixed(table, options, message):
    say(table, "ann", {0: ()})
    with pytest.raises(DataError, match=message):
        material_of(table, **options)


# --- the session


def test_filters_find_what_they_say(session):
    key = session.table.keys
    session.save(1, key[1], Reading(labels=("civic",), note="odd"), revision=0)
    session.save(5, key[5], Reading(labels=("civic", "withdrawal"), state="begun"), revision=0)

    def rows(**wanted):
        found, at = [], -1
        while (at := session.find(at, "next", Filter(**wanted))[0]) is not None:
            found.append(at)
        return found

    assert rows() == [0, 1, 2, 3, 4, 5]
    assert rows(show="unread") == [0, 2, 3, 4]
    assert rows(show="read") == rows(show="noted") == rows(show="changed") == [1]
    assert rows(show="begun") == [5]
    assert rows(label="civic") == [1, 5]
    assert rows(by="model", label="civic") == [5]
    assert rows(by="doubt") == [2, 3]
    assert rows(query="CAFE\u0301") == [4]
    assert rows(show="unread", by="model", query="again") == [3]


def test_moving_stops_at_both_ends_and_finds_the_nearest(session):
    wanted = Filter(by="model")  # all but row 1
    assert session.find(5, "next", wanted) == (None, 0, 5)
    assert session.find(0, "previous", wanted) == (None, 0, 5)
    assert session.find(1, "here", wanted) == (2, 2, 5)
    assert session.find(99, "here", wanted) == (5, 5, 5)
    assert session.find(3, "first", wanted)[0] == 0
    assert session.find(3, "last", wanted)[0] == 5
    assert session.find(0, "here", Filter(query="no such words")) == (None, 0, 0)


def test_an_older_window_cannot_overwrite_a_newer_reading(session):
    key = session.table.keys[0]
    assert session.save(0, key, Reading(labels=("civic",)), revision=0) == 1
    with pytest.raises(StaleReading, match="changed in another window"):
        session.save(0, key, Reading(labels=("distress",)), revision=0)
    assert session.save(0, key, Reading(labels=("civic",)), revision=0) == 1  # the same again, its answer lost
    assert session.passage(0)["labels"] == ["civic"]


def test_words_of_one_window_may_overtake_each_other(session):
    key = session.table.keys[0]

    def save(turn, note, *, window="a", revision=0):
        return session.save(0, key, Reading(note=note), revision=revision, source=Source(window, turn))

    assert save(2, "sent as the page was left") == 1
    assert save(1, "sent before, came after") == 1
    assert session.passage(0)["note"] == "sent as the page was left"
    assert save(3, "newer still") == 2
    with pytest.raises(StaleReading):
        save(9, "another window", window="b", revision=1)
    assert save(1, "another window", window="b", revision=2) == 3
    with pytest.raises(StaleReading):
        save(4, "the first again", revision=2)


def test_unread_takes_everything_back(session):
    key = session.table.keys[0]
    session.save(0, key, Reading(labels=("civic",), note="x"), revision=0)
    session.save(0, key, Reading(state="unread"), revision=1)
    shown = session.passage(0)
    assert (shown["labels"], shown["note"], shown["state"]) == (["numbness"], "", "unread")
    assert session.counts()["read"] == 0


def test_a_blind_reader_gets_nothing_of_the_models(table):
    with session_of(table, "bo", blind=True) as session:
        shown = session.passage(0)
        assert (shown["labels"], shown["evidence"], shown["model"], len(shown["pieces"])) == ([], [], None, 1)
        with pytest.raises(DataError, match="does not show what the model says"):
            session.find(0, "here", Filter(by="doubt"))
        session.save(1, session.table.keys[1], Reading(), revision=0)
    with session_of(table, "bo") as session:  # and stays blind
        assert session.blind


def test_a_table_no_model_has_labelled_can_be_read_blind_only(tmp_path):
    path = tmp_path / "raw.csv"
    path.write_text("id,entry\n1,soup\n2,\n")
    with pytest.raises(DataError, match="was not labelled by 'disconnect-nlp label'. Label it, or pass --blind"):
        material_of(path)
    with session_of(path, blind=True, labels=("civic",)) as session:
        assert session.counts() == {"unread": 1, "begun": 0, "read": 0, "all": 1}
        assert session.table.skipped == {"empty": 1}


def test_a_table_of_sentences_is_read_sentence_by_sentence_with_marks_in_place(tmp_path):
    text = "We had soup. I feel numb 😶."
    shown = (("We had soup.", []), ("I feel numb 😶.", [(20, 24, "numb")]))
    rows = []
    for number, (quote, marks) in enumerate(shown, start=1):
        start = text.index(quote)
        place = {"sentence": number, "start": start, "end": start + len(quote), "quote": quote}
        evidence = [
            {"start": a, "end": b, "quote": words, "label": "numbness", "counts": True} for a, b, words in marks
        ]
        rows.append(
            labelled.row(text, {"numbness": 0.9} if marks else {}, evidence=evidence)
            | {f"disconnect_{name}": value for name, value in place.items()}
        )
    path = labelled.write(tmp_path / "s.csv", rows)
    layout = layout_of(open_reader(path), None)
    options = {"text_column": layout.text_column, "sentences": layout.sentences}
    material = open_material(path, open_reader(path), reader_name="ann", **options)
    assert material.table.texts == [quote for quote, _ in shown]
    found, unfit = sound_evidence(material.table.evidence[1], material.table.texts[1], LABELS)
    assert (unfit, [(item["start"], item["end"]) for item in found]) == (0, [(7, 11)])


def test_a_label_cell_with_somebodys_words_is_refused_without_them(table):
    table.write_text(table.read_text(encoding="utf-8").replace(",numbness,,", ",I feel glum,,"), encoding="utf-8")
    with pytest.raises(TaxonomyError, match="line 2: unknown label") as caught:
        material_of(table)
    assert "glum" not in str(caught.value)


# --- two readers


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_alpha_is_that_of_the_krippendorff_package(pairs):
    first, second = np.array(pairs).T
    cells = [(first & second).sum(), (first & ~second).sum(), (~first & second).sum(), (~first & ~second).sum()]
    own = float(alpha(np.array(cells)))
    if len({*first, *second}) == 1:
        assert np.isnan(own)
    else:
        data = np.array(pairs, dtype=float).T
        assert own == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"))


def test_two_readers_are_compared_on_what_both_have_read(table):
    say(table, "ann", {0: ("numbness",), 1: (), 2: ("civic",), 3: ("civic",), 4: Reading(state="begun")})
    say(table, "bo", {0: ("numbness",), 1: ("distress",), 2: ("civic",), 4: ("distress",)}, blind=True)
    material = material_of(table, "agreed", compare=("ann", "bo"))
    rows = {row.label: row for row in agreement(material.table, material.others)}
    civic, distress, professional = rows["civic"], rows["distress"], rows["professional"]
    assert (civic.n, civic.both, civic.neither) == (3, 1, 2)
    assert (civic.alpha, civic.positive_agreement) == (1.0, 1.0)
    assert (distress.second_only, distress.positive_agreement) == (1, 0.0)
    assert distress.alpha == pytest.approx(0.0)
    assert distress.alpha_low <= distress.alpha <= distress.alpha_high
    assert (professional.alpha, professional.positive_agreement) == (None, None)
    disputed = list(disagreement_rows(material.table, material.others))
    assert [(row["id"], row["both"], row["only_ann"], row["only_bo"]) for row in disputed] == [
        ("r2", "", "", "distress")
    ]


def test_an_adjudicator_starts_from_what_is_agreed_and_settles_the_rest(table):
    say(table, "ann", {0: ("numbness", "distress"), 1: ("civic",)})
    say(table, "bo", {0: ("numbness",), 1: ("civic",)})
    with session_of(table, "agreed", compare=("ann", "bo")) as session:
        assert session.find(0, "here", Filter(show="disagreement")) == (0, 1, 1)
        shown = session.passage(0)
        assert shown["labels"] == ["numbness"]
        assert [(own["name"], own["labels"]) for own in shown["readers"]] == [
            ("ann", ("numbness", "distress")),
            ("bo", ("numbness",)),
        ]
        rows = list(export_rows(session.table, session.journal.readings, others=session.others))
        assert [(row["id"], row["labels"]) for row in rows] == [("r2", "civic")]
        session.save(0, shown["key"], Reading(labels=("distress",)), revision=0)
        rows = list(export_rows(session.table, session.journal.readings, others=session.others))
        assert [(row["id"], row["labels"]) for row in rows] == [("r1", "distress"), ("r2", "civic")]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("ann", "cy"), r"t.cy.readings.jsonl: no such journal"),
        (("ann", "ann"), "name two different readers"),
        (("ann",), "name two different readers"),
        (("ann", "bo"), "have read no passage in common"),
    ],
)
def test_readers_that_cannot_be_compared_are_refused(table, names, message):
    say(table, "ann", {0: ()})
    say(table, "bo", {1: ()})

    def compare():
        material = material_of(table, "agreed", compare=names)
        return agreement(material.table, material.others)

    with pytest.raises(DataError, match=message):
        compare()


# --- the server


@pytest.fixture
def client(session):
    client = make_app(session, token=TOKEN).test_client()
    assert client.get(f"/?token={TOKEN}").status_code == 303
    return client


def told(session, **changes):
    reading = {"labels": ["civic"], "near": [], "note": "", "state": "read"}
    key = session.table.keys[0]
    return {"row": 0, "key": key, "revision": 0, "window": "w", "turn": 1, "reading": reading, **changes}


PATHS = ["/", "/assets/read.js", "/api/words", "/api/passage", "/api/agreement"]


@pytest.mark.parametrize("path", [*PATHS, "/?token=wrong", "/?token=", "/api/words?token=" + TOKEN])
def test_without_the_token_nothing_is_shown(session, path):
    answer = make_app(session, token=TOKEN).test_client().get(path)
    assert answer.status_code == 403
    assert b"numb" not in answer.data


def test_the_token_is_handed_over_to_a_cookie_that_no_script_and_no_other_site_can_use(session):
    answer = make_app(session, token=TOKEN).test_client().get(f"/?token={TOKEN}")
    assert answer.headers["Location"] == "/"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_forbids_caching_framing_and_anything_from_elsewhere(client, path):
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),  # a name that was made to point here
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "localhost:8765"}, 200),  # through a tunnel
        ({"Host": "[::1]:8765"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:9"}, 403),  # another port is another page
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_only_the_page_itself_may_ask(session, headers, status):
    client = make_app(session, token=TOKEN).test_client(use_cookies=False)
    cookie = f"disconnect_read_{TOKEN[:8]}={TOKEN}"
    assert client.get("/api/passage", headers={"Cookie": cookie, **headers}).status_code == status


@pytest.mark.parametrize(
    ("send", "status"),
    [
        (lambda told: {"json": told}, 200),
        (lambda told: {"data": json.dumps(told), "content_type": "text/plain"}, 415),  # what a foreign form can send
        (lambda told: {"json": {**told, "row": 1}}, 400),
        (lambda told: {"json": {**told, "row": -1}}, 400),
        (lambda told: {"json": {**told, "revision": 7}}, 409),
        (lambda told: {"json": {**told, "reading": {"labels": ["scale"]}}}, 400),
        (lambda told: {"json": {**told, "reading": {"note": "x" * 20_001}}}, 400),
        (lambda told: {"json": {**told, "extra": 1}}, 400),
        (lambda told: {"json": {**told, "window": "w" * 41}}, 400),
        (lambda told: {"data": "x" * 2_000_000, "content_type": "application/json"}, 413),
        (lambda told: {"data": "my words", "content_type": "application/json"}, 400),
    ],
)
def test_only_a_sound_reading_is_written(client, session, table, send, status):
    before = journal_path(table, "ann").read_bytes()
    answer = client.post("/api/reading", **send(told(session)))
    assert answer.status_code == status
    assert (journal_path(table, "ann").read_bytes() != before) == (status == 200)
    assert "words" not in answer.text


def test_a_question_that_makes_no_sense_is_refused(client):
    assert client.get("/api/passage?go=sideways").json["error"] == "not understood: go"
    assert client.get("/api/passage?label=scale").status_code == 400
    assert client.get("/assets/../server.py").status_code == 404
    assert client.post("/api/passage").status_code == 405


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org", ""])
def test_it_cannot_be_bound_to_anything_but_this_machine(session, host):
    with pytest.raises(DataError, match="texts are served to this machine only"):
        serve(make_app(session, token=TOKEN), host=host, port=0)


# --- the commands


def run(*arguments, **options):
    command = [sys.executable, "-m", "disconnect_nlp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


def test_a_correction_survives_a_kill_and_comes_out_as_data_that_eval_reads(table):
    command = [sys.executable, "-m", "disconnect_nlp", "read", table, "--reader", "ann", "--id", "id"]
    process = subprocess.Popen([*command, "--text-column", "entry"], stdout=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in process.stdout if (found := re.search(r"http://127\.\S+", line)))
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        base = address.split("?")[0]
        assert b"Passages" in browser.open(address).read()
        for row in (2, 0):
            shown = json.load(browser.open(f"{base}api/passage?at={row}"))["passage"]
            said = {"labels": ["distress"], "note": "=1+1", "state": "read"}
            body = {"row": row, "key": shown["key"], "revision": 0, "window": "w", "turn": 1, "reading": said}
            browser.open(
                urllib.request.Request(
                    f"{base}api/reading", json.dumps(body).encode(), {"Content-Type": "application/json"}
                )
            )
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    out = table.with_name("mine.csv")
    done = run("readings", table, "--reader", "ann", "--id", "id", "--text-column", "entry", "-o", out)
    assert done.returncode == 0, done.stderr
    assert "2 passages read" in done.stdout
    assert out.read_text(encoding="utf-8-sig").splitlines()[0] == "id,text,labels,near,note"
    dataset = read_dataset(out)
    assert dataset.texts == (ROWS[0][0], ROWS[2][0])
    assert dataset.truth.sum() == 2
    with session_of(table) as session:  # the dead view's lock holds nobody up
        assert session.counts()["read"] == 2


def test_two_readers_are_compared_in_the_terminal(table):
    say(table, "ann", {0: ("numbness",), 1: ()})
    say(table, "bo", {0: ("numbness",), 1: ("distress",)})
    listed = table.with_name("d.csv")
    arguments = ("--id", "id", "--text-column", "entry", "--compare", "ann", "--compare", "bo", "--no-texts")
    done = run("readings", table, *arguments, "--disagreements", listed)
    assert done.returncode == 0, done.stderr
    assert "2 passages read by both" in done.stdout
    assert re.search(r"numbness.* 1\.00 .* 1\.00", done.stdout)
    assert listed.read_text(encoding="utf-8-sig").splitlines()[1] == "r2,,,distress,,"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["readings"], "nothing to do. Pass -o FILE"),
        (["readings", "-o", "x.csv"], "no such journal. Read with 'disconnect-nlp read' first"),
        (["readings", "-o", "x.csv", "--disagreements", "y.csv"], "--disagreements needs two readers"),
        (["read", "--reader", "../ann"], "--reader: a name of up to forty letters"),
        (["read", "--host", "0.0.0.0"], "served to this machine only"),
        (["read", "--context", "mood"], "no column 'mood'"),
    ],
)
def test_a_wrong_option_is_one_line_that_helps_and_leaves_nothing(table, arguments, message):
    command, *options = arguments
    done = run(command, table, "--text-column", "entry", *options, cwd=table.parent)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not [path for path in table.parent.iterdir() if path.suffix == ".lock"]


def test_without_the_extra_it_says_what_to_install(table, tmp_path):
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'flask' else find(name, *rest)\n"
        f"from disconnect_nlp.cli import main; sys.argv = ['x', 'read', {str(table)!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "pip install 'disconnect-nlp[read]'" in done.stderr

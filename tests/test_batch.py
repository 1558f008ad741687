"""The command on tables as they are: several texts a row, bad rows, workers; and the same in Python."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from disconnect_nlp import label_stream, load, save
from disconnect_nlp.errors import DataError, WorkerError
from disconnect_nlp.labellers.base import BATCH
from disconnect_nlp.labellers.frames import label_frame
from disconnect_nlp.labelling import chunks, processes
from disconnect_nlp.labelling.checkpoint import UnfinishedOutput
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.run import Job, label_file
from disconnect_nlp.labelling.work import label_texts
from disconnect_nlp.labelling.workers import WorkerPool
from disconnect_nlp.reading.opening import open_material
from disconnect_nlp.store import catalogue
from disconnect_nlp.tables import Row, Source, fragment_encoder, open_reader
from running import cmdline

OPTIONS = ("--model", "lexicon", "--labels", "numbness,civic")
NUMB = "I feel numb and empty."


def rows_of(path):
    return [row.cells for row in open_reader(path)]


def test_each_of_several_text_columns_gets_columns_of_its_own(command, tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "out.csv"
    path.write_text(f"q1,q2\n{NUMB},soup\n,{NUMB}\n")
    columns = ("--text-column", "q1", "--text-column", "q2")
    done = command.run("label", path, "-o", out, *columns, *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert "2 rows of column 'q1', 'q2'" in done.stdout
    assert [(row["disconnect_q1_status"], row["disconnect_q2_status"]) for row in rows_of(out)] == [
        ("ok", "ok"), ("empty", "ok"),
    ]  # fmt: skip
    assert [(row["disconnect_q1_numbness"], row["disconnect_q2_numbness"]) for row in rows_of(out)] == [
        ("1", "0"), ("", "1"),
    ]  # fmt: skip
    assert "--sentences takes one text column" in command.run("label", path, "--sentences", *columns, *OPTIONS).stderr


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_every_sentence_is_a_row_with_its_place_in_the_text(command, tmp_path, suffix):
    path, out = tmp_path / "a.csv", tmp_path / f"out{suffix}"
    text = f"  Soup. {NUMB}\nI never cancel plans."
    path.write_text(f'id,text\n1,"{text}"\n2,\n')
    done = command.run("label", path, "-o", out, "--sentences", *OPTIONS)
    assert done.returncode == 0, done.stderr
    rows = rows_of(out)
    assert [str(row["id"]) for row in rows] == ["1", "1", "1", "2"]
    assert [row["disconnect_status"] for row in rows] == ["ok", "ok", "ok", "empty"]
    assert [row["disconnect_quote"] for row in rows[:3]] == ["Soup.", NUMB, "I never cancel plans."]
    for row in rows[:3]:
        assert text[int(row["disconnect_start"]) : int(row["disconnect_end"])] == row["disconnect_quote"]
        for item in json.loads(row["disconnect_evidence"]):
            assert text[item["start"] : item["end"]] == item["quote"]
    assert [int(row["disconnect_numbness"]) for row in rows[:3]] == [0, 1, 0]


def test_a_cue_in_a_later_sentence_has_its_place_in_the_whole_text(default_model):
    text = "Soup. I no longer feel numb."
    options = LabelOptions(("text",), ("numbness",), sentences=True)
    done = label_texts(default_model, [(0, "ok", text)], options, fragment_encoder({"kind": "json"}))
    evidence = json.loads(json.loads("{" + done.pieces[0][1] + "}")["disconnect_evidence"])
    cues = [item["cue"] for item in evidence if "cue" in item]
    assert [(text[cue["start"] : cue["end"]], cue["quote"]) for cue in cues] == [("no", "no")]


def test_a_dotted_path_reaches_into_nested_values(command, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"data": {"posts": [{"body": NUMB}]}}) + "\n" + json.dumps({"data": None}) + "\n")
    assert command.run("label", path, "--text-column", "data.posts.0.body", *OPTIONS).returncode == 0
    rows = rows_of(tmp_path / "a.labelled.jsonl")
    assert [row["disconnect_status"] for row in rows] == ["ok", "empty"]
    assert rows[0]["data"] == {"posts": [{"body": NUMB}]}
    done = command.run("label", path, "--force", "--text-column", "dta.body", *OPTIONS)
    assert "no column 'dta'. Did you mean 'data'?" in done.stderr


BAD = (
    b"id,text\n1,I feel numb.\n2,caf\xff and caf\xc3\xa9 \xc3\xa9\xc3\xa9\n3,a\x00b\n"
    b'4,"open\n5,one,two\n6,\n7\n8,last\n'
)


def test_bad_rows_stay_in_place_with_a_reason_and_are_counted(command, tmp_path):
    path, out = tmp_path / "a.csv", tmp_path / "out.csv"
    path.write_bytes(BAD)
    done = command.run("label", path, "-o", out, *OPTIONS)
    assert done.returncode == 0, done.stderr
    rows = rows_of(out)
    assert [row["id"] for row in rows] == list("12345678")
    assert [row["disconnect_status"] for row in rows] == [
        "ok", "ok: bytes that are no UTF-8", "ok: NUL characters", "bad_row: a quotation mark is not closed",
        "bad_row: 3 cells, header has 2", "empty", "bad_row: 1 cells, header has 2", "ok",
    ]  # fmt: skip
    assert [row["disconnect_numbness"] for row in rows] == ["1", "0", "0", "", "", "", "", "0"]
    assert b"caf\xff and" in out.read_bytes()
    assert "3 bad_row, 1 empty" in done.stdout
    assert "  1 a quotation mark is not closed" in done.stdout
    assert "1 texts hold bytes that are no UTF-8; they were labelled by the rest" in done.stdout
    counts = json.loads((tmp_path / "out.csv.manifest.json").read_text())["counts"]
    assert counts["broken"] == {"NUL characters": 1, "bytes that are no UTF-8": 1}
    assert counts["statuses"] == {"bad_row": 3, "empty": 1, "ok": 4}
    report = command.run("report", out, "--text-column", "text", "--format", "md", "-o", tmp_path / "report.md")
    assert report.returncode == 0, report.stderr
    assert r"8 rows: 4 ok, 3 bad\_row, 1 empty" in (tmp_path / "report.md").read_text()
    table = open_material(out, open_reader(out), text_column="text", reader_name="ann", id_column="id").table
    assert (table.ids, sum(table.skipped.values())) == (["1", "2", "3", "8"], 4)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (BAD, "a.csv, row 3, column 'text': bytes that are no UTF-8"),
        (b"id,text\n1,a\x00b\n", "row 2, column 'text': NUL characters"),
        (b'id,text\n1,x\n2,"open\n', "row 3, column 'text': bad_row: a quotation mark is not closed"),
        (b"id,text\n1,x,y\n", "row 2, column 'text': bad_row: 3 cells, header has 2"),
    ],
)
def test_a_strict_run_stops_at_the_first_bad_row_before_labelling(command, tmp_path, data, message):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    done = command.run("label", path, "--strict", *OPTIONS)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_beyond_the_limit_is_set_aside_with_its_length(monkeypatch):
    monkeypatch.setattr(chunks, "LONGEST_TEXT", 10)
    rows = [Row(1, {"text": "x" * 11}), Row(2, {"text": "x" * 10})]
    (chunk,) = chunks.read_chunks(rows, LabelOptions(("text",), ("civic",)), removed=frozenset())
    assert chunk.statuses == [["too_long: 11 characters, the limit is 10"], ["ok"]]


def test_evidence_too_long_for_a_cell_keeps_its_strongest_items(lexicon_labeller):
    text = "I feel numb. " * 40 + "I feel empty inside."
    encoder = fragment_encoder({"kind": "json"})

    def evidence(limit):
        options = LabelOptions(("text",), ("numbness",), longest_evidence=limit)
        done = label_texts(lexicon_labeller, [(0, "ok", text)], options, encoder)
        return json.loads("{" + done.pieces[0][0] + "}")["disconnect_evidence"]

    whole, cut = json.loads(evidence(None)), json.loads(evidence(3000))
    assert 2000 < len(evidence(3000)) <= 3000
    assert len(cut) < len(whole)
    weights = sorted((abs(item["weight"]) for item in whole), reverse=True)
    assert sorted((abs(item["weight"]) for item in cut), reverse=True) == weights[: len(cut)]


def some_chunks(n):
    rows = [Row(i, {"text": f"I feel numb, {i}."}) for i in range(n * 3)]
    options = LabelOptions(("text",), ("numbness",), evidence=False)
    for i in range(n):
        own = rows[3 * i : 3 * i + 3]
        yield next(chunks.read_chunks(own, options, removed=frozenset()))


def pool(workers, count=2):
    options = LabelOptions(("text",), ("numbness",), evidence=False)
    return WorkerPool(workers, count, options=options, fragments={"kind": "json"})


def children():
    running = psutil.Process().children(recursive=True)
    return [p for p in running if "disconnect_nlp.labelling.worker" in cmdline(p)]


@pytest.fixture(params=["forked", "separate"] if processes.FORKS else ["separate"])
def forks(request, monkeypatch):
    """Workers forked by a host, and workers that are interpreters of their own, as where forking is not safe."""
    monkeypatch.setattr(processes, "FORKS", request.param == "forked")
    return processes.FORKS


@pytest.mark.parametrize("killed", [0, -1])
def test_workers_keep_order_survive_a_killed_one_and_are_gone_at_the_end(forks, killed):
    done = []
    with processes.workers_for("lexicon", "f1") as workers:
        for i, (chunk, labelled) in enumerate(pool(workers)(some_chunks(30))):
            done.append((chunk.rows[0].number, len(labelled.pieces), labelled.given["numbness"]))
            if i == 5:
                assert len(children()) == (3 if forks else 2)
                children()[killed].kill()
    assert done == [(3 * i, 3, 3) for i in range(30)]
    assert children() == []


@pytest.mark.skipif(not processes.FORKS, reason="this system does not fork workers")
def test_forked_workers_survive_the_loss_of_their_host_and_of_a_worker_after_it():
    done = []
    with processes.workers_for("lexicon", "f1") as workers:
        for i, (chunk, _) in enumerate(pool(workers)(some_chunks(30))):
            done.append(chunk.rows[0].number)
            if i == 3:
                host, *forked = children()
                host.kill()
            if i == 6:
                host.wait(10)
                forked[0].kill()
    assert done == [3 * i for i in range(30)]
    assert children() == []


@pytest.mark.skipif(not processes.FORKS, reason="this system does not fork workers")
def test_a_host_serves_one_table_after_the_other_and_ends_the_workers_of_one_that_is_given_up():
    with processes.workers_for("lexicon", "f1") as workers:
        workers.warm_up()
        (host,) = children()
        assert len(list(pool(workers)(some_chunks(9)))) == 9
        given_up = pool(workers)(some_chunks(30))
        next(given_up)
        given_up.close()
        end = time.monotonic() + 60
        while children() != [host]:  # a worker ends with its chunk
            assert time.monotonic() < end
            time.sleep(0.01)
        assert len(list(pool(workers)(some_chunks(9)))) == 9
        assert host in children()
    assert children() == []


class _StuckWorkers:
    """The first worker is interrupted; the others answer only when they are hung up on, which takes a while."""

    def __init__(self):
        self.started = 0
        self.hung_up = threading.Event()

    def start(self, _work):
        self.started += 1
        return SimpleNamespace(ask=self._interrupted if self.started == 1 else self._wait, hang_up=self._hang_up)

    def _interrupted(self, _question):
        raise KeyboardInterrupt

    def _wait(self, _question):
        assert self.hung_up.wait(60)

    def _hang_up(self):
        self.hung_up.set()
        time.sleep(0.2)


def test_a_run_stopped_while_chunks_wait_for_a_worker_ends():
    stuck = _StuckWorkers()
    given_up = pool(stuck)

    def stopped():
        with pytest.raises(KeyboardInterrupt):
            list(given_up(some_chunks(9)))

    run = threading.Thread(target=stopped, daemon=True)
    run.start()
    run.join(20)
    ended = not run.is_alive()
    for _ in range(9):  # should it fail, its threads must not keep the tests from ending
        given_up._idle.put(None)
    assert ended
    assert stuck.started == 2  # one that was hung up on is not replaced


def test_workers_whose_parent_was_killed_end_without_a_word(command, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\n" + f"{NUMB}\n" * 30_000)
    child = command.start("label", path, "-o", tmp_path / "out.csv", "--workers", 2, *OPTIONS)
    state = UnfinishedOutput(tmp_path / "out.csv")
    while child.poll() is None and not (state.exists() and state._load().rows):
        time.sleep(0.01)
    workers = psutil.Process(child.pid).children(recursive=True)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(workers) == (3 if processes.FORKS else 2)  # with the host
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    assert child.stderr == ""


def test_a_worker_that_cannot_work_ends_the_run_with_an_error(forks):
    with (
        processes.workers_for("/nowhere/model", "f1") as workers,
        pytest.raises(WorkerError, match="a worker process died 2 times on the same texts"),
    ):
        list(pool(workers, 1)(some_chunks(9)))
    assert children() == []


def test_workers_give_the_bytes_of_one_process(command, tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"text": f"{NUMB} \ud83d {i} \U0001f636 é" if i % 7 else None}) for i in range(400)]
    path.write_text("\n".join(lines) + "\n")
    outputs = []
    for workers in (1, 2):
        out = tmp_path / f"{workers}.jsonl"
        assert command.run("label", path, "-o", out, "--workers", workers, "--sentences", *OPTIONS).returncode == 0
        outputs.append(out.read_bytes())
    assert outputs[0] == outputs[1]
    assert {row["disconnect_status"] for row in rows_of(out)} == {"empty", "ok: halves of surrogate pairs"}


def test_several_tables_share_a_loaded_model_but_not_one_that_was_changed_since(tmp_path, tiny_model, monkeypatch):
    loads = []
    monkeypatch.setattr(catalogue, "load", lambda *args, **kwargs: loads.append(args) or load(*args, **kwargs))
    (tmp_path / "a.jsonl").write_text('{"text": "I feel numb."}\n')
    options = LabelOptions(("text",), ("numbness",), evidence=False)

    def label(version):
        save(tiny_model, tmp_path / "model", version=version)
        for name in ("b", "c"):
            reader, source = open_reader(tmp_path / "a.jsonl"), Source(tmp_path / "a.jsonl")
            job = Job(reader, [source], name, options, model=str(tmp_path / "model"))
            label_file(job, tmp_path / f"{name}.jsonl", force=True)

    label("1")
    assert len(loads) == 1
    label("2")
    assert len(loads) == 2


def test_a_stream_is_lazy_in_order_and_like_a_frame(lexicon_labeller):
    texts = [NUMB, None, "so\x00up", 5, "  "]
    taken = []

    def endless():
        for number in itertools.count():
            taken.append(number)
            yield {"id": number, "text": texts[number % 5]}

    stream = label_stream(lexicon_labeller, endless(), labels=["numbness"], evidence=True, batch=7)
    assert taken == []
    rows = [next(stream)]
    assert len(taken) == 1  # an answer before the next question
    rows += itertools.islice(stream, 9)
    assert len(taken) == 1 + 2 + 4 + 7
    frame = pd.DataFrame({"id": range(10), "text": texts * 2})
    expected = label_frame(lexicon_labeller, frame, text_column="text", labels=["numbness"], evidence=True)
    assert [row["disconnect_status"] for row in rows] == expected["disconnect_status"].tolist()
    assert rows[2]["disconnect_status"] == "ok: NUL characters"
    assert [row["disconnect_numbness_score"] for row in rows if row["disconnect_numbness"] is not None] == expected[
        "disconnect_numbness_score"
    ].dropna().tolist()
    assert rows[0]["disconnect_evidence"] == expected["disconnect_evidence"][0]
    assert [row["text"] for row in label_stream(lexicon_labeller, ["a", "b"], labels=["civic"])] == ["a", "b"]
    with pytest.raises(DataError, match="a single string"):
        label_stream(lexicon_labeller, "a")
    with pytest.raises(DataError, match="item 1 is int"):
        list(label_stream(lexicon_labeller, ["a", 5]))


def test_a_frame_has_its_types_even_where_nothing_can_be_labelled(lexicon_labeller):
    for texts in ([], [None], [NUMB]):
        frame = label_frame(lexicon_labeller, pd.DataFrame({"t": texts}), text_column="t", labels=["numbness"])
        assert [str(frame[name].dtype) for name in ("disconnect_numbness", "disconnect_numbness_score")] == [
            "Int8", "float64",
        ]  # fmt: skip


def test_progress_says_nothing_where_nobody_looks(lexicon_labeller, capsys):
    list(label_stream(lexicon_labeller, ["a"], labels=["civic"], progress=True))
    lexicon_labeller.label_frame(pd.DataFrame({"t": ["a"]}), text_column="t", labels=["civic"], progress=True)
    assert capsys.readouterr() == ("", "")


def test_a_chunk_is_no_larger_than_what_is_tokenized_at_once():
    assert chunks.ROWS <= BATCH

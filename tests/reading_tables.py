"""Small labelled tables for the tests of the reading view, and a server of it in a thread."""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager
from threading import Thread

from waitress.wasyncore import close_all

from disconnect_nlp.labellers.frames import output_columns
from disconnect_nlp.reading.opening import open_material
from disconnect_nlp.reading.server import make_app, serve
from disconnect_nlp.tables import open_reader

TOKEN = "a-token-of-this-test-alone"
LABELS = ("professional", "civic", "numbness", "withdrawal", "distress")

# text, labels, uncertain, quotes of evidence (label, words)
ROWS = [
    ("I feel 😶‍🌫️ numb, all of me.", ("numbness",), (), [("numbness", "numb")]),
    ("The bus was late and I had soup.", (), (), []),
    (
        '<script>window.hacked = 1</script> & "nobody" reads my <b>reports</b>.',
        ("professional",),
        ("distress",),
        [("professional", '"nobody" reads'), ("distress", "<b>reports</b>")],
    ),
    (
        "שלום, I cancelled again לא בא לי, and then again.",
        ("withdrawal",),
        ("numbness",),
        [("withdrawal", "cancelled again")],
    ),
    ("Cafe\u0301 at noon. I worry, cafe\u0301, yes.", ("distress",), (), [("distress", "worry, cafe\u0301")]),
    ("My vote changes nothing. I cancelled.", ("civic", "withdrawal"), (), [("civic", "My vote changes nothing")]),
]


def write_table(path, rows=ROWS, labels=LABELS):
    """Write a labelled CSV as ``label`` does, with ids r1, r2 … and one row that could not be labelled."""
    columns = ["id", "day", "entry", *output_columns(labels)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for number, (text, given, uncertain, quotes) in enumerate(rows, start=1):
            evidence = [
                {
                    "start": text.index(quote),
                    "end": text.index(quote) + len(quote),
                    "quote": quote,
                    "label": label,
                    "weight": 1.0,
                    "source": "model",
                    "status": "affirmed",
                    "counts": True,
                }
                for label, quote in quotes
            ]
            cells = {"id": f"r{number}", "day": f"<i>{number} & May</i>", "entry": text, "disconnect_status": "ok"}
            cells["disconnect_labels"], cells["disconnect_uncertain"] = ";".join(given), ";".join(uncertain)
            cells["disconnect_evidence"] = json.dumps(evidence, ensure_ascii=False)
            for label in labels:
                cells[f"disconnect_{label}"] = int(label in given)
                cells[f"disconnect_{label}_score"] = 0.9 if label in given else 0.4 if label in uncertain else 0.1
            writer.writerow(cells)
        writer.writerow({"id": "empty", "disconnect_status": "empty"})
    return path


def material_of(path, reader="ann", **options):
    return open_material(path, open_reader(path), text_column="entry", reader_name=reader, id_column="id", **options)


@contextmanager
def session_of(path, reader="ann", **options):
    session = material_of(path, reader, **options).session()
    try:
        yield session
    finally:
        session.journal.close()


@contextmanager
def serving(path, reader="ann", **options):
    """Serve a table's reading view from a thread; give its address with the token."""
    with session_of(path, reader, **options) as session:
        server, address = serve(make_app(session, token=TOKEN), host="127.0.0.1", port=0)
        thread = Thread(target=server.run)
        thread.start()
        try:
            yield f"{address}?token={TOKEN}"
        finally:
            server.trigger.pull_trigger(lambda: close_all(server._map))  # in the server's own thread
            thread.join(timeout=30)
            server.task_dispatcher.shutdown()
            assert not thread.is_alive()

"""A worker process: reads a description of the work, then chunks of texts, and answers each with its cells."""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from typing import Any, BinaryIO

from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.work import label_texts
from disconnect_nlp.labelling.workers import message
from disconnect_nlp.store import load
from disconnect_nlp.tables import fragment_encoder


def main() -> None:
    """Answer until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that started us decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # should a library print, it is not taken for an answer
    if hasattr(signal, "SIGPIPE"):  # if the one that started us was killed, there is nobody to tell
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    questions = iter(partial(_question, sys.stdin.buffer), None)
    spec = next(questions, None)
    if spec is None:
        return
    options = LabelOptions.from_plain(spec["options"])
    labeller = load(spec["model"], policy=spec["policy"])
    encoder = fragment_encoder(spec["fragments"])
    for question in questions:
        items = [(column, status, text) for column, status, text in question]
        done = label_texts(labeller, items, options, encoder)
        answers.write(message({"pieces": done.pieces, "given": done.given, "uncertain": done.uncertain}))
        answers.flush()


def _question(pipe: BinaryIO) -> Any:
    """Return the next question, None if the pipe has ended, be it in the middle of one."""
    line = pipe.readline()
    return json.loads(line.decode("utf-8", "surrogatepass")) if line.endswith(b"\n") else None


if __name__ == "__main__":
    main()

"""A process that labels: loads the model it is told, reads what the work is, and answers texts with their cells.

Answers by its own pipes; or, given the number of a socket, is a host: forks a worker for every line that comes in by
that socket, and ends with all of them when it closes.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback
from functools import partial
from typing import IO

from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labelling.messages import message, next_message
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.work import label_texts
from disconnect_nlp.store.catalogue import load
from disconnect_nlp.tables import fragment_encoder


def main() -> None:
    """Answer until the line ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the one that started us decides
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # should a library print, it is not taken for an answer
    if hasattr(signal, "SIGPIPE"):  # if the one that started us was killed, there is nobody to tell
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    told = next_message(sys.stdin.buffer)
    if told is None:
        return
    labeller = load(told["model"], policy=told["policy"])
    if len(sys.argv) > 1:
        _host(socket.socket(fileno=int(sys.argv[1])), labeller)
    else:
        _serve(sys.stdin.buffer, answers, labeller)


def _serve(questions: IO[bytes], answers: IO[bytes], labeller: Labeller) -> None:
    work = next_message(questions)
    if work is None:
        return
    options, encoder = LabelOptions.from_plain(work["options"]), fragment_encoder(work["fragments"])
    for question in iter(partial(next_message, questions), None):
        items = [(column, status, text) for column, status, text in question]
        done = label_texts(labeller, items, options, encoder)
        answers.write(message({"pieces": done.pieces, "given": done.given, "uncertain": done.uncertain}))
        answers.flush()


def _host(control: socket.socket, labeller: Labeller) -> None:
    gc.freeze()  # what is loaded stays shared: the collector of a worker does not touch it
    workers: list[int] = []
    while True:
        _, lines, _, _ = socket.recv_fds(control, 1, 1)
        if not lines:
            break
        pid = os.fork()
        if pid == 0:
            control.close()
            _serve_and_exit(socket.socket(fileno=lines[0]), labeller)
        os.close(lines[0])
        workers = [pid, *(other for other in workers if not os.waitpid(other, os.WNOHANG)[0])]
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for pid in workers:  # until now one that has ended keeps its number, so that no stranger was killed
        os.waitpid(pid, 0)


def _serve_and_exit(line: socket.socket, labeller: Labeller) -> None:
    """Serve, and end without what the host would still do."""
    try:
        _serve(line.makefile("rb"), line.makefile("wb"), labeller)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()

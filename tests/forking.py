"""Runs the command line many times in processes of its own without importing spaCy anew each time.

A server process imports everything once and forks a child for every run, which can be killed like any other. It is in
a session of its own, so that a signal to the tests' process group does not reach it, waits where the system has no room
for a process, and is started anew if it was lost all the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SMALL_CHUNKS = 40  # rows, so that there is much to be interrupted


@dataclass
class Child:
    """One run of the command."""

    asked_of: Server
    pid: int
    folder: Path
    returncode: int | None = None

    def poll(self):
        if self.returncode is None:
            self.returncode = self.asked_of.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout=120):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise TimeoutError(f"still running after {timeout} s")
            time.sleep(0.005)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    @property
    def stdout(self):
        return (self.folder / "stdout").read_text(encoding="utf-8")

    @property
    def stderr(self):
        return (self.folder / "stderr").read_text(encoding="utf-8")


class ServerLostError(RuntimeError):
    """The server is gone, with what it said at its end."""


class Server:
    """The server, seen from the tests."""

    def __init__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def ask(self, question):
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise ServerLostError(f"the fork server ended with {self.process.wait(timeout=60)}; see its standard error")
        return json.loads(answer)

    def stop(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@dataclass
class Forker:
    """Starts runs, with a new server where one was lost."""

    folder: Path
    count: int = 0
    server: Server = field(default_factory=Server)

    def start(self, *arguments, file_size=None, stdin=None, cwd=None):
        """Start ``disconnect-nlp`` with arguments; ``file_size`` is what the disk holds."""
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        plain = list(map(str, arguments))
        asked = {"arguments": plain, "folder": str(folder), "file_size": file_size, "stdin": stdin, "cwd": cwd}
        question = {name: str(value) if isinstance(value, Path) else value for name, value in asked.items()}
        try:
            pid = self.server.ask(question)
        except ServerLostError as error:
            sys.stderr.write(f"{error}; another is started\n")
            self.server.stop()
            self.server = Server()
            pid = self.server.ask(question)
        return Child(self.server, pid, folder)

    def run(self, *arguments, **options):
        """Run ``disconnect-nlp`` to its end."""
        child = self.start(*arguments, **options)
        child.wait()
        return child

    def stop(self):
        self.server.stop()


def _child(asked):
    from disconnect_nlp import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(asked["folder"])
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(asked["stdin"] or os.devnull, os.O_RDONLY), 0)
    if asked["cwd"]:
        os.chdir(asked["cwd"])
    if asked["file_size"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["file_size"],) * 2)
    sys.argv = ["disconnect-nlp", *asked["arguments"]]
    code = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _forked(tries=100):
    """Fork, as soon as the system has room for a process."""
    for _ in range(tries):
        try:
            return os.fork()
        except OSError:
            time.sleep(0.1)
    return os.fork()


def main():
    from disconnect_nlp import load
    from disconnect_nlp.cli import label_summary, shared
    from disconnect_nlp.labelling import chunks, jobs, run

    assert all((label_summary, shared, jobs))
    run.load = cache(load)  # a child finds it loaded already
    run.load("lexicon", policy="f1").annotate("I feel numb.")
    chunks.ROWS = SMALL_CHUNKS
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the runs
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        asked = json.loads(line)
        if "poll" in asked:
            pid, status = os.waitpid(asked["poll"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), file=answers, flush=True)
            continue
        pid = _forked()
        if not pid:
            answers.close()
            _child(asked)
        print(pid, file=answers, flush=True)


if __name__ == "__main__":
    main()

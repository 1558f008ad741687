"""Starts and stops the processes that label.

Where processes can be forked safely, one fresh interpreter, the host, loads the model and forks every worker, so what
takes seconds is done once; elsewhere each worker is a fresh interpreter. Either way nothing of the calling program is
imported or inherited, and workers end by themselves when their lines do.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import IO, Any, Self

from disconnect_nlp.labelling.messages import message, next_message

FORKS = sys.platform == "linux"  # elsewhere system libraries may not survive it, or there is no fork
_COMMAND = (sys.executable, "-P", "-m", "disconnect_nlp.labelling.worker")
# One thread a worker: more would fight over the same cores, and a process with threads must not be forked.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PATIENCE = 0.3  # seconds that a host gets to end its workers
Process = subprocess.Popen[bytes]


@dataclass(frozen=True, eq=False)
class Worker:
    """The lines to a worker."""

    questions: IO[bytes]
    answers: IO[bytes]
    end: Callable[[], None]
    """Ends the worker, also while another thread waits for its answer."""

    def ask(self, question: Any) -> Any:
        """Return the answer, None if the worker has died."""
        try:
            self.questions.write(message(question))
            self.questions.flush()
            return next_message(self.answers)
        except (OSError, ValueError):  # a broken line, or one closed because the run was stopped
            return None

    def hang_up(self) -> None:
        """End the worker and close the lines; what was still to be sent has nobody to read it."""
        self.end()
        for line in (self.questions, self.answers):
            with suppress(OSError):
                line.close()


class Workers(ABC):
    """Starts workers for one model, and stops them; may serve several tables, one after the other.

    Parameters
    ----------
    model, policy
        As for :func:`disconnect_nlp.load`. Loaded when the first worker is started, not before.
    """

    def __init__(self, model: str, policy: str | None) -> None:
        self._model = message({"model": model, "policy": policy})
        self._lock = Lock()
        self._processes: list[Process] = []
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def warm_up(self) -> None:
        """Start what can be started before it is known what the work is."""
        return

    def start(self, work: Any) -> Worker:
        """Return a new worker for one description of the work. One that could not be started never answers."""
        with self._lock:
            worker = _nobody() if self._stopped else self._new()
        with suppress(OSError):
            worker.questions.write(message(work))
        return worker

    @abstractmethod
    def _new(self) -> Worker:
        """Return a new worker, which has or gets the model."""

    def stop(self) -> None:
        """Kill all processes and wait until they have gone; whoever asks for a worker from now on gets a dead one."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                _killed(process)

    def _interpreter(self, *arguments: str, **options: Any) -> tuple[Process, IO[bytes], IO[bytes]]:
        """Start an interpreter; return it and its pipes."""
        command, environment = [*_COMMAND, *arguments], {**os.environ, **_ONE_THREAD}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **options)
        self._processes.append(process)
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process came without the pipes that were asked for")
        return process, process.stdin, process.stdout


class SeparateWorkers(Workers):
    """Workers that each load the model by themselves."""

    def _new(self) -> Worker:
        process, questions, answers = self._interpreter()
        with suppress(OSError):
            questions.write(self._model)
        return Worker(questions, answers, end=lambda: _killed(process))


class ForkedWorkers(Workers):
    """Workers forked by a host that has loaded the model; a host that died is replaced."""

    _control: socket.socket | None = None
    _untold: IO[bytes] | None = None
    """Where the host that has no model yet waits to be told."""

    def warm_up(self) -> None:
        """Start the host, which can import what labelling needs."""
        with self._lock:
            self._living_host()

    def _new(self) -> Worker:
        control = self._living_host()
        if self._untold:
            with self._untold as pipe, suppress(OSError):
                pipe.write(self._model)
            self._untold = None
        ours, theirs = socket.socketpair()
        with theirs, suppress(OSError):  # if the host has just died, nobody is at the other end of the line
            socket.send_fds(control, [b"."], [theirs.fileno()])
        return Worker(ours.makefile("wb"), ours.makefile("rb"), end=lambda: _shut(ours))

    def _living_host(self) -> socket.socket:
        if self._control and self._processes[-1].poll() is None:
            return self._control
        if self._control:
            self._control.close()
        self._control, theirs = socket.socketpair()
        with theirs:
            # In a group of its own: a Ctrl-C while it imports is for the one that started it.
            _, self._untold, output = self._interpreter(
                str(theirs.fileno()), pass_fds=(theirs.fileno(),), process_group=0
            )
        output.close()
        return self._control

    def stop(self) -> None:
        """Kill all processes and wait until they have gone."""
        with self._lock:
            self._stopped = True
            if self._control:
                self._control.close()  # upon which the host kills its workers
            for host in self._processes:
                with suppress(subprocess.TimeoutExpired):
                    host.wait(_PATIENCE)
        super().stop()  # a host that is still loading has no workers


def workers_for(model: str, policy: str | None) -> Workers:
    """Return workers of the kind that this system can have."""
    return (ForkedWorkers if FORKS else SeparateWorkers)(model, policy)


def _nobody() -> Worker:
    """Return a worker that never answers."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return Worker(ours.makefile("wb"), ours.makefile("rb"), end=lambda: _shut(ours))


def _killed(process: Process) -> None:
    process.kill()
    process.wait()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):  # its worker has hung up first
        line.shutdown(socket.SHUT_RDWR)
    line.close()

"""Labels chunks in processes of their own: texts go out, encoded cells come back, order stays.

Each worker is a fresh interpreter, spoken to over pipes in JSON lines, so nothing of the calling program is imported
or inherited, and a worker ends by itself when its pipe does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

from disconnect_nlp.errors import WorkerError
from disconnect_nlp.labelling.chunks import Chunk
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.work import Item, Labelled

# One thread a worker: more would fight over the same cores.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_TRIES = 2
Process = subprocess.Popen[bytes]


class WorkerPool:
    """Labels chunks in ``workers`` processes, in order, with a bounded number of them under way.

    Parameters
    ----------
    fragments
        How added cells are encoded, from :func:`disconnect_nlp.tables.fragment_spec`.
    """

    def __init__(
        self, workers: int, *, model: str, policy: str | None, options: LabelOptions, fragments: dict[str, str]
    ) -> None:
        self._workers = workers
        spec = {"model": model, "policy": policy, "options": asdict(options), "fragments": fragments}
        self._spec = message(spec)
        self._processes: list[Process] = []
        self._idle: SimpleQueue[Process | None] = SimpleQueue()
        self._closing = False

    def __call__(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Labelled]]:
        """Yield every chunk with its labels."""
        waiting: deque[tuple[Chunk, Future[Labelled]]] = deque()
        threads = ThreadPoolExecutor(self._workers)
        try:
            for _ in range(self._workers):
                self._idle.put(self._start())
            for chunk in chunks:
                waiting.append((chunk, threads.submit(self._label, chunk.texts)))
                if len(waiting) > 2 * self._workers:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            self._stop()
            threads.shutdown(cancel_futures=True)

    def _label(self, items: list[Item]) -> Labelled:
        for _ in range(_TRIES):
            process = self._idle.get()
            if process is None:  # the run is being stopped
                break
            answer = _asked(process, items)
            if answer is not None:
                self._idle.put(process)
                return Labelled(answer["pieces"], Counter(answer["given"]), Counter(answer["uncertain"]))
            if self._closing:
                break
            self._idle.put(self._start())
        raise WorkerError(
            f"a worker process died {_TRIES} times on the same texts, perhaps for want of memory. "
            "Use fewer --workers, and go on with --resume."
        )

    def _start(self) -> Process:
        command = [sys.executable, "-P", "-m", "disconnect_nlp.labelling.worker"]
        environment = {**os.environ, **_ONE_THREAD}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._processes.append(process)
        if process.stdin:
            process.stdin.write(self._spec)
        return process

    def _stop(self) -> None:
        self._closing = True
        for _ in range(self._workers):
            self._idle.put(None)
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    _close(pipe)


def _asked(process: Process, items: list[Item]) -> dict[str, Any] | None:
    """Return a worker's answer, None if it has died."""
    if process.stdin is None or process.stdout is None:
        return None
    try:
        process.stdin.write(message(items))
        process.stdin.flush()
        line = process.stdout.readline()
    except (OSError, ValueError):  # a broken pipe, or one closed because the run was stopped
        return None
    answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
    return answer


def _result(pair: tuple[Chunk, Future[Labelled]]) -> tuple[Chunk, Labelled]:
    return pair[0], pair[1].result()


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:  # what was still to be sent has nobody to read it
        return


def message(value: Any) -> bytes:
    """Return a line of JSON; halves of surrogate pairs go as they are."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"

"""Labels chunks in several processes: texts go out, encoded cells come back, order stays."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from queue import SimpleQueue
from threading import Lock

from disconnect_nlp.errors import WorkerError
from disconnect_nlp.labelling.chunks import Chunk
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.labelling.processes import Worker, Workers
from disconnect_nlp.labelling.work import Item, Labelled

_TRIES = 2


class WorkerPool:
    """Labels the chunks of one run by several workers, in order, with a bounded number of them under way.

    Parameters
    ----------
    workers
        Starts them; they are ended after the last chunk, or when the caller stops asking.
    count
        How many work at the same time.
    fragments
        How added cells are encoded, from :func:`disconnect_nlp.tables.fragment_spec`.
    """

    def __init__(self, workers: Workers, count: int, *, options: LabelOptions, fragments: dict[str, str]) -> None:
        self._workers = workers
        self._count = count
        self._work = {"options": asdict(options), "fragments": fragments}
        self._started: list[Worker] = []
        self._idle: SimpleQueue[Worker | None] = SimpleQueue()
        self._lock = Lock()
        self._stopped = False

    def __call__(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Labelled]]:
        """Yield every chunk with its labels."""
        waiting: deque[tuple[Chunk, Future[Labelled]]] = deque()
        threads = ThreadPoolExecutor(self._count)
        try:
            for _ in range(self._count):
                self._start()
            for chunk in chunks:
                waiting.append((chunk, threads.submit(self._label, chunk.texts)))
                if len(waiting) > 2 * self._count:
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)  # first: one begun later would wait for ever
            self._stop()
            threads.shutdown()

    def _label(self, items: list[Item]) -> Labelled:
        for _ in range(_TRIES):
            worker = self._idle.get()
            if worker is None:  # the run is being stopped
                break
            answer = worker.ask(items)
            if answer is not None:
                self._idle.put(worker)
                return Labelled(answer["pieces"], Counter(answer["given"]), Counter(answer["uncertain"]))
            self._start()
        raise WorkerError(
            f"a worker process died {_TRIES} times on the same texts, perhaps for want of memory. "
            "Use fewer --workers, and go on with --resume."
        )

    def _start(self) -> None:
        with self._lock:
            if self._stopped:
                return
            worker = self._workers.start(self._work)
            self._started.append(worker)
            self._idle.put(worker)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
        for _ in range(self._count):  # one for every chunk under way
            self._idle.put(None)
        for worker in self._started:
            worker.hang_up()


def _result(pair: tuple[Chunk, Future[Labelled]]) -> tuple[Chunk, Labelled]:
    return pair[0], pair[1].result()

"""Labels a whole table into a file: checks first, then chunk by chunk, resumable at every chunk."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from disconnect_nlp.errors import DataError
from disconnect_nlp.labellers.frames import EMPTY, OK, check_columns, empty_cells, kind_of
from disconnect_nlp.labelling.append import AppendTo
from disconnect_nlp.labelling.checkpoint import Checkpoint, UnfinishedOutput, differences
from disconnect_nlp.labelling.chunks import Chunk, check_strictly, read_chunks
from disconnect_nlp.labelling.manifest import input_digest, labelling_settings, read_manifest, write_manifest
from disconnect_nlp.labelling.options import SENTENCE_COLUMNS, LabelOptions
from disconnect_nlp.labelling.processes import Workers, workers_for
from disconnect_nlp.labelling.summary import Summary
from disconnect_nlp.labelling.work import Labelled, label_texts
from disconnect_nlp.labelling.workers import WorkerPool
from disconnect_nlp.records import Policy
from disconnect_nlp.store.catalogue import model_identity
from disconnect_nlp.tables import (
    LINES,
    Encoder,
    Row,
    Source,
    TableReader,
    check_fits,
    compressed,
    fragment_encoder,
    fragment_spec,
    line_encoder,
    open_writer,
    writable_format,
)
from disconnect_nlp.tables.cells import known_column

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Labeller

Annotator = Callable[[Iterable[Chunk]], Generator[tuple[Chunk, Labelled], None, None]]
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Progress(Protocol):
    """Is told how a run gets on."""

    def skip(self, rows: int) -> None:
        """Take note of rows done by an earlier run."""

    def advance(self, rows: int) -> None:
        """Take note of rows done."""


@dataclass
class Job:
    """One table to label."""

    reader: TableReader
    sources: Sequence[Source]
    name: str
    """Of the input, for messages and the manifest."""
    options: LabelOptions
    model: str = "default"
    policy: Policy | None = None
    workers: int = 1
    processes: Workers | None = None
    """Which the workers come from, if shared with other jobs."""
    strict: bool = False
    append: AppendTo | None = None
    progress: Progress | None = None

    @property
    def removed(self) -> frozenset[str]:
        """What stands where texts have been taken away."""
        return self.reader.dialect.removed if self.reader.dialect else frozenset()

    def rows(self) -> Iterator[Row]:
        """Yield the rows to label."""
        return self.append.new_rows(self.reader, self.name) if self.append else iter(self.reader)


def check(job: Job) -> None:
    """Raise DataError if the table cannot be labelled as asked, before anything is loaded or written."""
    added = job.options.added()
    for column in job.options.text_columns:
        check_columns(job.reader.columns, added, text_column=known_column(column, job.reader.columns), place=job.name)
    if job.append:
        job.append.check(labelling_settings(job.model, job.policy or "the model's own", job.options))
        job.append.check_columns([*job.reader.columns, *added], job.name)
    if job.options.sentences and len(job.options.text_columns) > 1:
        raise DataError("--sentences takes one text column, since every sentence becomes a row. Run once a column.")
    if job.strict:
        check_strictly(job.rows(), job.options, removed=job.removed, name=job.name)


def label_file(job: Job, target: Path, *, resume: bool = False, force: bool = False) -> Summary:
    """Label a table into ``target``, with a manifest beside it.

    Parameters
    ----------
    resume
        Go on with what an earlier run left unfinished, if anything; keep an output that is finished already.
    force
        Replace an existing output, or what was left unfinished.

    Returns
    -------
    Summary
        Counts of the whole output, earlier runs included.

    Raises
    ------
    DataError
        Before anything is written, if the input, the options or an earlier output do not fit. Later, if the disk is
        full: what is done stays and can be gone on with.
    """
    output = UnfinishedOutput(target)
    if output.exists() and not (resume or force):
        raise DataError(
            f"{target}: an earlier run was left unfinished. Go on with --resume, or start anew with --force."
        )
    if target.exists() and not (resume or force or job.append):
        raise DataError(f"{target} exists. Name another file with -o, or pass --force to replace it.")
    check(job)
    check_fits(target, [*job.reader.columns, *job.options.added()], job.reader)
    settings = _settings(job, target)
    try:
        done = _already_finished(output, settings, resume=resume, append=job.append)
        return done if done is not None else _run(job, output, settings, resume=resume)
    except OSError as error:
        if error.errno in _FULL:
            raise DataError(f"{target}: the disk is full. Make room, and go on with --resume.") from error
        raise


def label_to(job: Job, stream: BinaryIO, *, like: Path) -> Summary:
    """Label a table into an open stream, in the format that the suffix of ``like`` names. Not resumable."""
    suffix, compression = writable_format(like)
    if suffix not in LINES:
        raise DataError(f"{suffix} cannot be written to standard output. Choose one of {', '.join(LINES)} with --to.")
    check(job)
    summary = Summary()
    encoder = line_encoder(like, job.reader.columns, added=job.options.added(), like=job.reader)
    stream.write(compressed(encoder.head().encode(), compression))
    with closing(_annotator(job, like)(read_chunks(job.rows(), job.options, removed=job.removed))) as labelled:
        for chunk, done in labelled:
            stream.write(compressed(_encoded(_lines(job, chunk, done, encoder, like)), compression))
            stream.flush()
            _count(summary, chunk, done, job)
            if job.progress:
                job.progress.advance(len(chunk.rows))
    return summary


def _settings(job: Job, target: Path) -> dict[str, Any]:
    settings = labelling_settings(job.model, job.policy or "the model's own", job.options)
    if job.append:
        settings["append"] = job.append.settings()
    return {**settings, "input": input_digest(job.sources), "output": {"format": "".join(writable_format(target))}}


def _already_finished(
    output: UnfinishedOutput, settings: dict[str, Any], *, resume: bool, append: AppendTo | None
) -> Summary | None:
    """Return the counts of an output that needs nothing more, None if there is work to do."""
    if not resume:
        return None
    checkpoint = output.finished(settings)
    if checkpoint is not None:
        output.discard()
        return Summary.from_dict(checkpoint.summary)
    if output.exists() or append or not output.target.exists():
        return None
    manifest = read_manifest(output.target)
    own = {key: value for key, value in settings.items() if key not in ("input", "output")}
    differing = differences({key: manifest.get(key) for key in own}, own)
    if manifest["input"]["sha256"] != settings["input"]["sha256"]:
        differing.append("input sha256")
    if differing:
        raise DataError(
            f"{output.target} is finished and was made otherwise: {'; '.join(differing)}. "
            "Name another output, or make it anew with --force."
        )
    return Summary.from_dict(manifest["counts"])


def _run(job: Job, output: UnfinishedOutput, settings: dict[str, Any], *, resume: bool) -> Summary:
    target, before = output.target, [_stamp(source) for source in job.sources]
    lines = writable_format(target)[0] in LINES
    going_on = resume and output.exists()
    first = job.append.path if job.append and lines else None
    state = output.resume(settings) if going_on else output.start(settings, started=_now(), first=first)
    try:
        with state as checkpoint:
            summary = _label_rest(job, output, checkpoint)
        if [_stamp(source) for source in job.sources] != before:
            raise DataError(f"{job.name} was changed while it was read. Run again.")
        made = None if lines else _assembled(job, output)
    except DataError:
        if output.held and not going_on:
            output.discard()
        raise
    write_manifest(made or output.path, checkpoint, target=target, input_name=job.name, finished=_now())
    output.finish(made)
    return summary


def _label_rest(job: Job, output: UnfinishedOutput, checkpoint: Checkpoint) -> Summary:
    target = output.target
    compression = writable_format(target)[1]
    summary = Summary.from_dict(checkpoint.summary) if checkpoint.summary else _earlier(job)
    like = job.append.reader if job.append else job.reader
    encoder = line_encoder(_journal(target), job.reader.columns, added=job.options.added(), like=like)
    if not checkpoint.bytes and (head := encoder.head()):
        output.append(compressed(head.encode(), compression), checkpoint)
    if job.progress:
        job.progress.skip(checkpoint.rows)
    # Chunks begin where they began in the run that was stopped, so each is labelled as it would have been.
    rest = islice(job.rows(), checkpoint.rows, None)
    began, earlier = time.monotonic(), checkpoint.seconds
    # Closed at once when the run is stopped, and the workers with it, whoever still holds the exception.
    with closing(_annotator(job, target)(read_chunks(rest, job.options, removed=job.removed))) as labelled:
        for chunk, done in labelled:
            _count(summary, chunk, done, job)
            checkpoint.rows += len(chunk.rows)
            checkpoint.seconds = earlier + time.monotonic() - began
            checkpoint.summary = summary.as_dict()
            output.append(compressed(_encoded(_lines(job, chunk, done, encoder, target)), compression), checkpoint)
            if job.progress:
                job.progress.advance(len(chunk.rows))
    checkpoint.summary = summary.as_dict()
    return summary


def _earlier(job: Job) -> Summary:
    return job.append.summary() if job.append else Summary()


def _annotator(job: Job, target: Path) -> Annotator:
    like = job.append.reader if job.append else job.reader
    spec = fragment_spec(target, like=like)
    if job.workers > 1:
        return partial(_together, job, spec)
    return partial(_alone, job, fragment_encoder(spec))


def _alone(job: Job, encoder: Encoder, chunks: Iterable[Chunk]) -> Generator[tuple[Chunk, Labelled], None, None]:
    labeller = _loaded(job.model, job.policy, model_identity(job.model)["sha256"])
    for chunk in chunks:
        yield chunk, label_texts(labeller, chunk.texts, job.options, encoder)


@lru_cache(maxsize=1)  # for the next table
def _loaded(model: str, policy: Policy | None, sha256: str) -> Labeller:
    """Load a model; ``sha256`` tells one that was changed since from one that was not."""
    from disconnect_nlp.store.catalogue import load  # brings spaCy, which a run with workers does without

    return load(model, policy=policy)


def _together(
    job: Job, fragments: dict[str, str], chunks: Iterable[Chunk]
) -> Generator[tuple[Chunk, Labelled], None, None]:
    with nullcontext(job.processes) if job.processes else workers_for(job.model, job.policy) as processes:
        yield from WorkerPool(processes, job.workers, options=job.options, fragments=fragments)(chunks)


def _lines(job: Job, chunk: Chunk, done: Labelled, encoder: Encoder, target: Path) -> Iterator[str]:
    """Yield the lines of a chunk's rows, or those of the journal that holds the added cells only."""
    journal = writable_format(target)[0] not in LINES
    pieces = iter(done.pieces)
    names = [job.options.columns_of(column) for column in range(len(job.options.text_columns))]
    blank = len(SENTENCE_COLUMNS) if job.options.sentences else 0
    for row, statuses in zip(chunk.rows, chunk.statuses, strict=True):
        parts: list[list[str]] = []
        for column, status in enumerate(statuses):
            if kind_of(status) == OK:
                parts.append(next(pieces))
                continue
            cells = empty_cells(status, job.options.labels, evidence=job.options.evidence)
            parts.append([encoder.fragment(names[column], [*cells, *[None] * blank])])
        # With a row for every sentence there is one text column, so its pieces are the rows.
        rows = [[piece] for piece in parts[0]] if len(parts) == 1 else [[part[0] for part in parts]]
        if journal:
            yield "[" + ", ".join("{" + ", ".join(row_parts) + "}" for row_parts in rows) + "]\n"
        else:
            for row_parts in rows:
                yield encoder.line(row.cells, row_parts)


def _journal(target: Path) -> Path:
    """Return a name whose suffix tells how lines are encoded: the target's own, or that of a journal."""
    return target if writable_format(target)[0] in LINES else target.with_suffix(".jsonl")


def _assembled(job: Job, output: UnfinishedOutput) -> Path:
    """Write the rows with the added cells from the journal, for formats that cannot grow; return where."""
    made = output.assembling
    columns = [*job.reader.columns, *job.options.added()]
    like = job.append.reader if job.append else job.reader
    try:
        writer = open_writer(
            made,
            target=output.target,
            columns=columns,
            like=like,
            labels=job.options.descriptions(),
            kinds=job.options.kinds(),
        )
        for row in job.append.reader if job.append else ():
            writer.write(row.cells)
        with output.path.open(encoding="utf-8", errors="surrogateescape") as journal:
            for row, line in zip(job.rows(), journal, strict=True):
                for cells in json.loads(line):
                    writer.write({**row.cells, **cells})
        writer.close()
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return made


def _count(summary: Summary, chunk: Chunk, done: Labelled, job: Job) -> None:
    summary.rows += len(chunk.rows)
    by_kind = job.reader.dialect is not None and job.reader.dialect.by_kind
    for statuses in chunk.statuses:
        if by_kind:  # a row has its text in one of several columns; the others are no texts
            statuses = [status for status in statuses if status != EMPTY] or statuses[:1]
        for status in statuses:
            kind, _, reason = status.partition(": ")
            summary.statuses[kind] += 1
            if reason:
                (summary.broken if kind == OK else summary.reasons)[reason] += 1
    chosen = set(job.options.labels)
    for ours, theirs in ((summary.given, done.given), (summary.uncertain, done.uncertain)):
        ours.update({label: n for label, n in theirs.items() if label in chosen})


def _encoded(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode("utf-8", "surrogateescape")


def _stamp(source: Source) -> tuple[int, int]:
    if not source.path.exists():  # standard input, which is ours alone
        return (0, 0)
    found = source.path.stat()
    return found.st_size, found.st_mtime_ns


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

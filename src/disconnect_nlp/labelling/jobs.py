"""Finds out what is to be labelled and where it goes: files, globs, folders, standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from disconnect_nlp.errors import DataError
from disconnect_nlp.tables import (
    FORMATS,
    WRITABLE,
    ReadOptions,
    Source,
    SpooledSource,
    TableReader,
    TextFilesReader,
    format_of,
    open_source,
    readable_format,
    writable_format,
)

_TEXT = ".txt"
_INSTEAD = {".json": ".jsonl", ".xls": ".xlsx", ".xlsb": ".xlsx", ".ods": ".xlsx", _TEXT: ".csv"}
"""What a format that is only read becomes."""


@dataclass(frozen=True)
class Plan:
    """One table to read, and the file to write."""

    paths: tuple[Path, ...]
    """One table, or text files that make one."""
    root: Path
    """The folder that text files are named from."""
    target: Path
    piped: Source | None = None
    """What came by standard input, instead of paths."""

    @property
    def format(self) -> str:
        """The format of the input."""
        return self.piped.format if self.piped else format_of(self.paths[0])[0]

    @property
    def name(self) -> str:
        """What to call the input."""
        if self.piped:
            return self.piped.name
        return str(self.paths[0] if len(self.paths) == 1 else self.root)

    def open(self, options: ReadOptions) -> tuple[TableReader, list[Source]]:
        """Return a reader and the sources it reads."""
        if self.piped:
            return open_source(self.piped, options), [self.piped]
        sources = [Source(path) for path in self.paths]
        if sources[0].format == _TEXT:
            return TextFilesReader(self.paths, root=self.root, encoding=options.encoding), sources
        return open_source(sources[0], options), sources


def standard_input_plan(stream: BinaryIO, output: Path | None, *, to: str | None) -> Plan:
    """Return a plan for what comes by standard input; it goes out as JSON lines if it came so, else as CSV."""
    source = SpooledSource(stream)
    suffix = to or (".jsonl" if source.format == ".jsonl" else ".csv")
    target = output or Path("standard output" + suffix)
    writable_format(target)
    return Plan((), target.parent, target, source)


def plan_jobs(inputs: Sequence[str], output: Path | None, *, to: str | None = None) -> list[Plan]:
    """Return what is to be labelled, in order.

    Parameters
    ----------
    inputs
        Files, globs such as ``exports/**/*.csv``, or folders, which are searched for every format that is known.
    output
        For one table its output; for several a folder, made if it is not there. Left out: beside each input.
    to
        Suffix of the outputs, such as ``.parquet``, if not that of the input or of ``output``.

    Raises
    ------
    DataError
        If an input does not exist or is of no known format, or two outputs would have one name.
    """
    if to is not None:
        writable_format(Path("output" + to))
    found = [(path, root) for name in inputs for path, root in _files(name)]
    folder = any(Path(name).is_dir() for name in inputs)
    texts = [pair for pair in found if format_of(pair[0])[0] == _TEXT]
    if texts and len(texts) < len(found):
        raise DataError(
            f"{texts[0][1]} holds texts ({_TEXT}) and tables. Name one kind, as in '{texts[0][1]}/**/*{_TEXT}'."
        )
    if texts:
        return [_texts(texts, output, to, folder=folder)]
    several = len(found) > 1 or folder
    if not several:
        path, root = found[0]
        return [Plan((path,), root, output or _beside(path, to))]
    return _tables(found, output, to)


def _files(name: str) -> list[tuple[Path, Path]]:
    """Return the files an input names, each with the folder it was found from."""
    path = Path(name)
    if path.is_file():
        readable_format(path)
        return [(path, path.parent)]
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if _wanted(file, path)]
        if not files:
            raise DataError(f"{path}: no file of a known format in it. Known: {', '.join(FORMATS)}.")
        return [(file, path) for file in files]
    matches = sorted(Path(match) for match in glob.glob(name, recursive=True))  # noqa: PTH207 - may be absolute
    files = [match for match in matches if match.is_file()]
    if not files:
        raise DataError(f"{name}: {'nothing matches' if glob.has_magic(name) else 'no such file'}.")
    for file in files:
        readable_format(file)
    root = Path(os.path.commonpath([file.parent.absolute() for file in files]))
    return [(file.absolute() if not file.is_relative_to(root) else file, root) for file in files]


def _wanted(file: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    ours = ".labelled." in file.name or file.name.endswith(".manifest.json")
    return file.is_file() and not hidden and not ours and format_of(file)[0] in FORMATS


def _texts(found: list[tuple[Path, Path]], output: Path | None, to: str | None, *, folder: bool) -> Plan:
    root = found[0][1]
    paths = tuple(path for path, _ in found)
    if any(not path.is_relative_to(root) for path in paths):
        raise DataError("text files from several folders make no one table. Name a folder above them, or run twice.")
    alone = len(paths) == 1 and not folder
    name = paths[0].stem if alone else (root.name or "texts")
    beside = root if alone else root.parent
    return Plan(paths, root, output or beside / f"{name}.labelled{to or _INSTEAD[_TEXT]}")


def _tables(found: list[tuple[Path, Path]], output: Path | None, to: str | None) -> list[Plan]:
    if output is not None and output.suffix and format_of(output)[0] in WRITABLE and not output.is_dir():
        raise DataError(f"{output}: {len(found)} tables need a folder. Name one with -o, and the format with --to.")
    plans: dict[Path, Plan] = {}
    for path, root in found:
        target = _beside(path, to)
        if output is not None:
            target = output / target.relative_to(root)
        if target in plans:
            raise DataError(f"{target}: would be the output of {plans[target].paths[0]} and of {path}. Run twice.")
        plans[target] = Plan((path,), root, target)
    return list(plans.values())


def _beside(path: Path, to: str | None) -> Path:
    suffix, compression = format_of(path)
    kept = path.name[len(_stem(path)) :]
    instead = _INSTEAD.get(suffix)
    return path.with_name(f"{_stem(path)}.labelled{to or (instead + compression if instead else _spelled(kept, path))}")


def _spelled(kept: str, path: Path) -> str:
    """Return the suffix as the file spells it, where that tells the format to a writer too."""
    suffix, compression = format_of(path)
    return kept if format_of(Path("x" + kept)) == (suffix, compression) and kept else suffix + compression


def _stem(path: Path) -> str:
    name = path.name
    _, compression = format_of(path)
    if compression:
        name = name[: -len(compression)]
    inner = Path(name).suffix
    known = inner and format_of(Path("x" + inner))[0] in FORMATS
    return name[: -len(inner)] if known else name

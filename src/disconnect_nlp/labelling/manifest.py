"""What a run was: everything that decides its output, for the check before resuming and for the manifest beside it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from disconnect_nlp import __version__
from disconnect_nlp.errors import DataError
from disconnect_nlp.labelling.checkpoint import Checkpoint, write_whole
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.store.catalogue import model_identity
from disconnect_nlp.tables import Source
from disconnect_nlp.taxonomy import load_taxonomy

FORMAT = 1
_PACKAGES = ("spacy", "scikit-learn", "numpy", "scipy")


def manifest_path(target: Path) -> Path:
    """Return where the manifest of an output lies."""
    return target.with_name(target.name + ".manifest.json")


def labelling_settings(model: str, policy: str, options: LabelOptions) -> dict[str, Any]:
    """Return what decides the labels of a text."""
    return {
        "library": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "model": {**model_identity(model), "policy": policy},
        "taxonomy": load_taxonomy().version,
        "options": {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(options).items()},
    }


def input_digest(sources: Sequence[Source]) -> dict[str, Any]:
    """Return number, size and hash of the input's files, read in order."""
    digests = [source.digest() for source in sources]
    if len(digests) == 1:
        return {"files": 1, "bytes": digests[0][0], "sha256": digests[0][1]}
    names = [f"{source.path.name}:{sha256}" for source, (_, sha256) in zip(sources, digests, strict=True)]
    joined = hashlib.sha256("\n".join(names).encode("utf-8", "surrogateescape")).hexdigest()
    return {"files": len(digests), "bytes": sum(size for size, _ in digests), "sha256": joined}


def write_manifest(made: Path, checkpoint: Checkpoint, *, target: Path, input_name: str, finished: str) -> None:
    """Write the manifest of a finished output, which still lies at ``made``, beside ``target``."""
    size, sha256 = Source(made).digest()
    settings = dict(checkpoint.settings)
    plain = {
        "format": FORMAT,
        "input": {"name": input_name, **settings.pop("input")},
        "output": {"name": target.name, **settings.pop("output"), "bytes": size, "sha256": sha256},
        **settings,
        "counts": checkpoint.summary,
        "time": {
            "started": checkpoint.started,
            "finished": finished,
            "seconds_of_labelling": round(checkpoint.seconds, 3),
            "sittings": checkpoint.sittings,
        },
    }
    write_whole(manifest_path(target), json.dumps(plain, indent=1, ensure_ascii=False) + "\n")


class _Hashed(BaseModel):
    sha256: str


class _Counts(BaseModel):
    rows: int
    statuses: dict[str, int]
    given: dict[str, int]
    uncertain: dict[str, int]
    reasons: dict[str, int]
    broken: dict[str, int]


class _Manifest(BaseModel):
    """What is read again from a manifest, for its types."""

    format: Literal[1]
    input: _Hashed
    output: _Hashed
    model: dict[str, str]
    options: LabelOptions
    counts: _Counts


def read_manifest(target: Path) -> dict[str, Any]:
    """Return the manifest beside an output, checked.

    Raises
    ------
    DataError
        If there is none, or it is not as ``label`` writes it.
    """
    found = find_manifest(target)
    if found is None:
        raise DataError(
            f"{manifest_path(target)}: no manifest, so it is not known how {target.name} was labelled. "
            "Restore it, or label the input anew with --force."
        )
    return found


def find_manifest(target: Path) -> dict[str, Any] | None:
    """Return the manifest beside an output, checked, or None if there is none.

    Raises
    ------
    DataError
        If it is not as ``label`` writes it.
    """
    path = manifest_path(target)
    if not path.is_file():
        return None
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        _Manifest.model_validate(plain)
    except (ValueError, OSError) as error:
        raise DataError(
            f"{path}: not a manifest of format {FORMAT}{_place(error)}. Restore it, or take it away."
        ) from error
    return plain


def _place(error: Exception) -> str:
    """Return which value is wrong, in brackets, if one is."""
    place = error.errors()[0]["loc"] if isinstance(error, ValidationError) else ()
    return f" ({'.'.join(map(str, place))})" if place else ""

"""Files of plain arrays, without pickle: hashes first, then names, types and shapes."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format

from disconnect_nlp.errors import ModelError

WEIGHTS = "weights.npz"
Shapes = dict[str, tuple[str, tuple[int | None, ...]]]
"""Dtype and shape of every array; None where any length will do."""


def verified(folder: Path, files: Mapping[str, str], expected_files: set[str]) -> dict[str, bytes]:
    """Return the files of a folder, each the one that was saved: ``files`` gives the sha256 of each."""
    if set(files) != expected_files:
        raise ModelError(f"{folder}: the manifest must list {' and '.join(sorted(expected_files))} and nothing else.")
    contents = {}
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{folder}: {name} is missing. Restore it, or save the model again.")
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise ModelError(f"{folder}: {name} is not the file that was saved (sha256 differs). Nothing was loaded.")
    return contents


def read_arrays(data: bytes, folder: Path) -> dict[str, np.ndarray]:
    """Return the plain arrays of an archive; anything else is refused."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {key: np.asarray(archive[key]) for key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{folder}: {WEIGHTS} is not an archive of plain arrays ({error}).") from error


def audit(arrays: Mapping[str, np.ndarray], expected: Shapes, folder: Path) -> None:
    """Refuse arrays of other names, types or shapes than expected."""
    found = {key: (array.dtype.str, array.shape) for key, array in arrays.items()}
    if set(found) != set(expected):
        raise ModelError(f"{folder}: arrays {', '.join(sorted(found))}; expected {', '.join(sorted(expected))}.")
    for key, (dtype, shape) in expected.items():
        own_dtype, own_shape = found[key]
        fits = len(own_shape) == len(shape) and all(b in (None, a) for a, b in zip(own_shape, shape, strict=True))
        if own_dtype != dtype or not fits:
            raise ModelError(f"{folder}: array {key} is {own_dtype} {own_shape}; expected {dtype} {shape}.")


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Archive arrays with fixed dates, so that equal arrays make equal bytes; np.savez stamps the clock.

    Stored, not deflated: weights hardly shrink, and unpacking those of `default` took .15 seconds of every start.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            stream = io.BytesIO()
            npy_format.write_array(stream, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, stream.getvalue())
    return buffer.getvalue()


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that appears whole or not at all."""
    fresh, old = (folder.with_name(folder.name + suffix) for suffix in (".new", ".old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, data in files.items():
        (fresh / name).write_bytes(data)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)

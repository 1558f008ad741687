"""Saves and loads models without pickle: manifest, then hashes, then shapes and types, then construction.

A model folder holds ``manifest.json``, ``weights.npz`` (plain arrays), ``lexicon.json`` and ``CARD.md``.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disconnect_nlp.errors import ModelError
from disconnect_nlp.features import WordVectors
from disconnect_nlp.labellers.base import Labeller, Policy, Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.text.lexicon import Entry, Lexicon, check_lexicon
from disconnect_nlp.text.pattern import WordClasses

FORMAT = 1
_WEIGHTS, _LEXICON, _MANIFEST = "weights.npz", "lexicon.json", "manifest.json"


class LabelRates(BaseModel):
    """How a label's decisions fell on texts that the model was not fitted on, as counts of texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positives: int = Field(ge=0)
    """Texts that carry the label."""
    negatives: int = Field(ge=0)
    hits: dict[Policy, int]
    """Of the positives, those given the label, by policy."""
    false_alarms: dict[Policy, int]
    """Of the negatives, those given the label, by policy."""


class ErrorRates(BaseModel):
    """What a report needs to correct prevalences for a model's errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_on: str
    """One line: which texts."""
    labels: dict[str, LabelRates]


class Manifest(BaseModel):
    """What a model folder holds and how to rebuild the model from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1]
    kind: Literal["classifier"]
    name: str
    version: str
    taxonomy_version: str
    labels: tuple[str, ...]
    bits: int = Field(ge=4, le=24)
    vector_dimensions: int = Field(ge=0, le=1024)
    policy: Policy
    trained_on: str
    """One line: which texts, how many."""
    files: dict[str, str]
    """File name to sha256."""
    error_rates: ErrorRates | None = None
    """Measured on held-out texts; absent where nobody measured."""


def load(name: str | Path = "default", *, policy: Policy | None = None) -> Labeller:
    """Return a shipped model, the lexicon baseline, or a model saved in a folder.

    Parameters
    ----------
    name
        ``"default"``, ``"lexicon"``, or the path of a model folder.
    policy
        Thresholds that decide, instead of the model's own.

    Raises
    ------
    ModelError
        If there is no such model, a file is missing or changed, or the folder was made for other labels.

    Examples
    --------
    >>> load("lexicon").name
    'lexicon'
    """
    labeller: Labeller = LexiconLabeller() if str(name) == "lexicon" else load_folder(_folder(name))
    if policy is not None:
        labeller.thresholds.of(policy)
        labeller.policy = policy
    return labeller


def shipped_models() -> tuple[str, ...]:
    """Return the names of the models that ship with the package, the lexicon aside.

    Examples
    --------
    >>> "default" in shipped_models()
    True
    """
    return tuple(sorted(path.name for path in shipped_path("models").iterdir() if (path / _MANIFEST).exists()))


def model_identity(name: str | Path) -> dict[str, str]:
    """Return name, version and hash of a model, without loading it.

    The hash covers every file of the model; that of the lexicon baseline covers the package's own data files.

    Examples
    --------
    >>> model_identity("lexicon")["name"]
    'lexicon'
    """
    if str(name) == "lexicon":
        hashed = hashlib.sha256()
        for path in sorted(Path(__file__).with_name("resources").rglob("*.toml")):
            hashed.update(path.read_bytes())
        return {"name": "lexicon", "version": load_taxonomy().version, "sha256": hashed.hexdigest()}
    folder = _folder(name)
    manifest = read_manifest(folder)
    own = hashlib.sha256((folder / _MANIFEST).read_bytes()).hexdigest()
    return {"name": manifest.name, "version": manifest.version, "sha256": own}


def _folder(name: str | Path) -> Path:
    if isinstance(name, Path) or "/" in name or "\\" in name:
        return Path(name)
    shipped = shipped_models()
    if name not in shipped and Path(name).is_dir():
        return Path(name)
    if name not in shipped:
        raise ModelError(f"no model {name!r}. Shipped: {', '.join([*shipped, 'lexicon'])}; or give a folder's path.")
    return shipped_path("models", name)


def load_folder(folder: Path) -> DisconnectClassifier:
    """Load a model folder; nothing is constructed before manifest, hashes and arrays have been checked."""
    manifest = read_manifest(folder)
    contents = _verified(folder, manifest)
    arrays = _read_arrays(contents[_WEIGHTS], folder)
    expected = _expected_arrays(manifest)
    found = {key: (array.dtype.str, array.shape) for key, array in arrays.items()}
    _audit(found, expected, folder)
    return _construct(manifest, arrays, _read_lexicon(contents[_LEXICON], folder))


def read_manifest(folder: Path) -> Manifest:
    """Read and validate a model folder's manifest."""
    path = folder / _MANIFEST
    if not path.is_file():
        raise ModelError(f"{folder}: no {_MANIFEST}, so this is no model folder. Give a folder made by save().")
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(f"{path}: not a manifest of format {FORMAT}: {error}") from error
    taxonomy = load_taxonomy()
    if manifest.labels != taxonomy.ids:
        raise ModelError(
            f"{path}: made for taxonomy {manifest.taxonomy_version}, this library has {taxonomy.version} with other "
            "labels. Train the model again, or install the library version it was made with."
        )
    return manifest


def save(
    model: DisconnectClassifier,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str = "0",
    trained_on: str = "not stated",
    error_rates: ErrorRates | None = None,
    card: str = "# Model card\n\nNot written yet: say what the model was trained on, measured on and is meant for.\n",
) -> Manifest:
    """Write ``model`` to ``folder``, which appears whole or not at all.

    Parameters
    ----------
    model
        A fitted classifier.
    folder
        A new place, or a model folder to replace.
    name, version, trained_on
        For the manifest; the name is that of the folder if left out.
    error_rates
        Measured on texts that the model was not fitted on, for reports.
    card
        Markdown for ``CARD.md``.

    Raises
    ------
    ModelError
        If the folder exists and is no model folder.
    """
    folder = Path(folder)
    if not hasattr(model, "coefficients"):
        raise ModelError("this classifier is not fitted, so there is nothing to save. Call fit(texts, labels) first.")
    if folder.exists() and not (folder / _MANIFEST).exists():
        raise ModelError(f"{folder} exists and is no model folder. Choose another place.")
    files = {_WEIGHTS: _pack(_arrays(model)), _LEXICON: _lexicon_bytes(model.featurizer.matches.lexicon)}
    manifest = Manifest(
        format=FORMAT,
        kind="classifier",
        name=name or folder.name,
        version=version,
        taxonomy_version=model.taxonomy.version,
        labels=model.labels,
        bits=model.bits,
        vector_dimensions=0 if model.vectors is None else model.vectors.vectors.shape[1],
        policy=model.policy,
        trained_on=trained_on,
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        error_rates=error_rates,
    )
    files[_MANIFEST] = _manifest_bytes(manifest)
    files["CARD.md"] = card.encode()
    _replace_folder(folder, files)
    return manifest


def error_rates(name: str | Path) -> tuple[ErrorRates | None, str]:
    """Return the error rates of a model, None where it has none, and the sha256 of its manifest ("" without one)."""
    if str(name) == "lexicon":
        return None, ""
    folder = _folder(name)
    return read_manifest(folder).error_rates, hashlib.sha256((folder / _MANIFEST).read_bytes()).hexdigest()


def add_error_rates(folder: Path, rates: ErrorRates) -> None:
    """Write error rates into the manifest of a saved model; everything else stays as it is."""
    manifest = read_manifest(folder).model_copy(update={"error_rates": rates})
    fresh = folder / f"{_MANIFEST}.new"
    fresh.write_bytes(_manifest_bytes(manifest))
    fresh.replace(folder / _MANIFEST)


def _manifest_bytes(manifest: Manifest) -> bytes:
    return (manifest.model_dump_json(indent=1, exclude_none=True) + "\n").encode()


def _replace_folder(folder: Path, files: dict[str, bytes]) -> None:
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


def _arrays(model: DisconnectClassifier) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {
        "coefficients": model.coefficients.astype(np.float16),
        "intercepts": model.intercepts.astype(np.float64),
        "idf": model.featurizer.idf.astype(np.float32),
        "calibration": np.stack([model.calibration.slope, model.calibration.offset]),
        "thresholds": np.stack([model.thresholds.f1, model.thresholds.precision, model.thresholds.recall]),
    }
    if model.vectors is not None:
        arrays |= {"vector_ids": model.vectors.ids, "vectors": model.vectors.vectors.astype(np.float16)}
    return arrays


def _expected_arrays(manifest: Manifest) -> dict[str, tuple[str, tuple[int | None, ...]]]:
    """Dtype and shape of every array; None where any length will do."""
    n_labels, columns = len(manifest.labels), 1 << manifest.bits
    width = columns + manifest.vector_dimensions + 2 * n_labels
    expected: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "coefficients": ("<f2", (width, n_labels)),
        "intercepts": ("<f8", (n_labels,)),
        "idf": ("<f4", (columns,)),
        "calibration": ("<f8", (2, n_labels)),
        "thresholds": ("<f8", (3, n_labels)),
    }
    if manifest.vector_dimensions:
        expected |= {"vector_ids": ("<u8", (None,)), "vectors": ("<f2", (None, manifest.vector_dimensions))}
    return expected


def _verified(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    if set(manifest.files) != {_WEIGHTS, _LEXICON}:
        raise ModelError(f"{folder}: the manifest must list {_WEIGHTS} and {_LEXICON} and nothing else.")
    contents = {}
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{folder}: {name} is missing. Restore it, or save the model again.")
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise ModelError(f"{folder}: {name} is not the file that was saved (sha256 differs). Nothing was loaded.")
    return contents


def _read_arrays(data: bytes, folder: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {key: np.asarray(archive[key]) for key in archive.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{folder}: {_WEIGHTS} is not an archive of plain arrays ({error}).") from error


def _audit(
    found: dict[str, tuple[str, tuple[int, ...]]],
    expected: dict[str, tuple[str, tuple[int | None, ...]]],
    folder: Path,
) -> None:
    if set(found) != set(expected):
        raise ModelError(f"{folder}: arrays {', '.join(sorted(found))}; expected {', '.join(sorted(expected))}.")
    for key, (dtype, shape) in expected.items():
        own_dtype, own_shape = found[key]
        fits = len(own_shape) == len(shape) and all(b in (None, a) for a, b in zip(own_shape, shape, strict=True))
        if own_dtype != dtype or not fits:
            raise ModelError(f"{folder}: array {key} is {own_dtype} {own_shape}; expected {dtype} {shape}.")


def _construct(manifest: Manifest, arrays: dict[str, np.ndarray], lexicon: Lexicon) -> DisconnectClassifier:
    vectors = WordVectors(arrays["vector_ids"], arrays["vectors"]) if manifest.vector_dimensions else None
    model = DisconnectClassifier(lexicon=lexicon, vectors=vectors, bits=manifest.bits, policy=manifest.policy)
    model.prepare()
    model.featurizer.idf = arrays["idf"]
    model.coefficients = arrays["coefficients"].astype(np.float32)
    model.intercepts = arrays["intercepts"]
    model.calibration = Calibration(*arrays["calibration"])
    model.thresholds = Thresholds(*arrays["thresholds"])
    return model


def _lexicon_bytes(lexicon: Lexicon) -> bytes:
    plain: dict[str, Any] = {
        "classes": {name: list(words) for name, words in sorted(lexicon.classes.words.items())},
        "entries": [entry.model_dump(mode="json") for entry in lexicon],
    }
    return (json.dumps(plain, ensure_ascii=False, indent=0) + "\n").encode()


def _read_lexicon(data: bytes, folder: Path) -> Lexicon:
    try:
        plain = json.loads(data)
        entries = [Entry.model_validate(row) for row in plain["entries"]]
        classes = WordClasses({name: tuple(words) for name, words in plain["classes"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder}: {_LEXICON} does not hold a lexicon ({error}).") from error
    return check_lexicon(Lexicon({entry.id: entry for entry in entries}, classes))


def _pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Zip arrays with fixed dates, so that equal arrays make equal bytes; np.savez stamps the clock."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(name + ".npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            stream = io.BytesIO()
            npy_format.write_array(stream, np.ascontiguousarray(arrays[name]), allow_pickle=False)
            archive.writestr(entry, stream.getvalue())
    return buffer.getvalue()

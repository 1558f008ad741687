"""Saves and loads a classifier: ``manifest.json``, ``weights.npz``, ``lexicon.json`` and ``CARD.md``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from disconnect_nlp.errors import ModelError
from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.featurizer import views
from disconnect_nlp.labellers.linear import LinearModel
from disconnect_nlp.store.arrays import WEIGHTS, Shapes, audit, pack, read_arrays, replace_folder, verified
from disconnect_nlp.store.manifest import CARD, FORMAT, MANIFEST, UNWRITTEN, ErrorRates, Manifest, manifest_bytes
from disconnect_nlp.text.lemmas import lemmas_sha256
from disconnect_nlp.text.lexicon import Entry, Lexicon, check_lexicon
from disconnect_nlp.text.pattern import WordClasses

_LEXICON = "lexicon.json"


def load_classifier(folder: Path, manifest: Manifest) -> LinearModel:
    """Load a classifier's folder; nothing is constructed before hashes and arrays have been checked."""
    if manifest.lemmas != lemmas_sha256():
        raise ModelError(
            f"{folder}: fitted with another table of base forms (resources/lemmas.tsv) than this library has. "
            "Train the model again, or install the library version it was made with."
        )
    contents = verified(folder, manifest.files, {WEIGHTS, _LEXICON})
    arrays = read_arrays(contents[WEIGHTS], folder)
    audit(arrays, _expected_arrays(manifest), folder)
    return _construct(manifest, arrays, _read_lexicon(contents[_LEXICON], folder))


def save(
    model: LinearModel,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str = "0",
    trained_on: str = "not stated",
    error_rates: ErrorRates | None = None,
    card: str = UNWRITTEN,
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
    if folder.exists() and not (folder / MANIFEST).exists():
        raise ModelError(f"{folder} exists and is no model folder. Choose another place.")
    files = {WEIGHTS: pack(_arrays(model)), _LEXICON: _lexicon_bytes(model.featurizer.matches.lexicon)}
    manifest = Manifest(
        format=FORMAT,
        kind="classifier",
        name=name or folder.name,
        version=version,
        taxonomy_version=model.taxonomy.version,
        labels=model.labels,
        bits=model.bits,
        policy=model.policy,
        trained_on=trained_on,
        lemmas=lemmas_sha256(),
        files={file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
        error_rates=error_rates,
    )
    files[MANIFEST] = manifest_bytes(manifest)
    files[CARD] = card.encode()
    replace_folder(folder, files)
    return manifest


def _arrays(model: LinearModel) -> dict[str, np.ndarray]:
    return {
        "coefficients": model.coefficients.astype(np.float16),
        "intercepts": model.intercepts.astype(np.float64),
        "idf": model.featurizer.idf.astype(np.float32),
        "calibration": np.stack([model.calibration.slope, model.calibration.offset]),
        "thresholds": np.stack([model.thresholds.f1, model.thresholds.precision, model.thresholds.recall]),
    }


def _expected_arrays(manifest: Manifest) -> Shapes:
    n_labels, columns = len(manifest.labels), views(manifest.bits)[-1].columns.stop
    return {
        "coefficients": ("<f2", (columns + 2 * n_labels, n_labels)),
        "intercepts": ("<f8", (n_labels,)),
        "idf": ("<f4", (columns,)),
        "calibration": ("<f8", (2, n_labels)),
        "thresholds": ("<f8", (3, n_labels)),
    }


def _construct(manifest: Manifest, arrays: dict[str, np.ndarray], lexicon: Lexicon) -> LinearModel:
    model = LinearModel(lexicon=lexicon, bits=manifest.bits, policy=manifest.policy)
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

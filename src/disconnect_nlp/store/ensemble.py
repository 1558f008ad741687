"""Saves and loads the model ``accurate``: adapters and heads here, the classifier in the folder beside it.

The folder holds ``manifest.json``, ``weights.npz`` and ``CARD.md``. The encoder's own weights are never stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from disconnect_nlp.errors import ModelError
from disconnect_nlp.labellers.base import Thresholds
from disconnect_nlp.labellers.calibration import Calibration
from disconnect_nlp.labellers.encoder import DENSE, SHA256, SentenceEncoder, split_adapters
from disconnect_nlp.labellers.ensemble import EncoderEnsemble
from disconnect_nlp.labellers.heads import LabelHeads
from disconnect_nlp.labellers.linear import LinearModel
from disconnect_nlp.store.arrays import WEIGHTS, Shapes, audit, pack, read_arrays, replace_folder, verified
from disconnect_nlp.store.manifest import (
    CARD,
    FORMAT,
    MANIFEST,
    UNWRITTEN,
    EnsembleManifest,
    ErrorRates,
    manifest_bytes,
    read_manifest,
)

_WIDTH, _INNER, _LAYERS = 384, 1536, 6  # of all-MiniLM-L6-v2


def load_ensemble(
    folder: Path,
    manifest: EnsembleManifest,
    load_base: Callable[[Path], LinearModel],
    encoder_folder: str | Path | None = None,
) -> EncoderEnsemble:
    """Load an ensemble; nothing is constructed before manifest, hashes and arrays have been checked."""
    contents = verified(folder, manifest.files, {WEIGHTS})
    arrays = read_arrays(contents[WEIGHTS], folder)
    audit(arrays, _shapes(manifest), folder)
    place = folder.parent / manifest.base
    if read_manifest(place).files != manifest.base_files:  # loading it checks that its files are those
        raise ModelError(
            f"{folder}: made with another {place} than is there. Install the library version it came with, or build "
            "both models again."
        )
    if manifest.encoder != SHA256:
        raise ModelError(f"{folder}: made with another encoder than this library reads. Build the model again.")
    return EncoderEnsemble(
        load_base(place),
        SentenceEncoder(encoder_folder, split_adapters(arrays)),
        heads=LabelHeads.of(arrays),
        share=arrays["share"],
        calibration=Calibration(*arrays["calibration"]),
        thresholds=Thresholds(*arrays["thresholds"]),
        policy=manifest.policy,
    )


def read_adapters(file: Path) -> dict[str, np.ndarray]:
    """Return what training left in a file: adapters and heads."""
    if not file.is_file():
        raise ModelError(f"{file}: no such file. Learn adapters first: python -m disconnect_nlp.building adapters.")
    return read_arrays(file.read_bytes(), file)


def save_ensemble(
    model: EncoderEnsemble,
    learned: Mapping[str, np.ndarray],
    folder: Path,
    *,
    base_folder: Path,
    version: str,
    trained_on: str,
    error_rates: ErrorRates | None = None,
) -> EnsembleManifest:
    """Write an ensemble whose base stands saved in ``base_folder``, beside ``folder``.

    ``learned`` are the arrays that training left.
    """
    arrays = dict(learned) | {
        "share": model.share,
        "calibration": np.stack([model.calibration.slope, model.calibration.offset]),
        "thresholds": np.stack([model.thresholds.f1, model.thresholds.precision, model.thresholds.recall]),
    }
    weights = pack(arrays)
    manifest = EnsembleManifest(
        format=FORMAT,
        kind="ensemble",
        name=folder.name,
        version=version,
        taxonomy_version=model.taxonomy.version,
        labels=model.labels,
        policy=model.policy,
        trained_on=trained_on,
        rank=len(next(iter(split_adapters(learned).values()))[0]),
        encoder=SHA256,
        base=base_folder.name,
        base_files=read_manifest(base_folder).files,
        files={WEIGHTS: hashlib.sha256(weights).hexdigest()},
        error_rates=error_rates,
    )
    replace_folder(folder, {WEIGHTS: weights, MANIFEST: manifest_bytes(manifest), CARD: UNWRITTEN.encode()})
    return manifest


def _shapes(manifest: EnsembleManifest) -> Shapes:
    n_labels = len(manifest.labels)
    shapes: Shapes = {
        "queries": ("<f2", (_WIDTH, n_labels)),
        "heads": ("<f2", (_WIDTH, n_labels)),
        "intercepts": ("<f8", (n_labels,)),
        "share": ("<f8", (n_labels,)),
        "calibration": ("<f8", (2, n_labels)),
        "thresholds": ("<f8", (3, n_labels)),
    }
    for layer in range(_LAYERS):
        for dense in DENSE:
            n_in = _INNER if dense == "output.dense" else _WIDTH
            n_out = _INNER if dense == "intermediate.dense" else _WIDTH
            shapes[f"adapter.{layer}.{dense}.down"] = ("<f2", (manifest.rank, n_in))
            shapes[f"adapter.{layer}.{dense}.up"] = ("<f2", (n_out, manifest.rank))
    return shapes

"""Saves and loads models without pickle: manifest, then hashes, then shapes and types, then construction."""

from disconnect_nlp.store.arrays import pack
from disconnect_nlp.store.catalogue import (
    error_rates,
    load,
    load_folder,
    model_identity,
    shipped_models,
)
from disconnect_nlp.store.classifier import save
from disconnect_nlp.store.ensemble import read_adapters, save_ensemble
from disconnect_nlp.store.manifest import EnsembleManifest, ErrorRates, LabelRates, Manifest, read_manifest

__all__ = [
    "EnsembleManifest",
    "ErrorRates",
    "LabelRates",
    "Manifest",
    "error_rates",
    "load",
    "load_folder",
    "model_identity",
    "pack",
    "read_adapters",
    "read_manifest",
    "save",
    "save_ensemble",
    "shipped_models",
]

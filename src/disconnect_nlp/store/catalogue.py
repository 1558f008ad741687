"""Which models there are, and loading one by name or folder.

What each kind of model needs is imported when one is loaded; telling what a model is needs neither spaCy nor numpy.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from disconnect_nlp.errors import ModelError
from disconnect_nlp.records import Policy
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.store.manifest import MANIFEST, ErrorRates, Manifest, read_manifest
from disconnect_nlp.taxonomy import load_taxonomy

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Labeller
    from disconnect_nlp.labellers.linear import LinearModel


def load(name: str | Path = "default", *, policy: Policy | None = None, encoder: str | Path | None = None) -> Labeller:
    """Return a shipped model, the lexicon baseline, or a model saved in a folder.

    Parameters
    ----------
    name
        ``"default"``, ``"accurate"``, ``"lexicon"``, or the path of a model folder.
    policy
        Thresholds that decide, instead of the model's own.
    encoder
        Folder of all-MiniLM-L6-v2 for ``accurate``, instead of the one in the environment variable
        ``DISCONNECT_NLP_ENCODER`` or the installed package.

    Raises
    ------
    ModelError
        If there is no such model, a file is missing or changed, or the folder was made for other labels.

    Examples
    --------
    >>> load("lexicon").name
    'lexicon'
    """
    labeller: Labeller = _lexicon() if str(name) == "lexicon" else load_folder(_folder(name), encoder)
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
    return tuple(sorted(path.name for path in shipped_path("models").iterdir() if (path / MANIFEST).exists()))


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
        for path in sorted(Path(__file__).parents[1].joinpath("resources").rglob("*.toml")):
            hashed.update(path.read_bytes())
        return {"name": "lexicon", "version": load_taxonomy().version, "sha256": hashed.hexdigest()}
    folder = _folder(name)
    manifest = read_manifest(folder)
    own = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    return {"name": manifest.name, "version": manifest.version, "sha256": own}


def load_folder(folder: Path, encoder: str | Path | None = None) -> Labeller:
    """Load a model folder of either kind."""
    manifest = read_manifest(folder)
    if isinstance(manifest, Manifest):
        return _load_base(folder)
    from disconnect_nlp.store.ensemble import load_ensemble

    return load_ensemble(folder, manifest, _load_base, encoder)


def _load_base(folder: Path) -> LinearModel:
    manifest = read_manifest(folder)
    if not isinstance(manifest, Manifest):
        raise ModelError(f"{folder}: not a classifier, so it cannot be the base of an ensemble.")
    from disconnect_nlp.store.classifier import load_classifier

    return load_classifier(folder, manifest)


def _lexicon() -> Labeller:
    from disconnect_nlp.labellers.lexical import LexiconLabeller

    return LexiconLabeller()


def error_rates(name: str | Path) -> tuple[ErrorRates | None, str]:
    """Return the error rates of a model, None where it has none, and the sha256 of its manifest ("" without one)."""
    if str(name) == "lexicon":
        return None, ""
    folder = _folder(name)
    return read_manifest(folder).error_rates, hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def _folder(name: str | Path) -> Path:
    if isinstance(name, Path) or "/" in name or "\\" in name:
        return Path(name)
    shipped = shipped_models()
    if name not in shipped and Path(name).is_dir():
        return Path(name)
    if name not in shipped:
        raise ModelError(f"no model {name!r}. Shipped: {', '.join([*shipped, 'lexicon'])}; or give a folder's path.")
    return shipped_path("models", name)

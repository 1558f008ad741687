"""What a model folder says of itself, and the error rates that go with it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from disconnect_nlp.errors import ModelError
from disconnect_nlp.records import Policy
from disconnect_nlp.taxonomy import load_taxonomy

FORMAT = 3
MANIFEST = "manifest.json"
CARD = "CARD.md"
UNWRITTEN = "# Model card\n\nNot written yet: say what the model was trained on, measured on and is meant for.\n"


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

    format: Literal[3]
    kind: Literal["classifier"]
    name: str
    version: str
    taxonomy_version: str
    labels: tuple[str, ...]
    bits: int = Field(ge=4, le=24)
    policy: Policy
    trained_on: str
    """One line: which texts, how many."""
    lemmas: str
    """sha256 of the table of base forms that it was fitted with."""
    files: dict[str, str]
    """File name to sha256."""
    error_rates: ErrorRates | None = None
    """Measured on held-out texts; absent where nobody measured."""


class EnsembleManifest(BaseModel):
    """What the folder of an ensemble holds, and which classifier and encoder it was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[3]
    kind: Literal["ensemble"]
    name: str
    version: str
    taxonomy_version: str
    labels: tuple[str, ...]
    policy: Policy
    trained_on: str
    """One line: which texts, how many."""
    rank: int = Field(ge=1, le=384)
    """Of the adapters."""
    encoder: str
    """sha256 of the encoder's weights."""
    base: str
    """Name of the classifier's folder, which lies beside this one."""
    base_files: dict[str, str]
    """File name to sha256, as the classifier's own manifest lists them."""
    files: dict[str, str]
    """File name to sha256."""
    error_rates: ErrorRates | None = None
    """Measured on held-out texts; absent where nobody measured."""


_ANY: TypeAdapter[Manifest | EnsembleManifest] = TypeAdapter(
    Annotated[Manifest | EnsembleManifest, Field(discriminator="kind")]
)


def read_manifest(folder: Path) -> Manifest | EnsembleManifest:
    """Read and validate a model folder's manifest."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelError(f"{folder}: no {MANIFEST}, so this is no model folder. Give a folder made by save().")
    try:
        manifest = _ANY.validate_json(path.read_bytes())
    except ValidationError as error:
        raise ModelError(
            f"{path}: not a manifest of format {FORMAT}: {error}. If an earlier version of the library made it, train "
            "the model again, or install that version."
        ) from error
    taxonomy = load_taxonomy()
    if manifest.labels != taxonomy.ids:
        raise ModelError(
            f"{path}: made for taxonomy {manifest.taxonomy_version}, this library has {taxonomy.version} with other "
            "labels. Train the model again, or install the library version it was made with."
        )
    return manifest


def manifest_bytes(manifest: Manifest | EnsembleManifest) -> bytes:
    """Return the file's content."""
    return (manifest.model_dump_json(indent=1, exclude_none=True) + "\n").encode()

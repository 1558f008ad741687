"""Learns the low-rank adapters and heads of the model ``accurate``, with PyTorch; prediction needs numpy only.

The encoder's own weights stay as they are; beside every dense map of every layer a pair of thin matrices is learned
(Hu et al. 2021, LoRA), and a query and a linear head a label on the token vectors. What a text is about, and whether
anything has no effect, is learned beside the labels (see :mod:`disconnect_nlp.labellers.stacking`): it teaches the
encoder, and its heads are not kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from disconnect_nlp.labellers.encoder import DENSE, SentenceEncoder
from disconnect_nlp.labellers.heads import SHARPNESS
from disconnect_nlp.labellers.stacking import Questions

Array = np.ndarray
_SCALE = 2.0  # of an adapter beside the map it changes
_DROPOUT = 0.1
_HEAD_RATE = 2e-3
_QUESTIONS = 0.5  # how much a question counts beside a label
_WARM_UP = 0.06  # share of all steps
_BATCH = 32
_BUCKET = 16  # batches sorted by length together


@dataclass(frozen=True)
class Learned:
    """What training leaves: adapters for :class:`SentenceEncoder`, and the parts of a :class:`LabelHeads`."""

    adapters: dict[str, tuple[Array, Array]]
    queries: Array
    """Shape ``(dimensions, n_labels)``."""
    heads: Array
    """Same shape."""
    intercepts: Array
    """Shape ``(n_labels,)``."""

    def arrays(self) -> dict[str, Array]:
        """Return plain arrays by name; adapters and heads as they are stored, in half precision."""
        sides = {
            f"adapter.{name}.{side}": array.astype(np.float16)
            for name, pair in self.adapters.items()
            for side, array in zip(("down", "up"), pair, strict=True)
        }
        heads = {"queries": self.queries.astype(np.float16), "heads": self.heads.astype(np.float16)}
        return sides | heads | {"intercepts": self.intercepts.astype(np.float64)}


class _Network(torch.nn.Module):  # type: ignore[misc]
    """The encoder of :mod:`disconnect_nlp.labellers.encoder` with adapters that learn, and the heads."""

    def __init__(self, encoder: SentenceEncoder, rank: int, intercepts: Array) -> None:
        super().__init__()
        self.heads_in_attention = int(encoder.config["num_attention_heads"])
        self.fixed = [_tensors(layer) for layer in encoder.layers]
        self.embeddings = _tensors(encoder.embeddings)
        self.down, self.up = torch.nn.ParameterDict(), torch.nn.ParameterDict()
        for number, layer in enumerate(self.fixed):
            for name in DENSE:
                n_in, n_out = layer[f"{name}.weight"].shape
                key = _key(number, name)
                self.down[key] = torch.nn.Parameter(torch.randn(rank, n_in) / math.sqrt(n_in))
                self.up[key] = torch.nn.Parameter(torch.zeros(n_out, rank))
        self.queries = torch.nn.Parameter(torch.zeros(len(intercepts), encoder.dimensions))
        self.head = torch.nn.Linear(encoder.dimensions, len(intercepts))
        torch.nn.init.zeros_(self.head.weight)
        self.head.bias.data = torch.tensor(intercepts, dtype=torch.float32)

    def adapters(self) -> list[torch.nn.Parameter]:
        return [*self.down.values(), *self.up.values()]

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self._hidden(ids, mask)
        hidden = functional.dropout(hidden.float(), _DROPOUT, self.training)
        found = hidden @ self.queries.T * (SHARPNESS / math.sqrt(hidden.shape[-1]))
        shares = torch.softmax(found.masked_fill(mask.unsqueeze(-1) == 0, -torch.inf), dim=1)
        return (shares * (hidden @ self.head.weight.T)).sum(1) + self.head.bias

    def _hidden(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        own = self.embeddings
        hidden = own["word_embeddings.weight"][ids] + own["position_embeddings.weight"][: ids.shape[1]]
        hidden = self._normed(hidden + own["token_type_embeddings.weight"][0], own, "LayerNorm")
        visible = mask[:, None, None, :].bool()
        for number, layer in enumerate(self.fixed):
            attended = self._drop(self._attention(hidden, visible, number))
            hidden = self._normed(hidden + attended, layer, "attention.output.LayerNorm")
            inner = functional.gelu(self._dense(hidden, number, "intermediate.dense"))
            inner = self._drop(self._dense(inner, number, "output.dense"))
            hidden = self._normed(hidden + inner, layer, "output.LayerNorm")
        return hidden

    def _attention(self, hidden: torch.Tensor, visible: torch.Tensor, number: int) -> torch.Tensor:
        def split(name: str) -> torch.Tensor:
            rows = self._dense(hidden, number, f"attention.self.{name}")
            return rows.unflatten(-1, (self.heads_in_attention, -1)).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(
            split("query"),
            split("key"),
            split("value"),
            attn_mask=visible,
            dropout_p=_DROPOUT if self.training else 0.0,
        )
        return self._dense(mixed.transpose(1, 2).flatten(-2), number, "attention.output.dense")

    def _dense(self, rows: torch.Tensor, number: int, name: str) -> torch.Tensor:
        layer, key = self.fixed[number], _key(number, name)
        own = functional.linear(rows, layer[f"{name}.weight"].T, layer[f"{name}.bias"])
        added = functional.linear(functional.linear(rows, self.down[key]), self.up[key])
        return own + _SCALE * added

    def _drop(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.dropout(rows, _DROPOUT, self.training)

    @staticmethod
    def _normed(rows: torch.Tensor, layer: dict[str, torch.Tensor], name: str) -> torch.Tensor:
        weight = layer[f"{name}.weight"]
        return functional.layer_norm(rows, weight.shape, weight, layer[f"{name}.bias"], 1e-12)


def learn(
    texts: Sequence[str],
    targets: Array,
    observed: Array,
    questions: Questions,
    *,
    folder: Path | None = None,
    rank: int = 16,
    epochs: int = 5,
    rate: float = 1e-3,
    max_tokens: int = 144,
    seed: int = 0,
) -> Learned:
    """Learn adapters and heads.

    Parameters
    ----------
    texts
        Passages.
    targets
        0/1 or shares between, shape ``(n_texts, n_labels)``.
    observed
        0/1, same shape: entries of 0 do not count.
    questions
        Targets beside the labels', for the same texts.
    folder
        The encoder's; that of the installed package if left out.
    rank
        Of the adapters.
    epochs, rate, max_tokens
        Passes over the texts, peak step size (falling to nothing), and word pieces read of a text.
    """
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    encoder = SentenceEncoder(folder)
    pieces = [ids[:max_tokens] for ids in encoder.pieces(texts)]
    n_labels = targets.shape[1]
    targets, observed = np.hstack([targets, questions.truth]), np.hstack([observed, questions.observed])
    weights = observed * np.where(np.arange(targets.shape[1]) < n_labels, 1.0, _QUESTIONS)
    shares = (targets * observed).sum(0) / np.maximum(observed.sum(0), 1)
    network = _Network(encoder, rank, np.log((shares + 1e-3) / (1 - shares)))
    heads = [network.queries, *network.head.parameters()]
    groups = [{"params": network.adapters(), "lr": rate}, {"params": heads, "lr": _HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = epochs * math.ceil(len(texts) / _BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    truth, known = (torch.tensor(array, dtype=torch.float32) for array in (targets, weights))
    order = np.random.default_rng(seed)
    network.train()
    for _ in range(epochs):
        for rows in _batches(pieces, order):
            scores = network(*_padded([pieces[row] for row in rows]))
            loss = functional.binary_cross_entropy_with_logits(scores, truth[rows], reduction="none") * known[rows]
            optimizer.zero_grad()
            (loss.sum() / known[rows].sum() * n_labels).backward()
            torch.nn.utils.clip_grad_norm_(network.adapters(), 1.0)
            optimizer.step()
            schedule.step()
    return _learned(network, n_labels)


def _learned(network: _Network, n_labels: int) -> Learned:
    adapters = {}
    for number in range(len(network.fixed)):
        for name in DENSE:
            down, up = network.down[_key(number, name)], network.up[_key(number, name)]
            adapters[f"{number}.{name}"] = (_array(down), _array(up * _SCALE))
    queries, heads = (_array(rows)[:n_labels].T.copy() for rows in (network.queries, network.head.weight))
    return Learned(adapters, queries, heads, _array(network.head.bias)[:n_labels])


def _batches(pieces: Sequence[Sequence[int]], order: np.random.Generator) -> Iterator[list[int]]:
    """Yield row numbers in batches of similar length, in random order."""
    rows = order.permutation(len(pieces)).tolist()
    batches: list[list[int]] = []
    for start in range(0, len(rows), _BATCH * _BUCKET):
        bucket = sorted(rows[start : start + _BATCH * _BUCKET], key=lambda row: len(pieces[row]))
        batches += [bucket[first : first + _BATCH] for first in range(0, len(bucket), _BATCH)]
    for number in order.permutation(len(batches)):
        yield batches[number]


def _padded(pieces: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, pieces))
    ids = torch.zeros(len(pieces), longest, dtype=torch.long)
    mask = torch.zeros(len(pieces), longest, dtype=torch.long)
    for row, own in enumerate(pieces):
        ids[row, : len(own)] = torch.tensor(own)
        mask[row, : len(own)] = 1
    return ids, mask


def _rate(step: int, steps: int) -> float:
    warm_up = max(1, round(_WARM_UP * steps))
    return min(1.0, (step + 1) / warm_up) if step < warm_up else max(0.0, (steps - step) / max(1, steps - warm_up))


def _tensors(arrays: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(array) for name, array in arrays.items()}


def _key(number: int, name: str) -> str:
    return f"{number}_{name}".replace(".", "_")


def _array(tensor: Any) -> Array:
    array: Array = tensor.detach().numpy()
    return array

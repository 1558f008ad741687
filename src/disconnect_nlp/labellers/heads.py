"""Heads of the model ``accurate``: each label looks for its own words among the token vectors of a passage.

A mean over all tokens drowns the one clause of a long passage that carries a label; so every label weighs the tokens by
itself (label-wise attention, Mullenbach et al. 2018) and reads its log-odds off what it weighed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
SHARPNESS = 8.0
"""Factor of what a query finds, beside the usual ``1 / sqrt(dimensions)``: learning begins flat and soon moves away."""


@dataclass(frozen=True, eq=False)
class LabelHeads:
    """One query and one linear head a label.

    Attributes
    ----------
    queries
        What a label looks for, shape ``(dimensions, n_labels)``.
    weights
        What it makes of a token, shape ``(dimensions, n_labels)``.
    intercepts
        Shape ``(n_labels,)``.

    Examples
    --------
    >>> heads = LabelHeads(np.array([[9.0], [0.0]]), np.array([[0.0], [1.0]]), np.zeros(1))
    >>> hidden = np.array([[[1.0, 3.0], [0.0, -3.0], [1.0, 100.0]]])  # three tokens, the last of them padding
    >>> heads(hidden, np.array([[1.0, 1.0, 0.0]])).round(1).tolist()
    [[3.0]]
    """

    queries: Array
    weights: Array
    intercepts: Array

    def __call__(self, hidden: Array, mask: Array) -> Array:
        """Return log-odds, shape ``(n_passages, n_labels)``.

        Parameters
        ----------
        hidden
            Token vectors, shape ``(n_passages, length, dimensions)``.
        mask
            1 for tokens and 0 for padding, shape ``(n_passages, length)``.
        """
        found = hidden @ self.queries * (SHARPNESS / np.sqrt(hidden.shape[-1]))
        found = np.where(mask[:, :, None] > 0, found, -np.inf)
        shares = np.exp(found - found.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        log_odds: Array = (shares * (hidden @ self.weights)).sum(axis=1) + self.intercepts
        return log_odds

    @classmethod
    def of(cls, arrays: Mapping[str, Array]) -> LabelHeads:
        """Return the heads among arrays as they are stored."""
        queries, weights = (arrays[name].astype(np.float32) for name in ("queries", "heads"))
        return cls(queries, weights, arrays["intercepts"])

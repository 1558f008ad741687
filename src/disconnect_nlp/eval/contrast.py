"""Contrast sets: one person and one matter told four ways, to see if a system follows the change that moves a label.

After Gardner et al. (2020). The texts of a set share matter and many words, and only some of them carry the labels: in
one they are affirmed, in one denied, in one past, somebody else's, imagined or quoted, and in the last affirmed again
among words of denial. A test set of unrelated texts does not show whether a system reads those words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from disconnect_nlp.corpus import Role, Text
from disconnect_nlp.errors import CorpusError
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import bootstrap_weights, interval
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.taxonomy import load_taxonomy

_ROLES: dict[Role, str] = {
    "affirmed": "affirmed",
    "trap": "affirmed among denials",
    "denied": "denied",
    "past": "past and over",
    "other": "somebody else's",
    "hypothetical": "imagined",
    "quoted": "quoted",
}
_AFFIRMED = ("affirmed", "trap")
SETS = "whole sets right"


@dataclass(frozen=True)
class _Decisions:
    """What is asked of a system, one entry a text and label in each."""

    role: Array
    carried: Array
    given: Array
    group: list[str]
    """The set of each."""


def run_contrast(
    texts: Sequence[Text], said: Predictions, *, labels: Sequence[str], samples: int = 1000, seed: int = 0
) -> list[dict[str, Any]]:
    """Judge a system's predictions for contrast sets.

    Of a text where labels are affirmed, those it carries are asked for; of any other, those that its set's affirmed
    text carries and it does not.

    Parameters
    ----------
    texts
        Texts of the split ``contrast``, in the order of ``said``.
    labels
        Ids of the labels to ask for; those the system does not know are left out.
    samples
        Bootstrap samples: whole sets are drawn.

    Returns
    -------
    list
        One dictionary a role and one for whole sets: ``n_texts``, ``n`` decisions (or sets), ``n_right``, ``right``
        (share, None where n is 0), ``low``, ``high``.

    Raises
    ------
    CorpusError
        If there is no text, or one belongs to no set.
    """
    asked = _decisions(texts, said, [label for label in labels if said.covered[load_taxonomy().index[label]]])
    right = asked.given == asked.carried
    rows = [_row(name, asked, right, asked.role == role, samples, seed) for role, name in _ROLES.items()]
    whole: dict[str, bool] = {}
    for group, one in zip(asked.group, right.tolist(), strict=True):
        whole[group] = whole.get(group, True) and one
    kept = np.array(list(whole.values()), dtype=bool)
    return [*rows, _share(SETS, len(texts), kept, list(whole), samples, seed)]


def _decisions(texts: Sequence[Text], said: Predictions, labels: Sequence[str]) -> _Decisions:
    if not texts or any(text.contrast is None for text in texts):
        raise CorpusError(
            "contrast sets: a text belongs to no set, or there is none. Give texts of the split contrast."
        )
    index = load_taxonomy().index
    affirmed: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        if text.contrast and text.contrast.role == "affirmed":
            affirmed[_set_of(text)] |= set(labels).intersection(text.labels)
    found: list[tuple[str, bool, bool, str]] = []
    for row, text in enumerate(texts):
        role, own = text.contrast.role if text.contrast else "", set(labels).intersection(text.labels)
        wanted = own if role in _AFFIRMED else affirmed[_set_of(text)] - own
        found += [
            (role, role in _AFFIRMED, bool(said.decided[row, index[label]]), _set_of(text)) for label in sorted(wanted)
        ]
    roles, carried, given, groups = zip(*found, strict=True) if found else ((), (), (), ())
    return _Decisions(np.array(roles, dtype=str), np.array(carried, bool), np.array(given, bool), list(groups))


def _set_of(text: Text) -> str:
    return f"{text.batch}-{text.contrast.set if text.contrast else ''}"


def _row(name: str, asked: _Decisions, right: Array, chosen: Array, samples: int, seed: int) -> dict[str, Any]:
    groups = [asked.group[row] for row in np.flatnonzero(chosen)]
    return _share(name, len(set(groups)), right[chosen], groups, samples, seed)


def _share(name: str, n_texts: int, right: Array, groups: Sequence[str], samples: int, seed: int) -> dict[str, Any]:
    """Return the share that is right, with bounds from drawing whole sets."""
    low = high = share = None
    if len(right):
        share = float(right.mean())
        drawn = bootstrap_weights(groups, samples=samples, seed=seed)
        bounds = interval((drawn * right).sum(axis=1) / np.maximum(drawn.sum(axis=1), 1))
        low, high = (None if np.isnan(bound) else round(float(bound), 4) for bound in bounds)
        share = round(share, 4)
    return {
        "what": name,
        "n_texts": n_texts,
        "n": len(right),
        "n_right": int(right.sum()),
        "right": share,
        "low": low,
        "high": high,
    }

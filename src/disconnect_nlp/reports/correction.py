"""Shares corrected for the classifier's errors, where its error rates were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disconnect_nlp.errors import DataError, ModelError
from disconnect_nlp.records import Policy
from disconnect_nlp.store.catalogue import error_rates
from disconnect_nlp.taxonomy import load_taxonomy

_DRAWS = 20_000
_TOO_WIDE = 0.5  # an interval over half of the scale says nothing, and its middle misleads
_MOST_USELESS = 0.05  # share of draws in which the classifier is no better than chance, from which nothing is said
MIN_POSITIVES = 10


@dataclass(frozen=True)
class Rates:
    """How often a label is given to texts that carry it, and to texts that do not, as counts of texts."""

    hits: int
    positives: int
    false_alarms: int
    negatives: int

    @property
    def usable(self) -> bool:
        """Whether enough texts were measured, and the label is given more often where it belongs."""
        enough = self.positives >= MIN_POSITIVES and self.negatives >= MIN_POSITIVES
        return enough and self.hits * self.negatives > self.false_alarms * self.positives


@dataclass(frozen=True)
class Corrected:
    """A corrected share with its interval."""

    share: float
    low: float
    high: float


def correct(hits: float, n: float, rates: Rates, *, seed: int = 0, level: float = 0.95) -> Corrected | None:
    """Return the share of texts that carry a label, from the share it is given to (Rogan & Gladen 1978).

    ``(given - false alarm rate) / (hit rate - false alarm rate)``, kept within 0 and 1. The interval draws all three
    rates from their Jeffreys posteriors, so it covers chance among the texts and among those the rates were measured
    on. It assumes that the rates hold for these texts. None where they say too little.

    Parameters
    ----------
    hits, n
        Texts given the label, and texts; effective numbers where texts of one person are alike.

    Examples
    --------
    >>> correct(130, 1000, Rates(hits=80, positives=100, false_alarms=50, negatives=1000)).share.__round__(3)
    0.107
    """
    if not n or not rates.usable:
        return None
    rng = np.random.default_rng(seed)
    given = rng.beta(hits + 0.5, n - hits + 0.5, _DRAWS)
    hit_rate = rng.beta(rates.hits + 0.5, rates.positives - rates.hits + 0.5, _DRAWS)
    false_rate = rng.beta(rates.false_alarms + 0.5, rates.negatives - rates.false_alarms + 0.5, _DRAWS)
    better = hit_rate > false_rate
    if 1 - better.mean() > _MOST_USELESS:
        return None
    drawn = np.clip((given - false_rate)[better] / (hit_rate - false_rate)[better], 0, 1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    if high - low > _TOO_WIDE:
        return None
    hit, false = rates.hits / rates.positives, rates.false_alarms / rates.negatives
    share = float(np.clip((hits / n - false) / (hit - false), 0, 1))
    return Corrected(share, min(share, float(low)), max(share, float(high)))


def read_rates(path: Path) -> dict[str, Rates]:
    """Read error rates from what ``python -m disconnect_nlp.eval --data … --json FILE`` wrote.

    Raises
    ------
    DataError
        If the file holds no such evaluation.
    """
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        n, labels = int(results["n"]), results["systems"]["model"]["labels"]
        measured = {label: _rates(own, n) for label, own in labels.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({type(error).__name__}).") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path}: not an evaluation. Give what 'python -m disconnect_nlp.eval --data … --json FILE' writes."
        ) from None
    load_taxonomy().check(measured, place=str(path))
    return measured


def _rates(own: Mapping[str, float | None], n: int) -> Rates:
    positives = int(own["n_pos"] or 0)
    hits = round((own["recall"] or 0) * positives)
    return Rates(hits, positives, int(own["n_given"] or 0) - hits, n - positives)


def model_rates(name: str, policy: Policy, sha256: str | None = None) -> tuple[dict[str, Rates], str]:
    """Return the error rates that a model's manifest holds, and in words where they come from, or why there are none.

    Parameters
    ----------
    sha256
        Of the manifest of the model that labelled the table, if known: rates of another model of that name say nothing.
    """
    shown = Path(name).name  # of a folder, not where it lies
    try:
        measured, own = error_rates(name)
    except ModelError:
        return {}, f"not available: the model {shown!r} that labelled this table is not at hand. Pass --rates"
    if measured is None:
        return {}, f"not available for the model {shown!r}: its manifest holds no error rates. Pass --rates"
    if sha256 is not None and sha256 != own:
        return {}, f"not available: the table was labelled by another version of the model {shown!r}. Pass --rates"
    rates = {
        label: Rates(one.hits[policy], one.positives, one.false_alarms[policy], one.negatives)
        for label, one in measured.labels.items()
        if policy in one.hits and policy in one.false_alarms
    }
    return rates, f"by the error rates of {shown!r} under the policy {policy}, from {measured.measured_on}"

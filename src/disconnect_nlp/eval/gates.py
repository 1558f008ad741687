"""Pass or fail for a pipeline: limits on metrics, and no significant loss against an earlier result."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from disconnect_nlp.errors import DataError
from disconnect_nlp.eval.averages import averaged
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.resampling import interval

# Metrics of which the results keep every bootstrap sample, and whether more is better.
BETTER_UP = {"macro_f1": True, "micro_f1": True, "macro_ap": True, "mean_brier": False, "mean_ece": False}


@dataclass(frozen=True)
class Gate:
    """One condition and whether it holds."""

    name: str
    passed: bool
    message: str


def limits(specs: Sequence[str], system: Mapping[str, Any], *, under: bool) -> list[Gate]:
    """Check ``metric=value`` or ``label.metric=value`` limits of ``--fail-under`` (or ``--fail-over``).

    A metric that is undefined fails: nothing was shown.

    Examples
    --------
    >>> numbers = {"macro_f1": 0.6, "labels": {"civic": {"f1": 0.4}}}
    >>> [gate.passed for gate in limits(["macro_f1=.5", "civic.f1=.5"], numbers, under=True)]
    [True, False]
    """
    option = "--fail-under" if under else "--fail-over"
    return [_limit(spec, system, option, under=under) for spec in specs]


def parse_limit(spec: str, option: str) -> tuple[str, float]:
    """Return metric and bound of ``metric=number``.

    Examples
    --------
    >>> parse_limit("civic.f1=.5", "--fail-under")
    ('civic.f1', 0.5)
    """
    name, _, limit = spec.partition("=")
    try:
        bound = float(limit)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise DataError(f"{option} {spec!r}: give METRIC=NUMBER or LABEL.METRIC=NUMBER, such as macro_f1=.6.")
    return name, bound


def _limit(spec: str, system: Mapping[str, Any], option: str, *, under: bool) -> Gate:
    name, bound = parse_limit(spec, option)
    label, _, metric = name.rpartition(".")
    numbers = system if not label else system["labels"].get(label)
    if numbers is None:
        raise DataError(f"{option} {spec!r}: no label {label!r} here. Labels: {', '.join(system['labels'])}.")
    known = [key for key, value in numbers.items() if value is None or isinstance(value, int | float)]
    if metric not in known:
        raise DataError(f"{option} {spec!r}: no metric {metric!r}. Metrics: {', '.join(known)}.")
    value = numbers[metric]
    passed = value is not None and (value >= bound if under else value <= bound)
    return Gate(f"{option} {spec}", passed, f"{name} is {_shown(value)}, the limit is {bound:g}")


def behaviour_limits(option: str, limit: float, capabilities: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Check the failure rate of each capability, as :func:`disconnect_nlp.eval.behaviour.run_behaviour` returns them.

    A capability of vacuous cases alone fails: nothing was shown. One whose cases all ask for labels that the
    system does not know has no gate; it is told, and fails if that is so of every capability.
    """
    covered = [own for own in capabilities if own["n"]]
    gates = [
        Gate(
            f"{option} {own['capability']}",
            own["failure_rate"] is not None and own["failure_rate"] <= limit,
            f"failure rate is {_shown(own['failure_rate'])}, the limit is {limit:g}; "
            f"{own['n_vacuous']} of {own['n']} cases vacuous",
        )
        for own in covered
    ]
    absent = [own["capability"] for own in capabilities if not own["n"]]
    told = f"{len(covered)} of {len(capabilities)} tested; labels not covered: {', '.join(absent)}"
    return [*gates, Gate(f"{option} capabilities", bool(covered), told)] if absent else gates


def against_baseline(
    before: Mapping[str, Any], results: Mapping[str, Any], only: Callable[[Sequence[str]], Mapping[str, Any]]
) -> list[Gate]:
    """Compare the first system with that of an earlier result of the same data, draws and seed.

    Both results hold the bootstrap samples of the same draws, so differences are paired, as if both models had been
    run now. A loss is significant where the 95 % interval of the difference lies wholly on the worse side. A figure
    that is undefined now, or averaged without a label that was there, fails too: that nothing was lost was not shown.
    Labels that were not there are left out, so that they neither hide a loss nor look like one.

    Parameters
    ----------
    before
        What :func:`read_baseline` found.
    only
        Evaluates the first system again over some labels and returns its entry under ``systems``.
    """
    own, old = _first(results), _first(before)
    return [_coverage(own, old), *(_loss(key, up, own, old, only) for key, up in BETTER_UP.items())]


def read_baseline(path: Path, same: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """Return an earlier result.

    Parameters
    ----------
    same, labels
        ``data_sha256``, ``seed`` and ``samples`` of the evaluation that it is compared with, and its labels.

    Raises
    ------
    DataError
        If the file is no result, or one of other data, labels, draws or seed.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a result of --json ({error}).") from None
    if not isinstance(plain, dict) or not plain.get("systems"):
        raise DataError(f"{path}: no result of --json. It has no systems.")
    for key, what in (("data_sha256", "other data"), ("seed", "another seed"), ("samples", "other numbers of samples")):
        if plain.get(key) != same[key]:
            raise DataError(f"{path}: a result for {what} cannot be compared. Evaluate the earlier model again.")
    old = _first(plain)
    if list(old["labels"]) != list(labels):
        raise DataError(f"{path}: a result for other labels cannot be compared. Pass the same --labels.")
    if not all(old["draws"].get(key) for key in BETTER_UP):
        raise DataError(f"{path}: too few groups for an interval, so no loss can be called significant.")
    return plain


def _first(results: Mapping[str, Any]) -> Mapping[str, Any]:
    system: Mapping[str, Any] = next(iter(results["systems"].values()))
    return system


def _coverage(own: Mapping[str, Any], old: Mapping[str, Any]) -> Gate:
    n, n_before = (len(averaged(system["labels"], "micro_f1")) for system in (own, old))
    lost = _without("micro_f1", old, own)
    told = _told("no longer", lost) + _told("new", _without("micro_f1", own, old))
    return Gate("--baseline labels", not lost, f"{n} labels covered, before {n_before}{told}")


def _without(metric: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Labels that stand behind a figure of one system and not behind that of the other."""
    theirs = averaged(other["labels"], metric)
    return [label for label in averaged(one["labels"], metric) if label not in theirs]


def _told(what: str, labels: Sequence[str]) -> str:
    return f"; {what} {', '.join(labels)}" if labels else ""


def _loss(
    metric: str,
    up: bool,
    own: Mapping[str, Any],
    old: Mapping[str, Any],
    only: Callable[[Sequence[str]], Mapping[str, Any]],
) -> Gate:
    name = f"--baseline {metric}"
    lost, gained = _without(metric, old, own), _without(metric, own, old)
    if own[metric] is None or old[metric] is None or lost:
        passed = old[metric] is None
        return Gate(name, passed, f"{_change(metric, own, old)}{_told('no longer', lost)}")
    if gained:
        own = only(averaged(old["labels"], metric))
    low, high = interval(_array(own["draws"][metric]) - _array(old["draws"][metric]))
    kept = bool(high >= 0) if up else bool(low <= 0)
    told = _told("not counted, for they were not there before:", gained)
    return Gate(name, kept, f"{_change(metric, own, old)}; difference {low:+.3f} to {high:+.3f} (95 %){told}")


def _change(metric: str, own: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    return f"{metric} was {_shown(old[metric])}, is {_shown(own[metric])}"


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:g}"


def _array(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

"""Behaviour tests after CheckList (Ribeiro et al. 2020): cases in data files, failure rates by capability.

A test set says how often a system is right; these say what it has understood. Cases are written to be clear, so a rate
here is no accuracy in use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disconnect_nlp.errors import DataError, TaxonomyError
from disconnect_nlp.eval.datasets import Dataset
from disconnect_nlp.eval.systems import Predictions
from disconnect_nlp.taxonomy import load_taxonomy

Kind = Literal["minimum", "invariance", "gone", "not_down"]
Outcome = Literal["pass", "fail", "vacuous"]
TOLERANCE = 0.05  # by how much a score may fall and still count as the same
_EXAMPLES = 3
_PLACE = re.compile(r"\{(\w+)\}")


class Case(BaseModel):
    """One case as written; with ``fill``, a template for several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(min_length=1)
    base: str = ""
    labels: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    fill: dict[str, tuple[str, ...]] = {}


class Capability(BaseModel):
    """Cases that test one thing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    about: str
    cases: tuple[Case, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Test:
    """One case with its places filled."""

    id: str
    kind: Kind
    text: str
    base: str
    labels: tuple[str, ...]
    """Labels that the base carries and whose decisions are compared."""
    given: tuple[str, ...]
    absent: tuple[str, ...]
    from_template: bool


def load_capabilities(*folders_or_files: Path) -> list[Capability]:
    """Return the capabilities of the package, or those of a user's files and folders instead.

    Examples
    --------
    >>> len(load_capabilities()) >= 25
    True
    """
    shipped = files("disconnect_nlp") / "resources" / "behaviour"
    paths: list[Traversable] = [shipped] if not folders_or_files else list(folders_or_files)
    sources = [file for path in paths for file in _toml_files(path)]
    capabilities = [own for source in sources for own in _read(source)]
    ids = [own.id for own in capabilities]
    repeated = {name for name in ids if ids.count(name) > 1}
    if repeated:
        raise DataError(f"capability {min(repeated)!r} stands in the files twice. Rename one.")
    return capabilities


def _toml_files(path: Traversable) -> list[Traversable]:
    if path.is_file():
        return [path]
    found = (
        sorted((f for f in path.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name) if path.is_dir() else []
    )
    if not found:
        raise DataError(f"{path}: no such file, or no .toml file in it. See resources/behaviour for the form.")
    return found


def _read(source: Traversable) -> list[Capability]:
    try:
        plain = tomllib.loads(source.read_text(encoding="utf-8"))
        capabilities = [Capability.model_validate(own) for own in plain.get("capability", [])]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise DataError(f"{source}: {error}") from error
    for capability in capabilities:
        for number, case in enumerate(capability.cases, start=1):
            _check(case, capability.kind, place=f"{source.name}, {capability.id}, case {number}")
    return capabilities


def _check(case: Case, kind: Kind, *, place: str) -> None:
    labels = (*case.labels, *case.given, *(label for label in case.absent if label != "core"))
    try:
        load_taxonomy().check(labels, place=place)
    except TaxonomyError as error:
        raise DataError(str(error)) from None
    if kind == "minimum" and (not (case.given or case.absent) or case.base or case.labels):
        raise DataError(f"{place}: kind 'minimum' needs given or absent, and neither base nor labels.")
    if kind != "minimum" and (not (case.base and case.labels) or case.given or case.absent):
        raise DataError(f"{place}: kind {kind!r} needs base and labels, and neither given nor absent.")
    places = set(_PLACE.findall(case.text + case.base))
    if places != set(case.fill):
        raise DataError(f"{place}: places {sorted(places)} and fillers {sorted(case.fill)} differ.")


def expand(capability: Capability) -> list[Test]:
    """Return the tests of a capability, templates filled in every combination."""
    tests: list[Test] = []
    core = load_taxonomy().core
    for case in capability.cases:
        for fillers in product(*case.fill.values()):
            values = dict(zip(case.fill, fillers, strict=True))
            tests.append(
                Test(
                    id=f"{capability.id}.{len(tests) + 1:03d}",
                    kind=capability.kind,
                    text=_filled(case.text, values),
                    base=_filled(case.base, values),
                    labels=case.labels,
                    given=case.given,
                    absent=tuple(n for label in case.absent for n in (core if label == "core" else (label,))),
                    from_template=bool(case.fill),
                )
            )
    return tests


def _filled(text: str, values: Mapping[str, str]) -> str:
    filled = _PLACE.sub(lambda found: values[found[1]], text)
    return filled[:1].upper() + filled[1:] if text.startswith("{") else filled


def behaviour_texts(capabilities: Sequence[Capability]) -> Dataset:
    """Return all texts of the tests as unlabelled data to predict on."""
    tests = [test for capability in capabilities for test in expand(capability)]
    texts = tuple(dict.fromkeys(text for test in tests for text in (test.base, test.text) if text))
    truth = np.zeros((len(texts), len(load_taxonomy().ids)), np.int8)
    return Dataset("behaviour tests", texts, truth, tuple(map(str, range(len(texts)))))


def run_behaviour(capabilities: Sequence[Capability], data: Dataset, said: Predictions) -> list[dict[str, Any]]:
    """Judge a system's predictions for the texts of :func:`behaviour_texts`.

    Returns
    -------
    list
        One dictionary a capability: ``n`` cases (``n_template`` of them from templates), ``n_vacuous`` that prove
        nothing because the base itself is not recognised, ``n_failed``, ``failure_rate`` among the others (None where
        no other is left), ``failures`` by id, and ``examples``. Cases with a label that the system does not know are
        left out.
    """
    row_of = {text: row for row, text in enumerate(data.texts)}
    return [_capability(capability, row_of, said) for capability in capabilities]


def _capability(capability: Capability, row_of: Mapping[str, int], said: Predictions) -> dict[str, Any]:
    index = load_taxonomy().index
    tests = [
        test
        for test in expand(capability)
        if all(said.covered[index[label]] for label in (*test.labels, *test.given, *test.absent))
    ]
    outcomes = [(test, *_judge(test, row_of, said)) for test in tests]
    failed = [(test, why) for test, outcome, why in outcomes if outcome == "fail"]
    vacuous = sum(outcome == "vacuous" for _, outcome, _ in outcomes)
    tested = len(tests) - vacuous
    return {
        "capability": capability.id,
        "kind": capability.kind,
        "about": capability.about,
        "n": len(tests),
        "n_template": sum(test.from_template for test in tests),
        "n_vacuous": vacuous,
        "n_failed": len(failed),
        "failure_rate": round(len(failed) / tested, 4) if tested else None,
        "passed": [test.id for test, outcome, _ in outcomes if outcome == "pass"],
        "failures": {test.id: why for test, why in failed},
        "examples": [
            {"id": test.id, "base": test.base, "text": test.text, "why": why} for test, why in failed[:_EXAMPLES]
        ],
    }


def _judge(test: Test, row_of: Mapping[str, int], said: Predictions) -> tuple[Outcome, str]:
    index = load_taxonomy().index
    row = row_of[test.text]

    def decided(labels: Sequence[str], at: int) -> list[str]:
        return [label for label in labels if said.decided[at, index[label]]]

    if test.kind == "minimum":
        missed = [label for label in test.given if label not in decided(test.given, row)]
        wrong = decided(test.absent, row)
        why = [f"not given: {', '.join(missed)}"] * bool(missed) + [f"given: {', '.join(wrong)}"] * bool(wrong)
        return ("fail" if why else "pass"), "; ".join(why)
    base = row_of[test.base]
    if len(decided(test.labels, base)) < len(test.labels):
        return "vacuous", ""  # whatever becomes of what was not recognised
    after_change = decided(test.labels, row)
    if test.kind == "not_down":
        columns = [index[label] for label in test.labels]
        before, after = said.scores[base, columns], said.scores[row, columns]
        if np.isnan(before).any():
            return "vacuous", ""
        if (after < before - TOLERANCE).any():
            return "fail", f"score {before.max():.2f} before, {after.min():.2f} after"
    elif test.kind == "gone" and after_change:
        return "fail", f"still given: {', '.join(after_change)}"
    elif test.kind == "invariance" and after_change != list(test.labels):
        return "fail", f"lost: {', '.join(sorted(set(test.labels) - set(after_change)))}"
    return "pass", ""

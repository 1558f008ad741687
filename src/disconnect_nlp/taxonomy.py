"""The label sets, read from ``resources/taxonomy.toml``. Nothing else in the code lists label names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from disconnect_nlp.errors import TaxonomyError
from disconnect_nlp.records import Status


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Record):
    """A set of labels that answer one question."""

    id: str
    name: str
    question: str
    core: bool
    """Whether its labels are the two sets the library exists for."""
    recall_first: bool = False
    """Whether its labels are decided by the thresholds for recall, whatever the policy."""
    counts: tuple[Status, ...] = ("affirmed",)
    """Assertion statuses under which evidence gives one of its labels."""


class Label(_Record):
    """One label: what it means, and what it does not."""

    id: str = Field(pattern=r"^[a-z][a-z_]*$")
    group: str
    name: str
    definition: str
    inclusion: str
    exclusion: str
    examples: tuple[str, ...] = Field(min_length=1)
    quality: Literal["measured", "experimental"] = "measured"
    no_effect: bool = False
    """Whether it says, like every type, that something does not reach anybody."""


class Taxonomy(_Record):
    """All labels in their fixed order.

    Examples
    --------
    >>> taxonomy = load_taxonomy()
    >>> taxonomy.ids[:2]
    ('professional', 'civic')
    >>> taxonomy["numbness"].group
    'signs'
    """

    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    groups: tuple[Group, ...]
    labels: tuple[Label, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Taxonomy:
        groups = [group.id for group in self.groups]
        for names in (groups, [label.id for label in self.labels]):
            repeated = {name for name in names if names.count(name) > 1}
            if repeated:
                raise ValueError(f"defined twice: {', '.join(sorted(repeated))}")
        for label in self.labels:
            if label.group not in groups:
                raise ValueError(f"label {label.id!r} names group {label.group!r}; groups: {', '.join(groups)}")
        return self

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Label ids in taxonomy order: the columns of every score matrix."""
        return tuple(label.id for label in self.labels)

    @cached_property
    def index(self) -> dict[str, int]:
        """Column of each label id."""
        return {label: column for column, label in enumerate(self.ids)}

    @cached_property
    def core(self) -> tuple[str, ...]:
        """The disconnection types and emotional-isolation signs."""
        core = {group.id for group in self.groups if group.core}
        return tuple(label.id for label in self.labels if label.group in core)

    @cached_property
    def recall_first(self) -> tuple[str, ...]:
        """Labels that are decided by the thresholds for recall."""
        groups = {group.id for group in self.groups if group.recall_first}
        return tuple(label.id for label in self.labels if label.group in groups)

    @cached_property
    def screened(self) -> list[int]:
        """Columns of the recall-first labels."""
        return [self.index[label] for label in self.recall_first]

    @cached_property
    def counting(self) -> dict[str, tuple[Status, ...]]:
        """Assertion statuses that count, by label."""
        groups = {group.id: group.counts for group in self.groups}
        return {label.id: groups[label.group] for label in self.labels}

    def __getitem__(self, label: str) -> Label:
        return self.labels[self.index[self.check([label])[0]]]

    def group(self, group: str) -> tuple[str, ...]:
        """Label ids of one group."""
        known = [g.id for g in self.groups]
        if group not in known:
            raise TaxonomyError(f"unknown group {group!r}. Known groups: {', '.join(known)}.")
        return tuple(label.id for label in self.labels if label.group == group)

    def check(self, labels: Iterable[str], *, place: str = "") -> tuple[str, ...]:
        """Return ``labels`` as a tuple if every one is known.

        Raises
        ------
        TaxonomyError
            Naming ``place``, the unknown labels and all known ones.

        Examples
        --------
        >>> load_taxonomy().check(["civic", "sadness"])
        Traceback (most recent call last):
        disconnect_nlp.errors.TaxonomyError: unknown label 'sadness'. Known labels: professional, civic, ...
        """
        labels = tuple(labels)
        unknown = [label for label in labels if label not in self.index]
        if unknown:
            near = get_close_matches(unknown[0], self.ids, n=1)
            raise TaxonomyError(
                f"{place + ': ' if place else ''}unknown label {', '.join(map(_nameable, unknown))}. "
                f"{f'Did you mean {near[0]!r}? ' if near else ''}Known labels: {', '.join(self.ids)}."
            )
        return labels


def _nameable(label: str) -> str:
    # What stands in a labels column by mistake may be somebody's text.
    return repr(label) if re.fullmatch(r"[\w-]{1,40}", label) else "(a value that is no label id)"


def chosen_labels(names: str | None) -> tuple[str, ...]:
    """Return the labels of a ``--labels`` option: ids between commas, ``core``, or all if it is left out.

    Examples
    --------
    >>> chosen_labels("scale, civic,scale")
    ('scale', 'civic')
    """
    taxonomy = load_taxonomy()
    if names is None:
        return taxonomy.ids
    own = tuple(dict.fromkeys(name.strip() for name in names.split(",") if name.strip()))
    if own == ("core",):
        return taxonomy.core
    if not own:
        raise TaxonomyError(f"--labels names no label. Known labels: core, {', '.join(taxonomy.ids)}.")
    return taxonomy.check(own, place="--labels")


def parse_taxonomy(toml: str, *, place: str = "taxonomy") -> Taxonomy:
    """Read and validate a taxonomy written in TOML."""
    try:
        return Taxonomy.model_validate(tomllib.loads(toml))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise TaxonomyError(f"{place}: {error}") from error


@cache
def load_taxonomy() -> Taxonomy:
    """Return the taxonomy that comes with the package."""
    source = files("disconnect_nlp") / "resources" / "taxonomy.toml"
    return parse_taxonomy(source.read_text(encoding="utf-8"), place="taxonomy.toml")

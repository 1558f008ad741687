"""The frozen records that labellers hand to their callers. No behaviour, no spaCy."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Policy = Literal["f1", "precision", "recall"]
"""Which thresholds decide."""
POLICIES: tuple[Policy, ...] = ("f1", "precision", "recall")
Status = Literal["affirmed", "negated", "past", "other", "hypothetical", "generic", "quoted"]


@dataclass(frozen=True, slots=True)
class Cue:
    """The words that decided an assertion status."""

    start: int
    """Character offset in the original text, inclusive."""
    end: int
    """Character offset, exclusive."""
    quote: str
    id: str
    """The cue's id in the cue file."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stretch of the original text that speaks for or against a label."""

    start: int
    """Character offset in the original text, inclusive."""
    end: int
    """Character offset, exclusive."""
    quote: str
    """``text[start:end]``, always."""
    label: str
    """Taxonomy id."""
    weight: float
    """Model: contribution to the label's log-odds, negative speaks against. Lexicon: the entry's weight, 0 to 1,
    and 0 where the match does not count."""
    source: str
    """``lexicon:<entry id>`` or ``model``."""
    status: Status = "affirmed"
    counts: bool = True
    """Whether the status lets it support its label: for most labels, own, current and affirmed."""
    cue: Cue | None = None
    """What decided the status; none for plain affirmed evidence."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an absent cue is left out.

        Examples
        --------
        >>> Evidence(0, 4, "numb", "numbness", 0.8, "lexicon:numbness.numb").as_dict()["quote"]
        'numb'
        """
        plain = asdict(self)
        if self.cue is None:
            del plain["cue"]
        return plain


@dataclass(frozen=True, slots=True)
class Annotation:
    """Everything a labeller says about one text."""

    labels: tuple[str, ...]
    """Decided labels, in taxonomy order."""
    scores: dict[str, float]
    """A probability for every label of the taxonomy, in taxonomy order."""
    uncertain: tuple[str, ...] = ()
    """Labels whose score lies in the band that a person should read."""
    evidence: tuple[Evidence, ...] = field(default=(), repr=False)


def annotation_from(plain: dict[str, Any]) -> Annotation:
    """Return the annotation of which ``dataclasses.asdict`` made ``plain``."""
    evidence = tuple(
        Evidence(**{**item, "cue": None if item["cue"] is None else Cue(**item["cue"])}) for item in plain["evidence"]
    )
    return Annotation(tuple(plain["labels"]), dict(plain["scores"]), tuple(plain["uncertain"]), evidence)

"""Counts of a run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from disconnect_nlp.labellers.frames import OK
from disconnect_nlp.tables.dialects import SET_ASIDE

REMOVED, TOO_LONG = "removed", "too_long"


@dataclass
class Summary:
    """What a run did: rows, texts by status and by label, and texts that were labelled with broken characters."""

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why rows are bad."""
    broken: Counter[str] = field(default_factory=Counter)
    """Texts labelled although some of their characters could not be read, by what is wrong with them."""

    @property
    def aside(self) -> int:
        """Texts of rows that are no data, such as those below a survey's header."""
        return self.statuses[SET_ASIDE]

    @property
    def skipped(self) -> int:
        """Texts that are in the output without labels."""
        return sum(n for status, n in self.statuses.items() if status not in (OK, SET_ASIDE))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"rows": self.rows, **{name: dict(sorted(getattr(self, name).items())) for name in _COUNTERS}}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Summary:
        """Return a summary written by :meth:`as_dict`."""
        return cls(plain["rows"], **{name: Counter(plain[name]) for name in _COUNTERS})


_COUNTERS = ("statuses", "given", "uncertain", "reasons", "broken")

"""The words of the page: labels with their definitions and keys, and what is being read."""

from __future__ import annotations

from typing import Any

from disconnect_nlp.corpus import NEAR_REASONS
from disconnect_nlp.reading.session import Session
from disconnect_nlp.taxonomy import load_taxonomy

_DIGITS = "1234567890"  # keys of the first ten labels; a palette reaches all


def page_words(session: Session) -> dict[str, Any]:
    """Return what the page needs to know once."""
    table, header = session.table, session.journal.header
    keys = dict(zip(table.labels, _DIGITS, strict=False))
    taxonomy = load_taxonomy()
    labels = [taxonomy[label] for label in table.labels]
    return {
        "table": table.name,
        "reader": header.reader,
        "blind": session.blind,
        "labels": [
            {
                "id": label.id,
                "name": label.name,
                "group": label.group,
                "definition": label.definition,
                "exclusion": label.exclusion,
                "key": keys.get(label.id),
            }
            for label in labels
        ],
        "groups": [
            {"id": group.id, "name": group.name, "core": group.core}
            for group in taxonomy.groups
            if any(label.group == group.id for label in labels)
        ],
        "reasons": list(NEAR_REASONS),
        "readers": [other.name for other in session.others],
        "skipped": sum(table.skipped.values()),
        "elsewhere": session.elsewhere,
    }

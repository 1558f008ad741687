"""Recognises the exports of survey tools and forums by their columns and first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from disconnect_nlp.tables.base import Dialect

SET_ASIDE = "header"
"""Status of the rows below the header that are no answers."""

_REMOVED = frozenset({"[removed]", "[deleted]", "[removed by reddit]", "[ Removed by Reddit ]"})
_OPEN_ENDED = "Open-Ended Response"


def recognise(columns: Sequence[str], first: Sequence[Sequence[str]]) -> Dialect | None:
    """Return which program's export a delimited table is, or None.

    Parameters
    ----------
    columns
        The header.
    first
        The cells of the first rows below it.

    Examples
    --------
    >>> below = [["Start Date", "How are you?"], ['{"ImportId":"startDate"}', '{"ImportId":"QID1"}']]
    >>> recognise(["StartDate", "Q1"], below).name
    'a Qualtrics export'
    """
    if len(first) > 1 and first[1] and all(cell.startswith('{"ImportId"') for cell in first[1] if cell):
        return Dialect("a Qualtrics export", header_rows=2)
    if columns[0].lower().replace(" ", "").replace("_", "") == "respondentid" and first and not first[0][0]:
        # SurveyMonkey puts the choices of every question, or the kind of answer, into a second row.
        asked = tuple(name for name, kind in zip(columns, first[0], strict=False) if kind == _OPEN_ENDED)
        return Dialect("a SurveyMonkey export", asked, header_rows=1)
    if columns[0] in ("record_id", "Record ID") and any(
        name.startswith("redcap_") or name.endswith("_complete") or name.startswith("Complete?") for name in columns
    ):
        return Dialect("a REDCap export")
    return forum(columns)


def forum(columns: Sequence[str] | Mapping[str, object]) -> Dialect | None:
    """Return the dialect of a dump of Reddit comments, submissions or both, or None."""
    if "subreddit" not in columns:
        return None
    if "body" in columns and "selftext" in columns:
        both = "a Reddit dump of comments (body) and submissions (selftext)"
        return Dialect(both, ("body", "selftext"), by_kind=True, removed=_REMOVED)
    if "body" in columns or "selftext" in columns:
        return Dialect("a Reddit dump", ("body", "selftext", "title"), removed=_REMOVED)
    return None


DAY_ONE = Dialect("a Day One journal", ("text",))

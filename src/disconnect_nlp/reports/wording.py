"""What a report says in words: the same sentences for HTML and Markdown, each made from the report's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from disconnect_nlp.reports.compare import MIN_TOGETHER
from disconnect_nlp.reports.formats import between, name, number, percent, points
from disconnect_nlp.reports.passages import Passage
from disconnect_nlp.reports.rows import by_key, rows
from disconnect_nlp.reports.summarise import ReportData
from disconnect_nlp.taxonomy import load_taxonomy

_FREQUENT = 3
_MOST_PAIRS = 6
_MOST_ODDS = 100
_MOST_NAMED = 4


def core_labels(data: ReportData, *, seen: bool = True) -> list[str]:
    """Return the core labels of the table; those that some text carries, unless told otherwise."""
    given = data["prevalence"].set_index("label")["given"]
    return [label for label in data.labels if label in load_taxonomy().core and (given[label] or not seen)]


def glance(data: ReportData) -> list[str]:
    """Return what somebody in a hurry should read."""
    if not data.n_texts:
        return ["No row of this table could be labelled."]
    lines = [_overview(data), _frequent(data), doubt(data)]
    if len(data["change"]):
        lines.append(over_time(data))
    lines += [by_group(data, column) for column in data.columns.groups]
    return [line for line in lines if line]


def _overview(data: ReportData) -> str:
    taxonomy, overview = load_taxonomy(), by_key(data["overview"], "group")
    groups = [group for group in taxonomy.groups if group.core and group.id in overview]
    parts = [
        f"{percent(own['share'])} [{between(own['low'], own['high'], 0)}] {_phrase(group.name)}"
        for group in groups
        for own in [overview[group.id]]
    ]
    return f"Of {number(data.n_texts)} texts, {' and '.join(parts)}." if parts else f"{number(data.n_texts)} texts."


def _phrase(group: str) -> str:
    singular = group[:1].lower() + group[1:].removesuffix("s")
    return f"show at least one {singular}"


def _frequent(data: ReportData) -> str:
    frame = data["prevalence"]
    own = frame[frame["label"].isin(core_labels(data))].sort_values(["given", "label"], ascending=[False, True])
    if not len(own):
        return "None of the nine disconnection types and isolation signs was given."
    most = [f"{name(row.label)} ({percent(row.share)})" for row in rows(own.head(_FREQUENT))]
    return f"Most often: {', '.join(most)}."


def doubt(data: ReportData) -> str:
    """Return how many decisions lie near their threshold."""
    frame = data["prevalence"]
    own = frame[frame["label"].isin(core_labels(data, seen=False))]
    given, uncertain = int(own["given"].sum()), int(own["uncertain"].sum())
    return (
        f"Of the types and signs, {number(given)} labels were given; {number(uncertain)} decisions, for or against, "
        "are in doubt: their score lies near the threshold, and a person should read those texts."
    )


def over_time(data: ReportData) -> str:
    """Return what differs between the earlier and the later half of the texts."""
    frame = data["change"]
    own = frame[frame["label"].isin(core_labels(data))]
    marked = own[own["differs"]].sort_values("p")
    start = f"From {frame['late_from'].iloc[0]} on, compared with before"
    if not len(marked):
        return f"{start}: no type or sign became more or less frequent beyond chance ({len(own)} comparisons)."
    parts = [
        f"{name(row.label)} {'rose' if row.difference > 0 else 'fell'} from {percent(row.share_early)} to "
        f"{percent(row.share_late)}"
        for row in rows(marked.head(_MOST_NAMED))
    ]
    return f"{start}: {'; '.join(parts)}{_more(len(marked))}."


def by_group(data: ReportData, column: str) -> str:
    """Return which groups differ from the others."""
    frame = data["groups"]
    if not len(frame):
        return ""
    own = frame[(frame["column"] == column) & frame["label"].isin(core_labels(data))]
    compared = own[own["p"].notna()]
    if not len(compared):
        return f"By {column}: there are no two groups with texts enough to compare."
    marked = compared[compared["differs"]].sort_values("p")
    if not len(marked):
        return f"By {column}: no type or sign differs beyond chance ({len(compared)} comparisons)."
    parts = [
        f"{name(row.label)} is {'more' if row.difference > 0 else 'less'} frequent in {row.group} "
        f"({percent(row.share)}, {points(row.difference)} points)"
        for row in rows(marked.head(_MOST_NAMED))
    ]
    return f"By {column}: {'; '.join(parts)}{_more(len(marked))}."


def _more(n: int) -> str:
    return f"; and {n - _MOST_NAMED} more" if n > _MOST_NAMED else ""


def of_person(data: ReportData, person: str) -> list[str]:
    """Return what differs beyond chance in one person's texts."""
    frame = data["people"]
    own = frame[frame["person"] == person]
    lines = [
        f"{name(row.label)}: {percent(row.share_early)} of the earlier half, {percent(row.share_late)} of the later."
        for row in rows(own[own["differs"]])
    ]
    return lines + [
        f"{name(row.label)}: {percent(row.share_before)} of the texts before {row.change_at}, "
        f"{percent(row.share_after)} from then on."
        for row in rows(own[own["change"]])
    ]


def pairs(data: ReportData) -> list[str]:
    """Return which core labels stand together more than chance would give."""
    frame, core = data["together"], core_labels(data)
    order = {label: place for place, label in enumerate(core)}
    own = frame[frame["label"].isin(core) & frame["other"].isin(core) & (frame["both"] >= MIN_TOGETHER)]
    once = own["label"].map(order) < own["other"].map(order)
    own = own[once & (own["low"] > 1)].sort_values("low", ascending=False).head(_MOST_PAIRS)
    return [f"{name(row.label)} and {name(row.other)}: {number(row.both)} texts; {_odds(row)}" for row in rows(own)]


def _odds(row: Any) -> str:
    if row.odds_ratio > _MOST_ODDS:  # a cell is all but empty, and the figure says little more than that
        return f"the odds of one are more than {_MOST_ODDS} times as high where the other stands"
    return (
        f"the odds of one are {row.odds_ratio:.1f} times as high where the other stands "
        f"[{row.low:.1f} to {row.high:.1f}]"
    )


def not_counted(passage: Passage) -> Iterator[str]:
    """Return what was cancelled in a passage, and why, without repeating itself."""
    seen = set()
    for piece in passage.pieces:
        if piece.cancelled and not piece.supports and (piece.text, piece.note) not in seen:
            seen.add((piece.text, piece.note))
            yield f"“{piece.text}” ({piece.note})"


def manifest_rows(manifest: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return a run manifest as lines: nested keys joined by a dot, lists by commas."""
    lines: list[tuple[str, str]] = []

    def walk(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                walk(inner, f"{key}.{name}" if key else str(name))
        elif isinstance(value, list):
            lines.append((key, ", ".join(map(str, value))))
        else:
            lines.append((key, str(value)))

    walk(manifest or {}, "")
    return lines


def guide(data: ReportData) -> list[str]:
    """Return what a reader must know, and what this report does not say."""
    persons = data["prevalence"]["interval"].eq("persons").any()
    lines = [
        "A label says that the words of a text give evidence that its writer experiences something now. It is wrong in "
        "a share of cases that the model's card states, and more often for texts unlike those it was trained on.",
        "“In doubt” counts texts whose score lies near the threshold, given or not. Read those first, and read "
        "passages before you build on any number.",
        "Shares as labelled are counts of the labeller's decisions. The rarer a label, the larger the part of its "
        "share that is error."
        + (" The corrected share takes the measured error rates into account." if data.corrected else ""),
        "Intervals cover chance among texts, not the labeller's errors"
        + (
            "; people were drawn, not texts, so several texts of one person do not count as so many witnesses."
            if persons
            else ", and take texts as independent, which several texts of one person are not"
            + ("." if data.columns.person else " (name the column of persons with --person).")
        ),
        "Comparisons are adjusted for their number, the nine types and signs together and all other labels together. "
        "What is not marked may still differ; there may be too few texts to tell.",
        "A difference between groups or times is one of language as this labeller reads it. Who wrote, about what and "
        "how much, and how well the labeller does on each group's way of writing, all go into it.",
        "Words and passages show what the labeller reacts to. They are chosen, not typical, but for those drawn at "
        "random.",
    ]
    if persons and len(data["time"]):
        lines.append("Over time, intervals are widened by how alike texts of one person are in all (design effect).")
    if len(data["people"]):
        lines.append(
            "For a person, texts are taken as exchangeable. Moods last, so runs come by chance more often than the "
            "p-value says. Nothing here is a judgement of a person."
        )
    return lines

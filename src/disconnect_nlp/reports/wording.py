"""What a report says in words: the same sentences for HTML and Markdown, each made from the report's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

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
_ONE = {"persons": "person", "texts": "text"}  # what intervals may draw, one of them


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
        f"{percent(own['share'])} (95 % interval: {between(own['low'], own['high'], 0)}) {_phrase(group.name)}"
        for group in groups
        for own in [overview[group.id]]
    ]
    total = f"{number(data.n_texts)} {data.units}{_from_to(data)}{_by_whom(data)}"
    return f"Of {total}, {' and '.join(parts)}." if parts else f"{total}."


def _from_to(data: ReportData) -> str:
    if not len(data["time"]):
        return ""
    periods = data["time"]["period"]
    several = periods.nunique() > 1
    if data.undated:
        span = f"from {periods.iloc[0]} to {periods.iloc[-1]}" if several else periods.iloc[0]
        return f" ({number(data.n_texts - data.undated)} of them dated: {span})"
    return f" from {periods.iloc[0]} to {periods.iloc[-1]}" if several else f" of {periods.iloc[0]}"


def _by_whom(data: ReportData) -> str:
    return f" by {number(data.n_persons)} persons" if data.n_persons > 1 else ""


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
        f"Of the nine disconnection types and isolation signs, {number(given)} labels were given in all; "
        f"{number(uncertain)} decisions, for or against, are in doubt: their score lies near the threshold, and a "
        "person should read those."
    )


def screen(data: ReportData) -> tuple[str, str] | None:
    """Return how many texts the safety screen flags, and what that means; None if it flags none."""
    frame = data["prevalence"]
    flagged = int(frame.loc[frame["label"].isin(load_taxonomy().recall_first), "given"].sum())
    if not flagged:
        return None
    return (
        f"{number(flagged)} of {number(data.n_texts)} {data.units}",
        "are flagged by the safety screen: they may speak of suicide, self-harm or wishing to be dead. A person should "
        "read them first, the highest score at the top. The screen flags much that is harmless and misses some; it is "
        "no risk score, and the number is no prevalence.",
    )


def over_time(data: ReportData) -> str:
    """Return what differs between the earlier and the later half of the texts."""
    frame = data["change"]
    return _differences(
        f"From {frame['late_from'].iloc[0]} on, compared with before",
        frame[frame["label"].isin(core_labels(data))],
        lambda row: (
            f"{name(row.label)} {'rose' if row.difference > 0 else 'fell'} from {percent(row.share_early)} to "
            f"{percent(row.share_late)}"
        ),
        none="no type or sign became more or less frequent",
    )


def by_group(data: ReportData, column: str) -> str:
    """Return which groups differ from the others."""
    frame = data["groups"]
    if not len(frame):
        return ""
    own = frame[(frame["column"] == column) & frame["label"].isin(core_labels(data))]
    compared = own[own["p"].notna()]
    if not len(compared):
        return f"By {column}: there are no two groups with {data.units} enough to compare."
    return _differences(
        f"By {column}",
        compared,
        lambda row: (
            f"{name(row.label)} is {'more' if row.difference > 0 else 'less'} frequent in {row.group} "
            f"({percent(row.share)}, {points(row.difference)} points)"
        ),
        none="no type or sign differs",
    )


def _differences(start: str, compared: pd.DataFrame, say: Callable[[Any], str], *, none: str) -> str:
    """Return the surest of some differences, or that there are none beyond chance."""
    marked = compared[compared["differs"]].sort_values("p")
    if not len(marked):
        return f"{start}: {none} beyond chance ({len(compared)} comparisons)."
    parts = [say(row) for row in rows(marked.head(_MOST_NAMED))]
    more = [f"and {len(marked) - _MOST_NAMED} more"] if len(marked) > _MOST_NAMED else []
    return f"{start}: {'; '.join(parts + more)}."


def of_person(data: ReportData, person: str) -> list[str]:
    """Return what differs beyond chance in one person's texts."""
    frame = data["people"]
    own = frame[frame["person"] == person]
    lines = [
        f"{name(row.label)}: {percent(row.share_early)} of the earlier half, {percent(row.share_late)} of the later."
        for row in rows(own[own["differs"]])
    ]
    return lines + [
        f"{name(row.label)}: {percent(row.share_before)} of the {data.units} before {row.change_at}, "
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
    return [
        f"{name(row.label)} and {name(row.other)}: {number(row.both)} {data.units}; {_odds(row)}" for row in rows(own)
    ]


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
    """Return a run manifest as lines: nested keys joined by a dot, lists by commas; its counts stand in the report."""
    lines: list[tuple[str, str]] = []

    def walk(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            for name, inner in value.items():
                walk(inner, f"{key}.{name}" if key else str(name))
        elif isinstance(value, list):
            lines.append((key, ", ".join(map(str, value))))
        else:
            lines.append((key, str(value)))

    walk({key: value for key, value in (manifest or {}).items() if key != "counts"}, "")
    return lines


def guide(data: ReportData) -> list[str]:
    """Return what a reader must know, and what this report does not say."""
    drawn = data["prevalence"]["interval"].iloc[0]
    lines = [
        "A label says that the words of a text give evidence that its writer experiences something now. It is wrong in "
        "a share of cases that the model's card states, and more often for texts unlike those it was trained on.",
        f"“In doubt” counts {data.units} whose score lies near the threshold, given or not. Read those first, and read "
        "passages before you build on any number.",
        "Shares as labelled are counts of the labeller's decisions. The rarer a label, the larger the part of its "
        "share that is error."
        + (" The corrected share takes the measured error rates into account." if data.corrected else ""),
        f"Intervals cover chance among {data.units}, not the labeller's errors{_independence(data, drawn)}",
        "Comparisons are adjusted for their number, the nine types and signs together and all other labels together. "
        "What is not marked may still differ; there may be too few to tell.",
        "A difference between groups or times is one of language as this labeller reads it. Who wrote, about what and "
        "how much, and how well the labeller does on each group's way of writing, all go into it.",
        "Words and passages show what the labeller reacts to. They are chosen, not typical, but for those drawn at "
        "random.",
    ]
    if data.columns.sentences:
        lines.insert(0, "The table has a row a sentence: every count here is of sentences, each labelled by itself.")
    if drawn != data.units and len(data["time"]):
        alike = f"{data.units} of one {_ONE[drawn]}"
        lines.append(f"Over time, intervals are widened by how alike {alike} are in all (design effect).")
    if len(data["people"]):
        lines.append(
            f"For a person, {data.units} are taken as exchangeable. Moods last, so runs come by chance more often than "
            "the p-value says. Nothing here is a judgement of a person."
        )
    return lines


def _independence(data: ReportData, drawn: str) -> str:
    if drawn != data.units:
        return (
            f"; {drawn} were drawn, not {data.units}, so several {data.units} of one {_ONE[drawn]} do not count as so "
            "many witnesses."
        )
    named = "." if data.columns.person else " (name the column of persons with --person)."
    return f", and take {data.units} as independent, which several {data.units} of one person are not{named}"

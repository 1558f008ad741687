"""Report data to Markdown: the same numbers and sentences, tables and a few passages, for a paper's appendix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import disconnect_nlp
from disconnect_nlp.reports import formats, wording
from disconnect_nlp.reports.passages import Passage
from disconnect_nlp.reports.rows import by_key
from disconnect_nlp.reports.summarise import ReportData
from disconnect_nlp.taxonomy import load_taxonomy

_PASSAGES = 3  # a label; the HTML page has more
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$#]|^[-+=]|(?<=^\d)[.)])")


def render_markdown(data: ReportData) -> str:
    """Return the report as Markdown. What came from the table is escaped, so it can neither format nor be HTML."""
    parts = [
        f"# What the writing says: {plain(data.name)}",
        f"disconnect_nlp {disconnect_nlp.__version__}. Labels describe language, not people. They are no diagnosis and "
        "no screening of individuals.",
        _list(wording.glance(data)),
        "## What is in it",
        *_prevalence(data),
        "## How sure is it",
        _list(
            [_rows(data), wording.doubt(data), f"Correction for the labeller's errors: {data.correction}.", *data.notes]
        ),
        *_manifest(data),
        *_changes(data),
        *_words(data),
        *_passages(data),
        "## How to read this",
        _list(wording.guide(data)),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(text: str) -> str:
    r"""Return ``text`` as Markdown that shows it as it is, on one line.

    Examples
    --------
    >>> print(plain("<b> *loud* | a"))
    \<b\> \*loud\* \| a
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)


def _rows(data: ReportData) -> str:
    return f"{formats.number(data.n_rows)} rows: " + ", ".join(f"{n} {status}" for status, n in data.statuses.items())


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows)])


def _prevalence(data: ReportData) -> list[str]:
    taxonomy, parts = load_taxonomy(), []
    frame = data["prevalence"]
    for group in taxonomy.groups:
        own = frame[frame["group"] == group.id]
        if group.recall_first or not len(own):
            continue
        heads = ["Label", "Texts", "Share", "95 % interval", "In doubt"]
        heads[4:4] = ["Corrected", "95 % interval"] if data.corrected else []
        rows = []
        for row in own.to_dict("records"):
            cells = [_named(row["label"]), formats.number(row["given"]), formats.percent(row["share"], 1)]
            cells.append(formats.between(row["low"], row["high"]))
            if data.corrected:
                cells += [
                    formats.percent(row["corrected"], 1),
                    formats.between(row["corrected_low"], row["corrected_high"]),
                ]
            rows.append([*cells, formats.number(row["uncertain"])])
        parts += [f"### {group.name}", _table(heads, rows)]
    pairs = wording.pairs(data)
    return parts + (["### What goes together", _list(pairs)] if pairs else [])


def _named(label: str) -> str:
    experimental = load_taxonomy()[label].quality == "experimental"
    return formats.name(label) + (" (experimental)" if experimental else "")


def _manifest(data: ReportData) -> list[str]:
    rows = wording.manifest_rows(data.manifest)
    return [_table(["What labelled this table", ""], rows)] if rows else []


def _changes(data: ReportData) -> list[str]:
    parts, core = [], wording.core_labels(data)
    if len(data["change"]):
        change = by_key(data["change"], "label")
        rows = [
            [
                formats.name(label),
                formats.percent(row["share_early"]),
                formats.percent(row["share_late"]),
                f"{formats.points(row['difference'])} [{formats.points(row['difference_low'])} to "
                f"{formats.points(row['difference_high'])}]",
                formats.p_value(row["p_adjusted"]),
            ]
            for label in core
            for row in [change[label]]
        ]
        parts += ["### Over time", plain(wording.over_time(data))]
        parts.append(_table(["Label", "Earlier half", "Later half", "Difference, points", "p, adjusted"], rows))
    for column in data.columns.groups:
        parts += [f"### By {plain(column)}", plain(wording.by_group(data, column)), _by_group(data, column, core)]
    lines = [f"{person}: {line}" for person in data.ticks for line in wording.of_person(data, person)]
    if data.ticks:
        parts += ["### By person", _list(lines) if lines else "Nothing differs beyond chance within a person's texts."]
    return ["## Where it changes", *parts] if parts else []


def _by_group(data: ReportData, column: str, labels: Sequence[str]) -> str:
    frame = data["groups"]
    if not len(frame):
        return ""
    own = frame[(frame["column"] == column) & frame["label"].isin(labels)]
    rows = [
        [
            formats.name(row["label"]),
            row["group"],
            formats.number(row["texts"]),
            formats.percent(row["share"]),
            f"{formats.points(row['difference'])} [{formats.points(row['difference_low'])} to "
            f"{formats.points(row['difference_high'])}]",
            formats.p_value(row["p_adjusted"]),
        ]
        for row in own.to_dict("records")
    ]
    return _table(["Label", "Group", "Texts", "Share", "Difference, points", "p, adjusted"], rows) if rows else ""


def _words(data: ReportData) -> list[str]:
    frame = data["words"]
    rows = []
    for label in wording.core_labels(data) if len(frame) else []:
        terms = frame.loc[frame["label"] == label, ["term", "texts_with"]].to_numpy().tolist()
        if terms:
            rows.append([formats.name(label), ", ".join(f"{term} ({n})" for term, n in terms)])
    return ["## The words", _table(["Label", "Words (texts with the label)"], rows)] if rows else []


def _passages(data: ReportData) -> list[str]:
    parts = []
    for label in wording.core_labels(data):
        own = sorted((p for p in data.passages if label in p.labels), key=lambda p: (-p.scores[label], p.row))
        for passage in own[:_PASSAGES]:
            where = ", ".join([passage.name, *passage.facts, f"score {passage.scores[label]:.2f}"])
            parts.append(f"> {_marked(passage, label)}\n>\n> {plain(where)}")
        if own:
            parts.insert(len(parts) - len(own[:_PASSAGES]), f"### {formats.name(label)}")
    return parts


def _marked(passage: Passage, label: str) -> str:
    """Return the passage with what carries the label in bold; spaces stay outside the stars, as Markdown needs it."""
    words = []
    for supports, run in groupby(passage.pieces, key=lambda piece: label in piece.supports):
        text = "".join(piece.text for piece in run)  # marks that touch are one, or their stars would stay stars
        inner = plain(text)
        bold = supports and inner
        before, after = (" " * text[:1].isspace(), " " * text[-1:].isspace()) if inner else (" ", "")
        words.append(f"{before}{f'**{inner}**' if bold else inner}{after}")
    return "".join(words)

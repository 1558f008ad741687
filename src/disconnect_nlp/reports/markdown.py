"""Report data to Markdown: the same numbers and sentences, tables and a few passages, for a paper's appendix."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import disconnect_nlp
from disconnect_nlp.reports import formats, panels, wording
from disconnect_nlp.reports.compare import MIN_TOGETHER
from disconnect_nlp.reports.passages import Passage
from disconnect_nlp.reports.rows import by_key
from disconnect_nlp.reports.summarise import ReportData
from disconnect_nlp.taxonomy import load_taxonomy

_PASSAGES = 3  # a label; the HTML page has more
_IN_TABLE = "Its numbers stand in the table beside it."
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$#]|^[-+=])")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def render_markdown(data: ReportData, plots: Mapping[str, str] | None = None) -> str:
    """Return the report as Markdown. What came from the table is escaped, so it can neither format nor be HTML.

    Parameters
    ----------
    plots
        Addresses of the plots that were written, by name, to show them where they belong.
    """
    drawn = _Plots(data, plots or {})
    screened = wording.screen(data)
    parts = [
        f"# What the writing says: {plain(data.name)}",
        f"disconnect_nlp {disconnect_nlp.__version__}. Labels describe language, not people. They are no diagnosis and "
        "no screening of individuals.",
        _list(wording.glance(data)),
        f"**{plain(screened[0])}** {plain(screened[1])}" if screened else "",
        "## What is in it",
        *_prevalence(data),
        drawn.of("prevalence"),
        *_together(data, drawn),
        "## How sure is it",
        _list(
            [_rows(data), wording.doubt(data), f"Correction for the labeller's errors: {data.correction}.", *data.notes]
        ),
        *_manifest(data),
        *_changes(data, drawn),
        *_words(data),
        *_passages(data),
        *_doubtful(data),
        "## How to read this",
        _list(wording.guide(data)),
    ]
    text = "\n\n".join(part for part in parts if part) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True)
class _Plots:
    """Images for the plots that are there."""

    data: ReportData
    addresses: Mapping[str, str]

    def of(self, name: str) -> str:
        """Return the image of a plot with its alternative text, or nothing if it was not written."""
        if name not in self.addresses:
            return ""
        return f"![{plain(alternative(self.data, name))}](<{self.addresses[name]}>)"

    def of_more_persons(self) -> str:
        """Return links to the plots of the persons that are not shown, or nothing if none was written."""
        more = list(enumerate(self.data.ticks, start=1))[panels.MOST_PERSONS :]
        links = [
            f"[{plain(person)}](<{self.addresses[f'person_{n}']}>)"
            for n, person in more
            if f"person_{n}" in self.addresses
        ]
        return f"Their plots: {', '.join(links)}." if links else ""


def alternative(data: ReportData, name: str) -> str:
    """Return in words what the plot of a name shows."""
    kind, _, number = name.partition("_")
    if kind == "groups":
        return f"How the groups of {data.columns.groups[int(number) - 1]} differ, with intervals. {_IN_TABLE}"
    if kind == "person":
        return f"When {list(data.ticks)[int(number) - 1]} wrote, and when with each label"
    return {
        "prevalence": f"Share of {data.units} with each label, with 95 % intervals. {_IN_TABLE}",
        "together": f"Which labels stand in one {data.unit}. {_IN_TABLE}",
        "time": f"Share of each {data.period_unit}'s {data.units} by label, with 95 % intervals. {_IN_TABLE}",
    }[name]


def plain(text: str) -> str:
    r"""Return ``text`` as Markdown that shows it as it is, on one line.

    Examples
    --------
    >>> print(plain("<b> *loud* | a"))
    \<b\> \*loud\* \| a
    """
    return _NUMBERED.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", " ".join(text.split())))


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
        heads = ["Label", data.units.capitalize(), "Share", "95 % interval", "In doubt"]
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
    return parts


def _together(data: ReportData, drawn: _Plots) -> list[str]:
    grid = panels.together(data)
    if grid is None:
        return []
    rows = [[name, *(cell.text for cell in cells)] for name, cells in grid.rows]
    pairs = wording.pairs(data)
    return [
        "### What goes together",
        f"Of the {data.units} with the label on the left (their number beside it), how many also carry the label "
        f"above; a share from {MIN_TOGETHER} on.",
        _table(["", *grid.names], rows),
        drawn.of("together"),
        *(["Most beyond what chance would give:", _list(pairs)] if pairs else []),
    ]


def _named(label: str) -> str:
    experimental = load_taxonomy()[label].quality == "experimental"
    return formats.name(label) + (" (experimental)" if experimental else "")


def _manifest(data: ReportData) -> list[str]:
    rows = wording.manifest_rows(data.manifest)
    return [_table(["What labelled this table", ""], rows)] if rows else []


def _changes(data: ReportData, drawn: _Plots) -> list[str]:
    parts, core = [], wording.core_labels(data)
    if len(data["time"]) and core:
        parts += ["### Over time", _over_time(data, core), drawn.of("time")]
    if len(data["change"]):
        parts += [plain(wording.over_time(data)), _early_late(data, core)]
    for number, column in enumerate(data.columns.groups, start=1):
        parts += [f"### By {plain(column)}", plain(wording.by_group(data, column)), _by_group(data, column, core)]
        parts.append(drawn.of(f"groups_{number}"))
    parts += _persons(data, drawn)
    return ["## Where it changes", *parts] if parts else []


def _over_time(data: ReportData, labels: Sequence[str]) -> str:
    """Return a row a period, gaps among them, and a column a label."""
    cells = data["time"].set_index(["period", "label"]).to_dict("index")
    rows = []
    for period in dict.fromkeys(data["time"]["period"]):
        own = [cells[period, label] for label in labels]
        shown = [f"{formats.percent(one['share'])} [{formats.between(one['low'], one['high'], 0)}]" for one in own]
        n = own[0]["texts"]
        rows.append([period, formats.number(n), *(shown if n else ["–"] * len(own))])
    heads = [data.period_unit.capitalize(), data.units.capitalize(), *map(formats.name, labels)]
    undated = f" {formats.number(data.undated)} {data.units} have no readable date." if data.undated else ""
    return f"Shares with 95 % intervals.{undated}\n\n{_table(heads, rows)}"


def _early_late(data: ReportData, labels: Sequence[str]) -> str:
    change = by_key(data["change"], "label")
    rows = [
        [
            formats.name(label),
            formats.percent(row["share_early"]),
            formats.percent(row["share_late"]),
            _difference(row["difference"], row["difference_low"], row["difference_high"]),
            formats.p_value(row["p_adjusted"]),
        ]
        for label in labels
        for row in [change[label]]
    ]
    return _table(["Label", "Earlier half", "Later half", "Difference, points", "p, adjusted"], rows)


def _difference(value: float, low: float, high: float) -> str:
    return "–" if low != low else f"{formats.points(value)} [{formats.points(low)} to {formats.points(high)}]"


def _persons(data: ReportData, drawn: _Plots) -> list[str]:
    parts = ["### By person"] if data.ticks else []
    for person in panels.persons(data):
        about = f"{formats.number(person.n)} {data.units}, {person.first} to {person.last}"
        rows = [
            [
                formats.name(row["label"]),
                formats.number(row["given"]),
                formats.percent(row["share_early"]),
                formats.percent(row["share_late"]),
                _difference(row["difference"], row["low"], row["high"]),
                formats.p_value(row["p_adjusted"]),
            ]
            for row in person.rows.to_dict("records")
        ]
        heads = ["Label", data.units.capitalize(), "Earlier half", "Later half", "Difference, points", "p, adjusted"]
        nothing = "No difference between earlier and later half, and no change point, beyond chance."
        parts += [f"#### {plain(person.name)}: {plain(about)}", _list(person.lines or [nothing]), _table(heads, rows)]
        parts.append(drawn.of(f"person_{person.number}"))
    left_out = len(data.ticks) - panels.MOST_PERSONS
    if left_out > 0:
        parts.append(f"{left_out} more persons with at least eight dated {data.units} are in the tables (`--tables`).")
        parts.append(drawn.of_more_persons())
    return parts


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
            _difference(row["difference"], row["difference_low"], row["difference_high"]),
            formats.p_value(row["p_adjusted"]),
        ]
        for row in own.to_dict("records")
    ]
    return (
        _table(["Label", "Group", data.units.capitalize(), "Share", "Difference, points", "p, adjusted"], rows)
        if rows
        else ""
    )


def _words(data: ReportData) -> list[str]:
    frame = data["words"]
    rows = []
    for label in wording.core_labels(data) if len(frame) else []:
        terms = frame.loc[frame["label"] == label, ["term", "texts_with"]].to_numpy().tolist()
        if terms:
            rows.append([formats.name(label), ", ".join(f"{term} ({n})" for term, n in terms)])
    return ["## The words", _table(["Label", f"Words ({data.units} with the label)"], rows)] if rows else []


def _passages(data: ReportData) -> list[str]:
    """Return passages of every label, of those of the safety screen first, then of the core labels."""
    parts = []
    for label in _to_read(data):
        parts += _quoted(label, [own for own in data.passages if label in own.labels])
    return ["## Passages", *parts] if parts else []


def _doubtful(data: ReportData) -> list[str]:
    """Return passages whose score lies near a threshold, given or not, the highest first."""
    parts = []
    for label in _to_read(data):
        parts += _quoted(label, [own for own in data.passages if label in own.uncertain])
    return ["## In doubt: to read", *parts] if parts else []


def _to_read(data: ReportData) -> list[str]:
    taxonomy = load_taxonomy()
    first = [
        *(label for label in taxonomy.recall_first if label in data.labels),
        *wording.core_labels(data, seen=False),
    ]
    return [*first, *(label for label in data.labels if label not in first)]


def _quoted(label: str, passages: Sequence[Passage]) -> list[str]:
    flagged = ": flagged, read first" if label in load_taxonomy().recall_first else ""
    parts = [f"### {formats.name(label)}{flagged}"] if passages else []
    for passage in sorted(passages, key=lambda own: (-own.scores[label], own.row))[:_PASSAGES]:
        decided = "given" if label in passage.labels else "not given"
        where = ", ".join([passage.name, *passage.facts, f"{decided}, score {passage.scores[label]:.2f}"])
        cancelled = [f"Not counted: {line}" for line in wording.not_counted(passage)]
        parts.append(
            "\n>\n".join(["> " + _marked(passage, label), *(f"> {plain(line)}" for line in [*cancelled, where])])
        )
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

"""Report data to one self-contained HTML page: no request to anywhere, and no script but its own."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd

import disconnect_nlp
from disconnect_nlp.reports import formats, panels, wording
from disconnect_nlp.reports.passages import Passage
from disconnect_nlp.reports.plot import page_person, page_time
from disconnect_nlp.reports.rows import by_key, rows
from disconnect_nlp.reports.summarise import ReportData
from disconnect_nlp.taxonomy import Group, load_taxonomy

_MOST_GROUPS = 8


def render_report(data: ReportData) -> str:
    """Return the report as HTML. Everything that came from the table is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    css, js, template = (_resource(f"report.{suffix}") for suffix in ("css", "js", "html.j2"))
    page = environment.from_string(template).render(
        css=css, js=js, css_hash=_csp_hash(css), js_hash=_csp_hash(js), **_helpers(), **_context(data)
    )
    # Half of a surrogate pair, as broken exports hold, has no form in a file.
    return page.encode("utf-8", "replace").decode("utf-8")


def _resource(name: str) -> str:
    return (files("disconnect_nlp") / "resources" / "report" / name).read_text(encoding="utf-8")


def _csp_hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _helpers() -> dict[str, Any]:
    return {
        "version": disconnect_nlp.__version__,
        "percent": formats.percent,
        "points": formats.points,
        "p": formats.p_value,
        "number": formats.number,
        "cancelled": wording.not_counted,
        "at": lambda share, most: f"{200 * share / most:.2f}",
        "between": formats.between,
        "scored": lambda passage, labels: " ".join(f"{label}:{passage.scores[label]:.4f}" for label in labels),
        "names": {label: formats.name(label) for label in load_taxonomy().ids},
    }


def _context(data: ReportData) -> dict[str, Any]:
    taxonomy, core = load_taxonomy(), wording.core_labels(data)
    timed = core if len(data["time"]) else []
    context: dict[str, Any] = {
        "data": data,
        "glance": wording.glance(data),
        "doubt": wording.doubt(data),
        "guide": wording.guide(data),
        "screen": wording.screen(data),
        "groups": [_group(data, group) for group in taxonomy.groups if _own(data, group)],
        "together": panels.together(data),
        "pairs": wording.pairs(data),
        "statuses": sorted(data.statuses.items(), key=lambda item: (item[0] != "ok", item[0])),
        "manifest": wording.manifest_rows(data.manifest),
        "timed": [(formats.name(label), page_time(data, label)) for label in timed],
        "early_late": _early_late(data, core) if len(data["change"]) else None,
        "group_columns": [_by_group(data, column, core) for column in data.columns.groups],
        "persons": [(own, page_person(data, own.name, own.number)) for own in panels.persons(data)],
        "people_left_out": max(0, len(data.ticks) - panels.MOST_PERSONS),
        "words": _words(data, core),
        "core": taxonomy.core,
        "screened": taxonomy.recall_first,
        "passages": _sorted(data.passages),
        "choices": _choices(data),
        "definitions": [(label, formats.name(label), taxonomy[label].definition) for label in data.labels],
    }
    return context | {"changes": bool(context["timed"] or context["group_columns"] or context["persons"])}


def _own(data: ReportData, group: Group) -> list[str]:
    return [label for label in load_taxonomy().group(group.id) if label in data.labels]


def _group(data: ReportData, group: Group) -> dict[str, Any]:
    taxonomy, labels = load_taxonomy(), _own(data, group)
    frame = data["prevalence"][data["prevalence"]["label"].isin(labels)]
    own = by_key(frame, "label")
    listed = [{**own[label], "name": formats.name(label), "definition": taxonomy[label].definition} for label in labels]
    highest = frame[["high", "corrected_high"]].max().max()
    given = frame[frame["given"] > 0].sort_values("given", ascending=False).head(3)
    in_short = ", ".join(f"{formats.name(row.label)} {formats.percent(row.share)}" for row in rows(given))
    return {
        "id": group.id,
        "name": group.name,
        "question": group.question,
        "core": group.core,
        "screen": group.recall_first,
        "rows": listed,
        "most": 0.05 if pd.isna(highest) else max(0.05, float(highest)),
        "in_short": "" if group.recall_first else in_short or "none given",
        "experimental": [formats.name(label) for label in labels if taxonomy[label].quality == "experimental"],
    }


def _early_late(data: ReportData, labels: list[str]) -> dict[str, Any]:
    change = by_key(data["change"], "label")
    return {
        "text": wording.over_time(data),
        "late_from": data["change"]["late_from"].iloc[0],
        "n_early": int(data["change"]["texts_early"].iloc[0]),
        "n_late": int(data["change"]["texts_late"].iloc[0]),
        "rows": [{**change[label], "name": formats.name(label)} for label in labels],
    }


def _by_group(data: ReportData, column: str, labels: list[str]) -> dict[str, Any]:
    frame = data["groups"]
    own = frame[(frame["column"] == column) & frame["label"].isin(labels)] if len(frame) else frame
    if not len(own):
        return {"name": column, "text": "", "groups": [], "left_out": 0, "rows": [], "differences": [], "two": False}
    groups = list(dict.fromkeys(own["group"]))
    shown = groups[:_MOST_GROUPS]
    cells = own.set_index(["label", "group"]).to_dict("index")
    compared = own[own["p"].notna() & own["group"].isin(shown)]
    return {
        "name": column,
        "text": wording.by_group(data, column),
        "groups": [(group, cells[labels[0], group]["texts"]) for group in shown],
        "left_out": len(groups) - len(shown),
        "rows": [(formats.name(label), [cells[label, group] for group in shown]) for label in labels],
        "differences": [{**row, "name": formats.name(row["label"])} for row in compared.to_dict("records")],
        "two": compared["group"].nunique() == 1,
    }


def _words(data: ReportData, labels: list[str]) -> list[dict[str, Any]]:
    frame = data["words"]
    words = []
    for label in labels:
        own = frame[frame["label"] == label] if len(frame) else frame
        if len(own):
            words.append({"id": label, "name": formats.name(label), "terms": own.to_dict("records")})
    return words


def _sorted(passages: list[Passage]) -> list[Passage]:
    """Return the surest first, as the page shows them at the start, and where no script runs."""
    return sorted(passages, key=lambda own: (-max(own.scores.values(), default=0), own.row))


def _choices(data: ReportData) -> list[tuple[str, str, int]]:
    counts = {label: sum(label in own.scores for own in data.passages) for label in data.labels}
    return [(label, formats.name(label), n) for label, n in counts.items() if n]

"""Report data to one self-contained HTML page."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import jinja2

import disconnect_nlp
from disconnect_nlp.reports.plot import over_time, share_bars
from disconnect_nlp.reports.summarise import ReportData, wilson
from disconnect_nlp.taxonomy import load_taxonomy

_MAX_TIME_PLOTS = 9


def render_report(data: ReportData) -> str:
    """Return the report as HTML. Everything that came from the table is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    source = files("disconnect_nlp") / "resources" / "report.html.j2"
    return environment.from_string(source.read_text(encoding="utf-8")).render(_context(data))


def _context(data: ReportData) -> dict[str, Any]:
    taxonomy = load_taxonomy()
    names = {label: taxonomy[label].name for label in data.labels}
    groups = []
    for group in taxonomy.groups:
        own = [label for label in taxonomy.group(group.id) if label in names]
        seen = [label for label in own if data.given[label]]
        plot = (
            share_bars(data, seen, [names[label] for label in seen], title=group.name)
            if seen and not group.recall_first
            else None
        )
        rows = [_row(data, label, names[label]) for label in own]
        groups.append(
            {
                "id": group.id,
                "name": group.name,
                "question": group.question,
                "plot": plot,
                "screen": group.recall_first,
                "rows": rows,
                "experimental": [row["name"] for row in rows if row["experimental"]],
            }
        )
    core = [label for label in taxonomy.core if data.given[label]]
    timed = sorted(core, key=lambda label: -data.given[label])[:_MAX_TIME_PLOTS] if data.periods else []
    return {
        "data": data,
        "version": disconnect_nlp.__version__,
        "groups": [group for group in groups if group["rows"]],
        "timed": [over_time(data, label, names[label]) for label in timed],
        "compared": [(names[label], label) for label in core],
        "group_names": [name for name, _ in data.group_sizes.most_common(12)],
        "examples": [
            (names[label], taxonomy[label].definition, data.examples[label])
            for label in (*taxonomy.core, "risk_language")
            if data.examples.get(label)
        ],
        "share": lambda hits, n: f"{hits / n:.0%}" if n else "–",
    }


def _row(data: ReportData, label: str, name: str) -> dict[str, Any]:
    low, high = wilson(data.given[label], data.n_texts)
    return {
        "name": name,
        "experimental": load_taxonomy()[label].quality == "experimental",
        "n": data.given[label],
        "share": f"{data.given[label] / max(data.n_texts, 1):.1%}",
        "interval": f"{low:.1%} to {high:.1%}",
        "uncertain": data.uncertain[label],
    }

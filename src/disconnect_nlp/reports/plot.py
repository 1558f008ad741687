"""Plots of a report as inline SVG, by matplotlib. Colours are CSS variables, so that both themes read well."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Sequence

import matplotlib

matplotlib.use("svg")
from matplotlib.figure import Figure

from disconnect_nlp.reports.summarise import ReportData, wilson

# Placeholder colours that no plot uses otherwise; replaced by CSS variables.
_INK, _ACCENT, _SOFT = "#010203", "#040506", "#070809"
_VARIABLES = {_INK: "var(--ink)", _ACCENT: "var(--accent)", _SOFT: "var(--soft)"}


def share_bars(data: ReportData, labels: Sequence[str], names: Sequence[str], *, title: str) -> str:
    """Bars of the share of texts with each label, with 95 % intervals."""
    figure = Figure(figsize=(7.2, 0.42 * len(labels) + 0.7))
    axes = figure.subplots()
    shares = [data.given[label] / max(data.n_texts, 1) for label in labels]
    bounds = [wilson(data.given[label], data.n_texts) for label in labels]
    errors = [[s - low for s, (low, _) in zip(shares, bounds, strict=True)],
              [high - s for s, (_, high) in zip(shares, bounds, strict=True)]]  # fmt: skip
    rows = range(len(labels))
    axes.barh(rows, shares, color=_ACCENT, height=0.62)
    axes.errorbar(shares, rows, xerr=errors, fmt="none", ecolor=_INK, elinewidth=1, capsize=2)
    axes.set_yticks(list(rows), names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlim(0, max(0.05, *(high for _, high in bounds)) * 1.05)
    axes.grid(axis="x", color=_SOFT, linewidth=0.6)
    axes.set_axisbelow(True)
    return _svg(figure, f"{title}: share of texts with each label, with 95 % intervals")


def over_time(data: ReportData, label: str, name: str) -> str:
    """Plot the share of texts with a label in each period; a period without texts is a gap."""
    figure = Figure(figsize=(7.2, 1.9))
    axes = figure.subplots()
    places = range(len(data.periods))
    shares, low, high = [], [], []
    for hits, n in zip(data.by_period[label], data.period_sizes, strict=True):
        a, b = wilson(hits, n) if n else (float("nan"), float("nan"))
        shares.append(hits / n if n else float("nan"))
        low.append(a)
        high.append(b)
    axes.fill_between(places, low, high, color=_SOFT, linewidth=0, alpha=0.7)
    axes.plot(places, shares, color=_ACCENT, marker="o", markersize=3.5, linewidth=1.4)
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    step = max(1, len(data.periods) // 6)
    axes.set_xticks(list(places)[::step], data.periods[::step], fontsize=8)
    axes.set_title(name, loc="left", fontsize=10, color=_INK)
    return _svg(figure, f"{name}: share of texts by {data.period_unit}, with 95 % intervals")


def _svg(figure: Figure, title: str) -> str:
    for axes in figure.axes:
        axes.tick_params(colors=_INK, labelcolor=_INK)
        for side, spine in axes.spines.items():
            spine.set_color(_SOFT)
            spine.set_visible(side in ("left", "bottom"))
    figure.tight_layout()
    buffer = io.StringIO()
    # Text stays text; a fixed salt and no date make equal figures equal bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "disconnect", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Ids must be unique among all plots of a page.
    prefix = f"p{zlib.crc32(title.encode()):x}"
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)([^")]+)', rf"\1{prefix}-\2", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)

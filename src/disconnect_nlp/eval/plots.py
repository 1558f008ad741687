"""Plots of an evaluation as inline SVG, by matplotlib. Colours are CSS variables, so that both themes read well."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.eval.ranking import precision_recall_curve

# Placeholder colours that no plot uses otherwise; replaced by CSS variables.
_INK, _ACCENT, _SOFT = "#010203", "#040506", "#070809"
_VARIABLES = {_INK: "var(--ink)", _ACCENT: "var(--accent)", _SOFT: "var(--soft)"}
_ACROSS = 3
_SLICES = 20


def reliability(system: Mapping[str, Any], name: str) -> str:
    """Share of carriers against mean score, all labels pooled; the area of a dot stands for its number of scores."""
    figure = Figure(figsize=(4.6, 4.2))
    axes = figure.subplots()
    bins = [b for b in system["reliability"] if b["n"]]
    axes.plot([0, 1], [0, 1], color=_SOFT, linewidth=1)
    x, y = [b["mean_score"] for b in bins], [b["share"] for b in bins]
    axes.plot(x, y, color=_ACCENT, linewidth=1)
    axes.scatter(x, y, s=[10 + 12 * np.log10(b["n"]) ** 2 for b in bins], color=_ACCENT, gid="points")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="mean score", ylabel="share that carries the label")
    return _svg(figure, f"{name}: reliability, {len(bins)} bins")


def precision_recall(truth: Array, scores: Array, system: Mapping[str, Any], name: str) -> str:
    """One small plot a label: precision against recall, the chosen threshold as a dot, prevalence as a line."""
    labels = list(system["labels"])
    figure, cells = _grid(len(labels))
    for place, (label, axes) in enumerate(zip(labels, cells, strict=True)):
        own = system["labels"][label]
        axes.set_title(label, fontsize=9, loc="left", color=_INK)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        axes.axhline(own["n_pos"] / len(truth), color=_SOFT, linewidth=1)
        if own["average_precision"] is not None:
            recall, precision = precision_recall_curve(truth[:, place], scores[:, place])
            axes.step(recall, precision, color=_ACCENT, linewidth=1.2, where="pre")
        if own["precision"] is not None and own["recall"] is not None:
            axes.plot(own["recall"], own["precision"], marker="o", color=_INK, markersize=5)
    return _svg(figure, f"{name}: precision against recall by label, chosen threshold as a dot")


def confusion(system: Mapping[str, Any], name: str) -> str:
    """Of the texts that carry one label and not the other, the share to which the other is given; diagonal: recall."""
    labels = list(system["labels"])
    size = 1.6 + 0.42 * len(labels)
    figure = Figure(figsize=(size, size))
    axes = figure.subplots()
    for row, carried in enumerate(labels):
        for column, given in enumerate(labels):
            own = system["labels"][given]
            share = own["recall"] if row == column else (own["given_for"].get(carried) or {}).get("share")
            if share is not None:
                width = 0.94 * float(np.sqrt(share))
                colour = _SOFT if row == column else _ACCENT
                corner = (column - width / 2, row - width / 2)
                axes.add_patch(Rectangle(corner, width, width, color=colour, alpha=0.5, linewidth=0))
                axes.text(column, row, f"{share:.0%}".rstrip("%"), ha="center", va="center", fontsize=7, color=_INK)
    axes.set(xlim=(-0.6, len(labels) - 0.4), ylim=(len(labels) - 0.4, -0.6))
    axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="given", ylabel="carried")
    return _svg(figure, f"{name}: which label is given for which, percent of carriers")


def slice_bars(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Gap of micro F1 inside and outside each slice that is large enough, with intervals."""
    sure = [row for row in rows if row["gap"] is not None and not row["too_small"]][:_SLICES]
    names = [f"{row['slice']}: {row['value']}" for row in sure]
    figure, axes = _bars([row["gap"] for row in sure], names)
    errors = [[row["gap"] - row["gap_low"] for row in sure], [row["gap_high"] - row["gap"] for row in sure]]
    axes.errorbar([row["gap"] for row in sure], range(len(sure)), xerr=np.maximum(errors, 0), fmt="none", ecolor=_INK)
    axes.set_xlabel("micro F1 here minus elsewhere")
    return _svg(figure, f"{name}: gap of micro F1 by slice")


def behaviour_bars(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Failure rate of each capability."""
    tested = [row for row in rows if row["failure_rate"] is not None]
    figure, axes = _bars([row["failure_rate"] for row in tested], [row["capability"] for row in tested])
    axes.set(xlim=(0, 1), xlabel="failure rate")
    return _svg(figure, f"{name}: failure rate by capability")


def _bars(values: Sequence[float], names: Sequence[str]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 0.26 * len(values) + 0.9))
    axes = figure.subplots()
    axes.barh(range(len(values)), values, color=_ACCENT, height=0.62)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="x", color=_SOFT, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _grid(n: int) -> tuple[Figure, list[Axes]]:
    down = -(-n // _ACROSS)
    figure = Figure(figsize=(7.4, 2.1 * down))
    cells = figure.subplots(down, _ACROSS, sharex=True, sharey=True, squeeze=False).ravel().tolist()
    for spare in cells[n:]:
        spare.set_visible(False)
    return figure, cells[:n]


def _svg(figure: Figure, title: str) -> str:
    for axes in figure.axes:
        axes.tick_params(colors=_INK, labelcolor=_INK)
        axes.xaxis.label.set_color(_INK)
        axes.yaxis.label.set_color(_INK)
        for side, spine in axes.spines.items():
            spine.set_color(_SOFT)
            spine.set_visible(side in ("left", "bottom"))
    figure.tight_layout()
    buffer = io.StringIO()
    # Text stays text; a fixed salt and no date make equal figures equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "disconnect", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    prefix = f"e{zlib.crc32(title.encode()):x}"  # ids must be unique among all plots of a page
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)([^")]+)', rf"\1{prefix}-\2", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title, quote=True)}"', 1)

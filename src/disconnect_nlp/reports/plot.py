"""Plots of a report by matplotlib: parts of the page, or PNG and SVG files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from disconnect_nlp.reports.compare import MIN_TOGETHER
from disconnect_nlp.reports.drawing import PAGE, PAPER, Palette, dressed, inline, settings
from disconnect_nlp.reports.rows import by_key, rows
from disconnect_nlp.reports.summarise import ReportData
from disconnect_nlp.taxonomy import load_taxonomy

_DOTS_PER_INCH = 300
_MOST_TICKS = 300  # a person's texts drawn one by one; more fall together


def prevalence_figure(data: ReportData, labels: Sequence[str], palette: Palette = PAPER) -> Figure:
    """Draw the share of each label with its interval, as labelled and, where known, corrected for errors."""
    frame = data["prevalence"].set_index("label").loc[list(labels)]
    figure = Figure(figsize=(6.4, 0.36 * len(frame) + 0.9))
    axes = figure.subplots()
    corrected = bool(frame["corrected"].notna().any())
    places = np.arange(len(frame)) - 0.14 * corrected
    _points(axes, frame["share"], frame["low"], frame["high"], places, palette.accent, "o", "as labelled")
    if corrected:
        bounds = frame["corrected"], frame["corrected_low"], frame["corrected_high"]
        _points(axes, *bounds, places + 0.28, palette.second, "D", "corrected for errors")
        axes.legend(frameon=False, fontsize=8)
    _names(axes, labels)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(_percent)
    axes.set_xlabel(f"share of {data.units}, 95 % interval")
    return dressed(figure, palette)


def time_figure(data: ReportData, labels: Sequence[str], palette: Palette = PAPER, *, columns: int = 3) -> Figure:
    """Draw the share of texts with each label by period; a period without texts is a gap."""
    n_rows = -(-len(labels) // columns)
    figure = Figure(figsize=(3.3 * columns, 1.75 * n_rows))
    grid = figure.subplots(n_rows, columns, squeeze=False)
    for axes, label in zip(grid.flat, labels, strict=False):
        _over_time(axes, data, label, palette)
        axes.set_title(_name(label), loc="left", fontsize=9, color=palette.ink)
    for axes in list(grid.flat)[len(labels) :]:
        axes.set_axis_off()
    return dressed(figure, palette)


def groups_figure(data: ReportData, column: str, labels: Sequence[str], palette: Palette = PAPER) -> Figure:
    """Draw how each group of a column differs from the others, with intervals that hold together."""
    frame = data["groups"]
    frame = frame[(frame["column"] == column) & frame["difference"].notna() & frame["label"].isin(labels)]
    groups = list(dict.fromkeys(frame["group"]))
    figure = Figure(figsize=(2.2 + 1.9 * len(groups), 0.34 * len(labels) + 1.0))
    for axes, group in zip(figure.subplots(1, len(groups), sharey=True, squeeze=False).flat, groups, strict=True):
        own = frame[frame["group"] == group].set_index("label").loc[list(labels)]
        bounds = own["difference"], own["difference_low"], own["difference_high"]
        _points(axes, *bounds, np.arange(len(own)), palette.accent, "o", "")
        axes.axvline(0, color=palette.ink, linewidth=0.7)
        axes.set_title(_short(group), fontsize=9, color=palette.ink)
        axes.xaxis.set_major_formatter(_percent)
    _names(figure.axes[0], labels)
    figure.axes[len(groups) // 2].set_xlabel(f"difference from the other {data.units}", fontsize=9)
    return dressed(figure, palette)


def together_figure(data: ReportData, labels: Sequence[str], palette: Palette = PAPER) -> Figure:
    """Draw the share of texts with one label that carry another one, too; labels of at least five texts."""
    frame = data["together"]
    given = data["prevalence"].set_index("label")["given"]
    labels = [label for label in labels if given[label] >= MIN_TOGETHER]
    own = frame.set_index(["label", "other"])["share_of_label"].to_dict()
    grid = np.array([[own.get((label, other), np.nan) for other in labels] for label in labels])
    side = 0.5 * len(labels) + 2
    figure = Figure(figsize=(side + 0.6, side))
    axes = figure.subplots()
    axes.imshow(grid, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(grid):
        if not np.isnan(value):
            colour = "#ffffff" if value > 0.55 else "#222222"
            axes.text(column, row, f"{value:.0%}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(labels)), [_name(label) for label in labels], rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(labels)), [_name(label) for label in labels], fontsize=8)
    axes.set_xlabel("also carry")
    axes.set_ylabel(f"of the {data.units} with")
    return dressed(figure, palette, grid=False)


def person_figure(data: ReportData, person: str, palette: Palette = PAPER) -> Figure:
    """Draw when a person wrote, and when with each label; a change that is more than chance is marked."""
    ticks = data.ticks[person]
    labels = [label for label, days in ticks.items() if label and days]
    figure = Figure(figsize=(4.1, 0.25 * (len(labels) + 1) + 0.5))
    axes = figure.subplots()
    people = data["people"]
    changes = by_key(people[(people["person"] == person) & people["change"]], "label")
    for row, label in enumerate(["", *labels]):
        x, y = _barcode(ticks[label], row)
        axes.plot(x, y, color=palette.accent if label else palette.soft, linewidth=1.2)
        if label in changes:
            when = pd.Timestamp(changes[label]["change_at"])
            axes.plot([_days(when)] * 2, [row - 0.5, row + 0.5], color=palette.second, linewidth=2)
    axes.set_yticks(
        range(len(labels) + 1),
        [f"all {data.units}", *(_name(label).removesuffix(" disconnection") for label in labels)],
        fontsize=8,
    )
    axes.set_ylim(len(labels) + 0.6, -0.6)
    first, last = ticks[""][0], ticks[""][-1]
    places = np.linspace(first, last, 3) if last > first else [first]
    dates = [(pd.Timestamp(0) + pd.Timedelta(days=float(day))).strftime("%d %b %Y") for day in places]
    axes.set_xticks(list(places), dates, fontsize=7.5)
    return dressed(figure, palette)


def page_time(data: ReportData, label: str) -> str:
    """Return one label over time as inline SVG."""
    figure = Figure(figsize=(2.9, 1.5))  # about as wide as on the page, so that letters keep their size
    _over_time(figure.subplots(), data, label, PAGE)
    title = f"{_name(label)}: share of {data.units} by {data.period_unit}, with 95 % intervals"
    return inline(dressed(figure, PAGE), f"time-{label}", f"{title}. {_in_words(data, label)}")


def page_person(data: ReportData, person: str, number: int) -> str:
    """Return one person's texts over time as inline SVG."""
    labels = ", ".join(_name(label) for label, days in data.ticks[person].items() if label and days)
    return inline(
        person_figure(data, person, PAGE),
        f"person-{number}",
        f"One tick a {data.unit} of {person}, in order of time: all {data.units}, then those with {labels}.",
    )


def write_plots(data: ReportData, folder: Path, labels: Sequence[str]) -> list[Path]:
    """Write every plot as PNG and SVG; return the paths."""
    paths = []
    for name, draw in _plots(data, labels).items():
        figure = draw()
        for kind in ("png", "svg"):
            paths.append(folder / f"{name}.{kind}")
            with settings():
                metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
                figure.savefig(paths[-1], format=kind, dpi=_DOTS_PER_INCH, metadata=metadata, bbox_inches="tight")
    return paths


def plot_names(data: ReportData, labels: Sequence[str]) -> list[str]:
    """Return the names of the files, without suffix, that :func:`write_plots` writes."""
    return [*_plots(data, labels)]


def _plots(data: ReportData, labels: Sequence[str]) -> dict[str, Callable[[], Figure]]:
    plots: dict[str, Callable[[], Figure]] = {"prevalence": lambda: prevalence_figure(data, labels)}
    frequent = data["prevalence"].set_index("label")["given"].loc[list(labels)] >= MIN_TOGETHER
    if frequent.sum() > 1:
        plots["together"] = lambda: together_figure(data, labels)
    if len(data["time"]):
        plots["time"] = lambda: time_figure(data, labels)
    for number, column in enumerate(data.columns.groups, start=1):
        frame = data["groups"]
        if (frame["column"] == column).any() and frame.loc[frame["column"] == column, "difference"].notna().any():
            plots[f"groups_{number}"] = lambda column=column: groups_figure(data, column, labels)  # type: ignore[misc]
    for number, person in enumerate(data.ticks, start=1):
        plots[f"person_{number}"] = lambda person=person: person_figure(data, person)  # type: ignore[misc]
    return plots


def _over_time(axes: Axes, data: ReportData, label: str, palette: Palette) -> None:
    frame = data["time"]
    own = frame[frame["label"] == label]
    places = np.arange(len(own))
    share, low, high = (own[name].to_numpy(dtype=float) for name in ("share", "low", "high"))
    axes.fill_between(places, low, high, color=palette.soft, linewidth=0, alpha=0.8)
    axes.vlines(places, low, high, color=palette.soft, linewidth=2)  # a period between two gaps has no band
    axes.plot(places, share, color=palette.accent, marker="o", markersize=3, linewidth=1.3, clip_on=False)  # at 0 too
    axes.set_ylim(0, min(1.02, max(0.1, float(np.nanmax(high)) * 1.08)))
    axes.yaxis.set_major_formatter(_percent)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    step = max(1, -(-len(own) // 3))
    axes.set_xticks(places[::step], list(own["period"])[::step], fontsize=8.5)
    axes.tick_params(axis="y", labelsize=8.5)


def _in_words(data: ReportData, label: str) -> str:
    frame = data["time"]
    every = list(rows(frame[frame["label"] == label]))
    own = [row for row in every if row.texts]
    highest, lowest = max(own, key=lambda row: row.share), min(own, key=lambda row: row.share)
    return (
        f"Highest {highest.share:.0%} in {highest.period}, lowest {lowest.share:.0%} in {lowest.period}; "
        f"{len(own)} of {len(every)} {data.period_unit}s have {data.units}."
    )


def _points(
    axes: Axes,
    share: pd.Series,
    low: pd.Series,
    high: pd.Series,
    places: np.ndarray,
    colour: str,
    mark: str,
    label: str,
) -> None:
    known = share.notna().to_numpy()
    values, lows, highs = (own.to_numpy(dtype=float)[known] for own in (share, low, high))
    axes.hlines(places[known], lows, highs, color=colour, linewidth=1.4)
    axes.plot(values, places[known], mark, color=colour, markersize=4.5, linestyle="none", label=label)


def _names(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_name(label) for label in labels], fontsize=9)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _name(label: str) -> str:
    return load_taxonomy()[label].name


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _percent(value: float, _: object) -> str:
    return f"{value:.0%}"


def _days(when: pd.Timestamp) -> float:
    return float((when - pd.Timestamp(0)).total_seconds()) / 86400


def _barcode(days: Sequence[float], row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return one line of upright ticks with gaps between; far more ticks than can be told apart fall together."""
    places = np.unique(np.asarray(days))
    if len(places) > _MOST_TICKS:
        span = places[-1] - places[0]
        places = np.unique(np.round((places - places[0]) / span * _MOST_TICKS)) * span / _MOST_TICKS + places[0]
    x = np.repeat(places, 3).astype(float)
    y = np.tile([row - 0.35, row + 0.35, np.nan], len(places))
    return x, y

"""How the plots of a report look, and how one becomes a part of the page: inline SVG in the page's own colours."""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# Okabe & Ito (2008): told apart by readers with colour-blindness.
_BLUE, _ORANGE = "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Palette:
    """Colours of a plot."""

    ink: str
    accent: str
    soft: str
    second: str


PAPER = Palette("#222222", _BLUE, "#c9d3da", _ORANGE)
# Placeholders that no plot uses otherwise; replaced by the page's own colours, which follow its theme.
PAGE = Palette("#010203", "#040506", "#070809", "#0a0b0c")
_VARIABLES = {PAGE.ink: "--ink", PAGE.accent: "--accent", PAGE.soft: "--soft", PAGE.second: "--second"}


def dressed(figure: Figure, palette: Palette, *, grid: bool = True) -> Figure:
    """Return a figure with axes and grid in a palette."""
    for axes in figure.axes:
        axes.tick_params(colors=palette.ink, labelcolor=palette.ink, length=2)
        if grid:
            axes.grid(axis="both", color=palette.soft, linewidth=0.5, alpha=0.7)
            axes.set_axisbelow(True)
        for side, spine in axes.spines.items():
            spine.set_color(palette.soft)
            spine.set_visible(side in ("left", "bottom"))
    with settings():
        figure.tight_layout()
    return figure


@contextmanager
def settings() -> Iterator[None]:
    """Set how figures are laid out and saved, while in use."""
    # Text stays text, a name with dollar signs is no formula; a fixed salt makes equal figures equal bytes.
    own: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "disconnect",
        "font.family": "sans-serif",
        "text.parse_math": False,
    }
    with matplotlib.rc_context(own), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as a box, named in the table
        yield


def inline(figure: Figure, key: str, words: str) -> str:
    """Return SVG without style attributes, which the page's content security policy would refuse."""
    buffer = io.StringIO()
    with settings():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sstyle="([^"]*)"', lambda found: _attributes(found[1]), svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    # Ids must be unique among all plots of a page.
    prefix = f"p{zlib.crc32(key.encode()):x}"
    svg = re.sub(r'id="([^"]+)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)([^")]+)', rf"\1{prefix}-\2", svg)
    svg = re.sub(r"<svg[^>]*>", lambda found: re.sub(r' (width|height)="[^"]*"', "", found[0]), svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(words)}"', 1)


def _attributes(style: str) -> str:
    """Turn ``fill: none; stroke: #000`` into attributes, the short form of a font into its size."""
    parts = [part.split(":", 1) for part in style.split(";") if ":" in part]
    own = {name.strip(): value.strip() for name, value in parts}
    if "font" in own:
        own["font-size"] = own.pop("font").split()[0]
    own.pop("font-family", None)
    return "".join(f' {name}="{escape(value)}"' for name, value in own.items())

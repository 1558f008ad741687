"""An explanation to look at: in a terminal, in a notebook, and as displaCy input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from disconnect_nlp.labellers.explain import Explanation, LabelExplanation, Part
from disconnect_nlp.records import Evidence

_SHOWN = 0.25  # log-odds from which a phrase is coloured
_MOST = 6  # phrases listed a label
_CONTROL = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")  # a text must not steer the terminal
_WHY = {
    "negated": "negated",
    "past": "over, not now",
    "other": "somebody else's",
    "hypothetical": "hypothetical",
    "generic": "said in general",
    "quoted": "quoted",
    "affirmed": "affirmed",
}


def decision(item: LabelExplanation) -> str:
    """Return one line on what was decided.

    Examples
    --------
    >>> from disconnect_nlp import load
    >>> decision(load("lexicon").explain("I feel numb.")["numbness"])
    'given: score 0.85, threshold 0.50'
    """
    return f"{'given' if item.given else 'not given'}: score {item.score:.2f}, threshold {item.threshold:.2f}" + (
        "; in doubt" if item.uncertain else ""
    )


def counter(item: Evidence) -> str:
    """Return why a match does not count.

    Examples
    --------
    >>> from disconnect_nlp import load
    >>> counter(load("lexicon").explain("I never feel numb.")["numbness"].counter_evidence[0])
    'would speak for it, but: “feel numb” is negated (“never”)'
    """
    cue = f" (“{item.cue.quote}”)" if item.cue else ""
    return f"would speak for it, but: “{item.quote}” is {_WHY[item.status]}{cue}"


def account(scale: str, item: LabelExplanation) -> str:
    """Return the sum that makes the score, on one line.

    Examples
    --------
    >>> from disconnect_nlp import load
    >>> why = load("lexicon").explain("I feel numb.")
    >>> account(why.scale, why["numbness"])
    '-ln(1 - p) +1.90 = +0.00 without words +1.90 by the words'
    """
    whole = "" if item.encoder is None else f" {item.encoder:+.2f} by the sentence encoder as a whole"
    return f"{scale} {item.total:+.2f} = {item.constant:+.2f} without words {item.by_words:+.2f} by the words{whole}"


def encoder_lines(item: LabelExplanation) -> Iterator[str]:
    """Return, for the sentences that the encoder's part rests on, by how much it falls without each."""
    falls = [(part.encoder_fall or 0.0, part.quote) for part in item.sentences]
    loud = sorted((own for own in falls if abs(own[0]) >= _SHOWN), key=lambda own: -abs(own[0]))
    for fall, quote in loud[:_MOST] if len(falls) > 1 else []:
        change = "falls" if fall > 0 else "rises"
        yield f"sentence encoder {change} by {abs(fall):.2f} without “{_flat(quote)}”"


def as_terminal(explanation: Explanation, *, colour: bool | None = None, width: int = 100) -> str:
    """Return lines for a terminal; coloured if standard output is one, unless ``colour`` says otherwise."""
    colour = sys.stdout.isatty() if colour is None else colour
    console = Console(
        width=width, force_terminal=colour, color_system="standard" if colour else None, _environ={}, highlight=False
    )
    with console.capture() as capture:
        for line in _lines(explanation):
            console.print(line, soft_wrap=False)
    return capture.get().rstrip("\n")


def _lines(explanation: Explanation) -> Iterator[Text]:
    if not explanation.labels:
        yield Text("No label: nothing speaks for one.")
    for item in explanation.labels:
        yield Text.assemble((item.name, "bold"), "  ", (decision(item), "green" if item.given else "dim"))
        yield Text("  ").append_text(_coloured(explanation.text, item))
        if item.constant is not None:
            yield Text(f"  {account(explanation.scale, item)}")
        for part in item.phrases[:_MOST]:
            if abs(part.weight) >= _SHOWN:
                yield Text(f"  {part.weight:+6.2f}  {_flat(part.quote)}", style="green" if part.weight > 0 else "red")
        for line in encoder_lines(item):
            yield Text(f"  {line}")
        for found in item.evidence:
            if found.source != "model" and found.counts:
                yield Text(f"  lexicon: “{_flat(found.quote)}” ({found.source.removeprefix('lexicon:')})")
            elif not found.counts:
                yield Text(f"  {_flat(counter(found))}", style="yellow")
        yield Text("")


def _coloured(text: str, item: LabelExplanation) -> Text:
    """Return the deciding window, what speaks for the label in green, against it in red, what was cancelled struck."""
    first = min((part.start for part in item.sentences), default=0)
    last = max((part.end for part in item.sentences), default=len(text))
    line = Text(text)
    for part in _loud(item):
        line.stylize("bold green" if part.weight > 0 else "red", part.start, part.end)
    for found in item.counter_evidence:
        line.stylize("strike yellow", found.start, found.end)
    shown = line[first:last]
    shown.plain = _CONTROL.sub(" ", shown.plain)
    return shown


def _flat(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _loud(item: LabelExplanation) -> list[Part]:
    return [part for part in item.phrases if abs(part.weight) >= _SHOWN]


_BOX = "border:1px solid #8886;border-radius:6px;padding:.5em .8em;margin:.4em 0;line-height:1.6"


def as_html(explanation: Explanation) -> str:
    """Return an HTML fragment that needs no style sheet and reads in light and dark notebooks; texts are escaped."""
    if not explanation.labels:
        return f'<div style="{_BOX}">No label: nothing speaks for one.</div>'
    return "".join(_box(explanation, item) for item in explanation.labels)


def _box(explanation: Explanation, item: LabelExplanation) -> str:
    sums = ""
    if item.constant is not None:
        lines = [account(explanation.scale, item), *encoder_lines(item)]
        sums = "".join(f"<div>{escape(line)}</div>" for line in lines)
    notes = "".join(f"<div>{escape(counter(found))}</div>" for found in item.counter_evidence)
    return (
        f'<div style="{_BOX}"><b>{escape(item.name)}</b> {decision(item)}'
        f'<div style="white-space:pre-wrap">{_marked(explanation.text, item)}</div>{sums}{notes}</div>'
    )


def _marked(text: str, item: LabelExplanation) -> str:
    """Return the deciding window with its phrases shaded by weight and cancelled matches struck out."""
    first = min((part.start for part in item.sentences), default=0)
    last = max((part.end for part in item.sentences), default=len(text))
    weight = np.zeros(len(text))
    cancelled = np.zeros(len(text), dtype=bool)
    for part in _loud(item):
        weight[part.start : part.end] = part.weight
    for found in item.counter_evidence:
        cancelled[found.start : found.end] = True
    changes = np.flatnonzero((np.diff(weight) != 0) | (np.diff(cancelled.astype(int)) != 0)) + 1
    cuts = sorted({first, last, *(int(cut) for cut in changes if first < cut < last)})
    return "".join(_shaded(text[a:b], float(weight[a]), bool(cancelled[a])) for a, b in pairwise(cuts))


def _shaded(quote: str, weight: float, cancelled: bool) -> str:
    words = f"<s>{escape(quote)}</s>" if cancelled else escape(quote)
    if not weight:
        return words
    strength = min(0.6, 0.15 + 0.12 * abs(weight))
    colour = f"rgba(46,160,67,{strength:.2f})" if weight > 0 else f"rgba(218,54,51,{strength:.2f})"
    return f'<mark style="background:{colour};color:inherit" title="{weight:+.2f}">{words}</mark>'


def as_displacy(explanation: Explanation) -> dict[str, Any]:
    """Return text, tokens and spans as ``displacy.render(…, style="span", manual=True)`` takes them."""
    text = explanation.text
    marked = [found for item in explanation.labels if item.given for found in item.evidence if found.counts]
    edges = {edge for found in marked for edge in (found.start, found.end)}
    for word in re.finditer(r"\w+(?:['’]\w+)*|[^\w\s]", text):
        edges |= {word.start(), word.end()}  # with those of the evidence, so that a span covers its words and no more
    tokens = [(a, b) for a, b in pairwise(sorted(edges)) if text[a:b].strip()]
    spans = {}
    for found in marked:
        inside = [n for n, (a, b) in enumerate(tokens) if found.start <= a and b <= found.end]
        span = {"start_token": inside[0], "end_token": inside[-1] + 1, "label": found.label}
        spans[tuple(span.values())] = span
    return {"text": text, "tokens": [text[a:b] for a, b in tokens], "spans": [*spans.values()]}

"""One passage as the page shows it: its text cut at the evidence, so that no offset ever reaches the browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

Piece = tuple[str, list[int]]


def cut(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Cut ``text`` where spans begin and end; each piece comes with the numbers of the spans that cover it.

    Offsets count code points, as Python does; browsers count UTF-16 units, so the cutting is done here.

    Examples
    --------
    >>> cut("I feel 😶 numb.", [(2, 8), (7, 13)])
    [('I ', []), ('feel ', [0]), ('😶', [0, 1]), (' numb', [1]), ('.', [])]
    """
    opening: dict[int, list[int]] = {}
    closing: dict[int, list[int]] = {}
    for number, (start, end) in enumerate(spans):
        opening.setdefault(start, []).append(number)
        closing.setdefault(end, []).append(number)
    cuts = sorted({0, len(text), *opening, *closing})
    inside: dict[int, None] = {}
    pieces = []
    for start, end in pairwise(cuts):
        for number in closing.get(start, ()):
            del inside[number]
        inside.update(dict.fromkeys(opening.get(start, ())))
        pieces.append((text[start:end], sorted(inside)))
    return pieces


def sound_evidence(cell: str, text: str, labels: Iterable[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the evidence of a cell that fits ``text``, and how many items do not.

    Items for other labels are left out. An item whose quote is not what stands at its place means that the text was
    changed after labelling: a mark there would point at the wrong words.

    Examples
    --------
    >>> item = '{"start": 2, "end": 6, "quote": "feel", "label": "numbness"}'
    >>> sound_evidence(f"[{item}]", "I feel.", ["numbness"])[0][0]["quote"]
    'feel'
    >>> sound_evidence(f"[{item}]", "We feel.", ["numbness"])
    ([], 1)
    """
    if not cell:
        return [], 0
    try:
        items = json.loads(cell)
    except ValueError:
        return [], 1
    if not isinstance(items, list):
        return [], 1
    known = set(labels)
    own = [item for item in items if not isinstance(item, dict) or item.get("label") in known]
    sound = [item for item in own if isinstance(item, dict) and _fits(item, text)]
    return sound, len(own) - len(sound)


def _fits(item: dict[str, Any], text: str) -> bool:
    start, end = item.get("start"), item.get("end")
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
        return False
    return bool(item.get("quote", text[start:end]) == text[start:end])

"""The small pattern language of the lexicon, parsed into elements.

``word`` literal · ``word~`` any inflection · ``a|b~`` alternatives · ``@name`` a word class · ``(…)`` optional ·
``.`` one word · ``..`` a gap of 0-2 words · ``...`` a gap of 0-4 words. All on lower-cased token norms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.text.inflection import inflect

_GAPS = {"..": 2, "...": 4}
_WORD = re.compile(r"^@?[\w'’$%&.,!?+*/#-]+~?$")


@dataclass(frozen=True)
class WordClasses:
    """Named lists of single words; a word may end in ``~``."""

    words: dict[str, tuple[str, ...]]
    elements: dict[str, Element] = field(default_factory=dict, compare=False, repr=False)
    """Elements that were parsed with these classes, by how they are written: many patterns share them."""


@dataclass(frozen=True, slots=True)
class Element:
    """One position of a pattern."""

    words: frozenset[str] = frozenset()
    """Norms that fit; empty for a gap."""
    gap: int = 0
    """How many free words fit; 0 for words."""
    optional: bool = False

    @property
    def required(self) -> bool:
        """Whether one of ``words`` has to be there."""
        return bool(self.words) and not self.optional


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern."""

    elements: tuple[Element, ...]


def parse_pattern(pattern: str, classes: WordClasses, *, place: str) -> Pattern:
    """Parse one pattern.

    Raises
    ------
    LexiconError
        Naming ``place`` and the element that cannot be read.

    Examples
    --------
    >>> parsed = parse_pattern("feel~ (so) numb|empty", WordClasses({}), place="example")
    >>> [sorted(element.words) for element in parsed.elements]
    [['feel', 'feelin', 'feeling', 'feels', 'felt'], ['so'], ['empty', 'numb']]
    """
    elements = tuple(
        classes.elements.get(part) or _element(part, classes, place=f"{place}: pattern {pattern!r}")
        for part in pattern.split()
    )
    if not any(element.required for element in elements):
        raise LexiconError(f"{place}: pattern {pattern!r} has no required word to look for. Add one.")
    if elements[0].gap or elements[-1].gap:
        raise LexiconError(f"{place}: pattern {pattern!r} begins or ends with a gap. Take it off.")
    return Pattern(elements)


def _element(part: str, classes: WordClasses, *, place: str) -> Element:
    if part in _GAPS:
        element = Element(gap=_GAPS[part])
    elif part == ".":
        element = Element(gap=1)
    else:
        optional = part.startswith("(") and part.endswith(")")
        words: set[str] = set()
        for word in part.strip("()").split("|"):
            if not _WORD.match(word):
                raise LexiconError(f"{place}: cannot read {part!r}. Allowed: word word~ a|b @class (optional) . .. ...")
            words |= _expand(word, classes, place)
        element = Element(words=frozenset(words), optional=optional)
    classes.elements[part] = element
    return element


def _expand(word: str, classes: WordClasses, place: str) -> frozenset[str]:
    if word.startswith("@"):
        if word[1:] not in classes.words:
            known = ", ".join(sorted(classes.words)) or "none"
            raise LexiconError(f"{place}: no word class {word!r}. Known classes: {known}.")
        members = classes.words[word[1:]]
        return frozenset().union(*(_expand(member, classes, place) for member in members))
    return inflect(word[:-1].lower()) if word.endswith("~") else frozenset({word.lower()})

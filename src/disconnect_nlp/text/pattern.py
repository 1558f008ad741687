"""The small pattern language of the lexicon, parsed into elements and spaCy token patterns.

``word`` literal · ``word~`` any inflection · ``a|b~`` alternatives · ``@name`` a word class · ``(…)`` optional ·
``.`` one word · ``..`` a gap of 0-2 words · ``...`` a gap of 0-4 words. All on lower-cased token norms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from spacy.lang.en.stop_words import STOP_WORDS

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.text.inflection import inflect

_GAPS = {"..": 2, "...": 4}
_WORD = re.compile(r"^@?[\w'’$%&.,!?+*/#-]+~?$")
# No gap and no free word crosses punctuation or a line break.
_ANY = {"IS_PUNCT": False, "IS_SPACE": False}


@dataclass(frozen=True)
class WordClasses:
    """Named lists of single words; a word may end in ``~``."""

    words: dict[str, tuple[str, ...]]


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

    def token_patterns(self) -> list[dict[str, Any]]:
        """Return spaCy ``Matcher`` token patterns."""
        if not self.words:
            return [_ANY] if self.gap == 1 and not self.optional else [{**_ANY, "OP": "?"}] * self.gap
        pattern: dict[str, Any] = {"NORM": {"IN": sorted(self.words)}}
        return [{**pattern, "OP": "?"}] if self.optional else [pattern]


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern."""

    elements: tuple[Element, ...]
    anchor: Element
    """The required element that is rarest in English as far as its words tell."""

    def token_patterns(self) -> list[dict[str, Any]]:
        """Return spaCy ``Matcher`` token patterns of all elements."""
        return [token for element in self.elements for token in element.token_patterns()]


def parse_pattern(pattern: str, classes: WordClasses, *, place: str) -> Pattern:
    """Parse one pattern.

    Raises
    ------
    LexiconError
        Naming ``place`` and the element that cannot be read.

    Examples
    --------
    >>> parsed = parse_pattern("feel~ (so) numb|empty", WordClasses({}), place="example")
    >>> sorted(parsed.anchor.words)
    ['empty', 'numb']
    """
    elements = tuple(_element(part, classes, place=f"{place}: pattern {pattern!r}") for part in pattern.split())
    required = [element for element in elements if element.required]
    if not required:
        raise LexiconError(f"{place}: pattern {pattern!r} has no required word to look for. Add one.")
    if elements[0].gap or elements[-1].gap:
        raise LexiconError(f"{place}: pattern {pattern!r} begins or ends with a gap. Take it off.")
    return Pattern(elements, min(required, key=_commonness))


def _element(part: str, classes: WordClasses, *, place: str) -> Element:
    if part in _GAPS:
        return Element(gap=_GAPS[part])
    if part == ".":
        return Element(gap=1)
    optional = part.startswith("(") and part.endswith(")")
    words: set[str] = set()
    for word in part.strip("()").split("|"):
        if not _WORD.match(word):
            raise LexiconError(f"{place}: cannot read {part!r}. Allowed: word word~ a|b @class (optional) . .. ...")
        words |= _expand(word, classes, place)
    return Element(words=frozenset(words), optional=optional)


def _expand(word: str, classes: WordClasses, place: str) -> frozenset[str]:
    if word.startswith("@"):
        if word[1:] not in classes.words:
            known = ", ".join(sorted(classes.words)) or "none"
            raise LexiconError(f"{place}: no word class {word!r}. Known classes: {known}.")
        members = classes.words[word[1:]]
        return frozenset().union(*(_expand(member, classes, place) for member in members))
    return inflect(word[:-1].lower()) if word.endswith("~") else frozenset({word.lower()})


def _commonness(element: Element) -> tuple[float, int]:
    """Order elements by how often they stop the eye: share of stop words, then number of alternatives."""
    stop = sum(word in _frequent() for word in element.words) / len(element.words)
    return (stop, len(element.words))


@cache
def _frequent() -> frozenset[str]:
    # Content words so frequent that looking for them saves nothing.
    frequent = "feel feels felt feeling work works working worked people person life time day days thing things"
    return frozenset(STOP_WORDS) | frozenset(f"{frequent} want know think like".split())

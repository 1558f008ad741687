"""Inflected forms of English words, for lexicon patterns and the table of lemmas. Nothing runs per text."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

_SIBILANT = re.compile(r"(s|x|z|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_DOUBLES = re.compile(r"^[^aeiou]*[aeiou][bdgklmnprt]$")  # one short syllable: stop, nod, rub


@cache
def _irregular() -> dict[str, frozenset[str]]:
    source = files("disconnect_nlp") / "resources" / "irregular.toml"
    rows = [row.split() for row in tomllib.loads(source.read_text(encoding="utf-8"))["forms"]]
    return {row[0]: frozenset(row) for row in rows}


def irregular_forms() -> dict[str, str]:
    """Return every form of the irregular words, their base forms among them, and the base form of each."""
    return {form: base for base, forms in _irregular().items() for form in sorted(forms)}


def inflect(word: str) -> frozenset[str]:
    """Return the forms of a verb or noun given in its base form.

    Irregular words come from ``resources/irregular.toml``; all others follow the regular spelling rules
    for -s, -ed and -ing. Forms that no English word has do no harm: nobody writes them.

    Examples
    --------
    >>> sorted(inflect("notice"))
    ['notice', 'noticed', 'notices', 'noticing']
    >>> sorted(inflect("give"))
    ['gave', 'give', 'given', 'gives', 'giving']
    """
    if word in _irregular():
        return _irregular()[word]
    if _CONSONANT_Y.search(word):
        return frozenset({word, word[:-1] + "ies", word[:-1] + "ied", word + "ing"})
    plural = word + ("es" if _SIBILANT.search(word) else "s")
    if word.endswith("e"):
        return frozenset({word, plural, word + "d", word[:-1] + "ing"})
    stem = word + word[-1] if _DOUBLES.search(word) else word
    return frozenset({word, plural, stem + "ed", stem + "ing"})

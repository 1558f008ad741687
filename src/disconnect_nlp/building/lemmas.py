"""Makes ``resources/lemmas.tsv``: every word of the authored corpus that is an inflected form of another word of it.

Base forms are found by inflecting every word (:mod:`disconnect_nlp.text.inflection`) and seeing which forms are there.
Where several words have a form in common, the commonest is its base. No word comes from the public passages.
"""

from __future__ import annotations

import re
from collections import Counter

from disconnect_nlp.text.inflection import inflect, irregular_forms

_MIN_LETTERS = 3  # of a base form: "hi" is none of "his"
_VOWEL = re.compile(r"[aeiouy]")
# Look like a form of another word of the corpus and are none, or hardly ever.
_OWN = frozenset(
    (
        "bedding",
        "evening",
        "feed",
        "fried",
        "gcses",
        "goods",
        "heed",
        "hers",
        "herring",
        "improving",
        "jeans",
        "lens",
        "logistics",
        "mars",
        "means",
        "meds",
        "mins",
        "morning",
        "news",
        "ours",
        "poles",
        "pyjamas",
        "roses",
        "sans",
        "shed",
        "sometimes",
        "sous",
        "theirs",
        "thermos",
        "thus",
        "wedding",
        "weed",
        "yours",
    )
)


def lemma_table(counts: Counter[str]) -> dict[str, str]:
    """Return form to base form, for words and how often they are there.

    Examples
    --------
    >>> lemma_table(Counter({"report": 5, "reports": 3, "felt": 2, "feel": 4, "the": 9, "thing": 3}))
    {'felt': 'feel', 'reports': 'report'}
    """
    irregular = {form: base for form, base in irregular_forms().items() if form in counts}
    table = {form: base for form, base in irregular.items() if form != base}
    for base in sorted(counts, key=lambda word: (counts[word], word)):  # the commonest comes last and stays
        if len(base) >= _MIN_LETTERS and base.isalpha():
            forms = inflect(base) - {base} - irregular.keys()
            table |= {form: base for form in forms if form in counts and _has_stem(form)}
    for form in _OWN & table.keys():
        del table[form]
    return {form: _root(form, table) for form in sorted(table)}


def _has_stem(form: str) -> bool:
    """Whether something that can be said stands before -ing: "thing" is no form of "the"."""
    return not form.endswith("ing") or bool(_VOWEL.search(form[:-3]))


def _root(form: str, table: dict[str, str]) -> str:
    """Return the base of the base, as long as there is one: "feelings", "feeling", "feel"."""
    seen = {form}
    while table.get(form, form) not in seen:
        form = table[form]
        seen.add(form)
    return form

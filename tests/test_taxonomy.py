"""The taxonomy file is the only place that lists labels, and a broken one is refused."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import disconnect_nlp
from disconnect_nlp.errors import TaxonomyError
from disconnect_nlp.taxonomy import load_taxonomy, parse_taxonomy

TOML = (files("disconnect_nlp") / "resources" / "taxonomy.toml").read_text(encoding="utf-8")


def test_it_holds_every_section_of_the_codebook():
    taxonomy = load_taxonomy()
    assert {group.id: len(taxonomy.group(group.id)) for group in taxonomy.groups} == {
        "types": 5, "signs": 4, "traits": 5, "neighbours": 3, "settings": 9, "online": 3, "causes": 11,
        "reconnection": 5, "safety": 1,
    }  # fmt: skip
    assert taxonomy.core == taxonomy.group("types") + taxonomy.group("signs")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "civic"', 'id = "professional"', "defined twice: professional"),
        ('group = "types"', 'group = "kinds"', "names group 'kinds'"),
        ('version = "1.0.0"', 'version = "one"', "version"),
        ('id = "civic"', 'id = "Civic life"', "labels.1.id"),
        ("definition = ", "meaning = ", "meaning"),
        ("[[groups]]", "[[groups", "taxonomy"),
    ],
)
def test_a_broken_taxonomy_is_refused(old, new, message):
    with pytest.raises(TaxonomyError, match=f"(?s){message}"):
        parse_taxonomy(TOML.replace(old, new, 1))


def test_an_unknown_label_is_answered_with_the_known_ones():
    with pytest.raises(TaxonomyError, match="here: unknown label 'sad'. Known labels: professional, civic"):
        load_taxonomy().check(["sad"], place="here")
    with pytest.raises(TaxonomyError, match="unknown group 'sad'. Known groups: types"):
        load_taxonomy().group("sad")


def test_no_module_lists_label_names():
    # One name for one purpose is fine (the safety screen); a list of them belongs in the taxonomy.
    taxonomy = load_taxonomy()
    for path in Path(disconnect_nlp.__file__).parent.rglob("*.py"):
        code = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        named = [label for label in taxonomy.ids if re.search(rf"""["']{label}["']""", code)]
        assert len(named) <= 1, f"{path.name} lists {named}"

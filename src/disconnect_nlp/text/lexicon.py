"""The lexicon: entries read from data files, checked, and kept as a set that users can extend.

The pattern language is documented in ``pattern``. Finding them in a Doc is the business of ``matcher``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disconnect_nlp.errors import LexiconError
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy
from disconnect_nlp.text.pattern import WordClasses, parse_pattern


class Entry(BaseModel):
    """Words whose affirmed presence is evidence for one label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    label: str
    weight: float = Field(ge=0.05, le=0.95)
    """Estimated precision of an affirmed match."""
    patterns: tuple[str, ...] = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: dict[str, tuple[str, ...]] = {}
    entries: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Entries by id, and the word classes their patterns name.

    Examples
    --------
    >>> lexicon = load_lexicon()
    >>> mine = lexicon.with_entries([Entry(id="civic.town_hall", label="civic", weight=0.7,
    ...                                    patterns=("town hall never listen~",))])
    >>> len(mine) - len(lexicon)
    1
    """

    entries: dict[str, Entry]
    classes: WordClasses

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def with_entries(self, entries: Iterable[Entry]) -> Lexicon:
        """Return a copy in which ``entries`` are added, or replace those of the same id."""
        return check_lexicon(replace(self, entries={**self.entries, **{entry.id: entry for entry in entries}}))

    def without(self, *ids: str) -> Lexicon:
        """Return a copy without the entries ``ids``."""
        unknown = [id_ for id_ in ids if id_ not in self.entries]
        if unknown:
            raise LexiconError(f"no lexicon entry {', '.join(map(repr, unknown))} to leave out.")
        return replace(self, entries={id_: entry for id_, entry in self.entries.items() if id_ not in ids})


def check_lexicon(lexicon: Lexicon, *, taxonomy: Taxonomy | None = None) -> Lexicon:
    """Return ``lexicon`` if every label is known and every pattern compiles.

    Raises
    ------
    LexiconError
        Naming the entry, the pattern and what is wrong with it.
    """
    taxonomy = taxonomy or load_taxonomy()
    for entry in lexicon:
        taxonomy.check([entry.label], place=f"lexicon entry {entry.id}")
        if not entry.id.startswith(entry.label + "."):
            raise LexiconError(f"lexicon entry {entry.id}: the id must start with its label, {entry.label}.")
        for pattern in entry.patterns:
            parse_pattern(pattern, lexicon.classes, place=f"lexicon entry {entry.id}")
    return lexicon


def read_lexicon(*paths: str | Path, base: Lexicon | None = None) -> Lexicon:
    """Read entries and word classes from TOML files, in the order given, on top of ``base``.

    An entry or a class of an earlier file is replaced by one of the same id in a later file.

    Raises
    ------
    LexiconError
        Naming file and entry.
    """
    entries: dict[str, Entry] = dict(base.entries) if base else {}
    classes: dict[str, tuple[str, ...]] = dict(base.classes.words) if base else {}
    for path in map(Path, paths):
        parsed = _parse(path)
        classes.update(parsed.classes)
        seen: set[str] = set()
        for row in parsed.entries:
            entry = _entry(row, path)
            if entry.id in seen:
                raise LexiconError(f"{path.name}: entry {entry.id!r} is defined twice in this file. Rename one.")
            seen.add(entry.id)
            entries[entry.id] = entry
    return check_lexicon(Lexicon(entries, WordClasses(classes)))


def _parse(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise LexiconError(f"{path.name}: {error}") from error


def _entry(row: dict[str, Any], path: Path) -> Entry:
    row = dict(row)
    if "pattern" in row:
        row["patterns"] = (row.pop("pattern"), *row.get("patterns", ()))
    try:
        return Entry.model_validate(row)
    except ValidationError as error:
        raise LexiconError(f"{path.name}: entry {row.get('id', '(no id)')}: {error}") from error


@cache
def load_lexicon() -> Lexicon:
    """Return the lexicon that comes with the package."""
    folder = Path(str(files("disconnect_nlp") / "resources" / "lexicon"))
    return read_lexicon(*sorted(folder.glob("*.toml")))

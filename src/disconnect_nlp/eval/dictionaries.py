"""LIWC-style dictionaries (``.dic``, ``.dicx``) as systems to compare with: counts words by category.

Reads what analysts own: tabs or spaces, byte-order marks, wildcards, phrases. It knows no negation, as these tools do.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from disconnect_nlp.errors import DataError, shorten
from disconnect_nlp.eval.metrics import Array
from disconnect_nlp.taxonomy import load_taxonomy

Words = tuple[str, ...]


@dataclass(frozen=True)
class Dictionary:
    """Phrases by category; a phrase may end in ``*``, which stands for any ending."""

    categories: tuple[str, ...]
    phrases: Mapping[Words, frozenset[str]]
    skipped: int = 0
    """Entries that count only in the company of other words, which are left out."""


class DictionaryLabeller:
    """Scores a text for a label by the share of its words that lie in the label's categories.

    Parameters
    ----------
    dictionary
        From :func:`read_dictionary`.
    labels_of
        Category to label id. A category that is called like a label needs no entry.

    Raises
    ------
    DataError
        If no category stands for a label.

    Examples
    --------
    >>> dictionary = Dictionary(("alone",), {("lonel*",): frozenset({"alone"})})
    >>> labeller = DictionaryLabeller(dictionary, {"alone": "loneliness"})
    >>> labeller.predict_proba(["So lonely here.", "Nice soup."]).round(2).tolist()
    [[0.33], [0.0]]
    """

    calibrated = False

    def __init__(self, dictionary: Dictionary, labels_of: Mapping[str, str] | None = None) -> None:
        taxonomy = load_taxonomy()
        mapped = {name.lower(): name.lower() for name in dictionary.categories if name.lower() in taxonomy.index}
        for category, label in (labels_of or {}).items():
            if category.lower() not in map(str.lower, dictionary.categories):
                raise DataError(f"no category {category!r}. Categories: {', '.join(dictionary.categories)}.")
            mapped[category.lower()] = taxonomy.check([label], place=f"category {category!r}")[0]
        if not mapped:
            raise DataError(
                f"no category stands for a label. Pass --map CATEGORY=LABEL. Categories: "
                f"{', '.join(dictionary.categories)}. Labels: {', '.join(taxonomy.ids)}."
            )
        self.labels = tuple(dict.fromkeys(mapped.values()))
        self._columns: dict[Words, list[int]] = {
            words: sorted({self.labels.index(mapped[name.lower()]) for name in names if name.lower() in mapped})
            for words, names in dictionary.phrases.items()
        }
        self._longest = max(map(len, self._columns), default=1)

    def predict_proba(self, texts: Sequence[str]) -> Array:
        """Return shares of words, shape ``(n_texts, n_labels)``: no probabilities."""
        return np.array([self._shares(text) for text in texts]).reshape(len(texts), len(self.labels))

    def decide(self, scores: Array) -> Array:
        """Give a label from the first word on."""
        return (scores > 0).astype(np.int8)

    def _shares(self, text: str) -> Array:
        words = _words(text)
        counts = np.zeros(len(self.labels))
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                for column in self._found(words[start:end]):
                    counts[column] += end - start
        return np.minimum(counts / max(len(words), 1), 1)

    def _found(self, words: Words) -> set[int]:
        last = words[-1]
        forms = [words, *((*words[:-1], last[:cut] + "*") for cut in range(1, len(last) + 1))]
        return {column for form in forms for column in self._columns.get(form, ())}


def read_dictionary(path: Path) -> Dictionary:
    """Read a ``.dic`` (categories between two ``%`` lines, then entries) or ``.dicx`` (a table of crosses) file.

    Raises
    ------
    DataError
        Naming file, line and what was expected.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file.")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return _read_dicx(path, text) if path.suffix.lower() == ".dicx" else _read_dic(path, text)


def _read_dic(path: Path, text: str) -> Dictionary:
    lines = text.splitlines()
    marks = [number for number, line in enumerate(lines) if line.strip() == "%"]
    if len(marks) < 2:
        raise DataError(f"{path}: no list of categories between two lines '%', so this is no .dic file.")
    names = dict(line.split(None, 1) for line in lines[marks[0] + 1 : marks[1]] if len(line.split(None, 1)) == 2)
    names = {code: name.strip() for code, name in names.items()}
    phrases: dict[Words, set[str]] = defaultdict(set)
    skipped = 0
    for number, line in enumerate(lines[marks[1] + 1 :], start=marks[1] + 2):
        entry = _entry(line)
        if entry is None:
            skipped += bool(line.strip())
            continue
        words, codes = entry
        unknown = [code for code in codes if code not in names]
        if unknown:
            raise DataError(f"{path}, line {number}: category {unknown[0]!r} is not in the list at the top.")
        phrases[words] |= {names[code] for code in codes}
    return _dictionary(names.values(), phrases, skipped)


def _entry(line: str) -> tuple[Words, list[str]] | None:
    """Words and category codes of a line; None for an entry with conditions, such as ``kind (of) 131/125``."""
    found = re.fullmatch(r"\s*(\S.*?)((?:\s+\d+)+)\s*", line)
    if found is None or re.search(r"[(<>/]", line):
        return None
    return _words(found[1], keep="*"), found[2].split()


def _read_dicx(path: Path, text: str) -> Dictionary:
    rows = list(csv.reader(text.splitlines()))
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{path}: no header with a column of terms and one column a category.")
    names = [name.strip() for name in rows[0][1:]]
    phrases: dict[Words, set[str]] = defaultdict(set)
    for number, cells in enumerate(rows[1:], start=2):
        if cells and len(cells) > len(names) + 1:
            raise DataError(f"{path}, line {number}: {len(cells)} cells, header has {len(names) + 1}.")
        if cells and (words := _words(cells[0], keep="*")):
            phrases[words] |= {name for name, cell in zip(names, cells[1:], strict=False) if cell.strip()}
    return _dictionary(names, phrases, 0)


def _dictionary(names: Iterable[str], phrases: Mapping[Words, set[str]], skipped: int) -> Dictionary:
    categories = tuple(shorten(name) for name in names)
    return Dictionary(categories, {words: frozenset(own) for words, own in phrases.items() if words}, skipped)


def _words(text: str, *, keep: str = "") -> Words:
    plain = text.lower().replace("\u2019", "'")
    return tuple(re.findall(rf"[\w'{re.escape(keep)}]+", plain))

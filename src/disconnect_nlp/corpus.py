"""The corpus: read, checked, split by author batch. Writes nothing and knows no model."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disconnect_nlp.errors import CorpusError
from disconnect_nlp.shipped import shipped_path
from disconnect_nlp.taxonomy import Taxonomy, load_taxonomy

Split = Literal["train", "dev", "test", "contrast"]
Role = Literal["affirmed", "denied", "past", "other", "hypothetical", "quoted", "trap"]
Register = Literal[
    "diary", "survey", "forum", "message", "exit_interview", "interview", "letter", "comment", "review",
    "voice_memo", "creative_log", "poem",
]  # fmt: skip
NEAR_REASONS = ("negated", "past", "other", "hypothetical", "generic", "quoted", "weak", "topic")

_SHINGLE = 5  # words; shorter ones are shared by chance
_NEAR_DUPLICATE = 0.5  # share of the shorter text's shingles


class SentenceLabel(BaseModel):
    """A sentence of a long text that carries a label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    quote: str


class Contrast(BaseModel):
    """Where a text stands among the four that one imagined person says of one matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    set: int = Field(ge=1)
    role: Role
    """How the labels of the set's affirmed text stand in this one; ``trap``: affirmed among words of denial."""


class Text(BaseModel):
    """One text of the authored corpus."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z]\d{2}-\d{3}$")
    text: str = Field(min_length=1)
    labels: tuple[str, ...]
    """What the readers agreed on."""
    near: tuple[str, ...] = ()
    """``label:reason`` for labels that are mentioned and do not count."""
    text_register: Register = Field(alias="register")
    """The kind of writing; ``register`` in the file, a name that pydantic keeps for itself."""
    batch: str
    """Author batch: the unit of splitting."""
    split: Split
    intent: tuple[str, ...] | None = None
    """The author's labels where the readers' differ."""
    evidence: tuple[SentenceLabel, ...] = ()
    """Long texts: which sentence carries which label."""
    contrast: Contrast | None = None
    """Texts of the split ``contrast``: set and role."""


class PublicLabel(BaseModel):
    """Labels of a public passage whose text is not part of this project."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    source: str
    locator: str
    labels: tuple[str, ...]
    near: tuple[str, ...]


def load_corpus(*, split: Split | None = None, folder: Path | None = None) -> list[Text]:
    """Return the shipped corpus, or one of its splits, in file order.

    Examples
    --------
    >>> texts = load_corpus(split="test")
    >>> {text.split for text in texts}
    {'test'}
    """
    folder = folder or shipped_path("data", "corpus")
    texts = [text for path in sorted(folder.glob("*.jsonl")) for text in read_texts(path)]
    if not texts:
        raise CorpusError(f"{folder}: no *.jsonl file with texts.")
    return [text for text in texts if split in (None, text.split)]


def read_texts(path: Path) -> list[Text]:
    """Read one JSON-lines file of the corpus; errors name file and line."""
    texts = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            try:
                texts.append(Text.model_validate_json(line))
            except ValidationError as error:
                problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
                raise CorpusError(f"{path.name}, line {number}: {problems}") from None  # the text stays out of it
    return texts


def read_public_labels(path: Path) -> list[PublicLabel]:
    """Read ``data/public/labels.csv``."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            PublicLabel(
                id=row["id"],
                source=row["source"],
                locator=row["locator"],
                labels=split_cell(row["labels"]),
                near=split_cell(row["near"]),
            )
            for row in csv.DictReader(file)
        ]


def split_cell(cell: str) -> tuple[str, ...]:
    """Return the ids of a ``;``-separated cell.

    Examples
    --------
    >>> split_cell("civic; scale;")
    ('civic', 'scale')
    """
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def near_labels(near: Iterable[str]) -> tuple[str, ...]:
    """Return the labels of near misses, each once, without their reasons.

    Examples
    --------
    >>> near_labels(["civic:past", "civic:other", "scale:weak"])
    ('civic', 'scale')
    """
    return tuple(dict.fromkeys(item.partition(":")[0] for item in near))


def check_corpus(texts: Sequence[Text], *, taxonomy: Taxonomy | None = None) -> list[str]:
    """Return every broken rule of the corpus as one line; empty if all is well.

    Rules: ids unique; labels and near labels known, never both; one split per batch; a quote of sentence evidence
    stands in its text; no two texts equal up to case and punctuation; no near-duplicates across splits; contrast sets
    in the split of that name and nowhere else, one affirmed, one denied and one trap in each.
    """
    taxonomy = taxonomy or load_taxonomy()
    problems = [problem for text in texts for problem in _check_text(text, taxonomy)]
    problems += [f"{id_}: id used {n} times" for id_, n in Counter(text.id for text in texts).items() if n > 1]
    splits: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        splits[text.batch].add(text.split)
    problems += [f"batch {batch} is in splits {', '.join(sorted(s))}" for batch, s in splits.items() if len(s) > 1]
    return problems + _broken_sets(texts) + _duplicates(texts) + near_duplicates(texts)


def _check_text(text: Text, taxonomy: Taxonomy) -> Iterable[str]:
    known = set(taxonomy.ids)
    for label in (*text.labels, *(text.intent or ()), *(marked.label for marked in text.evidence)):
        if label not in known:
            yield f"{text.id}: unknown label {label!r}. Known labels: {', '.join(taxonomy.ids)}"
    for item in text.near:
        label, _, reason = item.partition(":")
        if label not in known or reason not in NEAR_REASONS:
            yield f"{text.id}: near {item!r} is not label:reason with a reason of {', '.join(NEAR_REASONS)}"
        elif label in text.labels:
            yield f"{text.id}: {label} is both given and near"
    for number, marked in enumerate(text.evidence):
        if marked.quote not in text.text:
            yield f"{text.id}: evidence {number} ({marked.label}) does not stand in the text"


def _broken_sets(texts: Sequence[Text]) -> list[str]:
    problems = []
    roles: dict[tuple[str, int], list[str]] = defaultdict(list)
    for text in texts:
        if (text.split == "contrast") != (text.contrast is not None):
            problems.append(f"{text.id}: texts of the split contrast belong to a contrast set, and no others")
        elif text.contrast:
            roles[text.batch, text.contrast.set].append(text.contrast.role)
    for (batch, number), own in roles.items():
        if len(own) != 4 or any(own.count(role) != 1 for role in ("affirmed", "denied", "trap")):
            problems.append(
                f"batch {batch}, set {number}: roles {', '.join(own)}; give affirmed, denied, trap and another"
            )
    return problems


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _duplicates(texts: Sequence[Text]) -> list[str]:
    seen: dict[str, str] = {}
    problems = []
    for text in texts:
        key = " ".join(_words(text.text))
        if key in seen:
            problems.append(f"{text.id} repeats {seen[key]}")
        seen.setdefault(key, text.id)
    return problems


def near_duplicates(texts: Sequence[Text], *, share: float = _NEAR_DUPLICATE) -> list[str]:
    """Return pairs of texts in different splits that share too many five-word shingles."""
    shingles = {text.id: _shingles(text.text) for text in texts}
    holders: dict[tuple[str, ...], list[Text]] = defaultdict(list)
    for text in texts:
        for shingle in shingles[text.id]:
            holders[shingle].append(text)
    common: Counter[tuple[str, str]] = Counter()
    for group in holders.values():
        for a, b in ((a, b) for i, a in enumerate(group) for b in group[i + 1 :] if a.split != b.split):
            common[a.id, b.id] += 1
    return [
        f"{a} and {b} stand in different splits and share {n} five-word shingles"
        for (a, b), n in sorted(common.items())
        if n >= share * min(len(shingles[a]), len(shingles[b]))
    ]


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)}

"""Labels the texts of one chunk and encodes the added cells: what one process does, be it a worker or the only one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from disconnect_nlp.labellers.frames import output_cells
from disconnect_nlp.labelling.options import LabelOptions
from disconnect_nlp.records import Annotation
from disconnect_nlp.tables import Encoder

if TYPE_CHECKING:
    from disconnect_nlp.labellers.base import Labeller

Item = tuple[int, str, str]
"""Position of the text column, status, and text."""


@dataclass
class Labelled:
    """The added cells of a chunk's texts, encoded; several pieces a text if every sentence has a row."""

    pieces: list[list[str]] = field(default_factory=list)
    given: Counter[str] = field(default_factory=Counter)
    uncertain: Counter[str] = field(default_factory=Counter)


def label_texts(labeller: Labeller, items: Sequence[Item], options: LabelOptions, encoder: Encoder) -> Labelled:
    """Label texts and encode the cells that each adds to its row."""
    done = Labelled()
    texts = [text for _, _, text in items]
    if options.sentences:
        parts = _sentence_notes(labeller, texts, options)
    else:
        parts = ([(note, [])] for note in labeller.annotate_all(texts, evidence=options.evidence))
    names = [options.columns_of(column) for column in range(len(options.text_columns))]
    for (column, status, _), notes in zip(items, parts, strict=True):
        done.given.update({label for note, _ in notes for label in note.labels})
        done.uncertain.update({label for note, _ in notes for label in note.uncertain})
        done.pieces.append(
            [encoder.fragment(names[column], _cells(note, status, place, options)) for note, place in notes]
        )
    return done


def _cells(note: Annotation, status: str, place: list[Any], options: LabelOptions) -> list[Any]:
    status, *rest = output_cells(note, options.labels, status=status, evidence=options.evidence)
    if options.evidence and options.longest_evidence is not None:
        rest[2] = _shortened(rest[2], options.longest_evidence)
    return [status, *place, *rest]


def _shortened(evidence: str, limit: int) -> str:
    """Leave out the weakest items until the JSON fits."""
    if _bytes(evidence) <= limit:
        return evidence
    items = json.loads(evidence)
    strongest = sorted(range(len(items)), key=lambda i: -abs(items[i]["weight"]))
    kept: list[int] = []
    room = limit - 2  # the brackets
    for i in strongest:
        room -= _bytes(json.dumps(items[i], ensure_ascii=False)) + 2
        if room < 0:
            break
        kept.append(i)
    return json.dumps([items[i] for i in sorted(kept)], ensure_ascii=False)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _sentence_notes(
    labeller: Labeller, texts: Sequence[str], options: LabelOptions
) -> Iterator[list[tuple[Annotation, list[Any]]]]:
    """Label every sentence as a text of its own; offsets of evidence are those of the whole text."""
    spans = labeller.sentences(texts)
    quotes = [text[start:end] for text, own in zip(texts, spans, strict=True) for start, end in own]
    notes = labeller.annotate_all(quotes, evidence=options.evidence)
    for text, own in zip(texts, spans, strict=True):
        yield [
            (_moved(next(notes), start), [number, start, end, text[start:end]])
            for number, (start, end) in enumerate(own, start=1)
        ]


def _moved(note: Annotation, by: int) -> Annotation:
    evidence = []
    for item in note.evidence:
        cue = item.cue and replace(item.cue, start=item.cue.start + by, end=item.cue.end + by)
        evidence.append(replace(item, start=item.start + by, end=item.end + by, cue=cue))
    return replace(note, evidence=tuple(evidence))

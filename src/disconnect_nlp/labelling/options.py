"""What decides how a table comes out, in one record that can be compared, sent to workers and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict

from disconnect_nlp.labellers.frames import PREFIX, output_columns
from disconnect_nlp.taxonomy import load_taxonomy

SENTENCE_COLUMNS = ("sentence", "start", "end", "quote")
"""Number from 1, place in the text (half-open, in characters) and words of a sentence."""


@dataclass(frozen=True)
class LabelOptions:
    """How rows are labelled.

    Parameters
    ----------
    text_columns
        Where the texts stand. Of several, each gets columns of its own, named after it.
    labels
        Which labels get a decision and a score column.
    prefix
        Put before the name of every added column.
    evidence
        Add a column with the evidence as JSON.
    sentences
        Make a row of every sentence.
    longest_evidence
        Bytes that a cell of evidence may take; items beyond are left out, the weakest first.
    """

    text_columns: tuple[str, ...]
    labels: tuple[str, ...]
    prefix: str = PREFIX
    evidence: bool = True
    sentences: bool = False
    longest_evidence: int | None = None
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # where a manifest is read

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> LabelOptions:
        """Return the options that were written as JSON."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in plain.items()}
        return cls(**values)

    def prefix_of(self, text_column: int) -> str:
        """Return what stands before the names of the columns added for one text column."""
        several = len(self.text_columns) > 1
        return f"{self.prefix}{self.text_columns[text_column]}_" if several else self.prefix

    def columns_of(self, text_column: int) -> list[str]:
        """Return the names of the columns added for one text column.

        Examples
        --------
        >>> LabelOptions(("q1", "q2"), ("civic",), evidence=False).columns_of(1)[:2]
        ['disconnect_q2_status', 'disconnect_q2_labels']
        """
        prefix = self.prefix_of(text_column)
        status, *rest = output_columns(self.labels, prefix=prefix, evidence=self.evidence)
        return [status, *([prefix + name for name in SENTENCE_COLUMNS] if self.sentences else []), *rest]

    def added(self) -> list[str]:
        """Return the names of all added columns, in order."""
        return [name for column in range(len(self.text_columns)) for name in self.columns_of(column)]

    def kinds(self) -> dict[str, type]:
        """Return which added columns hold decisions, whole numbers and scores: ``bool``, ``int`` and ``float``."""
        kinds: dict[str, type] = dict.fromkeys(SENTENCE_COLUMNS[:3], int)
        for label in self.labels:
            kinds |= {label: bool, f"{label}_score": float}
        return {name: kinds[bare] for name, bare in zip(self.added(), self._bare(), strict=True) if bare in kinds}

    def descriptions(self) -> dict[str, str]:
        """Return what every added column means, in words, for formats that keep such labels."""
        texts = {
            "status": "ok, or why there are no labels",
            "labels": "labels given",
            "uncertain": "labels in doubt",
            "evidence": "evidence as JSON",
            "sentence": "number of the sentence",
            "start": "first character of the sentence",
            "end": "character after the sentence",
            "quote": "the sentence",
        }
        for label in self.labels:
            name = load_taxonomy()[label].name
            texts |= {label: f"{name}: given (1) or not (0)", f"{label}_score": f"{name}: probability"}
        return {name: texts[bare] for name, bare in zip(self.added(), self._bare(), strict=True)}

    def _bare(self) -> Sequence[str]:
        status, *rest = output_columns(self.labels, prefix="", evidence=self.evidence)
        return [status, *(SENTENCE_COLUMNS if self.sentences else ()), *rest] * len(self.text_columns)

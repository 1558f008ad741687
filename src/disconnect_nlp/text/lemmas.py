"""Base forms of words, looked up in ``resources/lemmas.tsv`` by token id: nothing is worked out per text."""

from __future__ import annotations

import csv
import hashlib
from functools import cache
from importlib.resources import files

import numpy as np

from disconnect_nlp.text.ragged import Array
from disconnect_nlp.text.tokens import Tokens, Words, ids_of


@cache
def load_lemmas() -> Lemmas:
    """Return the table that comes with the package."""
    rows = csv.reader(_content().decode().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return Lemmas(dict(rows))


def lemmas_sha256() -> str:
    """Return the hash of that table: a model decides otherwise with another than it was fitted with."""
    return hashlib.sha256(_content()).hexdigest()


def _content() -> bytes:
    return (files("disconnect_nlp") / "resources" / "lemmas.tsv").read_bytes()


class Lemmas:
    """Gives tokens the id of their base form; a word that is not in the table is its own.

    Parameters
    ----------
    table
        Form to base form, both as token norms.

    Examples
    --------
    >>> from disconnect_nlp.text.components import blank_pipeline
    >>> from disconnect_nlp.text.tokens import tokens_of
    >>> tokens = tokens_of([blank_pipeline()("helped helps soup")])
    >>> helped, helps, soup = Lemmas({"helped": "help", "helps": "help"}).ids(tokens)
    >>> bool(helped == helps), bool(soup == tokens.norms[2])
    (True, True)
    """

    def __init__(self, table: dict[str, str]) -> None:
        self._words = Words(table)
        self._ids = np.zeros(len(self._words) + 1, dtype=np.uint64)
        self._ids[list(self._words.codes_of(table))] = ids_of(table.values())

    def ids(self, tokens: Tokens) -> Array:
        """Return the id of every token's base form, shape ``(n_tokens,)``, dtype uint64."""
        codes = tokens.codes(self._words)
        ids: Array = np.where(codes > 0, self._ids[codes], tokens.norms)
        return ids

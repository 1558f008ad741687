"""Disconnection and emotional isolation in free text: labels with evidence, offline.

Importing the package imports neither spaCy nor scikit-learn; they load with the first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disconnect_nlp.labellers.classifier import DisconnectClassifier
    from disconnect_nlp.labellers.frames import label_frame
    from disconnect_nlp.labellers.lexical import LexiconLabeller
    from disconnect_nlp.labellers.stream import label_stream
    from disconnect_nlp.records import Annotation, Cue, Evidence
    from disconnect_nlp.store.catalogue import load
    from disconnect_nlp.store.classifier import save
    from disconnect_nlp.taxonomy import load_taxonomy
    from disconnect_nlp.text.lexicon import Entry, load_lexicon, read_lexicon

__version__ = "0.1.0"

_HOMES = {
    "Annotation": "records",
    "Cue": "records",
    "DisconnectClassifier": "labellers.classifier",
    "Entry": "text.lexicon",
    "Evidence": "records",
    "LexiconLabeller": "labellers.lexical",
    "label_frame": "labellers.frames",
    "label_stream": "labellers.stream",
    "load": "store.catalogue",
    "load_lexicon": "text.lexicon",
    "load_taxonomy": "taxonomy",
    "read_lexicon": "text.lexicon",
    "save": "store.classifier",
}

__all__ = [
    "Annotation",
    "Cue",
    "DisconnectClassifier",
    "Entry",
    "Evidence",
    "LexiconLabeller",
    "label_frame",
    "label_stream",
    "load",
    "load_lexicon",
    "load_taxonomy",
    "read_lexicon",
    "save",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

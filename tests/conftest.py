from __future__ import annotations

import pytest

from disconnect_nlp.labellers.base import Labeller
from disconnect_nlp.labellers.classifier import DisconnectClassifier
from disconnect_nlp.labellers.lexical import LexiconLabeller
from disconnect_nlp.store.catalogue import load
from forking import Forker

# A tiny, separable corpus: enough to fit, save and load in a second.
TINY = [
    ("Nobody ever reads the reports I write at work.", ["professional"]),
    ("I file forms that no one will open, so why bother.", ["professional"]),
    ("I feel numb, there is nothing in me.", ["numbness"]),
    ("Everything is flat and I feel nothing at all.", ["numbness"]),
    ("We had soup and watched the football.", []),
    ("The bus was late and the shop was closed.", []),
] * 4


@pytest.fixture(scope="session")
def lexicon_labeller() -> LexiconLabeller:
    return LexiconLabeller()


@pytest.fixture(scope="session")
def default_model() -> Labeller:
    return load("default")


@pytest.fixture(scope="session")
def tiny_model() -> DisconnectClassifier:
    texts, labels = zip(*TINY, strict=True)
    return DisconnectClassifier(bits=10, folds=4).fit(texts, labels, groups=[i // 6 for i in range(len(texts))])


@pytest.fixture(scope="session")
def command(tmp_path_factory):
    """Run ``disconnect-nlp`` in processes of its own, with small chunks."""
    server = Forker(tmp_path_factory.mktemp("runs"))
    yield server
    server.stop()

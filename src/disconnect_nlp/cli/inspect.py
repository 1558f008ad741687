"""``disconnect-nlp labels``, ``check-corpus`` and ``check-lexicon``: look at what is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from disconnect_nlp.terminal import output as output_console


def labels() -> None:
    """List every label with its definition."""
    from disconnect_nlp.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    out = output_console()
    for group in taxonomy.groups:
        table = Table(title=f"{group.name}: {group.question}", title_justify="left", min_width=80)
        for heading in ("id", "definition", "not this", "quality"):
            table.add_column(heading)
        for name in taxonomy.group(group.id):
            entry = taxonomy[name]
            table.add_row(name, entry.definition, entry.exclusion, entry.quality)
        out.print(table)


def check_corpus(folder: Annotated[Path | None, typer.Argument(help="Default: the shipped corpus.")] = None) -> None:
    """Check corpus files: ids, labels, splits, duplicates, near-duplicates across splits."""
    from disconnect_nlp import corpus

    texts = corpus.load_corpus(folder=folder)
    problems = corpus.check_corpus(texts)
    for problem in problems:
        output_console().print(problem, highlight=False, markup=False, soft_wrap=True)
    output_console().print(f"{len(texts)} texts, {len(problems)} problems", highlight=False)
    if problems:
        raise typer.Exit(1)


def check_lexicon(
    files: Annotated[list[Path] | None, typer.Argument(help="Entry files to add to the shipped lexicon.")] = None,
) -> None:
    """Check lexicon files and count their entries by label."""
    from collections import Counter

    from disconnect_nlp.text.lexicon import load_lexicon, read_lexicon

    lexicon = read_lexicon(*files, base=load_lexicon()) if files else load_lexicon()
    for name, n in sorted(Counter(entry.label for entry in lexicon).items()):
        output_console().print(f"{n:5d}  {name}", highlight=False)

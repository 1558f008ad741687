"""``python -m disconnect_nlp.building.learn_adapters``: learns the adapters of the model ``accurate``, the slow step.

Takes about half an hour on two cores. The groups of :func:`disconnect_nlp.building.data.held_out` are kept back, so
that calibration and thresholds come from authors that were not learned from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from disconnect_nlp.building.adapters import learn
from disconnect_nlp.building.data import held_out, training_texts
from disconnect_nlp.store import pack
from disconnect_nlp.taxonomy import load_taxonomy
from disconnect_nlp.terminal import run_app

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def learn_adapters(
    public_folder: Annotated[Path | None, typer.Option("--public", help="Folder with passages.csv.")] = None,
    out: Annotated[Path, typer.Option(help="Where the adapters go.")] = Path("models/adapters.npz"),
    encoder: Annotated[Path | None, typer.Option(help="Folder of all-MiniLM-L6-v2, if its package is absent.")] = None,
) -> None:
    """Learn adapters and heads, and write them as plain arrays."""
    texts = training_texts(public_folder, load_taxonomy())
    rows = np.flatnonzero(~held_out(texts.groups))
    truth = texts.truth()
    learned = learn([texts.texts[row] for row in rows], truth[rows], texts.observed[rows], folder=encoder)
    out.write_bytes(pack(learned.arrays()))


if __name__ == "__main__":
    run_app(app)

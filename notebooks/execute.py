"""Runs the notebooks and keeps their outputs: ``python notebooks/execute.py [--into FOLDER] [NAME …]``."""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SECONDS = 300  # a cell may take, on a busy machine


def execute(source: Path, target: Path) -> None:
    """Run a notebook beside its own file and write it, with outputs, to ``target``."""
    notebook = nbformat.read(source, as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(HERE)}},
    ).execute()
    # What depends on the machine and not on the code would change the file at every run.
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    nbformat.validate(notebook)
    nbformat.write(notebook, target)


def main() -> None:
    """Run all notebooks, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="such as 1_quickstart; default: all")
    parser.add_argument("--into", type=Path, default=HERE, help="folder for the results; default: in place")
    options = parser.parse_args()
    for name in options.names or sorted(path.stem for path in HERE.glob("*.ipynb")):
        execute(HERE / f"{name}.ipynb", options.into / f"{name}.ipynb")


if __name__ == "__main__":
    main()

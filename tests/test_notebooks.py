"""The notebooks run as they stand, and what they show was made by running them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_there_are_five():
    assert NAMES == ["1_quickstart", "2_survey", "3_diary", "4_validate", "5_evaluation"]


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_first_to_last_cell(name, tmp_path):
    command = [sys.executable, FOLDER / "execute.py", "--into", tmp_path, name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    cells = code_cells(tmp_path / f"{name}.ipynb")
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    kept = code_cells(FOLDER / f"{name}.ipynb")
    assert [cell.source for cell in kept] == [cell.source for cell in cells]
    assert [shape(cell) for cell in kept] == [shape(cell) for cell in cells], "run: make notebooks"


def shape(cell):
    """Return what kinds of output a cell shows; numbers move with the model, and with the machine."""
    return [(out.output_type, sorted(out.get("data", {}))) for out in cell.outputs]


@pytest.mark.parametrize("name", NAMES)
def test_kept_outputs_are_there_and_name_nothing_of_the_machine_they_were_made_on(name):
    cells = code_cells(FOLDER / f"{name}.ipynb")
    assert any(cell.outputs for cell in cells)
    shown = str([cell.outputs for cell in cells])
    assert not re.search(r"/(home|root|tmp|work|usr)/| at 0x", shown)

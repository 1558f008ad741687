"""The package as users meet it: lazy, offline, installable from its wheel, documented by code that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import disconnect_nlp

ROOT = Path(__file__).parents[1]

# Put on the path of a child process, this makes any use of the network an error.
NO_NETWORK = """
import socket
def refuse(*_, **__):
    raise AssertionError("network used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="session")
def offline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("offline")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    return {**os.environ, "PYTHONPATH": str(folder)}


def python(code: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, **options)


def test_importing_loads_neither_spacy_nor_scikit_learn():
    code = "import disconnect_nlp, sys; print([m for m in ('spacy', 'sklearn', 'pandas', 'numpy') if m in sys.modules])"
    assert python(code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("workers", "slow"), [(1, {"sklearn", "pandas", "scipy.stats"}), (2, {"sklearn", "pandas", "scipy.stats", "spacy"})]
)
def test_labelling_a_table_does_not_wait_for_packages_that_only_fitting_needs(tmp_path, workers, slow):
    (tmp_path / "a.csv").write_text("text\nI feel numb.\n")
    options = ["label", str(tmp_path / "a.csv"), "--text-column", "text", "--workers", str(workers)]
    code = f"""
import sys
from disconnect_nlp.cli import app
app({options!r}, standalone_mode=False)
print("loaded:", sorted({slow!r} & set(sys.modules)))
"""
    done = python(code)
    assert done.stdout.splitlines()[-1:] == ["loaded: []"], done.stderr


def test_every_public_name_is_there_and_documented():
    for name in disconnect_nlp.__all__:
        assert getattr(disconnect_nlp, name).__doc__, name
    assert set(disconnect_nlp.__all__) <= set(dir(disconnect_nlp))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        disconnect_nlp.nothing  # noqa: B018


def test_labelling_uses_no_network(offline):
    done = python("from disconnect_nlp import load; print(load().annotate('I feel numb.').labels)", env=offline)
    assert done.returncode == 0, done.stderr
    assert "numbness" in done.stdout


def test_the_wheel_labels_from_another_directory_offline(tmp_path, offline):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT],
        check=True,
        capture_output=True,
        timeout=300,
    )
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=True)
    fresh = tmp_path / "env" / "bin" / "python"
    subprocess.run([fresh, "-m", "pip", "install", "--quiet", wheel], check=True, capture_output=True, timeout=900)
    code = (
        "import disconnect_nlp as d; from disconnect_nlp.corpus import load_corpus\n"
        "assert 'site-packages' in d.__file__\n"
        "print(d.load().annotate('I feel numb and empty.').labels, len(load_corpus()))"
    )
    done = subprocess.run([fresh, "-c", code], cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "numbness" in done.stdout
    command = fresh.with_name("disconnect-nlp")
    (tmp_path / "a.csv").write_text("text\nI feel numb and empty.\n")
    done = subprocess.run(
        [command, "label", "a.csv"], cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "numbness" in (tmp_path / "a.labelled.csv").read_text()


BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)


def test_the_readme_has_python_and_shell():
    assert {kind for kind, _ in BLOCKS} == {"python", "sh"}


@pytest.mark.parametrize(("kind", "block"), BLOCKS, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(BLOCKS)])
def test_every_code_block_of_the_readme_runs(kind, block, tmp_path):
    for name in ("data", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    if kind == "python":
        command = [sys.executable, "-W", "error", "-c", block]
    else:
        # `make` would call these tests again; the recipes it runs are the commands of the other blocks.
        lines = [line for line in block.splitlines() if not line.startswith(("make ", "git "))]
        command = ["bash", "-euo", "pipefail", "-c", "\n".join(lines)]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr

"""What a shell is offered to complete: asked as bash asks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphnn.diagnostics import CODES
from graphnn.ops import REGISTRY
from places import ROOT

SPEC = """\
graphnn: 1
sizes: {hidden: 4, wide: 8}
nodes:
  x: {op: input, shape: [batch, 2]}
  a1: {op: affine, inputs: x, units: hidden}
  y: {op: dropout, inputs: a1, rate: 0.2}
train: {loss: y}
"""


def offered(*words: str) -> list[str]:
    """What bash is offered for the last of the words."""
    program = "import sys; sys.argv = ['graphnn']; from graphnn.cli.app import main; main()"
    asked = {
        "_GRAPHNN_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["graphnn", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("net.yaml").write_text(SPEC)


def test_codes(here):
    assert offered("explain", "unknown-o") == [c for c in CODES if c.startswith("unknown-o")]


def test_ops(here):
    known = [name for name, op in REGISTRY.items() if not op.internal]
    assert sorted(offered("ops", "so")) == sorted(n for n in known if n.startswith("so"))


def test_nodes(here):
    assert offered("run", "net.yaml", "--output", "") == ["x", "a1", "y"]
    assert offered("run", "net.yaml", "--output", "a") == ["a1"]


def test_entries(here):
    assert offered("grad", "net.yaml", "--study", "") == ["a1.weight", "a1.bias"]


def test_settings(here):
    assert offered("train", "net.yaml", "--set", "ep") == ["epochs="]
    assert offered("check", "net.yaml", "--set", "hid") == ["hidden="]
    assert offered("train", "net.yaml", "--set", "y.") == ["y.rate="]
    assert offered("train", "net.yaml", "--set", "a1.") == ["a1.units=", "a1.weight=", "a1.bias="]


@pytest.mark.parametrize("text", ["graphnn: 1\nnodes: {y: {op: nosuch}}\n", "[", ""])
def test_nothing_is_offered_of_a_file_at_fault(here, text):
    Path("net.yaml").write_text(text)
    assert offered("run", "net.yaml", "--output", "") == []
    assert "epochs=" in offered("train", "net.yaml", "--set", "")
    assert offered("run", "nosuch.yaml", "--output", "") == []

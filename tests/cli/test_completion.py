"""What a shell is offered to complete: asked as bash asks, once in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphnn.diagnostics import CODES
from graphnn.ops import REGISTRY

SPEC = """\
graphnn: 1
sizes: {hidden: 4, wide: 8}
nodes:
  x: {op: input, shape: [batch, 2]}
  a1: {op: affine, inputs: x, units: hidden}
  y: {op: dropout, inputs: a1, rate: 0.2}
train: {loss: y}
"""
OPS = [name for name, op in REGISTRY.items() if not op.internal]


def asked(*words: str) -> dict[str, str]:
    """How bash asks for what to offer for the last of the words."""
    return {
        "_GRAPHNN_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["graphnn", *words]),
        "COMP_CWORD": str(len(words)),
    }


@pytest.fixture
def offered(here, call, monkeypatch):
    Path("net.yaml").write_text(SPEC)

    def ask(*words: str) -> list[str]:
        for name, value in asked(*words).items():
            monkeypatch.setenv(name, value)
        result = call()
        assert result.err == ""
        return result.out.split()

    return ask


def test_in_a_process_of_its_own(start):
    out, err = start(env=asked("explain", "unknown-o")).communicate()
    assert (out.split(), err) == ([c for c in CODES if c.startswith("unknown-o")], "")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ops so", [n for n in OPS if n.startswith("so")]),
        ("run net.yaml --output ", ["x", "a1", "y"]),
        ("run net.yaml --output a", ["a1"]),
        ("grad net.yaml --study ", ["a1.weight", "a1.bias"]),
        ("train net.yaml --set ep", ["epochs="]),
        ("check net.yaml --set hid", ["hidden="]),
        ("train net.yaml --set y.", ["y.rate="]),
        ("train net.yaml --set a1.", ["a1.units=", "a1.weight=", "a1.bias="]),
    ],
)
def test_what_is_offered(offered, words, expected):
    assert offered(*words.split(" ")) == expected


@pytest.mark.parametrize("text", ["graphnn: 1\nnodes: {y: {op: nosuch}}\n", "[", ""])
def test_nothing_is_offered_of_a_file_at_fault(offered, text):
    Path("net.yaml").write_text(text)
    assert offered("run", "net.yaml", "--output", "") == []
    assert "epochs=" in offered("train", "net.yaml", "--set", "")
    assert offered("run", "nosuch.yaml", "--output", "") == []

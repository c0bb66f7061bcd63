"""``graphnn diff``."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path


def test_the_same(call, line):
    Path("other.yaml").write_text(
        Path(line).read_text().replace("name: line", "name:   line # one")
    )
    assert call("diff", line, "other.yaml").output == "no difference\n"


def test_what_differs(call, line):
    text = Path(line).read_text()
    Path("other.yaml").write_text(
        text.replace("bias: [0.5]", "bias: false").replace(
            "  loss:", "  y: {op: tanh, inputs: a}\n  loss:"
        )
    )
    digest = zlib.crc32(struct.pack("<d", 0.5), 1)  # of one axis
    result = call("diff", line, "other.yaml")
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "nodes\n"
        f"  ~ a: bias numbers #{digest:08x} -> false, parameters 3 -> 2\n"
        "  + y: tanh, of a, [batch, 1]\n"
        "3 parameters -> 2\n"
    )
    result = call("diff", line, "other.yaml", "--format", "json")
    assert result.code == 1
    found = json.loads(result.out)
    assert found["parameters"] == {"old": 3, "new": 2}
    assert [(c["kind"], c["name"]) for c in found["changes"]] == [("changed", "a"), ("added", "y")]
    assert found["changes"][1]["details"] == [
        {"aspect": "op", "old": None, "new": "tanh"},
        {"aspect": "inputs", "old": None, "new": ["a"]},
        {"aspect": "shape", "old": None, "new": "[batch, 1]"},
    ]


def test_settings_are_put_into_both(call, line):
    text = Path(line).read_text()
    Path("other.yaml").write_text(text.replace("features: 2", "features: 3"))
    assert call("diff", line, "other.yaml").code == 2  # the weight is written for 2
    assert call("diff", line, "other.yaml", "--set", "features=2").code == 0


def test_a_file_at_fault(call, line):
    Path("bad.yaml").write_text("graphnn: 1\nnodes:\n  y: {op: relu, inputs: x}\n")
    assert call("diff", line, "bad.yaml").usage_error == (
        "error[unknown-node]: there is no node 'x'\n"
        "  --> bad.yaml:3:25\n"
        "   |\n"
        " 3 |   y: {op: relu, inputs: x}\n"
        "   |                         ^\n"
    )
    assert call("diff", line, "none.yaml").code == 2
    assert call("diff", line).code == 2


def test_colours_on_a_terminal(call, line, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    Path("other.yaml").write_text(Path(line).read_text().replace("name: line", "name: other"))
    result = call("diff", line, "other.yaml")
    assert result.out == ("\x1b[1mspec\x1b[0m\n\x1b[1;33m  ~ name: line -> other\x1b[0m\n")

"""``graphnn export``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


def test_a_suffix_that_says_nothing(call, line):
    result = call("export", line, "-o", "line.txt")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error[unknown-format]: 'line.txt' has no suffix that says what to write\n"
        "   = help: end its name in .onnx\n"
    )


def test_a_model(call, line):
    pytest.importorskip("onnxruntime")
    result = call("export", line, "-o", "line.onnx", "--opset", "20", "--outputs", "a,loss")
    assert (result.code, result.out) == (0, "wrote 'line.onnx'\n")
    assert result.err == "opset 20; onnxruntime agrees with every node\n"
    assert [path.name for path in sorted(Path().iterdir())] == ["line.onnx", "line.yaml"]


def test_an_opset_that_is_too_old(call, line):
    pytest.importorskip("onnx")
    result = call("export", line, "-o", "line.onnx", "--opset", "3")
    assert (result.code, result.out) == (2, "")
    assert re.fullmatch(
        r"error\[bad-option\]: opset 3 cannot be written\n   = help: it is 18 to \d+\n",
        result.err,
    )

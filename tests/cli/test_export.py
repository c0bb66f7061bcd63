"""``graphnn export``."""

from __future__ import annotations


def test_a_suffix_that_says_nothing(call, line):
    result = call("export", line, "-o", "line.txt")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "error[unknown-format]: 'line.txt' has no suffix that says what to write\n"
        "   = help: end its name in .onnx\n"
    )

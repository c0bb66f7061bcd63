"""``graphnn explain``."""

from __future__ import annotations

from graphnn.diagnostics import AREAS, CODES


def test_a_code(call):
    assert call("explain", "bad-seed").output == (
        "bad-seed\n\nInvalid seed.\n\nA seed is a whole number, at least 0.\n"
    )


def test_files_are_indented(call):
    lines = call("explain", "unknown-op").out.splitlines()
    at = lines.index("Example")
    assert lines[at + 1 : at + 4] == ["", "    graphnn: 1", "    nodes:"]
    assert "    error[unknown-op]: there is no op 'rellu'" in lines
    assert "      y: {op: relu, inputs: x}" in lines[lines.index("Fixed") :]
    assert not any(line.startswith("```") for line in lines)


def test_all_codes_by_area(call):
    lines = call("explain").out.splitlines()
    assert lines[0] == "The text of a file"
    assert lines[1] == "  bad-character          Character that is not allowed"
    areas = [line for line in lines if line and not line.startswith(" ")]
    assert areas == list(AREAS)
    assert [line.split()[0] for line in lines if line.startswith(" ")] == list(CODES)


def test_no_such_code(call):
    assert call("explain", "unknown-opp").usage_error == (
        "error[unknown-code]: there is no code 'unknown-opp'\n"
        "   = help: did you mean 'unknown-op'?\n"
    )

"""Long statements of exported code, broken where ruff breaks them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from graphnn.interchange.code.layout import laid_out

LONG = "one_of_the_inputs, another_of_the_inputs, params['h.weight']".replace("'", '"')
STATEMENTS = [
    f"grads[0] = lstm_back({LONG}, ways=2)[1]",
    f"grads[0] = lstm_back({LONG}, {LONG}, ways=2)[1]",
    f"y = lstm_back({LONG}, 2)[1]",
    f"y = cross_entropy({LONG}).flatten(1).mean(dim=1)",
    f"return cross_entropy({LONG}).flatten(1).mean(dim=1)",
    f"y = cross_entropy({LONG}).sum().T",
    f"y = cross_entropy({LONG}, {LONG}).flatten(1).mean(dim=1)",
    f"y = cross_entropy({LONG}, ways=2).T",
    f"y = cross_entropy({LONG}, ways=2).sum()",
    f"y = ({' + '.join(['one_of_the_long_inputs'] * 5)}).sum()",
    f"y = ({' + '.join(['one_of_the_long_inputs'] * 5)}).T",
    f"y = x[{' + '.join(['one_of_the_long_inputs'] * 5)}]",
    "y = (one_of_the_long_inputs + another_of_the_long_inputs * a_third_of_the_inputs + d).sum()",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_long_statements_are_broken_as_ruff_does(statement):
    laid = laid_out("    " + statement)
    assert ast.dump(ast.parse(f"def f():\n{laid}")) == ast.dump(
        ast.parse(f"def f():\n    {statement}")
    )
    code = f"def f():\n{laid}\n"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--diff", "--isolated", "--no-cache", "-"],
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

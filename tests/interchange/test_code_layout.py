"""Long statements of exported code, broken where ruff breaks them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from graphnn.interchange.code.layout import laid_out, laid_out_again

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
    f"y = convolution({LONG}, stride=3) + per_channel(h, x)",
    f"y = convolution({LONG}, stride=3, padding=(0, 1)) + per_channel(h.bias, x)",
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


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_has_become_longer_is_laid_out_anew(statement):
    text = f'def f():\n    """What = is kept."""\n{laid_out("    " + statement)}\n    return y'
    longer = text.replace("one_of_the", "the_very_last_one_of_the")
    wanted = laid_out("    " + statement.replace("one_of_the", "the_very_last_one_of_the"))
    if " = " in statement:
        found = laid_out_again(longer).split("\n")
        assert "\n".join(found[2:-1]) == wanted
        assert found[:2] == longer.split("\n")[:2]
    ast.parse(laid_out_again(longer))

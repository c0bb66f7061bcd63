"""Formulas of docstrings are typeset, and what is none is left alone."""

from __future__ import annotations

import inspect
import re

import pytest

from docs_pages import docs_module
from graphnn.ops import public_ops


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = x W + b", r"y = x \, W + b"),
        ("1 / (1 + exp(-x))", r"\frac{1}{1 + \exp\left(-x\right)}"),
        ("g y (1 - y)", r"g \, y \, \left(1 - y\right)"),
        ("-g y / b", r"-\frac{g \, y}{b}"),
        ("sum_i (y_i - t_i)^2 / d", r"\sum_i \frac{{\left(y_i - t_i\right)}^{2}}{d}"),
        ("g W^T", r"g \, {W}^{T}"),
        ("x / (1 + |x|)", r"\frac{x}{1 + \left\lvert x \right\rvert}"),
        ("slope x", r"\text{slope} \, x"),
        ("sqrt(v + epsilon)", r"\sqrt{v + \epsilon}"),
        ("(1 - y)(1 + y) / (2 y)", r"\frac{\left(1 - y\right) \, \left(1 + y\right)}{2 \, y}"),
        ("-3 < x <= 3", r"-3 < x \le 3"),
        ("m <- (1 - a) m", r"m \leftarrow \left(1 - a\right) \, m"),
    ],
)
def test_formula(text, expected):
    assert docs_module("formulas").latex(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("[batch, n]", "mean", "x @ weight", "a (b", "x +", ") x", "torch.select"),
        *("output_padding", ""),
    ],
)
def test_what_is_no_formula(text):
    assert docs_module("formulas").latex(text) is None


def test_no_bracket_is_lost_in_the_formulas_of_ops():
    latex = docs_module("formulas").latex
    found = {
        text
        for op in public_ops().values()
        for source in (op, op.forward, op.vjp)
        for text in re.findall(r"``(.+?)``", inspect.getdoc(source) or "")
    }
    typeset = {text: formula for text in found if (formula := latex(text))}
    assert len(typeset) > 100
    for formula in typeset.values():
        assert len(re.findall(r"\\left\b", formula)) == len(re.findall(r"\\right\b", formula))
        assert formula.count("{") == formula.count("}")
        assert formula.count("$") == 0

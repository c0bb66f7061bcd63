"""The Gaussian error linear unit, in whatever order a model multiplies and adds it up.

A product is expanded into a sum of products of nodes, ``x g / 2 + x / 2`` of ``x (1 + g) / 2``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from graphnn.interchange.onnx.values import Made, Value, stated_number

Polynomial = dict[tuple[Made, ...], float]  # nodes that are multiplied, and by what number

_DEEPEST = 6  # operators inside one another
_TERMS = 4
_CLOSE = 1e-4  # of a number that is written with few digits
_SLOPE = math.sqrt(2 / math.pi)
_CURVES: dict[str, tuple[str, dict[int, float]]] = {
    "erf": ("none", {1: math.sqrt(0.5)}),
    "tanh": ("tanh", {1: _SLOPE, 3: 0.044715 * _SLOPE}),
}


def spelt_gelu(a: Value | None, b: Value | None) -> tuple[Made, str] | None:
    """The x of the unit that the product of `a` and `b` is, and how it is approximated."""
    found = _times(_expanded(a), _expanded(b))
    curves = {leaf for leaves in found for leaf in leaves if leaf.op.name in _CURVES}
    if len(found) != 2 or len(curves) != 1:
        return None
    (curve,) = curves
    others = {leaf for leaves in found for leaf in leaves} - curves
    if len(others) != 1:
        return None
    (x,) = others
    approximate, inner = _CURVES[curve.op.name]
    expected = {power * (x,): number for power, number in inner.items()}
    half = {(x,): 0.5, _sorted((x, curve)): 0.5}
    fits = _is_near(found, half) and _is_near(_expanded(curve.inputs[0]), expected)
    return (x, approximate) if fits else None


def _expanded(value: Value | None, depth: int = _DEEPEST) -> Polynomial:
    """`value` as a sum of products; nothing where it is of too many."""
    if (number := stated_number(value)) is not None:
        return {(): number}
    if not isinstance(value, Made):
        return {}
    combine, inputs = _PARTS.get(value.op.name, _whole)(value) if depth else _whole(value)
    if combine is None:
        return {(value,): 1.0}
    parts = [_expanded(each, depth - 1) for each in inputs]
    found = reduce(combine, parts) if all(parts) else {}
    return found if len(found) <= _TERMS else {}


Combine = Callable[[Polynomial, Polynomial], Polynomial]
Parts = tuple[Combine | None, Sequence[Value]]


def _whole(made: Made) -> Parts:
    """Of a node that is neither a sum nor a product."""
    return None, ()


def _power(made: Made) -> Parts:
    exponent = made.given["exponent"]
    return (_times, made.inputs * int(exponent)) if exponent in (2, 3) else _whole(made)


def _quotient(made: Made) -> Parts:
    over, by = made.inputs
    number = stated_number(by)
    return (_times, (over, np.asarray(1 / number))) if number else _whole(made)


def _plus(a: Polynomial, b: Polynomial) -> Polynomial:
    return {leaves: a.get(leaves, 0) + b.get(leaves, 0) for leaves in a | b}


def _times(a: Polynomial, b: Polynomial) -> Polynomial:
    found: Polynomial = {}
    for left, x in a.items():
        for right, y in b.items():
            leaves = _sorted((*left, *right))
            found[leaves] = found.get(leaves, 0) + x * y
    return found


_PARTS: dict[str, Callable[[Made], Parts]] = {
    "add": lambda made: (_plus, made.inputs),
    "multiply": lambda made: (_times, made.inputs),
    "divide": _quotient,
    "power": _power,
}


def _sorted(leaves: tuple[Made, ...]) -> tuple[Made, ...]:
    return tuple(sorted(leaves, key=id))


def _is_near(found: Polynomial, expected: Polynomial) -> bool:
    return found.keys() == expected.keys() and all(
        math.isclose(found[leaves], number, rel_tol=_CLOSE) for leaves, number in expected.items()
    )

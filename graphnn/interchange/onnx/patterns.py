"""Functions that a model spells out in several operators, found where the last of them stands.

What was made for the operators before stays, and is written only if something else reads it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphnn.interchange.onnx.spelt_gelu import spelt_gelu
from graphnn.interchange.onnx.values import Made, Value, stated, stated_number

_GATES = {"sigmoid": "silu", "hard_sigmoid": "hard_swish"}
Spelt = tuple[str, Made, dict[str, Any]]


def spelt_out(op: str, a: Value | None, b: Value | None) -> Spelt | None:
    """The op that a product or a quotient completes, what it is of, and its attributes, if any."""
    if op == "Mul":
        return _product(a, b) or _product(b, a) or _gelu(a, b)
    return _clipped(a) if op == "Div" and _is(b, 6, a) else None


def _gelu(a: Value | None, b: Value | None) -> Spelt | None:
    found = spelt_gelu(a, b)
    return ("gelu", found[0], {"approximate": found[1]}) if found else None


def _product(a: Value | None, b: Value | None) -> Spelt | None:
    """``x * sigmoid(x)`` and such, ``x * tanh(softplus(x))``, or ``clip(x + 3, 0, 6) / 6``."""
    if not (isinstance(a, Made) and isinstance(b, Made)):
        return _clipped(a) if _is(b, 1 / 6, a) else None
    inner = b.inputs[0] if b.inputs else None
    if inner is a and b.op.name in _GATES:
        return _GATES[b.op.name], a, {}
    soft = b.op.name == "tanh" and inner is not None and inner.op.name == "softplus"
    return ("mish", a, {}) if soft and inner and inner.inputs[0] is a else None


def _clipped(made: Value | None) -> Spelt | None:
    """What a sixth of ``clip(x + 3, 0, 6)`` is, or of the same times x."""
    assert isinstance(made, Made)
    if (x := _shifted(made)) is not None:
        return "hard_sigmoid", x, {}
    if made.op.name == "multiply":
        for x, clipped in (made.inputs, made.inputs[::-1]):
            if _shifted(clipped) is x:
                return "hard_swish", x, {}
    return None


def _shifted(made: Made) -> Made | None:
    """The x of ``clip(x + 3, 0, 6)``."""
    if made.op.name != "clip" or made.inputs[0].op.name != "add":
        return None
    if (made.given.get("low"), made.given.get("high")) != (0, 6):
        return None
    for x, shift in (made.inputs[0].inputs, made.inputs[0].inputs[::-1]):
        if _is(shift, 3, x):
            return x
    return None


def _is(value: Value | None, number: float, beside: Value | None) -> bool:
    """Whether `value` is known to be this one number, for all entries of what is `beside` it."""
    found, array = stated_number(value), stated(value)
    fits = array is not None and isinstance(beside, Made) and array.ndim <= len(beside.shape)
    return fits and found is not None and bool(np.float32(found) == np.float32(number))

"""Ops by name: their values, and what they pull back."""

from __future__ import annotations

import numpy as np

from graphnn.ops import REGISTRY


def op(name, **attributes):
    return REGISTRY[name](**attributes)


def run(name, *arrays, **attributes):
    return op(name, **attributes).forward(*map(np.asarray, arrays))


def pull(made, cotangent, *arrays, **attributes):
    """The cotangents of all operands; `made` is an op, or the name of one with `attributes`."""
    made = op(made, **attributes) if isinstance(made, str) else made
    given = [np.asarray(array) for array in arrays]
    return made.vjp(np.asarray(cotangent), made.forward(*given), *given)

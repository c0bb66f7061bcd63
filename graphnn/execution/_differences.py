"""Differences, sizes and sums of arrays, as of real numbers: whole ones do not wrap around."""

from __future__ import annotations

import numpy as np

from graphnn.ops import Array


def less(a: Array, b: Array) -> Array:
    """``a - b``, of whole numbers in float64."""
    if a.dtype.kind == b.dtype.kind == "i":
        larger = a >= b
        # Without a sign there is room for any distance; what wraps around here wraps back.
        one, other = (each.astype(np.int64).view(np.uint64) for each in (a, b))
        apart = np.where(larger, one - other, other - one).astype(np.float64)
        return np.asarray(np.where(larger, apart, -apart))
    return np.asarray(a - b)


def distance(a: Array, b: Array) -> Array:
    """``|a - b|``, of whole numbers in float64."""
    return np.asarray(np.abs(less(a, b)))


def size(a: Array) -> Array:
    """``|a|``, of whole numbers in float64."""
    return np.asarray(np.abs(_real(a)))


def total(a: Array) -> Array:
    """The sum along the last axis, of whole numbers in float64."""
    return np.asarray(_real(a).sum(axis=-1))


def _real(a: Array) -> Array:
    return a.astype(np.float64) if a.dtype.kind == "i" else a

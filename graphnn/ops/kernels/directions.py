"""Vectors of length 1, and the cosine of the angle between two."""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array


def unit(x: Array, axis: int, epsilon: float) -> tuple[Array, Array]:
    """`x` over its length along an axis, or over `epsilon` where that is more; and the divisor."""
    # Measured by its largest entry, so that no square overflows.
    size = np.abs(x.real).max(axis=axis, keepdims=True)
    size[(size == 0) | ~np.isfinite(size)] = 1
    part = x / size
    length = np.sqrt((part * part).sum(axis=axis, keepdims=True)) * size
    divisor = np.where(length.real > epsilon, length, epsilon).astype(x.dtype)
    return x / divisor, divisor


def cosine(a: Array, b: Array, axis: int, epsilon: float) -> Array:
    """The cosine of the angle between `a` and `b` along an axis."""
    found: Array = (unit(a, axis, epsilon)[0] * unit(b, axis, epsilon)[0]).sum(axis=axis)
    return found


def cosine_by(share: Array, a: Array, b: Array, axis: int, epsilon: float) -> Array:
    """The cotangent of `a`, from that of the cosine, which has the axis with size 1."""
    own, divisor = unit(a, axis, epsilon)
    other, _ = unit(b, axis, epsilon)
    # Beyond epsilon a longer vector has the same cosine: what lies along it is taken out.
    along = (own * other).sum(axis=axis, keepdims=True) * (divisor > epsilon)
    found: Array = share * ((other - along * own) / divisor)
    return found

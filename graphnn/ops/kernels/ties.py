"""Comparisons that take for equal what only rounding tells apart.

Of complex numbers, as the complex step gives them, real parts count first and imaginary ones where
those are equal: they say which is larger a little further on.
"""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array

_TIE = 1e-13  # of the size of two numbers: less apart, they are equal but for rounding


def is_more(a: Array, b: Array) -> Array:
    """Whether `a` is more than `b`, entry by entry, by more than rounding makes of equal ones."""
    more = _apart(a.real, b.real)
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        more |= ~_apart(b.real, a.real) & _apart(a.imag, b.imag)
    return more


def _apart(a: Array, b: Array) -> Array:
    return np.asarray(a - b > _TIE * (np.abs(a) + np.abs(b)))


def least_largest(largest: Array) -> Array:
    """What is no less than this is as large as `largest`, but for rounding."""
    return np.asarray(largest * (1 - np.copysign(_TIE, largest)))


def first_largest(x: Array) -> Array:
    """Position along the last axis of the first entry that is the largest, but for rounding."""
    largest = np.ones(x.shape, bool)
    for part in (x.real, x.imag) if np.iscomplexobj(x) else (x,):
        most = np.where(largest, part, -np.inf).max(axis=-1, keepdims=True)
        largest &= part >= least_largest(most)
    return np.asarray(largest.argmax(axis=-1))

"""Comparisons that treat as equal what differs by rounding alone: the rule of ties.

Where two smooth pieces meet without a jump, a step that rounding alone takes across is not a kink:
it changes a difference of losses by no more than rounding does. So the pieces of such an op are
those of these functions. Where the result jumps, the pieces are those that the numbers take as they
are: whatever has led across, the loss has jumped.

Of complex numbers, as the complex step gives them, real parts count first and imaginary ones where
those are equal: they say which is larger a little further on. The complex step crosses nothing, and
its imaginary parts may be of any size.
"""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array

_TIE = 1e-13  # of the size of two numbers: less apart, they are equal but for rounding
_LEAST = 1e-15  # likewise, for sums that should be 0, of terms of about 1


def is_more(a: Array, b: Array) -> Array:
    """Whether `a` is more than `b`, entry by entry, by more than rounding makes of equal ones."""
    if not (np.iscomplexobj(a) or np.iscomplexobj(b)):
        return _apart(a, b, _LEAST)
    further = (a.real == b.real) & _apart(a.imag, b.imag, 0.0)
    return np.asarray((a.real > b.real) | further)


def _apart(a: Array, b: Array, least: float) -> Array:
    return np.asarray(a - b > np.maximum(_TIE * (np.abs(a) + np.abs(b)), least))


def is_above(x: Array, bound: float) -> Array:
    """As `is_more`, of one number: all that engines ask of most ops that bend, and in one pass."""
    slack = 0.0 if np.iscomplexobj(x) else max(2 * _TIE * abs(bound), _LEAST)
    return np.asarray(x > bound + slack)


def least_largest(largest: Array, least: float = _LEAST) -> Array:
    """What is at least this is as large as `largest`, but for rounding."""
    return np.asarray(np.minimum(largest * (1 - np.copysign(_TIE, largest)), largest - least))


def first_largest(x: Array) -> Array:
    """Position along the last axis of the first entry that is the largest, but for rounding."""
    largest = np.ones(x.shape, bool)
    for part, least in ((x.real, _LEAST), (x.imag, 0.0))[: 1 + np.iscomplexobj(x)]:
        most = np.where(largest, part, -np.inf).max(axis=-1, keepdims=True)
        largest &= part >= least_largest(most, least)
    return np.asarray(largest.argmax(axis=-1))

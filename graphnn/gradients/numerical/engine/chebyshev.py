"""Smooth curves through a few points: what a row's loss is while one of its channels moves.

A curve is sampled at Chebyshev points and written as a sum of Chebyshev polynomials, whose
coefficients fall off quickly until nothing but rounding is left. Then the curve is known between
the points as exactly as at them; where they do not fall off so, it is unresolved.

References
----------
L. N. Trefethen, Approximation Theory and Approximation Practice, SIAM 2013, chapters 2 to 4 and 8;
J. L. Aurentz and L. N. Trefethen, Chopping a Chebyshev series, ACM Transactions on Mathematical
Software 43 (2017), for where rounding begins.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from graphnn.gradients.numerical.rules import EPSILON
from graphnn.ops import Array

_FEWEST = 4  # points, of which only the last coefficient can show that the others fall off
_ROUNDED = 2 * EPSILON  # last coefficients that may be rounding, of a loss's size
_ROUNDED_OF_MORE = 30 * EPSILON  # likewise, of more points
_CHANCE = 2.0  # times the noise seen, a coefficient is hardly ever by chance
_FLAT = 4.0  # coefficients that do not fall off by this are rounding,
_SMALL = 1e-9  # if they are below this part of the slope and have signs at random


class Points(NamedTuple):
    """Chebyshev points of the second kind between -1 and 1, without the one at 0.

    Attributes
    ----------
    places : ndarray, shape (count,)
    coefficients : ndarray, shape (count, count)
        Makes Chebyshev coefficients 1 to `count` of a curve that is 0 at 0 of its values.
    powers : ndarray, shape (degree, degree)
        Makes coefficients of the powers 1 to `degree` of the first `degree` of those; the others
        show whether these are enough.
    """

    places: Array
    coefficients: Array
    powers: Array

    @property
    def degree(self) -> int:
        """Of the curves that this many points resolve."""
        return len(self.powers)


@lru_cache(maxsize=8)
def points(count: int) -> Points:
    """The points of an even `count`, and what turns values there into coefficients."""
    order = np.delete(np.arange(count + 1), count // 2)
    degrees = np.arange(1, count + 1)[:, None]
    coefficients = 2 / count * np.cos(np.pi / count * degrees * order)
    coefficients[:, [0, -1]] /= 2
    coefficients[-1] /= 2
    degree = count - 1 if count == _FEWEST else count - 2
    powers = np.zeros((degree, degree))
    for place in range(degree):
        terms = chebyshev.cheb2poly(np.eye(degree + 1)[place + 1])[1:]
        powers[: len(terms), place] = terms
    return Points(np.cos(np.pi / count * order), coefficients, powers)


class Curves(NamedTuple):
    """Curves that are 0 at 0, as far as their values determine them.

    Attributes
    ----------
    powers : ndarray, shape (degree, ...)
        Coefficients of the powers 1 to `degree`.
    noise : ndarray, shape (...)
        Size of a coefficient that rounding alone makes.
    resolved : ndarray of bool, shape (...)
        Whether the curve is known to rounding.
    """

    powers: Array
    noise: Array
    resolved: Array


def fit(values: Array, chosen: Points, size: Array) -> Curves:
    """Curves through their values.

    Parameters
    ----------
    values : ndarray, shape (count, ...)
        At `chosen` points.
    chosen : Points
    size : ndarray, shape (...)
        Of the numbers that the values are differences of.
    """
    count, degree = len(values), chosen.degree
    found = np.tensordot(chosen.coefficients, values, 1)
    sizes = np.abs(found)
    last = sizes[degree:].max(axis=0)
    resolved = last <= (_ROUNDED if count == _FEWEST else _ROUNDED_OF_MORE) * size
    if count > _FEWEST:
        flat = sizes[degree - 2 : degree].max(axis=0) <= _FLAT * last
        resolved |= flat & (last <= _SMALL * sizes[0]) & ~_ordered(found[2:])
    noise = np.maximum(EPSILON * size, last)
    # Of what may be rounding, the lowest two alone are kept: others would only add to it.
    kept = found[:degree]
    kept[2:] *= sizes[2:degree] > _CHANCE * noise
    return Curves(np.tensordot(chosen.powers, kept, 1), noise, resolved)


def _ordered(coefficients: Array) -> Array:
    """Whether all have one sign, or alternating ones: those of a sharp bend at one end."""
    signs = np.sign(coefficients)
    alternating = signs[::2].sum(axis=0) - signs[1::2].sum(axis=0)
    found: Array = np.maximum(abs(signs.sum(axis=0)), abs(alternating)) == len(signs)
    return found

"""Complementary error function for arrays, to the last digits of a double."""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array

# W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of
# Computation 23 (1969), 631-637; the digits are those of his program CALERF. A row for
# each power, the highest first: its coefficients in the numerator and in the denominator.
_SMALL_TOP, _SMALL_BOTTOM = zip(
    (1.85777706184603153e-1, 1.0),
    (3.16112374387056560e0, 2.36012909523441209e1),
    (1.13864154151050156e2, 2.44024637934444173e2),
    (3.77485237685302021e2, 1.28261652607737228e3),
    (3.20937758913846947e3, 2.84423683343917062e3),
    strict=True,
)
_MIDDLE_TOP, _MIDDLE_BOTTOM = zip(
    (2.15311535474403846e-8, 1.0),
    (5.64188496988670089e-1, 1.57449261107098347e1),
    (8.88314979438837594e0, 1.17693950891312499e2),
    (6.61191906371416295e1, 5.37181101862009858e2),
    (2.98635138197400131e2, 1.62138957456669019e3),
    (8.81952221241769090e2, 3.29079923573345963e3),
    (1.71204761263407058e3, 4.36261909014324716e3),
    (2.05107837782607147e3, 3.43936767414372164e3),
    (1.23033935479799725e3, 1.23033935480374942e3),
    strict=True,
)
_LARGE_TOP, _LARGE_BOTTOM = zip(
    (1.63153871373020978e-2, 1.0),
    (3.05326634961232344e-1, 2.56852019228982242e0),
    (3.60344899949804439e-1, 1.87295284992346047e0),
    (1.25781726111229246e-1, 5.27905102951428412e-1),
    (1.60837851487422766e-2, 6.05183413124413191e-2),
    (6.58749161529837803e-4, 2.33520497626869185e-3),
    strict=True,
)
_FIRST, _SECOND = 0.46875, 4.0
_NOTHING_LEFT = 28.0  # erfc is below the smallest double from 27.3 on
_BLOCK = 32768  # intermediate results then stay in the cache: a quarter faster on large arrays
_ROOT_OF_INVERSE_PI = 5.6418958354775628695e-1


def erfc(x: Array) -> Array:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t^2)`` from x to infinity, entry by entry.

    Parameters
    ----------
    x : ndarray of float

    Returns
    -------
    ndarray of x's shape and dtype
        Within a few units in the last place, in the far tail too.
    """
    result = np.empty(x.size, x.dtype)
    flat = x.reshape(-1)
    for start in range(0, x.size, _BLOCK):
        result[start : start + _BLOCK] = _block(flat[start : start + _BLOCK])
    return result.reshape(x.shape)


def erf(x: Array) -> Array:
    """``2 / sqrt(pi)`` times the integral of ``exp(-t^2)`` from 0 to x, entry by entry.

    Parameters
    ----------
    x : ndarray of float

    Returns
    -------
    ndarray of x's shape and dtype
        Within a few units in the last place, near 0 too.
    """
    flat = x.reshape(-1)
    size = np.abs(flat)
    result: Array = np.copysign(1 - erfc(size), flat)
    near = size <= _FIRST
    small = flat[near]
    result[near] = small * _ratio(_SMALL_TOP, _SMALL_BOTTOM, small * small)
    return result.reshape(x.shape)


def _block(x: Array) -> Array:
    y = np.minimum(np.abs(x), _NOTHING_LEFT)
    scaled = _ratio(_MIDDLE_TOP, _MIDDLE_BOTTOM, y)
    large = y > _SECOND
    if large.any():
        scaled[large] = _large(y[large])
    # exp(-y^2) in two factors, the first of an exact square: y^2 itself would be rounded.
    coarse = np.floor(y * 16) / 16
    scaled *= np.exp(-coarse * coarse)
    scaled *= np.exp((coarse - y) * (coarse + y))
    np.subtract(2, scaled, out=scaled, where=x < 0)
    small = y <= _FIRST
    if small.any():
        near = x[small]
        scaled[small] = 1 - near * _ratio(_SMALL_TOP, _SMALL_BOTTOM, near * near)
    return scaled


def _large(y: Array) -> Array:
    square = 1 / (y * y)
    correction = square * _ratio(_LARGE_TOP, _LARGE_BOTTOM, square)
    return (_ROOT_OF_INVERSE_PI - correction) / y


def _ratio(top: tuple[float, ...], bottom: tuple[float, ...], x: Array) -> Array:
    quotient = _polynomial(top, x)
    quotient /= _polynomial(bottom, x)
    return quotient


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        value += coefficient
        value *= x
    value += coefficients[-1]
    return value

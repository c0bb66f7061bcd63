"""Kinds of arguments that Python takes for others."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TypeGuard


def is_whole(value: object, least: float = -math.inf) -> TypeGuard[int]:
    """Whether `value` is a whole number of at least `least`; True and False are not, though ints.

    Those of NumPy are.
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def is_real(value: object) -> TypeGuard[float]:
    """Whether `value` is a real number; True and False are not. Those of NumPy are."""
    return isinstance(value, Real) and not isinstance(value, bool)

"""Cotangents that are not finite, where they come to a piece of an op that is flat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Vjp = Callable[..., tuple[Array | None, ...]]


def is_finite(gradients: Iterable[Array]) -> bool:
    """Whether all entries surely are finite; a sum of squares is quicker than a search."""
    flat = (array.ravel(order="K") for array in gradients)
    return all(math.isfinite(np.dot(each, each)) for each in flat)


def stopped_where_flat(vjp: Vjp) -> Vjp:
    """The vjp of an op of several pieces, with 0 for what is not finite on those that are flat.

    Where ``relu(w)`` is 0 so is the derivative of ``sqrt(relu(w))``, though the slope of the root
    is infinite there, and 0 times infinity is not a number.
    """

    def stopped(cotangent: Array, *arrays: Any, **saved: Any) -> tuple[Array | None, ...]:
        parts = vjp(cotangent, *arrays, **saved)
        lost = ~np.isfinite(cotangent)
        if not np.any(lost):
            return parts
        rest = vjp(np.where(lost, cotangent.dtype.type(0), cotangent), *arrays, **saved)
        slopes = vjp(lost.astype(cotangent.dtype), *arrays, **saved)
        return tuple(
            part if part is None or other is None else np.where(slope == 0, other, part)
            for part, other, slope in zip(parts, rest, slopes, strict=True)
        )

    return stopped

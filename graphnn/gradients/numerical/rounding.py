"""How far losses are off by rounding, as far as the losses themselves show it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.numerical.rules import EPSILON

Array = NDArray[Any]


def rounding(losses: Mapping[int, Array], loss_scale: Array, smooth: Array) -> Array:
    """Typical error by rounding of a loss at each moved entry.

    A divided difference over all places of a probe leaves of a smooth function only its highest
    derivative, which a small step makes nothing; what remains is noise.

    Parameters
    ----------
    losses : mapping of int to ndarray, shape (entries,)
        By multiples of the step, 0 among them.
    loss_scale : ndarray, shape (entries,)
        Size of the losses that the entry moves.
    smooth : ndarray of bool, shape (entries,)
        Whether no probe crossed a kink: there a difference is no noise.

    References
    ----------
    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM Journal on Scientific Computing
    33 (2011), for noise estimated from differences of high order.
    """
    weights = {k: 1 / math.prod(k - other for other in losses if other != k) for k in losses}
    parts = [weight * losses[k] for k, weight in weights.items()]
    return noise(np.abs(np.sum(parts, axis=0)) / math.hypot(*weights.values()), loss_scale, smooth)


def noise(seen: Array, size: Array, counted: Array | None = None) -> Array:
    """Typical noise of each number, of which `seen` shows one draw each.

    A single draw may be small by chance, so the median of all counts too, each relative to the size
    of its number, without those that `counted` leaves out. It is never less than the machine
    epsilon times that size.
    """
    there = size > 0 if counted is None else counted & (size > 0)
    common = EPSILON
    if there.any():
        common = max(common, float(np.median(seen[there] / size[there])))
    total: Array = np.maximum(seen, common * size)
    return total

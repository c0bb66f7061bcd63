"""The reverse of broadcasting."""

from __future__ import annotations

import numpy as np

from graphnn.ops._arrays import Array


def unbroadcast(cotangent: Array, like: Array) -> Array:
    """Sum `cotangent` over the axes along which `like` was stretched to its shape."""
    lead = cotangent.ndim - like.ndim
    axes = tuple(range(lead)) + tuple(
        lead + axis
        for axis, size in enumerate(like.shape)
        if size == 1 and cotangent.shape[lead + axis] != 1
    )
    if not axes:
        return cotangent
    return np.asarray(cotangent.sum(axis=axes)).reshape(like.shape)

"""Means and variances over axes, and arrays that broadcast along the other ones."""

from __future__ import annotations

import math

import numpy as np

from graphnn.ops._arrays import Array, Saved


def all_but_channels(x: Array) -> tuple[int, ...]:
    """Axes of `x` without the second."""
    return (0, *range(2, x.ndim))


def per_channel(values: Array, x: Array) -> Array:
    """`values` as an array that broadcasts against `x`, one a channel."""
    return values.reshape(-1, *(1,) * (x.ndim - 2))


def along(values: Array, axes: tuple[int, ...], x: Array) -> Array:
    """`values`, which have the axes `axes` of `x`, as an array that broadcasts against it."""
    return values.reshape([size if axis in axes else 1 for axis, size in enumerate(x.shape)])


def total(x: Array, axes: tuple[int, ...], factor: Array | None = None) -> Array:
    """Sum of `x`, or of ``x factor``, over `axes`, which stay with size 1."""
    # einsum goes through memory once, without an array of products, and faster than np.sum.
    every = list(range(x.ndim))
    kept = [axis for axis in every if axis not in axes]
    shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
    operands = (x, every) if factor is None else (x, every, factor, every)
    return np.asarray(np.einsum(*operands, kept)).reshape(shape)


def centred(
    x: Array, axes: tuple[int, ...], saved: Saved | None = None, out: Array | None = None
) -> tuple[Array, Array, Array]:
    """Mean over `axes`, `x` less that mean, and the mean of its squares: the biased variance."""
    count = math.prod(x.shape[axis] for axis in axes)
    mean = total(x, axes) / count
    # Squares of differences: the mean of squares less the squared mean would cancel.
    rest: Array = np.subtract(x, mean, out=out)
    variance = total(rest, axes, rest) / count
    if saved is not None:
        saved.update(mean=mean, variance=variance)
    return mean, rest, variance


def centred_again(
    x: Array, axes: tuple[int, ...], saved: Saved | None
) -> tuple[Array, Array, Array]:
    """What `centred` gives, from what has been saved of it if anything has."""
    if not saved:
        return centred(x, axes)
    return saved["mean"], x - saved["mean"], saved["variance"]


def projected(cotangent: Array, centred: Array, slope: Array, level: Array, scale: Array) -> Array:
    """``scale (cotangent - level - slope centred)``, written over `centred`."""
    centred *= -slope
    centred += cotangent
    centred -= level
    centred *= scale
    return centred

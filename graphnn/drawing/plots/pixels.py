"""Arrays as images: their layout, their grey scale, and how one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def read_images(images: ArrayLike) -> Array:
    """Images as a stack [n, h, w] or [n, h, w, 3].

    Parameters
    ----------
    images : array_like, shape [n, h, w], [n, h, w, 1 or 3] or [n, 1 or 3, h, w]
        Where both the second and the last axis could be the channels, the last one is.

    Raises
    ------
    DrawingError
        They have another shape, no pixels, or values that are not numbers.
    """
    array = np.asarray(images)
    if array.dtype.kind not in "buif":
        raise bad_data(f"images cannot be made of {array.dtype} values")
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3):
        if 0 in array.shape[1:]:
            raise bad_data(f"images of shape {array.shape} have no pixels")
        return array.astype(np.float64) if array.dtype.kind == "f" else array
    raise bad_data(
        f"an array of shape {array.shape} is not a stack of images",
        "images are [n, h, w], [n, h, w, 3] or [n, 3, h, w]; reshape flat ones first",
    )


def scale_of(pictures: Array) -> tuple[float, float]:
    """The two values that are drawn black and white.

    Integers count from 0 to 255, floats from 0 to 1; when a value lies outside, both count
    from the smallest to the largest.
    """
    if pictures.dtype.kind == "b":
        return 0.0, 1.0
    finite = pictures[np.isfinite(pictures)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    full = 255.0 if pictures.dtype.kind in "ui" else 1.0
    if low >= 0 and high <= full:
        return 0.0, full
    return low, high if high / 2 > low / 2 else low + 1.0


def show_image(
    axes: Axes,
    picture: Array,
    scale: tuple[float, float],
    ink: bool,
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """Draw one of `read_images` into `axes`.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    picture : ndarray, shape [h, w] or [h, w, 3]
    scale : tuple of float
        As `scale_of` gives it.
    ink : bool
        Draw high grey values dark, as ink on paper, in a thin frame.
    extent : tuple of float, optional
        Left, right, bottom and top in the axes; by default a pixel is a unit.
    """
    low, high = scale
    if picture.ndim == 3 or picture.dtype.kind == "f":
        # halved first: a span of two huge values would overflow
        picture = (picture / 2 - low / 2) / (high / 2 - low / 2)
        low, high = 0.0, 1.0
    if picture.ndim == 3:
        picture = np.clip(np.nan_to_num(picture, nan=0.5), low, high)
    axes.imshow(
        picture,
        cmap="gray_r" if ink else "gray",
        vmin=low,
        vmax=high,
        extent=extent,
        interpolation="nearest",
    )
    if ink and extent is not None:
        left, right, bottom, top = extent
        corners = [left, right, right, left, left], [top, top, bottom, bottom, top]
        axes.plot(*corners, color=style.PALE, linewidth=0.6)

"""Sheets of the filters of a convolution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from graphnn.drawing.render import fail
from graphnn.drawing.sheets import image_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def filters(
    weight: ArrayLike,
    *,
    columns: int | None = None,
    limit: int = 100,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """The filters of a convolution as images, all on one scale: grey is 0, white is positive.

    Parameters
    ----------
    weight : array_like, shape [filters, 1 or 3, height, width]
        What `conv2d` calls its weight. The entry furthest from 0 is black or white.
    columns, limit, title, path
        As in `image_sheet`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError
        The filters see another number of channels than 1 or 3, or as in `image_sheet`.
    FileError
        The file cannot be written.
    """
    array = np.asarray(weight)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or array.dtype.kind not in "buif":
        raise fail(
            "bad-picture-data",
            f"an array of shape {array.shape} is not filters that can be seen",
            "filters are [filters, 1 or 3, height, width]: those of a first layer",
        )
    values = array.astype(np.float64)
    finite = np.abs(values[np.isfinite(values)])
    extreme = (finite.max() if finite.size else 0.0) or 1.0
    pictures = np.moveaxis(values / extreme / 2 + 0.5, 1, 3)
    return image_sheet(pictures, columns=columns, limit=limit, title=title, path=path)

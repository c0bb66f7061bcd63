"""Sheets of the filters of a convolution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style
from graphnn.drawing.plots.sheets import stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def filters(
    weight: ArrayLike,
    *,
    columns: int | None = None,
    limit: int = 100,
    before: ArrayLike | None = None,
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
    before : array_like, optional
        The same filters before training, which then stand above, on the same scale.

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
    style.check_path(path)
    sheets = {title or "": weight}
    if before is not None:
        sheets = {"before training": before, title or "after training": weight}
    arrays = {heading: _checked(array) for heading, array in sheets.items()}
    finite = [np.abs(array[np.isfinite(array)]) for array in arrays.values()]
    extreme = max((each.max() for each in finite if each.size), default=0.0) or 1.0
    pictures = {
        heading: np.moveaxis(array / extreme / 2 + 0.5, 1, 3) for heading, array in arrays.items()
    }
    with style.styled():
        return style.finish(stacked(pictures, columns, limit), path)


def _checked(weight: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(weight)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or array.dtype.kind not in "buif":
        raise bad_data(
            f"an array of shape {array.shape} is not filters that can be seen",
            "filters are [filters, 1 or 3, height, width]: those of a first layer",
        )
    return array.astype(np.float64)

"""An image with points scattered over it: where they are and where they were predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style
from graphnn.drawing.plots.pixels import read_images, scale_of, show_image
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def image_with_points(
    image: ArrayLike,
    points: ArrayLike,
    *,
    predicted: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """An image with points scattered over it: where they are and where they were predicted.

    Parameters
    ----------
    image : array_like, shape [h, w], [h, w, 1 or 3] or [1 or 3, h, w]
        As one image of `image_sheet`.
    points : array_like, shape [k, 2]
        True points as x, y in pixels; (0, 0) is the centre of the pixel at the top left. A
        point with a value that is not finite is not shown.
    predicted : array_like, shape [k, 2], optional
        Predicted points, each joined to its true one by a line.
    names : sequence of str, shape [k], optional
        What to write at each true point.
    title : str, optional
    path : str or Path, optional
        Where to save the picture: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError, FileError
        As in `image_sheet`.
    """
    style.check_path(path)
    picture = read_images(np.asarray(image)[None])[0]
    true = _points(points, "points")
    guess = None if predicted is None else _points(predicted, "predicted points")
    for what, count in (
        ("predicted points", None if guess is None else len(guess)),
        ("names", None if names is None else len(names)),
    ):
        if count is not None and count != len(true):
            raise bad_data(f"there are {count} {what} for {len(true)} points")
    with style.styled():
        figure = style.new_figure(
            *_canvas(picture, bool(title) + (guess is not None)), layout="constrained"
        )
        axes = figure.add_subplot()
        axes.set_axis_off()
        show_image(axes, picture, scale_of(picture), ink=False)
        _frame(axes, picture, true if guess is None else np.vstack([true, guess]))
        _scatter(axes, picture, true, guess)
        _annotate(axes, true, names, picture.shape[1])
        if title:
            axes.set_title(style.shown(title))
        return style.finish(figure, path)


def _points(points: ArrayLike, what: str) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise bad_data(
            f"{what} of shape {array.shape} are not pairs of x and y",
            "points are [k, 2]; reshape flat ones first",
        )
    return array


def _canvas(picture: Array, around: int) -> tuple[float, float]:
    """Width and height in inches of a figure for one image with lines of text around it."""
    high, wide = picture.shape[:2]
    longest = max(high, wide)
    return max(4.0 * wide / longest, 2.6), max(4.0 * high / longest, 1.2) + 0.28 * around


def _frame(axes: Axes, picture: Array, points: NDArray[np.float64]) -> None:
    """Show the points that lie beside the image too, unless they are far off."""
    high, wide = picture.shape[:2]
    near = points[~_far(points, picture) & np.isfinite(points).all(axis=1)]
    room = 0.03 * max(high, wide)  # for the whole of a marker
    near = np.vstack([near - room, near + room]) if _beside(near, picture) else near
    corners = np.vstack([near, [[-0.5, -0.5], [wide - 0.5, high - 0.5]]])
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _beside(points: NDArray[np.float64], picture: Array) -> bool:
    high, wide = picture.shape[:2]
    return bool(((points < -0.5) | (points > [wide - 0.5, high - 0.5])).any())


def _far(points: NDArray[np.float64], picture: Array) -> NDArray[np.bool_]:
    """Which points lie more than half an image beside the image."""
    high, wide = picture.shape[:2]
    beside = np.abs(points - [wide / 2, high / 2]) > [wide, high]
    return np.asarray(beside.any(axis=1))


def _scatter(
    axes: Axes,
    picture: Array,
    true: NDArray[np.float64],
    guess: NDArray[np.float64] | None,
) -> None:
    from matplotlib.patheffects import withStroke

    _mark(axes, true, "true", style.SKY, "o", _far(true, picture))
    if guess is None:
        return
    rim = [withStroke(linewidth=2.2, foreground=style.INK)]
    for start, end in zip(true, guess, strict=True):
        across, down = (start[0], end[0]), (start[1], end[1])
        axes.plot(across, down, color="white", linewidth=1.0, path_effects=rim)
    _mark(axes, guess, "predicted", style.VERMILLION, "X", _far(guess, picture))
    axes.figure.legend(loc="outside lower center", ncols=2)


def _mark(
    axes: Axes,
    points: NDArray[np.float64],
    label: str,
    color: str,
    marker: str,
    far: NDArray[np.bool_],
) -> None:
    axes.scatter(
        points[:, 0],
        points[:, 1],
        s=44,
        c=color,
        marker=marker,
        label=f"{label} ({far.sum()} far outside)" if far.any() else label,
        zorder=3,
        edgecolors="white",
        linewidths=0.9,
        clip_on=bool(far.any()),
    )


def _annotate(
    axes: Axes, points: NDArray[np.float64], names: Sequence[str] | None, width: int
) -> None:
    from matplotlib.patheffects import withStroke

    for (x, y), name in zip(points, names or [], strict=False):
        if not (math.isfinite(x) and math.isfinite(y)):
            continue
        inwards = x > 0.75 * width
        axes.annotate(
            style.shown(name),
            (x, y),
            xytext=(-6 if inwards else 6, 0),
            textcoords="offset points",
            ha="right" if inwards else "left",
            va="center",
            color="white",
            fontsize=style.SMALL_SIZE,
            path_effects=[withStroke(linewidth=2.0, foreground=style.INK)],
        )

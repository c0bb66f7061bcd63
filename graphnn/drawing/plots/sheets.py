"""Sheets of images with their labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from graphnn.drawing._formats import fail
from graphnn.drawing.plots import style
from graphnn.drawing.plots.pixels import read_images, scale_of, show_image
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Texts = Sequence[tuple[str, str]]  # (text, colour), one below the other

_CELL = 0.86  # inches, the longer side of an image on a sheet
_GAP = 0.12
_MARGIN = 0.22
_TITLE_ROOM = 0.34
_LINE = 0.145  # inches, a line of label
_LABEL_SIZE = 8.5


def image_sheet(
    images: ArrayLike,
    labels: Sequence[object] | None = None,
    *,
    columns: int | None = None,
    limit: int = 100,
    ink: bool = False,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Images side by side, each with its label below.

    Parameters
    ----------
    images : array_like, shape [n, h, w], [n, h, w, 1 or 3] or [n, 1 or 3, h, w]
        Grey values or colours: integers from 0 to 255 or floats from 0 to 1 when none lies
        outside, else whatever values from the smallest to the largest. Where both the second
        and the last axis could be the channels, the last one is.
    labels : sequence, shape [n], optional
        What to write below each image.
    columns : int, optional
        Images in a row; by default, what makes a sheet somewhat wider than high.
    limit : int
        Most images to show, one at least; the title says when there are more.
    ink : bool
        Draw high grey values dark, as ink on paper.
    title : str, optional
    path : str or Path, optional
        Where to save the sheet: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes whose `images` are those shown, in order.

    Raises
    ------
    DrawingError
        The arrays do not fit, the format is unknown, or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    pictures = read_images(images)
    if labels is not None and len(labels) != len(pictures):
        raise fail(
            "bad-picture-data", f"there are {len(labels):,} labels for {len(pictures):,} images"
        )
    limit = max(limit, 1)
    shown = range(min(len(pictures), limit))
    texts = [[(str(labels[i]), style.INK)] if labels is not None else [] for i in shown]
    heading = _heading(title or "", len(pictures), limit)
    with style.styled():
        figure = _sheet(pictures[: len(shown)], texts, columns, heading, ink, "no images")
        return style.finish(figure, path)


def mistakes(
    images: ArrayLike,
    predicted: ArrayLike,
    actual: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    columns: int | None = None,
    limit: int = 40,
    ink: bool = True,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """A sheet of the images that were classified wrongly, with both labels.

    Parameters
    ----------
    images : array_like
        All images, right or wrong, as `image_sheet` takes them.
    predicted, actual : array_like of int, shape [n]
        The class that each was taken for, and the one it is.
    names : sequence of str, optional
        Names of the classes; their numbers by default.
    columns, limit, ink, path
        As in `image_sheet`.
    title : str, optional
        Instead of how many were wrong.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError, FileError
        As in `image_sheet`.
    """
    style.check_path(path)
    pictures = read_images(images)
    said, true = _classes(predicted, len(pictures)), _classes(actual, len(pictures))
    wrong = np.flatnonzero(said != true)
    shown = wrong[: max(limit, 1)]
    texts = [
        [
            (f"is {_name(int(true[i]), names)}", style.INK),
            (f"said {_name(int(said[i]), names)}", style.VERMILLION),
        ]
        for i in shown
    ]
    heading = title or _tally(len(wrong), len(pictures), len(shown))
    nothing = "every image was classified correctly" if len(pictures) else "no images"
    with style.styled():
        figure = _sheet(pictures[shown], texts, columns, heading, ink, nothing)
        return style.finish(figure, path)


def _classes(labels: ArrayLike, count: int) -> Array:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise fail(
            "bad-picture-data",
            f"labels of shape {array.shape} do not fit {count:,} images",
            "give one class number an image",
        )
    if array.size and array.dtype.kind not in "bui":
        raise fail("bad-picture-data", f"{array.dtype} values are not class numbers")
    return array.astype(np.int64)


def _name(label: int, names: Sequence[str] | None) -> str:
    if names is not None and 0 <= label < len(names):
        return names[label]
    return str(label)


def _tally(wrong: int, total: int, shown: int) -> str:
    tally = f"{wrong:,} of {total:,} wrong"
    return f"{tally}; first {shown:,} shown" if shown < wrong else tally


def reconstructions(
    images: ArrayLike,
    made: ArrayLike,
    *,
    columns: int = 10,
    limit: int = 30,
    ink: bool = True,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """A sheet of images, and below each what a network makes of it, all on one scale.

    Parameters
    ----------
    images, made : array_like
        As `image_sheet` takes them, both of one shape. What is made darker or lighter than any of
        the images is drawn as dark or light as they are.
    columns : int
        Images in a row.
    limit : int
        Most images to show, one at least; the title says when there are more.
    ink, title, path
        As in `image_sheet`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError, FileError
        As in `image_sheet`; or the shapes differ.
    """
    style.check_path(path)
    before, after = read_images(images), read_images(made)
    if before.shape != after.shape:
        message = f"images of shapes {before.shape} and {after.shape} differ"
        raise fail("bad-picture-data", message)
    limit = max(limit, 1)
    heading = _heading(title or "", len(before), limit)
    before, after = before[:limit], after[:limit]
    if before.size:
        after = np.clip(after, before.min(), before.max())
    columns = max(1, min(columns, len(before)))
    # Every second row of the sheet is for what was made of the images above.
    upper = [number + number // columns * columns for number in range(len(before))]
    places = [*upper, *(place + columns for place in upper)]
    pictures = np.concatenate([before, after])
    grid = _grid(pictures, [], columns, bool(heading))
    grid = replace(grid, rows=max(1, 2 * math.ceil(len(before) / columns)))
    texts: list[Texts] = [[]] * len(pictures)
    with style.styled():
        figure = style.new_figure(*grid.sheet)
        axes = figure.add_axes((0, 0, 1, 1))
        _fill(axes, grid, pictures, texts, heading, ink=ink, nothing="no images", places=places)
        return style.finish(figure, path)


def stacked(sheets: Mapping[str, ArrayLike], columns: int | None, limit: int) -> Figure:
    """Sheets of images by title, one below the other, each with its own axes."""
    limit = max(limit, 1)
    read = {title: read_images(images) for title, images in sheets.items()}
    parts = {_heading(title, len(each), limit): each[:limit] for title, each in read.items()}
    grids = [_grid(shown, [], columns, bool(title)) for title, shown in parts.items()]
    width, height = max(grid.sheet[0] for grid in grids), sum(grid.sheet[1] for grid in grids)
    figure = style.new_figure(width, height)
    top = height
    for (title, shown), grid in zip(parts.items(), grids, strict=True):
        top -= grid.sheet[1]
        place = (0, top / height, grid.sheet[0] / width, grid.sheet[1] / height)
        axes = figure.add_axes(place)
        _fill(axes, grid, shown, [[]] * len(shown), title, ink=False, nothing="no images")
    return figure


def _heading(title: str, count: int, limit: int) -> str:
    """`title`, with what is left out where that is so."""
    if count <= limit:
        return title
    cut = f"first {limit:,} of {count:,} shown"
    return f"{title} ({cut})" if title else cut


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where things are on a sheet, in inches from its top left corner."""

    columns: int
    rows: int
    width: float
    height: float
    label: float  # room below an image
    top: float  # room above the first row

    @property
    def sheet(self) -> tuple[float, float]:
        across = self.columns * (self.width + _GAP) - _GAP
        down = self.rows * (self.height + self.label + _GAP) - _GAP
        return max(across + 2 * _MARGIN, 3.2), down + self.top + _MARGIN

    def place(self, number: int) -> tuple[float, float]:
        row, column = divmod(number, self.columns)
        return (
            _MARGIN + column * (self.width + _GAP),
            self.top + row * (self.height + self.label + _GAP),
        )


def _sheet(
    pictures: Array,
    texts: Sequence[Texts],
    columns: int | None,
    title: str,
    ink: bool,
    nothing: str,
) -> Figure:
    grid = _grid(pictures, texts, columns, bool(title))
    figure = style.new_figure(*grid.sheet)
    axes = figure.add_axes((0, 0, 1, 1))
    _fill(axes, grid, pictures, texts, title, ink=ink, nothing=nothing)
    return figure


def _fill(
    axes: Axes,
    grid: _Grid,
    pictures: Array,
    texts: Sequence[Texts],
    title: str,
    *,
    ink: bool,
    nothing: str,
    places: Sequence[int] | None = None,
) -> None:
    """Draw a sheet into axes of its size; `places` number those of the pictures, if not all."""
    width, height = grid.sheet
    axes.set_axis_off()
    scale = scale_of(pictures)
    for number, picture in enumerate(pictures):
        x, y = grid.place(number if places is None else places[number])
        show_image(axes, picture, scale, ink, (x, x + grid.width, y + grid.height, y))
        _write(axes, texts[number], x + grid.width / 2, y + grid.height, grid.width + _GAP)
    if not len(pictures):
        axes.text(_MARGIN, height / 2 + 0.1, nothing, color=style.GREY, va="center")
    if title:
        title = style.shortened(style.shown(title), width - 2 * _MARGIN, style.TITLE_SIZE)
        axes.text(_MARGIN, 0.16, title, fontsize=style.TITLE_SIZE, va="top")
    # a unit of the axes is an inch, counted downwards
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")


def _grid(pictures: Array, texts: Sequence[Texts], columns: int | None, titled: bool) -> _Grid:
    count = max(len(pictures), 1)
    high, wide = pictures.shape[1:3]
    longest = max(high, wide)
    columns = min(columns or _columns(count), count)
    lines = max((sum(text.count("\n") + 1 for text, _ in each) for each in texts), default=0)
    return _Grid(
        columns=max(columns, 1),
        rows=math.ceil(count / max(columns, 1)),
        # a sliver of an image would be too thin to see
        width=_CELL * max(wide / longest, 0.1),
        height=_CELL * max(high / longest, 0.1) if len(pictures) else 0.4,
        label=lines * _LINE + 0.06 if lines else 0.0,
        top=_MARGIN + (_TITLE_ROOM if titled else 0.0),
    )


def _columns(count: int) -> int:
    return count if count <= 5 else min(10, math.ceil(math.sqrt(1.6 * count)))


def _write(axes: Axes, texts: Texts, x: float, y: float, width: float) -> None:
    y += _LINE + 0.01
    for text, color in texts:
        # a line at a time by its baseline: tall signs leave the others where they are
        for line in style.shortened(style.shown(text), width, _LABEL_SIZE).split("\n"):
            axes.text(x, y, line, color=color, fontsize=_LABEL_SIZE, ha="center", va="baseline")
            y += _LINE

"""Sheets of images with their labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np
from numpy.typing import ArrayLike

from graphnn.diagnostics import UsageError, is_whole, listed
from graphnn.drawing._formats import bad_data
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


class SheetOptions(TypedDict, total=False):
    """Options of image sheets.

    Attributes
    ----------
    columns : int, optional
        Images in a row; by default, what makes a sheet somewhat wider than high.
    limit : int
        Most images to show, one at least; the title says when there are more. By default 100 of a
        sheet, 40 mistakes, and 30 reconstructions.
    ink : bool
        Draw high grey values dark, as ink on paper. By default not so on a plain sheet.
    title : str, optional
    path : str or Path, optional
        Where to save the sheet: .png, .svg or .pdf.
    """

    columns: int | None
    limit: int
    ink: bool
    title: str | None
    path: str | Path | None


_PLAIN = SheetOptions(columns=None, limit=100, ink=False, title=None, path=None)


def image_sheet(
    images: ArrayLike, labels: Sequence[object] | None = None, **options: Unpack[SheetOptions]
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
    **options
        `columns`, `limit`, `ink`, `title` and `path`, as in `SheetOptions`.

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
    chosen = _chosen(options)
    pictures = read_images(images)
    if labels is not None and len(labels) != len(pictures):
        raise bad_data(f"there are {len(labels):,} labels for {len(pictures):,} images")
    shown = range(min(len(pictures), chosen["limit"]))
    texts = [[(str(labels[i]), style.INK)] if labels is not None else [] for i in shown]
    heading = _heading(chosen["title"] or "", len(pictures), chosen["limit"])
    sheet = _Sheet(pictures[: len(shown)], texts, chosen["columns"], heading, chosen["ink"])
    return sheet.saved(chosen["path"])


def mistakes(
    images: ArrayLike,
    predicted: ArrayLike,
    actual: ArrayLike,
    confidence: ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    **options: Unpack[SheetOptions],
) -> Figure:
    """A sheet of the images that were classified wrongly, with both labels.

    Parameters
    ----------
    images : array_like
        All images, right or wrong, as `image_sheet` takes them.
    predicted, actual : array_like of int, shape [n]
        The class that each was taken for, and the one it is.
    confidence : array_like, shape [n], optional
        The probability that each was given of the class it was taken for. The most confident
        mistakes come first, since they say most of a network or of the labels.
    names : sequence of str, optional
        Names of the classes; their numbers by default.
    **options
        As in `image_sheet`; the title is by default how many were wrong.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError, FileError
        As in `image_sheet`.
    """
    chosen = _chosen(options, limit=40, ink=True)
    pictures = read_images(images)
    said, true = _classes(predicted, len(pictures)), _classes(actual, len(pictures))
    wrong = np.flatnonzero(said != true)
    sure = None if confidence is None else _confidence(confidence, len(pictures))
    if sure is not None:
        wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    shown = wrong[: chosen["limit"]]
    texts = [
        [
            (f"is {_name(int(true[i]), names)}", style.INK),
            (f"said {_name(int(said[i]), names)}", style.VERMILLION),
            *([] if sure is None else [(f"at {sure[i]:.0%}", style.VERMILLION)]),
        ]
        for i in shown
    ]
    heading = chosen["title"] or _tally(len(wrong), len(pictures), len(shown))
    nothing = "every image was classified correctly" if len(pictures) else "no images"
    sheet = _Sheet(pictures[shown], texts, chosen["columns"], heading, chosen["ink"], nothing)
    return sheet.saved(chosen["path"])


def _classes(labels: ArrayLike, count: int) -> Array:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise bad_data(
            f"labels of shape {array.shape} do not fit {count:,} images",
            "give one class number an image",
        )
    if array.size and array.dtype.kind not in "bui":
        raise bad_data(f"{array.dtype} values are not class numbers")
    return array.astype(np.int64)


def _confidence(given: ArrayLike, count: int) -> Array:
    array = np.asarray(given, np.float64)
    if array.shape != (count,):
        raise bad_data(
            f"confidence of shape {array.shape} does not fit {count:,} images",
            "give one probability an image",
        )
    return array


def _name(label: int, names: Sequence[str] | None) -> str:
    if names is not None and 0 <= label < len(names):
        return names[label]
    return str(label)


def _tally(wrong: int, total: int, shown: int) -> str:
    tally = f"{wrong:,} of {total:,} wrong"
    return f"{tally}; first {shown:,} shown" if shown < wrong else tally


def reconstructions(images: ArrayLike, made: ArrayLike, **options: Unpack[SheetOptions]) -> Figure:
    """A sheet of images, and below each what a network makes of it, all on one scale.

    Parameters
    ----------
    images, made : array_like
        As `image_sheet` takes them, both of one shape. What is made darker or lighter than any of
        the images is drawn as dark or light as they are.
    **options
        As in `image_sheet`; there are 10 columns by default.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError, FileError
        As in `image_sheet`; or the shapes differ.
    """
    chosen = _chosen(options, columns=10, limit=30, ink=True)
    before, after = read_images(images), read_images(made)
    if before.shape != after.shape:
        message = f"images of shapes {before.shape} and {after.shape} differ"
        raise bad_data(message)
    heading = _heading(chosen["title"] or "", len(before), chosen["limit"])
    before, after = before[: chosen["limit"]], after[: chosen["limit"]]
    if before.size:
        after = np.clip(after, before.min(), before.max())
    columns = max(1, min(chosen["columns"] or _columns(len(before)), len(before)))
    # Every second row of the sheet is for what was made of the images above.
    upper = [number + number // columns * columns for number in range(len(before))]
    places = [*upper, *(place + columns for place in upper)]
    pictures = np.concatenate([before, after])
    sheet = _Sheet(pictures, (), columns, heading, chosen["ink"], places=places)
    return sheet.saved(chosen["path"])


def stacked(sheets: Mapping[str, ArrayLike], columns: int | None, limit: int) -> Figure:
    """Sheets of images by title, one below the other, each with its own axes."""
    limit = max(limit, 1)
    read = {title: read_images(images) for title, images in sheets.items()}
    parts = [
        _Sheet(each[:limit], (), columns, _heading(title, len(each), limit))
        for title, each in read.items()
    ]
    width = max(part.grid.sheet[0] for part in parts)
    top = height = sum(part.grid.sheet[1] for part in parts)
    figure = style.new_figure(width, height)
    for part in parts:
        wide, high = part.grid.sheet
        top -= high
        part.fill(figure.add_axes((0, top / height, wide / width, high / height)))
    return figure


def _chosen(given: SheetOptions, **defaults: Unpack[SheetOptions]) -> SheetOptions:
    """All options, those `given` above the defaults; the path is one that can be written."""
    if unknown := given.keys() - _PLAIN.keys():
        raise TypeError(f"sheets have no option {listed(map(repr, sorted(unknown)))}")
    chosen = _PLAIN | defaults | given
    style.check_path(chosen["path"])
    for name in ("columns", "limit"):
        if chosen[name] is not None and not is_whole(chosen[name]):
            message = f"'{name}' must be a whole number, not {chosen[name]!r}"
            raise UsageError.of("bad-option", message)
    chosen["limit"] = max(chosen["limit"], 1)
    return chosen


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


@dataclass(frozen=True)
class _Sheet:
    """Images with words below them and a heading.

    Attributes
    ----------
    pictures : ndarray
    texts : sequence of Texts
        What stands below each; nothing where it is empty.
    columns : int or None
    heading : str
    ink : bool
    nothing : str
        What stands in place of no pictures.
    places : sequence of int or None
        Numbers of their places, row by row, where not all are taken.
    """

    pictures: Array
    texts: Sequence[Texts]
    columns: int | None
    heading: str
    ink: bool = False
    nothing: str = "no images"
    places: Sequence[int] | None = None

    @cached_property
    def grid(self) -> _Grid:
        """The cells of the sheet."""
        count = max(len(self.pictures), 1)
        high, wide = self.pictures.shape[1:3]
        longest = max(high, wide)
        columns = max(1, min(self.columns or _columns(count), count))
        lines = (sum(text.count("\n") + 1 for text, _ in each) for each in self.texts)
        below = max(lines, default=0)
        return _Grid(
            columns=columns,
            rows=1 + max(self.places or [count - 1]) // columns,
            # a sliver of an image would be too thin to see
            width=_CELL * max(wide / longest, 0.1),
            height=_CELL * max(high / longest, 0.1) if len(self.pictures) else 0.4,
            label=below * _LINE + 0.06 if below else 0.0,
            top=_MARGIN + (_TITLE_ROOM if self.heading else 0.0),
        )

    def saved(self, path: str | Path | None) -> Figure:
        """The sheet as a figure of its size, written to a file where one is chosen."""
        with style.styled():
            figure = style.new_figure(*self.grid.sheet)
            self.fill(figure.add_axes((0, 0, 1, 1)))
            return style.finish(figure, path)

    def fill(self, axes: Axes) -> None:
        """Draw into axes of the size of the sheet."""
        grid, (width, height) = self.grid, self.grid.sheet
        axes.set_axis_off()
        scale = scale_of(self.pictures)
        for number, picture in enumerate(self.pictures):
            x, y = grid.place(number if self.places is None else self.places[number])
            show_image(axes, picture, scale, self.ink, (x, x + grid.width, y + grid.height, y))
            if self.texts:
                middle, low = x + grid.width / 2, y + grid.height
                _write(axes, self.texts[number], middle, low, grid.width + _GAP)
        if not len(self.pictures):
            axes.text(_MARGIN, height / 2 + 0.1, self.nothing, color=style.GREY, va="center")
        if self.heading:
            shown, room = style.shown(self.heading), width - 2 * _MARGIN
            title = style.shortened(shown, room, style.TITLE_SIZE)
            axes.text(_MARGIN, 0.16, title, fontsize=style.TITLE_SIZE, va="top")
        # a unit of the axes is an inch, counted downwards
        axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")


def _columns(count: int) -> int:
    return count if count <= 5 else min(10, math.ceil(math.sqrt(1.6 * count)))


def _write(axes: Axes, texts: Texts, x: float, y: float, width: float) -> None:
    y += _LINE + 0.01
    for text, color in texts:
        # a line at a time by its baseline: tall signs leave the others where they are
        for line in style.shortened(style.shown(text), width, _LABEL_SIZE).split("\n"):
            axes.text(x, y, line, color=color, fontsize=_LABEL_SIZE, ha="center", va="baseline")
            y += _LINE

"""The confusion matrix of a classifier as a sheet of counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL = 0.42  # inches
_LEGIBLE = 30  # with more classes, counts are too many to read
_LARGEST = 12.0  # inches, of the matrix on the page
_LETTER = 0.075  # inches that a label needs for each
_NARROWEST = 2.8  # inches, so that the title fits
_DARK = 0.55  # share of a class from which on its cell takes white text


def confusion(
    counts: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """How often each class was taken for each: the counts, shaded by their share of the row.

    At the right stands the recall of each class, the share of its rows that was recognised.

    Parameters
    ----------
    counts : array_like of int, shape (classes, classes)
        A row a true class, a column a predicted one.
    names : sequence of str, optional
        Of the classes; their numbers by default.
    title : str, optional
        Instead of how many were right.
    path : str or Path, optional
        Where to save the picture: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError
        The counts are not a square of whole numbers, the format is unknown, or matplotlib is
        missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    table = _square(counts)
    right, total = int(np.trace(table)), int(table.sum())
    rows = table.sum(axis=1, keepdims=True)
    shares = table / np.maximum(rows, 1)
    side = min(max(len(table) * _CELL, 1.6), _LARGEST)
    with style.styled():
        from matplotlib.colors import LinearSegmentedColormap

        labels = [style.shown(_name(i, names)) for i in range(len(table))]
        room = _LETTER * max(map(len, labels))
        width = max(side + room + 1.3, _NARROWEST)
        figure = style.new_figure(width, side + room + 0.9, layout="constrained")
        axes = figure.subplots()
        shades = LinearSegmentedColormap.from_list("share", ["white", style.BLUE])
        axes.imshow(shares, cmap=shades, vmin=0, vmax=1)
        heading = style.shown(title or f"{right:,} of {total:,} right")
        figure.suptitle(heading, x=0.02, ha="left")
        _label(axes, labels, _recalls(shares, rows))
        if len(table) <= _LEGIBLE:
            _write(axes, table, shares)
        return style.finish(figure, path)


def _square(counts: ArrayLike) -> NDArray[np.int64]:
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise bad_data(
            f"counts of shape {table.shape} are not a confusion matrix",
            "give one row and one column a class",
        )
    if table.dtype.kind not in "ui" or table.min() < 0:
        raise bad_data("a confusion matrix holds whole numbers that count")
    return table.astype(np.int64)


def _name(label: int, names: Sequence[str] | None) -> str:
    name = names[label] if names is not None and label < len(names) else str(label)
    return style.shortened(name, 1.0, style.SMALL_SIZE)


def _recalls(shares: NDArray[np.float64], rows: NDArray[np.int64]) -> list[str]:
    """The recall of each class; nothing for one without rows."""
    pairs = zip(np.diag(shares), rows.ravel(), strict=True)
    return [f"{share:.0%}" if count else "" for share, count in pairs]


def _label(axes: Axes, labels: list[str], recalls: list[str]) -> None:
    every = -(-len(labels) // _LEGIBLE)
    places = range(0, len(labels), every)
    shown = [labels[place] for place in places]
    turned = 90 if max(map(len, shown)) > 4 else 0
    axes.set_xticks(places, shown, rotation=turned)
    axes.set_yticks(places, shown)
    axes.tick_params(length=0)
    axes.set(xlabel="predicted class", ylabel="true class")
    right = axes.secondary_yaxis("right")
    right.set_yticks(places, [recalls[place] for place in places])
    right.tick_params(length=0)
    right.set_ylabel("recall")
    axes.spines[:].set_visible(True)


def _write(axes: Axes, table: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(table):
        if count:
            color = "white" if shares[row, column] > _DARK else style.INK
            size = style.SMALL_SIZE if count < 10_000 else style.SMALL_SIZE - 2
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=size)

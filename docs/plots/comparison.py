"""Curves of several training runs side by side, on the same axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import suggestion
from graphnn.drawing._formats import fail
from graphnn.drawing.plots import history, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
History = Mapping[str, Sequence[float | None]]
Range = tuple[float, float]

_MOST = 1e300  # as far as an axis reaches
_WIDTH, _HEIGHT = 1.95, 1.75  # inches of a panel
_ROOM = 0.26  # right of the last epoch, of the whole axis, for the last values
_APART = 0.1  # of the height of a panel, between two values written there
_FOOT, _TOP = 0.04, 0.98  # of that height, the least and the most for a value
_FEW = 10  # points of a curve that are worth a marker each


def comparison(
    runs: Mapping[str, History],
    *,
    measures: Sequence[str] | None = None,
    limits: Mapping[str, Range] | None = None,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Loss and metrics of several runs, a column each, with the values of the last epoch.

    Parameters
    ----------
    runs : mapping of str to mapping of str to sequence
        The history of each run by its name, each as `curves` takes it.
    measures : sequence of str, optional
        What to draw, a row each; by default the loss and all metrics.
    limits : mapping of str to tuple of float, optional
        Least and largest value on the axis of a measure. By default the axes of a row reach from
        the least value in it to the largest.
    title : str, optional
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each measure and run, by rows; all have the same epochs, those of a row the
        same values.

    Raises
    ------
    DrawingError
        There is no run, no history has a measure, `limits` make no sense, the format is unknown,
        or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    table = {name: history.series_of(given) for name, given in runs.items()}
    rows = _rows(table, measures)
    _check(limits or {})
    with style.styled():
        figure = style.new_figure(
            _WIDTH * len(table) + 0.7,
            _HEIGHT * len(rows) + (0.9 if title else 0.6),
            layout="constrained",
        )
        grid = figure.subplots(len(rows), len(table), squeeze=False, sharex=True, sharey="row")
        for axes, name in zip(grid[0], table, strict=True):
            axes.set_title(_cut(name, _WIDTH), fontsize=style.TEXT_SIZE)
        for panels, measure in zip(grid, rows, strict=True):
            panels[0].set_ylabel(_cut(measure.replace("_", " "), _HEIGHT))
            for axes, series in zip(panels, table.values(), strict=True):
                _lines(axes, measure, series)
            if limits and measure in limits:
                panels[0].set_ylim(limits[measure])
            for axes, series in zip(panels, table.values(), strict=True):
                _ends(axes, measure, series)
        _epochs(list(grid[-1]), list(table.values()))
        _legend(figure)
        if title:
            figure.suptitle(style.shown(title), x=0.02, ha="left")
        return style.finish(figure, path)


def _rows(table: Mapping[str, Mapping[str, Array]], wanted: Sequence[str] | None) -> list[str]:
    if not table:
        raise fail("bad-picture-data", "there are no runs to compare")
    known = [name for series in table.values() for name in history.measured(series)]
    known = list(dict.fromkeys(known))
    for name in wanted or ():
        if name not in known:
            raise fail("bad-picture-data", f"no run has '{name}'", suggestion(name, known))
    return list(wanted or known)


def _check(limits: Mapping[str, Range]) -> None:
    for low, high in limits.values():
        if not -_MOST <= low < high <= _MOST:
            raise fail(
                "bad-picture-data",
                f"no axis reaches from {low:g} to {high:g}",
                "limits are finite, and the second is the larger one",
            )


def _cut(text: str, width: float) -> str:
    return style.shortened(style.shown(text), width, style.TEXT_SIZE)


def _lines(axes: Axes, measure: str, series: Mapping[str, Array]) -> None:
    epochs, found = history.lines_of(measure, series)
    for label, color, values in found:
        axes.plot(
            epochs[: len(values)],
            values,
            color=color,
            label=label,
            linewidth=1.3,
            **history.markers(values, _FEW),
        )
    if not any(np.isfinite(values).any() for _, _, values in found):
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=style.GREY)
    axes.grid(axis="y")


def _ends(axes: Axes, measure: str, series: Mapping[str, Array]) -> None:
    """Write the last value of each line beside it."""
    epochs, found = history.lines_of(measure, series)
    low, high = axes.get_ylim()
    ends = [
        (values[-1], epochs[len(values) - 1], color)
        for _, color, values in found
        if len(values) and np.isfinite(values[-1])
    ]
    ends.sort()
    heights = _apart([float((value - low) / (high - low)) for value, _, _ in ends])
    for height, (value, epoch, color) in zip(heights, ends, strict=True):
        axes.annotate(
            _number(value, high - low),
            (epoch, height),
            xycoords=axes.get_xaxis_transform(),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=color,
            fontsize=style.SMALL_SIZE,
        )


def _number(value: float, span: float) -> str:
    """`value` with as many digits as matter on an axis that is `span` long."""
    digits = 3 - round(math.log10(span))
    return f"{value:.{max(digits, 0)}f}" if -2 <= digits <= 6 else f"{value:.3g}"


def _apart(heights: list[float]) -> list[float]:
    """`heights`, which rise, moved within the panel so that they are `_APART` from one another."""
    moved: list[float] = []
    for number, height in enumerate(heights):
        least = moved[-1] + _APART if moved else _FOOT
        most = _TOP - _APART * (len(heights) - 1 - number)
        moved.append(min(max(height, least), most))
    return moved


def _epochs(row: list[Axes], table: list[dict[str, Array]]) -> None:
    """Give all panels the epochs of the longest run, and room for the last values."""
    from matplotlib.ticker import MaxNLocator

    spans = [history.lines_of(name, runs)[0] for runs in table for name in history.measured(runs)]
    every = np.concatenate([*spans, np.zeros(0)])
    if not len(every):
        return
    first, last = float(every.min()), float(every.max())
    across = max(last - first, 1.0) / (1 - _ROOM)
    ticks = MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]).tick_values(first, last)
    left = first - 0.02 * across
    for axes in row:
        axes.set_xlabel("epoch")
        axes.set_xlim(left, first + across)
        axes.set_xticks([tick for tick in ticks if left <= tick <= last])


def _legend(figure: Figure) -> None:
    lines = {str(line.get_label()): line for axes in figure.axes for line in axes.lines}
    if lines:
        order = [lines[name] for name in ("training", "validation") if name in lines]
        figure.legend(handles=order, loc="outside upper right", ncols=len(order))

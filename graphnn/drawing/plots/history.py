"""Curves of a training run: loss and metrics over the epochs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from graphnn.drawing.plots import style
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Line = tuple[str, str, Array]

_VALIDATION = "validation_"
_NOT_MEASURED = ("epoch", "seconds")  # columns of a history that are not curves
_PANELS_ACROSS = 3
_FEW = 30  # points of a curve that are worth a marker each
_MOST = 1e300  # a larger value is drawn as not finite: the axis would overflow
_BEST: dict[str, Any] = {"color": style.GREY, "linewidth": 1.0, "linestyle": (0, (1, 2))}
_DECADES = 2  # a loss that falls through more is drawn on a logarithmic axis


def curves(
    history: Mapping[str, Sequence[float | None]],
    *,
    test: Mapping[str, float] | None = None,
    best: int | None = None,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Loss and metrics over the epochs, each with its value on the validation data.

    Parameters
    ----------
    history : mapping of str to sequence
        One value an epoch: ``loss``, metrics such as ``accuracy``, and any of them with
        ``validation_`` before it. ``epoch`` may number the epochs; ``seconds`` is not drawn. A
        value that is None, not finite or above 1e300 leaves a gap.
    test : mapping of str to float, optional
        Values on the test data once training was over, by the same names.
    best : int, optional
        The best epoch, counted from 1, which a vertical line marks.
    title : str, optional
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for the loss, then one for each metric. The loss axis is logarithmic when its
        values span more than two decades and none is negative.

    Raises
    ------
    DrawingError
        The format is unknown, or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    series = series_of(history)
    measures = measured(series)
    across = min(len(measures), _PANELS_ACROSS)
    down = math.ceil(len(measures) / across)
    with style.styled():
        figure = style.new_figure(
            max(3.4 * across, 4.2), 2.7 * down + (0.3 if title else 0.0), layout="constrained"
        )
        for number, measure in enumerate(measures, start=1):
            axes = figure.add_subplot(down, across, number)
            level = _finite([(test or {}).get(measure)])[0]
            _panel(axes, measure, series, None if np.isnan(level) else float(level), best)
        if title:
            figure.suptitle(style.shown(title), x=0.02, ha="left")
        return style.finish(figure, path)


def series_of(history: Mapping[str, Sequence[float | None]]) -> dict[str, Array]:
    """The columns of a history as arrays, with NaN for what cannot be drawn."""
    return {name: _finite(values) for name, values in history.items()}


def _finite(values: Iterable[float | None]) -> Array:
    array = np.array([math.nan if value is None else value for value in values], np.float64)
    return np.where(np.abs(array) <= _MOST, array, np.nan)


def measured(series: Mapping[str, Array]) -> list[str]:
    """What there are curves of: the loss first, then the metrics in the order given."""
    names = [name.removeprefix(_VALIDATION) for name in series if name not in _NOT_MEASURED]
    return list(dict.fromkeys(["loss", *names]))


def lines_of(measure: str, series: Mapping[str, Array]) -> tuple[Array, list[Line]]:
    """The epochs of a history, and label, colour and values of each line of one measure."""
    found = [
        (label, color, series[name])
        for label, color, name in (
            ("training", style.BLUE, measure),
            ("validation", style.VERMILLION, _VALIDATION + measure),
        )
        if name in series
    ]
    longest = max((len(values) for _, _, values in found), default=0)
    epochs = series.get("epoch", np.empty(0))
    if len(epochs) < longest or not np.isfinite(epochs).all():
        epochs = np.arange(1.0, longest + 1)
    return epochs[:longest], found


def _panel(
    axes: Axes,
    measure: str,
    series: Mapping[str, Array],
    test: float | None,
    best: int | None,
) -> None:
    epochs, found = lines_of(measure, series)
    for label, color, values in found:
        axes.plot(epochs[: len(values)], values, color=color, label=label, **markers(values))
    if test is not None:
        axes.axhline(test, color=style.GREEN, linewidth=1.2, linestyle=(0, (4, 2)))
        axes.plot([], [], color=style.GREEN, linestyle=(0, (4, 2)), label=f"test {test:.4g}")
    if best is not None and 1 <= best <= len(epochs):
        axes.axvline(epochs[best - 1], **_BEST, label=f"best epoch {epochs[best - 1]:.0f}")
    axes.set_title(style.shown(measure.replace("_", " ")))
    together = np.concatenate([values for _, _, values in found] or [np.empty(0)])
    if np.isnan(together).all() and test is None:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no values", transform=axes.transAxes, ha="center", color=style.GREY)
        return
    _epoch_axis(axes, epochs)
    levels = [] if test is None else [test]
    _value_axis(axes, measure, np.append(together[~np.isnan(together)], levels))
    axes.legend(loc="best")


def markers(values: Array, few: int = _FEW) -> dict[str, Any]:
    """Marks on each point of a short curve; on a long one, where no line reaches the point."""
    if len(values) <= few:
        return {"marker": "o", "markersize": 3.0}
    gap = np.isnan(np.concatenate([[np.nan], values, [np.nan]]))
    alone = np.flatnonzero(~gap[1:-1] & gap[:-2] & gap[2:])
    return {"marker": "o", "markersize": 3.0, "markevery": alone.tolist()} if len(alone) else {}


def _epoch_axis(axes: Axes, epochs: Array) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    if len(set(epochs.tolist())) == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)


def _value_axis(axes: Axes, measure: str, values: Array) -> None:
    axes.grid(axis="y")
    positive = values[values > 0]
    if measure != "loss" or not len(positive) or (values < 0).any():
        return
    low, high = math.log10(positive.min()), math.log10(positive.max())
    if high - low > _DECADES:
        room = 0.05 * (high - low)
        low, high = max(low - room, -307.0), min(high + room, 308.0)
        axes.set_ylim(10.0**low, 10.0**high)
        axes.set_yscale("log")
        style.mark_decades(axes.yaxis, low, high, 6)

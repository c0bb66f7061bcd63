"""Pictures of a search: how each trial went, and what each setting is worth."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from graphnn.diagnostics import counted
from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import history, style
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_ACROSS = 3  # panels
_DECADES = 2  # positive values that span more are drawn on a logarithmic axis
_LABEL = 12  # letters of a line of a choice
_MINOR_PAD = 5.0  # points: minor ticks are shorter, and their labels to stand with the others
# Which steps between powers of ten have a label, where an axis spans fewer decades than this.
_BETWEEN = ((1.0, "235"), (1.7, "25"), (2.7, "3"))


def trial_curves(
    curves: Mapping[int, Sequence[float | None]],
    *,
    measure: str,
    best: int | None = None,
    path: str | Path | None = None,
) -> Figure:
    """A measure over the epochs of every trial, the best one in colour.

    Parameters
    ----------
    curves : mapping of int to sequence
        The values of each trial by its number; what is None or not finite leaves a gap.
    measure : str
        What the values are.
    best : int, optional
        Number of the best trial.
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        The axis of values is logarithmic when they are positive and span more than two decades.

    Raises
    ------
    DrawingError
        There are no curves, the format is unknown, or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    if not curves:
        raise bad_data("there are no trials to draw")
    series = {number: history.series_of({"": c})[""] for number, c in curves.items()}
    with style.styled():
        figure = style.new_figure(5.6, 3.4, layout="constrained")
        axes = figure.add_subplot()
        for number, values in series.items():
            if number != best:
                _line(axes, values, style.SKY, 1.0, counted(len(curves), "trial"), 0.75)
                _end(axes, values)
        if best in series:
            _line(axes, series[best], style.VERMILLION, 2.2, f"best, trial {best}", 1.0)
        axes.set_xlabel("epoch")
        _whole_ticks(axes.xaxis)
        longest = max(map(len, series.values()))
        axes.set_xlim(1 - 0.03 * longest, longest * 1.03)
        _name(axes, measure)
        _scale(axes, np.concatenate(list(series.values())))
        seen = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(seen.values(), seen.keys(), loc="outside upper right", ncols=2)
        return style.finish(figure, path)


def trial_values(
    settings: Mapping[str, Sequence[float | str]],
    results: Sequence[float],
    *,
    measure: str,
    log: Collection[str] = (),
    best: int | None = None,
    path: str | Path | None = None,
) -> Figure:
    """The result of trials against each setting, a panel each.

    Parameters
    ----------
    settings : mapping of str to sequence
        What each trial had, by the name of the setting. Where one is a text, all are choices.
    results : sequence of float
        What came of each.
    measure : str
        What the results are.
    log : collection of str
        Settings with a logarithmic axis; their values are positive.
    best : int, optional
        Index of the best trial.
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes a setting.

    Raises
    ------
    DrawingError
        There is nothing to draw, the format is unknown, or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    if not settings or not len(results):
        raise bad_data("there are no trials to draw")
    values = history.series_of({"": list(results)})[""]
    across = min(len(settings), _ACROSS)
    down = math.ceil(len(settings) / across)
    with style.styled():
        figure = style.new_figure(max(2.6 * across + 0.5, 3.4), 2.6 * down, layout="constrained")
        shared: Axes | None = None
        for number, (name, given) in enumerate(settings.items()):
            axes = figure.add_subplot(down, across, number + 1, sharey=shared)
            shared = shared or axes
            places = _places(axes, given, name in log)
            axes.scatter(places, values, s=16, color=style.BLUE, alpha=0.6, linewidths=0)
            if best is not None:
                axes.scatter(places[best], values[best], s=40, color=style.VERMILLION, zorder=3)
            axes.set_xlabel(style.shortened(style.shown(name), 2.4, style.TEXT_SIZE))
            if number % across == 0:
                _name(axes, measure)
            else:
                axes.tick_params(which="both", labelleft=False)
            axes.grid(visible=True, axis="y")
        assert shared is not None
        _scale(shared, values)
        return style.finish(figure, path)


def _line(axes: Axes, values: Array, color: str, width: float, label: str, alpha: float) -> None:
    epochs = np.arange(1, len(values) + 1)
    axes.plot(epochs, values, color=color, linewidth=width, label=label, alpha=alpha)


def _end(axes: Axes, values: Array) -> None:
    axes.plot(len(values), values[-1], marker="o", markersize=2.5, color=style.BLUE, alpha=0.6)


def _name(axes: Axes, measure: str) -> None:
    axes.set_ylabel(style.shortened(style.shown(measure.replace("_", " ")), 2.6, style.TEXT_SIZE))


def _places(axes: Axes, given: Sequence[float | str], log: bool) -> Array:
    """Where on its axis each value of a setting stands."""
    if any(isinstance(value, str) for value in given):
        names = sorted({str(value) for value in given}, key=_order)
        labels = _distinct_labels([style.shown(name) for name in names])
        axes.set_xticks(range(len(names)), labels)
        axes.set_xlim(-0.5, len(names) - 0.5)
        return np.array([names.index(str(value)) for value in given], np.float64)
    places = np.array([float(value) for value in given])
    if log:
        _decades(axes.xaxis, places)
    elif all(isinstance(value, int) for value in given):
        _whole_ticks(axes.xaxis)
    return places


def _distinct_labels(names: Sequence[str]) -> list[str]:
    """Labels of choices: of long ones the words in which they differ, a line each."""
    if all(len(name) <= _LABEL for name in names):
        return list(names)
    words = [re.findall(r"[^\s{}\[\],]*[^\s{}\[\],:]", name) or [name] for name in names]
    apart = _without_shared(words)
    if len(set(map(tuple, apart))) < len(names):
        apart = words
    labels = ["\n".join(map(_cut, each)) for each in apart]
    # What is the same even so is distinguished by its place.
    twice = {label for label in labels if labels.count(label) > 1}
    return [
        f"{number}: {label}" if label in twice else label for number, label in enumerate(labels, 1)
    ]


def _without_shared(words: Sequence[list[str]]) -> list[list[str]]:
    """Of each list the words that not all have, or else its first."""
    shared = set.intersection(*map(set, words)) if len(words) > 1 else set()
    return [[word for word in each if word not in shared] or each[:1] for each in words]


def _cut(word: str) -> str:
    """`word`, the middle left out of a long one."""
    if len(word) <= _LABEL:
        return word
    half = _LABEL // 2
    return f"{word[: half - 1]}…{word[-half:]}"


def _order(name: str) -> tuple[float, str]:
    """Choices that are numbers by their size, then the others by name."""
    try:
        return float(name), name
    except ValueError:
        return math.inf, name


def _scale(axes: Axes, values: Array) -> None:
    """Set the axis of values, logarithmic where that shows more."""
    axes.grid(visible=True, axis="y")
    finite = values[np.isfinite(values)]
    if len(finite) and (finite > 0).all() and finite.max() / finite.min() > 10**_DECADES:
        _decades(axes.yaxis, finite)


def _decades(axis: Axis, values: Iterable[float]) -> None:
    exponents = [math.log10(value) for value in values]
    low, high = min(exponents), max(exponents)
    room = max(0.06 * (high - low), 0.03)
    low, high = max(low - room, -307.0), min(high + room, 308.0)
    across = axis is axis.axes.xaxis
    scale, limits = ("xscale", "xlim") if across else ("yscale", "ylim")
    axis.axes.set(**{scale: "log", limits: (10.0**low, 10.0**high)})
    style.mark_decades(axis, low, high, 5)
    labelled = next((digits for span, digits in _BETWEEN if high - low < span), "")
    if labelled:
        # Too few powers of ten to read a value by.
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(
            lambda value, _: f"{value:g}" if f"{value:e}"[0] in labelled else ""
        )
        axis.set_tick_params(which="minor", pad=_MINOR_PAD)


def _whole_ticks(axis: Axis) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))

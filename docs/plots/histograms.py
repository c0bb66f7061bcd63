"""A grid of histograms: how values spread, such as activations from layer to layer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn.drawing._formats import fail
from graphnn.drawing.plots import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Range = tuple[float, float]

_MOST = 1e300  # a larger value counts as not finite: ranges and squares would overflow
_LEAST = 1e-290  # a smaller range cannot be cut into bins
_MOST_BINS = 10_000
_WIDTH, _HEIGHT = 1.3, 1.15  # inches of a panel
_HEADROOM = 1.6  # of the highest bar, for the words above


def histograms(
    values: Mapping[str, Mapping[str, ArrayLike]],
    *,
    limits: Range | None = None,
    top: float | None = None,
    bins: int = 30,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Histograms in a grid, each with the standard deviation of its values.

    Bars are as high as their share of all values of the panel, on one scale in each row.

    Parameters
    ----------
    values : mapping of str to mapping of str to array_like
        Rows by name, and in each the values of its panels by the name of their column; arrays of
        any shape. A column that a row lacks stays empty there. Values that are not finite, or
        above 1e300, are counted in words.
    limits : tuple of float, optional
        Least and largest value of the axes of all panels; what lies outside is written below. By
        default each panel reaches from its own least value to its largest.
    top : float, optional
        Share at which bars are cut off, so that low ones are seen beside them; what a cut bar, or
        several side by side, stands for is written below. By default none is cut.
    bins : int
        Bars of each panel.
    title : str, optional
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each row and column, by rows. Their bars stand between 0 and 1 across; the
        labels below tell the values there.

    Raises
    ------
    DrawingError
        There is nothing to draw, `limits`, `top` or `bins` make no sense, the format is unknown,
        or matplotlib is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    _check(limits, top, bins)
    grid = {row: {c: _flat(v) for c, v in panels.items()} for row, panels in values.items()}
    columns = list(dict.fromkeys(column for panels in grid.values() for column in panels))
    if not columns:
        raise fail("bad-picture-data", "there are no values to draw")
    with style.styled():
        figure = style.new_figure(
            max(_WIDTH * len(columns) + 0.5, 2.6),
            _HEIGHT * len(grid) + (0.6 if title else 0.3),
            layout="constrained",
        )
        panels = figure.subplots(len(grid), len(columns), squeeze=False, sharey="row")
        for axes_of_row, (name, row) in zip(panels, grid.items(), strict=True):
            axes_of_row[0].set_ylabel(_cut(name, _HEIGHT))
            shares = {column: _shares(row[column], limits, bins) for column in row}
            height = top or max((s.max() for s in shares.values()), default=0.0) or 1.0
            axes_of_row[0].set_ylim(0.0, _HEADROOM * height)
            for axes, column in zip(axes_of_row, columns, strict=True):
                axes.set(xlim=(0.0, 1.0), xticks=[], yticks=[])
                axes.spines["left"].set_visible(False)
                axes.spines["bottom"].set_visible(column in row)
                if column in row:
                    _draw(axes, row[column], limits)
                    _bars(axes, shares[column], height)
        for axes, column in zip(panels[0], columns, strict=True):
            axes.set_title(_cut(column, _WIDTH), fontsize=style.TEXT_SIZE, loc="center", pad=4)
        if title:
            figure.suptitle(style.shown(title), x=0.02, ha="left")
        return style.finish(figure, path)


def _check(limits: Range | None, top: float | None, bins: int) -> None:
    if limits is not None and not -_MOST <= limits[0] < limits[1] <= _MOST:
        message = f"no axis reaches from {limits[0]:g} to {limits[1]:g}"
        raise fail("bad-picture-data", message, "the second of two finite limits is larger")
    if top is not None and not 0 < top <= 1:
        raise fail(
            "bad-picture-data",
            f"bars cannot be cut off at {top:g}",
            "a share is above 0, at most 1",
        )
    if not 1 <= bins <= _MOST_BINS:
        message = f"a histogram cannot have {bins} bins"
        raise fail("bad-picture-data", message, f"it has 1 to {_MOST_BINS:,}")


def _flat(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64).ravel()


def _cut(text: str, width: float) -> str:
    return style.shortened(style.shown(text), width, style.TEXT_SIZE)


def _shares(values: Array, limits: Range | None, bins: int) -> Array:
    """The part of `values` in each bin."""
    finite = values[np.abs(values) <= _MOST]
    low, high = limits or _range(finite)
    counts, _ = np.histogram((finite - low) / (high - low), bins, range=(0.0, 1.0))
    return counts / max(len(values), 1)


def _draw(axes: Axes, values: Array, limits: Range | None) -> None:
    """Everything in a panel but the bars."""
    finite = values[np.abs(values) <= _MOST]
    low, high = limits or _range(finite)
    axes.set_xticks([0.0, 1.0], _ends(low, high))
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    _write(axes, 0.5, 0.98, _words(values, finite), ha="center", va="top", color=style.GREY)
    below, above = int((finite < low).sum()), int((finite > high).sum())
    if below:
        _write(axes, 0.0, 0.3, f"← {_percent(below / len(values))}", ha="left")
    if above:
        _write(axes, 1.0, 0.3, f"{_percent(above / len(values))} →", ha="right")


def _write(axes: Axes, x: float, y: float, words: str, **options: Any) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.5, foreground="white")]
    look = {"color": style.BLUE, "fontsize": style.SMALL_SIZE, "path_effects": halo}
    axes.text(x, y, words, transform=axes.transAxes, **{**look, **options})


def _bars(axes: Axes, shares: Array, top: float) -> None:
    edges = np.linspace(0.0, 1.0, len(shares) + 1)
    axes.stairs(np.minimum(shares, top), edges, fill=True, color=style.BLUE)
    for first, last in _runs(shares > top):
        middle = (edges[first] + edges[last]) / 2
        side = "left" if middle < 0.2 else "right" if middle > 0.8 else "center"
        place = {"left": edges[first], "right": edges[last], "center": middle}[side]
        words = _percent(float(shares[first:last].sum()))
        _write(axes, place, 1.04 / _HEADROOM, words, ha=side, va="bottom")


def _runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each unbroken run of what is chosen."""
    padded = np.concatenate([[False], chosen, [False]])
    turns = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(turns[::2], turns[1::2], strict=True))


def _range(finite: Array) -> Range:
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    size = max(abs(low), abs(high))
    # Values that are all the same, but for rounding, stand in the middle.
    if high - low <= max(1e-12 * size, _LEAST):
        half = 0.5 * size if size > _LEAST else 0.5
        return low - half, high + half
    return low, high


def _words(values: Array, finite: Array) -> str:
    lost = len(values) - len(finite)
    if not len(finite):
        return f"{lost:,} not finite" if lost else "no values"
    words = f"std {_number(_std(finite))}"
    return f"{words}, {lost:,} not finite" if lost else words


def _std(finite: Array) -> float:
    # Scaled, since squares overflow long before the values do.
    size = float(np.abs(finite).max())
    return size * float((finite / size).std()) if size > _LEAST else 0.0


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "< 1 %"


def _ends(low: float, high: float) -> list[str]:
    """Two numbers with as many digits as tell them apart, or the second as a distance."""
    for digits in (2, 3, 4):
        texts = [_number(low, digits), _number(high, digits)]
        if texts[0] != texts[1]:
            return texts
    return [_number(low), f"+{_number(high - low)}"]


def _number(value: float, digits: int = 2) -> str:
    """`value` rounded to so many digits, as people write it."""
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(power)
    if value == 0 or -4 <= exponent < 5:
        text = _trimmed(f"{float(f'{mantissa}e{power}'):,.{max(digits - 1 - exponent, 0)}f}")
    else:
        text = f"{_trimmed(mantissa)}×{style.power_of_ten(exponent)}"
    return text.replace("-", "\N{MINUS SIGN}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text

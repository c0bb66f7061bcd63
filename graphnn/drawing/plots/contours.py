"""The paths that optimizers take, over the contours of the function they minimise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from graphnn.diagnostics import counted
from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Surface = Callable[[Array, Array], ArrayLike]

_FEW_STEPS = 200  # steps of a path that are worth a dot each
_MESH = 201  # points a side at which a surface is evaluated
_LEVELS = 14
_LABEL_ROOM = 0.06  # of the view's side, between the label of a contour and a path
_LEGEND_COLUMNS = 3
_FAR = 1e90  # where a path that runs away leaves the view
_STEEP = 1e200  # heights above this are not drawn: matplotlib takes 1e250 for endless


def path_on_contours(
    function: Surface,
    points: ArrayLike | Mapping[str, ArrayLike],
    *,
    labels: tuple[str, str] = ("x0", "x1"),
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """The way of an optimizer, or of several, over the contours of what it minimises.

    Parameters
    ----------
    function : callable
        ``function(X, Y)`` gives the values at all pairs of two arrays, shape [m, m] each.
    points : array_like, shape [steps, 2], or mapping of str to such
        Where each path has been, from start to end.
    labels : tuple of two str
        Names of the axes.
    title : str, optional
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    DrawingError
        The points or the function's values do not fit, the format is unknown, or matplotlib
        is missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    paths = points if isinstance(points, Mapping) else {"": points}
    ways = {str(name): _way(way) for name, way in paths.items()}
    if not ways:
        raise bad_data("there is no path to draw")
    left, right, bottom, top = _window(np.vstack(list(ways.values())))
    mesh = np.meshgrid(np.linspace(left, right, _MESH), np.linspace(bottom, top, _MESH))
    with style.styled():
        heights = _heights(function, *mesh)
        figure, axes = _view(left, right, bottom, top, len(ways), bool(title))
        axes.set(xlim=(left, right), ylim=(bottom, top))
        axes.set_xlabel(style.shown(labels[0]))
        axes.set_ylabel(style.shown(labels[1]))
        _contours(axes, *mesh, heights, np.vstack(list(ways.values())))
        for (name, way), color in zip(ways.items(), _colors(len(ways)), strict=True):
            _draw_way(axes, name, way, color)
        _legend(figure, axes, len(ways))
        if title:
            axes.set_title(style.shown(title))
        return style.finish(figure, path)


def _way(points: ArrayLike) -> Array:
    way = np.asarray(points, dtype=np.float64)
    if way.ndim != 2 or way.shape[1] != 2 or not len(way):
        raise bad_data(
            f"a path of shape {way.shape} is not a list of points",
            "a path is [steps, 2] with at least one step",
        )
    return way


def _window(points: Array) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a view of all points that are finite."""
    finite = points[np.isfinite(points).all(axis=1)]
    finite = np.clip(finite if len(finite) else np.zeros((1, 2)), -_FAR, _FAR)
    low, high = finite.min(axis=0), finite.max(axis=0)
    span = high - low
    # neither side so thin that the contours cannot be seen
    span = np.maximum(span, 0.35 * span.max())
    span = np.where(span > 0, span, np.maximum(np.abs(low), 1.0))
    middle, half = (low + high) / 2, 0.62 * span
    (left, bottom), (right, top) = middle - half, middle + half
    return float(left), float(right), float(bottom), float(top)


def _view(
    left: float, right: float, bottom: float, top: float, paths: int, titled: bool
) -> tuple[Figure, Axes]:
    """A figure with one axes, where a step across is as long as a step up unless too far apart."""
    ratio = (right - left) / (top - bottom)
    ratio = ratio if 1 / 3 < ratio < 3 else 1.25
    width, height = (4.2, 4.2 / ratio) if ratio > 1 else (4.0 * ratio, 4.0)
    rows = math.ceil((paths + 2) / _LEGEND_COLUMNS)
    # room for words in inches
    beside, below, above = 0.7, 0.65 + 0.19 * rows, 0.4 if titled else 0.15
    whole = max(width + beside + 0.2, 3.6), height + below + above
    figure = style.new_figure(*whole)
    spare = whole[0] - width - beside - 0.2
    axes = figure.add_axes(
        (
            (beside + spare / 2) / whole[0],
            below / whole[1],
            width / whole[0],
            height / whole[1],
        )
    )
    return figure, axes


def _heights(function: Surface, across: Array, up: Array) -> np.ma.MaskedArray[Any, Any]:
    with np.errstate(all="ignore"):
        values = np.asarray(function(across, up), dtype=np.float64)
    if values.shape not in ((), across.shape):
        raise bad_data(
            f"the function gave values of shape {values.shape} at points of shape {across.shape}",
            "it must compute element by element",
        )
    values = np.broadcast_to(values, across.shape)
    heights: np.ma.MaskedArray[Any, Any] = np.ma.masked_where(
        ~(np.abs(values) < _STEEP), values, copy=True
    )
    return heights


def _contours(
    axes: Axes, across: Array, up: Array, heights: np.ma.MaskedArray[Any, Any], points: Array
) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    levels = _levels(heights.compressed())
    if len(levels) < 2:
        return
    # by level, not by value: a steep function would else be one colour
    shades = LinearSegmentedColormap.from_list("valley", ["#FFFFFF", "#C9DCEB"])
    colors = [shades(i / len(levels)) for i in range(len(levels) + 1)]
    axes.contourf(across, up, heights, levels=levels, colors=colors, extend="both")
    lines = axes.contour(
        across, up, heights, levels=levels, colors="#9DB7CB", linewidths=0.6, linestyles="solid"
    )
    places = _label_places(
        axes, [np.vstack(found) for found in lines.allsegs[1::3] if found], points
    )
    if places:
        axes.clabel(
            lines, fontsize=6.5, fmt=_height_label, colors=style.GREY, manual=places, inline=True
        )


def _label_places(axes: Axes, rings: Iterable[Array], points: Array) -> list[tuple[float, float]]:
    """For each contour the spot that is farthest from the paths and from other labels."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    corner, sides = np.array([left, bottom]), np.array([right - left, top - bottom])
    near = np.clip(points[np.isfinite(points).all(axis=1)], corner - sides, corner + 2 * sides)
    if not len(near):
        return []
    # along the lines too, not at the points alone
    taken = (np.vstack([near, (near[1:] + near[:-1]) / 2]) - corner) / sides
    taken = taken[:: math.ceil(len(taken) / 2000) or 1]
    places = []
    for ring in rings:
        spots = (ring - corner) / sides
        spots = spots[((spots > 0.08) & (spots < 0.92)).all(axis=1)][::4]
        if not len(spots):
            continue
        room = ((spots[:, None] - taken) ** 2).sum(axis=2).min(axis=1)
        if room.max() > _LABEL_ROOM**2:
            spot = spots[room.argmax()]
            taken = np.vstack([taken, spot])
            x, y = corner + spot * sides
            places.append((float(x), float(y)))
    return places


def _levels(values: Array) -> Array:
    """Heights of the contours, closer at the bottom where the function is much steeper above."""
    if not len(values) or not values.max() > values.min():
        return np.empty(0)
    low, high = float(values.min()), float(values.max())
    # equal steps of the square root: evenly spaced rings around a quadratic minimum
    shares = np.linspace(0.0, 1.0, _LEVELS + 2)[1:-1] ** 2
    levels = low + shares * (high - low)
    return np.unique(levels)


def _height_label(height: float) -> str:
    return f"{height:.3g}"


def _colors(count: int) -> list[str]:
    warm = (style.VERMILLION, style.BLUE, style.GREEN, style.ORANGE, style.PURPLE, style.INK)
    return [warm[i % len(warm)] for i in range(count)]


def _draw_way(axes: Axes, name: str, way: Array, color: str) -> None:
    from matplotlib.patheffects import withStroke

    label = style.shown(name) if name else f"path of {counted(len(way) - 1, 'step')}"
    halo = [withStroke(linewidth=2.8, foreground="white")]
    axes.plot(way[:, 0], way[:, 1], color=color, linewidth=1.3, label=label, path_effects=halo)
    if len(way) <= _FEW_STEPS:
        axes.plot(way[:, 0], way[:, 1], color=color, linestyle="", marker="o", markersize=3.0)
    ends = way[np.isfinite(way).all(axis=1)]
    if len(ends):
        axes.scatter(
            ends[:1, 0], ends[:1, 1], s=42, c="white", edgecolors=color, linewidths=1.5, zorder=4
        )
        axes.scatter(
            ends[-1:, 0], ends[-1:, 1], s=130, marker="*", c=color, edgecolors="white", zorder=5
        )


def _legend(figure: Figure, axes: Axes, paths: int) -> None:
    from matplotlib.lines import Line2D

    color = style.VERMILLION if paths == 1 else style.INK
    start = Line2D([], [], linestyle="", marker="o", markersize=6.5, label="start")
    start.set(markerfacecolor="white", markeredgecolor=color, markeredgewidth=1.5)
    end = Line2D([], [], linestyle="", marker="*", markersize=10, color=color, label="end")
    handles = [*axes.get_legend_handles_labels()[0], start, end]
    figure.legend(handles=handles, loc="lower center", ncols=_LEGEND_COLUMNS, columnspacing=1.4)

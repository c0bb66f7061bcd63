"""The step study: why a numerical derivative takes central differences and h = 1e-4."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphnn.diagnostics import counted
from graphnn.drawing._formats import bad_data
from graphnn.drawing.plots import style
from graphnn.ops import Array

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_GAP = 8.0  # decades without a step after which the axis is broken
_LEAST, _MOST = 1e-300, 1e300  # an error below is drawn as none, one above as not finite
_LOOKS = ((style.VERMILLION, "o", 5.5), (style.BLUE, "s", 3.6))  # colour, marker, its size


def step_study(
    steps: ArrayLike,
    forward: ArrayLike,
    central: ArrayLike,
    *,
    marked: float | None = 1e-4,
    title: str | None = None,
    path: str | Path | None = None,
) -> Figure:
    """The error of forward and central differences against the step h, both logarithmic.

    h falls from left to right. Steps far below the others, such as 1e-50, stand apart behind
    a break of the axis. An error of zero is drawn as a hollow triangle at the foot, one that
    is not finite as a cross at the top. The shaded side of the central difference's best step
    is where rounding rules its error, the other where truncation does.

    Parameters
    ----------
    steps : array_like, shape [n]
        Step sizes h, positive, in any order.
    forward, central : array_like, shape [n]
        Absolute errors of ``(f(x + h) - f(x)) / h`` and ``(f(x + h) - f(x - h)) / 2h``.
    marked : float, optional
        A step to mark by a line.
    title : str, optional
    path : str or Path, optional
        Where to save the plot: .png, .svg or .pdf.

    Returns
    -------
    matplotlib.figure.Figure
        One axes, and a second one where the axis of h is broken.

    Raises
    ------
    DrawingError
        The arrays do not fit, a step is not positive, the format is unknown, or matplotlib is
        missing.
    FileError
        The file cannot be written.
    """
    style.check_path(path)
    h, errors = _table(steps, forward, central)
    near, far = _split(h)
    with style.styled():
        figure = style.new_figure(6.4, 3.9, layout="constrained")
        ratios = (8.0 if far.sum() == 1 else 4.0, 1.0)[: 1 + far.any()]
        panels = figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios, squeeze=False)[0]
        limits = _limits(errors)
        for axes, chosen in zip(panels, (near, far), strict=False):
            _value_axis(axes, *limits)
            _step_axis(axes, h[chosen], apart=axes is not panels[0])
            for (name, error), look in zip(errors.items(), _LOOKS, strict=True):
                _draw(axes, h[chosen], error[chosen], name, look, limits)
        panels[0].set_ylabel("absolute error of the derivative")
        if len(panels) == 2:
            _break(panels[0], panels[1])
        _regions(panels[0], h[near], errors["central difference"][near])
        _mark_step(panels[0], h[near], marked)
        figure.supxlabel("step h", fontsize=style.TEXT_SIZE)
        _legend(figure, panels)
        if title:
            figure.suptitle(style.shown(title), x=0.02, ha="left")
        return style.finish(figure, path)


def _table(
    steps: ArrayLike, forward: ArrayLike, central: ArrayLike
) -> tuple[Array, dict[str, Array]]:
    """Steps from the largest to the smallest, with their errors."""
    h = np.asarray(steps, dtype=np.float64)
    if h.ndim != 1 or not len(h):
        raise bad_data(f"steps of shape {h.shape} are not a list of steps")
    if not (np.isfinite(h) & (h > 0)).all():
        wrong = h[~(np.isfinite(h) & (h > 0))][0]
        raise bad_data(f"a step of {wrong:g} cannot be drawn", "steps are positive")
    order = np.argsort(-h, kind="stable")
    errors = {}
    for name, given in (("forward difference", forward), ("central difference", central)):
        error = np.asarray(given, dtype=np.float64)
        if error.shape != h.shape:
            steps = counted(len(h), "step")
            raise bad_data(f"{name}: errors of shape {error.shape} do not fit {steps}")
        errors[name] = np.abs(error)[order]
    return h[order], errors


def _split(h: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The steps close to one another, and those far below them."""
    gaps = -np.diff(np.log10(h))
    wide = np.flatnonzero(gaps > _GAP)
    near = np.arange(len(h)) <= (wide[0] if len(wide) else len(h))
    return near, ~near


def _limits(errors: dict[str, Array]) -> tuple[float, float]:
    """Logarithms of the foot and the top, with a decade more for what has no place between."""
    values = np.concatenate(list(errors.values()))
    zero, beyond = values <= _LEAST, ~(values <= _MOST)
    proper = np.log10(values[~zero & ~beyond])
    if not len(proper):
        return -16.0, 1.0
    low, high = float(proper.min()), float(proper.max())
    return math.floor(low - 0.3) - bool(zero.any()), math.ceil(high + 0.3) + bool(beyond.any())


def _draw(
    axes: Axes,
    h: Array,
    error: Array,
    name: str,
    look: tuple[str, str, float],
    limits: tuple[float, float],
) -> None:
    color, marker, size = look
    zero, beyond = error <= _LEAST, ~(error <= _MOST)
    proper = np.where(zero | beyond, np.nan, error)
    axes.plot(h, proper, color=color, marker=marker, markersize=size, linewidth=1.4, label=name)
    floor, ceiling = 10.0 ** (limits[0] + 0.4), 10.0 ** (limits[1] - 0.4)
    for chosen, height, sign in ((zero, floor, "v"), (beyond, ceiling, "x")):
        if chosen.any():
            axes.plot(
                h[chosen],
                np.full(chosen.sum(), height),
                linestyle="",
                marker=sign,
                markersize=size + 1,
                markerfacecolor="white",
                markeredgecolor=color,
                clip_on=False,
                label="error 0" if sign == "v" else "not finite",
            )


def _step_axis(axes: Axes, h: Array, apart: bool) -> None:
    first, last = math.log10(h[0]), math.log10(h[-1])
    room = 0.6 + 0.05 * (first - last)  # decades, for the whole of a marker
    axes.set_xscale("log")
    # within what a float holds in full precision
    axes.set_xlim(10.0 ** min(first + room, 308.0), 10.0 ** max(last - room, -307.0))
    style.mark_decades(axes.xaxis, last - 0.01, first + 0.01, 10)
    axes.set_xticks([], minor=True)
    if apart:
        axes.set_xticks(sorted({h[0], h[-1]}))


def _value_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0**high)
    style.mark_decades(axes.yaxis, low, high, 9)
    axes.grid(axis="y")


def _break(left: Axes, right: Axes) -> None:
    """Slanted strokes where the axis of h leaves steps out."""
    right.spines["left"].set_visible(False)
    right.tick_params(axis="y", left=False, labelleft=False)
    stroke = [(-1.0, -1.4), (1.0, 1.4)]
    for axes, x in ((left, 1.0), (right, 0.0)):
        axes.plot(
            [x],
            [0.0],
            transform=axes.transAxes,
            marker=stroke,
            markersize=9,
            linestyle="",
            color=style.INK,
            markeredgewidth=0.9,
            clip_on=False,
        )


def _regions(axes: Axes, h: Array, central: Array) -> None:
    """Say on which side of the central difference's best step which of its errors rules."""
    proper = np.where((central > _LEAST) & (central <= _MOST), central, np.inf)
    best = int(proper.argmin())
    if not np.isfinite(proper[best]):
        return
    axes.axvspan(float(h[best]), axes.get_xlim()[1], color="#F4F4F4", linewidth=0, zorder=0)
    sides = (
        (best > 0, "← truncation", "right", -6),
        (best < len(h) - 1, "rounding →", "left", 6),
    )
    for present, words, side, offset in sides:
        if present:
            axes.annotate(
                words,
                (float(h[best]), 1.015),
                xycoords=axes.get_xaxis_transform(),
                xytext=(offset, 0),
                textcoords="offset points",
                ha=side,
                color=style.BLUE,
                fontsize=style.SMALL_SIZE,
            )


def _mark_step(axes: Axes, h: Array, marked: float | None) -> None:
    if marked is None or not h[-1] <= marked <= h[0]:
        return
    axes.axvline(marked, color=style.INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
    axes.annotate(
        f"h = {style.decade_label(marked)}",
        (marked, 0.02),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        fontsize=style.SMALL_SIZE,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
    )


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    found: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            found.setdefault(label, handle)
    figure.legend(list(found.values()), list(found), loc="outside upper right", ncols=4)

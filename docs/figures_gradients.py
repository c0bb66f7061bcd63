"""Pictures of the numerical gradient: the engine's five facts, steps, error estimates, verdicts.

``python docs/figures_gradients.py FOLDER`` writes them; the docs build calls `write`. All that they
show is computed: from ``specs/mnist.yaml`` and its first training digits.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import graphnn
from graphnn.drawing.plots import style
from graphnn.execution.network import Network
from graphnn.gradients.numerical.engine.chebyshev import points
from graphnn.training import load_sets

Array = NDArray[Any]
SPEC = Path(__file__).parents[1] / "specs" / "mnist.yaml"
PIXEL, UNIT = 350, 7  # the entry of the first weight that pictures move
SHOWN = 12  # rows of a batch
STILL = "#EEF2F6"  # colour of what does not move
STEPS = 10.0 ** np.arange(-1, -12.5, -0.5)
SAMPLE = 300  # entries of the second weight that errors are taken of


def write(folder: Path) -> None:
    """Write all pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _facts(folder / "engine_facts.png")
    _stacked(folder / "engine_rows.png")
    _pixels(folder / "engine_pixels.png")
    _curves(folder / "engine_curves.png")
    _steps(folder / "steps.png")
    _estimates(folder / "estimates.png")
    _verdicts(folder / "verdicts.png")


def _digits(rows: int) -> tuple[Network, dict[str, Array]]:
    net = graphnn.load(SPEC)
    train = load_sets(net, net.graph.spec.train).train
    return net, dict(train.rows(slice(rows)).arrays)


def _moved(net: Network, rows: dict[str, Array], pixel: int) -> dict[str, Array]:
    """By node, which entries of its value one moved entry of the first weight changes."""
    names = ("x", "a1", "z1", "a2", "y", "loss")
    before = net.run(rows, outputs=names)
    other = net.astype("float64")
    other.parameters["a1.weight"][pixel, UNIT] += 1e-3
    after = other.run(rows, outputs=names)
    return {name: (before[name] != after[name]).reshape(len(rows["t"]), -1) for name in names}


def _facts(path: Path) -> None:
    """What one moved entry changes, node by node."""
    net, rows = _digits(SHOWN)
    moved = _moved(net, rows, PIXEL)
    with style.styled():
        from matplotlib.colors import ListedColormap

        figure = style.new_figure(7.6, 3.0, layout="constrained")
        around = {"x": slice(PIXEL - 25, PIXEL + 25)}
        panels = figure.subplots(1, len(moved), sharey=True, width_ratios=[3, 3, 3, 2, 2, 2])
        colors = ListedColormap([STILL, style.VERMILLION])
        for axes, (name, array) in zip(panels, moved.items(), strict=True):
            part = array[:, around.get(name, slice(None))]
            axes.imshow(part, aspect="auto", cmap=colors, vmin=0, vmax=1, interpolation="nearest")
            title = f"{name}\n{array.sum():,} of\n{array.size:,}"
            axes.set_title(title, fontsize=style.SMALL_SIZE)
            _rows(axes, SHOWN)
        panels[0].set_ylabel("row of the batch")
        style.finish(figure, path)


def _stacked(path: Path) -> None:
    """The rows that three probes move, as rows of one batch."""
    net, rows = _digits(SHOWN)
    hues = (style.BLUE, style.VERMILLION, style.GREEN)
    probes = [_moved(net, rows, pixel)["a2"].any(axis=1) for pixel in (PIXEL, 155, 460)]
    together = [(row, hue) for probe, hue in zip(probes, hues, strict=True) for row in _true(probe)]
    with style.styled():
        figure = style.new_figure(7.0, 3.2, layout="constrained")
        panels = figure.subplots(1, 4, width_ratios=[2, 2, 2, 3])
        for number, (axes, probe, hue) in enumerate(zip(panels, probes, hues, strict=False)):
            axes.set_title(f"probe {number + 1}", fontsize=style.SMALL_SIZE)
            axes.barh(range(SHOWN), 1, height=0.84, color=[hue if row else STILL for row in probe])
            _rows(axes, SHOWN)
        panels[0].set_ylabel("row of the batch")
        axes = panels[-1]
        axes.set_title(f"one batch of {len(together)} rows", fontsize=style.SMALL_SIZE)
        axes.barh(range(len(together)), 1, height=0.84, color=[hue for _, hue in together])
        _rows(axes, len(together))
        axes.set_yticks(range(len(together)), [str(row) for row, _ in together])
        style.finish(figure, path)


def _true(marks: Array) -> list[int]:
    return [int(row) for row in np.flatnonzero(marks)]


def _rows(axes: Any, count: int) -> None:
    axes.set_xticks([])
    axes.set_yticks(range(count))
    axes.set_ylim(count - 0.5, -0.5)
    axes.hlines(np.arange(0.5, count), *axes.get_xlim(), color="white", linewidth=0.8)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=style.SMALL_SIZE - 1)


def _pixels(path: Path) -> None:
    """Of 100 digits, how many rows each pixel moves, and how many different moves a row makes."""
    _, rows = _digits(100)
    x = rows["x"]
    counts = (x != 0).sum(axis=0).reshape(28, 28)
    moving = (x != 0).sum(axis=1)
    different = np.array([len(np.unique(row[row != 0])) for row in x])
    order = np.argsort(-moving)
    with style.styled():
        figure = style.new_figure(7.2, 2.9, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
        image = left.imshow(counts, cmap="Blues", vmin=0, vmax=100)
        left.set_title(f"rows that move: {counts.sum() / x.size:.0%}", fontsize=style.TEXT_SIZE)
        left.set(xticks=[], yticks=[])
        figure.colorbar(image, ax=left, label="of 100 digits", location="left")
        right.bar(range(100), moving[order], width=1, color=style.PALE, label="pixels not 0")
        bars = different[order]
        right.bar(range(100), bars, width=1, color=style.BLUE, label="different values among them")
        share = f"different moves: {different.sum() / x.size:.0%}"
        right.set_title(share, fontsize=style.TEXT_SIZE)
        right.set(xlabel="digit", ylabel="of its 784 pixels", xlim=(-0.5, 99.5))
        right.legend(loc="upper right")
        style.finish(figure, path)


def _curves(path: Path) -> None:
    """The loss of one digit over one unit, and how fast the coefficients of such curves fall."""
    net, rows = _digits(1)
    far, near = 4.0, 1e-5
    count = 16
    at = points(count)
    probed = far * rows["x"][0][rows["x"][0] != 0]
    with style.styled():
        figure = style.new_figure(7.6, 2.9, layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
        way = np.linspace(-far, far, 201)
        left.plot(way, 1e3 * _along(net, rows, way), color=style.BLUE)
        left.plot(probed, 1e3 * _along(net, rows, probed), "|", color=style.INK, label="pixels")
        marks = far * at.places
        left.plot(
            marks, 1e3 * _along(net, rows, marks), "o", color=style.VERMILLION, label="points"
        )
        left.set(xlabel=f"how far unit {UNIT} moves", ylabel="change of the loss, thousandths")
        left.legend(loc="best")
        kinked = graphnn.loads(SPEC.read_text().replace("sigmoid", "relu"), folder=SPEC.parent)
        lines = {
            f"moved by {far:g}": (net, far, style.BLUE, "o"),
            "moved by 0.00001": (net, near, style.GREEN, "s"),
            f"a rectifier moved by {far:g}": (kinked, far, style.VERMILLION, "^"),
        }
        for label, (network, reach, color, marker) in lines.items():
            found = np.abs(at.coefficients @ _along(network, rows, reach * at.places))
            right.semilogy(
                range(1, count + 1), found, marker, color=color, label=label, markersize=4
            )
        right.set(xlabel="Chebyshev coefficient", ylabel="size", xticks=range(1, count + 1, 3))
        right.legend(loc="center right")
        style.mark_decades(right.yaxis, -20, 1, 4)
        style.finish(figure, path)


def _along(net: Network, rows: dict[str, Array], way: Array) -> Array:
    """How much the loss changes as the unit moves so far."""
    bias = net.parameters["a1.bias"]
    before = bias[UNIT]

    def loss(moved: float) -> float:
        bias[UNIT] = before + moved
        return net.loss(rows)

    found = np.array([loss(moved) for moved in way]) - loss(0.0)
    bias[UNIT] = before
    return found


def _steps(path: Path) -> None:
    """True errors of each rule over the step, the median of a sample of entries."""
    net, rows = _digits(5)
    exact = _values(net, rows, method="complex")
    ways = {
        "forward": ({"rule": "forward"}, style.GREEN, "^"),
        "central": ({}, style.BLUE, "o"),
        "order 4": ({"order": 4}, style.PURPLE, "s"),
        "complex": ({"method": "complex"}, style.VERMILLION, "x"),
    }
    with style.styled():
        figure = style.new_figure(6.4, 3.4, layout="constrained")
        axes = figure.add_subplot()
        for name, (options, color, marker) in ways.items():
            errors = [
                np.median(np.abs(_values(net, rows, step=step, **options) - exact))
                for step in STEPS
            ]
            # An error of exactly 0 has no place on the axis: half of the last digit stands for it.
            floor = np.finfo(float).eps * np.median(np.abs(exact)) / 2
            axes.loglog(
                STEPS,
                np.maximum(errors, floor),
                color=color,
                marker=marker,
                markersize=4,
                label=name,
            )
        axes.axhline(np.median(np.abs(exact)), color=style.GREY, linewidth=0.9, linestyle="--")
        axes.annotate(
            "a typical derivative",
            (STEPS[-1], np.median(np.abs(exact))),
            xytext=(0, 4),
            textcoords="offset points",
            ha="right",
            color=style.GREY,
            fontsize=style.SMALL_SIZE,
        )
        axes.set(xlabel="step h", ylabel="median error")
        axes.set(xlim=(0.2, STEPS[-1] / 2), ylim=(1e-18, 1))
        _decades(axes)
        figure.legend(loc="outside upper left", ncols=4)
        style.finish(figure, path)


def _decades(axes: Any) -> None:
    """Powers of ten on both axes."""
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        low, high = sorted(np.log10(limits))
        style.mark_decades(axis, low, high, 8)
    axes.grid(visible=True)


def _values(net: Network, rows: dict[str, Array], **options: Any) -> Array:
    """Derivatives by the sample of entries, in one array."""
    options = {"only": ["a2.weight"], "entries": SAMPLE, "estimate": False, **options}
    found = graphnn.numerical_gradient(net, rows, **options)
    return np.concatenate([each.value.ravel()[each.entries] for each in found.values()])


def _estimates(path: Path) -> None:
    """True errors against their estimates, every entry of the first weight, at two steps."""
    net, rows = _digits(5)
    only = {"only": ["a1.weight"]}
    exact = graphnn.numerical_gradient(net, rows, method="complex", **only)["a1.weight"].value
    with style.styled():
        figure = style.new_figure(7.0, 3.3, layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, step in zip(panels, (None, 1e-2), strict=True):
            found = graphnn.numerical_gradient(net, rows, step=step, **only)["a1.weight"]
            error = np.abs(found.value - exact)
            there = (error > 0) & (found.error > 0)
            axes.loglog(
                found.error[there],
                error[there],
                ".",
                color=style.BLUE,
                markersize=1.5,
                alpha=0.4,
                rasterized=True,
            )
            ends = np.array([found.error[there].min(), found.error[there].max()])
            axes.plot(ends, ends, color=style.INK, linewidth=0.9, label="equal")
            axes.plot(ends, 10 * ends, color=style.VERMILLION, linewidth=0.9, label="10 times")
            axes.set_title(f"h = {6.1e-6 if step is None else step:g}")
            axes.set(xlabel="estimated error", xlim=(1e-12, 1e-5), ylim=(1e-16, 1e-5))
            _decades(axes)
        panels[0].set_ylabel("true error")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2)
        style.finish(figure, path)


def _verdicts(path: Path) -> None:
    """How far a right and a wrong backward pass are from the numerical gradient, by its error."""
    net, rows = _digits(5)
    net = net.astype("float64")
    found = graphnn.numerical_gradient(net, rows)
    ways = {
        "right": lambda z: z * (1 - z),
        "the sigmoid's factor 1 - z forgotten": lambda z: z,
    }
    hues = {"a1.weight": style.BLUE, "a2.weight": style.VERMILLION}
    with style.styled():
        figure = style.new_figure(7.0, 3.3, layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (title, slope) in zip(panels, ways.items(), strict=True):
            given = _backward(net, rows, slope)
            for name, hue in hues.items():
                error = found[name].error
                gap = np.abs(given[name] - found[name].value)
                there = (gap > 0) & (error > 0)
                chosen = np.random.default_rng(0).permutation(int(there.sum()))[:SAMPLE]
                axes.loglog(
                    error[there][chosen],
                    gap[there][chosen],
                    ".",
                    color=hue,
                    markersize=3,
                    label=name,
                )
            axes.set_title(title, fontsize=style.TEXT_SIZE)
            axes.set(xlabel="estimated error", xlim=(5e-12, 1e-9), ylim=(1e-15, 1))
            ends = np.array(axes.get_xlim())
            axes.plot(ends, 10 * ends, color=style.INK, linewidth=0.9, label="10 times the error")
            _decades(axes)
        panels[0].set_ylabel("difference of the two gradients")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
        style.finish(figure, path)


def _backward(net: Network, rows: dict[str, Array], slope: Any) -> dict[str, Array]:
    """Gradients by both weights, by hand; `slope` is that of the sigmoid, by its value."""
    w1, b1, w2, b2 = (net.parameters[f"a{n}.{name}"] for n in "12" for name in ("weight", "bias"))
    x, t = rows["x"].astype(float), rows["t"]
    z = 1 / (1 + np.exp(-(x @ w1 + b1)))
    scores = np.exp(z @ w2 + b2)
    by_scores = (scores / scores.sum(axis=1, keepdims=True) - np.eye(len(b2))[t]) / len(t)
    return {"a1.weight": x.T @ (by_scores @ w2.T * slope(z)), "a2.weight": z.T @ by_scores}


if __name__ == "__main__":
    write(Path(sys.argv[1]))

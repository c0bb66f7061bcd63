"""What a numerical gradient costs: time over parameters, batch and depth, and a model of it.

The model counts what is computed for networks of affine maps and sigmoids. The curve of each unit
of a layer, for each row of the batch, is determined by four points; a bias moves up and down. Each
such move costs what comes after it in a row: a sigmoid, then a row of the next layer, from there on
whole products. Of the curves every entry takes its sum over the rows, in a product. The tables of
`workers.py` follow: what two workers gain, and what so many more could. Run with the machine idle:

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/numerical_cost.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import machine
from workers import print_tables

import graphnn
from graphnn.execution.network import Network
from graphnn.training import load_sets

Array = NDArray[Any]
SPEC = Path(__file__).parents[1] / "specs" / "mnist.yaml"
BASE = (100, 50, 1)  # batch, units of a layer, layers
SWEEPS = {
    "batch": [(batch, 50, 1) for batch in (10, 100, 1000, 8000)],
    "units": [(100, units, 1) for units in (10, 50, 200, 1000)],
    "layers": [(100, 50, layers) for layers in (1, 2, 4, 8)],
}
# What each sweep is drawn over. Units of the one layer make the parameters.
AXES: dict[str, tuple[str, Callable[[Point], float]]] = {
    "batch": ("rows of the batch", lambda point: point.sizes[0]),
    "units": ("parameter entries, thousands", lambda point: point.entries / 1000),
    "layers": ("sigmoid layers", lambda point: point.sizes[2]),
}
POINTS, DEGREE = 4, 3  # of a curve
OFFSETS = 2  # of a central difference
# Counted in products of a matrix, of which two cores make one in about 0.02 ns:
ENTRY = 60  # a sigmoid, or an entry of a row to which a change is added
SHARE = 150  # an entry of a softmax, which passes over its row six times


@dataclass(frozen=True)
class Point:
    """One network on one batch: entries, numbers that the model counts, and seconds taken."""

    sizes: tuple[int, int, int]
    entries: int
    work: float
    seconds: float


def network(units: int, layers: int) -> Network:
    """Sigmoid layers between 784 pixels and 10 classes."""
    nodes: dict[str, Any] = {
        "x": {"op": "input", "shape": ["batch", 784]},
        "t": {"op": "input", "shape": ["batch"], "dtype": "int"},
    }
    last = "x"
    for layer in range(layers):
        nodes[f"a{layer}"] = {"op": "affine", "inputs": last, "units": units}
        last = f"z{layer}"
        nodes[last] = {"op": "sigmoid", "inputs": f"a{layer}"}
    nodes["o"] = {"op": "affine", "inputs": last, "units": 10}
    nodes["y"] = {"op": "softmax", "inputs": "o"}
    nodes["loss"] = {"op": "cross_entropy", "inputs": ["y", "t"]}
    return graphnn.loads({"graphnn": 1, "nodes": nodes})


def model(rows: int, units: int, layers: int) -> float:
    """Numbers that are computed for the derivatives by all entries, counted in products."""
    widths = [784, *(units,) * layers, 10]
    total = 0.0
    for layer in range(layers + 1):
        inputs, width = widths[layer : layer + 2]
        total += (POINTS + OFFSETS) * rows * width * _after(layer, units, layers)
        total += OFFSETS * DEGREE * rows * inputs * width
    return total


def _after(layer: int, units: int, layers: int) -> float:
    """What one moved channel of this layer's result costs, counted in products."""
    total = SHARE * 10.0
    for later in range(layer, layers):
        following = 10 if later + 1 == layers else units
        # Of the layer that moved, one sigmoid and what it adds to the next; then whole layers.
        one = ENTRY + ENTRY * following
        total += one if later == layer else ENTRY * units + units * following
    return total


def measure(sizes: tuple[int, int, int], turns: int) -> Point:
    """The shortest of some gradients without error estimates."""
    batch, units, layers = sizes
    spec = graphnn.load(SPEC)
    assert spec.graph.spec.train is not None
    train = load_sets(spec, spec.graph.spec.train).train
    assert train is not None
    rows = dict(train.rows(slice(batch)).arrays)
    net = network(units, layers)
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        graphnn.numerical_gradient(net, rows, estimate=False)
        times.append(time.perf_counter() - start)
    entries = sum(array.size for array in net.parameters.values())
    return Point(sizes, entries, model(batch, units, layers), min(times))


def line(points: Sequence[Point]) -> tuple[float, float]:
    """Seconds that every gradient takes, and seconds a product: the closest in proportion."""
    work = np.array([point.work for point in points])
    seconds = np.array([point.seconds for point in points])
    terms = np.stack([np.ones_like(work), work], axis=1) / seconds[:, None]
    start, rate = np.linalg.lstsq(terms, np.ones_like(seconds), rcond=None)[0]
    return float(start), float(rate)


def draw(sweeps: dict[str, list[Point]], path: Path) -> None:
    """Time over each size, and over what the model counts."""
    from graphnn.drawing.plots import style

    with style.styled():
        figure = style.new_figure(8.4, 2.7, layout="constrained")
        panels = figure.subplots(1, 4, sharey=True)
        hues = dict(zip(sweeps, (style.BLUE, style.VERMILLION, style.GREEN), strict=True))
        for axes, (name, points) in zip(panels, sweeps.items(), strict=False):
            label, size_of = AXES[name]
            sizes = [size_of(point) for point in points]
            axes.loglog(sizes, [p.seconds for p in points], "o-", color=hues[name], markersize=4)
            axes.set_xticks(sizes, [f"{size:,.0f}" for size in sizes])
            axes.set_xticks([], minor=True)
            axes.set_xlabel(label)
        every = [point for points in sweeps.values() for point in points]
        for name, points in sweeps.items():
            work = [point.work for point in points]
            panels[-1].loglog(work, [p.seconds for p in points], "o", color=hues[name], label=name)
        low, high = min(p.work for p in every), max(p.work for p in every)
        start, rate = line(every)
        work = np.geomspace(low, high)
        panels[-1].plot(work, start + rate * work, color=style.INK, linewidth=0.9)
        panels[-1].set_xlabel("products, by the model")
        style.mark_decades(panels[-1].xaxis, np.log10(low), np.log10(high), 4)
        seconds = np.log10([p.seconds for p in every])
        style.mark_decades(panels[0].yaxis, seconds.min() - 0.1, seconds.max() + 0.1, 5)
        panels[0].set_ylabel("seconds")
        for axes in panels:
            axes.grid(visible=True)
        style.finish(figure, path)


def main() -> None:
    """Print a row for each network and batch, and draw them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, help="draw time over each size here too")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    arguments = parser.parse_args()
    print(machine())
    turns = 1 if arguments.quick else 5
    sweeps: dict[str, list[Point]] = {}
    for name, every in SWEEPS.items():
        print(
            f"{name:8}{'batch':>7}{'units':>7}{'layers':>8}{'entries':>10}{'products':>12}{'ms':>9}"
        )
        sweeps[name] = [measure(sizes, turns) for sizes in every[: 2 if arguments.quick else None]]
        for point in sweeps[name]:
            batch, units, layers = point.sizes
            print(
                f"{'':8}{batch:7,}{units:7}{layers:8}{point.entries:10,}"
                f"{point.work:12.3g}{1e3 * point.seconds:9.1f}"
            )
    start, rate = line([point for points in sweeps.values() for point in points])
    print(f"closest: {1e3 * start:.1f} ms and {1e9 * rate:.3f} ns a product")
    if arguments.picture is not None:
        draw(sweeps, arguments.picture)
    print_tables([], quick=arguments.quick, seconds=10.0)


if __name__ == "__main__":
    main()

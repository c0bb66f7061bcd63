"""How far numerical gradients are off, against how far they say they may be.

Random networks, each on random rows; the truth is the complex step, which is exact to rounding. An
estimate holds when the true error is at most 10 times as large. How wide it is, is the estimate
over the true error. Entries whose probes cross a kink are left out: there is no derivative to be
off from.

    python benchmarks/error_estimates.py
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import graphnn
from graphnn.execution.network import Network

Array = NDArray[Any]
ACTIVATIONS = [
    *("sigmoid", "tanh", "softplus", "gelu", "elu", "selu", "relu", "leaky_relu", "absolute"),
    *("softmax", "log_softmax", "layer_norm"),
]
OPTIONS: dict[str, dict[str, Any]] = {
    "default": {},
    "loop": {"method": "loop"},
    "order 4": {"order": 4},
    "forward": {"rule": "forward"},
    "richardson": {"extrapolation": "richardson", "step": 1e-3},
    "h = 1e-2": {"step": 1e-2},
    "h = 1e-4": {"step": 1e-4},
    "h = 1e-8": {"step": 1e-8},
}
MARGIN = 10  # an estimate holds when the true error is at most so many times as large


def random_network(seed: int) -> tuple[Network, dict[str, Array]]:
    """A network of 1 to 4 layers, dense or convolutional, and 1 to 100 rows for it.

    Weights, inputs and biases are of sizes from 0.01 to 10, so that some networks saturate.
    """
    rng = np.random.default_rng(seed)
    images = rng.random() < 0.2
    width, rows = int(rng.integers(2, 7)), int(rng.choice([1, 2, 5, 20, 100]))
    shape = [2, 5, 5] if images else [width]
    nodes: dict[str, Any] = {"x": {"op": "input", "shape": ["batch", *shape]}}
    last = _images(nodes, rng) if images else "x"
    for layer in range(int(rng.integers(1, 5))):
        last = _layer(nodes, last, str(layer), rng)
    classes = int(rng.integers(2, 5))
    nodes["o"] = {"op": "affine", "inputs": last, "units": classes}
    target = _loss(nodes, classes, rng)
    x = 10 ** rng.uniform(-2, 1) * rng.normal(size=(rows, *shape))
    if rng.random() < 0.3:
        x = np.round(x)  # zeros, and equal values
    net = graphnn.loads({"graphnn": 1, "nodes": nodes}, seed=seed)
    return net, {"x": x, "t": target(rows)}


def _images(nodes: dict[str, Any], rng: np.random.Generator) -> str:
    nodes["c"] = {"op": "conv2d", "inputs": "x", "filters": 2, "kernel": 2}
    nodes["ca"] = {"op": str(rng.choice(["relu", "tanh"])), "inputs": "c"}
    pool = str(rng.choice(["max_pool", "average_pool"]))
    nodes["cp"] = {"op": pool, "inputs": "ca", "kernel": 2}
    nodes["cf"] = {"op": "flatten", "inputs": "cp"}
    return "cf"


def _layer(nodes: dict[str, Any], source: str, name: str, rng: np.random.Generator) -> str:
    units = int(rng.integers(2, 7))
    nodes["a" + name] = {
        "op": "affine",
        "inputs": source,
        "units": units,
        "weight": {"normal": {"std": float(10 ** rng.uniform(-1, 0.6))}},
        "bias": {"normal": {"std": float(10 ** rng.uniform(-1.5, 1))}},
    }
    nodes["z" + name] = {"op": str(rng.choice(ACTIVATIONS)), "inputs": "a" + name}
    if rng.random() < 0.7:
        return "z" + name
    nodes["r" + name] = {"op": "affine", "inputs": "z" + name, "units": units}
    nodes["s" + name] = {"op": "add", "inputs": ["z" + name, "r" + name]}
    return "s" + name


def _loss(nodes: dict[str, Any], classes: int, rng: np.random.Generator) -> Any:
    """What draws targets for so many rows."""
    kind = str(rng.choice(["mean_squared", "sum_squared", "cross_entropy", "binary"]))
    if kind == "cross_entropy":
        nodes["t"] = {"op": "input", "shape": ["batch"], "dtype": "int"}
        nodes["y"] = {"op": "softmax", "inputs": "o"}
        nodes["loss"] = {"op": "cross_entropy", "inputs": ["y", "t"]}
        return lambda rows: rng.integers(0, classes, rows)
    nodes["t"] = {"op": "input", "shape": ["batch", classes]}
    if kind == "binary":
        nodes["y"] = {"op": "sigmoid", "inputs": "o"}
        nodes["loss"] = {"op": "binary_cross_entropy", "inputs": ["y", "t"]}
        return lambda rows: rng.random((rows, classes))
    nodes["loss"] = {"op": f"{kind}_error", "inputs": ["o", "t"]}
    return lambda rows: rng.normal(size=(rows, classes))


@dataclass(frozen=True)
class Found:
    """What a study found: entries, how many estimates did not hold, and how wide they were."""

    entries: int
    outside: int
    widths: Array

    @property
    def share(self) -> float:
        """Of the estimates that held."""
        return 1 - self.outside / self.entries

    @property
    def median(self) -> float:
        """Of the widths."""
        return float(np.median(self.widths))


def study(seeds: range, options: dict[str, Any]) -> Found:
    """Estimates against true errors, over the random networks of `seeds`."""
    entries = outside = 0
    widths = []
    for seed in seeds:
        net, inputs = random_network(seed)
        truth = graphnn.numerical_gradient(net, inputs, method="complex", estimate=False, workers=1)
        found = graphnn.numerical_gradient(net, inputs, workers=1, **options)
        for name, estimate in found.items():
            smooth = ~estimate.kink
            error = np.abs(estimate.value - truth[name].value)[smooth]
            stated = estimate.error[smooth]
            entries += error.size
            # Written so that NaN counts as outside.
            outside += int((~(error <= MARGIN * stated)).sum())
            widths.append(stated[error > 0] / error[error > 0])
    return Found(entries, outside, np.concatenate(widths))


def main() -> None:
    """Print a row for each way to take the gradient."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    arguments = parser.parse_args()
    seeds = range(3 if arguments.quick else arguments.networks)
    print(f"{len(seeds)} networks")
    print(f"{'':12}{'entries':>10}{'outside':>9}{'held':>12}{'median width':>14}{'90 %':>10}")
    for name, options in OPTIONS.items():
        found = study(seeds, options)
        ninth = float(np.quantile(found.widths, 0.9))
        print(
            f"{name:12}{found.entries:10,}{found.outside:9,}{found.share:12.4%}"
            f"{found.median:14.1f}{ninth:10.0f}"
        )


if __name__ == "__main__":
    main()

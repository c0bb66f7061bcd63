"""What augmentation adds to a training step: a batch of 100 digits, in float32.

``python benchmarks/augment.py`` prints the time of each change, and of a step of ``specs/cnn.yaml``
without any.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import timing
from threadpoolctl import threadpool_limits

import graphnn
from graphnn.training import Augmentation, load_sets
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training

SPEC = Path(__file__).resolve().parents[1] / "specs" / "cnn.yaml"
STEP = "step of cnn.yaml"
CHANGES: dict[str, dict[str, Any]] = {
    "shift 2": {"shift": 2},
    "flip both": {"flip": "both"},
    "rotate 10": {"rotate": 10},
    "shift 2, rotate 10, zoom 0.1": {"shift": 2, "rotate": 10, "zoom": 0.1},
    "noise 0.1": {"noise": 0.1},
}


def step() -> tuple[np.ndarray, Callable[[], object]]:
    """The first batch of digits, and a step of the small convolutional network on it."""
    net = graphnn.load(SPEC, {"augment": {}, "rows": 100, "batch_size": 100})
    rows = load_sets(net, net.graph.spec.train).train
    training = Training(net, net.graph.spec.train, Sets(rows))
    return rows.arrays["x"], training.epoch


def main() -> None:
    """Time all, taking turns, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    print(timing.machine())
    images, train = step()
    rng = np.random.default_rng(0)
    calls = {name: partial(Augmentation(**given), images, rng) for name, given in CHANGES.items()}
    with threadpool_limits(1, "blas"):  # as `graphnn.train` does
        found = timing.interleaved({**calls, STEP: train}, 0.1 if options.quick else 10)
    times = {name: statistics.median(each) * 1e3 for name, each in found.items()}
    print(f"{'':30}{'ms':>7}{'of the step':>13}")
    for name, milliseconds in times.items():
        print(f"{name:30}{milliseconds:7.2f}{milliseconds / times[STEP]:13.3f}")


if __name__ == "__main__":
    main()

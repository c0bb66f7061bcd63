"""The small convolutional network on all of Fashion-MNIST, from its files as published.

``apt-get install dataset-fashion-mnist`` puts them where this looks for them. It trains
``specs/cnn.yaml`` with the data replaced and images mirrored instead of turned, 59,500 rows of
60,000, and prints a line an epoch and the accuracy on the 10,000 test rows.

``--choose`` trains each way to change images on 55,000 rows and measures it on the other 5,000; the
test rows are not looked at.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import timing
from threadpoolctl import threadpool_limits

import graphnn
from graphnn.execution.network import Network
from graphnn.training import Progress, load_sets
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training

SPEC = Path(__file__).resolve().parents[1] / "specs" / "cnn.yaml"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
GOAL = 0.89
CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "flip": {"flip": "horizontal"},
    "flip, shift 1": {"flip": "horizontal", "shift": 1},
}
CHOSEN = "flip, shift 1"


def files(part: str) -> dict[str, object]:
    """The data of one part, as a spec names them."""
    return {"idx": {"x": f"{part}-images-idx3-ubyte.gz", "t": f"{part}-labels-idx1-ubyte.gz"}}


def loaded(folder: Path, change: str, settings: dict[str, object]) -> Network:
    """The network with this data, and one way to change images."""
    given = {"data": files("train"), "test": files("t10k"), "augment": CHANGES[change], **settings}
    return graphnn.loads(SPEC.read_text(), given, folder=folder)


def choose(folder: Path, settings: dict[str, object]) -> None:
    """Measure each way to change images on rows held back from training."""
    print(f"{'':16}{'loss':>8}{'accuracy':>10}{'seconds':>9}")
    for change in CHANGES:
        start = time.perf_counter()
        net = loaded(folder, change, {"validation": 5000, **settings})
        spec = net.graph.spec.train
        sets = load_sets(net, spec)
        training = Training(net, spec, Sets(sets.train))
        with threadpool_limits(1, "blas"):  # as `graphnn.train` does
            while not training.finished:
                training.epoch()
        found = training.evaluate(sets.validation)
        seconds = time.perf_counter() - start
        row = f"{change:16}{found['loss']:8.4f}{found['accuracy']:10.4f}{seconds:9.0f}"
        print(row, flush=True)


def run(folder: Path, settings: dict[str, object]) -> None:
    """Train by what was chosen, and print the accuracy on the test rows."""
    start = time.perf_counter()

    def report(now: Progress) -> None:
        if "validation_loss" in now.values:  # once more when an epoch is measured
            values = "  ".join(f"{name} {value:.4f}" for name, value in now.values.items())
            print(f"  {now.epoch:3} {time.perf_counter() - start:5.0f} s  {values}", flush=True)

    found = graphnn.train(loaded(folder, CHOSEN, settings), progress=report)
    seconds = time.perf_counter() - start
    rows = f"{found.test_rows:,} test rows"
    print(f"accuracy {found.test['accuracy']:.4f} on {rows}, goal {GOAL}, {seconds:.0f} s")


def main() -> int:
    """Train, and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files lie")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--choose", action="store_true", help="compare ways to change images")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"there is no folder '{options.folder}': apt-get install dataset-fashion-mnist")
        return 1
    print(timing.machine())
    settings: dict[str, object] = {"epochs": options.epochs}
    if options.quick:
        settings = {"epochs": 1, "rows": 200, "validation": 100}
    (choose if options.choose else run)(options.folder, settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())

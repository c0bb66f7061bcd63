"""The small convolutional network on all of Fashion-MNIST, from its files as published.

``apt-get install dataset-fashion-mnist`` puts them where this looks for them. It trains
``specs/cnn.yaml`` with nothing but the data replaced, 59,500 rows of 60,000, and prints a line an
epoch and the accuracy on the 10,000 test rows.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import timing

import graphnn
from graphnn.training.loop import Progress

SPEC = Path(__file__).resolve().parents[1] / "specs" / "cnn.yaml"
FOLDER = Path("/usr/share/datasets/fashion-mnist")
GOAL = 0.89


def files(part: str) -> dict[str, object]:
    """The data of one part, as a spec names them."""
    return {"idx": {"x": f"{part}-images-idx3-ubyte.gz", "t": f"{part}-labels-idx1-ubyte.gz"}}


def main() -> int:
    """Train, and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files lie")
    parser.add_argument("--epochs", type=int, help="instead of what the spec says")
    options = parser.parse_args()
    if not options.folder.is_dir():
        print(f"there is no folder '{options.folder}': apt-get install dataset-fashion-mnist")
        return 1
    settings: dict[str, object] = {"data": files("train"), "test": files("t10k")}
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    print(timing.machine())
    start = time.perf_counter()

    def told(now: Progress) -> None:
        if "validation_loss" in now.values:  # told once more when an epoch is measured
            values = "  ".join(f"{name} {value:.4f}" for name, value in now.values.items())
            print(f"  {now.epoch:3} {time.perf_counter() - start:5.0f} s  {values}", flush=True)

    net = graphnn.loads(SPEC.read_text(), settings, folder=options.folder)
    run = graphnn.train(net, progress=told)
    seconds = time.perf_counter() - start
    accuracy = run.test["accuracy"]
    print(f"accuracy {accuracy:.4f} on {run.test_rows:,} test rows, goal {GOAL}, {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

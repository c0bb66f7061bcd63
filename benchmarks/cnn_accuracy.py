"""Accuracy that the convolutional specs reach on the shipped digits, and the time they take.

``python benchmarks/cnn_accuracy.py [NAME ...]`` trains each as its file says, once, and prints a
line an epoch and a table at the end. The goals are those of cnn and cnn_deep; the others are there
to compare.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import timing

import graphnn
from graphnn.training import Progress

SPECS = Path(__file__).resolve().parents[1] / "specs"
GOALS = {"cnn": 0.97, "cnn_deep": 0.985, "lenet5": None, "residual": None, "autoencoder": None}


def trained(path: Path, settings: dict[str, object]) -> tuple[dict[str, float], float]:
    """What the run measured on the test rows, and how many seconds all of it took."""
    start = time.perf_counter()

    def report(now: Progress) -> None:
        if "validation_loss" in now.values:  # once more when an epoch is measured
            values = "  ".join(f"{name} {value:.4f}" for name, value in now.values.items())
            print(f"  {now.epoch:3} {time.perf_counter() - start:5.0f} s  {values}", flush=True)

    run = graphnn.train(path, settings, progress=report)
    return dict(run.test), time.perf_counter() - start


def main() -> None:
    """Train, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(GOALS), metavar="NAME")
    parser.add_argument("--epochs", type=int, help="instead of what the file says")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    print(timing.machine())
    settings: dict[str, object] = {} if options.epochs is None else {"epochs": options.epochs}
    if options.quick:
        settings = {"epochs": 1, "rows": 100, "validation": 100, "test": 100}
    lines = [f"{'spec':12}{'loss':>9}{'accuracy':>10}{'goal':>7}{'seconds':>9}"]
    for name in options.names:
        print(name, flush=True)
        test, seconds = trained(SPECS / f"{name}.yaml", settings)
        accuracy = f"{test['accuracy']:.4f}" if "accuracy" in test else "-"
        goal = GOALS.get(name) or "-"
        lines.append(f"{name:12}{test['loss']:9.4f}{accuracy:>10}{goal:>7}{seconds:9.0f}")
        print(lines[-1], flush=True)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

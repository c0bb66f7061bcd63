"""Pictures and tables of overfitting and of normalization, made by running the specs.

``python docs/figures_regularisation.py FOLDER`` writes the pictures and prints the tables; the
docs build calls `write`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from plots.comparison import comparison
from threadpoolctl import threadpool_limits

import graphnn
from graphnn.execution.network import Network
from graphnn.training.fitting.loop import Training

SPECS = Path(__file__).parents[1] / "specs"
OVERFITTING = {
    "plain": ("overfit.yaml", 0.0),
    "weight decay": ("overfit.yaml", 0.005),
    "dropout": ("overfit_dropout.yaml", 0.0),
    "both": ("overfit_dropout.yaml", 0.005),
}
NORMALIZATION = {"none": "identity", "layer_norm": "layer_norm", "batch_norm": "batch_norm"}
STARTS = {"std 0.01": "{normal: {std: 0.01}}", "he": "he"}
SEEDS = range(5)
Columns = dict[str, list[float]]


def write(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    comparison(
        {name: trained(overfitting(name))[0] for name in OVERFITTING},
        measures=["accuracy", "loss"],
        limits={"accuracy": (0.0, 1.05), "loss": (0.0, 2.4)},
        path=folder / "overfitting.png",
    )
    comparison(
        {name: trained(normalization(name))[0] for name in NORMALIZATION},
        measures=["accuracy", "loss"],
        limits={"accuracy": (0.0, 1.05), "loss": (0.0, 2.6)},
        path=folder / "normalization.png",
    )


def overfitting(name: str, seed: int = 0) -> Network:
    """The network of one way to meet overfitting."""
    spec, decay = OVERFITTING[name]
    return graphnn.load(SPECS / spec, {"weight_decay": decay, "seed": seed})


def normalization(name: str, start: str = "std 0.01", seed: int = 0) -> Network:
    """The network of ``batch_norm.yaml`` with another op in its place, and another start."""
    text = (SPECS / "batch_norm.yaml").read_text()
    text = text.replace("op: batch_norm", f"op: {NORMALIZATION[name]}")
    text = text.replace(f"weight: {STARTS['std 0.01']}", f"weight: {STARTS[start]}")
    return graphnn.loads(text, {"seed": seed})


def trained(net: Network) -> tuple[Columns, dict[str, float]]:
    """What training gives: a history, with training rows measured as a run, and the test rows."""
    training = Training(net, net.graph.spec.train)
    with threadpool_limits(1, "blas"):  # as `graphnn.train` does, for the same rounding
        rows = [
            {**training.epoch(), **training.evaluate(training.sets.train)}
            for _ in range(training.spec.epochs)
        ]
        test = training.evaluate(training.sets.test)
    return {name: [row[name] for row in rows] for name in rows[0]}, test


def tables() -> Iterator[str]:
    """Means over seeds: of the last epoch, and of the fifth where speed matters."""
    yield f"{'':14}training  test accuracy  test loss"
    for name in OVERFITTING:
        found = [trained(overfitting(name, seed)) for seed in SEEDS]
        training = np.mean([columns["accuracy"][-1] for columns, _ in found])
        accuracy, loss = (np.mean([test[key] for _, test in found]) for key in ("accuracy", "loss"))
        yield f"{name:14}{training:8.3f}  {accuracy:13.3f}  {loss:9.3f}"
    yield f"\n{'start':10}{'norm':12}epoch 5  epoch 20"
    for start in STARTS:
        for name in NORMALIZATION:
            runs = [trained(normalization(name, start, seed))[0] for seed in SEEDS]
            early, late = (
                np.mean([columns["validation_accuracy"][at] for columns in runs]) for at in (4, 19)
            )
            yield f"{start:10}{name:12}{early:7.3f}  {late:8.3f}"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    for line in tables():
        print(line, flush=True)

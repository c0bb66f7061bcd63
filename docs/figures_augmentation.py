"""Pictures and the table of augmentation, made by running the specs.

``python docs/figures_augmentation.py FOLDER`` writes the pictures and prints the table; the docs
build calls `write`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from figures_regularisation import trained
from plots.comparison import comparison

import graphnn
from graphnn import drawing
from graphnn.execution.network import Network
from graphnn.training import Augmentation

ROOT = Path(__file__).parents[1]
CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "shift: 3": {"shift": 3},
    "rotate: 20": {"rotate": 20},
    "zoom: 0.3": {"zoom": 0.3},
    "flip: both": {"flip": "both"},
    "noise: 0.2": {"noise": 0.2},
}
RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "shift: 1": {"shift": 1},
    "shift: 1, rotate: 10": {"shift": 1, "rotate": 10},
}
OTHERS: dict[str, dict[str, Any]] = {
    "noise: 0.2": {"noise": 0.2},
    "flip: both": {"flip": "both"},
}
SEEDS = range(5)


def write(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    changes(folder / "augmented.png")
    comparison(
        {name: trained(overfitting(augment))[0] for name, augment in RUNS.items()},
        measures=["accuracy", "loss"],
        limits={"accuracy": (0.0, 1.05), "loss": (0.0, 2.4)},
        path=folder / "augmentation.png",
    )


def changes(path: Path) -> None:
    """A row for each change, of one digit again and again."""
    digits = np.load(ROOT / "graphnn" / "training" / "data" / "mnist10k.npz")
    image = digits["images"][8000].astype(np.float32)[np.newaxis, np.newaxis] / 255
    sheet, labels = [], []
    for name, options in CHANGES.items():
        rng = np.random.default_rng(0)
        sheet.append(Augmentation(**options)(np.repeat(image, 8, axis=0), rng))
        labels += [name, *[""] * 7]
    shown = np.clip(np.concatenate(sheet), 0, 1)
    drawing.image_sheet(shown, labels, columns=8, ink=True, path=path)


def overfitting(augment: dict[str, Any], seed: int = 0) -> Network:
    """The network of ``overfit.yaml``, its images changed by `augment`."""
    settings = {"seed": seed, "augment": {"image": [28, 28], **augment}}
    return graphnn.load(ROOT / "specs" / "overfit.yaml", settings)


def table() -> Iterator[str]:
    """Means over seeds, after the last epoch."""
    yield f"{'':22}training  test accuracy  test loss"
    for name, augment in {**RUNS, **OTHERS}.items():
        found = [trained(overfitting(augment, seed)) for seed in SEEDS]
        training = np.mean([columns["accuracy"][-1] for columns, _ in found])
        accuracy, loss = (np.mean([test[key] for _, test in found]) for key in ("accuracy", "loss"))
        yield f"{name:22}{training:8.3f}  {accuracy:13.3f}  {loss:9.3f}"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
    for line in table():
        print(line, flush=True)

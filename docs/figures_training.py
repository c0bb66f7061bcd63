"""Pictures of the training techniques, made by running the specs of this repository.

``python docs/figures_training.py FOLDER`` writes them all; the docs build calls `write`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from plots.histograms import histograms

import graphnn
from graphnn import drawing
from graphnn.drawing.plots import style
from graphnn.training.fitting.schedules import Constant, Cosine, Course, Step

SPECS = Path(__file__).parents[1] / "specs"
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"learning_rate": 0.95},
    "momentum": {"learning_rate": 0.1},
    "adagrad": {"learning_rate": 1.5},
    "adam": {"learning_rate": 0.3},
}
STARTS = {
    "N(0, 1)": "{normal: {std: 1}}",
    "N(0, 0.01²)": "{normal: {std: 0.01}}",
    "xavier": "xavier",
    "he": "he",
}
LAYERS = ("z1", "z2", "z3", "z4", "z5")


def write(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    drawing.path_on_contours(
        lambda x, y: x**2 / 20 + y**2, paths(), labels=("x", "y"), path=folder / "paths.png"
    )
    _schedules(folder / "schedules.png")
    _stopping(folder / "stopping.png")
    histograms(activations("sigmoid"), limits=(0, 1), path=folder / "starts_sigmoid.png")
    histograms(activations("relu"), limits=(0, 3), top=0.08, path=folder / "starts_relu.png")


def _stopping(path: Path) -> None:
    """The run on the page about early stopping, gone on with to its last epoch."""
    page = (SPECS.parent / "docs" / "training" / "evaluation.md").read_text()
    spec = page.partition("```yaml\n")[2].partition("```")[0]
    run = graphnn.train(graphnn.loads(spec, {"patience": 30}))
    shown = ("loss", "validation_loss", "accuracy", "validation_accuracy")
    drawing.curves({name: [row[name] for row in run.history] for name in shown}, path=path)


def paths() -> dict[str, list[np.ndarray]]:
    """Where each optimizer has been, from the start on."""
    found = {}
    for name, options in OPTIMIZERS.items():
        net = graphnn.load(SPECS / "paths.yaml", {"optimizer": {name: options}})
        point = net.parameters["point.value"]
        points = [point.copy()]
        graphnn.train(net, progress=lambda _, p=point, points=points: points.append(p.copy()))
        found[name] = points
    return found


def _schedules(path: Path) -> None:
    """What each schedule multiplies the learning rate by, over ten epochs of 20 steps."""
    course = Course(epochs=10, steps=20)
    shown = {
        "constant: {warm_up: 1}": Constant(warm_up=1),
        "step: {every: 3, factor: 0.5}": Step(every=3, factor=0.5),
        "cosine": Cosine(),
        "cosine: {warm_up: 2, floor: 0.1}": Cosine(warm_up=2, floor=0.1),
    }
    steps = range(course.epochs * course.steps)
    with style.styled():
        figure = style.new_figure(7.6, 2.4, layout="constrained")
        panels = figure.subplots(1, len(shown), sharey=True)
        for axes, (name, schedule) in zip(panels, shown.items(), strict=True):
            scales = [schedule.scale(step, course) for step in steps]
            axes.plot([step / course.steps for step in steps], scales, color=style.BLUE)
            axes.grid(visible=True)
            axes.set(xlim=(0, 10), ylim=(0, 1.05), xticks=[0, 5, 10], xlabel="epochs")
            axes.set_title(name.replace(": {", "\n{"), fontsize=style.SMALL_SIZE)
        panels[0].set_ylabel("learning rate")
        style.finish(figure, path)


def activations(op: str) -> dict[str, dict[str, np.ndarray]]:
    """What five layers of `op` make of normal numbers, under each start of the weights."""
    text = (SPECS / "initializers.yaml").read_text().partition("examples:")[0]
    x = np.random.default_rng(0).normal(size=(1000, 100))
    found = {}
    for name, start in STARTS.items():
        spec = text.replace("op: sigmoid", f"op: {op}").replace(
            "weight: xavier", f"weight: {start}"
        )
        values = graphnn.loads(spec).run(x=x, outputs=LAYERS)
        found[name] = {f"layer {node[1:]}": values[node] for node in LAYERS}
    return found


if __name__ == "__main__":
    write(Path(sys.argv[1]))

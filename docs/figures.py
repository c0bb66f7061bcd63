"""Every picture of the documentation, made by running the specs of this repository.

The docs build calls `write` for pictures that are not kept. ``python docs/figures.py`` writes the
two diagrams that the README shows, in docs/_static, which are kept: run it when a diagram changes.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import graphnn
from graphnn import drawing
from graphnn.drawing.plots import style
from graphnn.training import load_sets

HERE = Path(__file__).parent
SPECS = HERE.parent / "specs"
KEPT = ("xor", "mnist")
STUDIED = "a1.weight[400,3]"


def write_kept(folder: Path) -> None:
    """Write the diagrams of the README into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _diagram("gates/xor.yaml", folder / "xor.svg", direction="right", about=True)
    _diagram("mnist.yaml", folder / "mnist.svg", direction="right")


def write(folder: Path) -> None:
    """Write all other pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("three_layer", "descent", "regression", "gates/and", "deep"):
        _diagram(f"{name}.yaml", folder / f"{Path(name).name}.svg", direction="right")
    _diagram("cnn_deep.yaml", folder / "columns.svg")
    look = {"families": {"linear": "navy"}, "ops": {"softmax": "#ff8800"}}
    _diagram("mnist.yaml", folder / "look.svg", direction="right", look=look, mathematical=True)
    _gates(folder / "gates.png")
    _activations(folder / "activations.png")
    _training(folder)
    _study(folder / "study.png")
    _descent(folder)
    _keypoints(folder / "keypoints.png")


def _diagram(spec: str, path: Path, **options: object) -> None:
    graphnn.load(SPECS / spec).draw(path, title=False, **options)


def _gates(path: Path) -> None:
    """Where each gate fires, over the whole plane: one line cannot cut out XOR."""
    side = np.linspace(-0.5, 1.5, 401)
    plane = np.stack(np.meshgrid(side, side), axis=-1)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    with style.styled():
        figure = style.new_figure(7.6, 2.4, layout="constrained")
        panels = figure.subplots(1, 4, sharey=True)
        specs = ("and.yaml", "nand.yaml", "or.json", "xor.yaml")
        for axes, name in zip(panels, specs, strict=True):
            net = graphnn.load(SPECS / "gates" / name)
            fires = net.run(x=plane.reshape(-1, 2))["y"].reshape(401, 401)
            axes.contourf(side, side, fires, levels=[-0.5, 0.5, 1.5], colors=["white", "#cfe3f2"])
            for corner, output in zip(corners, net.run(x=corners)["y"][:, 0], strict=True):
                fill = style.BLUE if output else "white"
                axes.plot(*corner, "o", color=fill, markeredgecolor=style.INK, markersize=8)
            axes.set(aspect="equal", xticks=[0, 1], yticks=[0, 1], xlabel="x1")
            axes.set_title(net.graph.spec.name.split()[0])
        panels[0].set_ylabel("x2")
        style.finish(figure, path)


def _activations(path: Path) -> None:
    """Step, sigmoid and rectifier side by side."""
    x = np.linspace(-5, 5, 501)
    with style.styled():
        figure = style.new_figure(7.2, 2.2, layout="constrained")
        for axes, op in zip(figure.subplots(1, 3), ("step", "sigmoid", "relu"), strict=True):
            nodes = {"x": {"op": "input", "shape": ["batch"]}, "y": {"op": op, "inputs": "x"}}
            axes.plot(x, graphnn.loads({"graphnn": 1, "nodes": nodes}).run(x=x)["y"])
            axes.grid(visible=True)
            axes.set_title(op)
        style.finish(figure, path)


def _training(folder: Path) -> None:
    """What a run on the digits leaves, what it learned from, and what it learned."""
    digits = np.load(HERE.parent / "graphnn" / "training" / "data" / "mnist10k.npz")
    drawing.image_sheet(
        digits["images"][8000:8020],
        digits["labels"][8000:8020],
        columns=10,
        ink=True,
        path=folder / "digits.png",
    )
    with TemporaryDirectory() as place:
        run = graphnn.train(SPECS / "mnist.yaml", folder=Path(place) / "run")
        for name in ("curves.png", "mistakes.png"):
            (folder / name).write_bytes((Path(place) / "run" / name).read_bytes())
    counts = graphnn.evaluate(run.network).confusion
    drawing.confusion(counts, path=folder / "confusion.png")
    weights = run.network.parameters["a1.weight"].T.reshape(-1, 28, 28)
    drawing.image_sheet(weights[:20], columns=10, path=folder / "weights.png")


def _study(path: Path) -> None:
    """The picture that ``graphnn grad specs/mnist.yaml --study`` draws."""
    net = graphnn.load(SPECS / "mnist.yaml")
    rows = load_sets(net, net.graph.spec.train).train.rows(slice(5)).arrays
    found = graphnn.step_study(net, STUDIED, rows)
    drawing.step_study(
        found.steps, found.forward_error, found.central_error, title=found.entry, path=path
    )


def _descent(folder: Path) -> None:
    """The path that the descent's own run leaves, and x0 at other learning rates."""
    with TemporaryDirectory() as place:
        graphnn.train(SPECS / "descent.yaml", folder=Path(place) / "run")
        (folder / "descent.png").write_bytes((Path(place) / "run" / "path.png").read_bytes())
    with style.styled():
        figure = style.new_figure(5.6, 2.7, layout="constrained")
        axes = figure.add_subplot()
        rates = {1.02: style.GREEN, 0.9: style.VERMILLION, 0.1: style.BLUE}
        for rate, color in rates.items():
            net = graphnn.load(SPECS / "descent.yaml", {"learning_rate": rate, "epochs": 20})
            x = net.parameters["x.value"]
            path = [x[0]]
            graphnn.train(net, progress=lambda _, x=x, path=path: path.append(x[0]))
            axes.plot(path, ".-", color=color, label=f"learning rate {rate}")
        axes.grid(visible=True)
        axes.set(xlabel="step", ylabel="x0", xticks=range(0, 21, 5))
        figure.legend(loc="outside upper left", ncols=3)
        style.finish(figure, folder / "rates.png")


def _keypoints(path: Path) -> None:
    """Points over an image: the corners of a digit's ink, and a guess at them."""
    digits = np.load(HERE.parent / "graphnn" / "training" / "data" / "mnist10k.npz")
    image = digits["images"][8000]
    rows, columns = np.nonzero(image > 127)
    corners = [[columns.min(), rows.min()], [columns.max(), rows.max()]]
    drawing.image_with_points(
        image, corners, predicted=[[9.5, 4.0], [17.5, 23.0]], names=["first", "last"], path=path
    )


if __name__ == "__main__":
    write_kept(HERE / "_static")

"""The pictures of the gallery, drawn from the specs of this repository and of docs/gallery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import graphnn
from graphnn.training import load_sets

HERE = Path(__file__).parent
GALLERY, SPECS = HERE / "gallery", HERE.parent / "specs"
PRICES = {"apple": 100, "apples": 2, "orange": 150, "oranges": 3, "tax": 1.1}
BLOCKS = ("alexnet", "vgg16", "googlenet", "resnet18", "unet", "siamese", "gan")


def write(folder: Path) -> None:
    """Write all of them into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)

    def path(name: str) -> Path:
        return folder / f"gallery_{name}.svg"

    for name in ("gates/and", "gates/xor", "three_layer", "mnist", "autoencoder"):
        net = graphnn.load(SPECS / f"{name}.yaml")
        net.draw(path(Path(name).name), style="textbook")
    net = graphnn.load(SPECS / "gates" / "xor.yaml")
    net.draw(path("weights"), style="textbook", trace=graphnn.trace(net, show="values"))
    _computations(path)
    for name in BLOCKS:
        graphnn.load(GALLERY / f"{name}.yaml").draw(path(name), style="blocks")
    graphnn.load(SPECS / "lenet5.yaml").draw(path("lenet5"), style="blocks")
    graphnn.load(GALLERY / "transformer.yaml").draw(path("transformer"))
    graphnn.load(GALLERY / "lstm.yaml").draw(path("lstm"), direction="right")
    unrolled = graphnn.load(GALLERY / "lstm_unrolled.yaml")
    unrolled.draw(path("lstm_unrolled"), direction="right", depth=0, expand=True)
    unrolled.draw(path("lstm_cell"), direction="right")
    _passes(path)
    old, new = (graphnn.load(SPECS / f"{name}.yaml") for name in ("overfit", "overfit_dropout"))
    new.draw(path("difference"), against=old)


def _computations(path: Callable[[str], Path]) -> None:
    net = graphnn.load(GALLERY / "apples_and_oranges.yaml")
    options = {"style": "computation", "direction": "right"}
    net.draw(path("apples_and_oranges"), **options, trace=graphnn.trace(net, PRICES))
    net = graphnn.load(GALLERY / "two_layer.yaml")
    net.draw(path("two_layer"), **options, trace=graphnn.trace(net, x=[[1.0, 0.5]], t=[1]))


def _passes(path: Callable[[str], Path]) -> None:
    """A trained network with its filters and maps, and what a pass computes in it."""
    run = graphnn.train(SPECS / "cnn.yaml", {"epochs": 1})
    net = run.network
    rows = load_sets(net, net.graph.spec.train).train.rows(slice(100)).arrays
    trace = graphnn.trace(net, rows, show="values")
    net.draw(path("maps"), style="blocks", trace=trace)
    net.parameters["c1.bias"][:9] = -9.0  # so low that nine filters never fire
    net.draw(path("values"), direction="right", trace=graphnn.trace(net, rows, show="values"))
    net.draw(path("gradients"), direction="right", trace=graphnn.trace(net, rows))
    net = graphnn.load(SPECS / "three_layer.yaml")
    x = np.array([[1.0, 0.5]])
    report = graphnn.check_gradients(net, x=x, loss="y")
    trace = graphnn.trace(net, x=x, loss="y", report=report)
    counts = {**trace.verdicts["a2.weight"], "agree": 4, "wrong backward": 2}
    wrong = replace(trace, verdicts={**trace.verdicts, "a2.weight": counts})
    net.draw(path("check"), direction="right", trace=wrong)

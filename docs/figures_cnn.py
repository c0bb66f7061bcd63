"""Pictures of the convolutional tour, made by training the small network for an epoch or five.

``python docs/figures_cnn.py FOLDER`` writes them all; the docs build calls `write`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

import graphnn
from graphnn import drawing

SPECS = Path(__file__).parents[1] / "specs"
SETTINGS = {
    "rows": 4000,
    "epochs": 1,
    "augment": {},
    "optimizer": {"adam": {"learning_rate": 0.003}},
}


def write(folder: Path) -> None:
    """Write every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    graphnn.load(SPECS / "cnn.yaml").draw(folder / "cnn.svg")
    net = small()
    weight = net.parameters["c1.weight"]
    drawing.filters(weight, columns=10, title="before", path=folder / "filters_before.png")
    run = graphnn.train(net)
    drawing.filters(weight, columns=10, title="after", path=folder / "filters_after.png")
    image = digit(net, 7)
    maps = run.network.run(x=image, outputs=["z1"])["z1"][0]
    # A margin of 2 puts each entry where the middle of its window lies in the image.
    maps = np.pad(maps / maps.max(), ((0, 0), (2, 2), (2, 2)))
    drawing.image_sheet(
        [image[0, 0], *maps],
        ["image", *range(1, 31)],
        columns=8,
        ink=True,
        path=folder / "maps.png",
    )
    mistaken(folder)
    graphnn.train(SPECS / "autoencoder.yaml", folder=folder / "autoencoder")
    (folder / "autoencoder" / "reconstructions.png").replace(folder / "reconstructions.png")
    shutil.rmtree(folder / "autoencoder")


def mistaken(folder: Path) -> None:
    """What the small network, trained for five epochs as its file says, takes for what."""
    found = graphnn.evaluate(graphnn.train(SPECS / "cnn.yaml", {"epochs": 5}).network)
    predicted, actual, _, confidence = found.classified
    drawing.confusion(found.confusion, path=folder / "cnn_confusion.png")
    images, path = found.dataset.arrays["x"], folder / "cnn_mistakes.png"
    drawing.mistakes(images, predicted, actual, confidence, limit=24, path=path)


def small() -> graphnn.Network:
    """The small network with filters that start almost at 0, where learning can be seen."""
    text = (SPECS / "cnn.yaml").read_text()
    text = text.replace("kernel: 5, weight: he", "kernel: 5, weight: {normal: {std: 0.01}}")
    return graphnn.loads(text, SETTINGS)


def digit(net: graphnn.Network, label: int) -> np.ndarray:
    """The first held-back image of a digit, [1, 1, 28, 28]."""
    from graphnn.training import load_sets

    rows = load_sets(net, net.graph.spec.train).test.arrays
    place = int(np.argmax(rows["t"] == label))
    return rows["x"][place : place + 1]


if __name__ == "__main__":
    write(Path(sys.argv[1]))

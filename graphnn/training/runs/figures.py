"""Pictures of a training and of rows that a network was measured on, where there is one to draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from graphnn import drawing
from graphnn.diagnostics import DrawingError
from graphnn.execution.network import Network
from graphnn.ops import Array
from graphnn.ops.initializers import FILTERS
from graphnn.training.data.dataset import Dataset
from graphnn.training.fitting.loop import Training
from graphnn.training.fitting.measuring import Classified, Row

Pair = tuple[Array, Array]
Names = tuple[str, ...] | None
Drawings = dict[str, Callable[[Path], object]]  # by file; False where there is nothing to draw
_COLUMNS = 10  # of filters, and of augmented images
_CHANGES = 3  # of each of those images
_SHOWN = 30  # images with what a network makes of them


def draw_all(
    drawings: Iterable[tuple[str, Callable[[Path], object]]], place: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Draw into `place`; names of the files drawn, and remarks on those that fail."""
    drawn, failed = list[str](), dict[str, list[str]]()
    for name, draw in drawings:
        try:
            if draw(place / name) is not False:
                drawn.append(name)
        except DrawingError as error:
            # A picture that cannot be made must not lose a trained network.
            for found in error.diagnostics:
                failed.setdefault(found.message, []).append(name)
    remarks = (f"no {', '.join(names)}: {message}" for message, names in failed.items())
    return tuple(drawn), tuple(remarks)


def columns_of(history: Sequence[Row]) -> dict[str, list[float]]:
    """A history by measure: NaN in the epochs that lack one."""
    names = dict.fromkeys(name for row in history for name in row)
    return {name: [row.get(name, math.nan) for row in history] for name in names}


def as_png(draw: Callable[[], Any]) -> bytes | None:
    """A plot as Jupyter shows it; None where it cannot be drawn, as without matplotlib."""
    try:
        content: bytes = draw()._repr_png_()
    except DrawingError:
        return None
    return content


def of_classes(dataset: Dataset, found: Classified, names: Names) -> Drawings:
    """How often each class was taken for each, and the rows of `dataset` that were mistaken."""
    return {
        "confusion.png": lambda path: drawing.confusion(found.matrix, names=names, path=path),
        "mistakes.png": lambda path: mistakes(dataset, found, names, path),
    }


def of_images(pair: Pair | None, kind: str) -> Drawings:
    """Images of a `kind`, such as ``test``, and below each what was made of it."""
    return {"reconstructions.png": lambda path: pairs(pair, f"{kind} images".lstrip(), path)}


def mistakes(dataset: Dataset, found: Classified, names: Names, path: Path) -> object:
    """Picture the rows of `dataset` whose class was mistaken; False where rows are not images."""
    for images in map(images_of, dataset.arrays.values()):
        if images is not None:
            ink, labels = images.ndim == 3, (found.predicted, found.actual)
            sure = found.confidence
            return drawing.mistakes(images, *labels, sure, names=names, ink=ink, path=path)
    return False


def reconstructed(network: Network, dataset: Dataset) -> Pair | None:
    """The first rows of an input with what the network makes of them, if those are images alike."""
    rows = dataset.rows(slice(_SHOWN)).arrays
    for node in network.graph.outputs:
        executor = network.executor([node])
        for name in executor.plan.inputs:
            alike = network.graph.nodes[name].shape == network.graph.node(node).shape
            if not alike or not executor.plan.inputs.keys() <= rows.keys():
                continue
            fed = {each: rows[each] for each in executor.plan.inputs}
            made = executor.run(fed, network.arrays)[node]
            if images_of(rows[name]) is not None and images_of(made) is not None:
                return rows[name], made
    return None


def pairs(pair: Pair | None, what: str, path: Path) -> object:
    """Picture rows, and below each what was made of it; False where they are not images alike.

    Parameters
    ----------
    pair : tuple of ndarray, or None
        The rows, and what was made of them.
    what : str
        What the rows are called.
    path : Path
    """
    images, made = (None, None) if pair is None else map(images_of, pair)
    if images is None or made is None or images.shape != made.shape:
        return False
    title = f"{what}, and below each what the network makes of it"
    return drawing.reconstructions(images, made, ink=images.ndim == 3, title=title, path=path)


def first_filters(network: Network) -> tuple[str, Array] | None:
    """Name and values of the filters of a first convolution that can be seen and are trained."""
    weights = (
        node.parameters[operand.name]
        for node in network.graph.nodes.values()
        for operand in node.op.parameter_operands()
        if operand.layout == FILTERS
    )
    name = next(weights, None)
    if name is None or name not in network.trainable:
        return None
    weight = network.parameters[name]
    visible = weight.shape[1] in (1, 3) and weight.shape[2:] != (1, 1)
    return (name, weight.copy()) if visible else None


def filters(before: tuple[str, Array] | None, network: Network, path: Path) -> object:
    """Picture what `first_filters` were before, and what they are now; False if there are none."""
    if before is None:
        return False
    name, weight = before
    title, now = f"{name} after training", network.parameters[name]
    return drawing.filters(now, before=weight, columns=_COLUMNS, title=title, path=path)


def augmented(training: Training, path: Path) -> object:
    """Picture the first training images, and what augmentation makes of them."""
    augmenter, rows = training.augmenter, training.sets.train
    if augmenter is None or rows is None:
        return False
    images = augmenter.images(rows.arrays[augmenter.input][:_COLUMNS])
    if images.shape[1] not in (1, 3):
        return False
    rng = np.random.default_rng(training.spec.seed)
    changed = [augmenter.augmentation(images, rng) for _ in range(_CHANGES)]
    # What noise makes of the darkest and the lightest would take the contrast from all else.
    sheet = np.clip(np.concatenate([images, *changed]), images.min(), images.max())
    title = f"training images, and {_CHANGES} changes of each"
    ink = images.shape[1] == 1
    return drawing.image_sheet(sheet, columns=len(images), ink=ink, title=title, path=path)


def loss_path(training: Training, path: Path) -> object:
    """Picture the path of two trained numbers on the contours of a loss that needs no data."""
    points = training.state.path
    if not points or points[0].size != 2 or training.sets.train is not None:
        return False
    return drawing.loss_path(training.network, np.stack(points), path=path)


def images_of(array: Array) -> Array | None:
    """`array` as images [n, height, width] or [n, height, width, 3]; None where rows are none."""
    if array.dtype.kind != "f":
        return None
    if array.ndim == 4 and array.shape[1] == 3:
        return np.moveaxis(array, 1, 3)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        side = math.isqrt(array.shape[1])
        if side >= 5 and side**2 == array.shape[1]:
            return array.reshape(-1, side, side)
    return array if array.ndim == 3 else None

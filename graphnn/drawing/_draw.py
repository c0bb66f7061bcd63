"""A network as a diagram, and the path of two trained numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

import numpy as np

from graphnn.drawing.diagram.diagram import Diagram, Options, diagram
from graphnn.drawing.plots.contours import path_on_contours
from graphnn.execution import Network
from graphnn.ops import Array


def draw(network: Network, path: str | Path | None = None, **options: Unpack[Options]) -> Diagram:
    """Diagram of a network.

    Parameters
    ----------
    network : Network
    path : str or Path, optional
        Where to write it; the suffix names the format: .svg, .pdf, .png, .html, .tex (TikZ), .dot
        or .mmd (Mermaid).
    **options
        What is shown and how; see `Diagram`.

    Returns
    -------
    Diagram
        Which can be saved elsewhere, and shows itself in notebooks.

    Raises
    ------
    DrawingError
        The format is unknown, or there is no program to lay it out.
    FileError
        The file cannot be written.
    UsageError
        A node to show or to hide does not exist.
    """
    made = diagram(network.graph, **options)
    if path is not None:
        made.save(path)
    return made


def to_svg(network: Network) -> str:
    """Diagram of a network as SVG text."""
    return diagram(network.graph).content("svg").decode()


def loss_path(network: Network, points: Array, *, path: str | Path | None = None) -> Any:
    """Picture of the path that two trained numbers took, on the contours of the loss.

    Parameters
    ----------
    network : Network
        Without inputs; its trainable parameters have two entries in all.
    points : ndarray, shape (steps, 2)
    path : str or Path, optional
        Where to write it.
    """
    probe = network.astype("float64")
    places = [
        (name, index)
        for name in network.trainable
        for index in np.ndindex(network.parameters[name].shape)
    ]
    labels = [f"{name}[{','.join(map(str, index))}]" for name, index in places]

    def height(x: Array, y: Array) -> Array:
        result = np.empty(x.shape)
        for at in np.ndindex(x.shape):
            for (name, index), value in zip(places, (x[at], y[at]), strict=True):
                probe.parameters[name][index] = value
            result[at] = probe.loss()
        return result

    return path_on_contours(height, points, labels=(labels[0], labels[1]), path=path)

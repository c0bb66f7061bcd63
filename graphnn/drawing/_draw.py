"""A network as a diagram, and the path of two trained numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graphnn.drawing.diagram import dot, render
from graphnn.drawing.diagram.dot import Direction
from graphnn.drawing.plots.contours import path_on_contours
from graphnn.execution import Network
from graphnn.ops import Array


def draw(
    network: Network,
    path: str | Path | None = None,
    *,
    direction: Direction = "down",
    about: bool = False,
    title: bool = True,
    expand: bool = False,
) -> str:
    """Diagram of a network.

    Parameters
    ----------
    network : Network
    path : str or Path, optional
        Where to write it; the suffix decides the format: svg, png, pdf, dot and others.
    direction : {"down", "right"}
        Where data flow.
    about : bool
        Whether boxes show the nodes' remarks.
    title : bool
        Whether the network's name stands above.
    expand : bool
        Whether every copy of a block that is repeated is drawn, in place of one for all.

    Returns
    -------
    str
        The DOT text.

    Raises
    ------
    DrawingError
        The format is unknown, or needs the real ``dot`` and there is none.
    """
    text = dot.to_dot(network.graph, direction=direction, about=about, title=title, expand=expand)
    if path is not None:
        render.render(text, Path(path))
    return text


def to_svg(network: Network) -> str:
    """Diagram of a network as SVG text."""
    return render.to_svg(dot.to_dot(network.graph))


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

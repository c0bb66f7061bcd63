"""A network as a diagram, and the path of two trained numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, ParamSpec, Protocol, cast, get_type_hints, overload

import numpy as np

from graphnn.diagnostics import UsageError, suggestion
from graphnn.drawing.diagram.diagram import Diagram
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.plots.contours import path_on_contours
from graphnn.execution import Network, require_network
from graphnn.ops import Array

Given = ParamSpec("Given")


class Draw(Protocol[Given]):
    """A function whose keywords are `path` and the fields of `DiagramOptions`."""

    @overload
    def __call__(
        self,
        network: Network,
        path: str | Path | None = None,
        /,
        *args: Given.args,
        **options: Given.kwargs,
    ) -> Diagram: ...

    @overload
    def __call__(
        self, network: Network, path: str | Path | None = None, **options: Any
    ) -> Diagram: ...


def _taking(
    record: Callable[Given, DiagramOptions],
) -> Callable[[Callable[..., Diagram]], Draw[Given]]:
    """Show the fields of `record` in the signature of a function that has them as keywords."""

    def decorate(function: Callable[..., Diagram]) -> Draw[Given]:
        shown = inspect.signature(function)
        hints = get_type_hints(record)
        options = [
            parameter.replace(annotation=hints[name])
            for name, parameter in inspect.signature(record).parameters.items()
        ]
        parameters = [*list(shown.parameters.values())[:-1], *options]
        function.__signature__ = shown.replace(parameters=parameters)  # type: ignore[attr-defined]
        return cast(Draw[Given], function)

    return decorate


@_taking(DiagramOptions)
def draw(network: Network, path: str | Path | None = None, **options: Any) -> Diagram:
    """Diagram of a network.

    Parameters
    ----------
    network : Network
    path : str or Path, optional
        Where to write it; the suffix names the format: .svg, .pdf, .png, .html, .tex (TikZ), .dot
        or .mmd (Mermaid).
    **options
        The fields of `DiagramOptions`.

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
        An option has an invalid value; or a node to show or to hide does not exist.
    """
    require_network(network)
    names = [each.name for each in fields(DiagramOptions)]
    for name in options:
        if name not in names:
            message, help = f"a diagram has no option '{name}'", suggestion(name, names, "")
            raise UsageError.of("bad-option", message, help=help)
    made = Diagram(network.graph, DiagramOptions(**options))
    if path is not None:
        made.save(path)
    return made


def to_svg(network: Network) -> str:
    """Diagram of a network as SVG text."""
    return Diagram(network.graph).content("svg").decode()


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

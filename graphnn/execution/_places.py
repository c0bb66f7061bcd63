"""Where arrays of a file, or of torch, go: to a parameter, or in parts to several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from graphnn.diagnostics import Findings, RunError
from graphnn.graph import Graph, Node
from graphnn.ops import Array
from graphnn.spec import DEFAULT
from graphnn.spec.model import Layout


@dataclass(frozen=True, slots=True)
class Place:
    """The parameter that an array is the value of, and whether its axes are in reverse order."""

    parameter: str
    reverse: bool = False

    def shape(self, own: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the array, for a parameter of shape `own`."""
        return own[::-1] if self.reverse else own


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of an array of torch, which are added to columns of a parameter."""

    parameter: str
    source: slice
    target: slice


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the parts of an array of torch go, whose axes are in reverse order.

    Attributes
    ----------
    node, name : str
        Whose array it is, and its own name.
    shape : tuple of int
        As torch has it.
    parts : tuple of Part
    """

    node: str
    name: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]


Places = Mapping[str, Place | Parts]


def own_places(graph: Graph, layout: Layout) -> dict[str, Place | Parts | None]:
    """Each name that an array has in a layout, with its place; None for what has none here."""
    if layout == "graphnn":
        return {name: Place(name) for name in graph.parameters}
    found: dict[str, Place | Parts | None] = {}
    turned = graph.torch_turned()
    for node in graph.nodes.values():
        for operand, full in node.parameters.items():
            if full is not None:
                theirs = node.op.torch_names.get(operand, operand)
                name = f"{node.name}.{theirs}".removesuffix(".")
                reverse = operand in node.op.torch_reversed and node.name not in turned
                found[name] = Place(full, reverse)
        found |= dict.fromkeys(f"{node.name}.{each}" for each in node.op.torch_unused)
        found |= _parts(graph, node)
    return found


def _parts(graph: Graph, node: Node) -> dict[str, Parts]:
    """The arrays of a layer of torch, of which each is parts of parameters."""
    known = {name: full for name, full in node.parameters.items() if full is not None}
    shapes = {name: graph.parameters[full].shape for name, full in known.items()}
    found = {}
    for array, parts in node.op.torch_parts(shapes).items():
        if known.keys() >= {operand for operand, _, _ in parts}:  # else it has no place here
            name = f"{node.name}.{array}"
            width = max(source.stop for _, source, _ in parts)
            shape = (width, *shapes[parts[0][0]][-2::-1])
            places = (Part(known[operand], *columns) for operand, *columns in parts)
            found[name] = Parts(node.name, name, shape, tuple(places))
    return found


def parameters_of(place: Place | Parts | None) -> set[str]:
    """Those that an array in this place is the value of, or of parts of."""
    if isinstance(place, Parts):
        return {part.parameter for part in place.parts}
    return {place.parameter} if place else set()


def placed(
    graph: Graph, arrays: Mapping[str, Array], places: Places, origin: str
) -> dict[str, Array]:
    """The arrays by parameter, with their axes in the order that they have here.

    Raises
    ------
    RunError
        Two arrays for one parameter differ.
    """
    findings = Findings(DEFAULT.faults, RunError)
    found: dict[str, Array] = {}
    for name, parameter, own in _of_parameters(graph, arrays, places):
        if parameter in found and not np.array_equal(found[parameter], own):
            message = f"'{name}' in {origin} is another name of '{parameter}', but differs from it"
            findings.error("bad-parameter", message)
        found[parameter] = own
    findings.raise_errors(RunError)
    return found


def _of_parameters(
    graph: Graph, arrays: Mapping[str, Array], places: Places
) -> Iterator[tuple[str, str, Array]]:
    """Name, parameter and value of each array, and of the sum of the parts of some."""
    sums: dict[tuple[str, str], tuple[str, Array]] = {}  # by node and parameter
    for name, array in arrays.items():
        place = places[name]
        if isinstance(place, Place):
            yield name, place.parameter, array.T if place.reverse else array
            continue
        for part in place.parts:
            own = np.zeros(graph.parameters[part.parameter].shape, array.dtype)
            _, found = sums.setdefault((place.node, part.parameter), (name, own))
            found[..., part.target] += array.T[..., part.source]
    for (_, parameter), (name, array) in sums.items():
        yield name, parameter, array

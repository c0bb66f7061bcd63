"""What is said of a box: attributes, shapes, parameters and their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphnn.diagnostics import DrawingError, counted
from graphnn.drawing.diagram import notation
from graphnn.drawing.diagram.view import Item, View
from graphnn.graph import Graph, Node, Parameter, show_shapes
from graphnn.spec import flow
from graphnn.spec.sizes import Shape, free_names, product

_IN_SHAPES = ("op", "units", "filters", "shape", "dtype")  # seen in the shapes that are shown
_LINE = 26  # characters of a line of attributes
_LONGEST = 28  # characters of a value
_FEW = 6  # entries of a parameter whose numbers are shown


@dataclass(frozen=True, slots=True)
class Holding:
    """A parameter or state of a node, as a row of its box.

    Attributes
    ----------
    name, shape : str
    count : int
        Entries, of all copies that the box stands for; 0 where another node owns it.
    remark : str
        The name of the owner, or how it starts where the spec says so, and ``frozen``.
    learned : bool
        Whether it is a parameter; a state, such as a running mean, is not.
    """

    name: str
    shape: str
    count: int
    remark: str
    learned: bool


def attributes(node: Node) -> list[str]:
    """What the op was asked for beyond its defaults, such as ``kernel 3×3``."""
    fields = type(node.op).model_fields
    found = []
    # Of what copies unstack, each one has another entry.
    hidden = (*_IN_SHAPES, "index") if node.spec.made_by else _IN_SHAPES
    for name in fields:
        value = getattr(node.op, name)
        if name not in hidden and value is not None and not node.op.is_default(name):
            sizes = name in node.op.size_attributes or (_is_counts(value) and name != "value")
            found.append(f"{name} {_size(value) if sizes else _cut(value)}")
    return filled(found)


def _is_counts(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(each, int) for each in value)


def filled(words: list[str]) -> list[str]:
    """`words` in as few lines as are not too long."""
    found: list[str] = []
    for word in words:
        if found and len(found[-1]) + len(word) <= _LINE:
            found[-1] += f", {word}"
        else:
            found.append(word)
    return found


def holdings(view: View, item: Item) -> Iterator[Holding]:
    """The parameters and states of a box that is a node."""
    for operand in item.nodes[0].parameters:
        owners = [node.parameters[operand] for node in item.nodes]
        if owners[0] is None:
            continue
        known = (item.graph or view.graph).parameters
        kept = [known[owner] for owner in owners if owner is not None]
        own = [
            parameter
            for node, parameter in zip(item.nodes, kept, strict=True)
            if parameter.name == f"{node.name}.{operand}"
        ]
        shape = show_shapes(parameter.shape for parameter in kept)
        node, mathematical = item.nodes[0], view.look.mathematical
        yield Holding(
            notation.of_parameter(operand, node.name) if mathematical else operand,
            _bare(shape),
            sum(parameter.size for parameter in own),
            _remark(node, operand, kept[0], mathematical=mathematical),
            kept[0].learned,
        )


def parameters(view: View, item: Item) -> tuple[int, int]:
    """Entries of the parameters, and of the states, that the nodes of a box own."""
    names = {
        name: (item.graph or view.graph).parameters[name]
        for node in item.nodes
        for operand, name in node.parameters.items()
        if name == f"{node.name}.{operand}"
    }
    learned = sum(parameter.size for parameter in names.values() if parameter.learned)
    return learned, sum(parameter.size for parameter in names.values()) - learned


def in_frames(view: View) -> Counter[str]:
    """Entries of the parameters inside each frame."""
    found: Counter[str] = Counter()
    for item in (each for each in view.items.values() if each.graph is None):
        learned, _ = parameters(view, item)
        for frame in view.around(item.frame):
            found[frame] += learned
    return found


def row(node: Node) -> Shape:
    """The shape of a row of what a node gives: all axes but that of a batch."""
    return node.shape[1:] if node.shape and free_names(node.shape[0]) else node.shape


def row_size(node: Node) -> int:
    """How many entries a row has; 0 where a size of it is free."""
    size = product(row(node))
    return size if isinstance(size, int) else 0


def shown(view: View, style: str) -> set[str]:
    """Names of the nodes of `view` that a style shows which leaves out losses.

    Raises
    ------
    DrawingError
        There are none.
    """
    nodes = {node.name for item in view.items.values() for node in item.nodes}
    found = nodes - _aside(view.graph)
    if not found:
        message = (
            f"the style '{style}' leaves out losses and targets, so that nothing is left to draw"
        )
        raise DrawingError.of("unsuited-style", message, help="draw it in another style")
    return found


def _aside(graph: Graph) -> set[str]:
    """Names of the losses, of what comes after them, and of what they alone read.

    What a loss is taken of, its first operand, is none of these.
    """
    losses = [node for node in graph.nodes.values() if node.op.is_loss]
    after = graph.downstream(node.name for node in losses)
    results = {graph.node(name).name for name in graph.outputs} - after
    kept = graph.upstream([*results, *(node.inputs[0] for node in losses)])
    return after | (graph.upstream(after) - kept)


def not_drawn(graph: Graph) -> list[str]:
    """What is said of losses that a style leaves out."""
    nodes = (graph.node(name) for name in graph.losses)
    return [
        f"Not drawn: {node.name}, the {node.op.name} of {' and '.join(node.inputs)}."
        for node in nodes
        if node.op.is_loss
    ]


def totals(graph: Graph) -> tuple[int, int]:
    """Entries of all parameters of `graph`, and of all states."""
    every = graph.parameters.values()
    learned = sum(parameter.size for parameter in every if parameter.learned)
    return learned, sum(parameter.size for parameter in every) - learned


def lines(view: View, item: Item, *, about: bool = False) -> list[str]:
    """All that is said of a box, for formats that have no columns."""
    found = [f"{item.label}  {item.what}"]
    if item.folded:
        found += [shape(item), entries(*parameters(view, item))]
    else:
        found += [*attributes(item.nodes[0]), shape(item)]
        for each in holdings(view, item):
            count = f"{each.count:,}" if each.count else ""
            found.append("  ".join(filter(None, (each.name, each.shape, count, each.remark))))
    return [*found, *([item.remark] if about and item.remark else [])]


def shape(item: Item) -> str:
    """The shape of what a box gives, and ``int`` where it holds whole numbers."""
    kind = " int" if item.results[0].kind == "int" else ""
    return show_shapes(each.shape for each in item.results) + kind


def entries(learned: int, kept: int) -> str:
    """Numbers of entries of parameters and of states."""
    return counted(learned, "parameter") + (f", {kept:,} in state" if kept else "")


def _remark(node: Node, operand: str, parameter: Parameter, *, mathematical: bool) -> str:
    if parameter.name != f"{node.name}.{operand}":
        owner, _, name = parameter.name.rpartition(".")
        return f"= {notation.of_parameter(name, owner) if mathematical else parameter.name}"
    given = node.spec.fields.get(operand)
    words = parameter.origin.words if given is not None and parameter.learned else ""
    if words == "numbers of the spec" and parameter.size <= _FEW:
        words = _cut(flow(given.value)) if given is not None else ""
        if parameter.shape == ():  # "1, 100" beside the count would be read as one number
            words = f"starts as {words}"
    frozen = "" if parameter.trainable or not parameter.learned else "frozen"
    return ", ".join(filter(None, (words, frozen)))


def _bare(shape: str) -> str:
    """`shape` without brackets; of no axis, ``1``."""
    return shape.replace("[]", "1").replace("[", "").replace("]", "").replace(", ", "×")


def _size(value: Any) -> str:
    """A size, or several joined by ``×``, one where all are the same."""
    if not isinstance(value, tuple | list):
        return _word(value)
    parts = [_size(each) for each in value]
    return parts[0] if len(parts) > 2 and len(set(parts)) == 1 else "×".join(parts)


def _word(value: Any) -> str:
    """A value as specs have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cut(value: Any) -> str:
    if isinstance(value, tuple | list):
        value = [list(each) if isinstance(each, tuple) else each for each in value]
    text = f"{value:g}" if isinstance(value, float) else _word(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

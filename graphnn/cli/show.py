"""``graphnn show``: a network as tables."""

from __future__ import annotations

from collections.abc import Iterator

from graphnn import network
from graphnn.binding import Origin
from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, settings
from graphnn.graph import Graph, Node, Parameter
from graphnn.spec.sizes import show as show_shape
from graphnn.spec.values import Mapping, Scalar


def show(file: File, set: Settings = None) -> None:
    """Show nodes, shapes, parameters and sizes as tables."""
    net = network.load(file, settings(set))
    graph = net.graph
    terminal.line(("strong", graph.spec.name or str(file)))
    if graph.spec.description:
        terminal.line(graph.spec.description)
    terminal.line()
    terminal.table(
        ("node", "op", "inputs", "shape", "parameters"),
        (_node_row(node) for node in graph.nodes.values()),
    )
    if graph.parameters:
        terminal.line()
        terminal.table(
            ("parameter", "shape", "entries", "starts as"), _parameter_rows(graph), right=[2]
        )
    terminal.line()
    terminal.table(("", ""), _facts(graph))


def _node_row(node: Node) -> tuple[terminal.Piece, ...]:
    attributes = [
        f"{key}={entry.value.value}"
        for key, entry in node.spec.fields.items()
        if key in type(node.op).model_fields
        and key not in (*type(node.op).size_attributes, "dtype", "value")
        and isinstance(entry.value, Scalar)
    ]
    shape = show_shape(node.shape) + (" int" if node.kind == "int" else "")
    parameters = [_mention(node, key, full) for key, full in node.parameters.items()]
    return (
        ("strong", node.name),
        " ".join([node.op.name, *attributes]),
        ", ".join(node.inputs),
        shape,
        ", ".join(parameters),
    )


def _mention(node: Node, name: str, full: str | None) -> str:
    if full is None:
        return f"no {name}"
    return name if full == f"{node.name}.{name}" else f"{name} = {full}"


def _parameter_rows(graph: Graph) -> Iterator[tuple[terminal.Piece, ...]]:
    for parameter in graph.parameters.values():
        start = _start(parameter, graph)
        if not parameter.learned:
            start += ", a state"
        elif not parameter.trainable:
            start += ", not trained"
        yield parameter.name, show_shape(parameter.shape), f"{parameter.size:,}", start
    total = sum(parameter.size for parameter in graph.parameters.values())
    yield ("strong", "total"), "", ("strong", f"{total:,}"), ""


def _start(parameter: Parameter, graph: Graph) -> str:
    origin: Origin = parameter.origin
    if origin.start is not None:
        options = origin.start.model_dump(exclude={"name"}, exclude_defaults=True)
        listed = ", ".join(f"{key}={value}" for key, value in options.items())
        name = getattr(origin.start, "name", type(origin.start).__name__)
        return f"{name}({listed})" if listed else name
    if isinstance(origin.place, Mapping):
        file = origin.place.get("file")
        assert isinstance(file, Scalar)
        return f"file {file.value}"
    return "numbers of the spec"


def _facts(graph: Graph) -> Iterator[tuple[terminal.Piece, terminal.Piece]]:
    fixed = [f"{name} = {size}" for name, size in graph.spec.sizes.items() if isinstance(size, int)]
    free = [name for name, size in graph.spec.sizes.items() if not isinstance(size, int)]
    if fixed:
        yield ("strong", "sizes"), ", ".join(fixed)
    yield ("strong", "free sizes"), ", ".join(free)
    yield ("strong", "outputs"), ", ".join(graph.outputs)
    yield ("strong", "losses"), ", ".join(graph.losses) or "none"
    yield ("strong", "computes in"), graph.spec.dtype
    if graph.spec.weights is not None:
        yield ("strong", "weights"), f"file {graph.spec.weights.file.value}"
    if graph.spec.examples:
        yield ("strong", "examples"), str(len(graph.spec.examples))
    if (train := graph.spec.train) is not None:
        kind = next(iter(train.data.entries), "none") if train.data else "none"
        rows = f"{terminal.count(train.epochs, 'epoch')} in batches of {train.batch_size:,}"
        text = f"{train.optimizer.name.value}, {rows}, data: {kind}"
        yield ("strong", "training"), text

"""``graphnn show``: a network as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, settings
from graphnn.graph import Graph, Group, Node, Outline, Parameter, outline, show_shapes
from graphnn.spec import flow
from graphnn.spec.model import BlockInstance, instances_of
from graphnn.spec.sizes import show as show_shape
from graphnn.spec.values import Scalar, Value
from graphnn.training import load

_Range = tuple[int | str, int | str]  # of the numbers of copies, or twice a name


def show(
    file: File,
    expand: Annotated[
        bool, typer.Option("--expand", help="Show every copy of a block that is repeated.")
    ] = False,
    set: Settings = None,
) -> None:
    """Show nodes, shapes, parameters and sizes as tables.

    Nodes of a block are below its use; of a repeated block, one copy is shown.
    """
    net = load(file, settings(set))
    graph = net.graph
    terminal.line(("strong", graph.spec.name or str(file)))
    if graph.spec.description:
        terminal.line(graph.spec.description)
    terminal.line()
    seen = outline(graph, expand=expand, order=graph.nodes)
    terminal.table(("node", "op", "inputs", "shape", "parameters"), _rows(graph, seen))
    if graph.parameters:
        terminal.line()
        terminal.table(
            ("parameter", "shape", "entries", "starts as"), _parameter_rows(graph, seen), right=[2]
        )
    terminal.line()
    terminal.table(("", ""), [(("strong", title), text) for title, text in _facts(graph)])


def _rows(graph: Graph, seen: Outline) -> Iterator[tuple[terminal.Piece, ...]]:
    entries = _entries(graph)
    for depth, item in seen.walk():
        if isinstance(item, Group):
            row = _group_row(graph, item, seen, entries)
        else:
            row = _node_row(graph, item, seen)
        yield ("strong", "  " * depth + row[0]), *row[1:]


def _entries(graph: Graph) -> Counter[str]:
    """Entries of the parameters in each use and each copy of a block."""
    entries: Counter[str] = Counter()
    for parameter in graph.parameters.values():
        if not parameter.learned:
            continue
        node = graph.nodes[parameter.name.rpartition(".")[0]]
        for instance in instances_of(node.spec.instance):
            entries[instance.name] += parameter.size
            if instance.number is not None:
                entries[instance.call.name] += parameter.size
    return entries


def _group_row(graph: Graph, group: Group, seen: Outline, entries: Counter[str]) -> tuple[str, ...]:
    call, instance = group.call, group.instance
    read = [_read(graph, call.parent, name, seen) for name in instance.given.values()]
    count = entries[call.name if group.count > 1 else instance.name]
    own = f"{count:,} entries" if count else ""
    return group.title, call.block.name, ", ".join(read), "", own


def _node_row(graph: Graph, node: Node, seen: Outline) -> tuple[str, ...]:
    alike = seen.alike[node.name]
    attributes = [
        f"{key}={_shown(entry.value)}"
        for key, entry in node.spec.fields.items()
        if key in type(node.op).model_fields and key not in (*node.op.size_attributes, "shape")
    ]
    if node.op.family == "source":  # its shape and value are shown
        attributes = []
    shape = show_shapes(each.shape for each in alike) + (" int" if node.kind == "int" else "")
    parameters = [_mention(node, key, full) for key, full in node.parameters.items()]
    return (
        _local(node),
        " ".join([node.op.name, *attributes]),
        ", ".join(_read(graph, node.spec.instance, name, seen) for name in node.inputs),
        shape,
        ", ".join(parameters),
    )


def _shown(value: Value) -> str:
    return str(value.value) if isinstance(value, Scalar) else flow(value)


def _local(node: Node) -> str:
    instance = node.spec.instance
    return node.name if instance is None else node.name.removeprefix(f"{instance.name}.")


def _read(graph: Graph, instance: BlockInstance | None, source: str, seen: Outline) -> str:
    """The node `source` by its shortest name; as the block calls it where `instance` is one."""
    aliases = graph.spec.aliases
    source = aliases.get(source, source)
    if instance is None:
        return seen.name(source)
    given = {aliases.get(name, name): key for key, name in instance.given.items()}
    return given.get(source) or seen.name(source).removeprefix(f"{instance.name}.")


def _mention(node: Node, name: str, full: str | None) -> str:
    if full is None:
        return f"no {name}"
    if full == f"{node.name}.{name}":
        return name
    instance = node.spec.instance
    return f"{name} = {full if instance is None else full.removeprefix(f'{instance.name}.')}"


def _parameter_rows(graph: Graph, seen: Outline) -> Iterator[tuple[terminal.Piece, ...]]:
    for node in (item for _, item in seen.walk() if isinstance(item, Node)):
        for key in node.parameters:
            names = [f"{each.name}.{key}" for each in seen.alike[node.name]]
            alike = [graph.parameters[name] for name in names if name in graph.parameters]
            yield from _rows_of(alike)
    for name, learned in (("total", True), ("total of states", False)):
        sizes = [each.size for each in graph.parameters.values() if each.learned is learned]
        if learned or sizes:
            yield ("strong", name), "", ("strong", f"{sum(sizes):,}"), ""


def _rows_of(alike: list[Parameter]) -> Iterator[tuple[terminal.Piece, ...]]:
    """A row for each run of copies in which a parameter has the same shape and start."""
    # What the names have between their dots, a whole number as the range that it begins.
    rows = [([_range(part) for part in each.name.split(".")], [each]) for each in alike]
    for place in reversed(range(len(rows[0][0]) if rows else 0)):
        merged = rows[:1]
        for parts, found in rows[1:]:
            before, kept = merged[-1]
            if _follows(before, parts, place) and _words(kept[0]) == _words(found[0]):
                before[place] = (before[place][0], parts[place][1])
                kept += found
            else:
                merged.append((parts, found))
        rows = merged
    for parts, found in rows:
        shape, start = _words(found[0])
        name = ".".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)
        times = f" x{len(found)}" if len(found) > 1 else ""
        yield name, shape + times, f"{sum(each.size for each in found):,}", start


def _range(part: str) -> _Range:
    number = int(part) if part.isdigit() else part
    return number, number


def _follows(before: list[_Range], parts: list[_Range], place: int) -> bool:
    """Whether `parts` continue at `place` where `before` end, and are the same elsewhere."""
    last, first = before[place][1], parts[place][0]
    if not (isinstance(last, int) and first == last + 1):
        return False
    return [*before[:place], *before[place + 1 :]] == [*parts[:place], *parts[place + 1 :]]


def _words(parameter: Parameter) -> tuple[str, str]:
    """Shape and start of a parameter."""
    start = parameter.origin.words
    if not parameter.learned:
        start += ", a state"
    elif not parameter.trainable:
        start += ", not trained"
    return show_shape(parameter.shape), start


def _facts(graph: Graph) -> Iterator[tuple[str, str]]:
    spec = graph.spec
    fixed = [f"{name} = {size}" for name, size in spec.sizes.items() if isinstance(size, int)]
    if fixed:
        yield "sizes", ", ".join(fixed)
    free = (name for name, size in spec.sizes.items() if not isinstance(size, int))
    yield "free sizes", ", ".join(free)
    yield "outputs", ", ".join(graph.outputs)
    yield "losses", ", ".join(graph.losses) or "none"
    yield "computes in", spec.dtype
    if spec.weights is not None:
        yield "weights", f"file {spec.weights.file.value}"
    if spec.examples:
        yield "examples", str(len(spec.examples))
    if (train := spec.train) is not None:
        kind = next(iter(train.data.entries), "none") if train.data else "none"
        rows = f"{terminal.count(train.epochs, 'epoch')} in batches of {train.batch_size:,}"
        yield "training", f"{train.optimizer.name.value}, {rows}, data: {kind}"

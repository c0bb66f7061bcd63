"""The table of nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from graphnn.diagnostics import counted
from graphnn.graph._graph import Graph, Node
from graphnn.graph._outline import Group, Outline, show_shapes
from graphnn.graph.summary.costs import Cost
from graphnn.graph.summary.table import Table
from graphnn.spec import flow
from graphnn.spec.block_records import BlockInstance, instances_of, keeper
from graphnn.spec.values import Scalar, Value

_HEADER = ("node", "op", "inputs", "shape", "parameters")
_COSTS = ("multiply-adds", "bytes")


def node_table(graph: Graph, seen: Outline, costs: Mapping[str, Cost] | None) -> Table:
    """A row for each node and use of a block that is shown, with `costs` where they are given."""
    entries = _entries(graph)
    rows = []
    for depth, item in seen.walk():
        if isinstance(item, Group):
            row = _group_row(graph, item, seen, entries)
        else:
            row = _node_row(graph, item, seen)
        if costs is not None:
            row += _cost_cells(item, seen, costs)
        rows.append(("  " * depth + row[0], *row[1:]))
    if costs is None:
        return Table(_HEADER, tuple(rows))
    width = len(_HEADER)
    return Table(_HEADER + _COSTS, tuple(rows), right=(width, width + 1))


def _cost_cells(item: Group | Node, seen: Outline, costs: Mapping[str, Cost]) -> tuple[str, str]:
    """The cost of all nodes that a row stands for; nothing for a block, whose nodes have rows."""
    if isinstance(item, Group):
        return "", ""
    total = sum((costs[each.name] for each in seen.alike[item.name]), Cost(0, 0))
    return f"{total.multiply_adds:,}" if total.multiply_adds else "", f"{total.memory:,}"


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
    first = call.instances[0].given
    read = [
        # A later copy reads the one before it, which nobody wrote.
        _read(graph, call.parent, full, seen, written.name if full == first[key] else "")
        for (key, full), written in zip(instance.given.items(), call.spec.inputs, strict=True)
    ]
    count = entries[call.name if group.count > 1 else instance.name]
    own = counted(count, "entry") if count else ""
    if call.name in graph.spec.shares and not count:
        own = f"those of {keeper(instance, graph.spec.shares)[0]}"
    elif call.name in graph.spec.shares:
        own += ", shared"
    return group.title, call.block.name, ", ".join(read), "", own


def _node_row(graph: Graph, node: Node, seen: Outline) -> tuple[str, ...]:
    alike = seen.alike[node.name]
    attributes = [
        f"{key}={_range([each.spec.fields[key].value for each in alike])}"
        for key in node.spec.fields
        if key in type(node.op).model_fields and key not in (*node.op.size_attributes, "shape")
    ]
    if node.op.family == "source":  # its shape and value are shown
        attributes = []
    shape = show_shapes(each.shape for each in alike) + (" int" if node.kind == "int" else "")
    parameters = [_mention(node, key, full) for key, full in node.parameters.items()]
    return (
        _local(node),
        " ".join([node.op.name, *attributes]),
        ", ".join(_sources(graph, node, seen)),
        shape,
        ", ".join(parameters),
    )


def _sources(graph: Graph, node: Node, seen: Outline) -> list[str]:
    """What `node` reads; of all copies of a use, the first and the last."""
    instance = node.spec.instance
    found = [
        _read(graph, instance, name, seen, written)
        for name, written in zip(node.inputs, _written(node), strict=True)
    ]
    many = node.spec.made_by == "stack" and len(found) > 2
    return [f"{found[0]} ... {found[-1]}"] if many else found


def _written(node: Node) -> list[str]:
    """What the definition of a block calls the inputs of a node, where it is in one."""
    instance = node.spec.instance
    local = None
    if instance is not None:
        local = instance.call.block.nodes.get(node.name.removeprefix(f"{instance.name}."))
    names: dict[str, list[str]] = {}
    for placed, own in zip(node.spec.inputs, local.inputs if local else (), strict=False):
        names.setdefault(placed.name, []).append(own.name)
    return [names[full].pop(0) if names.get(full) else "" for full in node.inputs]


def _range(values: list[Value]) -> str:
    """The value that all have, or the first and the last."""
    first, last = _shown(values[0]), _shown(values[-1])
    return first if first == last else f"{first}...{last}"


def _shown(value: Value) -> str:
    return str(value.value) if isinstance(value, Scalar) else flow(value)


def _local(node: Node) -> str:
    instance = node.spec.instance
    return node.name if instance is None else node.name.removeprefix(f"{instance.name}.")


def _read(
    graph: Graph, instance: BlockInstance | None, source: str, seen: Outline, written: str = ""
) -> str:
    """The node `source` by its shortest name; as the block calls it where `instance` is one.

    Of several inputs of a block that are the same node, it is the one that is `written`.
    """
    aliases = graph.spec.aliases
    source = aliases.get(source, source)
    if instance is None:
        return seen.name(source)
    given = {aliases.get(name, name): key for key, name in instance.given.items()}
    if written in instance.given:
        return written
    return given.get(source) or seen.name(source).removeprefix(f"{instance.name}.")


def _mention(node: Node, name: str, full: str | None) -> str:
    if full is None:
        return f"no {name}"
    if full == f"{node.name}.{name}":
        return name
    instance = node.spec.instance
    return f"{name} = {full if instance is None else full.removeprefix(f'{instance.name}.')}"

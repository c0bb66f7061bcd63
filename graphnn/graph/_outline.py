"""A graph as people look at it: uses of blocks as groups, copies that are alike shown once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphnn.graph._graph import Graph, Node
from graphnn.spec.block_records import BlockCall, BlockInstance, instances_of
from graphnn.spec.sizes import Shape, show


@dataclass(frozen=True, slots=True)
class Group:
    """A copy of a block with what is in it.

    Attributes
    ----------
    call : BlockCall
    instance : BlockInstance
        The one that is shown.
    count : int
        How many copies it stands for; 1 where each is a separate group.
    items : list of Group or Node
        In order.
    """

    call: BlockCall
    instance: BlockInstance
    count: int
    items: list[Group | Node] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name, and how many copies there are: ``h``, ``h x5``, or ``h.2``."""
        name = self.call.spec.name
        if self.count == 1 and self.instance.number is not None and self.call.repeat != 1:
            return f"{name}.{self.instance.number}"
        return name if self.call.repeat is None else f"{name} x{self.count}"


@dataclass(frozen=True, slots=True)
class Outline:
    """What there is to show.

    Attributes
    ----------
    items : list of Group or Node
        In order.
    shown : mapping of str to str
        From every node to the one that is shown for it: itself, or that of the first copy.
    alike : mapping of str to list of Node
        From a node that is shown to all that it stands for, in order.
    names : mapping of str to str
        The shortest name of a node where a use or a copy of a block stands for it.
    """

    items: list[Group | Node]
    shown: dict[str, str]
    alike: dict[str, list[Node]]
    names: dict[str, str]

    def name(self, node: str) -> str:
        """The shortest name of `node`."""
        return self.names.get(node, node)

    def walk(self) -> Iterator[tuple[int, Group | Node]]:
        """Every group and node that is shown, each with how many groups it is in."""
        pending = [(0, item) for item in reversed(self.items)]
        while pending:
            depth, item = pending.pop()
            yield depth, item
            if isinstance(item, Group):
                pending += [(depth + 1, inner) for inner in reversed(item.items)]


def outline(graph: Graph, *, expand: bool = False, order: Iterable[str] | None = None) -> Outline:
    """What there is to show of `graph`.

    Parameters
    ----------
    graph : Graph
    expand : bool
        Whether every copy of a block that is repeated is shown, in place of the first for all.
    order : iterable of str, optional
        Names of all nodes in the order in which they, and with them their groups, are shown; by
        default that of the file.
    """
    top: list[Group | Node] = []
    groups: dict[str, Group] = {}
    shown: dict[str, str] = {}
    alike: dict[str, list[Node]] = {}
    for name in order or graph.spec.nodes:
        node = graph.nodes[name]
        chain = instances_of(node.spec.instance)
        place = name if expand else _first(chain, name)
        shown[name] = place
        alike.setdefault(place, []).append(node)
        if place != name:
            continue
        items = top
        for instance in chain:
            if instance.name not in groups:
                count = 1 if expand else len(instance.call.instances)
                groups[instance.name] = Group(instance.call, instance, count)
                items.append(groups[instance.name])
            items = groups[instance.name].items
        items.append(node)
    return Outline(top, shown, alike, _names(graph))


def show_shapes(shapes: Iterable[Shape]) -> str:
    """The shape that all have, or the first and the last."""
    every = list(shapes)
    first, last = show(every[0]), show(every[-1])
    if all(shape == every[0] for shape in every):
        return first
    return f"{first} ... {last}" if first != last else f"{first} ..."


def _first(chain: list[BlockInstance], name: str) -> str:
    """The name in the first copies of what is called `name` in the copies of `chain`."""
    if not chain:
        return name
    local = name.removeprefix(f"{chain[-1].name}.")
    parts = [
        each.call.spec.name if each.number is None else f"{each.call.spec.name}.1" for each in chain
    ]
    return ".".join([*parts, local])


def _names(graph: Graph) -> dict[str, str]:
    found: dict[str, str] = {}
    for call in graph.spec.calls.values():
        found.setdefault(graph.spec.aliases[call.name], call.name)
    for call in graph.spec.calls.values():
        for instance in call.instances:
            found.setdefault(graph.spec.aliases[instance.name], instance.name)
    return found

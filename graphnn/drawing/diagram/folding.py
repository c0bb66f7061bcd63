"""How much of a graph is shown: everything, or less where that would be too much for a picture.

Copies of a repeated block are shown once; blocks deeper than asked are folded into one box. By
default, as much is folded as leaves fewer boxes than `FOLDED_FROM`: first what repeats in a row,
then blocks, the deepest first. What is left of a network of thousands of nodes, of which nothing
repeats, is shown in parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from graphnn.diagnostics import UsageError
from graphnn.drawing.diagram import notation
from graphnn.drawing.diagram.look import Look, look_of
from graphnn.drawing.diagram.options import DiagramOptions, names_in
from graphnn.drawing.diagram.parts import parts
from graphnn.drawing.diagram.runs import runs
from graphnn.drawing.diagram.view import Edge, Frame, Item, View
from graphnn.graph import Graph, Group, Node, Outline, outline
from graphnn.spec.block_records import instances_of

FOLDED_FROM = 150  # visible nodes from which blocks are folded
CIRCLES_FROM = 30  # in a computation graph, where a node with its numbers takes more room
WHOLE_UP_TO = 1_000  # boxes that are drawn one by one where no option asks for more
_MOST_ENDS = 12  # inputs and results that stay outside the parts


def view(graph: Graph, options: DiagramOptions) -> View:
    """What is shown of `graph`.

    Raises
    ------
    UsageError
        There is no node of a name that is to be drawn or left out, or none is left to draw.
    """
    seen = outline(graph, expand=options.expand or options.unrolled)
    hidden = {graph.node(name).name for name in names_in(options.hide)}
    kept = None if options.only is None else _kept(graph, options.only)
    if hidden.issuperset(graph.nodes if kept is None else kept):
        raise UsageError.of("bad-option", "no node is left to draw")
    look = look_of(graph, options)
    free = options.depth is None and not options.expand
    most = CIRCLES_FROM if options.style == "computation" else FOLDED_FROM
    for depth in _depths(seen) if free else [options.depth]:
        viewer = _Viewer(graph, look, seen, depth, hidden, kept, join=not options.expand)
        found = viewer.view(fold_runs=free and not options.unrolled)
        if len(found.items) < most:
            break
    too_many = free and options.style == "graph" and len(found.items) > WHOLE_UP_TO
    return viewer.in_parts() if too_many else found


def _depths(seen: Outline) -> list[int | None]:
    """How deep blocks may be opened, the deepest first; None opens all."""
    levels = {level for level, item in seen.walk() if isinstance(item, Group)}
    return [None, *sorted(levels, reverse=True)]


def _kept(graph: Graph, only: str | Iterable[str]) -> set[str]:
    """Names of the nodes that `only` means."""
    if not isinstance(only, str) or ".." not in only:
        return {graph.node(name).name for name in names_in(only)}
    first, _, last = only.partition("..")
    start, end = graph.node(first).name, graph.node(last).name
    found = graph.downstream([start]) & graph.upstream([end])
    if not found:
        turned = graph.downstream([end]) & graph.upstream([start])
        message = f"there is no path from '{first}' to '{last}'"
        help = f"write {last}..{first}" if turned else ""
        raise UsageError.of("bad-option", message, help=help)
    return found


def _look(item: Item) -> object:
    """What is equal for boxes that look alike, in one frame."""
    if item.group is not None:
        return item.frame, item.what, item.group.count, item.nodes[-1].shape, len(item.nodes)
    return item.frame, item.nodes[0].op, [node.shape for node in item.nodes]


def _bare(item: Item) -> str:
    return item.label if item.group is None else item.group.call.spec.name


def _are_copies(a: Item, b: Item) -> bool:
    """Whether both are folded copies of one block call."""
    calls = [each.group.call for each in (a, b) if each.group is not None]
    return a is not b and a.frame == b.frame and len(calls) == 2 and calls[0] is calls[1]


def title(group: Group) -> str:
    """The name of a block call, and how many copies are drawn as one."""
    name = group.call.spec.name
    if group.count > 1:
        return f"{name} × {group.count}"
    return name if group.call.repeat == 1 else group.title


class _Viewer:
    def __init__(
        self,
        graph: Graph,
        look: Look,
        seen: Outline,
        depth: int | None,
        hidden: set[str],
        kept: set[str] | None,
        *,
        join: bool,
    ) -> None:
        self._graph, self._seen, self._depth = graph, seen, depth
        self._hidden, self._kept = hidden, kept
        self._join = join  # folded copies of a block that follow one another
        self._view = View(graph, look)
        self._boxes: dict[str, str] = {}  # from every node that is shown to its box

    def view(self, *, fold_runs: bool) -> View:
        path: list[str] = []  # frames that are open
        folded: tuple[int, Group, list[Node]] | None = None
        for depth, item in self._seen.walk():
            if folded is not None and depth > folded[0]:
                if not isinstance(item, Group):
                    folded[2].extend(self._alike(item))
                continue
            if folded is not None:
                self._fold(folded[1], folded[2], path)
                folded = None
            del path[depth:]
            if not isinstance(item, Group):
                self._add(item, path)
            elif self._depth is not None and depth >= self._depth:
                folded = depth, item, []
            else:
                name = item.instance.name
                self._view.frames[name] = Frame(name, item, path[-1] if path else "", title(item))
                path.append(name)
        if folded is not None:
            self._fold(folded[1], folded[2], path)
        if fold_runs and len(self._view.items) >= FOLDED_FROM:
            self._fold_runs()
        return self._finished()

    def in_parts(self) -> View:
        """What is shown, with most boxes joined to parts."""
        items = list(self._view.items.values())
        sources = self._sources(items)
        ends = self._ends(items, sources)
        self._view.items.clear()
        for part in parts(sources, ends if len(ends) <= _MOST_ENDS else set()):
            joined = [items[place] for place in part]
            if len(joined) == 1:
                self._keep(replace(joined[0], frame=""))
            else:
                first, last = joined[0].name, joined[-1].name
                nodes = tuple(node for item in joined for node in item.nodes)
                self._keep(Item(f"{first}..{last}", f"{first} … {last}", nodes, part=True))
        return self._finished()

    def _ends(self, items: list[Item], sources: list[list[int]]) -> set[int]:
        """Places of inputs, and of outputs and losses that nothing reads."""
        named = (*self._graph.outputs, *self._graph.losses)
        results = {self._graph.node(name).name for name in named}
        read = {place for each in sources for place in each}
        return {
            place
            for place, item in enumerate(items)
            if item.nodes[0].op.is_input
            or (place not in read and any(node.name in results for node in item.nodes))
        }

    def _finished(self) -> View:
        """The view of what was added, with its lines and without frames that hold nothing."""
        used = {
            frame for item in self._view.items.values() for frame in self._view.around(item.frame)
        }
        frames = {name: frame for name, frame in self._view.frames.items() if name in used}
        return View(self._graph, self._view.look, self._view.items, frames, self._edges())

    def _alike(self, node: Node) -> list[Node]:
        return [each for each in self._seen.alike[node.name] if self._is_shown(each)]

    def _is_shown(self, node: Node) -> bool:
        return node.name not in self._hidden and (self._kept is None or node.name in self._kept)

    def _add(self, node: Node, path: list[str]) -> None:
        nodes = self._alike(node)
        if nodes:
            instance = node.spec.instance
            label = node.name if instance is None else node.name.removeprefix(f"{instance.name}.")
            if self._view.look.mathematical:
                label = notation.of_node(label, node)
            self._keep(Item(node.name, label, tuple(nodes), frame=path[-1] if path else ""))

    def _fold(self, group: Group, nodes: list[Node], path: list[str]) -> None:
        if not nodes:
            return
        frame = path[-1] if path else ""
        item = Item(group.instance.name, title(group), tuple(nodes), group, frame=frame)
        last = next(reversed(self._view.items.values()), item)
        if self._join and _are_copies(last, item):
            assert last.group is not None
            both = replace(last.group, count=last.group.count + group.count)
            item = replace(last, label=title(both), nodes=(*last.nodes, *nodes), group=both)
        self._keep(item)

    def _keep(self, item: Item) -> None:
        self._view.items[item.name] = item
        for node in item.nodes:
            self._boxes[node.name] = item.name

    def _fold_runs(self) -> None:
        """Show each run of alike boxes once."""
        items = list(self._view.items.values())
        found = runs([_look(item) for item in items], self._sources(items))
        for at, length, times in found:
            last = items[at + length * times - 1]
            name = f"{items[at].name}..{last.name}"
            heading = f"{_bare(items[at])} … {_bare(last)} × {times}"
            self._view.frames[name] = Frame(name, None, items[at].frame, heading)
            for position in range(at, at + length):
                copies = items[position : at + length * times : length]
                for other in copies[1:]:
                    del self._view.items[other.name]
                nodes = tuple(node for each in copies for node in each.nodes)
                self._keep(replace(copies[0], nodes=nodes, frame=name))

    def _sources(self, items: list[Item]) -> list[list[int]]:
        """Places of the boxes that each reads."""
        places = {item.name: place for place, item in enumerate(items)}
        return [self._places_read(item, places) for item in items]

    def _places_read(self, item: Item, places: Mapping[str, int]) -> list[int]:
        read = dict.fromkeys(self._boxes.get(name) for node in item.nodes for name in node.inputs)
        return [places[box] for box in read if box is not None and box != item.name]

    def _edges(self) -> tuple[Edge, ...]:
        found: dict[tuple[Edge, int], None] = {}  # a node may read another twice
        for item in self._view.items.values():
            for node in item.nodes if item.folded else item.nodes[:1]:
                for position, source in enumerate(node.inputs):
                    box = self._boxes.get(source) or self._boxes.get(self._seen.shown[source])
                    if box is not None and not (box == item.name and item.folded):
                        found[self._edge(box, item, node, position)] = None
        return tuple(edge for edge, _ in found)

    def _edge(self, box: str, item: Item, node: Node, position: int) -> tuple[Edge, int]:
        """The edge from `box` to `item` for one input of `node`.

        The number differs between edges that look alike and are all drawn.
        """
        source = node.inputs[position]
        operand = "" if item.folded else _operand(node, position)
        joined = item.folded or self._view.items[box].part
        if node.spec.made_by == "stack" and len(self._drawn_with(source)) > 1:
            return Edge(box, item.name, operand, "" if joined else "every copy"), 0
        copy = "" if item.part else self._copy_of(self._graph.nodes[source], node)
        return Edge(box, item.name, operand, copy), 0 if joined else position

    def _drawn_with(self, name: str) -> list[Node]:
        """The nodes that are drawn once with the one called `name`."""
        return self._seen.alike[self._seen.shown[name]]

    def _copy_of(self, source: Node, reader: Node) -> str:
        """The copy that `reader` reads, where it is not the last of those that are drawn once."""
        alike = self._drawn_with(source.name)
        if len(alike) == 1 or source.name == alike[-1].name:
            return ""
        around = instances_of(reader.spec.instance)
        left = [each for each in instances_of(source.spec.instance) if each not in around]
        earlier = any(each is not each.call.instances[-1] for each in left)
        return self._seen.name(source.name) if earlier else ""


def _operand(node: Node, position: int) -> str:
    """The name of an operand where it says which input is which."""
    operands = node.op.data_operands()
    if len(operands) < 2 or len(operands) < len(node.inputs) or node.op.commutative:
        return ""
    return node.operands[position].name

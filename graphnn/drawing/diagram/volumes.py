"""A network as volumes of maps, one after the other, as pictures of convolutional networks show it.

What changes no sizes, such as an activation, belongs to the volume before it; volumes that repeat
in a chain are one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphnn.diagnostics import DrawingError, Findings
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.view import Item, View
from graphnn.graph import Node, reached
from graphnn.spec.sizes import show

_JOINED = ("activation", "normalization")  # families that belong to the volume before them
_JUNCTIONS = ("arithmetic", "shape", "linear", "loss")  # families that are circles
Size = tuple[int, int, int]  # channels, height, width


@dataclass(frozen=True, slots=True)
class Volume:
    """A box, or a circle.

    Attributes
    ----------
    items : tuple of Item
        What makes it, in order; the first gives its sizes.
    size : tuple of int, or None
        Channels, height and width; None for a circle.
    count : int
        How many alike, one after the other, it stands for.
    """

    items: tuple[Item, ...]
    size: Size | None
    count: int = 1

    @property
    def name(self) -> str:
        """That of the first."""
        return self.items[0].name

    @property
    def node(self) -> Node:
        """The first node, or of a folded block the last."""
        return self.items[0].results[0]

    @property
    def frame(self) -> str:
        """The frame that it is in; empty outside all."""
        return self.items[0].frame

    @property
    def look(self) -> object:
        """What is equal for volumes that look alike."""
        if any(item.folded for item in self.items):
            return self.name
        return self.size, self.frame, tuple(item.nodes[0].op for item in self.items)


@dataclass(frozen=True)
class Volumes:
    """All volumes and what leads from one to another.

    Attributes
    ----------
    volumes : mapping of str to Volume
        By name, in the order of the file.
    edges : tuple of (str, str)
        Those that no other way leads along.
    skips : tuple of (str, str)
        Those beside which other volumes lie.
    """

    volumes: Mapping[str, Volume] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()
    skips: tuple[tuple[str, str], ...] = ()

    def between(self, source: str, target: str) -> set[str]:
        """The volumes on the ways from one to another, without them."""
        into, readers = self._around
        after = reached([source], lambda name: readers.get(name, []))
        before = reached([target], lambda name: into.get(name, []))
        return after & before

    @cached_property
    def _around(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        return _neighbours((*self.edges, *self.skips))


def volumes(view: View, *, expand: bool) -> Volumes:
    """The volumes of `view`, without losses and what they alone read.

    Raises
    ------
    DrawingError
        A size of one is free, or it has more than three axes; or there are none.
    """
    shown = facts.shown(view, "blocks")
    places = {name: at for at, name in enumerate(view.graph.nodes)}  # in schedule order
    items = [item for item in view.items.values() if item.nodes[-1].name in shown]
    items.sort(key=lambda item: places[item.results[0].name])
    kept = {item.name for item in items}
    edges = list(dict.fromkeys((edge.source, edge.target) for edge in view.edges))
    edges = [edge for edge in edges if kept.issuperset(edge)]
    found, owner = _joined(items, edges)
    between = _between(edges, owner)
    if not expand:
        found, between = _without_repeats(found, between)
    skips = _skips(list(found), between)
    plain = tuple(edge for edge in between if edge not in skips)
    return Volumes(found, plain, tuple(edge for edge in between if edge in skips))


def _joined(
    items: Sequence[Item], edges: Sequence[tuple[str, str]]
) -> tuple[dict[str, Volume], dict[str, str]]:
    """Volumes of boxes, and from every box the name of its volume."""
    into, readers = _neighbours(edges)
    findings = Findings(refusal=DrawingError)
    found: dict[str, Volume] = {}
    owner: dict[str, str] = {}
    for item in items:
        before = [found[owner[name]] for name in into.get(item.name, ())]
        if len(before) == 1 and _joins(item, before[0], readers):
            owner[item.name] = before[0].name
            found[before[0].name] = replace(before[0], items=(*before[0].items, item))
        else:
            owner[item.name] = item.name
            found[item.name] = Volume((item,), _size(item, findings))
    findings.raise_errors(DrawingError)
    return found, owner


def _between(edges: Sequence[tuple[str, str]], owner: Mapping[str, str]) -> list[tuple[str, str]]:
    """The edges between volumes, each once."""
    every = ((owner[source], owner[target]) for source, target in edges)
    return [edge for edge in dict.fromkeys(every) if edge[0] != edge[1]]


def _neighbours(
    edges: Sequence[tuple[str, str]],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What each reads, and what reads each."""
    into: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    for source, target in edges:
        into.setdefault(target, []).append(source)
        readers.setdefault(source, []).append(target)
    return into, readers


def _joins(item: Item, before: Volume, readers: Mapping[str, list[str]]) -> bool:
    """Whether `item` belongs to the volume before it."""
    op, last = item.nodes[0].op, before.items[-1]
    if item.folded or item.frame != last.frame or readers[last.name] != [item.name]:
        return False
    if op.reorders:
        return True
    return op.family in _JOINED and before.node.op.family != "source"


def _size(item: Item, findings: Findings) -> Size | None:
    """Channels, height and width of what a box gives, None for a circle."""
    node = item.results[0]
    if item.family in _JUNCTIONS and len(node.inputs) != 1:
        return None
    row = facts.row(node)
    numbers = [size for size in row if isinstance(size, int)]
    reason = ""
    if len(numbers) < len(row):
        reason = f"a box needs all sizes of {show(row)}"
        help = "give sizes that are free by --set NAME=NUMBER"
    elif len(row) > 3:
        reason = f"a box has three axes, not the {len(row)} of {show(row)}"
        help = "draw it in another style, or a part of it with --only"
    if reason:
        message = f"the style 'blocks' cannot show '{node.name}': {reason}"
        findings.error("unsuited-style", message, node.spec.place.span, help=help)
        return None
    if not numbers:
        return None
    if len(numbers) == 3:
        return numbers[0], numbers[1], numbers[2]
    return numbers[-1], numbers[0] if len(numbers) == 2 else 1, 1


def _without_repeats(
    found: Mapping[str, Volume], edges: Sequence[tuple[str, str]]
) -> tuple[dict[str, Volume], list[tuple[str, str]]]:
    """Volumes that follow one another and look alike as one."""
    into, readers = _neighbours(edges)
    kept: dict[str, Volume] = {}
    owner: dict[str, str] = {}
    for name, volume in found.items():
        before = into.get(name, [])
        first = kept.get(owner.get(before[0], "")) if len(before) == 1 else None
        alone = first is not None and readers[before[0]] == [name] and volume.size is not None
        if first is not None and alone and first.look == volume.look:
            owner[name] = first.name
            kept[first.name] = replace(first, count=first.count + 1)
        else:
            owner[name] = name
            kept[name] = volume
    return kept, _between(edges, owner)


def _skips(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges beside which another way leads."""
    into, readers = _neighbours(edges)
    places = {name: at for at, name in enumerate(names)}
    found = set()
    for source, target in edges:
        if len(readers[source]) == 1 or len(into[target]) == 1:
            continue
        seen, pending = {source}, [name for name in readers[source] if name != target]
        while pending:
            name = pending.pop()
            if name == target:
                found.add((source, target))
                break
            if name not in seen and places[name] < places[target]:
                seen.add(name)
                pending += readers.get(name, [])
    return found

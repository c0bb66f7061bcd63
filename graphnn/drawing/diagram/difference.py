"""A view of a graph and of what another has besides, with what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from graphnn.drawing.diagram.view import Edge, Item, Kind, View
from graphnn.graph import compare
from graphnn.graph.comparison import Change, Detail

SIGNS: Mapping[Kind, str] = {"added": "+", "removed": "−", "changed": "~", "rewired": "↔"}
_MOST = 4  # details of a box
_LONGEST = 40  # characters of one
_FOLLOWS = ("shape", "parameters")  # aspects that change with others


def united(new: View, old: View) -> View:
    """`new` with the boxes and lines that `old` alone has; each says how it differs.

    Raises
    ------
    FileError
        A file of weights cannot be read.
    """
    return _Union(new, old).view()


class _Union:
    def __init__(self, new: View, old: View) -> None:
        self._new, self._old = new, old
        changes = compare(old.graph, new.graph, _no_options).changes
        nodes = [each for each in changes if each.part == "nodes"]
        # From the names of the nodes of `old` that `new` has too to those there.
        self._names = {name: name for name in old.graph.nodes if name in new.graph.nodes}
        self._names |= {each.name: each.renamed for each in nodes if each.kind == "renamed"}
        self._former = {there: here for here, there in self._names.items()}
        self._changed = {each.name: each for each in nodes if each.kind == "changed"}
        self._items = {name: self._compared(item) for name, item in new.items.items()}
        self._boxes = {node.name: item.name for item in new.items.values() for node in item.nodes}
        self._frames = dict(new.frames)

    def view(self) -> View:
        stands = {name: self._stand_in(item) for name, item in self._old.items.items()}
        before = {(stands[each.source], stands[each.target]) for each in self._old.edges}
        after = {(each.source, each.target) for each in self._new.edges}
        edges = [
            each if (each.source, each.target) in before else replace(each, kind="added")
            for each in self._new.edges
        ]
        gone = [pair for pair in sorted(before - after) if pair[0] != pair[1]]
        edges += [Edge(*pair, kind="removed") for pair in gone]
        return replace(
            self._new,
            items=self._items,
            frames=self._frames,
            edges=tuple(edges),
            before=self._old.graph,
        )

    def _stand_in(self, item: Item) -> str:
        """The box that stands for one of `old`: the same, or one that says that it is gone."""
        known = [self._names[node.name] for node in item.nodes if node.name in self._names]
        here = next((self._boxes[name] for name in known if name in self._boxes), "")
        if not here:
            return self._removed(item)
        if gone := len(item.nodes) - len(known):
            detail = f"{gone} fewer {_copies(item, gone)}"
            self._items[here] = _said(self._items[here], "changed", detail)
        return here

    def _removed(self, item: Item) -> str:
        name = item.name if item.name not in self._items else f"{item.name} (removed)"
        for frame in reversed(self._old.around(item.frame)):
            known = self._old.frames[frame]
            title = f"{SIGNS['removed']} {known.title}"
            self._frames.setdefault(frame, replace(known, title=title))
        label = f"{SIGNS['removed']} {item.label}"
        self._items[name] = replace(
            item, name=name, label=label, kind="removed", graph=self._old.graph
        )
        return name

    def _compared(self, item: Item) -> Item:
        """A box of `new` with how it differs."""
        came = sum(node.name not in self._former for node in item.nodes)
        if came == len(item.nodes):
            return replace(item, label=f"{SIGNS['added']} {item.label}", kind="added")
        name = item.nodes[0].name
        if not item.folded and self._former.get(name, name) != name:
            item = _said(item, "changed", f"was {self._former[name]}")
        found = [self._changed[node.name] for node in item.nodes if node.name in self._changed]
        kind: Kind = "rewired" if all(map(_is_rewired, found)) else "changed"
        if item.folded and found:
            details = [f"{len(found)} {_copies(item, len(found))} changed"]
        else:
            details = list(dict.fromkeys(detail for each in found for detail in _details(each)))
        for detail in details:
            item = _said(item, kind, detail)
        return _said(item, "changed", f"{came} more {_copies(item, came)}") if came else item


def _is_rewired(change: Change) -> bool:
    """Whether a node reads others, and nothing else changed but what follows from that."""
    return {each.aspect for each in _causes(change)} == {"inputs"}


def _said(item: Item, kind: Kind, detail: str) -> Item:
    """`item` with one more detail, and the sign of `kind` where it has none."""
    label = item.label if item.kind else f"{SIGNS[kind]} {item.label}"
    details = [*item.details, detail]
    if len(details) > _MOST:
        details = [*details[: _MOST - 1], "and more"]
    return replace(item, label=label, kind=item.kind or kind, details=tuple(details))


def _causes(change: Change) -> Sequence[Detail]:
    """What changed by itself; all of it where nothing did."""
    causes = [each for each in change.details if each.aspect not in _FOLLOWS]
    return causes or change.details


def _details(change: Change) -> Iterator[str]:
    """What changed, in words."""
    for each in _causes(change):
        text = str(replace(each, aspect="reads") if each.aspect == "inputs" else each)
        text = text.replace("->", "→")
        yield text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _copies(item: Item, count: int) -> str:
    """What a box holds several of."""
    one, many = ("copy", "copies") if not item.folded else ("node", "nodes")
    return one if count == 1 else many


def _no_options(spec: object) -> Mapping[str, object]:
    return {}

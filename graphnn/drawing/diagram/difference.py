"""A view of a graph and of what another has besides, with what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from graphnn.drawing.diagram.view import Edge, Frame, Item, Kind, View
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
    found = compare(old.graph, new.graph, _no_options).changes
    changes = [each for each in found if each.part == "nodes"]
    names = {name: name for name in old.graph.nodes if name in new.graph.nodes}
    names |= {each.name: each.renamed for each in changes if each.kind == "renamed"}
    changed = {each.name: each for each in changes if each.kind == "changed"}
    former = {there: here for here, there in names.items()}
    items = {name: _compared(item, changed, former) for name, item in new.items.items()}
    frames = dict(new.frames)
    place = {node.name: item.name for item in items.values() for node in item.nodes}
    stands: dict[str, str] = {}  # from the boxes of `old` to those that stand for them
    for name, item in old.items.items():
        here = next((place[names[n.name]] for n in item.nodes if names.get(n.name) in place), "")
        if not here:
            here = name if name not in items else f"{name} (removed)"
            for frame in reversed(old.around(item.frame)):
                frames.setdefault(frame, _former_frame(old.frames[frame]))
            label = f"{SIGNS['removed']} {item.label}"
            items[here] = replace(item, name=here, label=label, kind="removed", graph=old.graph)
        elif gone := sum(node.name not in names for node in item.nodes):
            items[here] = _said(items[here], "changed", f"{gone} fewer {_copies(item, gone)}")
        stands[name] = here
    before = {(stands[each.source], stands[each.target]) for each in old.edges}
    after = {(each.source, each.target) for each in new.edges}
    edges = [
        each if (each.source, each.target) in before else replace(each, kind="added")
        for each in new.edges
    ]
    edges += [Edge(*pair, kind="removed") for pair in sorted(before - after) if pair[0] != pair[1]]
    return replace(new, items=items, frames=frames, edges=tuple(edges), before=old.graph)


def _compared(item: Item, changed: Mapping[str, Change], former: Mapping[str, str]) -> Item:
    """`item` with how it differs."""
    came = sum(node.name not in former for node in item.nodes)
    if came == len(item.nodes):
        return replace(item, label=f"{SIGNS['added']} {item.label}", kind="added")
    if item.group is None and former.get(item.nodes[0].name, item.name) != item.nodes[0].name:
        item = _said(item, "changed", f"was {former[item.nodes[0].name]}")
    found = [changed[node.name] for node in item.nodes if node.name in changed]
    details = dict.fromkeys(detail for each in found for detail in _details(each))
    if item.group is not None and found:
        details = dict.fromkeys([f"{len(found)} {_copies(item, len(found))} changed"])
    if found:
        wired = all({each.aspect for each in _causes(one)} == {"inputs"} for one in found)
        for detail in details:
            item = _said(item, "rewired" if wired else "changed", detail)
    return _said(item, "changed", f"{came} more {_copies(item, came)}") if came else item


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
    one, many = ("copy", "copies") if item.group is None else ("node", "nodes")
    return one if count == 1 else many


def _former_frame(frame: Frame) -> Frame:
    return replace(frame, title=f"{SIGNS['removed']} {frame.title}")


def _no_options(spec: object) -> Mapping[str, object]:
    return {}

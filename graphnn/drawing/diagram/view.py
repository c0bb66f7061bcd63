"""What a diagram shows of a graph: its boxes, its frames, and the lines between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from graphnn.drawing.diagram.look import Look
from graphnn.drawing.diagram.palette import Theme, Tones
from graphnn.graph import Graph, Group, Node
from graphnn.spec.values import Value

_MOST_OPS = 4  # that are named of a part

Kind = Literal["", "added", "removed", "changed", "rewired"]


@dataclass(frozen=True, slots=True)
class Item:
    """One box.

    Attributes
    ----------
    name : str
        Of the node, or of the block call that is folded; unique.
    label : str
        The name inside its frame.
    nodes : tuple of Node
        What it stands for: a node, with those of the other copies; or all nodes of a folded block
        or of a part.
    group : Group or None
        The folded block.
    part : bool
        Whether it stands for a part of a network that is too large to be drawn node by node.
    frame : str
        Name of the frame that it is in; empty outside all.
    kind : {"", "added", "removed", "changed", "rewired"}
        How it differs from another graph.
    details : tuple of str
        What differs.
    graph : Graph or None
        The other graph, for one that is only there.
    """

    name: str
    label: str
    nodes: tuple[Node, ...]
    group: Group | None = None
    part: bool = False
    frame: str = ""
    kind: Kind = ""
    details: tuple[str, ...] = ()
    graph: Graph | None = None

    @property
    def folded(self) -> bool:
        """Whether it stands for all of its nodes, not for copies of one."""
        return self.part or self.group is not None

    @property
    def family(self) -> str:
        """The family of its op; empty where it is folded."""
        return "" if self.folded else self.nodes[0].op.family

    @property
    def what(self) -> str:
        """The name of its op, or of the folded block; of a part how many there are of each op."""
        if self.part:
            counts = Counter(node.op.name for node in self.nodes)
            named = [f"{count:,} {name}" for name, count in counts.most_common(_MOST_OPS)]
            return ", ".join(named) + (", …" if len(counts) > _MOST_OPS else "")
        return self.nodes[0].op.name if self.group is None else self.group.call.block.name

    @property
    def place(self) -> Value:
        """Where the spec has it."""
        return (self.nodes[0].spec if self.group is None else self.group.call.spec).place

    @property
    def remark(self) -> str:
        """What the file says of it."""
        if self.group is not None:
            return _remark(self.group)
        return "" if self.part else self.nodes[0].spec.about or ""

    @property
    def results(self) -> tuple[Node, ...]:
        """The nodes whose arrays it gives: its node with the other copies, or the last inside."""
        return self.nodes[-1:] if self.folded else self.nodes


@dataclass(frozen=True, slots=True)
class Frame:
    """A block, or a run of alike boxes, that is shown with what is in it.

    Attributes
    ----------
    name : str
    group : Group or None
        The block; None for a run.
    parent : str
        The frame around it; empty for none.
    title : str
        What stands above it.
    """

    name: str
    group: Group | None
    parent: str
    title: str

    @property
    def what(self) -> str:
        """The name of the block."""
        return self.group.call.block.name if self.group is not None else ""

    @property
    def remark(self) -> str:
        """What the file says of it."""
        return _remark(self.group) if self.group is not None else ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from the box `source` to the box `target`, which reads it as `operand`."""

    source: str
    target: str
    operand: str = ""
    copy: str = ""
    kind: Kind = ""


@dataclass(frozen=True, slots=True)
class View:
    """All that is shown.

    Attributes
    ----------
    graph : Graph
    look : Look
    items : mapping of str to Item
        In the order of the file.
    frames : mapping of str to Frame
        Outer ones before those inside.
    edges : tuple of Edge
    before : Graph or None
        Another graph, from which differences are shown.
    """

    graph: Graph
    look: Look = field(default_factory=Look)
    items: dict[str, Item] = field(default_factory=dict)
    frames: dict[str, Frame] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    before: Graph | None = None

    def colour(self, item: Item) -> str | None:
        """The colour that the user chose for a box."""
        if item.group is not None:
            return self.look.of_names([item.name, item.group.call.name])
        if item.part:
            return None
        names = [item.name, *(node.name for node in item.nodes)]
        return self.look.of_names(names) or self.look.of_op(item.nodes[0].op)

    def tones(self, item: Item, theme: Theme) -> Tones:
        """The colours of a box: those that the user chose, or those of the family of its op."""
        chosen = self.colour(item)
        if chosen is not None:
            return theme.tones(chosen)
        return self.family_tones(item.family, theme)

    def family_tones(self, family: str, theme: Theme) -> Tones:
        """The colours of a family of ops."""
        chosen = self.look.families.get(family)
        if chosen is not None:
            return theme.tones(chosen)
        return Tones(*theme.family(family), theme.ink, theme.faint)

    def frame_colour(self, frame: Frame) -> str | None:
        """The colour that the user chose for a frame."""
        call = [frame.group.call.name] if frame.group is not None else []
        return self.look.of_names([frame.name, *call])

    def around(self, frame: str) -> list[str]:
        """`frame` and those around it, from the innermost out; none for an empty name."""
        chain = []
        while frame:
            chain.append(frame)
            frame = self.frames[frame].parent
        return chain


def _remark(group: Group) -> str:
    """What the file says of a block call, or else of the block."""
    return group.call.spec.about or group.call.block.about or ""

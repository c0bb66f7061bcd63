"""A graph to DOT text: a box a node with its name, op, shape and parameters; blocks in frames."""

from __future__ import annotations

from html import escape
from typing import Literal

import graphviz

from graphnn.diagnostics import printable
from graphnn.graph import Graph, Group, Node, Outline, outline, show_shapes
from graphnn.spec.model import instances_of

Direction = Literal["down", "right"]
_FONT = "Helvetica"
_FAMILIES = {  # fill and border by family of the op: pale enough to print, apart in grey too
    "source": ("#f2f2f2", "#7f7f7f"),
    "linear": ("#dcebfa", "#2f6fab"),
    "activation": ("#fdecd2", "#c77f1a"),
    "loss": ("#f9dddd", "#b03a3a"),
}
_OTHER = ("#e4f2e2", "#4f8a48")
_MAX_ABOUT = 60  # characters of a remark that a box has room for


def to_dot(
    graph: Graph,
    *,
    direction: Direction = "down",
    about: bool = False,
    title: bool = True,
    expand: bool = False,
) -> str:
    """DOT text of the diagram of `graph`.

    Parameters
    ----------
    graph : Graph
    direction : {"down", "right"}
        Where data flow.
    about : bool
        Whether boxes show the nodes' remarks.
    title : bool
        Whether the network's name stands above.
    expand : bool
        Whether every copy of a block that is repeated is drawn, in place of one for all.

    Returns
    -------
    str
        The same for the same graph, to the byte.
    """
    digraph = graphviz.Digraph(
        name="network",
        graph_attr={
            "rankdir": "TB" if direction == "down" else "LR",
            "fontname": _FONT,
            "fontsize": "14",
            "labelloc": "t",
            "nodesep": "0.3",
            "ranksep": "0.35",
            "bgcolor": "white",
            "charset": "UTF-8",
        },
        node_attr={
            "shape": "box",
            "style": "rounded,filled",
            "fontname": _FONT,
            "fontsize": "12",
            "margin": "0.16,0.07",
            "penwidth": "1.2",
        },
        edge_attr={"color": "#555555", "arrowsize": "0.7", "fontname": _FONT, "fontsize": "9"},
    )
    if title and graph.spec.name:
        digraph.attr(label=f"<<b>{_text(graph.spec.name)}</b><br/> >")
    seen = outline(graph, expand=expand)
    outputs = {graph.node(name).name for name in graph.outputs}
    body = [digraph]
    for depth, item in seen.walk():
        while len(body) > depth + 1:
            _close(body)
        if isinstance(item, Group):
            body.append(_frame(item, about))
            continue
        alike = seen.alike[item.name]
        fill, border = _FAMILIES.get(item.op.family, _OTHER)
        thick = "2.2" if any(node.name in outputs for node in alike) else "1.2"
        label = _label(graph, alike, about)
        body[-1].node(item.name, label, fillcolor=fill, color=border, penwidth=thick)
    while len(body) > 1:
        _close(body)
    for name in graph.spec.nodes:
        if seen.shown[name] == name:
            _connect(digraph, graph, graph.nodes[name], seen)
    return str(digraph.source)


def _frame(group: Group, about: bool) -> graphviz.Digraph:
    title = f"<b>{_text(group.title)}</b>  {_small(group.call.block.name)}"
    remark = group.call.spec.about or group.call.block.about
    left = '<br align="left"/>'
    remarks = f"<i>{_small(_cut(remark))}</i>{left}" if about and remark else ""
    return graphviz.Digraph(
        name=f"cluster_{group.instance.name}",
        graph_attr={
            "label": f"<{title}{left}{remarks}>",
            "labeljust": "l",
            "fontsize": "12",
            "style": "rounded",
            "color": "#8a8a8a",
            "penwidth": "1",
            "margin": "10",
        },
    )


def _close(body: list[graphviz.Digraph]) -> None:
    inner = body.pop()
    body[-1].subgraph(inner)


def _connect(digraph: graphviz.Digraph, graph: Graph, node: Node, seen: Outline) -> None:
    operands = node.op.data_operands()
    for position, source in enumerate(node.inputs):
        # Where operands are not interchangeable at sight, say which is which.
        several = len(node.inputs) > 1 and len(operands) == len(node.inputs)
        words = [operands[position].name] if several else []
        words += _which(graph.nodes[source], node, seen)
        label = f" {', '.join(words)} " if words else ""
        digraph.edge(seen.shown[source], node.name, label=label, fontcolor="#777777")


def _which(source: Node, reader: Node, seen: Outline) -> list[str]:
    """Which of the copies that are drawn once `reader` reads, where that is not the last."""
    if seen.shown[source.name] == source.name == seen.alike[source.name][-1].name:
        return []
    around = instances_of(reader.spec.instance)
    left = [instance for instance in instances_of(source.spec.instance) if instance not in around]
    earlier = any(instance is not instance.call.instances[-1] for instance in left)
    return [seen.name(source.name)] if earlier else []


def _label(graph: Graph, alike: list[Node], about: bool) -> str:
    node = alike[0]
    instance = node.spec.instance
    name = node.name if instance is None else node.name.removeprefix(f"{instance.name}.")
    lines = [f"<b>{_text(name)}</b>  {_text(node.op.name)}"]
    kind = " int" if node.kind == "int" else ""
    lines.append(_small(show_shapes(each.shape for each in alike) + kind))
    for parameter, full in node.parameters.items():
        if full is not None:
            owners = [each.parameters[parameter] or full for each in alike]
            shapes = show_shapes(graph.parameters[owner].shape for owner in owners)
            lines.append(_small(f"{parameter} {shapes}" + _shared(node, parameter, full)))
    if about and node.spec.about:
        lines.append(f"<i>{_small(_cut(node.spec.about))}</i>")
    return f"<{'<br/>'.join(lines)}>"


def _cut(remark: str) -> str:
    return remark if len(remark) <= _MAX_ABOUT else remark[: _MAX_ABOUT - 1] + "…"


def _shared(node: Node, parameter: str, full: str) -> str:
    return "" if full == f"{node.name}.{parameter}" else f" of {full.rpartition('.')[0]}"


def _small(text: str) -> str:
    return f'<font point-size="10" color="#444444">{_text(text)}</font>'


def _text(text: str) -> str:
    return escape(printable(text))

"""A graph to DOT text: a box a node with its name, op, shape and parameters."""

from __future__ import annotations

from html import escape
from typing import Literal

import graphviz

from graphnn.errors import printable
from graphnn.graph import Graph, Node
from graphnn.spec.sizes import show

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
    graph: Graph, *, direction: Direction = "down", about: bool = False, title: bool = True
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
    for name in graph.spec.nodes:
        node = graph.nodes[name]
        fill, border = _FAMILIES.get(node.op.family, _OTHER)
        thick = "2.2" if name in graph.outputs else "1.2"
        label = _label(graph, node, about)
        digraph.node(name, label, fillcolor=fill, color=border, penwidth=thick)
    for name in graph.spec.nodes:
        _connect(digraph, graph.nodes[name])
    return str(digraph.source)


def _connect(digraph: graphviz.Digraph, node: Node) -> None:
    operands = node.op.data_operands()
    for position, source in enumerate(node.inputs):
        # Where operands are not interchangeable at sight, say which is which.
        several = len(node.inputs) > 1 and len(operands) == len(node.inputs)
        label = f" {operands[position].name} " if several else ""
        digraph.edge(source, node.name, label=label, fontcolor="#777777")


def _label(graph: Graph, node: Node, about: bool) -> str:
    lines = [f"<b>{_text(node.name)}</b>  {_text(node.op.name)}"]
    lines.append(_small(f"{show(node.shape)}{' int' if node.kind == 'int' else ''}"))
    lines += [
        _small(f"{parameter} {show(graph.parameters[full].shape)}" + _shared(node, parameter, full))
        for parameter, full in node.parameters.items()
        if full is not None
    ]
    if about and node.spec.about:
        remark = node.spec.about
        shown = remark if len(remark) <= _MAX_ABOUT else remark[: _MAX_ABOUT - 1] + "…"
        lines.append(f"<i>{_small(shown)}</i>")
    return f"<{'<br/>'.join(lines)}>"


def _shared(node: Node, parameter: str, full: str) -> str:
    return "" if full == f"{node.name}.{parameter}" else f" of {full.rpartition('.')[0]}"


def _small(text: str) -> str:
    return f'<font point-size="10" color="#444444">{_text(text)}</font>'


def _text(text: str) -> str:
    return escape(printable(text))

"""What is shown as DOT text, for Graphviz and other programs; its looks are plain."""

from __future__ import annotations

import graphviz

from graphnn.diagnostics import printable
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.palette import THEMES
from graphnn.drawing.diagram.view import Item, View


def write(view: View, options: DiagramOptions) -> str:
    """The text of a DOT file; the same for the same view, to the byte."""
    digraph = graphviz.Digraph(
        "network",
        graph_attr={"rankdir": "TB" if options.direction == "down" else "LR", "charset": "UTF-8"},
        node_attr={"shape": "box", "style": "rounded,filled", "fontname": "sans-serif"},
        edge_attr={"fontname": "sans-serif", "fontsize": "10"},
    )
    if options.title and view.graph.spec.name:
        # The package would take a name in angle brackets for markup.
        digraph.attr(label=graphviz.nohtml(_text(view.graph.spec.name)), labelloc="t")
    bodies = {"": digraph}
    for number, (name, frame) in enumerate(view.frames.items()):
        said = frame.remark if options.about else ""
        heading = f"{frame.title}  {frame.what}".rstrip()
        label = r"\n".join(_text(line) for line in (heading, said) if line)
        bodies[name] = graphviz.Digraph(f"cluster_{number}", graph_attr={"label": label})
    for name, item in view.items.items():
        fill, border = THEMES["light"].family(item.family)
        colours = {"fillcolor": fill, "color": border}
        if chosen := view.colour(item):
            tones = THEMES["light"].tones(chosen)
            colours = {"fillcolor": chosen, "color": tones.border, "fontcolor": tones.ink}
        bodies[item.frame].node(_name(name), label=_label(view, item, options.about), **colours)
    for name in reversed(view.frames):
        bodies[view.frames[name].parent].subgraph(bodies[name])
    for edge in view.edges:
        words = ", ".join(filter(None, (edge.operand, edge.copy)))
        digraph.edge(
            _name(edge.source), _name(edge.target), **({"label": _text(words)} if words else {})
        )
    return str(digraph.source)


def _label(view: View, item: Item, about: bool) -> str:
    return r"\n".join(_text(line) for line in facts.lines(view, item, about=about))


def _name(name: str) -> str:
    # A colon would name a port.
    return name.replace("\\", "\\\\").replace(":", "\N{RATIO}")


def _text(text: str) -> str:
    """`text` as it is: a backslash would begin an escape of Graphviz's own, `&` an entity."""
    return printable(text).replace("\\", "\\\\").replace("&", "&amp;")

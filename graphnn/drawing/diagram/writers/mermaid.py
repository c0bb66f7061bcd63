"""What is shown as Mermaid text, which GitHub and others draw inside Markdown."""

from __future__ import annotations

from graphnn.diagnostics import printable
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.options import DiagramOptions
from graphnn.drawing.diagram.view import Frame, Item, View

_BRACKETS = {  # what stands around a label, by family of the op
    "source": ("([", "])"),
    "activation": ("(", ")"),
    "loss": ("{{", "}}"),
    "shape": ("[/", "/]"),
    "reduction": ("[\\", "/]"),
}


def write(view: View, options: DiagramOptions) -> str:
    """The text of a flow chart; layout and looks are Mermaid's own."""
    names = {name: f"n{number}" for number, name in enumerate(view.items)}
    lines = [f"flowchart {'TB' if options.direction == 'down' else 'LR'}"]
    open_frames: list[str] = []
    for name, item in view.items.items():
        chain = view.around(item.frame)[::-1]
        while open_frames != chain[: len(open_frames)]:
            open_frames.pop()
            lines.append(f"{_indent(open_frames)}end")
        for frame in chain[len(open_frames) :]:
            number = list(view.frames).index(frame)
            label = _heading(view.frames[frame], about=options.about)
            lines.append(f'{_indent(open_frames)}subgraph f{number}["{label}"]')
            open_frames.append(frame)
        lines.append(f"{_indent(open_frames)}{names[name]}{_label(item, about=options.about)}")
    while open_frames:
        open_frames.pop()
        lines.append(f"{_indent(open_frames)}end")
    for edge in view.edges:
        words = ", ".join(filter(None, (edge.operand, edge.copy)))
        arrow = f'-- "{_text(words)}" -->' if words else "-->"
        lines.append(f"    {names[edge.source]} {arrow} {names[edge.target]}")
    return "\n".join([*lines, ""])


def _indent(open_frames: list[str]) -> str:
    return "    " * (len(open_frames) + 1)


def _heading(frame: Frame, *, about: bool) -> str:
    what = f" <i>{_text(frame.what)}</i>" if frame.what else ""
    return _text(frame.title) + what + _remark(frame.remark, about)


def _label(item: Item, *, about: bool) -> str:
    left, right = _BRACKETS.get(item.family, ("[", "]"))
    words = f"<b>{_text(item.label)}</b> {_text(item.what)}<br/>{_text(facts.shape(item))}"
    return f'{left}"{words}{_remark(item.remark, about)}"{right}'


def _remark(said: str, about: bool) -> str:
    return f"<br/><i>{_text(said)}</i>" if about and said else ""


def _text(text: str) -> str:
    """`text` with all but letters, digits and a few marks as Mermaid's numbered entities."""
    entities = "".join(
        character if character.isalnum() or character in " _.,+-×()" else f"#{ord(character)};"
        for character in printable(text)
    )
    # Mermaid breaks a line at a backslash before n, an entity or not.
    return entities.replace("#92;n", "#92;<wbr/>n")

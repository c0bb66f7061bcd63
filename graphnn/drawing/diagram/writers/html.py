"""Pictures on one HTML page: pan, zoom, search, folding of blocks, and facts in words.

The page holds all that it shows and loads nothing. Its script shows and hides what is there; where
scripts are off, the first picture and the tables are read as they are.
"""

from __future__ import annotations

import base64
import hashlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

from graphnn.diagnostics import Span
from graphnn.drawing.diagram import facts
from graphnn.drawing.diagram.palette import THEMES, ThemeName, sides
from graphnn.drawing.diagram.scene import Scene
from graphnn.drawing.diagram.view import Item, View
from graphnn.drawing.diagram.writers import svg
from graphnn.drawing.diagram.writers.svg import escaped

_PAGE = files(__package__) / "page"
# Nothing is laid out before the script has left out what is not seen.
_START = "document.documentElement.className='starting'"
_LONGEST = 120  # characters of a line of the source
_COLOUR = re.compile(r'(fill|stroke)="(#[0-9a-f]{6})"')


@dataclass(frozen=True, slots=True)
class Layer:
    """One way to fold the blocks of a network.

    Attributes
    ----------
    depth : int or None
        How many blocks inside one another are open; None where it has no such number.
    view : View
    scene : Scene
    """

    depth: int | None
    view: View
    scene: Scene


def write(layers: Sequence[Layer], first: Layer, theme: ThemeName) -> str:
    """The text of an HTML file.

    Parameters
    ----------
    layers : sequence of Layer
        From the most folded to the most open.
    first : Layer
        The one of `layers` that is shown at first.
    theme : {"light", "dark", "print"}
        The page follows the reader's choice of light or dark where this is ``light``.
    """
    fonts = svg.embedded(layer.scene for layer in layers)
    script = _read("page.js")
    digests = " ".join(map(_digest, (_START, script)))
    policy = (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
        "font-src data:; img-src data:; base-uri 'none'; form-action 'none'"
    )
    pictures = "".join(_picture(layer, fonts, layer is first, theme) for layer in layers)
    title = escaped(first.scene.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n"
        f"<script>{_START}</script>\n"
        f"<style>{_colours(theme)}{_read('page.css')}{fonts.rules}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}</h1><p>{escaped(first.scene.description)}</p></header>\n"
        f'<main>\n<div id="view">\n{pictures}</div>\n<aside>\n{_read("page.html")}'
        f"{_table(layers)}{_operations(first.view)}</aside>\n</main>\n"
        f'<script type="application/json" id="structure">{_structure(layers)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _digest(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _picture(layer: Layer, fonts: svg.Fonts, shown: bool, theme: ThemeName) -> str:
    depth = "" if layer.depth is None else f' data-depth="{layer.depth}"'
    text = svg.write(layer.scene, fonts)
    if theme == "light":
        names = {colour: f"var(--{name})" for name, colour in _named("light").items()}
        text = _COLOUR.sub(lambda found: f'{found[1]}="{names.get(found[2], found[2])}"', text)
    return f'<div class="layer"{depth}{"" if shown else " hidden"}>{text}</div>\n'


def _colours(theme: ThemeName) -> str:
    """Colours of the page, and of pictures that follow the reader's choice, by name."""
    plain = "".join(f"--{name}:{colour};" for name, colour in _named(theme).items())
    if theme != "light":
        return f":root{{color-scheme:{'dark' if theme == 'dark' else 'light'};{plain}}}"
    dark = "".join(f"--{name}:{colour};" for name, colour in _named("dark").items())
    return (
        f":root{{color-scheme:light dark;{plain}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def _named(theme: ThemeName) -> Mapping[str, str]:
    """Names of the colours of a theme, the same in all themes."""
    found = THEMES[theme]
    plain = ("paper", "ink", "faint", "line", "frame", "frame_fill", "blue", "red")
    names = {name.replace("_", "-"): getattr(found, name) or "#ffffff" for name in plain}
    for family, pair in found.families.items():
        colours = *pair, *sides(*pair, found.paper)
        names |= {f"{family or 'other'}-{part}": c for part, c in zip("abcd", colours, strict=True)}
    return names


def _table(layers: Sequence[Layer]) -> str:
    rows: dict[str, str] = {}
    for layer in reversed(layers):
        for name, item in layer.view.items.items():
            rows.setdefault(name, _row(layer.view, name, item))
    # Roles, since rows of the page are blocks, of which browsers lay out those that are seen.
    head = "".join(
        f'<th scope="col" role="columnheader">{name}</th>'
        for name in ("Node", "Op", "Shape", "", "Line")
    )
    return (
        '<table role="table"><caption>Nodes</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n<tbody role="rowgroup">'
        + "\n".join(rows.values())
        + "</tbody></table>\n"
    )


def _row(view: View, name: str, item: Item) -> str:
    said = facts.lines(view, item, about=True)[1:]
    shape = facts.shape(item)
    said = [line for line in said if line != shape]
    kind = ' class="block"' if item.folded else ""
    cells = (
        *(escaped(item.what), escaped(shape)),
        *("<br>".join(map(escaped, said)), _line(item.place.span)),
    )
    return (
        f'<tr role="row" data-node="{escaped(name)}"{kind}>'
        f'<th scope="row" role="rowheader">{escaped(name)}</th>'
        + "".join(f'<td role="cell">{cell}</td>' for cell in cells)
        + "</tr>"
    )


def _line(span: Span | None) -> str:
    """The line of the source, from where the node is where the line is long."""
    if span is None:
        return ""
    text = span.source.line(span.line)
    text = text if len(text) <= _LONGEST else text[span.column - 1 :][:_LONGEST]
    name = PurePath(span.source.name).name
    return f"{escaped(name)}:{span.line} <code>{escaped(text.strip())}</code>"


def _operations(view: View) -> str:
    """What the ops do, in the words of their documentation."""
    ops = {node.op.name: type(node.op) for node in view.graph.nodes.values()}
    described = "".join(
        f"<dt>{escaped(name)}</dt><dd>{escaped(_documentation(ops[name]))}</dd>\n"
        for name in sorted(ops)
    )
    return f"<details><summary>Operations</summary><dl>\n{described}</dl></details>\n"


def _documentation(op: type) -> str:
    return inspect.cleandoc(op.__doc__ or "").replace("`", "")


def _structure(layers: Sequence[Layer]) -> str:
    """Which frame each box and frame is in."""
    frames: dict[str, str] = {}
    inside: dict[str, str] = {}
    for layer in layers:
        frames |= {name: frame.parent for name, frame in layer.view.frames.items()}
        inside |= {name: item.frame for name, item in layer.view.items.items() if item.frame}
    text = json.dumps({"frames": frames, "inside": inside}, separators=(",", ":"))
    return text.replace("<", "\\u003c")

"""A scene as SVG: text stays text, and its fonts, cut to what is used, are embedded."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby

from graphnn.diagnostics import printable
from graphnn.drawing.diagram import text as measure
from graphnn.drawing.diagram.scene import (
    Box,
    Image,
    Ink,
    Item,
    Path,
    Point,
    Polygon,
    Scene,
    Text,
    arrow_head,
    outline_points,
)
from graphnn.drawing.diagram.text import Font

_STYLE = "font-kerning:none;font-variant-ligatures:none"


def write(scene: Scene, fonts: Fonts | None = None) -> str:
    """The text of an SVG file.

    Parameters
    ----------
    scene : Scene
    fonts : Fonts, optional
        What the page around it embeds; by default the file has its own.
    """
    width, height = number(scene.width), number(scene.height)
    links = dict(scene.links)
    used = fonts or embedded([scene])
    # No ids and no rules for all elements: several pictures may be on one page.
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}" role="img" style="{_STYLE}">',
        f"<title>{escaped(scene.title)}</title>",
        f"<desc>{escaped(scene.description)}</desc>",
        *([] if fonts else [f"<style>{used.rules}</style>"]),
    ]
    if scene.background is not None:
        parts.append(f'<rect width="100%" height="100%" fill="{scene.background}"/>')
    for node, items in groupby(scene.items, key=_owner):
        drawn = "".join(part for item in items for part in _item(item, used.families))
        drawn = f'<g data-node="{escaped(node)}">{drawn}</g>' if node else drawn
        address = links.get(node)
        parts.append(f'<a href="{escaped(address)}">{drawn}</a>' if address else drawn)
    return "\n".join([*parts, "</svg>\n"])


def number(value: float) -> str:
    """A number in hundredths of a point, as short as it can be."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def _owner(item: Item) -> str:
    """The node that an item is part of; a line is part of none."""
    return "" if isinstance(item, Path) else item.node


@dataclass(frozen=True, slots=True)
class Fonts:
    """Families of fonts, and the rules of a style sheet that embed them."""

    families: Mapping[Font, str]
    rules: str


def embedded(scenes: Iterable[Scene]) -> Fonts:
    """The fonts of `scenes`, cut to what they use."""
    used: dict[Font, set[str]] = {}
    for scene in scenes:
        for face, characters in scene.characters().items():
            for run in measure.runs("".join(dict.fromkeys(characters)), face):
                used.setdefault(run.font, set()).update(run.text)
    families, rules = {}, []
    for font in sorted(used, key=lambda font: font.name):
        data = measure.subset(font, used[font])
        # Another picture on the same page has another subset.
        families[font] = f"{font.name} {hashlib.sha256(data).hexdigest()[:8]}"
        source = f"url(data:font/otf;base64,{base64.b64encode(data).decode()})"
        rules.append(f"@font-face{{font-family:'{families[font]}';src:{source}}}")
    return Fonts(families, "".join(rules))


def _item(item: Item, families: Mapping[Font, str]) -> Iterator[str]:
    if isinstance(item, Text):
        yield from _words(item, families)
    elif isinstance(item, Path):
        moves = [f"{number(x)} {number(y)}" for x, y in item.points]
        data = f"M{moves[0]}C{' '.join(moves[1:])}" if len(moves) > 1 else f"M{moves[0]}"
        ends = f' data-from="{escaped(item.source)}" data-to="{escaped(item.node)}"'
        yield f"<g{ends if item.source else ''}>" if item.arrow else ""
        yield f'<path d="{data}"{_ink(item.ink)}/>'
        if item.arrow:
            yield f'<polygon points="{_corners(arrow_head(item))}" fill="{item.ink.stroke}"/></g>'
    elif isinstance(item, Polygon):
        yield f'<polygon points="{_corners(item.corners)}"{_ink(item.ink)}/>'
    elif isinstance(item, Image):
        data = base64.b64encode(item.png()).decode()
        place = f'x="{number(item.x)}" y="{number(item.y)}"'
        size = f'width="{number(item.width)}" height="{number(item.height)}"'
        # Viewers would blur the pixels otherwise.
        looks = 'preserveAspectRatio="none" style="image-rendering:pixelated"'
        yield f'<image {place} {size} {looks} href="data:image/png;base64,{data}"/>'
    else:
        yield _box(item)


def _box(item: Box) -> str:
    if item.shape == "ellipse":
        wide, high = item.width / 2, item.height / 2
        centre = f'cx="{number(item.x + wide)}" cy="{number(item.y + high)}"'
        return f'<ellipse {centre} rx="{number(wide)}" ry="{number(high)}"{_ink(item.ink)}/>'
    if item.shape in ("rectangle", "rounded", "stadium"):
        radius = item.height / 2 if item.shape == "stadium" else item.radius
        corner = f' rx="{number(radius)}"' if radius and item.shape != "rectangle" else ""
        place = f'x="{number(item.x)}" y="{number(item.y)}"'
        size = f'width="{number(item.width)}" height="{number(item.height)}"'
        return f"<rect {place} {size}{corner}{_ink(item.ink)}/>"
    return f'<polygon points="{_corners(outline_points(item))}"{_ink(item.ink)}/>'


def _words(item: Text, families: Mapping[Font, str]) -> Iterator[str]:
    for run, x, wide in item.pieces():
        blanks = ' style="white-space:pre"' if " ".join(run.text.split()) != run.text else ""
        yield (
            f'<text x="{number(x)}" y="{number(item.y)}" font-size="{number(item.size)}" '
            f'fill="{item.colour}" font-family="{_family(run.font, families)}" '
            f'textLength="{number(wide)}" lengthAdjust="spacingAndGlyphs"{blanks}>'
            f"{escaped(run.text)}</text>"
        )


def _family(font: Font, families: Mapping[Font, str]) -> str:
    plain = "monospace" if "Mono" in font.name else "sans-serif"
    return f"'{families[font]}', {plain}"


def _ink(ink: Ink) -> str:
    parts = [f' fill="{ink.fill or "none"}"']
    if ink.stroke is not None:
        parts.append(f' stroke="{ink.stroke}" stroke-width="{number(ink.width)}"')
    if ink.dash:
        parts.append(f' stroke-dasharray="{" ".join(map(number, ink.dash))}"')
    return "".join(parts)


def _corners(points: Iterable[Point]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def escaped(text: str) -> str:
    """`text` for XML and HTML, without characters that are not seen but do something."""
    return escape(printable(text))

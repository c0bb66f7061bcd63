"""A scene as TikZ: a picture to be put into a LaTeX document, or compiled by itself.

Text is set by LaTeX in its own sans serif and typewriter faces, scaled to the width it has here;
text beyond Latin, which not every LaTeX can set, is drawn as outlines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

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
from graphnn.drawing.diagram.text import Face
from graphnn.drawing.diagram.writers.svg import number

_FACES: dict[Face, str] = {
    "regular": r"\sffamily",
    "strong": r"\sffamily\bfseries",
    "italic": r"\sffamily\itshape",
    "mono": r"\ttfamily",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless\kern0pt{}",
    ">": r"\textgreater\kern0pt{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "-": r"-\kern0pt{}",
    ",": r",\kern0pt{}",
    "×": r"\ensuremath{\times}",
    "−": r"\ensuremath{-}",
    "…": r"\dots{}",
    "→": r"\ensuremath{\rightarrow}",
}
_LATIN = {chr(code) for code in (*range(0x20, 0x7F), *range(0xC0, 0x100))} | _SPECIAL.keys()
_HEAD = r"""% Drawn by graphnn. Compile it by itself, or copy the tikzpicture into a document that
% loads tikz and graphicx.
\documentclass[border=0pt]{standalone}
\usepackage{iftex,tikz,graphicx}
\ifpdftex\usepackage[T1]{fontenc}\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}\fi
\begin{document}
"""


def write(scene: Scene) -> str:
    """The text of a LaTeX file."""
    colours = _Colours()
    body = [line for item in scene.items for line in _item(item, colours)]
    corner = f"({number(scene.width)},{number(scene.height)})"
    if scene.background is not None:
        fill = colours.name(scene.background)
        body.insert(0, rf"\fill[{fill}] (0,0) rectangle {corner};")
    return "\n".join(
        [
            _HEAD + "\\begin{tikzpicture}[x=1bp,y=-1bp]",
            *colours.definitions(),
            rf"\path[use as bounding box] (0,0) rectangle {corner};",
            *body,
            "\\end{tikzpicture}\n\\end{document}\n",
        ]
    )


class _Colours:
    """Colours under names, in the order in which they are met."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, colour: str) -> str:
        return self._names.setdefault(colour, f"graphnn{len(self._names)}")

    def definitions(self) -> list[str]:
        return [
            rf"\definecolor{{{name}}}{{HTML}}{{{colour.removeprefix('#').upper()}}}"
            for colour, name in self._names.items()
        ]


def _item(item: Item, colours: _Colours) -> Iterator[str]:
    if isinstance(item, Text):
        yield _words(item, colours)
    elif isinstance(item, Path):
        curves = "".join(
            f" .. controls {_at(*first)} and {_at(*second)} .. {_at(*end)}"
            for first, second, end in item.curves
        )
        yield rf"\path[{_ink(item.ink, colours)}] {_at(*item.start)}{curves};"
        if item.arrow and item.ink.stroke is not None:
            yield rf"\fill[{colours.name(item.ink.stroke)}] {_cycle(arrow_head(item))};"
    elif isinstance(item, Polygon):
        yield rf"\path[{_ink(item.ink, colours)}] {_cycle(item.corners)};"
    elif isinstance(item, Image):
        yield from _pixels(item, colours)
    else:
        yield _box(item, colours)


def _box(item: Box, colours: _Colours) -> str:
    ink = _ink(item.ink, colours)
    if item.shape == "ellipse":
        wide, high = item.width / 2, item.height / 2
        radii = f"x radius={number(wide)}bp,y radius={number(high)}bp"
        return rf"\path[{ink}] {_at(item.x + wide, item.y + high)} circle[{radii}];"
    if item.shape in ("rectangle", "rounded", "stadium"):
        radius = item.height / 2 if item.shape == "stadium" else item.radius
        rounded = f",rounded corners={number(radius)}bp" if item.shape != "rectangle" else ""
        corner = _at(item.x + item.width, item.y + item.height)
        return rf"\path[{ink}{rounded}] {_at(item.x, item.y)} rectangle {corner};"
    return rf"\path[{ink}] {_cycle(outline_points(item))};"


def _cycle(corners: Iterable[Point]) -> str:
    return " -- ".join([*(_at(*corner) for corner in corners), "cycle"])


def _pixels(item: Image, colours: _Colours) -> Iterator[str]:
    """A rectangle for each run of pixels of one colour."""
    wide, high = item.width / item.columns, item.height / item.rows
    for row, line in enumerate(item.row_bytes()):
        y, start = item.y + row * high, 0
        for end in range(3, len(line) + 1, 3):
            if line[end : end + 3] != line[start : start + 3]:
                left, right = item.x + start / 3 * wide, item.x + end / 3 * wide
                fill = colours.name(f"#{line[start : start + 3].hex()}")
                yield rf"\fill[{fill}] {_at(left, y)} rectangle {_at(right, y + high)};"
                start = end


def _words(item: Text, colours: _Colours) -> str:
    item = replace(item, text=printable(measure.seen(item.text)))
    text, colour = item.text, colours.name(item.colour)
    if not text.strip():
        return ""
    if not _LATIN.issuperset(text):
        left = item.left
        moved = [
            [(left + item.size * dx, item.y - item.size * dy) for dx, dy in contour]
            for contour in measure.contours(text, item.face)
        ]
        return rf"\fill[{colour}] {' '.join(map(_contour, moved))}; % {text}"
    anchor = {"start": "base west", "middle": "base", "end": "base east"}[item.anchor]
    size = number(item.size)
    words = "".join(_SPECIAL.get(character, character) for character in text)
    words = words.replace("  ", r"\ \ ")
    style = rf"\fontsize{{{size}bp}}{{{size}bp}}\selectfont{_FACES[item.face]}"
    fitted = rf"\resizebox{{{number(item.width)}bp}}{{\height}}{{{style} {words}}}"
    return (
        rf"\node[anchor={anchor},inner sep=0,text={colour}] at {_at(item.x, item.y)} {{{fitted}}};"
    )


def _contour(points: Sequence[Point]) -> str:
    """A closed path: a start, then two control points and an end for each curve."""
    curves = zip(points[1::3], points[2::3], points[3::3], strict=True)
    parts = [f"controls {_at(*a)} and {_at(*b)} .. {_at(*end)}" for a, b, end in curves]
    return " .. ".join([_at(*points[0]), *parts]) + " -- cycle"


def _ink(ink: Ink, colours: _Colours) -> str:
    parts = [f"fill={colours.name(ink.fill)}"] if ink.fill is not None else []
    if ink.stroke is not None:
        parts += [f"draw={colours.name(ink.stroke)}", f"line width={number(ink.width)}bp"]
    if ink.dash:
        on, off = ink.dash[0], ink.dash[-1]
        parts.append(f"dash pattern=on {number(on)}bp off {number(off)}bp")
    return ",".join(parts)


def _at(x: float, y: float) -> str:
    return f"({number(x)},{number(y)})"

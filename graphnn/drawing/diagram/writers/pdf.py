"""A scene as PDF, by fpdf2: one page of the size of the picture, fonts cut to what is used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from graphnn.drawing.diagram.scene import (
    Box,
    Image,
    Ink,
    Path,
    Point,
    Polygon,
    Scene,
    Text,
    arrow_head,
    outline_points,
)
from graphnn.drawing.diagram.text import Font

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # so that the same scene is the same file
_ROUND = 0.5523  # of the radius: where the control points of a quarter circle lie


def write(scene: Scene) -> bytes:
    """The bytes of a PDF file."""
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format=(scene.width, scene.height))
    pdf.set_creation_date(_EPOCH)
    pdf.set_producer("graphnn")
    pdf.set_title(scene.title)
    pdf.set_subject(scene.description)
    pdf.set_auto_page_break(False)
    pdf.set_margin(0)
    pdf.add_page()
    writer = _Writer(pdf)
    if scene.background is not None:
        writer.box(Box(0, 0, scene.width, scene.height, Ink(scene.background)))
    for item in scene.items:
        if isinstance(item, Text):
            writer.text(item)
        elif isinstance(item, Path):
            writer.path(item)
        elif isinstance(item, Polygon):
            writer.polygon(item)
        elif isinstance(item, Image):
            pdf.image(BytesIO(item.png()), item.x, item.y, item.width, item.height)
        else:
            writer.box(item)
    return bytes(pdf.output())


class _Writer:
    def __init__(self, pdf: Any) -> None:
        self._pdf = pdf
        self._known: dict[Font, str] = {}

    def text(self, item: Text) -> None:
        self._pdf.set_text_color(*_rgb(item.colour))
        for run, x, _ in item.pieces():
            self._pdf.set_font(self._family(run.font), size=item.size)
            self._pdf.text(x, item.y, run.text)

    def _family(self, font: Font) -> str:
        if font not in self._known:
            self._known[font] = f"face{len(self._known)}"
            number = max(font.number, 0)
            self._pdf.add_font(
                self._known[font], fname=str(font.path), collection_font_number=number
            )
        return self._known[font]

    def box(self, item: Box) -> None:
        with self._drawing(item.ink) as path:
            if item.shape == "ellipse":
                _rounded(path, item, item.width / 2, item.height / 2)
            elif item.shape in ("rounded", "stadium"):
                radius = item.height / 2 if item.shape == "stadium" else item.radius
                radius = min(radius, item.height / 2, item.width / 2)
                _rounded(path, item, radius, radius)
            else:
                _polygon(path, outline_points(item))

    def polygon(self, item: Polygon) -> None:
        with self._drawing(item.ink) as path:
            _polygon(path, item.corners)

    def path(self, item: Path) -> None:
        with self._drawing(item.ink) as path:
            path.move_to(*item.start)
            for first, second, end in item.curves:
                path.curve_to(*first, *second, *end)
        if item.arrow:
            with self._drawing(Ink(item.ink.stroke)) as path:
                _polygon(path, arrow_head(item))

    def _drawing(self, ink: Ink) -> Any:
        from fpdf.drawing import PaintedPath

        pdf = self._pdf

        class Drawing:
            def __enter__(self) -> Any:
                self.path = PaintedPath()
                style = self.path.style
                style.fill_color = ink.fill
                style.stroke_color = ink.stroke
                style.stroke_width = ink.width
                style.stroke_dash_pattern = list(ink.dash) or None
                style.auto_close = False
                return self.path

            def __exit__(self, *_: object) -> None:
                pdf.draw_path(self.path)

        return Drawing()


def _polygon(path: Any, points: Sequence[Point]) -> None:
    path.move_to(*points[0])
    for point in points[1:]:
        path.line_to(*point)
    path.close()


def _rounded(path: Any, box: Box, wide: float, high: float) -> None:
    """The outline of `box` with quarters of an ellipse at its corners."""
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    near, low = wide * (1 - _ROUND), high * (1 - _ROUND)
    path.move_to(x + wide, y)
    path.line_to(right - wide, y)
    path.curve_to(right - near, y, right, y + low, right, y + high)
    path.line_to(right, bottom - high)
    path.curve_to(right, bottom - low, right - near, bottom, right - wide, bottom)
    path.line_to(x + wide, bottom)
    path.curve_to(x + near, bottom, x, bottom - low, x, bottom - high)
    path.line_to(x, y + high)
    path.curve_to(x, y + low, x + near, y, x + wide, y)
    path.close()


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

"""A scene as PNG: our own PDF of it, drawn by pdfium, so that both are the same picture."""

from __future__ import annotations

import io
import math

from graphnn.drawing.diagram.scene import Scene
from graphnn.drawing.diagram.writers import pdf

_DPI = 192.0  # twice a plain screen's 96: crisp on paper and on dense screens
_MAX_SIDE, _MAX_AREA = 32_000.0, 1e8  # pixels; about 400 MB while drawing


def write(scene: Scene, dpi: float = _DPI) -> bytes:
    """The bytes of a PNG file, of fewer dots an inch where it would not fit into memory."""
    import pypdfium2

    side, area = max(scene.width, scene.height), scene.width * scene.height
    scale = min(dpi / 72, _MAX_SIDE / side, math.sqrt(_MAX_AREA / area))
    file = io.BytesIO()
    with pypdfium2.PdfDocument(pdf.write(scene)) as document:
        image = document[0].render(scale=scale).to_pil()
        image.save(file, "PNG", dpi=(scale * 72, scale * 72))
    return file.getvalue()

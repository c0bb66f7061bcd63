"""How PNG images feed an input: in grey or in colour, and of which size."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Note, Span
from graphnn.training.data.columns import InputSpec
from graphnn.training.data.faults import refuse
from graphnn.training.data.sources.png import Mode

Size = tuple[int, int]


def mode(need: InputSpec) -> Mode:
    """RGB for an input of shape [batch, 3, height, width], else grey."""
    return "RGB" if len(need.row) == 3 and need.row[0] == 3 else "L"


def size(need: InputSpec) -> Size | None:
    """Height and width that an input takes, if its shape tells."""
    if len(need.row) in (2, 3):
        height, width = need.row[-2:]
        if height is not None and width is not None:
            return height, width
    return None


def another_size(
    name: str, found: Size, wanted: Size, whence: str, span: Span | None = None
) -> DataError:
    """What to raise for an image `name` of the size `found`; `whence` says who wants another."""
    return refuse(
        "wrong-size",
        f"'{name}' has {found[0]}x{found[1]} pixels, not {wanted[0]}x{wanted[1]}",
        span,
        notes=[Note(f"{whence} {wanted[0]}x{wanted[1]}, height by width")],
    )


def rows(need: InputSpec, images: NDArray[Any]) -> NDArray[Any]:
    """Images [rows, height, width] or [rows, height, width, 3] with the axes of the input."""
    if images.ndim == 4:
        return np.moveaxis(images, 3, 1)
    return images[:, None] if len(need.row) == 3 else images

"""Arrays as small images: filters of a first layer, and maps that a layer gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from graphnn.drawing.diagram.scene import Image
from graphnn.ops import Array

_MOST = 64  # pixels along a side
GAP = 1.5  # points between images


def maps(values: Mapping[str, Array], names: Sequence[str]) -> Array | None:
    """The maps of the first row of the last of `names` that has some; none of single pixels."""
    # What is flattened is shown as it was before.
    given = (values.get(name) for name in reversed(names))
    found = next((each for each in given if each is not None and each.ndim == 4), None)
    return None if found is None or not len(found) or min(found.shape[2:]) < 2 else found[0]


def pictures(array: Array, most: int) -> list[Array]:
    """Up to `most` pictures, [height, width] or [height, width, 3], in the channels of `array`.

    Three channels are the colours of one picture.
    """
    if len(array) == 3:
        return [np.moveaxis(array, 0, -1)]
    return list(array[:most])


def sheet(
    found: Sequence[Array], x: float, y: float, side: float, columns: int, node: str
) -> Iterator[Image]:
    """Images in rows, each as wide or high as `side`, their upper left corner at (x, y)."""
    for at, picture in enumerate(found):
        height, width = picture.shape[:2]
        scale = side / max(height, width)
        left = x + at % columns * (side + GAP)
        top = y + at // columns * (side + GAP)
        step = -(-max(height, width) // _MOST)
        pixels = _pixels(picture[::step, ::step])
        shown = -(-width // step)
        yield Image(left, top, width * scale, height * scale, pixels, shown, node)


def _pixels(picture: Array) -> bytes:
    """Colours of `picture`, its least number black and its largest white."""
    low, high = float(picture.min()), float(picture.max())
    levels = np.round(255 * (picture - low) / (high - low or 1.0)).astype(np.uint8)
    if levels.ndim == 2:
        levels = np.repeat(levels[..., None], 3, axis=-1)
    return levels.tobytes()

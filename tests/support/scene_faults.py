"""What a reader of a picture would object to, by the metrics of its fonts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from graphnn.drawing.diagram.labels import along
from graphnn.drawing.diagram.scene import Box, Path, Rectangle, Scene, Text


def rectangle(text: Text) -> Rectangle:
    return text.left, text.y - 0.75 * text.size, text.width, 0.98 * text.size


def inside(inner: Rectangle, outer: Rectangle, slack: float = 0.1) -> bool:
    return (
        inner[0] >= outer[0] - slack
        and inner[1] >= outer[1] - slack
        and inner[0] + inner[2] <= outer[0] + outer[2] + slack
        and inner[1] + inner[3] <= outer[1] + outer[3] + slack
    )


def overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def points(path: Path) -> NDArray[np.float64]:
    """Points all along a path, a row each."""
    return np.array(list(along(path.points)))


def crosses(points: NDArray[np.float64], place: Rectangle) -> bool:
    """Whether any of the points is within a rectangle."""
    x, y, width, height = place
    within = (points > (x, y)) & (points < (x + width, y + height))
    return bool(within.all(axis=1).any())


def faults(scene: Scene) -> list[str]:
    """What a reader would object to."""
    texts = [(item, rectangle(item)) for item in scene.items if isinstance(item, Text)]
    found = [
        f"{a.text!r} over {b.text!r}"
        for (a, first), (b, second) in combinations(texts, 2)
        if overlap(first, second)
    ]
    boxes: dict[str, list[Rectangle]] = {}
    for item in scene.items:
        if isinstance(item, Box) and item.node:
            boxes.setdefault(item.node, []).append((item.x, item.y, item.width, item.height))
    page = (0.0, 0.0, scene.width, scene.height)
    for text, place in texts:
        if not any(inside(place, box) for box in boxes.get(text.node, [page])):
            found.append(f"{text.text!r} leaves its box")
    # Text in a box, or on a patch, stands over the lines that are drawn before.
    paths = [(at, item) for at, item in enumerate(scene.items) if isinstance(item, Path)]
    along = [(at, path, points(path)) for at, path in paths]
    for text, place in texts:
        if text.node:
            continue
        patch = _patch(scene, place)
        for at, path, places in along:
            if at > patch and crosses(places, place):
                found.append(f"a line to {path.node!r} crosses {text.text!r}")
    return found


def _patch(scene: Scene, place: Rectangle) -> int:
    """Where the last filled box around `place` comes among what is drawn; -1 for none."""
    return max(
        (
            at
            for at, item in enumerate(scene.items)
            if isinstance(item, Box)
            and item.ink.fill is not None
            and inside(place, (item.x, item.y, item.width, item.height))
        ),
        default=-1,
    )

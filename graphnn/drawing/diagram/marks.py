"""What marks a box of a diagram: numbers of a pass on a scale, or how it differs from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import log10

import numpy as np

from graphnn.drawing.diagram.difference import SIGNS
from graphnn.drawing.diagram.numbers import number
from graphnn.drawing.diagram.palette import Theme, mixed
from graphnn.drawing.diagram.scene import Anchor, Box, Ink, Item, Text, hatching
from graphnn.drawing.diagram.view import Item as Shown
from graphnn.drawing.diagram.view import Kind, View
from graphnn.execution import Trace
from graphnn.graph import Node
from graphnn.ops import Array

_SMALL = 7.5  # points
_BAR, _HIGH, _STEPS = 180.0, 8.0, 36  # width and height of the colour bar, and its pieces
_WRONG = "wrong backward"


@dataclass(frozen=True, slots=True)
class Mark:
    """How a box is marked.

    Attributes
    ----------
    fill : str or None
        A colour in place of its family's.
    line : Ink or None
        Its outline, in place of its family's.
    lines : tuple of str
        What is said in it besides.
    hatched : float
        The part of its units, or entries, that are dead or wrong.
    """

    fill: str | None = None
    line: Ink | None = None
    lines: tuple[str, ...] = ()
    hatched: float = 0.0


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a diagram.

    Attributes
    ----------
    boxes : mapping of str to Mark
    lines : mapping of Kind to Ink
        Of lines that differ.
    legend : tuple of Item
        What explains them, from (0, 0) on.
    """

    boxes: Mapping[str, Mark] = field(default_factory=dict)
    lines: Mapping[Kind, Ink] = field(default_factory=dict)
    legend: tuple[Item, ...] = ()


def marks(view: View, trace: Trace | None, theme: Theme) -> Marks:
    """The marks of the boxes of `view`."""
    if view.before is not None:
        return _difference(view, theme)
    return Marks() if trace is None else _overlay(view, trace, theme)


# --- numbers of a pass


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of a box: a number for the scale, words, and the part that is hatched."""

    level: float
    lines: tuple[str, ...]
    hatched: float = 0.0


def _overlay(view: View, trace: Trace, theme: Theme) -> Marks:
    read, caption, note = _kind(trace)
    found = {name: read(item, trace) for name, item in view.items.items()}
    known = {name: reading for name, reading in found.items() if reading is not None}
    if not known:
        return Marks()
    scale = _scale(trace, [reading.level for reading in known.values()])
    boxes = {name: Mark(theme.paper, Ink(None, theme.frame, 0.9)) for name in view.items}
    for name, each in known.items():
        fill = _coloured(theme, scale.share(each.level))
        boxes[name] = Mark(fill, None, each.lines, each.hatched)
    hatched = any(each.hatched for each in known.values())
    return Marks(boxes, {}, tuple(_bar(scale, caption, note if hatched else "", theme)))


_Read = Callable[[Shown, Trace], _Reading | None]


def _kind(trace: Trace) -> tuple[_Read, str, str]:
    """What is read of a box, and what is said of the scale and of hatching."""
    if trace.verdicts:
        note = "hatched: the part that shows a wrong backward pass"
        return _checked, "part of the checked entries that agree", note
    if trace.gradients:
        return _pulled, "size of an entry of the gradient (root mean square, log scale)", ""
    note = "hatched: the part of the units that are 0 in all rows"
    return _valued, "size of a value (root mean square)", note


def _scale(trace: Trace, levels: list[float]) -> _Scale:
    if trace.verdicts:
        return _Scale(0.0, 1.0)
    if trace.gradients:
        over = [level for level in levels if level > 0] or [1.0]
        return _Scale(min(over), max(over), logarithmic=True)
    return _Scale(0.0, max(levels))


def _valued(item: Shown, trace: Trace) -> _Reading | None:
    arrays = _arrays(item, trace.values)
    if not arrays:
        return None
    flat = np.concatenate([array.ravel() for array in arrays])
    lines = [f"mean {number(flat.mean())}, sd {number(flat.std())}"]
    lines.append(f"from {number(flat.min())} to {number(flat.max())}")
    dead = [_dead(array) for array in arrays] if _may_die(item) else []
    units = sum(each.size for each in dead)
    count = sum(int(each.sum()) for each in dead)
    if count:
        lines.append(f"{count:,} of {units:,} units always 0")
    return _Reading(_size(flat), tuple(lines), count / units if count else 0.0)


def _pulled(item: Shown, trace: Trace) -> _Reading | None:
    arrays = _arrays(item, trace.gradients)
    lines = [f"gradient norm {number(_norm(arrays))}"] if arrays else []
    for operand in dict.fromkeys(key for node in item.nodes for key in node.parameters):
        own = [trace.gradients[name] for name in _owned(item, operand) if name in trace.gradients]
        if own:
            lines.append(f"of {operand} {number(_norm(own))}")
            arrays = arrays or own
    if not arrays:
        return None
    return _Reading(_size(np.concatenate([array.ravel() for array in arrays])), tuple(lines))


def _checked(item: Shown, trace: Trace) -> _Reading | None:
    counts: dict[str, int] = {}
    for operand in dict.fromkeys(key for node in item.nodes for key in node.parameters):
        for name in _owned(item, operand):
            for verdict, count in trace.verdicts.get(name, {}).items():
                counts[verdict] = counts.get(verdict, 0) + count
    total = sum(counts.values())
    if not total:
        return None
    lines = tuple(f"{count:,} {verdict}" for verdict, count in counts.items() if count)
    return _Reading(counts["agree"] / total, lines, counts[_WRONG] / total)


def _arrays(item: Shown, known: Mapping[str, Array]) -> list[Array]:
    """The arrays of real numbers of a box: of a folded block, what it gives."""
    found = (known.get(node.name) for node in item.results if node.kind == "float")
    return [array for array in found if array is not None and array.size]


def _owned(item: Shown, operand: str) -> Iterator[str]:
    for node in item.nodes:
        if node.parameters.get(operand) == (name := f"{node.name}.{operand}"):
            yield name


def _may_die(item: Shown) -> bool:
    """Whether a box is an activation that is flat, at 0, on one side."""
    node: Node = item.nodes[-1]
    return item.family == "activation" and len(node.shape) > 1


def _dead(array: Array) -> Array:
    """Which units, or maps of images, are 0 in all rows."""
    axis = 1 if array.ndim == 4 else array.ndim - 1
    axes = tuple(each for each in range(array.ndim) if each != axis)
    return np.asarray(np.all(array == 0, axis=axes))


def _norm(arrays: list[Array]) -> float:
    return float(np.sqrt(sum(np.square(array, dtype=float).sum() for array in arrays)))


def _size(flat: Array) -> float:
    return float(np.sqrt(np.square(flat, dtype=float).mean()))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Numbers from the least to the largest."""

    low: float
    high: float
    logarithmic: bool = False

    def share(self, level: float) -> float:
        """How far along `level` is, from 0 to 1."""
        if self.logarithmic:
            if level <= 0 or self.low == self.high:
                return 0.0 if level < self.high else 1.0
            return log10(level / self.low) / log10(self.high / self.low)
        return (level - self.low) / ((self.high - self.low) or 1.0)

    def level(self, share: float) -> float:
        """The number at `share`."""
        if self.logarithmic:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + share * (self.high - self.low)


def _coloured(theme: Theme, share: float) -> str:
    low, middle, high = theme.scale
    share = min(max(share, 0.0), 1.0)
    return mixed(low, middle, 2 * share) if share < 0.5 else mixed(middle, high, 2 * share - 1)


def _bar(scale: _Scale, caption: str, note: str, theme: Theme) -> Iterator[Item]:
    yield Text(0, _SMALL, caption, _SMALL, theme.ink)
    top, wide = 1.6 * _SMALL, _BAR / _STEPS
    for step in range(_STEPS):
        fill = _coloured(theme, (step + 0.5) / _STEPS)
        yield Box(step * wide, top, wide + 0.1, _HIGH, Ink(fill))
    yield Box(0, top, _BAR, _HIGH, Ink(None, theme.line, 0.6))
    base = top + _HIGH + 1.2 * _SMALL
    anchors: Mapping[float, Anchor] = {0.0: "start", 0.5: "middle", 1.0: "end"}
    for share, anchor in anchors.items():
        words = number(scale.level(share))
        yield Text(share * _BAR, base, words, _SMALL, theme.faint, "regular", anchor)
    if note:
        left, y = 0.0, base + 6
        yield from meter((left, y, 24.0, _HIGH), 1.0, theme)
        yield Text(30, y + 0.85 * _HIGH, note, _SMALL, theme.ink)


def meter(place: tuple[float, float, float, float], share: float, theme: Theme) -> Iterator[Item]:
    """A strip of which a `share` is hatched."""
    x, y, wide, high = place
    yield Box(x, y, wide, high, Ink(theme.paper, theme.line, 0.6))
    right = x + max(wide * share, 2.0)
    corners = ((x, y), (right, y), (right, y + high), (x, y + high))
    yield from hatching(corners, Ink(None, theme.ink, 0.7), gap=3.0)
    yield Box(x, y, right - x, high, Ink(None, theme.ink, 0.8))


# --- differences


_DASHES: Mapping[Kind, tuple[float, ...]] = {
    "added": (),
    "removed": (5.0, 3.0),
    "changed": (2.0, 3.0),
    "rewired": (7.0, 2.0, 1.5, 2.0),
}
_HUES: Mapping[Kind, str] = {
    "added": "arithmetic",
    "removed": "loss",
    "changed": "activation",
    "rewired": "linear",
}


def _difference(view: View, theme: Theme) -> Marks:
    fills = {kind: theme.family(_HUES[kind]) for kind in SIGNS}
    inks = {kind: Ink(None, fills[kind][1], 1.9, _DASHES[kind]) for kind in SIGNS}
    boxes = {
        name: Mark(fills[item.kind][0], inks[item.kind], item.details)
        if item.kind
        else Mark(theme.paper, Ink(None, theme.frame, 0.9))
        for name, item in view.items.items()
    }
    lines = {kind: replace(ink, width=1.6) for kind, ink in inks.items()}
    there = {item.kind for item in view.items.values()} | {edge.kind for edge in view.edges}
    used = [kind for kind in SIGNS if kind in there]
    legend: list[Item] = []
    for row, kind in enumerate(used):
        y = row * 2 * _SMALL
        ink = Ink(fills[kind][0], inks[kind].stroke, 1.4, _DASHES[kind])
        legend.append(Box(0, y, 22, 10, ink, "rounded", 3.0))
        words = f"{SIGNS[kind]} {kind}"
        legend.append(Text(28, y + 7.8, words, _SMALL, theme.ink))
    return Marks(boxes, lines, tuple(legend))

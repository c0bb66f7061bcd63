"""Repeated structure in a line of nodes: the same few nodes, each time on what the last gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphnn.interchange.onnx.values import Made
from graphnn.ops import Array

_LONGEST = 300  # nodes of a block
_LEAST = 3  # nodes that a block must save


@dataclass(frozen=True, slots=True)
class Repeat:
    """Copies of a piece, one after the other.

    Attributes
    ----------
    copies : tuple of tuple of Made
        In the same order each.
    source : Made
        What the first copy reads.
    output : int
        Which node of a copy the next one reads.
    """

    copies: tuple[tuple[Made, ...], ...]
    source: Made
    output: int

    @property
    def saved(self) -> int:
        """How many nodes need not be written."""
        return (len(self.copies) - 1) * len(self.copies[0])


def find(nodes: Sequence[Made], outputs: Sequence[Made]) -> list[Repeat]:
    """Repeats in `nodes`, which are in an order of computation; none overlap.

    Parameters
    ----------
    nodes : sequence of Made
    outputs : sequence of Made
        Nodes that are read from outside.
    """
    readers: dict[Made, list[Made]] = {node: [] for node in nodes}
    for node in nodes:
        for source in node.inputs:
            readers[source].append(node)
    wanted = set(outputs)
    known: dict[object, int] = {}
    marks = np.array([known.setdefault(_signature(node), len(known)) for node in nodes], int)
    found: list[Repeat] = []
    pieces = [slice(0, len(nodes))]
    while pieces:
        piece = pieces.pop()
        own = nodes[piece]
        best = _best(own, marks[piece], readers, wanted)
        if best is None:
            continue
        found.append(best)
        inside = {id(node) for copy in best.copies for node in copy}
        places = [piece.start + at for at, node in enumerate(own) if id(node) in inside]
        pieces += [slice(piece.start, places[0]), slice(places[-1] + 1, piece.stop)]
    return found


def _best(
    nodes: Sequence[Made], marks: Array, readers: dict[Made, list[Made]], wanted: set[Made]
) -> Repeat | None:
    best: Repeat | None = None
    for length in range(1, min(len(nodes) // 2, _LONGEST) + 1):
        for begin, run in _runs(marks, length):
            for shift in range(min(length, run - length + 1)):
                copies = (run - shift) // length + 1
                if best is not None and (copies - 1) * length <= best.saved:
                    break
                repeat = _checked(nodes, begin + shift, length, copies, readers, wanted)
                if repeat is not None:
                    best = repeat
    return best if best is not None and best.saved >= _LEAST else None


def _runs(marks: Array, length: int) -> list[tuple[int, int]]:
    """Where nodes are as those `length` after them, and how many in a row, if that is enough.

    The last comes first.
    """
    other = marks[:-length] != marks[length:]
    if len(other) - np.count_nonzero(other) < length:
        return []  # as most lengths are
    differ = np.flatnonzero(other)
    begins = np.concatenate([[0], differ + 1])
    counts = np.concatenate([differ, [len(marks) - length]]) - begins
    enough = np.flatnonzero(counts >= length)[::-1]
    return [(int(begins[at]), int(counts[at])) for at in enough]


def _signature(node: Made) -> object:
    shapes = tuple((key, None if a is None else a.shape) for key, a in node.arrays.items())
    return (node.op, shapes, node.shape, node.kind, node.trainable)


def _checked(
    nodes: Sequence[Made],
    start: int,
    length: int,
    copies: int,
    readers: dict[Made, list[Made]],
    wanted: set[Made],
) -> Repeat | None:
    """As many of the copies as read each other in the way that a block can state."""
    parts = [tuple(nodes[start + length * n : start + length * (n + 1)]) for n in range(copies)]
    first = _wiring(parts[0])
    if first is None:
        return None
    source, wiring = first
    good = [parts[0]]
    output: int | None = None
    for part in parts[1:]:
        other = _wiring(part)
        if other is None or other[1] != wiring or other[0] not in good[-1]:
            break
        place = good[-1].index(other[0])
        if output not in (None, place):
            break
        output = place
        good.append(part)
    if output is None:
        return None
    while len(good) > 1 and not _closed(good, output, readers, wanted):
        good.pop()
    return Repeat(tuple(good), source, output) if len(good) > 1 else None


def _wiring(part: tuple[Made, ...]) -> tuple[Made, list[list[int]]] | None:
    """The one node outside that `part` reads, and what its nodes read: -1 for that one."""
    places = {node: at for at, node in enumerate(part)}
    outside: Made | None = None
    wiring: list[list[int]] = []
    for node in part:
        if node.op.is_input:
            return None
        row = []
        for read in node.inputs:
            if read not in places:
                if outside not in (None, read):
                    return None
                outside = read
            row.append(places.get(read, -1))
        wiring.append(row)
    return None if outside is None else (outside, wiring)


def _closed(
    parts: list[tuple[Made, ...]], output: int, readers: dict[Made, list[Made]], wanted: set[Made]
) -> bool:
    """Whether nothing outside reads other nodes than outputs of copies."""
    for number, part in enumerate(parts):
        inside = {id(node) for node in part}
        for at, node in enumerate(part):
            if at == output:
                continue
            if node in wanted or any(id(reader) not in inside for reader in readers[node]):
                return False
        if number < len(parts) - 1 and part[output] in wanted:
            return False
    return True

"""Properties that the facts of ops prove, without a run: an opinion beside that of the tests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphnn.graph import Graph, Node
from graphnn.ops import Op, Tracked
from graphnn.spec.example_records import (
    BatchwiseSpec,
    CausalSpec,
    EquivariantSpec,
    InvariantSpec,
    PropertySpec,
)
from graphnn.spec.sizes import Shape, Size


@dataclass(frozen=True, slots=True)
class Reach:
    """How a node depends on the entries along one axis of an input.

    Attributes
    ----------
    axis : int or None
        The axis of the node that goes with it: entry i there depends on the entries i + `low` to
        i + `high` alone. Without one, all of the node depends on the entries `low` to `high` alone.
    low, high : float
    alike : bool
        Whether a permutation of the entries permutes the node along the axis, or leaves it alone.
    """

    axis: int | None
    low: float = 0
    high: float = 0
    alike: bool = True


_UNKNOWN = Reach(None, -math.inf, math.inf, False)


def proved(graph: Graph, spec: PropertySpec) -> tuple[bool, str]:
    """Whether the ops between prove a property; if not, the first node at which nothing is known.

    The name is empty where all is known, and still not proved.
    """
    holds = _CLAIMS.get(type(spec))
    if holds is None:
        return False, ""
    output = graph.node(str(spec.output.value))
    found = reaches(graph, _sources(graph, spec, output))
    needed = graph.upstream([output.name])
    lost = next((name for name, each in found.items() if name in needed and each == _UNKNOWN), "")
    reach = found.get(output.name)
    return reach is None or holds(spec, reach, output), lost


def _sources(graph: Graph, spec: PropertySpec, output: Node) -> dict[str, int]:
    if isinstance(spec, BatchwiseSpec):
        return dict.fromkeys(with_rows(graph, output), 0)
    assert isinstance(spec, CausalSpec | EquivariantSpec | InvariantSpec)
    source = graph.node(str(spec.input.value))
    axis = spec.axis if isinstance(spec, CausalSpec) else spec.permutation
    return {source.name: axis % len(source.shape)}


def with_rows(graph: Graph, output: Node) -> list[str]:
    """The inputs whose first axis is that of the output."""
    nodes = graph.nodes.values()
    rows = output.shape[:1]
    return [node.name for node in nodes if node.op.is_input and node.shape[:1] == rows != ()]


def _is_causal(spec: PropertySpec, reach: Reach, output: Node) -> bool:
    assert isinstance(spec, CausalSpec)
    return reach.axis == spec.axis % len(output.shape) and reach.high <= 0


def _is_equivariant(spec: PropertySpec, reach: Reach, output: Node) -> bool:
    assert isinstance(spec, EquivariantSpec)
    return reach.axis == spec.permutation % len(output.shape) and reach.alike


_CLAIMS: Mapping[type[PropertySpec], Callable[[PropertySpec, Reach, Node], bool]] = {
    CausalSpec: _is_causal,
    EquivariantSpec: _is_equivariant,
    InvariantSpec: lambda spec, reach, output: reach.axis is None and reach.alike,
    BatchwiseSpec: lambda spec, reach, output: (reach.axis, reach.low, reach.high) == (0, 0, 0),
}


def reaches(graph: Graph, sources: Mapping[str, int]) -> dict[str, Reach]:
    """How each node depends on entries of inputs along one axis; what does not is left out.

    Parameters
    ----------
    graph : Graph
    sources : mapping of str to int
        By input the axis, whose entries are those of all other inputs with the same number.
    """
    found = {name: Reach(axis) for name, axis in sources.items()}
    for name, node in graph.nodes.items():
        read = {n: found[each] for n, each in enumerate(node.inputs) if each in found}
        if read:
            shapes = [graph.nodes[each].shape for each in node.inputs]
            found[name] = _through(node.op, read, shapes, node.shape)
    return found


def _moved(
    op: Op, read: Mapping[int, Reach], tracked: Mapping[int, int], shapes: Sequence[Shape]
) -> list[Reach]:
    """Where the op takes what is tracked, as far as that is known."""
    passed = {n: op.passage(Tracked(n, tracked, shapes)) for n in tracked}
    return [
        Reach(p.axis, read[n].low + p.low, read[n].high + p.high, read[n].alike and p.alike)
        for n, p in passed.items()
        if p is not None
    ]


def _through(op: Op, read: Mapping[int, Reach], shapes: Sequence[Shape], result: Shape) -> Reach:
    """What an op makes of the reach of its operands."""
    tracked = {n: each.axis for n, each in read.items() if each.axis is not None}
    whole = [each for n, each in read.items() if n not in tracked]
    if not tracked:
        return _joined(op, read, shapes) or _union(None, whole)
    moved = _moved(op, read, tracked, shapes)
    axis = moved[0].axis if moved else None
    if len(moved) < len(tracked) or any(each.axis != axis for each in moved):
        return _UNKNOWN
    if axis is None:
        return _union(None, [*moved, *whole])
    last = _last(result[axis])
    everywhere = [Reach(axis, each.low - last, each.high, each.alike) for each in whole]
    level = _level(op, tracked, shapes, axis)
    return _union(axis, [*moved, *everywhere], alike=level)


def _union(axis: int | None, parts: Sequence[Reach], *, alike: bool = True) -> Reach:
    """What depends on all of them."""
    low, high = min(each.low for each in parts), max(each.high for each in parts)
    return Reach(axis, low, high, alike and all(each.alike for each in parts))


def _joined(op: Op, read: Mapping[int, Reach], shapes: Sequence[Shape]) -> Reach | None:
    """Operands that each depend on some entries, beside one another along an axis."""
    parts = {n: op.part(n, shapes) for n in read}
    axis = None
    ranges = []
    for n, part in parts.items():
        if part is None:
            return None
        axis, start, stop = part
        ranges.append(Reach(axis, read[n].low - (stop - 1), read[n].high - start, False))
    return _union(axis, ranges)


def _level(op: Op, tracked: Iterable[int], shapes: Sequence[Shape], axis: int) -> bool:
    """Whether no other operand varies along the axis of the result."""
    for n, shape in enumerate(shapes):
        for own, size in enumerate(shape if n not in tracked else ()):
            passed = op.passage(Tracked(n, {n: own}, shapes))
            if size != 1 and (passed is None or passed.axis == axis):
                return False
    return True


def _last(size: Size) -> float:
    return size - 1 if isinstance(size, int) else math.inf

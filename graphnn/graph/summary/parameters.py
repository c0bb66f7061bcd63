"""The table of parameters."""

from __future__ import annotations

from collections.abc import Iterator

from graphnn.graph._graph import Graph, Node, Parameter
from graphnn.graph._outline import Outline
from graphnn.graph.summary.table import Table
from graphnn.spec.sizes import show as show_shape

_HEADER = ("parameter", "shape", "entries", "starts as")
_Range = tuple[int | str, int | str]  # of the numbers of copies, or twice a name


def parameter_table(graph: Graph, seen: Outline) -> Table:
    """A row for each parameter that is shown, and the totals."""
    rows = tuple(_rows(graph, seen)) if graph.parameters else ()
    return Table(_HEADER, rows, right=(2,))


def _rows(graph: Graph, seen: Outline) -> Iterator[tuple[str, ...]]:
    for node in (item for _, item in seen.walk() if isinstance(item, Node)):
        for key in node.parameters:
            names = [f"{each.name}.{key}" for each in seen.alike[node.name]]
            alike = [graph.parameters[name] for name in names if name in graph.parameters]
            yield from _rows_of(alike)
    for name, learned in (("total", True), ("total of states", False)):
        sizes = [each.size for each in graph.parameters.values() if each.learned is learned]
        if learned or sizes:
            yield name, "", f"{sum(sizes):,}", ""


def _rows_of(alike: list[Parameter]) -> Iterator[tuple[str, ...]]:
    """A row for each run of copies in which a parameter has the same shape and start."""
    # What the names have between their dots, a whole number as the range that it begins.
    rows = [([_range(part) for part in each.name.split(".")], [each]) for each in alike]
    for place in reversed(range(len(rows[0][0]) if rows else 0)):
        merged = rows[:1]
        for parts, found in rows[1:]:
            before, kept = merged[-1]
            if _follows(before, parts, place) and _words(kept[0]) == _words(found[0]):
                before[place] = (before[place][0], parts[place][1])
                kept += found
            else:
                merged.append((parts, found))
        rows = merged
    for parts, found in rows:
        shape, start = _words(found[0])
        name = ".".join(str(low) if low == high else f"{low}-{high}" for low, high in parts)
        times = f" x{len(found)}" if len(found) > 1 else ""
        yield name, shape + times, f"{sum(each.size for each in found):,}", start


def _range(part: str) -> _Range:
    number = int(part) if part.isdigit() else part
    return number, number


def _follows(before: list[_Range], parts: list[_Range], place: int) -> bool:
    """Whether `parts` continue at `place` where `before` end, and are the same elsewhere."""
    last, first = before[place][1], parts[place][0]
    if not (isinstance(last, int) and first == last + 1):
        return False
    return [*before[:place], *before[place + 1 :]] == [*parts[:place], *parts[place + 1 :]]


def _words(parameter: Parameter) -> tuple[str, str]:
    """Shape and start of a parameter."""
    start = parameter.origin.words
    if not parameter.learned:
        start += ", a state"
    elif not parameter.trainable:
        start += ", not trained"
    return show_shape(parameter.shape), start

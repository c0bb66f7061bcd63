"""A Hypothesis strategy that derives whole networks from op classes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from graphnn.diagnostics import RunError
from graphnn.execution.network import Network
from graphnn.ops import REGISTRY, Array, Op, Operand, ShapeError
from graphnn.spec.sizes import Shape, free
from graphnn.testing._earlier import fitting, limit, values
from graphnn.training import loads

_BATCH = free("batch")
_START = {"normal": {"std": 0.5}}
_ANY = Operand("x", "...")
_LARGE = 1e3  # networks whose values grow beyond it are not drawn
_Document = dict[str, Any]
_Row = tuple[int, ...]  # a shape without its first axis, the batch


@dataclass(frozen=True, slots=True)
class NetworkCase:
    """A network and inputs that it takes.

    Attributes
    ----------
    document : dict
        The spec, as `graphnn.loads` takes it.
    inputs : dict of str to ndarray
        One for each input, all with the same number of rows.
    seed : int
        What the parameters start from.
    """

    document: _Document
    inputs: dict[str, Array]
    seed: int

    def network(self) -> Network:
        """A new network."""
        return loads(self.document, seed=self.seed)


@st.composite
def networks(
    draw: DrawFn, ops: Iterable[str] | None = None, *, max_ops: int = 5, max_rows: int = 4
) -> NetworkCase:
    """Networks with a loss, made of ops of the registry, and inputs for them.

    Nodes may be read several times or not at all, weights shared, the rows of a batch coupled.
    What does not fit an op is mapped to its shape and domain before. All values are finite.

    Parameters
    ----------
    ops : iterable of str, optional
        Names of the ops to draw from, besides those that map one shape to another; by default
        all that take data.
    max_ops : int
        The most of them in one network.
    max_rows : int
        The most rows in a batch.

    Returns
    -------
    SearchStrategy of NetworkCase
    """
    names = sorted(REGISTRY) if ops is None else ops
    known = map(REGISTRY.__getitem__, names)
    choices = [each for each in known if each.data_operands() and not each.internal]
    growing = _Growing(draw, draw(st.integers(1, max_rows)))
    for op_class in draw(st.lists(st.sampled_from(choices), min_size=1, max_size=max_ops)):
        growing.add(op_class)
    growing.end()
    document = {"graphnn": 1, "nodes": growing.nodes}
    case = NetworkCase(document, growing.inputs, draw(st.integers(0, 2**16)))
    if not _is_tame(case):
        reject()
    return case


def _is_tame(case: NetworkCase) -> bool:
    network = case.network()
    try:
        found = network.run(case.inputs, outputs=network.graph.nodes)
    except RunError:
        return False
    return all(np.abs(value).max(initial=0) < _LARGE for value in found.values())


@dataclass
class _Growing:
    """A document to which nodes are added; `sizes` are rows of the nodes that others may read."""

    draw: DrawFn
    rows: int
    nodes: dict[str, _Document] = field(default_factory=dict)
    inputs: dict[str, Array] = field(default_factory=dict)
    sizes: dict[str, _Row] = field(default_factory=dict)
    maps: dict[tuple[int, int], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = self._input(_ANY, (self.draw(st.integers(1, 4)),))
        self.sizes[first] = self.inputs[first].shape[1:]

    def add(self, op_class: type[Op]) -> None:
        """Add a node of the op, unless it needs the size of the batch to be a number."""
        fit = self.draw(fitting(op_class))
        shapes = _with_rows(op_class, fit.shapes)
        try:
            found = fit.declared.infer(shapes, {})
        except ShapeError:
            return
        if any(_BATCH in shape for shape in found.parameters.values()):
            return
        operands = op_class.data_operands()
        sources = []
        for at, shape in enumerate(shapes):
            operand = operands[min(at, len(operands) - 1)]
            whole = operand.kind == "int" or (op_class.is_loss and "int" in fit.kinds[at : at + 1])
            sources.append(self._source(operand, shape, limit(operand, fit.table) if whole else 0))
        attributes = fit.declared.model_dump(mode="json", exclude_defaults=True)
        starts = {
            operand.name: False if operand.optional and self._toss() else _START
            for operand in op_class.operands
            if operand.role == "parameter"
        }
        self._offer(self._node(op_class.name, sources, **attributes, **starts), found.result)

    def end(self) -> None:
        """Add a loss of every node that nothing reads, so that all inputs are needed."""
        read = {name for node in self.nodes.values() for name in node.get("inputs", ())}
        for name in sorted(set(self.nodes) - read):
            if not REGISTRY[self.nodes[name]["op"]].is_loss:
                target = self._input(_ANY, self.sizes[name])
                self._node("mean_squared_error", [name, target])

    def _offer(self, name: str, shape: Shape) -> None:
        """Let others read the node, by its sum where it is not a batch of rows."""
        row = tuple(size for size in shape[1:] if isinstance(size, int))
        if shape[:1] == (_BATCH,) and len(row) == len(shape) - 1:
            self.sizes[name] = row
            return
        other = self._any()
        moved = self._node("add", [other, self._node("sum", [name])])
        self.sizes[moved] = self.sizes[other]

    def _any(self) -> str:
        return self.draw(st.sampled_from(sorted(self.sizes)))

    def _toss(self) -> bool:
        return self.draw(st.booleans())

    def _source(self, operand: Operand, shape: Shape, below: int) -> str:
        """A node that fits the operand; of whole numbers where `below` is not 0."""
        row = tuple(size for size in shape[1:] if isinstance(size, int))
        if below:
            return self._input(operand, row, below)
        if shape[:1] != (_BATCH,):
            return self._within(operand, self._node("parameter", shape=[*shape], value=_START))
        alike = sorted(name for name, own in self.sizes.items() if own == row)
        if alike and self._toss():
            return self._within(operand, self.draw(st.sampled_from(alike)))
        return self._within(operand, self._mapped(self._any(), row))

    def _mapped(self, name: str, row: _Row) -> str:
        """A node with rows of that shape, an affine map of the node `name`."""
        width, units = math.prod(self.sizes[name]), math.prod(row)
        flat = name if len(self.sizes[name]) == 1 else self._node("flatten", [name])
        owners = self.maps.setdefault((width, units), [])
        if owners and self._toss():
            weight = {"share": f"{self.draw(st.sampled_from(owners))}.weight"}
            mapped = self._node("affine", [flat], weight=weight)
        else:
            mapped = self._node("affine", [flat], units=units)
            owners.append(mapped)
        self.sizes[mapped] = (units,)
        return mapped if len(row) == 1 else self._node("reshape", [mapped], shape=["batch", *row])

    def _within(self, operand: Operand, name: str) -> str:
        """A node like `name` with values in the domain of the operand."""
        if operand.domain == _ANY.domain:
            return name
        low, high = operand.domain
        parts = self._node("sigmoid", [name])
        wide = self._node("multiply", [parts, self._node("constant", value=high - low)])
        return self._node("add", [wide, self._node("constant", value=low)])

    def _input(self, operand: Operand, row: _Row, below: int | None = None) -> str:
        dtype = "float" if below is None else "int"
        name = self._node("input", shape=["batch", *row], dtype=dtype)
        self.inputs[name] = self.draw(values(operand, (self.rows, *row), below))
        return name

    def _node(self, op: str, inputs: list[str] | None = None, **rest: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes[name] = {"op": op, **({"inputs": inputs} if inputs else {}), **rest}
        return name


def _with_rows(op_class: type[Op], shapes: tuple[_Row, ...]) -> tuple[Shape, ...]:
    """The same shapes for a batch of any size: in place of their first axis, or before it."""
    most = max(map(len, shapes))
    if not op_class.cases and op_class.data_operands()[0].signature.startswith("..."):
        return tuple((_BATCH, *shape) if len(shape) == most else shape for shape in shapes)
    first = shapes[0][:1]
    return tuple((_BATCH, *shape[1:]) if shape[:1] == first != () else shape for shape in shapes)

"""The ONNX form of an op, as plain records; the package onnx is not needed to make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphnn.ops._arrays import Array
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Quotient, Shape, Size

Given = str | Array | float | Sequence[int] | None


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """One node of an ONNX graph.

    Attributes
    ----------
    op : str
        Of the standard's own operators.
    inputs : tuple of str
        Names of values; empty for one that is left out.
    outputs : tuple of str
    attributes : mapping
        Numbers, texts, and lists of whole numbers.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


class OnnxForm:
    """Collects the nodes that make up the ONNX form of an op.

    Parameters
    ----------
    name : str
        Of the result. Names of values in between start with it.
    opset : int
        Version of the standard's operators, 18 or later.
    dtype : numpy dtype
        Of real numbers.
    shapes : mapping of str to Shape
        By name of operand.
    kinds : mapping of str to {"float", "int"}
        Likewise.
    free : mapping of str to (str, int)
        For free sizes, an input of the graph and its axis of that size.

    Attributes
    ----------
    nodes : list of OnnxNode
    constants : dict of str to ndarray
        By name of value.
    """

    def __init__(
        self,
        name: str,
        opset: int,
        dtype: np.dtype[Any],
        shapes: Mapping[str, Shape],
        kinds: Mapping[str, str],
        free: Mapping[str, tuple[str, int]],
    ) -> None:
        self.opset = opset
        self.dtype = np.dtype(dtype)
        self.shapes = shapes
        self.kinds = kinds
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, Array] = {}
        self._name = name
        self._free = free

    def add(self, op: str, *inputs: Given, **attributes: Any) -> str:
        """Add a node and give the name of its value.

        Parameters
        ----------
        op : str
        *inputs : str, ndarray, float, sequence of int or None
            Names of values; constants, of which those in float64 take the form's dtype; None for
            one that is left out.
        **attributes
            None stands for one that is left out.
        """
        return self.add_all(1, op, *inputs, **attributes)[0]

    def add_all(self, count: int, op: str, *inputs: Given, **attributes: Any) -> list[str]:
        """As `add`, with the names of the node's first `count` values."""
        names = ["" if given is None else self._value(given) for given in inputs]
        while names and not names[-1]:
            names.pop()
        first = f"{self._name}/{op}_{len(self.nodes)}"
        outputs = [first, *(f"{first}_{number}" for number in range(1, count))]
        kept = {key: value for key, value in attributes.items() if value is not None}
        self.nodes.append(OnnxNode(op, tuple(names), tuple(outputs), kept))
        return outputs

    def real(self, name: str) -> str:
        """The value called `name` as real numbers."""
        if self.kinds.get(name) != "int":
            return name
        return self.add("CastLike", name, 1.0)

    def alike(self, *names: str | None) -> list[str | None]:
        """Values by name, all as real numbers where one of them holds real numbers."""
        given = [name for name in names if name is not None]
        if len({self.kinds.get(name) for name in given}) < 2:
            return [*names]
        return [name if name is None else self.real(name) for name in names]

    def flat(self, name: str) -> str:
        """The value called `name` as a matrix with a row for each sample."""
        return self.add("Flatten", name, axis=1)

    def shape(self, target: Shape, there: Shape) -> Given:
        """The shape `target`, as the input of a Reshape of an array of shape `there`.

        Of that, the first axes are enough, where nothing is known of the others.
        """
        found = [
            0 if isinstance(size, Expression) and there[axis : axis + 1] == (size,) else size
            for axis, size in enumerate(target)
        ]
        open = [axis for axis, size in enumerate(found) if isinstance(size, Expression)]
        if len(open) <= 1:
            return [-1 if isinstance(size, Expression) else size for size in found]
        return self.add("Concat", *map(self.size, target), axis=0)

    def size(self, size: Size) -> str:
        """An array of one whole number, `size`."""
        if isinstance(size, int):
            return self._value([size])
        total = ""
        for monomial, coefficient in size.terms:
            factors = [self._atom(atom) for atom in monomial]
            if coefficient != 1 or not factors:
                factors.insert(0, self._value([coefficient]))
            product, *others = factors
            for factor in others:
                product = self.add("Mul", product, factor)
            total = self.add("Add", total, product) if total else product
        return total

    def _atom(self, atom: str | Quotient) -> str:
        if isinstance(atom, Quotient):
            return self.add("Div", self.size(atom.numerator), [atom.divisor])
        source, axis = self._free[atom]
        return self.add("Shape", source, start=axis, end=axis + 1)

    def _value(self, given: str | Array | float | Sequence[int]) -> str:
        if isinstance(given, str):
            return given
        array = np.asarray(given, None if isinstance(given, float | np.ndarray) else np.int64)
        if array.dtype == np.float64:
            array = array.astype(self.dtype)
        name = f"{self._name}/{len(self.constants)}"
        self.constants[name] = array
        return name


def free_axes(inputs: Mapping[str, Shape]) -> dict[str, tuple[str, int]]:
    """For each free size, an input and its axis of that size; see `OnnxForm`."""
    return {
        str(size): (name, axis)
        for name, shape in inputs.items()
        for axis, size in enumerate(shape)
        if isinstance(size, Expression) and size == sizes.free(str(size))
    }

"""The inputs of a run: arrays of the right kind and shape, or all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphnn.diagnostics import Code, Diagnostic, RunError, nearest, suggestion
from graphnn.execution._free_sizes import fits, solve_free_sizes
from graphnn.execution._plan import Plan
from graphnn.graph import Graph
from graphnn.ops import Array, Kind
from graphnn.spec import sizes
from graphnn.spec.sizes import show

Sizes = tuple[tuple[str, int], ...]


class RunInputs:
    """The inputs of a run, taken apart; `faults` is what is wrong with them."""

    def __init__(self, plan: Plan, dtype: np.dtype[Any]) -> None:
        self.faults: list[Diagnostic] = []
        self._plan = plan
        self._dtype = dtype
        self._declared = {name: plan.slots[slot].shape for name, slot in plan.inputs.items()}

    def take(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """The inputs as arrays of the right kind, without those at fault."""
        arrays: dict[str, Array] = {}
        unknown = [name for name in inputs if name not in self._declared]
        for name in unknown:
            known = ", ".join(self._declared)
            self._fault(
                "unknown-input",
                f"the requested outputs do not depend on an input '{name}'",
                suggestion(
                    name, self._declared, f"its inputs are {known}" if known else "it has no inputs"
                ),
            )
        meant = {nearest(name, self._declared) for name in unknown}
        for name, shape in self._declared.items():
            if name not in inputs:
                if name not in meant:
                    message = f"the input '{name}' of shape {show(shape)} is missing"
                    self._fault("missing-input", message)
                continue
            kind = self._plan.slots[self._plan.inputs[name]].kind
            array = self._array(name, inputs[name], kind)
            if array is not None:
                arrays[name] = array
        return arrays

    def solve(self, arrays: Mapping[str, Array]) -> Sizes:
        """The value of every free size, which depends on the shapes alone.

        Raises
        ------
        RunError
            With all faults, those of `take` included.
        """
        shapes = {name: array.shape for name, array in arrays.items()}
        fitting = {name: shape for name, shape in shapes.items() if self._fits(name, shape)}
        bound, conflicts = solve_free_sizes(self._declared, fitting)
        for conflict in conflicts:
            self._fault("size-conflict", str(conflict))
        if not self.faults:
            self._check_expressions(shapes, bound)
        if self.faults:
            raise RunError(*self.faults)
        return tuple(bound.items())

    def _fault(self, code: Code, message: str, help: str = "") -> None:
        fault = Diagnostic(code, message, help=help)
        if fault not in self.faults:
            self.faults.append(fault)

    def _array(self, name: str, given: Any, kind: Kind) -> Array | None:
        array = as_numbers(given)
        if array is None:
            message = f"the input '{name}' is not an array of numbers"
            self._fault("not-numbers", message, "in nested lists, rows have one length")
            return None
        if kind == "float":
            return cast_to(array, self._dtype)
        whole = cast_to(array, np.dtype(np.int64))
        if array.dtype.kind not in "fu":
            return whole
        bad = np.argwhere(whole != array)
        if len(bad):
            at = tuple(bad[0])
            where = f" at {show(map(int, at))}" if at else ""
            message = f"the input '{name}' must hold whole numbers, not {array[at]}{where}"
            self._fault("not-whole", message)
            return None
        return whole

    def _fits(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether an input of `shape` can be what the spec declares; reports it when not."""
        declared = self._declared[name]
        if fits(shape, declared):
            return True
        message = f"the input '{name}' has shape {show(shape)}, but the spec declares it "
        message, help = message + show(declared), ""
        if len(shape) != len(declared):
            lacks_batch = len(shape) + 1 == len(declared) and not isinstance(declared[0], int)
            help = f"a single row needs an axis before it: {name}[None]" if lacks_batch else ""
        else:
            pairs = list(zip(declared, shape, strict=True))
            size, value = next(pair for pair in pairs if not fits(pair[1:], pair[:1]))
            if not isinstance(size, int):
                message = f"the input '{name}' is empty: its '{size}' is {value}"
        self._fault("wrong-shape", message, help)
        return False

    def _check_expressions(
        self, shapes: Mapping[str, tuple[int, ...]], bound: Mapping[str, int]
    ) -> None:
        for name, shape in shapes.items():
            for size, value in zip(self._declared[name], shape, strict=True):
                loose = sorted(sizes.free_names(size) - bound.keys())
                if loose:
                    self._fault("unbound-size", f"no input determines the size '{loose[0]}'")
                elif (found := sizes.evaluate(size, bound)) != value:
                    message = f"'{size}' is {found}, but {value} in the input '{name}'"
                    self._fault("size-conflict", message)


def as_numbers(given: Any) -> Array | None:
    """`given` as an array, or None where it is not one of real numbers."""
    try:
        array = np.asarray(given)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "biuf" else None


def cast_to(array: Array, dtype: np.dtype[Any]) -> Array:
    if array.dtype == dtype:
        return array
    # What does not fit is found afterwards, by its value.
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(dtype)


def inputs_by_name(
    graph: Graph, inputs: Mapping[str, Any] | None, named: Mapping[str, Any]
) -> dict[str, Any]:
    """Both together.

    Raises
    ------
    RunError
        The first is an array, without the name of an input.
    """
    if inputs is None or isinstance(inputs, Mapping):
        return {**(inputs or {}), **named}
    message = f"a {type(inputs).__name__} does not name the input that it feeds"
    names = ", ".join(f"{node.name}=..." for node in graph.inputs)
    raise RunError.of("missing-input", message, help=f"give each by its name: {names}")

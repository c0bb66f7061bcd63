"""One pass with nothing moved, which probes are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphnn.execution import Plan, Step
from graphnn.gradients.numerical.engine.continuation import continued
from graphnn.gradients.numerical.objective import Objective
from graphnn.graph.arrays import outermost_first
from graphnn.ops import Array


class BasePass:
    """One pass with nothing moved.

    Parameters
    ----------
    objective : Objective
    complex : bool
        Whether offsets will be complex: values are then complex too, and ops are continued.

    Attributes
    ----------
    plan : Plan
    values : list of ndarray
        By slot.
    sizes : dict of str to int
        Entries of each parameter, one that the losses do not depend on too.
    losses : list of int
        Slots of the losses.
    ops : mapping of int to Op
        By the slot of their result; free sizes in their attributes are replaced by numbers.
    branches : mapping of int to ndarray
        Likewise, for ops that have kinks.
    """

    def __init__(self, objective: Objective, complex: bool) -> None:
        executor, inputs = objective.executor(keep=True), objective.inputs
        values, release = executor.values(inputs, objective.network.arrays, objective.noise())
        self.values = [np.array(value) for value in values]
        release()
        plan = replace(executor.plan, steps=tuple(map(self._fixed, executor.plan.steps)))
        self.plan: Plan = continued(plan) if complex else plan
        if complex:
            self.values = [v.astype(np.complex128) if v.dtype == float else v for v in self.values]
        self.sizes = {name: array.size for name, array in objective.network.parameters.items()}
        self.losses = [self.plan.outputs[name] for name in objective.losses]
        bound = dict(executor.bind(inputs)[1])
        self.ops = {step.output: step.op.bind(bound) for step in self.plan.steps}
        self.branches = {
            step.output: np.asarray(self.ops[step.output].branch(*self.arguments(step, {})))
            for step in plan.steps
            if step.op.bends
        }

    def __getstate__(self) -> dict[str, Any]:
        # In the order of memory, which whoever reads them sums in too, and needs no copy for.
        values = [_ordered(value) for value in self.values]
        branches = {slot: _ordered(branch) for slot, branch in self.branches.items()}
        return {**self.__dict__, "values": values, "branches": branches}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.values = [array.transpose(axes) for array, axes in state["values"]]
        self.branches = {
            slot: array.transpose(axes) for slot, (array, axes) in state["branches"].items()
        }

    def _fixed(self, step: Step) -> Step:
        """A step for rows of this batch; what is not of this kind stays the same."""
        fixed = step.op.fixed(*self.arguments(step, {}))
        return step if fixed is step.op else replace(step, op=fixed)

    def size(self, loss: int) -> Array:
        """Size of the numbers that the entries of a loss are rounded as."""
        grain = self.ops[loss].grain if loss in self.ops else 0.0
        return np.asarray(np.maximum(np.abs(self.values[loss]), grain))

    def arguments(self, step: Step, moved: Mapping[int, Array]) -> list[Array | None]:
        """Operands of `step`: moved ones where there are, else those of this pass."""
        return [
            None if slot is None else moved.get(slot, self.values[slot]) for slot in step.arguments
        ]


def _ordered(array: Array) -> tuple[Array, tuple[int, ...]]:
    """An array with its axes as they lie in memory, and the order that they have."""
    axes = outermost_first(array)
    return np.asarray(array.transpose(axes), order="C"), tuple(np.argsort(axes).tolist())


def data_arguments(step: Step) -> tuple[int | None, ...]:
    """The arguments of `step` that are data, None where one is left out."""
    others = sum(operand.role != "data" for operand in step.op.operands)
    return step.arguments[: len(step.arguments) - others]


def data_slots(step: Step) -> list[int]:
    """Slots of the data that `step` reads."""
    return [slot for slot in data_arguments(step) if slot is not None]


def steps_from(plan: Plan, slots: Iterable[int]) -> list[Step]:
    """The steps that read one of `slots`, or what such a step makes."""
    reached, steps = set[int | None](slots), []
    for step in plan.steps:
        if not reached.isdisjoint(step.arguments):
            reached.add(step.output)
            steps.append(step)
    return steps

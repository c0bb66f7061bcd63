"""What one parameter reaches, and the base pass that probes of it are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graphnn.execution import Plan, Step
from graphnn.gradients.numerical.engine.continuation import continued
from graphnn.gradients.numerical.objective import Objective
from graphnn.ops import Op

Array = NDArray[Any]
ROWS = 4096  # rows a call: enough to hide the interpreter, few enough for the cache
# Entries of one array of rows: 4 MiB in float64. Threads wait for one another less often the longer
# a call of NumPy takes, which counts for more than what the nearest cache would save.
ENTRIES = 1 << 19


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows that moved: arrays by slot, and the row of the batch that each was."""

    rows: dict[int, Array]
    samples: Array


class Base:
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
    losses : list of int
        Slots of the losses.
    ops : mapping of int to Op
        By the slot of their result; free sizes in their attributes are replaced by numbers.
    branches : mapping of int to ndarray
        Likewise, for ops that have kinks.
    """

    def __init__(self, objective: Objective, complex: bool = False) -> None:
        executor, inputs = objective.executor(keep=True), objective.inputs
        values, release = executor.values(inputs, objective.network.arrays, objective.noise())
        self.plan: Plan = continued(executor.plan) if complex else executor.plan
        self.values = [np.array(value) for value in values]
        if complex:
            self.values = [v.astype(np.complex128) if v.dtype == float else v for v in self.values]
        release()
        self.losses = [self.plan.outputs[name] for name in objective.losses]
        bound = dict(executor.bind(inputs)[1])
        self.ops = {step.output: step.op.bind(bound) for step in self.plan.steps}
        self.branches = {
            step.output: self.ops[step.output].branch(*self.arguments(step, {}))
            for step in executor.plan.steps
            if type(step.op).branch is not Op.branch
        }

    def size(self, loss: int) -> Array:
        """Size of the numbers that the entries of a loss are rounded as."""
        grain = self.ops[loss].grain if loss in self.ops else 0.0
        found: Array = np.maximum(np.abs(self.values[loss]), grain)
        return found

    def arguments(self, step: Step, moved: Mapping[int, Array]) -> list[Array | None]:
        """Operands of `step`: moved ones where there are, else those of this pass."""
        return [
            None if slot is None else moved.get(slot, self.values[slot]) for slot in step.arguments
        ]


Offsets = tuple[float | complex, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What probes found.

    Attributes
    ----------
    differences : ndarray, shape (offsets, ...)
        How the loss differs.
    kinks : ndarray of bool, shape (offsets, ...), or None
        Whether a kink was crossed; None where there are none on the way.
    stake : ndarray, shape (...)
        Mean of the losses that moved, as far as can be told.
    """

    differences: Array
    kinks: Array | None
    loss_scale: Array

    @classmethod
    def of(cls, offsets: Offsets, shape: tuple[int, ...], kinks: bool = True) -> Found:
        """Where nothing moves."""
        whole = len(offsets), *shape
        return cls(
            np.zeros(whole, np.result_type(float, *offsets)),
            np.zeros(whole, dtype=bool) if kinks else None,
            np.zeros(shape),
        )

    def where(self, wanted: Array) -> Found:
        """The same where `wanted`, and else as where nothing moves."""
        kinks = None if self.kinks is None else self.kinks & wanted
        return Found(self.differences * wanted, kinks, self.loss_scale * wanted)

    def add(self, place: Any, part: Found) -> None:
        """Add what a part of the probes found."""
        self.differences[place] += part.differences
        self.loss_scale[place] += part.loss_scale
        if self.kinks is not None and part.kinks is not None:
            self.kinks[place] |= part.kinks


class Strategy(Protocol):
    """How probes of one parameter are evaluated, a piece of the work at a time."""

    def blank(self, offsets: Offsets) -> Found:
        """Room for what all pieces find."""

    def pieces(self, offsets: Offsets) -> Iterable[Any]:
        """The work cut into pieces, each of some milliseconds; the same for any workers."""

    def evaluate(self, piece: Any, offsets: Offsets) -> Found:
        """What the probes of a piece find."""

    def place(self, piece: Any) -> Any:
        """Index of the room to which what a piece finds is added."""

    def finished(self, found: Array) -> Array:
        """An array of the room with the entries of the parameter as its last axis."""


def data_slots(step: Step) -> list[int]:
    """Slots of the data that `step` reads."""
    others = sum(operand.role != "data" for operand in step.op.operands)
    data = step.arguments[: len(step.arguments) - others]
    return [slot for slot in data if slot is not None]


class Route:
    """What one parameter reaches, parted into steps run whole and steps run on rows.

    `whole` are the steps that each probe needs a pass of its own for: those that read the
    parameter, or couple rows, and all that leads from the parameter to them. `apart` are the
    others, whose rows can be mixed with those of other probes.
    """

    def __init__(self, base: Base, slot: int) -> None:
        self.base = base
        self.slot = slot
        reached = {slot}
        steps = []
        for step in base.plan.steps:
            if any(argument in reached for argument in step.arguments):
                reached.add(step.output)
                steps.append(step)
        needed: set[int] = set()
        for step in reversed(steps):
            if step.output in needed or not self._apart(step, reached):
                needed.add(step.output)
                needed.update(a for a in step.arguments if a in reached and a is not None)
        self.whole = [step for step in steps if step.output in needed]
        self.apart = [step for step in steps if step.output not in needed]
        if not self._one_row_count():
            self.whole, self.apart = steps, []
        outputs = {step.output for step in self.whole}
        read = {argument for step in self.apart for argument in step.arguments}
        self.frontier = [s for s in outputs if s in read or s in base.losses]
        ends = {step.output for step in steps}
        self.losses = [loss for loss in base.losses if loss in ends]

    def _apart(self, step: Step, reached: set[int]) -> bool:
        data = data_slots(step)
        if any(argument in reached for argument in step.arguments[len(data) :]):
            return False
        shapes = [self.base.values[slot].shape for slot in data]
        op = self.base.ops[step.output]
        # With several free sizes an op cannot tell how many rows it is given.
        if not op.rows_apart(*shapes) or len(step.op.free_names) > 1:
            return False
        rows = op.has_rows(*shapes)
        return all(has for has, slot in zip(rows, data, strict=True) if slot in reached)

    def _one_row_count(self) -> bool:
        values = self.base.values
        made = {step.output for step in self.whole}
        slots = [step.output for step in self.apart]
        slots += [slot for step in self.apart for slot in data_slots(step) if slot in made]
        return len({values[slot].shape[:1] for slot in slots}) <= 1

    @property
    def rows(self) -> int:
        """Rows of the batch that `apart` works on."""
        return int(self.base.values[self.apart[0].output].shape[0])

    @property
    def width(self) -> int:
        """Entries of the widest row on the way, what it starts from among them."""
        values = self.base.values
        slots = [step.output for step in self.apart]
        slots += [slot for slot in self.frontier if values[slot].shape[:1] == (self.rows,)]
        return max(values[slot].size // self.rows for slot in slots)

    def has_rows(self, step: Step) -> list[bool]:
        """Which operands of `step` have a row for each of the batch."""
        data = data_slots(step)
        shapes = [self.base.values[slot].shape for slot in data]
        found = self.base.ops[step.output].has_rows(*shapes)
        others = step.arguments[len(data) :]
        return [*found, *(slot is not None and self._is_noise(slot) for slot in others)]

    def on_rows(self, step: Step, moved: Moved) -> list[Array | None]:
        """Operands of `step` for the rows `moved`, the others from the rows that these were."""
        values = self.base.values
        return [
            None
            if slot is None
            else moved.rows[slot]
            if slot in moved.rows
            else values[slot][moved.samples]
            if has_rows
            else values[slot]
            for slot, has_rows in zip(step.arguments, self.has_rows(step), strict=True)
        ]

    def _is_noise(self, slot: int) -> bool:
        return self.base.plan.slots[slot].role == "noise"

    def crossed(self, step: Step, given: list[Array | None], samples: Array) -> Array | None:
        """For each row, whether `step` takes another branch than in the base pass."""
        base = self.base.branches.get(step.output)
        if base is None:
            return None
        here: Array = np.asarray(step.op.branch(*given)) != base[samples]
        return np.asarray(here.reshape(len(samples), -1).any(axis=1))

    def stakes(self) -> Array:
        """Size of each row's losses, as parts of the mean."""
        total = np.zeros(self.rows)
        for loss in self.losses:
            base = self.base.values[loss]
            if base.shape[:1] == (self.rows,):
                size = self.base.size(loss).reshape(self.rows, -1)
                total += size.sum(axis=1) / base.size
        return total

    def row_losses(self, rows: Mapping[int, Array], samples: Array) -> Array:
        """How much each row's losses differ from the base pass, as parts of the mean."""
        total = np.zeros(
            len(samples), np.result_type(float, *(rows[s] for s in self.losses if s in rows))
        )
        for loss in self.losses:
            if loss in rows:
                base = self.base.values[loss]
                change = (rows[loss] - base[samples]).reshape(len(samples), -1)
                total += change.sum(axis=1) / base.size
        return total

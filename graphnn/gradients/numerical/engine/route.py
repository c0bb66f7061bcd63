"""What one parameter reaches: steps that are run whole, and steps that are run on rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphnn.execution import Step
from graphnn.gradients.numerical.engine.base_pass import (
    BasePass,
    data_arguments,
    data_slots,
    steps_from,
)
from graphnn.ops import Array

ROWS = 4096  # rows a call: enough to hide the interpreter, few enough for the cache
# Entries of one array of rows: 4 MiB in float64. That calls of NumPy are few counts for more than
# what the nearest cache would save.
ENTRIES = 1 << 19


class Route:
    """What one parameter reaches, parted into steps run whole and steps run on rows.

    `whole` are the steps that each probe needs a separate pass for: those that read the
    parameter, or couple rows, and all that leads from the parameter to them. `apart` are the
    others, whose rows can be mixed with those of other probes.
    """

    def __init__(self, base: BasePass, slot: int) -> None:
        self.base = base
        self.slot = slot
        steps = steps_from(base.plan, [slot])
        reached = {slot, *(step.output for step in steps)}
        needed = self._needed_whole(steps, reached)
        self.whole = [step for step in steps if step.output in needed]
        self.apart = [step for step in steps if step.output not in needed]
        if not self._one_row_count():
            self.whole, self.apart = steps, []
        self.losses = [loss for loss in base.losses if loss in reached]
        read = {argument for step in self.apart for argument in step.arguments}
        ends = read.union(base.losses)
        self.frontier = [step.output for step in self.whole if step.output in ends]
        self.handed = [slot for slot in self.frontier if slot in read]

    def _needed_whole(self, steps: list[Step], reached: set[int]) -> set[int | None]:
        """Outputs of the steps that cannot work on rows, and of all that lead to them."""
        needed: set[int | None] = set()
        for step in reversed(steps):
            if step.output in needed or not self._works_on_rows(step, reached):
                needed.add(step.output)
                needed.update(reached.intersection(step.arguments))
        return needed

    def _works_on_rows(self, step: Step, reached: set[int]) -> bool:
        data = data_slots(step)
        if any(argument in reached for argument in step.arguments[len(data_arguments(step)) :]):
            return False
        shapes = [self.base.values[slot].shape for slot in data]
        op = self.base.ops[step.output]
        # With several free sizes an op does not know how many rows it is given.
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
        data = data_arguments(step)
        shapes = [self.base.values[slot].shape for slot in data if slot is not None]
        found = iter(self.base.ops[step.output].has_rows(*shapes))
        own = [slot is not None and next(found) for slot in data]
        others = step.arguments[len(data) :]
        slots = self.base.plan.slots
        return [*own, *(slot is not None and slots[slot].role == "noise" for slot in others)]

    def on_rows(self, step: Step, moved: Mapping[int, Array], samples: Array) -> list[Array | None]:
        """Operands of `step` for rows that `moved`, the others from `samples`, which these were."""
        given: list[Array | None] = []
        for slot, has_rows in zip(step.arguments, self.has_rows(step), strict=True):
            if slot is None or slot in moved:
                given.append(None if slot is None else moved[slot])
            else:
                value = self.base.values[slot]
                given.append(value[samples] if has_rows else value)
        return given

    def loss_scales(self) -> Array:
        """Size of each row's losses, as parts of the mean."""
        total = np.zeros(self.rows)
        for loss in self.losses:
            base = self.base.values[loss]
            if base.shape[:1] == (self.rows,):
                size = self.base.size(loss).reshape(self.rows, -1)
                total += size.sum(axis=1) / base.size
        return total

"""The numerical gradient as every course teaches it: whole forward passes for each entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from graphnn.gradients.numerical.objective import Objective, Probed, Progress, largest
from graphnn.ops import Array


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a probe crosses a kink first, in the order of the schedule.

    Attributes
    ----------
    entry : tuple of int
        Index of the parameter's entry that was moved.
    node : str
        The node that bends there.
    sample : int or None
        Row of the batch; None where the node has no rows.
    index : tuple of int
        Which entry of the node's value, within the row where there is one.
    """

    entry: tuple[int, ...]
    node: str
    sample: int | None
    index: tuple[int, ...]

    def __str__(self) -> str:
        place = f"'{self.node}'" + (f"[{','.join(map(str, self.index))}]" if self.index else "")
        return place if self.sample is None else f"{place} of sample {self.sample}"


class Loop:
    """Losses of one network on one batch with one parameter entry moved, a pass each.

    Parameters
    ----------
    objective : Objective

    Attributes
    ----------
    origin : float
        The loss with nothing moved.
    stopped : bool
        Whether Ctrl-C was pressed.
    """

    stopped = False

    def __init__(self, objective: Objective) -> None:
        network = objective.network
        self._losses = objective.losses
        # Copies, so that a crossing may be asked for when the caller has changed them.
        self._inputs = deepcopy(dict(objective.inputs))
        self._arrays = {name: array.copy() for name, array in network.arrays.items()}
        self._noise = objective.noise
        plan = objective.executor(keep=False).plan
        self._branching = [step for step in plan.steps if step.op.bends]
        self._keep = bool(self._branching or plan.noises)
        self._executor = objective.executor(keep=self._keep)
        self.origin, self._branches = self._evaluate(finite=True)
        ends = plan.outputs.values()
        self._grain = max((s.op.grain for s in plan.steps if s.output in ends), default=0.0)

    def at(self, name: str, index: tuple[int, ...], offset: float) -> tuple[float, bool]:
        """Loss with one entry moved by `offset`, and whether a kink lies between."""
        value, branches = self._moved(name, index, offset)
        return value, not all(map(np.array_equal, self._branches, branches))

    def crossing(
        self, name: str, offsets: Iterable[float], index: tuple[int, ...]
    ) -> Crossing | None:
        """Where the nearest of `offsets` that crosses a kink does so, None where none does."""
        for offset in sorted(offsets, key=abs):
            branches = self._moved(name, index, offset)[1]
            for step, here, there in zip(self._branching, self._branches, branches, strict=True):
                if not np.array_equal(here, there):
                    first = tuple(map(int, np.argwhere(here != there)[0]))
                    shape = self._executor.plan.slots[step.output].shape
                    if first and shape and not isinstance(shape[0], int):
                        return Crossing(index, step.node, first[0], first[1:])
                    return Crossing(index, step.node, None, first)
        return None

    def differences(
        self, name: str, offsets: Sequence[float], progress: Progress, entries: Array | None
    ) -> Probed:
        """As `Probes.differences` of the engine, but losses instead of differences."""
        array = self._arrays[name]
        chosen = np.arange(array.size) if entries is None else entries
        losses = np.zeros((len(offsets), len(chosen)))
        crossed = np.zeros(losses.shape, dtype=bool)
        done = 0
        try:
            for entry in chosen.tolist():
                index = tuple(map(int, np.unravel_index(entry, array.shape)))
                for which, offset in enumerate(offsets):
                    losses[which, done], crossed[which, done] = self.at(name, index, offset)
                done += 1
                progress(done)
        except KeyboardInterrupt:
            self.stopped = True
            entries, losses, crossed = chosen[:done], losses[:, :done], crossed[:, :done]
        size = largest(losses, max(abs(self.origin), self._grain))
        return Probed(losses, crossed, np.full(done, size), entries)

    def _moved(self, name: str, index: tuple[int, ...], offset: float) -> tuple[float, list[Array]]:
        array = self._arrays[name]
        original = array[index]
        array[index] = original + offset
        try:
            return self._evaluate()
        finally:
            array[index] = original

    def _evaluate(self, *, finite: bool = False) -> tuple[float, list[Array]]:
        noise = self._noise() if self._keep else None
        values, release = self._executor.values(self._inputs, self._arrays, noise, finite=finite)
        slots = self._executor.plan.outputs
        with np.errstate(all="ignore"):
            total = float(sum(values[slots[name]].mean() for name in self._losses))
        branches = [
            np.array(step.op.branch(*(None if s is None else values[s] for s in step.arguments)))
            for step in self._branching
        ]
        release()
        return total, branches

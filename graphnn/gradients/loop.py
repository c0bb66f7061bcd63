"""The numerical gradient as every course teaches it: whole forward passes for each entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.network import Network
from graphnn.ops._op import Op
from graphnn.plan import Mode

Array = NDArray[Any]


class Loop:
    """Losses of one network on one batch with one parameter entry moved, a pass each.

    Parameters
    ----------
    network : Network
    inputs : mapping of str to array_like
    losses : iterable of str
    mode, seed
        As for `graphnn.numerical_gradient`.

    Attributes
    ----------
    origin : float
        The loss with nothing moved.
    """

    def __init__(
        self,
        network: Network,
        inputs: Mapping[str, Any],
        losses: Iterable[str],
        mode: Mode = "run",
        seed: int = 0,
    ) -> None:
        network = network if network.dtype == np.float64 else network.astype("float64")
        self._losses = tuple(losses)
        self._inputs = inputs
        self._arrays = {name: array.copy() for name, array in network.arrays.items()}
        self._seed = seed
        plan = network.executor(self._losses, mode=mode).plan
        self._branching = [step for step in plan.steps if type(step.op).branch is not Op.branch]
        self._keep = bool(self._branching or plan.noises)
        self._executor = network.executor(self._losses, keep=self._keep, mode=mode)
        self.origin, self._branches = self._evaluate()

    def at(self, name: str, index: tuple[int, ...], offset: float) -> tuple[float, bool]:
        """Loss with one entry moved by `offset`, and whether a kink lies between."""
        array = self._arrays[name]
        original = array[index]
        array[index] = original + offset
        try:
            value, branches = self._evaluate()
        finally:
            array[index] = original
        crossed = any(
            not np.array_equal(here, there)
            for here, there in zip(self._branches, branches, strict=True)
        )
        return value, crossed

    def differences(
        self,
        name: str,
        offsets: Sequence[float],
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Array, Array, Array]:
        """As `graphnn.gradients.probes.Probes.differences`, but losses instead of differences."""
        shape = self._arrays[name].shape
        size = self._arrays[name].size
        losses, crossed = np.zeros((len(offsets), size)), np.zeros((len(offsets), size), dtype=bool)
        for entry, index in enumerate(np.ndindex(shape)):
            for number, offset in enumerate(offsets):
                losses[number, entry], crossed[number, entry] = self.at(name, index, offset)
            if progress is not None:
                progress(entry + 1)
        stake = np.full(size, np.abs(losses).max(initial=abs(self.origin)))
        return losses, crossed, stake

    def _evaluate(self) -> tuple[float, list[Array]]:
        if not self._keep:
            outputs = self._executor.run(self._inputs, self._arrays)
            return float(sum(value.mean() for value in outputs.values())), []
        rng = np.random.default_rng(self._seed)
        values, release = self._executor.values(self._inputs, self._arrays, rng)
        slots = self._executor.plan.outputs
        total = float(sum(values[slots[name]].mean() for name in self._losses))
        branches = [
            np.array(step.op.branch(*(None if s is None else values[s] for s in step.arguments)))
            for step in self._branching
        ]
        release()
        return total, branches

"""Many perturbations in one pass: what a moved parameter entry changes, and nothing else.

The loss at one parameter entry moved by an offset is a *probe*. Here probes are evaluated many at a
time, by facts that ops state of themselves; a fact that is missing costs speed only:

- only steps that depend on the parameter are run again;
- where rows are independent (`Op.rows_apart`), rows of many probes are rows of one large batch,
  and rows that do not move are left out;
- where an op says how one entry moves its output (`Op.response`), one channel of a row moves, and
  equal moves of the same row are evaluated once;
- ops that work entry by entry (`Op.channelwise`) keep it one channel, and the next op that mixes
  channels (`Op.spread`) turns it into rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor as Pool
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.gradients.by_channel import ByChannel
from graphnn.gradients.by_rows import ByRows
from graphnn.gradients.route import Base, Route, nothing
from graphnn.network import Network
from graphnn.plan import Mode

Array = NDArray[Any]
MAX_MEMORY = 256 << 20


class Probes:
    """Loss differences of one network on one batch.

    Parameters
    ----------
    network : Network
        In float64.
    inputs : mapping of str to array_like
    losses : sequence of str
    mode, seed
        As for `numerical_gradient`.
    pool : concurrent.futures.Executor, optional
        Of threads that share the work.
    max_memory : int
        Bytes that tables of probes may take; batches of rows come on top.
    """

    origin = 0.0

    def __init__(
        self,
        network: Network,
        inputs: Mapping[str, Any],
        losses: Sequence[str],
        mode: Mode = "run",
        seed: int = 0,
        pool: Pool | None = None,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        self._network, self._pool, self._max_memory = network, pool, max_memory
        self._base = Base(network, inputs, losses, mode, seed)

    def differences(
        self,
        name: str,
        offsets: Sequence[float],
        progress: Callable[[int], None] | None = None,
    ) -> tuple[Array, Array, Array]:
        """How the loss differs when each entry of the parameter `name` is moved.

        Parameters
        ----------
        name : str
        offsets : sequence of float
        progress : callable, optional
            Called with the number of entries done, as they are.

        Returns
        -------
        differences : ndarray, shape (offsets, entries)
        crossed : ndarray of bool, shape (offsets, entries)
            Whether a kink lies between the base and the moved point.
        stake : ndarray, shape (entries,)
            Mean of the losses that the entry moves, as far as can be told: what rounding scales by.
        """
        slot = self._base.plan.parameters.get(name)
        if slot is None:
            size = self._network.parameters[name].size
            return *nothing(len(offsets), size), np.zeros(size)
        route = Route(self._base, slot)
        by_channel = ByChannel.fit(route, self._max_memory)
        if by_channel is not None:
            return by_channel.run(offsets, self._pool, progress)
        return ByRows(route).run(offsets, self._pool, progress)

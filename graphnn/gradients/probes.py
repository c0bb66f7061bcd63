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

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor as Pool
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphnn.network import Network
from graphnn.ops._op import Op
from graphnn.plan import Mode, Plan, Step

Array = NDArray[Any]
_ROWS = 4096  # rows a call: enough to hide the interpreter, few enough for the cache
_ENTRIES = 1 << 18  # entries of one array of rows: 2 MiB in float64
_GATHERED = 1 << 23  # entries gathered at once when differences are added up


@dataclass(frozen=True, slots=True)
class Moved:
    """Rows that moved: arrays by slot, and the row of the batch that each was."""

    rows: dict[int, Array]
    samples: Array


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
    ) -> None:
        self._network, self._pool = network, pool
        executor = network.executor(losses, keep=True, mode=mode)
        values, release = executor.values(inputs, network.arrays, np.random.default_rng(seed))
        self.plan: Plan = executor.plan
        self.values = [np.array(value) for value in values]
        release()
        self.losses = [self.plan.outputs[name] for name in losses]
        bound = dict(executor.bind(inputs)[1])
        self.ops = {step.output: step.op.bind(bound) for step in self.plan.steps}
        self.branches = {
            step.output: self.ops[step.output].branch(*self.arguments(step, {}))
            for step in self.plan.steps
            if type(step.op).branch is not Op.branch
        }

    def arguments(self, step: Step, moved: Mapping[int, Array]) -> list[Array | None]:
        """Operands of `step`: moved ones where there are, else those of the base pass."""
        return [
            None if slot is None else moved.get(slot, self.values[slot]) for slot in step.arguments
        ]

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
        slot = self.plan.parameters.get(name)
        if slot is None:
            size = self._network.parameters[name].size
            return *_nothing(len(offsets), size), np.zeros(size)
        route = _Route(self, slot)
        strategy = _ByChannel.fit(route) or _ByRows(route)
        differences, crossed = strategy.run(offsets, self._pool, progress)
        return differences, crossed, strategy.stake()


def _nothing(offsets: int, entries: int) -> tuple[Array, Array]:
    return np.zeros((offsets, entries)), np.zeros((offsets, entries), dtype=bool)


def _data(step: Step) -> list[int]:
    """Slots of the data that `step` reads."""
    others = sum(operand.role != "data" for operand in step.op.operands)
    data = step.arguments[: len(step.arguments) - others]
    return [slot for slot in data if slot is not None]


class _Route:
    """What one parameter reaches, parted into steps run whole and steps run on rows.

    `whole` are the steps that each probe needs a pass of its own for: those that read the
    parameter, or couple rows, and all that leads from the parameter to them. `apart` are the
    others, whose rows can be mixed with those of other probes.
    """

    def __init__(self, probes: Probes, slot: int) -> None:
        self.probes = probes
        self.slot = slot
        reached = {slot}
        steps = []
        for step in probes.plan.steps:
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
        self.frontier = [s for s in outputs if s in read or s in probes.losses]
        ends = {step.output for step in steps}
        self.losses = [loss for loss in probes.losses if loss in ends]

    def _apart(self, step: Step, reached: set[int]) -> bool:
        data = _data(step)
        if any(argument in reached for argument in step.arguments[len(data) :]):
            return False
        shapes = [self.probes.values[slot].shape for slot in data]
        op = self.probes.ops[step.output]
        # With several free sizes an op cannot tell how many rows it is given.
        if not op.rows_apart(*shapes) or len(step.op.free_names) > 1:
            return False
        rows = op.has_rows(*shapes)
        return all(has for has, slot in zip(rows, data, strict=True) if slot in reached)

    def _one_row_count(self) -> bool:
        values = self.probes.values
        made = {step.output for step in self.whole}
        slots = [step.output for step in self.apart]
        slots += [slot for step in self.apart for slot in _data(step) if slot in made]
        return len({values[slot].shape[:1] for slot in slots}) <= 1

    @property
    def rows(self) -> int:
        """Rows of the batch that `apart` works on."""
        return int(self.probes.values[self.apart[0].output].shape[0])

    @property
    def width(self) -> int:
        """Entries of the widest row on the way."""
        values = self.probes.values
        return max(values[step.output].size // self.rows for step in self.apart)

    def on_rows(self, step: Step, moved: Moved) -> list[Array | None]:
        """Operands of `step` for the rows `moved`, the others from the rows that these were."""
        data = _data(step)
        has_rows = self.probes.ops[step.output].has_rows(
            *(self.probes.values[slot].shape for slot in data)
        )
        given: list[Array | None] = []
        for position, slot in enumerate(step.arguments):
            if slot is None:
                given.append(None)
            elif slot in moved.rows:
                given.append(moved.rows[slot])
            elif self._is_noise(slot) or (position < len(data) and has_rows[position]):
                given.append(self.probes.values[slot][moved.samples])
            else:
                given.append(self.probes.values[slot])
        return given

    def _is_noise(self, slot: int) -> bool:
        return self.probes.plan.slots[slot].role == "noise"

    def crossed(self, step: Step, given: list[Array | None], samples: Array) -> Array | None:
        """For each row, whether `step` takes another branch than in the base pass."""
        base = self.probes.branches.get(step.output)
        if base is None:
            return None
        here: Array = np.asarray(step.op.branch(*given)) != base[samples]
        return np.asarray(here.reshape(len(samples), -1).any(axis=1))

    def stakes(self) -> Array:
        """Size of each row's losses, as parts of the mean."""
        total = np.zeros(self.rows)
        for loss in self.losses:
            base = self.probes.values[loss]
            if base.shape[:1] == (self.rows,):
                total += np.abs(base).reshape(self.rows, -1).sum(axis=1) / base.size
        return total

    def row_losses(self, rows: Mapping[int, Array], samples: Array) -> Array:
        """How much each row's losses differ from the base pass, as parts of the mean."""
        total = np.zeros(len(samples))
        for loss in self.losses:
            if loss in rows:
                base = self.probes.values[loss]
                change = (rows[loss] - base[samples]).reshape(len(samples), -1)
                total += change.sum(axis=1) / base.size
        return total


class _ByRows:
    """Each probe runs `whole` on the batch; the rows that moved of many probes run `apart`."""

    def __init__(self, route: _Route) -> None:
        self._route = route

    def run(
        self,
        offsets: Sequence[float],
        pool: Pool | None,
        progress: Callable[[int], None] | None,
    ) -> tuple[Array, Array]:
        """As `Probes.differences`."""
        size = self._route.probes.values[self._route.slot].size
        found = _nothing(len(offsets), size)
        many = self._probes_a_task()
        tasks = [
            (number, start, min(start + many, size))
            for number in range(len(offsets))
            for start in range(0, size, many)
        ]

        def act(task: tuple[int, int, int]) -> float:
            number, start, stop = task
            entries = range(start, stop)
            for array, part in zip(found, self._chunk(entries, offsets[number]), strict=True):
                array[number, start:stop] = part
            return stop - start

        _carry_out(act, tasks, pool, progress, len(offsets))
        return found

    def stake(self) -> Array:
        """As `Probes.differences`: here, all of the loss."""
        probes = self._route.probes
        total = sum(float(np.abs(probes.values[loss]).mean()) for loss in self._route.losses)
        return np.full(probes.values[self._route.slot].size, total)

    def _probes_a_task(self) -> int:
        if not self._route.apart:
            return 64
        rows = min(_ROWS, max(1, _ENTRIES // self._route.width))
        return max(1, rows // self._route.rows)

    def _chunk(self, entries: range, offset: float) -> tuple[Array, Array]:
        route, probes = self._route, self._route.probes
        differences, crossed = np.zeros(len(entries)), np.zeros(len(entries), dtype=bool)
        parts: list[tuple[int, Array, dict[int, Array]]] = []
        for position, entry in enumerate(entries):
            moved = self._whole(entry, offset)
            crossed[position] = self._whole_crossed(moved)
            for loss in route.losses:
                if loss in moved:
                    differences[position] += float((moved[loss] - probes.values[loss]).mean())
            if route.apart:
                samples = self._moved_samples(moved)
                parts.append((position, samples, moved))
        if parts and any(len(samples) for _, samples, _ in parts):
            self._rows(parts, differences, crossed)
        return differences, crossed

    def _whole(self, entry: int, offset: float) -> dict[int, Array]:
        route, probes = self._route, self._route.probes
        parameter = probes.values[route.slot].copy()
        parameter.flat[entry] += offset
        moved = {route.slot: parameter}
        for step in route.whole:
            op = probes.ops[step.output]
            moved[step.output] = np.asarray(op.forward(*probes.arguments(step, moved)))
        return moved

    def _whole_crossed(self, moved: Mapping[int, Array]) -> bool:
        probes = self._route.probes
        return any(
            not np.array_equal(
                np.asarray(probes.ops[step.output].branch(*probes.arguments(step, moved))),
                np.asarray(probes.branches[step.output]),
            )
            for step in self._route.whole
            if step.output in probes.branches
        )

    def _moved_samples(self, moved: Mapping[int, Array]) -> Array:
        route = self._route
        changed = np.zeros(route.rows, dtype=bool)
        for slot in route.frontier:
            base = route.probes.values[slot]
            if base.shape[:1] == (route.rows,):
                changed |= (moved[slot] != base).reshape(route.rows, -1).any(axis=1)
        return np.flatnonzero(changed)

    def _rows(
        self,
        parts: list[tuple[int, Array, dict[int, Array]]],
        differences: Array,
        crossed: Array,
    ) -> None:
        route = self._route
        samples = np.concatenate([samples for _, samples, _ in parts])
        owner = np.concatenate([np.full(len(samples), position) for position, samples, _ in parts])
        read = {argument for step in route.apart for argument in step.arguments}
        moved = Moved(
            {
                slot: np.concatenate([values[slot][rows] for _, rows, values in parts])
                for slot in route.frontier
                if slot in read
            },
            samples,
        )
        kinks = np.zeros(len(samples), dtype=bool)
        for step in route.apart:
            given = route.on_rows(step, moved)
            moved.rows[step.output] = step.op.forward(*given)
            here = route.crossed(step, given, samples)
            if here is not None:
                kinks |= here
        ends = {step.output for step in route.apart}
        finals = {slot: rows for slot, rows in moved.rows.items() if slot in ends}
        differences += np.bincount(owner, route.row_losses(finals, samples), len(differences))
        crossed |= np.bincount(owner, kinks, len(crossed)) > 0


class _ByChannel:
    """Each entry moves one channel by offset times a coefficient of the row.

    Rows of the batch with the same coefficient are evaluated once, all channels at a time: `base`
    plus offset times coefficient is a grid [cases, channels] of values that moved one by one.
    """

    def __init__(self, route: _Route, coefficients: Array) -> None:
        self._route = route
        self._first = route.whole[0]
        self._base = route.probes.values[self._first.output]
        self._groups = coefficients.shape[1]
        # Cases: (row, coefficient), each once; and which case each (row, group) is.
        rows, groups = np.nonzero(coefficients)
        order = np.lexsort((coefficients[rows, groups], rows))
        rows, groups = rows[order], groups[order]
        found = coefficients[rows, groups]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (rows[1:] != rows[:-1]) | (found[1:] != found[:-1])
        self._samples, self._found = rows[new], found[new]
        case = np.cumsum(new) - 1
        by_group = np.argsort(groups, kind="stable")
        self._group_of, self._case_of = groups[by_group], case[by_group]

    @classmethod
    def fit(cls, route: _Route) -> _ByChannel | None:
        """Probes by channel along `route`, if the ops on it state what that takes."""
        if len(route.whole) != 1 or not route.apart or route.whole[0].output in route.losses:
            return None
        step = route.whole[0]
        if step.arguments.count(route.slot) != 1 or route.probes.values[step.output].ndim != 2:
            return None
        if step.output in route.probes.branches:
            return None
        operand = step.op.operands[step.arguments.index(route.slot)]
        given = route.probes.arguments(step, {})
        coefficients = route.probes.ops[step.output].response(operand.name, *given)
        return None if coefficients is None else cls(route, coefficients)

    def run(
        self,
        offsets: Sequence[float],
        pool: Pool | None,
        progress: Callable[[int], None] | None,
    ) -> tuple[Array, Array]:
        """As `Probes.differences`."""
        cases, channels = len(self._samples), self._base.shape[1]
        grid = np.zeros((len(offsets), cases, channels))
        kinks = np.zeros((len(offsets), cases, channels), dtype=bool)
        rows = min(_ROWS, max(1, _ENTRIES // self._route.width))
        many = max(1, rows // channels)
        tasks = [
            (number, start, min(start + many, cases))
            for number in range(len(offsets))
            for start in range(0, cases, many)
        ]
        size = self._route.probes.values[self._route.slot].size
        entries = size / max(1, cases * len(offsets))  # of the whole, for each case done

        def act(task: tuple[int, int, int]) -> float:
            number, start, stop = task
            there = slice(start, stop)
            grid[number, there], kinks[number, there] = self._chunk(there, offsets[number])
            return (stop - start) * entries

        _carry_out(act, tasks, pool, progress, 1)
        return self._added(grid), self._added(kinks)

    def stake(self) -> Array:
        """As `Probes.differences`: the losses of rows whose coefficient is not 0."""
        losses = self._route.stakes()[self._samples[self._case_of]]
        by_group = np.bincount(self._group_of, losses, self._groups)
        return np.repeat(by_group, self._base.shape[1])

    def _chunk(self, cases: slice, offset: float) -> tuple[Array, Array]:
        """Differences and kinks of some cases, [cases, channels] each."""
        route = self._route
        samples = self._samples[cases]
        grid = self._base[samples] + (offset * self._found[cases])[:, None]
        flat = np.repeat(samples, grid.shape[1])
        kinks = np.zeros(grid.shape, dtype=bool)
        channels = {self._first.output: grid}
        moved = Moved({}, flat)
        for step in route.apart:
            if self._stays(step, channels, moved):
                given = self._beside(step, channels, samples)
                channels[step.output] = step.op.forward(*given)
                base = route.probes.branches.get(step.output)
                if base is not None:
                    kinks |= np.asarray(step.op.branch(*given)) != base[samples]
                continue
            rows = self._spread(step, channels, samples, moved)
            if rows is None:
                self._widen(step, channels, moved)
                given = route.on_rows(step, moved)
                rows = step.op.forward(*given)
                crossed = route.crossed(step, given, flat)
                if crossed is not None:
                    kinks |= crossed.reshape(kinks.shape)
            moved.rows[step.output] = rows
        for loss in route.losses:
            if loss in channels:
                moved.rows[loss] = self._widened(loss, channels[loss], flat)
        return route.row_losses(moved.rows, flat).reshape(grid.shape), kinks

    def _stays(self, step: Step, channels: Mapping[int, Array], moved: Moved) -> bool:
        """Whether `step` maps moved channels to the same channels, and nothing else moved."""
        values = self._route.probes.values
        return (
            step.op.channelwise
            and values[step.output].shape == self._base.shape
            and not any(slot in moved.rows for slot in step.arguments)
            and all(
                slot in channels or values[slot].shape in ((), self._base.shape)
                for slot in step.arguments
                if slot is not None
            )
        )

    def _beside(
        self, step: Step, channels: Mapping[int, Array], samples: Array
    ) -> list[Array | None]:
        values = self._route.probes.values
        return [
            channels[slot]
            if slot in channels
            else values[slot][samples]
            if values[slot].ndim
            else values[slot]
            for slot in step.arguments
            if slot is not None
        ]

    def _spread(
        self, step: Step, channels: Mapping[int, Array], samples: Array, moved: Moved
    ) -> Array | None:
        """Rows of `step` when its first operand alone moved, by one channel each."""
        probes, first = self._route.probes, step.arguments[0]
        others = step.arguments[1:]
        if first is None or first not in channels or step.output in probes.branches:
            return None
        if any(slot in channels or slot in moved.rows for slot in others):
            return None
        change = channels[first] - probes.values[first][samples]
        base = probes.values[step.output][samples]
        rows = probes.ops[step.output].spread(change, base, *probes.arguments(step, {}))
        return None if rows is None else rows.reshape(-1, *base.shape[1:])

    def _widen(self, step: Step, channels: Mapping[int, Array], moved: Moved) -> None:
        for slot in step.arguments:
            if slot is not None and slot in channels and slot not in moved.rows:
                moved.rows[slot] = self._widened(slot, channels[slot], moved.samples)

    def _widened(self, slot: int, grid: Array, flat: Array) -> Array:
        rows = self._route.probes.values[slot][flat]
        width = grid.shape[1]
        rows.reshape(-1, width, width)[:, np.arange(width), np.arange(width)] = grid
        return rows

    def _added(self, grid: Array) -> Array:
        """Cases added up over the rows of the batch, for each entry: [offsets, entries]."""
        channels = grid.shape[2]
        total = np.zeros((len(grid), self._groups, channels), dtype=grid.dtype)
        add = np.logical_or if grid.dtype == bool else np.add
        many = max(1, _GATHERED // max(1, channels))
        for start in range(0, len(self._group_of), many):
            groups = self._group_of[start : start + many]
            cases = self._case_of[start : start + many]
            first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
            at = groups[first]
            for number in range(len(grid)):
                parts = add.reduceat(grid[number, cases], first, axis=0)
                total[number, at] = add(total[number, at], parts)
        return total.reshape(len(grid), -1)


def _carry_out(
    act: Callable[[Any], float],
    tasks: Iterable[Any],
    pool: Pool | None,
    progress: Callable[[int], None] | None,
    share: int,
) -> None:
    """Let `act` do every task, in `pool` if there is one; an error or Ctrl-C ends the rest."""
    done = 0.0

    def quietly(task: Any) -> float:
        with np.errstate(all="ignore"):
            return act(task)

    if pool is None:
        for task in tasks:
            done += quietly(task) / share
            if progress is not None:
                progress(int(done))
        return
    futures: list[Future[float]] = [pool.submit(quietly, task) for task in tasks]
    try:
        for future in futures:
            done += future.result() / share
            if progress is not None:
                progress(int(done))
    finally:
        for future in futures:
            future.cancel()

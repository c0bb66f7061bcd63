"""Reverse mode over a plan: each step's vector-Jacobian product, last step first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from graphnn.diagnostics import UsageError
from graphnn.execution import (
    Executor,
    ForwardPass,
    Mode,
    Plan,
    Step,
    inputs_of,
    stateful_steps,
    updated_states,
)
from graphnn.execution.network import Network, check_seed, names_of
from graphnn.gradients._refusals import selected, unknown_parameter
from graphnn.graph.arrays import is_finite
from graphnn.ops import Array, Cotangents, Op
from graphnn.ops.own import is_own, watched_vjp

Vjp = Callable[..., Cotangents]
Operands = tuple[Array | None, ...]
AtKinks = Mapping[int, tuple[Op, Operands]]
See = Callable[[Step, Array, Operands, Cotangents], None]


def backprop(
    network: Network,
    inputs: Mapping[str, Any] | None = None,
    /,
    *,
    loss: str | Iterable[str] | None = None,
    only: str | Iterable[str] | None = None,
    mode: Mode = "run",
    seed: int = 0,
    **named: Any,
) -> dict[str, Array]:
    """Gradient of the loss by backpropagation.

    Parameters
    ----------
    network : Network
    inputs, **named : array_like
        As for `Network.run`.
    loss : str or iterable of str, optional
        As for `Network.loss`.
    only : str or iterable of str, optional
        Names of parameters, or of input nodes; by default every parameter.
    mode : {"run", "train"}
        Whether ops such as dropout and batch_norm do what they do when run or in training.
    seed : int
        Of the noise in training.

    Returns
    -------
    dict of str to ndarray
        By name, each of the shape of its parameter.

    Raises
    ------
    RunError, UsageError
        As `Network.loss`; also when `only` is empty, or names what there is not.
    """
    check_seed(seed)
    given = inputs_of(network, inputs, named)
    only = None if only is None else selected(only)
    reverse = Reverse(network, loss=loss, only=only, mode=mode)
    with np.errstate(all="ignore"):
        return reverse(given, np.random.default_rng(seed)).gradients


class Pass(NamedTuple):
    """What one pass forth and back gives.

    Attributes
    ----------
    loss : float
    gradients : dict of str to ndarray
        By name of parameter or input.
    also : dict of str to ndarray
        Values of the nodes asked for besides.
    state : dict of str to ndarray
        New values of what is kept but not learned, by full name; in training alone.
    finite : bool
        Whether all gradients are.
    """

    loss: float
    gradients: dict[str, Array]
    also: dict[str, Array]
    state: dict[str, Array]
    finite: bool


class BlownUp(NamedTuple):
    """A node to which a finite cotangent came, and which made one of it that is not.

    Attributes
    ----------
    node : str
    op : Op
    operand : int
        Whose cotangent is not finite.
    entry : tuple of int
        Its first entry that is not.
    arrays : tuple of ndarray
        All operands.
    """

    node: str
    op: Op
    operand: int
    entry: tuple[int, ...]
    arrays: Operands


def parameters_behind(
    network: Network, losses: Iterable[str], names: Iterable[str], mode: Mode
) -> tuple[str, ...]:
    """Those of the parameters `names` that a path leads from to a loss; others have gradient 0."""
    plan = network.executor(losses, mode=mode).plan
    targets = _targets(network, plan, names)
    reached = _reached(plan, targets.values())
    behind = set().union(*(reached.get(slot, ()) for slot in plan.outputs.values()))
    return tuple(name for name, slot in targets.items() if slot in behind)


class Reverse:
    """The gradient of one loss, ready to be taken many times.

    Parameters
    ----------
    network : Network
    loss, only, mode
        As for `backprop`.
    also : iterable of str
        More nodes to compute on the way, such as those that metrics read.
    fuse : bool
        Whether losses are fused with what they read; see `Op.fusions`.

    Attributes
    ----------
    noisy : bool
        Whether a pass draws noise, and so needs a generator.
    """

    def __init__(
        self,
        network: Network,
        *,
        loss: str | Iterable[str] | None = None,
        only: str | Iterable[str] | None = None,
        also: Iterable[str] = (),
        mode: Mode = "run",
        fuse: bool = True,
    ) -> None:
        self._network = network
        self._losses = network.losses(loss)
        self._also = tuple(also)
        wanted = (*self._losses, *self._also)
        self._executor = network.executor(wanted, keep=True, mode=mode, fuse=fuse)
        plan = self._executor.plan
        self._shares: dict[tuple[int, ...], Array] = {}
        self.noisy = bool(plan.noises)
        self._targets = _targets(network, plan, only)
        self._stateful = stateful_steps(plan)
        self._pulls = _pulls(plan, self._targets.values())
        self._sized = any(pull.with_sizes is not None for pull in self._pulls)

    def __call__(self, inputs: Mapping[str, Any], rng: np.random.Generator | None = None) -> Pass:
        """One pass forth and back; in training, noise is drawn from `rng`.

        As for `Executor.kept`, the caller switches off NumPy's floating-point warnings.

        Raises
        ------
        RunError
            As `Network.run`.
        """
        plan = self._executor.plan
        loss = 0.0
        kept = self._executor.kept(inputs, self._network.arrays, rng)
        values = kept.values
        for name in self._losses:
            value = values[plan.outputs[name]]
            # The mean; NumPy begins a product sooner than a sum.
            loss += float(value.ravel().dot(self._share(value).ravel()))
        pulls = _bound(self._pulls, kept) if self._sized else self._pulls
        gradients, finite = self._pulled(pulls, kept), True
        if not is_finite(*gradients.values()):
            gradients = self._pulled(_bound(self._careful, kept), kept)
            finite = is_finite(*gradients.values())
        also = {name: np.array(values[plan.outputs[name]]) for name in self._also}
        state: dict[str, Array] = {}
        if self._stateful:
            state = updated_states(self._network.graph, self._stateful, kept)
        kept.release()
        return Pass(loss, gradients, also, state, finite)

    def blown_up(
        self, inputs: Mapping[str, Any], rng: np.random.Generator | None = None
    ) -> tuple[BlownUp, ...]:
        """Where a pass first turns finite cotangents into such as are not, last node first."""
        found: list[BlownUp] = []
        bound = dict(self._executor.bind(inputs)[1])

        def see(step: Step, cotangent: Array, arrays: Operands, parts: Cotangents) -> None:
            if np.isfinite(cotangent).all():
                found.extend(_blown_up(step, bound, arrays, parts))

        self.watch(inputs, see, rng)
        return tuple(found)

    def watch(
        self, inputs: Mapping[str, Any], see: See, rng: np.random.Generator | None = None
    ) -> dict[str, Array]:
        """The gradients of one pass, of which `see` is shown every step, last first.

        Parameters
        ----------
        inputs : mapping of str to array_like
        see : callable
            Takes a step, the cotangent of its result, its operands and their cotangents. It copies
            what it keeps: their memory is used again.
        rng : Generator, optional
            Of the noise in training.
        """
        steps = {step.output: step for step in self._executor.plan.steps}
        with np.errstate(all="ignore"):
            kept = self._executor.kept(inputs, self._network.arrays, rng)
            watched = [
                pull._replace(vjp=_watched(pull.vjp, steps[pull.output], see))
                for pull in _bound(self._careful, kept)
            ]
            gradients = self._pulled(watched, kept)
            kept.release()
        return gradients

    def at_kinks(
        self, inputs: Mapping[str, Any], rng: np.random.Generator | None = None
    ) -> AtKinks:
        """The ops that have kinks and what they read in a pass, by the slot of the result."""
        kept = self._executor.kept(inputs, self._network.arrays, rng)
        bound = dict(self._executor.bind(inputs)[1])
        found = {
            step.output: (step.op.bind(bound), _copies(kept, step))
            for step in self._executor.plan.steps
            if step.op.bends
        }
        kept.release()
        return found

    def with_ops(self, ops: Mapping[int, Op]) -> Reverse:
        """The same with other ops at some steps, by the slot of the result."""
        plan = self._executor.plan
        steps = (replace(step, op=ops.get(step.output, step.op)) for step in plan.steps)
        other = copy(self)
        other._executor = Executor(
            replace(plan, steps=tuple(steps)), self._network.dtype, keep=True
        )
        other._pulls = _pulls(other._executor.plan, self._targets.values())
        other.__dict__.pop("_careful", None)
        return other

    @cached_property
    def _careful(self) -> tuple[_Pull, ...]:
        """As `_pulls`, for cotangents that are not finite."""
        return _pulls(self._executor.plan, self._targets.values(), careful=True)

    def _pulled(self, pulls: Iterable[_Pull], kept: ForwardPass) -> dict[str, Array]:
        """The gradients that `pulls` make of the losses."""
        slots = self._executor.plan.outputs
        cotangents: list[Array | None] = [None] * len(kept.values)
        for name in self._losses:
            cotangents[slots[name]] = self._share(kept.values[slots[name]])
        _pull_back(pulls, kept, cotangents)
        return self._gradients(kept.values, cotangents)

    def _gradients(self, values: list[Array], cotangents: list[Array | None]) -> dict[str, Array]:
        """Each in memory that nothing else holds: ops may pass views along."""
        seen: set[int] = set()
        gradients = {}
        for name, slot in self._targets.items():
            found = None if slot is None else cotangents[slot]
            if found is None:
                like = self._network.parameters[name] if slot is None else values[slot]
                found = np.zeros_like(like)
            elif found.base is not None or id(found) in seen:
                found = found.copy()
            else:
                seen.add(id(found))
            gradients[name] = found
        return gradients

    def _share(self, loss: Array) -> Array:
        """What the mean of a loss makes of each of its entries."""
        share = self._shares.get(loss.shape)
        if share is None:
            # A view, so that it is not taken for a gradient.
            share = np.full(loss.shape, 1 / loss.size, self._network.dtype)[...]
            share.setflags(write=False)
            self._shares = {loss.shape: share}
        return share


def _targets(
    network: Network, plan: Plan, only: str | Iterable[str] | None
) -> dict[str, int | None]:
    """Slots of the arrays to differentiate by; None for one that the loss does not depend on."""
    names = tuple(network.parameters) if only is None else names_of(only)
    inputs = {node.name for node in network.graph.inputs if node.kind == "float"}
    for name in names:
        if name not in network.parameters and name not in inputs:
            raise UsageError(unknown_parameter(network, name))
        if name in inputs - plan.inputs.keys():
            message = f"the loss does not depend on the input '{name}'"
            raise UsageError.of("unknown-parameter", message)
    return {name: plan.parameters.get(name, plan.inputs.get(name)) for name in names}


class _Pull(NamedTuple):
    """A step ready to be reversed.

    Attributes
    ----------
    output : int
    vjp : callable
    arguments : callable
        See `Plan.picking`.
    wanted : tuple of (int, int)
        Position and slot of each operand whose cotangent is needed.
    saves : bool
        Whether the vjp takes what the op has saved.
    with_sizes : callable or None
        Makes the vjp from the free sizes of a pass, for an op whose attributes name some.
    """

    output: int
    vjp: Vjp
    arguments: Callable[[list[Any]], Iterable[Any]]
    wanted: tuple[tuple[int, int], ...]
    saves: bool
    with_sizes: Callable[[Mapping[str, int]], Vjp] | None = None


def _pulls(plan: Plan, targets: Iterable[int | None], careful: bool = False) -> tuple[_Pull, ...]:
    """What to reverse, last first; `careful` of cotangents that are not finite."""
    reached = _reached(plan, targets)
    found = []
    for step in plan.steps:
        own = {slot: reached[slot] for slot in step.arguments if slot in reached}
        if step.output in reached:
            wanted = tuple(slot if slot in own else None for slot in step.arguments)
            make = partial(_vjp, step, wanted, own if careful else None)
            places = tuple((n, slot) for n, slot in enumerate(wanted) if slot is not None)
            pull = _Pull(step.output, make({}), plan.picking(step), places, step.op.takes_saved)
            found.append(pull._replace(with_sizes=make) if step.op.free_names else pull)
    return tuple(reversed(found))


def _reached(plan: Plan, targets: Iterable[int | None]) -> dict[int | None, set[int]]:
    """By slot that depends on some of the `targets`, those that it depends on."""
    found: dict[int | None, set[int]] = {slot: {slot} for slot in targets if slot is not None}
    for step in plan.steps:
        own = [found[slot] for slot in step.arguments if slot in found]
        real = plan.slots[step.output].kind == "float"  # whole numbers have no derivative
        if real and own:
            found[step.output] = set().union(*own)
    return found


def _vjp(
    step: Step,
    wanted: Sequence[int | None],
    reached: Mapping[int | None, set[int]] | None,
    sizes: Mapping[str, int],
) -> Vjp:
    """The vjp of a step's op; careful of what is not finite, where `reached` is given.

    It holds, by slot of an operand, the targets that it depends on.
    """
    op = step.op.bind(sizes) if sizes else step.op
    vjp: Vjp = watched_vjp(op.vjp, op, step.node) if is_own(type(op)) else op.vjp
    if op.takes_wanted:
        vjp = partial(vjp, wanted=tuple(slot is not None for slot in wanted))
    return vjp if reached is None else _stopped_at_zeros(vjp, step, reached)


def _bound(pulls: tuple[_Pull, ...], kept: ForwardPass) -> tuple[_Pull, ...]:
    """`pulls` with the free sizes of a pass in the attributes of their ops."""
    if not [pull for pull in pulls if pull.with_sizes is not None]:
        return pulls
    sizes = dict(kept.sizes)
    return tuple(
        pull if pull.with_sizes is None else pull._replace(vjp=pull.with_sizes(sizes))
        for pull in pulls
    )


def _pull_back(pulls: Iterable[_Pull], kept: ForwardPass, cotangents: list[Array | None]) -> None:
    values = kept.values
    for output, vjp, arguments, wanted, saves, _ in pulls:
        cotangent = cotangents[output]
        if cotangent is None:
            continue
        cotangents[output] = None  # its memory is free for the next
        saved = {"saved": kept.saved[output]} if saves else {}
        parts = vjp(cotangent, values[output], *arguments(values), **saved)
        for position, slot in wanted:
            part, before = parts[position], cotangents[slot]
            if part is not None:
                # Not in place: an op may hand the same array to several operands.
                cotangents[slot] = part if before is None else before + part


def _watched(pull: Vjp, step: Step, see: See) -> Vjp:
    """The vjp of a step, with `see` called on what goes into it and comes out of it."""

    def vjp(cotangent: Array, output: Array, *arrays: Array | None, **saved: Any) -> Cotangents:
        parts = pull(cotangent, output, *arrays, **saved)
        see(step, cotangent, arrays, parts)
        return parts

    return vjp


def _copies(kept: ForwardPass, step: Step) -> Operands:
    """What a step reads; copies, since a later run writes over it."""
    return tuple(None if slot is None else np.array(kept.values[slot]) for slot in step.arguments)


def _blown_up(
    step: Step, bound: Mapping[str, int], arrays: Operands, parts: Cotangents
) -> Iterator[BlownUp]:
    for operand, part in enumerate(parts):
        if part is not None and not np.isfinite(part).all():
            entry = tuple(map(int, np.argwhere(~np.isfinite(part))[0]))
            # Copies: the memory of values is used again.
            copies = tuple(None if each is None else np.array(each) for each in arrays)
            yield BlownUp(step.node, step.op.bind(bound), operand, entry, copies)


def _stopped_at_zeros(vjp: Vjp, step: Step, reached: Mapping[int | None, set[int]]) -> Vjp:
    """The vjp of a step, with 0 for 0 times what is not finite, where that surely is right.

    Where ``relu(w)`` is 0 so is the derivative of ``sqrt(relu(w))``, though the slope of the root
    is infinite there, and 0 times infinity is not a number. Likewise of ``sqrt(x w)`` by w where x
    is 0 (`Op.factors`), unless both depend on one parameter: of ``sqrt(w w)``, which is ``|w|``,
    both partial derivatives are 0 at 0, but it has none by w.
    """
    branches = step.op.bends
    if not (branches or step.op.factors):
        return vjp
    own = [reached.get(slot, set()) for slot in step.arguments]
    readers = Counter(chain.from_iterable(own))
    apart = [branches or all(readers[slot] == 1 for slot in here) for here in own]

    def stopped(cotangent: Array, *arrays: Any, **saved: Any) -> Cotangents:
        parts = vjp(cotangent, *arrays, **saved)
        lost = ~np.isfinite(cotangent)
        if not np.any(lost):
            return parts
        rest = vjp(np.where(lost, cotangent.dtype.type(0), cotangent), *arrays, **saved)
        if step.op.factors:  # without signs no two slopes cancel
            arrays = tuple(None if array is None else np.abs(array) for array in arrays)
        slopes = vjp(lost.astype(cotangent.dtype), *arrays, **saved)
        return tuple(
            part
            if part is None or other is None or not alone
            else np.where(slope == 0, other, part)
            for part, other, slope, alone in zip(parts, rest, slopes, apart, strict=True)
        )

    return stopped

"""Runs a plan on arrays, in memory that is planned once for each set of sizes and then reused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from graphnn.diagnostics import GraphnnError, RunError
from graphnn.execution._plan import Plan, Slot, Step
from graphnn.execution._run_inputs import RunInputs, Sizes, cast_to
from graphnn.graph.arrays import first_not_finite, is_finite, outermost_first
from graphnn.ops import Array, ArrayError
from graphnn.ops.own import is_own, watched_forward
from graphnn.spec import sizes

Shapes = tuple[tuple[int, ...], ...]
_CACHED = 4  # programs kept, each with the memory of one run
_ADDRESSABLE = 2**44  # entries of an array that processors can address


class Instruction(NamedTuple):
    """A step ready to be carried out: ``values[output] = forward(*arguments(values))``.

    Attributes
    ----------
    node : str
    forward : callable
        Knows the memory that its result goes to.
    arguments : callable
        Picks them from the values of all slots.
    output : int
    """

    node: str
    forward: Callable[..., Array]
    arguments: Callable[[list[Any]], Iterable[Any]]
    output: int


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions for one set of sizes, with the memory that they write to.

    Attributes
    ----------
    instructions : tuple of Instruction
    saved : mapping of int to dict of str to ndarray
        By slot of the output, what its op leaves for a reverse pass.
    """

    instructions: tuple[Instruction, ...]
    saved: Mapping[int, dict[str, Array]]


class ForwardPass(NamedTuple):
    """What a run leaves for a reverse pass.

    Attributes
    ----------
    values : list of ndarray
        By slot; one None follows them.
    saved : mapping of int to dict of str to ndarray
        By slot of the output, what ops have saved for `Op.vjp` and `Op.update`.
    release : callable
        To be called when all this is no longer needed: a later run writes over it.
    sizes : tuple of (str, int)
        The value of every free size.
    """

    values: list[Array]
    saved: Mapping[int, dict[str, Array]]
    release: Callable[[], None]
    sizes: Sizes


class Executor:
    """Runs one plan, any number of times, from any number of threads.

    Parameters
    ----------
    plan : Plan
    dtype : numpy dtype
        Of real numbers: float64 or float32.
    keep : bool
        Whether `values` is used: every value then has separate memory, for a reverse pass.
    """

    def __init__(self, plan: Plan, dtype: np.dtype[Any], *, keep: bool = False) -> None:
        self.plan = plan
        self.dtype = np.dtype(dtype)
        self._keep = keep
        self._programs: dict[Sizes, list[Program]] = {}
        self._checked: dict[Shapes, Sizes] = {}
        self._constants = self._evaluate_constants()
        self._given: tuple[Mapping[str, Array] | None, list[Any]] = None, []
        self._outputs = [(*named, self._is_shared(named[1])) for named in plan.outputs.items()]
        kinds = {"float": self.dtype, "int": np.dtype(np.int64)}
        self._dtypes = {name: kinds[plan.slots[slot].kind] for name, slot in plan.inputs.items()}

    @np.errstate(all="ignore")
    def run(self, inputs: Mapping[str, Any], parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Values of the plan's outputs, each in a new array.

        Parameters
        ----------
        inputs : mapping of str to array_like
            One for each input of the plan, of the shape the spec declares.
        parameters : mapping of str to ndarray
            By full name.

        Raises
        ------
        RunError
            Inputs are missing, unknown or of the wrong shape or kind; or a result is not finite.
        """
        arrays, bound = self.bind(inputs)
        values, program = self._execute(arrays, bound, parameters, {})
        outputs = self._collect(values)
        self._release(bound, program)
        if not is_finite(*outputs.values()):
            raise self._blame(arrays, bound, parameters, {})
        return outputs

    def values(
        self,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Array],
        rng: np.random.Generator | None = None,
        *,
        finite: bool = True,
    ) -> tuple[list[Array], Callable[[], None]]:
        """Every value of a run, by slot, with a function to call when they are no longer needed.

        A plan in the mode ``train`` draws its noise from `rng`. The arrays belong to the
        executor and are written over by a later run once released. One None follows them.

        Raises
        ------
        RunError
            As `run`; results that are not finite are refused only if `finite`.
        """
        with np.errstate(all="ignore"):
            kept = self.kept(inputs, parameters, rng, finite=finite)
        return kept.values, kept.release

    def kept(
        self,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Array],
        rng: np.random.Generator | None = None,
        *,
        finite: bool = True,
    ) -> ForwardPass:
        """As `values`, with what ops have saved for a reverse pass.

        As for `Op.forward`, the caller switches off NumPy's floating-point warnings: for
        the reverse pass too, all at once.

        Raises
        ------
        RunError
            As `values`.
        """
        arrays, bound = self.bind(inputs)
        noise = self._draw(bound, rng) if self.plan.noises else {}
        values, program = self._execute(arrays, bound, parameters, noise)
        if finite and not is_finite(*[values[slot] for slot in self.plan.outputs.values()]):
            raise self._blame(arrays, bound, parameters, noise)
        release = partial(self._release, bound, program)
        return ForwardPass(values, program.saved, release, bound)

    def bind(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Array], Sizes]:
        """Inputs as arrays of the right kind, and the value of every free size.

        Raises
        ------
        RunError
            With every input at fault.
        """
        arrays, shapes = self._as_they_are(inputs)
        bound = None if shapes is None else self._checked.get(shapes)
        if bound is None:
            taken = RunInputs(self.plan, self.dtype)
            arrays = taken.take(inputs)
            shapes = tuple([array.shape for array in arrays.values()])
            bound = (None if taken.faults else self._checked.get(shapes)) or taken.solve(arrays)
            if len(self._checked) >= _CACHED:
                self._checked.clear()
            self._checked[shapes] = bound
        return arrays, bound

    def _as_they_are(self, inputs: Mapping[str, Any]) -> tuple[dict[str, Array], Shapes | None]:
        """The inputs and their shapes, None where one is missing, unknown, or not of its kind."""
        arrays, shapes = {}, []
        for name, dtype in self._dtypes.items():
            array = inputs.get(name)
            if type(array) is not np.ndarray or array.dtype is not dtype:
                return {}, None
            arrays[name] = array
            shapes.append(array.shape)
        return arrays, tuple(shapes) if len(shapes) == len(inputs) else None

    def _draw(self, bound: Sizes, rng: np.random.Generator | None) -> dict[int, Array]:
        table = dict(bound)
        noise = {}
        for slot, op in self.plan.noises:
            assert rng is not None, "a plan with noise is run by values(..., rng)"
            shape = tuple(sizes.evaluate(size, table) for size in self.plan.slots[slot].shape)
            noise[slot] = op.noise(rng, shape, self.dtype)
        return noise

    def _execute(
        self,
        arrays: Mapping[str, Array],
        bound: Sizes,
        parameters: Mapping[str, Array],
        noise: Mapping[int, Array],
    ) -> tuple[list[Array], Program]:
        values = self._with_parameters(parameters)
        for name, slot in self.plan.inputs.items():
            values[slot] = arrays[name]
        for slot, array in noise.items():
            values[slot] = array
        try:
            program = self._program(bound)
            if program is None:
                program = self._first_run(dict(bound), values)
            else:
                _carry_out(program.instructions, values)
        except MemoryError:
            message = "the run needs more memory than is available"
            help = "run fewer rows at once"
            raise RunError.of("out-of-memory", message, help=help) from None
        return values, program

    def _with_parameters(self, parameters: Mapping[str, Array]) -> list[Any]:
        """A list of all slots, and one more, with the values that are given before a run."""
        known, values = self._given
        if parameters is not known:
            values = [*self._constants, None]
            for name, slot in self.plan.parameters.items():
                values[slot] = parameters[name]
            if type(parameters) is MappingProxyType:  # a network's, whose arrays stay the same
                self._given = parameters, values
        return values.copy()

    def _program(self, bound: Sizes) -> Program | None:
        try:
            return self._programs[bound].pop()  # of several threads only one gets it
        except (KeyError, IndexError):
            return None

    def _release(self, bound: Sizes, program: Program) -> None:
        kept = self._programs.get(bound)
        if kept is None:
            if len(self._programs) >= _CACHED:
                # Of a copy, since another thread may add or remove one meanwhile.
                self._programs.pop(next(iter(list(self._programs))), None)
            kept = self._programs.setdefault(bound, [])
        kept.append(program)

    def _first_run(self, bound: Mapping[str, int], values: list[Any]) -> Program:
        """Carry out all steps, and give later runs memory laid out as the ops chose in this one."""
        memory = _Memory(self.plan, bound, reuse=not self._keep)
        program = []
        saved: dict[int, dict[str, Array]] = {}
        for step in self.plan.steps:
            if self.plan.slots[step.output].role == "constant":
                continue
            memory.check(step)
            try:
                op = step.op.bind(bound)
            except ArrayError as error:
                raise _at(step.node, error) from None
            forward: Callable[..., Array] = op.forward
            if self._keep and step.op.takes_saved:
                saved[step.output] = {}
                forward = partial(forward, saved=saved[step.output])
            if self._makes_reals(step):
                forward = partial(_narrowed, forward, self.dtype)
            watch = self._watch(step, bound)
            picked = self.plan.picking(step)
            first = Instruction(step.node, watch(forward), picked, step.output)
            _carry_out([first], values)
            out = memory.place(step, np.asarray(values[step.output]))
            if step.op.takes_out and forward == op.forward:
                forward = op.writing(out, *picked(values))
            elif out is not None:
                forward = partial(forward, out=out)
            program.append(first._replace(forward=watch(forward)))
            for slot in memory.dead(step):
                values[slot] = None
        return Program(tuple(program), saved)

    def _watch(self, step: Step, bound: Mapping[str, int]) -> Callable[..., Any]:
        """What makes of the forward of somebody's op one that is held to its shape and kind."""
        if not is_own(type(step.op)):
            return lambda forward: forward
        slot = self.plan.slots[step.output]
        shape = tuple(sizes.evaluate(size, bound) for size in slot.shape)
        return partial(watched_forward, op=step.op, node=step.node, shape=shape, kind=slot.kind)

    def _makes_reals(self, step: Step) -> bool:
        """Whether a step makes real numbers of whole ones alone, which do not say how precise."""
        kinds = {self.plan.slots[slot].kind for slot in step.arguments if slot is not None}
        return self.plan.slots[step.output].kind == "float" and kinds == {"int"}

    def _evaluate_constants(self) -> list[Any]:
        """A list of all slots with the values that are the same in every run."""
        values: list[Any] = [None] * len(self.plan.slots)
        for step in self.plan.steps:
            slot = self.plan.slots[step.output]
            if slot.role == "constant":
                value = step.op.forward()
                if slot.kind == "float":
                    value = cast_to(value, self.dtype)
                value.setflags(write=False)
                values[step.output] = value
        return values

    def _is_shared(self, slot: int) -> bool:
        """Whether the caller cannot own the array in a slot, which is used again or elsewhere."""
        storage = self.plan.slots[slot].storage
        return self._keep or storage != slot or self.plan.slots[storage].role != "value"

    def _collect(self, values: list[Array]) -> dict[str, Array]:
        outputs = {}
        for name, slot, shared in self._outputs:
            outputs[name] = np.array(values[slot]) if shared else np.asarray(values[slot])
        return outputs

    def _blame(
        self,
        arrays: Mapping[str, Array],
        bound: Sizes,
        parameters: Mapping[str, Array],
        noise: Mapping[int, Array],
    ) -> RunError:
        """Error that names the first node, in the order of the schedule, that was not finite."""
        given = {
            f"the input '{name}'": array
            for name, array in arrays.items()
            if not self._may_miss(self.plan.inputs[name])
        }
        given |= {f"the parameter '{name}'": parameters[name] for name in self.plan.parameters}
        for what, array in given.items():
            if bad := first_not_finite(array):
                return RunError.of("not-finite", f"{what} holds {bad}")
        keeper = Executor(self.plan, self.dtype, keep=True)
        with np.errstate(all="ignore"):
            values, _ = keeper._execute(arrays, bound, parameters, noise)
        for step in self.plan.steps:
            if bad := first_not_finite(values[step.output]):
                first = f"'{step.node}' ({step.op.name}) is the first to give {bad}"
                return RunError.of("not-finite", f"the result is not finite: {first}")
        raise AssertionError("a result that was not finite is finite when computed again")

    def _may_miss(self, slot: int) -> bool:
        """Whether NaN in a slot stands for a missing value, for all that read it."""
        readers = [step.op for step in self.plan.steps if slot in step.arguments]
        return bool(readers) and all(op.takes_missing for op in readers)


def _carry_out(program: Iterable[Instruction], values: list[Any]) -> None:
    for node, forward, arguments, output in program:
        try:
            values[output] = forward(*arguments(values))
        except ArrayError as error:
            raise _at(node, error) from None


class _Memory:
    """Decides where each step writes: memory that is free by then, or new memory."""

    def __init__(self, plan: Plan, bound: Mapping[str, int], *, reuse: bool) -> None:
        self._plan = plan
        self._bound = bound
        self._reuse = reuse
        self._kept = {plan.slots[slot].storage for slot in plan.outputs.values()}
        self._sharing: dict[int, list[int]] = {}  # slots by the storage that they share
        for number, slot in enumerate(plan.slots):
            self._sharing.setdefault(slot.storage, []).append(number)
        self._owned: dict[int, Array] = {}
        self._free: dict[int, list[Array]] = {}

    def check(self, step: Step) -> None:
        """Raise MemoryError, where NumPy would raise ValueError, for a result of absurd size."""
        shape = self._plan.slots[step.output].shape
        if math.prod(sizes.evaluate(size, self._bound) for size in shape) > _ADDRESSABLE:
            raise MemoryError

    def place(self, step: Step, like: Array) -> Array | None:
        """Memory for results of `step` laid out as `like`, None where the op is to allocate it."""
        slot = self._plan.slots[step.output]
        out = None
        if step.op.takes_out and slot.storage == step.output and slot.kind == "float":
            out = self._over_first(step, slot)
            if out is None:
                out = self._take(step.output, like)
        if self._reuse:
            for storage in step.dying:
                if storage in self._owned:
                    memory = self._owned.pop(storage)
                    flat = memory.transpose(outermost_first(memory)).reshape(-1)
                    self._free.setdefault(memory.size, []).append(flat)
        return out

    def dead(self, step: Step) -> list[int]:
        """Slots whose values nothing needs after `step`."""
        if not self._reuse:
            return []
        return [slot for storage in step.dying for slot in self._sharing[storage]]

    def _over_first(self, step: Step, slot: Slot) -> Array | None:
        first = step.arguments[0] if step.arguments else None
        if not (self._reuse and step.op.inplace) or first is None:
            return None
        source = self._plan.slots[first]
        if (
            source.storage not in step.dying
            or source.storage != first
            or source.shape != slot.shape
            or any(self._storage(other) == first for other in step.arguments[1:])
            or step.output in self._kept
        ):
            return None
        memory = self._owned.pop(first, None)
        if memory is not None:
            self._owned[step.output] = memory
        return memory

    def _storage(self, slot: int | None) -> int | None:
        return None if slot is None else self._plan.slots[slot].storage

    def _take(self, slot: int, like: Array) -> Array | None:
        if self._reuse and slot in self._kept:
            return None  # the caller will own it
        free = self._free.get(like.size)
        flat = free.pop() if free else np.empty(like.size, like.dtype)
        axes = outermost_first(like)
        memory = flat.reshape([like.shape[axis] for axis in axes])
        self._owned[slot] = memory.transpose(np.argsort(axes))
        return self._owned[slot]


def _narrowed(forward: Callable[..., Array], dtype: np.dtype[Any], *arrays: Array) -> Array:
    """The value of an op in the precision of the network."""
    return cast_to(forward(*arrays), dtype)


def _at(node: str, error: ArrayError) -> GraphnnError:
    return RunError.of("bad-value", f"at '{node}': {error}", help=error.help)

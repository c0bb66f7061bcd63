"""Properties of nodes that hold for all values, put to the test by changing inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from graphnn.diagnostics import Diagnostic, Note, RunError
from graphnn.execution._differences import distance, less, size
from graphnn.execution._free_sizes import solve_free_sizes
from graphnn.execution._proofs import proved, with_rows
from graphnn.execution.drawn_inputs import draw_input, draw_inputs
from graphnn.execution.network import Network
from graphnn.graph import Graph, Node
from graphnn.ops import Array
from graphnn.spec.example_records import (
    BatchwiseSpec,
    CausalSpec,
    EquivariantSpec,
    ExampleSpec,
    FiniteSpec,
    InvariantSpec,
    MonotoneSpec,
    PropertySpec,
    property_name,
)
from graphnn.spec.sizes import show
from graphnn.spec.values import Scalar

_ROWS = 4  # of inputs that are drawn; other free sizes have a few more
_TRIALS = 5  # sets of inputs, and changes of each
_CUTS = 12  # places along an axis behind which an input is changed
_STEPS = (1.0, 0.1, 1e-2, 1e-3, 1e-4)  # a whole one may lead out of the domain of an op
_SCALES = (0.0, 1e-6, 1.0, 1e3, 1e6)
Arrays = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class _Difference:
    """A change that shows that the property does not hold, what it does, and to how many entries.

    `count` is None where the run fails.
    """

    change: str
    what: str
    count: int | None = None


def diagnose_properties(graph: Graph, spec: ExampleSpec) -> Iterator[Diagnostic]:
    """What makes no sense about the properties of an example, before any is tested."""
    for each in spec.properties:
        output = graph.find(str(each.output.value))
        source = graph.find(str(given.value)) if (given := _input_of(each)) else None
        if output is None or (given and source is None):
            continue  # reported as unknown, or at fault
        if given and source:
            if not source.op.is_input:
                message = f"'{given.value}' is {source.op.name}, so a test cannot change its value"
                yield Diagnostic("not-an-input", message, given.span)
                continue
            if source.name not in graph.upstream([output.name]):
                message = f"'{output.name}' does not depend on '{source.name}'"
                yield Diagnostic("missing-input", message, given.span)
                continue
        yield from _misplaced(each, output, source)
        if isinstance(each, BatchwiseSpec) and not with_rows(graph, output):
            shape = show(output.shape)
            message = f"no input has as many rows as '{output.name}', whose shape is {shape}"
            yield Diagnostic("wrong-shape", message, each.place.span)


def _misplaced(each: PropertySpec, output: Node, source: Node | None) -> Iterator[Diagnostic]:
    """An axis that a node does not have."""
    axis = _axis_of(each)
    nodes = [source, *([] if isinstance(each, InvariantSpec) else [output])]
    for node in nodes if axis is not None else ():
        if node is not None and axis is not None and not -len(node.shape) <= axis < len(node.shape):
            message = f"'{node.name}' has no axis {axis}: its shape is {show(node.shape)}"
            yield Diagnostic("wrong-shape", message, each.place.span)
            return
    if isinstance(each, EquivariantSpec) and source is not None and axis is not None:
        yield from _of_other_sizes(each, source, output, axis)
    if isinstance(each, MonotoneSpec) and source is not None and source.kind == "int":
        message = f"'{source.name}' holds whole numbers: its output cannot be said to rise with it"
        yield Diagnostic("wrong-kind", message, each.input.span)


def _of_other_sizes(
    each: EquivariantSpec, source: Node, output: Node, axis: int
) -> Iterator[Diagnostic]:
    if source.shape[axis] == output.shape[axis]:
        return
    shapes = f"they are {show(source.shape)} and {show(output.shape)}"
    message = f"'{source.name}' and '{output.name}' differ in axis {axis}: {shapes}"
    yield Diagnostic("wrong-shape", message, each.place.span)


Outcome = Literal["proved", "not contradicted", "counterexample"]


@dataclass(frozen=True, slots=True)
class PropertyResult:
    """What is known of one property of an example.

    Attributes
    ----------
    name : str
        Of the property, such as ``causal``.
    output : str
        The node that it is said of.
    outcome : {"proved", "not contradicted", "counterexample"}
        Proved by the facts of the ops between, not contradicted by any test, or not so for the
        values of the diagnostic.
    unknown : str
        Where it is not proved, the first node of whose op nothing is known that would do so, if
        there is one.
    diagnostic : Diagnostic or None
    """

    name: str
    output: str
    outcome: Outcome
    unknown: str = ""
    diagnostic: Diagnostic | None = None

    def __str__(self) -> str:
        why = f" ('{self.unknown}' may mix entries)" if self.unknown else ""
        return f"{self.name} of '{self.output}': {self.outcome}{why}"


def judge_properties(
    network: Network, spec: ExampleSpec, given: Arrays
) -> Iterator[PropertyResult]:
    """What tests and the facts of ops say of the properties of an example.

    Parameters
    ----------
    network : Network
    spec : ExampleSpec
    given : mapping of str to ndarray
        Inputs of the example; where there are none, several sets are drawn.
    """
    # In float32, the order in which numbers are added shows; overflow is that of the network.
    exact = network if network.dtype == np.float64 else network.astype("float64")
    for each in spec.properties:
        tester = _Tester(network if isinstance(each, FiniteSpec) else exact, spec, each, given)
        proof, unknown = proved(network.graph, each)
        try:
            found = tester.difference()
        except RunError as error:
            if given or not network.graph.inputs:
                raise
            help = "inputs were drawn at random: give 'inputs' for which it runs"
            faults = (replace(fault, help=fault.help or help) for fault in error.diagnostics)
            raise RunError(*faults) from None
        name, output = property_name(each), str(each.output.value)
        if found is not None:
            fault = tester.diagnostic(found, proof=proof)
            yield PropertyResult(name, output, "counterexample", diagnostic=fault)
        elif proof:
            yield PropertyResult(name, output, "proved")
        else:
            yield PropertyResult(name, output, "not contradicted", unknown)


class _Tester:
    def __init__(
        self, network: Network, example: ExampleSpec, spec: PropertySpec, given: Arrays
    ) -> None:
        self._network = network
        self._example = example
        self._spec = spec
        self._given = given
        self._output = network.graph.node(str(spec.output.value))
        source = _input_of(spec)
        self._source = "" if source is None else str(source.value)
        self._executor = network.executor([self._output.name])

    def difference(self) -> _Difference | None:
        """The first that is found, if any."""
        tests: dict[type[PropertySpec], Callable[[Arrays, np.random.Generator], Any]] = {
            CausalSpec: self._causal,
            InvariantSpec: self._permuted,
            EquivariantSpec: self._permuted,
            BatchwiseSpec: self._batchwise,
            FiniteSpec: self._finite,
            MonotoneSpec: self._monotone,
        }
        test = tests[type(self._spec)]
        for seed in range(_TRIALS):
            rng = np.random.default_rng([seed, 1])
            found: _Difference | None = test(self._inputs(seed), rng)
            if found is not None:
                return found
        return None

    def diagnostic(self, found: _Difference, *, proof: bool) -> Diagnostic:
        """What is reported of a difference, also where ops state facts that are a `proof`."""
        name = property_name(self._spec)
        axis = _axis_of(self._spec)
        along = "" if axis is None else f" along axis {axis}"
        message = f"'{self._spec.output.value}' is not {name}{along}: {found.change}, {found.what}"
        notes = []
        if found.count is not None:
            notes.append(Note(f"{found.count:,} such {'entry' if found.count == 1 else 'entries'}"))
        if proof:
            notes.append(
                Note("yet it follows from what the ops between state: one of them is wrong")
            )
        return Diagnostic("broken-property", message, self._spec.place.span, notes=tuple(notes))

    def _inputs(self, seed: int) -> dict[str, Array]:
        names = self._executor.plan.inputs
        if self._given:
            return {name: np.asarray(self._given[name]) for name in names}
        return draw_inputs(self._network, names, _ROWS, seed, apart=True)

    def _run(self, inputs: Arrays) -> Array:
        found = self._executor.run(inputs, self._network.arrays)
        return next(iter(found.values()))

    def _redrawn(self, inputs: Arrays, name: str, rng: np.random.Generator) -> Array:
        """Another value of an input, of the same shape."""
        node = self._network.graph.nodes[name]
        declared = {each: self._network.graph.nodes[each].shape for each in inputs}
        bound = solve_free_sizes(declared, {key: each.shape for key, each in inputs.items()})[0]
        return draw_input(self._network, node, inputs[name].shape, bound, rng)

    def _apart(self, before: Array, after: Array, change: str) -> _Difference | None:
        """The largest difference beyond the tolerances of the example."""
        if before.shape != after.shape:
            return None  # the axis is one of the shape; a run reports what does not fit
        allowed = self._example.atol + self._example.rtol * size(before)
        excess = distance(after, before) - allowed
        return _worst(excess, before, after, change)

    def _causal(self, inputs: Arrays, rng: np.random.Generator) -> _Difference | None:
        assert isinstance(self._spec, CausalSpec)
        x, axis = inputs[self._source], self._spec.axis
        before, other = self._run(inputs), self._redrawn(inputs, self._source, rng)
        count = x.shape[axis]
        for cut in np.linspace(1, count - 1, min(count - 1, _CUTS)).astype(int).tolist():
            changed = _spliced(x, other, axis, range(cut, count))
            found = self._earlier(before, {**inputs, self._source: changed}, cut, f"from {cut} on")
            if found is None:
                continue
            for place in range(cut, count):  # one place alone says more
                changed = _spliced(x, other, axis, range(place, place + 1))
                given = {**inputs, self._source: changed}
                alone = self._earlier(before, given, place, f"at {place} alone")
                if alone is not None:
                    return alone
            return found
        return None

    def _earlier(self, before: Array, given: Arrays, cut: int, where: str) -> _Difference | None:
        """A difference in the part of the output before `cut`."""
        assert isinstance(self._spec, CausalSpec)
        part = _spliced_index(before, self._spec.axis, slice(cut))
        change = f"where '{self._source}' changes {where}"
        return self._apart(before[part], self._run(given)[part], change)

    def _permuted(self, inputs: Arrays, rng: np.random.Generator) -> _Difference | None:
        assert isinstance(self._spec, InvariantSpec | EquivariantSpec)
        x, axis = inputs[self._source], self._spec.permutation
        order = rng.permutation(x.shape[axis])
        if (order == np.arange(len(order))).all():
            order = np.roll(order, 1)
        before = self._run(inputs)
        after = self._run({**inputs, self._source: np.take(x, order, axis)})
        if isinstance(self._spec, EquivariantSpec):
            before = np.take(before, order, axis)
        change = f"with the entries of '{self._source}' in the order {order.tolist()}"
        return self._apart(before, after, change)

    def _batchwise(self, inputs: Arrays, rng: np.random.Generator) -> _Difference | None:
        """Half of the rows of all inputs change, so often that any two rows are once apart."""
        before = self._run(inputs)
        rows = np.arange(len(before))
        # Two numbers differ in at least one binary digit.
        digits = [(rows >> place) % 2 == 0 for place in range(max(len(rows) - 1, 1).bit_length())]
        for kept in (part for digit in digits for part in (digit, ~digit)):
            changed = dict(inputs)
            for name in with_rows(self._network.graph, self._output):
                if name in inputs:
                    other = self._redrawn(inputs, name, rng)
                    changed[name] = _of_rows(kept, inputs[name], other)
            after = _of_rows(kept, self._run(changed), before)
            change = f"where rows {np.flatnonzero(~kept).tolist()} of the inputs change"
            if (found := self._apart(before, after, change)) is not None:
                return found
        return None

    def _finite(self, inputs: Arrays, rng: np.random.Generator) -> _Difference | None:
        nodes = self._network.graph.nodes
        for scale in _SCALES:
            scaled = {
                name: array if nodes[name].kind == "int" else array * scale
                for name, array in inputs.items()
            }
            change = f"for inputs {scale:g} times as large"
            try:
                self._run(scaled)
            except RunError as error:
                fault = error.diagnostics[0]
                if fault.code == "not-finite":
                    return _Difference(change, fault.message)
                raise
        return None

    def _monotone(self, inputs: Arrays, rng: np.random.Generator) -> _Difference | None:
        assert isinstance(self._spec, MonotoneSpec)
        x, before = inputs[self._source], self._run(inputs)
        sign = 1.0 if self._spec.direction == "increasing" else -1.0
        allowed = self._example.atol + self._example.rtol * size(before)
        for place in (None, *rng.permutation(x.size)[:_TRIALS].tolist()):
            step = np.abs(rng.normal(size=x.shape))
            if place is not None:  # one entry alone
                alone = np.zeros(x.size)
                alone[place] = 1.0
                step = step * alone.reshape(x.shape)
            after = self._risen(inputs, step)
            which = "entries" if place is None else f"entry {list(_index(place, x.shape))}"
            change = f"where {which} of '{self._source}' {'rise' if place is None else 'rises'}"
            found = _worst(sign * less(before, after) - allowed, before, after, change)
            if found is not None:
                return found
        return None

    def _risen(self, inputs: Arrays, step: Array) -> Array:
        """The output where the input rises by `step`, or by a part of it where that is too far."""
        *steps, last = _STEPS
        for part in steps:
            try:
                return self._run({**inputs, self._source: inputs[self._source] + part * step})
            except RunError as error:
                if error.diagnostics[0].code != "not-finite":
                    raise
        return self._run({**inputs, self._source: inputs[self._source] + last * step})


def _input_of(spec: PropertySpec) -> Scalar | None:
    found: Scalar | None = getattr(spec, "input", None)
    return found


def _axis_of(spec: PropertySpec) -> int | None:
    if isinstance(spec, CausalSpec):
        return spec.axis
    return spec.permutation if isinstance(spec, InvariantSpec | EquivariantSpec) else None


def _of_rows(kept: Array, x: Array, other: Array) -> Array:
    """The rows of `x` that are `kept`, and those of `other` for the rest."""
    return np.where(kept.reshape(-1, *(1,) * (x.ndim - 1)), x, other)


def _spliced(x: Array, other: Array, axis: int, places: range) -> Array:
    """`x` with the entries of `other` at `places` of an axis."""
    made = x.copy()
    part = _spliced_index(x, axis, slice(places.start, places.stop))
    made[part] = other[part]
    return made


def _spliced_index(x: Array, axis: int, part: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * (axis % x.ndim), part)


def _worst(excess: Array, before: Array, after: Array, change: str) -> _Difference | None:
    """The entry that exceeds most what is allowed, if one does."""
    wrong = ~(excess <= 0)  # what is not a number counts
    if not wrong.any():
        return None
    excess = np.where(np.isnan(excess), np.inf, excess)
    index = _index(int(excess.argmax()), excess.shape)
    what = f"its entry {list(index)} is {_short(before[index])}, then {_short(after[index])}"
    return _Difference(change, what, int(wrong.sum()))


def _index(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(each) for each in np.unravel_index(place, shape))


def _short(value: Any) -> str:
    return f"{float(value):.6g}"

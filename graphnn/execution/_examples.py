"""Examples: what a spec says its network gives, read from the spec and put to the test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graphnn.diagnostics import Diagnostic, Findings, GraphnnError, Note, Span, SpecError
from graphnn.execution._arguments import require_network
from graphnn.execution._differences import distance, size, total
from graphnn.execution._free_sizes import fits, solve_free_sizes
from graphnn.execution._given_arrays import Wanted, array_for
from graphnn.execution.network import Network
from graphnn.graph import Graph, Node, arrays
from graphnn.ops import Array
from graphnn.spec.example_records import ExampleSpec
from graphnn.spec.sizes import show
from graphnn.spec.values import Entry, Map

if TYPE_CHECKING:
    # Few examples state properties: the module is imported where one does.
    from graphnn.execution._properties import PropertyResult

_EXACT: Any = {"all": str}  # as many digits as distinguish a number from its neighbours
PROPERTIES = {"sum": "the sum of '{}' along its last axis", "argmax": "the argmax of '{}'"}


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """How one example came out; true when the network gives what the example says.

    Attributes
    ----------
    number : int
        Place among the spec's examples, counted from 1.
    about : str
        What the spec says of it.
    span : Span or None
    difference : float
        The largest absolute difference from an expected value, 1 for a wrong class; 0 when
        nothing could be compared.
    diagnostics : tuple of Diagnostic
        What is wrong; empty when nothing is.
    properties : tuple of PropertyResult
        What is known of each property that the example states.
    """

    number: int
    about: str
    span: Span | None
    difference: float
    diagnostics: tuple[Diagnostic, ...]
    properties: tuple[PropertyResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the network gives what the example says."""
        return not self.diagnostics

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        title = f"example {self.number}: {'ok' if self.ok else 'FAILED'}"
        return "\n".join([title, *(str(found).rstrip("\n") for found in self.diagnostics)])


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an example says of one output.

    Attributes
    ----------
    output : str
        Name of the node.
    property : {"", "sum", "argmax"}
        What of its value is compared; empty for the value itself.
    value : ndarray
    span : Span or None
    """

    output: str
    property: str
    value: Array
    span: Span | None


@dataclass(frozen=True, slots=True)
class Example:
    """An example whose arrays are read and fit the network."""

    spec: ExampleSpec
    inputs: Mapping[str, Array]
    expectations: tuple[Expectation, ...]


def run_examples(network: Network) -> tuple[ExampleResult, ...]:
    """Run every example of the network's spec with the parameters as they are now.

    Returns
    -------
    tuple of ExampleResult
        In the order of the spec; empty where it has none. A value agrees when it differs from
        the expected one by at most ``atol + rtol * |expected|``.

    Raises
    ------
    UsageError
        `network` is not one.
    """
    require_network(network)
    return tuple(
        _run(network, number, spec) for number, spec in enumerate(network.graph.spec.examples, 1)
    )


def diagnose_examples(graph: Graph) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with the examples of `graph` before any is run, by place.

    Of an array for a node at fault, only what does not depend on its shape is reported.
    """
    findings = Findings()
    reader = _Reader(graph, findings)
    for example in graph.spec.examples:
        reader.read(example)
    return findings.sorted()


def read_example(network: Network, spec: ExampleSpec) -> Example:
    """The arrays of an example, as the network takes them.

    Raises
    ------
    SpecError
        With every array that cannot be read or does not fit, and every input that is missing.
    """
    findings = Findings()
    example = _Reader(network.graph, findings).read(spec)
    findings.raise_errors(SpecError)
    return example


class _Reader:
    """Reads the arrays of examples; what is wrong with them goes to `findings`."""

    def __init__(self, graph: Graph, findings: Findings) -> None:
        self._graph = graph
        self._findings = findings
        self._read: dict[tuple[str, ...], list[Node]] = {}

    def read(self, spec: ExampleSpec) -> Example:
        """An example, without what is at fault."""
        inputs = {name: self._array(name, entry) for name, entry in spec.inputs.items()}
        expectations: list[Expectation] = []
        for name, entry in spec.outputs.items():
            value = entry.value
            if isinstance(value, Map) and value.entries and set(value.entries) <= {*PROPERTIES}:
                expectations.extend(self._properties(name, value))
            elif (expected := self._array(name, entry, PROPERTIES)) is not None:
                expectations.append(Expectation(name, "", expected, value.span))
        if spec.properties:
            from graphnn.execution._properties import diagnose_properties

            for found in diagnose_properties(self._graph, spec):
                self._findings.add(found)
        needed = self._needed(spec)
        given = {
            name: array for name, array in inputs.items() if array is not None and name in needed
        }
        self._check_free_sizes(spec, given)
        return Example(spec, given, tuple(expectations))

    def _check_free_sizes(self, spec: ExampleSpec, given: Mapping[str, Array]) -> None:
        """Report inputs that give one free size two values."""
        shapes = {name: array.shape for name, array in given.items()}
        declared = {name: self._wanted(name).shape or () for name in given}
        for found in solve_free_sizes(declared, shapes)[1][:1]:
            note = Note(f"'{found.input}' is given here", spec.inputs[found.input].value.span)
            place = spec.inputs[found.other_input].value.span
            self._findings.error("size-conflict", str(found), place, notes=(note,))

    def _gives_inputs(self, spec: ExampleSpec) -> bool:
        """Whether nothing under 'inputs' is at fault: that may be meant for any of them."""
        given = spec.place.get("inputs")
        nodes = [self._graph.find(name) for name in spec.inputs]
        return (given is None or isinstance(given, Map)) and all(
            node is not None and node.op.is_input for node in nodes
        )

    def _wanted(self, name: str) -> Wanted:
        node = self._graph.find(name)
        return Wanted(name) if node is None else Wanted(node.name, node.kind, node.shape)

    def _array(self, name: str, entry: Entry, also: Iterable[str] = ()) -> Array | None:
        with self._findings.catching(GraphnnError):
            return array_for(entry.value, self._wanted(name), self._graph.spec, also)
        return None

    def _properties(self, name: str, value: Map) -> list[Expectation]:
        found: list[Expectation] = []
        shape = self._wanted(name).shape
        for key, item in value.items():
            what = PROPERTIES[key].format(name)
            if shape == ():
                message = f"'{name}' is a single number: it has no axis for '{key}'"
                self._findings.error("wrong-shape", message, value.entries[key].key.span)
                continue
            with self._findings.catching(SpecError):
                dtype = np.int64 if key == "argmax" else np.float64
                expected = arrays.from_value(item, what, dtype)
                if shape and expected.shape and not fits(expected.shape, shape[:-1]):
                    message = f"{what} has shape {show(shape[:-1])}, not {show(expected.shape)}"
                    raise SpecError.of("wrong-shape", message, item.span)
                count = shape[-1] if shape else None
                if key == "argmax" and isinstance(count, int):
                    outside = expected[(expected < 0) | (expected >= count)]
                    if outside.size:
                        message = f"{what} is one of 0 to {count - 1}, not {outside[0]}"
                        raise SpecError.of("class-outside", message, item.span)
                found.append(Expectation(name, key, expected, item.span))
        return found

    def _read_by(self, outputs: tuple[str, ...]) -> list[Node]:
        """The inputs that sound nodes among `outputs` depend on, in schedule order."""
        if outputs not in self._read:  # examples are many, and alike
            read = self._graph.upstream(name for name in outputs if self._graph.find(name))
            nodes = (self._graph.nodes[name] for name in self._graph.nodes if name in read)
            self._read[outputs] = [node for node in nodes if node.op.is_input]
        return self._read[outputs]

    def _needed(self, spec: ExampleSpec) -> set[str]:
        """The inputs that the outputs read; an example may give more."""
        said = [str(each.output.value) for each in spec.properties]
        # Without any, inputs are drawn.
        outputs = (*spec.outputs, *(said if spec.inputs else ()))
        inputs = self._read_by(outputs)
        for node in inputs if self._gives_inputs(spec) else ():
            if node.name not in spec.inputs:
                self._findings.error(
                    "missing-input",
                    f"an example does not give '{node.name}' of shape {show(node.shape)}",
                    spec.place.span,
                    help=f"list it under 'inputs', to compute {', '.join(dict.fromkeys(outputs))}",
                )
        return {node.name for node in inputs}


def _run(network: Network, number: int, spec: ExampleSpec) -> ExampleResult:
    faults: list[Diagnostic] = []
    properties: tuple[PropertyResult, ...] = ()
    largest = 0.0
    try:
        example = read_example(network, spec)
        values = network.run(example.inputs, outputs=spec.outputs) if spec.outputs else {}
        if spec.properties:
            from graphnn.execution._properties import judge_properties

            properties = tuple(judge_properties(network, spec, example.inputs))
            faults += [each.diagnostic for each in properties if each.diagnostic is not None]
    except GraphnnError as error:
        # A fault of the run has no place in the spec.
        faults = [replace(f, span=f.span or spec.place.span) for f in error.diagnostics]
    else:
        for expectation in example.expectations:
            difference, fault = _compare(expectation, values[expectation.output], spec)
            largest = max(largest, difference)
            faults += [fault] if fault else []
    return ExampleResult(number, spec.about, spec.place.span, largest, tuple(faults), properties)


def _compare(
    expectation: Expectation, value: Array, spec: ExampleSpec
) -> tuple[float, Diagnostic | None]:
    """The largest difference, and the fault unless it is within the tolerances."""
    what, expected, span = f"'{expectation.output}'", expectation.value, expectation.span
    known = np.isfinite(expected)  # no result is anything else, so that none agrees with NaN
    with np.errstate(over="ignore", invalid="ignore"):
        allowed: Any = np.where(known, spec.atol + spec.rtol * size(expected), 0.0)
        if expectation.property:
            what = PROPERTIES[expectation.property].format(expectation.output)
            value = total(value) if expectation.property == "sum" else value.argmax(axis=-1)
        if value.shape != expected.shape and (expected.shape or not expectation.property):
            message = f"{what} has shape {show(value.shape)}, not {show(expected.shape)}"
            return math.inf, Diagnostic("wrong-output", message, span)
        gap = np.where(known, distance(value, expected), np.inf)
    if expectation.property == "argmax":
        # Classes are the same or not; their numbers have no distance.
        gap, allowed = (gap > 0).astype(np.float64), 0.0
    excess = gap - allowed
    largest = float(gap.max(initial=0.0))
    if not (excess > 0).any():
        return largest, None
    label = "" if expectation.property == "argmax" else f"off by {largest:.6g}"
    message = f"{what} is {_short(value)}, not {_short(expected)}"
    return largest, Diagnostic(
        "wrong-output", message, span, label, _notes(value, expected, excess, allowed)
    )


def _short(array: Array) -> str:
    """`array` in one line, exact, without the middle of long rows."""
    text = np.array2string(array, separator=", ", threshold=6, edgeitems=2, formatter=_EXACT)
    return " ".join(text.split())


def _notes(value: Array, expected: Array, excess: Array, allowed: Any) -> tuple[Note, ...]:
    if not excess.shape:
        return ()
    at = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
    wanted, most = (np.broadcast_to(array, value.shape)[at] for array in (expected, allowed))
    within = f" give or take {most:.3g}" if most else ""
    count = f"{(excess > 0).sum()} of {excess.size} entries are off"
    return (Note(f"{count}; the worst, at {list(at)}, is {value[at]!s}, not {wanted!s}{within}"),)

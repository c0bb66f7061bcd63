"""Examples: what a spec says its network gives, read from the spec and put to the test."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphnn.diagnostics import (
    FAULTY,
    Code,
    Diagnostic,
    Findings,
    GraphnnError,
    Note,
    Span,
    SpecError,
    suggestion,
)
from graphnn.execution._free_sizes import fits, solve_free_sizes
from graphnn.execution.network import Network
from graphnn.graph import Node, arrays, reached
from graphnn.ops import Array, Kind
from graphnn.spec import brief, flow, number_help, sizes
from graphnn.spec.model import ExampleSpec, NetworkSpec
from graphnn.spec.sizes import show
from graphnn.spec.values import Entry, Scalar, Sequence, Value
from graphnn.spec.values import Mapping as Document
from graphnn.storage import archives, files

_MAX_FILLED = 2**24  # 128 MiB
_SHOWN = 60  # characters of an array that help repeats
FILLED = {"zeros": np.zeros, "ones": np.ones}
_FORMS = ("numbers", "{zeros: SHAPE}", "{ones: SHAPE}", "{file: NAME, key: NAME}")
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
    """

    number: int
    about: str
    span: Span | None
    difference: float
    diagnostics: tuple[Diagnostic, ...]

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
    """
    return tuple(
        _run(network, number, spec) for number, spec in enumerate(network.graph.spec.examples, 1)
    )


def diagnose_examples(spec: NetworkSpec, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with the examples of `spec` before any is run, by place.

    Parameters
    ----------
    spec : NetworkSpec
    nodes : mapping of str to Node
        Those that are sound; of an array for another, only what does not depend on its shape is
        reported.
    """
    findings = Findings()
    reader = _Reader(spec, nodes, findings)
    for example in spec.examples:
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
    example = _Reader(network.graph.spec, network.graph.nodes, findings).read(spec)
    findings.raise_errors(SpecError)
    return example


def read_array(value: Value, node: Node, spec: NetworkSpec, also: Iterable[str] = ()) -> Array:
    """The array that `value` gives to `node`: numbers, filled with zeros or ones, or of a file.

    Parameters
    ----------
    value : Value
    node : Node
    spec : NetworkSpec
    also : iterable of str
        Keys that `value` may have meant besides those of an array, for help.

    Raises
    ------
    SpecError
        It is none of them, or does not fit the node's shape.
    FileError
        The file cannot be read, or lacks the array.
    """
    return _array(value, _Wanted(node.name, node.kind, node.shape), spec, also)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What an array must be for a node; no shape where that is not known."""

    name: str
    kind: Kind = "float"
    shape: sizes.Shape | None = None

    def refuse(self, shape: tuple[int, ...], value: Value) -> None:
        """Raise for an array of `shape` that does not fit."""
        if self.shape is not None and not fits(shape, self.shape):
            message = (
                f"'{self.name}' is given in shape {show(shape)}, but it has {show(self.shape)}"
            )
            help = ""
            if arrays.is_numbers(value) and fits((1, *shape), self.shape):
                text = flow(value)
                shown = text if len(text) <= _SHOWN else "..."
                help = f"for one value along '{self.shape[0]}', put it in brackets: [{shown}]"
            raise _fault("wrong-shape", message, value.span, help)


def _array(value: Value, wanted: _Wanted, spec: NetworkSpec, also: Iterable[str] = ()) -> Array:
    what, dtype = f"'{wanted.name}'", np.int64 if wanted.kind == "int" else np.float64
    if arrays.is_numbers(value):
        array = arrays.from_value(value, what, dtype)
    elif isinstance(value, Document) and "file" in value:
        array = _from_file(value, wanted.name, spec)
    elif isinstance(value, Document) and len(value.entries) == 1 and set(FILLED) & {*value.entries}:
        key, entry = next(value.items())
        shape = _shape(entry, spec)
        wanted.refuse(shape, value)
        if math.prod(shape) > _MAX_FILLED:
            message = f"an array of shape {show(shape)} has more than {_MAX_FILLED:,} entries"
            raise _fault("too-large", message, entry.span)
        if len(shape) > sizes.MAX_AXES:
            message = f"an array of {len(shape)} axes has more than {sizes.MAX_AXES}"
            raise _fault("too-large", message, entry.span)
        array = FILLED[key](shape, dtype)
    else:
        help = _form_meant(value, (*FILLED, "file", *also))
        *forms, last = *_FORMS, *(f"{{{key}: NUMBERS}}" for key in also)
        message = f"{what} must be {', '.join(forms)} or {last}, not {brief(value)}"
        raise _fault("bad-array", message, value.span, help)
    wanted.refuse(array.shape, value)
    return array


def _form_meant(value: Value, keys: Iterable[str]) -> str:
    """Help that offers the nearest of `keys` for one of `value`."""
    known = tuple(keys)
    names = value.entries if isinstance(value, Document) else ()
    helps = (suggestion(name, known) for name in names if name not in known)
    return next(filter(None, helps), "")


def _fault(code: Code, message: str, span: Span | None, help: str = "") -> SpecError:
    return SpecError(Diagnostic(code, message, span, help=help))


def _from_file(value: Document, name: str, spec: NetworkSpec) -> Array:
    file, key = value.get("file"), value.get("key")
    texts = [
        part.value
        for part in (file, key)
        if isinstance(part, Scalar) and isinstance(part.value, str)
    ]
    if set(value.entries) - {"file", "key"} or len(texts) != len(value.entries):
        message = f"'{name}' must be {{file: NAME, key: NAME}}, not {brief(value)}"
        raise _fault("bad-array", message, value.span)
    assert file is not None
    path = files.within(spec.folder, texts[0], file.span)
    return archives.read_array(path, texts[1] if key else name, (key or file).span)


def _shape(value: Value, spec: NetworkSpec) -> tuple[int, ...]:
    if not isinstance(value, Sequence):
        message = f"a shape is a list of sizes such as [1, 3], not {brief(value)}"
        raise _fault("bad-array", message, value.span)
    return tuple(_size(item, spec) for item in value.items)


def _size(value: Value, spec: NetworkSpec) -> int:
    written = value.value if isinstance(value, Scalar) else None
    try:
        size = sizes.read(written, spec.sizes)
    except sizes.SizeError as error:
        if error.reason != "text":
            message = f"a size is a whole number of at least 1, or a name, not {brief(value)}"
            raise _fault("bad-size", message, value.span) from None
        help = suggestion(error.name, spec.sizes) if error.name else number_help(value)
        span = value.span_of(error.name or "")
        raise _fault("unknown-size", str(error), span, help) from None
    if size is FAULTY:
        raise SpecError
    if not isinstance(size, int):
        help = "an example says how many there are: write a number"
        message = f"'{written}' is free, so it has no value here"
        raise _fault("free-size", message, value.span, help)
    return size


class _Reader:
    """Reads the arrays of examples; what is wrong with them goes to `findings`."""

    def __init__(self, spec: NetworkSpec, nodes: Mapping[str, Node], findings: Findings) -> None:
        self._spec = spec
        self._nodes = nodes
        self._findings = findings
        self._read: dict[tuple[str, ...], list[Node]] = {}

    def read(self, spec: ExampleSpec) -> Example:
        """An example, without what is at fault."""
        inputs = {name: self._array(name, entry) for name, entry in spec.inputs.items()}
        expectations: list[Expectation] = []
        for name, entry in spec.outputs.items():
            value = entry.value
            if (
                isinstance(value, Document)
                and value.entries
                and set(value.entries) <= {*PROPERTIES}
            ):
                expectations.extend(self._properties(name, value))
            elif (expected := self._array(name, entry, PROPERTIES)) is not None:
                expectations.append(Expectation(name, "", expected, value.span))
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

    def _node(self, name: str) -> Node | None:
        return self._nodes.get(self._spec.aliases.get(name, name))

    def _gives_inputs(self, spec: ExampleSpec) -> bool:
        """Whether nothing under 'inputs' is at fault: that may be meant for any of them."""
        given = spec.place.get("inputs")
        nodes = [self._node(name) for name in spec.inputs]
        return (given is None or isinstance(given, Document)) and all(
            node is not None and node.op.is_input for node in nodes
        )

    def _wanted(self, name: str) -> _Wanted:
        node = self._node(name)
        return _Wanted(name) if node is None else _Wanted(node.name, node.kind, node.shape)

    def _array(self, name: str, entry: Entry, also: Iterable[str] = ()) -> Array | None:
        try:
            return _array(entry.value, self._wanted(name), self._spec, also)
        except GraphnnError as error:
            for found in error.diagnostics:
                self._findings.add(found)
            return None

    def _properties(self, name: str, value: Document) -> list[Expectation]:
        found: list[Expectation] = []
        shape = self._wanted(name).shape
        for key, item in value.items():
            what = PROPERTIES[key].format(name)
            if shape == ():
                message = f"'{name}' is a single number: it has no axis for '{key}'"
                self._findings.error("wrong-shape", message, value.entries[key].key.span)
                continue
            try:
                dtype = np.int64 if key == "argmax" else np.float64
                expected = arrays.from_value(item, what, dtype)
                if shape and expected.shape and not fits(expected.shape, shape[:-1]):
                    message = f"{what} has shape {show(shape[:-1])}, not {show(expected.shape)}"
                    raise _fault("wrong-shape", message, item.span)
                count = shape[-1] if shape else None
                if key == "argmax" and isinstance(count, int):
                    outside = expected[(expected < 0) | (expected >= count)]
                    if outside.size:
                        message = f"{what} is one of 0 to {count - 1}, not {outside[0]}"
                        raise _fault("class-outside", message, item.span)
            except SpecError as error:
                for diagnostic in error.diagnostics:
                    self._findings.add(diagnostic)
                continue
            found.append(Expectation(name, key, expected, item.span))
        return found

    def _read_by(self, outputs: tuple[str, ...]) -> list[Node]:
        """The inputs that sound nodes among `outputs` depend on, in schedule order."""
        if outputs not in self._read:  # examples are many, and alike
            asked = [node.name for name in outputs if (node := self._node(name)) is not None]
            read = {*asked, *reached(asked, lambda name: self._nodes[name].inputs)}
            nodes = (node for node in self._nodes.values() if node.name in read)
            self._read[outputs] = [node for node in nodes if node.op.is_input]
        return self._read[outputs]

    def _needed(self, spec: ExampleSpec) -> set[str]:
        """The inputs that the outputs read; an example may give more."""
        inputs = self._read_by(tuple(spec.outputs))
        for node in inputs if self._gives_inputs(spec) else ():
            if node.name not in spec.inputs:
                outputs = ", ".join(spec.outputs)
                self._findings.error(
                    "missing-input",
                    f"an example does not give '{node.name}' of shape {show(node.shape)}",
                    spec.place.span,
                    help=f"list it under 'inputs', to compute {outputs}",
                )
        return {node.name for node in inputs}


def _run(network: Network, number: int, spec: ExampleSpec) -> ExampleResult:
    faults: list[Diagnostic] = []
    largest = 0.0
    try:
        example = read_example(network, spec)
        values = network.run(example.inputs, outputs=spec.outputs)
    except GraphnnError as error:
        # A fault of the run has no place in the spec.
        faults = [replace(f, span=f.span or spec.place.span) for f in error.diagnostics]
    else:
        for expectation in example.expectations:
            difference, fault = _compare(expectation, values[expectation.output], spec)
            largest = max(largest, difference)
            faults += [fault] if fault else []
    return ExampleResult(number, spec.about, spec.place.span, largest, tuple(faults))


def _compare(
    expectation: Expectation, value: Array, spec: ExampleSpec
) -> tuple[float, Diagnostic | None]:
    """The largest difference, and the fault unless it is within the tolerances."""
    what, expected, span = f"'{expectation.output}'", expectation.value, expectation.span
    allowed: Any = spec.atol + spec.rtol * np.abs(expected)
    with np.errstate(over="ignore"):
        if expectation.property:
            what = PROPERTIES[expectation.property].format(expectation.output)
            value = value.sum(axis=-1) if expectation.property == "sum" else value.argmax(axis=-1)
        if value.shape != expected.shape and (expected.shape or not expectation.property):
            message = f"{what} has shape {show(value.shape)}, not {show(expected.shape)}"
            return math.inf, Diagnostic("wrong-output", message, span)
        gap = np.abs(value - expected)
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
    text = np.array2string(
        array, separator=", ", threshold=6, edgeitems=2, max_line_width=10**6, formatter=_EXACT
    )
    return " ".join(text.split())


def _notes(value: Array, expected: Array, excess: Array, allowed: Any) -> tuple[Note, ...]:
    if not excess.shape:
        return ()
    at = tuple(int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
    wanted, most = (np.broadcast_to(array, value.shape)[at] for array in (expected, allowed))
    within = f" give or take {most:.3g}" if most else ""
    count = f"{(excess > 0).sum()} of {excess.size} entries are off"
    return (Note(f"{count}; the worst, at {list(at)}, is {value[at]!s}, not {wanted!s}{within}"),)

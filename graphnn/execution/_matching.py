"""Arrays of a file, or of torch, matched with the parameters that they are values of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

from graphnn.diagnostics import Findings, RunError, listed, nearest, suggestion
from graphnn.execution._places import Parts, Place, Places, own_places, parameters_of
from graphnn.graph import Graph
from graphnn.graph.arrays import FINITE, first_not_finite
from graphnn.ops import Array
from graphnn.spec import DEFAULT
from graphnn.spec.model import Layout
from graphnn.spec.sizes import show
from graphnn.spec.values import Entry, Scalar

_MAX_CANDIDATES = 1000  # names compared with a misspelt one; each comparison takes time
Shapes = Mapping[str, tuple[int, ...] | None]  # None is not of numbers


def match(
    graph: Graph,
    held: Shapes,
    origin: str,
    *,
    names: Mapping[str, Entry] | None = None,
    layout: Layout | None = None,
    needed: Iterable[str] = (),
) -> Places:
    """Where each array goes.

    Parameters
    ----------
    graph : Graph
    held : mapping of str to tuple of int or None
        Shapes of the arrays, by name.
    origin : str
        What holds them, for messages.
    names : mapping of str to Entry, optional
        Of an array, or of what names of several begin with: the parameter, or the node, use or
        copy of a block, that is meant; false for what is left out.
    layout : {"graphnn", "torch"}, optional
        Whose names and order of axes the arrays have; left out, those of graphnn, unless only
        the axes of a square array could say so.
    needed : iterable of str
        Parameters that must have a value.

    Raises
    ------
    RunError
        A name is strange, stands for none or for two, has another shape or no numbers, or one of
        `needed` is missing.
    """
    found = _Matching(graph, held, origin, dict(names or {}), layout)
    found.check_names()
    for name, shape in held.items():
        found.array(name, shape)
    found.check_unknown()
    found.check_parts()
    found.missing(needed)
    found.findings.raise_errors(RunError)
    return found.places


def check_finite(arrays: Mapping[str, Array], origin: str) -> None:
    """Refuse NaN and infinity.

    Raises
    ------
    RunError
        Some are not finite.
    """
    findings = Findings(DEFAULT.faults, RunError)
    for name, array in arrays.items():
        if bad := first_not_finite(array):
            findings.error("not-finite", f"'{name}' holds {bad} in {origin}", help=FINITE)
    findings.raise_errors(RunError)


@dataclass
class _Matching:
    graph: Graph
    held: Shapes
    origin: str
    names: dict[str, Entry]
    layout: Layout | None
    findings: Findings = field(default_factory=lambda: Findings(DEFAULT.faults, RunError))
    places: dict[str, Place | Parts] = field(default_factory=dict)
    meant: set[str] = field(default_factory=set)  # parameters that help has offered
    taken: dict[str, str] = field(default_factory=dict)  # by parameter, the array
    of_parts: dict[str, str] = field(default_factory=dict)  # by name in torch, the array
    unknown: dict[str, str] = field(default_factory=dict)  # by array, its name here
    own: dict[str, Place | Parts | None] = field(init=False)
    known: set[str] = field(init=False)  # what `names` may lead to

    def __post_init__(self) -> None:
        self.own = own_places(self.graph, self.layout or "graphnn")
        self.known = {each for name in self.own for each in _beginnings(name)}
        self.known |= self.graph.parameters.keys()

    @cached_property
    def turned(self) -> frozenset[str]:
        """Nodes whose matrices torch has as they are here; see `Graph.torch_turned`."""
        return self.graph.torch_turned()

    @cached_property
    def beginnings(self) -> set[str]:
        """What names of arrays begin with, and they themselves."""
        return {each for name in self.held for each in _beginnings(name)}

    @cached_property
    def unclaimed(self) -> dict[tuple[int, ...], list[str]]:
        """Parameters that no array is for, by the shape that an array would have."""
        parts = (part for each in self._of_parts() for part in each.parts)
        named = {*self.taken, *self.meant, *(part.parameter for part in parts)}
        found: dict[tuple[int, ...], list[str]] = {}
        for place in self.own.values():
            if isinstance(place, Place) and place.parameter not in named:
                named.add(place.parameter)
                shape = place.shape(self.graph.parameters[place.parameter].shape)
                found.setdefault(shape, []).append(place.parameter)
        return found

    def check_names(self) -> None:
        """Refuse names of arrays that there are not, and of parameters."""
        for name, entry in self.names.items():
            if name not in self.beginnings:
                candidates = tuple(islice(self.held, _MAX_CANDIDATES))
                help = suggestion(name, candidates, f"its arrays are {listed(candidates)}")
                message = f"{self.origin} has no array '{name}'"
                self.findings.error("unknown-array", message, entry.key.span, help=help)
            target = _target(entry)
            if target is not None and target not in self.known:
                self._unknown_target(target, entry)

    def _unknown_target(self, target: str, entry: Entry) -> None:
        """Report what stands for no parameter; what is meant is not missing then."""
        spec = self.graph.spec
        parts = (*self.graph.nodes, *spec.calls) if "." not in target else self.graph.parameters
        close = nearest(target, islice(parts, _MAX_CANDIDATES))
        message = f"'{target}' is neither a parameter nor a node of the network"
        help = f"did you mean '{close}'?" if close else ""
        self.findings.error("unknown-parameter", message, entry.value.span, help=help)
        start = f"{close}." if close else ""  # without help, it may be any
        self.meant |= {name for name in self.graph.parameters if f"{name}.".startswith(start)}

    def _candidates(self) -> Iterator[str]:
        return islice((name for name, place in self.own.items() if place), _MAX_CANDIDATES)

    def array(self, name: str, shape: tuple[int, ...] | None) -> None:
        """Find the place of one array."""
        found = self._place(name)
        if isinstance(found, str):
            self.unknown[name] = found
        elif isinstance(found, Parts):
            self._array_of_parts(name, shape, found)
        elif found is not None:
            first = self.taken.setdefault(found.parameter, name)
            if shape is None:
                self._not_numbers(name)
            elif shape != found.shape(self.graph.parameters[found.parameter].shape):
                self._misshapen(name, shape, found)
            elif self._is_ambiguous(name, shape, found):
                self._ambiguous(name, found)
            elif first != name and not self._are_tied(first, name):
                self._both(first, name, found.parameter)
            self.places[name] = found

    def _array_of_parts(self, name: str, shape: tuple[int, ...] | None, found: Parts) -> None:
        """Take an array whose parts are added to parameters."""
        for part in found.parts:  # other names of these are compared when they are read
            self.taken.setdefault(part.parameter, name)
        first = self.of_parts.setdefault(found.name, name)
        if first != name:
            self._both(first, name, found.name)
        if shape is None:
            self._not_numbers(name)
        elif shape != found.shape:
            message = f"'{name}' has shape {show(shape)} in {self.origin}"
            help = f"in torch it has shape {show(found.shape)}"
            self.findings.error("wrong-shape", message, help=help)
        self.places[name] = found

    def check_parts(self) -> None:
        """Refuse a part of a parameter without the others, which would count as 0."""
        found = [place for place in self.places.values() if isinstance(place, Parts)]
        names, begun = {each.name for each in found}, {each.node for each in found}
        known = {*self.meant}  # these are misspelt, and reported
        for each in self._of_parts():
            parameters = [part.parameter for part in each.parts]
            if each.node in begun and each.name not in names and not known >= {*parameters}:
                message = (
                    f"{self.origin} has no array '{each.name}', a part of {listed(parameters)}"
                )
                self.findings.error("missing-parameter", message)
                self.meant.update(parameters)

    def _of_parts(self) -> Iterator[Parts]:
        return (place for place in self.own.values() if isinstance(place, Parts))

    def _not_numbers(self, name: str) -> None:
        message = f"'{name}' in {self.origin} is not an array of numbers"
        self.findings.error("not-numbers", message)

    def _both(self, first: str, second: str, place: str) -> None:
        both = f"'{first}' and '{second}' in {self.origin}"
        self.findings.error("bad-parameter", f"{both} are both values of '{place}'")

    def _place(self, name: str) -> Place | Parts | str | None:
        """The place of an array; None where it is left out; its name here, if there is none."""
        key = next((each for each in _beginnings(name) if each in self.names), None)
        if key is not None:
            target = _target(self.names[key])
            if target is None or target not in self.known:
                return None  # or reported as such
            if key == name and target in self.graph.parameters:
                return Place(target, self.layout == "torch" and self._is_reversed(target))
            name = target + name.removeprefix(key)
        return self.own.get(name, name)

    def _is_ambiguous(self, name: str, shape: tuple[int, ...], place: Place) -> bool:
        """Whether an array under another name would fit either way round."""
        either = shape == shape[::-1] and self._is_reversed(place.parameter)
        return self.layout is None and either and name != place.parameter

    def _ambiguous(self, name: str, place: Place) -> None:
        message = f"'{place.parameter}' is square, so '{name}' may be its transpose, as in torch"
        help = "give the layout 'torch' if it is, else the layout 'graphnn'"
        self.findings.error("bad-parameter", message, help=help)

    def _is_reversed(self, parameter: str) -> bool:
        """Whether torch has the axes of a parameter in reverse order."""
        node, _, operand = parameter.rpartition(".")
        known = self.graph.nodes[node].op.torch_reversed
        return operand in known and node not in self.turned

    def _are_tied(self, *names: str) -> bool:
        """Whether they are names of one array in torch, which are compared when they are read."""
        return self.layout == "torch" and self.names.keys().isdisjoint(names)

    def check_unknown(self) -> None:
        """Report arrays that are not parameters; what is meant is not missing then."""
        foreign = bool(self.names) or self.layout == "torch"
        for name, here in self.unknown.items():
            fitting = self.unclaimed.get(self.held[name] or (), []) if foreign else []
            help = ""
            if fitting:
                written = f"write names: {{{name}: {fitting[0]}}}"
                help = f"by its shape it may be {listed(fitting)}: {written}"
                self.meant.update(fitting[:1] if len(fitting) == 1 else ())
            elif close := nearest(here, self._candidates()):
                help = f"did you mean '{close}'?"
                self.meant |= parameters_of(self.own[close])
            elif foreign:
                help = f"to leave it out, write names: {{{name}: false}}"
            message = f"'{name}' in {self.origin} is not a parameter of the network"
            self.findings.error("unknown-parameter", message, help=help)

    def _misshapen(self, name: str, shape: tuple[int, ...], place: Place) -> None:
        own = self.graph.parameters[place.parameter].shape
        there = show(shape) if name == place.parameter else f"'{name}' has {show(shape)}"
        help = ""
        if place.reverse:
            help = f"in torch it has shape {show(own[::-1])}"
        elif shape == own[::-1] and self._is_reversed(place.parameter):
            help = "torch has it in this shape: if it is of torch, give the layout 'torch'"
        message = f"'{place.parameter}' has shape {show(own)}, but {there} in {self.origin}"
        self.findings.error("wrong-shape", message, help=help)

    def missing(self, needed: Iterable[str]) -> None:
        """Refuse the lack of those `needed`; what is misspelt is reported once."""
        missing = [name for name in needed if name not in self.taken and name not in self.meant]
        if missing:
            message = f"{self.origin} has no value for {listed(missing)}"
            help = "a spec takes part of its parameters by weights: {file: NAME, partial: true}"
            self.findings.error("missing-parameter", message, help=help)


def _target(entry: Entry) -> str | None:
    """What an array is here; None where it is left out."""
    value = entry.value.value if isinstance(entry.value, Scalar) else None
    return value if isinstance(value, str) else None


def _beginnings(name: str) -> Collection[str]:
    """`name`, and what comes before each of its dots, the longest first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]

"""The registry of data sources, and how all of them read what a spec asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from graphnn.diagnostics import DataError, Findings, Span, listed
from graphnn.spec import FieldReader
from graphnn.spec.values import Mapping as Located
from graphnn.spec.values import Scalar, Value
from graphnn.training.data.columns import Column, InputRequirements, InputSpec
from graphnn.training.data.faults import Faults, not_fed, refuse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What a spec asks of a source.

    Attributes
    ----------
    kind : str
        The source's name.
    value : Value
        What stands behind that name.
    demand : Demand
        The inputs to be fed.
    folder : Path
        Files lie in this folder's tree.
    classes : mapping of str to tuple of str, or None
        For a second set, what class numbers of an input stand for in the first; None for a first.
    faults : Faults
        Takes what is at fault while the rest is read.
    """

    kind: str
    value: Value
    demand: InputRequirements
    folder: Path
    classes: Mapping[str, tuple[str, ...]] | None = None
    faults: Faults = field(default_factory=Faults)

    @property
    def needs(self) -> Mapping[str, InputSpec | None]:
        """What the inputs that are surely to be fed take."""
        return self.demand.needs

    def narrowed(self, names: Collection[str]) -> Request:
        """For the inputs `names` alone, as nothing tells what is meant to feed the others."""
        needs = {name: need for name, need in self.needs.items() if name in names}
        return replace(self, demand=replace(self.demand, needs=needs, complete=False))

    def fed(self, given: Mapping[str, T]) -> dict[str, T | None]:
        """What the spec names to feed each input: the `given`, and None for the others."""
        return {**dict.fromkeys(self.needs), **given}


@dataclass(frozen=True, slots=True)
class Found:
    """What a source gives: a name for the set, a column an input, and where its test rows start."""

    name: str
    columns: dict[str, Column]
    train_rows: int | None = None


Source = Callable[[Request], Found]
SOURCES: dict[str, Source] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Register a function as the source that specs call `name`."""

    def register(read: Source) -> Source:
        SOURCES[name] = read
        return read

    return register


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name that the spec gives, and where."""

    name: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class FileRequest(Generic[T]):
    """A file, and what to take from it for the inputs that the spec mentions."""

    file: Wanted
    given: dict[str, T]


def by_input(
    request: Request, value: Located, but: tuple[str, ...] = ()
) -> tuple[Request, dict[str, Value]]:
    """The values of a mapping whose keys are inputs, or may be; others, not in `but`, are told.

    With them comes the request that is left: another key may be meant for any input not given.
    """
    findings = Findings()
    demand, inputs = request.demand, (*request.needs, *request.demand.maybe)
    names = (*inputs, *but)
    for key, entry in value.entries.items():
        if key not in names and not demand.is_lost(key):
            message, help = not_fed(key, names, f"its inputs are {listed(inputs)}", demand.idle)
            findings.error("unknown-input", message, entry.key.span, help=help)
    given = {k: v for k, v in value.items() if k not in but and (k in inputs or demand.is_lost(k))}
    request.faults.keep(findings)
    return request.narrowed(given) if findings.errors else request, given


def demand_all(request: Request, given: Mapping[str, Value]) -> None:
    """Tell the inputs that a request leaves without data."""
    findings = Findings()
    for name in request.needs:
        if name not in given:
            findings.error(
                "missing-input",
                f"'{request.kind}' names nothing to feed input '{name}'",
                request.value.span,
            )
    request.faults.keep(findings)


def file_request(
    request: Request, read: Callable[[str, Value], T]
) -> tuple[Request, FileRequest[T]]:
    """``NAME``, or ``{file: NAME, INPUT: ...}``, taken apart by `read`; and the request left.

    Without the inputs for which that names nothing sensible.
    """
    value = request.value
    if not isinstance(value, Located):
        return request, FileRequest(text(value, f"the file of '{request.kind}'"), {})
    request, values = by_input(request, value, but=("file",))
    given = request.faults.each(values, read)
    if len(given) < len(values):
        request = request.narrowed({*request.needs} - (values.keys() - given.keys()))
    file = value.get("file")
    if file is None:
        request.faults.tell()  # of a key that may be meant for it
        raise refuse(
            "missing-key",
            f"'{request.kind}' has no 'file'",
            value.span,
            help=f"write `{request.kind}: {{file: NAME, ...}}`",
        )
    return request, FileRequest(text(file, f"the file of '{request.kind}'"), given)


def text(value: Value, what: str) -> Wanted:
    """The text that `value` is; a whole number counts as its digits."""
    if isinstance(value, Scalar) and type(value.value) in (str, int):
        return Wanted(str(value.value), value.span)
    findings = Findings()
    FieldReader(findings).wrong(what, "a text", value)
    raise DataError(*findings.errors)

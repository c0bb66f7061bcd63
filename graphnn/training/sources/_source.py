"""The registry of data sources, and how all of them read what a spec asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from graphnn.errors import DataError, Findings, Span, listed, suggestion
from graphnn.spec.take import Taker
from graphnn.spec.values import Mapping as Located
from graphnn.spec.values import Scalar, Value
from graphnn.training.columns import Column, Demand, InputNeed
from graphnn.training.faults import refuse


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
    """

    kind: str
    value: Value
    demand: Demand
    folder: Path
    classes: Mapping[str, tuple[str, ...]] | None = None

    @property
    def needs(self) -> Mapping[str, InputNeed | None]:
        """What the inputs that are surely to be fed take."""
        return self.demand.needs

    def fed(self, given: Mapping[str, Value]) -> dict[str, Value | None]:
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
class FileRequest:
    """A file, and what to take from it for the inputs that the spec mentions."""

    file: Wanted
    values: dict[str, Value]


def by_input(request: Request, value: Located, but: tuple[str, ...] = ()) -> dict[str, Value]:
    """The values of a mapping whose keys are inputs, or one of `but`; or may be inputs.

    Raises
    ------
    DataError
        For every key that is neither.
    """
    findings = Findings()
    demand, inputs = request.demand, (*request.needs, *request.demand.maybe)
    names = (*inputs, *but)
    for key, entry in value.entries.items():
        if key not in names and not demand.is_lost(key):
            help = suggestion(key, names, f"its inputs are {listed(inputs)}")
            message = f"the network has no input '{key}' to feed"
            if key in demand.idle:
                message, help = demand.idle[key], f"leave '{key}' out, or choose another loss"
            findings.error("unknown-input", message, entry.key.span, help=help)
    findings.raise_errors(DataError)
    return {key: item for key, item in value.items() if key not in but}


def demand_all(request: Request, given: Mapping[str, Value]) -> None:
    """Refuse a request that leaves an input without data."""
    findings = Findings()
    for name in request.needs:
        if name not in given:
            findings.error(
                "missing-input",
                f"'{request.kind}' names nothing to feed input '{name}'",
                request.value.span,
            )
    findings.raise_errors(DataError)


def file_request(request: Request) -> FileRequest:
    """``NAME``, or ``{file: NAME, INPUT: ...}``, taken apart."""
    value = request.value
    if not isinstance(value, Located):
        return FileRequest(text(value, f"the file of '{request.kind}'"), {})
    values = by_input(request, value, but=("file",))
    file = value.get("file")
    if file is None:
        raise refuse(
            "missing-key",
            f"'{request.kind}' has no 'file'",
            value.span,
            help=f"write `{request.kind}: {{file: NAME, ...}}`",
        )
    return FileRequest(text(file, f"the file of '{request.kind}'"), values)


def text(value: Value, what: str) -> Wanted:
    """The text that `value` is; a whole number counts as its digits."""
    if isinstance(value, Scalar) and type(value.value) in (str, int):
        return Wanted(str(value.value), value.span)
    findings = Findings()
    Taker(findings).wrong(what, "a text", value)
    raise DataError(*findings.errors)

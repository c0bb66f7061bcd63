"""What a data source is: a class that states its keys, and reads what a spec asks of it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, TypeVar

from graphnn.diagnostics import DataError, Diagnostic, Faulty, Findings, Span, listed, suggestion
from graphnn.spec import FieldReader
from graphnn.spec.values import Map, Scalar, Seq, Value
from graphnn.training.data.columns import Column, InputRequirements, InputSpec
from graphnn.training.data.faults import Faults, for_each, not_fed

T = TypeVar("T")
MAX_WHOLE = 10**15
SOURCES: dict[str, DataSource] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """What a spec asks of a source.

    Attributes
    ----------
    kind : str
        The source's name.
    value : Value
        What stands behind that name.
    demand : InputRequirements
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
    def needs(self) -> Mapping[str, InputSpec | Faulty]:
        """What the inputs that are surely to be fed take."""
        return self.demand.needs

    def narrowed(self, names: Collection[str]) -> Request:
        """For the inputs `names` alone, as it is unknown what feeds the others."""
        needs = {name: need for name, need in self.needs.items() if name in names}
        return replace(self, demand=replace(self.demand, needs=needs, complete=False))

    def fed(self, given: Mapping[str, T]) -> dict[str, T | None]:
        """What the spec names to feed each input: the `given`, and None for the others."""
        return {**dict.fromkeys(self.needs), **given}


@dataclass(frozen=True, slots=True)
class Found:
    """What a source gives.

    Attributes
    ----------
    name : str
        Of the set.
    columns : dict of str to Column
        By input.
    train_rows : int or None
        Where its test rows start.
    warnings : tuple of Diagnostic
    """

    name: str
    columns: dict[str, Column]
    train_rows: int | None = None
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name that the spec gives, and where."""

    name: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Feed:
    """The names that the spec gives for an input or a key, and where."""

    names: list[Wanted]
    span: Span | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a spec says of a source: its own keys, and what is to feed each input mentioned."""

    keys: dict[str, Feed]
    feeds: dict[str, Feed]

    def one(self, key: str) -> Wanted:
        """The text of a key that must be given and takes one."""
        return self.keys[key].names[0]

    def choice(self, key: str) -> str | None:
        """The text of a key that takes one, or None where it is left out."""
        return self.one(key).name if key in self.keys else None

    def texts(self, key: str) -> list[Wanted]:
        """The texts of a key, none where it is left out."""
        return self.keys[key].names if key in self.keys else []


@dataclass(frozen=True, slots=True)
class Key:
    """A text that a source takes.

    Attributes
    ----------
    name : str
        The key, or what messages call the text that is given for an input.
    description : str
        One line about it.
    is_file : bool
        Whether it names a file or folder, which lies in the folder of the spec.
    choices : tuple of str
        What it may be; empty where it may be any text.
    many : bool
        Whether a list of such texts may stand in its place.
    optional : bool
        Whether it may be left out.
    hint : str
        Help where the text is not one of the choices.
    """

    name: str
    description: str
    is_file: bool = False
    choices: tuple[str, ...] = ()
    many: bool = False
    optional: bool = False
    hint: str = ""


class DataSource(ABC):
    """A kind of data that a spec may name; a subclass is a source, and all that there is to it.

    In a spec, a source is a mapping of its keys and of inputs. The text of its first key alone may
    stand in place of the mapping; if it has none, and a file feeds each input, a list of these.

    Attributes
    ----------
    name : str
        What specs call it.
    keys : tuple of Key
        Keys beside the names of inputs.
    feed : Key
        What is given for each input.
    needs_every_input : bool
        Whether something must be given for each input to be fed.
    elsewhere : tuple of str
        Other names for such data, which help then takes for it.
    """

    name: ClassVar[str]
    keys: ClassVar[tuple[Key, ...]] = ()
    feed: ClassVar[Key]
    needs_every_input: ClassVar[bool] = False
    elsewhere: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in vars(cls):  # one without a name is a base of others
            SOURCES[cls.name] = cls()

    @abstractmethod
    def read(self, request: Request, asked: Asked) -> Found:
        """The columns for the inputs of `request`.

        Raises
        ------
        DataError, FileError
            The data are not as they should be.
        """

    def load(self, request: Request) -> Found:
        """As `read`, of what `request` asks for."""
        return self.read(*self.asked(request))

    def asked(self, request: Request) -> tuple[Request, Asked]:
        """What a spec says of the source, and the request without the inputs of which it is wrong.

        Raises
        ------
        DataError
            A key is missing, or something else than a mapping makes no sense.
        """
        value = request.value
        if isinstance(value, Map):
            return self._of_mapping(request, value)
        if self.keys:
            key = self.keys[0]
            wanted = text(value, self._what(key))
            return request, Asked({key.name: Feed([wanted], value.span)}, {})
        if not self.feed.is_file:
            choices = self.feed.choices[:2] or ("...",)
            examples = ", ".join(f"INPUT: {choice}" for choice in choices)
            message = f"'{self.name}' must say what feeds each input, not be {value.kind}"
            help = f"write `{self.name}: {{{examples}}}`"
            raise DataError.of("wrong-type", message, value.span, help=help)
        return request, Asked({}, request.faults.each(self._in_order(request), self._feed))

    @property
    def text(self) -> str:
        """What its docstring says of it."""
        return inspect.cleandoc(self.__doc__ or "")

    def _of_mapping(self, request: Request, value: Map) -> tuple[Request, Asked]:
        request, values = _by_input(request, value, but=[key.name for key in self.keys])
        if self.needs_every_input:
            _demand_all(request, values)
        absent = [key for key in self.keys if key.name not in value.entries]
        missing = [key.name for key in absent if not key.optional]
        if missing:
            request.faults.raise_all()  # of a key that may be meant for it
        feeds = request.faults.each(values, self._feed)
        if missing:
            message = f"'{self.name}' has no '{missing[0]}'"
            help = f"write `{self.name}: {{{missing[0]}: NAME, ...}}`"
            raise DataError.of("missing-key", message, value.span, help=help)
        if len(feeds) < len(values):
            request = request.narrowed({*request.needs} - (values.keys() - feeds.keys()))
        keys = for_each(
            {key.name: key for key in self.keys if key not in absent},
            lambda name, key: self._key(key, value.entries[name].value),
        )
        return request, Asked(keys, feeds)

    def _key(self, key: Key, value: Value) -> Feed:
        """The texts of a key, each one of its choices if it has some."""
        found = _texts(key, value, self._what(key))
        for wanted in found.names:
            if key.choices and wanted.name not in key.choices:
                message = f"{self._what(key)} is {' or '.join(key.choices)}, not '{wanted.name}'"
                help = suggestion(wanted.name, key.choices, key.hint)
                raise DataError.of("bad-value", message, wanted.span, help=help)
        return found

    def _what(self, key: Key) -> str:
        return f"the {key.name} of '{self.name}'"

    def _feed(self, name: str, value: Value) -> Feed:
        """What the spec gives for the input `name`."""
        noun, choices = self.feed.name, self.feed.choices
        if self.feed.many and isinstance(value, Seq) and not value.items:
            raise DataError.of("no-columns", f"'{name}' is given no {noun}", value.span)
        found = _texts(self.feed, value, f"the {noun} for '{name}'")
        for wanted in found.names:
            if choices and wanted.name not in choices:
                message = f"'{self.name}' has no {noun} '{wanted.name}'"
                known = f"its {noun}s are {', '.join(choices)}"
                help = suggestion(wanted.name, choices, known)
                raise DataError.of("unknown-array", message, wanted.span, help=help)
        return found

    def _in_order(self, request: Request) -> Mapping[str, Value]:
        """The values of a list, for the inputs in their order."""
        value, needs = request.value, request.needs
        if not request.demand.complete:
            return {}  # it is unknown which file feeds which input
        items = value.items if isinstance(value, Seq) else [value]
        if len(items) != len(needs):
            wanted = f"'{self.name}' needs one file an input, {len(needs)} in all"
            help = f"the inputs are, in this order: {listed(needs)}"
            message = f"{wanted}, but names {len(items)}"
            raise DataError.of("wrong-count", message, value.span, help=help)
        return dict(zip(needs, items, strict=True))


def _by_input(request: Request, value: Map, but: Sequence[str]) -> tuple[Request, dict[str, Value]]:
    """The values of a mapping whose keys are inputs, or may be; others, not in `but`, are reported.

    With them comes the request that is left: another key may be meant for any input not given.
    """
    findings, demand = Findings(), request.demand
    names = (*request.needs, *but)
    given = {key: each for key, each in value.items() if key not in but and demand.find(key)}
    for key, entry in value.entries.items():
        if key not in but and key not in given:
            known = f"its inputs are {listed(request.needs)}"
            known += f"; '{request.kind}' also takes {listed(but)}" if but else ""
            message, help = not_fed(key, names, known, demand.idle)
            findings.error("unknown-input", message, entry.key.span, help=help)
    request.faults.keep(findings)
    return request.narrowed(given) if findings.errors else request, given


def _demand_all(request: Request, given: Mapping[str, Value]) -> None:
    """Report the inputs that a request leaves without data."""
    findings = Findings()
    for name in request.needs:
        if name not in given:
            message = f"'{request.kind}' names nothing to feed input '{name}'"
            findings.error("missing-input", message, request.value.span)
    request.faults.keep(findings)


def _texts(key: Key, value: Value, what: str) -> Feed:
    """The texts that are given for `key`: one, or a list where it takes several."""
    items = value.items if key.many and isinstance(value, Seq) else [value]
    found = for_each(dict(enumerate(items)), lambda _, each: text(each, what))
    return Feed([*found.values()], value.span)


def whole(
    asked: Asked, key: str, kind: str, *, least: int = 1, most: int = MAX_WHOLE
) -> int | None:
    """The whole number that a key of the source `kind` is given; None where it is left out."""
    if key not in asked.keys:
        return None
    wanted = asked.one(key)
    digits = wanted.name.isascii() and wanted.name.isdigit() and len(wanted.name) < 16
    if digits and least <= int(wanted.name) <= most:
        return int(wanted.name)
    bounds = f"of at least {least:,}" if most == MAX_WHOLE else f"from {least:,} to {most:,}"
    message = f"the {key} of '{kind}' must be a whole number {bounds}, not '{wanted.name}'"
    raise DataError.of("bad-value", message, wanted.span)


def text(value: Value, what: str) -> Wanted:
    """The text that `value` is; a whole number counts as its digits."""
    if isinstance(value, Scalar) and type(value.value) in (str, int):
        return Wanted(str(value.value), value.span)
    findings = Findings()
    FieldReader(findings).wrong(what, "a text", value)
    raise DataError(*findings.errors)

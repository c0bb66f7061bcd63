"""Located values: what a reader makes of a text, every value with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from graphnn.diagnostics import Source, Span

Plain = None | bool | int | float | str
NOWHERE = Source("<python>")


@dataclass(slots=True, eq=False, repr=False)
class Value:
    """A value and where it stands; lines and columns count from 0, as parsers give them."""

    source: Source = NOWHERE
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    @property
    def span(self) -> Span | None:
        """The place of this value, or None for one made in Python."""
        if self.source is NOWHERE:
            return None
        return Span(
            self.source, self.line + 1, self.column + 1, self.end_line + 1, self.end_column + 1
        )

    def span_of(self, word: str) -> Span | None:
        """The place of the first `word` in this value; all of the value where it shows none."""
        span = self.span
        if span is None or self.line != self.end_line or not word:
            return span
        line = self.source.line(span.line)
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        found = pattern.search(line, self.column, self.end_column)
        if found is None:
            return span
        return replace(span, column=found.start() + 1, end_column=found.end() + 1)

    @property
    def kind(self) -> str:
        """What a person would call this value, with its article."""
        return _KINDS[type(self.value) if isinstance(self, Scalar) else type(self)]


class Scalar(Value):
    """One plain value: null, true or false, a number, or a text."""

    __slots__ = ("value",)

    def __init__(
        self,
        value: Plain,
        source: Source = NOWHERE,
        line: int = 0,
        column: int = 0,
        end_line: int = 0,
        end_column: int = 0,
    ) -> None:
        # Not by super(): of a large file, making scalars is most of what reading costs.
        self.value = value
        self.source = source
        self.line = line
        self.column = column
        self.end_line = end_line
        self.end_column = end_column

    def __repr__(self) -> str:
        return f"Scalar({self.value!r})"


class Seq(Value):
    """A list of values."""

    __slots__ = ("items",)

    def __init__(self, items: list[Value], *place: Any) -> None:
        super().__init__(*place)
        self.items = items

    def __repr__(self) -> str:
        return f"Seq({self.items!r})"


@dataclass(slots=True)
class Entry:
    """One ``key: value`` of a mapping."""

    key: Scalar
    value: Value


class Map(Value):
    """Values by text key, in the order of the text."""

    __slots__ = ("entries",)

    def __init__(self, entries: dict[str, Entry], *place: Any) -> None:
        super().__init__(*place)
        self.entries = entries

    def __repr__(self) -> str:
        return f"Map({ {key: entry.value for key, entry in self.entries.items()}!r})"

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def get(self, key: str) -> Value | None:
        """The value of `key`, or None."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def items(self) -> Iterator[tuple[str, Value]]:
        """Keys with their values."""
        for key, entry in self.entries.items():
            yield key, entry.value


_KINDS: dict[type, str] = {
    **{type(None): "nothing", bool: "true or false", int: "a number", float: "a number"},
    **{str: "a text", Seq: "a list", Map: "a mapping"},
}


def place_of(value: Value) -> tuple[Source, int, int, int, int]:
    """Where `value` stands, as the arguments that put another one there."""
    return (value.source, value.line, value.column, value.end_line, value.end_column)


def scalar_value(value: Value | None) -> Plain:
    """What a scalar says; None for anything else."""
    return value.value if isinstance(value, Scalar) else None


def plain(value: Value) -> Any:
    """`value` as None, bool, int, float, str, list and dict, without places."""
    # Depth is bounded by the reader's limit, so this recursion is too.
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, Seq):
        return [plain(item) for item in value.items]
    assert isinstance(value, Map)
    return {key: plain(item) for key, item in value.items()}


def located(data: Any) -> Value:
    """Plain Python data as values without a place; arrays as the lists that they make."""
    if isinstance(data, str):
        return Scalar(data)
    if isinstance(data, dict):
        return Map({str(k): Entry(Scalar(str(k)), located(v)) for k, v in data.items()})
    if isinstance(data, list | tuple):
        return Seq([located(item) for item in data])
    return located(data.tolist()) if hasattr(data, "tolist") else Scalar(data)

"""The section ``search`` of a spec: which settings to vary, over what, and how to judge them."""

from __future__ import annotations

from graphnn.diagnostics import nearest, suggestion
from graphnn.spec._field_reader import brief, number_help
from graphnn.spec._section_reader import SectionReader
from graphnn.spec.forms import key_names
from graphnn.spec.model import RANGES, SearchedSpec, SearchKind, SearchSpec
from graphnn.spec.values import Entry, Map, Seq, Value, scalar_value
from graphnn.spec.writing.writer import flow

_KEYS = key_names(SearchSpec)
_MOST = 2**53  # a larger whole number would not keep its value as a float
_BY = "search by uniform, log_uniform or choice"
_SUCH_AS = "a mapping such as {uniform: [0.1, 1.0]}"


class SearchReader(SectionReader):
    """Takes the section ``search`` apart."""

    def search(self, entry: Entry) -> SearchSpec | None:
        """Which settings to vary; one at fault is left out."""
        body = self.mapping(entry.value, "'search'")
        if body is None:
            return None
        named = {name: found for name, found in body.entries.items() if name not in _KEYS}
        if not named:
            message = "'search' names no setting to vary"
            help = "add one, such as learning_rate: {log_uniform: [0.001, 1.0]}"
            self.findings.error("nothing-to-search", message, entry.key.span, help=help)
        settings = {name: self._setting(name, found) for name, found in named.items()}
        return SearchSpec(
            place=entry.key,
            settings={name: found for name, found in settings.items() if found},
            **self.record(SearchSpec, body),
        )

    def _setting(self, name: str, entry: Entry) -> SearchedSpec | None:
        value = entry.value
        if not isinstance(value, Map) or len(value.entries) != 1:
            # A misspelt 'metric' looks like a setting with a strange range.
            meant = None if isinstance(value, Map) else nearest(name, _KEYS)
            help = f"did you mean '{meant}'?" if meant else _BY
            self.wrong(f"what '{name}' is searched over", _SUCH_AS, value, help)
            return None
        by = next(iter(value.entries.values()))
        for kind in RANGES:
            if by.key.value == kind:
                choice = kind == "choice"
                found = self._choices(name, by) if choice else self._bounds(name, by, kind)
                return SearchedSpec(entry.key, kind, found) if found else None
        message = f"{brief(by.key)} is not a way to search"
        help = suggestion(str(by.key.value), RANGES, _BY)
        self.findings.error("unknown-key", message, by.key.span, help=help)
        return None

    def _choices(self, name: str, by: Entry) -> tuple[Value, ...] | None:
        if not isinstance(by.value, Seq) or not by.value.items:
            self.wrong(f"the choice of '{name}'", "a list of values", by.value)
            return None
        seen: dict[str, Value] = {}
        for item in by.value.items:
            if flow(item) in seen:
                message = f"{brief(item)} can be chosen twice for '{name}'"
                self.findings.error("duplicate-choice", message, item.span)
            seen.setdefault(flow(item), item)
        return tuple(seen.values())

    def _bounds(self, name: str, by: Entry, kind: SearchKind) -> tuple[Value, ...] | None:
        items = by.value.items if isinstance(by.value, Seq) else []
        numbers = [number for item in items if (number := _number(item)) is not None]
        if len(items) != 2 or len(numbers) != 2:
            wanted = "two numbers such as [0.1, 1.0]"
            self.wrong(f"the range of '{name}'", wanted, by.value, number_help(by.value))
            return None
        low, high = numbers
        problem = ""
        if not low < high:
            problem = f"'{name}' cannot range from {low} to {high}"
            help = "the second bound is the larger one"
        elif kind == "log_uniform" and low <= 0:
            problem = f"'{name}' cannot range from {low} on a logarithmic scale"
            help = "use bounds above 0, or uniform"
        elif max(abs(low), abs(high)) > _MOST and isinstance(low, int) and isinstance(high, int):
            problem = f"'{name}' ranges beyond 2**53"
            help = "write a bound with a decimal point to search over all numbers between"
        if problem:
            self.findings.error("bad-range", problem, by.value.span, help=help)
            return None
        return tuple(items)


def _number(value: Value) -> int | float | None:
    number = scalar_value(value)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return number if abs(number) <= 1e300 else None

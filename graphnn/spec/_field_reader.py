"""Typed values out of located ones, with one diagnostic for each that is of the wrong type."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from graphnn.diagnostics import Findings, Span, nearest, suggestion
from graphnn.spec.reading.scalars import comma_help, meant_truth, shortened
from graphnn.spec.values import Entry, Mapping, Scalar, Sequence, Value, place_of

VERSION = 1
MAX_NAME = 100
T = TypeVar("T", bound=str)
MAX_WHOLE = 2**63 - 1
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WITH_COMMAS = re.compile(r"[-+]?[0-9]+(?:,[0-9]+)+")
NAME_HELP = "a name holds letters, digits, '_' and '-', and starts with a letter or '_'"


def brief(value: Value) -> str:
    """`value` in a few words, for a message."""
    if isinstance(value, Scalar) and value.value is not None:
        text = str(value.value)
        shown = text if len(text) <= 40 else text[:37] + "..."
        return f"'{shown}'" if isinstance(value.value, str) else shown.lower()
    if isinstance(value, Sequence) and not value.items:
        return "an empty list"
    if isinstance(value, Mapping) and not value.entries:
        return "an empty mapping"
    return value.kind


def unlike(value: Value) -> str:
    """The end of a sentence that has said what `value` must be."""
    if isinstance(value, Scalar) and value.value is None:
        return "but it is empty"
    return f"not {brief(value)}"


def truth_help(value: Value) -> str:
    """Help for a text in the place of a truth value."""
    word = meant_truth(value.value) if isinstance(value, Scalar) else ""
    return f"write {word}: {brief(value)} is a text" if word else ""


def number_help(value: Value) -> str:
    """Help for a text such as ``1,000`` in the place of a number."""
    text = value.value if isinstance(value, Scalar) else None
    return comma_help(text) if isinstance(text, str) and _WITH_COMMAS.fullmatch(text) else ""


def size_help(value: Value) -> str:
    """Help for a text that is no size."""
    otherwise = "a size is made of whole numbers, names of sizes, + - * // and brackets"
    return number_help(value) or otherwise


class FieldReader:
    """Takes values apart; what does not fit goes to `findings` and comes back as None."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def wrong(self, what: str, wanted: str, value: Value, help: str = "") -> None:
        """Report that `what` must be `wanted`."""
        self.findings.error(
            "wrong-type", f"{what} must be {wanted}, {unlike(value)}", value.span, help=help
        )

    def lacks(self, mapping: Mapping, message: str, help: str, at: Value | None = None) -> None:
        """Report that `mapping` lacks a key, unless a key of its own was told to be at fault."""
        inside = [span for entry in mapping.entries.values() for span in _places(entry)]
        for told in self.findings.settled:
            if told.touches(mapping.span) and not any(told.touches(place) for place in inside):
                return
        first = next((entry.key for entry in mapping.entries.values()), mapping)
        self.findings.error("missing-key", message, (at or first).span, help=help)

    def mapping(
        self, value: Value | None, what: str, wanted: str = "a mapping", form: str = ""
    ) -> Mapping | None:
        """`value` if it is a mapping; `form` shows one, with TEXT for what stands there alone."""
        if value is None or isinstance(value, Mapping):
            return value
        self.wrong(what, wanted, value, _as_mapping(value, form))
        return None

    def text(self, value: Value | None, what: str, default: str = "") -> str:
        """`value` if it is a text."""
        if value is None:
            return default
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return value.value
        self.wrong(what, "a text", value)
        return default

    def boolean(self, value: Value | None, what: str, default: bool) -> bool:
        """`value` if it is true or false."""
        if value is None:
            return default
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            return value.value
        self.wrong(what, "true or false", value, truth_help(value))
        return default

    def whole(self, value: Value | None, what: str, default: int, least: int) -> int:
        """`value` if it is a whole number of at least `least`."""
        if value is None:
            return default
        number = value.value if isinstance(value, Scalar) else None
        if type(number) is int and least <= number <= MAX_WHOLE:
            return number
        bound = f"least {least}"
        if type(number) is int and number > MAX_WHOLE:
            bound = "most 2**63 - 1"
        self.wrong(what, f"a whole number of at {bound}", value, number_help(value))
        return default

    def tolerance(self, value: Value | None, what: str, default: float) -> float:
        """`value` if it is a number that is not negative."""
        if value is None:
            return default
        number = value.value if isinstance(value, Scalar) else None
        # An int may be too large for float(), but not for a comparison.
        if (
            isinstance(number, int | float)
            and not isinstance(number, bool)
            and 0 <= number <= sys.float_info.max
        ):
            return float(number)
        self.wrong(what, "a number of at least 0", value, number_help(value))
        return default

    def choice(self, value: Value | None, what: str, options: tuple[T, ...]) -> T:
        """`value` if it is one of `options`; the first of them when it is left out."""
        if value is None:
            return options[0]
        text = value.value if isinstance(value, Scalar) else None
        for option in options:
            if text == option:
                return option
        listed = f"{', '.join(options[:-1])} or {options[-1]}"
        self.wrong(what, listed, value, suggestion(str(text), options))
        return options[0]

    def keys(
        self,
        value: Mapping,
        allowed: Iterable[str],
        where: str,
        elsewhere: Callable[[str], str] = lambda key: "",
    ) -> Mapping:
        """Report every key of `value` that is not `allowed`; `elsewhere` tells where it goes.

        Returns
        -------
        Mapping
            `value` with each such key under the allowed one that it seems to mean, so that what
            it holds is checked too and nothing is told to be missing.
        """
        names = tuple(allowed)
        value = self._indented(value, names)
        entries = {key: entry for key, entry in value.entries.items() if key in names}
        for key, entry in value.entries.items():
            if key not in names:
                self.unknown_key(entry, where, names, elsewhere(key))
                entries.setdefault(nearest(key, names) or key, entry)
        return Mapping(entries, *place_of(value))

    def _indented(self, value: Mapping, names: Collection[str]) -> Mapping:
        """`value` with what seems to belong to an empty key put under it, which is told once."""
        entries: dict[str, Entry] = {}
        empty: Entry | None = None  # the last key, where it has no value
        inside: dict[str, Entry] = {}  # what seems to belong to it
        for key, entry in value.entries.items():
            # Only without brackets do keys start where their mapping does.
            open_ = value.span is not None and entry.key.column == value.column
            if empty is not None and open_ and key not in names:
                if not inside:
                    message = (
                        f"'{empty.key.value}' is empty, but what follows seems to belong to it"
                    )
                    help = "indent the lines that belong to it, by 2 spaces for example"
                    self.findings.error("wrong-type", message, empty.key.span, help=help)
                    below = Mapping(inside, *place_of(empty.value))
                    entries[str(empty.key.value)] = Entry(empty.key, below)
                inside[key] = entry
                continue
            entries[key] = entry
            hollow = isinstance(entry.value, Scalar) and entry.value.value is None
            empty, inside = (entry if hollow and open_ and key in names else None), {}
        return Mapping(entries, *place_of(value))

    def unknown_key(
        self, entry: Entry, where: str, names: Iterable[str], elsewhere: str = ""
    ) -> None:
        """Report the key of `entry`, with the nearest of `names`, or else where it goes."""
        names = tuple(names)
        listed = f"its keys are {', '.join(names)}" if len(names) > 1 else f"its key is {names[0]}"
        self.findings.error(
            "unknown-key",
            f"{where} has no key '{entry.key.value}'",
            entry.key.span,
            help=suggestion(str(entry.key.value), names, elsewhere or listed),
        )

    def name(self, key: Scalar, what: str) -> bool:
        """Whether `key` is a name of the language; reports it when not."""
        text = str(key.value)
        if len(text) <= MAX_NAME and NAME.fullmatch(text):
            return True
        help = NAME_HELP
        message = f"{brief(key)} cannot be the name of {what}"
        if len(text) > MAX_NAME:
            message = f"the name of {what} has {len(text)} characters, {brief(key)}"
            help = f"a name has at most {MAX_NAME} characters"
        self.findings.error("bad-name", message, key.span, help=help)
        return False

    def version(self, document: Mapping, what: str) -> None:
        """Report a `document` that is not in this version of the language."""
        value = document.get("graphnn")
        if value is None:
            self.lacks(
                document,
                f"{what} does not say which version of the language it is in",
                f"put 'graphnn: {VERSION}' at its top",
            )
        elif not isinstance(value, Scalar) or type(value.value) is not int:
            help = f"write 'graphnn: {VERSION}', without quotes or a point"
            self.wrong("'graphnn'", f"the number {VERSION}", value, help)
        elif value.value != VERSION:
            self.findings.error(
                "unknown-version",
                f"{what} is in version {brief(value)} of the language",
                value.span,
                help=f"this graphnn reads version {VERSION}",
            )


def _as_mapping(value: Value, form: str) -> str:
    """Help for what is no mapping, though one must be there."""
    if isinstance(value, Sequence):
        return "write its entries as 'key: value', without '- ' and '[ ]'"
    alone = isinstance(value, Scalar) and value.value is not None
    text = shortened(str(value.value)) if isinstance(value, Scalar) and alone else "..."
    return f"write {form.replace('TEXT', text)}" if form else ""


def _places(entry: Entry) -> list[Span]:
    return [span for span in (entry.key.span, entry.value.span) if span is not None]

"""Typed values out of located ones, with one diagnostic for each that is of the wrong type."""

from __future__ import annotations

import re
import sys
from fractions import Fraction

from graphnn.diagnostics import Code, Findings, Note, suggestion
from graphnn.spec.reading.scalars import comma_help, meant_number, meant_truth, shortened
from graphnn.spec.values import Map, Scalar, Seq, Value, place_of, scalar_value

VERSION = 1
MAX_NAME = 100
MAX_WHOLE = 2**63 - 1
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
AMOUNT_PATTERN = r"^[0-9]+(_[0-9]+)*(\.[0-9]+)?[kMGT]?$"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_WITH_COMMAS = re.compile(r"[-+]?[0-9]+(?:,[0-9]+)+")
_LONGEST_NUMBER = 40
_UNKNOWN_AXES = ("-1", "-1.0", "none", "?")  # what others write for a size that only a run knows
NAME_HELP = "a name holds letters, digits, '_' and '-', and starts with a letter or '_'"


def brief(value: Value) -> str:
    """`value` in a few words, for a message."""
    if isinstance(value, Scalar) and value.value is not None:
        text = str(value.value)
        shown = text if len(text) <= 40 else text[:37] + "..."
        return f"'{shown}'" if isinstance(value.value, str) else shown.lower()
    if isinstance(value, Seq) and not value.items:
        return "an empty list"
    if isinstance(value, Map) and not value.entries:
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


def number_help(value: Value, *, whole: bool = False) -> str:
    """Help for a number written otherwise: ``1,000``, ``1_000``; ``1e1`` for a `whole` one."""
    given = scalar_value(value)
    if isinstance(given, float) and whole and given >= 1 and given.is_integer():
        return f"write {given:.0f}"
    if not isinstance(given, str) or len(given) > _LONGEST_NUMBER:
        return ""
    if _WITH_COMMAS.fullmatch(given):
        return comma_help(given)
    meant = meant_number(given)
    if not meant or (whole and not (float(meant) >= 1 and float(meant).is_integer())):
        return ""
    written = f"{float(meant):.0f}" if whole else meant
    return f"write {written}, without quotes" if written == given else f"write {written}"


def size_problem(what: str, value: Value, problem: str, reason: str) -> tuple[str, str]:
    """What is wrong with `value` in the place of a size, and help; see `SizeError.reason`."""
    if reason == "type":
        message = f"{what} must be a whole number or the name of a size, {unlike(value)}"
        return message, number_help(value, whole=True)
    text = isinstance(value, Scalar) and isinstance(value.value, str)
    message = f"{what}, {brief(value)}: {problem}" if text else f"{what}: {problem}"
    if reason == "empty":
        return message, "an array without entries has no mean, no largest entry and no gradient"
    otherwise = "a size is made of whole numbers, names of sizes, + - * // and brackets"
    return message, (number_help(value, whole=True) or otherwise) * (reason == "text")


def free_size_help(value: Value) -> str:
    """Help for ``-1``, ``None`` or nothing in the place of a size along an axis."""
    if not isinstance(value, Scalar) or str(value.value).lower() not in _UNKNOWN_AXES:
        return ""
    return "write batch for the number of samples, or the name of a size that is free"


class FieldReader:
    """Takes values apart; what does not fit goes to `findings` and comes back as None."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def wrong(self, what: str, wanted: str, value: Value, help: str = "") -> None:
        """Report that `what` must be `wanted`."""
        self.findings.error(
            "wrong-type", f"{what} must be {wanted}, {unlike(value)}", value.span, help=help
        )

    def twice(
        self,
        code: Code,
        message: str,
        second: Value,
        first: Value,
        note: str = "it is first listed here",
        help: str = "",
    ) -> None:
        """Report `second`, which does not go with `first`; `note` says what that is."""
        self.findings.error(code, message, second.span, notes=(Note(note, first.span),), help=help)

    def mapping(
        self, value: Value | None, what: str, wanted: str = "a mapping", form: str = ""
    ) -> Map | None:
        """`value` if it is a mapping; `form` shows one, with TEXT for what stands there alone."""
        if value is None or isinstance(value, Map):
            return value
        self.wrong(what, wanted, value, _as_mapping(value, form))
        return None

    def text(self, value: Value, what: str) -> str | None:
        """`value` if it is a text."""
        found = self.word(value, what, "a text")
        return None if found is None else str(found.value)

    def word(self, value: Value, what: str, wanted: str, *, empty: bool = True) -> Scalar | None:
        """`value` if it is a text; with its place. `empty` says whether it may be."""
        if isinstance(value, Scalar) and isinstance(value.value, str) and (value.value or empty):
            return value
        self.wrong(what, wanted, value)
        return None

    def boolean(self, value: Value, what: str) -> bool | None:
        """`value` if it is true or false."""
        if isinstance(value, Scalar) and isinstance(value.value, bool):
            return value.value
        self.wrong(what, "true or false", value, truth_help(value))
        return None

    def whole(self, value: Value, what: str, least: int) -> int | None:
        """`value` if it is a whole number of at least `least`."""
        number = scalar_value(value)
        if type(number) is int and least <= number <= MAX_WHOLE:
            return number
        bound = f"least {least}"
        if type(number) is int and number > MAX_WHOLE:
            bound = "most 2**63 - 1"
        self.wrong(what, f"a whole number of at {bound}", value, number_help(value, whole=True))
        return None

    def amount(self, value: Value, what: str) -> Scalar | None:
        """A whole number that may be written as ``100_000``, ``20k`` or ``1.5M``."""
        given = scalar_value(value)
        found = -1
        if type(given) is int:
            found = given
        elif isinstance(given, str) and len(given) < 40 and re.match(AMOUNT_PATTERN, given):
            unit = given[-1] if given[-1] in _UNITS else ""
            exact = Fraction(given.removesuffix(unit).replace("_", "")) * _UNITS[unit]
            found = int(exact) if exact.denominator == 1 else -1
        if isinstance(value, Scalar) and 0 <= found <= MAX_WHOLE:
            return Scalar(found, *place_of(value))
        self.wrong(what, "a whole number, such as 100_000 or 5M", value)
        return None

    def count(self, value: Value, what: str, least: int) -> Scalar | None:
        """As `whole`, with its place."""
        found = self.whole(value, what, least)
        return value if found is not None and isinstance(value, Scalar) else None

    def tolerance(self, value: Value, what: str) -> float | None:
        """`value` if it is a number that is not negative."""
        number = scalar_value(value)
        # An int may be too large for float(), but not for a comparison.
        if (
            isinstance(number, int | float)
            and not isinstance(number, bool)
            and 0 <= number <= sys.float_info.max
        ):
            return float(number)
        self.wrong(what, "a number of at least 0", value, number_help(value))
        return None

    def choice(self, value: Value, what: str, options: tuple[str, ...]) -> str | None:
        """`value` if it is one of `options`."""
        text = scalar_value(value)
        if isinstance(text, str) and text in options:
            return text
        listed = f"{', '.join(options[:-1])} or {options[-1]}"
        self.wrong(what, listed, value, suggestion(str(text), options))
        return None

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


def _as_mapping(value: Value, form: str) -> str:
    """Help for a value that is not a mapping, where one is required."""
    if isinstance(value, Seq):
        return "write its entries as 'key: value', without '- ' and '[ ]'"
    alone = isinstance(value, Scalar) and value.value is not None
    text = shortened(str(value.value)) if isinstance(value, Scalar) and alone else "..."
    return f"write {form.replace('TEXT', text)}" if form else ""

"""What is reported of a key that a mapping cannot have, or that has no value."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from graphnn.diagnostics import Diagnostic, Note, Span
from graphnn.spec._field_reader import NAME, NAME_HELP
from graphnn.spec.reading.scalars import comma_help, shortened
from graphnn.spec.values import Entry, Plain, Scalar, Value

_MOST = 100  # keys at either end of a mapping that each repeated one looks at
_TEXTS = ("about", "description", "name")  # keys whose values are texts for people


def merge(key: Value) -> Diagnostic:
    """Of the key ``<<``."""
    return Diagnostic(
        "merge-key",
        "the merge key '<<' is not allowed",
        key.span,
        help="YAML 1.2 has none: write the keys out",
    )


def too_long(key: Value, text: str, limit: int) -> Diagnostic:
    """Of a key of more than `limit` characters."""
    shown = f"the key '{shortened(text)}' has {len(text):,} characters, more than {limit:,}"
    return Diagnostic("key-too-long", shown, key.span)


def twice(key: Value, text: str, first: Scalar) -> Diagnostic:
    """Of a key that the mapping has already."""
    return Diagnostic(
        "duplicate-key",
        f"the key '{text}' is given twice in one mapping",
        key.span,
        notes=(Note("first given here", first.span),),
        help="remove one of the two, or rename it",
    )


def unindented(key: Scalar) -> Diagnostic:
    """Of an empty key, when what it should hold stands beside it."""
    message = f"'{key.value}' is empty, but what follows seems to belong to it"
    help = "indent the lines that belong to it, by 2 spaces for example"
    return Diagnostic("wrong-type", message, key.span, help=help)


def empty_before(key: Plain, entries: dict[str, Entry]) -> list[str]:
    """The empty key to which a repeated `key` seems to belong, and those after it; or none.

    The first must follow an empty key too: then nothing below these is indented.
    """
    owned = _up_to_empty(reversed(entries), key, entries) if key in entries else []
    return owned[::-1] if owned and _up_to_empty(entries, key, entries) else []


def _up_to_empty(names: Iterable[str], key: Plain, entries: dict[str, Entry]) -> list[str]:
    """The first names up to that of an empty value; none where `key` or too many come before."""
    passed = []
    for name in islice(names, _MOST):
        if name == key:
            break
        passed.append(name)
        if is_empty(entries[name].value):
            return passed
    return []


def not_text(key: Value, written: str) -> Diagnostic:
    """Of a key that is not a text; `written` is how the file has it."""
    if not isinstance(key, Scalar):
        message, help = f"a key cannot be {key.kind}", "use a text as the key"
    elif is_empty(key):
        message, help = "a key is empty", "write a name before the ':'"
    else:
        message = f"the key '{shortened(written)}' is {key.kind}, not a text"
        help = f"put it in quotes: '{shortened(written)}'"
        if written.startswith("*"):
            help = "use a text as the key"
        elif not NAME.fullmatch(written):
            help = NAME_HELP
    return Diagnostic("key-not-text", message, key.span, help=help)


def is_empty(value: Value) -> bool:
    """Whether nothing is written where `value` stands."""
    if not isinstance(value, Scalar) or value.value is not None:
        return False
    return (value.line, value.column) == (value.end_line, value.end_column)


def missing_value(texts: tuple[str, ...], span: Span | None, of: str = "") -> Diagnostic:
    """The fault of the last of `texts`, a key without a value.

    Parameters
    ----------
    texts : tuple of str
        What stands between commas: the value before such keys, if there is one, and the keys.
    span : Span or None
        From the first of them to the last.
    of : str
        The key of the value.
    """
    key = shortened(texts[-1])
    help = f"write '{key}:' and a value, or take the brackets away"
    if len(texts) > 1:
        parts = ", ".join(shortened(text.strip("()")) for text in texts)
        help = f"a ',' ends a value here: write several as [{parts}]"
        if of in _TEXTS or any(" " in text.strip() for text in texts):
            help = f"a ',' ends a value here: put the text in quotes, as '{parts}'"
    return Diagnostic("missing-value", f"the key '{key}' has no value", span, help=help)


def number_with_commas(texts: tuple[str, ...], span: Span | None) -> Diagnostic:
    """The fault of a number such as ``1,000``, of whose digits `texts` are those between commas.

    Parameters
    ----------
    texts : tuple of str
    span : Span or None
        Of the whole number.
    """
    number = ",".join(texts)
    message = f"the number '{shortened(number)}' holds a comma, which starts a new key"
    return Diagnostic("key-not-text", message, span, help=comma_help(number))


def missing_colon(key: str, name: str, value: str, span: Span | None) -> Diagnostic:
    """The fault of a `key` such as ``op:relu``, which was to be `name` with `value`."""
    message = f"the key '{shortened(key)}' has no value"
    help = f"write '{shortened(name)}: {shortened(value)}', with a space after the ':'"
    return Diagnostic("missing-colon", message, span, help=help)

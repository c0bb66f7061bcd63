"""What is reported of a key that a mapping cannot have."""

from __future__ import annotations

from graphnn.diagnostics import Diagnostic, Note
from graphnn.spec._field_reader import NAME, NAME_HELP
from graphnn.spec.reading.scalars import shortened
from graphnn.spec.values import Scalar, Value


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


def not_text(key: Value, written: str) -> Diagnostic:
    """Of a key that is no text, written so."""
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


def is_empty(value: Scalar) -> bool:
    """Whether nothing is written where `value` stands."""
    start = (value.line, value.column)
    return value.value is None and start == (value.end_line, value.end_column)

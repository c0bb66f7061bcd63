"""Keys in brackets that have no value: what each of them seems to have been meant for."""

from __future__ import annotations

from graphnn.errors import Diagnostic, Span
from graphnn.spec.scalars import shortened


def missing_value(texts: tuple[str, ...], span: Span | None) -> Diagnostic:
    """The fault of the last of `texts`, a key without a value.

    Parameters
    ----------
    texts : tuple of str
        What stands between commas: the value before such keys, if there is one, and the keys.
    span : Span or None
        From the first of them to the last.
    """
    key = shortened(texts[-1])
    help = f"write '{key}:' and a value, or take the brackets away"
    if len(texts) > 1:
        parts = [shortened(text.strip("()")) for text in texts]
        help = f"a ',' ends a value here: write several as [{', '.join(parts)}]"
    return Diagnostic("missing-value", f"the key '{key}' has no value", span, help=help)


def number_with_commas(texts: tuple[str, ...], span: Span | None) -> Diagnostic:
    """The fault of a number such as ``1,000``, of whose digits `texts` are those between commas.

    Parameters
    ----------
    texts : tuple of str
    span : Span or None
        Of the whole number.
    """
    parts = [shortened(text) for text in texts]
    message = f"the number '{','.join(parts)}' holds a comma, which starts a new key"
    several = f"several numbers as [{', '.join(parts)}]"
    if all(len(part) == 3 for part in parts[1:]):
        help = "leave the comma out, or write '.' where it is a decimal one"
    elif len(parts) == 2:
        help = f"write {'.'.join(parts)}, or {several}"
    else:
        help = f"write {several}"
    return Diagnostic("key-not-text", message, span, help=help)


def missing_colon(key: str, name: str, value: str, span: Span | None) -> Diagnostic:
    """The fault of a `key` such as ``op:relu``, which was to be `name` with `value`."""
    message = f"the key '{shortened(key)}' has no value"
    help = f"write '{shortened(name)}: {shortened(value)}', with a space after the ':'"
    return Diagnostic("missing-colon", message, span, help=help)

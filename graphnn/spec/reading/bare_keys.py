"""Keys in brackets that have no value: what each of them seems to have been meant for."""

from __future__ import annotations

from graphnn.diagnostics import Diagnostic, Span
from graphnn.spec.reading.scalars import comma_help, shortened

_TEXTS = ("about", "description", "name")  # keys whose values are texts for people


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

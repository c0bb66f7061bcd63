"""Keys in brackets that have neither ':' nor value: mostly, a ',' cut the value before them."""

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
        if len(parts) == 2 and all(part.isdigit() for part in parts):
            help += f", and a number as {'.'.join(parts)}"
    return Diagnostic("missing-value", f"the key '{key}' has no value", span, help=help)

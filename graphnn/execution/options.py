"""Options that are the fields of a record, and how each is typed on a command line."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, NamedTuple, get_args, get_type_hints

SAMPLE_ROWS = 5  # of inputs that nobody gives


class Typed(NamedTuple):
    """How an option is typed on a command line.

    Attributes
    ----------
    help : str
    kind : type, optional
        Of what is typed there; by default that of the option.
    metavar : str, optional
    least : int, optional
        The smallest number allowed.
    unit : int
        By which the number typed is multiplied.
    """

    help: str
    kind: Any = None
    metavar: str | None = None
    least: int | None = None
    unit: int = 1


def typed(record: type[Any]) -> dict[str, tuple[Any, Any, Typed]]:
    """Of each field of `record` that can be typed on a command line: its type, default, and how."""
    found = {}
    hints = get_type_hints(record, include_extras=True)
    for each in fields(record):
        kind, *notes = get_args(hints[each.name]) or (None,)
        if notes and isinstance(notes[0], Typed):
            found[each.name] = notes[0].kind or kind, each.default, notes[0]
    return found

"""Names and numbers as messages write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MAX_LISTED = 10
_PLURALS = {"axis": "axes", "class": "classes", "copy": "copies", "entry": "entries"}


def counted(number: int, noun: str) -> str:
    """``1 entry``, ``2,000 entries``; `noun` is in the singular."""
    return f"1 {noun}" if number == 1 else f"{number:,} {_PLURALS.get(noun, noun + 's')}"


def listed(names: Iterable[str]) -> str:
    """Names for a message; of many, only the first."""
    every = list(names)
    more = len(every) - _MAX_LISTED
    return ", ".join(every[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")


def show_circle(names: Sequence[str]) -> str:
    """`names` with arrows between them, without the middle of many."""
    return " -> ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-5:]])

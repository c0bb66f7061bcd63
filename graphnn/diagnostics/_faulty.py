"""What stands in the place of a value whose fault has been reported: one mechanism for all rooms.

A fault is reported once, where it is. What would have come from the value at fault is `FAULTY`
instead: an unknown name may be that of a node at fault, the shape of a node that reads one at
fault is unknown, and so on. Whatever meets `FAULTY` gives `FAULTY`, and reports nothing::

    found = names.find("a1")
    if found is None:
        report("there is no node 'a1'")
    if found is None or found is FAULTY:
        return FAULTY

A value in the text that could not be read keeps its place, which `Findings.faulty` holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, TypeVar

T = TypeVar("T")


class Faulty(Enum):
    """The type of `FAULTY`, so that type checkers know it from a sound value."""

    FAULTY = "faulty"


FAULTY: Final = Faulty.FAULTY


class Names(dict[str, T]):
    """Sound values by name; other names may be those of values at fault.

    As a mapping it has the sound ones alone; `find` knows the others too.

    Parameters
    ----------
    sound : mapping of str to value
    faulty : iterable of str
        Names of values at fault.
    any_faulty : bool
        Whether every other name may be that of a value at fault, as where the file that holds
        them cannot be read.
    """

    def __init__(
        self, sound: Mapping[str, T], faulty: Iterable[str] = (), *, any_faulty: bool = False
    ) -> None:
        super().__init__(sound)
        self.faulty = frozenset(faulty) - sound.keys()
        self.any_faulty = any_faulty

    def find(self, name: str) -> T | Faulty | None:
        """The value called `name`; `FAULTY` for one at fault; None where there is none."""
        if name in self:
            return self[name]
        return FAULTY if self.any_faulty or name in self.faulty else None

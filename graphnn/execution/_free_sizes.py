"""Numbers of free sizes, from the shapes of the inputs that are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphnn.spec import sizes
from graphnn.spec.sizes import Shape


@dataclass(frozen=True, slots=True)
class SizeConflict:
    """A free size that two inputs give different values."""

    size: str
    value: int
    input: str
    other_value: int
    other_input: str

    def __str__(self) -> str:
        return (
            f"'{self.size}' is {self.value} in the input '{self.input}', "
            f"but {self.other_value} in '{self.other_input}'"
        )


def fits(shape: tuple[int, ...], declared: Shape) -> bool:
    """Whether an array of `shape` may be given where `declared` is, for some free sizes."""
    return len(shape) == len(declared) and all(
        value > 0 and (value == size or not isinstance(size, int))
        for value, size in zip(shape, declared, strict=True)
    )


def solve_free_sizes(
    declared: Mapping[str, Shape], given: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, int], list[SizeConflict]]:
    """What each free size is where inputs of shapes `declared` are `given`, and what conflicts.

    Only sizes that stand alone are solved for; of an input, one conflict is enough.
    """
    known: dict[str, tuple[int, str]] = {}
    conflicts: dict[str, SizeConflict] = {}
    for name, shape in given.items():
        for size, value in zip(declared[name], shape, strict=False):
            if isinstance(size, int) or sizes.free(str(size)) != size:
                continue
            first, by = known.setdefault(str(size), (value, name))
            if first != value:
                conflicts.setdefault(name, SizeConflict(str(size), first, by, value, name))
    return {size: value for size, (value, _) in known.items()}, list(conflicts.values())

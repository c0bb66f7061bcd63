"""Operands: the arrays that an op works on, as its class states them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, Unpack

from graphnn.ops.initializers import MAP, Initializer

Kind = Literal["float", "int"]
NUMBERS = "numbers"  # marks an attribute that holds an array
MOST_NUMBERS = 2**20  # entries of such an array, which lists hold
Role = Literal["data", "parameter", "state", "noise"]


@dataclass(frozen=True, slots=True)
class Operand:
    """One array that an op works on.

    Attributes
    ----------
    name : str
    signature : str
        Its axes, outermost first: size names, numbers, and at most one ``...`` for any axes.
    ranks : sequence of int
        How many axes ``...`` may stand for; empty for any number.
    kind : Kind
        Whether it holds real numbers or whole ones.
    many : bool
        Whether it stands for any number of inputs (the op has no other data operand then).
    start : Initializer or None
        For a parameter: how it starts where the spec does not say. None marks data.
    optional : bool
        For a parameter: whether ``false`` leaves it out. For data, the last ones alone: whether it
        may be left out; `Op.forward` is then given None.
    domain : tuple of float
        Interval of values on which the op is meant to be used, for tests and documentation.
    below : str or None
        For whole numbers: the attribute, or the size name in another signature, that they stay
        below; see `Op.limit`.
    forms : sequence of (str, Kind)
        Signatures and kinds that it may have, where there are several.
    varies : str or None
        For an operand that is `many`: the attribute that names the axis along which they differ.
    layout : str
        For a parameter: which of its axes are inputs and outputs, see `initializers.fans`.
    role : {"data", "parameter", "state", "noise"}
        Given by another node, learned, kept between runs but not learned, or drawn afresh for every
        training pass (by `Op.noise`).
    """

    name: str
    signature: str
    kind: Kind | Literal["any"] = "float"
    many: bool = False
    start: Initializer | None = None
    optional: bool = False
    domain: tuple[float, float] = (-3.0, 3.0)
    below: str | None = None
    forms: Sequence[tuple[str, Kind]] = ()
    varies: str | None = None
    role: Role = "data"
    layout: str = MAP
    ranks: Sequence[int] = ()

    @property
    def axes(self) -> list[str]:
        """The parts of its signature."""
        return self.signature.split()

    @property
    def is_parameter(self) -> bool:
        """Whether the network keeps it, as a parameter or a state."""
        return self.role in ("parameter", "state")


class _Facts(TypedDict, total=False):
    """Attributes of `Operand` that its makers take by keyword."""

    kind: Kind | Literal["any"]
    many: bool
    optional: bool
    domain: tuple[float, float]
    below: str | None
    forms: Sequence[tuple[str, Kind]]
    varies: str | None
    layout: str
    ranks: Sequence[int]


def data(name: str, signature: str, **facts: Unpack[_Facts]) -> Operand:
    """An operand that another node gives; `facts` are attributes of `Operand`."""
    return _made(Operand(name, signature), facts)


# What options for a weight and a bias are called elsewhere, as `aliases` takes it.
PARAMETERS_ELSEWHERE = {
    "weight": "kernel_initializer weight_initializer weights init",
    "bias": "bias_initializer use_bias has_bias bias_term",
}


def parameter(name: str, signature: str, start: Initializer, **facts: Unpack[_Facts]) -> Operand:
    """An operand that the network learns; `facts` are attributes of `Operand`."""
    return _made(Operand(name, signature, start=start, role="parameter"), facts)


def state(name: str, signature: str, start: Initializer, **facts: Unpack[_Facts]) -> Operand:
    """An operand that the network keeps but does not learn; see `Operand` and `Op.update`."""
    return _made(Operand(name, signature, start=start, role="state"), facts)


def noise(name: str, signature: str) -> Operand:
    """An operand drawn afresh for every training pass; see `Operand` and `Op.noise`."""
    return Operand(name, signature, role="noise")


def _made(operand: Operand, facts: _Facts) -> Operand:
    for key in facts:
        if key not in _Facts.__annotations__:
            known = ", ".join(_Facts.__annotations__)
            raise TypeError(f"an operand has no fact '{key}': there are {known}")
    return replace(operand, **facts)

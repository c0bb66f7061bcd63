"""The written form of an op, in NumPy and torch, as text."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphnn.ops._operands import Kind
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Shape, Size

if TYPE_CHECKING:
    from graphnn.ops._op import Op

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class CodeForm:
    """What the written form of one node is made of.

    Attributes
    ----------
    names : tuple of str or None
        What stands for each operand: a variable, or a parameter; None for one left out.
    shapes : tuple of Shape or None
        Likewise.
    kinds : tuple of {"float", "int"} or None
        Likewise.
    result : str
        The variable that holds the result.
    shape : Shape
        Of the result.
    cotangent : str
        The variable that holds the result's cotangent.
    even : bool
        Whether that is one number for all entries.
    """

    names: tuple[str | None, ...]
    shapes: tuple[Shape | None, ...]
    kinds: tuple[Kind | None, ...]
    result: str = "y"
    shape: Shape = ()
    cotangent: str = "g"
    even: bool = False

    def fill(self, template: str, op: Op) -> str:
        """`template` with the names of operands, ``y``, ``g``, and ``op`` filled in."""
        operands = [operand.name for operand in op.operands]
        names = dict(zip(operands, self.names, strict=False))
        return template.format(**names, y=self.result, g=self.cotangent, op=op)

    def parameters(self, op: Op) -> str:
        """A module of torch that has the op's parameters by our names, with axes as they are."""
        kept = op.parameter_operands()
        shapes = self.shapes[len(self.shapes) - len(kept) :]
        parts = [
            f'"{operand.name}": nn.Parameter(torch.zeros({", ".join(map(str, shape))}))'
            for operand, shape in zip(kept, shapes, strict=True)
            if shape is not None
        ]
        return f"nn.ParameterDict({{{', '.join(parts)}}})"

    def rows(self, rank: int) -> str:
        """The cotangent of a loss, one number a sample, against arrays of `rank` axes."""
        if self.even or rank == 1:
            return self.cotangent
        return f"{self.cotangent}[:, {', '.join(['None'] * (rank - 1))}]"

    def folded(self, text: str, position: int) -> str:
        """`text`, of the result's shape, summed over axes along which an operand was stretched."""
        if self.shapes[position] == self.shape:
            return text
        return f"unbroadcast({text}, {self.names[position]})"

    def target(self, shape: Shape) -> str:
        """Sizes of a reshape, of which one may be free."""
        free = [axis for axis, size in enumerate(shape) if isinstance(size, Expression)]
        return ", ".join(
            str(size)
            if isinstance(size, int)
            else "-1"
            if axis == free[-1]
            else self.size(size, position=0)
            for axis, size in enumerate(shape)
        )

    def size(self, size: Size, position: int) -> str:
        """A size as a number, or by the axes of the operand."""
        if isinstance(size, int):
            return str(size)
        shape = self.shapes[position] or ()
        if size in shape:
            return f"{self.names[position]}.shape[{shape.index(size)}]"
        missing = [name for name in sizes.free_names(size) if sizes.free(name) not in shape]
        if missing:
            raise NotImplementedError(f"its size {size} is that of no axis of what it reads")
        return _NAME.sub(lambda found: self.size(sizes.free(found[0]), position), str(size))

    def count(self, axes: Sequence[int]) -> str:
        """How many entries lie along axes of the first operand."""
        counted = [(self.shapes[0] or ())[axis] for axis in axes]
        if all(isinstance(size, int) for size in counted):
            return str(math.prod(size for size in counted if isinstance(size, int)))
        return "(" + " * ".join(f"{self.names[0]}.shape[{axis}]" for axis in axes) + ")"


def call(function: str, *arguments: Any, **options: Any) -> str:
    """A call as text; without arguments that are None, and of equal numbers one for all."""
    given = [str(each) for each in arguments if each is not None]
    kept = {key: value for key, value in options.items() if value is not None}
    return f"{function}({', '.join([*given, *(f'{k}={shown(v)}' for k, v in kept.items())])})"


def shown(value: Any) -> str:
    """A value as Python writes it."""
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def changed(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `options` that are not the defaults."""
    return {key: value for key, value in options.items() if value != defaults.get(key)}


def along(axes: Sequence[int]) -> str:
    """Axes as text, one as a number."""
    return str(axes[0]) if len(axes) == 1 else repr(tuple(axes))

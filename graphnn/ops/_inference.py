"""Shapes of results and parameters, unified from the signatures of operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from graphnn.ops._arrays import ShapeError, misfit
from graphnn.ops._operands import Operand
from graphnn.spec.sizes import Shape, Size, show


@dataclass(frozen=True, slots=True)
class Inferred:
    """What unification finds: the result's shape, each parameter's, and attributes left out."""

    result: Shape
    parameters: Mapping[str, Shape]
    attributes: Mapping[str, Size | Shape]


class Unifier:
    """Matches shapes with signatures, and remembers the size that each name stands for.

    Parameters
    ----------
    op : str
        Name of the op, for messages.
    known : mapping
        Sizes of names that the op itself states; grows by what is matched.
    broadcasts : bool
        Whether the axes that ``...`` stands for may stretch.
    """

    def __init__(self, op: str, known: dict[str, Size], broadcasts: bool) -> None:
        self._op = op
        self.sizes = known
        self._broadcasts = broadcasts
        self._rest: Shape | None = None  # what ``...`` stands for

    def match(self, operand: Operand, shape: Shape) -> None:
        """Take the sizes that `operand` names from its `shape`.

        Raises
        ------
        ShapeError
            The shape does not fit the signature, or a name stands for another size already.
        """
        before, dots, after = _axes(operand.signature)
        if before or after or not dots:
            middle = self._match_named(operand, shape, before, dots, after)
        else:
            middle = shape
        if not dots:
            return
        if self._rest is None:
            self._rest = middle
        elif self._broadcasts:
            self._rest = _broadcast(self._rest, middle, operand, shape)
        elif self._rest != middle:
            problem = f"which does not match {show(self._rest)} of the operand before it"
            raise misfit(operand.name, shape, problem)

    def _match_named(
        self,
        operand: Operand,
        shape: Shape,
        before: Sequence[str],
        dots: bool,
        after: Sequence[str],
    ) -> Shape:
        """Take the sizes of the axes with names; the axes between are what is given back."""
        spare = len(shape) - len(before) - len(after)
        if spare < 0 or (spare and not dots) or (operand.ranks and spare not in operand.ranks):
            takes = f"[{', '.join(operand.signature.split())}]"
            if operand.ranks:
                takes += f", with {min(operand.ranks)} to {max(operand.ranks)} axes for '...'"
            raise misfit(operand.name, shape, f"but {self._op} takes {takes}")
        stop = len(shape) - len(after)
        named = (*shape[: len(before)], *shape[stop:])
        for symbol, size in zip((*before, *after), named, strict=True):
            wanted = int(symbol) if symbol.isdigit() else self.sizes.setdefault(symbol, size)
            if wanted != size:
                raise misfit(
                    operand.name,
                    shape,
                    f"but its '{symbol}' must be {wanted}, not {size}",
                    f"a '{operand.name}' that fits has shape {self._known(operand.signature)}",
                    None if operand.is_parameter else symbol,
                )
        return shape[len(before) : stop]

    def shape(self, signature: str) -> Shape:
        """The shape that a signature stands for.

        Raises
        ------
        KeyError
            Nothing determines the size of a name.
        """
        shape: list[Size] = []
        for symbol in signature.split():
            if symbol == "...":
                shape.extend(self._rest or ())
            else:
                shape.append(int(symbol) if symbol.isdigit() else self.sizes[symbol])
        return tuple(shape)

    def parameter(self, operand: Operand) -> Shape:
        """The shape of a parameter that is not given.

        Raises
        ------
        ShapeError
            Nothing determines it.
        """
        try:
            return self.shape(operand.signature)
        except KeyError as error:
            raise unspecified(error.args[0], operand.name) from None

    def _known(self, signature: str) -> str:
        """A signature with the sizes that are known in place of their names."""
        return f"[{', '.join(str(self.sizes.get(each, each)) for each in signature.split())}]"


@cache
def _axes(signature: str) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """The axes before ``...``, whether that is there, and the axes after it."""
    first, dots, last = signature.partition("...")
    return tuple(first.split()), bool(dots), tuple(last.split())


def unspecified(size: str, parameter: str) -> ShapeError:
    """The error for a size that neither an attribute nor the parameter's numbers determine."""
    return ShapeError(
        f"'{size}' is unspecified", None, f"give '{size}', or '{parameter}' as numbers"
    )


def _broadcast(a: Shape, b: Shape, operand: Operand, whole: Shape) -> Shape:
    if a == b:
        return a
    rank = max(len(a), len(b))
    pairs = [*zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True)]
    for left, right in pairs:
        if left != right and left != 1 and right != 1:
            raise misfit(
                operand.name,
                whole,
                f"which does not broadcast against {show(a)}: {left} and {right} differ",
                "sizes match from the last axis on; only a size of 1 stretches",
            )
    return tuple(right if left == 1 else left for left, right in pairs)

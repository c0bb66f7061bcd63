"""How the entries of one array lie in another that is reshaped or transposed from it.

Axes of the source are cut into parts, which the axes of the other array take in some order::

    source  [batch, 5, 12]       parts (0,): batch, (1,): 5, (2, 0): 2, (2, 1): 6
    other   [5, 2, batch, 6]     axes ((1,),), ((2, 0),), ((0,),), ((2, 1),)

A part is numbered by its source's axis and by where it lies in what was cut, so that parts sort as
they lie in the source. Axes of size 1 have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from graphnn.interchange.onnx.values import Made, UnsupportedError, quotient
from graphnn.spec.sizes import Shape, Size, multiply, product

Part = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array lies in its source.

    Attributes
    ----------
    source : Made
    parts : mapping of tuple of int to Size
    axes : tuple of tuple of parts
    steps : int
        Reshapes and transposes between the source and the array.
    """

    source: Made
    parts: Mapping[Part, Size]
    axes: tuple[tuple[Part, ...], ...]
    steps: int = 0

    @property
    def shape(self) -> Shape:
        """Of the array."""
        return tuple(self.size(axis) for axis in self.axes)

    @classmethod
    def of(cls, source: Made) -> Layout:
        """That of an array in itself."""
        parts: dict[Part, Size] = {
            (axis,): size for axis, size in enumerate(source.shape) if size != 1
        }
        axes = (((axis,),) if size != 1 else () for axis, size in enumerate(source.shape))
        return cls(source, parts, tuple(axes))

    def transposed(self, order: Sequence[int]) -> Layout:
        """That of the array with its axes in another order."""
        axes = tuple(self.axes[axis] for axis in order)
        return replace(self, axes=axes, steps=self.steps + 1)

    def reshaped(self, shape: Shape) -> Layout | None:
        """That of the array in another shape; None where it is not known how sizes are cut."""
        parts, axes = {**self.parts}, []
        left = [part for axis in self.axes for part in axis][::-1]
        for size in shape:
            taken: list[Part] = []
            while size != 1:
                if not left:
                    return None
                part = left.pop()
                if (rest := _exact(size, parts[part])) is not None:
                    taken.append(part)
                    size = rest
                elif (inner := _exact(parts[part], size)) is not None:
                    left += [(*part, 1), (*part, 0)]
                    del parts[part]
                    parts |= {left[-1]: size, left[-2]: inner}
                else:
                    return None
            axes.append(tuple(taken))
        return None if left else Layout(self.source, parts, tuple(axes), self.steps + 1)

    def stretch(self, axis: int) -> tuple[int, int, int] | None:
        """The axis of the source that an axis cuts into stretches, their number and length.

        None where an entry of the axis is not a stretch of the source, or where all of it is the
        same.
        """
        if len(self.axes[axis]) != 1 or len(self.axes[axis][0]) == 1:
            return None
        (outer,) = self.axes[axis]
        first, *rest = sorted(part for part in self.parts if part[0] == outer[0])
        count, length = self.parts[outer], self.size(rest)
        if outer != first or not (isinstance(count, int) and isinstance(length, int)):
            return None
        return outer[0], count, length

    def of_slice(self, source: Made, axis: int, count: int) -> Layout:
        """That of the array of which an axis is cut to `count` stretches, all those of `source`."""
        (outer,) = self.axes[axis]
        parts = {part: size for part, size in self.parts.items() if part != outer}
        kept = (outer,) if count > 1 else ()
        parts |= dict.fromkeys(kept, count)
        axes = (*self.axes[:axis], kept, *self.axes[axis + 1 :])
        return Layout(source, parts, axes, self.steps)

    @property
    def keeps_last(self) -> bool:
        """Whether the last axis is that of the source."""
        last = len(self.source.shape) - 1
        parts = tuple(sorted(part for part in self.parts if part[0] == last))
        return last >= 0 and bool(self.axes) and self.axes[-1] == parts

    def with_last(self, source: Made) -> Layout:
        """The same of `source`, which has another last axis."""
        last, size = len(source.shape) - 1, source.shape[-1]
        parts = {part: each for part, each in self.parts.items() if part[0] != last}
        own = ((last,),) if size != 1 else ()
        return Layout(source, parts | dict.fromkeys(own, size), (*self.axes[:-1], own))

    def blocks(self) -> list[tuple[Part, ...]]:
        """Parts that lie side by side in the source too, in the order of the array."""
        follows = dict(pairwise(sorted(self.parts)))
        found: list[list[Part]] = []
        for part in (part for axis in self.axes for part in axis):
            if found and follows.get(found[-1][-1]) == part:
                found[-1].append(part)
            else:
                found.append([part])
        return [tuple(block) for block in found]

    def size(self, block: Iterable[Part]) -> Size:
        """Entries of a block."""
        return product(self.parts[part] for part in block)

    @property
    def is_in_order(self) -> bool:
        """Whether entries lie as in the source, whatever the shape."""
        order = [part for axis in self.axes for part in axis]
        return order == sorted(order)

    def order(self) -> tuple[int, ...] | None:
        """Which axis of the source each axis is; None where they are not the same."""
        shape = self.source.shape
        ones = iter([axis for axis, size in enumerate(shape) if size == 1])
        found = [axis[0][0] if axis else next(ones, -1) for axis in self.axes]
        whole = [tuple(sorted(part for part in self.parts if part[0] == axis)) for axis in found]
        same = sorted(found) == [*range(len(shape))] and whole == [*self.axes]
        return tuple(found) if same else None

    @property
    def least_steps(self) -> int:
        """Reshapes and transposes that it takes from the source, of an array that is not that."""
        if self.is_in_order or self.order() is not None:
            return 1
        blocks = self.blocks()
        before, after = (tuple(map(self.size, each)) for each in (sorted(blocks), blocks))
        return 1 + (before != self.source.shape) + (after != self.shape)


def _exact(size: Size, by: Size) -> Size | None:
    """The quotient of two sizes, of those that surely leave nothing over."""
    try:
        found = quotient(size, by)
    except UnsupportedError:
        return None
    return found if multiply(found, by) == size else None

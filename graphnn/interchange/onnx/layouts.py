"""How the entries of one array lie in another that is reshaped or transposed from it.

Axes of the source are cut into parts, which the axes of the other array take in some order::

    source  [batch, 5, 12]       parts (0,): batch, (1,): 5, (2, 0): 2, (2, 1): 6
    other   [5, 2, batch, 6]     axes ((1,),), ((2, 0),), ((0,),), ((2, 1),)

A part is numbered by its source's axis and by where it lies in what was cut, so that parts sort as
they lie in the source. Axes of size 1 have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from graphnn.interchange.onnx.values import Made, UnsupportedError, quotient
from graphnn.spec.sizes import Shape, Size, multiply

Part = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array lies in its source.

    Attributes
    ----------
    source : Made
    parts : mapping of tuple of int to Size
    axes : tuple of tuple of parts
    """

    source: Made
    parts: Mapping[Part, Size]
    axes: tuple[tuple[Part, ...], ...]

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
        return replace(self, axes=tuple(self.axes[axis] for axis in order))

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
        return None if left else Layout(self.source, parts, tuple(axes))

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


def _exact(size: Size, by: Size) -> Size | None:
    """The quotient of two sizes, of those that surely leave nothing over."""
    try:
        found = quotient(size, by)
    except UnsupportedError:
        return None
    return found if multiply(found, by) == size else None

"""What ops on images [batch, channels, ...] of 1, 2 or 3 axes have in common.

Results lie in memory with the images innermost, for the reasons that `unfolding` gives. Ops that
work entry by entry hand that order on, and `flatten` makes a matrix of it without a copy.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphnn.diagnostics import counted
from graphnn.ops._arrays import Array, ShapeError
from graphnn.ops._op import Op
from graphnn.ops._operands import Operand, data
from graphnn.ops.kernels import windows
from graphnn.ops.kernels.unfolding import images_first
from graphnn.spec.sizes import Shape, Size

KERNEL = "Size of the window along each axis, or one number for all"
STRIDE = "Steps from one window to the next, along each axis"
DILATION = "Steps from one entry of a window to the next, along each axis."
PADDING = (
    "Zeros before and after each axis, one number for both or two, as in [top, bottom, left, right]"
)


class Images(Op):
    """An op on sequences, images or volumes: the axes after the channels."""

    operands: ClassVar[tuple[Operand, ...]] = (
        data("x", "batch channels ...", ranks=windows.RANKS),
    )
    result = "batch channels ..."
    batchwise = True
    analytic = True


class Resized(Images):
    """An op that changes the sizes of the axes alone, whose attributes are for any of them."""

    sided: ClassVar[tuple[str, ...]] = ()  # attributes that may have two numbers an axis

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Channels as they are, and the other sizes by `_resized`."""
        batch, channels, *size = shapes[0] if len(shapes[0]) > 2 else (0, 0)
        return (batch, channels, *self._resized(size)) if len(size) in windows.RANKS else None

    def _resized(self, size: list[Size]) -> tuple[Size, ...]:
        """Sizes of the result."""
        raise NotImplementedError

    def _along(self, key: str, rank: int) -> tuple[int, ...]:
        """An attribute as a number an axis, or two.

        Raises
        ------
        ShapeError
            It is a list for another number of axes.
        """
        value = getattr(self, key)
        if not isinstance(value, tuple):
            return (value,) * rank
        sided = key in self.sided
        if len(value) != rank and not (sided and len(value) == 2 * rank):
            raise ShapeError(
                f"'{key}' takes one number or {windows.form(rank, sided=sided)}, "
                f"not {counted(len(value), 'number')}",
                "x",
                f"'x' has {counted(rank, 'axis')} after the channels",
                key,
            )
        return value


def room(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Memory for a result, images last: that of `out` where it has this order."""
    if out is not None and (there := out.transpose(*range(1, out.ndim), 0)).flags.c_contiguous:
        return there
    return np.empty(shape, dtype)


def finished(y: Array, bias: Array | None, out: Array | None) -> Array:
    """`y`, which has the images last, with its bias, as a result; in `out` where that is given."""
    if bias is not None:
        y += bias.reshape(-1, *(1,) * (y.ndim - 1))
    if out is None:
        return images_first(y)
    if not np.may_share_memory(out, y):
        out[...] = images_first(y)
    return out

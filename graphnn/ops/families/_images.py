"""What ops on images [batch, channels, height, width] have in common.

Results lie in memory with the images innermost, for the reasons that `unfolding` gives. Ops that
work entry by entry hand that order on, and `flatten` makes a matrix of it without a copy.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphnn.ops._arrays import Array
from graphnn.ops._op import Op
from graphnn.ops._operands import Operand, data
from graphnn.ops.kernels.unfolding import images_first
from graphnn.spec.sizes import Shape, Size

AXES = ("height", "width")
KERNEL = "Height and width of the window, or one number for both"
STRIDE = "Steps from one window to the next, down and across"
DILATION = "Steps from one entry of a window to the next, down and across."
PADDING = "Rows added at top and bottom each and columns on both sides"


class Images(Op):
    """An op on images."""

    operands: ClassVar[tuple[Operand, ...]] = (data("x", "batch channels height width"),)
    result = "batch channels rows columns"
    batchwise = True
    analytic = True


class Resized(Images):
    """An op that changes height and width alone."""

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Channels as they are, and height and width by `_resized`."""
        if len(shapes[0]) != 4:
            return None
        batch, channels, height, width = shapes[0]
        return batch, channels, *self._resized(height, width)

    def _resized(self, height: Size, width: Size) -> tuple[Size, Size]:
        """Height and width of the result."""
        raise NotImplementedError


def room(out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Memory for a result, images last: that of `out` where it has this order."""
    if out is not None and (there := out.transpose(1, 2, 3, 0)).flags.c_contiguous:
        return there
    return np.empty(shape, dtype)


def finished(y: Array, bias: Array | None, out: Array | None) -> Array:
    """`y`, which has the images last, with its bias, as a result; in `out` where that is given."""
    if bias is not None:
        y += bias[:, None, None, None]
    if out is None:
        return images_first(y)
    if not np.may_share_memory(out, y):
        out[...] = images_first(y)
    return out

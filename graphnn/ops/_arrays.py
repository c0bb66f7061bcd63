"""Arrays of values, and the two errors an op raises."""

from graphnn.spec.sizes import Shape, show
from graphnn.storage import Array as Array

Cotangents = tuple[Array | None, ...]  # of the operands, in their order
Saved = dict[str, Array]  # what `Op.forward` leaves for `Op.vjp`
Wanted = tuple[bool, ...]  # of each operand: whether its cotangent is needed
ALL: Wanted = (True,) * 5  # no op has more operands and takes `wanted`


class _MisfitError(ValueError):
    """Something does not fit an op.

    Parameters
    ----------
    message : str
        One sentence that shows what is at fault.
    operand, attribute : str, optional
        Names of the operand and of the attribute at fault, where an error is to point.
    help : str
        What would fit.
    """

    def __init__(
        self, message: str, operand: str | None = None, help: str = "", attribute: str | None = None
    ) -> None:
        super().__init__(message)
        self.operand = operand
        self.help = help
        self.attribute = attribute


class ShapeError(_MisfitError):
    """Shapes do not fit an op."""


class ArrayError(_MisfitError):
    """Values do not fit an op."""


def misfit(
    operand: str, shape: Shape, problem: str, help: str = "", attribute: str | None = None
) -> ShapeError:
    """The error for an operand whose shape does not fit: ``'x' has shape [2, 3], {problem}``."""
    return ShapeError(f"'{operand}' has shape {show(shape)}, {problem}", operand, help, attribute)

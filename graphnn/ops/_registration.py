"""The registry of ops, empty as long as no op class has been imported; see `_registry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphnn.ops._op import Op

REGISTRY: dict[str, type[Op]] = {}


def register(op_class: type[Op]) -> None:
    """Enter an op class in the registry under its name, in place of one of the same name.

    The class statement of an op does that by itself: importing its module is enough.

    Parameters
    ----------
    op_class : type of Op
        With a field ``op: Literal["name"]``.
    """
    REGISTRY[op_class.name] = op_class

"""Arguments of strategies, refused where they are given and not where something is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from graphnn.diagnostics import UsageError, is_whole, suggestion
from graphnn.ops import REGISTRY, Op, public_ops
from graphnn.testing._strategies.arrays import Values


def class_of(op: type[Op] | str) -> type[Op]:
    """The class of an op, given itself or by its name.

    Raises
    ------
    UsageError
        It is neither.
    """
    if isinstance(op, str):
        if op not in REGISTRY:
            help = suggestion(op, public_ops())
            raise UsageError.of("unknown-op", f"there is no op '{op}'", help=help)
        return REGISTRY[op]
    if not isinstance(op, type) or not issubclass(op, Op):
        raise _refusal(f"{op!r} is neither a class of an op nor the name of one")
    if "op" not in op.model_fields:
        name = op.__name__.lower()
        help = f'write op: Literal["{name}"] = "{name}" in it'
        raise _refusal(f"the class '{op.__name__}' declares no op", help)
    return op


def classes_of(ops: Iterable[type[Op] | str]) -> list[type[Op]]:
    """The classes of ops that networks are drawn of.

    Raises
    ------
    UsageError
        There are none, or one has no name in specs or takes no data.
    """
    if isinstance(ops, str) or not isinstance(ops, Iterable):
        raise _refusal(f"'ops' is {ops!r}, not a list of ops", f"write [{ops!r}]")
    found = [class_of(op) for op in ops]
    if not found:
        raise _refusal("'ops' names no op", "leave it out for all ops")
    for op_class in found:
        if REGISTRY.get(op_class.name) is not op_class or op_class.internal:
            raise _refusal(f"no spec can name '{op_class.name}'", "use 'registered' for a class")
        if not op_class.data_operands():
            raise _refusal(f"'{op_class.name}' takes no data: networks are not drawn of it")
    return found


def check_whole(name: str, value: Any, low: int, high: int) -> None:
    """Refuse what is not a whole number, or lies outside of two bounds."""
    if not is_whole(value, low) or value > high:
        raise _refusal(f"'{name}' must be a whole number from {low} to {high:,}, not {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False."""
    if not isinstance(value, bool):
        raise _refusal(f"'{name}' must be True or False, not {value!r}")


def check_values(value: Any) -> None:
    """Refuse what is not one of `Values`."""
    if value not in get_args(Values):
        known = ", ".join(map(repr, get_args(Values)))
        raise _refusal(f"'values' must be one of {known}, not {value!r}")


def _refusal(message: str, help: str = "") -> UsageError:
    return UsageError.of("bad-option", message, help=help)

"""The type of attributes that are sizes: whole numbers, or expressions over named sizes."""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from graphnn.diagnostics import FAULTY, Faulty
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression
from graphnn.spec.sizes import Shape as Shape


def number_or_size(value: Any, info: ValidationInfo) -> Any:
    """`value`, or what it stands for if it is a text, in the sizes that validation is given."""
    if isinstance(value, str):
        return _sound(sizes.parse, value, info)
    return value


def _sound(
    read: Callable[..., sizes.Size | Faulty], value: Any, info: ValidationInfo
) -> sizes.Size:
    """`value` as `read` takes it, with the sizes that validation is given."""
    try:
        size = read(value, info.context or {})
    except sizes.SizeError as error:
        context = {"problem": str(error), "name": error.name, "reason": error.reason}
        raise PydanticCustomError("size", "{problem}", context) from None
    if size is FAULTY:
        raise PydanticCustomError("faulty", "a size in it is at fault")
    return size


def size_of(value: Any, info: ValidationInfo) -> sizes.Size:
    """The size that `value` stands for, in the sizes that validation is given."""
    if isinstance(value, Expression):
        return value
    return _sound(sizes.read, value, info)


def _plain_size(size: sizes.Size) -> int | str:
    return size if isinstance(size, int) else str(size)


_VALIDATOR = PlainValidator(size_of)
Size = Annotated[
    int | Expression,
    _VALIDATOR,
    PlainSerializer(_plain_size, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}),
]


def _position(value: Any, info: ValidationInfo) -> sizes.Size:
    if isinstance(value, Expression):
        return value
    found = number_or_size(value, info)
    least = 0 if isinstance(value, str) else -sizes.MAX_SIZE
    if isinstance(found, Expression) or (type(found) is int and least <= found <= sizes.MAX_SIZE):
        return found
    if least == 0:
        problem, reason = f"it comes to {found}, and only a number counts from the end", "range"
    elif type(found) is int:
        problem, reason = f"it must be between -2**40 and 2**40, not {found}", "range"
    else:
        problem, reason = "a position is a whole number or an expression", "type"
    context = {"problem": problem, "name": None, "reason": reason}
    raise PydanticCustomError("size", "{problem}", context)


# Where an entry lies along an axis: a whole number of any sign, or an expression over sizes.
Position = Annotated[
    int | Expression,
    PlainValidator(_position),
    PlainSerializer(_plain_size, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
]


def is_size(info: Any) -> bool:
    """Whether a field of a pydantic model is a `Size`, or one that may be left out."""
    # "units: Size" has the validator in its metadata; "units: Size | None" inside the union.
    parts = get_args(info.annotation) if get_origin(info.annotation) in (Union, UnionType) else ()
    return any(
        _VALIDATOR in metadata
        for metadata in (info.metadata, *(getattr(part, "__metadata__", ()) for part in parts))
    )

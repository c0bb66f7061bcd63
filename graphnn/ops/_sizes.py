"""The type of attributes that are sizes: whole numbers, or expressions over named sizes."""

from __future__ import annotations

from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from graphnn.diagnostics import FAULTY, Faulty
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression
from graphnn.spec.sizes import Shape as Shape


class _SizeAnnotation:
    """Lets pydantic take a whole number, a size expression, or the text of one."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _size,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _plain_size, when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}


Size = Annotated[int | Expression, _SizeAnnotation]


def number_or_size(value: Any, info: ValidationInfo) -> Any:
    """`value`, or what it stands for if it is a text, in the sizes that validation is given."""
    if isinstance(value, str):
        return _sound(sizes.parse, value, info)
    return value


def _size(value: Any, info: ValidationInfo) -> sizes.Size:
    if isinstance(value, Expression):
        return value
    return _sound(sizes.read, value, info)


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


def _plain_size(size: sizes.Size) -> int | str:
    return size if isinstance(size, int) else str(size)


def is_size(info: Any) -> bool:
    """Whether a field of a pydantic model is a `Size`, or one that may be left out."""
    # "units: Size" carries the annotation as metadata; "units: Size | None" inside the union.
    if any(item is _SizeAnnotation for item in info.metadata):
        return True
    return get_origin(info.annotation) in (Union, UnionType) and any(
        _SizeAnnotation in getattr(part, "__metadata__", ()) for part in get_args(info.annotation)
    )

"""Texts of a model: protobuf gives those that are not UTF-8 as bytes, without complaint."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

_STRING, _MESSAGE = 9, 11  # protobuf's numbers of types of fields
_Field = tuple[str, bool]  # its name, and whether it has any number of values


def is_text(message: Any) -> bool:
    """Whether all texts in a protobuf message, and in those inside it, are UTF-8."""
    texts, messages = _fields(message.DESCRIPTOR)
    for name, many in texts:
        value = getattr(message, name)
        if any(isinstance(each, bytes) for each in (value if many else (value,))):
            return False
    return all(is_text(each) for field in messages for each in _messages(message, field))


def _messages(message: Any, field: _Field) -> Iterable[Any]:
    name, many = field
    if many or message.HasField(name):
        value = getattr(message, name)
        return value if many else (value,)
    return ()


@cache
def _fields(descriptor: Any) -> tuple[list[_Field], list[_Field]]:
    """The fields that are texts, and those that are messages."""
    found: dict[int, list[_Field]] = {_STRING: [], _MESSAGE: []}
    for field in descriptor.fields:
        # Not `label`, which newer versions of protobuf warn of.
        many = isinstance(field.default_value, list)
        found.setdefault(field.type, []).append((field.name, many))
    return found[_STRING], found[_MESSAGE]

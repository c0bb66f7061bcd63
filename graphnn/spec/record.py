"""Records of which a large file makes thousands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

_Record = TypeVar("_Record")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, kw_only: bool = False) -> Callable[[type[_Record]], type[_Record]]:
    """A decorator as ``dataclass(frozen=True, slots=True)``, for records that are made fast.

    Type checkers refuse assignments to fields. Python does not: refusing them there takes making a
    record four times as long.
    """
    return dataclass(slots=True, unsafe_hash=True, kw_only=kw_only)

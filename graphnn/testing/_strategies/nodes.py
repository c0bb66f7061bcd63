"""Nodes of a network that grows, and how their values are computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphnn.ops import REGISTRY, Array, Kind, Op, Shape
from graphnn.spec.sizes import evaluate
from graphnn.testing._strategies.fitting import Place


@dataclass(frozen=True, slots=True)
class Node:
    """A node that others may read, with its value where it can be computed."""

    name: str
    shape: Shape
    value: Array | None
    kind: Kind = "float"

    @property
    def has_whole_rows(self) -> bool:
        """Whether all its sizes are numbers, but perhaps the first."""
        return all(map(is_whole, self.shape[1:]))

    def is_like(self, other: Node) -> bool:
        """Whether another has its shape and its kind."""
        return self.shape == other.shape and self.kind == other.kind

    def fills(self, place: Place) -> bool:
        """Whether it has the shape and the kind of a place, and no number beyond its bound."""
        if self.shape != place.shape or self.kind != place.kind:
            return False
        return place.below is None or (
            self.value is not None and self.value.max(initial=0) < place.below
        )


@dataclass(frozen=True, slots=True)
class Call:
    """An op applied to nodes and to new arrays."""

    name: str
    op: Op
    sources: tuple[str | None, ...]
    arrays: tuple[Array | None, ...]
    shape: Shape

    def value(self, values: Mapping[str, Array | None], rows: int) -> Array | None:
        """The result; None where the op fails, or its result has another shape than inferred."""
        given = [None if source is None else values[source] for source in self.sources]
        if sum(value is None for value in given) > self.sources.count(None):
            return None
        try:
            found = np.asarray(self.op.bind({"batch": rows}).forward(*given, *self.arrays))
        except Exception:
            return None  # a fault of the op, for the test that runs the network to find
        return found if found.shape == numbers(self.shape, rows) else None


def numbers(shape: Shape, rows: int) -> tuple[int, ...]:
    """A shape for a batch of so many rows."""
    return tuple(evaluate(size, {"batch": rows}) for size in shape)


def is_whole(size: Any) -> bool:
    """Whether a size is a number."""
    return isinstance(size, int)


def reshape(*shape: Any) -> Op:
    """The op that gives a shape."""
    return REGISTRY["reshape"].model_validate({"shape": shape})

"""Operators without a counterpart, which are drawn and counted, but not computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import create_model

from graphnn.interchange.onnx.inference import infer_shapes
from graphnn.interchange.onnx.models import Model, sizes_of
from graphnn.ops import REGISTRY, Array, Kind, Op, Operand, Size, data
from graphnn.spec.sizes import Shape

Typed = tuple[tuple[int | str | None, ...], Kind]


class Opaque(Op, register=False):
    """An array that another program computes.

    Attributes
    ----------
    shape : Shape
        As ONNX infers it.
    dtype : {"float", "int"}
    """

    shape: tuple[Size, ...]
    dtype: Kind = "float"

    operands: ClassVar[tuple[Operand, ...]] = (data("inputs", "...", kind="any", many=True),)
    onnx_absent = "it is known by name alone"
    drawn_only = True

    @property
    def free_names(self) -> frozenset[str]:
        """None: sizes may be unknown."""
        return frozenset()

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The attribute `shape`."""
        return self.shape

    def infer_kind(self, *kinds: Kind) -> Kind:
        """The attribute `dtype`."""
        return self.dtype

    def forward(self, *inputs: Array) -> Array:
        """Nothing: it is known by name alone."""
        raise NotImplementedError


@cache
def opaque(operator: str) -> type[Op]:
    """The op that stands for an ONNX operator."""
    kind: Any = Literal[operator]
    return create_model(
        operator, __base__=Opaque, __cls_kwargs__={"register": False}, op=(kind, operator)
    )


@contextmanager
def known(ops: Iterable[type[Op]]) -> Iterator[None]:
    """Have specs name `ops` for a while."""
    new = {op.name: op for op in ops if op.name not in REGISTRY}
    REGISTRY.update(new)
    try:
        yield
    finally:
        for name in new:
            del REGISTRY[name]


def inferred(model: Model) -> dict[str, Typed]:
    """Shapes and kinds of values, as far as ONNX infers them."""
    proto = infer_shapes(model.proto)
    if proto is None:
        proto = model.proto
    found: dict[str, Typed] = {}
    for value in (*proto.graph.value_info, *proto.graph.output):
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            continue
        real = tensor.elem_type in (0, 1, 10, 11, 16)
        found[value.name] = (sizes_of(tensor), "float" if real else "int")
    return found

"""Sources: where the numbers of a graph come from."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from graphnn.ops._arrays import Array, Cotangents, ShapeError, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import MOST_NUMBERS, NUMBERS, Kind, parameter
from graphnn.ops._sizes import Size, size_of
from graphnn.ops.code import CodeForm
from graphnn.ops.initializers import Zeros
from graphnn.spec.sizes import MAX_AXES, Shape, free_names, show


def _frozen(value: Any) -> Any:
    """Nested lists as nested tuples, once they are a regular array of finite numbers."""
    shape: list[int] = []
    level = [value.tolist() if isinstance(value, np.ndarray) else value]
    while isinstance(level[0], list | tuple):
        if len(shape) == MAX_AXES:
            raise ValueError(f"an array has at most {MAX_AXES} axes")
        level = _rows(level)
        shape.append(level.pop())
    for item in level:
        _check_number(item)
    for length in reversed(shape):
        level = [tuple(level[at : at + length]) for at in range(0, len(level), length)]
    return level[0]


def _rows(level: list[Any]) -> list[Any]:
    """Everything in the lists of `level`, and last the length that they all have."""
    length = len(level[0])
    if length == 0:
        raise ValueError("a list is empty")
    for row in level:
        if not isinstance(row, list | tuple):
            raise ValueError(f"{reprlib.repr(row)} is next to a list of {length}")
        if len(row) != length:
            raise ValueError(f"a list of {len(row)} is next to a list of {length}")
    return [*(item for row in level for item in row), length]


def _check_number(item: Any) -> None:
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise ValueError(f"{reprlib.repr(item)} is not a number")
    if isinstance(item, int):
        if abs(item) >= 2**63:
            raise ValueError(f"{reprlib.repr(item)} is not below 2**63")
    elif not math.isfinite(item):
        raise ValueError(f"{item} is not finite")


_FILLS: dict[str, Callable[[Sequence[int]], Any]] = {
    "arange": lambda shape: tuple(range(*shape)),
    "zeros": lambda shape: np.zeros(shape, np.int64).tolist(),
    "ones": lambda shape: np.ones(shape, np.int64).tolist(),
}
_FILLED = "it takes {arange: SIZE}, {zeros: SHAPE}, {ones: SHAPE} or {file: NAME, key: NAME}"


_SIZE_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}
_FILLED_SCHEMAS = [
    {
        "type": "object",
        "properties": {kind: schema},
        "required": [kind],
        "additionalProperties": False,
    }
    for kind, schema in (
        ("arange", _SIZE_SCHEMA),
        ("zeros", {"type": "array", "items": _SIZE_SCHEMA}),
        ("ones", {"type": "array", "items": _SIZE_SCHEMA}),
    )
]
_FILE_SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string"}, "key": {"type": "string"}},
    "required": ["file"],
    "additionalProperties": False,
}


def _filled(value: Any, info: ValidationInfo) -> Any:
    """``{arange: time}`` and the like as the numbers that they stand for."""
    if not isinstance(value, dict):
        return value
    (kind, given), *others = value.items() if value else [("", None)]
    fill = _FILLS.get(kind)
    listed: list[Any] = given if isinstance(given, list) else [given]
    if fill is None or others or (kind == "arange") == (listed is given):
        raise ValueError(_FILLED)
    shape = [_count(each, info) for each in listed]
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"a constant that is filled has at most {MOST_NUMBERS:,} entries")
    return fill(shape)


def _count(value: Any, info: ValidationInfo) -> int:
    """A fixed number of entries."""
    size = size_of(value, info)
    if isinstance(size, int):
        return size
    loose = min(free_names(size))
    problem = f"the entries of a constant are counted, but '{loose}' is free"
    context = {"problem": problem, "name": None, "reason": "range"}
    raise PydanticCustomError("size", "{problem}", context)


Numbers = Annotated[
    Any,
    NUMBERS,
    BeforeValidator(_frozen),
    BeforeValidator(_filled),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "array"}, *_FILLED_SCHEMAS, _FILE_SCHEMA]}
    ),
]


_SMALL = [shape for rank in range(3) for shape in product((1, 2, 3), repeat=rank)]


class Input(Op):
    """Array that each run is given."""

    op: Literal["input"] = "input"
    shape: tuple[Size, ...] = Field(description="Sizes, outermost first; [] for a single number.")
    dtype: Kind = Field("float", description="Whether it holds real numbers or whole ones.")

    also_called = aliases(shape="size dims", dtype="type")
    elsewhere = ("placeholder", "inputlayer")
    is_input = True
    onnx_absent = "each run is given its value, as an input of the graph"
    output_interval = ANY_NUMBER
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"shape": ["batch", 3]}),
        Case({"shape": [2], "dtype": "int"}),
        Case({"shape": []}),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small shapes, with and without rows."""
        return [*_SMALL, *(("batch", *small) for small in _SMALL)] if key == "shape" else None

    def infer_shape(self, *shapes: Shape) -> Shape:
        """The attribute `shape`."""
        return self.shape

    def infer_kind(self, *kinds: Kind) -> Kind:
        """The attribute `dtype`."""
        return self.dtype

    code_absent = "it is an argument of the functions"


class Constant(Op):
    """Array that the spec states.

    ``{arange: time}`` is ``0, 1, ..., time - 1``; ``{zeros: SHAPE}`` and ``{ones: SHAPE}`` are
    arrays of a shape. Their sizes are numbers, names or expressions, none of them free.
    ``{file: NAME, key: NAME}`` is an array of an .npz or .safetensors file.
    """

    op: Literal["constant"] = "constant"

    elsewhere = ("const",)
    analytic = True
    value: Numbers = Field(
        description="A number, nested lists of numbers, numbers by rule, such as {arange: 10}, or "
        "an array of a file."
    )
    dtype: Kind = Field("float", description="Whether it holds real numbers or whole ones.")

    cases: ClassVar[tuple[Case, ...]] = (
        Case({"value": 0.5}),
        Case({"value": [[1, 2.5, -3], [4, 5, 6]]}),
        Case({"value": [1, 2], "dtype": "int"}),
        Case({"value": {"arange": 4}}),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Whole numbers are of either kind."""
        if key != "dtype":
            return None
        whole = np.asarray(chosen["value"]).dtype.kind == "i"
        return ["float", "int"] if whole else ["float"]

    @field_validator("dtype")
    @classmethod
    def _check_whole(cls, dtype: Kind, info: ValidationInfo) -> Kind:
        if dtype == "int" and "value" in info.data:
            for entry in np.asarray(info.data["value"], dtype=object).ravel():
                if not isinstance(entry, int):
                    raise ValueError(f"{entry} is not a whole number")
        return dtype

    @cached_property
    def array(self) -> Array:
        """The numbers, float64 or int64, not to be written into."""
        array = np.array(self.value, dtype=np.float64 if self.dtype == "float" else np.int64)
        array.flags.writeable = False
        return array

    def forward(self) -> Array:
        """A copy of `array`."""
        return self.array.copy()

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The numbers."""
        return form.add("Identity", self.array if self.dtype == "float" else self.array.tolist())

    def vjp(self, cotangent: Array, output: Array) -> Cotangents:
        """Nothing, as there are no operands."""
        return ()

    def infer_shape(self, *shapes: Shape) -> Shape:
        """Shape of the numbers."""
        return self.array.shape

    def infer_kind(self, *kinds: Kind) -> Kind:
        """The attribute `dtype`."""
        return self.dtype

    def to_numpy(self, form: CodeForm) -> str:
        """The numbers."""
        return f"np.array({self.array.tolist()})"

    def to_torch_layer(self, form: CodeForm) -> str:
        """A tensor that the module keeps, so that it moves with the others."""
        dtype = "float64" if self.dtype == "float" else "int64"
        return f"nn.Buffer(torch.tensor({self.array.tolist()}, dtype=torch.{dtype}))"


class Parameter(Op):
    """Learnable array as a node."""

    op: Literal["parameter"] = "parameter"
    onnx = "Identity"
    shape: tuple[Size, ...] | None = Field(
        None, description="Sizes, outermost first; left out, the shape of `value`."
    )

    elsewhere = ("variable", "weight")
    operands = (parameter("value", "...", Zeros()),)
    analytic = True
    view = True
    cases: ClassVar[tuple[Case, ...]] = (Case({"shape": [2, 3]}), Case({"shape": []}))

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small shapes."""
        return _SMALL

    def forward(self, value: Array) -> Array:
        """`value` itself."""
        return value

    def vjp(self, cotangent: Array, output: Array, value: Array) -> Cotangents:
        """The cotangent itself."""
        return (cotangent,)

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Shape from the attribute, or else from the numbers given.

        Raises
        ------
        ShapeError
            Neither is given, or they disagree.
        """
        value = given.get("value")
        shape = value if self.shape is None else self.shape
        if shape is None:
            help = "give 'shape', or 'value' as numbers"
            raise ShapeError("'value' is unspecified", help=help, attribute="value")
        if value is not None and value != shape:
            raise misfit("value", value, f"but 'shape' says {show(shape)}")
        return Inferred(shape, {"value": shape}, {} if self.shape is not None else {"shape": shape})

    numpy = "{value}"
    numpy_vjp: ClassVar = {"value": "{g}"}
    torch_names: ClassVar = {"value": ""}

    def to_torch_layer(self, form: CodeForm) -> str:
        """A parameter of the module."""
        shape = ", ".join(map(str, form.shape)) or "()"
        return f"nn.Parameter(torch.zeros({shape}))"

"""What an op is: one frozen class that states operands, attributes, shapes, values, reverse."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Self, Union, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from graphnn.diagnostics import FAULTY
from graphnn.ops.initializers import MAP, Initializer
from graphnn.spec import OPS, sizes
from graphnn.spec.sizes import Expression, Shape, show

Array = NDArray[Any]
Kind = Literal["float", "int"]
Role = Literal["data", "parameter", "state", "noise"]
REGISTRY: dict[str, type[Op]] = {}


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


def _size(value: Any, info: ValidationInfo) -> sizes.Size:
    if isinstance(value, str):
        try:
            value = sizes.parse(value, info.context or {})
        except sizes.SizeError as error:
            raise PydanticCustomError(
                "size", "{problem}", {"problem": str(error), "name": error.name}
            ) from None
    if value is FAULTY:
        raise PydanticCustomError("faulty", "a size in it is at fault")
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("size", "a size is a whole number or a name", {"name": None})
    if not 1 <= value <= sizes.MAX_SIZE:
        raise PydanticCustomError(
            "size",
            "a size lies between 1 and 2**40, not at {value}",
            {"value": value, "name": None},
        )
    return value


def _plain_size(size: sizes.Size) -> int | str:
    return size if isinstance(size, int) else str(size)


@dataclass(frozen=True, slots=True)
class Operand:
    """One array that an op works on.

    Attributes
    ----------
    name : str
    signature : str
        Its axes, outermost first: size names, numbers, and at most one ``...`` for any axes.
    kind : Kind
        Whether it holds real numbers or whole ones.
    many : bool
        Whether it stands for any number of inputs (the op has no other data operand then).
    start : Initializer or None
        For a parameter: how it starts where the spec does not say. None marks data.
    optional : bool
        For a parameter: whether ``false`` leaves it out.
    domain : tuple of float
        Interval of values on which the op is meant to be used, for tests and documentation.
    below : str or None
        For whole numbers: the size name in another signature that they stay below.
    layout : str
        For a parameter: which of its axes are inputs and outputs, see `initializers.fans`.
    role : {"data", "parameter", "state", "noise"}
        Given by another node, learned, kept between runs but not learned, or drawn anew for every
        training pass (by `Op.noise`).
    """

    name: str
    signature: str
    kind: Kind | Literal["any"] = "float"
    many: bool = False
    start: Initializer | None = None
    optional: bool = False
    domain: tuple[float, float] = (-3.0, 3.0)
    below: str | None = None
    role: Role = "data"
    layout: str = MAP

    @property
    def is_parameter(self) -> bool:
        """Whether the network keeps it: a parameter or a state."""
        return self.role in ("parameter", "state")


def data(
    name: str,
    signature: str,
    *,
    kind: Kind | Literal["any"] = "float",
    many: bool = False,
    domain: tuple[float, float] = (-3.0, 3.0),
    below: str | None = None,
) -> Operand:
    """An operand that another node gives; see `Operand`."""
    return Operand(name, signature, kind, many, domain=domain, below=below)


def parameter(
    name: str,
    signature: str,
    start: Initializer,
    *,
    optional: bool = False,
    layout: str = MAP,
) -> Operand:
    """An operand that the network learns; see `Operand`."""
    return Operand(name, signature, start=start, optional=optional, role="parameter", layout=layout)


def state(
    name: str, signature: str, start: Initializer, *, domain: tuple[float, float] = (-3.0, 3.0)
) -> Operand:
    """An operand that the network keeps but does not learn; see `Operand` and `Op.update`."""
    return Operand(name, signature, start=start, domain=domain, role="state")


def noise(name: str, signature: str) -> Operand:
    """An operand drawn anew for every training pass; see `Operand` and `Op.noise`."""
    return Operand(name, signature, role="noise")


class ShapeError(ValueError):
    """Shapes do not fit an op; `operand` names the one at fault, `help` says what would fit."""

    def __init__(self, message: str, operand: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.operand = operand
        self.help = help


class ArrayError(ValueError):
    """Values do not fit an op; `operand` names the one at fault, `help` says what would fit."""

    def __init__(self, message: str, operand: str | None = None, help: str = "") -> None:
        super().__init__(message)
        self.operand = operand
        self.help = help


@dataclass(frozen=True, slots=True)
class Inferred:
    """What unification finds: the result's shape, each parameter's, and attributes left out."""

    result: Shape
    parameters: Mapping[str, Shape]
    attributes: Mapping[str, sizes.Size | Shape]


@dataclass(frozen=True, slots=True)
class Case:
    """Attributes and data shapes that fit together, for tests and documentation of an op.

    Attributes
    ----------
    attributes : mapping
        What to make the op of. A size may be the text ``batch``, which stands for the first
        size of the first shape.
    shapes : sequence of tuple of int
        One for each data operand; for an operand that stands for many, one for each input.
    kinds : sequence of Kind
        One for each data operand; left out, whole numbers only where nothing else fits.
    """

    attributes: Mapping[str, Any] = field(default_factory=dict)
    shapes: Sequence[tuple[int, ...]] = ()
    kinds: Sequence[Kind] = ()


class Op(BaseModel):
    """Base of all ops. A subclass with a field ``op: Literal["name"]`` registers itself.

    Attributes
    ----------
    operands : tuple of Operand
        Data first, then parameters, in the order of `forward`'s arguments.
    result : str
        Signature of the result, over the size names of the operands and the attributes.
    broadcasts : bool
        Whether axes of size 1 stretch, and missing leading axes are added, as in NumPy.
    batchwise : bool
        Whether row n of the result depends on row n of the data and of the noise alone (rows:
        first axis). Data that has no rows of its own (see `has_rows`) is the same for all rows.
    channelwise : bool
        Whether each entry of the result depends on the entries in its own place alone.
    planewise : bool
        Whether channel c of the result depends on channel c of the first operand (channels: second
        axis) and on entry c of every other operand alone, for each c in the same way.
    reorders : bool
        Whether a row of the result has the entries of the row of the one operand, in their order.
    grain : float
        Size of the numbers that results are differences of, where that is not their own size:
        however near 0 a result lies, it is rounded as if it were this large.
    analytic : bool
        Whether `continued` gives the op's value at complex arrays too.
    inplace : bool
        Whether `forward` may write its result over its first operand's memory.
    view : bool
        Whether the result may share memory with the first operand.
    fusions : mapping
        ``{operand: (op name, fused op name)}``: where that operand comes from such an op, plans
        run the fused op on that op's own input instead.
    also_called : mapping of str to str
        Names that elsewhere stand for an attribute, which help then offers.
    words : mapping
        For an attribute that takes sizes: words that other libraries have there, in small letters,
        with what to write for each.
    cases : tuple of Case
        For ops that infer shapes themselves: attributes and shapes to test with.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )

    operands: ClassVar[tuple[Operand, ...]] = ()
    result: ClassVar[str] = "..."
    broadcasts: ClassVar[bool] = False
    batchwise: ClassVar[bool] = False
    channelwise: ClassVar[bool] = False
    planewise: ClassVar[bool] = False
    reorders: ClassVar[bool] = False
    grain: ClassVar[float] = 0.0
    analytic: ClassVar[bool] = False
    inplace: ClassVar[bool] = False
    view: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    internal: ClassVar[bool] = False
    fusions: ClassVar[Mapping[str, tuple[str, str]]] = {}
    also_called: ClassVar[Mapping[str, str]] = {}
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    cases: ClassVar[tuple[Case, ...]] = ()
    name: ClassVar[str]
    family: ClassVar[str]
    takes_out: ClassVar[bool]
    takes_saved: ClassVar[bool]
    takes_wanted: ClassVar[bool]
    size_attributes: ClassVar[tuple[str, ...]]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Derive what the class says of itself, and enter it in the registry."""
        super().__pydantic_init_subclass__(**kwargs)
        tag = cls.model_fields.get("op")
        if tag is None:
            return
        cls.name = get_args(tag.annotation)[0]
        cls.family = cls.__module__.rpartition(".")[2]
        cls.takes_out = "out" in inspect.signature(cls.forward).parameters
        cls.takes_saved = "saved" in inspect.signature(cls.forward).parameters
        cls.takes_wanted = "wanted" in inspect.signature(cls.vjp).parameters
        cls.size_attributes = tuple(key for key, info in cls.model_fields.items() if _is_size(info))
        REGISTRY[cls.name] = cls
        if not cls.internal:
            OPS.add(cls.name)

    @classmethod
    def data_operands(cls) -> tuple[Operand, ...]:
        """Operands that other nodes give."""
        return tuple(operand for operand in cls.operands if operand.role == "data")

    @classmethod
    def parameter_operands(cls) -> tuple[Operand, ...]:
        """Operands that the network keeps: parameters and states."""
        return tuple(operand for operand in cls.operands if operand.is_parameter)

    def forward(self, *arrays: Any, **keywords: Any) -> Array:
        """Value of the op.

        Whoever calls this or `vjp` switches off NumPy's floating-point warnings (`np.errstate`),
        once for all ops: what is not finite is found by its value.

        Parameters
        ----------
        *arrays : ndarray
            One for each operand, in order; None for an optional parameter left out.

        Returns
        -------
        ndarray
            A NumPy scalar counts as an array of shape (). A method that also takes ``out=None``
            must write its result there when it is given. One that takes ``saved=None`` leaves in
            that dict, when it is given, what `vjp` and `update`, which then take the same keyword,
            need not compute again.
        """
        raise NotImplementedError

    def continued(self, *arrays: Any) -> Array:
        """Value at complex arrays, of an op that is `analytic`.

        The analytic continuation of `forward` from the real axis. Where an op chooses, it goes by
        real parts, as NumPy's own comparisons do, so that it is analytic but at its kinks.

        Parameters
        ----------
        *arrays : ndarray
            Complex for real numbers, int64 for whole ones; imaginary parts so small that their
            squares count for nothing.
        """
        return self.forward(*arrays)

    def vjp(self, *arrays: Any, **keywords: Any) -> tuple[Array | None, ...]:
        """Vector-Jacobian product: the cotangents of the operands.

        Parameters
        ----------
        cotangent : ndarray, shape of the result
        output : ndarray
            What `forward` gave.
        *arrays : ndarray
            What `forward` was given.

        Returns
        -------
        tuple of ndarray or None
            One for each operand, of its shape; None where there is no derivative (whole numbers,
            parameters left out) or no use for one (states, noise). A method that also takes
            ``wanted``, a tuple of bool, may return None wherever it is False. They may share
            memory with `cotangent` and with one another, so nobody may write into them.
        """
        raise NotImplementedError

    def branch(self, *arrays: Any, **keywords: Any) -> Array | None:
        """Which smooth piece of the op each result takes, or None for an op that is smooth.

        Two points between which this array changes have a kink between them.
        """
        return None

    def response(self, operand: str, *arrays: Any) -> Array | None:
        """How entries of a parameter move the result, where each moves one channel of it.

        Parameters
        ----------
        operand : str
            Name of the parameter. One of its axes, ``out`` in `Operand.layout`, is the channels;
            the others, in their order, tell the *group* of an entry.
        *arrays : ndarray
            Operands, for a result of shape ``[rows, channels, ...]``.

        Returns
        -------
        ndarray, shape (rows, groups, channels or 1, ...), or None
            Entry c of group g moved by ``h`` moves ``result[n, c]`` by ``h * response[n, g, c]``,
            and nothing else; an axis of size 1 stretches. None where that is not so.
        """
        return None

    def spread(self, change: Array, channels: Array, count: int, *arrays: Any) -> Array | None:
        """How rows of the result change when one block of the first operand's rows does.

        A row, its axes as one, is cut into `count` blocks of the same length, one a channel.

        Parameters
        ----------
        change : ndarray, shape (channels in play, ..., cases)
            By how much; each case of each channel is a change of its own. The axes between are
            those of a block.
        channels : ndarray of int
            Which those in play are.
        count : int
        *arrays : ndarray
            Operands.

        Returns
        -------
        ndarray, shape (..., channels in play, cases), or None
            Change of whole rows, their axes first; an array that the caller may write into. None
            for an op that is not linear, or knows no quicker way than to be run again.
        """
        return None

    def in_training(self) -> Op:
        """The op that stands for this one while training: itself, unless modes differ.

        The other op takes the same data and parameters, and may take noise after them.
        """
        return self

    def rows_needed(self, *shapes: Shape) -> int:
        """How many rows a batch has at least, for data of these shapes."""
        return 1

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
        """Noise for one training pass, of the result's shape, for an op with a noise operand."""
        raise NotImplementedError

    def update(self, *arrays: Any, **keywords: Any) -> Mapping[str, Array]:
        """New values of the state operands after a training pass, from the output and operands."""
        return {}

    def infer_kind(self, *kinds: Kind) -> Kind:
        """Whether the result holds real numbers or whole ones."""
        return "float"

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Shape of the result from the data shapes, or None to leave it to the signatures.

        Raises
        ------
        ShapeError
            The shapes do not fit.
        """
        return None

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, sizes.Size]:
        """Sizes in the signatures that the op itself tells, by name, for `infer`.

        Raises
        ------
        ShapeError
            The shapes do not fit.
        """
        return {}

    def check_kinds(self, shapes: Sequence[Shape], kinds: Sequence[Kind]) -> None:
        """Check what the `kind` of each operand cannot say: kinds that depend on the shapes.

        Raises
        ------
        ShapeError
            Real numbers stand where whole ones belong, or the other way round.
        """

    def has_rows(self, *shapes: Shape) -> tuple[bool, ...]:
        """Which data operands have rows of their own, where `rows_apart` holds.

        An operand that broadcasts has rows where it has as many axes as the result, and as
        many entries along the first; otherwise all rows of the result share it.
        """
        if not self.broadcasts:
            return tuple(len(shape) > 0 for shape in shapes)
        rank = max(map(len, shapes))
        firsts = [shape[0] for shape in shapes if len(shape) == rank > 0]
        count = next((size for size in firsts if size != 1), 1)
        return tuple(len(shape) == rank > 0 and shape[0] == count for shape in shapes)

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether `batchwise` holds for data of these shapes."""
        return self.batchwise and any(self.has_rows(*shapes))

    @property
    def free_names(self) -> frozenset[str]:
        """Names of the free sizes in the attributes."""
        return frozenset(
            name
            for key in type(self).model_fields
            for size in _sizes_in(getattr(self, key))
            for name in sizes.free_names(size)
        )

    def bind(self, bindings: Mapping[str, int]) -> Self:
        """The same op with the free sizes in its attributes replaced by numbers.

        Raises
        ------
        KeyError
            A free size has no value.
        """
        if not self.free_names:
            return self
        values = {key: getattr(self, key) for key in type(self).model_fields}
        return type(self)(**{key: _bound(value, bindings) for key, value in values.items()})

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Unify signatures with the data `shapes` and the parameter shapes `given`.

        Raises
        ------
        ShapeError
            Shapes disagree, or a size cannot be told from anything given.
        """
        table: dict[str, sizes.Size] = {}
        for key in self.size_attributes:
            size = getattr(self, key)
            if size is not None:
                table[key] = size
        table.update(self.solve_sizes(shapes, given))
        rest: list[Shape] = []
        own = self.infer_shape(*shapes)
        operands = self.data_operands()
        if own is None or not operands or not operands[0].many:
            for operand, shape in zip(operands, shapes, strict=True):
                self._match(operand, shape, table, rest)
        for operand in self.parameter_operands():
            if operand.name in given:
                self._match(operand, given[operand.name], table, rest)
        parameters = {
            operand.name: given.get(operand.name) or self._fill(operand, table, rest)
            for operand in self.parameter_operands()
        }
        result = self._build(self.result, table, rest) if own is None else own
        left_out = {
            key: table[key]
            for key in self.size_attributes
            if key in table and getattr(self, key) is None
        }
        return Inferred(result, parameters, left_out)

    def _match(
        self, operand: Operand, shape: Shape, table: dict[str, sizes.Size], rest: list[Shape]
    ) -> None:
        before, dots, after = _split(operand.signature)
        if len(shape) < len(before) + len(after) or (
            not dots and len(shape) > len(before) + len(after)
        ):
            raise ShapeError(
                f"'{operand.name}' has shape {show(shape)}, "
                f"but {self.name} takes [{_pretty(operand.signature)}]",
                operand.name,
            )
        stop = len(shape) - len(after)
        named = [*zip(before, shape, strict=False), *zip(after, shape[stop:], strict=True)]
        for symbol, size in named:
            wanted = int(symbol) if symbol.isdigit() else table.setdefault(symbol, size)
            if wanted != size:
                raise ShapeError(
                    f"'{operand.name}' has shape {show(shape)}, "
                    f"but its '{symbol}' must be {wanted}, not {size}",
                    operand.name,
                    f"a '{operand.name}' that fits has shape {_known(operand.signature, table)}",
                )
        if dots:
            self._match_rest(operand, shape, shape[len(before) : stop], rest)

    def _match_rest(self, operand: Operand, shape: Shape, middle: Shape, rest: list[Shape]) -> None:
        if not rest:
            rest.append(middle)
        elif self.broadcasts:
            rest[0] = _broadcast(rest[0], middle, operand, shape)
        elif rest[0] != middle:
            raise ShapeError(
                f"'{operand.name}' has shape {show(shape)}, "
                f"which does not match {show(rest[0])} of the operand before it",
                operand.name,
            )

    def _fill(self, operand: Operand, table: Mapping[str, sizes.Size], rest: list[Shape]) -> Shape:
        try:
            return self._build(operand.signature, table, rest)
        except KeyError as error:
            symbol = error.args[0]
            raise ShapeError(
                f"nothing says how large '{symbol}' is",
                None,
                f"give '{symbol}', or '{operand.name}' as numbers",
            ) from None

    @staticmethod
    def _build(signature: str, table: Mapping[str, sizes.Size], rest: list[Shape]) -> Shape:
        shape: list[sizes.Size] = []
        for symbol in signature.split():
            if symbol == "...":
                shape.extend(rest[0] if rest else ())
            else:
                shape.append(int(symbol) if symbol.isdigit() else table[symbol])
        return tuple(shape)


def _is_size(info: Any) -> bool:
    # "units: Size" carries the annotation as metadata; "units: Size | None" inside the union.
    if any(item is _SizeAnnotation for item in info.metadata):
        return True
    return get_origin(info.annotation) in (Union, UnionType) and any(
        _SizeAnnotation in getattr(part, "__metadata__", ()) for part in get_args(info.annotation)
    )


def _sizes_in(value: Any) -> Iterable[Expression]:
    items = value if isinstance(value, tuple) else (value,)
    return (item for item in items if isinstance(item, Expression))


def _bound(value: Any, bindings: Mapping[str, int]) -> Any:
    if isinstance(value, tuple):
        return tuple(_bound(item, bindings) for item in value)
    return sizes.evaluate(value, bindings) if isinstance(value, Expression) else value


def _split(signature: str) -> tuple[list[str], bool, list[str]]:
    symbols = signature.split()
    if "..." not in symbols:
        return symbols, False, []
    at = symbols.index("...")
    return symbols[:at], True, symbols[at + 1 :]


def _pretty(signature: str) -> str:
    return ", ".join(signature.split())


def _known(signature: str, table: Mapping[str, sizes.Size]) -> str:
    """A signature with the sizes that are known in place of their names."""
    return f"[{', '.join(str(table.get(symbol, symbol)) for symbol in signature.split())}]"


def _broadcast(a: Shape, b: Shape, operand: Operand, whole: Shape) -> Shape:
    rank = max(len(a), len(b))
    padded_a = (1,) * (rank - len(a)) + a
    padded_b = (1,) * (rank - len(b)) + b
    for left, right in zip(padded_a, padded_b, strict=True):
        if left != right and left != 1 and right != 1:
            raise ShapeError(
                f"'{operand.name}' has shape {show(whole)}, which does not broadcast against "
                f"{show(a)}: {left} and {right} differ",
                operand.name,
                "sizes match from the last axis on; only a size of 1 stretches",
            )
    return tuple(
        right if left == 1 else left for left, right in zip(padded_a, padded_b, strict=True)
    )


def unbroadcast(cotangent: Array, like: Array) -> Array:
    """Sum `cotangent` over the axes along which `like` was stretched to its shape."""
    lead = cotangent.ndim - like.ndim
    axes = tuple(range(lead)) + tuple(
        lead + axis
        for axis, size in enumerate(like.shape)
        if size == 1 and cotangent.shape[lead + axis] != 1
    )
    if not axes:
        return cotangent
    return np.asarray(cotangent.sum(axis=axes)).reshape(like.shape)

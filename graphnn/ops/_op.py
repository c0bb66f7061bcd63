"""What an op is: one frozen class that states operands, attributes, shapes, values, reverse."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, PydanticUserError

from graphnn.ops._arrays import Array, Cotangents, ShapeError
from graphnn.ops._declaration import check_declaration, untyped
from graphnn.ops._facts import owner
from graphnn.ops._inference import Inferred, Unifier
from graphnn.ops._loading import Registry
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._operands import Kind, Operand
from graphnn.ops._passages import Passage, Tracked, by_facts
from graphnn.ops._results import hold_results
from graphnn.ops._sizes import is_size
from graphnn.ops.code import CodeForm
from graphnn.ops.kernels.axes import AXIS, normal_axes, normal_axis
from graphnn.spec import sizes
from graphnn.spec.sizes import Expression, Shape

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

Interval = tuple[float, float]
ANY_NUMBER: Interval = (-math.inf, math.inf)
NOT_NEGATIVE: Interval = (0.0, math.inf)
_FAMILIES = "graphnn.ops.families"
REGISTRY = Registry()  # empty as long as no op class has been imported


@dataclass(frozen=True, slots=True)
class Case:
    """Attributes and data shapes that fit together, for documentation of an op.

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


class _Declared(ModelMetaclass):
    """What says, of an attribute without a type, what to write."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> type:
        try:
            return super().__new__(cls, name, bases, namespace, **keywords)
        except PydanticUserError as error:
            key = re.search(r"`(\w+) = ", error.message)
            if error.code != "model-field-missing-annotation" or key is None:
                raise
            value, facts = namespace[key[1]], Op.__class_vars__
            raise untyped(name, key[1], value, facts) from None


class Op(BaseModel, metaclass=_Declared):
    """Base of all ops. A subclass with a field ``op: Literal["name"] = "name"`` registers itself.

    Where there is an op of that name, ``class Name(Op, replace=True)`` takes its place; a class
    with ``register=False`` waits for `register` or `registered`.

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
        first axis). Data without rows (see `has_rows`) is the same for all of them.
    channelwise : bool
        Whether each entry of the result depends on the entries in its own place alone.
    planewise : bool
        Whether channel c of the result depends on channel c of the first operand (channels: second
        axis) and on entry c of every other operand alone, for each c in the same way.
    commutative : bool
        Whether its two operands may change places.
    reorders : bool
        Whether a row of the result has the entries of the row of the one operand, in their order.
    factors : bool
        Whether the derivatives by each operand are, but for their sign, products of other operands
        and of their powers, so that where one is 0 the result does not change with that operand at
        all.
    grain : float
        Size of the numbers that results are differences of, where that is not their own size:
        however near 0 a result lies, it is rounded as if it were this large.
    onnx_grain : float
        Likewise where onnxruntime takes such a difference, and the op does not.
    analytic : bool
        Whether `continued` gives the op's value at complex arrays too.
    inplace : bool
        Whether `forward` may write its result over its first operand's memory.
    view : bool
        Whether the result may share memory with the first operand.
    is_input : bool
        Whether each run is given its value.
    is_loss : bool
        Whether its results, one for each sample, are what training makes small.
    drawn_only : bool
        Whether it is of another program, and known by name alone, so that it cannot be computed.
    internal : bool
        Whether it has no name in the language: plans alone put it in the place of another op.
    output_interval : tuple of float or None
        Least and largest number that a result may be, whatever the data are; None where that
        depends on the data.
    within_inputs : bool
        Whether each result lies between two entries of the data, 0 counted among them.
    keeps_entries : bool
        Whether the result has the entries of the one data operand, each once, in any order.
    sums_to_one : bool
        Whether results add up to 1 along the attribute `axis`, or the last axis without such a one.
    takes_missing : bool
        Whether the first operand may hold NaN, which stands for a missing value.
    unsuited : mapping of str to str
        For a loss: names of ops whose results it should not be taken of, with what to do instead.
    fusions : mapping
        ``{operand: (op name, fused op name)}``: where that operand comes from such an op, plans
        run the fused op on that op's own input instead.
    symbol : str
        What textbooks write for the op; empty where that is its name.
    elsewhere : tuple of str
        What Keras, torch, Caffe and ONNX call the op: in small letters, without ``_``.
    also_called : mapping of str to str
        What other libraries call an attribute or a parameter, which help then offers.
    onnx : str
        Name of the ONNX operator that takes the same operands, with the attributes `onnx_keys`;
        an op without such a one writes `to_onnx`.
    onnx_keys : mapping of str to str
        What that operator calls the op's attributes.
    onnx_absent : str
        For an op that ONNX cannot state: why not, for the user.
    numpy : str
        Its NumPy expression over ``{x}`` and the like, the names of operands, and ``{op}``, the op;
        an op of another form writes `to_numpy`. Expressions may call the functions of
        `graphnn.interchange.code.textbook` and of `images` and `sequences` beside it.
    numpy_vjp : mapping of str to str
        By operand, that of its cotangent, over ``{g}`` and ``{y}`` too; see `to_numpy_vjp`.
    torch : str
        Its torch expression; see `to_torch`.
    torch_layer : str
        For an op with parameters or modes: the ``nn.Module`` that has them; see `to_torch_layer`.
        One with a torch expression too is a dict of what the expression names.
    torch_names : mapping of str to str
        What that module calls the parameters.
    torch_reversed : tuple of str
        Parameters whose axes it has in reverse order.
    torch_unlayered : str
        For an op with such parameters: its torch expression over parameters as they are here, for
        a node that shares one with a layer that has it the other way round.
    torch_unused : tuple of str
        What it keeps besides, which has no counterpart here.
    code_absent : str
        For an op that is not written as code: why not, for the user.
    words : mapping
        For an attribute that takes sizes: words that other libraries have there, in small letters,
        with what to write for each.
    cases : tuple of Case
        For ops that infer shapes themselves: attributes and shapes that show how, in documentation.
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
    commutative: ClassVar[bool] = False
    reorders: ClassVar[bool] = False
    factors: ClassVar[bool] = False
    grain: ClassVar[float] = 0.0
    onnx_grain: ClassVar[float] = 0.0
    analytic: ClassVar[bool] = False
    inplace: ClassVar[bool] = False
    view: ClassVar[bool] = False
    is_input: ClassVar[bool] = False
    is_loss: ClassVar[bool] = False
    internal: ClassVar[bool] = False
    drawn_only: ClassVar[bool] = False
    output_interval: ClassVar[Interval | None] = None
    within_inputs: ClassVar[bool] = False
    keeps_entries: ClassVar[bool] = False
    sums_to_one: ClassVar[bool] = False
    takes_missing: ClassVar[bool] = False
    unsuited: ClassVar[Mapping[str, str]] = {}
    fusions: ClassVar[Mapping[str, tuple[str, str]]] = {}
    symbol: ClassVar[str] = ""
    elsewhere: ClassVar[tuple[str, ...]] = ()
    also_called: ClassVar[Mapping[str, str]] = {}
    onnx: ClassVar[str] = ""
    onnx_keys: ClassVar[Mapping[str, str]] = {}
    onnx_absent: ClassVar[str] = ""
    numpy: ClassVar[str] = ""
    numpy_vjp: ClassVar[Mapping[str, str]] = {}
    torch: ClassVar[str] = ""
    torch_layer: ClassVar[str] = ""
    torch_names: ClassVar[Mapping[str, str]] = {}
    torch_reversed: ClassVar[tuple[str, ...]] = ()
    torch_unlayered: ClassVar[str] = ""
    torch_unused: ClassVar[tuple[str, ...]] = ()
    code_absent: ClassVar[str] = ""
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    cases: ClassVar[tuple[Case, ...]] = ()
    name: ClassVar[str]
    family: ClassVar[str]
    takes_out: ClassVar[bool]
    takes_saved: ClassVar[bool]
    takes_wanted: ClassVar[bool]
    attribute_names: ClassVar[tuple[str, ...]]
    size_attributes: ClassVar[tuple[str, ...]]
    _data_operands: ClassVar[tuple[Operand, ...]]
    _parameter_operands: ClassVar[tuple[Operand, ...]]
    _follows_kinds: ClassVar[bool]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the keywords of the class statement, which are for the method below."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, register: bool = True, replace: bool = False, **kwargs: Any
    ) -> None:
        """Check the class, derive what it says of itself, and enter it in the registry."""
        super().__pydantic_init_subclass__()
        if kwargs:
            message = f"the class '{cls.__name__}' has the keyword '{next(iter(kwargs))}'"
            raise TypeError(f"{message}: an op takes 'register' and 'replace'")
        tag = cls.model_fields.get("op")
        if tag is None:
            return
        cls.attribute_names = tuple(key for key in cls.model_fields if key != "op")
        cls.size_attributes = tuple(key for key, info in cls.model_fields.items() if is_size(info))
        check_declaration(cls, Op)
        cls._data_operands = tuple(operand for operand in cls.operands if operand.role == "data")
        cls._parameter_operands = tuple(operand for operand in cls.operands if operand.is_parameter)
        kinds = {operand.kind for operand in cls._data_operands}
        cls._follows_kinds = "any" in kinds and "float" not in kinds
        cls.name = get_args(tag.annotation)[0]
        cls.family = _family(cls.__module__)
        cls.takes_out = "out" in inspect.signature(cls.forward).parameters
        if owner(cls, "forward") not in owner(cls, "writing").__mro__:
            cls.writing = Op.writing  # type: ignore[method-assign]  # what is inherited is another's
        cls.takes_saved = "saved" in inspect.signature(cls.forward).parameters
        cls.takes_wanted = "wanted" in inspect.signature(cls.vjp).parameters
        hold_results(cls, Op)
        if register:
            _enter(cls, replace=replace)

    def __eq__(self, other: object) -> bool:
        """Whether it is an op with the same attributes; what was computed of them may be arrays."""
        return type(self) is type(other) and all(
            getattr(self, name) == getattr(other, name) for name in self.attribute_names
        )

    @classmethod
    def data_operands(cls) -> tuple[Operand, ...]:
        """Operands that other nodes give."""
        return cls._data_operands

    @classmethod
    def placed(cls, given: Sequence[Operand], values: Sequence[Any]) -> list[Any]:
        """Values of the data operands that are `given`, with None for those left out between."""
        if given == cls._data_operands[: len(values)]:  # as most ops read
            return [*values]
        names = [operand.name for operand in cls.data_operands()]
        if len(given) != len(values) or len({operand.name for operand in given}) < len(given):
            return [*values]  # of one operand that stands for many
        found = dict(zip((operand.name for operand in given), values, strict=True))
        last = max(map(names.index, found), default=-1)
        return [found.get(name) for name in names[: last + 1]]

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Values of an attribute that fit the data, for tests that draw them.

        Parameters
        ----------
        key : str
        chosen : mapping
            Attributes that the class states before this one.
        shape : tuple of Size
            Of the first operand; its first size may be free.

        Returns
        -------
        sequence or None
            The simplest first; None where the type of the field says it all.
        """
        return None

    @classmethod
    def parameter_operands(cls) -> tuple[Operand, ...]:
        """Operands that the network keeps: parameters and states."""
        return cls._parameter_operands

    def forward(self, *arrays: Any, **keywords: Any) -> Array:
        """Value of the op.

        The caller of this or `vjp` switches off NumPy's floating-point warnings (`np.errstate`),
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

    def writing(self, out: Array | None, *arrays: Any) -> Callable[..., Array]:
        """`forward`, of an op that takes ``out``, with `out` given, for many calls.

        Parameters
        ----------
        out : ndarray or None
            Memory for every result.
        *arrays : ndarray
            Operands of the shapes and dtypes of every call: what depends on these alone can be
            found here, once.
        """
        return partial(self.forward, out=out)

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

    def to_numpy(self, form: CodeForm) -> str:
        """The op as a NumPy expression."""
        return form.fill(self.numpy, self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """The cotangent of each operand as a NumPy expression; None where it has none."""
        return [
            form.fill(self.numpy_vjp[operand.name], self)
            if operand.name in self.numpy_vjp
            else None
            for operand in self.operands
        ]

    def to_torch(self, form: CodeForm) -> str:
        """The op as a torch expression, for one that is not a module."""
        return form.fill(self.torch, self)

    def torch_given(self, form: CodeForm) -> Sequence[str | None]:
        """What the torch module is called with: the data, which it may need in another form."""
        return form.names[: len(self.data_operands())]

    def torch_parts(
        self, shapes: Mapping[str, tuple[int, ...]]
    ) -> Mapping[str, Sequence[tuple[str, slice, slice]]]:
        """How arrays of torch's layer make up the parameters, where it has other arrays.

        Parameters
        ----------
        shapes : mapping of str to tuple of int
            Of the parameters that the node has, by operand.

        Returns
        -------
        mapping of str to sequence of (str, slice, slice)
            By name in torch, the parts of the array, whose axes are in reverse order there: each a
            parameter, columns of the array, and the columns of the parameter that they are added
            to.
        """
        return {}

    def to_torch_layer(self, form: CodeForm) -> str:
        """The torch module that has the op's parameters; empty where there is none."""
        return form.fill(self.torch_layer, self)

    def vjp(self, *arrays: Any, **keywords: Any) -> Cotangents:
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
            memory with `cotangent` and with one another, so they must not be written to.
        """
        raise NotImplementedError

    def branch(self, *arrays: Any, **keywords: Any) -> Array | None:
        """Which smooth piece of the op each result takes, or None for an op that is smooth.

        Two points between which this array changes have a kink between them.
        """
        return None

    @property
    def bends(self) -> bool:
        """Whether it has kinks, so that `branch` gives an array."""
        return type(self).branch is not Op.branch

    def response(self, operand: str, *arrays: Any) -> Array | None:
        """How entries of a parameter move the result, where each moves one channel of it.

        Parameters
        ----------
        operand : str
            Name of the parameter. One of its axes, ``out`` in `Operand.layout`, is the channels;
            the others, in their order, make up the *group* of an entry.
        *arrays : ndarray
            Operands, for a result of shape ``[rows, channels, ...]``.

        Returns
        -------
        ndarray, shape (rows, groups, channels or 1, ...), or None
            Entry c of group g moved by ``h`` moves ``result[n, c]`` by ``h * response[n, g, c]``,
            and nothing else; an axis of size 1 stretches. None where that is not so.
        """
        return None

    def moved(
        self, operand: str, entries: Array, offset: complex, output: Array, *arrays: Any
    ) -> Array | None:
        """Results with one entry of a parameter moved, for many entries at once.

        Parameters
        ----------
        operand : str
            Name of the parameter.
        entries : ndarray of int
            Places in the parameter's flat array.
        offset : float or complex
            By how much each is moved.
        output : ndarray
            The result with nothing moved.
        *arrays : ndarray
            Operands.

        Returns
        -------
        ndarray, shape (entries, *output.shape), or None
            None for an op that knows no quicker way than to be run once for each entry.
        """
        return None

    def spread(self, change: Array, channels: Array, count: int, *arrays: Any) -> Array | None:
        """How rows of the result change when one block of the first operand's rows does.

        A row, its axes as one, is cut into `count` blocks of the same length, one a channel.

        Parameters
        ----------
        change : ndarray, shape (channels in play, ..., cases)
            By how much; each case of each channel is a separate change. The axes between are
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

    def gives_shares(self, shape: Shape) -> bool:
        """Whether results, of a shape, add up to 1 along the last axis."""
        last = len(shape) - 1
        return self.sums_to_one and getattr(self, "axis", last) in (-1, last)

    def fixed(self, *arrays: Any) -> Self:
        """The op for rows of one batch, where it depends on what all rows hold of whole numbers.

        An op whose rows are not apart for that reason alone gives one whose rows are.
        """
        return self

    def fused(self, operand: str, source: Op, shape: Shape) -> Op | None:
        """The op of `fusions` that does both, where `source` gives the operand; else None.

        It is made of the attributes that both ops have.
        """
        producer, name = self.fusions.get(operand, ("", ""))
        if source.name != producer:
            return None
        replacement = REGISTRY[name]
        shared = [key for key in replacement.model_fields if key in type(self).model_fields]
        return replacement(**{key: getattr(self, key) for key in shared if key != "op"})

    def in_training(self) -> Op:
        """The op that replaces this one in training: itself, unless modes differ.

        The other op takes the same data and parameters, and may take noise after them.
        """
        return self

    def rows_needed(self, *shapes: Shape) -> int:
        """How many rows a batch has at least, for data of these shapes."""
        return 1

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """How many products `forward` adds up: those of matrix products and convolutions alone.

        Parameters
        ----------
        result : sequence of int
            Shape of the result.
        *operands : sequence of int or None
            Shape of each operand, in order; None for an optional parameter left out.
        """
        return 0

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
        """Noise for one training pass, of the result's shape, for an op with a noise operand."""
        raise NotImplementedError

    def update(self, *arrays: Any, **keywords: Any) -> Mapping[str, Array]:
        """New values of the state operands after a training pass, from the output and operands."""
        return {}

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Add to `form` the ONNX nodes that compute the op.

        Parameters
        ----------
        form : OnnxForm
        *operands : str or None
            Names of values, one for each operand; None for an optional parameter left out.

        Returns
        -------
        str
            Name of the value that is the result.
        """
        attributes = {theirs: getattr(self, ours) for ours, theirs in self.onnx_keys.items()}
        return form.add(self.onnx, *operands, **attributes)

    def prepared(self, *data: Array) -> Mapping[str, Array]:
        """Values of the state operands that all training rows determine, before the first epoch.

        Parameters
        ----------
        *data : ndarray
            The data operands, for all training rows together.
        """
        return {}

    def beside(self, operand: Operand, shapes: Sequence[Shape]) -> Sequence[Shape] | None:
        """Shapes of a data operand that fit those before it, for tests that draw them.

        Parameters
        ----------
        operand : Operand
        shapes : sequence of tuple of Size
            Of the data operands before it; at least one.

        Returns
        -------
        sequence or None
            The simplest first; None where the signatures say it all. Of an op with any number of
            inputs, those of the next one, and none after the last.
        """
        return None

    def limit(self, operand: Operand, shapes: Sequence[Shape]) -> sizes.Size | None:
        """The size that whole numbers of an operand stay below; None where there is none.

        Parameters
        ----------
        operand : Operand
        shapes : sequence of tuple of Size
            Of the data, of which those of operands after this one may be missing.
        """
        if operand.below in self.size_attributes:
            found: sizes.Size | None = getattr(self, operand.below)
            return found
        for other, shape in zip(self.data_operands(), shapes, strict=False):
            axes = other.signature.split()
            if operand.below in axes and "..." not in axes:
                return shape[axes.index(operand.below)]
        return None

    def infer_kind(self, *kinds: Kind) -> Kind:
        """Whether the result holds real numbers or whole ones: what all data of any kind hold."""
        return "int" if self._follows_kinds and "float" not in kinds else "float"

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """Shape of the result from the data shapes, or None to leave it to the signatures.

        Raises
        ------
        ShapeError
            The shapes do not fit.
        """
        return None

    def signature(self) -> str:
        """The signature of the result: `result`, unless it differs with the attributes."""
        return self.result

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, sizes.Size]:
        """Sizes in the signatures that the op itself determines, by name, for `infer`.

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
        """Which data operands have a row for each sample, where `rows_apart` holds.

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

    def passage(self, tracked: Tracked) -> Passage | None:
        """Where the entries along one axis of a data operand go; None where that is not known."""
        return by_facts(self, tracked)

    def part(self, position: int, shapes: Sequence[Shape]) -> tuple[int, int, int] | None:
        """Which part of the result one of many operands is: an axis, a start and a stop."""
        return None

    def from_front(self, *shapes: Shape) -> dict[str, Any]:
        """The attributes that count from either end, counted from the front, for these shapes."""
        found: dict[str, Any] = {}
        for name, each in type(self).model_fields.items():
            if AXIS in each.metadata and shapes:
                value = getattr(self, name)
                one = isinstance(value, int)
                with suppress(ShapeError):  # of somebody's op, the axis of something else
                    found[name] = (normal_axis if one else normal_axes)(value, shapes[0])
        return found

    @property
    def free_names(self) -> frozenset[str]:
        """Names of the free sizes in the attributes."""
        return frozenset(
            name
            for value in self.__dict__.values()
            for size in _sizes_in(value)
            for name in sizes.free_names(size)
        )

    def is_default(self, key: str) -> bool:
        """Whether an attribute is as where it is left out; one number may stand for all."""
        value, default = getattr(self, key), type(self).model_fields[key].default
        each = value if isinstance(value, tuple) and value else (value,)
        return value == default or all(one == default for one in each)

    def bind(self, bindings: Mapping[str, int]) -> Self:
        """The same op with the free sizes in its attributes replaced by numbers.

        Raises
        ------
        KeyError
            A free size has no value.
        """
        if not self.free_names:
            return self
        return type(self)(**{key: _bound(value, bindings) for key, value in self})

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Unify signatures with the data `shapes` and the parameter shapes `given`.

        Of several data operands that may be left out, one left out before another has the shape
        None.

        Raises
        ------
        ShapeError
            Shapes disagree, or nothing determines a size.
        """
        known = self._known_sizes()
        known.update(self.solve_sizes(shapes, given))
        unifier = Unifier(self.name, known, self.broadcasts)
        own = self.infer_shape(*shapes)
        operands = self._data_operands
        if own is None or not operands or not operands[0].many:
            for operand, shape in zip(operands, shapes, strict=False):
                # An operand of several forms is for `infer_shape` to check.
                if shape is not None and not operand.forms:
                    unifier.match(operand, shape)
        for operand in self._parameter_operands:
            if operand.name in given:
                unifier.match(operand, given[operand.name])
        parameters: dict[str, Shape] = {}
        for operand in self._parameter_operands:
            parameters[operand.name] = given.get(operand.name) or unifier.parameter(operand)
        left_out: dict[str, sizes.Size | Shape] = {}
        for key in self.size_attributes:
            if getattr(self, key) is None and key in unifier.sizes:
                left_out[key] = unifier.sizes[key]
        result = unifier.shape(self.signature()) if own is None else own
        return Inferred(result, parameters, left_out)

    def _known_sizes(self) -> dict[str, sizes.Size]:
        # By a loop, which costs nothing where there is nothing: most ops have no sizes.
        known: dict[str, sizes.Size] = {}
        for key in self.size_attributes:
            if (size := getattr(self, key)) is not None:
                known[key] = size
        return known


# pydantic evaluates annotations again for every subclass. These are of class variables, which it
# knows by now.
Op.__annotations__.clear()


def require_op(given: Any) -> None:
    """Refuse what is not a class that declares an op.

    Raises
    ------
    TypeError
    """
    if not (isinstance(given, type) and issubclass(given, Op) and "op" in given.model_fields):
        raise TypeError(f"{given!r} is not a class that declares an op")


def register(op_class: type[Op], *, replace: bool = False) -> None:
    """Enter an op class in the registry under its name.

    The class statement of an op does that by itself: importing its module is enough. The same
    statement run again, as in a notebook, replaces its class.

    Parameters
    ----------
    op_class : type of Op
    replace : bool
        Whether it takes the place of another op of its name.

    Raises
    ------
    TypeError
        There is an op of that name, or it is not a class of an op.
    """
    require_op(op_class)
    other = REGISTRY.get(op_class.name, op_class)
    again = (other.__module__, other.__qualname__) == (op_class.__module__, op_class.__qualname__)
    if not (again or replace):
        name, bases = op_class.__name__, ", ".join(base.__name__ for base in op_class.__bases__)
        raise TypeError(
            f"there is an op '{op_class.name}' already, {other.__module__}.{other.__qualname__}: "
            f'give this one a name by op: Literal["..."] = "...", '
            f"or write class {name}({bases}, replace=True)"
        )
    REGISTRY[op_class.name] = op_class


_enter = register  # where a keyword has its name


def aliases(**names: str) -> Mapping[str, str]:
    """`Op.also_called`, from what other libraries call each of an op's own names."""
    return {theirs: ours for ours, every in names.items() for theirs in every.split()}


def _family(module: str) -> str:
    """The name of a module; of the library's, such as ``loss_regression``, the first word."""
    package, _, name = module.rpartition(".")
    return name.partition("_")[0] if package == _FAMILIES else name


def _sizes_in(value: Any) -> Sequence[Expression]:
    if isinstance(value, tuple):
        return [item for item in value if isinstance(item, Expression)]
    return (value,) if isinstance(value, Expression) else ()


def _bound(value: Any, bindings: Mapping[str, int]) -> Any:
    if isinstance(value, tuple):
        return tuple(_bound(item, bindings) for item in value)
    return sizes.evaluate(value, bindings) if isinstance(value, Expression) else value

"""Filters that slide along 1, 2 or 3 axes: what convolution and its transpose have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema

from graphnn.ops._arrays import ALL, Array, Cotangents, ShapeError, Wanted
from graphnn.ops._inference import Inferred, unspecified
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op, aliases
from graphnn.ops._operands import PARAMETERS_ELSEWHERE, Operand, data, parameter
from graphnn.ops._sizes import Size
from graphnn.ops.code import CodeForm, call, changed, shown
from graphnn.ops.families._images import DILATION, KERNEL, STRIDE, finished, room
from graphnn.ops.initializers import He, Zeros
from graphnn.ops.kernels import unfolding, windows
from graphnn.ops.kernels.unfolding import images_first, images_last
from graphnn.ops.kernels.windows import Count, Counts, Tracks, taps
from graphnn.spec.sizes import Shape


def operands_of(rank: int, channels: str, layout: str) -> tuple[Operand, ...]:
    """What a convolution takes, for a weight whose first two axes are `channels`."""
    axes = windows.axes(rank)
    kernel = " ".join(f"kernel_{axis}" for axis in axes)
    return (
        data("x", f"batch channels {' '.join(axes)}"),
        parameter("weight", f"{channels} {kernel}", He(), layout=layout),
        parameter("bias", "filters", Zeros(), optional=True),
    )


def result_of(rank: int) -> str:
    """The signature of the result."""
    return f"batch filters {' '.join(f'new_{axis}' for axis in windows.axes(rank))}"


class Filters(Op):
    """Filters that slide over images, and sum up what they read or, `transposed`, put it there.

    A class for convolution and one for its transpose take `rank` from those for each number of
    axes, and add nothing there but names and examples.
    """

    rank: ClassVar[int] = 0
    transposed: ClassVar[bool] = False
    batchwise = True
    analytic = True
    factors = True
    output_interval = ANY_NUMBER
    also_called = aliases(
        kernel="size kernel_size filter_size",
        filters="channels out_channels units",
        **PARAMETERS_ELSEWHERE,
    )

    filters: Size | None = Field(
        None, description="Channels of the result; left out, as many as the weight has."
    )
    kernel: Counts | None = Field(None, description=KERNEL + "; left out, as of the weight.")
    stride: Counts = Field(1, description=STRIDE + ".", validate_default=True)
    dilation: Counts = Field(1, description=DILATION, validate_default=True)
    groups: Count = Field(
        1, description="Parts of the channels, each of which has its own share of the filters."
    )

    @field_validator("kernel", "stride", "dilation", mode="before")
    @classmethod
    def _per_axis(cls, value: Any) -> Any:
        return value if value is None else windows.per_axis(value, cls.rank)

    @field_validator("padding", mode="before", check_fields=False)
    @classmethod
    def _per_side(cls, value: Any, info: ValidationInfo) -> Any:
        return value if value == windows.SAME else windows.per_axis(value, cls.rank, sided=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The schema with lists of a number an axis."""
        made = handler(core)
        found = handler.resolve_ref_schema(made)["properties"]
        for key in {"kernel", "stride", "dilation", "padding", "output_padding"} & {*found}:
            found[key] = deepcopy(found[key])  # pydantic shares it among classes
            for form in _lists(found[key]):
                form["minItems"] = cls.rank
                form["maxItems"] = cls.rank * (2 if key == "padding" else 1)
        return made

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Small windows and steps, and groups that divide channels and filters."""
        if key == "groups":
            counts: tuple[Any, ...] = (shape[1], chosen["filters"])
            return [n for n in range(1, 5) if not any(count % n for count in counts)]
        most = {"kernel": 3, "stride": 4, "dilation": 3}.get(key)
        steps = range(1, most + 1) if most else ()
        return windows.pairs(*(steps for _ in range(cls.rank))) or None

    def forward(
        self, x: Array, weight: Array, bias: Array | None, *, out: Array | None = None
    ) -> Array:
        """Filters times windows of `x`, or times its entries, plus `bias`."""
        tracks = self._tracks(x, weight)
        y = self._filtered(images_last(x), weight, tracks, self.transposed, out)
        return finished(y, bias, out)

    def vjp(
        self, cotangent: Array, output: Array, *arrays: Any, wanted: Wanted = ALL
    ) -> Cotangents:
        """Cotangents of x, filters over g; of weight, a correlation of x and g; of bias, a sum."""
        x, weight, bias = arrays
        g, tracks = images_last(cotangent), self._tracks(x, weight)
        by_x = by_weight = by_bias = None
        if wanted[0]:
            by_x = images_first(self._filtered(g, weight, tracks, not self.transposed))
        if wanted[1]:
            read = images_last(x)
            pair = (read, g) if self.transposed else (g, read)
            by_weight = unfolding.correlate_weight(*pair, weight, tracks, self.groups)
        if wanted[2] and bias is not None:
            by_bias = g.reshape(len(g), -1).sum(axis=1)
        return by_x, by_weight, by_bias

    def _filtered(
        self, x: Array, weight: Array, tracks: Tracks, back: bool, out: Array | None = None
    ) -> Array:
        """Windows of `x` times the filters, or entries put back in them; images last."""
        if back:
            return unfolding.correlate_back(x, weight, tracks, self.groups)
        y = room(out, (len(weight), *(track.count for track in tracks), x.shape[-1]), x.dtype)
        unfolding.correlate(x, weight, tracks, self.groups, y)
        return y

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """For the weight what its entries read, or the entries of `x` put apart; 1 for bias."""
        x, weight, *_ = arrays
        if operand == "bias":
            return np.ones((len(x), *(1,) * x.ndim), x.dtype)
        if self.transposed and self.groups > 1:
            return None
        parts = x.reshape(len(x), self.groups, -1, *x.shape[2:])
        read = _responses(parts.swapaxes(1, 2), weight, self._tracks(x, weight), self.transposed)
        return read if self.groups == 1 else read.repeat(len(weight) // self.groups, axis=2)

    def multiply_adds(self, result: Sequence[int], *operands: Sequence[int] | None) -> int:
        """One for each entry of what filters are applied to, or put into, and of a filter."""
        x, weight, *_ = operands
        assert x is not None
        assert weight is not None
        return math.prod(x if self.transposed else result) * math.prod(weight[1:])

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Conv or ConvTranspose."""
        return form.add(
            self.onnx,
            *operands,
            kernel_shape=[*form.shapes[operands[1]][2:]],
            strides=[*self.stride],
            dilations=[*self.dilation],
            group=self.groups,
            **self._onnx_padding(*(form.shapes[name] for name in operands[:2])),
        )

    def _onnx_padding(self, x: Shape, weight: Shape) -> dict[str, Any]:
        """What the ONNX operator is given about padding, for these shapes."""
        raise NotImplementedError

    def _tracks(self, x: Array, weight: Array) -> Tracks:
        """The windows along each axis."""
        raise NotImplementedError

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Shapes by the signatures; what is left out, from the weight.

        Raises
        ------
        ShapeError
            No window fits, the groups do not divide channels or filters, or it is unspecified how
            large kernel or filters are.
        """
        found = super().infer(shapes, given)
        if self.kernel is not None:
            return found
        kernel = found.parameters["weight"][2:]
        return replace(found, attributes={**found.attributes, "kernel": kernel})

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, Size]:
        """Size of the kernel, the share of a group in channels and filters, size of the result."""
        weight, rank = given.get("weight"), self.rank + 2
        if len(shapes[0]) != rank or (weight is not None and len(weight) != rank):
            return {}  # then the signatures do not fit, as `infer` says
        kernel: Shape | None = self.kernel or (weight and weight[2:])
        if kernel is None:
            raise unspecified("kernel", "weight")
        _, channels, *size = shapes[0]
        filters = self._count(given)
        axes, new = windows.axes(self.rank), self._result(size, kernel)
        return {
            "filters": filters,
            "channels/groups": self._share(channels, "channels"),
            "filters/groups": self._share(filters, "filters"),
            **{f"kernel_{axis}": count for axis, count in zip(axes, kernel, strict=True)},
            **{f"new_{axis}": count for axis, count in zip(axes, new, strict=True)},
        }

    def _count(self, given: Mapping[str, Shape]) -> Size:
        """How many filters there are."""
        if self.filters is not None:
            return self.filters
        if "weight" in given:
            filters, depth, *_ = given["weight"]
            return depth * self.groups if self.transposed else filters
        if "bias" in given and len(given["bias"]) == 1:
            return given["bias"][0]
        raise unspecified("filters", "weight")

    def _share(self, count: Size, what: Literal["channels", "filters"]) -> Size:
        """How many of the channels or the filters each group has."""
        if isinstance(count, int) and count % self.groups:
            whose = f"'x' has {count}" if what == "channels" else f"there are {count}"
            raise ShapeError(
                f"{whose} {what if count > 1 else what[:-1]}, "
                f"which {self.groups} groups do not divide",
                "x" if what == "channels" else None,
                attribute="groups",
            )
        return count // self.groups

    def _result(self, size: Sequence[Size], kernel: Sequence[Size]) -> tuple[Size, ...]:
        """Sizes of the result."""
        raise NotImplementedError

    def _options(self, *without: str) -> dict[str, Any]:
        """Attributes that are not the usual ones, for code; and the stride.

        Blocks whose copies differ in it alone are one piece of code.
        """
        keys = ("stride", "padding", "dilation", "groups")
        options = {key: getattr(self, key) for key in keys if key not in without}
        usual = {"padding": (0,) * self.rank, "dilation": (1,) * self.rank, "groups": 1}
        return changed(options, usual)

    def _written(self, function: str, *arguments: str | None) -> str:
        """A call of a function of the file."""
        return call(function, *arguments, **self._options())

    def _biased(self, form: CodeForm, text: str) -> str:
        bias = form.names[2]
        return text if bias is None else f"{text} + per_channel({bias}, {form.names[0]})"

    def _bias_vjp(self, form: CodeForm) -> str | None:
        axes = (0, *range(2, self.rank + 2))
        return None if form.names[2] is None else f"{form.cotangent}.sum(axis={axes})"

    def _layer(self, form: CodeForm, module: str, outside: Size, **options: Any) -> str:
        """A torch module of so many filters."""
        (_, channels, *_), (_, _, *kernel) = form.shapes[0] or (), form.shapes[1] or ()
        bias = None if form.names[2] else False
        name = f"nn.{module}{self.rank}d"
        return call(name, channels, outside, shown(tuple(kernel)), **options, bias=bias)


def _lists(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """What a schema says of lists, itself or as one of several forms."""
    if schema.get("type") == "array":
        return [schema]
    forms = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return [found for form in forms for found in _lists(form)]


def _responses(x: Array, weight: Array, tracks: Tracks, back: bool) -> Array:
    """What each entry of a filter adds to a result when it moves by 1.

    Parameters
    ----------
    x : ndarray, shape (images, channels of a group, groups, sizes of the axes)
    weight : ndarray, shape (..., sizes of the kernel)
    tracks : tuple of Track
    back : bool
        Whether entries of `x` are put where windows read, as a transposed convolution does.

    Returns
    -------
    ndarray, shape (images, entries, groups, sizes of the result)
    """
    images, depth, groups = x.shape[:3]
    size = [track.size if back else track.count for track in tracks]
    count = math.prod(track.kernel for track in tracks)
    read = np.zeros((images, depth, count, groups, *size), x.dtype)
    for entry, pair in enumerate(taps(tracks)):
        there, here = pair[::-1] if back else pair
        apart: Any = (slice(None), slice(None), entry, slice(None), *there)
        taken: Any = (..., *here)
        read[apart] = x[taken]
    return read.reshape(images, -1, groups, *size)

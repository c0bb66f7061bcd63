"""Normalization of the channels of each row, alone, in groups or with their neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, Field

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, ShapeError, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import data
from graphnn.ops.code import CodeForm, along, call
from graphnn.ops.families._elementwise import Elementwise
from graphnn.ops.families.normalization import EPSILON, GAIN_AND_SHIFT
from graphnn.ops.initializers import Positive
from graphnn.ops.kernels import statistics
from graphnn.spec.sizes import Shape, Size

_N = TypeVar("_N", bound=Size)
_FREE = "its number of channels is free"


class _OfGroups(Op):
    """Normalization of groups of channels, with a gain and a shift for each channel."""

    epsilon: Positive = Field(1e-5, description=EPSILON)

    output_interval = ANY_NUMBER
    batchwise = True
    analytic = True
    inplace = True
    torch_names: ClassVar = {"gain": "weight", "shift": "bias"}

    def forward(self, x: Array, *kept: Any, out: Array | None = None) -> Array:
        """``gain (x - m) / sqrt(v + epsilon) + shift``, m and v those of the group."""
        gain, shift = kept
        y, _ = self._normal(x)
        y = y.reshape(x.shape)
        if gain is not None:
            y *= statistics.per_channel(gain, x)
        if shift is not None:
            y += statistics.per_channel(shift, x)
        if out is None:
            return y
        np.copyto(out, y)
        return out

    def vjp(
        self, cotangent: Array, output: Array, x: Array, *kept: Any, wanted: Wanted = ALL
    ) -> Cotangents:
        """``(h - mean(h) - z mean(h z)) / s``, h = g gain; sums of g z and g over a channel."""
        gain, shift = kept
        axes = statistics.all_but_channels(x)
        normal, scale = self._normal(x)
        by_x = by_gain = by_shift = None
        if wanted[1] and gain is not None:
            by_gain = statistics.total(cotangent, axes, normal.reshape(x.shape)).ravel()
        if wanted[2] and shift is not None:
            by_shift = statistics.total(cotangent, axes).ravel()
        if wanted[0]:
            h = cotangent if gain is None else cotangent * statistics.per_channel(gain, x)
            h = h.reshape(normal.shape)
            count = normal.shape[2]
            slope = statistics.total(h, (2,), normal) / count
            level = statistics.total(h, (2,)) / count
            by_x = statistics.projected(h, normal, slope, level, scale).reshape(x.shape)
        return by_x, by_gain, by_shift

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """The normal form for the gain, whose entries move one channel each; 1 for the shift."""
        x = arrays[0]
        if operand == "shift":
            return np.ones((len(x), *(1,) * x.ndim), x.dtype)
        return self._normal(x)[0].reshape(x.shape)[:, None]

    def _normal(self, x: Array) -> tuple[Array, Array]:
        """Groups with mean 0 and variance 1, ``[batch, groups, entries]``, and their scale."""
        parts = x.reshape(len(x), self._count(x.shape[1]), -1)
        _, centred, variance = statistics.centred(parts, (2,))
        scale = 1 / np.sqrt(variance + self.epsilon)
        centred *= scale
        return centred, scale

    def _count(self, channels: _N) -> _N | int:
        """How many groups there are."""
        return channels

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """InstanceNormalization of each group as one channel, Mul and Add."""
        x, gain, shift = operands
        shape = form.shapes[x]
        groups = self._count(shape[1])
        if not isinstance(groups, int):
            raise NotImplementedError(_FREE)
        ends = np.ones(groups), np.zeros(groups)
        parts = form.add("Reshape", x, [0, groups, -1])
        y = form.add("InstanceNormalization", parts, *ends, epsilon=self.epsilon)
        y = form.add("Reshape", y, form.shape(shape, (shape[0], groups)))
        after = [1] * (len(shape) - 2)
        for op, kept in (("Mul", gain), ("Add", shift)):
            if kept is not None:
                along = form.add("Reshape", kept, [-1, *after]) if after else kept
                y = form.add(op, y, along)
        return y

    def to_numpy(self, form: CodeForm) -> str:
        """``group_norm``, times the gain, plus the shift."""
        x, gain, shift = form.names
        text = self._written(form, "group_norm", x)
        text += f" * per_channel({gain}, {x})" if gain else ""
        return text + (f" + per_channel({shift}, {x})" if shift else "")

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Through the normal form; the sums of ``g z`` and g over a channel."""
        (x, gain, shift), g = form.names, form.cotangent
        inner = f"{g} * per_channel({gain}, {x})" if gain else g
        summed = f".sum(axis={along([n for n in range(len(form.shape)) if n != 1])})"
        normal = self._written(form, "group_norm", x)
        return [
            self._written(form, "group_norm_by_x", inner, x),
            f"({g} * {normal}){summed}" if gain else None,
            f"{g}{summed}" if shift else None,
        ]

    def _written(self, form: CodeForm, function: str, *arguments: str | None) -> str:
        groups = form.size(self._count(form.shape[1]), 0)
        option = {} if self.epsilon == 1e-5 else {"epsilon": self.epsilon}
        return call(function, *arguments, groups, **option)

    def _torch_options(self, form: CodeForm, affine: bool) -> dict[str, Any]:
        """The keywords of the module, or a refusal of what it does not take."""
        _, gain, shift = form.names
        if not isinstance(form.shape[1], int):
            raise NotImplementedError(_FREE)
        if bool(gain) != bool(shift):
            raise NotImplementedError("of its gain and shift torch has both or none")
        options: dict[str, Any] = {} if self.epsilon == 1e-5 else {"eps": self.epsilon}
        return options if bool(gain) == affine else {**options, "affine": bool(gain)}


class GroupNorm(_OfGroups):
    """Group normalization ``y = gain (x - m) / sqrt(v + epsilon) + shift`` of groups of channels.

    m and v are mean and variance of the channels of a group and of all axes after them, in each
    row; gain and shift are one for each channel. Training and running do the same.

    References
    ----------
    Y. Wu and K. He, Group normalization, ECCV 2018, eq. 1, 2 and 7.
    """

    op: Literal["group_norm"] = "group_norm"
    groups: int = Field(ge=1, description="How many groups; it divides the number of channels.")

    also_called = aliases(
        groups="num_groups", epsilon="eps", gain="gamma scale weight", shift="beta center bias"
    )
    elsewhere = ("groupnormalization",)
    operands = (data("x", "batch channels ..."), *GAIN_AND_SHIFT)
    result = "batch channels ..."
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"groups": 2, "epsilon": 0.1}, [(2, 4)]),
        Case({"groups": 1, "epsilon": 0.01}, [(2, 3, 2)]),
        Case({"groups": 3, "epsilon": 0.1}, [(1, 6, 2, 2)]),
    )

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Divisors of the number of channels."""
        if key != "groups":
            return None
        channels = shape[1] if len(shape) > 1 and isinstance(shape[1], int) else 1
        return [groups for groups in range(1, channels + 1) if channels % groups == 0]

    def infer_shape(self, *shapes: Shape) -> Shape | None:
        """That of `x`, whose channels the groups divide."""
        (shape,) = shapes
        if len(shape) < 2:
            return None
        if isinstance(shape[1], int):
            self._check(shape[1], ShapeError)
        return shape

    def _count(self, channels: _N) -> int:
        if isinstance(channels, int):
            self._check(channels, ArrayError)
        return self.groups

    def _check(self, channels: int, error: type[ShapeError] | type[ArrayError]) -> None:
        if channels % self.groups:
            raise error(
                f"'groups' is {self.groups}, which does not divide the {channels} channels of 'x'",
                "x",
                attribute="groups",
            )

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.GroupNorm``."""
        options = self._torch_options(form, True)
        batch, channels, *rest = form.shape
        if all(size == 1 for size in (batch, *rest)) and channels == self.groups:
            raise NotImplementedError("torch needs more than one number")
        return call("nn.GroupNorm", self.groups, channels, **options)


class InstanceNorm(_OfGroups):
    """Instance normalization ``y = gain (x - m) / sqrt(v + epsilon) + shift`` of each channel.

    m and v are mean and variance of a channel of a row over all axes after the channels; gain and
    shift are one for each channel. Training and running do the same.

    References
    ----------
    D. Ulyanov, A. Vedaldi and V. Lempitsky, Instance normalization: the missing ingredient for fast
    stylization, arXiv:1607.08022, 2016, eq. 2.
    """

    op: Literal["instance_norm"] = "instance_norm"

    also_called = aliases(epsilon="eps", gain="gamma scale weight", shift="beta center bias")
    elsewhere = ("instancenormalization",)
    planewise = True
    operands = (data("x", "batch channels n ..."), *GAIN_AND_SHIFT)
    result = "batch channels n ..."

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.InstanceNorm1d``, or that of as many axes."""
        _, channels, *rest = form.shape
        if len(rest) > 3:
            raise NotImplementedError("torch has at most three axes after the channels")
        if all(size == 1 for size in rest):
            raise NotImplementedError("torch needs more than one number of a channel")
        return call(f"nn.InstanceNorm{len(rest)}d", channels, **self._torch_options(form, False))


def _odd(size: int) -> int:
    if size % 2 == 0:
        raise ValueError(f"{size} is not odd: a channel has as many neighbours on both sides")
    return size


class LocalResponseNorm(Elementwise):
    """Local response normalization ``y = x / (k + alpha / size * q)^beta``.

    q is the sum of the squares of `size` neighbouring channels, the own one in their middle, at the
    same place; channels beyond the first and the last count as 0.

    References
    ----------
    A. Krizhevsky, I. Sutskever and G. E. Hinton, ImageNet classification with deep convolutional
    neural networks, NIPS 2012, section 3.3, whose alpha is ``alpha / size`` here, as in Caffe,
    torch and ONNX.
    """

    op: Literal["local_response_norm"] = "local_response_norm"
    size: Annotated[int, AfterValidator(_odd)] = Field(
        5, ge=1, description="How many neighbouring channels count; odd."
    )
    alpha: Positive = Field(1e-4, description="How much their mean square counts.")
    beta: Positive = Field(0.75, description="The power of the divisor.")
    k: Positive = Field(1.0, description="What is added to it.")

    also_called = aliases(size="local_size depth_radius n window", k="bias")
    elsewhere = ("lrn", "localresponsenormalization", "crossmaplrn")
    output_interval = ANY_NUMBER
    operands = (data("x", "batch channels ..."),)
    result = "batch channels ..."
    channelwise = False

    @classmethod
    def choices(cls, key: str, chosen: Mapping[str, Any], shape: Shape) -> Sequence[Any] | None:
        """Windows that are odd."""
        return [1, 3, 5] if key == "size" else None

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x / (k + alpha / size * q)^beta``, q the sum of squares of the neighbours."""
        y: Array = np.multiply(x, self._divisor(x) ** -self.beta, out=out)
        return y

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g / d^beta - 2 alpha beta / size x w``, w the sum of ``g x / d^(beta + 1)`` nearby."""
        divisor = self._divisor(x)
        share = cotangent * divisor**-self.beta
        factor = 2 * self.alpha * self.beta / self.size
        return (share - factor * x * self._nearby(share * x / divisor),)

    def _divisor(self, x: Array) -> Array:
        divisor: Array = self.k + self.alpha / self.size * self._nearby(x * x)
        return divisor

    def _nearby(self, x: Array) -> Array:
        """The sum over the neighbours of each channel."""
        total = x.copy()
        for apart in range(1, min(self.size // 2, x.shape[1] - 1) + 1):
            total[:, apart:] += x[:, :-apart]
            total[:, :-apart] += x[:, apart:]
        return total

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """LRN of images, which other shapes become."""
        (x,) = operands
        shape = form.shapes[x]
        image = x if len(shape) == 4 else form.add("Reshape", x, [0, 0, -1, 1][:4])
        if len(shape) == 2:
            image = form.add("Unsqueeze", x, [2, 3])
        given = {"alpha": self.alpha, "beta": self.beta, "bias": self.k, "size": self.size}
        y = form.add("LRN", image, **given)
        if len(shape) == 4:
            return y
        if len(shape) == 2:
            return form.add("Squeeze", y, [2, 3])
        return form.add("Reshape", y, form.shape(shape, shape[:2]))

    def _options(self) -> str:
        return f"{self.size}, {self.alpha}, {self.beta}, {self.k}"

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return form.fill(f"local_response_norm({{x}}, {self._options()})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """A function of the file."""
        return [form.fill(f"local_response_norm_by_x({{g}}, {{x}}, {self._options()})", self)]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.LocalResponseNorm``."""
        if len(form.shape) == 2:
            raise NotImplementedError("torch normalizes images and sequences, not rows of features")
        return f"nn.LocalResponseNorm({self._options()})"

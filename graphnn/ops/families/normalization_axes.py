"""Normalization along axes of each row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, Cotangents, Saved, Wanted, misfit
from graphnn.ops._inference import Inferred
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import data, parameter
from graphnn.ops._passages import Passage, Tracked, mixed
from graphnn.ops.code import CodeForm, along, call
from graphnn.ops.families.normalization import EPSILON
from graphnn.ops.initializers import Ones, Positive, Zeros
from graphnn.ops.kernels import statistics
from graphnn.ops.kernels.axes import Axes, normal_axes
from graphnn.spec.sizes import Shape, show


class _OfAxes(Op):
    """Normalization along axes of each row, with a gain along them."""

    axis: Axes = Field((-1,), description="Axis, or list of axes, to normalize along.")
    epsilon: Positive = Field(1e-5, description=EPSILON)

    output_interval = ANY_NUMBER
    result = "... n"
    batchwise = True
    analytic = True
    inplace = True
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"epsilon": 0.1}, [(4, 3)]),
        Case({"epsilon": 0.01, "axis": [-1, 1]}, [(2, 3, 2)]),
        Case({"epsilon": 0.1, "axis": 1}, [(2, 3, 2, 1)]),
        Case({"epsilon": 0.1, "axis": [1, 3]}, [(2, 2, 3, 2)]),
        Case({"epsilon": 0.1, "axis": 0}, [(3, 2)]),
        Case({"epsilon": 0.1, "axis": None}, [(2, 2)]),
        Case({"epsilon": 0.1}, [(4,)]),
    )

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axes all go into each; others stay apart."""
        axis = tracked.axis
        own = axis in normal_axes(self.axis, tracked.shapes[0])
        return mixed(axis, alike=False) if own else Passage(axis)

    def infer(self, shapes: Sequence[Shape], given: Mapping[str, Shape]) -> Inferred:
        """Shape of `x`; parameters have the sizes of the axes.

        Raises
        ------
        ShapeError
            There is no such axis, or a parameter does not fit.
        """
        (shape,) = shapes
        sizes = tuple(shape[axis] for axis in normal_axes(self.axis, shape))
        for name, found in given.items():
            if found != sizes:
                problem = f"but the axes that {self.name} normalizes along have {show(sizes)}"
                raise misfit(name, found, problem)
        kept = [operand.name for operand in self.parameter_operands()]
        return Inferred(shape, dict.fromkeys(kept, sizes), {})

    def rows_apart(self, *shapes: Shape) -> bool:
        """Whether the first axis counts rows: not where it is normalized along."""
        return bool(shapes[0]) and 0 not in normal_axes(self.axis, shapes[0])

    def _axes(self, form: CodeForm) -> tuple[int, ...]:
        return normal_axes(self.axis, form.shape)

    def _written(self, form: CodeForm, function: str, *arguments: str | None) -> str:
        option = {} if self.epsilon == 1e-5 else {"epsilon": self.epsilon}
        return call(function, *arguments, along(self._axes(form)), **option)

    def _stretched(self, name: str | None, form: CodeForm) -> str:
        """A gain or shift that broadcasts."""
        axes, rank = self._axes(form), len(form.shape)
        if axes == tuple(range(axes[0], rank)):
            return str(name)
        new = [axis for axis in range(axes[0], rank) if axis not in axes]
        return f"np.expand_dims({name}, {along([axis - axes[0] for axis in new])})"

    def _summed(self, form: CodeForm) -> str:
        """The sum over all axes that are not normalized along, as a method call."""
        others = [n for n in range(len(form.shape)) if n not in self._axes(form)]
        return f".sum(axis={along(others)})" if others else ""

    def _own_sizes(self, form: CodeForm) -> str:
        """The sizes of the axes, as torch takes them: of the last axes alone."""
        axes, rank = self._axes(form), len(form.shape)
        sizes = tuple(form.shape[axis] for axis in axes)
        if axes != tuple(range(axes[0], rank)) or not all(isinstance(n, int) for n in sizes):
            raise NotImplementedError("torch normalizes along the last axes alone, of known sizes")
        return str(sizes[0]) if len(sizes) == 1 else repr(sizes)

    def _onnx_stretched(self, form: OnnxForm, name: str, shape: Shape) -> str:
        """A gain or shift with the axes of `shape`."""
        axes = normal_axes(self.axis, shape)
        sizes = [n if at in axes and isinstance(n, int) else 1 for at, n in enumerate(shape)]
        return form.add("Reshape", name, sizes)


class LayerNorm(_OfAxes):
    """Layer normalization ``y = gain (x - m) / sqrt(v + epsilon) + shift`` of each row.

    m and v are mean and variance of the row's entries along the axes, the last one unless `axis`
    says otherwise. Gain and shift have those axes too. Training and running do the same.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, Layer normalization, arXiv:1607.06450, 2016, eq. 3.
    """

    op: Literal["layer_norm"] = "layer_norm"

    also_called = aliases(
        epsilon="eps", gain="gamma scale weight", shift="beta center bias", axis="dim"
    )
    elsewhere = ("layernormalization",)
    operands = (
        data("x", "... n"),
        parameter("gain", "n", Ones(), optional=True),
        parameter("shift", "n", Zeros(), optional=True),
    )

    def forward(
        self, x: Array, *kept: Any, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``gain (x - m) / sqrt(v + epsilon) + shift``, m and v those of the row."""
        gain, shift = kept
        axes = normal_axes(self.axis, x.shape)
        _, y, variance = statistics.centred(x, axes, saved, out)
        y *= 1 / np.sqrt(variance + self.epsilon)
        if gain is not None:
            y *= statistics.along(gain, axes, x)
        if shift is not None:
            y += statistics.along(shift, axes, x)
        return y

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """LayerNormalization where the axes are the last ones, else its formula."""
        x, gain, shift = operands
        shape = form.shapes[x]
        axes = [*normal_axes(self.axis, shape)]
        own = [shape[axis] for axis in axes]
        if axes == [*range(axes[0], len(shape))] and all(isinstance(size, int) for size in own):
            gain = np.ones(own) if gain is None else gain
            return form.add(
                "LayerNormalization", x, gain, shift, axis=axes[0], epsilon=self.epsilon
            )
        centred = form.add("Sub", x, form.add("ReduceMean", x, axes))
        variance = form.add("ReduceMean", form.add("Mul", centred, centred), axes)
        y = form.add("Div", centred, form.add("Sqrt", form.add("Add", variance, self.epsilon)))
        for op, kept in (("Mul", gain), ("Add", shift)):
            if kept is not None:
                y = form.add(op, y, self._onnx_stretched(form, kept, shape))
        return y

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        *kept: Any,
        wanted: Wanted = ALL,
        saved: Saved | None = None,
    ) -> Cotangents:
        """``(h - mean(h) - z mean(h z)) / s`` for x, h = g gain; sums of g z and g over rows."""
        gain, shift = kept
        axes = normal_axes(self.axis, x.shape)
        others = tuple(axis for axis in range(x.ndim) if axis not in axes)
        _, normal, variance = statistics.centred_again(x, axes, saved)
        scale = 1 / np.sqrt(variance + self.epsilon)
        normal *= scale
        by_x = by_gain = by_shift = None
        if wanted[1] and gain is not None:
            by_gain = statistics.total(cotangent, others, normal).reshape(gain.shape)
        if wanted[2] and shift is not None:
            by_shift = statistics.total(cotangent, others).reshape(shift.shape)
        if wanted[0]:
            count = math.prod(x.shape[axis] for axis in axes)
            h = cotangent if gain is None else cotangent * statistics.along(gain, axes, x)
            slope, level = (
                statistics.total(h, axes, normal) / count,
                statistics.total(h, axes) / count,
            )
            by_x = statistics.projected(h, normal, slope, level, scale)
        return by_x, by_gain, by_shift

    torch_names: ClassVar = {"gain": "weight", "shift": "bias"}

    def to_numpy(self, form: CodeForm) -> str:
        """``layer_norm``, times the gain, plus the shift."""
        x, gain, shift = form.names
        text = self._written(form, "layer_norm", x)
        text += f" * {self._stretched(gain, form)}" if gain else ""
        return text + (f" + {self._stretched(shift, form)}" if shift else "")

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Through the normal form; the sums of ``g z`` and g over rows."""
        (x, gain, shift), g = form.names, form.cotangent
        inner = f"{g} * {self._stretched(gain, form)}" if gain else g
        summed = self._summed(form)
        normal = self._written(form, "layer_norm", x)
        return [
            self._written(form, "layer_norm_by_x", inner, x),
            (f"({g} * {normal}){summed}" if summed else f"{g} * {normal}") if gain else None,
            f"{g}{summed}" if shift else None,
        ]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.LayerNorm``, of the last axes alone."""
        _, gain, shift = form.names
        own = self._own_sizes(form)
        if shift and not gain:
            raise NotImplementedError("torch has no shift without a gain")
        options = {} if self.epsilon == 1e-5 else {"eps": self.epsilon}
        affine = {} if gain else {"elementwise_affine": False}
        bias = {} if shift or not gain else {"bias": False}
        return call("nn.LayerNorm", own, **options, **affine, **bias)


class RmsNorm(_OfAxes):
    """Root mean square normalization ``y = gain x / sqrt(mean(x^2) + epsilon)`` of each row.

    The mean is over the row's entries along the axes, the last one unless `axis` says otherwise.
    Unlike in `layer_norm`, no mean is subtracted.

    References
    ----------
    B. Zhang and R. Sennrich, Root mean square layer normalization, NeurIPS 2019, eq. 4.
    """

    op: Literal["rms_norm"] = "rms_norm"

    also_called = aliases(epsilon="eps", gain="gamma scale weight", axis="dim")
    elsewhere = ("rmsnormalization", "simplifiedlayernormalization")
    operands = (data("x", "... n"), parameter("gain", "n", Ones(), optional=True))

    def forward(self, x: Array, gain: Array | None, *, out: Array | None = None) -> Array:
        """``gain x / sqrt(mean(x^2) + epsilon)``, the mean that of the row."""
        axes = normal_axes(self.axis, x.shape)
        y: Array = np.multiply(x, self._scale(x, axes), out=out)
        if gain is not None:
            y *= statistics.along(gain, axes, x)
        return y

    def vjp(
        self,
        cotangent: Array,
        output: Array,
        x: Array,
        gain: Array | None,
        *,
        wanted: Wanted = ALL,
    ) -> Cotangents:
        """``(h - z mean(h z)) / s``, h = g gain, z = x / s; the sum of ``g z`` over rows."""
        axes = normal_axes(self.axis, x.shape)
        others = tuple(axis for axis in range(x.ndim) if axis not in axes)
        scale = self._scale(x, axes)
        normal = x * scale
        by_x = by_gain = None
        if wanted[1] and gain is not None:
            by_gain = statistics.total(cotangent, others, normal).reshape(gain.shape)
        if wanted[0]:
            count = math.prod(x.shape[axis] for axis in axes)
            h = cotangent if gain is None else cotangent * statistics.along(gain, axes, x)
            by_x = statistics.projected(
                h, normal, statistics.total(h, axes, normal) / count, np.zeros_like(scale), scale
            )
        return by_x, by_gain

    def _scale(self, x: Array, axes: tuple[int, ...]) -> Array:
        count = math.prod(x.shape[axis] for axis in axes)
        scale: Array = 1 / np.sqrt(statistics.total(x, axes, x) / count + self.epsilon)
        return scale

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Its formula."""
        x, gain = operands
        shape = form.shapes[x]
        axes = [*normal_axes(self.axis, shape)]
        mean = form.add("ReduceMean", form.add("Mul", x, x), axes)
        y = form.add("Div", x, form.add("Sqrt", form.add("Add", mean, self.epsilon)))
        if gain is None:
            return y
        return form.add("Mul", y, self._onnx_stretched(form, gain, shape))

    torch_names: ClassVar = {"gain": "weight"}

    def to_numpy(self, form: CodeForm) -> str:
        """``rms_norm``, times the gain."""
        x, gain = form.names
        text = self._written(form, "rms_norm", x)
        return f"{text} * {self._stretched(gain, form)}" if gain else text

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Through the normal form; the sum of ``g z`` over rows."""
        (x, gain), g = form.names, form.cotangent
        inner = f"{g} * {self._stretched(gain, form)}" if gain else g
        summed, normal = self._summed(form), self._written(form, "rms_norm", x)
        product = f"({g} * {normal}){summed}" if summed else f"{g} * {normal}"
        return [self._written(form, "rms_norm_by_x", inner, x), product if gain else None]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.RMSNorm``, of the last axes alone."""
        own = self._own_sizes(form)
        affine = {} if form.names[1] else {"elementwise_affine": False}
        return call("nn.RMSNorm", own, eps=self.epsilon, **affine)

"""Activations that let through a share of each entry, and their cheap likenesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op, aliases
from graphnn.ops._operands import data, parameter
from graphnn.ops.code import CodeForm, along, call
from graphnn.ops.families._elementwise import BentAtZero, Elementwise
from graphnn.ops.families.activation import continued_sigmoid, continued_softplus, sigmoid
from graphnn.ops.initializers import Constant
from graphnn.ops.kernels import statistics
from graphnn.ops.kernels.ties import is_above
from graphnn.spec.sizes import Shape, Size


class Silu(Elementwise):
    """Sigmoid linear unit ``y = x s(x)``, s the logistic function; also called swish.

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning, Neural Networks 107 (2018), eq. 6 and 7.
    """

    op: Literal["silu"] = "silu"

    elsewhere = ("swish",)
    output_interval = ANY_NUMBER
    onnx_grain = 1.0  # that of the sigmoid

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x s(x)``, entry by entry."""
        return np.multiply(x, sigmoid(x), out=out)

    def continued(self, x: Array) -> Array:
        """As `forward`, without an infinity."""
        return x * continued_sigmoid(x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g s (1 + x (1 - s))``."""
        share = sigmoid(x)
        slope = np.subtract(1, share)
        slope *= x
        slope += 1
        slope *= share
        slope *= cotangent
        return (slope,)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The product with Sigmoid."""
        (x,) = operands
        return form.add("Mul", x, form.add("Sigmoid", x))

    numpy = "{x} * sigmoid({x})"
    numpy_vjp: ClassVar = {"x": "{g} * sigmoid({x}) * (1 + {x} * (1 - sigmoid({x})))"}
    torch = "F.silu({x})"


class Mish(Elementwise):
    """Mish ``y = x tanh(log(1 + exp(x)))``.

    References
    ----------
    D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020, section 2.
    """

    op: Literal["mish"] = "mish"
    onnx = "Mish"

    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x tanh(log(1 + exp(x)))``, entry by entry."""
        return np.multiply(x, _mish_share(x), out=out)

    def continued(self, x: Array) -> Array:
        """As `forward`, without an infinity."""
        return x * np.tanh(continued_softplus(x))

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g (t + x (1 - t^2) s(x))``, t the hyperbolic tangent and s the logistic function."""
        share = _mish_share(x)
        slope = (1 - share) * (1 + share)
        slope *= sigmoid(x)
        slope *= x
        slope += share
        slope *= cotangent
        return (slope,)

    numpy = "{x} * np.tanh(np.logaddexp(0, {x}))"
    numpy_vjp: ClassVar = {"x": "{g} * mish_slope({x})"}
    torch = "F.mish({x})"


class Softsign(BentAtZero):
    """Softsign ``y = x / (1 + |x|)``, which bends more sharply at 0 than elsewhere.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010, section 3.
    """

    op: Literal["softsign"] = "softsign"
    onnx = "Softsign"

    output_interval = (-1.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x / (1 + |x|)``, entry by entry."""
        y: Array = np.divide(x, 1 + np.abs(x), out=out)
        return y

    def continued(self, x: Array) -> Array:
        """As `forward`, with `x` or ``-x`` for ``|x|``."""
        y: Array = x / (1 + np.where(x.real < 0, -x, x))
        return y

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g / (1 + |x|)^2``."""
        # Divided twice: the square may overflow.
        width = 1 + np.abs(x)
        return (cotangent / width / width,)

    numpy = "{x} / (1 + np.abs({x}))"
    numpy_vjp: ClassVar = {"x": "{g} / (1 + np.abs({x}))**2"}
    torch = "F.softsign({x})"


class _Hard(Elementwise):
    """A function made of ``min(max(x / 6 + 1 / 2, 0), 1)``, with kinks at -3 and 3."""

    def branch(self, x: Array) -> Array:
        """0 up to -3, 1 between the kinks, 2 above 3."""
        return is_above(x, -3).astype(np.int8) + is_above(x, 3)


class HardSigmoid(_Hard):
    """Hard sigmoid ``y = min(max(x / 6 + 1 / 2, 0), 1)``.

    References
    ----------
    A. Howard et al., Searching for MobileNetV3, ICCV 2019, section 5.2.
    """

    op: Literal["hard_sigmoid"] = "hard_sigmoid"

    output_interval = (0.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``min(max(x / 6 + 1 / 2, 0), 1)``, entry by entry."""
        return np.minimum(np.maximum(x / 6 + 0.5, 0), 1, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g / 6`` where ``-3 < x < 3``, else 0."""
        return (cotangent * (np.abs(x) < 3) / 6,)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """HardSigmoid with its slope."""
        return form.add("HardSigmoid", *operands, alpha=1 / 6, beta=0.5)

    numpy = "np.clip({x} / 6 + 0.5, 0, 1)"
    numpy_vjp: ClassVar = {"x": "{g} * (np.abs({x}) < 3) / 6"}
    torch = "F.relu6({x} + 3) / 6"  # the slope of F.hardsigmoid is a sixth in float32


class HardSwish(_Hard):
    """Hard swish ``y = x min(max(x / 6 + 1 / 2, 0), 1)``.

    References
    ----------
    A. Howard et al., Searching for MobileNetV3, ICCV 2019, section 5.2.
    """

    op: Literal["hard_swish"] = "hard_swish"
    onnx = "HardSwish"

    elsewhere = ("hardsilu",)
    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x min(max(x / 6 + 1 / 2, 0), 1)``, entry by entry."""
        return np.multiply(x, np.clip(x / 6 + 0.5, 0, 1), out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g (x / 3 + 1 / 2)`` where ``-3 < x < 3``, 0 below and ``g`` above."""
        slope = np.where(np.abs(x) < 3, x / 3 + 0.5, x > 0)
        return (cotangent * slope.astype(cotangent.dtype, copy=False),)

    numpy = "{x} * np.clip({x} / 6 + 0.5, 0, 1)"
    numpy_vjp: ClassVar = {"x": "{g} * np.where(np.abs({x}) < 3, {x} / 3 + 0.5, {x} > 0)"}
    torch = "F.hardswish({x})"


class Prelu(Op):
    """Parametric rectifier ``y = x`` where ``x > 0``, else ``slope x``, a slope for each channel.

    Channels are the second axis, as in images and in rows of features. Where it is `shared`, all
    have one slope: the channel-shared rectifier of the paper, and torch's ``nn.PReLU()``.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015, eq. 1; the
    gradient: eq. 3.
    """

    op: Literal["prelu"] = "prelu"
    shared: bool = Field(False, description="Whether all channels have one slope.")

    also_called = aliases(slope="alpha alpha_initializer weight")
    elsewhere = ("parametricrelu",)
    output_interval = ANY_NUMBER
    operands = (
        data("x", "batch channels ..."),
        parameter("slope", "slopes", Constant(value=0.25)),
    )
    result = "batch channels ..."
    batchwise = True
    analytic = True
    inplace = True

    @property
    def planewise(self) -> bool:  # type: ignore[override]
        """Where each channel has a slope."""
        return not self.shared

    def solve_sizes(
        self, shapes: Sequence[Shape], given: Mapping[str, Shape]
    ) -> Mapping[str, Size]:
        """One slope, or as many as there are channels."""
        many = {"slopes": shapes[0][1]} if len(shapes[0]) > 1 else {}
        return {"slopes": 1} if self.shared else many

    def forward(self, x: Array, slope: Array, *, out: Array | None = None) -> Array:
        """`x` where it is positive, else ``slope x``."""
        below = statistics.per_channel(slope, x) * np.minimum(x, 0)
        y: Array = np.add(np.maximum(x, 0), below, out=out)
        return y

    def continued(self, x: Array, slope: Array) -> Array:
        """As `forward`, by real parts."""
        return np.where(x.real > 0, x, statistics.per_channel(slope, x) * x)

    def vjp(self, cotangent: Array, output: Array, x: Array, slope: Array) -> Cotangents:
        """``g`` where ``x > 0``, else ``slope g``; the sums of ``g x`` below 0 over a channel."""
        by_x = np.where(x > 0, cotangent, statistics.per_channel(slope, x) * cotangent)
        below = np.minimum(x, 0)
        if self.shared:
            return by_x, np.vecdot(cotangent.ravel(), below.ravel()).reshape(1)
        axes = statistics.all_but_channels(x)
        return by_x, statistics.total(cotangent, axes, below).ravel()

    def branch(self, x: Array, slope: Array) -> Array:
        """Whether each entry is positive, by more than rounding."""
        return is_above(x, 0)

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """``min(x, 0)``: a slope moves its channel alone, unless all have one."""
        if self.shared:
            return None
        below: Array = np.minimum(arrays[0], 0)
        return below[:, None]

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """PRelu, with axes of size 1 after the channels."""
        x, slope = operands
        after = [1] * (len(form.shapes[x]) - 2)
        if after:
            slope = form.add("Reshape", slope, [-1, *after])
        return form.add("PRelu", x, slope)

    torch_names: ClassVar = {"slope": "weight"}

    def to_numpy(self, form: CodeForm) -> str:
        """`x` or its product with the slope."""
        return form.fill(f"np.where({{x}} > 0, {{x}}, {self._stretched(form)} * {{x}})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g`` or ``slope g``, and the sums of ``g x`` below 0."""
        axes = along([axis for axis in range(len(form.shape)) if axis != 1])
        total = ".sum(keepdims=True).ravel()" if self.shared else f".sum(axis={axes})"
        return [
            form.fill(f"np.where({{x}} > 0, {{g}}, {self._stretched(form)} * {{g}})", self),
            form.fill(f"({{g}} * np.minimum({{x}}, 0)){total}", self),
        ]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.PReLU``."""
        (channels,) = form.shapes[1] or ()
        return call("nn.PReLU", channels)

    def _stretched(self, form: CodeForm) -> str:
        x, slope = form.names
        return str(slope) if self.shared or len(form.shape) == 2 else f"per_channel({slope}, {x})"


def _mish_share(x: Array) -> Array:
    """``tanh(log(1 + exp(x)))``, relatively exact in the lower tail too."""
    # With e = exp(x), (e^2 + 2 e) / (e^2 + 2 e + 2); above 20 it is 1 in double precision.
    power = np.exp(np.minimum(x, 20))
    power *= power + 2
    share: Array = power / (power + 2)
    return share

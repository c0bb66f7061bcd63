"""Activations: functions of one entry, and softmax along an axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, NOT_NEGATIVE, aliases
from graphnn.ops._passages import Passage, Tracked, mixed
from graphnn.ops.code import CodeForm, call
from graphnn.ops.families._elementwise import AlongAxis, BentAtZero, Elementwise, Unchanged
from graphnn.ops.initializers import Finite, Positive
from graphnn.ops.kernels.axes import normal_axis
from graphnn.ops.kernels.erf import erf, erfc
from graphnn.ops.kernels.ones import ones, total

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717
_ROOT_HALF = math.sqrt(0.5)
_ERF_SLOPE = 2 / math.sqrt(math.pi)
_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
_GELU_SLOPE = 2 * math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715
_LARGE = 2**14  # entries
# Bytes of zeros, for one call, and for many: these are read from the cache of a core.
_ONCE, _HELD = 2**12, 2**19
# Up to this many columns, NumPy reduces a transposed copy faster than the rows themselves.
NARROW = 32


class _Shares(AlongAxis):
    """Softmax, or its logarithm."""

    def passage(self, tracked: Tracked) -> Passage | None:
        """Along its axis all go into each; others stay apart."""
        axis = tracked.axis
        own = axis == normal_axis(self.axis, tracked.shapes[0])
        return mixed(axis, alike=True) if own else Passage(axis)

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return call(self.name, *form.names, **self._option())

    def to_torch(self, form: CodeForm) -> str:
        """The function of torch."""
        return form.fill(f"torch.{self.name}({{x}}, dim={self.axis})", self)

    def _option(self) -> dict[str, int]:
        return {} if self.axis == -1 else {"axis": self.axis}


class Identity(Unchanged):
    """Identity ``y = x``."""

    op: Literal["identity"] = "identity"
    onnx = "Identity"

    elsewhere = ("noop", "passthrough")


class Step(Elementwise):
    """Step ``y = 1`` where ``x > 0``, else 0."""

    op: Literal["step"] = "step"

    output_interval = (0.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """1 where ``x > 0``, else 0, entry by entry."""
        # Unlike a comparison, this propagates NaN.
        return np.heaviside(x, 0, out=out)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """The sign of the rectifier."""
        return form.add("Sign", form.add("Relu", *operands))

    def continued(self, x: Array) -> Array:
        """As `forward`, by real parts."""
        fires: Array = np.heaviside(x.real, 0).astype(x.dtype)
        return fires

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """0: a step is flat on both sides of its jump."""
        return (np.zeros_like(cotangent),)

    def branch(self, x: Array) -> Array:
        """Whether each entry is positive."""
        return x > 0

    numpy = "np.heaviside({x}, 0)"
    numpy_vjp: ClassVar = {"x": "np.zeros_like({x})"}
    torch = "({x} > 0).to({x}.dtype)"


class Sigmoid(Elementwise):
    """Logistic function ``y = 1 / (1 + exp(-x))``."""

    op: Literal["sigmoid"] = "sigmoid"
    onnx = "Sigmoid"
    onnx_grain = 1.0  # far below 0, where it is 1 - s(-x)

    symbol = "σ"
    elsewhere = ("logistic",)
    output_interval = (0.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``1 / (1 + exp(-x))``, entry by entry; relatively exact in the lower tail too."""
        return sigmoid(x, out)

    def writing(self, out: Array | None, *arrays: Any) -> Callable[[Array], Array]:
        """Four calls of NumPy."""
        return _writing_sigmoid(out, arrays[0].dtype)

    def continued(self, x: Array) -> Array:
        """As `forward`, without an infinity."""
        return continued_sigmoid(x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g y (1 - y)``."""
        slope = np.subtract(ones((), output.dtype), output)
        slope *= output
        slope *= cotangent
        return (slope,)

    numpy = "sigmoid({x})"
    numpy_vjp: ClassVar = {"x": "{g} * {y} * (1 - {y})"}
    torch = "torch.sigmoid({x})"


class Tanh(Elementwise):
    """Hyperbolic tangent ``y = tanh(x)``."""

    op: Literal["tanh"] = "tanh"
    onnx = "Tanh"

    output_interval = (-1.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``tanh(x)``, entry by entry."""
        return np.tanh(x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g (1 - y)(1 + y)``."""
        slope = 1 - output
        slope *= 1 + output
        slope *= cotangent
        return (slope,)

    numpy = "np.tanh({x})"
    numpy_vjp: ClassVar = {"x": "{g} * (1 - {y}**2)"}
    torch = "torch.tanh({x})"


class Relu(BentAtZero):
    """Rectifier ``y = max(x, 0)``."""

    op: Literal["relu"] = "relu"
    onnx = "Relu"

    elsewhere = ("rectifier", "rectifiedlinear")
    output_interval = NOT_NEGATIVE

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``max(x, 0)``, entry by entry."""
        return np.maximum(x, _zeros(x, _ONCE) if x.size >= _LARGE else 0, out=out)

    def writing(self, out: Array | None, *arrays: Any) -> Callable[[Array], Array]:
        """One call of NumPy."""
        zeros, maximum = _zeros(arrays[0], _HELD), np.maximum
        return lambda x: maximum(x, zeros, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """Cotangent where the output is positive; 0 elsewhere, at the kink too."""
        return (cotangent * (output > 0),)

    numpy = "np.maximum({x}, 0)"
    numpy_vjp: ClassVar = {"x": "{g} * ({x} > 0)"}
    torch = "torch.relu({x})"


class LeakyRelu(BentAtZero):
    """Leaky rectifier ``y = x`` where ``x > 0``, else ``slope x``.

    References
    ----------
    A. L. Maas, A. Y. Hannun and A. Y. Ng, Rectifier nonlinearities improve neural network acoustic
    models, ICML 2013.
    """

    op: Literal["leaky_relu"] = "leaky_relu"
    slope: Finite = Field(0.01, description="Slope below 0.")

    onnx = "LeakyRelu"
    onnx_keys: ClassVar = {"slope": "alpha"}

    also_called = aliases(slope="negative_slope alpha")
    elsewhere = ("lrelu",)
    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`x` where it is positive, else ``slope x``."""
        # The larger of the two lines where the slope is at most 1, the smaller where it is more.
        choose = np.maximum if self.slope <= 1 else np.minimum
        return choose(x, self.slope * x, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g`` where ``x > 0``, else ``slope g``, at the kink too."""
        return (np.where(x > 0, cotangent, self.slope * cotangent),)

    numpy = "np.where({x} > 0, {x}, {op.slope} * {x})"
    numpy_vjp: ClassVar = {"x": "np.where({x} > 0, {g}, {op.slope} * {g})"}
    torch = "torch.where({x} > 0, {x}, {op.slope} * {x})"


class _ExponentialUnit(BentAtZero):
    """``y = s x`` where ``x > 0``, else ``s a (exp(x) - 1)``."""

    output_interval = ANY_NUMBER
    onnx_grain = 1.0  # near 0

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``s x`` where `x` is positive, else ``s a (exp(x) - 1)``."""
        scale, alpha = self._constants()
        below = np.expm1(np.minimum(x, 0))
        above = np.maximum(x, 0, out=out)
        y = np.add(above, alpha * below, out=out)
        return y if scale == 1 else np.multiply(y, scale, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g s`` where ``x > 0``, else ``g s a exp(x)``, at the kink too."""
        scale, alpha = self._constants()
        below = (scale * alpha) * np.exp(np.minimum(x, 0))
        return (cotangent * np.where(x > 0, x.dtype.type(scale), below),)

    def _constants(self) -> tuple[float, float]:
        """The scale s, and a."""
        raise NotImplementedError


class Elu(_ExponentialUnit):
    """Exponential linear unit ``y = s x`` where ``x > 0``, else ``s a (exp(x) - 1)``.

    s is 1 and a is `alpha`.

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network learning by
    exponential linear units, ICLR 2016.
    """

    op: Literal["elu"] = "elu"
    alpha: Positive = Field(1.0, description="Minus the value far below 0.")

    onnx = "Elu"
    onnx_keys: ClassVar = {"alpha": "alpha"}

    def _constants(self) -> tuple[float, float]:
        return 1.0, self.alpha

    numpy = "np.where({x} > 0, {x}, {op.alpha} * np.expm1(np.minimum({x}, 0)))"
    numpy_vjp: ClassVar = {
        "x": "{g} * np.where({x} > 0, 1, {op.alpha} * np.exp(np.minimum({x}, 0)))"
    }
    torch = "F.elu({x}, {op.alpha})"


class Selu(_ExponentialUnit):
    """Scaled exponential linear unit ``y = s x`` where ``x > 0``, else ``s a (exp(x) - 1)``.

    s is 1.0507009873554805 and a is 1.6732632423543772, which keep mean 0 and variance 1.

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, Self-normalizing neural networks,
    NIPS 2017, eq. 2 and 14.
    """

    op: Literal["selu"] = "selu"

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Selu with more digits than its default."""
        return form.add("Selu", *operands, alpha=_SELU_ALPHA, gamma=_SELU_SCALE)

    def _constants(self) -> tuple[float, float]:
        return _SELU_SCALE, _SELU_ALPHA

    numpy = "selu({x})"
    numpy_vjp: ClassVar = {"x": "{g} * selu_slope({x})"}
    torch = "F.selu({x})"


class Gelu(Elementwise):
    """Gaussian error linear unit ``y = x P(x)``, P the standard normal distribution function.

    References
    ----------
    D. Hendrycks and K. Gimpel, Gaussian error linear units, arXiv:1606.08415, 2016.
    """

    op: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = Field(
        "none",
        description="tanh puts (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 in the place of P.",
    )

    onnx = "Gelu"
    onnx_grain = 1.0  # far below 0, where the error function is near -1
    onnx_keys: ClassVar = {"approximate": "approximate"}

    output_interval = ANY_NUMBER

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x P(x)``, entry by entry."""
        return np.multiply(x, self._distribution(x), out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g (P(x) + x p(x))``, p the derivative of P."""
        share = self._distribution(x)
        # Beyond 40 the density is 0 in double precision, and x^2 may overflow.
        near = np.clip(x, -40, 40)
        if self.approximate == "none":
            density = _DENSITY_AT_0 * np.exp(-0.5 * near * near)
        else:
            steepness = _GELU_SLOPE * (1 + 3 * _GELU_CUBIC * near * near)
            density = steepness * share * (1 - share)
        return (cotangent * (share + near * density),)

    def continued(self, x: Array) -> Array:
        """As `forward`; P, an integral, is continued along its density."""
        if self.approximate == "tanh":
            near = np.clip(x, -40, 40)
            return x * continued_sigmoid(_GELU_SLOPE * near * (1 + _GELU_CUBIC * near * near))
        real = x.real.copy()
        density = _DENSITY_AT_0 * np.exp(-0.5 * real * real)
        share: Array = self._distribution(real) + 1j * (density * x.imag)
        return x * share

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Gelu, or before opset 20 its formula."""
        if form.opset >= 20:
            return super().to_onnx(form, *operands)
        (x,) = operands
        if self.approximate == "none":
            rest = form.add("Erf", form.add("Mul", x, _ROOT_HALF))
        else:
            cubic = form.add("Mul", form.add("Mul", x, x), _GELU_CUBIC)
            inner = form.add("Mul", x, form.add("Add", cubic, 1.0))
            rest = form.add("Tanh", form.add("Mul", inner, _GELU_SLOPE / 2))
        return form.add("Mul", form.add("Mul", x, 0.5), form.add("Add", rest, 1.0))

    def _distribution(self, x: Array) -> Array:
        if self.approximate == "none":
            return 0.5 * erfc(np.asarray(-_ROOT_HALF * x))
        # (1 + tanh(u)) / 2 is the sigmoid of 2 u, which keeps its digits in the lower tail.
        near = np.clip(x, -40, 40)
        return sigmoid(_GELU_SLOPE * near * (1 + _GELU_CUBIC * near * near))

    def to_numpy(self, form: CodeForm) -> str:
        """A function of the file."""
        return form.fill(f"{self._function}({{x}})", self)

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g`` times its derivative."""
        return [form.fill(f"{{g}} * {self._function}_slope({{x}})", self)]

    def to_torch(self, form: CodeForm) -> str:
        """``F.gelu``."""
        option = "" if self.approximate == "none" else ', approximate="tanh"'
        return form.fill(f"F.gelu({{x}}{option})", self)

    @property
    def _function(self) -> str:
        return "gelu" if self.approximate == "none" else "gelu_tanh"


class Erf(Elementwise):
    """Error function ``y = erf(x)``, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    References
    ----------
    NIST Digital Library of Mathematical Functions, section 7.2.
    """

    op: Literal["erf"] = "erf"
    onnx = "Erf"

    output_interval = (-1.0, 1.0)

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``erf(x)``, entry by entry."""
        return np.positive(erf(x), out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g 2 exp(-x^2) / sqrt(pi)``."""
        return (cotangent * _bell(x),)

    def continued(self, x: Array) -> Array:
        """As `forward`; an integral is continued along what it is of."""
        real = x.real.copy()
        found: Array = erf(real) + 1j * (_bell(real) * x.imag)
        return found

    numpy = "erf({x})"
    numpy_vjp: ClassVar = {"x": "{g} * 2 / math.sqrt(math.pi) * np.exp(-({x}**2))"}
    torch = "torch.erf({x})"


def _bell(x: Array) -> Array:
    """The derivative of the error function."""
    near = np.clip(x, -40, 40)  # beyond, it is 0 in double precision, and x^2 may overflow
    return np.asarray(_ERF_SLOPE * np.exp(-near * near))


class Softplus(Elementwise):
    """Softplus ``y = log(1 + exp(x))``."""

    op: Literal["softplus"] = "softplus"
    onnx = "Softplus"

    output_interval = NOT_NEGATIVE

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``max(x, 0) + log(1 + exp(-|x|))``, which never overflows."""
        tail = np.log1p(np.exp(-np.abs(x)))
        return np.add(np.maximum(x, 0), tail, out=out)

    def continued(self, x: Array) -> Array:
        """As `forward`, with `x` or ``-x`` for ``|x|``."""
        return continued_softplus(x)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g`` times the sigmoid of `x`."""
        return (cotangent * sigmoid(x),)

    numpy = "np.logaddexp(0, {x})"
    numpy_vjp: ClassVar = {"x": "{g} * sigmoid({x})"}
    torch = "F.softplus({x}, threshold=40)"


class Softmax(_Shares):
    """Softmax ``y_i = exp(x_i) / sum_j exp(x_j)`` along an axis, the last by default.

    References
    ----------
    J. S. Bridle, Probabilistic interpretation of feedforward classification network outputs, 1990,
    eq. 4.
    """

    op: Literal["softmax"] = "softmax"
    onnx = "Softmax"

    output_interval = (0.0, 1.0)
    sums_to_one = True

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``exp(x - max x)`` over its sum, along the axis."""
        return softmax(x, out, axis=self.axis)

    def writing(self, out: Array | None, *arrays: Any) -> Callable[[Array], Array]:
        """Of a row, six calls of NumPy."""
        return _writing_softmax(out, arrays[0], self.axis)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``y (g - sum_j g_j y_j)``."""
        weighted = cotangent * output
        weighted -= output * weighted.sum(axis=self.axis, keepdims=True)
        return (weighted,)

    onnx_keys: ClassVar = {"axis": "axis"}
    numpy_vjp: ClassVar = {"x": "{y} * ({g} - ({g} * {y}).sum(axis={op.axis}, keepdims=True))"}


class LogSoftmax(_Shares):
    """Logarithm of softmax, ``y_i = x_i - log(sum_j exp(x_j))``, along the last axis by default."""

    op: Literal["log_softmax"] = "log_softmax"
    onnx = "LogSoftmax"

    output_interval = (-math.inf, 0.0)
    grain = 1.0  # the logarithm of a sum near 1

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """``x - max x - log(sum exp(x - max x))``, along the axis."""
        return log_softmax(x, out, axis=self.axis)

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """``g - softmax(x) sum_j g_j``."""
        shares = np.exp(output)
        shares *= cotangent.sum(axis=self.axis, keepdims=True)
        return (np.subtract(cotangent, shares, out=shares),)

    onnx_keys: ClassVar = {"axis": "axis"}
    numpy_vjp: ClassVar = {"x": "{g} - np.exp({y}) * {g}.sum(axis={op.axis}, keepdims=True)"}


def _zeros(x: Array, most: int) -> Array | int:
    """Zeros that broadcast against `x`, in at most `most` bytes; 0 where NumPy is as fast by it.

    NumPy takes the larger of two entries in long runs alone in half the time.
    """
    shape, size = [1] * x.ndim, x.itemsize
    inner = sorted(range(x.ndim), key=lambda axis: x.strides[axis])
    for axis in inner:
        size *= x.shape[axis]
        if size > most:
            break
        shape[axis] = x.shape[axis]
    if math.prod(shape) < NARROW:
        return 0
    outer = inner[::-1]
    return _held_zeros(tuple(shape[axis] for axis in outer), x.dtype).transpose(np.argsort(outer))


@lru_cache(maxsize=8)
def _held_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    zeros = np.zeros(shape, dtype)
    zeros.setflags(write=False)
    return zeros


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """Logistic function of each entry; see `Sigmoid`."""
    return _writing_sigmoid(out, x.dtype)(x)


def _writing_sigmoid(out: Array | None, dtype: np.dtype[Any]) -> Callable[[Array], Array]:
    """`sigmoid` of arrays of a dtype, whose result goes to `out`."""
    one = ones((), dtype)
    negative, exp, add, divide = np.negative, np.exp, np.add, np.divide

    def sigmoid(x: Array) -> Array:
        # Where exp(-x) overflows to infinity, its reciprocal is the 0 that it should be.
        y = negative(x, np.empty_like(x) if out is None else out)
        exp(y, y)
        add(y, one, y)
        return divide(one, y, y)  # np.reciprocal takes twice as long

    return sigmoid


def continued_sigmoid(x: Array) -> Array:
    """`sigmoid` of complex entries, without an infinity."""
    below = x.real < 0
    tail: Array = np.exp(np.where(below, x, -x))
    y: Array = np.where(below, tail, 1) / (1 + tail)
    return y


def continued_softplus(x: Array) -> Array:
    """Softplus of complex entries; see `Softplus.continued`."""
    below = x.real < 0
    tail: Array = np.log1p(np.exp(np.where(below, x, -x)))
    return np.where(below, 0, x) + tail


def softmax(x: Array, out: Array | None = None, axis: int = -1) -> Array:
    """Softmax along an axis; see `Softmax`."""
    return _writing_softmax(out, x, axis)(x)


def _writing_softmax(out: Array | None, like: Array, axis: int) -> Callable[[Array], Array]:
    """`softmax` of arrays of the shape and dtype of `like`, whose result goes to `out`."""
    if like.ndim != 2 or axis not in (-1, 1) or like.shape[1] > NARROW:
        return partial(_softmax_along, axis, out)
    if len(like) == 1:
        return partial(_softmax_of_row, ones((like.size, like.size), like.dtype), out)
    return partial(_softmax_of_narrow, out)


def _softmax_along(axis: int, out: Array | None, x: Array) -> Array:
    # A difference that overflows to -infinity has the exponential 0 that it should have.
    y: Array = np.subtract(x, x.max(axis=axis, keepdims=True), out=out)
    np.exp(y, out=y)
    y /= y.sum(axis=axis, keepdims=True)
    return y


def _softmax_of_row(ones: Array, out: Array | None, x: Array) -> Array:
    y: Array = np.subtract(x, x[0, x.argmax(), ...], out)
    np.exp(y, y)
    # By ones, the sum comes in every place: NumPy needs no iterator for arrays of one shape.
    np.divide(y, y.dot(ones), y)
    return y


def _softmax_of_narrow(out: Array | None, x: Array) -> Array:
    columns = columns_below_top(x)
    np.exp(columns, out=columns)
    y: Array = np.empty_like(x) if out is None else out
    np.divide(columns, total(columns), out=y.T)
    return y


def columns_below_top(x: Array) -> Array:
    """Rows of a narrow matrix, each less its largest entry, as the columns of a new array."""
    columns: Array = x.T.copy()
    # A difference that overflows to -infinity has the exponential 0 that it should have.
    columns -= np.maximum.reduce(columns, axis=0)
    return columns


def log_softmax(x: Array, out: Array | None = None, axis: int = -1) -> Array:
    """Logarithm of softmax along an axis; see `LogSoftmax`."""
    y: Array = np.subtract(x, x.max(axis=axis, keepdims=True), out=out)
    y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return y

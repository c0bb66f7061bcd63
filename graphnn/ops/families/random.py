"""Random numbers: drawn anew in each training pass, from the seed of the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import Array, Cotangents
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Op, aliases
from graphnn.ops._operands import Operand, data, noise
from graphnn.ops.code import CodeForm
from graphnn.ops.initializers import Finite, Positive


class _Drawn(Op):
    """Random numbers, in training or when run."""

    distribution: Literal["normal", "uniform"] = Field(
        "normal", description="Normal, or uniform; both of this mean and deviation."
    )
    mean: Finite = Field(0.0, description="Mean of each entry.")
    deviation: Positive = Field(1.0, description="Standard deviation of each entry.")
    when_run: Finite | None = Field(
        None, description="What each entry is when the network is run; left out, the mean."
    )

    operands: ClassVar[tuple[Operand, ...]] = (data("x", "..."),)
    output_interval = ANY_NUMBER
    batchwise = True
    channelwise = True
    analytic = True


class Noise(_Drawn):
    """Random numbers in the shape of `x`, drawn anew in each training pass; when run, their mean.

    Of `x` only the shape counts: nothing of its values, and no gradient passes. The numbers come
    from the seed of the run, so that a run repeats. To sample around a mean m with deviation s, as
    a variational autoencoder does, write ``m + s noise``.

    References
    ----------
    D. P. Kingma and M. Welling, Auto-encoding variational Bayes, ICLR 2014, section 2.4.
    """

    op: Literal["noise"] = "noise"

    symbol = "ε"
    elsewhere = ("gaussiannoise", "randn", "randnlike", "randomnormallike", "randomuniformlike")
    also_called = aliases(deviation="std stddev scale sigma", mean="loc mu")

    def in_training(self) -> Op:
        """The op that draws."""
        return NoiseTraining(**{key: value for key, value in self if key != "op"})

    def forward(self, x: Array, *, out: Array | None = None) -> Array:
        """`when_run`, or the mean, in every entry."""
        y = np.empty_like(x) if out is None else out
        y.fill(self._level)
        return y

    def vjp(self, cotangent: Array, output: Array, x: Array) -> Cotangents:
        """0: nothing depends on the values of x."""
        return (np.zeros_like(cotangent),)

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Expand, to the shape of x."""
        return form.add("Expand", self._level, form.add("Shape", *operands))

    @property
    def _level(self) -> float:
        return self.mean if self.when_run is None else self.when_run

    def to_numpy(self, form: CodeForm) -> str:
        """The number in every entry."""
        return f"np.full({form.names[0]}.shape, {self._level})"

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """Zeros."""
        return [f"np.zeros({form.names[0]}.shape)"]

    def to_torch(self, form: CodeForm) -> str:
        """Drawn in training, in a module's method."""
        x = form.names[0]
        drawn, scale = f"torch.randn_like({x})", self.deviation
        if self.distribution == "uniform":
            drawn, scale = f"(torch.rand_like({x}) - 0.5)", scale * math.sqrt(12)
        drawn = drawn if scale == 1 else f"{scale} * {drawn}"
        drawn = drawn if self.mean == 0 else f"{self.mean} + {drawn}"
        return f"{drawn} if self.training else torch.full_like({x}, {self._level})"


class NoiseTraining(_Drawn):
    """Random numbers; replaces `noise` in training.

    References
    ----------
    As for `Noise`.
    """

    op: Literal["noise_training"] = "noise_training"
    internal = True
    onnx_absent = "networks are exported as they are run, not as they are trained"
    code_absent = onnx_absent
    operands = (data("x", "..."), noise("drawn", "..."))

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
        """Independent numbers of the distribution."""
        if self.distribution == "normal":
            found = rng.standard_normal(shape)
        else:
            found = rng.uniform(-math.sqrt(3), math.sqrt(3), shape)
        # Drawn in float64 whatever the dtype, so that a seed gives the same numbers in both.
        drawn: Array = (self.mean + self.deviation * np.asarray(found)).astype(dtype)
        return drawn

    def forward(self, x: Array, drawn: Array, *, out: Array | None = None) -> Array:
        """What has been drawn, in the shape of x, which has more rows where many are tried."""
        y = np.empty(np.broadcast_shapes(x.shape, drawn.shape), drawn.dtype) if out is None else out
        np.copyto(y, drawn)
        return y

    def vjp(self, cotangent: Array, output: Array, x: Array, drawn: Array) -> Cotangents:
        """0: nothing depends on the values of x."""
        return np.zeros_like(cotangent), None

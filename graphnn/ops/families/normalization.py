"""Normalization and dropout: ops that do one thing in training and another when run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from graphnn.ops._arrays import ALL, Array, ArrayError, Cotangents, Saved, Wanted
from graphnn.ops._onnx import OnnxForm
from graphnn.ops._op import ANY_NUMBER, Case, Op, aliases
from graphnn.ops._operands import data, noise, parameter, state
from graphnn.ops.code import CodeForm, along, call, changed
from graphnn.ops.families._elementwise import Elementwise, Unchanged
from graphnn.ops.initializers import Ones, Positive, Zeros
from graphnn.ops.kernels import statistics
from graphnn.spec.sizes import Shape

Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_IN_TRAINING = "networks are exported as they are run, not as they are trained"
EPSILON = "Added to the variance, so that its root is never 0."
GAIN_AND_SHIFT = (
    parameter("gain", "channels", Ones(), optional=True),
    parameter("shift", "channels", Zeros(), optional=True),
)


class _OfChannels(Op):
    """Batch normalization, in training or when run."""

    momentum: Share = Field(0.1, description="How far a batch moves the running statistics.")
    epsilon: Positive = Field(1e-5, description=EPSILON)

    output_interval = ANY_NUMBER
    operands = (
        data("x", "batch channels ..."),
        *GAIN_AND_SHIFT,
        state("running_mean", "channels", Zeros()),
        state("running_variance", "channels", Ones(), domain=(0.1, 3.0)),
    )
    result = "batch channels ..."
    analytic = True
    inplace = True


class BatchNorm(_OfChannels):
    """Batch normalization ``y = gain (x - m) / sqrt(v + epsilon) + shift`` of each channel.

    In training, m and v are mean and variance of the channel over the batch and all axes after
    the channels, and the network keeps running ones, each moved towards what the batch gave:
    ``running <- (1 - momentum) running + momentum new``. The running variance takes the unbiased
    estimate of n numbers, n / (n - 1) times v. When run, m and v are the running ones.

    References
    ----------
    S. Ioffe and C. Szegedy, Batch normalization: accelerating deep network training by reducing
    internal covariate shift, ICML 2015, algorithms 1 and 2; the backward pass: section 3.
    """

    op: Literal["batch_norm"] = "batch_norm"
    also_called = aliases(epsilon="eps", gain="gamma scale weight", shift="beta center bias")
    elsewhere = ("batchnormalization", "bn")
    batchwise = True
    planewise = True

    def in_training(self) -> Op:
        """The op that takes mean and variance from the batch."""
        return BatchNormTraining(momentum=self.momentum, epsilon=self.epsilon)

    def forward(self, x: Array, *kept: Any, out: Array | None = None) -> Array:
        """``gain (x - m) / sqrt(v + epsilon) + shift``, m and v the running statistics."""
        gain, shift, running_mean, running_variance = kept
        scale = self._scale(gain, running_variance)
        level = -running_mean * scale
        if shift is not None:
            level += shift
        y: Array = np.multiply(x, statistics.per_channel(scale, x), out=out)
        y += statistics.per_channel(level, x)
        return y

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """BatchNormalization by the running statistics."""
        x, gain, shift, mean, variance = operands
        count = form.shapes[mean]
        gain = np.ones(count) if gain is None else gain
        shift = np.zeros(count) if shift is None else shift
        given = {"epsilon": self.epsilon, "momentum": 1 - self.momentum}
        return form.add("BatchNormalization", x, gain, shift, mean, variance, **given)

    def vjp(
        self, cotangent: Array, output: Array, x: Array, *kept: Any, wanted: Wanted = ALL
    ) -> Cotangents:
        """``g gain / s`` for x, s the root; the sums of ``g (x - m) / s`` and g over a channel."""
        gain, shift, running_mean, running_variance = kept
        axes = statistics.all_but_channels(x)
        by_x = by_gain = by_shift = None
        if wanted[0]:
            by_x = cotangent * statistics.per_channel(self._scale(gain, running_variance), x)
        if wanted[1] and gain is not None:
            centred = x - statistics.per_channel(running_mean, x)
            by_gain = statistics.total(cotangent, axes, centred).ravel() * self._scale(
                None, running_variance
            )
        if wanted[2] and shift is not None:
            by_shift = statistics.total(cotangent, axes).ravel()
        return by_x, by_gain, by_shift, None, None

    def response(self, operand: str, *arrays: Array) -> Array | None:
        """``(x - m) / s`` for the gain, whose entries move one channel each; 1 for the shift."""
        x, _, _, mean, variance = arrays
        if operand == "shift":
            return np.ones((len(x), *(1,) * x.ndim), x.dtype)
        normal: Array = (x - statistics.per_channel(mean, x)) * statistics.per_channel(
            self._scale(None, variance), x
        )
        return normal[:, None]

    def _scale(self, gain: Array | None, variance: Array) -> Array:
        scale: Array = 1 / np.sqrt(variance + self.epsilon)
        return scale if gain is None else scale * gain

    torch_names: ClassVar = {
        "gain": "weight",
        "shift": "bias",
        "running_variance": "running_var",
    }
    torch_unused = ("num_batches_tracked",)

    def to_numpy(self, form: CodeForm) -> str:
        """``batch_norm``, of the running statistics."""
        x, gain, shift, mean, variance = form.names
        (channels,) = form.shapes[3] or ()
        gain, shift = gain or f"np.ones({channels})", shift or f"np.zeros({channels})"
        return call("batch_norm", x, gain, shift, mean, variance, **self._option("epsilon"))

    def to_numpy_vjp(self, form: CodeForm) -> Sequence[str | None]:
        """``g gain / s`` for x, s the root; the sums of ``g (x - m) / s`` and g over a channel."""
        (x, gain, shift, mean, variance), g = form.names, form.cotangent
        option = self._option("epsilon")
        axes = along([axis for axis in range(len(form.shape)) if axis != 1])
        return [
            call("batch_norm_by_x", g, x, gain or 1, variance, **option),
            call("batch_norm_by_gain", g, x, mean, variance, **option) if gain else None,
            f"{g}.sum(axis={axes})" if shift else None,
            None,
            None,
        ]

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.BatchNorm1d``, or that of as many axes."""
        _, gain, shift, *_ = form.names
        if bool(gain) != bool(shift):
            raise NotImplementedError("of its gain and shift torch has both or none")
        (channels,) = form.shapes[3] or ()
        module = f"nn.BatchNorm{max(len(form.shape) - 2, 1)}d"
        options = {**self._option("eps"), **changed({"momentum": self.momentum}, {"momentum": 0.1})}
        return call(module, channels, **options, affine=None if gain else False)

    def _option(self, name: str) -> dict[str, float]:
        return {} if self.epsilon == 1e-5 else {name: self.epsilon}


class BatchNormTraining(_OfChannels):
    """Batch normalization by mean and variance of the batch; replaces `batch_norm` in training.

    References
    ----------
    As for `BatchNorm`.
    """

    op: Literal["batch_norm_training"] = "batch_norm_training"
    internal = True
    onnx_absent = _IN_TRAINING
    cases: ClassVar[tuple[Case, ...]] = (
        Case({"epsilon": 0.01}, [(4, 3)]),
        Case({"epsilon": 0.01, "momentum": 1.0}, [(2, 2, 3)]),
        Case({"epsilon": 0.1, "momentum": 0.0}, [(1, 3, 2, 2)]),
        Case({"epsilon": 0.1}, [(3, 1, 2, 2)]),
    )

    def rows_needed(self, *shapes: Shape) -> int:
        """2 where a row has one value of each channel: a single number has no variance."""
        return 2 if all(size == 1 for size in shapes[0][2:]) else 1

    def forward(
        self, x: Array, *kept: Any, out: Array | None = None, saved: Saved | None = None
    ) -> Array:
        """``gain (x - m) / sqrt(v + epsilon) + shift``, m and v the statistics of the batch."""
        gain, shift, *_ = kept
        if x.size <= x.shape[1]:
            raise ArrayError(
                "batch_norm needs at least 2 values of each channel in training, not 1",
                "x",
                "choose a 'batch_size' that leaves no batch of a single row",
            )
        _, y, variance = statistics.centred(x, statistics.all_but_channels(x), saved, out)
        scale = 1 / np.sqrt(variance + self.epsilon)
        y *= scale if gain is None else scale * statistics.per_channel(gain, x)
        if shift is not None:
            y += statistics.per_channel(shift, x)
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
        """``gain (g - mean(g) - z mean(g z)) / s`` for x, z its normal form; sums of g z and g."""
        gain, shift, *_ = kept
        axes = statistics.all_but_channels(x)
        _, centred, variance = statistics.centred_again(x, axes, saved)
        scale = 1 / np.sqrt(variance + self.epsilon)
        level, slope = (
            statistics.total(cotangent, axes),
            statistics.total(cotangent, axes, centred) * scale,
        )
        by_x = None
        if wanted[0]:
            count = x.size // x.shape[1]
            outer = scale if gain is None else scale * statistics.per_channel(gain, x)
            by_x = statistics.projected(
                cotangent, centred, slope * scale / count, level / count, outer
            )
        by_gain = None if gain is None else slope.ravel()
        by_shift = None if shift is None else level.ravel()
        return by_x, by_gain, by_shift, None, None

    def update(
        self, output: Array, x: Array, *kept: Any, saved: Saved | None = None
    ) -> Mapping[str, Array]:
        """``(1 - momentum) running + momentum new``; the new variance is the unbiased one."""
        *_, running_mean, running_variance = kept
        if not saved:
            statistics.centred(x, statistics.all_but_channels(x), saved := {})
        count = x.size // x.shape[1]
        unbiased = saved["variance"].ravel() * (count / (count - 1))
        return {
            "running_mean": self._moved(running_mean, saved["mean"].ravel()),
            "running_variance": self._moved(running_variance, unbiased),
        }

    def _moved(self, running: Array, new: Array) -> Array:
        return (1 - self.momentum) * running + self.momentum * new

    code_absent = _IN_TRAINING


class Dropout(Unchanged):
    """Inverted dropout: the identity when run; in training it drops entries at random.

    In training, each entry is 0 with probability `rate`, else ``x / (1 - rate)``: in the mean over
    the draws it is `x`.

    References
    ----------
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting,
    Journal of Machine Learning Research 15 (2014); inverted: section 10.
    """

    op: Literal["dropout"] = "dropout"
    rate: Rate = Field(0.5, description="Probability that an entry is dropped in training.")

    also_called = aliases(rate="p prob ratio dropout_ratio")

    def to_onnx(self, form: OnnxForm, *operands: Any) -> str:
        """Dropout, which does nothing where training is not asked for."""
        return form.add("Dropout", *operands, self.rate)

    def in_training(self) -> Op:
        """The op that drops entries."""
        return DropoutTraining(rate=self.rate)

    def to_torch_layer(self, form: CodeForm) -> str:
        """``nn.Dropout``."""
        return call("nn.Dropout", self.rate)


class DropoutTraining(Elementwise):
    """Product with a random mask; replaces `dropout` in training.

    References
    ----------
    As for `Dropout`.
    """

    op: Literal["dropout_training"] = "dropout_training"
    onnx_absent = _IN_TRAINING
    rate: Rate = Field(0.5, description="Probability that an entry is dropped.")

    operands = (data("x", "..."), noise("mask", "..."))
    internal = True
    factors = True

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
        """The mask: 0 with probability `rate`, else ``1 / (1 - rate)``."""
        # Single precision whatever the dtype, so that a seed drops the same entries in both.
        kept = rng.random(shape, np.float32) >= self.rate
        mask: Array = kept * np.dtype(dtype).type(1 / (1 - self.rate))
        return mask

    def forward(self, x: Array, mask: Array, *, out: Array | None = None) -> Array:
        """``x mask``, entry by entry."""
        return np.multiply(x, mask, out=out)

    def vjp(self, cotangent: Array, output: Array, x: Array, mask: Array) -> Cotangents:
        """``g mask``."""
        return cotangent * mask, None

    code_absent = _IN_TRAINING

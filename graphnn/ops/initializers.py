"""Initializers: how a parameter starts, one class each."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from graphnn.ops._arrays import Array

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _above_low(high: float | None, info: ValidationInfo) -> float | None:
    low = info.data.get("low")
    if low is not None and high is not None and low >= high:
        raise ValueError(f"{high} is not above 'low', {low}")
    return high


AboveLow = AfterValidator(_above_low)  # of a field after one that is called `low`
INITIALIZERS: dict[str, type[Initializer]] = {}
MAP = "... out"  # axes of a weight that multiplies rows from the right
FILTERS = "out in ..."  # axes of filters that slide over images


def fans(shape: tuple[int, ...], layout: str = MAP) -> tuple[int, int]:
    """Fan-in and fan-out of a parameter: entries that meet in one output, and leave one input.

    Parameters
    ----------
    shape : tuple of int
    layout : str
        What the axes are: ``out`` the outputs, ``in`` the inputs, ``...`` the rest. Where ``in``
        is named, the rest is a window that counts for both, as in filters, ``out in ...``; where
        it is not, the rest is the inputs, as in ``... out``.

    Returns
    -------
    tuple of int
        ``(fan_in, fan_out)``, each at least 1.
    """
    counts = {"in": 1, "out": 1, "window": 1}
    for size, role in zip(shape, _roles(len(shape), layout), strict=True):
        counts[role] *= size
    return counts["in"] * counts["window"], counts["out"] * counts["window"]


def _roles(rank: int, layout: str) -> list[str]:
    """What each axis is: ``in``, ``out`` or ``window``."""
    before, _, after = (part.split() for part in layout.partition("..."))
    rest = "window" if "in" in (*before, *after) else "in"
    # A parameter with fewer axes than the layout names has outputs, not inputs.
    short = len(before) + len(after) - rank
    if short > 0:
        return [role for role in (*before, *after) if role != "in"][:rank]
    return [*before, *[rest] * -short, *after]


def elsewhere(name: str) -> str:
    """How to write the initializer that other libraries call `name`; empty for none of theirs."""
    bare = name.lower().replace("_", "")
    for ours, kind in INITIALIZERS.items():
        for called in (ours, *kind.elsewhere):
            if bare == called:
                return ours
            rest = bare.removeprefix(called) if "distribution" in kind.model_fields else ""
            if bare != rest in ("normal", "uniform"):
                return f"{{{ours}: {{distribution: {rest}}}}}"
    return ""


class Initializer(BaseModel):
    """A rule that draws the first value of a parameter. Subclasses register themselves.

    Attributes
    ----------
    elsewhere : tuple of str
        What Keras, torch and Caffe call it: in small letters, without ``_``.
    """

    elsewhere: ClassVar[tuple[str, ...]] = ()
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class under the name that its field `name` fixes."""
        super().__pydantic_init_subclass__(**kwargs)
        if field := cls.model_fields.get("name"):
            INITIALIZERS[get_args(field.annotation)[0]] = cls

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """First value of a parameter.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : tuple of int
        layout : str
            What the axes are, for the rules that distinguish inputs from outputs; see `fans`.

        Returns
        -------
        ndarray of float64, shape `shape`
        """
        raise NotImplementedError

    def deviation(self, shape: tuple[int, ...], layout: str = MAP) -> float:
        """Standard deviation of one entry; 0 where the entries are not drawn one by one."""
        return 0.0


class Zeros(Initializer):
    """All 0."""

    elsewhere = ("zero",)
    name: Literal["zeros"] = "zeros"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Zeros of `shape`."""
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    elsewhere = ("one",)
    name: Literal["ones"] = "ones"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Ones of `shape`."""
        return np.ones(shape)


class Constant(Initializer):
    """All `value`."""

    elsewhere = ("constantfill", "fill")
    name: Literal["constant"] = "constant"
    value: Finite

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """`shape` filled with `value`."""
        return np.full(shape, self.value)


class Normal(Initializer):
    """Normal with mean `mean` and standard deviation `std`."""

    elsewhere = ("gaussian", "randomnormal")
    name: Literal["normal"] = "normal"
    mean: Finite = 0.0
    std: Positive = 0.01

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Independent normal numbers."""
        return rng.normal(self.mean, self.std, shape)

    def deviation(self, shape: tuple[int, ...], layout: str = MAP) -> float:
        """Standard deviation of one entry: `std`."""
        return self.std


class Uniform(Initializer):
    """Uniform between `low` and `high`."""

    elsewhere = ("randomuniform",)
    name: Literal["uniform"] = "uniform"
    low: Finite = -0.05
    high: Annotated[Finite, AboveLow, Field(validate_default=True)] = 0.05

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Independent uniform numbers."""
        return rng.uniform(self.low, self.high, shape)

    def deviation(self, shape: tuple[int, ...], layout: str = MAP) -> float:
        """Standard deviation of one entry: ``(high - low) / sqrt(12)``."""
        return (self.high - self.low) / float(np.sqrt(12.0))


class TruncatedNormal(Initializer):
    """Normal, but for what lies more than `cut` standard deviations from the mean.

    The numbers spread less than `std` says: their variance is
    ``std**2 * (1 - 2 * cut * phi(cut) / (2 * Phi(cut) - 1))``, with the density phi and the
    distribution Phi of a standard normal number, 0.774 ``std**2`` for a cut of 2.

    References
    ----------
    N. L. Johnson, S. Kotz and N. Balakrishnan, Continuous univariate distributions, volume 1,
    2nd edition 1994, chapter 13, section 10.1.
    """

    elsewhere = ("truncatednormal", "truncnormal")
    name: Literal["truncated_normal"] = "truncated_normal"
    mean: Finite = 0.0
    std: Positive = 0.01
    cut: Positive = 2.0

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Independent numbers, drawn again until each is within the cut."""
        count = math.prod(shape)
        numbers = self._within(rng, count)
        while numbers.size < count:
            numbers = np.append(numbers, self._within(rng, count - numbers.size))
        return np.reshape(numbers * self.std + self.mean, shape)

    def _within(self, rng: np.random.Generator, count: int) -> Array:
        """Of `count` numbers those that are kept: at least 6 in 10 in the mean."""
        if self.cut >= 1:
            found = rng.standard_normal(count)
            return found[np.abs(found) <= self.cut]
        # Few normal numbers lie within a narrow cut, but there the density is almost level.
        found = rng.uniform(-self.cut, self.cut, count)
        return found[rng.random(count) < np.exp(-0.5 * found**2)]


class _Scaled(Initializer):
    """Zero mean, with a variance that depends on fan-in and fan-out.

    `gain` multiplies the standard deviation.
    """

    distribution: Literal["normal", "uniform"] = "normal"
    gain: Positive = 1.0

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Variance of one entry at gain 1."""
        raise NotImplementedError

    def deviation(self, shape: tuple[int, ...], layout: str = MAP) -> float:
        """Standard deviation of one entry."""
        return self.gain * float(np.sqrt(self.variance(*fans(shape, layout))))

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """Independent numbers of the variance that the rule asks for."""
        std = self.deviation(shape, layout)
        if self.distribution == "normal":
            return rng.normal(0.0, std, shape)
        bound = std * float(np.sqrt(3.0))
        return rng.uniform(-bound, bound, shape)


class Xavier(_Scaled):
    """Variance ``2 / (fan_in + fan_out)``, for sigmoid and tanh.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010, eq. 12 (the variance) and 16 (as uniform numbers).
    """

    elsewhere = ("glorot",)
    name: Literal["xavier"] = "xavier"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """``2 / (fan_in + fan_out)``."""
        return 2.0 / (fan_in + fan_out)


class He(_Scaled):
    """Variance ``2 / fan_in``, for relu.

    References
    ----------
    K. He et al., Delving deep into rectifiers, ICCV 2015, eq. 10.
    """

    elsewhere = ("kaiming", "msra")
    name: Literal["he"] = "he"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """``2 / fan_in``."""
        return 2.0 / fan_in


class Lecun(_Scaled):
    """Variance ``1 / fan_in``, for tanh and selu.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller, Efficient BackProp, in Neural Networks: Tricks
    of the Trade, 1998, section 4.6.
    """

    name: Literal["lecun"] = "lecun"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """``1 / fan_in``."""
        return 1.0 / fan_in


class Orthogonal(Initializer):
    """Matrix with orthonormal rows, or columns where there are fewer of them, times `gain`.

    It is drawn uniformly from all such matrices: the QR decomposition of normal numbers, with the
    signs that make the diagonal of R positive. Axes other than the outputs count as one.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks, ICLR 2014. The signs: F. Mezzadri, How to generate random matrices
    from the classical compact groups, Notices of the AMS 54 (2007).
    """

    name: Literal["orthogonal"] = "orthogonal"
    gain: Positive = 1.0

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...], layout: str = MAP) -> Array:
        """One matrix of inputs by outputs, with its axes put where `layout` has them."""
        roles = _roles(len(shape), layout)
        output = roles.index("out") if "out" in roles else None
        columns = 1 if output is None else shape[output]
        rows = math.prod(shape) // columns
        matrix = self.gain * _orthonormal(rng, rows, columns)
        if output is None:
            return matrix.reshape(shape)
        others = [size for axis, size in enumerate(shape) if axis != output]
        return np.ascontiguousarray(np.moveaxis(matrix.reshape(*others, columns), -1, output))


def _orthonormal(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """Uniform among the matrices whose shorter side is orthonormal."""
    if rows < columns:
        return _orthonormal(rng, columns, rows).T
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    return np.asarray(q * np.where(np.diagonal(r) < 0, -1.0, 1.0))

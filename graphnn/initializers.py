"""Initializers: how a parameter starts, one class each."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Array = NDArray[Any]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
INITIALIZERS: dict[str, type[Initializer]] = {}


class Initializer(BaseModel):
    """A rule that draws the first value of a parameter. Subclasses register themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class under the name that its field `name` fixes."""
        super().__pydantic_init_subclass__(**kwargs)
        if field := cls.model_fields.get("name"):
            INITIALIZERS[get_args(field.annotation)[0]] = cls

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """First value of a parameter.

        Parameters
        ----------
        rng : numpy.random.Generator
        shape : tuple of int
            For the rules that scale with fan-in and fan-out: ``(fan_in, ..., fan_out)``.

        Returns
        -------
        ndarray of float64, shape `shape`
        """
        raise NotImplementedError


class Zeros(Initializer):
    """All 0."""

    name: Literal["zeros"] = "zeros"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Zeros of `shape`."""
        return np.zeros(shape)


class Ones(Initializer):
    """All 1."""

    name: Literal["ones"] = "ones"

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Ones of `shape`."""
        return np.ones(shape)


class Constant(Initializer):
    """All `value`."""

    name: Literal["constant"] = "constant"
    value: Finite

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """`shape` filled with `value`."""
        return np.full(shape, self.value)


class Normal(Initializer):
    """Normal with mean `mean` and standard deviation `std`."""

    name: Literal["normal"] = "normal"
    mean: Finite = 0.0
    std: Positive = 0.01

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Independent normal numbers."""
        return rng.normal(self.mean, self.std, shape)


class Uniform(Initializer):
    """Uniform between `low` and `high`."""

    name: Literal["uniform"] = "uniform"
    low: Finite = -0.05
    high: Annotated[Finite, Field(validate_default=True)] = 0.05

    @field_validator("high")
    @classmethod
    def _check_order(cls, high: float, info: ValidationInfo) -> float:
        low = info.data.get("low")
        if low is not None and low >= high:
            raise ValueError(f"{high} is not above 'low', {low}")
        return high

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Independent uniform numbers."""
        return rng.uniform(self.low, self.high, shape)


class _Scaled(Initializer):
    """Zero mean, with a variance that depends on fan-in and fan-out."""

    distribution: Literal["normal", "uniform"] = "normal"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """Variance of one entry."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Independent numbers of the variance that the rule asks for."""
        fan_in = max(1, int(np.prod(shape[:-1]))) if len(shape) > 1 else 1
        fan_out = shape[-1] if shape else 1
        std = float(np.sqrt(self.variance(fan_in, fan_out)))
        if self.distribution == "normal":
            return rng.normal(0.0, std, shape)
        bound = std * float(np.sqrt(3.0))
        return rng.uniform(-bound, bound, shape)


class Xavier(_Scaled):
    """Variance ``2 / (fan_in + fan_out)``, for sigmoid and tanh.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010, eq. 16.
    """

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

    name: Literal["he"] = "he"

    def variance(self, fan_in: int, fan_out: int) -> float:
        """``2 / fan_in``."""
        return 2.0 / fan_in

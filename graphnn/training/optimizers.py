"""Optimizers: how a gradient moves the parameters, one class each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphnn.errors import Diagnostic, Findings, TrainingError, suggestion
from graphnn.spec.model import OptimizerSpec
from graphnn.spec.values import plain

Array = NDArray[Any]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
OPTIMIZERS: dict[str, type[Optimizer]] = {}


class Optimizer(BaseModel):
    """A rule of descent. Subclasses register under the name that their field `name` fixes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class in the registry."""
        super().__pydantic_init_subclass__(**kwargs)
        OPTIMIZERS[get_args(cls.model_fields["name"].annotation)[0]] = cls

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move `parameters` in place, against `gradients`, which it may write over."""
        raise NotImplementedError


class Sgd(Optimizer):
    """Gradient descent ``w <- w - learning_rate * gradient``.

    References
    ----------
    H. Robbins and S. Monro, A stochastic approximation method, Annals of Mathematical Statistics
    22 (1951).
    """

    name: Literal["sgd"] = "sgd"
    learning_rate: Rate = 0.1

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move `parameters` in place, against `gradients`, which it writes over."""
        for name, gradient in gradients.items():
            gradient *= self.learning_rate
            parameters[name][...] -= gradient


def find(spec: OptimizerSpec) -> Optimizer:
    """The optimizer that a spec asks for.

    Raises
    ------
    TrainingError
        There is none of that name, or it has no such options.
    """
    name = str(spec.name.value)
    kind = OPTIMIZERS.get(name)
    if kind is None:
        listed = ", ".join(sorted(OPTIMIZERS))
        message = f"there is no optimizer '{name}'"
        help = suggestion(name, OPTIMIZERS, f"there is {listed}")
        raise TrainingError(Diagnostic("unknown-optimizer", message, spec.name.span, help=help))
    try:
        return kind.model_validate_json(json.dumps(plain(spec.options)), strict=True)
    except ValidationError as error:
        findings = Findings()
        options = [option for option in kind.model_fields if option != "name"]
        for detail in error.errors(include_url=False):
            key = str(detail["loc"][0])
            entry = spec.options.entries.get(key)
            unknown = detail["type"] == "extra_forbidden"
            text = "is not an option" if unknown else _lower(detail["msg"])
            findings.error(
                "bad-optimizer",
                f"'{key}' of the optimizer '{name}': {text}",
                entry.key.span if entry else spec.name.span,
                help=suggestion(key, options, f"its options are {', '.join(options)}")
                if unknown
                else "",
            )
        raise TrainingError(*findings.errors) from None


def _lower(message: str) -> str:
    message = message.removeprefix("Input ")
    return message[:1].lower() + message[1:]

"""Optimizers: how a gradient moves the parameters, one class each.

Each rule gives what the optimizer of the same name in ``torch.optim`` gives, to rounding. The state
is kept in forms that save passes over the arrays: running sums, not means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from graphnn.diagnostics import Findings, TrainingError, by_word
from graphnn.ops import Array
from graphnn.spec.training_records import OptimizerSpec
from graphnn.spec.values import Map
from graphnn.training.fitting import declared, schedules
from graphnn.training.fitting.declared import Declared, Memory, NotNegative, Positive
from graphnn.training.fitting.schedules import Constant, Course, Schedule

OPTIMIZERS: dict[str, Any] = {}
_TORCH_SPARE = 1e-6  # torch adds it to the norm that it divides by


@dataclass(slots=True)
class OptimizerState:
    """What an optimizer keeps from one step of a training to the next.

    Attributes
    ----------
    course : Course
        How long the training is.
    arrays : dict of str to dict of str to ndarray
        By slot of the optimizer (``velocity``), then by parameter.
    steps : int
        Steps done.
    """

    course: Course
    arrays: dict[str, dict[str, Array]]
    steps: int = 0
    _scratch: dict[str, Array] = field(default_factory=dict, repr=False)

    @property
    def named(self) -> dict[str, Array]:
        """All arrays, each under ``slot/parameter``."""
        slots = self.arrays.items()
        return {f"{slot}/{name}": kept[name] for slot, kept in slots for name in kept}

    def scratch(self, name: str, like: Array) -> Array:
        """Memory of the shape of the parameter `name`; what is in it lasts until the next call."""
        memory = self._scratch.get(name)
        if memory is None:
            memory = self._scratch[name] = np.empty_like(like)
        return memory


class Optimizer(Declared):
    """A rule of descent.

    Attributes
    ----------
    learning_rate : float
    weight_decay : float
        This many times a parameter is added to its gradient.
    clip_norm : float or None
        Gradients whose norm, all together, is larger are scaled down to it.
    schedule : Schedule
        How the learning rate changes in the course of the training.
    slots : tuple of str
        Names of the arrays that it keeps for each parameter, which start as zeros.
    torch_name : str
        Its class in ``torch.optim``; empty where torch has none like it.

    References
    ----------
    Clipping: R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural
    networks, ICML 2013, algorithm 1. Weight decay: A. Krogh and J. Hertz, A simple weight decay
    can improve generalization, NIPS 1991.
    """

    family: ClassVar[str] = "optimizer"
    unknown_code = "unknown-optimizer"
    invalid_code = "bad-optimizer"
    registry: ClassVar[dict[str, Any]] = OPTIMIZERS
    slots: ClassVar[tuple[str, ...]] = ()
    torch_name: ClassVar[str] = ""
    absent: ClassVar[Mapping[str, str]] = by_word(
        {
            "the nearest is adam, or adamw with decoupled weight decay": (
                "adamax adabelief amsgrad lamb lion muon nadam radam"
            ),
            "the nearest is rmsprop": "adadelta adafactor ftrl rprop",
            "every optimizer here takes first derivatives alone; adam needs least tuning": (
                "bfgs lbfgs newton conjugategradient"
            ),
        }
    )
    also_called: ClassVar[Mapping[str, str]] = by_word(
        {
            "learning_rate": "lr eta alpha step_size rate",
            "weight_decay": "decay l2 wd lambda",
            "clip_norm": "clip clipnorm global_clipnorm max_norm gradient_clip",
            "epsilon": "eps",
            "beta1": "betas beta_1",
            "beta2": "beta_2",
            "alpha": "rho",
            "schedule": "scheduler lr_scheduler lr_schedule",
        }
    )

    learning_rate: Positive = 0.01
    weight_decay: NotNegative = 0.0
    clip_norm: Positive | None = None
    schedule: Schedule = Constant()

    def start(self, parameters: Mapping[str, Array], course: Course) -> OptimizerState:
        """The state before the first step of a training of `parameters`."""
        zeros = ({n: np.zeros_like(p) for n, p in parameters.items()} for _ in self.slots)
        return OptimizerState(course, dict(zip(self.slots, zeros, strict=True)))

    def rate(self, state: OptimizerState) -> float:
        """The learning rate of the next step."""
        return self.learning_rate * self.schedule.scale(state.steps, state.course)

    def step(
        self, state: OptimizerState, parameters: Mapping[str, Array], gradients: Mapping[str, Array]
    ) -> None:
        """Move `parameters` and `state` in place, against `gradients`, which it writes over."""
        if self.clip_norm is not None:
            clip(gradients, self.clip_norm)
        rate = self.rate(state)
        state.steps += 1
        slots = [state.arrays[slot] for slot in self.slots]
        for name, gradient in gradients.items():
            parameter = parameters[name]
            scratch = state.scratch(name, parameter)
            if self.weight_decay:
                self._decay(rate, parameter, gradient, scratch)
            kept = [arrays[name] for arrays in slots] if slots else ()
            parameter -= self._move(rate, state.steps, gradient, scratch, *kept)

    def _decay(self, rate: float, parameter: Array, gradient: Array, scratch: Array) -> None:
        gradient += np.multiply(parameter, self.weight_decay, out=scratch)

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        """What to subtract from the parameter in step number `step`: one of the arrays given."""
        raise NotImplementedError


class Sgd(Optimizer):
    """Gradient descent ``w <- w - learning_rate * gradient``.

    References
    ----------
    H. Robbins and S. Monro, A stochastic approximation method, Annals of Mathematical Statistics
    22 (1951).
    """

    name: Literal["sgd"] = "sgd"
    torch_name = "SGD"
    learning_rate: Positive = 0.1

    elsewhere: ClassVar[tuple[str, ...]] = ("gd", "gradientdescent", "stochasticgradientdescent")

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        gradient *= rate
        return gradient


class Momentum(Optimizer):
    """Descent along a sum of past gradients that fades.

    ``v <- momentum * v + gradient``, ``w <- w - learning_rate * v``.

    References
    ----------
    B. Polyak, Some methods of speeding up the convergence of iteration methods, USSR Computational
    Mathematics and Mathematical Physics 4 (1964).
    """

    name: Literal["momentum"] = "momentum"
    torch_name = "SGD"
    momentum: Memory = 0.9

    elsewhere: ClassVar[tuple[str, ...]] = ("heavyball", "sgdm", "sgdmomentum", "sgdwithmomentum")
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        (velocity,) = kept
        velocity *= self.momentum
        velocity += gradient
        return np.multiply(velocity, rate, out=gradient)


class Nesterov(Optimizer):
    """Momentum that looks ahead: the gradient counts once more than in the velocity.

    ``v <- momentum * v + gradient``, ``w <- w - learning_rate * (gradient + momentum * v)``.

    References
    ----------
    Y. Nesterov, A method for solving a convex programming problem with convergence rate O(1/k^2),
    Soviet Mathematics Doklady 27 (1983), in the form of I. Sutskever et al., On the importance of
    initialization and momentum in deep learning, ICML 2013.
    """

    name: Literal["nesterov"] = "nesterov"
    torch_name = "SGD"
    momentum: Memory = 0.9

    elsewhere: ClassVar[tuple[str, ...]] = ("nag", "nesterovmomentum", "sgdnesterov")
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        (velocity,) = kept
        velocity *= self.momentum
        velocity += gradient
        gradient += np.multiply(velocity, self.momentum, out=scratch)
        gradient *= rate
        return gradient


class Adagrad(Optimizer):
    """Steps that are the shorter, the larger all gradients of an entry have been.

    ``s <- s + gradient**2``, ``w <- w - learning_rate * gradient / (sqrt(s) + epsilon)``.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, Adaptive subgradient methods for online learning and
    stochastic optimization, JMLR 12 (2011).
    """

    name: Literal["adagrad"] = "adagrad"
    torch_name = "Adagrad"
    epsilon: Positive = 1e-10

    slots: ClassVar[tuple[str, ...]] = ("squares",)

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        (squares,) = kept
        squares += np.multiply(gradient, gradient, out=scratch)
        return _divided(gradient, squares, rate, self.epsilon, scratch)


class Rmsprop(Optimizer):
    """Steps that are the shorter, the larger recent gradients of an entry have been.

    ``s <- alpha * s + (1 - alpha) * gradient**2``,
    ``w <- w - learning_rate * gradient / (sqrt(s) + epsilon)``.

    References
    ----------
    T. Tieleman and G. Hinton, Lecture 6.5 of Neural Networks for Machine Learning, Coursera, 2012.
    """

    name: Literal["rmsprop"] = "rmsprop"
    torch_name = "RMSprop"
    alpha: Memory = 0.99
    epsilon: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("squares",)

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        (squares,) = kept
        # The slot holds s / (1 - alpha).
        squares *= self.alpha
        squares += np.multiply(gradient, gradient, out=scratch)
        root = math.sqrt(1 - self.alpha)
        return _divided(gradient, squares, rate / root, self.epsilon / root, scratch)


class _Moments(Optimizer):
    """What Adam and AdamW have in common."""

    learning_rate: Positive = 0.001
    beta1: Memory = 0.9
    beta2: Memory = 0.999
    epsilon: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("gradients", "squares")

    def _move(self, rate: float, step: int, gradient: Array, scratch: Array, *kept: Array) -> Array:
        gradients, squares = kept
        # The slots hold m / (1 - beta1) and v / (1 - beta2).
        gradients *= self.beta1
        gradients += gradient
        gradient *= gradient
        squares *= self.beta2
        squares += gradient
        mean = (1 - self.beta1) / (1 - self.beta1**step)
        root = math.sqrt((1 - self.beta2) / (1 - self.beta2**step))
        return _divided(gradients, squares, rate * mean / root, self.epsilon / root, gradient)


class Adam(_Moments):
    """Momentum, in steps that are as long as the gradient is steady.

    ``m <- beta1 * m + (1 - beta1) * gradient``, ``v <- beta2 * v + (1 - beta2) * gradient**2``,
    ``w <- w - learning_rate * m' / (sqrt(v') + epsilon)``, with ``m' = m / (1 - beta1**t)`` and
    ``v' = v / (1 - beta2**t)`` in step t.

    References
    ----------
    D. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """

    name: Literal["adam"] = "adam"
    torch_name = "Adam"


class AdamW(_Moments):
    """Adam whose weight decay does not pass through the running means.

    ``w <- w - learning_rate * weight_decay * w`` comes before the step of Adam.

    References
    ----------
    I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2, with
    the decay multiplied by the learning rate as torch does.
    """

    name: Literal["adamw"] = "adamw"
    torch_name = "AdamW"
    weight_decay: NotNegative = 0.01

    def _decay(self, rate: float, parameter: Array, gradient: Array, scratch: Array) -> None:
        parameter *= 1 - rate * self.weight_decay


def _divided(above: Array, squares: Array, rate: float, epsilon: float, out: Array) -> Array:
    """``rate * above / (sqrt(squares) + epsilon)``, in the memory `out`."""
    np.sqrt(squares, out=out)
    out += epsilon
    np.divide(above, out, out=out)
    out *= rate
    return out


def clip(gradients: Mapping[str, Array], most: float) -> None:
    """Scale all `gradients` in place, so that their norm as one vector is at most `most`.

    As ``torch.nn.utils.clip_grad_norm_``: they are multiplied by ``most / (norm + 1e-6)`` where
    that is below 1.
    """
    norm = math.hypot(*map(_norm, gradients.values()))
    scale = most / (norm + _TORCH_SPARE)
    if scale < 1 or math.isnan(scale):
        for gradient in gradients.values():
            gradient *= scale


def _norm(array: Array) -> float:
    flat = array.reshape(-1)
    square = float(np.dot(flat, flat))
    if math.isfinite(square):
        return math.sqrt(square)
    largest = float(np.abs(flat).max())
    return largest * float(np.linalg.norm(flat / largest)) if math.isfinite(largest) else largest


def find(spec: OptimizerSpec) -> Optimizer:
    """The optimizer that a spec asks for.

    Raises
    ------
    TrainingError
        With every fault: there is none of that name, or it has no such options, or a schedule is
        at fault.
    """
    findings = Findings()
    entries = dict(spec.options.entries)
    scheduled = entries.pop("schedule", None)
    schedule = None if scheduled is None else schedules.find(scheduled.value, findings)
    optimizer = declared.find(Optimizer, spec.name, Map(entries), findings)
    findings.raise_errors(TrainingError)
    assert optimizer is not None
    return optimizer if schedule is None else optimizer.model_copy(update={"schedule": schedule})

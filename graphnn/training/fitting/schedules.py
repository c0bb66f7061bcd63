"""Schedules: how the learning rate changes in the course of a training, one class each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from graphnn.diagnostics import Findings, by_word
from graphnn.ops.code import shown
from graphnn.spec import brief, only_choice
from graphnn.spec.values import Map, Scalar, Value
from graphnn.training.fitting import declared
from graphnn.training.fitting.declared import Declared, NotNegative, Positive, Share

SCHEDULES: dict[str, Any] = {}
_ROUNDING = -50  # as a power of 2, what the roundings of three numbers come to at most


@dataclass(frozen=True, slots=True)
class Course:
    """How long a training is.

    Attributes
    ----------
    epochs : int
    steps : int
        Steps of the optimizer in one epoch.
    """

    epochs: int
    steps: int


class Schedule(Declared):
    """A rule that scales the learning rate, step by step.

    Attributes
    ----------
    warm_up : float
        Epochs, whole or not, in which the rate rises in equal steps to the learning rate, before
        the rule sets in.
    needs_end : bool
        Whether the rate of a step depends on how many epochs there will be.
    """

    family: ClassVar[str] = "schedule"
    unknown_code = "unknown-schedule"
    invalid_code = "bad-schedule"
    registry: ClassVar[dict[str, Any]] = SCHEDULES
    needs_end: ClassVar[bool] = False
    absent: ClassVar[Mapping[str, str]] = by_word(
        {
            "write {step: {every: 1, factor: ...}}, the same from epoch to epoch": (
                "exponential exponentiallr exponentialdecay"
            ),
            "the nearest is cosine, which ends at 0 too": (
                "linear linearlr lineardecay polynomial polynomiallr polynomialdecay"
            ),
            "the nearest is {cosine: {warm_up: EPOCHS}}": (
                "onecycle onecyclelr linearwarmup linearwarmupcosineannealing"
            ),
            "no schedule watches a metric; the nearest is step, with 'early_stopping' beside it": (
                "plateau reducelronplateau reduceonplateau"
            ),
            "no schedule repeats itself; the nearest is cosine": (
                "cosineannealingwarmrestarts cyclic cycliclr sgdr"
            ),
            "the nearest is step, in equal steps": "multistep multisteplr piecewiseconstantdecay",
            "the nearest is cosine": "inversetimedecay inversesqrt noam lambdalr",
        }
    )
    also_called: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("step_size", "decay_steps", "period", "epochs"), "every"),
        **dict.fromkeys(("gamma", "decay_rate", "rate"), "factor"),
        **dict.fromkeys(("eta_min", "alpha", "min_lr", "minimum"), "floor"),
        **dict.fromkeys(("warmup_epochs", "warm_up_epochs", "warmup_steps"), "warm_up"),
    }

    warm_up: NotNegative = 0.0

    def scale(self, step: int, course: Course) -> float:
        """What the learning rate is multiplied by.

        Parameters
        ----------
        step : int
            Steps done before this one.
        course : Course

        Returns
        -------
        float
            ``(step + 1) / (warm_up * course.steps)`` while that is below 1, else `level`.

        References
        ----------
        P. Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour,
        arXiv:1706.02677 (2017), section 2.2 (the warm-up).
        """
        warming = self.warm_up * course.steps
        if step + 1 < warming:
            return (step + 1) / warming
        return self.level(step / course.steps, course.epochs)

    def level(self, epoch: float, epochs: int) -> float:
        """The scale after the warm-up, when `epoch` epochs, whole or not, of `epochs` are done."""
        raise NotImplementedError

    def to_code(self, epochs: int) -> str:
        """`level` as an expression in Python, which reads `epoch` and NumPy as ``np``."""
        raise NotImplementedError


class Constant(Schedule):
    """The same learning rate from the first step, or the end of the warm-up, to the last."""

    name: Literal["constant"] = "constant"

    elsewhere: ClassVar[tuple[str, ...]] = ("fixed", "none")

    def level(self, epoch: float, epochs: int) -> float:
        """1."""
        return 1.0

    def to_code(self, epochs: int) -> str:
        """1."""
        return "1.0"


class Step(Schedule):
    """Every `every` epochs the learning rate is multiplied by `factor`."""

    name: Literal["step"] = "step"
    every: Positive
    factor: Positive = 0.1

    elsewhere: ClassVar[tuple[str, ...]] = ("stepdecay", "steplr", "steplrschedule")

    def level(self, epoch: float, epochs: int) -> float:
        """``factor ** floor(epoch / every)``."""
        # 0.3 / 0.1 is a little less than 3.
        return float(self.factor ** math.floor(epoch / self.every * (1 + 2.0**_ROUNDING)))

    def to_code(self, epochs: int) -> str:
        """A power of the factor."""
        whole = f"np.floor(epoch / {shown(self.every)} * (1 + 2**{_ROUNDING}))"
        return f"{shown(self.factor)} ** {whole}"


class Cosine(Schedule):
    """The learning rate falls along half a cosine, to `floor` of what it was, at the end.

    References
    ----------
    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017,
    eq. 5, without the restarts.
    """

    name: Literal["cosine"] = "cosine"
    floor: Share = 0.0

    elsewhere: ClassVar[tuple[str, ...]] = (
        *("cosineannealing", "cosineannealinglr", "cosinedecay", "cosinelr"),
        "cosineschedule",
    )
    needs_end: ClassVar[bool] = True

    def level(self, epoch: float, epochs: int) -> float:
        """``floor + (1 - floor) * (1 + cos(pi * t)) / 2``, t from 0 after the warm-up to 1."""
        rest = epochs - self.warm_up
        # The step that ends the warm-up may start before the cosine does.
        done = max(0.0, epoch - self.warm_up) / rest if rest > 0 else 0.0
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * done)) / 2

    def to_code(self, epochs: int) -> str:
        """Half a cosine."""
        if epochs <= self.warm_up:
            return "1.0"
        after = f"max(0, epoch - {shown(self.warm_up)})" if self.warm_up else "epoch"
        wave = f"(1 + np.cos(np.pi * {after} / {shown(epochs - self.warm_up)})) / 2"
        return f"{shown(self.floor)} + {shown(1 - self.floor)} * {wave}" if self.floor else wave


def find(value: Value, findings: Findings) -> Schedule | None:
    """The schedule that a spec asks for: its name, or its name with options.

    Parameters
    ----------
    value : Value
    findings : Findings
        Takes every fault; the result is None then.
    """
    if isinstance(value, Scalar) and isinstance(value.value, str):
        return declared.find(Schedule, value, Map({}), findings)
    if isinstance(value, Map) and value.entries:
        entry = only_choice("schedule", SCHEDULES, value, findings)
        return None if entry is None else declared.find(Schedule, entry.key, entry.value, findings)
    wanted = "one schedule, such as {cosine: {warm_up: 2}}"
    message = f"'schedule' must be {wanted}, not {brief(value)}"
    findings.error("bad-schedule", message, value.span)
    return None

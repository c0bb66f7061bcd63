"""Gradients, two independent ways, and the comparison of the two."""

from graphnn.gradients.backprop import backprop
from graphnn.gradients.check import GradientReport, check_gradients
from graphnn.gradients.estimate import GradientEstimate
from graphnn.gradients.loop import Crossing
from graphnn.gradients.numerical import Interrupted, numerical_gradient
from graphnn.gradients.rules import DifferenceRule, Extrapolation
from graphnn.gradients.study import StepStudy, step_study

__all__ = [
    "Crossing",
    "DifferenceRule",
    "Extrapolation",
    "GradientEstimate",
    "GradientReport",
    "Interrupted",
    "StepStudy",
    "backprop",
    "check_gradients",
    "numerical_gradient",
    "step_study",
]

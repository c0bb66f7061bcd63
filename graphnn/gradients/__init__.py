"""Gradients, two independent ways, and the comparison of the two."""

from graphnn.gradients.backprop import backprop
from graphnn.gradients.check import GradientReport, check_gradients
from graphnn.gradients.estimate import GradientEstimate
from graphnn.gradients.numerical import numerical_gradient
from graphnn.gradients.study import StepStudy, step_study

__all__ = [
    "GradientEstimate",
    "GradientReport",
    "StepStudy",
    "backprop",
    "check_gradients",
    "numerical_gradient",
    "step_study",
]

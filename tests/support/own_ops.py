"""A module of a user with an op, for tests of what imports it; it prints when it is imported."""

TWICE = """\
from typing import Literal

from graphnn.ops import Op, data

print("imported")


class Twice(Op):
    \"""Twice ``y = 2 x``.\"""

    op: Literal["twice"] = "twice"
    operands = (data("x", "..."),)

    def forward(self, x):
        return 2 * x

    def vjp(self, cotangent, output, x):
        return (2 * cotangent,)
"""

"""Ops of a user: the text of a module with one, which prints when it is imported, and a class."""

from typing import Literal

from graphnn.ops import Op, data

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


def planted(base=Op, **methods):
    """A sound op that doubles rows, not registered, but for the methods given."""
    body = {
        "__annotations__": {"op": Literal["planted"]},
        "op": "planted",
        "operands": (data("x", "batch n"),),
        "result": "batch n",
        "batchwise": True,
        "forward": lambda self, x: 2 * x,
        "vjp": lambda self, cotangent, output, x: (2 * cotangent,),
    }
    return type(base)("Planted", (base,), body | methods, register=False)

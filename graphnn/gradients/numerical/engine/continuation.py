"""Plans whose ops take complex arrays, for the complex step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np

from graphnn.execution import Plan
from graphnn.ops import Array, Op


@dataclass(frozen=True, slots=True)
class Continued:
    """An op, but for `forward`, which is its analytic continuation, and `branch`."""

    takes_out: ClassVar[bool] = False
    op: Op

    def __getattr__(self, name: str) -> Any:
        return getattr(self.op, name)

    def bind(self, bindings: Any) -> Continued:
        """As `Op.bind`."""
        return Continued(self.op.bind(bindings))

    def forward(self, *arrays: Any) -> Array:
        """As `Op.continued`."""
        return self.op.continued(*arrays)

    def branch(self, *arrays: Any) -> Array:
        """The pieces on both sides of the real axis, as one number: at a kink they differ."""
        mirrored = [None if array is None else np.conj(array) for array in arrays]
        there: Array = np.asarray(self.op.branch(*arrays)) + 1j * np.asarray(
            self.op.branch(*mirrored)
        )
        return there


def continued(plan: Plan) -> Plan:
    """The same plan for complex arrays."""
    return replace(
        plan, steps=tuple(replace(step, op=cast(Op, Continued(step.op))) for step in plan.steps)
    )

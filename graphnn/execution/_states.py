"""The states of a network after a training pass, such as running means."""

from __future__ import annotations

from collections.abc import Iterable

from graphnn.execution._executor import ForwardPass
from graphnn.execution._plan import Plan, Step
from graphnn.graph import Graph
from graphnn.ops import Array, Op


def stateful_steps(plan: Plan) -> list[Step]:
    """The steps whose ops update states."""
    return [step for step in plan.steps if type(step.op).update is not Op.update]


def updated_states(graph: Graph, steps: Iterable[Step], kept: ForwardPass) -> dict[str, Array]:
    """New values of the states that `steps` update, by full name.

    Parameters
    ----------
    graph : Graph
    steps : iterable of Step
        Those of `stateful_steps`.
    kept : ForwardPass
        Of an executor that keeps values, in training.
    """
    state: dict[str, Array] = {}
    for step in steps:
        given = [None if slot is None else kept.values[slot] for slot in step.arguments]
        saved = {"saved": kept.saved[step.output]} if step.op.takes_saved else {}
        names = graph.nodes[step.node].parameters
        if len(given) == len(step.op.operands):
            # A state that nodes share is updated by one after the other.
            pairs = zip(step.op.operands, given, strict=True)
            given = [state.get(str(names.get(each.name)), value) for each, value in pairs]
        new = step.op.update(kept.values[step.output], *given, **saved)
        state |= {str(names[operand]): array for operand, array in new.items()}
    return state

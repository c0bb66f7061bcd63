"""One pass of a network in training, on noise that depends on no order of nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from graphnn.diagnostics import RunError
from graphnn.execution import Executor, Plan, stateful_steps, updated_states
from graphnn.execution.network import Network
from graphnn.ops import Array

Inputs = Mapping[str, Any]


def training_plan(net: Network, wanted: Sequence[str]) -> Plan:
    """The plan of nodes in training."""
    return net.executor(wanted, keep=True, mode="train").plan


def training_pass(
    net: Network, wanted: Sequence[str], inputs: Inputs, names: Mapping[str, str]
) -> tuple[list[Array], dict[str, Array]] | RunError:
    """Values of nodes in training, and all states after it; or why there is no such pass.

    Noise is drawn in the order of the nodes' names in `names`, so that two networks whose nodes
    have the same names there draw the same. A single row is repeated where an op needs more.
    """
    plan = training_plan(net, wanted)
    drawn = {plan.slots[slot].name: (slot, op) for slot, op in plan.noises}
    noises = tuple(drawn[name] for name in sorted(drawn, key=lambda each: names.get(each, each)))
    executor = Executor(replace(plan, noises=noises), net.dtype, keep=True)
    with np.errstate(all="ignore"):
        try:
            given, rng = _with_rows(net, plan, inputs), np.random.default_rng(0)
            kept = executor.kept(given, net.arrays, rng, finite=False)
        except RunError as error:
            return error
        states = updated_states(net.graph, stateful_steps(plan), kept)
    return [kept.values[plan.outputs[name]] for name in wanted], {**net.state, **states}


def _with_rows(net: Network, plan: Plan, inputs: Inputs) -> Inputs:
    """The inputs, each row as often as it takes for the rows that ops in training need."""
    first = [net.graph.nodes[name].shape[:1] for name in inputs]
    if any(not size or isinstance(size[0], int) for size in first):
        return inputs
    needed = max(plan.rows_needed().values(), default=1)
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    return {name: np.repeat(a, -(-needed // len(a)), axis=0) for name, a in arrays.items()}

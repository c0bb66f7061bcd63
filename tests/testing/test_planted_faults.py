"""Faults planted in ops and engines are found in few networks, and shrink to small ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, seed, settings

import graphnn
from gradient_laws import assert_engine_is_loop
from graphnn.execution import _executor
from graphnn.gradients import _backprop
from graphnn.ops import REGISTRY
from graphnn.spec.sizes import evaluate
from graphnn.testing import networks

pytestmark = pytest.mark.slow
GIVEN = ("input", "parameter", "constant")


# ------------------------------------------------------------------------------- laws


def gradients_agree(case):
    assert graphnn.check_gradients(case.network(), case.inputs)


def engine_is_loop(case):
    assert_engine_is_loop(case.network(), case.inputs, mode="train")


def runs_are_plain_numpy(case):
    """Twice, since only the second run writes into memory that is there."""
    network = case.network()
    expected = by_hand(network, case.inputs)
    for _ in range(2):
        for name, found in network.run(case.inputs).items():
            assert found.shape == expected[name].shape
            np.testing.assert_allclose(found, expected[name], rtol=1e-9, atol=1e-9)


def by_hand(network, inputs):
    """Every node by its op's own forward pass, one after the other."""
    rows = {"batch": len(next(iter(inputs.values())))} if inputs else {}
    values = {**inputs}
    for node in network.graph.nodes.values():
        if not node.op.is_input:
            kept = [None if full is None else network.arrays[full]
                    for full in node.parameters.values()]  # fmt: skip
            values[node.name] = node.op.bind(rows).forward(
                *(values[name] for name in node.inputs), *kept
            )
    return values


def shapes_are_as_inferred(case):
    rows = {"batch": len(next(iter(case.inputs.values())))} if case.inputs else {}
    network = case.network()
    for name, found in network.run(case.inputs, outputs=network.graph.nodes).items():
        inferred = network.graph.nodes[name].shape
        assert found.shape == tuple(evaluate(size, rows) for size in inferred)


# ----------------------------------------------------------------------------- plants


def wrong_vjp(name, where=lambda op: True):
    def plant(patch):
        op_class = REGISTRY[name]
        right = op_class.vjp

        def vjp(self, *arrays, **keywords):
            parts = right(self, *arrays, **keywords)
            return tuple(p if p is None or not where(self) else 1.05 * p for p in parts)

        patch.setattr(op_class, "vjp", vjp)

    return plant


def false_fact(fact, name):
    return lambda patch: patch.setattr(REGISTRY[name], fact, True)


def written_too_early(patch):
    """A result is written over an operand that is still read."""

    def over_first(self, step, slot):
        first = step.arguments[0] if step.arguments else None
        if not (self._reuse and step.op.inplace) or first is None:
            return None
        source = self._plan.slots[first]
        if source.storage != first or source.shape != slot.shape or step.output in self._kept:
            return None
        memory = self._owned.pop(first, None)
        if memory is not None:
            self._owned[step.output] = memory
        return memory

    patch.setattr(_executor._Memory, "_over_first", over_first)


def freed_too_early(patch):
    """The memory of what a step reads last is free for its own result."""
    right = _executor._Memory.place

    def place(self, step, like):
        if self._reuse:
            for storage in step.dying:
                if storage in self._owned and storage != step.output:
                    memory = self._owned.pop(storage)
                    order = _executor._outermost_first(memory)
                    flat = memory.transpose(order).reshape(-1)
                    self._free.setdefault(memory.size, []).append(flat)
        return right(self, step, like)

    patch.setattr(_executor._Memory, "place", place)


def overwritten_cotangent(patch):
    """Of a value that is read twice, the last cotangent counts alone."""

    def pull_back(pulls, kept, cotangents):
        for pull in pulls:
            cotangent, cotangents[pull.output] = cotangents[pull.output], None
            if cotangent is None:
                continue
            saved = {"saved": kept.saved[pull.output]} if pull.saves else {}
            arrays = map(kept.values.__getitem__, pull.arguments)
            parts = pull.vjp(cotangent, kept.values[pull.output], *arrays, **saved)
            for slot, part in zip(pull.wanted, parts, strict=True):
                if slot is not None and part is not None:
                    cotangents[slot] = part

    patch.setattr(_backprop, "_pull_back", pull_back)


def wrong_shape_rule(patch):
    """A slice with a step is taken to have one entry more."""
    op_class = REGISTRY["slice"]
    right = op_class.infer_shape

    def infer_shape(self, *shapes):
        found = right(self, *shapes)
        if self.step == 1:
            return found
        axis = self.axis % len(found)
        return (*found[:axis], found[axis] + 1, *found[axis + 1 :])

    patch.setattr(op_class, "infer_shape", infer_shape)


def nan_above(patch):
    op_class = REGISTRY["sigmoid"]
    right = op_class.forward

    def forward(self, x, *, out=None):
        return np.where(x > 2.5, np.nan, right(self, x, out=out))

    patch.setattr(op_class, "forward", forward)


_TRIES = 5
PLANTS = {
    "convolution": (wrong_vjp("conv2d", lambda op: max(op.dilation) > 1), gradients_agree),
    "softmax": (wrong_vjp("softmax"), gradients_agree),
    "tanh": (wrong_vjp("tanh"), gradients_agree),
    "in place": (written_too_early, runs_are_plain_numpy),
    "freed": (freed_too_early, runs_are_plain_numpy),
    "cotangent": (overwritten_cotangent, gradients_agree),
    "shape rule": (wrong_shape_rule, shapes_are_as_inferred),
    "batchwise": (false_fact("batchwise", "batch_norm_training"), engine_is_loop),
    "channelwise": (false_fact("channelwise", "softmax"), engine_is_loop),
    "planewise": (false_fact("planewise", "affine"), engine_is_loop),
    "nan": (nan_above, runs_are_plain_numpy),
}


def smallest(law, number, most=300):
    """The network to which a failure of the law shrinks, if one is found among so many."""
    failing, calls = [], 0

    @seed(number)
    @settings(max_examples=most, database=None, report_multiple_bugs=False, deadline=None)
    @given(networks())
    def run(case):
        nonlocal calls
        calls += not failing
        try:
            with np.errstate(all="ignore"):
                law(case)
        except Exception:
            failing[:] = [case]
            raise

    try:
        run()
    except Exception:
        return failing[0], calls
    return None


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found_and_shrinks(plant, monkeypatch):
    plant, law = PLANTS[plant]
    plant(monkeypatch)
    # What a seed draws changes with any strategy: one of some is enough.
    tries = (smallest(law, number) for number in range(_TRIES))
    assert any(is_small(*found) for found in tries if found is not None)


def is_small(case, calls):
    nodes = case.document["nodes"]
    few = sum(body.get("op") not in GIVEN for body in nodes.values()) <= 4
    return calls <= 300 and few and largest(case) <= 2


def largest(case):
    """The largest size of an axis of an array that is given."""
    values = [*case.inputs.values(), *case.network().arrays.values()]
    return max((size for array in values for size in np.shape(array)), default=0)

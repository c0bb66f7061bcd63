"""Faults to plant in ops, engines and the reader, each with a law that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis.strategies import SearchStrategy

import graphnn
from gradient_laws import assert_engine_is_loop
from graphnn.execution import _executor
from graphnn.gradients import _backprop
from graphnn.graph.arrays import outermost_first
from graphnn.ops import REGISTRY
from graphnn.spec.reading import builder
from graphnn.spec.sizes import evaluate
from graphnn.testing import networks
from graphnn.testing.strategies import invalid_specs
from runs_by_hand import by_hand

# ------------------------------------------------------------------------------- laws


def gradients_agree(case):
    network = case.network()
    assert not network.parameters or graphnn.check_gradients(network, case.inputs)


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


def shapes_are_as_inferred(case):
    rows = {"batch": len(next(iter(case.inputs.values())))} if case.inputs else {}
    network = case.network()
    for name, found in network.run(case.inputs, outputs=network.graph.nodes).items():
        inferred = network.graph.nodes[name].shape
        assert found.shape == tuple(evaluate(size, rows) for size in inferred)


def errors_are_in_their_places(spec):
    """Each planted error is reported and no other, in the order of their places."""
    reported = graphnn.diagnose_text(spec.text, json=spec.json)
    errors = [each for each in reported if each.severity == "error"]
    found = [((each.span.line, each.span.column), each.code) for each in errors]
    assert sorted(found) == sorted((place, code) for code, place in spec.faults)
    assert [place for place, _ in found] == [place for _, place in spec.faults]


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
                    order = outermost_first(memory)
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
            arrays = pull.arguments(kept.values)
            parts = pull.vjp(cotangent, kept.values[pull.output], *arrays, **saved)
            for position, slot in pull.wanted:
                if parts[position] is not None:
                    cotangents[slot] = parts[position]

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


def columns_off_by_one(patch):
    right = builder.Builder._scalar

    def scalar(self, value, place, anchor):
        line, column, *end = place
        right(self, value, (line, column + 1, *end), anchor)

    patch.setattr(builder.Builder, "_scalar", scalar)


class Plant(NamedTuple):
    """What plants a fault, and the law that shows it on what is drawn."""

    plant: Callable[[pytest.MonkeyPatch], None]
    law: Callable[[Any], None]
    drawn: SearchStrategy[Any] = networks()

    def shows(self, case: Any) -> bool:
        """Whether the law is broken by a case.

        Errors of a plant that no longer fits what it replaces are raised.
        """
        try:
            with np.errstate(all="ignore"):
                self.law(case)
        except (AttributeError, NameError, TypeError):
            raise
        except Exception:
            return True
        return False


RUN = networks(loss=False)  # what a law about runs needs
PLANTS = {
    "a wrong `vjp` of `conv2d` where it is dilated": Plant(
        wrong_vjp("conv2d", lambda op: max(op.dilation) > 1), gradients_agree
    ),
    "a wrong `vjp` of `softmax`": Plant(wrong_vjp("softmax"), gradients_agree),
    "a wrong `vjp` of `tanh`": Plant(wrong_vjp("tanh"), gradients_agree),
    "a result written in place too early": Plant(written_too_early, runs_are_plain_numpy, RUN),
    "memory freed too early": Plant(freed_too_early, runs_are_plain_numpy),
    "a cotangent overwritten, not added to": Plant(overwritten_cotangent, gradients_agree),
    "a wrong shape rule of `slice` with steps": Plant(
        wrong_shape_rule, shapes_are_as_inferred, RUN
    ),
    "`batch_norm_training` said to be `batchwise`": Plant(
        false_fact("batchwise", "batch_norm_training"), engine_is_loop
    ),
    "`softmax` said to be `channelwise`, in networks of three ops": Plant(
        false_fact("channelwise", "softmax"), engine_is_loop, networks(["softmax", "add", "affine"])
    ),
    "`affine` said to be `planewise`": Plant(false_fact("planewise", "affine"), engine_is_loop),
    "NaN from `sigmoid` above 2.5": Plant(nan_above, runs_are_plain_numpy, RUN),
    "columns of the reader off by one": Plant(
        columns_off_by_one, errors_are_in_their_places, invalid_specs()
    ),
}
# What too few networks show for a test: the laws of the op find it.
RARE = {
    "`softmax` said to be `channelwise`": Plant(
        false_fact("channelwise", "softmax"), engine_is_loop
    ),
}

"""The memory that runs take: as the ops lay it out, over and over, and no more than is needed."""

from __future__ import annotations

import tracemalloc
from itertools import combinations

import numpy as np
import pytest

import graphnn
from graphnn.execution._executor import Executor, _Memory
from graphnn.execution._plan import make

IMAGES = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2, 6, 5]}
  c: {op: conv2d, inputs: x, filters: 3, kernel: 3}
  r: {op: relu, inputs: c}
  p: {op: max_pool, inputs: r, kernel: [2, 1]}
  s: {op: sigmoid, inputs: p}
"""
NAMES = ("c", "r", "p", "s")


def by_hand(x, weight):
    """Values of IMAGES, window by window; the bias is 0."""
    c = np.zeros((len(x), 3, 4, 3))
    for row, column in np.ndindex(4, 3):
        window = x[:, None, :, row : row + 3, column : column + 3]
        c[:, :, row, column] = (window * weight).sum(axis=(2, 3, 4))
    r = np.where(c > 0, c, 0.0)
    p = np.where(r[:, :, ::2] > r[:, :, 1::2], r[:, :, ::2], r[:, :, 1::2])
    return {"c": c, "r": r, "p": p, "s": 1 / (1 + np.exp(-p))}


def in_memory(array):
    """Axes with more than one entry, outermost first."""
    strides = [(-step, axis) for axis, step in enumerate(array.strides) if array.shape[axis] > 1]
    return [axis for _, axis in sorted(strides)]


@pytest.mark.parametrize("keep", [True, False])
def test_results_lie_as_the_ops_chose_in_every_run(keep):
    net = graphnn.loads(IMAGES)
    executor = Executor(make(net.graph, NAMES), net.dtype, keep=keep)
    rng = np.random.default_rng(0)
    for rows in (4, 4, 7, 4, 7):
        x = rng.normal(size=(rows, 2, 6, 5))
        expected = by_hand(x, net.parameters["c.weight"])
        values, release = executor.values({"x": x}, net.parameters)
        for name in NAMES:
            value = values[executor.plan.outputs[name]]
            np.testing.assert_allclose(value, expected[name], rtol=1e-12, atol=1e-12)
            assert in_memory(value) == [1, 2, 3, 0]  # a row of images for each place
        release()


def test_planned_memory_is_that_of_the_run_before():
    net = graphnn.loads(IMAGES)
    executor = Executor(make(net.graph, ["s"]), net.dtype, keep=True)
    x = np.random.default_rng(0).normal(size=(4, 2, 6, 5))
    executor.values({"x": x}, net.parameters)[1]()
    first, release = executor.values({"x": x}, net.parameters)
    release()
    second, release = executor.values({"x": x}, net.parameters)
    release()
    for step in executor.plan.steps:
        assert np.shares_memory(first[step.output], second[step.output])


# What a step reads and writes: in the first run two arrays, and what was planned for later runs.
@pytest.mark.parametrize(("turned", "most"), [(0, 3.5), (4, 5)])
def test_a_run_holds_no_value_that_is_no_longer_needed(turned, most):
    chain = "".join(f"  n{n + 1}: {{op: tanh, inputs: n{n}}}\n" for n in range(40))
    turns = "".join(
        f"  t{n + 1}: {{op: transpose, inputs: u{n}}}\n" + f"  u{n + 1}: "
        f"{{op: exp, inputs: t{n + 1}}}\n"
        for n in range(1, turned + 1)
    )
    net = graphnn.loads(
        "graphnn: 1\nsizes: {n: 400}\nnodes:\n  n0: {op: input, shape: [n, n]}\n"
        f"{chain}  u1: {{op: negative, inputs: n40}}\n{turns}"
        f"  s: {{op: mean, inputs: u{turned + 1}}}\n"
    )
    x = np.full((400, 400), -50.0)
    tracemalloc.start()
    try:
        found = [float(net.run(n0=x)["s"]) for _ in range(2)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    y = -50.0
    for _ in range(40):
        y = np.tanh(y)
    y = -y
    for _ in range(turned):
        y = np.exp(y)
    assert found == pytest.approx([y, y], rel=1e-12)
    assert peak < most * x.nbytes


def test_memory_is_kept_for_a_few_sizes_of_a_batch_alone():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 2]}, y: {op: tanh, inputs: x}}}"
    )
    executor = net.executor(["y"])
    for rows in (1, 2, 3, 4, 5, 6, 6, 5, 1):
        executor.run({"x": np.ones((rows, 2))}, net.arrays)
        assert len(executor._programs) <= 4
        assert len(executor._checked) <= 4
    assert len(executor._programs) == 4


def test_what_is_no_longer_needed_is_written_over(monkeypatch):
    """Entry by entry a result takes the place of what it is made of, unless a later step reads it.

    Inputs are not written over, and what the caller is given has memory that no run uses again.
    """
    net = graphnn.loads("""
        graphnn: 1
        nodes:
          x: {op: input, shape: [batch, 3]}
          a: {op: tanh, inputs: x}
          b: {op: sigmoid, inputs: a}
          c: {op: negative, inputs: b}
          d: {op: add, inputs: [c, b]}
          e: {op: exp, inputs: d}
          f: {op: tanh, inputs: e}
    """)
    place, memory = _Memory.place, {}

    def recorded(self, step, like):
        memory[step.node] = place(self, step, like)
        return memory[step.node]

    monkeypatch.setattr(_Memory, "place", recorded)
    x = np.ones((4, 3))
    executor = Executor(make(net.graph, ["f"]), net.dtype, keep=False)
    executor.values({"x": x}, net.parameters)[1]()
    assert memory.pop("f") is None
    assert not any(np.shares_memory(x, each) for each in memory.values())
    for one, two in combinations(memory, 2):
        together = any({one, two} <= names for names in ({*"ab"}, {*"cde"}))
        assert np.shares_memory(memory[one], memory[two]) is together

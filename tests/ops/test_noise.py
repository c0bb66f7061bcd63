"""Noise: drawn in training from the seed of the run, its mean when run."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.ops.families.random import Noise

SPEC = """
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 3]}}
  t: {{op: input, shape: [batch, 3]}}
  e: {{op: noise, inputs: x{options}}}
  w: {{op: parameter, shape: [3], value: [1, 2, 3]}}
  y: {{op: multiply, inputs: [e, w]}}
  loss: {{op: mean_squared_error, inputs: [y, t]}}
"""
ROWS = {"x": np.ones((4, 3)), "t": np.zeros((4, 3))}


@pytest.mark.parametrize(
    ("options", "level"), [("", 0), (", mean: 2", 2), (", when_run: 0.5", 0.5)]
)
def test_it_is_its_mean_when_run_or_what_is_stated(options, level):
    net = graphnn.loads(SPEC.format(options=options))
    np.testing.assert_array_equal(net.run(x=ROWS["x"], outputs=["e"])["e"], np.full((4, 3), level))


def test_it_is_drawn_anew_in_each_training_pass_from_the_seed():
    net = graphnn.loads(SPEC.format(options=""))
    plan = net.executor(["e"], mode="train")

    def passes(seed):
        rng = np.random.default_rng(seed)
        return [plan.values({"x": ROWS["x"]}, {}, rng)[0][plan.plan.outputs["e"]] for _ in range(2)]

    first, second = passes(0)
    assert (first != second).all()
    np.testing.assert_array_equal(first, passes(0)[0])
    assert (first != passes(1)[0]).all()


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_the_numbers_have_the_mean_and_the_deviation(distribution):
    op = Noise(distribution=distribution, mean=2.0, deviation=3.0).in_training()
    found = op.noise(np.random.default_rng(0), (400, 500), np.float64)
    # Six standard errors of 200,000 numbers.
    assert abs(found.mean() - 2) < 6 * 3 / np.sqrt(found.size)
    assert abs(found.std() - 3) < 6 * 3 / np.sqrt(found.size)
    wide = np.abs(found - 2).max()
    assert wide <= 3 * np.sqrt(3) if distribution == "uniform" else wide > 9


def test_a_seed_gives_the_same_numbers_in_both_precisions():
    op = Noise().in_training()
    wide, narrow = (op.noise(np.random.default_rng(0), (50,), t) for t in (np.float64, np.float32))
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))

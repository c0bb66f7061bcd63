"""The law of the engine: it gives the numbers of the loop."""

import numpy as np

import graphnn
from graphnn.gradients.numerical import rules
from graphnn.gradients.numerical.loop import Loop
from graphnn.gradients.numerical.objective import Objective

AGREE = 1e-9  # of the largest entry
# Machine epsilons of its size that a loss may be off by rounding: 3.6 at most in 6,500 networks.
ROUNDED = 8


def assert_engine_is_loop(network, inputs, loop=None, **options):
    """All entries agree to 1e-9 of the largest, and what rounding leaves in the loop's differences.

    A difference of losses that are off by so much is off by the sum of its weights times that,
    divided by the step. Gives the numbers of the loop, which may be given instead.
    """
    options = {"estimate": False, **options}
    if loop is None:
        loop = graphnn.numerical_gradient(network, inputs, method="loop", **options)
    engine = graphnn.numerical_gradient(network, inputs, method="probes", **options)
    assert loop.keys() == engine.keys()
    limit = AGREE * largest(loop) + rounding(network, inputs, **options)
    for name, found in loop.items():
        np.testing.assert_allclose(engine[name].value, found.value, rtol=0, atol=limit)
        np.testing.assert_array_equal(engine[name].kink, found.kink)
    return loop


def largest(gradient):
    values = [found.value[np.isfinite(found.value)] for found in gradient.values()]
    return max((np.abs(finite).max(initial=0) for finite in values), default=0)


def rounding(
    network, inputs, rule="central", order=None, step=None, mode="run", seed=0, loss=None, **_
):
    rule = rules.find(rule, order)
    value = Loop(Objective(network, inputs, network.losses(loss), mode, seed)).origin
    weights = sum(map(abs, rule.weights.values()))
    size = max(1.0, abs(value))
    return ROUNDED * np.finfo(float).eps * size * weights / (step or rule.default_step())

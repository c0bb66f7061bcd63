"""Over networks drawn from the whole registry: the engine is the loop, and backprop is right."""

import numpy as np
import pytest
from hypothesis import given, settings

import graphnn
from graphnn.ops import REGISTRY
from graphnn.testing.networks import networks

TAKING_DATA = sorted(
    name for name, op in REGISTRY.items() if op.data_operands() and not op.internal
)
STEP = 1e-3


@pytest.mark.parametrize("op", TAKING_DATA)
def test_the_engine_gives_the_numbers_of_the_loop(op):
    @settings(max_examples=10, deadline=None)
    @given(networks([op], max_ops=3))
    def law(case):
        network = case.network()
        loop, engine = (
            graphnn.numerical_gradient(network, case.inputs, method=method, step=STEP)
            for method in ("loop", "probes")
        )
        largest = max((np.abs(found.value).max(initial=0) for found in loop.values()), default=0)
        # And what the rounding of the loop's own losses leaves in a difference.
        rounding = np.finfo(float).eps * max(1.0, abs(network.loss(case.inputs))) / STEP
        limit = 1e-9 * largest + 20 * rounding
        for name, found in loop.items():
            np.testing.assert_allclose(engine[name].value, found.value, rtol=0, atol=limit)

    law()


@pytest.mark.parametrize("op", TAKING_DATA)
def test_backprop_is_the_numerical_gradient(op):
    @settings(max_examples=6, deadline=None)
    @given(networks([op], max_ops=3))
    def law(case):
        report = graphnn.check_gradients(case.network(), case.inputs)
        assert report, str(report)

    law()

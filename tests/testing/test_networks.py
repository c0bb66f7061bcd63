"""Networks drawn from the registry: they fit, they run, and they find planted faults."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings

import graphnn
from graphnn.graph.lints import advise
from graphnn.ops import REGISTRY
from graphnn.ops.families.activation import Softmax, Tanh
from graphnn.testing._networks import networks

TAKING_DATA = sorted(
    name for name, op in REGISTRY.items() if op.data_operands() and not op.internal
)
SEARCH = settings(max_examples=200, database=None, derandomize=True, phases=[Phase.generate])


def ops_of(case):
    return {node["op"] for node in case.document["nodes"].values()}


@pytest.mark.parametrize("op", TAKING_DATA)
def test_every_op_that_takes_data_is_drawn(op):
    case = find(networks([op]), lambda case: op in ops_of(case), settings=SEARCH)
    assert np.isfinite(case.network().loss(case.inputs))


@settings(max_examples=50)
@given(networks())
def test_a_case_needs_all_its_inputs_and_repeats(case):
    network = case.network()
    loss = network.loss(case.inputs)  # which refuses an input that it does not need
    assert case.network().loss(case.inputs) == loss
    assert len({array.shape[0] for array in case.inputs.values()}) == 1
    codes = {warning.code for warning in advise(network.graph)}
    assert not codes & {"unread-node", "unused-input"}


@settings(max_examples=30)
@given(networks(["sigmoid", "add"], max_ops=2, max_rows=3))
def test_the_choice_of_ops_and_the_limits_hold(case):
    mapping = {"input", "affine", "reshape", "flatten", "parameter", "mean_squared_error"}
    assert ops_of(case) <= mapping | {"sigmoid", "add"}
    assert all(len(array) <= 3 for array in case.inputs.values())


@pytest.mark.parametrize("op", [Tanh, Softmax])
def test_they_find_a_wrong_backward(op, monkeypatch):
    @SEARCH
    @given(networks([op.name]))
    def gradients_agree(case):
        assert graphnn.check_gradients(case.network(), case.inputs)

    right = op.vjp

    def wrong(self, *arrays, **rest):
        return tuple(1.05 * cotangent for cotangent in right(self, *arrays, **rest))

    monkeypatch.setattr(op, "vjp", wrong)
    with pytest.raises(AssertionError):
        gradients_agree()

"""What ops state besides their values: defaults of the literature, and facts that none lacks."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn.ops import REGISTRY
from graphnn.testing.laws.requirements import value
from variants import variants

EPSILON = 1e-5
ONE = {"stride": 1, "dilation": 1, "groups": 1, "padding": 0}
# As torch has them, but for the momentum's meaning; `hinge` and the step of `slice` as sklearn and
# Python have them.
DEFAULTS = {
    "argmax": {"axis": -1},
    "attention": {"heads": 1},
    "average_pool": {"padding": 0, "dilation": 1},
    "batch_norm": {"momentum": 0.1, "epsilon": EPSILON},
    "concat": {"axis": -1},
    "conv1d": ONE,
    "conv2d": ONE,
    "conv3d": ONE,
    "conv_transpose1d": {**ONE, "output_padding": 0},
    "conv_transpose2d": {**ONE, "output_padding": 0},
    "conv_transpose3d": {**ONE, "output_padding": 0},
    "cosine_distance": {"epsilon": 1e-8},
    "cosine_similarity": {"axis": -1, "epsilon": 1e-8},
    "cross_entropy": {"label_smoothing": 0},
    "cumulative_sum": {"axis": -1},
    "dropout": {"rate": 0.5},
    "elu": {"alpha": 1},
    "gather": {"batch_axes": 0},
    "group_norm": {"epsilon": EPSILON},
    "hinge": {"margin": 1},
    "huber": {"delta": 1},
    "instance_norm": {"epsilon": EPSILON},
    "layer_norm": {"epsilon": EPSILON},
    "leaky_relu": {"slope": 0.01},
    "local_response_norm": {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1},
    "log_softmax": {"axis": -1},
    "max_pool": {"padding": 0, "dilation": 1},
    "multiclass_hinge": {"margin": 1},
    "noise": {"mean": 0, "deviation": 1},
    "pad": {"value": 0},
    "rms_norm": {"epsilon": EPSILON},
    "slice": {"start": 0, "step": 1},
    "softmax": {"axis": -1},
    "stack": {"axis": 1},
}
# Within the inputs for some attributes alone, or of several operands.
SOMETIMES = {"weighted", "concat", "stack"}


def numbers(op_class):
    """The attributes that are numbers where a spec leaves them out."""
    fields = {key: info for key, info in op_class.model_fields.items() if not info.is_required()}
    return {
        key: info.default
        for key, info in fields.items()
        if isinstance(info.default, int | float) and not isinstance(info.default, bool)
    }


def test_numbers_that_are_left_out_are_those_of_the_literature():
    found = {name: numbers(op) for name, op in REGISTRY.items() if not op.internal}
    assert {name: each for name, each in found.items() if each} == DEFAULTS
    for name, op in REGISTRY.items():
        if op.internal and name.endswith("_training"):
            assert numbers(op) == DEFAULTS.get(name.removesuffix("_training"), {})


def is_between(case):
    """Whether all results of several arrays lie between their entries and 0."""
    for low, high in ((-3, -1), (1, 3), (-2, 2), (0.1, 0.5), (-0.5, -0.1)):
        x = np.random.default_rng(0).uniform(low, high, case.arrays[0].shape)
        with np.errstate(all="ignore"):
            y = value(case, [x])
        if not ((y >= min(0, low)) & (y <= max(0, high))).all():
            return False
    return True


@pytest.mark.parametrize("name", sorted({*REGISTRY} - SOMETIMES))
def test_results_that_lie_between_the_inputs_are_stated_to(name):
    op = REGISTRY[name]
    if op.output_interval is not None or op.keeps_entries or not op.data_operands():
        return  # what it states is as much or more, or there is nothing to lie between
    cases = [*variants(op)]
    if all([array is not None and array.dtype == float for array in case.arrays] == [True]
           for case in cases):  # fmt: skip
        assert op.within_inputs is all(map(is_between, cases))

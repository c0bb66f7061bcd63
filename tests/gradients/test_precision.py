"""Gradients of lower precision are granted what that rounds, and no more."""

import numpy as np
import pytest

import graphnn
from gradient_cases import digits, wide
from graphnn.ops.families.activation import Tanh
from tables import cases


def test_a_right_gradient_in_float32_is_right():
    net, inputs = wide("float32")
    gradients = graphnn.backprop(net, inputs)
    report = graphnn.check_gradients(net, inputs, gradients=gradients)
    assert report.counts["agree"] == sum(array.size for array in gradients.values()) == 10242
    assert str(report).startswith("10,242 entries in float32: 10,242 agree\n")
    assert report.as_dict()["parameters"][0]["precision"] == "float32"


def test_inputs_are_rounded_for_both_gradients():
    """In float64 the difference is 1e-9 and no 0, and so would be the numerical derivative."""
    net = graphnn.loads(
        """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1]}
  one: {op: constant, value: 1.0}
  d: {op: subtract, inputs: [x, one]}
  y: {op: affine, inputs: d, units: 1}
  l: {op: sum, inputs: y}
"""
    )
    options = {"only": ["y.weight"], "dtype": "float32"}
    report = graphnn.check_gradients(net, {"x": [[1 + 1e-9]]}, **options)
    assert (report.counts["agree"], report.parameters[0].worst.numerical) == (1, 0)


def test_a_fault_in_float32_does_not_drown():
    net, inputs = wide("float32")
    gradients = graphnn.backprop(net, inputs)
    gradients["a.weight"][7, 3] *= 1.05
    report = graphnn.check_gradients(net, inputs, gradients=gradients)
    assert report.counts["wrong backward"] == 1
    assert report.wrong[0].worst.index == (7, 3)


def test_what_trains_in_float32_is_checked_as_it_is(monkeypatch):
    net, inputs = wide("float32")
    few = {"entries": 300}
    assert str(graphnn.check_gradients(net, inputs, **few)).startswith("300 entries in float64: ")
    report = graphnn.check_gradients(net, inputs, dtype="float32", **few)
    assert str(report).startswith("300 entries in float32: 300 agree\n")

    right = Tanh.vjp

    def spoilt_in_float32(self, cotangent, output, x, **options):
        (part,) = right(self, cotangent, output, x, **options)
        return (part * 1.01 if part.dtype == np.float32 else part,)

    monkeypatch.setattr(Tanh, "vjp", spoilt_in_float32)
    assert graphnn.check_gradients(net, inputs, **few)
    assert not graphnn.check_gradients(net, inputs, dtype="float32", **few)


def test_float32_checks_a_network_in_float64_where_that_rounds_to():
    net, inputs = digits()
    assert net.dtype == np.float64
    # The last digits of the values are those that float32 does not have.
    report = graphnn.check_gradients(net, inputs, dtype="float32")
    assert report.counts["agree"] == 53


def test_a_tolerance_is_for_gradients_of_unknown_precision():
    net, inputs = wide("float32")
    gradients = {name: array.tolist() for name, array in graphnn.backprop(net, inputs).items()}
    few = {"gradients": gradients, "entries": 1000}
    assert graphnn.check_gradients(net, inputs, **few).counts["wrong backward"] > 500
    assert graphnn.check_gradients(net, inputs, tolerance=1e-5, **few).counts["agree"] == 1000
    # It takes the place of what the array's precision would be granted.
    exact = {**few, "gradients": graphnn.backprop(net, inputs)}
    assert graphnn.check_gradients(net, inputs, tolerance=0, **exact).counts["wrong backward"] > 500


@cases(r"""
    options= | expected
    {"tolerance": -1}
        | error[bad-option]: 'tolerance' must be a number from 0 to 1, not -1
        \n   = help: leave it out for the rounding of the gradient's precision
    {"tolerance": float("nan")}
        | error[bad-option]: 'tolerance' must be a number from 0 to 1, not nan
        \n   = help: leave it out for the rounding of the gradient's precision
    {"dtype": "float23"}
        | error[bad-option]: there is no precision 'float23'\n   = help: did you mean 'float32'?
    {"dtype": "float32", "gradients": {}}
        | error[bad-option]: 'dtype' applies to backpropagation only, but gradients are given
        \n   = help: leave it out
""")
def test_an_option_that_makes_no_sense(options, expected):
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_gradients(net, inputs, **options)
    assert str(caught.value) == expected


def test_an_entry_that_agrees_across_a_kink_says_so():
    # The rectified square of 0 has the slope 0 on both sides: a kink that makes no difference.
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "w": {"op": "parameter", "value": [0.0, 1.0]},
                "r": {"op": "relu", "inputs": "w"},
                "q": {"op": "multiply", "inputs": ["r", "r"]},
                "f": {"op": "sum", "inputs": "q"},
            },
        }
    )
    report = graphnn.check_gradients(net, method="complex")
    assert report.counts["agree"] == 2
    assert str(report) == (
        "2 entries in float64: 2 agree (1 across a kink)\n"
        "  w.value[0]: agree across a kink at 'r'[0], backprop 0, numerical 0 +- 0"
    )

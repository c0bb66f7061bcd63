"""Planted faults: a check that cannot fail proves nothing."""

import numpy as np
import pytest
from test_gradients_values import digits

import graphnn
from graphnn.gradients.check import compare
from graphnn.ops.activation import Relu, Sigmoid
from graphnn.ops.linear import Affine
from graphnn.ops.loss import SoftmaxCrossEntropy


def plant(monkeypatch, op_class, change):
    """Let `change` spoil what `op_class` gives back for its cotangents."""
    right = op_class.vjp

    def wrong(self, cotangent, output, *arrays, **keywords):
        return change(right(self, cotangent, output, *arrays, **keywords))

    monkeypatch.setattr(op_class, "vjp", wrong)


def spoil_bias(parts):
    x, weight, bias = parts
    return x, weight, None if bias is None else np.zeros_like(bias)


def spoil_one_entry(parts):
    x, weight, bias = parts
    if weight is not None:
        weight = weight.copy()
        weight[2, 1] *= 1.05
    return x, weight, bias


@pytest.mark.parametrize(
    ("op_class", "change", "culprits"),
    [
        (Sigmoid, lambda parts: (parts[0] * 1.01,), {"a1.weight", "a1.bias"}),
        (Affine, spoil_bias, {"a1.bias", "a2.bias"}),
        (Affine, spoil_one_entry, {"a1.weight", "a2.weight"}),
        (
            SoftmaxCrossEntropy,
            lambda parts: (np.zeros_like(parts[0]), *parts[1:]),
            {"a1.weight", "a1.bias", "a2.weight", "a2.bias"},
        ),
    ],
)
def test_a_wrong_backward_is_caught_and_named(monkeypatch, op_class, change, culprits):
    net, inputs = digits()
    assert graphnn.check_gradients(net, inputs)
    plant(monkeypatch, op_class, change)
    report = graphnn.check_gradients(net, inputs)
    assert not report
    assert {found.name for found in report.wrong} == culprits


def test_a_single_wrong_entry_is_pointed_at(monkeypatch):
    net, inputs = digits()
    plant(monkeypatch, Affine, spoil_one_entry)
    report = graphnn.check_gradients(net, inputs)
    assert [(found.worst.parameter, found.worst.index) for found in report.wrong] == [
        ("a1.weight", (2, 1)),
        ("a2.weight", (2, 1)),
    ]
    assert report.counts["wrong backward"] == 2


def test_a_wrong_backward_does_not_reach_the_numerical_gradient(monkeypatch):
    net, inputs = digits()
    before = graphnn.numerical_gradient(net, inputs)
    plant(monkeypatch, Sigmoid, lambda parts: (parts[0] * np.nan,))
    after = graphnn.numerical_gradient(net, inputs)
    for name in before:
        np.testing.assert_array_equal(after[name].value, before[name].value)


def test_a_gradient_of_nan_is_wrong(monkeypatch):
    net, inputs = digits()
    plant(monkeypatch, Sigmoid, lambda parts: (parts[0] * np.nan,))
    assert {found.name for found in graphnn.check_gradients(net, inputs).wrong} == {
        "a1.weight",
        "a1.bias",
    }


def test_a_wrong_relu_is_told_from_its_kinks(monkeypatch):
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [0.00005, 0.5, -0.5]}, "
        "r: {op: relu, inputs: p}, f: {op: sum, inputs: r}}}"
    )
    plant(monkeypatch, Relu, lambda parts: (parts[0] * 2,))
    report = graphnn.check_gradients(net, step=1e-4)
    assert report.counts == {"agree": 1, "wrong backward": 1, "kink": 1, "unresolved": 0}
    assert report.wrong[0].worst.index == (1,)


def test_an_estimate_too_vague_to_tell_is_unresolved():
    value = np.array([1.0, 2.0])
    vague = graphnn.GradientEstimate(value, np.array([1e-12, 0.5]), np.zeros(2, dtype=bool))
    report = compare({"p": np.array([1.0, 2.1])}, {"p": vague})
    assert report.counts == {"agree": 1, "wrong backward": 0, "kink": 0, "unresolved": 1}


def test_the_report_is_short_and_to_the_letter():
    value = np.array([1.0, 2.0, 3.0])
    sure = graphnn.GradientEstimate(value, np.full(3, 1e-10), np.zeros(3, dtype=bool))
    analytic = {f"p{number}": value for number in range(12)}
    analytic["p7"] = np.array([1.0, 2.5, 3.0])
    text = str(compare(analytic, dict.fromkeys(analytic, sure)))
    lines = text.splitlines()
    assert len(lines) == 10
    assert lines[0] == "36 entries: 35 agree, 1 wrong backward"
    assert lines[1] == "  p7[1]: wrong backward (1 of 3), backprop 2.5, numerical 2 +- 1e-10"
    assert lines[-1] == "  and 4 parameters more"


def test_the_report_as_plain_data():
    value = np.array([[1.0]])
    sure = graphnn.GradientEstimate(value, np.array([[1e-10]]), np.zeros((1, 1), dtype=bool))
    assert compare({"p": np.array([[1.5]])}, {"p": sure}).as_dict() == {
        "ok": False,
        "counts": {"agree": 0, "wrong backward": 1, "kink": 0, "unresolved": 0},
        "parameters": [
            {
                "name": "p",
                "counts": {"agree": 0, "wrong backward": 1, "kink": 0, "unresolved": 0},
                "worst": {
                    "index": [0, 0],
                    "backprop": 1.5,
                    "numerical": 1.0,
                    "error": 1e-10,
                    "verdict": "wrong backward",
                },
                "kinks": [],
            }
        ],
    }

"""Planted faults: a check that cannot fail proves nothing."""

from functools import cache

import numpy as np
import pytest

import graphnn
from gradient_cases import digits, plant, wide
from graphnn.gradients._check import VERDICTS, compare
from graphnn.ops.families.activation import Relu, Sigmoid, Softmax
from graphnn.ops.families.linear import Affine
from graphnn.ops.families.loss_classes import SoftmaxCrossEntropy


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


def test_a_wrong_relu_is_distinguished_from_its_kinks(monkeypatch):
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: [0.00005, 0.5, -0.5]}, "
        "r: {op: relu, inputs: p}, f: {op: sum, inputs: r}}}"
    )
    plant(monkeypatch, Relu, lambda parts: (parts[0] * 2,))
    report = graphnn.check_gradients(net, step=1e-4)
    assert counts(report) == (1, 1, 1, 0, 0)
    assert report.wrong[0].worst.index == (1,)


def test_an_estimate_too_vague_for_a_verdict_is_unresolved():
    value = np.array([1.0, 2.0])
    vague = graphnn.GradientEstimate(value, np.array([1e-12, 0.5]), np.zeros(2, dtype=bool))
    report = compare({"p": np.array([1.0, 2.1])}, {"p": vague})
    assert counts(report) == (1, 0, 0, 1, 0)


def test_the_report_is_short_and_to_the_letter():
    value = np.array([1.0, 2.0, 3.0])
    sure = graphnn.GradientEstimate(value, np.full(3, 1e-10), np.zeros(3, dtype=bool))
    analytic = {f"p{number}": value for number in range(12)}
    analytic["p7"] = np.array([1.0, 2.5, 3.0])
    text = str(compare(analytic, dict.fromkeys(analytic, sure)))
    lines = text.splitlines()
    assert len(lines) == 10
    assert lines[0] == "36 entries in float64: 35 agree, 1 wrong backward"
    assert lines[1] == "  p7[1]: wrong backward (1 of 3), backprop 2.5, numerical 2 +- 1e-10"
    assert lines[-1] == "  and 4 more parameters"


@pytest.mark.parametrize("count", range(1, 13))
def test_a_report_fills_ten_lines_and_never_leaves_out_one_parameter(count):
    value = np.array([1.0])
    sure = graphnn.GradientEstimate(value, np.full(1, 1e-10), np.zeros(1, dtype=bool))
    analytic = {f"p{number}": value for number in range(count)}
    _, *lines = str(compare(analytic, dict.fromkeys(analytic, sure))).splitlines()
    if count < 10:
        assert len(lines) == count
        assert all(line.startswith("  p") for line in lines)
    else:
        assert (len(lines), lines[-1]) == (9, f"  and {count - 8} more parameters")


@pytest.mark.parametrize("count", range(1, 13))
def test_a_report_of_what_is_not_read_fills_ten_lines_as_well(count):
    value = np.array([0.0])
    sure = graphnn.GradientEstimate(value, np.zeros(1), np.zeros(1, dtype=bool))
    analytic = {f"p{number}": value for number in range(count)}
    report = compare(analytic, dict.fromkeys(analytic, sure), read=())
    assert report.unread == (*analytic,)
    _, *lines, last = str(report).splitlines()
    assert last.startswith("  the loss does not depend on p0")
    if count < 9:
        assert len(lines) == count
    else:
        assert (len(lines), lines[-1]) == (8, f"  and {count - 7} more parameters")


def test_the_report_as_plain_data():
    value = np.array([[1.0]])
    sure = graphnn.GradientEstimate(value, np.array([[1e-10]]), np.zeros((1, 1), dtype=bool))
    assert compare({"p": np.array([[1.5]])}, {"p": sure}).as_dict() == {
        "ok": False,
        "counts": ONE_WRONG,
        "parameters": [
            {
                "name": "p",
                "precision": "float64",
                "counts": ONE_WRONG,
                "worst": {
                    "index": [0, 0],
                    "backprop": 1.5,
                    "numerical": 1.0,
                    "error": 1e-10,
                    "verdict": "wrong backward",
                },
                "singular": None,
                "kinks": [],
            }
        ],
        "unread": [],
    }


@pytest.mark.parametrize("seed", range(25))
def test_one_entry_of_ten_thousand_that_is_wrong_by_a_twentieth_is_caught(seed):
    net, inputs = wide()
    rng = np.random.default_rng(seed)
    given = graphnn.backprop(net, inputs)
    assert sum(array.size for array in given.values()) > 10_000
    name = str(rng.choice(["a.weight", "b.weight"]))
    index = tuple(int(rng.integers(size)) for size in given[name].shape)
    given[name][index] *= 1.05
    report = compare(given, numerical(), "given")
    assert report.counts["wrong backward"] == 1
    assert report.wrong[0].worst.parameter == name
    assert report.wrong[0].worst.index == index


def test_every_single_entry_would_be_caught():
    net, inputs = wide()
    exact, found = graphnn.backprop(net, inputs), numerical()
    for name, estimate in found.items():
        scale = max(np.abs(array).max() for array in exact.values())
        tolerance = 10 * estimate.error + 1e-13 * scale
        error = np.abs(estimate.value - exact[name])
        assert (0.05 * np.abs(exact[name]) - error > tolerance).all()


@cache
def numerical():
    return graphnn.numerical_gradient(*wide())


def test_a_softmax_whose_backward_is_0_is_caught(monkeypatch):
    net = graphnn.loads(
        """
        graphnn: 1
        nodes:
          x:    {op: input, shape: [batch, 6]}
          t:    {op: input, shape: [batch, 3]}
          a:    {op: affine, inputs: x, units: 3}
          y:    {op: softmax, inputs: a}
          loss: {op: mean_squared_error, inputs: [y, t]}
        """
    )
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 6)), "t": rng.normal(size=(4, 3))}
    assert graphnn.check_gradients(net, inputs)
    plant(monkeypatch, Softmax, lambda parts: (np.zeros_like(parts[0]),))
    report = graphnn.check_gradients(net, inputs)
    assert {found.name for found in report.wrong} == set(net.parameters)


def test_gradients_from_elsewhere_are_checked():
    net, inputs = digits()
    right = graphnn.backprop(net, inputs)
    assert graphnn.check_gradients(net, inputs, gradients=right)
    lists = {name: array.tolist() for name, array in right.items()}
    assert graphnn.check_gradients(net, inputs, gradients=lists).counts["agree"] == 53
    lists["a2.bias"][1] += 0.01
    report = graphnn.check_gradients(net, inputs, gradients=lists)
    assert not report
    value = right["a2.bias"][1]
    numerical = report.wrong[0].worst.numerical
    assert numerical == pytest.approx(value, rel=1e-8)
    assert (
        str(report)
        .splitlines()[1]
        .startswith(
            f"  a2.bias[1]: wrong backward (1 of 3), given {value + 0.01:.9g}, "
            f"numerical {numerical:.9g} +- "
        )
    )
    assert report.as_dict()["parameters"][3]["worst"]["given"] == value + 0.01


def test_gradients_of_some_parameters_are_enough():
    net, inputs = digits()
    some = {"a2.bias": graphnn.backprop(net, inputs)["a2.bias"]}
    report = graphnn.check_gradients(net, inputs, gradients=some)
    assert [found.name for found in report.parameters] == ["a2.bias"]
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_gradients(net, inputs, gradients=some, only=["a1.bias"])
    assert (
        str(caught.value) == "error[missing-gradient]: there is no gradient of 'a1.bias' to check"
    )


def test_gradients_that_do_not_fit_are_all_reported():
    net, inputs = digits()
    given = {
        "a1.wieght": np.zeros((6, 5)),
        "a1.weight": np.zeros((5, 6)),
        "a1.bias": np.zeros(4),
        "a2.bias": ["a", "b", "c"],
    }
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_gradients(net, inputs, gradients=given)
    assert str(caught.value) == (
        "error[unknown-parameter]: the network has no parameter 'a1.wieght'\n"
        "   = help: did you mean 'a1.weight'?\n\n"
        "error[wrong-shape]: 'a1.weight' has shape [6, 5], but its gradient [5, 6]\n"
        "   = help: it may be that of the transpose: give its '.T'\n\n"
        "error[wrong-shape]: 'a1.bias' has shape [5], but its gradient [4]\n\n"
        "error[not-numbers]: the gradient of 'a2.bias' is not an array of numbers"
    )


def test_a_numerical_value_that_is_lost_accuses_nobody():
    value = np.array([1.0, np.nan, np.inf])
    lost = graphnn.GradientEstimate(value, np.array([1e-9, 1.0, 1.0]), np.zeros(3, dtype=bool))
    report = compare({"p": np.ones(3)}, {"p": lost})
    assert counts(report) == (1, 0, 0, 2, 0)


def test_the_worst_verdict_is_shown_before_the_largest_ratio():
    value = np.array([1.0, 1.0, 1.0])
    error = np.array([1e-10, 0.5, 1e-10])
    found = graphnn.GradientEstimate(value, error, np.zeros(3, dtype=bool))
    report = compare({"p": np.array([1.0 + 5e-10, 1.0, 1.0])}, {"p": found})
    assert report.parameters[0].worst.index == (1,)
    assert str(report.parameters[0]) == (
        "p[1]: unresolved (1 of 3), backprop 1, numerical 1 +- 0.5"
    )


def counts(report):
    """Entries by verdict: agree, wrong backward, kink, unresolved, singular."""
    return tuple(report.counts[verdict] for verdict in VERDICTS)


ONE_WRONG = {"agree": 0, "wrong backward": 1, "kink": 0, "unresolved": 0, "singular": 0}

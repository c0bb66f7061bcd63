"""Where a local derivative is infinite, a gradient that is not finite is singular, not wrong."""

import numpy as np
import pytest

import graphnn
from gradient_cases import plant
from graphnn.gradients import BlownUp, Reverse
from graphnn.gradients._singular import is_singular
from graphnn.ops.families.activation import Tanh
from graphnn.ops.families.arithmetic import Sqrt

ROOT = """
graphnn: 1
nodes:
  w: {op: parameter, value: [0.0, 4.0]}
  s: {op: sqrt, inputs: w}
  f: {op: sum, inputs: s}
"""
NORM = """
graphnn: 1
nodes:
  w: {op: parameter, value: [0.0, 0.0]}
  q: {op: multiply, inputs: [w, w]}
  m: {op: sum, inputs: q}
  s: {op: sqrt, inputs: m}
  f: {op: sum, inputs: s}
"""


def test_the_square_root_at_0_is_singular():
    report = graphnn.check_gradients(graphnn.loads(ROOT), loss="f")
    assert report.counts == {
        "agree": 1,
        "wrong backward": 0,
        "kink": 0,
        "unresolved": 0,
        "singular": 1,
    }
    assert report.ok
    assert str(report) == (
        "2 entries in float64: 1 agree, 1 singular\n"
        "  w.value[0]: singular at 's' (1 of 2), backprop inf, numerical nan +- nan"
    )
    assert report.as_dict()["parameters"][0]["singular"] == "s"


def test_the_norm_of_a_zero_vector_is_singular_though_its_difference_is_0():
    report = graphnn.check_gradients(graphnn.loads(NORM), loss="f")
    assert report.counts["singular"] == 2
    worst = report.parameters[0].worst
    assert (worst.verdict, worst.singular, worst.numerical) == ("singular", "s", 0.0)


def test_gradients_from_elsewhere_are_singular_where_ours_are():
    net = graphnn.loads(NORM)
    given = {"w.value": [np.nan, np.nan]}
    assert graphnn.check_gradients(net, loss="f", gradients=given).counts["singular"] == 2
    # Where the loss has a gradient, NaN is no excuse.
    net.assign({"w.value": [3.0, 4.0]})
    assert graphnn.check_gradients(net, loss="f", gradients=given).counts["wrong backward"] == 2


def test_a_backward_that_is_not_finite_where_the_slope_is_bounded_is_wrong(monkeypatch):
    net = graphnn.loads(ROOT.replace("sqrt", "tanh"))
    plant(monkeypatch, Tanh, lambda parts: (parts[0] * np.inf,))
    assert graphnn.check_gradients(net, loss="f").counts["wrong backward"] == 2


def test_one_that_is_wrong_beside_a_singular_point_is_not_excused(monkeypatch):
    net = graphnn.loads(ROOT.replace("inputs: s}", "inputs: t}\n  t: {op: tanh, inputs: s}"))
    plant(monkeypatch, Tanh, lambda parts: (np.where([True, False], parts[0], np.nan),))
    counts = graphnn.check_gradients(net, loss="f").counts
    assert (counts["wrong backward"], counts["singular"]) == (1, 0)


@pytest.mark.parametrize(
    ("op", "value", "singular"),
    [
        ("sqrt", 0.0, True),
        ("{op: power, exponent: 0.5}", 0.0, True),
        ("{op: power, exponent: 0.9}", 0.0, True),
        ("sqrt", 1e-8, False),
        ("tanh", 0.0, False),
        ("absolute", 0.0, False),
        ("exp", 30.0, False),
        ("log", 0.0, True),
    ],
)
def test_slopes_that_grow_without_bound(op, value, singular):
    assert is_singular(point(op, value)) is singular


def point(op, value):
    attributes = {"op": op} if "{" not in op else {"op": "power", "exponent": float(op[-4:-1])}
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "w": {"op": "parameter", "value": [1.0, value]},
                "s": {**attributes, "inputs": "w"},
                "f": {"op": "sum", "inputs": "s"},
            },
        }
    )
    op = net.graph.nodes["s"].op
    return BlownUp("s", op, 0, (1,), (np.array([1.0, value]),))


def test_the_node_that_blows_up_is_named():
    net = graphnn.loads(NORM)
    (found,) = Reverse(net, loss="f").blown_up({})
    assert (found.node, found.operand, found.entry, type(found.op)) == ("s", 0, (), Sqrt)
    net.assign({"w.value": [3.0, 4.0]})
    assert Reverse(net, loss="f").blown_up({}) == ()

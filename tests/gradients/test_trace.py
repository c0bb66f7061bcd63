"""Values and gradients at every node and edge, against the book's numbers and torch."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import RunError, UsageError
from places import ROOT, SPECS

SHOPPING = ROOT / "docs" / "gallery" / "apples_and_oranges.yaml"
GIVEN = {"apple": 100, "apples": 2, "orange": 150, "oranges": 3, "tax": 1.1}
VALUES = {"apple_price": 200, "orange_price": 450, "all": 650, "price": 715}
GRADIENTS = {
    **{"apple": 2.2, "apples": 110, "orange": 3.3, "oranges": 165, "tax": 650},
    **{"apple_price": 1.1, "orange_price": 1.1, "all": 1.1, "price": 1},
}
TWICE = """
graphnn: 1
nodes:
  x: {op: input, shape: []}
  y: {op: multiply, inputs: [x, x]}
  z: {op: multiply, inputs: [y, x]}
"""


def test_apples_and_oranges_have_the_numbers_of_the_book():
    found = graphnn.trace(graphnn.load(SHOPPING), **GIVEN)
    for name, value in VALUES.items():
        assert float(found.values[name]) == pytest.approx(value, abs=1e-12)
    assert {name: float(each) for name, each in found.gradients.items()} == pytest.approx(GRADIENTS)
    assert found.losses == ("price",)


def test_an_edge_has_its_part_of_the_gradient():
    found = graphnn.trace(graphnn.loads(TWICE), x=3.0)
    # z = x^3: through y twice 9, and 9 beside it.
    parts = {edge: float(each) for edge, each in found.shares.items()}
    assert parts == {("y", 0): 9, ("y", 1): 9, ("z", 0): 3, ("z", 1): 9}
    assert float(found.gradients["x"]) == 27


@pytest.mark.oracle
def test_every_gradient_is_that_of_torch():
    torch = pytest.importorskip("torch")
    net = graphnn.load(SPECS / "mnist.yaml", {"hidden": 7})
    rng = np.random.default_rng(0)
    x, t = rng.uniform(size=(4, 784)), np.array([3, 1, 4, 1])
    found = graphnn.trace(net, x=x, t=t)
    known = {name: torch.tensor(array, requires_grad=True) for name, array in net.arrays.items()}
    known["x"] = torch.tensor(x, requires_grad=True)
    known["a1"] = known["x"] @ known["a1.weight"] + known["a1.bias"]
    known["z1"] = torch.sigmoid(known["a1"])
    known["a2"] = known["z1"] @ known["a2.weight"] + known["a2.bias"]
    known["y"] = torch.softmax(known["a2"], dim=1)
    known["loss"] = -torch.log(known["y"][torch.arange(4), torch.tensor(t)])
    for tensor in known.values():
        tensor.retain_grad()
    known["loss"].mean().backward()
    assert found.gradients.keys() == known.keys()
    for name, tensor in known.items():
        np.testing.assert_allclose(found.values[name], tensor.detach(), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(found.gradients[name], tensor.grad, rtol=1e-9, atol=1e-14)


def test_values_need_no_loss_and_not_every_input():
    net = graphnn.load(SPECS / "mnist.yaml")
    found = graphnn.trace(net, x=np.ones((2, 784)), show="values")
    assert {"x", "a1", "y", "a1.weight"} <= found.values.keys()
    assert "loss" not in found.values
    assert not found.gradients
    with pytest.raises(RunError, match="missing-input"):
        graphnn.trace(net, x=np.ones((2, 784)))
    assert graphnn.trace(net, show="values").values.keys() == net.arrays.keys()


def test_inputs_that_a_loss_does_not_need_are_left_out():
    net = graphnn.load(SPECS / "mnist.yaml")
    found = graphnn.trace(net, x=np.ones((2, 784)), loss="a1")
    assert {"x", "a1", "a1.weight"} <= found.gradients.keys()
    # The mean over all entries of a1.
    np.testing.assert_allclose(found.gradients["a1.bias"], 1 / 50)


def test_a_check_counts_verdicts_by_parameter():
    net = graphnn.load(SPECS / "three_layer.yaml")
    report = graphnn.check_gradients(net, x=[[1.0, 0.5]], loss="y")
    found = graphnn.trace(net, x=[[1.0, 0.5]], loss="y", report=report)
    assert found.verdicts.keys() == net.parameters.keys()
    assert {name: counts["agree"] for name, counts in found.verdicts.items()} == {
        name: array.size for name, array in net.parameters.items()
    }


def test_an_unknown_kind():
    with pytest.raises(UsageError) as caught:
        graphnn.trace(graphnn.load(SPECS / "three_layer.yaml"), show="value")
    assert str(caught.value) == (
        "error[bad-option]: there is no kind of trace 'value'\n   = help: did you mean 'values'?"
    )


def test_values_alone_have_no_loss_and_no_report():
    net = graphnn.load(SPECS / "three_layer.yaml")
    report = graphnn.check_gradients(net, x=[[1.0, 0.5]], loss="y")
    for name, option in {"loss": "y", "report": report}.items():
        with pytest.raises(UsageError) as caught:
            graphnn.trace(net, x=[[1.0, 0.5]], show="values", **{name: option})
        assert str(caught.value) == (
            f"error[bad-option]: '{name}' is for gradients, not for values alone\n"
            f"   = help: leave out '{name}', or 'show'"
        )

"""Another library's backward pass, checked as the docs say: right and wrong."""

import numpy as np
import pytest

import graphnn
from gradient_cases import digits

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


class Sigmoid(torch.autograd.Function):
    """A sigmoid with a backward pass of its own, which may be wrong."""

    right = True

    @staticmethod
    def forward(ctx, x):
        y = torch.sigmoid(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y * (1 - y) if Sigmoid.right else g * y


def gradients(net, inputs):
    """Those that torch takes of the same loss, by the network's names."""
    first, second = torch.nn.Linear(6, 5).double(), torch.nn.Linear(5, 3).double()
    layers = {"a1": first, "a2": second}
    with torch.no_grad():
        for name, layer in layers.items():
            layer.weight[...] = torch.from_numpy(net.parameters[f"{name}.weight"].T.copy())
            layer.bias[...] = torch.from_numpy(net.parameters[f"{name}.bias"].copy())
    scores = second(Sigmoid.apply(first(torch.from_numpy(inputs["x"]))))
    torch.nn.functional.cross_entropy(scores, torch.from_numpy(inputs["t"])).backward()
    return {
        f"{name}.{part}": array
        for name, layer in layers.items()
        for part, array in (("weight", layer.weight.grad.T), ("bias", layer.bias.grad))
    }


@pytest.mark.parametrize("method", ["probes", "complex"])
def test_a_right_one_agrees(method):
    net, inputs = digits()
    report = graphnn.check_gradients(net, inputs, gradients=gradients(net, inputs), method=method)
    assert report.counts["agree"] == 53 == sum(report.counts.values())


def test_a_wrong_one_is_caught(monkeypatch):
    monkeypatch.setattr(Sigmoid, "right", False)
    net, inputs = digits()
    report = graphnn.check_gradients(net, inputs, gradients=gradients(net, inputs))
    assert {found.name for found in report.wrong} == {"a1.weight", "a1.bias"}
    assert report.counts["wrong backward"] == 35


def test_single_precision_is_granted_its_rounding_and_no_more():
    net, inputs = digits()
    narrow = {name: np.float32(array) for name, array in graphnn.backprop(net, inputs).items()}
    report = graphnn.check_gradients(net, inputs, gradients=narrow)
    assert report
    assert {found.precision for found in report.parameters} == {"float32"}
    wide = {name: np.float64(array) for name, array in narrow.items()}
    assert not graphnn.check_gradients(net, inputs, gradients=wide)

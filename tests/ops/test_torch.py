"""Ops against PyTorch, values and gradients, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from graphnn.ops import REGISTRY

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
functional = torch.nn.functional


def by_sample(loss):
    return loss.flatten(1).mean(dim=1)


UNARY = {
    "identity": ({}, lambda x: x * 1),
    "sigmoid": ({}, torch.sigmoid),
    "tanh": ({}, torch.tanh),
    "relu": ({}, torch.relu),
    "leaky_relu": ({"slope": 0.2}, lambda x: functional.leaky_relu(x, 0.2)),
    "elu": ({"alpha": 1.5}, lambda x: functional.elu(x, 1.5)),
    "selu": ({}, functional.selu),
    "gelu": ({}, functional.gelu),
    "gelu by tanh": ({"approximate": "tanh"}, lambda x: functional.gelu(x, approximate="tanh")),
    "softplus": ({}, lambda x: functional.softplus(x, threshold=50)),
    "silu": ({}, functional.silu),
    "mish": ({}, functional.mish),
    "softsign": ({}, functional.softsign),
    "hard_sigmoid": ({}, lambda x: functional.relu6(x + 3) / 6),
    "hard_swish": ({}, functional.hardswish),
    "sin": ({}, torch.sin),
    "cos": ({}, torch.cos),
    "softmax": ({}, lambda x: torch.softmax(x, -1)),
    "log_softmax": ({}, lambda x: torch.log_softmax(x, -1)),
    "negative": ({}, torch.neg),
    "power": ({"exponent": 3}, lambda x: x**3),
    "exp": ({}, torch.exp),
    "absolute": ({}, torch.abs),
    "clip": ({"low": -1, "high": 0}, lambda x: torch.clamp(x, -1, 0)),
    "reshape": ({"shape": [6, -1]}, lambda x: x.reshape(6, -1)),
    "flatten": ({}, lambda x: x.flatten(1)),
    "transpose": ({"axes": [1, 2, 0]}, lambda x: x.permute(1, 2, 0)),
    "slice": ({"axis": 1, "start": 1, "step": 2}, lambda x: x[:, 1::2]),
    "select": ({"axis": 1, "index": -2}, lambda x: x.select(1, -2)),
    "sum": ({"axis": [0, 2]}, lambda x: x.sum((0, 2))),
    "mean": ({"axis": 1, "keepdims": True}, lambda x: x.mean(1, keepdim=True)),
    "max": ({"axis": [0, 1]}, lambda x: x.amax((0, 1))),
}
BINARY = {
    "add": torch.add,
    "subtract": torch.sub,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
# Whole numbers, so that there are ties, at which PyTorch shares evenly too.
TIES = np.random.default_rng(1).integers(-2, 3, (3, 4, 5)) + 0.0
SMOOTH = np.random.default_rng(0).normal(size=(3, 4, 5))


def compare(op, arrays, theirs):
    tensors = [torch.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
    expected = theirs(*tensors)
    output = np.asarray(op.forward(*arrays))
    assert_allclose(output, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    cotangent = np.random.default_rng(2).normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    found = op.vjp(cotangent, output, *arrays)
    for mine, tensor in zip(found, tensors, strict=True):
        if tensor.requires_grad:
            assert_allclose(mine, tensor.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("x", [SMOOTH, TIES], ids=["smooth", "ties"])
@pytest.mark.parametrize("name", UNARY)
def test_of_one_array(name, x):
    attributes, theirs = UNARY[name]
    compare(REGISTRY[name.split()[0]](**attributes), [x], theirs)


@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (2, 4, 3, 2)])
def test_prelu(shape):
    rng = np.random.default_rng(4)
    arrays = [rng.normal(size=shape), rng.uniform(-1, 1, 4)]
    compare(REGISTRY["prelu"](), arrays, functional.prelu)


@pytest.mark.parametrize("name", ["log", "sqrt"])
def test_of_one_positive_array(name):
    compare(REGISTRY[name](), [np.abs(SMOOTH) + 0.1], getattr(torch, name))


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 1), (5,), ()])
@pytest.mark.parametrize("name", BINARY)
def test_of_two_arrays(name, shape):
    other = np.random.default_rng(3).integers(1, 3, shape) + 0.0
    compare(REGISTRY[name](), [TIES, other], BINARY[name])
    compare(REGISTRY[name](), [other, np.abs(SMOOTH) + 0.5], BINARY[name])


@pytest.mark.parametrize("other", [(5, 2), (3, 5, 2), (1, 5, 2)])
def test_matmul(other):
    compare(
        REGISTRY["matmul"](), [SMOOTH, np.random.default_rng(3).normal(size=other)], torch.matmul
    )


def test_affine():
    rng = np.random.default_rng(3)
    arrays = [SMOOTH, rng.normal(size=(5, 2)), rng.normal(size=2)]
    compare(REGISTRY["affine"](units=2), arrays, lambda x, w, b: x @ w + b)


def test_concat():
    compare(REGISTRY["concat"](axis=1), [SMOOTH, TIES], lambda *x: torch.cat(x, 1))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_stack(axis):
    compare(REGISTRY["stack"](axis=axis), [SMOOTH, TIES], lambda *x: torch.stack(x, axis))


def test_squared_errors():
    compare(
        REGISTRY["mean_squared_error"](),
        [SMOOTH, TIES],
        lambda y, t: by_sample(functional.mse_loss(y, t, reduction="none")),
    )
    compare(
        REGISTRY["sum_squared_error"](),
        [SMOOTH, TIES],
        lambda y, t: 10 * by_sample(functional.mse_loss(y, t, reduction="none")),
    )


def test_binary_cross_entropies():
    shares = 1 / (1 + np.exp(-TIES))
    compare(
        REGISTRY["binary_cross_entropy"](),
        [1 / (1 + np.exp(-SMOOTH)), shares],
        lambda y, t: by_sample(-(t * y.log() + (1 - t) * (1 - y).log())),
    )
    compare(
        REGISTRY["sigmoid_binary_cross_entropy"](),
        [SMOOTH, shares],
        lambda x, t: by_sample(functional.binary_cross_entropy_with_logits(x, t, reduction="none")),
    )


@pytest.mark.parametrize("rows", [False, True])
def test_cross_entropies(rows):
    logits = SMOOTH.reshape(12, 5)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = shares[::-1].copy() if rows else np.arange(12) % 5
    compare(
        REGISTRY["softmax_cross_entropy"](),
        [logits, target],
        lambda x, t: functional.cross_entropy(x, t, reduction="none"),
    )
    compare(
        REGISTRY["cross_entropy"](),
        [shares, target],
        lambda y, t: (
            -(t * y.log()).sum(1) if rows else functional.nll_loss(y.log(), t, reduction="none")
        ),
    )

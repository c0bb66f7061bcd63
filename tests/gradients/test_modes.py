"""Gradients of networks that do one thing in training and another when run."""

from typing import Literal

import numpy as np
import pytest

import graphnn
from gradient_cases import dense, images, plant
from graphnn.diagnostics import UsageError
from graphnn.gradients import Reverse
from graphnn.gradients._check import compare
from graphnn.ops import Op, data, registered, state
from graphnn.ops.families.normalization import BatchNormTraining, DropoutTraining
from graphnn.ops.initializers import Zeros


@pytest.mark.parametrize("method", ["probes", "loop"])
@pytest.mark.parametrize("mode", ["train", "run"])
@pytest.mark.parametrize("make", [dense, images])
def test_both_gradients_agree_in_both_modes(make, mode, method):
    net, inputs = make()
    analytic = graphnn.backprop(net, inputs, mode=mode, seed=5)
    estimates = graphnn.numerical_gradient(net, inputs, mode=mode, seed=5, method=method)
    report = compare(analytic, estimates)
    total = sum(array.size for array in net.parameters.values())
    assert report.counts["agree"] == total == sum(report.counts.values())


def test_the_two_modes_have_different_gradients():
    net, inputs = dense()
    train = graphnn.backprop(net, inputs, mode="train")["a.weight"]
    run = graphnn.backprop(net, inputs)["a.weight"]
    assert np.abs(train - run).max() > 0.1 * np.abs(run).max()


def test_a_seed_makes_the_noise():
    net, inputs = dense()
    gradients = [
        graphnn.backprop(net, inputs, mode="train", seed=seed)["b.weight"] for seed in (0, 0, 1)
    ]
    assert np.array_equal(gradients[0], gradients[1])
    assert not np.allclose(gradients[0], gradients[2])


def test_what_batch_norm_takes_away_has_no_gradient():
    net, inputs = dense()
    gradient = graphnn.backprop(net, inputs, mode="train")
    # In training the mean takes a bias before it away, so that the loss does not depend on it.
    np.testing.assert_allclose(gradient["a.bias"], 0, atol=1e-16)
    # And the variance takes a factor away: the loss is level along the weight itself.
    along = (gradient["a.weight"] * net.parameters["a.weight"]).sum(axis=0)
    np.testing.assert_allclose(along, 0, atol=1e-5 * np.abs(gradient["a.weight"]).max())


def test_state_has_no_gradient():
    net, inputs = dense()
    assert set(net.state) == {"n.running_mean", "n.running_variance"}
    for mode in ("run", "train"):
        assert not set(net.state) & set(graphnn.backprop(net, inputs, mode=mode))
    with pytest.raises(UsageError) as caught:
        graphnn.backprop(net, inputs, only=["n.running_mean"])
    assert caught.value.diagnostics[0].message == "the network has no parameter 'n.running_mean'"


def test_a_gradient_leaves_the_state_alone():
    net, inputs = dense()
    before = {name: array.copy() for name, array in net.arrays.items()}
    graphnn.check_gradients(net, inputs, mode="train", only=["n.gain"])
    for name, array in net.arrays.items():
        assert np.array_equal(array, before[name])


def constant_statistics(parts):
    return (parts[0] * 1.01 if parts[0] is not None else None, *parts[1:])


@pytest.mark.parametrize(
    ("op_class", "change", "culprits"),
    [
        (BatchNormTraining, constant_statistics, {"a.weight"}),
        (BatchNormTraining, lambda parts: (parts[0], parts[1] * 1.01, *parts[2:]), {"n.gain"}),
        (
            DropoutTraining,
            lambda parts: (np.ones_like(parts[0]), None),
            {"a.weight", "n.gain", "n.shift"},
        ),
    ],
    ids=["data", "gain", "mask"],
)
def test_a_wrong_backward_in_training_is_caught_there_alone(
    monkeypatch, op_class, change, culprits
):
    net, inputs = dense()
    plant(monkeypatch, op_class, change)
    report = graphnn.check_gradients(net, inputs, mode="train")
    assert {found.name for found in report.wrong} == culprits
    assert graphnn.check_gradients(net, inputs)


def test_another_mask_than_the_numerical_gradient_met_is_caught(monkeypatch):
    net, inputs = dense()
    right = DropoutTraining.noise
    monkeypatch.setattr(
        DropoutTraining,
        "noise",
        lambda self, rng, shape, dtype: right(self, np.random.default_rng(), shape, dtype),
    )
    assert not graphnn.check_gradients(net, inputs, mode="train", only=["b.weight"])


@pytest.mark.parametrize("method", ["loop", "probes", "complex"])
def test_noise_behind_maps_that_move_rows(method):
    """What is drawn has fewer rows than what many probes give the op to read."""
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "p": {"op": "parameter", "value": [[1.0, 2.0, 3.0], [1.0, 0.0, 1.0]]},
                "q": {"op": "affine", "inputs": "p", "weight": np.eye(3).tolist()},
                "a": {"op": "affine", "inputs": "q", "weight": [[0.5], [1.0], [-1.0]]},
                "n": {"op": "noise", "inputs": "a", "deviation": 0.1},
                "t": {"op": "constant", "value": [[0.0], [0.0]]},
                "f": {"op": "mean_squared_error", "inputs": ["n", "t"]},
            },
        }
    )
    found = graphnn.numerical_gradient(net, {}, method=method, mode="train")
    # Nothing depends on the parameters, as the noise does not.
    np.testing.assert_array_equal(found["p.value"].value, np.zeros((2, 3)))


class Largest(Op, register=False):
    """Keeps the largest entry that it was ever given."""

    op: Literal["largest"] = "largest"
    operands = (data("x", "batch n"), state("most", "n", Zeros()))
    result = "batch n"
    batchwise = True

    def forward(self, x, most):
        return x * 1

    def vjp(self, cotangent, output, x, most):
        return cotangent, None

    def update(self, output, x, most):
        return {"most": np.maximum(most, x.max(axis=0))}


def test_states_are_updated_with_what_was_saved_if_the_op_saves(monkeypatch):
    saved = []
    update = BatchNormTraining.update

    def recorded(self, *arrays, **keywords):
        saved.append({*keywords.get("saved", ())})
        return update(self, *arrays, **keywords)

    monkeypatch.setattr(BatchNormTraining, "update", recorded)
    text = """
    graphnn: 1
    nodes:
      x: {op: input, shape: [batch, 3]}
      m: {op: largest, inputs: x}
      n: {op: batch_norm, inputs: m}
      y: {op: mean, inputs: n, axis: 1}
    """
    x = np.random.default_rng(0).normal(size=(5, 3)) + 4
    with registered(Largest):
        found = Reverse(graphnn.loads(text), loss="y", mode="train")({"x": x})
    np.testing.assert_array_equal(found.state["m.most"], x.max(axis=0))
    np.testing.assert_allclose(found.state["n.running_mean"], 0.1 * x.mean(axis=0), rtol=1e-12)
    variance = 0.9 + 0.1 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(found.state["n.running_variance"], variance, rtol=1e-12)
    # Which are not computed again.
    assert [{"mean", "variance"} <= each for each in saved] == [True]

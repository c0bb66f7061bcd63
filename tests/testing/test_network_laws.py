"""The laws of networks as a user calls them."""

from __future__ import annotations

import re

import numpy as np
import pytest

import graphnn
from graphnn.execution import Executor
from graphnn.ops import REGISTRY
from graphnn.testing import (
    BrokenLaw,
    assert_equivalent,
    assert_gradients_agree,
    check_network,
    check_op,
    op_laws,
)
from graphnn.testing.laws.networks import LAWS
from graphnn.testing.laws.requirements import require_near

TEXT = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 3]}
  t:    {op: input, shape: [batch, 2]}
  a:    {op: affine, inputs: x, units: 4}
  z:    {op: tanh, inputs: a}
  y:    {op: affine, inputs: z, units: 2}
  loss: {op: mean_squared_error, inputs: [y, t]}
outputs: [y]
"""
RENAMED = TEXT.replace(" a:", " hidden:").replace("inputs: a,", "inputs: hidden,")
RENAMED = RENAMED.replace("inputs: a}", "inputs: hidden}")


def test_a_sound_network_keeps_the_laws():
    check_network(graphnn.loads(TEXT))


def wrong_vjp(monkeypatch):
    right = REGISTRY["tanh"].vjp
    wrong = lambda *arrays: tuple(1.01 * found for found in right(*arrays))  # noqa: E731
    monkeypatch.setattr(REGISTRY["tanh"], "vjp", wrong)


def test_a_wrong_backward_pass_is_caught(monkeypatch):
    wrong_vjp(monkeypatch)
    net = graphnn.loads(TEXT)
    with pytest.raises(BrokenLaw, match="wrong backward") as caught:
        check_network(net)
    assert caught.value.__notes__ == [
        "the network breaks the law 'backprop_is_the_numerical_gradient': "
        "Backpropagation agrees with the numerical gradient."
    ]
    check_network(net, skip={"backprop_is_the_numerical_gradient": "planted"})
    with pytest.raises(graphnn.UsageError, match="there is no law 'backprop' to skip"):
        check_network(net, skip={"backprop": "planted"})


def test_gradients_that_agree_and_that_do_not():
    net = graphnn.loads(TEXT)
    rng = np.random.default_rng(0)
    batch = {"x": rng.normal(size=(4, 3)), "t": rng.normal(size=(4, 2))}
    assert_gradients_agree(net, batch)
    given = graphnn.backprop(net, batch)
    given["a.bias"][1] *= 1.01
    with pytest.raises(BrokenLaw, match=r"a\.bias\[1\]: wrong backward \(1 of 4\)"):
        assert_gradients_agree(net, batch, gradients=given)


def test_a_false_fact_is_caught(monkeypatch):
    monkeypatch.setattr(REGISTRY["softmax"], "channelwise", True)
    net = graphnn.loads(TEXT.replace("op: tanh", "op: softmax"))
    with pytest.raises((BrokenLaw, ValueError)):
        check_network(net)


def test_a_run_that_depends_on_the_one_before_is_caught(monkeypatch):
    right, last = Executor.run, [0.0]

    def run(self, inputs, parameters):
        found = right(self, inputs, parameters)
        last[0] += 1
        return {name: value + 1e-9 * last[0] for name, value in found.items()}

    monkeypatch.setattr(Executor, "run", run)
    with pytest.raises(BrokenLaw, match="'y' in a second run is"):
        check_network(graphnn.loads(TEXT))


def test_a_network_without_a_loss_or_parameters():
    nodes = {"x": {"op": "input", "shape": ["batch", 2]}, "y": {"op": "relu", "inputs": "x"}}
    check_network(graphnn.loads({"graphnn": 1, "nodes": nodes}))


def test_an_output_that_is_a_use_of_a_block():
    block = "blocks: {half: {inputs: x, nodes: {h: {op: tanh, inputs: x}}, output: h}}\n"
    nodes = "  x: {op: input, shape: [batch, 2]}\n  y: {block: half, inputs: x}\n"
    net = graphnn.loads(f"graphnn: 1\n{block}nodes:\n{nodes}outputs: [y]\n")
    check_network(net)
    assert_equivalent(net, net)


def test_equivalent_networks():
    assert_equivalent(graphnn.loads(TEXT), graphnn.loads(TEXT, seed=3))
    assert_equivalent(graphnn.loads(TEXT), graphnn.loads(RENAMED), names={"a": "hidden"})
    assert_equivalent(graphnn.loads(TEXT, seed=3), graphnn.loads(RENAMED), names={"a": "hidden"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tanh", "sigmoid", "'y' of the second is "),
        ("[batch, 3]", "[batch, 4]", "their inputs differ: 'x' float [batch, 3], "),
        ("units: 4", "units: 5", "their parameters differ: 'a.weight' [3, 4], "),
        ("outputs: [y]", "outputs: [z]", "their outputs differ: 'y' float [batch, 2], "),
    ],
)
def test_networks_that_differ(old, new, message):
    with pytest.raises(BrokenLaw) as caught:
        assert_equivalent(graphnn.loads(TEXT), graphnn.loads(TEXT.replace(old, new)))
    assert str(caught.value).startswith(message)


TWO = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  a: {op: affine, inputs: x, units: 2, weight: [[1, 2], [3, 4]]}
  b: {op: affine, inputs: x, units: 2, weight: [[1, 2], [3, 4]]}
outputs: [a, b]
"""
ONE = TWO.replace("  a: {op: affine, inputs: x, units: 2, weight: [[1, 2], [3, 4]]}\n", "").replace(
    "[a, b]", "b"
)


@pytest.mark.parametrize(
    ("names", "help"),
    [
        ({"a": "b"}, "\n   = help: say what 'b' is called in the second network"),
        ({"a": "b", "b": "b"}, ""),
    ],
)
def test_two_nodes_do_not_have_one_name(names, help):
    for other in (ONE, TWO):
        with pytest.raises(graphnn.UsageError) as caught:
            assert_equivalent(graphnn.loads(TWO), graphnn.loads(other), names=names)
        assert str(caught.value) == (
            f"error[bad-option]: 'names' makes 'b' of both 'a' and 'b'{help}"
        )
    assert_equivalent(graphnn.loads(TWO), graphnn.loads(TWO), names={"a": "b", "b": "a"})


def test_precisions_and_kinds_that_differ_in_either_order():
    narrow = TEXT.replace("graphnn: 1", "graphnn: 1\ndtype: float32")
    head = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch], dtype: int}\n"
    whole, real = (f"{head}  y: {{op: cast, inputs: x, dtype: {t}}}\n" for t in ("int", "float"))
    for one, other, message in (
        (TEXT, narrow, "their precisions differ: float64, and float32"),
        (narrow, TEXT, "their precisions differ: float32, and float64"),
        (whole, real, "their outputs differ: 'y' int [batch], and 'y' float [batch]"),
        (real, whole, "their outputs differ: 'y' float [batch], and 'y' int [batch]"),
    ):
        with pytest.raises(BrokenLaw) as caught:
            assert_equivalent(graphnn.loads(one), graphnn.loads(other))
        assert str(caught.value) == message
    assert_equivalent(graphnn.loads(narrow), graphnn.loads(narrow))


X, T = np.ones((2, 3)), np.ones((2, 2))
BATCH = {"x": X, "t": T}
MISSING = "error[missing-input]: the input 't' of shape [batch, 2] is missing"
UNKNOWN = (
    "error[unknown-input]: the requested outputs do not depend on an input '{}'\n"
    "   = help: its inputs are x, t"
)


@pytest.mark.parametrize(
    "call",
    [
        lambda net, batch: check_network(net, batch),
        lambda net, batch: check_network(net, batch, skip=dict.fromkeys(LAWS, "none is run")),
        lambda net, batch: assert_equivalent(net, net, batch=batch),
        lambda net, batch: assert_gradients_agree(net, batch),
    ],
)
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"x": X}, MISSING),
        (BATCH | {"q": X}, UNKNOWN.format("q")),
        (BATCH | {1: X}, UNKNOWN.format(1)),
        ([X, T], "error[bad-value]: list is not arrays by name\n   = help: write {'x': x}"),
        (
            BATCH | {"x": T},
            "error[wrong-shape]: the input 'x' has shape [2, 2], "
            "but the spec declares it [batch, 3]",
        ),
    ],
)
def test_a_batch_that_does_not_fit_is_refused_alike(call, batch, message):
    with pytest.raises(graphnn.GraphnnError) as caught:
        call(graphnn.loads(TEXT), batch)
    assert str(caught.value) == message
    assert not hasattr(caught.value, "__notes__")  # it breaks no law


def test_a_batch_may_have_inputs_that_are_not_needed():
    net = graphnn.loads(TEXT.replace("op: mean_squared_error", "op: add"))
    assert net.graph.outputs == ("y",)
    assert_equivalent(net, net, batch=BATCH)
    assert_equivalent(net, net, batch={"x": X})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: check_network(None), "a network is needed here, not NoneType"),
        (
            lambda net: check_network("net.yaml"),
            "a network is needed here, not 'net.yaml'\n"
            "   = help: read the file first: graphnn.load(FILE)",
        ),
        (lambda net: assert_equivalent(None, net), "a network is needed here, not NoneType"),
        (lambda net: assert_equivalent(net, 3), "a network is needed here, not int"),
        (lambda net: check_network(net, skip={3: "why"}), "a name is text, not 3"),
        (lambda net: check_op("tanh", skip={3: "why"}), "a name is text, not 3"),
        (lambda net: op_laws("tanh", skip={3: "why"}), "a name is text, not 3"),
        (lambda net: assert_equivalent(net, net, names={1: "a"}), "a name is text, not 1"),
        (lambda net: assert_equivalent(net, net, names={"a": ["a"]}), "a name is text, not ['a']"),
        (
            lambda net: assert_equivalent(net, net, names=["x"]),
            "'names' is ['x'], not a mapping of names of nodes\n"
            "   = help: write names={'NODE': 'its name in the second network'}",
        ),
    ],
)
def test_a_wrong_argument_is_refused(call, message):
    with pytest.raises(graphnn.UsageError) as caught:
        call(graphnn.loads(TEXT))
    assert str(caught.value) == f"error[bad-option]: {message}"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"zzz": "a"}, "the first network has no node 'zzz'"),
        ({"a": "zzz"}, "the second network has no node 'zzz'"),
        ({"los": "a"}, "the first network has no node 'los'\n   = help: did you mean 'loss'?"),
    ],
)
def test_a_name_that_no_node_has_is_refused(names, message):
    net = graphnn.loads(TEXT)
    with pytest.raises(graphnn.UsageError) as caught:
        assert_equivalent(net, net, names=names)
    assert str(caught.value) == f"error[unknown-node]: {message}"


NOISY = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  d: {op: dropout, inputs: x, rate: 0.3}
  e: {op: noise, inputs: d}
  z: {op: add, inputs: [d, e]}
  y: {op: batch_norm, inputs: z}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate: 0.3", "rate: 0.7", r"in training, 'y' of the second is \S+ at \[0, 0\], not \S+"),
        (
            "op: noise, inputs: d",
            "op: noise, inputs: d, deviation: 2",
            r"in training, 'y' of the second is \S+ at \[0, 0\], not \S+",
        ),
        (
            "op: batch_norm, inputs: z",
            "op: batch_norm, inputs: z, momentum: 0.5",
            r"after training, 'y.running_mean' of the second is \S+ at \[0\], not \S+",
        ),
        (
            "op: noise, inputs: d",
            "op: subtract, inputs: [d, d]",
            r"their nodes with noise in training differ: "
            r"'d' \[batch, 3\], 'e' \[batch, 3\], and 'd' \[batch, 3\]",
        ),
    ],
)
@pytest.mark.parametrize("row", [None, {"x": [[0.5, -1.0, 2.0]]}])
def test_networks_that_differ_in_training_alone(old, new, message, row):
    one, other = graphnn.loads(NOISY), graphnn.loads(NOISY.replace(old, new))
    for network in (one, other):
        assert_equivalent(network, network, batch=row)
    with pytest.raises(BrokenLaw) as caught:
        assert_equivalent(one, other, batch=row)
    assert re.fullmatch(message, str(caught.value))


def test_noise_is_the_same_for_nodes_in_another_order_and_of_other_names():
    rest = "  z: {op: add, inputs: [A, B]}\n  l: {op: sum, inputs: z}\n"
    nodes = {
        name: f"  {name}: {{op: dropout, inputs: x, rate: {rate}}}\n"
        for name, rate in {"a": 0.3, "b": 0.6, "k": 0.6, "m": 0.3}.items()
    }
    head = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
    one = graphnn.loads(head + nodes["a"] + nodes["b"] + rest.replace("A, B", "a, b"))
    turned = graphnn.loads(head + nodes["b"] + nodes["a"] + rest.replace("A, B", "a, b"))
    named = graphnn.loads(head + nodes["k"] + nodes["m"] + rest.replace("A, B", "m, k"))
    assert_equivalent(one, turned)
    assert_equivalent(one, named, names={"a": "m", "b": "k"})
    with pytest.raises(BrokenLaw) as caught:
        assert_equivalent(one, named)
    assert str(caught.value) == (
        "their nodes with noise in training differ: "
        "'a' [batch, 3], 'b' [batch, 3], and 'k' [batch, 3], 'm' [batch, 3]"
    )


def test_a_network_that_alone_cannot_be_trained():
    single = """
graphnn: 1
nodes:
  x: {op: input, shape: [1, 3]}
  b: {op: batch_norm, inputs: x}
  y: {op: tanh, inputs: b}
"""
    twice = "{op: concat, inputs: [x, x], axis: 0}\n  b: {op: batch_norm, inputs: xx}"
    double = single.replace("b: {op: batch_norm, inputs: x}", f"xx: {twice}")
    double = double.replace("inputs: b", "inputs: half")
    double += "  half: {op: slice, inputs: b, axis: 0, stop: 1}\n"
    one, other = graphnn.loads(single), graphnn.loads(double)
    assert_equivalent(one, one)
    for pair, which in (((one, other), "first"), ((other, one), "second")):
        with pytest.raises(BrokenLaw) as caught:
            assert_equivalent(*pair)
        assert str(caught.value) == (
            f"the {which} alone cannot be trained on a batch: error[bad-value]: at 'b': "
            "batch_norm needs at least 2 values of each channel in training, not 1\n"
            "   = help: choose a 'batch_size' that leaves no batch of a single row"
        )


def test_whole_numbers_that_are_apart_do_not_wrap_around():
    with pytest.raises(BrokenLaw) as caught:
        require_near([1, 2**62], [1, -(2**62)], "'y'")
    assert str(caught.value) == f"'y' is {2**62} at [1], not {-(2**62)}"

"""Sentences of the language that no other test states, each as a person would try it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.spec import reader
from graphnn.spec.values import plain

X = "  x: {op: input, shape: [batch, 3]}\n"


def load(nodes, top="", **options):
    return graphnn.loads(f"graphnn: 1\n{top}nodes:\n{nodes}", **options)


def messages(nodes, top="", **options):
    with pytest.raises(SpecError) as caught:
        load(nodes, top, **options)
    return [found.message for found in caught.value.diagnostics]


def test_the_version_is_the_integer_one():
    for wrong in ("1.0", "'1'", "2", "true"):
        with pytest.raises(SpecError):
            graphnn.loads(f"graphnn: {wrong}\nnodes:\n{X}")


def test_sizes_named_free_and_expressions():
    net = load(
        "  x: {op: input, shape: [batch, time, n]}\n"
        "  a: {op: affine, inputs: x, units: 2 * (n + 1) - n // 3}\n",
        "sizes: {n: 7, time: free}\n",
    )
    # 2 * 8 - 7 // 3
    assert net.graph.parameters["a.weight"].shape == (7, 14)
    assert net.run(x=np.ones((2, 5, 7)))["a"].shape == (2, 5, 14)
    assert messages(X + "  y: {op: relu, inputs: x}\n", "sizes: {batch: 3}\n") == [
        "'batch' cannot be fixed at 3"
    ]


def test_two_free_sizes_never_match():
    nodes = "  x: {op: input, shape: [batch]}\n  t: {op: input, shape: [time]}\n"
    assert messages(nodes + "  y: {op: add, inputs: [x, t]}\n", "sizes: {time: free}\n") == [
        "shapes do not fit at 'y': 'b' has shape [time], "
        "which does not broadcast against [batch]: batch and time differ"
    ]


def test_broadcasting_is_numpys_where_a_size_is_one():
    nodes = "  x: {op: input, shape: [batch, 3]}\n  w: {op: input, shape: [batch, 1]}\n"
    net = load(nodes + "  y: {op: multiply, inputs: [x, w]}\n")
    x, w = np.arange(6.0).reshape(2, 3), np.array([[2.0], [3.0]])
    assert net.run(x=x, w=w)["y"].tolist() == (x * w).tolist()


def test_dtype_is_double_unless_said():
    assert load(X).run(x=np.ones((1, 3)))["x"].dtype == np.float64
    assert load(X, "dtype: float32\n").run(x=np.ones((1, 3)))["x"].dtype == np.float32


def test_operands_by_position_and_by_name_in_any_order():
    given = "  y: {op: input, shape: [batch, 3]}\n"
    for inputs in ("[x, y]", "{a: x, b: y}", "{b: y, a: x}"):
        net = load(f"  z: {{op: divide, inputs: {inputs}}}\n{X}{given}")
        assert net.run(x=[[6, 8, 9]], y=[[3, 2, 1]])["z"].tolist() == [[2, 4, 9]]


def test_every_way_to_give_a_parameter(tmp_path):
    np.savez(tmp_path / "w.npz", W=np.full((3, 2), 7.0), **{"f.weight": np.full((3, 2), 8.0)})
    net = load(
        X
        + "  a: {op: affine, inputs: x, weight: [[1, 2], [3, 4], [5, 6]]}\n"
        + "  b: {op: affine, inputs: x, units: 2, weight: ones}\n".replace("ones", "zeros")
        + "  c: {op: affine, inputs: x, units: 2, weight: {constant: {value: 2}}}\n"
        + "  d: {op: affine, inputs: x, weight: {file: w.npz, key: W}}\n"
        + "  e: {op: affine, inputs: x, weight: {share: a.weight}, bias: false}\n"
        + "  f: {op: affine, inputs: x, weight: {file: w.npz}}\n",
        folder=tmp_path,
    )
    weights = {name: net.parameters[f"{name}.weight"] for name in "abcdf"}
    assert weights["a"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert {name: set(weights[name].ravel()) for name in "bcdf"} == {
        **{"b": {0.0}, "c": {2.0}, "d": {7.0}, "f": {8.0}}
    }
    assert "e.weight" not in net.parameters
    assert "e.bias" not in net.parameters
    # Tied: one array, one gradient. d/dW of sum(xW + b) + sum(xW) is twice that of one.
    loss = load(
        X
        + "  a: {op: affine, inputs: x, weight: [[1, 2], [3, 4], [5, 6]]}\n"
        + "  e: {op: affine, inputs: x, weight: {share: a.weight}, bias: false}\n"
        + "  s: {op: add, inputs: [a, e]}\n  f: {op: sum, inputs: s}\n"
    )
    gradient = graphnn.backprop(loss, {"x": [[1.0, 2.0, 3.0]]}, loss="f")["a.weight"]
    np.testing.assert_allclose(gradient, [[2, 2], [4, 4], [6, 6]])


def test_what_is_frozen_is_not_trained():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  y: {op: parameter, shape: [2], value: [1, 1], trainable: false, about: stays where it is}
  p: {op: multiply, inputs: [x, x]}
  q: {op: multiply, inputs: [p, y]}
  f: {op: sum, inputs: q}
train: {loss: f, epochs: 10, optimizer: {sgd: {learning_rate: 0.1}}}
""")
    assert net.trainable == ("x.value",)
    graphnn.train(net)
    assert net.parameters["y.value"].tolist() == [1.0, 1.0]
    # Each step takes 2 * 0.1 of x away.
    np.testing.assert_allclose(net.parameters["x.value"], np.array([-3, 4]) * 0.8**10)
    assert net.graph.spec.nodes["y"].about == "stays where it is"


def test_outputs_are_what_nothing_reads_losses_aside():
    nodes = (
        X + "  t: {op: input, shape: [batch, 3]}\n  y: {op: tanh, inputs: x}\n"
        "  z: {op: relu, inputs: x}\n  l: {op: mean_squared_error, inputs: [y, t]}\n"
    )
    assert load(nodes).graph.outputs == ("y", "z")
    assert load(nodes, "outputs: z\n").graph.outputs == ("z",)
    assert load(nodes, "outputs: [l, x]\n").graph.outputs == ("l", "x")


@pytest.mark.parametrize(
    ("output", "ok"),
    [
        ("{sum: 1.0}", True),
        ("{sum: [1.0, 1.0]}", True),
        ("{sum: 1.1}", False),
        ("{argmax: [2, 0]}", True),
        ("{argmax: [2, 1]}", False),
        ("{sum: 1.0, argmax: [2, 0]}", True),
        ("[[0.09003057, 0.24472847, 0.66524096], [0.5, 0.25, 0.25]]", False),
        ("{file: y.npz}", True),
    ],
)
def test_examples_with_values_and_properties(tmp_path, output, ok):
    x = np.array([[1.0, 2.0, 3.0], [5.0, 1.0, 2.0]])
    powers = np.exp(x)
    np.savez(tmp_path / "y.npz", y=powers / powers.sum(axis=1, keepdims=True))
    net = graphnn.loads(
        f"graphnn: 1\nnodes:\n{X}  y: {{op: softmax, inputs: x}}\n"
        f"examples: [{{inputs: {{x: [[1, 2, 3], [5, 1, 2]]}}, outputs: {{y: {output}}}}}]\n",
        folder=tmp_path,
    )
    (result,) = graphnn.run_examples(net)
    assert result.ok is ok


def test_tolerances_of_examples():
    spec = (
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch]}\n  y: {op: identity, inputs: x}\n"
        "examples: [{inputs: {x: [100]}, outputs: {y: [%s]}%s}]\n"
    )

    def holds(expected, tolerance=""):
        return graphnn.run_examples(graphnn.loads(spec % (expected, tolerance)))[0].ok

    # rtol 1e-7 and atol 1e-9 allow 1.0001e-5 or so here.
    assert holds("100.0000099")
    assert not holds("100.0000102")
    assert holds("101", ", atol: 1.0")
    assert holds("101", ", rtol: 0.01")
    assert not holds("101", ", rtol: 0.009")


def test_the_same_in_yaml_and_json():
    text = (
        f"graphnn: 1\nsizes: {{n: 2}}\nblocks: {{b: {{sizes: k, inputs: x, "
        f"nodes: {{a: {{op: affine, inputs: x, units: k}}}}, output: a}}}}\nnodes:\n{X}"
        "  h: {block: b, inputs: x, k: n, repeat: n}\n"
    )
    from_yaml = graphnn.loads(text)
    document = json.dumps(plain(reader.read(text)))
    from_json = graphnn.loads(plain(reader.read(document, json=True)))
    assert list(from_yaml.parameters) == list(from_json.parameters)
    x = np.ones((2, 3))
    assert from_yaml.run(x=x)["h"].tolist() == from_json.run(x=x)["h"].tolist()


def test_names():
    for name in ("_a", "a-b", "A_1", "a" * 100):
        assert name in load(f"{X}  {name}: {{op: relu, inputs: x}}\n").graph.nodes
    for name in ("1a", "a.b", "-a", "a b", "ä", "a" * 101):
        assert len(messages(f"{X}  {name}: {{op: relu, inputs: x}}\n")) == 1


@pytest.mark.parametrize(
    ("written", "digits"), [("2024-01-01", "01"), ("007", None), ("2 * 08", "08"), ("'010'", "010")]
)
def test_a_date_is_no_expression_of_sizes(written, digits):
    nodes = X + f"  y: {{op: affine, inputs: x, units: {written}}}\n"
    if digits is None:  # a number of YAML 1.2
        assert load(nodes).graph.parameters["y.weight"].shape == (3, 7)
        return
    shown = written.strip("'")
    assert messages(nodes) == [
        f"the 'units' of 'y', '{shown}': the number '{digits}' begins with a zero"
    ]

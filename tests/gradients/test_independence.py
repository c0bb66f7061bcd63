"""No backward pass has a say in the numerical gradient: planted ones change nothing, op by op."""

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings

import graphnn
from gradient_cases import dense, images
from graphnn.ops import REGISTRY, Op
from graphnn.testing.strategies import op_cases
from tables import cases

METHODS = ("probes", "loop", "complex")
NAMES = [name for name, op in REGISTRY.items() if op.forward is not Op.forward]
SPELT = [name for name in NAMES if not REGISTRY[name].internal]
# They give whole numbers, which have no gradient.
WHOLE = {"equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "argmax"}
# Fused ops, and those that stand for others in training: networks that run them.
FUSED = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5]}
  a: {op: affine, inputs: x, units: 4}
  s: {op: softmax, inputs: a}
  c: {op: input, shape: [batch], dtype: int}
  loss: {op: cross_entropy, inputs: [s, c]}
  g: {op: sigmoid, inputs: a}
  t: {op: input, shape: [batch, 4]}
  other: {op: binary_cross_entropy, inputs: [g, t]}
  s2: {op: softmax, inputs: a}
  q: {op: constant, value: [[0.1, 0.2, 0.3, 0.4]]}
  p: {op: expand, inputs: q, shape: [batch, 4]}
  third: {op: kl_divergence, inputs: [s2, p]}
train: {loss: {loss: 1, other: 0.5, third: 2}}
"""
NOISY = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5]}
  t: {op: input, shape: [batch, 2]}
  a: {op: affine, inputs: x, units: 2}
  n: {op: noise, inputs: a}
  y: {op: add, inputs: [a, n]}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""


def fused():
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(3, 5)), "c": [0, 2, 1], "t": rng.random((3, 4))}
    return graphnn.loads(FUSED), inputs


def noisy():
    rng = np.random.default_rng(0)
    return graphnn.loads(NOISY), {"x": rng.normal(size=(3, 5)), "t": rng.random((3, 2))}


def document_of(case):
    """A network in which everything real that the op reads is a parameter."""
    nodes, inputs = {}, {}
    given = [a for a, role in zip(case.arrays, case.roles, strict=True) if role == "data"]
    for number, array in enumerate(given):
        if array is None:
            continue
        name = f"d{number}"
        kind = {"dtype": "int"} if array.dtype.kind == "i" else {}
        source = "constant" if kind else "parameter"
        nodes[name] = {"op": source, "value": array.tolist(), **kind}
        inputs[number] = name
    attributes = {"op": case.op.name, **case.op.model_dump(mode="json", exclude_defaults=True)}
    kept = [a for a, role in zip(case.arrays, case.roles, strict=True) if role in KEPT]
    for operand, array in zip(case.op.parameter_operands(), kept, strict=True):
        attributes[operand.name] = False if array is None else array.tolist()
    if inputs:
        attributes["inputs"] = list(inputs.values())
    if len(inputs) < 1 + max(inputs, default=-1):  # of the first operands, one is left out
        operands = case.op.data_operands()
        attributes["inputs"] = {operands[number].name: name for number, name in inputs.items()}
    nodes["y"] = attributes
    nodes["f"] = {"op": "sum", "inputs": "y"}
    return {"graphnn": 1, "nodes": nodes}


KEPT = ("parameter", "state")


def taken(net, inputs=None, mode="run"):
    return [
        (name, found.value, found.error, found.kink)
        for method in METHODS
        for name, found in graphnn.numerical_gradient(
            net, inputs, method=method, mode=mode, loss=None if inputs else "f", workers=1
        ).items()
    ]


def same(before, after):
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        for left, right in zip(one, other, strict=True):
            np.testing.assert_array_equal(left, right)


def plant(patch, op_class):
    asked = []

    def wrong(self, cotangent, output, *arrays, **keywords):
        asked.append(self)
        return tuple(None if a is None else np.full(np.shape(a), 1e3) for a in arrays)

    patch.setattr(op_class, "vjp", wrong)
    return asked


@pytest.mark.parametrize("name", [name for name in SPELT if name not in WHOLE])
def test_a_wrong_backward_changes_nothing(name):
    op_class = REGISTRY[name]

    @settings(max_examples=2, database=None, derandomize=True, phases=[Phase.generate])
    @given(op_cases(op_class, sizes=3))
    def run(case):
        kinds = ["int" if array.dtype.kind == "i" else "float" for array in case.data]
        assume(case.op.infer_kind(*kinds) == "float")
        net = graphnn.loads(document_of(case))
        assert any(node.op.name == name for node in net.graph.nodes.values())
        before = taken(net)
        exact = graphnn.backprop(net, loss="f")
        with pytest.MonkeyPatch.context() as patch:
            asked = plant(patch, op_class)
            same(before, taken(net))
            assert not asked
        # What is taken is the gradient all the same.
        for array, value, error, kink in before:
            near = np.abs(value - exact[array]) <= 10 * error + 1e-12
            assert (near | kink).all()

    run()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_what_gives_whole_numbers(name):
    @settings(max_examples=20, database=None, derandomize=True)
    @given(op_cases(REGISTRY[name]))
    def run(case):
        kinds = ["int" if array.dtype.kind == "i" else "float" for array in case.data]
        assert case.op.infer_kind(*kinds) == "int"

    run()


@cases(
    """
    make= | mode | names=
    dense | train | {"batch_norm_training", "dropout_training"}
    images | train | {"batch_norm_training", "dropout_training"}
    fused | run
        | {"softmax_cross_entropy", "sigmoid_binary_cross_entropy", "softmax_kl_divergence",
        "weighted"}
    noisy | train | {"noise_training"}
    """,
    dense=dense,
    fused=fused,
    images=images,
    noisy=noisy,
)
def test_a_wrong_backward_of_what_no_spec_names_changes_nothing(make, mode, names):
    net, inputs = make()
    before = taken(net, inputs, mode)
    with pytest.MonkeyPatch.context() as patch:
        asked = [plant(patch, REGISTRY[name]) for name in names]
        same(before, taken(net, inputs, mode))
        assert not any(asked)
        # These ops are on the way: backpropagation asks them all.
        graphnn.backprop(net, inputs, mode=mode)
        assert all(asked)


def test_every_op_is_planted_in():
    internal = {name for name in NAMES if REGISTRY[name].internal}
    assert internal == {
        "batch_norm_training",
        "dropout_training",
        "softmax_cross_entropy",
        "sigmoid_binary_cross_entropy",
        "softmax_kl_divergence",
        "weighted",
        "noise_training",
    }

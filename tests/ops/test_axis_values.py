"""Ops along an axis, stretched to a shape or by an equation, against work by hand and torch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

import graphnn
from graphnn.ops import REGISTRY, ArrayError, ShapeError
from graphnn.spec.sizes import free
from graphnn.testing.laws.checks import LAWS
from graphnn.testing.strategies import OpCase
from op_values import op, pull
from tables import cases
from variants import variants

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_softmax_along_an_axis_is_that_of_the_turned_array(axis):
    x = RNG.normal(size=(3, 4, 2))
    for name in ("softmax", "log_softmax"):
        expected = np.moveaxis(op(name).forward(np.moveaxis(x, axis, -1)), -1, axis)
        assert_allclose(op(name, axis=axis).forward(x), expected, rtol=1e-14)
    assert_allclose(op("softmax", axis=axis).forward(x).sum(axis=axis), 1, rtol=1e-14)


def test_softmax_of_columns_by_hand():
    x = np.log([[1.0, 3.0], [3.0, 1.0]])
    assert_allclose(op("softmax", axis=0).forward(x), [[0.25, 0.75], [0.75, 0.25]])
    assert op("softmax", axis=0).gives_shares((2, 2)) is False
    assert op("softmax", axis=1).gives_shares((2, 2)) is True
    assert op("softmax", axis=1).gives_shares((2, 2, 2)) is False


LOSS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  y: {op: softmax, inputs: x, axis: AXIS}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [loss]
"""


@pytest.mark.parametrize(("axis", "fused"), [(-1, True), (1, True), (0, False), (-2, False)])
def test_a_loss_is_fused_with_the_softmax_of_rows_alone(axis, fused):
    net = graphnn.loads(LOSS.replace("AXIS", str(axis)))
    steps = [step.op.name for step in net.executor(["loss"]).plan.steps]
    assert steps == (["softmax_cross_entropy"] if fused else ["softmax", "cross_entropy"])
    x, t = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    shares = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    expected = -np.log(shares[np.arange(4), t])
    assert_allclose(net.run({"x": x, "t": t})["loss"], expected, rtol=1e-12)
    warnings = [found.code for found in graphnn.diagnose_text(LOSS.replace("AXIS", str(axis)))]
    assert warnings == ([] if fused else ["not-probabilities"])


@pytest.mark.parametrize("name", ["concat", "stack"])
def test_an_input_is_the_part_of_the_result_that_is_stated(name):
    for case in variants(REGISTRY[name]):
        joined = case.op.forward(*case.arrays)
        for position, array in enumerate(case.data):
            axis, start, stop = case.op.part(position, case.shapes)
            found = np.take(joined, range(start, stop), axis)
            assert_array_equal(found.reshape(array.shape), array)
    assert op("concat", axis=0).part(1, [(free("n"), 2), (3, 2)]) is None


COUNTING = [name for name, each in REGISTRY.items() if {"axis", "axes"} & {*each.model_fields}]


@pytest.mark.parametrize("name", COUNTING)
def test_attributes_counted_from_the_front_mean_the_same(name):
    for case in variants(REGISTRY[name]):
        counted = case.op.from_front(*case.shapes)
        assert all(np.min(value, initial=0) >= 0 for value in counted.values())
        made = case.op.model_copy(update=counted)
        assert_array_equal(made.forward(*case.arrays), case.op.forward(*case.arrays))
        assert made.from_front(*case.shapes) == counted


def test_cumulative_sum_by_hand():
    x = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    assert_array_equal(op("cumulative_sum").forward(x), [[1, 3, 6], [10, 30, 60]])
    assert_array_equal(op("cumulative_sum", axis=0).forward(x), [[1, 2, 3], [11, 22, 33]])
    assert_array_equal(op("cumulative_sum", exclusive=True).forward(x), [[0, 1, 3], [0, 10, 30]])
    assert_array_equal(op("cumulative_sum", reverse=True).forward(x), [[6, 5, 3], [60, 50, 30]])
    both = op("cumulative_sum", reverse=True, exclusive=True)
    assert_array_equal(both.forward(x), [[5, 3, 0], [50, 30, 0]])
    assert_array_equal(pull(op("cumulative_sum"), [[1.0, 10, 100]], x[:1])[0], [[111, 110, 100]])
    assert_array_equal(pull(both, [[1.0, 10, 100]], x[:1])[0], [[0, 1, 11]])


def test_expand_by_hand():
    x = np.array([[1.0], [2.0]])
    assert_array_equal(op("expand", shape=[2, 3]).forward(x), [[1, 1, 1], [2, 2, 2]])
    made = op("expand", shape=[2, -1, 2])
    assert_array_equal(made.forward(x), [[[1, 1], [2, 2]]] * 2)
    cotangent = np.arange(8.0).reshape(2, 2, 2)
    assert_array_equal(pull(made, cotangent, x)[0], [[0 + 1 + 4 + 5], [2 + 3 + 6 + 7]])


def test_expand_to_free_sizes():
    batch = free("batch")
    made = op("expand", shape=[batch, -1, 3])
    found = made.infer([(1, 3)], {})
    assert found.result == (batch, 1, 3)
    assert found.attributes == {"shape": (batch, -1, -1)}
    assert not made.rows_apart((1, 3))
    assert op("expand", shape=[batch, 4]).rows_apart((batch, 1))
    with pytest.raises(ArrayError) as caught:
        made.forward(np.ones((1, 3)))
    assert str(caught.value) == "a size in [batch, -1, 3] is still free"
    assert made.bind({"batch": 2}).forward(np.ones((1, 3))).shape == (2, 1, 3)


@pytest.mark.parametrize("shape", [[3], [3, 3], [2, -1], [-1, 2, 1]])
def test_shapes_that_do_not_stretch(shape):
    with pytest.raises(ShapeError) as caught:
        op("expand", shape=shape).infer_shape((2, 1) if shape[0] != 2 else (3, 1))
    assert caught.value.help == ("sizes match from the last axis on; only a size of 1 stretches")


EQUATIONS = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("bhid,bhjd->bhij", [(2, 3, 4, 5), (2, 3, 6, 5)]),
    ("b,bi,bj->bij", [(3,), (3, 2), (3, 4)]),
    ("ab,bc,cd,da->", [(2, 3), (3, 4), (4, 5), (5, 2)]),
    ("abc->ca", [(2, 3, 4)]),
    ("ab,c->a", [(2, 3), (4,)]),
    ("a,b->ba", [(2,), (3,)]),
    (",a->a", [(), (3,)]),
    ("...i,ij->...j", [(2, 4, 3), (3, 5)]),
    ("a...b,...bc->a...c", [(2, 3, 4, 5), (3, 4, 5, 2)]),
    ("...,...a->a...", [(2, 3), (2, 3, 4)]),
    ("...a,a->...", [(3,), (3,)]),
]


@pytest.mark.oracle
@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum_is_that_of_torch(equation, shapes):
    torch = pytest.importorskip("torch")
    arrays = [RNG.normal(size=shape) for shape in shapes]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = torch.einsum(equation, *tensors)
    made = op("einsum", equation=equation)
    output = made.forward(*arrays)
    assert_allclose(output, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    cotangent = RNG.normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    for found, tensor in zip(made.vjp(cotangent, output, *arrays), tensors, strict=True):
        assert_allclose(found, tensor.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum_of_any_shapes_keeps_every_law(equation, shapes):
    made = op("einsum", equation=equation)
    case = OpCase(made, tuple(RNG.normal(size=shape) for shape in shapes), made)
    with np.errstate(all="ignore"):
        for law in LAWS.values():
            law(case)


def test_einsum_counts_its_products():
    made = op("einsum", equation="ij,jk->ik")
    assert made.multiply_adds((2, 4), (2, 3), (3, 4)) == 2 * 3 * 4
    three = op("einsum", equation="ij,jk,kl->il")
    assert three.multiply_adds((2, 5), (2, 3), (3, 4), (4, 5)) == 2 * 3 * 4 + 2 * 4 * 5
    batched = op("einsum", equation="...ij,jk->...ik")
    assert batched.multiply_adds((5, 2, 4), (5, 2, 3), (3, 4)) == 5 * 2 * 3 * 4
    assert batched.rows_apart((5, 2, 3), (3, 4))
    assert batched.has_rows((5, 2, 3), (3, 4)) == (True, False)
    assert op("einsum", equation="ij->j").multiply_adds((3,), (2, 3)) == 0


@cases("""
    equation | message
    ii->i | 'ii' has the letter 'i' twice
    ij->ii | 'ii' has the letter 'i' twice
    ij->k | the result has the letter 'k', which no input has
    ...i->i | the inputs have axes '...', which the result lacks: write it there too
    ij,jk
        | 'ij,jk' is not an equation such as 'ij,jk->ik': letters for the axes of each input, commas
        between inputs, and the letters of the result behind '->'
""")
def test_equations_that_are_refused(equation, message):
    with pytest.raises(ValidationError) as caught:
        op("einsum", equation=equation)
    assert caught.value.errors()[0]["msg"] == f"Value error, {message}"
    assert op("einsum", equation=" ij, jk -> ik ").equation == "ij,jk->ik"


@cases("""
    shapes= | message
    [(2, 3)] | 'ij,jk->ik' takes 2 of 'inputs', but 1 is given
    [(2, 3)] * 3 | 'ij,jk->ik' takes 2 of 'inputs', but 3 are given
    [(2, 3), (3,)] | input 2 has shape [3], but the letters 'jk' in 'ij,jk->ik'
    [(2, 3), (4, 5)] | 'j' is 3 and 4 in 'ij,jk->ik': the inputs have shapes [2, 3], [4, 5]
""")
def test_inputs_that_do_not_fit_an_equation(shapes, message):
    with pytest.raises(ShapeError) as caught:
        op("einsum", equation="ij,jk->ik").infer_shape(*shapes)
    assert str(caught.value) == message


def test_attention_by_equations_is_attention():
    net = graphnn.loads(
        """
        graphnn: 1
        nodes:
          q: {op: input, shape: [batch, 2, 3, 4]}
          k: {op: input, shape: [batch, 2, 5, 4]}
          v: {op: input, shape: [batch, 2, 5, 4]}
          s: {op: einsum, inputs: [q, k], equation: 'bhid,bhjd->bhij'}
          h: {op: constant, value: 0.5}
          m: {op: multiply, inputs: [s, h]}
          p: {op: softmax, inputs: m}
          y: {op: einsum, inputs: [p, v], equation: 'bhij,bhjd->bhid'}
        """
    )
    q, k, v = (RNG.normal(size=(2, 2, n, 4)) for n in (3, 5, 5))
    scores = np.exp(q @ k.swapaxes(-1, -2) / math.sqrt(4))
    expected = scores / scores.sum(axis=-1, keepdims=True) @ v
    assert_allclose(net.run({"q": q, "k": k, "v": v})["y"], expected, rtol=1e-12)

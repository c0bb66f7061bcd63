"""Ops that look up places, against work by hand and against torch; and their refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import graphnn
from graphnn.execution.drawn_inputs import draw_inputs
from graphnn.ops import ArrayError, ShapeError
from graphnn.ops.kernels.rows import add_rows
from graphnn.spec.sizes import free
from op_values import op, pull
from tables import cases

WEIGHT = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def test_embedding_by_hand():
    made, x = op("embedding"), np.array([[2, 0], [2, 2]])
    assert_array_equal(made.forward(x, WEIGHT), [[[5, 6], [1, 2]], [[5, 6], [5, 6]]])
    cotangent = [[[1.0, 0], [0, 1]], [[10, 0], [0, 100]]]
    by_x, by_weight = pull(made, cotangent, x, WEIGHT)
    assert by_x is None
    assert_array_equal(by_weight, [[0, 1], [0, 0], [11, 100]])


@pytest.mark.oracle
def test_padding_is_that_of_torch_and_its_row_is_never_moved():
    torch = pytest.importorskip("torch")
    made, rng = op("embedding", padding=1), np.random.default_rng(0)
    x, weight = rng.integers(0, 4, (5, 3)), rng.normal(size=(4, 2))
    assert 0 < (x == 1).sum() < x.size
    zeroed = weight * (np.arange(4) != 1)[:, None]
    theirs = torch.tensor(zeroed, requires_grad=True)
    expected = torch.nn.functional.embedding(torch.tensor(x), theirs, padding_idx=1)
    output = made.forward(x, weight)
    assert_array_equal(output, expected.detach().numpy())
    cotangent = rng.normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    _, by_weight = made.vjp(cotangent, output, x, weight)
    assert_allclose(by_weight, theirs.grad.numpy(), rtol=1e-14)
    assert not by_weight[1].any()


def test_a_padding_beyond_the_vocabulary_is_refused():
    with pytest.raises(ShapeError) as caught:
        op("embedding", vocabulary=3, units=2, padding=3).infer([(2,)], {})
    assert str(caught.value) == "'padding' is 3, but numbers go from 0 to 2"
    assert caught.value.attribute == "padding"


def test_embedding_is_the_product_with_one_hot_rows():
    rng = np.random.default_rng(0)
    x, weight = rng.integers(0, 5, (4, 3)), rng.normal(size=(5, 2))
    rows = op("one_hot", classes=5).forward(x)
    assert_array_equal(op("embedding").forward(x, weight), rows @ weight)
    cotangent = rng.normal(size=(4, 3, 2))
    expected = np.einsum("ntv,ntu->vu", rows, cotangent)
    assert_allclose(pull(op("embedding"), cotangent, x, weight)[1], expected, rtol=1e-14)


@pytest.mark.parametrize("count", [3, 200])
def test_rows_are_added_however_often_a_place_comes(count):
    rng = np.random.default_rng(1)
    rows, places = rng.normal(size=(50, 4)), rng.integers(0, count, 50)
    expected = np.zeros((count, 4))
    for row, place in zip(rows, places, strict=True):
        expected[place] += row
    assert_allclose(add_rows(rows, places, count), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.int64, np.int8])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[0, 1], [3, 9]], "'x' holds 3 at [1, 0], but there are 3 rows in the vocabulary"),
        ([[0, -1], [3, 9]], "'x' holds -1 at [0, 1], but there are 3 rows in the vocabulary"),
        (3, "'x' holds 3, but there are 3 rows in the vocabulary"),
    ],
)
def test_numbers_outside_of_the_vocabulary(x, message, dtype):
    with pytest.raises(ArrayError) as caught:
        op("embedding").forward(np.array(x, dtype), WEIGHT)
    assert (str(caught.value), caught.value.operand) == (message, "x")
    assert caught.value.help == "its numbers go from 0 to 2"


def test_gather_by_hand():
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert_array_equal(op("gather", axis=1).forward(x, np.array([2, 0])), [[3, 1], [6, 4]])
    assert_array_equal(op("gather", axis=0).forward(x, np.array(1)), [4, 5, 6])
    picked = op("gather", axis=-1, batch_axes=1)
    assert_array_equal(picked.forward(x, np.array([2, 0])), [3, 4])
    assert_array_equal(pull(picked, [7.0, 8.0], x, np.array([2, 0]))[0], [[0, 0, 7], [8, 0, 0]])
    twice = pull(op("gather", axis=1), [[1.0, 10.0], [0, 0]], x, np.array([1, 1]))
    assert_array_equal(twice[0], [[0, 11, 0], [0, 0, 0]])
    assert twice[1] is None


@pytest.mark.oracle
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_gather_of_each_row_is_that_of_torch(axis):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    x, index = rng.normal(size=(4, 3, 5, 2)), rng.integers(0, 2, (4, 6))
    made = op("gather", axis=axis, batch_axes=1)
    # torch gathers with an index of every axis: ours, stretched along the others.
    wide = np.moveaxis(index.reshape(4, 6, 1, 1), 1, axis)
    shape = [6 if n == axis else size for n, size in enumerate(x.shape)]
    theirs = torch.tensor(x, requires_grad=True)
    expected = torch.gather(theirs, axis, torch.tensor(np.broadcast_to(wide, shape).copy()))
    output = made.forward(x, index)
    assert_array_equal(output, expected.detach().numpy())
    cotangent = rng.normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    assert_allclose(made.vjp(cotangent, output, x, index)[0], theirs.grad.numpy(), rtol=1e-14)


def test_gather_of_whole_numbers_has_no_gradient():
    made, x, index = op("gather", axis=0), np.array([4, 5]), np.array([1])
    assert pull(made, [1.0], x, index) == (None, None)
    assert made.infer_kind("int", "int") == "int"


def test_gather_keeps_rows_that_are_free():
    batch = free("batch")
    picked = op("gather", axis=1, batch_axes=1)
    assert picked.infer_shape((batch, 3, 2), (batch, 4)) == (batch, 4, 2)
    assert op("gather", axis=0).infer_shape((5, 2), (batch, 4)) == (batch, 4, 2)
    assert op("gather", axis=0).has_rows((5, 2), (batch, 4)) == (False, True)
    assert not op("gather", axis=0).rows_apart((5, 2), ())


@cases("""
    attributes= | shapes= | message | help
    {"axis": 0, "batch_axes": 1} | [(2, 3), (2,)] | 'batch_axes' is 1, but 'axis' is 0
        | the axis comes after those that both have in common
    {"axis": 1, "batch_axes": 1} | [(2, 3), (4,)] | 'index' has shape [4], but 'x' has [2, 3]
        | with 'batch_axes' 1 it starts as [2]
    {"axis": 2} | [(2, 3), (4,)] | 'axis' is 2, but 'x' has shape [2, 3] | its axes are 0, 1
""")
def test_shapes_that_gather_refuses(attributes, shapes, message, help):
    with pytest.raises(ShapeError) as caught:
        op("gather", **attributes).infer_shape(*shapes)
    assert (str(caught.value), caught.value.help) == (message, help)


def test_gather_past_the_end():
    with pytest.raises(ArrayError) as caught:
        op("gather", axis=1).forward(np.zeros((2, 3)), np.array([0, 3]))
    assert str(caught.value) == (
        "'index' holds 3 at [1], but there are 3 entries along axis 1 of 'x'"
    )


def test_one_hot_and_argmax_undo_each_other():
    x = np.array([[2, 0], [1, 1]])
    rows = op("one_hot", classes=3).forward(x)
    assert_array_equal(rows[0], [[0, 0, 1], [1, 0, 0]])
    assert_array_equal(op("argmax").forward(rows), x)
    assert op("one_hot", classes=3).vjp(rows, rows, x) == (None,)
    with pytest.raises(ArrayError, match=r"^'x' holds 2 at \[0, 0\], but there are 2 classes$"):
        op("one_hot", classes=2).forward(x)


def test_argmax_by_hand():
    x = np.array([[1.0, 5.0, 5.0], [7.0, 0.0, 2.0]])
    assert_array_equal(op("argmax").forward(x), [1, 0])
    found = op("argmax", axis=0, keepdims=True).forward(x)
    assert_array_equal(found, [[1, 0, 0]])
    assert found.dtype == np.int64
    assert_array_equal(pull(op("argmax"), [1.0, 1.0], x)[0], np.zeros((2, 3)))


NET = """
graphnn: 1
dtype: float32
nodes:
  x:    {op: input, shape: [batch, 3], dtype: int}
  t:    {op: input, shape: [batch], dtype: int}
  e:    {op: embedding, inputs: x, vocabulary: 7, units: 2}
  last: {op: slice, inputs: e, axis: 1, start: -1}
  flat: {op: flatten, inputs: last}
  a:    {op: affine, inputs: flat, units: 4}
  y:    {op: softmax, inputs: a}
  best: {op: argmax, inputs: y}
  hot:  {op: one_hot, inputs: best, classes: 4}
  mine: {op: gather, inputs: [y, t], axis: 1, batch_axes: 1}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [loss, hot, mine]
"""


def test_whole_numbers_are_drawn_below_every_limit():
    net = graphnn.loads(NET)
    drawn = draw_inputs(net, ["x", "t"], 500)
    assert (drawn["x"].min(), drawn["x"].max()) == (0, 6)
    assert (drawn["t"].min(), drawn["t"].max()) == (0, 3)


def test_rows_of_whole_numbers_have_the_precision_of_the_network():
    net = graphnn.loads(NET)
    inputs = draw_inputs(net, ["x", "t"], 3)
    found = net.run(inputs)
    assert {found[name].dtype.name for name in ("loss", "hot", "mine")} == {"float32"}
    assert net.astype("float64").run(inputs)["hot"].dtype == np.float64
    # 1 where the largest share is, whose logarithm the loss of that class is.
    shares = net.run({"x": inputs["x"]}, outputs=["y"])["y"]
    assert_array_equal(found["hot"].argmax(axis=1), shares.argmax(axis=1))
    assert_allclose(-np.log(found["mine"]), found["loss"], rtol=1e-6)


def test_every_entry_of_an_embedding_is_checked():
    net = graphnn.loads(NET.replace("float32", "float64"))
    report = graphnn.check_gradients(net, draw_inputs(net, ["x", "t"], 5), loss="loss")
    assert report.counts["agree"] == 7 * 2 + 2 * 4 + 4
    assert sum(report.counts.values()) == report.counts["agree"]


def test_a_number_beyond_the_vocabulary_is_located():
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.loads(NET).run({"x": [[0, 1, 7]], "t": [0]})
    assert str(caught.value).splitlines() == [
        "error[bad-value]: at 'e': 'x' holds 7 at [0, 2], but there are 7 rows in the vocabulary",
        "   = help: its numbers go from 0 to 6",
    ]

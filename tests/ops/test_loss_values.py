"""Losses against work by hand, theory and torch; and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import graphnn
from graphnn.ops import ArrayError, ShapeError
from graphnn.spec.sizes import free
from op_values import op, pull, run

pytestmark = pytest.mark.usefixtures("warnings_off")

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)) * 3
CLASSES = np.array([0, 3, 1, 1, 2, 3])
SHARES = np.exp(RNG.normal(size=(6, 4)))
SHARES /= SHARES.sum(axis=1, keepdims=True)
WEIGHTS = (0.5, 2.0, 0.0, 1.5)


def test_absolute_error_by_hand():
    y, t = [[1.0, 4.0], [0.0, -2.0]], [[0.0, 2.0], [1.0, -2.0]]
    assert_array_equal(run("absolute_error", y, t), [1.5, 0.5])
    by_y, by_t = pull("absolute_error", [2.0, 4.0], y, t)
    assert_array_equal(by_y, [[1, 1], [-2, 0]])
    assert_array_equal(by_t, [[-1, -1], [2, 0]])


def test_a_median_has_the_least_absolute_error_and_a_mean_the_least_squared_one():
    sample = np.array([1.0, 2.0, 4.0, 8.0, 100.0])
    guesses = np.arange(0, 101, 0.5)
    for name, best in (("absolute_error", 4.0), ("mean_squared_error", 23.0)):
        total = [run(name, np.full(5, guess), sample).sum() for guess in guesses]
        assert guesses[np.argmin(total)] == best


def test_huber_by_hand():
    y, t = [0.5, -3.0, 1e308], [0.0, 0.0, 0.0]
    assert_array_equal(run("huber", y, t), [0.125, 2.5, 1e308])
    assert_array_equal(pull("huber", np.ones(3), y, t)[0], [0.5, -1, 1])
    assert_array_equal(run("huber", y[:2], t[:2], delta=4.0), [0.125, 4.5])
    assert_array_equal(op("huber").branch(np.array([-2.0, 0, 2]), np.zeros(3)), [0, 1, 2])


def test_huber_is_between_squares_and_absolutes():
    y, t = RNG.normal(size=(2, 5, 3))
    assert_allclose(run("huber", y, t, delta=1e6) * 2, run("mean_squared_error", y, t), rtol=1e-12)
    near = run("huber", y, t, delta=1e-9) / 1e-9
    assert_allclose(near, run("absolute_error", y, t), rtol=1e-6)


def test_hinge_by_hand():
    y, t = [[2.0, 0.5], [-1.0, 0.0]], [[1.0, 1.0], [1.0, -1.0]]
    assert_array_equal(run("hinge", y, t), [0.25, 1.5])
    assert_array_equal(run("hinge", y, t, squared=True), [0.125, 2.5])
    assert_array_equal(run("hinge", y, t, margin=3.0), [1.75, 3.5])
    by_y, by_t = pull("hinge", [2.0, 2.0], y, t)
    assert_array_equal(by_y, [[0, -1], [-1, 1]])
    assert_array_equal(by_t, [[0, -0.5], [1, 0]])
    assert_array_equal(pull("hinge", [1.0, 1.0], y, t, squared=True)[0], [[0, -0.5], [-2, 1]])


def test_kl_divergence_of_two_coins():
    # Of a fair coin from one that shows heads in a quarter of the cases: log 2 - log(3) / 2.
    assert_allclose(run("kl_divergence", [[0.25, 0.75]], [[0.5, 0.5]]), math.log(2 / math.sqrt(3)))
    assert_array_equal(run("kl_divergence", SHARES, SHARES), np.zeros(6))
    assert_array_equal(run("kl_divergence", [[0.5, 0.5]], [[0.0, 1.0]]), [math.log(2)])


def test_kl_divergence_is_cross_entropy_less_entropy():
    t = SHARES[::-1]
    entropy = run("cross_entropy", t, t)
    expected = run("cross_entropy", SHARES, t) - entropy
    assert_allclose(run("kl_divergence", SHARES, t), expected, rtol=1e-12)
    both = [pull(name, np.ones(6), SHARES, t)[0] for name in ("kl_divergence", "cross_entropy")]
    assert_allclose(*both, rtol=1e-14)


def test_kl_divergence_of_a_softmax_is_one_step():
    shares, t = run("softmax", LOGITS), SHARES
    expected = run("kl_divergence", shares, t)
    assert_allclose(run("softmax_kl_divergence", LOGITS, t), expected, rtol=1e-12)
    far = run("softmax_kl_divergence", [[2000.0, 0.0], [1e308, -1e308]], [[0.5, 0.5], [1, 0]])
    assert_allclose(far, [1000 - math.log(2), 0], rtol=1e-12)


def test_cosine_by_hand():
    a, b = [[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]], [[4.0, 3.0], [-2.0, 0.0], [1.0, 1.0]]
    assert_allclose(run("cosine_similarity", a, b), [24 / 25, -1, 0], rtol=1e-15)
    assert_allclose(run("cosine_distance", a, b), [1 / 25, 2, 1], rtol=1e-14)
    assert_allclose(run("cosine_similarity", a[:2], b[:2], axis=0), [10 / math.sqrt(200), 1])
    # By a: (v - u cos) / |a| = ((4, 3) / 5 - (3, 4) / 5 * 24 / 25) / 5.
    by_a, by_b = pull("cosine_similarity", [1.0], a[:1], b[:1])
    assert_allclose(by_a, [[28 / 625, -21 / 625]], rtol=1e-13)
    assert_allclose(by_b, [[-21 / 625, 28 / 625]], rtol=1e-13)


def test_the_cosine_of_long_and_short_vectors():
    a, b = np.array([[1e200, 1e200]]), np.array([[1e-4, 0.0]])
    assert_allclose(run("cosine_similarity", a, b), [math.sqrt(0.5)], rtol=1e-14)
    assert_allclose(pull("cosine_similarity", [1.0], a, b)[1], [[0, math.sqrt(0.5) * 1e4]])


@pytest.mark.oracle
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("ignored", [None, 3, -100])
def test_cross_entropy_is_that_of_torch(weights, smoothing, ignored):
    torch = pytest.importorskip("torch")
    given = {"class_weights": weights, "label_smoothing": smoothing, "ignored_class": ignored}
    given["counts_ignored"] = True
    t = np.where(np.arange(6) == 2, -100, CLASSES) if ignored == -100 else CLASSES
    x = torch.tensor(LOGITS, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        x,
        torch.tensor(t),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        label_smoothing=smoothing,
        reduction="none",
        **({} if ignored is None else {"ignore_index": ignored}),
    )
    made = op("softmax_cross_entropy", **given)
    output = made.forward(LOGITS, t)
    assert_allclose(output, expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    assert_allclose(run("cross_entropy", run("softmax", LOGITS), t, **given), output, rtol=1e-12)
    cotangent = RNG.normal(size=6)
    expected.backward(torch.tensor(cotangent))
    found = made.vjp(cotangent, output, LOGITS, t)[0]
    assert_allclose(found, x.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
def test_cross_entropy_of_rows_is_that_of_torch():
    torch = pytest.importorskip("torch")
    x, t = (torch.tensor(a, requires_grad=True) for a in (LOGITS, SHARES))
    weight = torch.tensor(WEIGHTS, dtype=torch.float64)
    expected = torch.nn.functional.cross_entropy(
        x, t, weight=weight, label_smoothing=0.2, reduction="none"
    )
    expected.sum().backward()
    given = {"class_weights": WEIGHTS, "label_smoothing": 0.2}
    assert_allclose(
        run("softmax_cross_entropy", LOGITS, SHARES, **given), expected.detach().numpy(), rtol=1e-13
    )
    by_x, by_t = pull("softmax_cross_entropy", np.ones(6), LOGITS, SHARES, **given)
    assert_allclose(by_x, x.grad.numpy(), rtol=1e-12, atol=1e-14)
    assert_allclose(by_t, t.grad.numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("smoothing", [0, 0.1])
@pytest.mark.parametrize("ignored", [None, 0, -100])
@pytest.mark.parametrize("shape", [(6,), (2, 3), (2, 3, 2)])
def test_the_mean_is_that_of_torch(shape, ignored, smoothing):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    logits, t = rng.normal(size=(*shape, 4)), rng.integers(0, 4, shape)
    if ignored == -100:
        t.flat[::4] = ignored
    x = torch.tensor(logits, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        x.flatten(0, -2),
        torch.tensor(t).flatten(),
        label_smoothing=smoothing,
        **({} if ignored is None else {"ignore_index": ignored}),
    )
    expected.backward()
    options = {"label_smoothing": smoothing, "ignored_class": ignored}
    made, count = op("softmax_cross_entropy", **options), shape[0]
    found = made.forward(logits, t)
    assert found.shape == (count,)
    assert_allclose(found.mean(), expected.item(), rtol=1e-14)
    by_x, _ = made.vjp(np.full(count, 1 / count), found, logits, t)
    assert_allclose(by_x, x.grad.numpy(), rtol=0, atol=1e-15)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    assert_allclose(run("cross_entropy", shares, t, **options), found, rtol=1e-12)


def test_rows_of_one_batch_are_apart_once_it_is_known_what_they_count():
    made, t = op("cross_entropy", ignored_class=0), np.array([0, 1, 1, 0])
    y = np.full((4, 2), 0.5)
    assert not made.rows_apart((4, 2), (4,))
    fixed = made.fixed(y, t)
    assert fixed.rows_apart((4, 2), (4,))
    assert_array_equal(fixed.forward(y[1:2], t[1:2]), made.forward(y, t)[1:2])


PADDED = """
graphnn: 1
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, time, 3]}
  n: {op: input, shape: [batch], dtype: int}
  t: {op: input, shape: [batch, time], dtype: int}
  h: {op: gru, inputs: [x, n], units: 4}
  a: {op: affine, inputs: h, units: 3}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t], ignored_class: -1}
"""


@pytest.mark.parametrize("method", ["loop", "probes"])
def test_padding_is_ignored_whatever_it_holds(method):
    net = graphnn.loads(PADDED)
    rng = np.random.default_rng(1)
    lengths, x, t = np.array([5, 2, 1]), rng.normal(size=(3, 5, 3)), rng.integers(0, 3, (3, 5))
    t[np.arange(5) >= lengths[:, None]] = -1
    rows = {"x": x, "n": lengths, "t": t}
    apart = {name: value[:1] for name, value in rows.items()}
    two = {name: value[1:, :2] if value.ndim > 1 else value[1:] for name, value in rows.items()}
    losses = [net.loss(apart) * 5, net.loss(two) * 3]  # 5 and 3 classes count
    assert_allclose(net.loss(rows), sum(losses) / 8, rtol=1e-13)
    graphnn.testing.assert_gradients_agree(net, rows, method=method)


def test_what_is_ignored_need_not_be_a_class():
    y, t = np.full((3, 2), 0.5), np.array([-1, 0, -1])
    given = {"ignored_class": -1, "counts_ignored": True}
    assert_allclose(run("cross_entropy", y, t, **given), [0, math.log(2), 0])
    by_y = pull("cross_entropy", np.ones(3), y, t, **given)[0]
    assert_array_equal(by_y, [[0, 0], [-2, 0], [0, 0]])
    assert_allclose(run("cross_entropy", y, t, ignored_class=-1), [0, 3 * math.log(2), 0])
    assert_array_equal(run("cross_entropy", y, [-1, -1, -1], ignored_class=-1), [0, 0, 0])
    with pytest.raises(ArrayError, match=r"^'target' holds -2 in row 1, but there are 2 classes$"):
        run("cross_entropy", y, [-1, -2, 0], ignored_class=-1)


def test_weights_that_do_not_fit():
    message = "'class_weights' holds 4 numbers, but there are 3 classes"
    made = op("cross_entropy", class_weights=WEIGHTS)
    with pytest.raises(ShapeError) as caught:
        made.infer_shape((5, 3), (5,))
    assert (str(caught.value), caught.value.attribute) == (message, "class_weights")
    # Of a free size that is known only when it is run.
    assert made.infer_shape((5, free("n")), (5,)) == (5,)
    with pytest.raises(ArrayError) as late:
        made.forward(np.full((2, 3), 1 / 3), np.array([0, 1]))
    assert str(late.value) == message


NET = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 3]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 4}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t], OPTIONS}
outputs: [loss]
"""


def test_attributes_hold_where_softmax_and_loss_are_one_step():
    options = "class_weights: [0.5, 2, 0, 1.5], label_smoothing: 0.1, ignored_class: -1"
    net = graphnn.loads(NET.replace("OPTIONS", options))
    inputs = {"x": RNG.normal(size=(5, 3)), "t": np.array([0, -1, 1, 2, 3])}
    report = graphnn.check_gradients(net, inputs)
    assert report.counts["agree"] == sum(report.counts.values()) == 16
    (step,) = [each for each in net.executor(["loss"]).plan.steps if each.node == "loss"]
    assert step.op == op(
        "softmax_cross_entropy",
        class_weights=(0.5, 2, 0, 1.5),
        label_smoothing=0.1,
        ignored_class=-1,
    )
    shares = net.run({"x": inputs["x"]}, outputs=["y"])["y"]
    rows = (0.9 * np.eye(4)[[0, 0, 1, 2, 3]] + 0.025) * [0.5, 2, 0, 1.5]
    rows[1] = 0
    rows *= 5 / 4  # one of five is ignored
    found = net.run(inputs)["loss"]
    assert_allclose(found, -(rows * np.log(shares)).sum(axis=1), rtol=1e-12)


def test_weights_that_do_not_fit_are_located():
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads(NET.replace("OPTIONS", "class_weights: [1, 2]"))
    assert "'class_weights' holds 2 numbers, but there are 4 classes" in str(caught.value)


@pytest.mark.oracle
@pytest.mark.parametrize(("margin", "squared"), [(1.0, False), (0.5, True)])
def test_the_hinge_of_classes_is_that_of_torch(margin, squared):
    torch = pytest.importorskip("torch")
    made = op("multiclass_hinge", margin=margin, squared=squared)
    scores, t = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 3, 0, 1])
    x = torch.tensor(scores, requires_grad=True)
    expected = torch.nn.functional.multi_margin_loss(
        x, torch.tensor(t), p=2 if squared else 1, margin=margin, reduction="none"
    )
    output = made.forward(scores, t)
    assert_allclose(output, expected.detach().numpy(), rtol=1e-14)
    cotangent = np.arange(1.0, 7)
    expected.backward(torch.tensor(cotangent))
    assert_allclose(made.vjp(cotangent, output, scores, t)[0], x.grad.numpy(), rtol=0, atol=1e-14)


def test_targets_that_are_no_class_numbers_of_the_scores():
    made = op("multiclass_hinge")
    with pytest.raises(ShapeError) as caught:
        made.infer_shape((5, 3), (5, 3))
    assert str(caught.value) == "'target' has shape [5, 3], but 'prediction' has [5, 3]"
    assert caught.value.help == "class numbers have shape [5]"
    with pytest.raises(ArrayError, match=r"^'target' holds 3 in row 1, but there are 3 classes$"):
        made.forward(np.zeros((2, 3)), np.array([0, 3]))

"""Where rounding crosses a kink, a gradient of lower precision is right on the other piece."""

import numpy as np
import pytest

import graphnn
from gradient_cases import plant
from graphnn.ops.families.activation import Relu
from graphnn.ops.families.pooling import MaxPool

# float64 keeps the 3e-8 that float32 drops: 'd' is past the kink in the one, on it in the other.
# Probes of 'u' move 'd' by a ten thousandth of what they are, too little to cross it.
NEAR = """
graphnn: 1
dtype: float32
nodes:
  w: {op: parameter, value: 1}
  v: {op: parameter, value: 3.0e-8}
  u: {op: parameter, value: 0}
  one:   {op: constant, value: 1}
  small: {op: constant, value: 1.0e-4}
  a: {op: add, inputs: [w, v]}
  b: {op: subtract, inputs: [a, one]}
  c: {op: multiply, inputs: [u, small]}
  d: {op: add, inputs: [b, c]}
  r: BEND
  s: {op: add, inputs: [r, w]}
"""


def near(bend="{op: relu, inputs: d}"):
    return graphnn.loads(NEAR.replace("BEND", bend))


@pytest.mark.parametrize("own", [True, False])
def test_an_entry_on_the_other_piece_is_a_kink(own):
    net = near()
    options = {"dtype": "float32"} if own else {"gradients": graphnn.backprop(net, loss="s")}
    report = graphnn.check_gradients(net, loss="s", only="u.value", **options)
    assert report.counts["kink"] == 1
    whose = "backprop" if own else "given"
    assert str(report) == (
        "1 entry in float32: 1 kink\n"
        f"  u.value[]: kink within rounding (1 of 1), {whose} 0, numerical 9.99999911e-05 +- 4e-11"
    )


@pytest.mark.parametrize("wrong", [-1e-4, 0.5e-3, np.nan, np.inf])
def test_a_wrong_entry_beside_it_is_wrong(wrong):
    net = near()
    given = {"u.value": np.array(wrong, np.float32)}
    report = graphnn.check_gradients(net, loss="s", gradients=given)
    assert report.counts["wrong backward"] == 1


def test_in_float64_rounding_excuses_nothing():
    given = {"u.value": np.zeros(())}
    report = graphnn.check_gradients(near().astype("float64"), loss="s", gradients=given)
    assert report.counts["wrong backward"] == 1


def test_a_tolerance_says_how_coarse_a_gradient_is():
    net = near().astype("float64")
    options = {"loss": "s", "gradients": {"u.value": np.zeros(())}}
    assert graphnn.check_gradients(net, **options, tolerance=1e-5)
    assert not graphnn.check_gradients(net, **options, tolerance=1e-9)


def test_a_jump_counts_downstream():
    # The step is 1 in float64 and 0 in float32, and so is what it scales.
    jump = "{op: multiply, inputs: [j, k]}\n  j: {op: step, inputs: d}\n"
    jump += "  k: {op: identity, inputs: e}\n  e: {op: parameter, value: 2}"
    net = near(jump)
    report = graphnn.check_gradients(net, loss="s", only="e.value", dtype="float32")
    assert report.counts["kink"] == 1
    assert report.parameters[0].worst.line(1, 1).startswith("e.value[]: kink within rounding")


ROWS = """
graphnn: 1
dtype: float32
nodes:
  x:    {op: input, shape: [batch, 1, 8, 8]}
  t:    {op: input, shape: [batch], dtype: int}
  c:    {op: conv2d, inputs: x, filters: 3, kernel: 3, padding: 1}
  n:    {op: batch_norm, inputs: c}
  r:    {op: relu, inputs: n}
  c2:   {op: conv2d, inputs: r, filters: 3, kernel: 3, padding: 1}
  s:    {op: add, inputs: [c2, r]}
  r2:   {op: relu, inputs: s}
  p:    {op: max_pool, inputs: r2, kernel: 2}
  f:    {op: flatten, inputs: p}
  a:    {op: affine, inputs: f, units: 4}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
"""


@pytest.mark.parametrize("op", [Relu, MaxPool])
def test_a_planted_fault_is_found_in_a_residual_cnn_in_float32(op, monkeypatch):
    net, rng = graphnn.loads(ROWS, seed=0), np.random.default_rng(0)
    rows = {"x": rng.normal(size=(30, 1, 8, 8)), "t": rng.integers(0, 4, 30)}
    few = {"dtype": "float32", "mode": "train", "entries": 80}
    assert graphnn.check_gradients(net, rows, **few)
    plant(monkeypatch, op, lambda parts: (parts[0] * 1.01,))
    report = graphnn.check_gradients(net, rows, **few)
    assert {found.name[:2] for found in report.wrong} == {"c.", "c2", "n."}


@pytest.mark.oracle
def test_torch_in_float32_takes_the_other_piece():
    torch = pytest.importorskip("torch")

    def slope(dtype):
        w, v = (torch.tensor(value, dtype=dtype) for value in (1, 3e-8))
        u = torch.zeros((), dtype=dtype, requires_grad=True)
        torch.relu((w + v - 1) + u * 1e-4).backward()
        return u.grad.numpy()

    assert (slope(torch.float32), slope(torch.float64)) == (0, pytest.approx(1e-4))
    given = {"u.value": slope(torch.float32)}
    report = graphnn.check_gradients(near(), loss="s", gradients=given)
    assert report.counts["kink"] == 1
    given = {"u.value": slope(torch.float64).astype("f4")}
    assert graphnn.check_gradients(near(), loss="s", gradients=given).counts["agree"] == 1

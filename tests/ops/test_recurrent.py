"""Recurrent layers against torch's modules by the documented map, and against primitive ops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import graphnn
from graphnn.ops import REGISTRY

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 2


def ours_of(module, name):
    """A torch module's parameters, or their gradients, as the docstrings say."""
    found = []
    for end in ("", "_reverse") if module.bidirectional else ("",):
        own = {
            kind: getattr(module, f"{kind}_l0{end}").detach().numpy()
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        bias = own["bias_ih"] + own["bias_hh"]
        inner = own["bias_hh"][2 * UNITS :]
        if name == "gru":
            bias = np.concatenate([bias[: 2 * UNITS], own["bias_ih"][2 * UNITS :]])
        kept = [own["weight_ih"].T, own["weight_hh"].T, bias]
        found.append([*kept, inner] if name == "gru" else kept)
    return [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]


def gradients_of(module, name):
    """The gradients of a torch module's parameters, as ours: either bias has that of the sum."""
    found = []
    for end in ("", "_reverse") if module.bidirectional else ("",):
        grad = {
            kind: getattr(module, f"{kind}_l0{end}").grad.numpy()
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        kept = [grad["weight_ih"].T, grad["weight_hh"].T, grad["bias_ih"]]
        found.append([*kept, grad["bias_hh"][2 * UNITS :]] if name == "gru" else kept)
    return [np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_it_is_the_module_of_torch(name, bidirectional):
    torch.manual_seed(0)
    module = CELLS[name](FEATURES, UNITS, batch_first=True, bidirectional=bidirectional).double()
    op = REGISTRY[name](units=UNITS, bidirectional=bidirectional)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCH, TIME, FEATURES))
    kept = ours_of(module, name)
    tensor = torch.tensor(x, requires_grad=True)
    expected, _ = module(tensor)
    found = op.forward(x, *kept)
    assert_allclose(found, expected.detach().numpy(), rtol=0, atol=1e-14)
    cotangent = rng.normal(size=found.shape)
    expected.backward(torch.tensor(cotangent))
    by_x, *by_kept = op.vjp(cotangent, found, x, *kept)
    assert_allclose(by_x, tensor.grad.numpy(), rtol=0, atol=1e-13)
    for mine, theirs in zip(by_kept, gradients_of(module, name), strict=True):
        assert_allclose(mine, theirs, rtol=0, atol=1e-12)


STEP = """
  x{t}: {{op: slice, inputs: x, axis: 1, start: {t}, stop: {after}}}
  r{t}: {{op: reshape, inputs: x{t}, shape: [batch, 3]}}
  a{t}: {{op: affine, inputs: r{t}, weight: {weight}, bias: {bias}}}
"""
CELL = """
  i{t}: {{op: slice, inputs: {gates}, axis: 1, start: 0, stop: 2}}
  f{t}: {{op: slice, inputs: {gates}, axis: 1, start: 2, stop: 4}}
  g{t}: {{op: slice, inputs: {gates}, axis: 1, start: 4, stop: 6}}
  o{t}: {{op: slice, inputs: {gates}, axis: 1, start: 6, stop: 8}}
  si{t}: {{op: sigmoid, inputs: i{t}}}
  sf{t}: {{op: sigmoid, inputs: f{t}}}
  tg{t}: {{op: tanh, inputs: g{t}}}
  so{t}: {{op: sigmoid, inputs: o{t}}}
  new{t}: {{op: multiply, inputs: [si{t}, tg{t}]}}
"""


def unrolled(steps):
    """An LSTM written as slices, affine maps, sigmoids, tanhs, products and sums."""
    text = "graphnn: 1\nnodes:\n"
    text += f"  x: {{op: input, shape: [batch, {steps}, 3]}}\n"
    text += f"  t: {{op: input, shape: [batch, {steps}, 2]}}\n"
    for t in range(steps):
        first = not t
        weight = "{xavier: {}}" if first else "{share: a0.weight}"
        bias = "{normal: {std: 0.5}}" if first else "{share: a0.bias}"
        text += STEP.format(t=t, after=t + 1, weight=weight, bias=bias)
        gates = f"a{t}"
        if t:
            recurrent = "{normal: {std: 0.5}}" if t == 1 else "{share: b1.weight}"
            text += f"  b{t}: {{op: affine, inputs: h{t - 1}, units: 8, weight: {recurrent}, "
            text += f"bias: false}}\n  z{t}: {{op: add, inputs: [a{t}, b{t}]}}\n"
            gates = f"z{t}"
        text += CELL.format(t=t, gates=gates)
        if t:
            text += f"  kept{t}: {{op: multiply, inputs: [sf{t}, c{t - 1}]}}\n"
            text += f"  c{t}: {{op: add, inputs: [kept{t}, new{t}]}}\n"
        else:
            text += "  c0: {op: identity, inputs: new0}\n"
        text += f"  tc{t}: {{op: tanh, inputs: c{t}}}\n"
        text += f"  h{t}: {{op: multiply, inputs: [so{t}, tc{t}]}}\n"
        text += f"  s{t}: {{op: reshape, inputs: h{t}, shape: [batch, 1, 2]}}\n"
    states = ", ".join(f"s{t}" for t in range(steps))
    text += f"  h: {{op: concat, inputs: [{states}], axis: 1}}\n"
    return text.replace("weight: {xavier: {}}", "units: 8") + LOSS


LOSS = "  loss: {op: mean_squared_error, inputs: [h, t]}\n"
ONE = """
graphnn: 1
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, time, 3]}
  t: {op: input, shape: [batch, time, 2]}
  h: {op: lstm, inputs: x, units: 2}
"""


def test_an_lstm_is_the_lstm_of_primitive_ops():
    steps = 6
    parts = graphnn.loads(unrolled(steps))
    whole = graphnn.loads(ONE + LOSS)
    pairs = {"h.weight": "a0.weight", "h.recurrent": "b1.weight", "h.bias": "a0.bias"}
    whole.assign({mine: parts.parameters[theirs] for mine, theirs in pairs.items()})
    rng = np.random.default_rng(2)
    rows = {"x": rng.normal(size=(4, steps, 3)), "t": rng.normal(size=(4, steps, 2))}
    assert_allclose(whole.run(x=rows["x"])["h"], parts.run(x=rows["x"])["h"], rtol=0, atol=1e-12)
    mine, theirs = graphnn.backprop(whole, rows), graphnn.backprop(parts, rows)
    for name, other in pairs.items():
        assert np.abs(theirs[other]).max() > 1e-3
        assert_allclose(mine[name], theirs[other], rtol=0, atol=1e-12)


def test_the_rows_without_a_cotangent_pass_on_nothing_though_they_are_nan():
    op = REGISTRY["lstm"](units=1)
    x = np.array([[[1.0, 2.0]], [[np.nan, 2.0]]])
    kept = np.ones((2, 4)), np.ones((1, 4)), np.zeros(4)
    with np.errstate(all="ignore"):
        output = op.forward(x, *kept)
        assert np.isnan(output[1]).all()
        found = op.vjp(np.array([[[1.0]], [[0.0]]]), output, x, *kept)
    assert not any(np.isnan(each).any() for each in found)


@pytest.mark.parametrize(
    ("nodes", "message", "help"),
    [
        (
            "{op: gru, inputs: x}",
            "cannot infer the shape of 'h': 'units' is unspecified",
            "give 'units', or 'recurrent' as numbers",
        ),
        (
            "{op: lstm, inputs: x, units: 2, bias: [1, 2, 3]}",
            "shapes do not fit at 'h': 'bias' has shape [3], but its '4*units*ways' must be 8, "
            "not 3",
            "a 'bias' that fits has shape [8]",
        ),
        (
            "{op: rnn, inputs: flat, units: 2}",
            "shapes do not fit at 'h': 'x' has shape [batch, 15], but rnn takes [batch, time, n]",
            "",
        ),
    ],
)
def test_what_does_not_fit_is_reported(nodes, message, help):
    text = (
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 5, 3]}\n"
        f"  flat: {{op: flatten, inputs: x}}\n  h: {nodes}\n"
    )
    (found,) = [each for each in graphnn.diagnose_text(text) if each.severity == "error"]
    assert (found.message, found.help) == (message, help)


def test_units_are_those_of_the_numbers_given():
    net = graphnn.loads(
        "graphnn: 1\nsizes: {time: free}\nnodes:\n  x: {op: input, shape: [batch, time, 1]}\n"
        "  h: {op: rnn, inputs: x, weight: [[0.5, 1]], recurrent: [[0, 1], [0, 0]]}\n"
    )
    found = net.run(x=[[[1.0], [2.0]]])["h"]
    first = np.tanh([0.5, 1.0])
    second = np.tanh([1.0, 2.0 + first[0]])
    assert_allclose(found, [[first, second]], rtol=1e-15)

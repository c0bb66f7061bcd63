"""Recurrent layers against primitive ops, and what they do at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import graphnn
from graphnn.ops import REGISTRY
from tables import cases

CELLS = ("rnn", "lstm", "gru")
TIME, FEATURES, UNITS = 5, 4, 2


@pytest.mark.parametrize("name", CELLS)
def test_padding_may_hold_anything_and_rows_without_steps_keep_their_state(name):
    op = REGISTRY[name](units=1, bidirectional=True, returns="last")
    width = 2 * len(op.carried)
    kept = [np.full(shape, 0.5) for shape in ((1, 2 * op.gates), (1, 2 * op.gates))]
    optional = [None] * (len(op.parameter_operands()) - 2)
    x = np.array([[[1.0], [np.nan]], [[np.nan], [np.nan]]])
    state = np.arange(2.0 * width).reshape(2, width)
    given = x, np.array([1, 0]), state, *kept, *optional
    found = op.forward(*given)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[1], state[1, :2])
    by_x, _, by_state, *by_kept = op.vjp(np.ones((2, 2)), found, *given)
    assert all(np.isfinite(each).all() for each in (by_x, by_state, *by_kept) if each is not None)
    np.testing.assert_array_equal(by_state[1, :2], [1, 1])
    assert not by_x[1].any()
    assert not by_x[0, 1].any()


# The equations of each cell in primitive ops, as the docstrings state them; the gates' columns are
# those of the op's weights.
GATE = "{{op: slice, inputs: {source}, axis: 1, start: {start}, stop: {stop}}}"
PRIMITIVE = {
    "rnn": """
      s:   {op: add, inputs: [a, b]}
      h1:  {op: tanh, inputs: s}
""",
    "lstm": """
      s:   {op: add, inputs: [a, b]}
      i:   {op: sigmoid, inputs: s.0}
      f:   {op: sigmoid, inputs: s.1}
      g:   {op: tanh, inputs: s.2}
      o:   {op: sigmoid, inputs: s.3}
      fc:  {op: multiply, inputs: [f, c]}
      ig:  {op: multiply, inputs: [i, g]}
      c1:  {op: add, inputs: [fc, ig]}
      tc:  {op: tanh, inputs: c1}
      h1:  {op: multiply, inputs: [o, tc]}
""",
    "gru": """
      sr:  {op: add, inputs: [a.0, b.0]}
      r:   {op: sigmoid, inputs: sr}
      sz:  {op: add, inputs: [a.1, b.1]}
      z:   {op: sigmoid, inputs: sz}
      rn:  {op: multiply, inputs: [r, b.2]}
      sn:  {op: add, inputs: [a.2, rn]}
      n:   {op: tanh, inputs: sn}
      d:   {op: subtract, inputs: [h, n]}
      zd:  {op: multiply, inputs: [z, d]}
      h1:  {op: add, inputs: [n, zd]}
""",
}


def of_primitive_ops(name):
    """A network of the cell as a block, repeated along the sequence."""
    cells = ["h", "c"] if name == "lstm" else ["h"]
    body = PRIMITIVE[name]
    for source in "abs":
        for number in range(4):
            if f"{source}.{number}" in body:
                start = number * UNITS
                gate = GATE.format(source=source, start=start, stop=start + UNITS)
                body = body.replace(f"{source}.{number}", f"{source}{number}")
                body = f"      {source}{number}: {gate}\n" + body
    count = REGISTRY[name].gates * UNITS
    return f"""
graphnn: 1
blocks:
  cell:
    inputs: [x, {", ".join(cells)}]
    nodes:
      a:   {{op: affine, inputs: x, units: {count}}}
      b:   {{op: affine, inputs: h, units: {count}, bias: {"zeros" if name == "gru" else "false"}}}
{body}
    output: {{{", ".join(f"{cell}: {cell}1" for cell in cells)}}}
nodes:
  x: {{op: input, shape: [batch, {TIME}, {FEATURES}]}}
  t: {{op: input, shape: [batch, {TIME}, {UNITS}]}}
{"".join(f"  {cell}: {{op: input, shape: [batch, {UNITS}]}}" + chr(10) for cell in cells)}
  y:
    block: cell
    inputs: {{x: x, {", ".join(f"{cell}: {cell}" for cell in cells)}}}
    repeat: {TIME}
    unstack: x
    stack: h
    share: true
  loss: {{op: mean_squared_error, inputs: [y.h, t]}}
"""


def of_one_op(name):
    state = "[h, c]" if name == "lstm" else "[h]"
    return f"""
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, {TIME}, {FEATURES}]}}
  t: {{op: input, shape: [batch, {TIME}, {UNITS}]}}
  h: {{op: input, shape: [batch, {UNITS}]}}
{f"  c: {{op: input, shape: [batch, {UNITS}]}}" if name == "lstm" else ""}
  start: {{op: concat, inputs: {state}, axis: 1}}
  y: {{op: {name}, inputs: {{x: x, state: start}}, units: {UNITS}}}
  loss: {{op: mean_squared_error, inputs: [y, t]}}
"""


@pytest.mark.parametrize("name", CELLS)
def test_one_op_is_the_block_of_primitive_ops(name):
    parts, whole = graphnn.loads(of_primitive_ops(name)), graphnn.loads(of_one_op(name))
    rng = np.random.default_rng(2)
    pairs = {"y.weight": "y.1.a.weight", "y.recurrent": "y.1.b.weight", "y.bias": "y.1.a.bias"}
    parts.assign({each: rng.normal(size=parts.parameters[each].shape) for each in pairs.values()})
    if name == "gru":
        bias = np.zeros(3 * UNITS)
        bias[2 * UNITS :] = rng.normal(size=UNITS)  # of r and z, a has the bias
        parts.assign({"y.1.b.bias": bias})
        whole.assign({"y.recurrent_bias": bias[2 * UNITS :]})
    whole.assign({mine: parts.parameters[other] for mine, other in pairs.items()})
    shapes = {"x": (4, TIME, FEATURES), "t": (4, TIME, UNITS), "h": (4, UNITS), "c": (4, UNITS)}
    rows = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    rows = {key: value for key, value in rows.items() if key != "c" or name == "lstm"}
    given = {key: value for key, value in rows.items() if key != "t"}
    found = whole.run(given, outputs=["y"])["y"]
    assert_allclose(found, parts.run(given, outputs=["y.h"])["y.h"], rtol=0, atol=1e-12)
    mine, other = graphnn.backprop(whole, rows), graphnn.backprop(parts, rows)
    if name == "gru":
        mine = {**mine, "inner": mine["y.recurrent_bias"]}
        other = {**other, "inner": other["y.1.b.bias"][2 * UNITS :]}
        pairs["inner"] = "inner"
    for key, place in pairs.items():
        assert np.abs(other[place]).max() > 1e-3
        assert_allclose(mine[key], other[place], rtol=0, atol=1e-12)


ENCODER_DECODER = """
graphnn: 1
sizes: {asked: free, told: free}
nodes:
  x: {op: input, shape: [batch, asked, 3]}
  n: {op: input, shape: [batch], dtype: int}
  w: {op: input, shape: [batch, told, 3]}
  read: {op: lstm, inputs: {x: x, lengths: n}, units: 2, returns: state}
  told: {op: lstm, inputs: {x: w, state: read}, units: 2}
"""


def test_a_decoder_goes_on_from_what_an_encoder_has_read():
    net = graphnn.loads(ENCODER_DECODER)
    pairs = ("weight", "recurrent", "bias")
    net.assign({f"told.{each}": net.parameters[f"read.{each}"] for each in pairs})
    x = np.random.default_rng(0).normal(size=(2, 6, 3))
    ragged = x[:, :4].copy()
    ragged[1, 2:] = 9.0
    joint = np.stack([x[0], np.concatenate([x[1, :2], x[1, 4:], np.zeros((2, 3))])])
    found = net.run(x=ragged, n=np.array([4, 2]), w=x[:, 4:])["told"]
    op = REGISTRY["lstm"](units=2)
    whole = op.forward(joint, None, None, *(net.parameters[f"read.{each}"] for each in pairs))
    assert_allclose(found[0], whole[0, 4:], rtol=0, atol=1e-15)
    assert_allclose(found[1], whole[1, 2:4], rtol=0, atol=1e-15)


def test_both_gradients_agree_where_a_state_is_given_and_no_lengths():
    net = graphnn.loads(
        ENCODER_DECODER + "  loss: {op: mean_squared_error, inputs: [told, goal]}\n"
        "  goal: {op: input, shape: [batch, told, 2]}\n"
    )
    rng = np.random.default_rng(3)
    rows = {
        "x": rng.normal(size=(3, 4, 3)),
        "n": np.array([4, 0, 2]),
        "w": rng.normal(size=(3, 2, 3)),
        "goal": rng.normal(size=(3, 2, 2)),
    }
    graphnn.testing.assert_gradients_agree(net, rows)


def test_the_rows_without_a_cotangent_pass_on_nothing_though_they_are_nan():
    op = REGISTRY["lstm"](units=1)
    x = np.array([[[1.0, 2.0]], [[np.nan, 2.0]]])
    kept = np.ones((2, 4)), np.ones((1, 4)), np.zeros(4)
    with np.errstate(all="ignore"):
        output = op.forward(x, None, None, *kept)
        assert np.isnan(output[1]).all()
        found = op.vjp(np.array([[[1.0]], [[0.0]]]), output, x, None, None, *kept)
    assert not any(np.isnan(each).any() for each in found if each is not None)


@cases("""
    nodes | message | help
    {op: gru, inputs: x} | cannot infer the shape of 'h': 'units' is unspecified
        | give 'units', or 'recurrent' as numbers
    {op: lstm, inputs: x, units: 2, bias: [1, 2, 3]}
        | shapes do not fit at 'h': 'bias' has shape [3], but its '4*units*ways' must be 8, not 3
        | a 'bias' that fits has shape [8]
    {op: rnn, inputs: flat, units: 2}
        | shapes do not fit at 'h': 'x' has shape [batch, 15], but rnn takes [batch, time, n] |
""")
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

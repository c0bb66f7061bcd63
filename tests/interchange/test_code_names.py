"""Names and remarks that mean something else in Python, and structure of every kind, as code."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings

import graphnn
from graphnn.ops import REGISTRY
from graphnn.testing.strategies import networks
from places import ROOT
from written_code import (
    assert_numpy_is,
    assert_torch_is,
    batch,
    close_gradients,
    exported,
    jumps,
    moved,
)

STYLES = {"numpy": assert_numpy_is, "torch": assert_torch_is}
BOTH = ["numpy", pytest.param("torch", marks=pytest.mark.oracle)]
HOSTILE = r"""
graphnn: 1
name: "quotes \" and ''' and \\ and é"
description: 'a TRIPLE b \ c'
blocks:
  class:
    about: 'says "hi" TRIPLE and \n'
    inputs: [lambda, x]
    nodes:
      forward: {op: affine, inputs: lambda, units: 3}
      s: {op: add, inputs: [forward, x]}
      self: {op: relu, inputs: s, about: 'a TRIPLE # with \ signs'}
    output: self
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 3]}
  import: {op: affine, inputs: x, units: 3}
  l: {op: sigmoid, inputs: import}
  softmax: {op: softmax, inputs: l}
  a-1: {op: affine, inputs: softmax, units: 3, weight: {share: import.weight}}
  params: {op: parameter, value: [1, 2, 3]}
  np: {op: multiply, inputs: [a-1, params]}
  train: {op: batch_norm, inputs: np}
  def-1: {block: class, inputs: [train, np]}
  def: {block: class, inputs: [np, def-1]}
  big: {op: constant, value: [[0.5, 1, 2], [3, 4, 5], [6, 7, 8]]}
  m: {op: matmul, inputs: [def, big]}
  print: {op: mean_squared_error, inputs: [m, t]}
outputs: [m, def]
""".replace("TRIPLE", '"' * 3)

STATES = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  s: {op: standardize, inputs: x}
  a: {op: affine, inputs: s, units: 2}
  t: {op: input, shape: [batch, 2]}
  l: {op: mean_squared_error, inputs: [a, t]}
"""
READ_TWICE = """
graphnn: 1
blocks:
  scaled:
    inputs: [p, q]
    nodes:
      s: {op: sigmoid, inputs: p}
      r: {op: multiply, inputs: [s, q]}
    output: r
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: 3}
  b: {op: affine, inputs: x, units: 3}
  u: {block: scaled, inputs: %s}
  v: {block: scaled, inputs: %s}
  y: {op: multiply, inputs: [u, b]}
  z: {op: add, inputs: [y, v]}
  l: {op: mean_squared_error, inputs: [z, t]}
"""
WHOLE = """
graphnn: 1
blocks:
  differs:
    inputs: p
    nodes: {w: {op: parameter, value: 0}, d: {op: not_equal, inputs: [p, w]}}
    output: d
  outer:
    inputs: p
    nodes:
      d: {block: differs, inputs: p}
      f: {op: cast, inputs: d, dtype: float}
      w: {op: parameter, value: 2}
      y: {op: multiply, inputs: [f, w]}
    output: y
nodes:
  x: {op: input, shape: [batch]}
  d: {block: differs, inputs: x}
  f: {op: cast, inputs: d, dtype: float}
  y: {block: outer, inputs: f}
  t: {op: input, shape: [batch]}
  l: {op: mean_squared_error, inputs: [y, t]}
"""
TURNED = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2, 3]}
  h: {op: rnn, inputs: x, units: 3}
  y: {op: affine, inputs: h, units: 3, weight: {share: h.recurrent}}
  z: {op: affine, inputs: y, units: 3, bias: false, weight: {share: y.weight}}
  t: {op: input, shape: [batch, 2, 3]}
  l: {op: mean_squared_error, inputs: [z, t]}
"""
# Here the affine map comes first, and keeps the weight.
TURNED_FIRST = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2, 3]}
  y: {op: affine, inputs: x, units: 3}
  h: {op: rnn, inputs: y, units: 3, recurrent: {share: y.weight}}
  other: {op: affine, inputs: h, units: 3}
  t: {op: input, shape: [batch, 2, 3]}
  l: {op: mean_squared_error, inputs: [other, t]}
"""
TIED_IN_ONE = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2, 1]}
  h: {op: lstm, inputs: x, units: 1, recurrent: {share: h.weight}}
  t: {op: input, shape: [batch, 2, 1]}
  l: {op: mean_squared_error, inputs: [h, t]}
"""
WHOLE_CONSTANT = """
graphnn: 1
nodes:
  c: {op: constant, value: [[0, 1, 0], [1, 0, 0], [0, 0, 0]], dtype: int}
  e: {op: embedding, inputs: c, vocabulary: 2, units: 1}
  t: {op: input, shape: [3, 3, 1]}
  l: {op: mean_squared_error, inputs: [e, t]}
"""
KINKS = """
graphnn: 1
nodes:
  w: {op: parameter, value: [-3, 3, 1, -4, 4]}
  h: {op: %s, inputs: w}
  t: {op: constant, value: [1, 2, 1, 2, 1]}
  l: {op: mean_squared_error, inputs: [h, t]}
"""
TRAINED = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  optimizer: {adam: {learning_rate: 0.1, beta1: 0.8, schedule: {cosine: {floor: 0.1}}}}
  batch_size: 10
  epochs: 8
"""


@pytest.mark.parametrize("style", BOTH)
def test_hostile_names_and_remarks_give_valid_code(style, tmp_path):
    STYLES[style](moved(graphnn.loads(HOSTILE, seed=0)), tmp_path)


@pytest.mark.parametrize("style", BOTH)
def test_what_is_kept_but_not_learned_is_no_parameter(style, tmp_path):
    code = STYLES[style](moved(graphnn.loads(STATES, seed=0)), tmp_path)
    assert ("self.s.requires_grad_(False)" in code) == (style == "torch")


@pytest.mark.parametrize("style", BOTH)
def test_parameters_behind_whole_numbers_move_nothing(style, tmp_path):
    STYLES[style](moved(graphnn.loads(WHOLE, seed=0)), tmp_path)


@pytest.mark.parametrize("style", BOTH)
def test_a_layer_may_share_with_itself(style, tmp_path):
    STYLES[style](moved(graphnn.loads(TIED_IN_ONE, seed=0)), tmp_path, linted=False)


@pytest.mark.parametrize("style", BOTH)
def test_large_constants_of_whole_numbers_stay_whole(style, tmp_path):
    STYLES[style](moved(graphnn.loads(WHOLE_CONSTANT, seed=0)), tmp_path)


@pytest.mark.parametrize("op", ["hard_sigmoid", "hard_swish"])
@pytest.mark.parametrize("style", BOTH)
def test_slopes_are_the_same_where_they_jump(style, op, tmp_path):
    STYLES[style](graphnn.loads(KINKS % op).astype("float64"), tmp_path)


@pytest.mark.parametrize("style", BOTH)
@pytest.mark.parametrize("spec", [TURNED, TURNED_FIRST])
def test_a_weight_that_torch_has_both_ways_is_written_as_it_is(style, spec, tmp_path):
    code = STYLES[style](moved(graphnn.loads(spec, seed=0)), tmp_path, linted=False)
    assert ('F.linear(h, self.y["weight"].T, self.y["bias"])' in code) == (
        style == "torch" and spec is TURNED
    )


def test_what_one_call_gives_is_computed_once(tmp_path):
    code = assert_numpy_is(moved(graphnn.loads(TIED_IN_ONE, seed=0)), tmp_path, linted=False)
    assert code.count("lstm_back(") == 2  # where it is defined, and where it is called
    assert 'grads["h.weight"] = d_h_parts[2]' in code
    assert code.count("d_h_parts[") == 3


@pytest.mark.parametrize("style", BOTH)
@pytest.mark.parametrize("examples", [15, pytest.param(150, marks=pytest.mark.slow)])
def test_networks_of_every_kind_compute_the_same(style, examples, tmp_path):
    @settings(max_examples=examples, deadline=None)
    @given(networks())
    def law(case):
        try:
            net = case.network().astype("float64")
            STYLES[style](net, tmp_path, linted=False, rounded=True)
        except graphnn.RunError as error:
            # The batch is not the case's, whose values are finite.
            assert error.diagnostics[0].code in ("not-in-code", "not-finite")
        except AssertionError:
            if not jumps(net, batch(net)):
                raise

    law()


@pytest.mark.parametrize(("value", "found"), [(1.0, True), (1.0 + 1e-9, False)])
def test_a_whole_number_is_a_jump_of_what_is_rounded_down(value, found):
    nodes = {"w": {"op": "parameter", "value": [value]}}
    nodes["y"] = {"op": "floor_divide", "inputs": "w", "divisor": 1}
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    assert jumps(net, {}) == found


@pytest.mark.parametrize(
    ("bound", "slope", "same"),
    [(0.3, 0.0, True), (0.3, 1.0, True), (0.3, 1.1, False), (0.3 + 1e-9, 0.0, False)],
)
def test_a_slope_may_be_that_of_either_side_of_a_kink_within_rounding(bound, slope, same):
    text = "{graphnn: 1, nodes: {w: {op: parameter, value: 0.3}, y: {op: clip, inputs: w, high: %r}"
    text += ", l: {op: sum, inputs: y}}, train: {loss: l}}"
    net = graphnn.loads(text % bound).astype("float64")
    found = {"w.value": np.array(slope)}
    with nullcontext() if same else pytest.raises(AssertionError):
        close_gradients(found, net, {}, rounded=True)
    with nullcontext() if slope == 1 else pytest.raises(AssertionError):
        close_gradients(found, net, {})


@pytest.mark.parametrize("read", ["[a, b]", "[b, a]", "[a, a]"])
def test_blocks_pass_back_to_what_others_read_too(read, tmp_path):
    code = assert_numpy_is(moved(graphnn.loads(READ_TWICE % (read, read), seed=0)), tmp_path)
    assert ("more, more_ = " in code) == (read != "[a, a]")


@pytest.mark.parametrize("style", BOTH)
def test_a_single_number_is_an_array_too(style, tmp_path):
    text = "{c: {op: constant, value: 0.5}, r: {op: reshape, inputs: c, shape: [1]}, "
    text += "w: {op: parameter, value: [2]}, y: {op: multiply, inputs: [r, w]}}"
    STYLES[style](graphnn.loads(f"{{graphnn: 1, nodes: {text}}}"), tmp_path)


def test_a_node_that_blocks_do_not_give_is_refused(tmp_path):
    text = """
graphnn: 1
blocks:
  b: {inputs: x, nodes: {a: {op: relu, inputs: x}, z: {op: tanh, inputs: a}}, output: z}
nodes: {x: {op: input, shape: [batch, 2]}, h: {block: b, inputs: x}}
"""
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(text), tmp_path / "n.py", style="numpy", outputs=["h.a"])
    assert str(caught.value) == (
        "error[not-in-code]: 'h.a' lies in a block, whose code gives its output alone"
    )
    assert [*tmp_path.iterdir()] == []


def test_an_op_without_a_form_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(REGISTRY["tanh"], "numpy", "")
    net = graphnn.loads(
        "{graphnn: 1, nodes: {w: {op: parameter, value: 1}, y: {op: tanh, inputs: w}}}"
    )
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(net, tmp_path / "n.py", style="numpy")
    message = "'y' (tanh): the op states no NumPy form ('numpy')"
    assert str(caught.value) == f"error[not-in-code]: {message}"


@pytest.mark.oracle
def test_main_trains_on_rows(tmp_path, capsys, monkeypatch):
    np.savez(tmp_path / "rows.npz", x=np.eye(20, 3), t=np.arange(20) % 2)
    net = graphnn.loads(TRAINED, seed=0)
    space = exported(net, tmp_path, "torch")
    space["main"](tmp_path / "rows.npz")
    losses = [float(line.rpartition(" ")[2]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 8
    assert losses[-1] < losses[0]
    assert (tmp_path / "net.pt").exists()


NAMED_BLOCK = """
graphnn: 1
blocks:
  %s:
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 3}, z: {op: relu, inputs: a}}
    output: z
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 3]}
  h: {block: %s, inputs: x, repeat: 2}
  l: {op: mean_squared_error, inputs: [h, t]}
train: {data: {npz: rows.npz}}
"""


@pytest.mark.parametrize(
    "name",
    [
        *("forward", "loss", "gradient", "load_weights", "WEIGHTS"),
        *("network", "data-loader", "tensor-dataset", "module", "main"),
    ],
)
@pytest.mark.parametrize("style", BOTH)
def test_blocks_named_as_what_the_file_defines(style, name, tmp_path):
    STYLES[style](moved(graphnn.loads(NAMED_BLOCK % (name, name))), tmp_path)


@pytest.mark.parametrize("style", ["numpy", "torch"])
def test_no_file_that_the_spec_reads_is_replaced(style, tmp_path):
    spec = NAMED_BLOCK % ("b", "b")
    (tmp_path / "net.yaml").write_text(spec, encoding="utf-8")
    np.savez(tmp_path / "rows.npz", x=np.ones((4, 3)), t=np.ones((4, 3)))
    before = (tmp_path / "rows.npz").read_bytes()
    net = graphnn.load(tmp_path / "net.yaml")
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.export(net, tmp_path / "rows.py", style=style)
    assert str(caught.value) == (
        f"error[file-exists]: the spec reads '{tmp_path / 'rows.npz'}', which would be replaced by "
        "the parameters\n   = help: give the code another name"
    )
    assert (tmp_path / "rows.npz").read_bytes() == before
    assert not (tmp_path / "rows.py").exists()


@pytest.mark.parametrize("style", ["numpy", "torch"])
def test_a_folder_in_place_of_the_code_keeps_the_weights_that_are_there(tmp_path, style):
    (tmp_path / "net.py").mkdir()
    (tmp_path / "net.npz").write_text("mine")
    net = graphnn.load(ROOT / "specs" / "three_layer.yaml")
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.export(net, tmp_path / "net.py", style=style)
    assert str(caught.value) == (
        f"error[not-a-file]: '{tmp_path / 'net.py'}' is a folder, not a file"
    )
    assert (tmp_path / "net.npz").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.npz", "net.py"]

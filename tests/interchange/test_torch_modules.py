"""Networks as modules of torch, and states of torch taken back."""

from __future__ import annotations

import traceback
import warnings

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import RunError, UsageError
from places import ROOT
from written_code import batch, close, moved, several, taken

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
SPECS = sorted(
    path for path in (ROOT / "specs").rglob("*.yaml") if "\nnodes:" in path.read_text("utf-8")
)
NETWORK = """
graphnn: 1
blocks:
  layer:
    inputs: [x]
    nodes:
      fc: {op: affine, inputs: x, units: 4}
      norm-1: {op: batch_norm, inputs: fc}
    output: norm-1
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch, 4]}
  h: {block: layer, inputs: x, repeat: 2}
  class: {op: affine, inputs: h, weight: {share: h.1.fc.weight}}
  c: {op: constant, value: [1, 2, 3, 4]}
  many: {op: constant, value: [[1, 2, 3, 4], [1, 2, 3, 4], [5, 6, 7, 8]]}
  total: {op: sum, inputs: many, axis: 0}
  s: {op: multiply, inputs: [class, c]}
  y: {op: add, inputs: [s, total]}
  loss: {op: mean_squared_error, inputs: [y, t]}
"""


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_module_computes_what_the_network_does_and_gives_its_state_back(path):
    assert_same(graphnn.load(path))


@pytest.mark.parametrize("keeper", ["h.recurrent", "y.weight"])
def test_a_matrix_that_layers_have_both_ways_is_taken_back(keeper):
    text = """
    graphnn: 1
    nodes:
      x: {op: input, shape: [batch, 2, 3]}
      h: {op: rnn, inputs: x, units: 3, %s}
      y: {op: affine, inputs: h, units: 3, %s}
    """
    shares = {"h.recurrent": "", "y.weight": ""}
    (other,) = shares.keys() - {keeper}
    shares[other] = f"{other.partition('.')[2]}: {{share: {keeper}}}"
    first, second = (graphnn.loads(text % tuple(shares.values()), seed=n) for n in (1, 2))
    module = graphnn.to_torch(first)
    x = np.random.default_rng(0).normal(size=(2, 2, 3))
    with torch.no_grad():
        found = module(torch.tensor(x, dtype=module.y.weight.dtype)).numpy()
    np.testing.assert_allclose(found, first.run(x=x)["y"], rtol=2e-5, atol=1e-6)
    graphnn.from_torch_state(second, module.state_dict())
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(second.arrays[name], array)


def test_blocks_constants_shared_weights_and_names_that_python_lacks():
    assert_same(graphnn.loads(NETWORK))


def assert_same(net):
    net = moved(net)
    module, rows = graphnn.to_torch(net).eval(), batch(net)
    given, named = taken(module.forward, rows, skip=0)
    tensors = [torch.from_numpy(np.asarray(array)) for array in given]
    expected = net.run(named)
    for (name, value), found in zip(expected.items(), several(module(*tensors)), strict=True):
        close(found.detach().numpy(), value, 1e-12, name)
    again = moved(net)  # once more
    for name, array in again.arrays.items():
        assert (array != net.arrays[name]).all()
    graphnn.from_torch_state(again, module.state_dict())
    for name, array in again.arrays.items():
        assert array.tobytes() == net.arrays[name].tobytes(), name


def test_a_module_has_copies_in_the_dtype_of_the_network():
    net = graphnn.loads(NETWORK).astype("float32")
    module = graphnn.to_torch(net)
    assert {each.dtype for each in module.parameters()} == {torch.float32}
    before = net.arrays["h.1.fc.bias"].copy()
    with torch.no_grad():
        module.h["1"].fc.bias += 1
    assert np.array_equal(net.arrays["h.1.fc.bias"], before)
    assert module.training


def test_chosen_outputs():
    net = graphnn.loads(NETWORK)
    found = graphnn.to_torch(net, outputs=["total"])()
    assert found.tolist() == [7, 10, 13, 16]
    with pytest.raises(UsageError) as caught:
        graphnn.to_torch(net, outputs=["totla"])
    assert caught.value.diagnostics[0].help == "did you mean 'total'?"


def test_a_traceback_shows_the_line_of_the_module():
    module = graphnn.to_torch(graphnn.loads(NETWORK))
    with pytest.raises(RuntimeError) as caught:
        module(torch.zeros(2, 5, dtype=torch.float64))
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "fc = self.fc(x)" in lines


def theirs():
    """A module of somebody else."""
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))


OTHERS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  a: {op: affine, inputs: x, units: 3}
  y: {op: affine, inputs: a, units: 2}
"""


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_a_state_of_any_precision(dtype):
    net = graphnn.loads(OTHERS)
    module = theirs().to(getattr(torch, dtype))
    graphnn.from_torch_state(net, module.state_dict(), names={"0": "a", "1": "y"})
    x = np.random.default_rng(0).normal(size=(5, 4))
    expected = module.double()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(net(x), expected, rtol=1e-12)


def test_a_file_of_bfloat16(tmp_path):
    from safetensors.torch import save_file

    net = graphnn.loads(OTHERS)
    module = theirs().to(torch.bfloat16)
    save_file(module.state_dict(), tmp_path / "model.safetensors")
    net.load_weights(tmp_path / "model.safetensors", names={"0": "a", "1": "y"}, layout="torch")
    state = module.double().state_dict()
    assert np.array_equal(net.arrays["a.weight"], state["0.weight"].numpy().T)
    assert np.array_equal(net.arrays["y.bias"], state["1.bias"].numpy())


def test_tensors_without_real_numbers_are_refused_by_name():
    net = graphnn.loads(OTHERS)
    state = {
        f"{new}.{key}": value
        for old, new in (("0", "a"), ("1", "y"))
        for key, value in theirs()[int(old)].state_dict().items()
    }
    state["a.bias"] = state["a.bias"].to(torch.complex64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of torch, which is to give them up
        state["y.bias"] = torch.quantize_per_tensor(state["y.bias"], 0.1, 0, torch.qint8)
    before = net.arrays["y.weight"].copy()
    with pytest.raises(RunError) as caught:
        graphnn.from_torch_state(net, state)
    assert str(caught.value) == (
        "error[not-numbers]: 'a.bias' in the state is not an array of numbers\n\n"
        "error[not-numbers]: 'y.bias' in the state is not an array of numbers"
    )
    assert np.array_equal(net.arrays["y.weight"], before)


def test_a_tensor_without_data_is_refused_by_name():
    net = graphnn.loads(OTHERS)
    with pytest.raises(RunError) as caught:
        graphnn.from_torch_state(net, {"a.bias": torch.zeros(4, device="meta")}, partial=True)
    message = "error[not-numbers]: 'a.bias' in the state is not an array of numbers"
    assert str(caught.value) == message


def test_a_name_in_a_state_that_is_not_text():
    with pytest.raises(UsageError) as caught:
        graphnn.from_torch_state(graphnn.loads(OTHERS), {1: torch.zeros(4)})
    assert str(caught.value) == (
        "error[bad-option]: a state is a mapping of names to tensors, but 1 is not a name"
    )


def test_a_module_in_place_of_its_state():
    net = graphnn.loads(OTHERS)
    with pytest.raises(UsageError) as caught:
        graphnn.from_torch_state(net, theirs())
    assert str(caught.value) == (
        "error[bad-option]: a state is a mapping of names to tensors, not Sequential\n"
        "   = help: give its state: module.state_dict()"
    )


def test_part_of_a_state():
    net = graphnn.loads(OTHERS)
    state = {"a.bias": torch.ones(3)}
    with pytest.raises(RunError) as caught:
        graphnn.from_torch_state(net, state)
    assert [each.message for each in caught.value.diagnostics] == [
        "the state has no value for a.weight, y.weight, y.bias"
    ]
    graphnn.from_torch_state(net, state, partial=True)
    assert net.arrays["a.bias"].tolist() == [1, 1, 1]


def test_training_in_torch_and_back():
    net = graphnn.loads(NETWORK)
    module, rows = graphnn.to_torch(net), batch(net)
    given, named = taken(module.loss, rows, skip=0)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    before = net.loss(named)
    for _ in range(20):
        optimizer.zero_grad()
        module.loss(*[torch.from_numpy(array) for array in given]).backward()
        optimizer.step()
    graphnn.from_torch_state(net, module.state_dict())
    module.eval()
    after = module.loss(*[torch.from_numpy(array) for array in given]).item()
    close(net.loss(named), after, 1e-12)
    assert after != before


@pytest.mark.parametrize("bidirectional", [False, True], ids=["forth", "both"])
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers_of_torch_compute_the_same_here(cell, bidirectional):
    torch.manual_seed(0)
    how = {"num_layers": 2, "batch_first": True, "bidirectional": bidirectional}
    layers = getattr(torch.nn, cell)(3, 4, **how).double()
    head = torch.nn.Linear(8 if bidirectional else 4, 2).double()
    op = f"op: {cell.lower()}, units: 4, bidirectional: {str(bidirectional).lower()}"
    net = graphnn.loads(
        "graphnn: 1\ndtype: float64\nnodes:\n"
        "  x: {op: input, shape: [batch, 5, 3]}\n"
        f"  h: {{{op}, inputs: x}}\n  top: {{{op}, inputs: h}}\n"
        "  y: {op: affine, inputs: top, units: 2}\n"
    )
    state = {
        **{f"rnn.{name}": tensor for name, tensor in layers.state_dict().items()},
        **{f"head.{name}": tensor for name, tensor in head.state_dict().items()},
    }
    above = {name: name.replace("rnn.", "top.").replace("_l1", "_l0") for name in state}
    names = {"rnn": "h", "head": "y", **{k: to for k, to in above.items() if "_l1" in k}}
    graphnn.from_torch_state(net, state, names=names)
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    with torch.no_grad():
        expected = head(layers(torch.from_numpy(x))[0]).numpy()
    np.testing.assert_allclose(net.run(x=x)["y"], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
def test_a_training_that_torch_lacks_is_of_no_consequence():
    pytest.importorskip("torch")
    train = "train: {data: {npz: r.npz}, optimizer: {sgd: {schedule: {cosine: {warm_up: 1}}}}}"
    net = graphnn.loads(
        "graphnn: 1\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 2]}\n"
        "  y: {op: affine, inputs: x, units: 2}\n"
        f"  l: {{op: mean_squared_error, inputs: [y, x]}}\n{train}\n"
    )
    assert [name for name, _ in graphnn.to_torch(net).named_parameters()] == ["y.weight", "y.bias"]

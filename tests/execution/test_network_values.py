"""A network's runs, losses and parameters, as its users hold them."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.diagnostics import RunError, UsageError
from graphnn.graph.arrays import FINITE

TEXT = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, weight: [[1], [2]], bias: [0.5]}
  l: {op: mean_squared_error, inputs: [y, t]}
  m: {op: sum_squared_error, inputs: [y, t]}
  n: {op: sum, inputs: y}
outputs: [y]
"""
X, T = [[1.0, 1.0], [0.0, 2.0]], [[3.0], [5.0]]  # y is 3.5 and 4.5, both 0.5 off


@pytest.fixture
def net():
    return graphnn.loads(TEXT)


def test_run_by_keyword_by_mapping_and_by_both(net):
    for found in (net.run(x=X), net.run({"x": X}), net.run({"x": T}, x=X)):
        assert {name: array.tolist() for name, array in found.items()} == {"y": [[3.5], [4.5]]}


def test_run_of_other_nodes(net):
    assert list(net.run(x=X, outputs=["n", "y", "n"])) == ["n", "y"]
    assert net.run(x=X, outputs="n")["n"] == 8
    assert net.run(outputs=[]) == {}
    with pytest.raises(UsageError) as caught:
        net.run(x=X, outputs="yy")
    assert str(caught.value) == (
        "error[unknown-node]: there is no node 'yy'\n   = help: did you mean 'y'?"
    )


def test_losses(net):
    assert net.losses() == ("l", "m")
    assert net.loss(x=X, t=T) == 0.25 + 0.125
    assert net.loss({"x": X, "t": T}, loss="m") == 0.125
    assert net.loss(x=X, t=T, loss=["l", "l"]) == 0.25
    assert net.loss(x=X, loss="n") == 8
    assert net.loss(x=X, loss="y") == 4
    with pytest.raises(UsageError) as caught:
        net.loss(x=X, t=T, loss="lost")
    assert str(caught.value) == "error[unknown-node]: there is no node 'lost'"


def test_a_single_number_is_its_own_loss():
    net = graphnn.loads("{graphnn: 1, nodes: {p: {op: parameter, value: 3}}}")
    assert net.losses() == ("p",)
    assert net.loss() == 3


@pytest.mark.parametrize(
    "nodes",
    [
        "p: {op: parameter, value: [3]}",
        "p: {op: parameter, value: 3}, q: {op: parameter, value: 4}",
    ],
)
def test_no_loss(nodes):
    with pytest.raises(UsageError) as caught:
        graphnn.loads(f"{{graphnn: 1, nodes: {{{nodes}}}}}").loss()
    assert str(caught.value) == (
        "error[no-loss]: the network has no loss\n"
        "   = help: add a loss op, or name a node: 'train: {loss: NODE}' or loss=..."
    )


# --- parameters


def test_assign(net):
    weight = net.parameters["y.weight"]
    net.assign({"y.weight": [[3], [4]]})
    assert net.parameters["y.weight"] is weight
    assert net.run(x=X)["y"].tolist() == [[7.5], [8.5]]
    weight[0] = 0
    assert net.run(x=X)["y"].tolist() == [[4.5], [8.5]]
    with pytest.raises(TypeError):
        net.parameters["y.weight"] = weight


def test_assign_all_or_nothing(net):
    before = {name: array.copy() for name, array in net.parameters.items()}
    values = {"y.bias": [9.0], "y.weight": [[1, 2]], "y.wieght": [[1], [2]], "other": 3}
    with pytest.raises(RunError) as caught:
        net.assign(values)
    assert str(caught.value) == (
        "error[wrong-shape]: 'y.weight' has shape [2, 1], but [1, 2] in the mapping given\n"
        "   = help: torch has it in this shape: if it is of torch, give the layout 'torch'\n\n"
        "error[unknown-parameter]: 'y.wieght' in the mapping given "
        "is not a parameter of the network\n"
        "   = help: did you mean 'y.weight'?\n\n"
        "error[unknown-parameter]: 'other' in the mapping given is not a parameter of the network"
    )
    for name, array in net.parameters.items():
        assert np.array_equal(array, before[name])


@pytest.mark.parametrize("value", [["a"], [[1], [2, 3]], None, [1j], {"a": 1}])
def test_assign_what_is_no_array(net, value):
    with pytest.raises(RunError) as caught:
        net.assign({"y.weight": [[9], [9]], "y.bias": value}, origin="'w.npz'")
    assert str(caught.value) == "error[not-numbers]: 'y.bias' in 'w.npz' is not an array of numbers"
    assert net.parameters["y.weight"].tolist() == [[1], [2]]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_saved_and_loaded(tmp_path, suffix, dtype):
    net = graphnn.loads(f"dtype: {dtype}{TEXT}")
    net.assign({"y.weight": [[1 / 3], [1e-300]], "y.bias": [-0.0]})
    path = tmp_path / f"w{suffix}"
    net.save(str(path))
    assert list(tmp_path.iterdir()) == [path]
    other = graphnn.loads(f"dtype: {dtype}{TEXT}weights: {{file: w{suffix}}}", folder=tmp_path)
    for name, array in net.parameters.items():
        assert other.parameters[name].dtype == array.dtype
        assert other.parameters[name].tobytes() == array.tobytes()


def test_weights_read_into_a_network(net, tmp_path):
    other = graphnn.loads(TEXT)
    other.assign({"y.weight": [[8], [9]], "y.bias": [7]})
    other.classes = {"x": ("cat", "dog")}
    other.save(tmp_path / "w.safetensors")
    net.load_weights(tmp_path / "w.safetensors", partial=True)
    assert net.classes is None
    net.load_weights(tmp_path / "w.safetensors")
    assert net.classes == other.classes
    assert net.parameters["y.weight"].tolist() == [[8], [9]]
    assert net.parameters["y.bias"].tolist() == [7]


@pytest.mark.parametrize(
    ("bias", "text"),
    [
        (np.zeros(2), "error[wrong-shape]: 'y.bias' has shape [1], but [2] in 'w.npz'"),
        ([np.nan], f"error[not-finite]: 'y.bias' holds NaN at [0] in 'w.npz'\n   = help: {FINITE}"),
    ],
)
def test_weights_that_a_network_does_not_take(net, tmp_path, bias, text):
    np.savez(tmp_path / "w.npz", **{"y.bias": bias})
    with pytest.raises(RunError) as caught:
        net.load_weights(str(tmp_path / "w.npz"), partial=True)
    assert str(caught.value) == text


def test_state_is_kept_apart_and_saved_with_the_rest(tmp_path):
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  y: {op: batch_norm, inputs: x}
""")
    assert net.trainable == tuple(net.parameters)
    assert net.state
    assert not net.state.keys() & net.parameters.keys()
    assert net.arrays.keys() == net.state.keys() | net.parameters.keys()
    for number, name in enumerate(net.arrays, 1):
        net.assign({name: np.full(net.arrays[name].shape, number)})
    net.save(tmp_path / "w.safetensors")
    other = net.astype("float32")
    other.assign({name: np.zeros(array.shape) for name, array in other.arrays.items()})
    other.load_weights(tmp_path / "w.safetensors")
    for name, array in net.arrays.items():
        assert np.array_equal(other.arrays[name], array)


def test_a_single_number_saved_and_loaded(tmp_path):
    text = "{graphnn: 1, nodes: {p: {op: parameter, value: 3}}, weights: {file: w.FORM}}"
    for form in ("npz", "safetensors"):
        net = graphnn.loads(text.replace(", weights: {file: w.FORM}", ""))
        net.assign({"p.value": 7})
        net.save(tmp_path / f"w.{form}")
        loaded = graphnn.loads(text.replace("FORM", form), folder=tmp_path)
        assert loaded.parameters["p.value"].shape == ()
        assert loaded.parameters["p.value"] == 7


def test_astype(net):
    net.assign({"y.weight": [[1 / 3], [1e300]]})
    narrow = net.astype("float32")
    assert narrow.dtype == np.float32
    assert narrow.parameters["y.weight"].tolist() == [[np.float32(1 / 3)], [np.inf]]
    wide = net.astype("float64")
    wide.parameters["y.weight"][...] = 0
    assert net.parameters["y.weight"][0, 0] == 1 / 3
    net.assign({"y.weight": [[1], [2]]})
    found = net.astype("float32").run(x=X)["y"]
    assert found.dtype == np.float32
    assert found.tolist() == [[3.5], [4.5]]
    assert net.run(x=X)["y"].dtype == np.float64
    with pytest.raises(UsageError) as caught:
        net.astype("int8")
    assert str(caught.value) == (
        "error[bad-dtype]: a network computes in float64 or float32, not int8"
    )


def test_executors_are_made_once(net):
    assert net.executor(["y"]) is net.executor(("y",))
    assert net.executor(["y"]) is not net.executor(["y"], keep=True)


def test_drawing(net, tmp_path):
    assert net.draw().scene == drawing.draw(net).scene
    assert net._repr_svg_() == drawing.to_svg(net)
    assert "<svg" in net._repr_svg_()


def test_a_document_may_hold_arrays():
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "parameter", "value": np.array([1.0, 2.0])},
                "y": {"op": "clip", "inputs": "x", "low": np.float64(1.5)},
            },
        }
    )
    assert net.run()["y"].tolist() == [1.5, 2.0]


def test_a_call_takes_arrays_by_place_and_gives_the_one_output(net):
    assert net(X).tolist() == [[3.5], [4.5]]
    assert net(x=X).tolist() == [[3.5], [4.5]]


@pytest.mark.parametrize("given", [[[1.0, 2.0]], np.ones((1, 2))])
def test_a_run_refuses_an_array_without_the_name_of_its_input(net, given):
    for call in (net.run, net.loss):
        with pytest.raises(RunError) as caught:
            call(given)
        assert str(caught.value) == (
            f"error[missing-input]: a {type(given).__name__} does not name the input that it "
            "feeds\n"
            "   = help: give each by its name: x=..., t=..."
        )


def test_a_call_of_several_outputs_gives_them_by_name():
    text = TEXT.replace("outputs: [y]", "outputs: [m, y]")
    found = graphnn.loads(text)(X, t=T)
    assert found["m"].tolist() == [0.125, 0.125]
    assert found["y"].tolist() == [[3.5], [4.5]]


def test_a_call_refuses_arrays_without_a_place(net):
    with pytest.raises(UsageError) as caught:
        net(X, T)  # the output does not need t
    assert str(caught.value) == (
        "error[bad-option]: 2 arrays are given, but the network needs 1: x"
    )
    with pytest.raises(UsageError) as caught:
        net(X, x=X)
    assert str(caught.value) == "error[bad-option]: 'x' is given by place and by name"

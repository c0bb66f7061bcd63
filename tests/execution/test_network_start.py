"""Networks from files, texts and dicts, and what their parameters start with."""

from __future__ import annotations

import json
from types import MappingProxyType

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import FileError, RunError, SpecError, UsageError

TEXT = """
graphnn: 1
name: small
sizes: {hidden: 4}
nodes:
  x: {op: input, shape: [batch, 3]}
  a: {op: affine, inputs: x, units: hidden, weight: he}
  y: {op: affine, inputs: a, units: 2, bias: {normal: {std: 1}}}
train: {seed: 7}
"""


def same(one, other):
    return list(one.parameters) == list(other.parameters) and all(
        np.array_equal(array, other.parameters[name]) for name, array in one.parameters.items()
    )


def test_a_file_a_text_and_a_dict_are_one_network(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(TEXT)
    plain = {
        "graphnn": 1,
        "name": "small",
        "sizes": {"hidden": 4},
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 3]},
            "a": {"op": "affine", "inputs": "x", "units": "hidden", "weight": "he"},
            "y": {"op": "affine", "inputs": "a", "units": 2, "bias": {"normal": {"std": 1}}},
        },
        "train": {"seed": 7},
    }
    as_json = tmp_path / "net.json"
    as_json.write_text(json.dumps(plain))
    nets = [
        graphnn.load(path),
        graphnn.load(str(path)),
        graphnn.load(as_json),
        graphnn.loads(TEXT),
        graphnn.loads(plain),
        graphnn.loads(MappingProxyType(plain)),
    ]
    assert all(same(nets[0], net) for net in nets)
    assert {repr(net) for net in nets} == {"<small: 3 nodes, 26 parameters>"}


def test_repr_of_what_has_no_name():
    assert repr(graphnn.loads("{graphnn: 1, nodes: {c: {op: constant, value: 1}}}")) == (
        "<network: 1 node, 0 parameters>"
    )


def test_seeds():
    net = graphnn.loads(TEXT)
    assert same(net, graphnn.loads(TEXT))
    assert same(net, graphnn.loads(TEXT, seed=7))
    assert same(net, graphnn.loads(TEXT, {"seed": 7}))
    other = graphnn.loads(TEXT, seed=8)
    assert same(other, graphnn.loads(TEXT, {"seed": 8}))
    for name in ("a.weight", "y.weight", "y.bias"):
        assert not (net.parameters[name] == other.parameters[name]).any()
    assert same(graphnn.loads(TEXT.replace("train: {seed: 7}", "")), graphnn.loads(TEXT, seed=0))


def test_parameters_start_apart():
    net = graphnn.loads(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  a: {op: affine, inputs: x, units: 3}\n  b: {op: affine, inputs: x, units: 3}\n"
    )
    assert not (net.parameters["a.weight"] == net.parameters["b.weight"]).any()


def test_a_node_more_changes_no_other_s_start():
    more = TEXT.replace("  y: {", "  z: {op: affine, inputs: x, units: 9, weight: he}\n  y: {")
    net, other = graphnn.loads(TEXT), graphnn.loads(more)
    assert "z.weight" in other.parameters
    for name, array in net.parameters.items():
        assert np.array_equal(array, other.parameters[name])


def test_a_seed_below_zero():
    with pytest.raises(UsageError) as caught:
        graphnn.loads(TEXT, seed=-1)
    assert str(caught.value) == "error[bad-seed]: a seed is a whole number of at least 0, not -1"


# --- the initializers as a network uses them: theory, within 5 standard errors

WIDE = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 300]}
  y: {op: affine, inputs: x, units: 200, weight: WEIGHT}
"""


@pytest.mark.parametrize(
    ("weight", "mean", "variance", "fourth"),
    [
        ("xavier", 0, 2 / 500, 3),
        ("{xavier: {distribution: uniform}}", 0, 2 / 500, 9 / 5),
        ("he", 0, 2 / 300, 3),
        ("{he: {distribution: uniform}}", 0, 2 / 300, 9 / 5),
        ("normal", 0, 0.01**2, 3),
        ("{normal: {mean: 2, std: 0.5}}", 2, 0.25, 3),
        ("uniform", 0, 0.1**2 / 12, 9 / 5),
        ("{uniform: {low: 1, high: 4}}", 2.5, 9 / 12, 9 / 5),
    ],
)
def test_moments_of_initial_weights(weight, mean, variance, fourth):
    array = graphnn.loads(WIDE.replace("WEIGHT", weight)).parameters["y.weight"]
    assert array.shape == (300, 200)
    count = array.size
    assert abs(array.mean() - mean) < 5 * np.sqrt(variance / count)
    # The variance of a sample variance is (kurtosis - 1) variance^2 / count.
    error = variance * np.sqrt((fourth - 1) / count)
    assert abs(array.var() - variance) < 5 * error
    if fourth == 9 / 5:
        half = np.sqrt(3 * variance)
        assert 0.999 * half < np.abs(array - mean).max() <= half


def test_biases_start_at_zero():
    net = graphnn.loads(WIDE.replace("WEIGHT", "he"))
    assert not net.parameters["y.bias"].any()


# --- float32, and what does not fit it


def test_float32_starts_from_the_same_numbers():
    narrow = graphnn.loads(TEXT.replace("name: small", "dtype: float32"))
    for name, array in graphnn.loads(TEXT).parameters.items():
        assert narrow.parameters[name].dtype == np.float32
        assert np.array_equal(narrow.parameters[name], array.astype(np.float32))


# --- a file of weights for all of the graph


def test_weights_of_a_file(tmp_path):
    net = graphnn.loads(TEXT, seed=1)
    for suffix in (".npz", ".safetensors"):
        net.save(tmp_path / f"w{suffix}")
        text = TEXT + f"weights: {{file: w{suffix}}}\n"
        assert same(net, graphnn.loads(text, folder=tmp_path))
        (tmp_path / "net.yaml").write_text(text)
        assert same(net, graphnn.load(tmp_path / "net.yaml"))


def test_a_file_of_weights_that_does_not_fit(tmp_path):
    np.savez(tmp_path / "w.npz", **{"a.weight": np.zeros((4, 3)), "a.wieght": np.zeros(1)})
    with pytest.raises(SpecError) as caught:
        graphnn.loads(TEXT + "weights: {file: w.npz}\n", folder=tmp_path)
    assert str(caught.value) == (
        "error[wrong-shape]: 'a.weight' has shape [3, 4], but [4, 3] in 'w.npz'\n"
        "  --> <text>:10:17\n"
        "    |\n"
        " 10 | weights: {file: w.npz}\n"
        "    |                 ^^^^^\n"
        "    = help: torch has it in this shape: if it is of torch, give the layout 'torch'\n"
        "\n"
        "error[unknown-parameter]: 'a.wieght' in 'w.npz' is not a parameter of the network\n"
        "  --> <text>:10:17\n"
        "    |\n"
        " 10 | weights: {file: w.npz}\n"
        "    |                 ^^^^^\n"
        "    = help: did you mean 'a.weight'?\n"
        "\n"
        "error[missing-parameter]: 'w.npz' has no value for a.bias, y.weight, y.bias\n"
        "  --> <text>:10:17\n"
        "    |\n"
        " 10 | weights: {file: w.npz}\n"
        "    |                 ^^^^^\n"
        "    = help: a spec takes part of its parameters by weights: {file: NAME, partial: true}"
    ).replace("  -->", "   -->")


def test_a_file_of_part_of_the_weights(tmp_path):
    values = np.arange(12.0).reshape(3, 4)
    np.savez(tmp_path / "w.npz", **{"a.weight": values})
    text = TEXT + "weights: {file: w.npz, partial: PARTIAL}\n"
    with pytest.raises(SpecError) as caught:
        graphnn.loads(text.replace("PARTIAL", "false"), folder=tmp_path)
    assert [found.code for found in caught.value.diagnostics] == ["missing-parameter"]
    net = graphnn.loads(text.replace("PARTIAL", "true"), folder=tmp_path)
    assert np.array_equal(net.parameters["a.weight"], values)
    plain = graphnn.loads(TEXT).parameters
    for name in ("a.bias", "y.weight", "y.bias"):
        assert np.array_equal(net.parameters[name], plain[name])


def test_a_file_need_not_have_what_the_spec_gives_in_numbers(tmp_path):
    text = TEXT.replace("weight: he", "weight: he, bias: [1, 2, 3, 4]")
    np.savez(tmp_path / "w.npz", **{"a.weight": np.ones((3, 4)), "y.weight": np.ones((4, 2))})
    with pytest.raises(SpecError) as caught:
        graphnn.loads(text + "weights: {file: w.npz}\n", folder=tmp_path)
    (found,) = caught.value.diagnostics
    assert found.message == "'w.npz' has no value for y.bias"
    net = graphnn.loads(text)
    with pytest.raises(RunError) as caught:
        net.load_weights(tmp_path / "w.npz")
    assert str(caught.value) == (
        "error[missing-parameter]: 'w.npz' has no value for y.bias\n"
        "   = help: a spec takes part of its parameters by weights: {file: NAME, partial: true}"
    )
    assert (net.parameters["a.weight"] != 1).all()
    net.load_weights(tmp_path / "w.npz", partial=True)
    assert (net.parameters["a.weight"] == 1).all()
    assert net.parameters["a.bias"].tolist() == [1, 2, 3, 4]


# --- faults of files, and everything there is to find


def test_a_spec_that_is_not_there(tmp_path):
    (tmp_path / "net.yaml").touch()
    with pytest.raises(FileError) as caught:
        graphnn.load(tmp_path / "nett.yaml")
    assert str(caught.value) == (
        f"error[no-such-file]: there is no file '{tmp_path}/nett.yaml'\n"
        "   = help: did you mean 'net.yaml'?"
    )
    assert graphnn.diagnose(tmp_path / "nett.yaml") == caught.value.diagnostics


def test_diagnose(tmp_path):
    path = tmp_path / "net.yaml"
    text = TEXT.replace("train: {seed: 7}\n", "")
    path.write_text(text)
    assert graphnn.diagnose(path) == ()
    path.write_text(text.replace("nodes:\n", "nodes:\n  t: {op: input, shape: [batch]}\n"))
    (warning,) = graphnn.diagnose(path)
    assert (warning.code, warning.severity) == ("unused-input", "warning")
    path.write_text(text.replace("units: 2", "units: two"))
    (error,) = graphnn.diagnose(str(path))
    assert (error.code, error.severity, error.span.line) == ("unknown-size", "error", 8)
    path.write_text(text + "weights: {file: w.npz}\n")
    (error,) = graphnn.diagnose(path)
    assert (error.code, error.span.line) == ("no-such-file", 9)
    (again,) = graphnn.diagnose_text(text + "weights: {file: w.npz}\n", name="net", folder=tmp_path)
    assert (again.code, str(again.span)) == ("no-such-file", "net:9:17")
    codes = [found.code for found in graphnn.diagnose(path, {"hidden": 0})]
    assert codes == ["no-such-file", "wrong-type"]
    with pytest.raises(UsageError):
        graphnn.diagnose(path, {"hiden": 3})


def test_diagnose_text_in_json():
    (error,) = graphnn.diagnose_text('{"graphnn": 1, "nodes": {"y": {"op": "rel"}}}', json=True)
    assert (error.code, str(error.span)) == ("unknown-op", "<text>:1:38")
    (error,) = graphnn.diagnose_text("graphnn: 1 # yes", json=True)
    assert error.code == "json-syntax"

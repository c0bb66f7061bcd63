"""Networks written to ONNX files: names, sizes, structure, and how they are proved."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Literal

import numpy as np
import pytest

import graphnn
from graphnn.interchange.onnx import libraries, writing
from graphnn.ops import REGISTRY, Op, data, registered
from places import ROOT

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

SPECS = [
    path
    for path in sorted((ROOT / "specs").rglob("*"))
    if path.suffix in (".yaml", ".json") and path.parent.name != "blocks"
]
FREE = """
graphnn: 1
name: folded
description: rows of rows
sizes: {time: free}
blocks:
  layer:
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: 4}, z: {op: relu, inputs: a, about: bent}}
    output: z
nodes:
  x: {op: input, shape: [batch, time, 4]}
  r: {op: reshape, inputs: x, shape: [batch * time, 4]}
  h: {block: layer, inputs: r, repeat: 2}
  s: {op: reshape, inputs: h, shape: [batch, time, 4]}
  u: {op: reshape, inputs: s, shape: [batch, 2 * time, 2]}
  v: {op: reshape, inputs: x, shape: [time, batch, 2 * 2]}
outputs: [h, u, v, h.1]
"""


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_agrees_in_float32(path, tmp_path):
    net = graphnn.load(path)
    found = graphnn.export(net, tmp_path / "net.onnx", outputs=net.graph.nodes)
    assert found.agreement is not None
    assert found.agreement.difference <= 64 * np.finfo(np.float32).eps


@pytest.fixture
def folded(tmp_path):
    """A network with free sizes and blocks, exported."""
    net = graphnn.loads(FREE)
    found = graphnn.export(net, tmp_path / "net.onnx")
    assert found.files == (tmp_path / "net.onnx",)
    return net, onnx.load(tmp_path / "net.onnx")


def shape_of(value) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def test_names_and_free_sizes_survive(folded):
    _, model = folded
    assert {value.name: shape_of(value) for value in model.graph.input} == {
        "x": ["batch", "time", 4]
    }
    assert {value.name: shape_of(value) for value in model.graph.output} == {
        "h": ["batch*time", 4],
        "u": ["batch", "2*time", 2],
        "v": ["time", "batch", 4],
        "h.1": ["batch*time", 4],
    }
    assert {"h.1.a.weight", "h.2.a.bias"} <= {value.name for value in model.graph.initializer}
    assert (model.graph.name, model.graph.doc_string) == ("folded", "rows of rows")


def test_blocks_and_remarks_survive(folded):
    _, model = folded
    scopes = {
        node.name: json.loads(entry.value)
        for node in model.graph.node
        for entry in node.metadata_props
        if entry.key == writing.SCOPES
    }
    assert scopes == {name: [name[:3]] for name in ("h.1.a", "h.1.z", "h.2.a", "h.2.z")}
    assert {node.name for node in model.graph.node if node.doc_string == "bent"} == {
        "h.1.z",
        "h.2.z",
    }


@pytest.mark.parametrize("rows", [{"batch": 2, "time": 3}, {"batch": 5, "time": 1}])
def test_a_model_runs_for_any_free_sizes(folded, tmp_path, rows):
    net, _ = folded
    x = np.random.default_rng(0).normal(size=(*rows.values(), 4))
    session = runtime.InferenceSession(tmp_path / "net.onnx")
    names = [value.name for value in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"x": x.astype(np.float32)}), strict=True))
    for name, expected in net.run(x=x).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)


def test_weights_are_those_of_the_network(tmp_path):
    net = graphnn.loads(FREE)
    net.parameters["h.2.a.weight"][...] = 0.25
    graphnn.export(net, tmp_path / "net.onnx", dtype="float64")
    model = onnx.load(tmp_path / "net.onnx")
    (tensor,) = [each for each in model.graph.initializer if each.name == "h.2.a.weight"]
    assert np.array_equal(onnx.numpy_helper.to_array(tensor), np.full((4, 4), 0.25))


def test_large_weights_go_beside_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "LARGEST", 100)
    net = graphnn.loads(
        FREE.replace("4", "64").replace("2 * 2", "64").replace("time, 2]", "time, 32]")
    )
    found = graphnn.export(net, tmp_path / "net.onnx")
    assert sorted(found.files) == sorted(tmp_path.iterdir())
    assert [path.name for path in found.files] == ["net.onnx", "net.onnx.data"]
    assert found.agreement is not None
    model = onnx.load(tmp_path / "net.onnx")
    for tensor in model.graph.initializer:
        if tensor.name in net.parameters:
            array = onnx.numpy_helper.to_array(tensor)
            assert np.array_equal(array, net.parameters[tensor.name].astype(np.float32))


def test_the_first_node_that_differs_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(REGISTRY["relu"], "onnx", "Abs")
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(FREE), tmp_path / "net.onnx")
    (found,) = caught.value.diagnostics
    assert found.code == "onnx-differs"
    assert found.message.startswith("'h.1.z' is the first node that differs in onnxruntime, by ")
    assert [*tmp_path.iterdir()] == []


DISTANCE = """
graphnn: 1
nodes:
  p: {op: parameter, value: [[0.82, 0.51]]}
  d: {op: cosine_distance, inputs: [p, p], epsilon: 0.01}
outputs: [d]
"""


def test_a_difference_near_zero_is_measured_by_what_it_is_a_difference_of(tmp_path):
    found = graphnn.export(graphnn.loads(DISTANCE), tmp_path / "net.onnx")
    assert found.agreement is not None
    assert found.agreement.difference <= 4 * np.finfo(np.float32).eps


def test_such_a_difference_may_still_be_wrong(tmp_path, monkeypatch):
    right = REGISTRY["cosine_distance"].to_onnx

    def wrong(self, form, *operands):
        return form.add("Add", right(self, form, *operands), 0.01)

    monkeypatch.setattr(REGISTRY["cosine_distance"], "to_onnx", wrong)
    with pytest.raises(graphnn.RunError, match="'d' is the first node that differs"):
        graphnn.export(graphnn.loads(DISTANCE), tmp_path / "net.onnx")


def test_another_shape_is_a_difference(tmp_path, monkeypatch):
    monkeypatch.setattr(REGISTRY["global_average_pool"], "to_onnx", REGISTRY["flatten"].to_onnx)
    text = "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 1, 2, 2]}, " + (
        "y: {op: global_average_pool, inputs: x}}}"
    )
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(text), tmp_path / "net.onnx")
    assert "onnx-differs" in str(caught.value)
    assert [*tmp_path.iterdir()] == []


def test_the_checker_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(REGISTRY["relu"], "onnx", "Nonsense")
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(FREE), tmp_path / "net.onnx")
    assert "the checker of onnx refuses the model: " in str(caught.value)


def test_without_onnxruntime_nothing_is_compared(tmp_path, monkeypatch):
    for module in ("verification", "libraries"):
        monkeypatch.setattr(f"graphnn.interchange.onnx.{module}.onnxruntime", lambda: None)
    libraries.newest_opset.cache_clear()
    found = graphnn.export(graphnn.loads(FREE), tmp_path / "net.onnx")
    libraries.newest_opset.cache_clear()
    assert found.agreement is None
    assert found.opset == onnx.defs.onnx_opset_version()


def test_values_that_are_not_finite_are_not_compared(tmp_path):
    text = """
        graphnn: 1
        nodes:
          x: {op: input, shape: [batch, 50]}
          a: {op: absolute, inputs: x}
          n: {op: negative, inputs: a}
          y: {op: log, inputs: n}
    """
    found = graphnn.export(graphnn.loads(text), tmp_path / "net.onnx")
    assert np.isnan(found.agreement.difference)


def test_ops_without_a_form_are_all_refused_with_their_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(REGISTRY["relu"], "onnx_absent", "it bends")
    monkeypatch.setattr(REGISTRY["affine"], "onnx_absent", "it is straight")
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(FREE), tmp_path / "net.onnx")
    assert [found.message for found in caught.value.diagnostics] == [
        "'affine' of 'h.1.a', 'h.2.a' cannot be exported to ONNX: it is straight",
        "'relu' of 'h.1.z', 'h.2.z' cannot be exported to ONNX: it bends",
    ]


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        ("", "'own' of 'y' cannot be exported to ONNX: the op states no ONNX form ('onnx')"),
        ("Cubed", "the checker of onnx refuses the model: No Op registered for Cubed "),
    ],
)
def test_an_op_of_ones_own_that_onnx_does_not_have(tmp_path, operator, message):
    class Own(Op, register=False):
        op: Literal["own"] = "own"
        operands = (data("x", "batch n"),)
        result = "batch n"
        onnx = operator

        def forward(self, x):
            return x

    text = "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 1]}, y: {op: own, inputs: x}}}"
    with registered(Own), pytest.raises(graphnn.RunError) as caught:
        graphnn.export(graphnn.loads(text), tmp_path / "net.onnx")
    (found,) = caught.value.diagnostics
    assert found.message.startswith(message)
    assert found.message == " ".join(found.message.split())
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.export(graphnn.loads(FREE), tmp_path / "no" / "net.onnx")
    assert caught.value.diagnostics[0].code == "no-such-folder"


def test_an_input_that_is_wanted_is_an_output_too(tmp_path):
    text = "{graphnn: 1, nodes: {x: {op: input, shape: [batch]}, y: {op: relu, inputs: x}}}"
    graphnn.export(graphnn.loads(text), tmp_path / "net.onnx", outputs=["y"])
    with pytest.raises(graphnn.UsageError):
        graphnn.export(graphnn.loads(text), tmp_path / "net.onnx", outputs=["z"])


def test_importing_graphnn_leaves_onnx_alone():
    code = "import sys, graphnn; graphnn.export; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""ONNX models drawn, shown and compared as they are, whatever their operators."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.cli import main
from graphnn.ops import REGISTRY

onnx = pytest.importorskip("onnx")
helper = onnx.helper


@pytest.fixture
def foreign(tmp_path, monkeypatch) -> Path:
    """A model with operators that have no counterpart here, one of another domain."""
    monkeypatch.chdir(tmp_path)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("NonZero", ["c"], ["z"], name="places"),
        helper.make_node("Det", ["c"], ["d"], name="det"),
        helper.make_node("Relu", ["d"], ["r"], name="relu"),
        helper.make_node("Attention", ["r", "big"], ["a"], name="att", domain="com.microsoft"),
    ]
    rng = np.random.default_rng(0)
    arrays = {"w": rng.normal(size=(2, 1, 3, 3)), "big": rng.normal(size=(8, 8))}
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("x", 1, ["n", 1, 5, 5])],
        [helper.make_empty_tensor_value_info(name) for name in ("z", "a")],
        [onnx.numpy_helper.from_array(v.astype(np.float32), k) for k, v in arrays.items()],
    )
    domains = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    Path("foreign.onnx").write_bytes(
        helper.make_model(graph, opset_imports=domains, ir_version=10).SerializeToString()
    )
    return Path("foreign.onnx")


def call(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(arguments)
    return ended.value.code, out.getvalue()


def test_any_model_is_shown_with_the_shapes_that_onnx_infers(foreign):
    code, text = call("show", str(foreign))
    assert code == 0
    assert "Det     Det                   conv2d     [batch, 2]" in text
    assert "Attention             relu, big" in text
    assert "total                             82" in text
    assert not {"Det", "Attention", "NonZero"} & REGISTRY.keys()


def test_any_model_is_drawn(foreign):
    assert call("draw", str(foreign), "-o", "foreign.svg") == (0, "wrote 'foreign.svg'\n")
    picture = Path("foreign.svg").read_text()
    assert all(name in picture for name in ("Attention", "NonZero", "conv2d"))


def test_sizes_that_depend_on_numbers_are_drawn_in_what_reads_them(tmp_path):
    nodes = [
        helper.make_node("NonZero", ["x"], ["k"], name="places"),
        helper.make_node("Transpose", ["k"], ["t"], name="turned", perm=[1, 0]),
        helper.make_node("GatherND", ["x", "t"], ["y"], name="taken"),
    ]
    given = [helper.make_tensor_value_info("x", 1, ["n", 4])]
    graph = helper.make_graph(nodes, "made", given, [helper.make_empty_tensor_value_info("y")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    net = graphnn.load_onnx(path, drawn=True)
    (many,) = (size for size in net.graph.nodes["NonZero"].shape if not isinstance(size, int))
    assert net.graph.nodes["NonZero"].shape == (2, many)
    assert net.graph.nodes["y"].shape == (many,)


def test_models_and_specs_are_compared(foreign):
    Path("net.yaml").write_text(
        "graphnn: 1\ndtype: float32\nnodes:\n"
        "  x: {op: input, shape: [batch, 1, 5, 5]}\n"
        "  z: {op: conv2d, inputs: x, filters: 2, kernel: 3}\n"
    )
    code, text = call("diff", str(foreign), "net.yaml")
    assert code == 1
    assert "  - Det: Det, of conv2d, " in text
    assert call("diff", str(foreign), str(foreign)) == (0, "no difference\n")


def test_what_is_drawn_cannot_be_run(foreign):
    net = graphnn.load_onnx(foreign, drawn=True)
    with pytest.raises(graphnn.RunError) as caught:
        net.run(x=np.zeros((2, 1, 5, 5)))
    assert "'z' is NonZero, which can be drawn, not computed" in str(caught.value)


def test_settings_are_for_specs(foreign, capsys):
    assert call("show", str(foreign), "--set", "a=1")[0] == 2
    assert capsys.readouterr().err == (
        "error[unknown-setting]: 'a' cannot be set in an ONNX model\n"
        "   = help: write it as a spec: graphnn import 'foreign.onnx' -o FOLDER\n"
    )


def test_specs_are_shown_without_onnx(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    Path("net.yaml").write_text("{graphnn: 1, nodes: {x: {op: parameter, shape: [2]}}}")
    assert call("show", "net.yaml")[0] == 0

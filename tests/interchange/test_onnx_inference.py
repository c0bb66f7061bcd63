"""onnx's inference of shapes may crash and hang: models that it does that on are refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.interchange.onnx import inference
from graphnn.interchange.onnx.inference import Inference

onnx = pytest.importorskip("onnx")
helper = onnx.helper

# Each ends a process that has onnx 1.23 infer its shapes.
CRASHES = {
    "EyeLike": helper.make_node("EyeLike", [""], ["y"], dtype=0),
    "LayerNormalization": helper.make_node(
        "LayerNormalization", ["a"], ["y", "", ""], axis=2**31, epsilon=1.5
    ),
}


def model(*nodes):
    ends = [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)]
    given = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2])]
    arrays = [onnx.numpy_helper.from_array(np.ones((1, 2), np.float32), "a")]
    graph = helper.make_graph([*nodes], "made", given, ends, arrays)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


RIGHT = model(helper.make_node("Sqrt", ["a"], ["b"]), helper.make_node("Add", ["x", "b"], ["y"]))


def written(tmp_path: Path, made) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("op", CRASHES)
def test_what_crashes_onnx_is_an_error_or_drawn(tmp_path, op):
    path = written(tmp_path, model(CRASHES[op]))
    with pytest.raises(graphnn.RunError, match=f"^error\\[not-in-graphnn\\]: {op} of 'y'"):
        graphnn.load_onnx(path)
    assert "y" in graphnn.load_onnx(path, drawn=True).graph.nodes
    # A constant that onnx computes, as before.
    found = graphnn.load_onnx(written(tmp_path, RIGHT)).run(x=[[1, 2]])
    np.testing.assert_array_equal(found["y"], [[2, 3]])


@pytest.fixture
def endless(tmp_path):
    program = tmp_path / "endless.py"
    program.write_text("while True: pass\n")
    made = Inference(program, 0.1)
    yield made
    made.close()


@pytest.fixture
def right():
    made = Inference(inference._PROGRAM, 600)
    yield made
    made.close()


def test_what_does_not_end_is_ended_each_time(endless):
    content = RIGHT.SerializeToString()
    assert endless.answer(content) is None
    assert endless.answer(content) is None


def test_a_refusal_is_followed_by_the_answer_to_the_next_model(right):
    assert right.answer(b"not a model") is None
    shapes = onnx.load_model_from_string(right.answer(RIGHT.SerializeToString()))
    (y,) = shapes.graph.output
    assert [dim.dim_param or dim.dim_value for dim in y.type.tensor_type.shape.dim] == ["n", 2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_less_memory_may_be_allowed_already(tmp_path):
    program = (
        "import resource, sys, graphnn\n"
        "resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))\n"
        "print(graphnn.load_onnx(sys.argv[1]).run(x=[[1, 2]])['y'])\n"
    )
    command = [sys.executable, "-c", program, str(written(tmp_path, RIGHT))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "[[2. 3.]]\n"


def test_after_ctrl_c_no_answer_to_another_model_is_read(right, monkeypatch):
    def interrupted(process, content):
        process.stdin.write(len(content).to_bytes(8, "little") + content)
        process.stdin.flush()
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(inference, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            right.answer(RIGHT.SerializeToString())
    assert right.answer(b"not a model") is None

"""ONNX models that break the standard: each is one error, never a traceback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
helper = onnx.helper


def value(name: str, shape: list):
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def model(nodes: list, inputs: dict, outputs: list[str], arrays: dict | None = None):
    """A model of these nodes; sizes that are texts are free."""
    graph = helper.make_graph(
        nodes,
        "made",
        [value(name, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [onnx.numpy_helper.from_array(a, name) for name, a in (arrays or {}).items()],
    )
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def written(tmp_path: Path, made) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def refusal(tmp_path: Path, made) -> str:
    """What an import says; it writes nothing."""
    with pytest.raises(graphnn.GraphnnError) as caught:
        graphnn.import_onnx(written(tmp_path, made), tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    return str(caught.value).replace(str(tmp_path / "net.onnx"), "net.onnx")


MISFITS = {
    "Softmax": ({"axis": "one"}, {}),
    "Transpose": ({"perm": [5, 1]}, {}),
    "Conv": ({"pads": [1]}, {"w": (2, 3, 3)}),
    "LSTM": ({"hidden_size": 3}, {"w": (1, 11, 4), "r": (1, 12, 3)}),
}


@pytest.mark.parametrize("op", MISFITS)
def test_a_node_whose_parts_do_not_fit_together_is_refused(tmp_path, op):
    attributes, shapes = MISFITS[op]
    rank = 2 if not shapes else 3
    arrays = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    node = helper.make_node(op, ["x", *arrays], ["y"], "n", **attributes)
    made = model([node], {"x": [2, 3, 4][-rank:]}, ["y"], arrays)
    assert refusal(tmp_path, made) == (
        f"error[not-in-graphnn]: {op} of 'n' has no counterpart: "
        "its inputs and attributes do not fit together\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is"
    )


def test_what_does_not_fit_together_is_drawn(tmp_path):
    node = helper.make_node("Transpose", ["x"], ["y"], "n", perm=[5, 1])
    path = written(tmp_path, model([node], {"x": [3, 4]}, ["y"]))
    drawn = graphnn.load_onnx(path, drawn=True)
    assert [node.op.name for node in drawn.graph.nodes.values()] == ["input", "Transpose"]


@pytest.mark.parametrize("op", ["Relu", "Softmax"])
def test_an_output_that_nothing_gives_is_refused(tmp_path, op):
    made = model([helper.make_node(op, ["x"], ["y", "more"], "n")], {"x": [4]}, ["y", "more"])
    assert refusal(tmp_path, made) == (
        f"error[not-in-graphnn]: {op} of 'n' has no counterpart: "
        "nothing here gives its output 'more'\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is"
    )


def test_an_output_that_nothing_reads_is_left_out(tmp_path):
    node = helper.make_node("MaxPool", ["x"], ["y", "more"], "n", kernel_shape=[2])
    path = written(tmp_path, model([node], {"x": ["n", 3, 4]}, ["y"]))
    assert graphnn.import_onnx(path, tmp_path / "folder").difference == 0


RELU = [helper.make_node("Relu", ["x"], ["y"], "n")]
UNNAMED = [helper.make_node("Relu", ["x"], [""], "n")]
NAMES = {
    "an input has no name": model(RELU, {"x": [4], "": [4]}, ["y"]),
    "nothing gives the output ''": model(UNNAMED, {"x": [4]}, [""]),
    "it has no outputs": model(RELU, {"x": [4]}, []),
}
NAMES["two values are called 'x'"] = model(RELU, {"x": [4]}, ["y"])
NAMES["two values are called 'x'"].graph.input.append(value("x", [4]))


@pytest.mark.parametrize("problem", NAMES)
def test_names_that_are_missing_or_there_twice_are_refused(tmp_path, problem):
    message = f"error[not-onnx]: 'net.onnx' cannot be read as an ONNX model: {problem}"
    assert refusal(tmp_path, NAMES[problem]) == message


def calls(number: int, last: str, domain: str):
    """A function that calls the next one twice."""
    nodes = [
        helper.make_node(last, ["a"], ["c"], domain=domain),
        helper.make_node(last, ["c"], ["b"], domain=domain),
    ]
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    return helper.make_function("own", f"F{number}", ["a"], ["b"], nodes, imports)


@pytest.mark.parametrize("last", ["Relu", "F0"])
def test_functions_that_come_to_too_many_nodes_are_not_unfolded(tmp_path, last):
    made = model([helper.make_node("F0", ["x"], ["y"], "n", domain="own")], {"x": [4]}, ["y"])
    made.functions.extend(calls(number, f"F{number + 1}", "own") for number in range(29))
    made.functions.append(calls(29, last, "own" if last == "F0" else ""))
    assert refusal(tmp_path, made) == (
        "error[not-onnx]: 'net.onnx' cannot be read as an ONNX model: "
        "it has more than 100,000 nodes, or functions without an end"
    )


def test_an_input_that_no_output_depends_on_is_kept(tmp_path):
    path = written(tmp_path, model(RELU, {"x": ["n", 4], "unread": ["n", 3]}, ["y"]))
    found = graphnn.import_onnx(path, tmp_path / "folder")
    assert found.difference == 0
    again = graphnn.load(found.files[0])
    assert [node.name for node in again.graph.inputs] == ["x", "unread"]
    assert [result.ok for result in graphnn.run_examples(again)] == [True]


NOT_ONNX = "error[not-onnx]: 'net.onnx' cannot be read as an ONNX model: "


@pytest.mark.parametrize(
    "name", ["whole", "y_name", "n_axis", "x_from_elsewhere", "op_Relu", "a_description"]
)
def test_texts_that_are_not_utf_8_are_refused(tmp_path, name):
    if name == "whole":
        made = model([helper.make_node("Relu", ["x"], ["whole"], "n")], {"x": [4]}, ["whole"])
    else:
        node = helper.make_node("op_Relu", ["x_from_elsewhere"], ["y_name"], "n")
        node.doc_string = "a_description"
        made = model([node], {"x_from_elsewhere": ["n_axis"]}, ["y_name"])
    content = made.SerializeToString().replace(name.encode(), b"\xff" * len(name))
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    for drawn in (False, True):
        with pytest.raises(graphnn.FileError) as caught:
            graphnn.load_onnx(path, drawn=drawn)
        said = str(caught.value).replace(str(path), "net.onnx")
        assert said == f"{NOT_ONNX}a name or text in it is not UTF-8"


@pytest.mark.parametrize("kind", ["INT", "FLOAT", "STRING", "GRAPH"])
def test_an_attribute_of_a_function_outside_of_one_is_refused(tmp_path, kind):
    made = model([helper.make_node("Softmax", ["x"], ["y"], "n")], {"x": [4]}, ["y"])
    made.graph.node[0].attribute.add(
        name="axis", ref_attr_name="k", type=getattr(onnx.AttributeProto, kind)
    )
    problem = "the attribute 'axis' is one of a function, which its node is not in"
    assert refusal(tmp_path, made) == NOT_ONNX + problem


@pytest.mark.parametrize("scopes", ["{[1]: 2}", "[1, 'a'", "1", "[" * 5000, "['']"])
def test_names_of_modules_that_are_not_a_list_are_passed_over(tmp_path, scopes):
    made = model([helper.make_node("Relu", ["x"], ["y"], "n")], {"x": ["n", 4]}, ["y"])
    made.graph.node[0].metadata_props.add(key="pkg.torch.onnx.name_scopes", value=scopes)
    found = graphnn.load_onnx(written(tmp_path, made)).run(x=[[-1, 0, 1, 2]])
    np.testing.assert_array_equal(found["y"], [[0, 0, 1, 2]])

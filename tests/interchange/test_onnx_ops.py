"""Every op has an ONNX form that onnxruntime computes as `forward` does, or says why not."""

from __future__ import annotations

import re
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from graphnn.ops import REGISTRY, OnnxForm, Op, free_axes
from graphnn.spec.sizes import free
from graphnn.testing.strategies import op_cases
from variants import opened, variants

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
runtime.set_default_logger_severity(4)

OPSETS = (18, 20, 28)
STATED = [name for name, op in REGISTRY.items() if not op.onnx_absent]


def given_to(case) -> dict[str, np.ndarray]:
    """The arrays of a case, in float32, by name."""
    return {
        f"x{n}": array.astype(np.float32) if array.dtype.kind == "f" else array
        for n, array in enumerate(case.arrays)
        if array is not None
    }


def model_of(case, op: Op, opset: int, shapes):
    """The form of a case as a model; `shapes` are what the form is given."""
    names = [None if array is None else f"x{n}" for n, array in enumerate(case.arrays)]
    stated = dict(zip([name for name in names if name], shapes, strict=True))
    kinds = {name: "float" if a.dtype.kind == "f" else "int" for name, a in given_to(case).items()}
    form = OnnxForm("y", opset, np.dtype(np.float32), stated, kinds, free_axes(stated))
    result = op.to_onnx(form, *names)
    helper = onnx.helper
    nodes = [helper.make_node(n.op, n.inputs, n.outputs, **n.attributes) for n in form.nodes]
    inputs = [
        helper.make_tensor_value_info(name, 1 if kinds[name] == "float" else 7, [*map(str, shape)])
        if any(not isinstance(size, int) for size in shape)
        else helper.make_tensor_value_info(name, 1 if kinds[name] == "float" else 7, shape)
        for name, shape in stated.items()
    ]
    constants = [onnx.numpy_helper.from_array(a, name) for name, a in form.constants.items()]
    outputs = [helper.make_empty_tensor_value_info(result)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = helper.find_min_ir_version_for(model.opset_import)
    return model


def agrees(case, model) -> None:
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, given_to(case))
    expected = np.asarray(case.op.forward(*case.arrays))
    assert found.shape == expected.shape
    assert found.dtype == (np.float32 if expected.dtype.kind == "f" else np.int64)
    # What a result is the difference of may be as large as the data, or as the op's grain.
    largest = max(np.abs(a).max(initial=0) for a in (expected, *case.arrays) if a is not None)
    scale = max(largest, case.op.grain)
    assert np.abs(found - expected).max(initial=0) <= 64 * np.finfo(np.float32).eps * scale


def models_of(case, opset: int):
    """The form of a case, also with the number of rows left open, if a spec would leave it so."""
    shapes = [array.shape for array in case.arrays if array is not None]
    yield from model_if_stated(case, case.op, opset, shapes)
    if case.op.free_names != case.declared.free_names:
        first = (free("batch"), *shapes[0][1:]) if shapes[0] else ()
        yield from model_if_stated(case, case.declared, opset, [first, *shapes[1:]])


def open_models_of(case, opset: int):
    """The form of a case with an axis of its first operand left open."""
    for shapes, _ in opened(case):
        given = [shape for shape in shapes if shape is not None]
        yield from model_if_stated(case, case.op, opset, given)


def model_if_stated(case, op: Op, opset: int, shapes):
    """The form of an op, unless ONNX lacks what it needs, which the user reads."""
    try:
        yield model_of(case, op, opset, shapes)
    except NotImplementedError as reason:
        if str(reason).endswith(" is free"):
            assert not all(isinstance(size, int) for size in chain(*shapes))
            return
        assert re.search(r"before opset \d+$", str(reason))
        assert int(str(reason).split()[-1]) > opset


def each_case(op: type[Op], opset: int, examples: int = 12) -> None:
    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],  # of a machine that is busy
    )
    @given(op_cases(op))
    def law(case):
        for model in models_of(case, opset):
            agrees(case, model)

    law()


@pytest.mark.slow
@pytest.mark.parametrize("name", STATED)
def test_onnxruntime_computes_what_the_op_does(name):
    each_case(REGISTRY[name], OPSETS[-1], 60)


@pytest.mark.parametrize("name", STATED)
def test_it_does_in_every_variant(name):
    for case in variants(REGISTRY[name]):
        each = [open_models_of(case, OPSETS[-1]), *(models_of(case, opset) for opset in OPSETS)]
        models = list(chain(*each))
        for model in {model.graph.SerializeToString(): model for model in models}.values():
            agrees(case, model)


def test_what_an_opset_lacks_is_known():
    """Of the operators in use, only AveragePool lacks an attribute in 18: dilations come in 19."""
    refused = set()
    for name in STATED:
        for case in variants(REGISTRY[name]):
            shapes = [array.shape for array in case.arrays if array is not None]
            for opset in OPSETS:
                try:
                    model_of(case, case.op, opset, shapes)
                except NotImplementedError as reason:
                    refused.add((name, opset, str(reason)))
    assert refused == {("average_pool", 18, "its windows are dilated before opset 19")}


@pytest.mark.slow
@pytest.mark.parametrize("opset", OPSETS[:-1])
@pytest.mark.parametrize("name", STATED)
def test_older_opsets_do_too(name, opset):
    each_case(REGISTRY[name], opset)


@pytest.mark.parametrize("name", REGISTRY)
def test_an_op_has_a_form_or_a_reason(name):
    op = REGISTRY[name]
    own = op.to_onnx is not Op.to_onnx
    assert bool(op.onnx_absent) != bool(own or op.onnx)
    assert set(op.onnx_keys) <= set(op.model_fields)


@pytest.mark.slow
def test_a_wrong_form_is_caught(monkeypatch):
    monkeypatch.setattr(REGISTRY["subtract"], "onnx", "Add")
    with pytest.raises(AssertionError):
        each_case(REGISTRY["subtract"], OPSETS[-1])


def test_a_forgotten_form_is_caught(monkeypatch):
    monkeypatch.setattr(REGISTRY["tanh"], "onnx", "")
    with pytest.raises(AssertionError):
        test_an_op_has_a_form_or_a_reason("tanh")

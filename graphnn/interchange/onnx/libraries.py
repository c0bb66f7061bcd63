"""onnx and onnxruntime, imported where they are needed: onnx alone takes a second."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

from graphnn.diagnostics import UsageError, needing


def onnx() -> Any:
    """The package onnx.

    Raises
    ------
    UsageError
        It is not installed.
    """
    library = sys.modules.get("onnx")
    if hasattr(library, "inliner"):  # the last that is imported below
        return library
    with needing(UsageError, "no-onnx", "ONNX models need the package onnx", "onnx"):
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.shape_inference
        import onnx.inliner  # isort: skip
    return onnx


@cache
def onnxruntime() -> Any:
    """The package onnxruntime, or None where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    onnxruntime.set_default_logger_severity(4)  # what it refuses, it raises too
    return onnxruntime


def evaluate(model: Any) -> list[Any]:
    """The outputs of a model without inputs, by onnx's own reference."""
    from onnx.reference import ReferenceEvaluator

    found = ReferenceEvaluator(model).run(None, {})
    assert isinstance(found, list)
    return found


@cache
def newest_opset() -> int:
    """The newest version of the standard's operators that onnx and onnxruntime know."""
    library, runtime = onnx(), onnxruntime()
    newest = int(library.defs.onnx_opset_version())
    if runtime is None:
        return newest
    return next(opset for opset in range(newest, 0, -1) if _reads(runtime, opset))


def _reads(runtime: Any, opset: int) -> bool:
    """Whether onnxruntime reads a model of that version."""
    helper = onnx().helper
    ends = [helper.make_tensor_value_info(name, onnx().TensorProto.FLOAT, [1]) for name in "xy"]
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports)
    model.ir_version = helper.find_min_ir_version_for(imports)
    try:
        runtime.InferenceSession(model.SerializeToString())
    except Exception:  # its errors have no base class but this
        return False
    return True

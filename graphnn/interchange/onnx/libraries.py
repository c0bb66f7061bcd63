"""onnx and onnxruntime, imported where they are needed: onnx alone takes a second."""

from __future__ import annotations

from functools import cache
from typing import Any

from graphnn.diagnostics import UsageError


def onnx() -> Any:
    """The package onnx.

    Raises
    ------
    UsageError
        It is not installed.
    """
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
        import onnx.shape_inference
    except ImportError:
        message = "ONNX models need the package onnx, which is not installed"
        raise UsageError.of("no-onnx", message, help="pip install 'graphnn[onnx]'") from None
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

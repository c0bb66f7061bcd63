"""Ops that are not graphnn's: what they do wrong is reported, and not met further on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from traceback import walk_tb
from typing import Any, ParamSpec, TypeVar

import numpy as np

from graphnn.diagnostics import Diagnostic, GraphnnError, RunError, counted
from graphnn.ops._arrays import Array, ArrayError, Cotangents, ShapeError
from graphnn.ops._facts import is_own as is_own
from graphnn.ops._inference import Inferred
from graphnn.ops._op import Op
from graphnn.ops._operands import Kind
from graphnn.ops._results import what as what
from graphnn.ops.imports import origin
from graphnn.spec.sizes import Shape, SizeError, show

P = ParamSpec("P")
R = TypeVar("R")
_MEANT = (ArrayError, ShapeError, SizeError, GraphnnError, MemoryError)
_KINDS = {"float": "f", "int": "iu"}


def watched_forward(
    forward: Callable[..., Any], op: Op, node: str, shape: Shape, kind: Kind
) -> Callable[..., Array]:
    """The forward of an op, required to give an array as inferred.

    Parameters
    ----------
    shape, kind
        What is inferred of the result; sizes are numbers.

    Raises
    ------
    RunError
        When it is called: `forward` raises, or gives something else.
    """

    def watched(*arrays: Any, **keywords: Any) -> Array:
        try:
            found = forward(*arrays, **keywords)
        except _MEANT:
            raise
        except Exception as error:
            raise RunError(failure(op, node, "forward", error)) from error
        subject = f"'forward' of {op.name} gives"
        if not isinstance(found, np.ndarray | np.generic):
            raise _fault(node, f"{subject} {what(found)}, not an array")
        if found.shape != shape:
            raise _fault(
                node, f"{subject} the shape {show(found.shape)}, but {show(shape)} is inferred"
            )
        if found.dtype.kind not in _KINDS[kind] + "c":
            raise _fault(node, f"{subject} {found.dtype}, but '{kind}' is inferred")
        return found  # type: ignore[return-value]  # a number is an array of no axes

    return watched


def watched_vjp(vjp: Callable[..., Any], op: Op, node: str) -> Callable[..., Cotangents]:
    """The vjp of an op, required to give a cotangent of each operand, or None.

    Raises
    ------
    RunError
        When it is called: `vjp` raises, or gives something else.
    """

    def watched(cotangent: Array, output: Array, *arrays: Any, **keywords: Any) -> Cotangents:
        try:
            found = vjp(cotangent, output, *arrays, **keywords)
        except _MEANT:
            raise
        except Exception as error:
            raise RunError(failure(op, node, "vjp", error)) from error
        if fault := fault_of_cotangents(found, arrays, _names(op, len(arrays))):
            raise _fault(node, fault.replace("'vjp'", f"'vjp' of {op.name}"))
        return tuple(found)

    return watched


def fault_of_cotangents(found: Any, arrays: Sequence[Any], names: Sequence[str]) -> str:
    """What is wrong with the form of what `vjp` gives for operands; empty where nothing is."""
    if not isinstance(found, tuple | list):
        return f"'vjp' gives {what(found)}, not a tuple with a cotangent of each operand"
    if len(found) != len(arrays):
        operands = counted(len(arrays), "operand")
        return f"'vjp' gives {counted(len(found), 'cotangent')} for {operands}"
    for part, array, name in zip(found, arrays, names, strict=False):
        if part is None or array is None:
            continue
        subject = f"the cotangent of '{name}' by 'vjp'"
        if not isinstance(part, np.ndarray | np.generic) or part.dtype.kind not in "fciu":
            return f"{subject} is {what(part)}, not an array of numbers"
        if part.shape != array.shape:
            return f"{subject} has shape {show(part.shape)}, not {show(array.shape)}"
    return ""


def _names(op: Op, count: int) -> list[str]:
    """What the operands of an op are called; numbered, where one stands for many."""
    first, *rest = [operand.name for operand in op.operands]
    if not op.operands[0].many:
        return [first, *rest]
    return [*(f"{first}[{number}]" for number in range(count - len(rest))), *rest]


def failure(op: Op, node: str, method: str, error: Exception) -> Diagnostic:
    """That a method of an op raises an error, with the last line of its module that it came by."""
    if isinstance(error, NotImplementedError) and method == "vjp":
        message = (
            f"at '{node}': {op.name} has no 'vjp', so that there is no gradient by what it reads"
        )
        return Diagnostic("op-failed", message, help=missing_vjp(op))
    return _raised(op, f"at '{node}': '{method}'", error)


def fault_of(error: Exception) -> Diagnostic | None:
    """That a method of somebody's op raises `error`; None where it came by none.

    For what calls ops in many places, such as a command, and reports no other error of Python.
    """
    for frame, _ in reversed([*walk_tb(error.__traceback__)]):
        op = frame.f_locals.get("self")
        if isinstance(op, Op) and is_own(type(op)) and frame.f_code.co_filename == _module(op):
            return _raised(op, f"'{frame.f_code.co_name}'", error)
    return None


def _raised(op: Op, method: str, error: Exception) -> Diagnostic:
    message = f"{method} of {op.name} raises {_why(error)}"
    return Diagnostic("op-failed", message, notes=origin(error, _module(op)))


def missing_vjp(op: Op) -> str:
    """What to write for an op that has no `vjp`."""
    names = ", ".join(operand.name for operand in op.operands)
    return f"write def vjp(self, cotangent, output, {names})"


def inferred_by(op: Op, shapes: Sequence[Any], given: Mapping[str, Shape]) -> Inferred:
    """What an op infers, as by `Op.infer`.

    Raises
    ------
    ShapeError
        As there; and for somebody's op that raises another error, or gives no shape.
    """
    found = asked(op, op.infer, shapes, given)
    if is_own(type(op)) and not isinstance(found.result, tuple):
        raise ShapeError(f"{op.name} infers {what(found.result)}, not a tuple of sizes")
    return found


def asked(op: Op, method: Callable[P, R], *given: P.args, **keywords: P.kwargs) -> R:
    """What a method of an op says while shapes are inferred.

    Raises
    ------
    ShapeError
        As by the method; and where somebody's op raises another error.
    """
    try:
        return method(*given, **keywords)
    except _MEANT:
        raise
    except Exception as error:
        if not is_own(type(op)):
            raise
        why = f"{op.name} raises {_why(error)}"
        lines = "".join(f" ({note.text})" for note in origin(error, _module(op)))
        raise ShapeError(f"{why}{lines}") from error


def _fault(node: str, message: str) -> RunError:
    return RunError.of("op-failed", f"at '{node}': {message}")


def _why(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _module(op: Op) -> str | None:
    return getattr(sys.modules.get(type(op).__module__), "__file__", None)

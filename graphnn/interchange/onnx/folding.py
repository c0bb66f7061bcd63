"""What can be computed before any data are there: constants, and arithmetic of sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphnn.interchange.onnx.inference import infer_shapes
from graphnn.interchange.onnx.libraries import evaluate, onnx
from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.values import (
    Filled,
    UnsupportedError,
    Value,
    as_ints,
    as_sizes,
    combined,
    is_known,
    packed,
    shape_of,
)
from graphnn.ops import Array
from graphnn.spec.sizes import Expression, product

_STATED = {
    "value_float": np.float32,
    "value_floats": np.float32,
    "value_int": np.int64,
    "value_ints": np.int64,
}
_INT64 = 7  # of ONNX's types
_LARGEST = 2**24  # entries of a constant that is computed here
_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli")
Values = Sequence[Value | None]


def _of_shapes(node: ForeignNode, inputs: Values) -> Array | None:
    """The value of a constant, or of what reads a shape alone."""
    if node.op == "Constant":
        return _stated(node)
    if node.op == "Shape" and inputs[0] is not None:
        return _shape(node, inputs[0])
    if node.op == "Size" and inputs[0] is not None:
        return packed([product(shape_of(inputs[0]))], ())
    return None


def fold(node: ForeignNode, inputs: Values, opset: int) -> list[Array] | None:
    """The values of a node whose inputs are known or sizes; None where it must be computed.

    Raises
    ------
    UnsupportedError
        Arithmetic of free sizes that has no form here.
    """
    if (known := _of_shapes(node, inputs)) is not None:
        return [known]
    given = [value for value in inputs if value is not None]
    arrays = [value for value in given if isinstance(value, np.ndarray)]
    if len(arrays) < len(given):
        return None  # data are among them
    if any(array.dtype.hasobject for array in arrays):
        return [_of_sizes(node, inputs)]
    if node.op in _RANDOM or not (inputs or node.op == "Constant"):
        return None
    found = _moved(node, inputs)
    return _evaluated(node, inputs, opset) if found is None else [found]


def _stated(node: ForeignNode) -> Array | None:
    """The array of a constant; None for texts and sparse arrays."""
    ((key, value),) = node.attributes.items() if len(node.attributes) == 1 else [("", None)]
    dtype = _STATED.get(key)
    if key == "value" and isinstance(value, np.ndarray):
        return value
    return None if dtype is None else np.asarray(value, dtype)


def _shape(node: ForeignNode, value: Value) -> Array:
    sizes = shape_of(value)[node.attributes.get("start", 0) : node.attributes.get("end")]
    return packed(list(sizes), (len(sizes),))


# --- sizes


def _of_sizes(node: ForeignNode, inputs: Values) -> Array:
    rule = _SIZES.get(node.op)
    if rule is None:
        raise UnsupportedError("it computes with free sizes")
    arrays = [np.asarray(value) if value is not None else None for value in inputs]
    found = rule(node, *arrays)
    if not isinstance(found, np.ndarray):  # as NumPy takes one entry out of an array
        return packed([found], ())
    return packed(list(found.reshape(-1)), found.shape)


def _gather(node: ForeignNode, data: Array, indices: Array) -> Array:
    return np.take(data, indices.astype(np.int64), axis=node.attributes.get("axis", 0))


def _concat(node: ForeignNode, *arrays: Array) -> Array:
    return np.concatenate([each.astype(object) for each in arrays], axis=node.attributes["axis"])


def _slice(
    node: ForeignNode,
    data: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    index = [slice(None)] * data.ndim
    bounds = as_ints(starts, "start"), as_ints(ends, "end")
    along = range(len(bounds[0])) if axes is None else as_ints(axes, "axes")
    strides = (1,) * len(bounds[0]) if steps is None else as_ints(steps, "steps")
    for axis, start, stop, step in zip(along, *bounds, strides, strict=True):
        index[axis] = slice(start, stop, step)
    return data[tuple(index)]


def _unsqueeze(node: ForeignNode, data: Array, axes: Array | None = None) -> Array:
    given = node.attributes.get("axes") if axes is None else as_ints(axes, "axes")
    return np.expand_dims(data, tuple(given or ()))


def _squeeze(node: ForeignNode, data: Array, axes: Array | None = None) -> Array:
    given = node.attributes.get("axes") if axes is None else as_ints(axes, "axes")
    return np.squeeze(data, tuple(given) if given else None)


def _reshape(node: ForeignNode, data: Array, shape: Array) -> Array:
    wanted = as_ints(shape, "shape")
    if not node.attributes.get("allowzero", 0):
        wanted = tuple(data.shape[at] if size == 0 else size for at, size in enumerate(wanted))
    return data.reshape(wanted)


def _reduce_prod(node: ForeignNode, data: Array, axes: Array | None = None) -> Array:
    found = packed([product(as_sizes(data, "size"))], ())
    return found.reshape(1) if node.attributes.get("keepdims", 1) else found


def _where(node: ForeignNode, condition: Array, a: Array, b: Array) -> Array:
    if condition.dtype == object:
        raise UnsupportedError("it chooses by free sizes")
    return np.where(condition.astype(bool), a.astype(object), b.astype(object))


def _unchanged(node: ForeignNode, data: Array, *rest: Array) -> Array:
    return data


_SIZES: dict[str, Callable[..., Any]] = {
    "Gather": _gather,
    "Concat": _concat,
    "Slice": _slice,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "ReduceProd": _reduce_prod,
    "Where": _where,
    "Cast": _unchanged,
    "Identity": _unchanged,
    **{
        op: lambda node, a, b: combined(node.op, a, b)
        for op in ("Add", "Sub", "Mul", "Div", "Equal")
    },
}


# --- constants


_MOVES = ("Gather", "Concat", "Slice", "Unsqueeze", "Squeeze", "Reshape", "Cast", "Identity")


def _moved(node: ForeignNode, inputs: Values) -> Array | None:
    """What only moves entries, or widens whole numbers, in a small part of the time of onnx."""
    arrays = [np.asarray(value) for value in inputs if value is not None]
    if node.op not in _MOVES or any(array.dtype.kind not in "fib" for array in arrays):
        return None
    if node.op == "Cast":
        return arrays[0].astype(np.int64) if _is_widened(node, arrays[0]) else None
    try:
        return np.asarray(_SIZES[node.op](node, *arrays), arrays[0].dtype)
    except (IndexError, ValueError, UnsupportedError):
        return None  # what is not sound is refused where it is translated


def _is_widened(node: ForeignNode, array: Array) -> bool:
    return node.attributes.get("to") == _INT64 and array.dtype.kind in "ib"


def _evaluated(node: ForeignNode, inputs: Values, opset: int) -> list[Array] | None:
    """The values by onnx's own reference, where they are not large."""
    library = onnx()
    names = [f"i{number}" if value is not None else "" for number, value in enumerate(inputs)]
    outputs = [f"o{number}" if name else "" for number, name in enumerate(node.outputs)]
    attributes = {key: _attribute(value) for key, value in node.attributes.items()}
    domain, _, op = node.op.rpartition(".")
    try:
        made = library.helper.make_node(op, names, outputs, domain=domain, **attributes)
        given = {name: value for name, value in zip(names, inputs, strict=True) if name}
        model = _model(made, given, [name for name in outputs if name], opset)
        if not _is_small(model):
            return None
        found = evaluate(model)
    except MemoryError:
        raise
    except Exception:  # of onnx or NumPy: what is not sound is refused where it is translated
        return None
    return [np.asarray(array) for array in found]


def _attribute(value: Any) -> Any:
    return onnx().numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value


def _model(made: Any, given: dict[str, Any], outputs: list[str], opset: int) -> Any:
    helper = onnx().helper
    ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
    tensors = [onnx().numpy_helper.from_array(array, name) for name, array in given.items()]
    graph = helper.make_graph([made], "g", [], ends, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _is_small(model: Any) -> bool:
    """Whether the outputs are known to have few entries."""
    inferred = infer_shapes(model)
    if inferred is None:
        return False
    for output in inferred.graph.output:
        count = 1
        for dim in output.type.tensor_type.shape.dim:
            if not dim.HasField("dim_value"):
                return all(len(each.raw_data) < _LARGEST for each in model.graph.initializer)
            count *= dim.dim_value
        if count > _LARGEST:
            return False
    return True


def filled(node: ForeignNode, inputs: Values) -> Filled | None:
    """One number for all entries of a shape with free sizes, where that is what a node gives."""
    if node.op == "ConstantOfShape":
        number = node.attributes.get("value", np.zeros(1, np.float32))
        shape = as_sizes(inputs[0], "shape")
        free = any(isinstance(size, Expression) for size in shape)
        return Filled(float(number.reshape(-1)[0]), shape) if free else None
    first = inputs[0] if inputs else None
    if node.op == "Expand" and is_known(first):
        numbers = np.unique(np.asarray(first))
        shape = as_sizes(inputs[1], "shape")
        if len(numbers) == 1 and any(isinstance(size, Expression) for size in shape):
            return Filled(float(numbers[0]), shape)
    return None

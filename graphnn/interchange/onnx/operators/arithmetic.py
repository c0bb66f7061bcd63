"""Functions of one entry, of two, and of several arrays."""

from __future__ import annotations

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.patterns import spelt_out
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import (
    Filled,
    Made,
    UnsupportedError,
    Value,
    broadcast,
    is_known,
    shape_of,
)
from graphnn.ops import Array, Kind

_OPS = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide"}
_COMPARISONS = {
    "Equal": "equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
}
_LOGIC = {"And": "multiply", "Or": "maximum", "Xor": "not_equal"}
_REAL, _WHOLE, _BOOL = (1, 10, 11, 16), (2, 3, 4, 5, 6, 7, 12, 13), 9  # of ONNX's types
_MANY = {"Max": "maximum", "Min": "minimum", "Sum": "add", "Mean": "add"}


def number(value: Value | None, what: str) -> float | None:
    """The one number that `value` holds; None where it is left out."""
    if value is None:
        return None
    if isinstance(value, Filled):
        return value.number
    if not (isinstance(value, np.ndarray) and is_known(value) and value.size == 1):
        raise UnsupportedError(f"its {what} is computed from data")
    return float(str(value.reshape(-1)[0]) if value.dtype == np.float32 else value.reshape(-1)[0])


@rule("Add", "Sub", "Mul", "Div")
def binary(t: Translator, node: ForeignNode, a: Value, b: Value) -> Value:
    """`add`, `subtract`, `multiply` or `divide`; `silu` and such where they are spelt out.

    A bias joins the `affine` before it.
    """
    if (found := spelt_out(node.op, a, b)) is not None:
        name, x, attributes = found
        return t.emit(name, x, **attributes)
    if node.op == "Add":
        for position, (product, bias) in enumerate(((a, b), (b, a))):
            if isinstance(product, Made) and isinstance(bias, np.ndarray):
                alone = t.readers[node.inputs[position]] == 1
                if alone and _take_bias(t, product, bias):
                    return product
    a, b = _single(a, b), _single(b, a)
    if node.op == "Div" and _are_whole(t, a, b):
        return t.emit("floor_divide", a, divisor=_divisor(b), rounding="trunc")
    return t.emit(_OPS[node.op], a, b)


@rule("Mod")
def modulo(t: Translator, node: ForeignNode, x: Value, divisor: Value) -> Value:
    """`remainder`, if the divisor is one number, with the sign that ONNX gives it."""
    rounding = "trunc" if node.attributes.get("fmod", 0) else "floor"
    return t.emit("remainder", x, divisor=_divisor(divisor), rounding=rounding)


def _are_whole(t: Translator, *values: Value) -> bool:
    """Whether all hold whole numbers."""
    return all(t.node(value).kind == "int" for value in values)


def _divisor(value: Value) -> float:
    """The one number that everything is divided by."""
    if not (isinstance(value, np.ndarray) and is_known(value)):
        raise UnsupportedError("it divides by whole numbers that are data")
    if value.size == 0 or (value != value.reshape(-1)[0]).any():
        raise UnsupportedError("it divides by several numbers")
    return float(value.reshape(-1)[0])


def _take_bias(t: Translator, product: Made, bias: Array) -> bool:
    """Give `product`, an affine map without bias, this one; False where it is none."""
    layout = t.layout(product)
    product = layout.source if layout.keeps_last else product
    if product.op.name != "affine" or product.arrays["bias"] is not None or not is_known(bias):
        return False
    units = product.shape[-1]
    if bias.dtype.kind != "f" or bias.size != units or bias.shape[-1:] != (units,):
        return False
    if bias.ndim > len(product.shape):
        return False
    t.give(product, "bias", t.named(bias.reshape(-1), bias))
    return True


def _single(value: Value, *others: Value) -> Value:
    """A filled array as its one number, where another has its shape already."""
    if isinstance(value, Filled):
        shapes = [shape_of(other) for other in others if not isinstance(other, Filled)]
        if any(broadcast(shape, value.shape) == shape for shape in shapes):
            return np.asarray(value.number)
    return value


@rule("Max", "Min", "Sum", "Mean")
def several(t: Translator, node: ForeignNode, first: Value, *others: Value | None) -> Value:
    """`maximum`, `minimum` or `add`, one after the other; `multiply` for a mean."""
    for other in others:
        if other is not None:
            first = t.emit(_MANY[node.op], _single(first, other), _single(other, first))
    first = first if isinstance(first, Made) else t.emit("identity", first)
    return t.emit("multiply", first, 1 / (1 + len(others))) if node.op == "Mean" else first


@rule("Pow")
def power(t: Translator, node: ForeignNode, x: Value, exponent: Value) -> Value:
    """`power`, if the exponent is one number."""
    return t.emit("power", x, exponent=number(exponent, "exponent"))


@rule("Clip")
def clip(
    t: Translator,
    node: ForeignNode,
    x: Value,
    least: Value | None = None,
    most: Value | None = None,
) -> Value:
    """`clip`; of whole numbers `maximum` and `minimum`."""
    low, high = (
        node.attributes.get(key) if value is None else number(value, "bound")
        for key, value in (("min", least), ("max", most))
    )
    large = 3e38
    low = None if low is None or low < -large else low
    high = None if high is None or high > large else high
    if low is None and high is None:
        return t.emit("identity", x)
    if low is not None and low == high:
        raise UnsupportedError("its bounds are the same number")
    made = t.node(x)
    if made.kind == "float":
        return t.emit("clip", made, low=low, high=high)
    if low is not None:
        made = t.emit("maximum", made, np.array(int(low)))
    return made if high is None else t.emit("minimum", made, np.array(int(high)))


@rule("Where")
def where(t: Translator, node: ForeignNode, condition: Value, a: Value, b: Value) -> Value:
    """`where`."""
    a, b = _single(a, condition, b), _single(b, condition, a)
    return t.emit("where", condition, a, b)


@rule("Cast", "CastLike")
def cast(t: Translator, node: ForeignNode, x: Value, like: Value | None = None) -> Value:
    """`cast`, or nothing between numbers of one kind; `not_equal` to 0 for truth values."""
    if isinstance(x, Filled):
        return x
    made = t.node(x)
    if like is not None:
        return as_kind(t, made, t.node(like).kind)
    to = node.attributes.get("to", 1)
    if to == _BOOL:
        zero = np.zeros((), np.float32 if made.kind == "float" else np.int64)
        return made if _is_truth(made) else t.emit("not_equal", made, zero)
    if to not in (*_REAL, *_WHOLE):
        raise UnsupportedError("it makes numbers of a type that is not here")
    return as_kind(t, made, "float" if to in _REAL else "int")


def as_kind(t: Translator, made: Made, kind: Kind) -> Made:
    """`made` as real numbers or as whole ones."""
    return made if made.kind == kind else t.emit("cast", made, dtype=kind)


def _is_truth(made: Made) -> bool:
    """Whether a node gives 0 and 1 alone."""
    return made.op.output_interval == (0.0, 1.0) and made.kind == "int"


@rule(*_COMPARISONS)
def comparison(t: Translator, node: ForeignNode, a: Value, b: Value) -> Value:
    """The same, which gives 0 and 1."""
    return t.emit(_COMPARISONS[node.op], _single(a, b), _single(b, a))


@rule("And", "Or", "Xor", "Not")
def logic(t: Translator, node: ForeignNode, a: Value, b: Value | None = None) -> Value:
    """`multiply`, `maximum` or `not_equal` of 0 and 1; `equal` to 0."""
    if node.op == "Not":
        return t.emit("equal", a, np.zeros((), np.int64))
    return t.emit(_LOGIC[node.op], a, b)


@rule("Identity", "StopGradient")
def identity(t: Translator, node: ForeignNode, x: Value) -> Value:
    """Nothing."""
    return x


@rule("Dropout")
def dropout(
    t: Translator,
    node: ForeignNode,
    x: Value,
    ratio: Value | None = None,
    training: Value | None = None,
) -> list[Value]:
    """`dropout`; of its mask, which drops nothing here, a `constant`."""
    if training is not None and (not isinstance(training, np.ndarray) or training.any()):
        raise UnsupportedError("it is as in training")
    given = node.attributes.get("ratio") if ratio is None else number(ratio, "ratio")
    made = t.emit("dropout", x, rate=0.5 if given is None else given)
    if not any(name and t.readers.get(name) for name in node.outputs[1:]):
        return [made]
    sizes = [size for size in made.shape if isinstance(size, int)]
    if len(sizes) < len(made.shape):
        raise UnsupportedError("its mask, of a free size, is read")
    return [made, np.ones(sizes, bool)]


@rule("If")
def conditional(t: Translator, node: ForeignNode, condition: Value) -> list[Value]:
    """The branch that is taken, if that is known."""
    if not (isinstance(condition, np.ndarray) and is_known(condition)):
        raise UnsupportedError("it chooses by data")
    return t.inline(node.attributes["then_branch" if condition.all() else "else_branch"])

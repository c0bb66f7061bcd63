"""Functions of each entry of one array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.arithmetic import number
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, Value, is_known, shape_of

Inputs = list[Value | None]

Formula = Callable[[Translator, ForeignNode, Value], Value]


def _formula(name: str, text: str) -> Callable[[Formula], Formula]:
    """Enter a formula of one array."""

    def enter(function: Formula) -> Formula:
        def made(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
            assert inputs[0] is not None
            return function(t, node, inputs[0])

        made.__doc__ = text
        rule(name)(made)
        return function

    return enter


@_formula("Reciprocal", "`power` of -1.")
def _reciprocal(t: Translator, node: ForeignNode, x: Value) -> Value:
    return t.emit("power", x, exponent=-1)


@_formula("Sign", "`step`, of what is above 0 and of what is below.")
def _sign(t: Translator, node: ForeignNode, x: Value) -> Value:
    if isinstance(x, Made) and x.op.name == "relu":
        return t.emit("step", x.inputs[0])
    return t.emit("subtract", t.emit("step", x), t.emit("step", t.emit("negative", x)))


@_formula("HardSigmoid", "`hard_sigmoid`, or `multiply`, `add` and `clip` with other constants.")
def _hard_sigmoid(t: Translator, node: ForeignNode, x: Value) -> Value:
    slope, middle = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(slope - 1 / 6) < 1e-7 and middle == 0.5:
        return t.emit("hard_sigmoid", x)
    return t.emit("clip", t.emit("add", t.emit("multiply", x, slope), middle), low=0, high=1)


@_formula("Swish", "`silu`, or `multiply` by a `sigmoid` with another slope.")
def _swish(t: Translator, node: ForeignNode, x: Value) -> Value:
    slope = node.attributes.get("alpha", 1.0)
    if slope == 1:
        return t.emit("silu", x)
    return t.emit("multiply", x, t.emit("sigmoid", t.emit("multiply", x, slope)))


@_formula("Celu", "`elu` with `multiply` before and after.")
def _celu(t: Translator, node: ForeignNode, x: Value) -> Value:
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1:
        return t.emit("elu", x)
    return t.emit("multiply", t.emit("elu", t.emit("multiply", x, 1 / alpha)), alpha)


@_formula("Selu", "`selu`, or `elu` and `multiply` with other constants.")
def _selu(t: Translator, node: ForeignNode, x: Value) -> Value:
    alpha, gamma = node.attributes.get("alpha", 1.67326), node.attributes.get("gamma", 1.0507)
    if abs(alpha - 1.67326) < 1e-4 and abs(gamma - 1.0507) < 1e-4:
        return t.emit("selu", x)
    return t.emit("multiply", t.emit("elu", x, alpha=alpha), gamma)


@rule("PRelu")
def prelu(t: Translator, node: ForeignNode, inputs: Inputs) -> Value:
    """`leaky_relu`, `prelu`, or `relu` and a part below 0 with slopes along other axes."""
    x, slope = inputs
    if isinstance(slope, np.ndarray) and is_known(slope):
        if slope.size == 1:
            return t.emit("leaky_relu", x, slope=number(slope, "slope"))
        after = len(shape_of(x)) - 2 if x is not None else 0
        if slope.shape[slope.ndim - after - 1 :] == (slope.size, *(1,) * after):
            return t.emit("prelu", x, arrays={"slope": t.named(slope.reshape(-1), slope)})
    below = t.emit("negative", t.emit("relu", t.emit("negative", x)))
    return t.emit("add", t.emit("relu", x), t.emit("multiply", below, slope))


@_formula("ThresholdedRelu", "`multiply` by `greater`.")
def _thresholded(t: Translator, node: ForeignNode, x: Value) -> Value:
    above = t.emit("greater", x, node.attributes.get("alpha", 1.0))
    return t.emit("multiply", x, above)


@_formula("Shrink", "`where`, of `subtract` and `add` beyond the bounds.")
def _shrink(t: Translator, node: ForeignNode, x: Value) -> Value:
    bias, bound = node.attributes.get("bias", 0.0), node.attributes.get("lambd", 0.5)
    below = t.emit("where", t.emit("less", x, -bound), t.emit("add", x, bias), 0.0)
    return t.emit("where", t.emit("greater", x, bound), t.emit("subtract", x, bias), below)


@_formula("Tan", "`sin` over `cos`.")
def _tan(t: Translator, node: ForeignNode, x: Value) -> Value:
    return t.emit("divide", t.emit("sin", x), t.emit("cos", x))


@_formula("Cosh", "Half of `exp` and of `exp` of `negative`.")
def _cosh(t: Translator, node: ForeignNode, x: Value) -> Value:
    both = t.emit("add", t.emit("exp", x), t.emit("exp", t.emit("negative", x)))
    return t.emit("multiply", both, 0.5)


@_formula("Sinh", "`tanh` times what `Cosh` is, which is exact near 0.")
def _sinh(t: Translator, node: ForeignNode, x: Value) -> Value:
    return t.emit("multiply", t.emit("tanh", x), _cosh(t, node, x))


@_formula("Asinh", "`log` of the absolute value and the root of 1 more than its square, signed.")
def _asinh(t: Translator, node: ForeignNode, x: Value) -> Value:
    size = t.emit("absolute", x)
    root = t.emit("sqrt", t.emit("add", t.emit("power", size, exponent=2), 1.0))
    return t.emit("multiply", t.emit("log", t.emit("add", size, root)), _sign(t, node, x))


@_formula("Acosh", "`log` of the number and the root of 1 less than its square.")
def _acosh(t: Translator, node: ForeignNode, x: Value) -> Value:
    root = t.emit("sqrt", t.emit("subtract", t.emit("power", x, exponent=2), 1.0))
    return t.emit("log", t.emit("add", x, root))


@_formula("Atanh", "Half of the `log` of 1 more over 1 less.")
def _atanh(t: Translator, node: ForeignNode, x: Value) -> Value:
    share = t.emit("divide", t.emit("add", x, 1.0), t.emit("subtract", 1.0, x))
    return t.emit("multiply", t.emit("log", share), 0.5)


@_formula("Floor", "`floor_divide` by 1.")
def _floor(t: Translator, node: ForeignNode, x: Value) -> Value:
    return t.emit("floor_divide", x, divisor=1.0)


@_formula("Ceil", "`negative` of `floor_divide` by -1.")
def _ceil(t: Translator, node: ForeignNode, x: Value) -> Value:
    return t.emit("negative", t.emit("floor_divide", x, divisor=-1.0))

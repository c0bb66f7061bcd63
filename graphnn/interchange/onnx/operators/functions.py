"""Functions of each entry of one array."""

from __future__ import annotations

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.arithmetic import number
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, Value, is_known, shape_of


@rule("Reciprocal")
def _reciprocal(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`power` of -1."""
    return t.emit("power", x, exponent=-1)


@rule("Sign")
def _sign(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`step`, of what is above 0 and of what is below."""
    if isinstance(x, Made) and x.op.name == "relu":
        return t.emit("step", x.inputs[0])
    return t.emit("subtract", t.emit("step", x), t.emit("step", t.emit("negative", x)))


@rule("HardSigmoid")
def _hard_sigmoid(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`hard_sigmoid`, or `multiply`, `add` and `clip` with other constants."""
    slope, middle = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(slope - 1 / 6) < 1e-7 and middle == 0.5:
        return t.emit("hard_sigmoid", x)
    return t.emit("clip", t.emit("add", t.emit("multiply", x, slope), middle), low=0, high=1)


@rule("Swish")
def _swish(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`silu`, or `multiply` by a `sigmoid` with another slope."""
    slope = node.attributes.get("alpha", 1.0)
    if slope == 1:
        return t.emit("silu", x)
    return t.emit("multiply", x, t.emit("sigmoid", t.emit("multiply", x, slope)))


@rule("Celu")
def _celu(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`elu` with `multiply` before and after."""
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1:
        return t.emit("elu", x)
    return t.emit("multiply", t.emit("elu", t.emit("multiply", x, 1 / alpha)), alpha)


@rule("Selu")
def _selu(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`selu`, or `elu` and `multiply` with other constants."""
    alpha, gamma = node.attributes.get("alpha", 1.67326), node.attributes.get("gamma", 1.0507)
    if abs(alpha - 1.67326) < 1e-4 and abs(gamma - 1.0507) < 1e-4:
        return t.emit("selu", x)
    return t.emit("multiply", t.emit("elu", x, alpha=alpha), gamma)


@rule("PRelu")
def prelu(t: Translator, node: ForeignNode, x: Value, slope: Value) -> Value:
    """`leaky_relu`, `prelu`, or `relu` and a part below 0 with slopes along other axes."""
    if isinstance(slope, np.ndarray) and is_known(slope):
        if slope.size == 1:
            return t.emit("leaky_relu", x, slope=number(slope, "slope"))
        after = len(shape_of(x)) - 2
        if slope.shape[slope.ndim - after - 1 :] == (slope.size, *(1,) * after):
            return t.emit("prelu", x, arrays={"slope": t.named(slope.reshape(-1), slope)})
    below = t.emit("negative", t.emit("relu", t.emit("negative", x)))
    return t.emit("add", t.emit("relu", x), t.emit("multiply", below, slope))


@rule("ThresholdedRelu")
def _thresholded(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`multiply` by `greater`."""
    above = t.emit("greater", x, node.attributes.get("alpha", 1.0))
    return t.emit("multiply", x, above)


@rule("Shrink")
def _shrink(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`where`, of `subtract` and `add` beyond the bounds."""
    bias, bound = node.attributes.get("bias", 0.0), node.attributes.get("lambd", 0.5)
    below = t.emit("where", t.emit("less", x, -bound), t.emit("add", x, bias), 0.0)
    return t.emit("where", t.emit("greater", x, bound), t.emit("subtract", x, bias), below)


@rule("Tan")
def _tan(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`sin` over `cos`."""
    return t.emit("divide", t.emit("sin", x), t.emit("cos", x))


@rule("Cosh")
def _cosh(t: Translator, node: ForeignNode, x: Value) -> Value:
    """Half of `exp` and of `exp` of `negative`."""
    both = t.emit("add", t.emit("exp", x), t.emit("exp", t.emit("negative", x)))
    return t.emit("multiply", both, 0.5)


@rule("Sinh")
def _sinh(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`tanh` times what `Cosh` is, which is exact near 0."""
    return t.emit("multiply", t.emit("tanh", x), _cosh(t, node, x))


@rule("Asinh")
def _asinh(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`log` of the absolute value and the root of 1 more than its square, signed."""
    size = t.emit("absolute", x)
    root = t.emit("sqrt", t.emit("add", t.emit("power", size, exponent=2), 1.0))
    return t.emit("multiply", t.emit("log", t.emit("add", size, root)), _sign(t, node, x))


@rule("Acosh")
def _acosh(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`log` of the number and the root of 1 less than its square."""
    root = t.emit("sqrt", t.emit("subtract", t.emit("power", x, exponent=2), 1.0))
    return t.emit("log", t.emit("add", x, root))


@rule("Atanh")
def _atanh(t: Translator, node: ForeignNode, x: Value) -> Value:
    """Half of the `log` of 1 more over 1 less."""
    share = t.emit("divide", t.emit("add", x, 1.0), t.emit("subtract", 1.0, x))
    return t.emit("multiply", t.emit("log", share), 0.5)


@rule("Floor")
def _floor(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`floor_divide` by 1."""
    return t.emit("floor_divide", x, divisor=1.0)


@rule("Ceil")
def _ceil(t: Translator, node: ForeignNode, x: Value) -> Value:
    """`negative` of `floor_divide` by -1."""
    return t.emit("negative", t.emit("floor_divide", x, divisor=-1.0))

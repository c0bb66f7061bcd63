"""Losses of class numbers."""

from __future__ import annotations

import numpy as np

from graphnn.interchange.onnx.models import ForeignNode
from graphnn.interchange.onnx.operators.lookups import picked
from graphnn.interchange.onnx.operators.shapes import reshaped
from graphnn.interchange.onnx.table import rule
from graphnn.interchange.onnx.translation import Translator
from graphnn.interchange.onnx.values import Made, Value, is_known, shape_of


@rule("SoftmaxCrossEntropyLoss")
def softmax_loss(
    t: Translator, node: ForeignNode, x: Value, target: Value, weights: Value | None = None
) -> list[Value]:
    """`softmax` and `cross_entropy`, or `log_softmax` and what `NegativeLogLikelihoodLoss` is."""
    options = node.attributes
    reduction, ignored = options.get("reduction", "mean"), options.get("ignore_index")
    plain = reduction != "mean" or weights is None
    known = weights is None or (isinstance(weights, np.ndarray) and is_known(weights))
    if not plain or not known or len(shape_of(x)) != 2:
        shares = t.emit("log_softmax", x, axis=1)
        return [likelihood(t, node, shares, target, weights), shares][: len(node.outputs)]
    loss: Value = t.emit(
        "cross_entropy",
        t.emit("softmax", x),
        target,
        class_weights=None if weights is None else tuple(np.asarray(weights).tolist()),
        ignored_class=ignored,
        counts_ignored=ignored is not None and reduction != "mean",
    )
    found = loss if reduction == "none" else t.emit(reduction, loss)
    return [found] if len(node.outputs) == 1 else [found, t.emit("log_softmax", x)]


@rule("NegativeLogLikelihoodLoss")
def likelihood(
    t: Translator, node: ForeignNode, x: Value, target: Value, weights: Value | None = None
) -> Value:
    """`gather` of the target's entries and `negative`, times weights; `mean` or `sum`."""
    reduction = node.attributes.get("reduction", "mean")
    ignored = node.attributes.get("ignore_index")
    counted: Value | None = None
    if ignored is not None:
        kept = t.emit("not_equal", target, np.array(ignored))
        target = t.emit("where", kept, target, np.array(0))
        counted = t.emit("cast", kept, dtype="float")
    if weights is not None:
        table = t.node(weights)
        table.trainable = table.trainable and table.op.name != "parameter"
        own = t.emit("gather", table, target, axis=0)
        counted = own if counted is None else t.emit("multiply", own, counted)
    shape = shape_of(target)
    places = reshaped(t, t.node(target), (shape[0], 1, *shape[1:]))
    chosen = reshaped(t, picked(t, x, places, 1), shape)
    loss: Made = t.emit("negative", chosen)
    if counted is not None:
        loss = t.emit("multiply", loss, counted)
    if reduction == "mean" and counted is not None:
        return t.emit("divide", t.emit("sum", loss), t.emit("sum", counted))
    return loss if reduction == "none" else t.emit(reduction, loss)

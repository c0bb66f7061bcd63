"""What Keras, torch, Caffe and ONNX call the ops, and what they have that is not here."""

from __future__ import annotations

import re
from functools import lru_cache

from graphnn.ops._op import Op
from graphnn.ops._registry import REGISTRY

# By name without case, '_', '-', "2d" and "layer": how to write what no op is.
ABSENT = {
    "adaptiveavgpool": "for one number a channel, write global_average_pool",
    "alphadropout": "the nearest is dropout",
    "argmax": "there is no op for it: examples take it, {y: {argmax: ...}}, and so does accuracy",
    "attention": "write it as nodes: a matmul of queries and transposed keys, multiply by a "
    "constant, softmax, and a matmul with the values",
    "bcewithlogitsloss": "write binary_cross_entropy of a sigmoid, which is computed as one step",
    "conv1d": "write conv2d on images of height 1",
    "conv3d": "convolutions here have two axes: conv2d",
    "crossentropyloss": "write cross_entropy of a softmax, which is computed as one step",
    "depthwiseconv": "write conv2d with as many groups as there are channels",
    "einsum": "write it as matmul, transpose, multiply and sum",
    "eltwise": "write add, multiply or maximum",
    "embedding": "write an affine without bias of rows that are 1 in one place",
    "expanddims": "write reshape with a size of 1",
    "gather": "only a slice can be taken; for rows of a table, write a matmul with rows that are 1 "
    "in one place",
    "glu": "write multiply of one slice and the sigmoid of another",
    "groupnorm": "write reshape, layer_norm and reshape",
    "gru": "there are no recurrent ops: write each step as nodes, or as a block with 'repeat'",
    "hardsigmoid": "write clip of an affine node",
    "hardtanh": "write clip with low: -1 and high: 1",
    "hinge": "write it as nodes: multiply, subtract from a constant, relu, mean",
    "huber": "there is no robust loss: the nearest is mean_squared_error",
    "instancenorm": "write layer_norm along the axes of the image: axis: [2, 3]",
    "kldivloss": "write cross_entropy, whose gradient is the same",
    "l1loss": "write it as nodes: subtract, absolute, mean; it is a metric too, "
    "mean_absolute_error",
    "logsigmoid": "write negative of the softplus of a negative",
    "lrn": "the nearest is batch_norm",
    "lstm": "there are no recurrent ops: write each step as nodes, or as a block with 'repeat'",
    "min": "write negative of the max of a negative",
    "multiheadattention": "write it as nodes: a matmul of queries and transposed keys, multiply by "
    "a constant, softmax, and a matmul with the values",
    "nllloss": "write cross_entropy of the softmax, not of log_softmax",
    "pooling": "write max_pool or average_pool",
    "prelu": "the nearest is leaky_relu, whose slope is fixed",
    "reciprocal": "write power with exponent: -1",
    "relu6": "write clip with low: 0 and high: 6",
    "rmsnorm": "the nearest is layer_norm",
    "rnn": "there are no recurrent ops: write each step as nodes, or as a block with 'repeat'",
    "rsqrt": "write power with exponent: -0.5",
    "scale": "write multiply by a parameter, and add another",
    "sigmoidcrossentropyloss": "write binary_cross_entropy of a sigmoid, which is computed as one "
    "step",
    "silu": "write multiply of a node and its sigmoid",
    "smoothl1loss": "there is no robust loss: the nearest is mean_squared_error",
    "softmaxwithloss": "write cross_entropy of a softmax, which is computed as one step",
    "softsign": "write divide of a node by 1 plus its absolute",
    "split": "write a slice for each part",
    "square": "write power with exponent: 2",
    "squeeze": "write reshape",
    "stack": "write reshape of each, with an axis of size 1, and concat",
    "tile": "write concat of several of the same",
    "unsqueeze": "write reshape with a size of 1",
    "where": "multiply by a mask of 0 and 1, or write maximum, minimum or clip",
}
ABSENT |= {
    "swish": ABSENT["silu"],
    "mae": ABSENT["l1loss"],
    "meanabsoluteerror": ABSENT["l1loss"],
    "scaleddotproductattention": ABSENT["attention"],
    "softmaxcrossentropywithlogits": ABSENT["softmaxwithloss"],
}


def elsewhere(name: str) -> str:
    """Help for the name of an op in another library; empty for a name of none.

    Parameters
    ----------
    name : str
        As it is there, such as ``nn.MaxPool2d`` or ``InnerProduct``.
    """
    ours, theirs = _names(tuple(REGISTRY.values()))
    for bare in _bare(name):
        if bare in ours:
            return f"did you mean '{ours[bare]}'?"
        if bare in ABSENT:
            return ABSENT[bare]
        if bare in theirs:
            return f"it is called '{theirs[bare]}' here"
    return ""


def _bare(name: str) -> list[str]:
    """What to look for: the name as one word in small letters, and without what kind it is."""
    word = re.sub(r"[_\-\s]", "", name[:100].rpartition(".")[2].lower())
    return [word, re.sub(r"(layer|op)$", "", word), re.sub(r"[12]d(layer)?$", "", word)]


@lru_cache(maxsize=1)
def _names(ops: tuple[type[Op], ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Names of ops by their own in one word, and by those they have elsewhere."""
    known = [op for op in ops if not op.internal]
    ours = {op.name.replace("_", ""): op.name for op in known}
    return ours, {word: op.name for op in known for word in op.elsewhere}

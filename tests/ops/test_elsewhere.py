"""Names of Keras, torch, Caffe and ONNX, and what is said of each."""

from __future__ import annotations

import inspect
import re

import pytest

import graphnn
from graphnn.ops import REGISTRY, elsewhere
from graphnn.ops._elsewhere import absent
from graphnn.ops.initializers import INITIALIZERS
from graphnn.ops.initializers import elsewhere as initializer_elsewhere

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
OTHERS = ("op", "ops", "here", "node", "block", "parameter", "'train", "leave")
WITHOUT_ANSWER = {  # words of other meaning elsewhere, and numbers that change a formula
    ("attention", "bias"),
    ("binary_cross_entropy", "weight"),
    ("cosine_distance", "margin"),
    ("instance_norm", "momentum"),
    ("multiclass_hinge", "p"),
    ("multiclass_hinge", "weight"),
    ("softplus", "beta"),
    ("softplus", "threshold"),
}
CALLED = {
    "abs": "absolute",
    "average": "mean",
    "avg_pool2d": "average_pool",
    "AveragePooling2D": "average_pool",
    "BatchNormalization": "batch_norm",
    "BCELoss": "binary_cross_entropy",
    "bmm": "matmul",
    "cat": "concat",
    "CategoricalCrossentropy": "cross_entropy",
    "clamp": "clip",
    "Concatenate": "concat",
    "Conv": "conv2d",
    "Conv2DTranspose": "conv_transpose2d",
    "Conv1DTranspose": "conv_transpose1d",
    "AvgPool3d": "average_pool",
    "Convolution3D": "conv3d",
    "GlobalAveragePooling1D": "global_average_pool",
    "Convolution": "conv2d",
    "Deconvolution": "conv_transpose2d",
    "Dense": "affine",
    "Div": "divide",
    "EuclideanLoss": "sum_squared_error",
    "cumsum": "cumulative_sum",
    "fc": "affine",
    "Gemm": "affine",
    "GlobalAveragePooling2D": "global_average_pool",
    "InnerProduct": "affine",
    "LayerNormalization": "layer_norm",
    "LRN": "local_response_norm",
    "L1Loss": "absolute_error",
    "Linear": "affine",
    "mae": "absolute_error",
    "MaxPooling2D": "max_pool",
    "mm": "matmul",
    "MSELoss": "mean_squared_error",
    "mse": "mean_squared_error",
    "mul": "multiply",
    "MultiHeadAttention": "attention",
    "Neg": "negative",
    "nn.Linear": "affine",
    "permute": "transpose",
    "placeholder": "input",
    "pow": "power",
    "reduce_mean": "mean",
    "ReduceMax": "max",
    "ReduceSum": "sum",
    "resize": "upsample",
    "SimpleRNN": "rnn",
    "sub": "subtract",
    "swish": "silu",
    "take": "gather",
    "tf.keras.layers.Dense": "affine",
    "torch.abs": "absolute",
    "UpSampling2D": "upsample",
    "Variable": "parameter",
    "view": "reshape",
    "ZeroPadding2D": "pad",
}
SPELT = {
    "BatchNorm2d": "batch_norm",
    "BinaryCrossentropy": "binary_cross_entropy",
    "Conv1D": "conv1d",
    "nn.Conv3d": "conv3d",
    "Conv2D": "conv2d",
    "MaxPool1d": "max_pool",
    "ConvTranspose2d": "conv_transpose2d",
    "GRU": "gru",
    "LeakyReLU": "leaky_relu",
    "LogSoftmax": "log_softmax",
    "LSTM": "lstm",
    "MatMul": "matmul",
    "HardSigmoid": "hard_sigmoid",
    "nn.Embedding": "embedding",
    "MaxPool2d": "max_pool",
    "nn.ReLU": "relu",
    "nn.PReLU": "prelu",
    "Einsum": "einsum",
    "GroupNorm": "group_norm",
    "Softmax": "softmax",
}
SOFTMAX_FIRST = "write cross_entropy of a softmax, which is computed as one step"
DEPTHWISE = "write conv1d, conv2d or conv3d with as many groups as there are channels"
NOT_HERE = {
    "BCEWithLogitsLoss": "write binary_cross_entropy of a sigmoid, which is computed as one step",
    "DepthwiseConv1D": DEPTHWISE,
    "CrossEntropyLoss": SOFTMAX_FIRST,
    "Eltwise": "write add, multiply or maximum",
    "ReLU6": "write clip with low: 0 and high: 6",
    "SoftmaxWithLoss": SOFTMAX_FIRST,
    "Split": "write a slice for each part",
    "Square": "write power with exponent: 2",
    "Squeeze": "write reshape",
}
EXPECTED = {
    **{name: f"it is called '{ours}' here" for name, ours in CALLED.items()},
    **{name: f"did you mean '{ours}'?" for name, ours in SPELT.items()},
    **NOT_HERE,
}


def test_at_least_57_names_are_known():
    assert len(EXPECTED) >= 57


@pytest.mark.parametrize("name", EXPECTED)
def test_a_name_from_elsewhere_is_answered(name):
    nodes = f"  x: {{op: input, shape: [batch, 2]}}\n  y: {{op: '{name}', inputs: x}}\n"
    (found,) = graphnn.diagnose_text(f"graphnn: 1\nnodes:\n{nodes}")
    assert (found.code, found.message) == ("unknown-op", f"there is no op '{name}'")
    assert found.help == EXPECTED[name]


@pytest.mark.oracle
def test_each_module_of_torch_is_answered_and_each_of_its_arguments():
    nn = pytest.importorskip("torch").nn
    modules = [each for each in vars(nn).values() if inspect.isclass(each)]
    modules = [each for each in modules if issubclass(each, nn.Module)]
    assert len(modules) > 100
    names = [each.__name__ for each in modules if not each.__name__.endswith("Base")]
    assert [name for name in names if not elsewhere(name)] == []
    unanswered = set()
    for module in modules:
        same = re.fullmatch(r"(did you mean|it is called) '(\w+)'.*", elsewhere(module.__name__))
        for op in [REGISTRY[same[2]]] if same else []:
            own = {*op.attribute_names, *(each.name for each in op.parameter_operands())}
            given = inspect.signature(module).parameters
            asked = [key for key in given if key not in own and given[key].kind not in VARIABLE]
            nodes = [f"n{n}: {{op: {op.name}, {key}: 1}}" for n, key in enumerate(asked)]
            text = f"graphnn: 1\nnodes: {{{', '.join(nodes)}}}"
            found = [each for each in graphnn.diagnose_text(text) if each.code == "unknown-key"]
            unanswered |= {each.message for each in found if "lists them" in each.help}
    known = {f"{op} has no attribute or parameter '{key}'" for op, key in WITHOUT_ANSWER}
    assert unanswered == known


def test_what_is_misspelt_goes_by_its_spelling():
    assert elsewhere("sigmod") == ""
    assert elsewhere("") == ""


def test_each_name_stands_for_one_thing():
    ours = [name.replace("_", "") for name, op in REGISTRY.items() if not op.internal]
    theirs = [word for op in REGISTRY.values() for word in op.elsewhere]
    every = [*ours, *theirs, *absent()]
    assert len(set(every)) == len(every)
    assert all(word == word.lower() and "_" not in word for word in (*theirs, *absent()))


@pytest.mark.parametrize("text", sorted(set(absent().values())))
def test_what_is_offered_instead_is_there(text):
    written = set(text.replace(",", " ").replace(":", " ").replace(";", " ").split())
    assert written & {*REGISTRY, *OTHERS}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("glorot_uniform", "{xavier: {distribution: uniform}}"),
        ("xavier_normal_", "{xavier: {distribution: normal}}"),
        ("HeNormal", "{he: {distribution: normal}}"),
        ("kaiming_uniform_", "{he: {distribution: uniform}}"),
        ("msra", "he"),
        ("gaussian", "normal"),
        ("RandomNormal", "normal"),
        ("random_uniform", "uniform"),
        ("TruncatedNormal", "truncated_normal"),
        ("zeros_", "zeros"),
        ("sigmoid", ""),
        ("he_", "he"),
    ],
)
def test_initializers_of_elsewhere(name, ours):
    assert initializer_elsewhere(name) == ours
    assert name not in INITIALIZERS


@pytest.mark.parametrize(
    ("op", "key", "ours"),
    [
        ("dropout", "p", "rate"),
        ("dropout", "dropout_ratio", "rate"),
        ("batch_norm", "eps", "epsilon"),
        ("batch_norm", "gamma", "gain"),
        ("leaky_relu", "negative_slope", "slope"),
        ("mean", "dim", "axis"),
        ("clip", "max_value", "high"),
        ("affine", "out_features", "units"),
    ],
)
def test_keys_of_elsewhere(op, key, ours):
    nodes = f"  x: {{op: input, shape: [batch, 2, 3]}}\n  y: {{op: {op}, inputs: x, {key}: 0.5}}\n"
    found = graphnn.diagnose_text(f"graphnn: 1\nnodes:\n{nodes}")
    assert found[0].code == "unknown-key"
    assert found[0].help == f"did you mean '{ours}'?"

"""ONNX models read as networks: what was exported comes back, and foreign operators become ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.interchange.onnx import importing
from places import ROOT
from tables import cases

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
helper = onnx.helper

SPECS = [
    path
    for path in sorted((ROOT / "specs").rglob("*"))
    if path.suffix in (".yaml", ".json") and path.parent.name != "blocks"
]
LONG = ("additions", "language_lstm")
MARKED = [
    pytest.param(path, marks=pytest.mark.slow) if path.stem in LONG else path for path in SPECS
]
FLOAT, INT = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64


def save(
    path: Path,
    nodes: list,
    inputs: dict,
    outputs: list[str],
    arrays: dict | None = None,
    opset: int = 20,
) -> Path:
    """A model of these nodes; inputs and arrays by name, sizes that are texts free."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [onnx.numpy_helper.from_array(a, name) for name, a in (arrays or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    path.write_bytes(model.SerializeToString())
    return path


def node(op: str, inputs: str, output: str, **attributes):
    """A node; inputs are split at spaces, and '-' is one that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, output.split(), name=f"n_{output}", **attributes)


def parsed(nodes: str) -> list:
    """Nodes in ONNX's own text form, with semicolons between them."""
    return [onnx.parser.parse_node(each) for each in nodes.split(";")]


# --- there and back


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.stem)
def test_what_was_exported_comes_back_without_a_difference(path, tmp_path):
    net = graphnn.load(path)
    graphnn.export(net, tmp_path / "net.onnx")
    found = graphnn.import_onnx(tmp_path / "net.onnx", tmp_path)
    assert found.difference is not None
    assert str(graphnn.diff(net, found.network)) == "no difference"
    assert str(graphnn.diff(net, found.files[0])) in ("no difference", RECORDED)


RECORDED = "examples\n  + recorded from onnxruntime"


def test_weights_that_were_trained_come_back(tmp_path):
    net = graphnn.load(ROOT / "specs" / "residual_blocks.yaml")
    rng = np.random.default_rng(0)
    for array in net.arrays.values():
        array[...] = rng.uniform(0.5, 1, array.shape)
    graphnn.export(net, tmp_path / "net.onnx")
    found = graphnn.import_onnx(tmp_path / "net.onnx", tmp_path / "folder")
    names = [path.name for path in found.files]
    assert names == ["net.yaml", "weights.safetensors"]
    again = graphnn.load(found.files[0])
    for name, array in net.arrays.items():
        assert np.array_equal(array, again.arrays[name])
    first = graphnn.diff(net, again).changes[0]
    assert str(first).startswith("weights: ")


@pytest.mark.parametrize("path", MARKED, ids=lambda path: path.stem)
def test_a_model_whose_spec_is_gone_is_read_by_its_operators(path, tmp_path):
    net = graphnn.load(path).astype("float32")
    graphnn.export(net, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    del model.metadata_props[:]
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    again = graphnn.load_onnx(tmp_path / "net.onnx")
    assert again.graph.outputs == net.graph.outputs
    shapes = [(node.name, node.shape) for node in again.graph.inputs]
    needed = net.executor(net.graph.outputs).plan.inputs
    assert shapes == [(name, net.graph.nodes[name].shape) for name in needed]
    assert {array.size for array in again.parameters.values()} <= {
        array.size for array in net.parameters.values()
    }


def test_a_model_that_was_changed_is_not_its_spec(tmp_path):
    net = graphnn.load(ROOT / "specs" / "three_layer.yaml")
    graphnn.export(net, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    (first,) = [each for each in model.graph.node if each.op_type == "Sigmoid"][:1]
    first.op_type = "Tanh"
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    again = graphnn.load_onnx(tmp_path / "net.onnx")
    assert "tanh" in [each.op.name for each in again.graph.nodes.values()]


# --- foreign operators


def agrees(path: Path, tmp_path: Path, given: dict | None = None) -> graphnn.Imported:
    """Import a model, and run the examples that were recorded of it."""
    found = graphnn.import_onnx(path, tmp_path / "folder", given)
    assert found.difference is not None
    assert all(graphnn.run_examples(graphnn.load(found.files[0])))
    return found


RNG = np.random.default_rng(0)


def some(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


IMAGES = ["n", 2, 6, 5]


@cases(
    """
    id | nodes | shape= | arrays= | names
    gemm | y = Gemm<transB=1, alpha=0.5, beta=2.0>(x, w, c) | ["n", 3] | [some(4, 3), some(4)] | w c
    matmul with a bias | z = MatMul(x, w); y = Add(c, z) | ["n", 2, 3] | [some(3, 4), some(4)] | w c
    matmul of a vector | y = MatMul(x, w) | ["n", 3] | [some(3)] | w
    uneven convolution | y = Conv<pads=[0, 1, 2, 0], strides=[2, 1]>(x, w) | IMAGES
        | [some(3, 2, 3, 2)] | w
    lower same | y = Conv<auto_pad="SAME_LOWER", strides=[2, 2]>(x, w) | IMAGES | [some(3, 2, 3, 2)]
        | w
    one axis | y = Conv<pads=[1, 1], dilations=[2]>(x, w) | ["n", 2, 9] | [some(3, 2, 3)] | w
    transposed | y = ConvTranspose<pads=[0, 1, 1, 1], strides=[2, 2]>(x, w) | IMAGES
        | [some(2, 3, 3, 3)] | w
    max pool that rounds up | y = MaxPool<kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1>(x)
        | IMAGES | [] |
    means without padding
        | y = AveragePool<kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 1]>(x) | IMAGES | [] |
    means that round up
        | y = AveragePool<kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, count_include_pad=1>(x)
        | IMAGES | [] |
    pool of one axis | y = AveragePool<kernel_shape=[2], strides=[2]>(x) | ["n", 2, 8] | [] |
    hard swish | y = HardSwish(x) | ["n", 3] | [] |
    hard sigmoid | y = HardSigmoid<alpha=0.3, beta=0.4>(x) | ["n", 3] | [] |
    clip | y = Clip(x, , h) | ["n", 3] | [np.float32(0.5)] | h
    celu | y = Celu<alpha=2.0>(x) | ["n", 3] | [] |
    prelu | y = PRelu(x, w) | ["n", 3] | [some(3)] | w
    softmax along an axis | y = Softmax<axis=1>(x) | ["n", 3, 4] | [] |
    minimum along axes | y = ReduceMin<keepdims=0>(x, a) | ["n", 3, 4] | [whole(1, 2)] | a
    norm | y = ReduceL2(x, a) | ["n", 3, 4] | [whole(-1)] | a
    log-sum-exp | y = ReduceLogSumExp<keepdims=0>(x, a) | ["n", 3, 4] | [whole(1)] | a
    cumulative sum | y = CumSum<exclusive=1, reverse=1>(x, a) | ["n", 3, 4] | [np.array(1)] | a
    einsum | y = Einsum<equation="nij, kj -> nik">(x, w) | ["n", 3, 4] | [some(2, 4)] | w
    expand | y = Expand(x, s) | ["n", 1, 4] | [whole(2, 1, 3, 1)] | s
    local response norm | y = LRN<size=3, alpha=0.5, beta=0.5, bias=2.0>(x) | ["n", 4, 3, 2] | [] |
    groups of channels | y = GroupNormalization<num_groups=2, epsilon=0.01>(x, s, b) | ["n", 4, 3]
        | [some(2), some(2)] | s b
    group norm | y = InstanceNormalization(x, s, b) | IMAGES | [some(2), some(2)] | s b
    layer norm | y = LayerNormalization<axis=-2, epsilon=0.1>(x, s) | ["n", 3, 4] | [some(3, 4)] | s
    split | a, b, c = Split<axis=1>(x, p); d = Sub(a, c); y = Concat<axis=1>(d, b) | ["n", 5]
        | [whole(2, 1, 2)] | p
    slices | y = Slice(x, s, e, a, t) | ["n", 8, 6]
        | [whole(1, -4), whole(2**62, -1), whole(1, 2), whole(3, 1)] | s e a t
    gather | y = Gather<axis=1>(x, i) | ["n", 5, 2] | [whole(3, 0, -1)] | i
    pad | y = Pad(x, p, v) | ["n", 3, 4] | [whole(0, 1, 0, 0, 0, 2), np.float32(1.5)] | p v
    reflected | y = Pad<mode="reflect">(x, p) | IMAGES | [whole(0, 0, 2, 1, 0, 0, -1, 3)] | p
    cut | y = Pad(x, p) | IMAGES | [whole(0, 0, -1, 1, 0, 0, -1, 0)] | p
    resize
        | y = Resize<mode="nearest", coordinate_transformation_mode="asymmetric",
        nearest_mode="floor">(x, , s)
        | IMAGES | [np.array([1, 1, 2, 3], np.float32)] | s
    linear to a size | y = Resize<mode="linear", axes=[2, 3]>(x, , , n) | IMAGES | [whole(9, 3)] | n
    cubic by a scale | y = Resize<mode="cubic", cubic_coeff_a=-0.5>(x, , s) | IMAGES
        | [np.array([1, 1, 1.5, 0.8], np.float32)] | s
    nearest by a fraction | y = Resize<nearest_mode="ceil">(x, , s) | IMAGES
        | [np.array([1, 1, 0.5, 1.5], np.float32)] | s
    tile | y = Tile(x, r) | ["n", 2, 3] | [whole(1, 2, 1)] | r
    where | y = Where(c, x, o) | ["n", 3] | [np.array([True, False, True]), np.float32(-2)] | c o
    batch norm | y = BatchNormalization<epsilon=0.01>(x, s, b, m, v) | IMAGES
        | [some(2), some(2), some(2), np.abs(some(2))] | s b m v
    whole quotient
        | m = Mul(x, ten); i = Cast<to=7>(m); q = Div(i, d); r = Mod(i, d); s = Mod<fmod=1>(i, d); a
        = Cast<to=1>(q); b = Cast<to=1>(r); c = Cast<to=1>(s); y = Concat<axis=1>(a, b, c)
        | ["n", 9] | [np.float32(10), np.array(-3)] | ten d
    remainder | y = Mod<fmod=1>(x, d) | ["n", 9] | [np.float32(0.3)] | d
    whole bounds | m = Mul(x, ten); i = Cast<to=7>(m); c = Clip(i, l, h); y = Cast<to=1>(c)
        | ["n", 9] | [np.float32(10), np.array(-3), np.array(4)] | ten l h
    rounded | f = Floor(x); c = Ceil(x); y = Sub(f, c) | ["n", 9] | [] |
    hyperbolic
        | a = Sinh(x); b = Cosh(x); c = Asinh(a); d = Acosh(b); e = Tanh(x); f = Atanh(e); g =
        Tan(x); y = Sum(a, b, c, d, f, g)
        | ["n", 9] | [] |
    thresholds
        | a = ThresholdedRelu<alpha=0.2>(x); b = Shrink<lambd=0.3, bias=0.1>(x); y = Add(a, b)
        | ["n", 9] | [] |
    triangles | a = Trilu(x, k); b = Trilu<upper=0>(x); y = Sub(a, b) | ["n", 3, 4] | [np.array(1)]
        | k
    depth
        | a = SpaceToDepth<blocksize=2>(x); b = DepthToSpace<blocksize=2, mode="CRD">(a); c =
        DepthToSpace<blocksize=2>(a); y = Sub(b, c)
        | ["n", 2, 4, 6] | [] |
    lengths | a = LpNormalization<axis=1>(x); b = LpNormalization<axis=2, p=1>(x); y = Add(a, b)
        | ["n", 3, 4] | [] |
    statistics | a, m, d = LayerNormalization<axis=1>(x, s); y = Sum(a, m, d) | ["n", 3, 4]
        | [some(3, 4)] | s
    mean and variance | y = MeanVarianceNormalization(x) | IMAGES | [] |
    last of the least
        | a = ArgMin<axis=1, select_last_index=1>(x); b = ArgMin<axis=1>(x); c = ArgMax<axis=1,
        select_last_index=1>(x); d = Add(a, b); e = Add(c, d); y = Cast<to=1>(e)
        | ["n", 3, 4] | [] |
    hardmax | y = Hardmax<axis=1>(x) | ["n", 3, 4] | [] |
    gather of elements | a = Gather<axis=1>(x, i); y = GatherElements<axis=1>(a, j) | ["rows", 5, 2]
        | [whole(*range(-5, 5)), whole(3, -1, 0, 9, -10, 2).reshape(1, 3, 2)] | i j
    gather of points | a = GatherND(w, i); y = Add(x, a) | ["n", 3, 2]
        | [some(4, 5, 2), whole(0, -1, 3, 2, -4, 4).reshape(3, 2)] | w i
    three inputs | y = Sum(x, w, x) | ["n", 3] | [some(3)] | w
    pooled and flat | p = GlobalAveragePool(x); y = Flatten(p) | IMAGES | [] |
    sizes
        | s = Shape(x); n = Gather(s, zero); v = Unsqueeze(n, zeros); t = Concat<axis=0>(v, rest); y
        = Reshape(x, t)
        | ["n", 2, 6] | [whole(0).reshape(()), whole(0), whole(-1, 3)] | zero zeros rest
    sum of a filled array
        | s = Shape(x); f = Expand(two, s); r = ReduceSum<keepdims=0>(f); y = Mul(x, r) | ["n", 3]
        | [np.float32([2])] | two
    product of a filled array
        | s = Shape(x); f = Expand(two, s); g = MatMul(f, w); h = Add(g, c); y = Mul(h, x)
        | ["n", 3] | [np.float32([2]), some(3, 3), some(3)] | two w c
    column against a filled array
        | s = Shape(x); f = Expand(two, s); r = ReduceSum(x, a); m = Max(r, f); d = Sub(r, f); y =
        Add(m, d)
        | ["n", 3] | [np.float32([0.5]), whole(1)] | two a
    column where a filled array is less
        | s = Shape(x); f = Expand(two, s); r = ReduceSum(x, a); c = Less(f, r); y = Where(c, r, f)
        | ["n", 3] | [np.float32([0.5]), whole(1)] | two a
    function of a filled array | s = Shape(x); f = Expand(two, s); g = Softmax(f); y = Mul(x, g)
        | ["n", 3] | [np.float32([2])] | two
    """,
    IMAGES=IMAGES,
    np=np,
    some=some,
    whole=whole,
)
def test_an_operator_computes_what_it_did(nodes, shape, arrays, names, tmp_path):
    arrays = dict(zip(names.split(), arrays, strict=True))
    path = save(tmp_path / "net.onnx", parsed(nodes), {"x": shape}, ["y"], arrays)
    found = agrees(path, tmp_path)
    assert str(found.network.graph.nodes["x"].shape[0]) == "batch"


def ops_of(found: graphnn.Imported) -> list[str]:
    return [each.op.name for each in found.network.graph.nodes.values()]


def test_ops_that_are_ours_come_back(tmp_path):
    nodes = [
        node("BatchNormalization", "x s b m v", "n", epsilon=0.01, momentum=0.8),
        node("Dropout", "n r", "d"),
        node("GlobalAveragePool", "d", "p"),
        node("Flatten", "p", "f"),
        node("MatMul", "f w", "a"),
        node("Add", "a c", "y"),
    ]
    arrays = [some(2), some(2), some(2), np.abs(some(2)), np.float32(0.25), some(2, 3), some(3)]
    path = save(
        tmp_path / "net.onnx",
        nodes,
        {"x": IMAGES},
        ["y"],
        dict(zip("sbmvrwc", arrays, strict=True)),
    )
    found = agrees(path, tmp_path)
    assert ops_of(found) == ["input", "batch_norm", "dropout", "global_average_pool", "affine"]
    normal, drop = (found.network.graph.nodes[name].op for name in ("batch_norm", "dropout"))
    assert (normal.epsilon, normal.momentum, drop.rate) == (0.01, 0.2, 0.25)


# A model that spells a function out, and the ops that come of it, the constants left out.


@cases(
    """
    id | nodes | numbers= | ops
    silu | s = Sigmoid(x); y = Mul(x, s) | {} | silu
    hard sigmoid | s = Add(a, x); c = Clip(s, z, b); y = Mul(d, c)
        | {"a": 3, "z": 0, "b": 6, "d": 1 / 6} | hard_sigmoid
    hard swish | s = Add(x, a); c = Clip(s, z, b); m = Mul(c, x); y = Div(m, b)
        | {"a": 3, "z": 0, "b": 6} | hard_swish
    hard swish by a hard sigmoid | s = HardSigmoid<alpha=0.16666667>(x); y = Mul(s, x) | {}
        | hard_swish
    what is between is read | s = Sigmoid(x); m = Mul(x, s); y = Add(m, s) | {} | sigmoid silu add
    six over it | s = Add(x, a); m = Clip(s, b, c); y = Div(c, m) | {"a": 3, "b": 1, "c": 6}
        | add clip divide
    another bound | s = Add(x, a); c = Clip(s, z, b); y = Div(c, d)
        | {"a": 3, "z": 0, "b": 5, "d": 6} | add clip divide
    another shift | s = Add(x, a); c = Clip(s, z, b); y = Div(c, b) | {"a": 2, "z": 0, "b": 6}
        | add clip divide
    the sigmoid of another | t = Tanh(x); s = Sigmoid(t); y = Mul(x, s) | {} | tanh sigmoid multiply
    """
)
def test_a_function_that_is_spelt_out_is_one_op(nodes, numbers, ops, tmp_path):
    arrays = {key: np.float32(number) for key, number in numbers.items()}
    path = save(tmp_path / "net.onnx", parsed(nodes), {"x": ["n", 9]}, ["y"], arrays)
    found = ops_of(agrees(path, tmp_path))
    assert [op for op in found if op not in ("input", "constant")] == ops.split()


@pytest.mark.parametrize("options", [{}, {"ignore_index": 2}])
@pytest.mark.parametrize(
    ("reduction", "weights"),
    [("none", []), ("none", [np.float32([0.5, 2, 1])]), ("mean", []), ("sum", [])],
)
def test_a_loss_comes_back(tmp_path, options, reduction, weights):
    path = save_loss(tmp_path, "SoftmaxCrossEntropyLoss", [], weights, reduction, options)
    found = agrees(path, tmp_path)
    reduced = [reduction] if reduction != "none" else []
    assert ops_of(found) == ["input", "input", "softmax", "cross_entropy", *reduced]


def save_loss(
    folder: Path, op: str, places: list, weights: list, reduction: str, options: dict
) -> Path:
    """A model of the loss of three classes in so many places."""
    graph = helper.make_graph(
        [node(op, "x t w" if weights else "x t", "loss", reduction=reduction, **options)],
        "made",
        [
            helper.make_tensor_value_info("x", FLOAT, ["n", 3, *places]),
            helper.make_tensor_value_info("t", INT, ["n", *places]),
        ],
        [helper.make_empty_tensor_value_info("loss")],
        [onnx.numpy_helper.from_array(array, "w") for array in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


@pytest.mark.parametrize("op", ["SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weights", [[], [np.float32([0.5, 2, 1])]])
@pytest.mark.parametrize("options", [{}, {"ignore_index": 0}])
def test_a_loss_in_several_places_is_made_of_its_parts(tmp_path, op, reduction, weights, options):
    found = agrees(save_loss(tmp_path, op, [4, 2], weights, reduction, options), tmp_path)
    assert "gather" in ops_of(found)
    assert "cross_entropy" not in ops_of(found)


@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("heads", [1, 2])
def test_attention_is_one_op(tmp_path, heads, causal):
    options = {"q_num_heads": heads, "kv_num_heads": heads, "is_causal": causal}
    nodes = [node("Attention", "x x x", "y", **options)]
    path = save(tmp_path / "net.onnx", nodes, {"x": ["n", 3, 4]}, ["y"], opset=23)
    found = agrees(path, tmp_path)
    assert ops_of(found) == ["input", "attention"]
    (op,) = [each.op for each in found.network.graph.nodes.values() if not each.op.is_input]
    assert (op.heads, op.causal) == (heads, bool(causal))


HALF = {"zero": whole(0), "two": whole(2), "last": whole(2)}
SEEN = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1]], bool)
# Options, what is read besides queries, keys and values of half their width, and the arrays.
ATTENTION = {
    "another scale": ({"q_num_heads": 2, "scale": 1.0}, "x x x", {}),
    "capped": ({"q_num_heads": 2, "softcap": 0.1}, "x x x", {}),
    "shared keys": ({"q_num_heads": 2, "kv_num_heads": 1}, "x k k", {}),
    "a bias": ({"q_num_heads": 2}, "x x x b", {"b": some(3, 3)}),
    "a mask": ({"q_num_heads": 2}, "x x x b", {"b": SEEN}),
    "a mask and causal": ({"q_num_heads": 2, "is_causal": 1}, "x x x b", {"b": SEEN}),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention_of_another_kind_is_made_of_its_parts(tmp_path, name):
    options, given, arrays = ATTENTION[name]
    options = {"kv_num_heads": options["q_num_heads"], **options}
    nodes = [node("Attention", given, "y", **options)]
    if "k" in given.split():
        nodes.insert(0, node("Slice", "x zero two last", "k"))
        arrays = {**arrays, **HALF}
    shape = {"x": ["n", 3, 4]}
    found = agrees(save(tmp_path / "net.onnx", nodes, shape, ["y"], arrays, opset=23), tmp_path)
    assert "matmul" in ops_of(found)


def test_a_query_that_sees_no_key_gets_nothing(tmp_path):
    mask = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], bool)
    nodes = [node("Attention", "x x x b", "y", q_num_heads=2, kv_num_heads=2)]
    path = save(tmp_path / "net.onnx", nodes, {"x": ["n", 3, 4]}, ["y"], {"b": mask}, opset=23)
    found = graphnn.load_onnx(path)(np.ones((2, 3, 4)))
    assert np.array_equal(found[:, 1], np.zeros((2, 4)))
    np.testing.assert_allclose(found[:, [0, 2]], 1, rtol=1e-6)


def test_a_mask_of_a_free_number_of_places_is_refused(tmp_path):
    options = {"q_num_heads": 1, "kv_num_heads": 1, "is_causal": 1, "scale": 1.0}
    path = save(
        tmp_path / "net.onnx",
        [node("Attention", "x x x", "y", **options)],
        {"x": ["n", "time", 4]},
        ["y"],
        opset=23,
    )
    with pytest.raises(graphnn.RunError) as error:
        graphnn.import_onnx(path, tmp_path)
    message = "Attention of 'n_y' has no counterpart: it has a mask, or heads, of a free size"
    assert [each.message for each in error.value.diagnostics] == [message]


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("way", ["forward", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_recurrent_layer_is_one_op(tmp_path, op, gates, way, biases):
    ways = 2 if way == "bidirectional" else 1
    options = {"linear_before_reset": 1} if op == "GRU" else {}
    given = "x w r b" if biases else "x w r"
    layer = node(op, given, "y h", hidden_size=3, direction=way, **options)
    arrays = {"w": some(ways, gates * 3, 2), "r": some(ways, gates * 3, 3)}
    if biases:
        arrays["b"] = some(ways, 2 * gates * 3)
    path = save(tmp_path / "net.onnx", [layer], {"x": [4, "rows", 2]}, ["y", "h"], arrays)
    found = agrees(path, tmp_path)
    assert ops_of(found).count(op.lower()) == 1
    assert "tanh" not in ops_of(found)


USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}


@pytest.mark.parametrize("way", ["forward", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_recurrent_layer_may_state_the_usual_activations(tmp_path, op, gates, way):
    ways = 2 if way == "bidirectional" else 1
    stated = {"activations": USUAL[op] * ways, "direction": way, "hidden_size": 3}
    options = {"linear_before_reset": 1} if op == "GRU" else {}
    layer = node(op, "x w r", "y", **stated, **options)
    arrays = {"w": some(ways, gates * 3, 2), "r": some(ways, gates * 3, 3)}
    path = save(tmp_path / "net.onnx", [layer], {"x": [4, "rows", 2]}, ["y"], arrays)
    assert op.lower() in ops_of(agrees(path, tmp_path))


def test_a_recurrent_layer_with_the_usual_activations_in_another_order_is_refused(tmp_path):
    layer = node("GRU", "x w r", "y", hidden_size=3, activations=["Tanh", "Sigmoid"])
    arrays = {"w": some(1, 9, 2), "r": some(1, 9, 3)}
    path = save(tmp_path / "net.onnx", [layer], {"x": [4, "rows", 2]}, ["y"], arrays)
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.load_onnx(path)
    assert [each.message for each in caught.value.diagnostics] == [
        "GRU of 'n_y' has no counterpart: its activations are not the usual ones"
    ]


def test_a_recurrent_layer_may_have_a_free_number_of_steps(tmp_path):
    layer = node("LSTM", "x w r", "y", hidden_size=3)
    arrays = {"w": some(1, 12, 2), "r": some(1, 12, 3)}
    shape = {"x": ["steps", "rows", 2]}
    found = agrees(save(tmp_path / "net.onnx", [layer], shape, ["y"], arrays), tmp_path)
    assert "lstm" in ops_of(found)


@pytest.mark.parametrize("way", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_recurrent_layer_that_starts_elsewhere_is_unrolled(tmp_path, op, gates, way):
    ways = 2 if way == "bidirectional" else 1
    outputs = "y h c" if op == "LSTM" else "y h"
    options = {"linear_before_reset": 1} if op == "GRU" else {}
    layer = node(op, "x w r b - s", outputs, hidden_size=3, direction=way, **options)
    arrays = [some(ways, gates * 3, 2), some(ways, gates * 3, 3), some(ways, 2 * gates * 3)]
    arrays.append(some(ways, 5, 3))
    path = save(
        tmp_path / "net.onnx",
        [layer],
        {"x": [4, 5, 2]},
        outputs.split(),
        dict(zip("wrbs", arrays, strict=True)),
    )
    found = agrees(path, tmp_path)
    assert op.lower() not in ops_of(found)


@pytest.mark.parametrize("given", ["x w r", "x w r b", "x w r b - s"])
def test_a_gru_that_resets_its_state_before_the_product_is_unrolled(tmp_path, given):
    layer = node("GRU", given, "y h", hidden_size=3, direction="bidirectional")
    arrays = {"w": some(2, 9, 2), "r": some(2, 9, 3), "b": some(2, 18), "s": some(2, 5, 3)}
    kept = {name: array for name, array in arrays.items() if name in given.split()}
    path = save(tmp_path / "net.onnx", [layer], {"x": [4, 5, 2]}, ["y", "h"], kept)
    assert "gru" not in ops_of(agrees(path, tmp_path))


def test_lookups_by_data(tmp_path):
    nodes = [
        node("ArgMax", "x", "i", axis=1, keepdims=0),
        node("Gather", "table i", "e"),
        node("OneHot", "i depth ends", "h"),
        node("ArgMax", "wide", "j", axis=1, keepdims=0),
        node("Gather", "x j", "g", axis=1),
        node("Concat", "e h g", "y", axis=1),
    ]
    arrays = {
        "table": some(3, 4),
        "depth": np.array(3),
        "ends": np.array([0, 1], np.float32),
        "wide": some(2, 3),
    }
    found = agrees(save(tmp_path / "net.onnx", nodes, {"x": ["n", 3]}, ["y"], arrays), tmp_path)
    assert "embedding" in ops_of(found)
    assert "one_hot" in ops_of(found)


def test_repeated_structure_becomes_a_block(tmp_path):
    arrays, nodes, last = {}, [], "x"
    for number in range(4):
        prefix = f"encoder.layers.{number}"
        arrays[f"{prefix}.linear.weight"] = some(3, 3)
        arrays[f"{prefix}.linear.bias"] = some(3)
        nodes += [
            node("Gemm", f"{last} {prefix}.linear.weight {prefix}.linear.bias", f"a{number}"),
            node("Tanh", f"a{number}", f"z{number}"),
            node("Add", f"{last} z{number}", f"s{number}"),
        ]
        last = f"s{number}"
    found = agrees(save(tmp_path / "net.onnx", nodes, {"x": ["n", 3]}, [last], arrays), tmp_path)
    text = found.files[0].read_text()
    assert "  s3: {block: encoder_layers, inputs: x, repeat: 4}\n" in text
    assert "      linear: {op: affine, inputs: x, units: 3, about: n_a0}\n" in text
    assert sorted(found.network.parameters)[:2] == ["s3.1.linear.bias", "s3.1.linear.weight"]


def test_a_piece_that_others_read_is_no_block(tmp_path):
    nodes = [node("Tanh" if n % 2 else "Neg", f"v{n}", f"v{n + 1}") for n in range(8)]
    nodes.append(node("Add", "v3 v8", "y"))
    nodes[0].input[0] = "x"
    found = agrees(save(tmp_path / "net.onnx", nodes, {"x": ["n"]}, ["y"]), tmp_path)
    assert len(found.network.graph.nodes) == 10


def test_an_input_may_be_given(tmp_path):
    nodes = [
        node("Equal", "sr rate", "known"),
        helper.make_node(
            "If",
            ["known"],
            ["y"],
            then_branch=helper.make_graph(
                [node("Neg", "x", "a")], "t", [], [helper.make_empty_tensor_value_info("a")]
            ),
            else_branch=helper.make_graph(
                [node("Abs", "x", "b")], "e", [], [helper.make_empty_tensor_value_info("b")]
            ),
        ),
    ]
    path = save(
        tmp_path / "net.onnx", nodes, {"x": ["n"], "sr": []}, ["y"], {"rate": np.float32(16000)}
    )
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.load_onnx(path)
    assert caught.value.diagnostics[0].message == (
        "If of 'y' has no counterpart: it chooses by data"
    )
    assert ops_of(agrees(path, tmp_path, {"sr": 16000})) == ["input", "negative"]
    with pytest.raises(graphnn.UsageError):
        graphnn.load_onnx(path, {"rate": 1})


def test_a_free_size_may_be_given(tmp_path):
    shape = ["n", 2, "?", "wide.1"]
    path = save(tmp_path / "net.onnx", [node("Relu", "x", "y")], {"x": shape}, ["y"])
    assert str(graphnn.load_onnx(path).graph.nodes["y"].shape) == "(<batch>, 2, <x_2>, <wide_1>)"
    found = agrees(path, tmp_path, {"x_2": 5, "wide_1": 7})
    assert str(found.network.graph.nodes["y"].shape) == "(<batch>, 2, 5, 7)"


def test_inputs_are_as_large_as_windows(tmp_path):
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    pools = [node("MaxPool", f"v{n}", f"v{n + 1}", **window) for n in (0, 1)]
    path = save(tmp_path / "net.onnx", pools, {"v0": ["n", 1, "h", "w"]}, ["v2"])
    agrees(path, tmp_path)


def test_dropout_as_in_training_is_refused(tmp_path):
    arrays = {"r": np.float32(0.5), "t": np.array(True)}
    path = save(tmp_path / "net.onnx", [node("Dropout", "x r t", "y")], {"x": ["n"]}, ["y"], arrays)
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.load_onnx(path)
    assert "it is as in training" in str(caught.value)


@pytest.mark.parametrize("inputs", ["x", "x -"])
def test_an_operator_without_an_input_that_it_needs_is_refused(tmp_path, inputs):
    path = save(tmp_path / "net.onnx", [node("Add", inputs, "y")], {"x": ["n"]}, ["y"])
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.load_onnx(path)
    message = "Add of 'n_y' has no counterpart: an input that it needs is missing"
    assert caught.value.diagnostics[0].message == message


def test_infinities_are_held_with_a_note(tmp_path):
    mask = np.array([0, -np.inf, 0], np.float32)
    path = save(
        tmp_path / "net.onnx",
        [node("Add", "x mask", "s"), node("Softmax", "s", "y")],
        {"x": ["n", 3]},
        ["y"],
        {"mask": mask},
    )
    assert agrees(path, tmp_path).notes == ("infinities of 'mask' are now 3.4e+38",)


def test_what_has_no_counterpart_is_refused_all_at_once(tmp_path):
    nodes = [
        *(node("Det", "x", f"d{n}") for n in range(5)),
        node("NonZero", "x", "z"),
        node("Relu", "z", "r"),
        node("Resize", "x roi s", "y", coordinate_transformation_mode="tf_crop_and_resize"),
    ]
    path = save(
        tmp_path / "net.onnx",
        nodes,
        {"x": IMAGES},
        ["d0", "r", "y"],
        {"s": np.array([1, 1, 2, 2], np.float32), "roi": np.float32([0] * 4 + [1] * 4)},
    )
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.import_onnx(path, tmp_path / "folder")
    assert [str(found).rstrip() for found in caught.value.diagnostics] == [
        "error[not-in-graphnn]: Det of 'n_d0', 'n_d1', 'n_d2' and 2 more has no counterpart: "
        "there is no such op here\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is",
        "error[not-in-graphnn]: NonZero of 'n_z' has no counterpart: there is no such op here\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is",
        "error[not-in-graphnn]: Resize of 'n_y' has no counterpart: it crops, or is of an old kind "
        "and does not repeat entries\n"
        "   = help: 'graphnn draw' and 'graphnn show' take the model as it is",
    ]
    assert not (tmp_path / "folder").exists()


def test_a_folder_with_such_files_is_kept(tmp_path):
    path = save(tmp_path / "net.onnx", [node("Relu", "x", "y")], {"x": ["n"]}, ["y"])
    (tmp_path / "net.yaml").write_text("mine")
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.import_onnx(path, tmp_path)
    assert caught.value.diagnostics[0].code == "file-exists"
    assert (tmp_path / "net.yaml").read_text() == "mine"
    (tmp_path / "net.yaml").unlink()
    (tmp_path / "net.yaml").symlink_to(tmp_path / "elsewhere.yaml")  # where nothing is yet
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.import_onnx(path, tmp_path)
    assert caught.value.diagnostics[0].code == "file-exists"
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_a_wrong_translation_is_not_written(tmp_path, monkeypatch):
    path = save(tmp_path / "net.onnx", [node("Relu", "x", "y")], {"x": ["n", 4]}, ["y"])
    right = importing._read

    def wrong(*arguments):
        found = right(*arguments)
        found.network = graphnn.loads(
            "{graphnn: 1, nodes: {x: {op: input, shape: [batch, 4]}, y: {op: absolute, inputs: x}}}"
        )
        return found

    monkeypatch.setattr(importing, "_read", wrong)
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.import_onnx(path, tmp_path / "folder")
    assert "'y' differs from onnxruntime by " in str(caught.value)
    assert not (tmp_path / "folder").exists()


def test_two_large_constants_may_be_equal(tmp_path):
    table = np.arange(60).reshape(20, 3)
    nodes = [node("Cast", "x", "i", to=7), node("Add", "i a", "j"), node("Add", "j b", "y")]
    arrays = {"a": table, "b": table.copy()}
    path = save(tmp_path / "net.onnx", nodes, {"x": [20, 3]}, ["y"], arrays)
    assert np.array_equal(graphnn.load_onnx(path).run(x=table)["y"], 3 * table)


def test_large_whole_constants_go_to_a_file(tmp_path):
    table = np.arange(60).reshape(20, 3)
    nodes = [node("Cast", "x", "whole", to=7), node("Add", "whole table", "y")]
    path = save(tmp_path / "net.onnx", nodes, {"x": [20, 3]}, ["y"], {"table": table})
    found = graphnn.import_onnx(path, tmp_path / "net")
    text = (tmp_path / "net" / "net.yaml").read_text("utf-8")
    assert "value: {file: constants.safetensors, key: constant}" in text
    names = ["net.yaml", "constants.safetensors", "examples.npz"]
    assert [each.name for each in found.files] == names
    again = graphnn.load(tmp_path / "net" / "net.yaml")
    x = np.full((20, 3), 1.75)
    assert np.array_equal(again.run(x=x)["y"], table + 1)
    assert all(result.ok for result in graphnn.run_examples(again))

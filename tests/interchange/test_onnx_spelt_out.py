"""What ONNX models spell out in many nodes, read as the fewest that say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
MOVES = {"reshape", "transpose", "flatten"}


def written(folder: Path, inputs: str, nodes: str, **arrays: np.ndarray) -> Path:
    """A model in ONNX's own text form that gives y; arrays are its initializers."""
    head = f'<ir_version: 10, opset_import: ["": 20]> made ({inputs}) => (float y)'
    model = onnx.parser.parse_model(f"{head} {{ {nodes} }}")
    made = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    model.graph.initializer.extend(made)
    path = folder / "made.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def ops(net: graphnn.Network) -> list[str]:
    return [node.op.name for node in net.graph.nodes.values() if not node.op.is_input]


@st.composite
def chains(draw: st.DrawFn) -> tuple[tuple[int, ...], list[tuple[str, tuple[int, ...]]]]:
    """A shape, and what its array is reshaped and transposed by."""
    shape = now = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    steps: list[tuple[str, tuple[int, ...]]] = []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            order = tuple(draw(st.permutations(range(len(now)))))
            steps.append(("Transpose", order))
            now = tuple(now[axis] for axis in order)
        else:
            left, cut = int(np.prod(now)), []
            while left > 1 and draw(st.integers(0, 3)):
                cut.append(draw(st.sampled_from([d for d in range(1, left + 1) if left % d == 0])))
                left //= cut[-1]
            now = (*cut, left)
            steps.append(("Reshape", now))
    return shape, steps


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_chain_of_moves_gives_the_same_in_the_fewest_nodes(tmp_path_factory, chain):
    shape, steps = chain
    nodes, arrays = [], {}
    x = expected = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for number, (op, by) in enumerate(steps):
        source, result = f"v{number}", f"v{number + 1}" if number + 1 < len(steps) else "y"
        if op == "Transpose":
            nodes.append(f"{result} = Transpose<perm=[{', '.join(map(str, by))}]>({source})")
            expected = expected.transpose(by)
        else:
            nodes.append(f"{result} = Reshape({source}, s{number})")
            arrays[f"s{number}"] = np.array(by, np.int64)
            expected = expected.reshape(by)
    sizes = ", ".join(map(str, shape))
    folder = tmp_path_factory.mktemp("chain")
    net = graphnn.load_onnx(written(folder, f"float[{sizes}] v0", "\n".join(nodes), **arrays))
    (found,) = net.run({net.graph.inputs[0].name: x}).values()
    np.testing.assert_array_equal(found, expected)
    assert len(ops(net)) <= len(steps)
    if np.array_equal(expected.ravel(), x.ravel()):
        assert len(ops(net)) == 1  # an output is no input


HEADS = "[batch, 5, 8]"
CUT = """
    qs = Reshape(q, shape)  ks = Reshape(k, shape)  vs = Reshape(v, shape)
    qh = Transpose<perm=[0, 2, 1, 3]>(qs)
    kh = Transpose<perm=[0, 2, 3, 1]>(ks)
    vh = Transpose<perm=[0, 2, 1, 3]>(vs)
"""
JOIN = "o = Transpose<perm=[0, 2, 1, 3]>(p)  y = Reshape(o, joined)"
INPUTS = "float[batch, 5, 8] q, float[batch, 5, 8] k, float[batch, 5, 8] v"
SHAPES = {"shape": np.array([0, 5, 2, 4]), "joined": np.array([0, 5, 8])}
AFTER = np.triu(np.ones((5, 5), bool), 1)
PLAIN = "m = MatMul(qh, kh)  s = Mul(m, scale)  w = Softmax(s)  p = MatMul(w, vh)"
DIVIDED = "m = MatMul(qh, kh)  s = Div(m, root)  w = Softmax(s)  p = MatMul(w, vh)"
BOTH = "a = Mul(qh, part)  b = Mul(kh, part)  m = MatMul(a, b)  w = Softmax(m)  p = MatMul(w, vh)"
ADDED = "m = MatMul(qh, kh)  s = Mul(m, scale)  z = Add(s, mask)  w = Softmax(z)  p = MatMul(w, vh)"
CHOSEN = (
    "m = MatMul(qh, kh)  s = Mul(m, scale)  z = Where(after, hidden, s)"
    "  w = Softmax(z)  p = MatMul(w, vh)"
)
KNOWN = CHOSEN.replace("after, hidden, s", "seen, s, hidden")
NUMBERS = {
    "scale": np.array(0.5, np.float32),
    "root": np.array(2, np.float32),
    "part": np.array(np.sqrt(0.5), np.float32),
    "mask": np.where(AFTER, -1e9, 0).astype(np.float32),
    "after": AFTER[None, None],
    "seen": ~AFTER,
    "hidden": np.array(-1e9, np.float32),
}


@pytest.mark.parametrize(
    ("middle", "causal"),
    [(PLAIN, False), (DIVIDED, False), (BOTH, False), (ADDED, True), (CHOSEN, True), (KNOWN, True)],
    ids=["scores", "divided", "both", "added", "after", "seen"],
)
def test_attention_that_is_spelt_out_is_one_op(middle, causal, tmp_path):
    path = written(tmp_path, INPUTS, CUT + middle + JOIN, **SHAPES, **NUMBERS)
    found = graphnn.import_onnx(path, tmp_path / "read")  # compares with onnxruntime
    assert found.difference is not None
    assert ops(found.network) == ["attention"]
    (node,) = [each for each in found.network.graph.nodes.values() if not each.op.is_input]
    assert (node.op.heads, node.op.causal) == (2, causal)


@pytest.mark.parametrize(
    ("middle", "other"),
    [
        (PLAIN, {"scale": np.array(0.25, np.float32)}),
        (ADDED, {"mask": np.where(AFTER.T, -1e9, 0).astype(np.float32)}),
        (ADDED, {"mask": np.where(AFTER, -1e9, 0.5).astype(np.float32)}),
        (ADDED, {"mask": np.where(AFTER, -2, 0).astype(np.float32)}),
        (CHOSEN, {"after": AFTER.T[None, None]}),
        (CHOSEN, {"hidden": np.array(-2, np.float32)}),
        (PLAIN.replace("Softmax", "Softmax<axis=2>"), {}),
        (PLAIN.replace("Softmax", "Sigmoid"), {}),
    ],
    ids=["scale", "before", "shifted", "faint", "unseen", "seen", "axis", "sigmoid"],
)
def test_what_is_nearly_attention_is_read_as_it_is(middle, other, tmp_path):
    path = written(tmp_path, INPUTS, CUT + middle + JOIN, **SHAPES, **{**NUMBERS, **other})
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert "attention" not in ops(found.network)


def test_heads_that_lie_beside_the_rows(tmp_path):
    """As torch's MultiheadAttention has it, places first."""
    inputs = "float[5, batch, 8] q, float[7, batch, 8] k, float[7, batch, 8] v"
    nodes = """
        qs = Reshape(q, queries)  ks = Reshape(k, keys)  vs = Reshape(v, keys)
        qh = Transpose<perm=[1, 0, 2]>(qs)
        kh = Transpose<perm=[1, 2, 0]>(ks)
        vh = Transpose<perm=[1, 0, 2]>(vs)
        m = MatMul(qh, kh)  s = Mul(m, scale)  w = Softmax(s)  p = MatMul(w, vh)
        o = Transpose<perm=[1, 0, 2]>(p)  r = Reshape(o, rows)  z = MatMul(r, weight)
        b = Add(z, bias)  y = Reshape(b, joined)
    """
    rng = np.random.default_rng(0)
    arrays = {
        "queries": np.array([5, -1, 4]),
        "keys": np.array([7, -1, 4]),
        "rows": np.array([-1, 8]),
        "joined": np.array([5, -1, 3]),
        "scale": NUMBERS["scale"],
        "weight": rng.normal(size=(8, 3)).astype(np.float32),
        "bias": rng.normal(size=3).astype(np.float32),
    }
    found = graphnn.import_onnx(written(tmp_path, inputs, nodes, **arrays), tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network) == ["transpose"] * 3 + ["attention", "affine", "transpose"]


def test_a_product_that_is_read_without_its_bias_keeps_it_apart(tmp_path):
    inputs = "float[batch, 3, 4] x"
    nodes = """
        turned = Transpose<perm=[1, 0, 2]>(x)
        product = MatMul(turned, weight)
        shifted = Add(product, bias)
        y = Mul(product, shifted)
    """
    arrays = {"weight": np.eye(4, 2, dtype=np.float32), "bias": np.ones(2, np.float32)}
    found = graphnn.import_onnx(written(tmp_path, inputs, nodes, **arrays), tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network).count("affine") == 1


@pytest.mark.parametrize(
    ("parts", "order", "read"),
    [
        ((0, 5, 3, 4), "2, 0, 1, 3", ["slice"]),
        ((0, 5, 4, 3), "3, 0, 1, 2", ["reshape", "transpose", "slice", "reshape"]),
    ],
    ids=["stretches", "every third"],
)
def test_stretches_of_an_axis_are_slices_of_the_axis_that_was_cut(parts, order, read, tmp_path):
    """As the three products of torch's MultiheadAttention are taken apart."""
    nodes = f"""
        cut = Reshape(x, parts)
        first = Transpose<perm=[{order}]>(cut)
        a, b, c = Split<axis=0, num_outputs=3>(first)
        flat = Squeeze(b, zero)
        y = Identity(flat)
    """
    arrays = {"parts": np.array(parts), "zero": np.array([0])}
    path = written(tmp_path, "float[batch, 5, 12] x", nodes, **arrays)
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network) == read


@pytest.mark.parametrize(
    ("order", "read"), [("1, 0, 2", ["affine", "transpose"]), ("0, 2, 1", ["transpose", "affine"])]
)
def test_a_product_goes_before_what_leaves_its_axis_alone(order, read, tmp_path):
    nodes = f"turned = Transpose<perm=[{order}]>(x)  y = MatMul(turned, weight)"
    weight = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    path = written(tmp_path, "float[batch, 4, 4] x", nodes, weight=weight)
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network) == read


ROOT = "root = Constant<value_float=1.41421356>()  half = Constant<value_float=0.5>()"
ONE = "one = Constant<value_float=1.0>()  three = Constant<value_float=3.0>()"
SLOPE = "slope = Constant<value_float=0.79788456>()  cubic = Constant<value_float=0.044715>()"
GELU = {
    "torch": "a = Div(x, root)  e = Erf(a)  b = Add(e, one)  c = Mul(x, b)  y = Mul(c, half)",
    "halved": "a = Div(x, root)  e = Erf(a)  b = Add(one, e)  c = Mul(half, x)  y = Mul(b, c)",
    "inside": "a = Div(x, root)  e = Erf(a)  b = Add(e, one)  c = Mul(half, b)  y = Mul(x, c)",
}
TANH = {
    "powers": """a = Pow(x, three)  b = Mul(cubic, a)  c = Add(x, b)  d = Mul(slope, c)
        e = Tanh(d)  f = Add(one, e)  g = Mul(half, x)  y = Mul(g, f)""",
    "products": """s = Mul(x, x)  a = Mul(s, x)  b = Mul(a, cubic)  c = Add(x, b)
        d = Mul(c, slope)  e = Tanh(d)  f = Add(e, one)  g = Mul(x, f)  y = Mul(g, half)""",
}


@pytest.mark.parametrize("form", [*GELU.values(), *TANH.values()], ids=[*GELU, *TANH])
def test_a_gelu_that_is_spelt_out_is_one_op(form, tmp_path):
    path = written(tmp_path, "float[batch, 8] x", f"{ROOT} {ONE} {SLOPE} {form}")
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network) == ["gelu"]
    (node,) = [each for each in found.network.graph.nodes.values() if not each.op.is_input]
    assert node.op.approximate == ("none" if form in GELU.values() else "tanh")


@pytest.mark.parametrize(
    "form",
    [
        GELU["torch"].replace("root", "half"),
        GELU["torch"].replace("Mul(c, half)", "Mul(c, one)"),
        GELU["torch"].replace("Add(e, one)", "Add(e, half)"),
        GELU["torch"].replace("Mul(x, b)", "Mul(a, b)"),
        TANH["powers"].replace("cubic", "half", 1),
    ],
    ids=["root", "whole", "shift", "another", "cubic"],
)
def test_what_is_nearly_a_gelu_is_read_as_it_is(form, tmp_path):
    path = written(tmp_path, "float[batch, 8] x", f"{ROOT} {ONE} {SLOPE} {form}")
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert "gelu" not in ops(found.network)


def test_a_mish_that_is_spelt_out_is_one_op(tmp_path):
    path = written(tmp_path, "float[batch, 8] x", "s = Softplus(x)  t = Tanh(s)  y = Mul(x, t)")
    found = graphnn.import_onnx(path, tmp_path / "read")
    assert found.difference is not None
    assert ops(found.network) == ["mish"]

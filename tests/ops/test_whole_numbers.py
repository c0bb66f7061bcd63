"""Comparisons, choices and arithmetic of whole numbers, worked by hand and in whole networks."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import graphnn
from graphnn.ops import REGISTRY
from tables import cases

COMPARED = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
NETWORK = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 3}
  zero: {op: constant, value: 0}
  one: {op: constant, value: 1, dtype: int}
  above: {op: greater, inputs: [a, zero]}
  below: {op: subtract, inputs: [one, above]}
  masked: {op: multiply, inputs: [below, a]}
  w: {op: where, inputs: [above, a, masked]}
  s: {op: cast, inputs: below, dtype: float}
  b: {op: affine, inputs: s, units: 3}
  z: {op: add, inputs: [w, b]}
  y: {op: softmax, inputs: z}
  loss: {op: cross_entropy, inputs: [y, t]}
"""


def rows():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(5, 3)), "t": rng.integers(0, 3, 5)}


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("dtypes", [(float, float), (int, int), (int, float)])
def test_comparisons(name, dtypes):
    a, b = (np.array([[-2, 0, 3]], dtypes[0]), np.array([[0], [3], [-2]], dtypes[1]))
    found = REGISTRY[name]().forward(a, b)
    assert found.dtype == np.int64
    expected = [[int(COMPARED[name](x, y)) for x in a[0]] for y in b[:, 0]]
    assert found.tolist() == expected


def test_numbers_beyond_float64_compare_as_whole_ones():
    a, b = np.array([2**53 + 1]), np.array([2**53])
    assert REGISTRY["greater"]().forward(a, b).tolist() == [1]
    assert REGISTRY["equal"]().forward(a, b).tolist() == [0]


def test_a_choice_by_any_number_but_0():
    found = REGISTRY["where"]().forward(np.array([0, 1, -2]), np.float64([1, 2, 3]), np.array(7))
    assert found.tolist() == [7, 2, 3]
    assert found.dtype == np.float64
    cotangents = REGISTRY["where"]().vjp(
        np.float64([10, 20, 30]), found, np.array([0, 1, -2]), np.float64([1, 2, 3]), np.array(7.0)
    )
    assert cotangents[0] is None
    assert cotangents[1].tolist() == [0, 20, 30]
    assert cotangents[2] == 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [("add", 8), ("subtract", 2), ("multiply", 15), ("maximum", 5), ("minimum", 3)],
)
def test_arithmetic_of_whole_numbers_is_whole(name, expected):
    op = REGISTRY[name]()
    found = op.forward(np.array([5]), np.array([3]))
    assert (found.dtype, found.tolist()) == (np.int64, [expected])
    assert op.infer_kind("int", "int") == "int"
    assert op.infer_kind("int", "float") == op.infer_kind("float", "int") == "float"
    narrow = op.forward(np.array([5]), np.float32([3]))
    assert (narrow.dtype, narrow.tolist()) == (np.float32, [expected])
    by_a, by_b = op.vjp(np.float32([1]), narrow, np.array([5]), np.float32([3]))
    assert by_a is None
    assert by_b.dtype == np.float32


def test_whole_numbers_beyond_float64_stay_exact():
    assert REGISTRY["add"]().forward(np.array([2**60]), np.array([1])).tolist() == [2**60 + 1]


def test_cast_drops_what_comes_after_the_point():
    whole, real = REGISTRY["cast"](dtype="int"), REGISTRY["cast"](dtype="float")
    assert_array_equal(whole.forward(np.array([-1.9, -0.5, 0.5, 2.999])), [-1, 0, 0, 2])
    assert whole.forward(np.array([1.0])).dtype == np.int64
    assert real.forward(np.array([3])).dtype == np.float64


def test_a_network_of_them_has_the_gradient_that_differences_have():
    net = graphnn.loads(NETWORK)
    report = graphnn.check_gradients(net, rows())
    assert report.ok
    assert str(report).startswith("24 entries in float64: 24 agree")
    exact = graphnn.numerical_gradient(net, rows(), method="complex")
    for name, gradient in graphnn.backprop(net, rows()).items():
        np.testing.assert_allclose(gradient, exact[name].value, rtol=1e-12, atol=1e-14)


def test_such_a_network_computes_in_single_precision():
    net = graphnn.loads(NETWORK).astype("float32")
    values = net.run({"x": rows()["x"]}, outputs=["above", "s", "masked", "z"])
    assert values["above"].dtype == np.int64
    assert {values[name].dtype for name in ("s", "masked", "z")} == {np.dtype(np.float32)}
    assert (values["s"] == 1 - values["above"]).all()


def test_a_jump_is_a_kink():
    net = graphnn.loads("""
graphnn: 1
nodes:
  w: {op: parameter, value: [0.0, 1.0]}
  zero: {op: constant, value: 0}
  above: {op: greater, inputs: [w, zero]}
  v: {op: multiply, inputs: [above, w]}
  f: {op: sum, inputs: v}
""")
    found = graphnn.numerical_gradient(net)["w.value"]
    assert found.kink.tolist() == [True, False]
    assert graphnn.check_gradients(net).ok


def test_a_condition_of_real_numbers_is_refused():
    (found,) = graphnn.diagnose_text(NETWORK.replace("[above, a, masked]", "[a, a, masked]"))
    assert found.code == "wrong-kind"
    assert found.message == "where takes whole numbers, but 'a' holds real numbers"


CONSTANTS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  c: {op: constant, value: {file: t.npz}}
  k: {op: constant, value: {file: t.npz, key: big}, dtype: int}
  m: {op: constant, value: {file: t.npz, key: mask}, dtype: int}
  y: {op: add, inputs: [x, c]}
outputs: [y, k, m]
"""


def write_constants(folder):
    arrays = {"big": np.arange(40).reshape(8, 5), "mask": np.array([True, False])}
    np.savez(folder / "t.npz", **arrays, **{"c.value": np.arange(3.0), "nan": np.array(np.nan)})
    np.savez(folder / "nan.npz", **{"c.value": [0, np.nan]})


def test_constants_of_a_file(tmp_path):
    write_constants(tmp_path)
    net = graphnn.loads(CONSTANTS, folder=tmp_path)
    found = net.run(x=np.ones((1, 3)))
    assert found["y"].tolist() == [[1, 2, 3]]
    assert found["k"].dtype == np.int64
    assert_array_equal(found["k"], np.arange(40).reshape(8, 5))
    assert found["m"].tolist() == [1, 0]


@cases("""
    value | code | message | help
    {file: t.npz, key: bgi} | unknown-array | 't.npz' has no array 'bgi' | did you mean 'big'?
    {file: t.npz, kez: big} | unknown-key | the file of 'c.value' has no key 'kez'
        | did you mean 'key'?
    {file: t.npz, key: nan} | not-finite | 'c.value' holds NaN in 't.npz'
        | save finite weights: the training may have diverged
    {file: nan.npz} | not-finite | 'c.value' holds NaN at [1] in 'nan.npz'
        | save finite weights: the training may have diverged
    {file: t.npz, key: c.value}, dtype: int | bad-attribute
        | the 'dtype' of 'c': 0.0 is not a whole number
        | 'dtype': whether it holds real numbers or whole ones
    {fil: t.npz} | bad-attribute
        | the 'value' of 'c': it takes {arange: SIZE}, {zeros: SHAPE}, {ones: SHAPE} or {file: NAME,
        key: NAME}
        | 'value': a number, nested lists of numbers, numbers by rule, such as {arange: 10}, or an
        array of a file
""")
def test_faults_of_constants_of_a_file(tmp_path, value, code, message, help):
    write_constants(tmp_path)
    text = f"graphnn: 1\nnodes: {{c: {{op: constant, value: {value}}}}}\n"
    (found,) = graphnn.diagnose_text(text, folder=tmp_path)
    assert (found.code, found.message, found.help) == (code, message, help)


def test_a_constant_of_a_file_in_a_block_is_that_of_the_copy(tmp_path):
    np.savez(tmp_path / "t.npz", **{"h.1.c.value": np.array(2.0), "h.2.c.value": np.array(5.0)})
    net = graphnn.loads(
        """
graphnn: 1
blocks:
  scale:
    inputs: [x]
    nodes:
      c: {op: constant, value: {file: t.npz}}
      y: {op: multiply, inputs: [x, c]}
    output: y
nodes:
  x: {op: input, shape: [batch, 1]}
  h: {block: scale, inputs: x, repeat: 2}
""",
        folder=tmp_path,
    )
    assert net([[3.0]]).tolist() == [[30]]


def test_a_constant_of_a_file_has_a_limit(tmp_path):
    np.savez(tmp_path / "t.npz", **{"c.value": np.zeros(2**20 + 1, np.float32)})
    text = "graphnn: 1\nnodes: {c: {op: constant, value: {file: t.npz}}}\n"
    (found,) = graphnn.diagnose_text(text, folder=tmp_path)
    assert (found.code, found.message, found.help) == (
        "data-too-large",
        "'c.value' has 1,048,577 entries, more than 1,048,576",
        "write it as {op: parameter, trainable: false}",
    )


@pytest.mark.parametrize("divisor", [3, -3, 1, -4])
@pytest.mark.parametrize("dtype", [int, float])
def test_whole_quotients_and_remainders(divisor, dtype):
    x = np.arange(-9, 10).astype(dtype)
    quotients = {"floor": lambda n: n // divisor, "trunc": lambda n: math.trunc(n / divisor)}
    left = {"floor": lambda n: n % divisor, "trunc": lambda n: math.fmod(n, divisor)}
    for op, expected in (("floor_divide", quotients), ("remainder", left)):
        for rounding, function in expected.items():
            found = REGISTRY[op](divisor=divisor, rounding=rounding).forward(x)
            assert found.dtype == x.dtype
            assert found.tolist() == [function(n) for n in x.tolist()]


def test_numbers_beyond_float64_are_divided_exactly():
    x = np.array([2**62 + 1, -(2**62) - 1])
    for rounding, quotients in (("floor", [2**61, -(2**61) - 1]), ("trunc", [2**61, -(2**61)])):
        found = REGISTRY["floor_divide"](divisor=2, rounding=rounding).forward(x)
        assert found.tolist() == quotients


@cases("""
    written | message
    divisor: 0 | the 'divisor' of 'y': nothing can be divided by 0
    divisor: 2.5 | shapes do not fit at 'y': 'x' holds whole numbers, but its 'divisor' is 2.5
""")
def test_a_divisor_that_does_not_fit(written, message):
    text = "graphnn: 1\nnodes: {x: {op: input, shape: [batch], dtype: int}, "
    with pytest.raises(graphnn.SpecError) as error:
        graphnn.loads(text + f"y: {{op: remainder, inputs: x, {written}}}}}")
    assert [each.message for each in error.value.diagnostics] == [message]


def test_gradients_stop_at_quotients_and_pass_remainders():
    net = graphnn.loads("""
    graphnn: 1
    nodes:
      w: {op: parameter, value: [-2.2, 0.7, 3.1]}
      q: {op: floor_divide, inputs: w, divisor: 0.5}
      r: {op: remainder, inputs: w, divisor: 0.5}
      s: {op: add, inputs: [q, r]}
      loss: {op: sum, inputs: s}
    train: {loss: loss}
    """).astype("float64")
    assert_array_equal(graphnn.backprop(net)["w.value"], [1, 1, 1])
    assert graphnn.check_gradients(net).counts["agree"] == 3

"""Ops against answers known from elsewhere: theory, literature, the math module, work by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graphnn.ops import REGISTRY, ArrayError
from graphnn.ops.kernels.erf import erfc
from graphnn.spec.sizes import floor_divide, free, subtract
from op_values import op, pull, run

pytestmark = pytest.mark.usefixtures("warnings_off")

HUGE = 1e308
EXTREMES = np.array([-HUGE, -1000.0, 0.0, 1000.0, HUGE])
LOG_SMALLEST = 708.3964185322641  # 1022 ln 2


def test_erfc_is_that_of_the_math_module():
    x = np.concatenate([np.linspace(-6, 26.5, 20001), [0.46875, -0.46875, 4.0, -4.0]])
    expected = np.array([math.erfc(value) for value in x])
    assert_allclose(erfc(x), expected, rtol=1.2e-15)


def test_erfc_far_away():
    x = np.array([-HUGE, -40.0, 0.0, 40.0, HUGE])
    assert_array_equal(erfc(x), [2, 2, 1, 0, 0])


def test_erfc_of_more_than_one_block_keeps_order_and_shape():
    x = np.linspace(-2, 2, 70000).reshape(7, 10000)[:, ::2]
    expected = np.array([math.erfc(value) for value in x[::3].ravel()]).reshape(3, -1)
    assert_allclose(erfc(x)[::3], expected, rtol=1.2e-15)


def test_sigmoid_keeps_its_digits_far_below_zero():
    x = np.array([-700.0, -100.0, -30.0, -1.0, 0.0, 1.0, 30.0])
    expected = [math.exp(value) / (1 + math.exp(value)) for value in x]
    assert_allclose(run("sigmoid", x), expected, rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sigmoid_of_extremes(dtype):
    x = np.array([-1000, 0, 1000], dtype)
    assert_array_equal(run("sigmoid", x), np.array([0, 0.5, 1], dtype))


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("identity", {}, [-HUGE, -1000, 0, 1000, HUGE]),
        ("step", {}, [0, 0, 0, 1, 1]),
        ("sigmoid", {}, [0, 0, 0.5, 1, 1]),
        ("tanh", {}, [-1, -1, 0, 1, 1]),
        ("relu", {}, [0, 0, 0, 1000, HUGE]),
        ("leaky_relu", {}, [-0.01 * HUGE, -10, 0, 1000, HUGE]),
        ("elu", {"alpha": 2.0}, [-2, -2, 0, 1000, HUGE]),
        ("selu", {}, [-1.7580993408473766, -1.7580993408473766, 0, 1050.7009873554805, 1.0507e308]),
        ("gelu", {}, [0, 0, 0, 1000, HUGE]),
        ("gelu", {"approximate": "tanh"}, [0, 0, 0, 1000, HUGE]),
        ("softplus", {}, [0, 0, math.log(2), 1000, HUGE]),
    ],
)
def test_activations_at_extremes(name, attributes, expected):
    assert_allclose(run(name, EXTREMES, **attributes), expected, rtol=2e-5 if name == "selu" else 0)
    slopes = pull(name, np.ones(5), EXTREMES, **attributes)[0]
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize(
    ("name", "attributes", "expected"),
    [
        ("step", {}, [0, 0, 0, 0, 0]),
        ("sigmoid", {}, [0, 0, 0.25, 0, 0]),
        ("tanh", {}, [0, 0, 1, 0, 0]),
        ("relu", {}, [0, 0, 0, 1, 1]),
        ("leaky_relu", {"slope": 0.2}, [0.2, 0.2, 0.2, 1, 1]),
        ("elu", {"alpha": 2.0}, [0, 0, 2, 1, 1]),
        ("gelu", {}, [0, 0, 0.5, 1, 1]),
        ("gelu", {"approximate": "tanh"}, [0, 0, 0.5, 1, 1]),
        ("softplus", {}, [0, 0, 0.5, 1, 1]),
        ("absolute", {}, [-1, -1, 0, 1, 1]),
        ("clip", {"low": -1000.0, "high": 1000.0}, [0, 1, 1, 1, 0]),
    ],
)
def test_slopes_at_extremes_and_at_the_kink(name, attributes, expected):
    found = pull(name, np.full(5, 3.0), EXTREMES, **attributes)[0]
    assert_array_equal(found, 3 * np.array(expected))


def test_step_hands_on_what_is_no_number():
    assert_array_equal(run("step", [math.nan, -0.0, 5e-324]), [math.nan, 0, 1])


@pytest.mark.parametrize(("slope", "expected"), [(0.1, [-0.2, 3]), (2, [-4, 3]), (-1, [2, 3])])
def test_leaky_relu_for_any_slope(slope, expected):
    assert_allclose(run("leaky_relu", [-2.0, 3.0], slope=slope), expected)


def test_elu_keeps_its_digits_near_zero():
    assert_allclose(run("elu", [-1e-12, -1.0, 2.0]), [-1e-12, 1 / math.e - 1, 2], rtol=1e-12)


def test_selu_has_mean_0_and_variance_1_as_its_fixed_point():
    # Klambauer et al. 2017: what the two constants are for. Each half is smooth on its own.
    halves = [np.linspace(-12, 0, 20001), np.linspace(0, 12, 20001)]
    moments = np.zeros(2)
    for x in halves:
        density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        y = run("selu", x)
        moments += [np.trapezoid(y * density, x), np.trapezoid(y * y * density, x)]
    assert_allclose(moments, [0, 1], atol=1e-6)


def test_gelu_is_x_times_the_normal_distribution():
    x = np.linspace(-8, 8, 161)
    expected = [0.5 * value * math.erfc(-value / math.sqrt(2)) for value in x]
    assert_allclose(run("gelu", x), expected, rtol=1e-13)
    # P(-10) is 7.6198530241605260660e-24.
    assert_allclose(run("gelu", [-10.0]), [-7.619853024160526e-23], rtol=1e-13)


def test_the_error_function():
    # Handbook of Mathematical Functions, table 7.1; near 0 it is 2 x / sqrt(pi).
    x = [0.0, 0.5, 1.0, -2.0, 1e-200, 30.0]
    expected = [
        0.0,
        0.5204998778130465,
        0.8427007929497149,
        -0.9953222650189527,
        1.1283791670955126e-200,
        1.0,
    ]
    assert_allclose(run("erf", x), expected, rtol=1e-15)
    x = np.linspace(-6, 6, 241)
    assert_allclose(run("erf", x), [math.erf(value) for value in x], rtol=1e-15)


def test_gelu_by_tanh():
    x = np.linspace(-3, 8, 111)
    inner = [math.sqrt(2 / math.pi) * (value + 0.044715 * value**3) for value in x]
    expected = [0.5 * value * (1 + math.tanh(u)) for value, u in zip(x, inner, strict=True)]
    assert_allclose(run("gelu", x, approximate="tanh"), expected, rtol=1e-12)


def test_softplus_keeps_its_digits_far_below_zero():
    x = [-50.0, -1.0, 1.0, 40.0]
    expected = [math.exp(-50), math.log1p(math.exp(-1)), math.log1p(math.e), 40 + math.exp(-40)]
    assert_allclose(run("softplus", x), expected, rtol=1e-15)


def test_softmax_of_the_textbook():
    assert_allclose(
        run("softmax", [0.3, 2.9, 4.0]), [0.01821127, 0.24519181, 0.73659691], atol=5e-9
    )
    expected = [9.99954600e-01, 4.53978686e-05, 2.06106005e-09]
    assert_allclose(run("softmax", [1010.0, 1000.0, 990.0]), expected, rtol=5e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_of_one_row_is_that_of_its_vector(dtype):
    largest = np.finfo(dtype).max / 2
    for row in ([9, 1, 2], [1, 9, 2], [largest, -largest], [-1000, 1000], [5]):
        x = np.array([row], dtype)
        top = np.exp(x - x.max())
        for out in (None, np.empty_like(x), x):
            found = op("softmax").forward(x, out=out)
            assert_allclose(found, top / top.sum(), rtol=4 * np.finfo(dtype).eps)


def test_softmax_works_on_rows_and_does_not_overflow():
    y = run("softmax", [[HUGE, -HUGE], [-1000, 1000], [3, 3]])
    assert_array_equal(y, [[1, 0], [0, 1], [0.5, 0.5]])


def test_softmax_backward_sums_to_zero_along_rows():
    # A shift of all logits changes nothing, so no gradient goes that way.
    rng = np.random.default_rng(0)
    (found,) = pull("softmax", rng.normal(size=(5, 4)), rng.normal(size=(5, 4)))
    assert_allclose(found.sum(axis=1), 0, atol=1e-15)
    assert np.abs(found).max() > 0.01


def test_log_softmax_where_softmax_is_zero():
    assert_allclose(
        run("log_softmax", [1000.0, 0.0, -1000.0]), [0, -1000, -2000], rtol=0, atol=1e-300
    )
    assert_allclose(run("log_softmax", [0.0, 0.0]), [-math.log(2)] * 2, rtol=1e-15)


@pytest.mark.parametrize(
    ("exponent", "base", "value", "slope"),
    [
        (2, -3.0, 9, -6),
        (1, -3.0, -3, 1),
        (0.5, 4.0, 2, 0.25),
        (-1, -4.0, -0.25, -0.0625),
        (3, -2.0, -8, 12),
        (0, 0.0, 1, 0),
        (1.5, 4.0, 8, 3),
        (2, 0.0, 0, 0),
        (1, 0.0, 0, 1),
    ],
)
def test_power(exponent, base, value, slope):
    assert_allclose(run("power", [base], exponent=exponent), [value], rtol=1e-15)
    assert_allclose(pull("power", [1.0], [base], exponent=exponent)[0], [slope], rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "value", "by_a", "by_b"),
    [
        ("add", 5, 1, 1),
        ("subtract", 1, 1, -1),
        ("multiply", 6, 2, 3),
        ("divide", 1.5, 0.5, -0.75),
        ("maximum", 3, 1, 0),
        ("minimum", 2, 0, 1),
    ],
)
def test_arithmetic_of_3_and_2(name, value, by_a, by_b):
    assert run(name, 3.0, 2.0) == value
    assert pull(name, 10.0, 3.0, 2.0) == (10 * by_a, 10 * by_b)


@pytest.mark.parametrize(
    ("name", "x", "value", "slope"),
    [
        ("negative", 2.0, -2, -1),
        ("exp", 1.0, math.e, math.e),
        ("log", 2.0, math.log(2), 0.5),
        ("sqrt", 9.0, 3, 1 / 6),
        ("absolute", -2.0, 2, -1),
    ],
)
def test_functions_of_one_number(name, x, value, slope):
    assert_allclose(run(name, x), value, rtol=1e-15)
    assert_allclose(pull(name, 1.0, x)[0], slope, rtol=1e-15)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_equal_entries_share_the_cotangent(name):
    by_a, by_b = pull(name, [4.0, 4.0], [1.0, 7.0], [1.0, 7.0])
    assert_array_equal(by_a, [2, 2])
    assert_array_equal(by_b, [2, 2])


def test_a_stretched_operand_gets_the_sum():
    by_a, by_b = pull("multiply", np.ones((2, 3)), [[1.0], [2.0]], [10.0, 20.0, 30.0])
    assert_array_equal(by_a, [[60], [60]])
    assert_array_equal(by_b, [3, 3, 3])


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"low": -1, "high": 1}, [-1, -0.5, 1]),
        ({"low": 0}, [0, 0, 2]),
        ({"high": 0}, [-2, -0.5, 0]),
        ({}, [-2, -0.5, 2]),
    ],
)
def test_clip(bounds, expected):
    assert_array_equal(run("clip", [-2.0, -0.5, 2.0], **bounds), expected)


@pytest.mark.parametrize("imaginary", [1e-30, -1e-30])
def test_branches_of_a_complex_step_are_those_a_little_further_on(imaginary):
    whole = np.arange(-3.0, 4.0)
    step, further = imaginary * 1j, whole + np.sign(imaginary) / 4
    for rounding, function in (("floor", np.floor), ("trunc", np.trunc)):
        found = op("floor_divide", divisor=1, rounding=rounding).branch(whole + step)
        assert_array_equal(found, function(further))
    maximum = op("maximum")
    assert_array_equal(maximum.branch(whole + step, np.ones(7)), further > 1)
    assert_array_equal(maximum.branch(np.ones(7), whole + step), further < 1)


@pytest.mark.parametrize("name", ["cosine_distance", "cosine_similarity"])
def test_a_vector_shorter_than_epsilon_is_on_the_other_side_of_a_kink(name):
    lengths, other = np.array([[0.3], [0.49], [0.51], [2.0]]), np.ones((4, 2))
    for arrays in ((lengths * [[0.6, 0.8]], other), (other, lengths * [[0.6, 0.8]])):
        first, below, above, last = op(name, epsilon=0.5).branch(*arrays)
        assert first == below != above == last


def test_branches_distinguish_the_sides_of_a_kink():
    assert_array_equal(
        op("clip", low=-1, high=1).branch(np.array([-2, -1, 0, 1, 2])), [-1, -1, 0, 0, 1]
    )
    assert_array_equal(op("clip").branch(np.array([-2.0, 2.0])), [0, 0])
    assert_array_equal(op("maximum").branch(np.array([1.0, 2.0]), np.array([2.0, 1.0])), [0, 1])
    x = np.array([[[1.0, 5.0], [2.0, 3.0]], [[9.0, 8.0], [7.0, 9.0]]])
    assert_array_equal(op("max", axis=[0, 2]).branch(x), [2, 3])
    assert_array_equal(op("max").branch(x), 4)
    for name in ("relu", "leaky_relu", "elu", "selu", "step", "absolute"):
        assert_array_equal(op(name).branch(np.array([-1.0, 0.0, 1.0])), [False, False, True])
    assert op("tanh").branch(np.array([1.0])) is None


def test_three_layers_of_the_textbook():
    layers = [
        ([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], [0.1, 0.2, 0.3]),
        ([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]], [0.1, 0.2]),
        ([[0.1, 0.3], [0.2, 0.4]], [0.1, 0.2]),
    ]
    x = [1.0, 0.5]
    for weight, bias in layers[:2]:
        x = run("sigmoid", run("affine", x, weight, bias))
    assert_allclose(run("affine", x, *layers[2]), [0.31682708, 0.69627909], atol=5e-9)


def test_affine_by_hand():
    x, weight, bias = [[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]], [10.0, 0, 0]
    assert_array_equal(run("affine", x, weight, bias), [[15, 2, -1], [21, 4, -3]])
    by_x, by_weight, by_bias = pull("affine", [[1.0, 0, 0], [0, 0, 1]], x, weight, bias)
    assert_array_equal(by_x, [[1, 2], [-1, 0]])
    assert_array_equal(by_weight, [[1, 0, 3], [2, 0, 4]])
    assert_array_equal(by_bias, [1, 0, 1])


def test_affine_without_bias_and_into_memory_with_gaps():
    x = np.arange(12.0).reshape(2, 3, 2)
    weight = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = [[[3, 4], [11, 16], [19, 28]], [[27, 40], [35, 52], [43, 64]]]
    made = op("affine")
    assert_array_equal(made.forward(x, weight, None), expected)
    out = np.zeros((2, 3, 4))[..., ::2]
    assert made.forward(x, weight, None, out=out) is out
    assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 4), (4, 2)),
        ((2, 3, 4), (4, 5)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (5, 4, 1)),
        ((2, 1, 3, 1), (1, 3, 1, 2)),
    ],
)
def test_matmul_is_the_sum_of_products(a, b):
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=a), rng.normal(size=b)
    # Spelt out with broadcasting alone: [..., m, n, 1] times [..., 1, n, p], summed over n.
    expected = (left[..., :, :, None] * right[..., None, :, :]).sum(axis=-2)
    assert_allclose(run("matmul", left, right), expected, rtol=1e-13)
    made = op("matmul")
    assert made.infer([a, b], {}).result == expected.shape
    wanted = made.vjp(expected, expected, left, right, wanted=(False, False))
    assert wanted == (None, None)


def test_reductions_by_hand():
    x = [[1.0, 2.0, 6.0], [4.0, 5.0, 0.0]]
    assert run("sum", x) == 18
    assert_array_equal(run("sum", x, axis=0), [5, 7, 6])
    assert_array_equal(run("mean", x, axis=-1), [3, 3])
    assert_array_equal(run("mean", x, axis=[0, 1], keepdims=True), [[3]])
    assert_array_equal(run("max", x, axis=1, keepdims=True), [[6], [5]])
    assert_array_equal(pull("mean", [3.0, 6.0], x, axis=1)[0], [[1, 1, 1], [2, 2, 2]])


def test_entries_that_tie_for_the_maximum_share_its_cotangent():
    assert_array_equal(pull("max", [6.0], [[3.0, 3.0, 1.0]], axis=1)[0], [[3, 3, 0]])
    assert_array_equal(pull("max", 6.0, [[2.0, 2.0], [2.0, 0.0]])[0], [[2, 2], [2, 0]])


def test_shape_ops_by_hand():
    x = np.arange(6).reshape(2, 3)
    assert_array_equal(run("reshape", x, shape=[3, 2]), [[0, 1], [2, 3], [4, 5]])
    assert_array_equal(run("reshape", x, shape=[-1]), [0, 1, 2, 3, 4, 5])
    assert_array_equal(run("flatten", np.arange(8).reshape(2, 2, 2)), [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert_array_equal(run("flatten", np.arange(2)), [[0], [1]])
    assert_array_equal(run("transpose", x), [[0, 3], [1, 4], [2, 5]])
    assert_array_equal(run("concat", x, x[:, :1]), [[0, 1, 2, 0], [3, 4, 5, 3]])
    assert_array_equal(run("concat", x, x[:1], axis=0), [[0, 1, 2], [3, 4, 5], [0, 1, 2]])
    assert_array_equal(run("slice", x, axis=1, start=1), [[1, 2], [4, 5]])
    assert_array_equal(run("slice", x, axis=-1, start=0, step=2), [[0, 2], [3, 5]])
    assert_array_equal(run("slice", x, axis=0, start=-1), [[3, 4, 5]])
    assert_array_equal(run("slice", x, axis=1, stop=-1), [[0, 1], [3, 4]])


def test_transpose_backward_undoes_an_order_that_is_not_its_own_inverse():
    x = np.zeros((2, 3, 4))
    cotangent = np.arange(24.0).reshape(4, 2, 3)
    (found,) = pull("transpose", cotangent, x, axes=[2, 0, 1])
    assert found.shape == x.shape
    assert found[1, 2, 3] == cotangent[3, 1, 2]


def test_concat_of_whole_and_real_numbers_keeps_float32():
    whole, real = np.array([1, 2]), np.array([0.5], np.float32)
    joined = run("concat", whole, real)
    assert joined.dtype == np.float32
    assert_array_equal(joined, [1, 2, 0.5])
    by_whole, by_real = op("concat").vjp(np.array([1.0, 2.0, 3.0]), joined, whole, real)
    assert by_whole is None
    assert_array_equal(by_real, [3])
    assert op("concat").infer_kind("int", "float") == "float"


def test_sources():
    assert_array_equal(run("constant", value=[[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]])
    assert run("constant", value=[1, 2], dtype="int").dtype == np.int64
    assert run("constant", value=np.array([1.5, 2])).tolist() == [1.5, 2]
    assert op("constant", value=3).vjp(np.array(1.0), np.array(3.0)) == ()
    assert op("constant", value=3).infer_kind() == "float"
    assert op("input", shape=[2], dtype="int").infer_kind() == "int"
    value = np.array([-3.0, 4.0])
    assert run("parameter", value, shape=[2]) is value
    assert pull("parameter", value, value, shape=[2])[0] is value


def test_a_constant_can_be_written_over():
    made = op("constant", value=[1.0, 2.0])
    made.forward()[:] = 7
    assert_array_equal(made.forward(), [1, 2])


# Deep Learning from Scratch, section 4.2: the right answer is 2, once likely and once not.
TEXTBOOK = np.array(
    [
        [0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0],
        [0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0],
    ]
)
ONE_HOT = np.eye(10)[[2, 2]]


def test_sum_squared_error_of_the_textbook():
    assert_allclose(run("sum_squared_error", TEXTBOOK, ONE_HOT), [0.0975, 0.5975], rtol=1e-14)


def test_mean_squared_error_is_a_fifth_of_that():
    assert_allclose(run("mean_squared_error", TEXTBOOK, ONE_HOT), [0.0195, 0.1195], rtol=1e-14)


@pytest.mark.parametrize("target", [np.array([2, 2]), ONE_HOT, ONE_HOT.astype(np.int64)])
def test_cross_entropy_of_the_textbook(target):
    # The book adds 1e-7 to each probability, which we do not.
    expected = [-math.log(0.6), -math.log(0.1)]
    assert_allclose(run("cross_entropy", TEXTBOOK, target), expected, rtol=1e-15)
    assert_allclose(expected, [0.510825457099338, 2.302584092994546], atol=1.1e-6)


def test_squared_errors_backward():
    y, t = [[1.0, 4.0], [0.0, 0.0]], [[0.0, 2.0], [1.0, 0.0]]
    by_prediction, by_target = pull("mean_squared_error", [1.0, 3.0], y, t)
    assert_array_equal(by_prediction, [[1, 2], [-3, 0]])
    assert_array_equal(by_target, [[-1, -2], [3, 0]])
    by_prediction, by_target = pull("sum_squared_error", [1.0, 3.0], y, t)
    assert_array_equal(by_prediction, [[1, 2], [-3, 0]])
    assert_array_equal(by_target, [[-1, -2], [3, 0]])


def test_losses_of_one_number_a_sample():
    assert_array_equal(run("mean_squared_error", [1.0, 2.0], [0.0, 5.0]), [1, 9])
    assert_allclose(run("binary_cross_entropy", [0.5, 0.25], [0.0, 1.0]), np.log([2, 4]))


def test_cross_entropy_of_impossible_classes_is_finite():
    y = np.array([[0.0, 1.0], [1.0, 0.0]])
    for target in (np.array([0, 0]), np.eye(2)[[0, 0]]):
        assert_allclose(run("cross_entropy", y, target), [LOG_SMALLEST, 0], rtol=1e-15)
        assert_array_equal(pull("cross_entropy", [1.0, 1.0], y, target)[0], [[0, 0], [-1, 0]])
    narrow = run("cross_entropy", y.astype(np.float32), np.array([0, 0]))
    assert_allclose(narrow, [126 * math.log(2), 0], rtol=1e-6)


def test_probabilities_below_zero_are_not_hidden():
    with np.errstate(invalid="ignore"):
        assert np.isnan(run("cross_entropy", [[-0.5, 1.5]], [0])).all()
        assert np.isnan(run("binary_cross_entropy", [1.5], [0.0])).all()


def test_binary_cross_entropy_at_its_ends():
    y, t = [[0.0], [1.0], [0.0], [1.0], [1e-20]], [[0.0], [1.0], [1.0], [0.0], [0.0]]
    expected = [0, 0, LOG_SMALLEST, LOG_SMALLEST, 1e-20]
    assert_allclose(run("binary_cross_entropy", y, t), expected, rtol=1e-15)
    by_prediction, by_target = pull("binary_cross_entropy", np.ones(5), y, t)
    assert_allclose(by_prediction.ravel(), [1, -1, 0, 0, 1])
    bound = LOG_SMALLEST
    expected = [bound, -bound, bound, -bound, 20 * math.log(10)]
    assert_allclose(by_target.ravel(), expected, rtol=1e-14)


def test_fused_losses_are_the_two_steps_in_one():
    rng = np.random.default_rng(0)
    logits, classes = rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    shares = run("softmax", rng.normal(size=(6, 4)))
    for target in (classes, shares):
        expected = run("cross_entropy", run("softmax", logits), target)
        assert_allclose(run("softmax_cross_entropy", logits, target), expected, rtol=1e-13)
    expected = run("binary_cross_entropy", run("sigmoid", logits), shares)
    assert_allclose(run("sigmoid_binary_cross_entropy", logits, shares), expected, rtol=1e-13)


def test_softmax_cross_entropy_of_extremes():
    logits = [[1000.0, -1000.0], [1000.0, -1000.0], [0.0, 0.0], [HUGE, -HUGE]]
    expected = [0, 2000, math.log(2), 0]
    for target in (np.array([0, 1, 0, 0]), np.eye(2)[[0, 1, 0, 0]]):
        assert_allclose(run("softmax_cross_entropy", logits, target), expected, rtol=1e-15)
        given = np.array([1.0, 2.0, 4.0, 1.0]), np.array(expected), np.array(logits), target
        found, other = op("softmax_cross_entropy").vjp(*given, wanted=(True, False))
        assert_array_equal(found, [[0, 0], [2, -2], [-2, 2], [0, 0]])
        assert other is None


def test_sigmoid_binary_cross_entropy_of_extremes():
    logits = [[-1000.0], [1000.0], [0.0], [HUGE], [-40.0]]
    target = [[1.0], [1.0], [0.5], [1.0], [0.0]]
    expected = [1000, 0, math.log(2), 0, math.exp(-40)]
    assert_allclose(run("sigmoid_binary_cross_entropy", logits, target), expected, rtol=1e-15)
    found = pull("sigmoid_binary_cross_entropy", np.ones(5), logits, target)[0]
    assert_allclose(found.ravel(), [-1, 0, 0, 0, math.exp(-40)], rtol=1e-15)


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_cross_entropy"])
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([0, 3], "'target' holds 3 in row 1, but there are 3 classes"),
        ([-1, 9], "'target' holds -1 in row 0, but there are 3 classes"),
        ([-3, 0], "'target' holds -3 in row 0, but there are 3 classes"),
        ([2, 2**63 - 1], "'target' holds 9223372036854775807 in row 1, but there are 3 classes"),
        ([0, -(2**63)], "'target' holds -9223372036854775808 in row 1, but there are 3 classes"),
        ([0, 2**62], "'target' holds 4611686018427387904 in row 1, but there are 3 classes"),
    ],
)
def test_class_numbers_out_of_range(name, target, message):
    with pytest.raises(ArrayError) as caught:
        run(name, np.full((2, 3), 1 / 3), target)
    assert str(caught.value) == message
    assert caught.value.operand == "target"
    assert caught.value.help == "class numbers go from 0 to 2"


def test_class_numbers_that_are_not_whole():
    with pytest.raises(ArrayError) as caught:
        run("cross_entropy", np.full((2, 3), 1 / 3), [0.0, 1.0])
    assert str(caught.value) == "'target' must hold class numbers, but it holds float64"


def test_small_class_numbers_of_small_types():
    found = run("cross_entropy", [[0.5, 0.5]], np.array([1], np.int8))
    assert_allclose(found, [math.log(2)])


def test_a_slice_past_the_end_of_a_size_that_was_free():
    with pytest.raises(ArrayError) as caught:
        run("slice", np.zeros((2, 3)), axis=0, stop=4)
    assert str(caught.value) == "'stop' is 4, past the end of axis 0: 'x' has shape [2, 3]"


def test_a_slice_with_bounds_that_are_free():
    half = op("slice", axis=1, start=floor_divide(free("time"), 2), stop=subtract(free("time"), 1))
    x = np.arange(10.0).reshape(2, 5)
    assert_array_equal(half.bind({"time": 5}).forward(x), x[:, 2:4])
    with pytest.raises(ArrayError) as caught:
        op("slice", axis=1, stop=subtract(free("time"), 3)).bind({"time": 2})
    assert str(caught.value) == "'stop' is time - 3, which is -1 here, before the first entry"


def test_an_entry_that_is_not_there():
    with pytest.raises(ArrayError) as caught:
        run("select", np.zeros((2, 3)), axis=1, index=3)
    message = "'index' is 3, past the end of axis 1: 'x' has shape [2, 3]"
    assert str(caught.value) == message
    with pytest.raises(ArrayError) as caught:
        run("select", np.zeros((2, 3)), axis=0, index=-3)
    message = "'index' is -3, before the first entry of axis 0: 'x' has shape [2, 3]"
    assert str(caught.value) == message
    with pytest.raises(ArrayError) as caught:
        op("select", axis=1, index=subtract(free("time"), 3)).bind({"time": 2})
    assert str(caught.value) == "'index' is time - 3, which is -1 here, before the first entry"


def test_stacked_whole_and_real_numbers_keep_float32():
    found = run("stack", np.array([1, 2]), np.array([3, 4], np.float32))
    assert found.dtype == np.float32
    assert_array_equal(found, [[1, 3], [2, 4]])


@pytest.mark.parametrize(
    ("value", "entries"),
    [({"arange": "n + 1"}, [0, 1, 2, 3]), ({"zeros": [1, "n"]}, [[0, 0, 0]]), ({"ones": []}, 1)],
)
def test_a_constant_by_rule(value, entries):
    made = REGISTRY["constant"].model_validate({"value": value}, context={"n": 3})
    assert_array_equal(made.forward(), np.array(entries, np.float64))


def test_a_reshape_with_sizes_that_are_no_numbers_yet():
    made = op("reshape", shape=[free("batch"), free("time"), 2])
    with pytest.raises(ArrayError) as caught:
        made.forward(np.zeros((3, 8)))
    assert str(caught.value) == "more than one size in [batch, time, 2] is still free"
    assert caught.value.help == "replace free sizes by numbers with 'bind'"
    assert made.bind({"batch": 3, "time": 4}).forward(np.zeros((3, 8))).shape == (3, 4, 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 0, 1, 2), (0, 2, 1, 3)])
@pytest.mark.parametrize("shape", [(40, 2, 15, 40), (1, 1, 1, 20_000), (20_000, 1, 1, 1)])
def test_relu_of_many_entries_however_they_lie(dtype, order, shape):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype).transpose(order)
    expected = np.where(x > 0, x, 0)
    found = run("relu", x)
    assert found.dtype == dtype
    assert_array_equal(found, expected)
    out = np.empty_like(x)
    assert op("relu").forward(x, out=out) is out
    assert_array_equal(out, expected)
    x[(-1,) * 4] = np.nan
    assert np.isnan(run("relu", x)[(-1,) * 4])

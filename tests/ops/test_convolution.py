"""Convolution, pooling and changes of size: values by definition, shapes, messages, memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.ops import REGISTRY, ArrayError, ShapeError
from graphnn.ops.kernels import unfolding
from graphnn.spec.sizes import free, show
from tables import cases

BATCH, HEIGHT, WIDTH = free("batch"), free("height"), free("width")
SCOPE = {"batch": BATCH, "height": HEIGHT, "k": 3}
IMAGE = (BATCH, 3, 28, 28)


def made(name, **attributes):
    return REGISTRY[name].model_validate(attributes, context=SCOPE)


def inferred(name, shape, given=None, **attributes):
    return made(name, **attributes).infer([shape], given or {})


def images(*rows):
    return np.array(rows, dtype=float)[None, None]


# Values: worked examples


# K. Saito, Deep Learning from Scratch, O'Reilly Japan 2016, chapter 7.
BOOK = images([1, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1])
FILTER = images([2, 0, 1], [0, 1, 2], [1, 0, 2])


@pytest.mark.parametrize(
    ("attributes", "bias", "expected"),
    [
        ({}, None, [[15, 16], [6, 15]]),
        ({}, np.array([3.0]), [[18, 19], [9, 18]]),
        ({"padding": 1}, None, [[7, 12, 10, 2], [4, 15, 16, 10], [10, 6, 15, 6], [8, 10, 4, 3]]),
        (
            {"padding": "same"},
            None,
            [[7, 12, 10, 2], [4, 15, 16, 10], [10, 6, 15, 6], [8, 10, 4, 3]],
        ),
    ],
)
def test_convolution_of_the_book(attributes, bias, expected):
    found = made("conv2d", **attributes).forward(BOOK, FILTER, bias)
    assert_array_equal(found, images(*expected))


def test_pooling_of_the_book():
    x = images([1, 2, 1, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 4, 0, 1])
    assert_array_equal(made("max_pool", kernel=2).forward(x), images([2, 3], [4, 2]))
    assert_array_equal(made("average_pool", kernel=2).forward(x), images([1, 1.5], [2.25, 1]))
    assert_array_equal(made("global_average_pool").forward(x), [[23 / 16]])


def test_same_pads_one_more_on_the_right():
    # TensorFlow's example: 13 entries, 6 in a window, every 5th: one zero before, two after.
    x = np.arange(1.0, 14).reshape(1, 1, 1, 13)
    op = made("conv2d", padding="same", stride=[1, 5])
    found = op.forward(x, np.ones((1, 1, 1, 6)), None)
    assert_array_equal(found, images([15, 45, 46]))


def test_average_counts_padding():
    found = made("average_pool", kernel=2, stride=1, padding=1).forward(images([4.0]))
    assert_array_equal(found, images([1, 1], [1, 1]))


def test_padding_never_is_the_maximum():
    op = made("max_pool", kernel=3, stride=2, padding=1)
    x = images([-1, -2, -3], [-4, -5, -6], [-7, -8, -9])
    assert_array_equal(op.forward(x), images([-1, -2], [-4, -5]))
    least = np.full_like(x, -np.inf)
    assert_array_equal(op.forward(least), np.full((1, 1, 2, 2), -np.inf))


def test_overlapping_maxima_add_up_what_they_are_given():
    op = made("max_pool", kernel=2, stride=1)
    x = images([0, 5, 1], [5, 5, 2], [0, 3, 4])
    saved = {}
    y = op.forward(x, saved=saved)
    assert_array_equal(y, images([5, 5], [5, 5]))
    # Of three entries of 5 the first in its window takes all, row by row.
    expected = images([0, 1 + 2, 0], [4, 8, 0], [0, 0, 0])
    for options in ({"saved": saved}, {}):
        assert_array_equal(op.vjp(images([1, 2], [4, 8]), y, x, **options)[0], expected)


def test_padding_never_wins_even_over_minus_infinity():
    op = made("max_pool", kernel=2, padding=1)
    x = np.full((1, 1, 2, 2), -np.inf)
    y = op.forward(x)
    assert_array_equal(y, x)
    g = images([1, 2], [3, 4])
    assert_array_equal(op.vjp(g, y, x)[0], g)


def test_the_first_of_several_maxima_takes_all():
    op, x = made("max_pool", kernel=2), np.zeros((1, 1, 4, 2))
    x[0, 0, 3] = 1
    assert_array_equal(op.branch(x), [[[[0], [2]]]])
    (found,) = op.vjp(np.array([[[[5.0], [7.0]]]]), op.forward(x), x)
    assert_array_equal(found, images([5, 0], [0, 0], [0, 0], [7, 0]))


def test_upsample_and_pad():
    x = images([1, 2], [3, 4])
    found = made("upsample", factor=[1, 2]).forward(x)
    assert_array_equal(found, images([1, 1, 2, 2], [3, 3, 4, 4]))
    found = made("pad", padding=[1, 0, 0, 2], value=-1).forward(x)
    assert_array_equal(found, images([-1, -1, -1, -1], [1, 2, -1, -1], [3, 4, -1, -1]))


# Values: the definitions, one entry at a time


def tap(x, row, column):
    inside = 0 <= row < x.shape[0] and 0 <= column < x.shape[1]
    return x[row, column] if inside else 0.0


def by_definition(x, weight, stride, dilation, before, groups, size):
    """``y[n, f, r, c]`` as the docstring of conv2d has it."""
    share = len(weight) // groups
    y = np.zeros((len(x), len(weight), *size))
    for n, f, r, c in np.ndindex(y.shape):
        for d, i, j in np.ndindex(weight.shape[1:]):
            row = r * stride[0] + i * dilation[0] - before[0]
            column = c * stride[1] + j * dilation[1] - before[1]
            channel = f // share * weight.shape[1] + d
            y[n, f, r, c] += weight[f, d, i, j] * tap(x[n, channel], row, column)
    return y


CONVOLUTIONS = [
    # stride, dilation, padding, groups, kernel, images, filters, (size of result, zeros before)
    ((1, 1), (1, 1), (0, 0), 1, (3, 2), (2, 2, 5, 4), 3, (3, 3), (0, 0)),
    ((2, 3), (1, 1), (1, 0), 1, (2, 3), (2, 1, 5, 7), 2, (3, 2), (1, 0)),
    ((1, 2), (2, 3), (2, 1), 2, (3, 2), (2, 4, 4, 5), 4, (4, 2), (2, 1)),
    ((4, 1), (3, 2), (0, 2), 3, (2, 3), (1, 3, 9, 3), 6, (2, 3), (0, 2)),
    ((3, 2), (2, 1), (3, 3), 1, (1, 1), (2, 2, 2, 2), 2, (3, 4), (3, 3)),
    ((2, 2), (1, 1), "same", 1, (3, 2), (2, 2, 4, 5), 2, (2, 3), (0, 0)),
    ((2, 3), (1, 2), "same", 2, (4, 3), (1, 2, 7, 7), 2, (4, 3), (1, 2)),
    ((3, 1), (1, 1), "same", 1, (2, 5), (1, 1, 7, 3), 1, (3, 3), (0, 2)),
]


@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "groups", "kernel", "shape", "filters", "size", "before"),
    CONVOLUTIONS,
)
def test_convolution_by_definition(
    stride, dilation, padding, groups, kernel, shape, filters, size, before
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    weight = rng.normal(size=(filters, shape[1] // groups, *kernel))
    bias = rng.normal(size=filters)
    op = made("conv2d", stride=stride, dilation=dilation, padding=padding, groups=groups)
    assert op.infer([shape], {"weight": weight.shape}).result == (shape[0], filters, *size)
    expected = by_definition(x, weight, stride, dilation, before, groups, size)
    found = op.forward(x, weight, bias)
    assert_allclose(found, expected + bias[:, None, None], rtol=1e-12, atol=1e-12)

    # A convolution is linear in x and in the weight: its cotangents are its transposes.
    g = rng.normal(size=found.shape)
    by_x, by_weight, by_bias = op.vjp(g, found, x, weight, bias)
    other_x, other_weight = rng.normal(size=x.shape), rng.normal(size=weight.shape)
    with_x = by_definition(other_x, weight, stride, dilation, before, groups, size)
    with_weight = by_definition(x, other_weight, stride, dilation, before, groups, size)
    assert_allclose((by_x * other_x).sum(), (g * with_x).sum(), rtol=1e-11)
    assert_allclose((by_weight * other_weight).sum(), (g * with_weight).sum(), rtol=1e-11)
    assert_allclose(by_bias, g.sum(axis=(0, 2, 3)), rtol=1e-12)


TRANSPOSED = [
    # stride, dilation, padding, output padding, groups, kernel, images, filters, size of result
    ((1, 1), (1, 1), (0, 0), (0, 0), 1, (3, 2), (2, 2, 2, 3), 3, (4, 4)),
    ((2, 3), (1, 1), (1, 0), (1, 2), 1, (2, 3), (2, 3, 3, 2), 2, (5, 8)),
    ((1, 2), (2, 3), (2, 1), (1, 0), 2, (3, 2), (2, 4, 4, 3), 4, (5, 6)),
    ((3, 1), (1, 2), (0, 0), (0, 0), 2, (2, 2), (1, 2, 2, 2), 6, (5, 4)),
]


@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "more", "groups", "kernel", "shape", "filters", "size"),
    TRANSPOSED,
)
def test_transposed_convolution_by_definition(
    stride, dilation, padding, more, groups, kernel, shape, filters, size
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    weight = rng.normal(size=(shape[1], filters // groups, *kernel))
    op = made(
        "conv_transpose2d",
        stride=stride,
        dilation=dilation,
        padding=padding,
        output_padding=more,
        groups=groups,
    )
    found = op.infer([shape], {"weight": weight.shape})
    assert found.result == (shape[0], filters, *size)
    assert found.attributes == {"filters": filters, "kernel": kernel}
    expected = np.zeros((shape[0], filters, *size))
    for n, c, r, s in np.ndindex(shape):
        for f, i, j in np.ndindex(weight.shape[1:]):
            row = r * stride[0] + i * dilation[0] - padding[0]
            column = s * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                channel = c // (shape[1] // groups) * weight.shape[1] + f
                expected[n, channel, row, column] += weight[c, f, i, j] * x[n, c, r, s]
    assert_allclose(op.forward(x, weight, None), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2])
def test_one_is_the_transpose_of_the_other(stride):
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(4, 2, 3, 3))
    x, y = rng.normal(size=(2, 2, 7, 9)), rng.normal(size=(2, 4, 7 // stride, 9 // stride))
    if stride == 2:
        x = x[:, :, :, :8]
        y = rng.normal(size=(2, 4, 4, 4))
    convolution = made("conv2d", stride=stride, padding=1)
    transposed = made("conv_transpose2d", stride=stride, padding=1, output_padding=[0, stride - 1])
    forth = convolution.forward(x, weight, None)
    back = transposed.forward(y, weight, None)
    assert (forth.shape, back.shape) == (y.shape, x.shape)
    assert_allclose((forth * y).sum(), (back * x).sum(), rtol=1e-12)


# Shapes


@cases("""
    name | attributes= | size= | expected=
    # Figures 2.1 to 2.7, 4.1 to 4.7 and 5.1 of Dumoulin and Visin.
    conv2d | {"kernel": 3} | 4 | 2
    conv2d | {"kernel": 4, "padding": 2} | 5 | 6
    conv2d | {"kernel": 3, "padding": 1} | 5 | 5
    conv2d | {"kernel": 3, "padding": 2} | 5 | 7
    conv2d | {"kernel": 3, "stride": 2} | 5 | 2
    conv2d | {"kernel": 3, "stride": 2, "padding": 1} | 5 | 3
    conv2d | {"kernel": 3, "stride": 2, "padding": 1} | 6 | 3
    conv2d | {"kernel": 3, "dilation": 2} | 7 | 3
    conv_transpose2d | {"kernel": 3} | 2 | 4
    conv_transpose2d | {"kernel": 4, "padding": 2} | 6 | 5
    conv_transpose2d | {"kernel": 3, "padding": 1} | 5 | 5
    conv_transpose2d | {"kernel": 3, "padding": 2} | 7 | 5
    conv_transpose2d | {"kernel": 3, "stride": 2} | 2 | 5
    conv_transpose2d | {"kernel": 3, "stride": 2, "padding": 1} | 3 | 5
    conv_transpose2d | {"kernel": 3, "stride": 2, "padding": 1, "output_padding": 1} | 3 | 6
    # What TensorFlow documents for SAME.
    conv2d | {"kernel": 6, "stride": 5, "padding": "same"} | 13 | 3
    conv2d | {"kernel": 2, "padding": "same"} | 4 | 4
    conv2d | {"kernel": 1, "stride": 3, "padding": "same"} | 7 | 3
""")
def test_size_of_the_result(name, attributes, size, expected):
    found = inferred(name, (BATCH, 2, size, size), filters=4, **attributes)
    assert found.result == (BATCH, 4, expected, expected)


@cases("""
    name | attributes= | expected
    conv2d | {"filters": 8, "kernel": 3} | [batch, 8, height - 2, width - 2]
    conv2d | {"filters": 8, "kernel": 3, "padding": 1} | [batch, 8, height, width]
    conv2d | {"filters": 8, "kernel": 3, "stride": [2, 1]}
        | [batch, 8, (height - 3) // 2 + 1, width - 2]
    conv2d | {"filters": 8, "kernel": 3, "padding": "same"} | [batch, 8, height, width]
    conv2d | {"filters": 8, "kernel": 3, "padding": "same", "stride": 2}
        | [batch, 8, (height + 1) // 2, (width + 1) // 2]
    conv_transpose2d | {"filters": 8, "kernel": 3, "stride": [2, 1]}
        | [batch, 8, 2*height + 1, width + 2]
    max_pool | {"kernel": [2, 3]} | [batch, 3, (height - 2) // 2 + 1, (width - 3) // 3 + 1]
    average_pool | {"kernel": 3, "stride": 1} | [batch, 3, height - 2, width - 2]
    global_average_pool | {} | [batch, 3]
    upsample | {"factor": [1, 2]} | [batch, 3, height, 2*width]
    pad | {"padding": [1, 2, 0, 0]} | [batch, 3, height + 3, width]
""")
def test_free_height_and_width(name, attributes, expected):
    assert show(inferred(name, (BATCH, 3, HEIGHT, WIDTH), **attributes).result) == expected
    assert made(name, **attributes).rows_apart((BATCH, 3, HEIGHT, WIDTH))


def test_what_is_left_out_follows_from_the_weight():
    found = inferred("conv2d", IMAGE, {"weight": (30, 3, 5, 4)})
    assert found.result == (BATCH, 30, 24, 25)
    assert found.parameters == {"weight": (30, 3, 5, 4), "bias": (30,)}
    assert found.attributes == {"filters": 30, "kernel": (5, 4)}
    found = inferred("conv_transpose2d", IMAGE, {"weight": (3, 10, 5, 4)}, groups=3)
    assert found.result == (BATCH, 30, 32, 31)
    assert found.attributes == {"filters": 30, "kernel": (5, 4)}


def test_filters_follow_from_the_bias():
    found = inferred("conv2d", IMAGE, {"bias": (4,)}, kernel=1)
    assert found.parameters == {"weight": (4, 3, 1, 1), "bias": (4,)}


def test_parameters_follow_from_the_groups():
    found = inferred("conv2d", (BATCH, 6, 8, 8), filters=4, kernel=3, groups=2)
    assert found.parameters == {"weight": (4, 3, 3, 3), "bias": (4,)}
    found = inferred("conv_transpose2d", (BATCH, 6, 8, 8), filters=4, kernel=3, groups=2)
    assert found.parameters == {"weight": (6, 2, 3, 3), "bias": (4,)}


@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_fans_of_filters(name):
    weight = REGISTRY[name].operands[1]
    shape = (16, 3, 5, 5) if name == "conv2d" else (3, 16, 5, 5)
    assert graphnn.ops.initializers.fans(shape, weight.layout) == (75, 400)


# Messages


@cases(
    """
    name | attributes= | shape= | given= | message | operand= | help
    conv2d | {"filters": 2, "kernel": 3, "dilation": 3} | (BATCH, 3, 5, 9) | {}
        | 'x' has height 5, but a kernel of 3 at dilation 3 spans 7 | "x"
        | the result would have height (5 + 2*0 - 7) // 1 + 1 = -1
    conv2d | {"filters": 2, "kernel": [1, 9], "padding": [0, 1], "stride": 2} | (BATCH, 3, 5, 5)
        | {} | 'x' has width 5, 7 with padding, but the kernel has 9 | "x"
        | the result would have width (5 + 2*1 - 9) // 2 + 1 = 0
    max_pool | {"kernel": 3} | (BATCH, 3, 2, 5) | {} | 'x' has height 2, but the kernel has 3 | "x"
        | the result would have height (2 + 2*0 - 3) // 3 + 1 = 0
    conv_transpose2d | {"filters": 2, "kernel": 3, "padding": 3, "output_padding": 1, "stride": 2}
        | (BATCH, 3, 5, 2) | {} | 'x' has width 2, so the result would have 0 | "x"
        | (2 - 1)*2 - 2*3 + 4 = 0
    conv2d | {"filters": 4, "kernel": 3, "groups": 2} | IMAGE | {}
        | 'x' has 3 channels, which 2 groups do not divide | "x" |
    conv2d | {"filters": 4, "kernel": 3, "groups": 2} | (BATCH, 1, 5, 5) | {}
        | 'x' has 1 channel, which 2 groups do not divide | "x" |
    conv2d | {"filters": 4, "kernel": 3, "groups": 3} | IMAGE | {}
        | there are 4 filters, which 3 groups do not divide | None |
    conv2d | {"filters": 4} | IMAGE | {}
        | 'kernel' is unspecified | None | give 'kernel', or 'weight' as numbers
    conv2d | {"kernel": 3} | IMAGE | {"bias": (2, 2)}
        | 'filters' is unspecified | None | give 'filters', or 'weight' as numbers
    conv_transpose2d | {"kernel": 3} | IMAGE | {"bias": (2, 2)}
        | 'filters' is unspecified | None | give 'filters', or 'weight' as numbers
    conv2d | {"filters": 4, "kernel": 3} | IMAGE | {"weight": (4, 3)}
        | 'weight' has shape [4, 3], but conv2d takes [filters, channels/groups, kernel_height,
        kernel_width] | "weight" |
    conv2d | {} | IMAGE | {"weight": (4, 1, 3, 3)}
        | 'weight' has shape [4, 1, 3, 3], but its 'channels/groups' must be 3, not 1
        | "weight" | a 'weight' that fits has shape [4, 3, 3, 3]
    conv2d | {"kernel": 5} | IMAGE | {"weight": (4, 3, 5, 3)}
        | 'weight' has shape [4, 3, 5, 3], but its 'kernel_width' must be 5, not 3
        | "weight" | a 'weight' that fits has shape [4, 3, 5, 5]
    conv2d | {"kernel": 3, "filters": 2} | (BATCH, 28, 28) | {}
        | 'x' has shape [batch, 28, 28], but conv2d takes $FOUR | "x" |
    conv_transpose2d | {"kernel": 3, "filters": 2} | (BATCH, 28, 28) | {}
        | 'x' has shape [batch, 28, 28], but conv_transpose2d takes $FOUR | "x" |
    max_pool | {"kernel": 2} | (BATCH, 28) | {}
        | 'x' has shape [batch, 28], but max_pool takes $ANY | "x" |
    average_pool | {"kernel": 2} | (BATCH, 28) | {}
        | 'x' has shape [batch, 28], but average_pool takes $ANY | "x" |
    global_average_pool | {} | (BATCH, 28) | {}
        | 'x' has shape [batch, 28], but global_average_pool takes $ANY | "x" |
    upsample | {"factor": 2} | (BATCH, 28) | {}
        | 'x' has shape [batch, 28], but upsample takes $ANY | "x" |
    pad | {"padding": 2} | ("batch", 3) | {}
        | 'x' has shape [batch, 3], but without an axis, pad takes arrays of 3 or more axes
        | "x" | name the axis: axis: 1
    pad | {"padding": [1, 3], "axis": 1, "mode": "reflect"} | ("batch", 3) | {}
        | 'padding' is 3, but 'x' has shape [batch, 3] | "x"
        | as many entries can be reflected as there are but one
    max_pool | {"kernel": 2, "padding": 1, "dilation": 3} | (2, 1, 2, 9) | {}
        | 'x' has shape [2, 1, 2, 9], but windows so far dilated may hold padding alone | "x"
        | leave out the padding
    max_pool | {"kernel": 1, "stride": 2, "ceil_mode": True} | (2, 1, free("n"), 4) | {}
        | how many windows 'x' has along its height n cannot be stated | "x"
        | leave out 'ceil_mode'
    """,
    BATCH=BATCH,
    IMAGE=IMAGE,
    free=free,
    FOUR="[batch, channels, height, width]",
    ANY="[batch, channels, ...], with 1 to 3 axes for '...'",
)
def test_shapes_that_do_not_fit(name, attributes, shape, given, message, operand, help):
    with pytest.raises(ShapeError) as caught:
        inferred(name, shape, given, **attributes)
    found = str(caught.value), caught.value.operand, caught.value.help
    assert found == (message, operand, help)


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("conv2d", {}, "'x' has height 2, but the kernel has 3"),
        ("conv_transpose2d", {"padding": 3}, "'x' has height 2, so the result would have -2"),
    ],
)
def test_free_sizes_that_do_not_fit_in_a_run(name, attributes, message):
    op = made(name, filters=1, kernel=3, **attributes)
    assert op.infer([(BATCH, 1, HEIGHT, WIDTH)], {}).result
    with pytest.raises(ArrayError) as caught:
        op.forward(np.zeros((1, 1, 2, 9)), np.zeros((1, 1, 3, 3)), None)
    assert str(caught.value) == message
    assert caught.value.operand == "x"


SPEC = """
graphnn: 1
sizes: {{k: 3, side: free}}
nodes:
  x: {{op: input, shape: [batch, 3, 28, 28]}}
  c: {{op: {op}}}
"""


@cases("""
    op | code | message
    conv2d, kernel: 0 | bad-attribute | the 'kernel' of 'c' must be at least 1, not 0
    conv2d, kernel: [3, 4, 5] | bad-attribute
        | the 'kernel' of 'c': it takes one number or [height, width], not 3 numbers
    conv2d, kernel: [3, 0] | bad-attribute
        | an entry of the 'kernel' of 'c' must be at least 1, not 0
    conv2d, kernel: side | bad-attribute
        | the 'kernel' of 'c': it must be a number, but 'side' is free
    conv2d, kernel: [k, q] | unknown-size | there is no size 'q'
    conv2d, kernel: 2.5 | bad-attribute | the 'kernel' of 'c' must be a whole number, not 2.5
    conv2d, kernel: k + | bad-size
        | the 'kernel' of 'c', 'k +': a number or a name is missing at the end
    conv2d, padding: valid | unknown-size | there is no size 'valid'
    conv2d, padding: [1, -1] | bad-attribute
        | an entry of the 'padding' of 'c' must be at least 0, not -1
    conv2d, groups: 0 | bad-attribute | the 'groups' of 'c' must be at least 1, not 0
    conv_transpose2d, kernel: 3, stride: [3, 2], dilation: 2, output_padding: [2, 2] | bad-attribute
        | the 'output_padding' of 'c': 2 is below neither the stride, 2, nor the dilation, 2
    max_pool, kernel: [4, 3], padding: 2 | bad-attribute
        | the 'padding' of 'c': 2 is more than half of the kernel, 3
    max_pool, kernel: [4, 2], padding: [2, 2, 0, 2] | bad-attribute
        | the 'padding' of 'c': 2 is more than half of the kernel, 2
    max_pool, kernel: 2, padding: [1, 0, 0] | shape-mismatch
        | shapes do not fit at 'c': 'padding' takes one number or [height, width] or [top, bottom,
        left, right], not 3 numbers
    average_pool, kernel: [1, 2, 3] | shape-mismatch
        | shapes do not fit at 'c': 'kernel' takes one number or [height, width], not 3 numbers
    upsample, factor: [2] | shape-mismatch
        | shapes do not fit at 'c': 'factor' takes one number or [height, width], not 1 number
    conv1d, kernel: [1, 2] | bad-attribute
        | the 'kernel' of 'c': it takes one number or [length], not 2 numbers
    conv3d, padding: [1, 2] | bad-attribute
        | the 'padding' of 'c': it takes one number or [depth, height, width] or [front, back, top,
        bottom, left, right], not 2 numbers
    max_pool | missing-attribute | the node 'c' is missing its 'kernel'
    pad, padding: [1, 2] | bad-attribute
        | the 'padding' of 'c': it takes one number or [top, bottom, left, right], not 2 numbers
    upsample, factor: 2, mode: linear | bad-attribute
        | the 'mode' of 'c' must be 'nearest', not 'linear'
""")
def test_attributes_that_make_no_sense(op, code, message):
    with pytest.raises(SpecError) as caught:
        graphnn.loads(SPEC.format(op=op + ", inputs: x"))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)


def test_an_attribute_beside_one_at_fault_is_not_checked_against_it():
    for name, attributes in [
        ("conv_transpose2d", {"stride": 0, "output_padding": 5}),
        ("max_pool", {"kernel": 0, "padding": 5}),
    ]:
        with pytest.raises(ValidationError) as caught:
            made(name, **attributes)
        assert {error["loc"][0] for error in caught.value.errors()} == {next(iter(attributes))}


def test_kernels_of_named_sizes():
    op = made("conv2d", kernel=["k", "2*k - 1"], padding="k", stride=("k // 2", 1), groups="k")
    assert (op.kernel, op.padding, op.stride, op.groups) == ((3, 5), (3, 3), (1, 1), 3)
    assert made("conv2d", padding="same").padding == "same"


def test_schema_of_windows():
    number = [{"type": "integer", "minimum": 1}, {"type": "string"}]
    pair = {"type": "array", "items": {"anyOf": number}, "minItems": 2, "maxItems": 2}
    properties = REGISTRY["conv2d"].model_json_schema()["properties"]
    assert properties["stride"]["anyOf"] == [*number, pair]
    assert properties["groups"]["anyOf"] == number
    assert {"const": "same", "type": "string"} in properties["padding"]["oneOf"]


# Memory


def innermost(x):
    return x.transpose(1, 2, 3, 0).flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "attributes", "parameters"),
    [
        ("conv2d", {}, [(4, 3, 2, 2), (4,)]),
        ("conv_transpose2d", {"stride": 2}, [(3, 4, 2, 2), (4,)]),
        ("max_pool", {"kernel": 2}, []),
        ("average_pool", {"kernel": 2}, []),
        ("upsample", {"factor": 2}, []),
        ("pad", {"padding": 1}, []),
    ],
)
def test_images_lie_innermost(name, attributes, parameters):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in [(5, 3, 6, 7), *parameters]]
    op = made(name, **attributes)
    expected = op.forward(*arrays)
    assert innermost(expected)
    flat = REGISTRY["flatten"]().forward(expected)
    assert np.shares_memory(flat, expected)
    assert innermost(op.vjp(expected, expected, *arrays)[0]) or name == "pad"

    # Whatever the order of what they are given, and of the memory that they are to write to.
    turned = arrays[0].transpose(1, 2, 3, 0).copy().transpose(3, 0, 1, 2)
    out = np.full_like(expected, np.nan)
    assert innermost(out)
    assert op.forward(turned, *arrays[1:], out=out) is out
    assert_array_equal(out, expected)
    out = np.full(expected.shape, np.nan)
    assert op.forward(turned, *arrays[1:], out=out) is out
    assert_array_equal(out, expected)


def peak(function):
    tracemalloc.start()
    function()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


@pytest.mark.parametrize("stride", [1, 2])
def test_memory_is_bounded(monkeypatch, stride):
    # Unfolded, 7 columns side by side, images take 7 times their own memory.
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=(8, 20, 32, 32)), rng.normal(size=(2, 20, 7, 7))
    op = made("conv2d", padding=3, stride=stride)
    y = op.forward(x, weight, None)
    cotangent = rng.normal(size=y.shape)
    passes = {
        "forward": lambda: op.forward(x, weight, None),
        "x": lambda: op.vjp(cotangent, y, x, weight, None, wanted=(True, False, False))[0],
        "weight": lambda: op.vjp(cotangent, y, x, weight, None, wanted=(False, True, False))[1],
    }
    bound = x.nbytes // 8
    most = x.nbytes + y.nbytes + 3 * bound + 2 * weight.nbytes + 50_000  # bytes of objects
    whole = {name: (function(), peak(function)) for name, function in passes.items()}
    assert whole["forward"][1] > most
    assert whole["weight"][1] > most
    monkeypatch.setattr(unfolding, "_UNFOLDED", bound)
    monkeypatch.setattr(unfolding, "_SUMMED", weight.size)
    for name, function in passes.items():
        assert_allclose(function(), whole[name][0], rtol=1e-10, atol=1e-10)
        assert peak(function) < most


# A whole network


def test_gradients_of_a_small_network():
    network = graphnn.loads(
        """
        graphnn: 1
        sizes: {k: 3}
        nodes:
          x: {op: input, shape: [batch, 1, 9, 9]}
          t: {op: input, shape: [batch], dtype: int}
          c: {op: conv2d, inputs: x, filters: 4, kernel: k, padding: same}
          a: {op: tanh, inputs: c}
          p: {op: max_pool, inputs: a, kernel: 2, stride: 2, padding: 1}
          d: {op: conv2d, inputs: p, filters: 4, kernel: [1, k], stride: 2, groups: 2}
          u: {op: upsample, inputs: d, factor: 2}
          e: {op: conv_transpose2d, inputs: u, filters: 2, kernel: 2, bias: false}
          m: {op: pad, inputs: e, padding: 1}
          q: {op: average_pool, inputs: m, kernel: 3, stride: 2}
          g: {op: global_average_pool, inputs: q}
          y: {op: softmax, inputs: g}
          loss: {op: cross_entropy, inputs: [y, t]}
        """,
        seed=1,
    )
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(3, 1, 9, 9)), "t": np.array([0, 1, 1])}
    assert set(network.parameters) == {"c.weight", "c.bias", "d.weight", "d.bias", "e.weight"}
    found = graphnn.backprop(network, inputs)
    estimates = graphnn.numerical_gradient(network, inputs, method="loop")
    for name, gradient in found.items():
        assert np.abs(gradient).max() > 1e-4
        assert_allclose(gradient, estimates[name].value, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("op", "word", "help"),
    [
        ("conv2d, filters: 1", "Same", "write same, in small letters"),
        ("conv2d, filters: 1", "valid", "write 0, for no padding"),
        ("conv2d, filters: 1", "VALID", "write 0, for no padding"),
        ("max_pool", "same", "write a number: only convolutions take 'same'"),
        ("average_pool", "valid", "write 0, for no padding"),
        ("conv_transpose2d, filters: 1", "SAME", "write a number: only convolutions take 'same'"),
        ("max_pool", "full", "declare it under 'sizes': a whole number, or free"),
    ],
)
def test_paddings_in_the_words_of_other_libraries(op, word, help):
    with pytest.raises(SpecError) as caught:
        graphnn.loads(
            f"""
            graphnn: 1
            nodes:
              x: {{op: input, shape: [batch, 1, 5, 5]}}
              c: {{op: {op}, inputs: x, kernel: 3, padding: {word}}}
            """
        )
    [found] = caught.value.diagnostics
    assert (found.code, found.message, found.help) == (
        "unknown-size",
        f"there is no size '{word}'",
        help,
    )


def test_a_mean_without_its_padding_by_hand():
    x = images([1.0, 2], [3, 4])
    counted = made("average_pool", kernel=2, stride=2, padding=1)
    assert_array_equal(counted.forward(x), images([0.25, 0.5], [0.75, 1]))
    alone = made("average_pool", kernel=2, stride=2, padding=1, count_include_pad=False)
    assert_array_equal(alone.forward(x), x)
    one_side = made("average_pool", kernel=2, stride=2, padding=[0, 0, 1, 1])
    assert_array_equal(one_side.forward(x), images([1, 1.5]))


@pytest.mark.parametrize("ends", [[1, 2, 2, 1], [1, 1, 2, 2], [2, 2, 1, 0]])
@pytest.mark.parametrize(("name", "more"), [("average_pool", {}), ("conv2d", {"filters": 1})])
def test_padding_is_zeros_put_around_the_image(name, more, ends):
    rng = np.random.default_rng(0)
    x, given = rng.normal(size=(2, 1, 4, 5)), [np.ones((1, 1, 4, 4)), None][: 2 * bool(more)]
    padded = np.pad(x, [(0, 0), (0, 0), ends[:2], ends[2:]])
    around = REGISTRY[name](kernel=4, stride=1, padding=ends, **more)
    plain = REGISTRY[name](kernel=4, stride=1, **more)
    assert_allclose(around.forward(x, *given), plain.forward(padded, *given), rtol=1e-12)


def test_a_mean_of_padding_alone_is_0_where_it_counts():
    how = {"kernel": 2, "padding": 1, "dilation": 2, "stride": 1}
    shape = REGISTRY["average_pool"](**how).infer([(1, 1, 1)], {}).result
    found = REGISTRY["average_pool"](**how).forward(np.full((1, 1, 1), 7.0))
    assert_array_equal(found, np.zeros(shape))
    with pytest.raises(ShapeError):
        REGISTRY["average_pool"](**how, count_include_pad=False).infer([(1, 1, 1)], {})


def test_a_last_window_that_ends_beyond_the_image():
    x = images([1.0, 2, 3], [4, 5, 6], [7, 8, 9])
    assert_array_equal(made("max_pool", kernel=2).forward(x), images([5]))
    assert_array_equal(
        made("max_pool", kernel=2, ceil_mode=True).forward(x), images([5, 6], [8, 9])
    )
    mean = made("average_pool", kernel=2, ceil_mode=True)
    assert_array_equal(mean.forward(x), images([3, 4.5], [7.5, 9]))


def test_dilated_windows_by_hand():
    x = images([1.0, 9, 2], [8, 7, 6], [3, 5, 4])
    assert_array_equal(made("max_pool", kernel=2, dilation=2).forward(x), images([4]))

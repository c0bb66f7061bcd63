"""Convolution and pooling against PyTorch, values and gradients, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from graphnn.ops import REGISTRY
from graphnn.ops.kernels import unfolding

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
functional = torch.nn.functional

THOROUGH = settings(
    max_examples=150,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
# Bytes unfolded, multiplications unpacked, columns that a product keeps: as shipped; columns cut
# to pieces; columns and images cut to single ones.
LIMITS = {"whole": (2**26, 10**6, 128), "columns": (2**26, 30, 1), "single": (1, 10**6, 128)}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    # The threads of PyTorch and of OpenBLAS would wait for one another.
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture(params=LIMITS)
def cut(request, monkeypatch):
    limits = LIMITS[request.param]
    for name, limit in zip(("_UNFOLDED", "_UNPACKED", "_NARROWEST"), limits, strict=True):
        monkeypatch.setattr(unfolding, name, limit)


def pairs(low, high):
    return st.lists(st.integers(low, high), min_size=2, max_size=2)


@st.composite
def filters(draw):
    """An op's attributes, and shapes of images and weight, `padding` within reason."""
    groups = draw(st.integers(1, 3))
    shares = draw(pairs(1, 3))
    kernel = draw(pairs(1, 4))
    attributes = {
        "stride": draw(pairs(1, 4)),
        "padding": draw(pairs(0, 3)),
        "dilation": draw(pairs(1, 4)),
        "groups": groups,
    }
    images = (draw(st.integers(1, 3)), groups * shares[0], *draw(pairs(1, 9)))
    return attributes, images, (groups * shares[1], shares[0], *kernel)


def compare(op, arrays, theirs):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    expected = theirs(*tensors)
    output = op.forward(*arrays)
    assert op.infer([arrays[0].shape], {}).result == output.shape
    assert_allclose(output, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    cotangent = np.random.default_rng(2).normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    found = op.vjp(cotangent, output, *arrays)
    for mine, tensor in zip(found, tensors, strict=True):
        assert_allclose(mine, tensor.grad.numpy(), rtol=1e-12, atol=1e-12)


def numbers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.usefixtures("cut")
@THOROUGH
@given(filters(), st.integers(0, 2**32 - 1))
def test_conv2d(case, seed):
    attributes, images, weight = case
    for size, kernel, step, padding in zip(
        images[2:], weight[2:], attributes["dilation"], attributes["padding"], strict=True
    ):
        assume(size + 2 * padding > step * (kernel - 1))
    op = REGISTRY["conv2d"](filters=weight[0], kernel=weight[2:], **attributes)
    arrays = numbers(seed, images, weight, weight[:1])
    compare(op, arrays, lambda x, w, b: functional.conv2d(x, w, b, **attributes))


@pytest.mark.usefixtures("cut")
@THOROUGH
@given(filters(), pairs(0, 3), st.integers(0, 2**32 - 1))
def test_conv_transpose2d(case, more, seed):
    attributes, images, weight = case
    for size, kernel, stride, step, padding, added in zip(
        images[2:], weight[2:], *(attributes[k] for k in ("stride", "dilation", "padding")), more,
        strict=True,
    ):  # fmt: skip
        assume(added < max(stride, step))
        assume((size - 1) * stride + step * (kernel - 1) + 1 + added > 2 * padding)
    attributes["output_padding"] = more
    count = weight[0]
    weight = (images[1], count // attributes["groups"], *weight[2:])
    op = REGISTRY["conv_transpose2d"](filters=count, kernel=weight[2:], **attributes)
    arrays = numbers(seed, images, weight, (count,))
    compare(op, arrays, lambda x, w, b: functional.conv_transpose2d(x, w, b, **attributes))


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@THOROUGH
@given(filters(), st.integers(0, 2**32 - 1))
def test_conv2d_padded_to_the_same_size(case, seed):
    attributes, images, weight = case
    attributes |= {"padding": "same", "stride": (1, 1)}
    op = REGISTRY["conv2d"](filters=weight[0], kernel=weight[2:], **attributes)
    arrays = numbers(seed, images, weight, weight[:1])
    compare(op, arrays, lambda x, w, b: functional.conv2d(x, w, b, **attributes))


@st.composite
def pools(draw):
    kernel = draw(pairs(1, 4))
    attributes = {
        "kernel": kernel,
        "stride": draw(st.none() | pairs(1, 5)),
        "padding": [draw(st.integers(0, size // 2)) for size in kernel],
        "ceil_mode": draw(st.booleans()),
    }
    images = [draw(st.integers(1, 3)), draw(st.integers(1, 3)), *draw(pairs(1, 9))]
    for size, window, padding in zip(images[2:], kernel, attributes["padding"], strict=True):
        assume(size + 2 * padding >= window)
    # Whole numbers, so that there are ties: of several largest entries the first wins.
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ties = draw(st.booleans())
    x = rng.integers(-1, 2, images) + 0.0 if ties else rng.normal(size=images)
    return attributes, x


@st.composite
def dilated(draw):
    attributes, x = draw(pools())
    steps = draw(pairs(1, 3))
    for size, k, step, padding in zip(
        x.shape[2:], attributes["kernel"], steps, attributes["padding"], strict=True
    ):
        assume(size + 2 * padding >= step * (k - 1) + 1)
        assume(step == 1 or not padding or size >= step)  # or windows may hold padding alone
    return {**attributes, "dilation": steps}, x


def theirs(attributes):
    options = dict(attributes)
    return {"kernel_size": options.pop("kernel"), **options}


@THOROUGH
@given(dilated())
def test_max_pool(case):
    attributes, x = case
    op = REGISTRY["max_pool"](**attributes)
    compare(op, [x], lambda x: functional.max_pool2d(x, **theirs(attributes)))


@THOROUGH
@given(pools())
def test_max_pool_branch(case):
    attributes, x = case
    _, places = functional.max_pool2d(torch.tensor(x), return_indices=True, **theirs(attributes))
    found = REGISTRY["max_pool"](**attributes).branch(x)
    height, width = x.shape[2:]
    stride = attributes["stride"] or attributes["kernel"]
    rows, columns = np.indices(found.shape[2:])
    row = rows * stride[0] - attributes["padding"][0] + found // attributes["kernel"][1]
    column = columns * stride[1] - attributes["padding"][1] + found % attributes["kernel"][1]
    assert np.array_equal(row * width + column, places.numpy())
    assert row.max() < height


@THOROUGH
@given(pools(), st.booleans())
def test_average_pool(case, counted):
    attributes, x = case
    attributes["count_include_pad"] = counted
    op = REGISTRY["average_pool"](**attributes)
    compare(op, [x], lambda x: functional.avg_pool2d(x, **theirs(attributes)))


@settings(THOROUGH, max_examples=50)
@given(pools(), st.tuples(*[st.integers(0, 1)] * 4))
def test_pools_with_padding_on_one_side(case, sides):
    attributes, x = case
    top, bottom, left, right = (
        min(n, attributes["kernel"][at // 2] // 2) for at, n in enumerate(sides)
    )
    assume(x.shape[2] + top + bottom >= attributes["kernel"][0])
    assume(x.shape[3] + left + right >= attributes["kernel"][1])
    options = {"kernel": attributes["kernel"], "stride": attributes["stride"]}
    around = (left, right, top, bottom)
    for name, function, fill in (
        ("max_pool", functional.max_pool2d, -torch.inf),
        ("average_pool", functional.avg_pool2d, 0.0),
    ):
        op = REGISTRY[name](**options, padding=[top, bottom, left, right])

        def padded(x, function=function, fill=fill):
            return function(functional.pad(x, around, value=fill), **theirs(options))

        compare(op, [x], padded)


@settings(THOROUGH, max_examples=50)
@given(pairs(1, 4), st.tuples(*[st.integers(1, 4)] * 4), st.integers(0, 2**32 - 1))
def test_upsample_and_global_average_pool(factor, shape, seed):
    arrays = numbers(seed, shape)
    op = REGISTRY["upsample"](factor=factor)
    compare(op, arrays, lambda x: functional.interpolate(x, scale_factor=tuple(factor)))
    op = REGISTRY["global_average_pool"]()
    compare(op, arrays, lambda x: functional.adaptive_avg_pool2d(x, 1)[:, :, 0, 0])


@settings(THOROUGH, max_examples=50)
@given(st.tuples(*[st.integers(0, 3)] * 4), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_pad(padding, value, seed):
    top, bottom, left, right = padding
    compare(
        REGISTRY["pad"](padding=padding, value=value),
        numbers(seed, (2, 3, 4, 2)),
        lambda x: functional.pad(x, (left, right, top, bottom), value=value),
    )

"""Convolution and pooling against PyTorch, values and gradients, where it is installed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from graphnn.ops import REGISTRY
from graphnn.ops.kernels import unfolding
from graphnn.testing.strategies import op_cases

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
functional = torch.nn.functional

THOROUGH = settings(
    max_examples=150,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
)
# Bytes unfolded, columns that rows leave room for, multiplications unpacked, columns that a product
# keeps: all at once; columns cut to pieces; rows cut; columns and images cut to single ones.
LIMITS = {
    "whole": (2**26, 256, 10**6, 96),
    "columns": (2**26, 256, 30, 1),
    "rows": (200, 2, 10**6, 96),
    "single": (1, 256, 10**6, 96),
}
NAMES = ("_UNFOLDED", "_WIDE", "_UNPACKED", "_NARROWEST")


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
    for name, limit in zip(NAMES, limits, strict=True):
        monkeypatch.setattr(unfolding, name, limit)


RANKS = st.sampled_from([1, 2, 2, 3])


def each(rank, low, high):
    """A number an axis; of three axes smaller ones."""
    return st.lists(
        st.integers(low, min(high, 4) if rank == 3 else high), min_size=rank, max_size=rank
    )


def ends(padding, rank):
    """Padding before and after each axis."""
    if len(padding) == rank:
        return [(n, n) for n in padding]
    return [*zip(padding[::2], padding[1::2], strict=True)]


def padded(padding, rank, **options):
    """A function of torch that pads the axes, which it names from the last on."""
    around = [n for pair in reversed(ends(padding, rank)) for n in pair]
    return lambda x: functional.pad(x, around, **options)


def theirs(name, rank):
    return getattr(functional, f"{name}{rank}d")


def drawn(*names):
    """Cases of one of some ops, with arrays large enough for windows beside one another."""
    return st.one_of([op_cases(name, sizes=9) for name in names])


def compare(op, arrays, theirs):
    tensors = [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]
    expected = theirs(*tensors)
    output = op.forward(*arrays)
    assert op.infer([arrays[0].shape], {}).result == output.shape
    assert_allclose(output, expected.detach().numpy(), rtol=1e-12, atol=1e-12)
    cotangent = np.random.default_rng(2).normal(size=output.shape)
    expected.backward(torch.tensor(cotangent))
    found = op.vjp(cotangent, output, *arrays)
    for mine, tensor in zip(found, tensors, strict=True):
        if tensor is None:
            assert mine is None
            continue
        assert_allclose(mine, tensor.grad.numpy(), rtol=1e-12, atol=1e-12)


def numbers(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def steps(op):
    return {key: getattr(op, key) for key in ("stride", "dilation", "groups")}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.usefixtures("cut")
@THOROUGH
@given(drawn("conv1d", "conv2d", "conv3d"))
def test_convolution(case):
    op, rank = case.op, case.op.rank
    wide, padding = (lambda x: x), "same"
    if op.padding == "same":  # with a stride torch has no such padding
        op = op.model_copy(update={"stride": (1,) * rank})
    else:
        wide, padding = padded(op.padding, rank), 0
    function = partial(theirs("conv", rank), **steps(op), padding=padding)
    compare(op, case.arrays, lambda x, w, b: function(wide(x), w, b))


@pytest.mark.usefixtures("cut")
@THOROUGH
@given(drawn("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"))
def test_transposed_convolution(case):
    op, rank = case.op, case.op.rank
    options = {**steps(op), "output_padding": op.output_padding}
    inner = (..., *(slice(before, -after or None) for before, after in ends(op.padding, rank)))
    function = theirs("conv_transpose", rank)
    compare(op, case.arrays, lambda x, w, b: function(x, w, b, **options)[inner])


@st.composite
def pools(draw):
    rank = draw(RANKS)
    kernel = draw(each(rank, 1, 4))
    attributes = {
        "kernel": kernel,
        "stride": draw(st.none() | each(rank, 1, 5)),
        "padding": [draw(st.integers(0, size // 2)) for size in kernel],
        "ceil_mode": draw(st.booleans()),
    }
    images = [draw(st.integers(1, 3)), draw(st.integers(1, 3)), *draw(each(rank, 1, 9))]
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
    steps = draw(each(x.ndim - 2, 1, 3))
    for size, k, step, padding in zip(
        x.shape[2:], attributes["kernel"], steps, attributes["padding"], strict=True
    ):
        assume(size + 2 * padding >= step * (k - 1) + 1)
        assume(step == 1 or not padding or size >= step)  # or windows may hold padding alone
    return {**attributes, "dilation": steps}, x


def renamed(attributes):
    options = dict(attributes)
    return {"kernel_size": options.pop("kernel"), **options}


@THOROUGH
@given(dilated())
def test_max_pool(case):
    attributes, x = case
    op = REGISTRY["max_pool"](**attributes)
    function = theirs("max_pool", x.ndim - 2)
    compare(op, [x], lambda x: function(x, **renamed(attributes)))


@THOROUGH
@given(dilated())
def test_max_pool_branch(case):
    attributes, x = case
    function = theirs("max_pool", x.ndim - 2)
    _, places = function(torch.tensor(x), return_indices=True, **renamed(attributes))
    found = REGISTRY["max_pool"](**attributes).branch(x)
    entries = np.unravel_index(found, attributes["kernel"])
    stride = attributes["stride"] or attributes["kernel"]
    steps = stride, attributes["dilation"], attributes["padding"]
    windows = np.indices(found.shape)[2:]
    where = [
        window * step + entry * apart - before
        for window, entry, step, apart, before in zip(windows, entries, *steps, strict=True)
    ]
    assert np.array_equal(np.ravel_multi_index(where, x.shape[2:]), places.numpy())


@THOROUGH
@given(pools(), st.booleans())
def test_average_pool(case, counted):
    attributes, x = case
    attributes["count_include_pad"] = counted
    attributes["count_include_pad"] = counted
    op = REGISTRY["average_pool"](**attributes)
    function = theirs("avg_pool", x.ndim - 2)
    # Torch refuses volumes smaller than a window, whatever their padding.
    assume(x.ndim < 5 or all(map(int.__ge__, x.shape[2:], attributes["kernel"])))
    compare(op, [x], lambda x: function(x, **renamed(attributes)))


@THOROUGH
@given(dilated(), st.booleans())
def test_average_pool_of_dilated_windows(case, counted):
    """Torch has no dilated mean: that of a convolution with ones, over how many entries it has."""
    attributes, x = case
    attributes["ceil_mode"] = False
    rank, kernel = x.ndim - 2, attributes["kernel"]
    op = REGISTRY["average_pool"](**attributes, count_include_pad=counted)
    options = {
        "stride": attributes["stride"] or kernel,
        "dilation": attributes["dilation"],
        "padding": attributes["padding"],
        "groups": x.shape[1],
    }
    ones = torch.ones((x.shape[1], 1, *kernel), dtype=torch.float64)

    def mean(x):
        whole = torch.full_like(x, 1.0)
        count = theirs("conv", rank)(whole, ones, **options)
        total = theirs("conv", rank)(x, ones, **options)
        return total / (ones[0].sum() if counted else count)

    compare(op, [x], mean)


@settings(THOROUGH, max_examples=50)
@given(pools(), st.data())
def test_pools_with_padding_on_one_side(case, data):
    attributes, x = case
    kernel, rank = attributes["kernel"], x.ndim - 2
    drawn = data.draw(st.lists(st.integers(0, 1), min_size=2 * rank, max_size=2 * rank))
    sides = [min(n, kernel[at // 2] // 2) for at, n in enumerate(drawn)]
    for size, window, (before, after) in zip(x.shape[2:], kernel, ends(sides, rank), strict=True):
        assume(size + before + after >= window)
    options = {"kernel": kernel, "stride": attributes["stride"]}
    for name, function, fill in (
        ("max_pool", theirs("max_pool", rank), -torch.inf),
        ("average_pool", theirs("avg_pool", rank), 0.0),
    ):
        wide = padded(sides, rank, value=fill)
        compare(
            REGISTRY[name](**options, padding=sides),
            [x],
            lambda x, function=function, wide=wide: function(wide(x), **renamed(options)),
        )

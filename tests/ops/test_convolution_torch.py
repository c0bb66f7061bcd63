"""Convolution and pooling against PyTorch, values and gradients, where it is installed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from graphnn.ops.kernels import unfolding
from graphnn.testing.strategies import op_cases

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle
functional = torch.nn.functional

THOROUGH = settings(
    max_examples=150,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.usefixtures("cut")
@THOROUGH
@given(drawn("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"))
def test_transposed_convolution(case):
    op, rank = case.op, case.op.rank
    options = {**steps(op), "output_padding": op.output_padding}
    inner = (..., *(slice(before, -after or None) for before, after in ends(op.padding, rank)))
    function = theirs("conv_transpose", rank)
    compare(op, case.arrays, lambda x, w, b: function(x, w, b, **options)[inner])


def pools(name):
    """Cases of a pool, with ties: of several largest entries the first wins."""
    return op_cases(name, sizes=12, kinks=True)


def as_torch_pads(op, rank, fill):
    """A pool, what torch does to the image first, and its options: its own padding is even."""
    options = {"kernel_size": op.kernel, "stride": op.stride, "ceil_mode": op.ceil_mode}
    sides = ends(op.padding, rank)
    if all(before == after for before, after in sides):
        return op, lambda x: x, {**options, "padding": [before for before, _ in sides]}
    # Torch would count windows that begin in what is padded before.
    op = op.model_copy(update={"ceil_mode": False})
    options |= {"padding": [0] * rank, "ceil_mode": False}
    return op, padded(op.padding, rank, value=fill), options


@THOROUGH
@given(pools("max_pool"))
def test_max_pool(case):
    (x,) = case.arrays
    rank = x.ndim - 2
    op, wide, options = as_torch_pads(case.op, rank, -np.inf)
    function = partial(theirs("max_pool", rank), dilation=op.dilation, **options)
    compare(op, [x], lambda x: function(wide(x)))
    image = wide(torch.tensor(x))
    _, places = function(image, return_indices=True)
    found = op.branch(x)
    steps = zip(
        np.indices(found.shape)[2:],
        np.unravel_index(found, op.kernel),
        op.stride or op.kernel,
        op.dilation,
        options["padding"],
        strict=True,
    )
    where = [window * step + entry * apart - around for window, entry, step, apart, around in steps]
    assert np.array_equal(np.ravel_multi_index(where, image.shape[2:]), places.numpy())


@THOROUGH
@given(pools("average_pool"))
def test_average_pool(case):
    (x,) = case.arrays
    rank = x.ndim - 2
    op, wide, options = as_torch_pads(case.op, rank, 0.0)
    # Torch has no dilated mean, nor counts what is padded before, and refuses volumes smaller than
    # a window, whatever their padding.
    fits = rank < 3 or all(map(int.__ge__, x.shape[2:], op.kernel))
    if op is case.op and max(op.dilation) == 1 and fits:
        function = partial(
            theirs("avg_pool", rank), **options, count_include_pad=op.count_include_pad
        )
        compare(op, [x], function)
        return
    op = op.model_copy(update={"ceil_mode": False})
    sizes = {"stride": op.stride or op.kernel, "dilation": op.dilation, "groups": x.shape[1]}
    ones = torch.ones((x.shape[1], 1, *op.kernel), dtype=torch.float64)
    convolved = partial(theirs("conv", rank), weight=ones, padding=options["padding"], **sizes)

    def mean(x):
        """A convolution with ones, over how many entries it has."""
        count = ones[0].sum() if op.count_include_pad else convolved(wide(torch.ones_like(x)))
        return convolved(wide(x)) / count

    compare(op, [x], mean)

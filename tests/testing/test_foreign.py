"""Backward passes of torch and jax, checked as they are."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.testing import BrokenLaw, assert_gradients_agree

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(4, 3))


def test_a_function_of_arrays():
    def cube(x):
        return (x**3).sum()

    assert_gradients_agree(cube, {"x": ROWS}, {"x": 3 * ROWS**2})
    with pytest.raises(BrokenLaw, match="12 entries in float64: 12 wrong backward"):
        assert_gradients_agree(cube, {"x": ROWS}, lambda x: {"x": 3.1 * x**2})
    with pytest.raises(graphnn.UsageError) as caught:
        assert_gradients_agree(cube, {"x": ROWS})
    assert "is not known\n   = help: give gradients=..., a mapping from" in str(caught.value)


def rough(x):
    """Too rough a value for any difference to say something."""
    return float((x**2 + 1e-7 * np.sin(1e9 * x)).sum())


def test_a_gradient_that_no_entry_confirms_is_refused():
    with pytest.raises(BrokenLaw, match="no entry is known to be right: 3 entries in float64: 3"):
        assert_gradients_agree(rough, {"x": np.full(3, 1.234)}, lambda x: {"x": 4 * x})


def test_arrays_of_a_function_are_given_by_name():
    with pytest.raises(graphnn.UsageError) as caught:
        assert_gradients_agree(len, [ROWS], {"x": ROWS})
    assert str(caught.value) == (
        "error[bad-value]: list is not arrays by name\n   = help: write {'x': x}"
    )


def test_the_path_of_a_spec_stands_for_its_network(tmp_path):
    (tmp_path / "line.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
        "  y: {op: affine, inputs: x, units: 1}\n  loss: {op: sum, inputs: y}\n"
    )
    wrong = {"y.weight": np.ones((2, 1)), "y.bias": np.ones(1)}
    with pytest.raises(BrokenLaw, match="1 agree, 2 wrong backward"):
        assert_gradients_agree(tmp_path / "line.yaml", {"x": [[1.5, 2.5]]}, wrong, loss="loss")


@pytest.mark.parametrize("batch", ["ab", np.ones(2)])
def test_what_is_not_arrays_in_order_is_refused(batch):
    with pytest.raises(graphnn.UsageError) as caught:
        assert_gradients_agree(len, batch)
    assert str(caught.value) == (
        f"error[bad-value]: {type(batch).__name__} is not arrays in order or by name\n"
        "   = help: write [x], or {'x': x}"
    )


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def exp(torch, factor):
    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            found = torch.exp(x)
            ctx.save_for_backward(found)
            return found

        @staticmethod
        def backward(ctx, cotangent):
            (found,) = ctx.saved_tensors
            return factor * cotangent * found

    return Exp


@pytest.mark.oracle
def test_a_function_of_torch(torch):
    assert_gradients_agree(exp(torch, 1.0), [ROWS])
    assert_gradients_agree(exp(torch, 1.0), {"x": ROWS})
    with pytest.raises(BrokenLaw, match=r"argument0\[\d,\d\]: wrong backward \(12 of 12\)"):
        assert_gradients_agree(exp(torch, 1.01), [ROWS])


@pytest.mark.oracle
def test_a_module_that_gives_results_by_name_and_one_that_detaches_them(torch):
    class Named(torch.nn.Module):
        def forward(self, x):
            return {"square": x * x}

    class Cut(torch.nn.Module):
        def forward(self, x):
            return x.detach() * 2

    assert_gradients_agree(Named(), [torch.tensor(ROWS, requires_grad=True)])
    with pytest.raises(BrokenLaw, match=r"wrong backward \(12 of 12\), given 0, numerical"):
        assert_gradients_agree(Cut(), [ROWS])


@pytest.mark.oracle
def test_a_gradient_of_torch_that_is_none_stands_for_zeros(torch):
    class Dropped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, cotangent):
            return cotangent, None

    with pytest.raises(BrokenLaw, match="24 entries in float64: 12 agree, 12 wrong backward"):
        assert_gradients_agree(Dropped, [ROWS, ROWS])


def module(torch, forward, **kept):
    """A module with such a forward, and buffers."""

    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, value in kept.items():
                self.register_buffer(name, value)

    Module.forward = forward
    return Module()


@pytest.mark.oracle
def test_the_apply_of_a_function_of_torch_stands_for_it(torch):
    assert_gradients_agree(exp(torch, 1.0).apply, [ROWS])
    with pytest.raises(BrokenLaw, match="12 wrong backward"):
        assert_gradients_agree(exp(torch, 1.01).apply, [ROWS])


@pytest.mark.oracle
def test_results_of_torch_may_be_nested_and_left_out(torch):
    assert_gradients_agree(torch.nn.LSTM(3, 2), [ROWS])
    assert_gradients_agree(module(torch, lambda self, x: [(x, x * x), {"a": x, "b": None}]), [ROWS])


@pytest.mark.oracle
def test_buffers_that_a_module_writes_to_are_the_same_in_every_call(torch):
    def forward(self, x):
        self.count += 1
        return x * self.count

    counting = module(torch, forward, count=torch.zeros(1))
    assert_gradients_agree(counting, [ROWS])
    assert counting.count.item() == 0


@pytest.mark.oracle
def test_a_sparse_gradient_of_torch(torch):
    assert_gradients_agree(torch.nn.Embedding(5, 2, sparse=True), [[0, 1, 1, 4]])


@pytest.mark.oracle
def test_a_result_of_torch_that_cannot_be_checked_is_refused(torch):
    plain = "let it give a Tensor, or some by name or in order"
    wide = "let it compute in float64 where its arguments are, or its differences are roundings"
    for forward, message in (
        (
            lambda self, x: x.sum().item(),
            "error[bad-value]: the result has a float in it, whose gradient is not known\n"
            f"   = help: {plain}",
        ),
        (
            lambda self, x: x.detach().numpy(),
            "error[bad-value]: the result has an array of float64 in it, whose gradient is not "
            f"known\n   = help: {plain}",
        ),
        (lambda self, x: x.float(), f"error[bad-dtype]: a result is of float32\n   = help: {wide}"),
        (
            lambda self, x: torch.fft.fft(x),
            "error[bad-dtype]: a result is of complex128\n"
            "   = help: let it give the real and the imaginary parts",
        ),
    ):
        with pytest.raises(graphnn.UsageError) as caught:
            assert_gradients_agree(module(torch, forward), [ROWS])
        assert str(caught.value) == message


@pytest.mark.oracle
def test_an_argument_with_the_name_of_a_parameter_is_refused(torch):
    with pytest.raises(graphnn.UsageError) as caught:
        assert_gradients_agree(torch.nn.Linear(3, 2), {"weight": ROWS})
    assert str(caught.value) == (
        "error[bad-value]: 'weight' is an argument and a parameter of the module\n"
        "   = help: give the arguments in order, as [x]"
    )


@pytest.mark.oracle
def test_a_function_that_calls_torch_is_answered_with_how_to_hand_it_in(torch):
    with pytest.raises(graphnn.UsageError) as caught:
        assert_gradients_agree(torch.tanh, [ROWS])
    assert str(caught.value).partition("is not known\n")[2] == (
        "   = help: give gradients=..., a mapping from names to arrays, or a function that returns "
        "one; or, of a function of jax, jax.jit(it), and of torch, a module that calls it"
    )


@pytest.mark.oracle
def test_a_module_of_torch(torch):
    class Layer(torch.nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.linear = torch.nn.Linear(3, 2)
            self.drop = torch.nn.Dropout(0.5)
            self.exp = exp(torch, factor)

        def forward(self, x, label):
            return torch.log_softmax(self.exp.apply(self.drop(self.linear(x))), 1)[label, 0]

    torch.manual_seed(1)
    batch = {"x": ROWS, "label": [0, 1, 3]}
    layer = Layer(1.0)
    assert_gradients_agree(layer, batch)
    assert layer.linear.weight.dtype == torch.float32
    with pytest.raises(BrokenLaw, match=r"linear\.bias\[\d\]: wrong backward"):
        assert_gradients_agree(Layer(1.01), batch)
    assert_gradients_agree(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh()), [ROWS])


@pytest.mark.oracle
def test_a_function_of_jax_with_its_own_vjp():
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64

    def exp_times(factor):
        @jax.custom_vjp
        def exp(x, count):
            return jax.numpy.exp(x) * count

        exp.defvjp(
            lambda x, count: (exp(x, count), (x, count)),
            lambda kept, cotangent: (factor * jax.numpy.exp(kept[0]) * kept[1] * cotangent, None),
        )
        return exp

    try:
        jax.config.update("jax_enable_x64", False)
        with pytest.raises(graphnn.UsageError, match="jax computes in float32"):
            assert_gradients_agree(exp_times(1.0), [ROWS, 2])
        jax.config.update("jax_enable_x64", True)
        assert_gradients_agree(exp_times(1.0), [ROWS, 2])
        with pytest.raises(BrokenLaw, match="12 entries in float64: 12 wrong backward"):
            assert_gradients_agree(exp_times(1.01), {"x": ROWS, "count": 2})
    finally:
        jax.config.update("jax_enable_x64", before)

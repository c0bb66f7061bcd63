"""Values of runs against NumPy written by hand, with memory reused and with memory kept."""

from __future__ import annotations

import contextlib
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphnn
from graphnn.execution._executor import Executor
from graphnn.execution._plan import make
from graphnn.ops.families.arithmetic import Subtract
from graphnn.testing import networks
from graphnn.testing.strategies import batches
from runs_by_hand import by_hand

# Ops that write in place, views and what reads them: of these, faults of memory show soonest.
PLAIN = ["tanh", "relu", "sigmoid", "negative", "identity", "absolute", "softmax", "add"]
PLAIN += ["subtract", "multiply", "maximum", "affine", "concat", "sum", "slice", "transpose"]


@st.composite
def networks_with_batches(draw, dtype="float64", **options):
    """A network, the nodes that are wanted of it, and inputs of several batches."""
    case = draw(networks(outputs=4, **options))
    net = graphnn.loads({**case.document, "dtype": dtype})
    wanted = case.document["outputs"]
    return net, wanted, draw(st.lists(batches(net, outputs=wanted), min_size=3, max_size=5))


def close(found, expected, tolerance=1e-12):
    for name, value in found.items():
        assert value.shape == expected[name].shape
        scale = np.abs(expected[name]).max(initial=1, where=np.isfinite(expected[name]))
        np.testing.assert_allclose(value, expected[name], rtol=0, atol=tolerance * scale)


def run_and_by_hand(net, inputs, wanted):
    """What a run gives, and what it should; nothing of results that should not be finite."""
    expected = by_hand(net, inputs)
    if all(np.isfinite(expected[name]).all() for name in wanted):
        return net.run(inputs, outputs=wanted), expected
    # A loss that is fused with what it reads may be finite all the same.
    with contextlib.suppress(graphnn.RunError):
        net.run(inputs, outputs=wanted)
    return {}, {}


@settings(max_examples=30)
@given(networks_with_batches(ops=PLAIN, nodes=10) | networks_with_batches())
def test_runs_agree_with_numpy(drawn):
    net, wanted, given = drawn
    before = {name: array.copy() for name, array in net.parameters.items()}
    results = []
    for inputs in given:
        kept = {name: array.copy() for name, array in inputs.items()}
        found, expected = run_and_by_hand(net, inputs, wanted)
        assert [*found] == [*dict.fromkeys(wanted)] or not expected
        results.append((found, expected))
        for array in found.values():
            assert array.flags.writeable
            for other in (*inputs.values(), *net.parameters.values()):
                assert not np.shares_memory(array, other)
        for name, array in inputs.items():
            assert np.array_equal(array, kept[name])
    for name, array in net.parameters.items():
        assert np.array_equal(array, before[name])
    for found, expected in results:  # and nothing was written over by a later run
        close(found, expected)
    arrays = [array for found, _ in results for array in found.values()]
    for number, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:number])


@settings(max_examples=20)
@given(networks_with_batches())
def test_every_value_is_kept_for_a_reverse_pass(drawn):
    net, wanted, given = drawn
    executor = Executor(make(net.graph, wanted), net.dtype, keep=True)
    for inputs in given:
        values, release = executor.values(inputs, net.arrays, finite=False)
        found = {
            slot.name: value
            for slot, value in zip(executor.plan.slots, values, strict=False)
            if slot.role in ("value", "constant", "input")
        }
        close(found, by_hand(net, inputs))
        release()


@settings(max_examples=20)
@given(networks_with_batches("float32"))
def test_float32(drawn):
    net, wanted, given = drawn
    assert all(array.dtype == np.float32 for array in net.parameters.values())
    for inputs in given:  # in memory of the ops' own, then in memory that is planned
        found, expected = run_and_by_hand(net, inputs, wanted)
        assert all(array.dtype == expected[name].dtype for name, array in found.items())
        close(found, expected, 2e-5)


DEEP = """
graphnn: 1
nodes:
  x:  {op: input, shape: [batch, 2]}
  a1: {op: affine, inputs: x, weight: [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], bias: [0.1, 0.2, 0.3]}
  z1: {op: sigmoid, inputs: a1}
  a2: {op: affine, inputs: z1, weight: [[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]], bias: [0.1, 0.2]}
  z2: {op: sigmoid, inputs: a2}
  y:  {op: affine, inputs: z2, weight: [[0.1, 0.3], [0.2, 0.4]], bias: [0.1, 0.2]}
"""


def test_the_textbook_s_three_layers():
    found = graphnn.loads(DEEP).run(x=[[1.0, 0.5]])
    np.testing.assert_allclose(found["y"], [[0.31682708, 0.69627909]], atol=5e-9)


def test_threads_do_not_mix_their_runs():
    net = graphnn.loads(DEEP)
    executor = net.executor(("y", "z1"))
    weights = {name: array.copy() for name, array in net.parameters.items()}

    def expected(x):
        z1 = 1 / (1 + np.exp(-(x @ weights["a1.weight"] + weights["a1.bias"])))
        z2 = 1 / (1 + np.exp(-(z1 @ weights["a2.weight"] + weights["a2.bias"])))
        return {"z1": z1, "y": z2 @ weights["y.weight"] + weights["y.bias"]}

    wrong = []
    start = threading.Barrier(4)

    def work(seed):
        rng = np.random.default_rng(seed)
        start.wait()
        for turn in range(150):
            # More sizes than programs are kept, so that they come and go.
            x = rng.normal(size=(1 + (turn + seed) % 7, 2))
            try:
                found = executor.run({"x": x}, net.parameters)
                for name, value in expected(x).items():
                    np.testing.assert_allclose(found[name], value, rtol=1e-12)
            except BaseException as error:
                wrong.append(error)
                raise

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_results_of_an_executor_that_keeps_are_the_caller_s_own():
    net = graphnn.loads(DEEP)
    executor = Executor(make(net.graph, ("y", "z1", "x")), net.dtype, keep=True)
    first = executor.run({"x": np.ones((2, 2))}, net.parameters)
    copies = {name: array.copy() for name, array in first.items()}
    executor.run({"x": np.zeros((2, 2))}, net.parameters)
    for name, array in first.items():
        assert np.array_equal(array, copies[name])


# --- both edges of multiply(x, x)


def test_a_square_and_its_slope():
    net = graphnn.loads("""
graphnn: 1
nodes:
  p: {op: parameter, value: [1.5, -2, 3]}
  s: {op: multiply, inputs: [p, p]}
  d: {op: subtract, inputs: [s, p]}
  f: {op: sum, inputs: d}
""")
    assert net.run()["f"] == (1.5**2 - 1.5) + (4 + 2) + (9 - 3)
    gradient = graphnn.backprop(net, loss="f")["p.value"]
    assert gradient.tolist() == [2 * 1.5 - 1, 2 * -2 - 1, 2 * 3 - 1]


def test_a_value_read_together_with_a_view_of_it_is_not_written_over():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [2, 2]}
  a: {op: exp, inputs: x}
  t: {op: transpose, inputs: a}
  y: {op: subtract, inputs: [a, t]}
  z: {op: subtract, inputs: [t, a]}
  s: {op: sum, inputs: y}
outputs: [s]
""")
    e = np.exp([[0.0, 1], [2, 3]])
    for _ in range(2):
        assert net.run(x=[[0.0, 1], [2, 3]])["s"] == 0
        found = net.run(x=[[0.0, 1], [2, 3]], outputs=["y", "z"])
        np.testing.assert_allclose(found["y"], [[0, e[0, 1] - e[1, 0]], [e[1, 0] - e[0, 1], 0]])
        np.testing.assert_allclose(found["z"], -found["y"])


def test_an_op_may_write_row_by_row_over_its_first_operand(monkeypatch):
    def forward(self, a, b, *, out=None):
        y = np.empty_like(a) if out is None else out
        for row in range(len(y)):
            y[row] = a[row] - b[row]
        return y

    monkeypatch.setattr(Subtract, "forward", forward)
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [2, 2]}
  a: {op: exp, inputs: x}
  t: {op: transpose, inputs: a}
  y: {op: subtract, inputs: [a, t]}
  z: {op: negative, inputs: y}
""")
    e = np.exp([[0.0, 1], [2, 3]])
    for _ in range(2):
        np.testing.assert_allclose(net.run(x=[[0.0, 1], [2, 3]])["z"], e.T - e)


def test_two_reverse_passes_at_a_time_have_memory_of_their_own():
    net = graphnn.loads(DEEP)
    executor = Executor(make(net.graph, ["y"]), net.dtype, keep=True)
    x, other = np.ones((2, 2)), np.zeros((2, 2))
    executor.values({"x": x}, net.parameters)[1]()
    first, release_first = executor.values({"x": x}, net.parameters)
    copies = [np.array(value) for value in first]
    second, release_second = executor.values({"x": other}, net.parameters)
    for value, copy in zip(first, copies, strict=True):
        assert np.array_equal(value, copy, equal_nan=False) or value is None
    slot = executor.plan.outputs["y"]
    assert not np.array_equal(first[slot], second[slot])
    release_first()
    release_second()


# --- scalars, constants, inputs as outputs, kinds


def test_scalars_and_constants():
    net = graphnn.loads("""
graphnn: 1
nodes:
  a: {op: input, shape: []}
  c: {op: constant, value: 2.5}
  k: {op: constant, value: [1, 2], dtype: int}
  p: {op: multiply, inputs: [a, c]}
  y: {op: sum, inputs: p}
outputs: [y, c, k, a]
""")
    found = net.run(a=3)
    assert {name: (value.shape, value.tolist()) for name, value in found.items()} == {
        "y": ((), 7.5),
        "c": ((), 2.5),
        "k": ((2,), [1, 2]),
        "a": ((), 3.0),
    }
    assert found["k"].dtype == np.int64
    found["c"][...] = 9  # the caller's own
    assert net.run(a=1)["y"] == 2.5


def test_an_input_given_back_is_a_copy():
    net = graphnn.loads("{graphnn: 1, nodes: {x: {op: input, shape: [batch]}}}")
    given = np.arange(3.0)
    found = net.run(x=given)["x"]
    assert found.tolist() == [0, 1, 2]
    assert not np.shares_memory(found, given)


def test_several_views_of_one_value_are_given_apart():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  a: {op: exp, inputs: x}
  i: {op: identity, inputs: a}
  r: {op: reshape, inputs: a, shape: [batch, 2, 1]}
outputs: [i, r]
""")
    found = net.run(x=[[0.0, 1.0]])
    assert found["r"].ravel().tolist() == found["i"].ravel().tolist() == [1.0, np.exp(1.0)]
    assert not np.shares_memory(found["i"], found["r"])


@pytest.mark.parametrize("given", [[1, 0, 2], [1.0, 0.0, 2.0], np.uint8([1, 0, 2])])
def test_whole_numbers_in_every_form(given):
    net = graphnn.loads("{graphnn: 1, nodes: {t: {op: input, shape: [batch], dtype: int}}}")
    found = net.run(t=given)["t"]
    assert found.dtype == np.int64
    assert found.tolist() == [1, 0, 2]


@pytest.mark.parametrize("given", [[True, False], [1, 0], np.float32([1, 0]), np.int8([1, 0])])
def test_real_numbers_in_every_form(given):
    net = graphnn.loads("{graphnn: 1, nodes: {x: {op: input, shape: [batch]}}}")
    found = net.run(x=given)["x"]
    assert found.dtype == np.float64
    assert found.tolist() == [1, 0]


def test_inputs_in_any_memory_order():
    net = graphnn.loads(DEEP)
    x = np.arange(24.0).reshape(4, 6)[:, ::3]
    expected = net.run(x=np.ascontiguousarray(x))["y"]
    np.testing.assert_allclose(net.run(x=x)["y"], expected, rtol=1e-14)
    np.testing.assert_allclose(net.run(x=np.asfortranarray(x))["y"], expected, rtol=1e-14)
    frozen = x.copy()
    frozen.setflags(write=False)
    np.testing.assert_allclose(net.run(x=frozen)["y"], expected, rtol=1e-14)


def test_only_what_is_wanted_is_computed():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch]}
  u: {op: input, shape: [batch]}
  y: {op: tanh, inputs: x}
  z: {op: exp, inputs: x}
  w: {op: add, inputs: [z, u]}
""")
    np.testing.assert_allclose(net.run(x=[1000.0], outputs=["y"])["y"], [1.0])
    with pytest.raises(graphnn.RunError) as caught:
        net.run(x=[1000.0], outputs=["z"])
    assert caught.value.diagnostics[0].message == (
        "the result is not finite: 'z' (exp) is the first to give infinity at [0]"
    )


# --- softmax and cross-entropy in one step

LOSS = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  r: {op: input, shape: [batch, 3]}
  y: {op: softmax, inputs: x}
  i: {op: identity, inputs: y}
  l: {op: cross_entropy, inputs: [y, t]}
  m: {op: cross_entropy, inputs: [i, t]}
  n: {op: cross_entropy, inputs: [y, r]}
"""


def test_fused_and_unfused_agree():
    net = graphnn.loads(LOSS)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
    r = np.eye(3)[t]
    found = net.run(x=x, t=t, r=r, outputs=["y", "l", "m", "n"])
    y = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["y"], y, rtol=1e-14)
    for name in "lmn":
        np.testing.assert_allclose(found[name], -np.log(y[np.arange(6), t]), rtol=1e-13)
    alone = net.run(x=x, t=t, outputs=["l"])["l"]
    assert np.array_equal(alone, found["l"])


def test_large_logits_stay_finite_and_exact():
    net = graphnn.loads(LOSS)
    x = [[1000.0, -1000.0, 0.0], [1000.0, -1000.0, 0.0], [-1000.0, -1000.0, -1000.0]]
    found = net.run(x=x, t=[1, 0, 2], outputs=["l", "y"])
    assert found["l"].tolist() == [2000.0, 0.0, pytest.approx(np.log(3), rel=1e-15)]
    assert found["y"].tolist() == [[1, 0, 0], [1, 0, 0], [pytest.approx(1 / 3)] * 3]


# --- passes of training


def test_noise_of_a_training_pass():
    net = graphnn.loads("""
graphnn: 1
sizes: {n: 2000}
nodes:
  x: {op: input, shape: [batch, n]}
  d: {op: dropout, inputs: x, rate: 0.25}
  y: {op: negative, inputs: d}
""")
    x = np.full((3, 2000), 1.5)
    assert np.array_equal(net.run(x=x)["y"], -x)
    executor = net.executor(["y"], keep=True, mode="train")
    assert executor is not net.executor(["y"], keep=True)

    def draw(seed):
        values, release = executor.values({"x": x}, net.arrays, np.random.default_rng(seed))
        y = values[executor.plan.outputs["y"]].copy()
        release()
        return y

    y = draw(0)
    assert set(np.unique(y)) == {-2.0, 0.0}  # -1.5 / (1 - 0.25), or dropped
    dropped = (y == 0).sum()
    assert abs(dropped - 1500) < 5 * np.sqrt(6000 * 0.25 * 0.75)
    assert np.array_equal(draw(0), y)
    assert not np.array_equal(draw(1), y)


def test_a_training_pass_that_is_not_finite_is_blamed_with_its_noise():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch]}
  w: {op: parameter, value: 1}
  m: {op: multiply, inputs: [x, w]}
  d: {op: dropout, inputs: m, rate: 0.5}
  y: {op: log, inputs: d}
""")
    executor = net.executor(["y"], keep=True, mode="train")
    rng = np.random.default_rng(0)
    mask = np.random.default_rng(0).random(8, np.float32) >= 0.5
    with pytest.raises(graphnn.RunError) as caught:
        executor.values({"x": np.ones(8)}, net.arrays, rng)
    assert str(caught.value) == (
        "error[not-finite]: the result is not finite: 'y' (log) is the first to give "
        f"-infinity at [{int(np.argmin(mask))}]"
    )

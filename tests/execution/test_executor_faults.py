"""What is said of a run that cannot be, to the letter; and who is blamed for NaN and overflow."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import RunError
from graphnn.execution._executor import Executor
from graphnn.execution._plan import make
from graphnn.ops.families.activation import Tanh
from tables import cases

SPEC = """
graphnn: 1
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  s: {op: input, shape: [batch, time, 2]}
  k: {op: input, shape: []}
  y: {op: softmax, inputs: x}
  l: {op: cross_entropy, inputs: [y, t]}
  u: {op: sum, inputs: s, axis: [1, 2]}
  a: {op: multiply, inputs: [u, k]}
  c: {op: constant, value: 1}
"""


@pytest.fixture(scope="module")
def net():
    return graphnn.loads(SPEC)


def said(net, inputs, outputs):
    with pytest.raises(RunError) as caught:
        net.run(inputs, outputs=outputs)
    return str(caught.value)


X, T, S = np.zeros((4, 3)), [0, 1, 2, 0], np.zeros((4, 5, 2))


@cases(
    r"""
    id | inputs= | outputs | text
    missing | {} | l
        | error[missing-input]: the input 'x' of shape [batch, 3] is missing
        \n
        \nerror[missing-input]: the input 't' of shape [batch] is missing
    unknown | {"x": X, "data": X} | y
        | error[unknown-input]: the requested outputs do not depend on an input 'data'
        \n   = help: its inputs are x
    not needed | {"x": X, "t": T} | y
        | error[unknown-input]: the requested outputs do not depend on an input 't'
        \n   = help: its inputs are x
    unknown, where there are none | {"x": X} | c
        | error[unknown-input]: the requested outputs do not depend on an input 'x'
        \n   = help: it has no inputs
    misspelt, and so not missing | {"X": X, "t": T} | l
        | error[unknown-input]: the requested outputs do not depend on an input 'X'
        \n   = help: did you mean 'x'?
    one axis too few | {"x": X[0]} | y
        | error[wrong-shape]: the input 'x' has shape [3], but the spec declares it [batch, 3]
        \n   = help: a single row needs an axis before it: x[None]
    one axis too many | {"x": X[None]} | y
        | error[wrong-shape]: the input 'x' has shape [1, 4, 3], but the spec declares it [batch, 3]
    an array for a number | {"k": [1, 2], "s": S} | a
        | error[wrong-shape]: the input 'k' has shape [2], but the spec declares it []
    another size | {"x": X[:, :2]} | y
        | error[wrong-shape]: the input 'x' has shape [4, 2], but the spec declares it [batch, 3]
    no rows | {"x": X[:0]} | y | error[wrong-shape]: the input 'x' is empty: its 'batch' is 0
    no time | {"s": S[:, :0]} | u | error[wrong-shape]: the input 's' is empty: its 'time' is 0
    rows that disagree | {"x": X, "t": [0, 1, 2]} | l
        | error[size-conflict]: 'batch' is 4 in the input 'x', but 3 in 't'
    ragged | {"x": [[1, 2, 3], [4, 5]]} | y
        | error[not-numbers]: the input 'x' is not an array of numbers
        \n   = help: in nested lists, rows have one length
    words | {"x": [["a", "b", "c"]]} | y
        | error[not-numbers]: the input 'x' is not an array of numbers
        \n   = help: in nested lists, rows have one length
    complex | {"x": X + 1j} | y
        | error[not-numbers]: the input 'x' is not an array of numbers
        \n   = help: in nested lists, rows have one length
    none | {"x": None} | y
        | error[not-numbers]: the input 'x' is not an array of numbers
        \n   = help: in nested lists, rows have one length
    halves | {"x": X, "t": [0, 1, 1.5, 0]} | l
        | error[not-whole]: the input 't' must hold whole numbers, not 1.5 at [2]
    NaN where whole numbers belong | {"x": X, "t": [0, np.nan, 1, 0]} | l
        | error[not-whole]: the input 't' must hold whole numbers, not nan at [1]
    too large for whole numbers | {"x": X, "t": np.array([0, 2**64 - 1, 1, 0], np.uint64)} | l
        | error[not-whole]: the input 't' must hold whole numbers, not 18446744073709551615 at [1]
    several at once | {"x": X[0], "t": [0.5], "q": 1} | l
        | error[unknown-input]: the requested outputs do not depend on an input 'q'
        \n   = help: its inputs are x, t
        \n
        \nerror[not-whole]: the input 't' must hold whole numbers, not 0.5 at [0]
        \n
        \nerror[wrong-shape]: the input 'x' has shape [3], but the spec declares it [batch, 3]
        \n   = help: a single row needs an axis before it: x[None]
    a class that is not there | {"x": X, "t": [0, 1, 3, 0]} | l
        | error[bad-value]: at 'l': 'target' holds 3 in row 2, but there are 3 classes
        \n   = help: class numbers go from 0 to 2
    NaN in an input | {"x": [[0, 1, 2], [0, np.nan, 2]]} | y
        | error[not-finite]: the input 'x' holds NaN at [1, 1]
    infinity in an input | {"k": -np.inf, "s": S + 1} | a
        | error[not-finite]: the input 'k' holds -infinity
    """,
    S=S,
    T=T,
    X=X,
    np=np,
)
def test_to_the_letter(net, inputs, outputs, text):
    assert said(net, inputs, outputs) == text
    # And once more: nothing of a run that failed is kept.
    assert said(net, inputs, outputs) == text


def test_a_run_after_one_that_failed(net):
    said(net, {"x": X, "t": [0, 1, 2]}, "l")
    assert net.run(x=X, t=T, outputs="l")["l"].tolist() == pytest.approx([np.log(3)] * 4)


def test_a_single_whole_number():
    net = graphnn.loads("{graphnn: 1, nodes: {t: {op: input, shape: [], dtype: int}}}")
    text = "error[not-whole]: the input 't' must hold whole numbers, not 0.5"
    assert said(net, {"t": 0.5}, "t") == text


EXPRESSIONS = """
graphnn: 1
sizes: {n: free, m: free}
nodes:
  a: {op: input, shape: [n]}
  b: {op: input, shape: [2 * n + 1, n // 2]}
  c: {op: input, shape: [m * m, m + 1]}
  d: {op: input, shape: [m]}
  y: {op: relu, inputs: b}
  z: {op: relu, inputs: a}
  w: {op: relu, inputs: c}
  v: {op: relu, inputs: d}
outputs: [y, z]
"""


def test_sizes_that_follow_from_others():
    net = graphnn.loads(EXPRESSIONS)
    found = net.run(a=np.ones(5), b=np.ones((11, 2)))
    assert (found["y"].shape, found["z"].shape) == ((11, 2), (5,))
    assert said(net, {"a": np.ones(5), "b": np.ones((10, 2))}, ["y", "z"]) == (
        "error[size-conflict]: '2*n + 1' is 11, but 10 in the input 'b'"
    )
    assert said(net, {"a": np.ones(5), "b": np.ones((11, 3))}, ["y", "z"]) == (
        "error[size-conflict]: 'n // 2' is 2, but 3 in the input 'b'"
    )


def test_a_size_that_no_input_determines():
    net = graphnn.loads(EXPRESSIONS)
    assert said(net, {"c": np.ones((4, 3))}, "w") == (
        "error[unbound-size]: no input determines the size 'm'"
    )
    assert said(net, {"b": np.ones((11, 2))}, "y") == (
        "error[unbound-size]: no input determines the size 'n'"
    )


# --- NaN and overflow

CHAIN = """
graphnn: 1
nodes:
  late:  {op: log, inputs: n}
  x: {op: input, shape: [batch, 2]}
  w: {op: parameter, value: [1, 1]}
  e: {op: exp, inputs: x}
  n: {op: negative, inputs: e}
  f: {op: exp, inputs: e}
  s: {op: add, inputs: [late, f]}
  p: {op: multiply, inputs: [x, w]}
  c: {op: constant, value: 1.0e+300}
  q: {op: multiply, inputs: [p, c]}
"""


@pytest.fixture
def chain():
    return graphnn.loads(CHAIN)


def test_the_first_node_of_the_schedule_is_blamed(chain):
    # The schedule is x, e, n, late, f, s: 'late' gives NaN before 'f' gives infinity.
    assert said(chain, {"x": [[0, 1], [2, 900]]}, "s") == (
        "error[not-finite]: the result is not finite: 'e' (exp) is the first to give "
        "infinity at [1, 1]"
    )
    assert said(chain, {"x": [[0, 1], [2, 9]]}, "s") == (
        "error[not-finite]: the result is not finite: 'late' (log) is the first to give "
        "NaN at [0, 0]"
    )
    assert said(chain, {"x": [[0, 1], [2, 9]]}, "f") == (
        "error[not-finite]: the result is not finite: 'f' (exp) is the first to give "
        "infinity at [1, 1]"
    )


def test_a_parameter_is_blamed(chain):
    chain.parameters["w.value"][1] = np.nan
    assert said(chain, {"x": [[0, 1]]}, "p") == (
        "error[not-finite]: the parameter 'w.value' holds NaN at [1]"
    )


def test_overflow_on_the_way_that_leaves_a_finite_result():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch]}
  e: {op: exp, inputs: x}
  y: {op: tanh, inputs: e}
""")
    assert net.run(x=[1000.0])["y"].tolist() == [1.0]


def test_a_scalar_is_blamed_without_a_place():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {c: {op: constant, value: -1}, y: {op: log, inputs: c}}}"
    )
    assert said(net, {}, "y") == (
        "error[not-finite]: the result is not finite: 'y' (log) is the first to give NaN"
    )


def test_values_for_a_reverse_pass_are_checked_too(chain):
    executor = Executor(make(chain.graph, ["f"]), chain.dtype, keep=True)
    with pytest.raises(RunError) as caught:
        executor.values({"x": np.full((1, 2), 9.0)}, chain.parameters)
    assert str(caught.value) == (
        "error[not-finite]: the result is not finite: 'f' (exp) is the first to give "
        "infinity at [0, 0]"
    )


@cases(r"""
    nodes | inputs= | text
    y: {op: constant, value: [1, -1.0e+39]} | {}
        | the result is not finite: 'y' (constant) is the first to give -infinity at [1]
    y: {op: parameter, value: [1, 1.0e+39]} | {} | the parameter 'y.value' holds infinity at [1]
    y: {op: input, shape: [2]} | {"y": [1, 1e39]} | the input 'y' holds infinity at [1]
    x: {op: input, shape: [2]}\n  y: {op: power, inputs: x, exponent: 2} | {"x": [1, 1e20]}
        | the result is not finite: 'y' (power) is the first to give infinity at [1]
""")
def test_what_overflows_float32(nodes, inputs, text):
    net = graphnn.loads(f"graphnn: 1\ndtype: float32\nnodes:\n  {nodes}\n")
    assert said(net, inputs, "y") == f"error[not-finite]: {text}"


# --- memory


def test_more_rows_than_can_be_addressed():
    net = graphnn.loads("""
graphnn: 1
sizes: {time: free}
nodes:
  a: {op: input, shape: [batch, 1]}
  b: {op: input, shape: [1, time]}
  y: {op: add, inputs: [a, b]}
""")
    # No memory is taken by what is broadcast.
    a, b = np.broadcast_to(0.0, (2**31, 1)), np.broadcast_to(0.0, (1, 2**31))
    text = (
        "error[out-of-memory]: the run needs more memory than is available\n"
        "   = help: run fewer rows at once"
    )
    assert said(net, {"a": a, "b": b}, "y") == text


def test_memory_that_runs_out_on_the_way(monkeypatch):
    def forward(self, x, *, out=None):
        raise MemoryError

    net = graphnn.loads(
        "{graphnn: 1, nodes: {x: {op: input, shape: [batch]}, y: {op: tanh, inputs: x}}}"
    )
    monkeypatch.setattr(Tanh, "forward", forward)
    assert said(net, {"x": [1.0]}, "y").startswith("error[out-of-memory]: ")


def test_a_good_run_does_not_excuse_a_bad_one_of_its_shapes(net):
    net.run(x=X, outputs="y")
    unknown = (
        "error[unknown-input]: the requested outputs do not depend on an input 'data'\n"
        "   = help: its inputs are x"
    )
    assert said(net, {"x": X, "data": X}, "y") == unknown
    # Lists, which are not yet arrays of the input's kind.
    net.run(x=X.tolist(), outputs="y")
    assert said(net, {"x": X.tolist(), "data": 1}, "y") == unknown


def test_a_good_run_does_not_excuse_a_bad_one():
    net = graphnn.loads(SPEC)
    net.run({"x": X.tolist()}, outputs="y")
    with pytest.raises(RunError, match="do not depend on an input 'q'"):
        net.run({"x": X.tolist(), "q": 1}, outputs="y")
    with pytest.raises(RunError, match="do not depend on an input 'q'"):
        net.run({"x": X, "q": X}, outputs="y")


def test_an_input_of_a_wrong_shape_is_in_no_conflict():
    net = graphnn.loads(SPEC)
    with pytest.raises(RunError) as caught:
        net.run({"x": np.ones((4, 2)), "t": [0, 1, 2, 0, 1]}, outputs="l")
    assert [found.code for found in caught.value.diagnostics] == ["wrong-shape"]

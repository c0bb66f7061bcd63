"""Sizes: expressions of free names, and what a graph makes of them."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import graphnn
from graphnn.spec import sizes
from graphnn.spec.sizes import SizeError, evaluate, free, free_names, parse, product, show

A, B = free("a"), free("b")
SCOPE = {"a": A, "b": B, "my-size": free("my-size"), "four": 4}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("7", "7"),
        ("four", "4"),
        (" a ", "a"),
        ("2*a+1", "2*a + 1"),
        ("1 + a * 2", "2*a + 1"),
        ("5 - a", "5 - a"),
        ("a - a", "0"),
        ("a - a + 5", "5"),
        ("a - 5", "a - 5"),
        ("a + b + a", "2*a + b"),
        ("a * b * a", "a*a*b"),
        ("(a + b) * (a - b)", "a*a - b*b"),
        ("a * four", "4*a"),
        ("my-size - 1", "my-size - 1"),
        ("(4 * a + 2) // 2", "2*a + 1"),
        ("(a + 1) // 2", "(a + 1) // 2"),
        ("a // 2", "a // 2"),
        ("my-size // 2", "(my-size) // 2"),
        ("b * (a // 2)", "(a // 2)*b"),
        ("b * a // 2", "(a*b) // 2"),
        ("2 * (a // 2) + 1", "2*(a // 2) + 1"),
        ("a // 2 // 3", "(a // 2) // 3"),
        ("a // 2 - 1", "a // 2 - 1"),
        ("7 // 2", "3"),
        ("((2))", "2"),
        ("2 * (3 + 4) - 5 // 2", "12"),
        ("10 - 3 - 2", "5"),
        ("24 // 2 // 3", "4"),
    ],
)
def test_what_an_expression_stands_for(text, shown):
    size = parse(text, SCOPE)
    assert str(size) == shown
    assert isinstance(size, int) == shown.isdigit()
    if not isinstance(size, int):  # a number below 0 is no size to write
        assert parse(str(size), SCOPE) == size


def test_a_size_below_zero_is_shown_as_the_language_has_it():
    assert str(parse("1 - a - 3*b - 4", SCOPE)) == "0 - a - 3*b - 3"
    assert repr(A) == "<a>"


@pytest.mark.parametrize(
    ("text", "message", "name"),
    [
        ("", "a number or a name is missing at the end", None),
        ("2 *", "a number or a name is missing at the end", None),
        ("* 2", "a number or a name is missing before '*'", None),
        ("2 + * 3", "a number or a name is missing before '*'", None),
        ("()", "a number or a name is missing before ')'", None),
        ("2 a", "an operator is missing before 'a'", None),
        ("a 2", "an operator is missing before '2'", None),
        ("a (2)", "an operator is missing before '('", None),
        ("(a", "'(' has no ')'", None),
        ("a)", "')' has no '('", None),
        ("a / 2", "'/' has no meaning in a size", None),
        ("a ** 2", "a number or a name is missing before '*'", None),
        ("2.5", "'.' has no meaning in a size", None),
        ("\u0663", "'\u0663' has no meaning in a size", None),
        ("-a", "a number or a name is missing before '-'", None),
        ("c + 1", "there is no size 'c'", "c"),
        ("a-1", "there is no size 'a-1'", "a-1"),
        ("4 // a", "only a number can divide a size, not 'a'", None),
        ("a // 0", "a size cannot be divided by 0", None),
        ("a // (2 - 3)", "a size cannot be divided by -1", None),
        ("1" * 16, "111111111111111... is too large for a size", None),
        ("a" * 201, "a size expression has at most 200 characters", None),
    ],
)
def test_what_is_no_expression(text, message, name):
    with pytest.raises(SizeError) as caught:
        parse(text, SCOPE)
    assert (str(caught.value), caught.value.name) == (message, name)


def test_expressions_stay_small():
    scope = {letter: free(letter) for letter in "abcdefghijklmnopqr"}
    left, right = " + ".join("abcdefghi"), " + ".join("jklmnopqr")
    with pytest.raises(SizeError) as caught:
        parse(f"({left}) * ({right})", scope)
    assert str(caught.value) == "the size has more than 64 terms"
    left, right = " + ".join("abcdefgh"), " + ".join("ijklmnop")
    assert len(parse(f"({left}) * ({right})", scope).terms) == 64


def texts():
    """Expressions as text; '//' divides by a number, as the language has it."""
    return st.recursive(
        st.sampled_from(["a", "b", "1", "2", "3", "7"]),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*"), inner).map(
                lambda t: f"({t[0]} {t[1]} {t[2]})"
            ),
            st.tuples(inner, st.integers(1, 4)).map(lambda t: f"({t[0]}) // {t[1]}"),
        ),
        max_leaves=8,
    )


@given(texts(), st.integers(1, 40), st.integers(1, 40))
@example("((a - (a + a))) // 2", 1, 1)
@example("(a // 2) - (a + a // 2) - a // 3", 1, 1)
def test_expressions_agree_with_python(text, a, b):
    try:
        size = parse(text, SCOPE)
    except SizeError as error:  # too long or too many terms
        assert "more than 64" in str(error) or "at most 200" in str(error)
        return
    table = {"a": a, "b": b}
    assert evaluate(size, table) == eval(text, {}, dict(table))
    assert free_names(size) <= table.keys()
    if not isinstance(size, int):  # a number below 0 is no size to write
        assert parse(str(size), SCOPE) == size


@given(texts(), texts(), st.integers(1, 9), st.integers(1, 9))
def test_arithmetic_agrees_with_numbers(left, right, a, b):
    table = {"a": a, "b": b}
    try:
        x, y = parse(left, SCOPE), parse(right, SCOPE)
        results = sizes.add(x, y), sizes.subtract(x, y), product([x, y])
    except SizeError:
        return
    p, q = evaluate(x, table), evaluate(y, table)
    assert [evaluate(size, table) for size in results] == [p + q, p - q, p * q]
    assert sizes.subtract(x, x) == 0


@pytest.mark.parametrize("act", [operator.add, operator.sub, operator.mul])
@given(texts(), st.integers(1, 9), st.integers(1, 9), st.integers(-9, 9))
def test_operators_agree_with_numbers(act, text, a, b, number):
    table = {"a": a, "b": b}
    try:
        size = parse(text, SCOPE)
    except SizeError:
        return
    p = evaluate(size, table)
    assert evaluate(act(A, size), table) == act(a, p)
    assert evaluate(act(size, A), table) == act(p, a)
    assert evaluate(act(number, size), table) == act(number, p)
    assert evaluate(act(size, number), table) == act(p, number)
    assert evaluate((A + size) // b, table) == (a + p) // b


@pytest.mark.parametrize("other", [2.5, "2", None, np.float64(2)])
def test_operators_take_sizes_alone(other):
    for act in (operator.add, operator.sub, operator.mul, operator.floordiv):
        with pytest.raises(TypeError):
            act(A, other)
        with pytest.raises(TypeError):
            act(other, A)
    with pytest.raises(TypeError, match="unsupported operand"):
        A / 2
    with pytest.raises(SizeError, match="only a number can divide a size, not 'b'"):
        A // B


def test_evaluation_needs_every_free_size():
    with pytest.raises(KeyError):
        evaluate(parse("a + b // 2", SCOPE), {"a": 1})
    assert free_names(parse("a + b // 2", SCOPE)) == {"a", "b"}
    assert free_names(3) == frozenset()


def test_shapes_as_people_write_them():
    assert show((A, 784)) == "[a, 784]"
    assert show(()) == "[]"
    assert product(()) == 1


# --- in a graph


def shapes(text, nodes=""):
    net = graphnn.loads(f"graphnn: 1\n{text}")
    return {name: show(node.shape) for name, node in net.graph.nodes.items()}


def test_named_sizes_and_expressions_of_them():
    found = shapes("""
sizes: {hidden: 10, time: free}
nodes:
  x: {op: input, shape: [batch, 2 * hidden + 1]}
  y: {op: affine, inputs: x, units: (hidden - 1) // 2}
  z: {op: affine, inputs: y, units: '3'}
  s: {op: input, shape: [batch, time, hidden]}
  f: {op: flatten, inputs: s}
  c: {op: concat, inputs: [s, s], axis: 1}
  h: {op: slice, inputs: s, axis: 1, step: 2}
""")
    assert found == {
        "x": "[batch, 21]",
        "y": "[batch, 4]",
        "z": "[batch, 3]",
        "s": "[batch, time, 10]",
        "f": "[batch, 10*time]",
        "c": "[batch, 2*time, 10]",
        "h": "[batch, (time + 1) // 2, 10]",
    }


def test_batch_may_be_declared_free():
    assert shapes("sizes: {batch: free}\nnodes: {x: {op: input, shape: [batch]}}") == {
        "x": "[batch]"
    }


@pytest.mark.parametrize("op", ["add", "multiply", "maximum"])
def test_two_free_sizes_never_match(op):
    text = f"""
sizes: {{time: free}}
nodes:
  x: {{op: input, shape: [batch, 1]}}
  y: {{op: input, shape: [time, 1]}}
  z: {{op: {op}, inputs: [x, y]}}
"""
    with pytest.raises(graphnn.SpecError) as caught:
        shapes(text)
    (found,) = caught.value.diagnostics
    assert found.message == (
        "shapes do not fit at 'z': 'b' has shape [time, 1], "
        "which does not broadcast against [batch, 1]: batch and time differ"
    )


def test_free_sizes_broadcast_against_one():
    assert (
        shapes("""
sizes: {time: free}
nodes:
  x: {op: input, shape: [batch, 1]}
  y: {op: input, shape: [1, time]}
  z: {op: add, inputs: [x, y]}
""")["z"]
        == "[batch, time]"
    )


def test_sizes_left_out_are_filled_in():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  y: {op: affine, inputs: x, weight: [[1, 2, 3], [4, 5, 6]]}
  z: {op: affine, inputs: y, bias: [1, 2]}
  r: {op: reshape, inputs: x, shape: [batch, -1, 1]}
  p: {op: parameter, value: [[1, 2]]}
""")
    nodes = net.graph.nodes
    assert (nodes["y"].op.units, nodes["z"].op.units) == (3, 2)
    assert show(nodes["r"].op.shape) == "[batch, 2, 1]"
    assert nodes["p"].op.shape == (1, 2)
    assert net.parameters["y.bias"].shape == (3,)
    assert net.parameters["z.weight"].shape == (3, 2)


def test_shapes_that_are_stated_hold():
    text = """
graphnn: 1
sizes: {hidden: 50, time: free}
blocks:
  dense:
    sizes: [units]
    inputs: x
    nodes: {a: {op: affine, inputs: x, units: units, shape: [batch, time_, units]}}
    output: a
nodes:
  x: {op: input, shape: [batch, time, 20]}
  h: {block: dense, inputs: x, units: hidden, repeat: 2, shape: [batch, time, hidden]}
  r: {op: reshape, inputs: h, shape: [batch, 5 * time, 10]}
  p: {op: parameter, shape: [2]}
"""
    (found,) = graphnn.diagnose_text(text.replace("p: {", "p: {allow: unread-node, "))[:1]
    assert found.message == "there is no size 'time_'"
    text = text.replace("time_, units", "units").replace("[batch, units]}", "[batch, 1, units]}")
    messages = [each.message for each in graphnn.diagnose_text(text)]
    assert messages[0] == "'h.1.a' has shape [batch, time, 50], not [batch, 1, 50] as it states"


def test_nodes_that_say_the_same_have_one_op_and_their_own_shapes():
    graph = graphnn.loads(
        """
        graphnn: 1
        sizes: {n: 3}
        nodes:
          x: {op: input, shape: [batch, n]}
          k: {op: input, shape: [batch, 5], dtype: int}
          a: {op: concat, inputs: [x, x], axis: 1}
          b: {op: concat, inputs: [k, k], axis: 1}
          c: {op: concat, inputs: [x, x], axis: 0}
          d: {op: concat, inputs: [x, x], axis: 1}
        """
    ).graph
    ops = {name: node.op for name, node in graph.nodes.items()}
    assert ops["a"] is ops["b"] is ops["d"] is not ops["c"]
    found = {name: (show(node.shape), node.kind) for name, node in graph.nodes.items()}
    assert found["a"] == found["d"] == ("[batch, 6]", "float")
    assert (found["b"], found["c"]) == (("[batch, 10]", "int"), ("[2*batch, 3]", "float"))


def test_a_fault_of_alike_nodes_is_reported_at_each():
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads(
            """
            graphnn: 1
            nodes:
              x: {op: input, shape: [batch, 2]}
              y: {op: input, shape: [batch, 3]}
              a: {op: add, inputs: [x, y]}
              b: {op: add, inputs: [x, y]}
            """
        )
    codes = [(found.code, found.span.line) for found in caught.value.diagnostics]
    assert codes == [("shape-mismatch", 6), ("shape-mismatch", 7)]

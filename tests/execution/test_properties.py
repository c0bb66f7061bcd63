"""Properties of nodes: what holds is found to hold, and what does not is shown by an example."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

import graphnn
from graphnn.execution import run_examples
from graphnn.execution._proofs import Reach, reaches
from graphnn.ops import REGISTRY, Op, data, initializers, parameter, registered
from tables import cases

NETWORK = """\
graphnn: 1
sizes: {time: 6}
blocks:
  cell:
    inputs: [x, h]
    nodes:
      a:   {op: affine, inputs: x, units: 4}
      b:   {op: affine, inputs: h, units: 4}
      s:   {op: add, inputs: [a, b]}
      new: {op: tanh, inputs: s}
    output: {h: new}
nodes:
  x:     {op: input, shape: [batch, time, 3]}
  w:     {op: input, shape: [batch, time], dtype: int}
  c:     {op: input, shape: [4]}
  two:   {op: input, shape: [batch, 2]}
  g:     {op: input, shape: []}
  start: {op: constant, value: {zeros: [1, 4]}}
  h:     {block: cell, inputs: [x, start], repeat: time, unstack: x, stack: h, share: true}
  each:  {op: affine, inputs: x, units: 2}
  norm:  {op: layer_norm, inputs: x, axis: [1, 2]}
  m:     {op: mean, inputs: x, axis: 1}
  all:   {op: mean, inputs: m, axis: 0, keepdims: true}
  mixed: {op: subtract, inputs: [m, all]}
  first: {op: slice, inputs: m, axis: 0, start: 0, stop: 1}
  led:   {op: subtract, inputs: [m, first]}
  e:     {op: exp, inputs: m}
  low:   {op: negative, inputs: m}
  root:  {op: softmax, inputs: m}
  word:  {op: embedding, inputs: w, vocabulary: 9, units: 2}
  both:  {op: softmax, inputs: two}
  more:  {op: multiply, inputs: [h, c]}
  most:  {op: multiply, inputs: [more, g]}
  late:  {op: pad, inputs: x, axis: 1, padding: [2, 0]}
  tilt:  {op: affine, inputs: m, units: 1, weight: [[1000], [-1], [1000]]}
  below: {op: slice, inputs: m, axis: 0, start: 2}
  above: {op: slice, inputs: m, axis: 0, stop: 2}
  moved: {op: concat, inputs: [below, above], axis: 0}
  neg:   {op: affine, inputs: m, units: 1, weight: [[-1], [-1], [-1]], bias: [1]}
  log:   {op: log, inputs: neg}
outputs: [h.h, each, norm, mixed, e, low, root, word, led, most, tilt, both, late, moved, log]
examples:
"""


def messages(properties, inputs=""):
    example = f"- {{{inputs}properties: {{{properties}}}}}"
    (result,) = run_examples(graphnn.loads(NETWORK + example))
    return [found.message for found in result.diagnostics]


def known_of(properties, network=NETWORK):
    (result,) = run_examples(graphnn.loads(network + f"- {{properties: {{{properties}}}}}"))
    return result.properties


@pytest.mark.parametrize(
    "properties",
    [
        "causal: {input: x, output: h.h}",
        "causal: {input: x, output: each, axis: -2}",
        "causal: {input: w, output: word}",
        "invariant: {input: x, output: m, permutation: 1}",
        "equivariant: {input: x, output: each, permutation: 1}",
        "equivariant: {input: w, output: word, permutation: 1}",
        "equivariant: {input: x, output: mixed, permutation: 0}",
        "batchwise: {output: h.h}",
        "batchwise: {output: most}",
        "batchwise: {output: late}",
        "causal: {input: x, output: late}",
        "finite: {output: root}",
        "monotone: {input: x, output: e}",
        "monotone: {input: x, output: low, direction: decreasing}",
    ],
)
def test_what_holds(properties):
    assert messages(properties) == []
    (known,) = known_of(properties)
    proved = not properties.startswith(("finite", "monotone"))  # of which ops state nothing
    assert known.outcome == ("proved" if proved else "not contradicted")


@cases("""
    properties | start
    causal: {input: two, output: both} | 'both' is not causal along axis 1: where 'two' changes
    causal: {input: x, output: norm} | 'norm' is not causal along axis 1: where 'x' changes
    invariant: {input: x, output: h, permutation: 1}
        | 'h' is not invariant along axis 1: with the entries of 'x' in the order [
    equivariant: {input: x, output: h.h, permutation: 1}
        | 'h.h' is not equivariant along axis 1: with the entries of 'x' in the order [
    batchwise: {output: mixed} | 'mixed' is not batchwise: where rows [1, 3] of the inputs
    batchwise: {output: led} | 'led' is not batchwise: where rows [0, 2] of the inputs
    batchwise: {output: moved} | 'moved' is not batchwise: where rows [2, 3] of the inputs
    monotone: {input: x, output: root}
        | 'root' is not monotone: where entries of 'x' rise, its entry [
    monotone: {input: x, output: tilt} | 'tilt' is not monotone: where entry [
    monotone: {input: x, output: low} | 'low' is not monotone: where entries of 'x' rise
    monotone: {input: x, output: e, direction: decreasing}
        | 'e' is not monotone: where entries of 'x' rise, its entry [
    finite: {output: e}
        | 'e' is not finite: for inputs 1000 times as large, the result is not finite: 'e' (exp) is
        the first to give infinity at [
""")
def test_what_does_not_hold(properties, start):
    (message,) = messages(properties)
    assert message.startswith(start)
    (known,) = known_of(properties)
    assert (known.outcome, known.diagnostic.message) == ("counterexample", message)
    assert all("one of them is wrong" not in note.text for note in known.diagnostic.notes)


def test_what_is_shown_is_so():
    """The entry named moves as said when the input is changed where it is said."""
    text = NETWORK + "- {properties: {causal: {input: x, output: norm}}}"
    (result,) = run_examples(graphnn.loads(text))
    (found,) = result.diagnostics
    assert (found.code, found.span.line) == ("broken-property", text.count("\n") + 1)
    assert next(note.text for note in found.notes).endswith(" such entries")
    place = int(found.message.partition("changes at ")[2].partition(" ")[0])
    net = graphnn.loads(text)
    x = np.random.default_rng(0).normal(size=(2, 6, 3))
    other = x.copy()
    other[:, place] += 1
    first, second = (net.run({"x": each}, outputs=["norm"])["norm"] for each in (x, other))
    assert (first[:, :place] != second[:, :place]).any()


@pytest.mark.parametrize(
    "properties", ["causal: {input: x, output: each}", "batchwise: {output: h.h}"]
)
def test_what_holds_exactly_needs_no_tolerance(properties):
    assert messages(properties, "atol: 0, rtol: 0, ") == []


def test_a_single_entry_that_differs_is_counted_as_one():
    text = """
graphnn: 1
nodes:
  x: {op: input, shape: [3]}
  f: {op: slice, inputs: x, axis: 0, start: 0, stop: 1}
examples:
"""
    (known,) = known_of("invariant: {input: x, output: f, permutation: 0}", text)
    assert [note.text for note in known.diagnostic.notes] == ["1 such entry"]


def test_inputs_of_the_example_are_the_ones_changed():
    rows = [[[1, 2, 3]] * 6]
    assert messages("causal: {input: x, output: h.h}", f"inputs: {{x: {rows}}}, ") == []
    assert len(messages("causal: {input: x, output: norm}", f"inputs: {{x: {rows}}}, ")) == 1


def test_what_rises_beyond_the_domain_of_an_op_rises_less():
    rows = [[[0.3, 0.3, 0.3]] * 6]
    falls = "monotone: {input: x, output: log, direction: decreasing}"
    assert messages(falls, f"inputs: {{x: {rows}}}, ") == []
    rises = "monotone: {input: x, output: log}"
    assert len(messages(rises, f"inputs: {{x: {rows}}}, ")) == 1


@pytest.mark.parametrize(
    ("bias", "rtol", "holds"),
    [(100, 0.1, True), (100, 1e-9, False), (0.001, 0.001, False), (0.001, 1e5, True)],
)
def test_what_falls_by_less_than_a_part_of_itself_is_monotone(bias, rtol, holds):
    """`y` falls by some hundredths; its tolerance is a tenth of 100, or a part of a thousandth."""
    text = f"""
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 1]}}
  y: {{op: affine, inputs: x, units: 1, weight: [[-0.01]], bias: [{bias}]}}
examples:
  - {{properties: {{monotone: {{input: x, output: y}}}}, atol: 0, rtol: {rtol},
     inputs: {{x: [[0]]}}}}
"""
    (result,) = run_examples(graphnn.loads(text))
    assert result.ok is holds


def test_inputs_that_were_drawn_where_the_network_is_not_defined():
    example = "- {properties: {finite: {output: h}, batchwise: {output: log}}}"
    (result,) = run_examples(graphnn.loads(NETWORK + example))
    (found,) = result.diagnostics
    assert found.message.startswith(
        "the result is not finite: 'log' (log) is the first to give NaN"
    )
    assert found.help == "inputs were drawn at random: give 'inputs' for which it runs"


def test_the_order_in_which_float32_is_added_breaks_no_property():
    network = """\
graphnn: 1
dtype: float32
nodes:
  x: {op: input, shape: [batch, 50, 30]}
  y: {op: mean, inputs: x, axis: 1}
  e: {op: exp, inputs: x}
examples:
"""
    invariant, finite = known_of(
        "invariant: {input: x, output: y, permutation: 1}, finite: {output: e}", network
    )
    assert str(invariant) == "invariant of 'y': proved"
    # Overflow is that of the precision.
    assert finite.outcome == "counterexample"
    assert finite.diagnostic.message.startswith("'e' is not finite: for inputs 1000 times")


def test_ops_that_claim_rows_apart_do_not_hide_that_they_are_not():
    class Mixing(Op):
        """The rows in another order, which claims to keep them apart."""

        op: Literal["mixing"] = "mixing"
        operands = (data("x", "..."),)
        batchwise = True

        def forward(self, x):
            """`x` upside down."""
            return x[::-1]

        def vjp(self, cotangent, output, x):
            """The cotangent upside down."""
            return (cotangent[::-1],)

    text = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  y: {op: mixing, inputs: x}
examples: [{properties: {batchwise: {output: y}}}]
"""
    try:
        (result,) = run_examples(graphnn.loads(text))
    finally:
        del REGISTRY["mixing"]
    (found,) = result.diagnostics
    assert found.message.startswith("'y' is not batchwise: where rows [1, 3] of the inputs change")
    assert [note.text for note in found.notes][1] == (
        "yet it follows from what the ops between state: one of them is wrong"
    )


@cases("""
    properties= | message | help=
    "causal: {input: m, output: e}" | 'm' is mean, so a test cannot change its value | ""
    "causal: {input: w, output: e}" | 'e' does not depend on 'w' | ""
    "causal: {input: x, output: e, axis: 2}" | 'e' has no axis 2: its shape is [batch, 3] | ""
    "equivariant: {input: x, output: late, permutation: 1}"
        | 'x' and 'late' differ in axis 1: they are [batch, 6, 3] and [batch, 8, 3] | ""
    "equivariant: {input: x, output: m, permutation: -2}"
        | 'x' and 'm' differ in axis -2: they are [batch, 6, 3] and [batch, 3] | ""
    "monotone: {input: w, output: word}"
        | 'w' holds whole numbers: its output cannot be said to rise with it | ""
    "batchwise: {output: g}" | no input has as many rows as 'g', whose shape is [] | ""
    "batchwise: {output: start}"
        | no input has as many rows as 'start', whose shape is [1, 4] | ""
    "causal: {input: x, output: nosuch}" | there is no node 'nosuch' | ""
    "casual: {input: x, output: e}" | 'properties' has no key 'casual' | "did you mean 'causal'?"
    "causal: {input: x}" | 'causal' has no 'output' | "name a node: output: NODE"
    "batchwise: {input: x, output: e}" | 'batchwise' has no key 'input' | "its key is output"
    "monotone: {input: x, output: e, direction: up}"
        | 'direction' must be increasing or decreasing, not 'up' | ""
    "monotone: x" | 'monotone' must be a mapping such as {input: x, output: y}, not 'x' | ""
    "batchwise: x" | 'batchwise' must be a mapping such as {output: y}, not 'x' | ""
    "invariant: x"
        | 'invariant' must be a mapping such as {input: x, output: y, permutation: 1}, not 'x' | ""
    "" | 'properties' is empty | None
""")
def test_what_makes_no_sense(properties, message, help):
    text = NETWORK + f"- {{properties: {{{properties}}}}}"
    found = [each for each in graphnn.diagnose_text(text) if each.severity == "error"]
    assert [each.message for each in found] == [message]
    assert help is None or found[0].help == help


def test_what_makes_no_sense_hides_nothing():
    unknown = "causal: {input: x, output: nosuch}, invariant: {input: m, output: e, permutation: 1}"
    later = "equivariant: {input: w, output: e, permutation: 0}, batchwise: {output: start}"
    found = graphnn.diagnose_text(NETWORK + f"- {{properties: {{{unknown}, {later}}}}}")
    assert [each.code for each in found] == [
        "unknown-node", "not-an-input", "missing-input", "wrong-shape",
    ]  # fmt: skip


def test_an_example_says_something():
    found = graphnn.diagnose_text(NETWORK + "- {inputs: {x: {zeros: [1, time, 3]}}}")
    assert [each.message for each in found] == ["an example has no 'outputs'"]


SEQUENCES = """\
graphnn: 1
sizes: {time: 8}
nodes:
  x:     {op: input, shape: [batch, time, 4]}
  past:  {op: attention, inputs: [x, x, x], causal: true}
  each:  {op: attention, inputs: [x, x, x]}
  m:     {op: mean, inputs: each, axis: 1}
  back:  {op: gru, inputs: x, units: 3, bidirectional: true}
  e:     {op: einsum, inputs: [x, x], equation: "bti,btj->bij"}
  image: {op: reshape, inputs: x, shape: [batch, 1, time, 4]}
  y:     {op: reshape, inputs: image, shape: [batch, time, 4]}
  late:  {op: pad, inputs: x, axis: 1, padding: [2, 0]}
  turn:  {op: transpose, inputs: late, axes: [0, 2, 1]}
  wide:  {op: reshape, inputs: turn, shape: [batch, 4, 1, time + 2]}
  c:     {op: conv2d, inputs: wide, filters: 2, kernel: [1, 3]}
  eager: {op: conv2d, inputs: wide, filters: 2, kernel: [1, 4]}
  flat:  {op: reshape, inputs: x, shape: [batch, time * 4]}
  parts: {op: reshape, inputs: flat, shape: [batch, time, 4]}
  level: {op: mean, inputs: flat, axis: 1}
  shift: {op: slice, inputs: x, axis: 1, start: 1}
  plane: {op: reshape, inputs: x, shape: [batch, time, 2, 2]}
  pool:  {op: max_pool, inputs: plane, kernel: 2}
  bent:  {op: prelu, inputs: x, slope: {uniform: {low: 0.1, high: 0.9}}}
outputs: [past, m, back, e, y, c, eager, parts, level, shift, pool, bent]
examples:
"""


@cases("""
    properties | known
    causal: {input: x, output: past} | causal of 'past': proved
    equivariant: {input: x, output: each, permutation: 1} | equivariant of 'each': proved
    invariant: {input: x, output: m, permutation: 1} | invariant of 'm': proved
    causal: {input: x, output: back} | causal of 'back': counterexample
    batchwise: {output: back} | batchwise of 'back': proved
    invariant: {input: x, output: e, permutation: 1} | invariant of 'e': proved
    causal: {input: x, output: late} | causal of 'late': proved
    causal: {input: x, output: parts} | causal of 'parts': not contradicted ('flat' may mix entries)
    invariant: {input: x, output: level, permutation: 1}
        | invariant of 'level': not contradicted ('flat' may mix entries)
    causal: {input: x, output: shift} | causal of 'shift': counterexample
    equivariant: {input: x, output: pool, permutation: 1} | equivariant of 'pool': proved
    equivariant: {input: x, output: bent, permutation: 0} | equivariant of 'bent': proved
    equivariant: {input: x, output: bent, permutation: 1} | equivariant of 'bent': counterexample
""")
def test_proofs_and_tests_of_sequences(properties, known):
    assert [str(each) for each in known_of(properties, SEQUENCES)] == [known]


def test_a_channelwise_op_may_have_parameters_of_each_entry_but_not_of_each_row():
    class Tilt(Op, register=False):
        op: Literal["tilt"] = "tilt"
        operands = (data("x", "batch n"), parameter("slope", "n", initializers.Zeros()))
        result = "batch n"
        channelwise = batchwise = True

        def forward(self, x, slope):
            return x * slope

    with registered(Tilt):
        network = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  y: {op: tilt, inputs: x, slope: [0, 1, 2, 3]}
examples:
"""
        rows, entries = (
            known_of(f"equivariant: {{input: x, output: y, permutation: {axis}}}", network)
            for axis in (0, 1)
        )
    assert [each.outcome for each in (*rows, *entries)] == ["proved", "counterexample"]


SHIFTED = """
graphnn: 1
nodes:
  x: {op: input, shape: [5]}
  third: {op: select, inputs: x, axis: 0, index: 2}
  y: {op: subtract, inputs: [x, third]}
"""


@pytest.mark.parametrize(
    ("network", "output", "reach"),
    [
        # Padding by two steps moves a window of three back, so that its last step is its own.
        (SEQUENCES, "c", Reach(3, -2, 0, alike=False)),
        (SEQUENCES, "eager", Reach(3, -2, 1, alike=False)),
        # The last of six steps reads all of them, the first one itself alone.
        (NETWORK, "h.h", Reach(1, -5, 0, alike=False)),
        # The first of five entries reads the third, two after it, and the last one two before it.
        (SHIFTED, "y", Reach(0, -2, 2, alike=False)),
    ],
)
def test_how_far_a_node_reaches(network, output, reach):
    graph = graphnn.loads(network.replace("examples:", "")).graph
    axis = 1 if len(graph.nodes["x"].shape) > 1 else 0
    assert reaches(graph, {"x": axis})[output] == reach


def test_whole_numbers_do_not_wrap_around():
    (result,) = run_examples(
        graphnn.loads(
            f"""
            graphnn: 1
            nodes:
              x: {{op: input, shape: [2], dtype: int}}
              y: {{op: reshape, inputs: x, shape: [2]}}
            outputs: y
            examples:
              - inputs: {{x: [{2**62}, {-(2**62)}]}}
                properties: {{invariant: {{output: y, input: x, permutation: 0}}}}
            """
        )
    )
    assert [found.message for found in result.diagnostics] == [
        "'y' is not invariant along axis 0: with the entries of 'x' in the order [1, 0], its entry "
        "[0] is 4.61169e+18, then -4.61169e+18"
    ]

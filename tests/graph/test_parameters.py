"""Parameters: given as numbers, files, initializers or another's; shapes, limits, trainable."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import graphnn
from graphnn.storage import archives
from growth import assert_linear

X = "  x: {op: input, shape: [batch, 3]}\n"
W = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def load(nodes, folder=".", top=""):
    return graphnn.loads(f"graphnn: 1\n{top}nodes:\n{nodes}", folder=folder)


def faults(nodes, **options):
    with pytest.raises(graphnn.SpecError) as caught:
        load(nodes, **options)
    return [(found.code, found.message, found.help) for found in caught.value.diagnostics]


def test_numbers():
    net = load(
        X + "  y: {op: affine, inputs: x, weight: [[1, 2], [3, 4], [5, 6]], bias: [0.5, -1]}"
    )
    assert list(net.parameters) == ["y.weight", "y.bias"]
    assert net.parameters["y.weight"].tolist() == W
    assert net.parameters["y.bias"].tolist() == [0.5, -1]
    given = np.array([[1.0, 0, 2]])
    assert net.run(x=given)["y"].tolist() == (given @ W + [0.5, -1]).tolist()


def test_a_single_number_and_deeper_lists():
    net = load("  p: {op: parameter, value: 3}\n  q: {op: parameter, value: [[[1], [2]]]}\n")
    assert net.parameters["p.value"].shape == ()
    assert net.parameters["q.value"].tolist() == [[[1.0], [2.0]]]


def test_files(tmp_path):
    (tmp_path / "below").mkdir()
    archives.write_arrays(tmp_path / "w.npz", {"W1": np.array(W), "y.bias": np.arange(2)})
    archives.write_arrays(
        tmp_path / "below" / "w.safetensors", {"y.weight": np.float32([[1], [2], [0.5]])}
    )
    net = load(
        X + "  y: {op: affine, inputs: x, weight: {file: w.npz, key: W1}, bias: {file: w.npz}}",
        tmp_path,
    )
    assert net.parameters["y.weight"].tolist() == W
    assert net.parameters["y.bias"].tolist() == [0, 1]
    net = load(
        X + "  y: {op: affine, inputs: x, weight: {file: below/w.safetensors}, bias: false}",
        tmp_path,
    )
    assert net.parameters["y.weight"].tolist() == [[1], [2], [0.5]]
    assert net.parameters["y.weight"].dtype == np.float64


def test_initializers():
    net = load(
        X
        + "  a: {op: affine, inputs: x, units: 2, weight: zeros, bias: ones}\n"
        + "  b: {op: affine, inputs: x, units: 2, weight: {constant: {value: -0.5}}}\n"
        + "  c: {op: affine, inputs: x, units: 500, weight: {uniform: {low: 2, high: 3}}}\n"
    )
    assert net.parameters["a.weight"].tolist() == [[0, 0]] * 3
    assert net.parameters["a.bias"].tolist() == [1, 1]
    assert net.parameters["b.weight"].tolist() == [[-0.5, -0.5]] * 3
    assert net.parameters["b.bias"].tolist() == [0, 0]
    assert 2 <= net.parameters["c.weight"].min() < 2.02
    assert 2.98 < net.parameters["c.weight"].max() <= 3


def test_left_out():
    net = load(X + "  y: {op: affine, inputs: x, weight: [[1], [1], [1]], bias: false}")
    assert list(net.parameters) == ["y.weight"]
    assert net.graph.nodes["y"].parameters == {"weight": "y.weight", "bias": None}
    assert net.run(x=[[1, 2, 3]])["y"].tolist() == [[6.0]]


def test_trainable():
    net = load(
        X
        + "  a: {op: affine, inputs: x, units: 3, trainable: false}\n"
        + "  b: {op: affine, inputs: a, units: 2, trainable: true, bias: false}\n"
        + "  p: {op: parameter, shape: [2], trainable: false}\n"
    )
    assert list(net.parameters) == ["a.weight", "a.bias", "b.weight", "p.value"]
    assert net.trainable == ("b.weight",)
    assert [p.size for p in net.graph.parameters.values()] == [9, 3, 6, 2]


# --- shared ones


def test_a_chain_of_shares_is_one_array():
    net = load(
        X
        + "  a: {op: affine, inputs: x, units: 3, weight: {share: b.weight}}\n"
        + "  b: {op: affine, inputs: a, units: 3, weight: {share: c.weight}}\n"
        + "  c: {op: affine, inputs: b, units: 3}\n"
        + "  d: {op: affine, inputs: c, weight: {share: a.weight}, bias: {share: c.bias}}\n"
    )
    assert list(net.parameters) == ["a.bias", "b.bias", "c.weight", "c.bias"]
    assert {n.parameters["weight"] for n in net.graph.nodes.values() if n.parameters} == {
        "c.weight"
    }
    assert net.graph.nodes["d"].parameters["bias"] == "c.bias"
    weight = net.parameters["c.weight"]
    given = np.array([[0.5, -1.0, 2.0]])
    expected = given @ weight @ weight @ weight @ weight
    np.testing.assert_allclose(net.run(x=given)["d"], expected, rtol=1e-14)
    weight[...] = np.eye(3)[::-1]
    assert net.run(x=given)["d"].tolist() == given.tolist()


def test_the_gradient_of_a_shared_array_is_the_sum():
    net = load(
        "  p: {op: parameter, value: 3}\n  q: {op: parameter, value: {share: p.value}}\n"
        "  f: {op: multiply, inputs: [p, q]}\n"
    )
    assert list(net.parameters) == ["p.value"]
    assert net.run()["f"] == 9
    assert graphnn.backprop(net, loss="f")["p.value"] == 6  # d(p^2)/dp = 2 p


def test_a_share_of_numbers_that_come_later_in_the_file():
    net = load(
        X
        + "  a: {op: affine, inputs: x, weight: {share: b.weight}}\n"
        + "  b: {op: affine, inputs: x, weight: [[1, 2], [3, 4], [5, 6]]}\n"
    )
    assert net.graph.nodes["a"].op.units == 2
    assert list(net.parameters) == ["a.bias", "b.weight", "b.bias"]


def test_a_share_that_comes_first_of_the_wrong_shape():
    message = "'b.weight' has shape [3, 2], but 'a.weight', which it shares, has [3, 3]"
    shapes = "shapes do not fit at 'b': 'weight' has shape [3, 3], but its 'units' must be 2, not 3"
    first = "  a: {op: affine, inputs: x, units: 3}\n"
    second = "  b: {op: affine, inputs: x, units: 2, weight: {share: a.weight}}\n"
    help = "a 'weight' that fits has shape [3, 2]"
    assert faults(X + first + second) == [("shape-mismatch", shapes, help)]
    assert faults(X + second + first) == [("shape-mismatch", message, "")]


def test_a_share_of_what_is_left_out():
    nodes = X + (
        "  a: {op: affine, inputs: x, units: 2, bias: false}\n"
        "  b: {op: affine, inputs: x, units: 2, bias: {share: a.bias}}\n"
    )
    message = "there is no parameter 'a.bias' to share"
    help = "name it as NODE.PARAMETER, such as a1.weight"
    assert faults(nodes) == [("unknown-parameter", message, help)]


def test_a_share_of_a_node_at_fault_is_not_reported_again():
    nodes = X + (
        "  a: {op: affine, inputs: x, units: 2, weight: [[1], [2]]}\n"
        "  b: {op: affine, inputs: x, weight: {share: a.weight}}\n"
        "  c: {op: affine, inputs: x, weight: {share: b.weight}}\n"
    )
    assert [code for code, _, _ in faults(nodes)] == ["shape-mismatch"]


def test_a_share_of_a_node_with_an_unknown_input_is_not_reported_again():
    nodes = X + (
        "  n1: {op: affine, inputs: nosuch, units: 4}\n"
        "  n2: {op: affine, inputs: x, units: 2}\n"
        "  n3: {op: affine, inputs: n2, weight: {share: n1.weight}}\n"
        "  n4: {op: reshape, inputs: n3, shape: [batch, 2, -1]}\n"
    )
    assert faults(nodes) == [("unknown-node", "there is no node 'nosuch'", "")]


def test_what_shares_a_node_at_fault_is_inferred_where_it_says_its_sizes():
    nodes = X + (
        "  n1: {op: affine, inputs: nosuch, units: 4}\n"
        "  n3: {op: affine, inputs: x, units: 4, weight: {share: n1.weight}}\n"
        "  n4: {op: reshape, inputs: n3, shape: [batch, 5]}\n"
    )
    assert [code for code, _, _ in faults(nodes)] == ["unknown-node", "shape-mismatch"]


def test_a_circle_of_shares_is_reported_once_whoever_leads_into_it():
    nodes = X + (
        "  tail: {op: affine, inputs: x, units: 3, weight: {share: b.weight}}\n"
        "  a: {op: affine, inputs: x, units: 3, weight: {share: b.weight}}\n"
        "  b: {op: affine, inputs: x, units: 3, weight: {share: c.weight}}\n"
        "  c: {op: affine, inputs: x, units: 3, weight: {share: a.weight}}\n"
        "  late: {op: affine, inputs: x, units: 3, weight: {share: tail.weight}}\n"
    )
    circle = "a.weight -> b.weight -> c.weight -> a.weight"
    message = f"'a.weight' is shared in a circle: {circle}"
    assert faults(nodes) == [
        ("cyclic-share", message, "give one of them numbers or an initializer")
    ]


def shares(count):
    nodes = {
        f"p{n}": {"op": "parameter", "value": {"share": f"p{n + 1}.value"}} for n in range(count)
    }
    return nodes | {f"p{count}": {"op": "parameter", "value": 5}}


@pytest.mark.slow
def test_thousands_of_shares():
    assert_linear(lambda count: graphnn.loads({"graphnn": 1, "nodes": shares(count)}), 2000)
    count = 2000
    nodes = shares(count)
    net = graphnn.loads({"graphnn": 1, "nodes": nodes, "outputs": ["p0"]})
    assert list(net.parameters) == [f"p{count}.value"]
    assert net.run()["p0"] == 5
    nodes[f"p{count}"] = {"op": "parameter", "value": {"share": "p0.value"}}
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads({"graphnn": 1, "nodes": nodes})
    (found,) = caught.value.diagnostics
    assert found.message == (
        "'p0.value' is shared in a circle: "
        "p0.value -> p1.value -> p2.value -> p3.value -> p4.value -> p5.value -> ... "
        "-> p1997.value -> p1998.value -> p1999.value -> p2000.value -> p0.value"
    )


# --- limits


def test_a_parameter_of_a_billion_billion_entries_is_refused_before_it_is_made():
    nodes = (
        "  x: {op: input, shape: [batch, 1000000]}\n"
        "  y: {op: affine, inputs: x, units: 1000000, weight: he}\n"
        "  z: {op: parameter, shape: [1000000000000, 1000000000000]}\n"
    )
    tracemalloc.start()
    try:
        found = faults(nodes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [
        (
            "too-large",
            "'y.weight' would have shape [1000000, 1000000], more than 268,435,456 entries",
            "",
        ),
        (
            "too-large",
            "'z.value' would have shape [1000000000000, 1000000000000], "
            "more than 268,435,456 entries",
            "",
        ),
    ]
    assert peak < 20e6


def test_many_parameters_that_are_too_large_together():
    nodes = "".join(f"  p{n}: {{op: parameter, shape: [16384, 16384]}}\n" for n in range(5))
    message = "the parameters would have 1,342,177,280 entries, more than 1,073,741,824"
    assert faults(nodes) == [("too-large", message, "")]


def test_a_list_that_promises_more_than_it_holds_allocates_nothing_of_it():
    # The first of each list has 3000 entries: were that the shape, it would take 200 GiB.
    deep = [[[0.0] * 3000] + [0.0] * 2999] + [0.0] * 2999
    document = {"graphnn": 1, "nodes": {"p": {"op": "parameter", "value": deep}}}
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads(document)
    (found,) = caught.value.diagnostics
    assert found.code == "not-numbers"
    assert found.message == "'p.value' must hold a list of 3,000 entries here, not 0.0"


def test_whole_numbers_as_large_as_float64_takes_exactly():
    net = load("  p: {op: parameter, value: [9007199254740992, -9223372036854775807, 1.0e+300]}")
    assert net.parameters["p.value"].tolist() == [2.0**53, -(2.0**63), 1e300]

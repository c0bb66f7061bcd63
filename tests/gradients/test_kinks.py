"""Kinks are marked with node, sample and index, and raise no false alarm."""

import numpy as np
import pytest

import graphnn
from gradient_cases import plant
from gradient_laws import assert_engine_is_loop
from graphnn.gradients.numerical.loop import Crossing
from graphnn.ops import REGISTRY, Op, public_ops
from graphnn.ops.families.activation import Relu


def network(op, value, **attributes):
    """The sum of an op of x p, one sample a row: row n moves by x[n] times the step."""
    return graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "input", "shape": ["batch", 4]},
                "p": {"op": "parameter", "value": value},
                "m": {"op": "multiply", "inputs": ["x", "p"]},
                "bend": {"op": op, "inputs": "m", **attributes},
                "f": {"op": "mean", "inputs": "bend"},
            },
        }
    )


@pytest.mark.parametrize(
    ("op", "attributes", "kink"),
    [
        ("relu", {}, 0.0),
        ("leaky_relu", {"slope": 0.1}, 0.0),
        ("elu", {}, 0.0),
        ("absolute", {}, 0.0),
        ("step", {}, 0.0),
        ("clip", {"low": -7, "high": 0.25}, 0.25),
        ("clip", {"low": -0.25, "high": 7}, -0.25),
    ],
)
@pytest.mark.parametrize("method", ["probes", "loop"])
def test_the_place_of_a_kink(op, attributes, kink, method):
    # In row 2, entry 1 is half a step from the kink; all others are far from it.
    value = [1.0, kink - 5e-4, 1.0, 1.0]
    x = np.array([[1.0, 4.0, 2.0, 3.0]] * 3)
    x[:2, 1] = x[:2, 1] = 9.0 if kink == 0 else -20.0
    x[2, 1] = 1.0
    if kink == 0:
        value[1] = 5e-4
        x[:2, 1] = 0.0  # these rows do not move
    net = network(op, value, **attributes)
    found = graphnn.numerical_gradient(net, x=x, step=1e-3, method=method)["p.value"]
    assert found.kink.tolist() == [False, True, False, False]
    assert found.crossings() == (Crossing((1,), "bend", 2, (1,)),)
    assert str(found.crossings()[0]) == "'bend'[1] of sample 2"


def test_the_first_kink_in_the_order_of_the_schedule_is_reported():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: 0.0001}, a: {op: relu, inputs: p}, "
        "b: {op: absolute, inputs: p}, s: {op: add, inputs: [a, b]}}}"
    )
    found = graphnn.numerical_gradient(net, step=1e-3)["p.value"]
    assert found.crossings() == (Crossing((), "a", None, ()),)
    assert str(found.crossings()[0]) == "'a'"


def test_the_nearest_kink_is_reported_first():
    # One probe of 7e-4 down crosses nothing; up it crosses b alone; 14e-4 down crosses a.
    net = graphnn.loads(
        "{graphnn: 1, nodes: {p: {op: parameter, value: -0.00015}, "
        "c: {op: constant, value: 0.0013},"
        " q: {op: add, inputs: [p, c]}, a: {op: relu, inputs: q}, b: {op: relu, inputs: p}, "
        "s: {op: add, inputs: [a, b]}}}"
    )
    found = graphnn.numerical_gradient(net, step=7e-4)["p.value"]
    assert found.crossings() == (Crossing((), "b", None, ()),)


def pooled(x, then):
    return graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "x": {"op": "input", "shape": ["batch", 2, 4, 4]},
                "p": {"op": "parameter", "shape": [2, 4, 4]},
                "m": {"op": "add", "inputs": ["x", "p"]},
                "y": then,
                "f": {"op": "mean", "inputs": "y"},
            },
        }
    )


@pytest.mark.parametrize(
    ("then", "place"),
    [
        ({"op": "max_pool", "inputs": "m", "kernel": 2}, (1, 1, 0)),
        ({"op": "max", "inputs": "m", "axis": [2, 3]}, (1,)),
        ({"op": "max", "inputs": "m", "axis": 3, "keepdims": True}, (1, 2)),
    ],
)
@pytest.mark.parametrize("method", ["probes", "loop"])
def test_the_place_in_a_pool_and_in_a_maximum(then, place, method):
    # In sample 1, channel 1, row 2, two neighbours are half a step apart and above all others.
    x = np.random.default_rng(0).permutation(np.arange(96.0)).reshape(3, 2, 4, 4)
    x[1, 1, 2, :2] = 200.0, 200.0005
    found = graphnn.numerical_gradient(pooled(x, then), x=x, step=1e-3, method=method)["p.value"]
    assert np.argwhere(found.kink).tolist() == [[1, 2, 0], [1, 2, 1]]
    assert found.crossings() == (
        Crossing((1, 2, 0), "y", 1, place),
        Crossing((1, 2, 1), "y", 1, place),
    )


RELU = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 20]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 60}
  z:    {op: relu, inputs: a}
  b:    {op: affine, inputs: z, units: 40}
  r:    {op: relu, inputs: b}
  o:    {op: affine, inputs: r, units: 10}
  y:    {op: softmax, inputs: o}
  loss: {op: cross_entropy, inputs: [y, t]}
"""


def rectified(seed):
    rng = np.random.default_rng(seed)
    inputs = {"x": rng.normal(size=(30, 20)), "t": rng.integers(0, 10, 30)}
    return graphnn.loads(RELU, seed=seed), inputs


@pytest.mark.parametrize("seed", [0, 1, 3, 12, 17])
def test_a_network_of_rectifiers_raises_no_false_alarm(seed):
    net, inputs = rectified(seed)
    report = graphnn.check_gradients(net, inputs, step=1e-4)
    assert report.ok
    assert report.counts["unresolved"] == 0
    marked = sum(len(found.estimate.crossings()) for found in report.parameters)
    assert marked >= report.counts["kink"] > 0
    for found in report.parameters:
        for crossing in found.estimate.crossings():
            assert_bends(net, inputs, found.name, crossing)


def assert_bends(net, inputs, name, crossing):
    """The pre-activation that is said to change its sign within two steps does so."""
    other = net.astype("float64")
    before = {"z": "a", "r": "b"}[crossing.node]
    signs = set()
    for offset in (-2e-4, -1e-4, 0.0, 1e-4, 2e-4):
        other.parameters[name][crossing.entry] = net.parameters[name][crossing.entry] + offset
        value = other.run(x=inputs["x"], outputs=before)[before]
        signs.add(bool(value[(crossing.sample, *crossing.index)] > 0))
    assert signs == {True, False}


@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_rectifier_is_distinguished_from_kinks(monkeypatch, seed):
    net, inputs = rectified(seed)
    right = graphnn.check_gradients(net, inputs, step=1e-4)
    plant(monkeypatch, Relu, lambda parts: (parts[0] * 1.05,))
    report = graphnn.check_gradients(net, inputs, step=1e-4)
    # What comes after the rectifiers is right; what comes before is wrong, but where nothing
    # reaches the loss at all, and kinks stay kinks.
    assert {found.name for found in report.wrong} == {"a.weight", "a.bias", "b.weight", "b.bias"}
    assert report.counts["unresolved"] == 0
    for found, before in zip(report.parameters, right.parameters, strict=True):
        exact = graphnn.backprop(net, inputs, only=[found.name])[found.name]
        marked = np.zeros(exact.shape, dtype=bool)
        for crossing in before.estimate.crossings():
            marked[crossing.entry] = True
        if found.name.startswith(("a.", "b.")):
            assert ((found.verdicts == 1) == (exact != 0))[~marked].all()
    assert "wrong backward" in str(report).splitlines()[1]


def test_kinks_as_plain_data():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {w: {op: parameter, value: [0.00003, 1.0]}, r: {op: relu, inputs: w}, "
        "f: {op: sum, inputs: r}}}"
    )
    (found,) = graphnn.check_gradients(net, step=1e-4).as_dict()["parameters"]
    assert found["kinks"] == [
        {"index": [0], "node": "r", "sample": None, "at": [0], "verdict": "kink"}
    ]


def test_only_as_many_kinks_are_located_as_are_asked_for():
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "w": {"op": "parameter", "value": [1e-5] * 300},
                "r": {"op": "relu", "inputs": "w"},
                "f": {"op": "sum", "inputs": "r"},
            },
        }
    )
    found = graphnn.numerical_gradient(net, step=1e-4)["w.value"]
    assert found.kink.sum() == 300
    assert [crossing.entry for crossing in found.crossings(7)] == [(n,) for n in range(7)]
    (listed,) = graphnn.check_gradients(net, step=1e-4).as_dict()["parameters"]
    assert [kink["index"] for kink in listed["kinks"]] == [[n] for n in range(100)]


def test_kinks_are_those_of_the_network_as_it_was():
    net, inputs = rectified(0)
    found = graphnn.numerical_gradient(net, inputs, step=1e-4)["a.weight"]
    before = found.crossings()
    assert before
    net.parameters["a.weight"][...] = 1
    inputs["x"][...] = 0
    assert found.crossings() == before


def test_nothing_is_located_where_no_estimate_is_asked_for():
    net, inputs = rectified(0)
    found = graphnn.numerical_gradient(net, inputs, step=1e-4, estimate=False)["a.weight"]
    assert found.kink.any()
    assert found.crossings() == ()


def test_no_place_is_reported_where_nothing_is_crossed():
    net, inputs = rectified(0)
    found = graphnn.numerical_gradient(net, inputs, step=1e-4)["a.weight"]
    smooth = tuple(map(int, np.argwhere(~found.kink)[0]))
    assert found.locate(smooth) is None
    assert len(found.crossings()) == found.kink.sum()


# Of two nodes [batch, 1], the one that is chosen.
CHOICES = {
    "maximum": {"m": {"op": "maximum", "inputs": ["b", "g"]}},
    "minimum": {"m": {"op": "minimum", "inputs": ["b", "g"]}},
    "max": {
        "s": {"op": "stack", "inputs": ["b", "g"], "axis": 1},
        "m": {"op": "max", "inputs": "s", "axis": 1},
    },
    "max_pool": {
        "s": {"op": "concat", "inputs": ["b", "g"], "axis": 1},
        "i": {"op": "reshape", "inputs": "s", "shape": ["batch", 1, 1, 2]},
        "w": {"op": "max_pool", "inputs": "i", "kernel": [1, 2]},
        "m": {"op": "reshape", "inputs": "w", "shape": ["batch", 1]},
    },
    "absolute_error": {
        "w": {"op": "absolute_error", "inputs": ["b", "g"]},
        "m": {"op": "reshape", "inputs": "w", "shape": ["batch", 1]},
    },
}


@pytest.mark.parametrize("op", CHOICES)
def test_a_tie_that_only_rounding_breaks_is_no_kink(op):
    # 'b' and 'g' are one function of 'a', by two ways that the engine computes apart.
    document = {
        "graphnn": 1,
        "dtype": "float32",
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 3]},
            "a": {"op": "affine", "inputs": "x", "units": 1},
            "b": {"op": "affine", "inputs": "a", "units": 1},
            "r": {"op": "reshape", "inputs": "a", "shape": ["batch"]},
            "f": {"op": "flatten", "inputs": "r"},
            "g": {"op": "affine", "inputs": "f", "weight": {"share": "b.weight"}},
            **CHOICES[op],
            "t": {"op": "input", "shape": ["batch", 1]},
            "l": {"op": "mean_squared_error", "inputs": ["m", "t"]},
        },
    }
    x = np.array([[-3.0, -3.0, -3.0], [-3.0, -3.0, -3.0], [-3.0, -3.0, -2.99414062]])
    rows = {"x": x, "t": np.full((3, 1), -3.0)}
    for seed in range(4):
        net = graphnn.loads(document, seed=seed)
        assert_engine_is_loop(net, rows)
        found = graphnn.numerical_gradient(net, rows)
        assert not found["a.weight"].kink.any()
        assert found["g.bias"].kink.all()  # which moves one of the two alone


@pytest.mark.parametrize("method", ["loop", "probes", "complex"])
@pytest.mark.parametrize("op", CHOICES)
def test_a_tie_that_a_parameter_breaks_is_a_kink(op, method):
    nodes = {
        "b": {"op": "parameter", "value": [[-1.0], [0.0], [2.0], [-3.0]]},
        "g": {"op": "constant", "value": [[0.0], [0.0], [2.0], [3.0]]},
        **{name: {**body} for name, body in CHOICES[op].items()},
        "l": {"op": "sum", "inputs": "m"},
    }
    for body in nodes.values():
        if "shape" in body:
            body["shape"] = [4, *body["shape"][1:]]
    net = graphnn.loads({"graphnn": 1, "nodes": nodes})
    found = graphnn.numerical_gradient(net, method=method, estimate=False)["b.value"]
    assert found.kink.ravel().tolist() == [False, True, True, False]


BRANCHING = [name for name, op in public_ops().items() if op.branch is not Op.branch]
ATTRIBUTES = {"clip": {"low": 0.0, "high": 1.0}, "max_pool": {"kernel": [1, 2]}}
ATTRIBUTES |= {"prelu": {"slope": [0.25, 0.5]}, "cast": {"dtype": "int"}}
ATTRIBUTES |= {"rnn": {"activation": "relu", "units": 2, "bias": False}}
ATTRIBUTES |= {"floor_divide": {"divisor": 1.0}, "remainder": {"divisor": 1.0}}
WHOLE = {"cast", "argmax", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"}
SHAPED = {  # what an op reads, by the axes that it takes
    3: ("q", {"op": "reshape", "inputs": "z", "shape": ["batch", 1, 2]}),
    4: ("i", {"op": "reshape", "inputs": "z", "shape": ["batch", 1, 1, 2]}),
}


def axes(operand):
    """How many axes an operand takes: 4 where it may be an image, 0 for any number."""
    words = operand.signature.split()
    return 4 if operand.ranks else len(words) * ("..." not in words)


def reads(op, first, second):
    """The inputs of an op: `second` where it takes another one, and 'k' where that is classes."""
    others = [o.kind for o in REGISTRY[op].data_operands()[1:] if not o.optional]
    return [first, "k" if "int" in others else second] if others else first


# Exact zeros, whatever the parameters before them: twice a rectifier, nothing times a number.
ZEROS = {
    "rectified": {"z": {"op": "relu", "inputs": "a"}},
    "times 0": {
        "c": {"op": "constant", "value": 0.0},
        "z": {"op": "multiply", "inputs": ["a", "c"]},
    },
    "less itself": {"z": {"op": "subtract", "inputs": ["a", "a"]}},
}


@pytest.mark.parametrize("method", ["loop", "probes", "complex"])
@pytest.mark.parametrize("zeros", ZEROS)
@pytest.mark.parametrize("op", BRANCHING)
def test_a_tie_that_no_parameter_breaks_is_no_kink(op, zeros, method):
    read, shaped = SHAPED.get(axes(REGISTRY[op].data_operands()[0]), ("z", None))
    real = {"dtype": "float"} if op in WHOLE else {}
    document = {
        "graphnn": 1,
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 2]},
            "a": {"op": "affine", "inputs": "x", "units": 2},
            **ZEROS[zeros],
            **({read: shaped} if shaped else {}),
            "k": {"op": "argmax", "inputs": "x", "axis": 1},
            "m": {"op": op, "inputs": reads(op, read, read), **ATTRIBUTES.get(op, {})},
            "r": {"op": "cast" if op in WHOLE else "identity", "inputs": "m", **real},
            "l": {"op": "sum", "inputs": "r"},
        },
        "outputs": "l",
    }
    net = graphnn.loads(document, seed=4)
    rows = {"x": np.array([[1.0, -2.0], [-1.5, 0.5], [2.0, 3.0]])}
    for name, found in graphnn.numerical_gradient(net, rows, method=method, estimate=False).items():
        if name != "m.slope":
            assert not found.kink.any()


JUMPS = WHOLE | {"step", "floor_divide", "remainder"}
BOUNDS = {"hard_sigmoid": 3.0, "hard_swish": -3.0, "huber": 1.0, "hinge": 1.0, "cast": 2.0}
BOUNDS |= {"multiclass_hinge": 1.0}
# Three numbers a row whose sum is 0, but in floating point.
CANCELLING = [[0.5, 1.9, -2.4], [0.7, -1.3, 0.6], [-0.4, 0.9, -0.5], [1.7, 0.4, -2.1]]


@pytest.mark.parametrize("op", BRANCHING)
def test_rounding_alone_crosses_no_kink_but_makes_jumps(op):
    # Whatever 'p' is, 'z' is the number at which the op bends, and 'p' moves it by rounding alone.
    numbers = {**ATTRIBUTES, "prelu": {"slope": [0.25]}, "max": {"axis": 1}, "argmax": {"axis": 1}}
    numbers["rnn"] = {**ATTRIBUTES["rnn"], "units": 1, "weight": [[1.0]]}
    pairs = ("max", "argmax", "multiclass_hinge")
    shaped = {3: "q", 4: "i"}.get(axes(REGISTRY[op].data_operands()[0]))
    read = shaped or ("s" if op in pairs else "z")
    document = {
        "graphnn": 1,
        "train": {"loss": "l"},
        "nodes": {
            "x": {"op": "constant", "value": CANCELLING},
            "p": {"op": "parameter", "value": 0.7},
            "m": {"op": "multiply", "inputs": ["x", "p"]},
            "z": {
                "op": "affine",
                "inputs": "m",
                "weight": [[1.0], [1.0], [1.0]],
                "bias": [BOUNDS.get(op, 0.0)],
            },
            "t": {"op": "constant", "value": [[float(op == "hinge")]] * 4},
            "s": {"op": "concat", "inputs": ["z", "t"], "axis": 1},
            "i": {"op": "reshape", "inputs": "s", "shape": [4, 1, 1, 2]},
            "q": {"op": "reshape", "inputs": "z", "shape": [4, 1, 1]},
            "k": {"op": "constant", "value": [0] * 4, "dtype": "int"},
            "o": {"op": op, "inputs": reads(op, read, "t"), **numbers.get(op, {})},
            "r": {
                "op": "cast" if op in WHOLE else "identity",
                "inputs": "o",
                **({"dtype": "float"} if op in WHOLE else {}),
            },
            "l": {"op": "sum", "inputs": "r"},
        },
    }
    net = graphnn.loads(document)
    for method in ("loop", "probes"):
        found = graphnn.numerical_gradient(net, method=method, estimate=False)
        kink, value = found["p.value"].kink, found["p.value"].value
        assert (kink or abs(value) < 1e-9) if op in JUMPS else not kink
        if "cosine" not in op:  # which bend where a vector is short, and turn at 0
            assert found["z.bias"].kink.all()
    assert graphnn.check_gradients(net).counts["wrong backward"] == 0


@pytest.mark.parametrize("method", ["loop", "probes", "complex"])
def test_the_jumps_of_a_cast_to_whole_numbers(method):
    net = graphnn.loads(
        {
            "graphnn": 1,
            "nodes": {
                "p": {"op": "parameter", "value": [-2.0, -0.5, 0.0, 1.0, 1.5]},
                "w": {"op": "cast", "inputs": "p", "dtype": "int"},
                "r": {"op": "cast", "inputs": "w", "dtype": "float"},
                "l": {"op": "sum", "inputs": "r"},
            },
        }
    )
    found = graphnn.numerical_gradient(net, method=method, estimate=False)["p.value"]
    assert found.kink.tolist() == [True, False, False, True, False]

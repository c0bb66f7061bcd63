"""Shapes: what ops infer from symbolic sizes, and what they say where shapes do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from graphnn.ops import REGISTRY, ShapeError
from graphnn.spec.sizes import add, free, multiply, show
from tables import cases

BATCH, TIME = free("batch"), free("time")
SCOPE = {"batch": BATCH, "time": TIME}


def made(name, **attributes):
    return REGISTRY[name].model_validate(attributes, context=SCOPE)


def inferred(name, *shapes, given=None, **attributes):
    return made(name, **attributes).infer(shapes, given or {})


def fault(name, *shapes, given=None, **attributes):
    with pytest.raises(ShapeError) as caught:
        inferred(name, *shapes, given=given, **attributes)
    return str(caught.value), caught.value.operand, caught.value.help


@cases(
    """
    name | attributes= | shapes= | expected
    affine | {"units": 50} | [(BATCH, 784)] | [batch, 50]
    affine | {"units": 50} | [(BATCH, TIME, 784)] | [batch, time, 50]
    affine | {"units": 50} | [(784,)] | [50]
    matmul | {} | [(BATCH, 3, TIME), (TIME, 2)] | [batch, 3, 2]
    matmul | {} | [(BATCH, 1, 3, 4), (5, 4, 2)] | [batch, 5, 3, 2]
    add | {} | [(BATCH, 3), (3,)] | [batch, 3]
    add | {} | [(3, 1), (BATCH, 1, 4)] | [batch, 3, 4]
    multiply | {} | [(1, 3), (BATCH, 1)] | [batch, 3]
    softmax | {} | [(BATCH, TIME, 10)] | [batch, time, 10]
    reshape | {"shape": ["batch", 1, 28, 28]} | [(BATCH, 784)] | [batch, 1, 28, 28]
    reshape | {"shape": ["batch", -1]} | [(BATCH, 28, 28)] | [batch, 784]
    reshape | {"shape": [-1, 28]} | [(BATCH, 784)] | [28*batch, 28]
    reshape | {"shape": ["batch", -1]} | [(BATCH, TIME, 64)] | [batch, 64*time]
    reshape | {"shape": [-1, 64]} | [(BATCH, TIME, 64)] | [batch*time, 64]
    reshape | {"shape": ["time * batch", -1]} | [(BATCH, TIME)] | [batch*time, 1]
    reshape | {"shape": ["batch + 1", -1]} | [(add(BATCH, 1),)] | [batch + 1, 1]
    reshape | {"shape": ["batch", -1]} | [(multiply(BATCH, add(TIME, 1)),)] | [batch, time + 1]
    reshape | {"shape": []} | [(1, 1)] | []
    flatten | {} | [(BATCH, TIME, 3)] | [batch, 3*time]
    flatten | {} | [(BATCH,)] | [batch, 1]
    transpose | {} | [(BATCH, TIME, 3)] | [3, time, batch]
    transpose | {"axes": [0, -1, 1]} | [(BATCH, TIME, 3)] | [batch, 3, time]
    concat | {} | [(BATCH, 3), (BATCH, TIME)] | [batch, time + 3]
    concat | {"axis": 0} | [(BATCH, 3), (2, 3), (BATCH, 3)] | [2*batch + 2, 3]
    slice | {"axis": 0, "start": 1} | [(BATCH, 3)] | [batch - 1, 3]
    slice | {"axis": 1, "start": -1} | [(BATCH, TIME)] | [batch, 1]
    slice | {"axis": 1, "start": 1, "stop": -1} | [(BATCH, TIME)] | [batch, time - 2]
    slice | {"axis": 0, "stop": 5, "step": 2} | [(BATCH,)] | [3]
    slice | {"axis": 1, "stop": "time - 1"} | [(BATCH, TIME)] | [batch, time - 1]
    slice | {"axis": 1, "start": "time"} | [(BATCH, multiply(2, TIME))] | [batch, time]
    slice | {"axis": 0, "step": 2} | [(BATCH,)] | [(batch + 1) // 2]
    slice | {"axis": 1, "start": 2, "step": 3} | [(BATCH, 10)] | [batch, 3]
    select | {"axis": 1, "index": -1} | [(BATCH, TIME, 3)] | [batch, 3]
    select | {"axis": -2, "index": 5} | [(BATCH, TIME, 3)] | [batch, 3]
    select | {"axis": 1, "index": "time - 1"} | [(BATCH, TIME)] | [batch]
    stack | {} | [(BATCH, 3)] * 4 | [batch, 4, 3]
    stack | {"axis": -1} | [(BATCH, TIME)] | [batch, time, 1]
    sum | {} | [(BATCH, 3)] | []
    mean | {"axis": -1} | [(BATCH, TIME, 3)] | [batch, time]
    max | {"axis": [0, 2], "keepdims": True} | [(BATCH, TIME, 3)] | [1, time, 1]
    mean_squared_error | {} | [(BATCH, 3, TIME)] * 2 | [batch]
    cross_entropy | {} | [(BATCH, 10), (BATCH,)] | [batch]
    cross_entropy | {} | [(BATCH, 10), (BATCH, 10)] | [batch]
    input | {"shape": ["batch", "2 * time"]} | [] | [batch, 2*time]
    input | {"shape": []} | [] | []
    constant | {"value": [[1, 2, 3]]} | [] | [1, 3]
    constant | {"value": 2} | [] | []
    parameter | {"shape": [2, 3]} | [] | [2, 3]
    """,
    BATCH=BATCH,
    TIME=TIME,
    add=add,
    multiply=multiply,
)
def test_result(name, attributes, shapes, expected):
    assert show(inferred(name, *shapes, **attributes).result) == expected


def test_parameters_follow_from_what_is_known():
    found = inferred("affine", (BATCH, 784), units=50)
    assert found.parameters == {"weight": (784, 50), "bias": (50,)}
    assert found.attributes == {}


def test_sizes_left_out_follow_from_the_parameters():
    for given in ({"weight": (784, 50)}, {"bias": (50,)}):
        found = inferred("affine", (BATCH, 784), given=given)
        assert found.parameters == {"weight": (784, 50), "bias": (50,)}
        assert found.attributes == {"units": 50}
        assert found.result == (BATCH, 50)


def test_shape_of_a_parameter_node_follows_from_its_numbers():
    found = inferred("parameter", given={"value": (2, 3)})
    assert (found.result, found.parameters, found.attributes) == (
        (2, 3),
        {"value": (2, 3)},
        {"shape": (2, 3)},
    )
    assert inferred("parameter", given={"value": ()}).result == ()
    assert inferred("parameter", given={"value": (2,)}, shape=[2]).attributes == {}


def test_an_open_size_is_filled_in():
    found = inferred("reshape", (BATCH, 28, 28), shape=["batch", -1])
    assert found.attributes == {"shape": (BATCH, 784)}


@pytest.mark.parametrize(
    ("name", "attributes", "shapes", "expected"),
    [
        ("relu", {}, [(BATCH, 3)], True),
        ("relu", {}, [()], False),
        ("affine", {"units": 3}, [(BATCH, 4)], True),
        ("affine", {"units": 3}, [(4,)], False),
        ("softmax", {}, [(BATCH, 3)], True),
        ("softmax", {}, [(3,)], False),
        ("reshape", {"shape": ["batch", 6]}, [(BATCH, 2, 3)], True),
        ("reshape", {"shape": [6, "batch"]}, [(BATCH, 2, 3)], False),
        ("reshape", {"shape": ["batch", -1]}, [(BATCH, 2, 3)], False),
        ("reshape", {"shape": []}, [(1,)], False),
        ("reshape", {"shape": [1]}, [()], False),
        ("flatten", {}, [(BATCH, 2)], True),
        ("transpose", {}, [(BATCH, 2)], False),
        ("transpose", {"axes": [0, 2, 1]}, [(BATCH, 2, 3)], True),
        ("transpose", {}, [()], False),
        ("concat", {"axis": 0}, [(BATCH, 2), (BATCH, 2)], False),
        ("concat", {"axis": 1}, [(BATCH, 2), (BATCH, 2)], True),
        ("stack", {"axis": 0}, [(BATCH, 2), (BATCH, 2)], False),
        ("stack", {"axis": -3}, [(BATCH, 2), (BATCH, 2)], False),
        ("stack", {"axis": 1}, [(BATCH, 2), (BATCH, 2)], True),
        ("slice", {"axis": 0, "start": 1}, [(BATCH, 2)], False),
        ("slice", {"axis": -1, "start": 1}, [(BATCH, 2)], True),
        ("sum", {}, [(BATCH, 2)], False),
        ("sum", {"axis": 0}, [(BATCH, 2)], False),
        ("sum", {"axis": -1}, [(BATCH, 2)], True),
        ("sum", {}, [()], False),
        ("cross_entropy", {}, [(BATCH, 2), (BATCH,)], True),
    ],
)
def test_rows_apart(name, attributes, shapes, expected):
    assert made(name, **attributes).rows_apart(*shapes) is expected


@pytest.mark.parametrize(
    ("name", "shapes", "expected"),
    [
        ("add", [(BATCH, 3), (3,)], (True, False)),
        ("add", [(BATCH, 3), (1, 3)], (True, False)),
        ("add", [(1, 3), (BATCH, 1)], (False, True)),
        ("add", [(BATCH, 3), (BATCH, 3)], (True, True)),
        ("add", [(1, 3), (1, 1)], (True, True)),
        ("add", [(), (3,)], (False, True)),
        ("add", [(), ()], (False, False)),
        ("matmul", [(BATCH, 3), (3, 2)], (True, False)),
        ("matmul", [(4, 3), (BATCH, 3, 2)], (False, True)),
        ("matmul", [(BATCH, 4, 3), (1, 3, 2)], (True, False)),
        ("relu", [(BATCH,)], (True,)),
        ("relu", [()], (False,)),
    ],
)
def test_has_rows(name, shapes, expected):
    op = made(name)
    assert op.has_rows(*shapes) == expected
    assert op.rows_apart(*shapes) is any(expected)


@cases(
    """
    name | attributes= | shapes= | expected=
    affine | {"units": 2} | [()] | ("'x' has shape [], but affine takes [..., n]", "x", "")
    affine | {} | [(BATCH, 784)]
        | ("'units' is unspecified", None, "give 'units', or 'weight' as numbers")
    softmax | {} | [()] | ("'axis' is -1, but 'x' has shape []", "x", "it has no axes")
    flatten | {} | [()] | ("'x' has shape [], but flatten takes [batch, ...]", "x", "")
    matmul | {} | [(BATCH, 3), (4, 2)]
        | ("'b' has shape [4, 2], but its 'n' must be 3, not 4", "b", "a 'b' that fits has shape
        [..., 3, p]")
    matmul | {} | [(BATCH, 3), (3,)] | ("'b' has shape [3], but matmul takes [..., n, p]", "b", "")
    matmul | {} | [(BATCH, 2, 3), (TIME, 3, 2)]
        | ("'b' has shape [time, 3, 2], which does not broadcast against [batch]: batch and time
        differ", "b", "sizes match from the last axis on; only a size of 1 stretches")
    add | {} | [(BATCH, 3), (BATCH,)]
        | ("'b' has shape [batch], which does not broadcast against [batch, 3]: 3 and batch differ",
        "b", "sizes match from the last axis on; only a size of 1 stretches")
    reshape | {"shape": ["batch", 28, 27]} | [(BATCH, 784)]
        | ("'x' has shape [batch, 784], 784*batch entries, but 'shape' is [batch, 28, 27] with
        756*batch", "x", "")
    reshape | {"shape": [-1, "batch", -1]} | [(BATCH, 784)]
        | ("'shape' is [-1, batch, -1], but only one size may be -1", None, "")
    reshape | {"shape": [-1, 30]} | [(BATCH, 784)]
        | ("'x' has shape [batch, 784], 784*batch entries, which 30 does not divide: no size fits -1
        in 'shape' [-1, 30]", "x", "")
    reshape | {"shape": [-1, "time"]} | [(BATCH, 784)]
        | ("'x' has shape [batch, 784], 784*batch entries, which time does not divide: no size fits
        -1 in 'shape' [-1, time]", "x", "")
    reshape | {"shape": [-1, "time + 1"]} | [(BATCH, 784)]
        | ("'x' has shape [batch, 784], 784*batch entries, which time + 1 does not divide: no size
        fits -1 in 'shape' [-1, time + 1]", "x", "")
    transpose | {"axes": [0, 0]} | [(BATCH, 3)]
        | ("'axes' is [0, 0], but 'x' has shape [batch, 3]", "x", "'axes' names each of 0, 1 once")
    transpose | {"axes": [0, 2]} | [(BATCH, 3)]
        | ("'axes' is 2, but 'x' has shape [batch, 3]", "x", "its axes are 0, 1")
    concat | {"axis": 1} | [(BATCH, 3), (TIME, 3)]
        | ("'inputs' have shapes [batch, 3] and [time, 3], which may differ on axis 1 alone",
        "inputs", "")
    concat | {"axis": 0} | [(2,), (2, 3)]
        | ("'inputs' have shapes [2] and [2, 3], which may differ on axis 0 alone", "inputs", "")
    concat | {} | [(), ()] | ("'axis' is -1, but 'inputs' has shape []", "inputs", "it has no axes")
    slice | {"axis": 2} | [(BATCH, 3)]
        | ("'axis' is 2, but 'x' has shape [batch, 3]", "x", "its axes are 0, 1")
    slice | {"axis": 1, "stop": 5} | [(BATCH, 3)]
        | ("'stop' is 5, past the end of axis 1: 'x' has shape [batch, 3]", "x", "")
    slice | {"axis": 1, "start": -4} | [(BATCH, 3)]
        | ("'start' is -4, before the first entry of axis 1: 'x' has shape [batch, 3]", "x", "")
    slice | {"axis": 1, "start": 2, "stop": 2} | [(BATCH, 3)]
        | ("nothing lies between 2 and 2 of axis 1: 'x' has shape [batch, 3]", "x", "")
    slice | {"axis": 0, "start": -1, "stop": -1} | [(BATCH, 3)]
        | ("nothing lies between -1 and batch - 1 of axis 0: 'x' has shape [batch, 3]", "x", "")
    select | {"axis": 1, "index": 3} | [(BATCH, 3)]
        | ("'index' is 3, past the end of axis 1: 'x' has shape [batch, 3]", "x", "")
    select | {"axis": 1, "index": -4} | [(BATCH, 3)]
        | ("'index' is -4, before the first entry of axis 1: 'x' has shape [batch, 3]", "x", "")
    sum | {"axis": -3} | [(BATCH, 3)]
        | ("'axis' is -3, but 'x' has shape [batch, 3]", "x", "its axes are 0, 1")
    sum | {"axis": [1, -1]} | [(BATCH, 3)]
        | ("'axis' is [1, -1], which names axis 1 twice", "x", "")
    mean_squared_error | {} | [(BATCH, 3), (BATCH, 2)]
        | ("'target' has shape [batch, 2], but 'prediction' has [batch, 3]", "target", "both have
        the same shape")
    mean_squared_error | {} | [(), ()]
        | ("'prediction' has shape [], but mean_squared_error takes [batch, ...]", "prediction", "")
    cross_entropy | {} | [(BATCH, 10), (BATCH, 1)]
        | ("'target' has shape [batch, 1], but 'prediction' has [batch, 10]", "target", "class
        numbers have shape [batch], rows of probabilities [batch, 10]")
    cross_entropy | {} | [(10,), ()]
        | ("'prediction' has shape [10], but cross_entropy takes [batch, ..., classes]",
        "prediction", "")
    parameter | {} | [] | ("'value' is unspecified", None, "give 'shape', or 'value' as numbers")
    """,
    BATCH=BATCH,
    TIME=TIME,
)
def test_faults(name, attributes, shapes, expected):
    assert fault(name, *shapes, **attributes) == expected


def test_parameters_given_that_do_not_fit():
    assert fault("affine", (BATCH, 784), given={"weight": (40, 50)}) == (
        "'weight' has shape [40, 50], but its 'n' must be 784, not 40",
        "weight",
        "a 'weight' that fits has shape [784, units]",
    )
    assert fault("affine", (BATCH, 3), given={"weight": (3, 2)}, units=4) == (
        "'weight' has shape [3, 2], but its 'units' must be 4, not 2",
        "weight",
        "a 'weight' that fits has shape [3, 4]",
    )
    assert fault("parameter", given={"value": (3,)}, shape=[2]) == (
        "'value' has shape [3], but 'shape' says [2]",
        "value",
        "",
    )


def test_class_numbers_must_be_whole():
    op = made("cross_entropy")
    op.check_kinds([(BATCH, 10), (BATCH,)], ["float", "int"])
    op.check_kinds([(BATCH, 10), (BATCH, 10)], ["float", "float"])
    op.check_kinds([(BATCH, 10), (BATCH, 10)], ["float", "int"])
    with pytest.raises(ShapeError) as caught:
        op.check_kinds([(BATCH, 10), (BATCH,)], ["float", "float"])
    assert str(caught.value) == (
        "'target' has shape [batch], so it must hold class numbers, but it holds real numbers"
    )
    assert caught.value.help == "declare the input with 'dtype: int'"


def test_bind():
    op = made("reshape", shape=["batch * 2", -1, "time"])
    assert op.free_names == {"batch", "time"}
    bound = op.bind({"batch": 3, "time": 4})
    assert bound.shape == (6, -1, 4)
    assert bound.bind({}) is bound
    with pytest.raises(KeyError):
        op.bind({"batch": 3})
    assert made("affine", units="2 * time").bind({"time": 4}).units == 8


def test_a_reshape_takes_any_number_of_rows():
    # Probes of a gradient are run as more rows of the same op.
    op = made("reshape", shape=[4, 3, 2])
    assert op.forward(np.zeros((12, 6))).shape == (12, 3, 2)

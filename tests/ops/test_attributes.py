"""Attributes: what is taken, what is refused and in which words, and what editors show."""

from __future__ import annotations

import json
import math
from typing import get_args

import pytest
from pydantic import ValidationError

from graphnn.ops import REGISTRY, Op, Operand, ShapeError, data, parameter
from graphnn.ops.initializers import Zeros
from graphnn.spec.sizes import free
from tables import cases

SCOPE = {"batch": free("batch"), "hidden": 50}


def made(name, **attributes):
    """The op as a spec makes it."""
    text = json.dumps(attributes)
    return REGISTRY[name].model_validate_json(text, strict=True, context=SCOPE)


def refused(name, **attributes):
    with pytest.raises(ValidationError) as caught:
        made(name, **attributes)
    (error,) = caught.value.errors(include_url=False)
    return error["loc"], error["msg"]


REALS = [
    (name, key)
    for name, op in REGISTRY.items()
    for key, info in op.model_fields.items()
    if float in (info.annotation, *get_args(info.annotation))
]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("name", "key"), REALS)
def test_numbers_are_finite(name, key, value):
    with pytest.raises(ValidationError) as caught:
        REGISTRY[name].model_validate({key: value})
    found = [error["msg"] for error in caught.value.errors() if error["loc"][:1] == (key,)]
    assert found == ["Input should be a finite number"]


@cases(
    """
    name | attributes= | place= | message
    affine | {"units": 0} | "units" | a size must be between 1 and 2**40, not 0
    affine | {"units": True} | "units" | a size is a whole number or a name
    affine | {"units": 1.5} | "units" | a size is a whole number or a name
    affine | {"units": "hiden"} | "units" | there is no size 'hiden'
    affine | {"units": "2 *"} | "units" | a number or a name is missing at the end
    reshape | {"shape": [2, -2]} | 1 | a size must be between 1 and 2**40, not -2
    input | {"shape": [-1]} | 0 | a size must be between 1 and 2**40, not -1
    slice | {"axis": 0, "stop": 1.5} | "stop" | a position is a whole number or an expression
    slice | {"axis": 0, "stop": True} | "stop" | a position is a whole number or an expression
    slice | {"axis": 0, "start": -(2**41)} | "start"
        | it must be between -2**40 and 2**40, not -2199023255552
    slice | {"axis": 0, "start": "hidden - 51"} | "start"
        | it comes to -1, and only a number counts from the end
    slice | {"axis": 0, "start": "hiden"} | "start" | there is no size 'hiden'
    constant | {"value": {"arange": "batch"}} | "value"
        | the entries of a constant are counted, but 'batch' is free
    constant | {"value": {"zeros": ["hidden", 2**20]}} | "value"
        | Value error, a constant that is filled has at most 1,048,576 entries
    constant | {"value": {"zeros": 3}} | "value"
        | Value error, it takes {arange: SIZE}, {zeros: SHAPE}, {ones: SHAPE} or {file: NAME, key:
        NAME}
    constant | {"value": []} | "value" | Value error, a list is empty
    constant | {"value": [[1, 2], [3]]} | "value" | Value error, a list of 1 is next to a list of 2
    constant | {"value": [[1], 2]} | "value" | Value error, 2 is next to a list of 1
    constant | {"value": [1, [2]]} | "value" | Value error, [2] is not a number
    constant | {"value": [1, "two"]} | "value" | Value error, 'two' is not a number
    constant | {"value": True} | "value" | Value error, True is not a number
    constant | {"value": math.inf} | "value" | Value error, inf is not finite
    constant | {"value": 2**63} | "value" | Value error, 9223372036854775808 is not below 2**63
    constant | {"value": [1, 0.5], "dtype": "int"} | "dtype"
        | Value error, 0.5 is not a whole number
    slice | {"axis": 0, "step": 0} | "step" | Input should be greater than or equal to 1
    elu | {"alpha": 0} | "alpha" | Input should be greater than 0
    clip | {"low": 2, "high": 1.5} | "high" | Value error, 1.5 is not above 'low', 2.0
    sum | {"axis": []} | "axis" | Tuple should have at least 1 item after validation, not 0
    sum | {"axis": "rows"} | "axis" | Input should be a valid array
    sum | {"keepdims": "no"} | "keepdims" | Input should be a valid boolean
    relu | {"slope": 1} | "slope" | Extra inputs are not permitted
    power | {"exponent": "2"} | "exponent" | Input should be a valid number
    """,
    math=math,
)
def test_refused(name, attributes, place, message):
    loc, msg = refused(name, **attributes)
    assert (loc[-1], msg) == (place, message)


def test_constant_of_more_axes_than_numpy_should_have():
    value = 1.0
    for _ in range(33):
        value = [value]
    assert refused("constant", value=value) == (
        ("value",),
        "Value error, an array has at most 32 axes",
    )


def test_integers_beyond_float_are_refused_too():
    text = '{"value": 1' + "0" * 400 + "}"
    with pytest.raises(ValidationError) as caught:
        REGISTRY["constant"].model_validate_json(text, strict=True)
    (error,) = caught.value.errors()
    assert error["msg"] == (f"Value error, 1{'0' * 17}...{'0' * 19} is not below 2**63")


def test_taken():
    assert made("affine", units="2 * hidden").units == 100
    assert made("affine").units is None
    assert made("reshape", shape=["batch", -1]).shape == (free("batch"), -1)
    assert made("sum", axis=1).axis == (1,)
    assert made("sum", axis=[1, 0]).axis == (1, 0)
    assert made("sum", axis=None).axis is None
    assert made("constant", value=[[1, 2], [3, 4]]).value == ((1, 2), (3, 4))
    assert made("clip", high=6).low is None


def test_ops_are_values():
    one, other = (made("constant", value=[1, 2]) for _ in range(2))
    assert one == other
    assert {one: "found"}[other] == "found"
    assert one.array is one.array
    assert one == other
    with pytest.raises(ValidationError):
        one.dtype = "int"


@pytest.mark.parametrize("name", REGISTRY)
def test_schema_is_plain_json(name):
    schema = REGISTRY[name].model_json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["additionalProperties"] is False


def test_schema_of_sizes_axes_and_numbers():
    def properties(name):
        return REGISTRY[name].model_json_schema()["properties"]

    size = [{"type": "integer", "minimum": 1}, {"type": "string"}]
    assert properties("input")["shape"]["items"] == {"anyOf": size}
    assert properties("affine")["units"]["anyOf"] == [*size, {"type": "null"}]
    assert properties("reshape")["shape"]["items"]["anyOf"][0]["minimum"] == -1
    assert properties("sum")["axis"]["anyOf"][1] == {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 1,
    }
    number, nested, arange, zeros, ones, file = properties("constant")["value"]["anyOf"]
    assert [number, nested] == [{"type": "number"}, {"type": "array"}]
    assert arange["properties"] == {"arange": {"anyOf": size}}
    listed = {"type": "array", "items": {"anyOf": size}}
    assert [zeros["properties"], ones["properties"]] == [{"zeros": listed}, {"ones": listed}]
    assert file["properties"] == {"file": {"type": "string"}, "key": {"type": "string"}}
    position = [{"type": "integer"}, {"type": "string"}]
    assert properties("slice")["start"]["anyOf"] == position


def test_what_a_class_says_of_itself():
    affine, reshape, relu = (REGISTRY[name] for name in ("affine", "reshape", "relu"))
    assert (affine.name, affine.family) == ("affine", "linear")
    assert affine.size_attributes == ("units",)
    assert reshape.size_attributes == ()
    assert (affine.takes_out, affine.takes_wanted) == (True, True)
    assert (reshape.takes_out, relu.takes_wanted) == (False, False)
    assert [operand.name for operand in affine.data_operands()] == ["x"]
    assert [operand.name for operand in affine.parameter_operands()] == ["weight", "bias"]


def test_operands():
    target = data("target", "batch", kind="int", below="classes")
    assert target == Operand("target", "batch", "int", below="classes")
    assert not target.is_parameter
    assert parameter("weight", "n units", Zeros()).is_parameter


class Fixed(Op):
    """An op whose signatures hold numbers, and that is not in the registry."""

    operands = (data("a", "2 ..."), data("b", "... 2"))
    result = "2 ... 3"
    name = "fixed"
    size_attributes = ()
    _data_operands = operands
    _parameter_operands = ()


def test_numbers_in_signatures():
    assert Fixed().infer([(2, 5), (5, 2)], {}).result == (2, 5, 3)
    with pytest.raises(ShapeError) as caught:
        Fixed().infer([(3, 5), (5, 2)], {})
    assert str(caught.value) == "'a' has shape [3, 5], but its '2' must be 2, not 3"
    with pytest.raises(ShapeError) as caught:
        Fixed().infer([(2, 5), (4, 2)], {})
    assert str(caught.value) == (
        "'b' has shape [4, 2], which does not match [5] of the operand before it"
    )


def test_an_op_states_its_own_value_and_reverse():
    with pytest.raises(NotImplementedError):
        Fixed().forward()
    with pytest.raises(NotImplementedError):
        Fixed().vjp()
    assert "fixed" not in REGISTRY

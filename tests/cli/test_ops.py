"""``graphnn ops``."""

from __future__ import annotations

import pytest

from graphnn.ops import REGISTRY

PUBLIC = {name: op for name, op in REGISTRY.items() if not op.internal}


def test_the_catalogue_lists_every_op_by_family(call):
    result = call("ops")
    assert (result.code, result.err) == (0, "")
    header, *rows = result.out.splitlines()
    assert header.split("  ")[0] == "family"
    family, found = "", {}
    for row in rows:
        words = row.split()
        if not row.startswith(" "):
            family = words.pop(0)
        found[words[0]] = family
    assert found == {name: op.family for name, op in PUBLIC.items()}
    assert "  relu                  Rectifier y = max(x, 0).\n" in result.out


@pytest.mark.parametrize("name", PUBLIC)
def test_every_op_is_described(call, name):
    op = PUBLIC[name]
    result = call("ops", name)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"{name} ({op.family})\n")
    words = result.out.replace(",", " ").split()
    for key, info in op.model_fields.items():
        if key != "op":
            assert key in words
            assert info.description.replace("`", "") in result.out
    for operand in op.operands:
        assert operand.name in words


def test_an_op_in_full(call):
    result = call("ops", "affine")
    assert result.out == (
        "affine (linear)\n"
        "  Affine map y = x W + b of the last axis.\n"
        "\n"
        "inputs      x       [..., n]\n"
        "parameters  weight  [n, units]    starts as xavier\n"
        "            bias    [units]       starts as zeros; false leaves it out\n"
        "attributes  units   size          Output features; left out, the weight's own number of"
        " columns.\n"
        "result              [..., units]\n"
        "\n"
        "write NODE: {op: affine, inputs: X, units: UNITS}\n"
    )


def test_an_op_that_works_out_its_own_shape(call):
    result = call("ops", "sum")
    assert "attributes  axis      " in result.out
    assert "keepdims  true or false, false if left out" in result.out
    assert "[3, 4], axis: 1 -> [3]\n" in result.out
    assert "[2, 3, 2], axis: [-1, 1], keepdims: true -> [2, 1, 1]\n" in result.out


def test_an_unknown_op(call):
    assert call("ops", "sotfmax").usage_error == (
        "error[unknown-op]: there is no op 'sotfmax'\n   = help: did you mean 'softmax'?\n"
    )


@pytest.mark.parametrize("name", [name for name, op in REGISTRY.items() if op.internal])
def test_an_op_of_plans_alone_is_hidden(call, name):
    assert call("ops", name).code == 2

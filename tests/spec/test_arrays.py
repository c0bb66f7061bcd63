"""Located numbers as arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from graphnn.diagnostics import SpecError
from graphnn.graph.arrays import from_value, is_numbers
from graphnn.spec import reader
from graphnn.spec.values import located
from tables import cases

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, max_side=4)


@given(hnp.arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_real_numbers(array):
    found = from_value(located(array.tolist()), "it")
    assert found.dtype == np.float64
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()


@given(hnp.arrays(np.int64, SHAPES, elements=st.integers(-(2**63) + 1, 2**63 - 1)))
def test_whole_numbers(array):
    found = from_value(located(array.tolist()), "it", np.int64)
    assert found.dtype == np.int64
    assert np.array_equal(found, array)
    assert found.shape == array.shape


def test_lists_of_nothing_have_a_shape():
    assert from_value(located([]), "it").shape == (0,)
    assert from_value(located([[], []]), "it").shape == (2, 0)


@cases(
    """
    data= | dtype= | code | message
    [1, 0.5] | np.int64 | not-numbers | it must hold whole numbers, not 0.5
    [1, 1.0] | np.int64 | not-numbers | it must hold whole numbers, not 1.0
    [1, True] | np.int64 | not-numbers | it must hold whole numbers, not true
    "a" | np.float64 | not-numbers | it must hold numbers, not 'a'
    [None] | np.float64 | not-numbers | it must hold numbers, not nothing
    [1, [2]] | np.float64 | not-numbers | it must hold numbers, not a list
    [1, {}] | np.float64 | not-numbers | it must hold numbers, not an empty mapping
    [[1], 2] | np.float64 | not-numbers | it must hold a list of 1 entry here, not 2
    [2**63] | np.float64 | not-numbers | it must hold numbers below 2**63, not 9223372036854775808
    [[1, 2], [3]] | np.float64 | ragged-array | it has a row of 1 entry beside one of 2
    [[1], []] | np.float64 | ragged-array | it has a row of 0 entries beside one of 1
    [[], [1]] | np.float64 | ragged-array | it has a row of 1 entry beside one of 0
    """,
    np=np,
)
def test_what_is_no_array(data, dtype, code, message):
    with pytest.raises(SpecError) as caught:
        from_value(located(data), "it", dtype)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)


def test_the_first_fault_of_a_text_is_reported():
    value = reader.read("w: [[1, 2], [3, x], [y, 4]]").get("w")
    with pytest.raises(SpecError) as caught:
        from_value(value, "'w'")
    assert str(caught.value) == (
        "error[not-numbers]: 'w' must hold numbers, not 'x'\n"
        "  --> <text>:1:17\n"
        "   |\n"
        " 1 | w: [[1, 2], [3, x], [y, 4]]\n"
        "   |                 ^"
    )


@pytest.mark.parametrize(
    ("data", "numbers"),
    [(1, True), (0.5, True), ([], True), (["a"], True), (True, False), ("1", False), ({}, False)],
)
def test_what_is_written_as_numbers(data, numbers):
    assert is_numbers(located(data)) is numbers

"""Faults planted in ops, engines and the reader are found in few draws, and shrink."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, seed, settings

from planted_faults import PLANTS

pytestmark = pytest.mark.slow
_TRIES = 5
_GIVEN = ("input", "parameter", "constant")


def smallest(plant, number, most=300):
    """The case to which a failure of the law shrinks, if one is found among so many."""
    failing, calls = [], 0

    @seed(number)
    @settings(max_examples=most, database=None, report_multiple_bugs=False, deadline=None)
    @given(plant.drawn)
    def run(case):
        nonlocal calls
        calls += not failing
        if plant.shows(case):
            failing[:] = [case]
            raise AssertionError

    try:
        run()
    except AssertionError:
        return failing[0], calls
    return None


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found_and_shrinks(name, monkeypatch):
    PLANTS[name].plant(monkeypatch)
    # What a seed draws changes with any strategy: one of some is enough.
    tries = (smallest(PLANTS[name], number) for number in range(_TRIES))
    assert any(is_small(*found) for found in tries if found is not None)


@pytest.mark.parametrize("plant", {plant.law: plant for plant in PLANTS.values()}.values())
def test_a_law_holds_where_no_fault_is_planted(plant):
    settings(max_examples=100, database=None, derandomize=True)(given(plant.drawn)(plant.law))()


def is_small(case, calls):
    if hasattr(case, "faults"):
        others = re.findall(r"\{op: (?!input|parameter|constant)", case.text)
        return calls <= 300 and len(case.faults) == 1 and len(others) <= 4
    nodes = case.document["nodes"]
    few = sum(body.get("op") not in _GIVEN for body in nodes.values()) <= 4
    return calls <= 300 and few and largest(case) <= 2


def largest(case):
    """The largest size of an axis of an array that is given."""
    values = [*case.inputs.values(), *case.network().arrays.values()]
    return max((size for array in values for size in np.shape(array)), default=0)

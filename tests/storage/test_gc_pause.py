"""Python's search for garbage: paused while a graph is built, and what it was afterwards."""

from __future__ import annotations

import gc
import weakref

import pytest

import graphnn
from graphnn import graph
from graphnn.execution import _plan as plan
from graphnn.storage import _gc_pause as gc_pause


@pytest.fixture(autouse=True)
def _restored():
    enabled, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.unfreeze()  # what conftest.py froze
    yield
    (gc.enable if enabled else gc.disable)()
    if frozen:
        gc.freeze()


@pytest.mark.parametrize("enabled", [True, False])
def test_it_is_paused_and_then_as_before(enabled):
    (gc.enable if enabled else gc.disable)()
    with gc_pause.gc_paused():
        assert not gc.isenabled()
        with gc_pause.gc_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_an_error_does_not_leave_it_paused():
    gc.enable()
    with pytest.raises(graphnn.GraphnnError, match="there is no op 'rleu'"):
        graphnn.loads("{graphnn: 1, nodes: {x: {op: rleu}}}")
    assert gc.isenabled()


def test_building_and_planning_search_no_garbage():
    nodes = "".join(f"  n{i + 1}: {{op: relu, inputs: n{i}}}\n" for i in range(3000))
    text = f"graphnn: 1\nnodes:\n  n0: {{op: input, shape: [batch]}}\n{nodes}"
    spec = graphnn.loads(text).graph.spec
    gc.enable()
    searches = []

    def count(phase, info):
        searches.append(phase)

    gc.callbacks.append(count)
    try:
        plan.make(graph.build(spec), ["n3000"])
    finally:
        gc.callbacks.remove(count)
    # Python searches every 700 containers, and here are five for each node; one search is owed
    # when the pause ends.
    assert searches.count("start") <= 3


def _pause_over(containers):
    """How often Python searches as a pause ends in which so many containers were made."""
    gc.enable()
    gc.collect()
    searches = []

    def count(phase, info):
        searches.append(phase)

    gc.callbacks.append(count)
    try:
        with gc_pause.gc_paused():
            made = [[] for _ in range(containers)]
        made.append([])
    finally:
        gc.callbacks.remove(count)
    assert len(made) == containers + 1
    return searches.count("start")


@pytest.mark.slow
def test_no_search_begins_with_what_was_built():
    assert _pause_over(gc_pause._LARGE + 1000) == 0
    assert _pause_over(gc_pause._LARGE - 1000) == 1  # it takes little, and Python keeps its ways


def test_what_somebody_else_froze_stays_frozen():
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert frozen > 0
        assert _pause_over(gc_pause._LARGE + 1000) == 1
        assert gc.get_freeze_count() >= frozen - 100  # some of them are gone meanwhile
    finally:
        gc.unfreeze()


@pytest.mark.slow
def test_garbage_made_in_a_pause_is_found_later():
    class Ring:
        pass

    with gc_pause.gc_paused():
        ring = Ring()
        ring.own = ring
        gone = weakref.ref(ring)
        del ring
        made = [[] for _ in range(gc_pause._LARGE + 1000)]
    gc.collect()
    assert gone() is None
    assert made

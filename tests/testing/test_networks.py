"""Networks drawn from the registry: they fit, they run, and none is rejected."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.engine import BUFFER_SIZE

import graphnn
from graphnn.graph.lints import advise
from graphnn.ops import REGISTRY, public_ops
from graphnn.testing import networks
from graphnn.testing._strategies.drawing import Choices
from graphnn.testing._strategies.fitting import first_shape, fitted
from graphnn.testing.strategies import batches, invalid_specs, op_cases, specs

TAKING_DATA = sorted(name for name, op in public_ops().items() if op.data_operands())
SLOW = pytest.mark.slow
DRAWN = settings(database=None, derandomize=True, phases=[Phase.generate])


def bodies(case):
    """The nodes of the network and of its blocks."""
    blocks = case.document.get("blocks", {}).values()
    for nodes in (case.document["nodes"], *(block["nodes"] for block in blocks)):
        yield from nodes.values()


def shares(body):
    return any(isinstance(value, dict) and "share" in value for value in body.values())


@pytest.mark.parametrize(("examples", "least"), [(150, 1), pytest.param(300, 5, marks=SLOW)])
def test_every_op_is_drawn_and_so_are_blocks_repeats_names_and_shared_arrays(examples, least):
    seen = Counter()

    @settings(DRAWN, max_examples=examples)
    @given(networks())
    def count(case):
        seen.update(body.get("op", "block") for body in bodies(case))
        seen["repeat"] += any("repeat" in body for body in bodies(case))
        seen["share"] += any(map(shares, bodies(case)))
        seen["sizes"] += "sizes" in case.document

    count()
    wanted = [*TAKING_DATA, "input", "parameter", "constant", "block", "repeat", "sizes", "share"]
    assert {name: seen[name] for name in wanted if seen[name] < least} == {}


@pytest.mark.parametrize(("examples", "least"), [(80, 1), pytest.param(200, 5, marks=SLOW)])
def test_blocks_use_each_other_take_two_inputs_and_pass_sizes_on(examples, least):
    seen = Counter()

    @settings(DRAWN, max_examples=examples)
    @given(networks(["add", "tanh", "affine"], blocks=0.5, loss=False))
    def count(case):
        blocks = case.document.get("blocks", {})
        inner = [body for block in blocks.values() for body in block["nodes"].values()]
        uses = [body for body in bodies(case) if "block" in body]
        nested = [body for body in inner if "block" in body]
        sizes = {(body["block"], body.get("n"), body.get("r")) for body in uses}
        seen["nested"] += bool(nested)
        seen["two inputs"] += any(len(block["inputs"]) == 2 for block in blocks.values())
        seen["copies that hand one on"] += any(
            isinstance(blocks[body["block"]]["output"], dict) and "repeat" in body for body in uses
        )
        seen["repeated by a size"] += any(body.get("repeat") == "r" for body in nested)
        seen["sizes passed on"] += any(isinstance(body.get("n"), str) for body in nested)
        seen["two sets of sizes"] += len(sizes) > len({block for block, *_ in sizes})

    count()
    assert len(seen) == 6
    assert min(seen.values()) >= least, seen


@pytest.mark.parametrize("examples", [8, pytest.param(250, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name", sorted(name for name in REGISTRY if REGISTRY[name].data_operands())
)
def test_attributes_and_shapes_of_an_op_fit_at_the_first_attempt(name, examples):
    op_class = REGISTRY[name]

    @st.composite
    def fits(draw):
        choices = Choices(draw)
        return fitted(choices, op_class, first_shape(choices, op_class, 4, 4), 4)

    @settings(DRAWN, max_examples=examples)
    @given(fits())
    def law(fit):
        assert fit is not None

    law()


@pytest.mark.parametrize("examples", [25, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "strategy",
    [
        networks(),
        networks(values="any"),
        networks(loss=False),
        networks(blocks=0.5),
        *map(op_cases, ("conv2d", "max")),
    ],
)
def test_few_draws_are_rejected_or_cut_short(strategy, examples):
    calls = Counter()

    @st.composite
    def counted(draw):
        calls["begun"] += 1
        case = draw(strategy)
        calls["drawn"] += 1
        return case

    @settings(DRAWN, max_examples=examples)
    @given(counted())
    def draw(case):
        pass

    draw()
    assert calls["drawn"] >= examples
    assert calls["drawn"] > 0.95 * calls["begun"]


@settings(max_examples=30)
@given(networks(outputs=2))
def test_a_case_runs_needs_all_its_inputs_and_repeats(case):
    network = case.network()
    loss = network.loss(case.inputs)  # which refuses an input that it does not need
    assert np.isfinite(loss)
    assert case.network().loss(case.inputs) == loss
    assert set(network.run(case.inputs)) == set(case.document["outputs"])
    assert len({array.shape[0] for array in case.inputs.values()}) <= 1
    codes = {warning.code for warning in advise(network.graph)}
    assert not codes & {"unread-node", "unused-input"}


@settings(max_examples=30)
@given(networks(["sigmoid", "add"], nodes=2, rows=2, sizes=2, blocks=False, shared=False))
def test_the_choice_of_ops_and_the_limits_hold(case):
    used = {body["op"] for body in case.document["nodes"].values()}
    fitting = {"input", "parameter", "constant", "reshape", "sum", "clip", "cast"}
    assert used <= fitting | {"sigmoid", "add", "mean_squared_error", "sum_squared_error"}
    assert max((size for array in case.inputs.values() for size in array.shape), default=0) <= 2
    case.network().loss(case.inputs)


@settings(max_examples=30)
@given(networks(loss=False))
def test_networks_without_losses_run(case):
    case.network().run(case.inputs)


@settings(max_examples=30)
@given(networks(values="finite"))
def test_finite_values_may_be_of_any_size(case):
    assert all(np.isfinite(array).all() for array in case.inputs.values())
    case.network()


@pytest.mark.slow
def test_any_values_hold_what_is_not_finite():
    def is_wild(case):
        return any(np.isnan(array).any() for array in case.inputs.values())

    small = networks(["add"], nodes=2, values="any")
    case = find(small, is_wild, settings=settings(database=None, derandomize=True))
    assert [array.size for array in case.inputs.values() if np.isnan(array).any()] == [1]


def test_arrays_may_be_larger_than_what_hypothesis_draws():
    def is_large(case):
        return case.arrays[0].size > BUFFER_SIZE and len(np.unique(case.arrays[0])) > 100

    find(op_cases("tanh", sizes=40), is_large, settings=settings(DRAWN, max_examples=2000))


def test_an_op_that_gives_nan_is_reported_and_not_dropped(monkeypatch):
    """NaN for what is above a threshold, in an op that is one of many."""
    right = REGISTRY["tanh"].forward

    def wrong(self, x, **keywords):
        return np.where(x > 2.5, np.nan, right(self, x, **keywords))

    monkeypatch.setattr(REGISTRY["tanh"], "forward", wrong)

    @settings(DRAWN, max_examples=300)
    @given(networks(["tanh", "add", "affine"]))
    def is_finite(case):
        network = case.network()
        try:
            values = network.run(case.inputs)
        except graphnn.RunError as error:
            raise AssertionError(error.diagnostics[0].code) from None
        assert all(np.isfinite(value).all() for value in values.values())

    with pytest.raises(AssertionError, match="not-finite"):
        is_finite()


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: networks([]), "'ops' names no op\n   = help: leave it out for all ops"),
        (lambda: networks("tanh"), "'ops' is 'tanh', not a list of ops\n   = help: write ['tanh']"),
        (
            lambda: networks(["tanh", "input"]),
            "'input' takes no data: networks are not drawn of it",
        ),
        (
            lambda: networks(["dropout_training"]),
            "no spec can name 'dropout_training'\n   = help: use 'registered' for a class",
        ),
        (lambda: networks(nodes=0), "'nodes' must be a whole number from 1 to 40, not 0"),
        (
            lambda: networks(sizes=(0, 0)),
            "'sizes' must be a whole number from 1 to 100, not (0, 0)",
        ),
        (
            lambda: networks(sizes=10**9),
            "'sizes' must be a whole number from 1 to 100, not 1000000000",
        ),
        (lambda: networks(rows=True), "'rows' must be a whole number from 1 to 100, not True"),
        (lambda: networks(outputs=-1), "'outputs' must be a whole number from 0 to 40, not -1"),
        (lambda: networks(loss="mean"), "'loss' must be True or False, not 'mean'"),
        (
            lambda: networks(blocks=3),
            "'blocks' must be True, False or a number from 0 to 1, not 3",
        ),
        (
            lambda: networks(values="wild"),
            "'values' must be one of 'tame', 'finite', 'any', not 'wild'",
        ),
        (lambda: specs(nodes=0), "'nodes' must be a whole number from 1 to 40, not 0"),
        (lambda: invalid_specs(most=0), "'most' must be a whole number from 1 to 10, not 0"),
        (
            lambda: op_cases("tanh", sizes=0),
            "'sizes' must be a whole number from 1 to 1,000, not 0",
        ),
        (
            lambda: batches("net.yaml"),
            "a network is needed here, not 'net.yaml'\n"
            "   = help: read the file first: graphnn.load(FILE)",
        ),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_drawn(draw, message):
    with pytest.raises(graphnn.UsageError) as caught:
        draw()
    assert str(caught.value) == f"error[bad-option]: {message}"


@settings(DRAWN, max_examples=5)
@given(networks([REGISTRY["tanh"]], nodes=2, loss=False, blocks=False))
def test_ops_are_given_as_classes_too(case):
    ops = {node["op"] for node in case.document["nodes"].values()}
    assert ops <= {"tanh", "input", "parameter", "constant", "reshape", "clip"}

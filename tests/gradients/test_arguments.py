"""Arguments that make no sense are refused, and others are accepted."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Annotated

import numpy as np
import pytest

import graphnn
import graphnn.cli.commands.grad
import graphnn.cli.commands.gradcheck
from gradient_cases import digits
from graphnn.cli.record_options import taking
from graphnn.diagnostics import UsageError
from graphnn.execution.options import Typed
from graphnn.gradients import _check as check
from graphnn.gradients.numerical.options import takes
from graphnn.gradients.numerical.rules import DifferenceRule
from tables import cases

ENTRIES_HELP = "give how many to draw, names such as 'a1.weight[3,7]', or indices by parameter"


class Idle:
    """No executor."""

    def __repr__(self):
        return "<idle>"


@cases(
    r"""
    options= | expected
    {"workers": -3}
        | error[bad-option]: 'workers' must be a whole number of at least 1, not -3
        \n   = help: leave it out for one per core
    {"workers": 0, "max_memory": -5}
        | error[bad-option]: 'workers' must be a whole number of at least 1, not 0
        \n   = help: leave it out for one per core
        \n
        \nerror[bad-option]: 'max_memory' must be a whole number of bytes, at least 1, not -5
        \n   = help: leave it out for 256 MiB
    {"max_memory": 1e6}
        | error[bad-option]: 'max_memory' must be a whole number of bytes, at least 1, not 1000000.0
        \n   = help: leave it out for 256 MiB
    {"executor": Idle(), "method": "loop"}
        | error[bad-option]: 'executor' needs a method 'submit', which <idle> does not have
        \n   = help: give a concurrent.futures.Executor, such as a ProcessPoolExecutor
    {"executor": ThreadPoolExecutor(1), "method": "loop"}
        | error[bad-option]: the method 'loop' cannot use an executor
        \n   = help: leave 'executor' out, or use the method 'probes'
    {"mode": "training"}
        | error[unknown-mode]: there is no mode 'training'\n   = help: did you mean 'train'?
    {"mode": 1} | error[unknown-mode]: there is no mode '1'\n   = help: there are run and train
    {"workers": True}
        | error[bad-option]: 'workers' must be a whole number of at least 1, not True
        \n   = help: leave it out for one per core
    {"max_memory": True}
        | error[bad-option]: 'max_memory' must be a whole number of bytes, at least 1, not True
        \n   = help: leave it out for 256 MiB
    {"seed": True} | error[bad-seed]: a seed is a whole number of at least 0, not True
    {"order": True, "rule": "forward"}
        | error[unknown-order]: the forward rule has no order True\n   = help: its order is 1
    {"order": [2]}
        | error[unknown-order]: the central rule has no order [2]\n   = help: its order is 2 or 4
    {"step": True} | error[bad-step]: the step must be positive, not True
    {"entries": True}
        | error[bad-entries]: 'entries' must be a number, names or indices, not True
        \n   = help: $ENTRIES_HELP
    {"entries": {"a1.bias": True}}
        | error[unknown-entry]: 'a1.bias[True]' is not an entry of 'a1.bias', whose shape is [5]
        \n   = help: such as a1.bias[4]
    {"entries": {"a1.weight": (slice(None), True)}}
        | error[unknown-entry]: 'a1.weight[:,True]' is not an entry of 'a1.weight', whose shape is
        [6, 5]
        \n   = help: such as a1.weight[5,4]
    {"seed": -1} | error[bad-seed]: a seed is a whole number of at least 0, not -1
    {"method": 3}
        | error[unknown-method]: there is no method '3'
        \n   = help: there are probes, loop and complex
    {"rule": 3}
        | error[unknown-rule]: there is no rule '3'\n   = help: there are forward and central
    {"order": "2"}
        | error[unknown-order]: the central rule has no order '2'\n   = help: its order is 2 or 4
    {"step": {"a1.bias": None}} | error[bad-step]: the step must be positive, not None
    {"step": {"a1.bais": 1e-3}}
        | error[unknown-parameter]: the network has no parameter 'a1.bais'
        \n   = help: did you mean 'a1.bias'?
    {"step": [1e-3]} | error[bad-step]: the step must be positive, not [0.001]
    {"step": lambda values, rule: np.array([0.5])}
        | error[bad-step]: the step must be positive, not [0.5]
    {"only": "a1.wieght"}
        | error[unknown-parameter]: the network has no parameter 'a1.wieght'
        \n   = help: did you mean 'a1.weight'?
    {"only": 5} | error[bad-option]: a name is text, not 5
    {"only": ["a1.bias", 5]} | error[bad-option]: a name is text, not 5
    {"only": []}
        | error[bad-option]: 'only' selects nothing\n   = help: leave it out to take all
    {"progress": 3} | error[bad-option]: 'progress' must be a function of two counts, not 3
    {"loss": 5} | error[bad-option]: a name is text, not 5
    {"entries": 2.5}
        | error[bad-entries]: 'entries' must be a number, names or indices, not 2.5
        \n   = help: $ENTRIES_HELP
    {"entries": [3, 4]}
        | error[bad-entries]: 'entries' must be a number, names or indices, not [3, 4]
        \n   = help: $ENTRIES_HELP
    {"entries": []}
        | error[bad-entries]: 'entries' selects nothing: []\n   = help: leave it out to take all
    {"entries": {"a1.bias": slice(2, 2)}}
        | error[bad-entries]: 'entries' selects nothing: {'a1.bias': slice(2, 2, None)}
        \n   = help: leave it out to take all
    {"entries": {"a1.bias": 1.5}}
        | error[unknown-entry]: 'a1.bias[1.5]' is not an entry of 'a1.bias', whose shape is [5]
        \n   = help: such as a1.bias[4]
    {"entries": {"a1.bias": "1"}}
        | error[unknown-entry]: 'a1.bias['1']' is not an entry of 'a1.bias', whose shape is [5]
        \n   = help: such as a1.bias[4]
    {"entries": {"a1.weight": np.array([[0, 1], [6, 2]])}}
        | error[unknown-entry]: 'a1.weight[6,2]' is not an entry of 'a1.weight', whose shape is [6,
        5]
        \n   = help: such as a1.weight[5,4]
    {"entries": {"a1.weight": np.array([0, 1, 2])}}
        | error[unknown-entry]: an array of int64 of shape [3] does not index 'a1.weight', whose
        shape is [6, 5]
        \n   = help: give rows of 2 whole numbers, or a mask of the parameter's shape
    {"entries": {"a1.weight": (slice(0, 2), slice(None), 0)}}
        | error[unknown-entry]: 'a1.weight[0:2,:,0]' is not an entry of 'a1.weight', whose shape is
        [6, 5]
        \n   = help: such as a1.weight[5,4]
    {"entries": {"a1.weight": (slice(None, None, 2), -1)}}
        | error[unknown-entry]: 'a1.weight[::2,-1]' is not an entry of 'a1.weight', whose shape is
        [6, 5]
        \n   = help: such as a1.weight[5,4]
    """,
    ENTRIES_HELP=ENTRIES_HELP,
    Idle=Idle,
    ThreadPoolExecutor=ThreadPoolExecutor,
    np=np,
)
@pytest.mark.parametrize("ask", [graphnn.numerical_gradient, graphnn.check_gradients])
def test_an_argument_that_makes_no_sense(ask, options, expected):
    net, inputs = digits()
    with pytest.raises(UsageError) as caught:
        ask(net, inputs, **options)
    assert str(caught.value) == expected


def test_a_check_of_nothing_is_refused():
    net, inputs = digits()
    with pytest.raises(UsageError) as caught:
        graphnn.check_gradients(net, inputs, gradients={})
    assert str(caught.value) == "error[missing-gradient]: the gradients are of no parameter"
    without = graphnn.loads("graphnn: 1\nnodes:\n  f: {op: constant, value: 1}")
    for options in ({}, {"entries": 3}):
        assert graphnn.numerical_gradient(without, loss="f", **options) == {}
        with pytest.raises(UsageError) as caught:
            graphnn.check_gradients(without, loss="f", **options)
        assert str(caught.value) == (
            "error[missing-gradient]: there is nothing to take a gradient by: the network has "
            "no parameter"
        )
    empty = {"x": np.zeros(0), "y": np.zeros((0, 2))}
    with pytest.raises(UsageError) as caught:
        graphnn.check_function(lambda x, y: 1.0, empty, empty)
    assert str(caught.value) == (
        "error[missing-gradient]: there is nothing to check: no entry is in x, y"
    )
    with pytest.raises(UsageError) as caught:
        graphnn.backprop(net, inputs, only=())
    assert str(caught.value) == (
        "error[bad-option]: 'only' selects nothing\n   = help: leave it out to take all"
    )


def test_parameters_that_the_loss_does_not_depend_on_are_named():
    net = graphnn.loads(
        """
        graphnn: 1
        nodes:
          p: {op: parameter, shape: [2], value: [1, 2]}
          q: {op: parameter, shape: [2], value: [1, 2]}
          f: {op: sum, inputs: p}
          g: {op: sum, inputs: q}
        """
    )
    report = graphnn.check_gradients(net, loss="f")
    assert str(report) == (
        "4 entries in float64: 4 agree\n"
        "  p.value[0]: agree, backprop 1, numerical 1 +- 1e-10\n"
        "  q.value[0]: agree, backprop 0, numerical 0 +- 0\n"
        "  the loss does not depend on q.value"
    )
    assert report.unread == ("q.value",)
    assert report.as_dict()["unread"] == ["q.value"]
    assert report._repr_html_().endswith("</table>  the loss does not depend on q.value")
    assert not graphnn.check_gradients(net, loss=["f", "g"]).unread
    assert not graphnn.check_gradients(net, loss="f", only="p.value").unread


@pytest.mark.parametrize("tolerance", [-1, 2, float("nan"), True, "a"])
def test_what_is_not_a_tolerance(tolerance):
    net, inputs = digits()
    gradient = {"x": [2.0]}
    for ask in (
        lambda: graphnn.check_gradients(net, inputs, tolerance=tolerance),
        lambda: graphnn.check_function(np.sum, {"x": [1.0]}, gradient, tolerance=tolerance),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == (
            f"error[bad-option]: 'tolerance' must be a number from 0 to 1, not {tolerance!r}\n"
            "   = help: leave it out for the rounding of the gradient's precision"
        )


@pytest.mark.parametrize(
    ("index", "places"),
    [
        (np.array([[2, 1], [0, 4]]), [4, 11]),
        (np.array([2, 1]), [11]),
        (np.argwhere(np.eye(6, 5, dtype=bool))[:2], [0, 6]),
        (np.eye(6, 5, dtype=bool), [0, 6, 12, 18, 24]),
        ((slice(None), 3), [3, 8, 13, 18, 23, 28]),
        ((5, slice(1, 3)), [26, 27]),
        (slice(4, None), list(range(20, 30))),
        ((..., 0), [0, 5, 10, 15, 20, 25]),
        (..., list(range(30))),
        ([(0, 0), (slice(1, 2), slice(0, 2))], [0, 5, 6]),
        ([[0, 1], (np.int64(2), np.int32(0))], [1, 10]),
    ],
    ids=str,
)
def test_entries_by_arrays_and_slices(index, places):
    net, inputs = digits()
    found = graphnn.numerical_gradient(net, inputs, entries={"a1.weight": index})["a1.weight"]
    assert found.entries.tolist() == places
    whole = graphnn.backprop(net, inputs)["a1.weight"].ravel()
    np.testing.assert_allclose(found.value.ravel()[places], whole[places], atol=1e-9)


@pytest.mark.parametrize(
    ("index", "places"),
    [(np.array([3, 1]), [1, 3]), (np.array([[3], [1]]), [1, 3]), (np.array(2), [2])],
    ids=str,
)
def test_an_array_of_entries_of_a_vector(index, places):
    net, inputs = digits()
    found = graphnn.numerical_gradient(net, inputs, entries={"a1.bias": index})
    assert found["a1.bias"].entries.tolist() == places


def test_one_name_needs_no_list():
    net, inputs = digits()
    assert list(graphnn.numerical_gradient(net, inputs, only="a1.weight")) == ["a1.weight"]
    assert list(graphnn.backprop(net, inputs, only="a1.weight")) == ["a1.weight"]
    assert list(graphnn.backprop(net, inputs, only="x")) == ["x"]
    report = graphnn.check_gradients(net, inputs, only="a1.weight", loss="loss")
    assert [found.name for found in report.parameters] == ["a1.weight"]


@cases(r"""
    options= | expected
    {"mode": "trian"}
        | error[unknown-mode]: there is no mode 'trian'\n   = help: did you mean 'train'?
    {"seed": 0.5} | error[bad-seed]: a seed is a whole number of at least 0, not 0.5
""")
def test_backpropagation_and_the_study_refuse_the_same(options, expected):
    net, inputs = digits()
    with pytest.raises(UsageError) as caught:
        graphnn.backprop(net, inputs, **options)
    assert str(caught.value) == expected
    with pytest.raises(UsageError) as caught:
        graphnn.step_study(net, "a1.bias[0]", inputs, **options)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("weights", "order", "power", "wanted", "found"),
    [
        ({1: 1.0}, 1, 0, 0, 1),
        ({0: -1.0, 1: 1.1}, 1, 0, 0, 0.1),
        ({-1: -1.0, 1: 1.0}, 2, 1, 1, 2),
        ({0: -1.0, 1: 1.0}, 2, 2, 0, 1),
        ({-1: -0.5, 1: 0.5}, 4, 3, 0, 1),
        ({0: np.nan, 1: 1.0}, 1, 0, 0, np.nan),
    ],
)
def test_weights_that_make_no_derivative(weights, order, power, wanted, found):
    with pytest.raises(UsageError) as caught:
        DifferenceRule(weights, order)
    assert str(caught.value) == (
        f"error[bad-rule]: a difference rule of order {order} needs weights whose sum of "
        f"w[k] * k**{power} is {wanted}, not {found:g}\n"
        "   = help: such as {-1: -0.5, 1: 0.5}, of order 2"
    )


def test_weights_of_fornbergs_tables_are_taken():
    # Fornberg (1988), table 1: the first derivative of order 6, and one-sided of order 3.
    DifferenceRule({-3: -1 / 60, -2: 3 / 20, -1: -3 / 4, 1: 3 / 4, 2: -3 / 20, 3: 1 / 60}, 6)
    DifferenceRule({0: -11 / 6, 1: 3.0, 2: -1.5, 3: 1 / 3}, 3)


def test_a_check_hands_on_how_the_work_is_shared_and_what_is_made_of_it(monkeypatch):
    net, inputs = digits()
    seen = []
    right = check.estimate_gradient

    def spy(network, inputs, options):
        seen.append(options)
        return right(network, inputs, options)

    monkeypatch.setattr(check, "estimate_gradient", spy)
    with ThreadPoolExecutor(2) as pool:
        options = {
            "workers": 3,
            "executor": pool,
            "max_memory": 1000,
            "extrapolation": "richardson",
        }
        assert graphnn.check_gradients(net, inputs, **options)
    assert options.items() <= vars(seen[0]).items()


def test_an_option_is_a_field_of_the_record_and_nothing_else():
    record = {each.name for each in fields(graphnn.gradients.GradientOptions)}
    taken = keywords(graphnn.numerical_gradient)
    assert taken == record
    assert keywords(graphnn.check_gradients) == record - {"estimate"} | {
        "gradients",
        "tolerance",
        "dtype",
    }
    assert keywords(graphnn.cli.commands.grad.grad) >= record - NOT_TYPED
    assert keywords(graphnn.cli.commands.gradcheck.gradcheck) >= record - NOT_TYPED


def test_a_new_option_reaches_the_signature_and_the_command_line():
    @dataclass(frozen=True, kw_only=True)
    class More(graphnn.gradients.GradientOptions):
        new: Annotated[int, Typed("What is new.", metavar="N", least=1)] = 3

    @takes(More)
    def function(network, inputs, options):
        return inputs, options.new

    assert keywords(function) == keywords(graphnn.numerical_gradient) | {"new"}
    net = graphnn.loads("graphnn: 1\nnodes: {x: {op: input, shape: [batch]}}")
    assert function(net, {"x": 1}, y=2) == ({"x": 1, "y": 2}, 3)
    assert function(net, new=5) == ({}, 5)

    @taking(More)
    def command(chosen):
        return chosen["new"]

    option = inspect.signature(command).parameters["new"]
    assert (option.annotation, option.default.default, option.default.help, option.default.min) == (
        int,
        3,
        "What is new.",
        1,
    )


def keywords(function):
    parameters = inspect.signature(function).parameters.values()
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


NOT_TYPED = {"estimate", "executor", "progress"}


def test_an_input_that_the_loss_does_not_depend_on():
    net = graphnn.loads("""
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 2]}
  a: {op: affine, inputs: x, units: 2}
  loss: {op: mean_squared_error, inputs: [a, t]}
""")
    with pytest.raises(UsageError) as caught:
        graphnn.backprop(net, x=np.ones((1, 2)), loss="a", only="t")
    assert str(caught.value) == (
        "error[unknown-parameter]: the loss does not depend on the input 't'"
    )

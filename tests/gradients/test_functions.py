"""Gradients of functions of arrays, checked by the numerical gradient's loop."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.gradients.numerical import functions


def network(x, w, b, v):
    """Sum of squares of a layer of tanh; its gradient is worked out below."""
    return float((np.tanh(x @ w + b) @ v).sum() ** 2)


def slopes(x, w, b, v):
    z = np.tanh(x @ w + b)
    outer = 2 * (z @ v).sum()
    d = outer * v * (1 - z**2)
    return {"w": x.T @ d, "b": d.sum(axis=0), "v": outer * z.sum(axis=0)}


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"x": (4, 3), "w": (3, 5), "b": (5,), "v": (5,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_a_right_gradient_agrees_and_one_entry_that_is_off_is_named():
    given = arrays()
    report = graphnn.check_function(network, given, slopes)
    assert (report.ok, report.counts["agree"]) == (True, 25)
    wrong = slopes(**given)
    wrong["w"][1, 3] *= 1.01
    report = graphnn.check_function(network, given, wrong)
    assert report.counts["wrong backward"] == 1
    assert report.wrong[0].worst.line(1, 15).startswith("w[1,3]: wrong backward (1 of 15), given ")


def test_an_entry_that_is_off_is_named_however_small_the_gradient():
    given = arrays()

    def scaled(**each):
        return 1e-14 * network(**each)

    small = {name: 1e-14 * slope for name, slope in slopes(**given).items()}
    assert max(abs(slope).max() for slope in small.values()) < 1e-12
    assert graphnn.check_function(scaled, given, small).ok
    small["w"][1, 3] *= 1.01
    assert graphnn.check_function(scaled, given, small).counts["wrong backward"] == 1


def test_it_finds_the_derivative_that_is_known():
    found = graphnn.check_function(
        lambda x: np.exp(x).sum(), {"x": [0.0, 1.0]}, {"x": np.exp([0, 1])}
    )
    estimate = found.parameters[0].estimate
    assert (np.abs(estimate.value - np.exp([0, 1])) < estimate.error * 3).all()
    fine = graphnn.check_function(
        lambda x: np.exp(x).sum(), {"x": [0.0, 1.0]}, {"x": np.exp([0, 1])}, order=4
    )
    assert (fine.parameters[0].estimate.error < estimate.error).all()


@pytest.mark.parametrize("place", [0.0, 1e-6, 2.4e-6, 3e-6, 5e-6, 8e-6, 1e-5, -1e-6, -4e-6])
def test_a_kink_is_called_no_wrong_backward_pass(place):
    report = graphnn.check_function(
        lambda x: 1 + 3 * np.maximum(x, 0).sum(), {"x": [place]}, {"x": [3.0 * (place > 0)]}
    )
    assert report.counts["kink"] + report.counts["unresolved"] + report.counts["agree"] == 1
    if 0 <= place < 2e-6:
        assert str(report).splitlines()[1].startswith("  x[0]: kink at 'x'[0] (1 of 1), given ")


@pytest.mark.parametrize("place", [-1.0, 1e-3, 1.0, 40.0])
@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (lambda x: x**4, lambda x: 4 * x**3),
        (lambda x: x, np.ones_like),
        (lambda x: np.tanh(30 * x), lambda x: 30 * (1 - np.tanh(30 * x) ** 2)),
    ],
)
def test_a_smooth_function_has_no_kinks(function, slope, place):
    for other in (0.0, 1e3):
        x = np.array([place])
        report = graphnn.check_function(
            lambda x, other=other: function(x).sum() + other, {"x": x}, {"x": slope(x)}
        )
        assert report.ok
        assert not report.parameters[0].estimate.kink.any()


def test_a_wrong_gradient_is_not_excused_by_a_kink_elsewhere():
    report = graphnn.check_function(
        lambda x: np.abs(x).sum() + (x**2).sum(), {"x": [0.0, 1.0]}, {"x": [0.0, 3.03]}
    )
    assert report.counts["wrong backward"] == 1


def test_an_argument_that_is_not_a_number_is_not_called_modified():
    given = {"x": [1.0], "rest": [np.nan]}
    assert graphnn.check_function(lambda x, rest: x.sum(), given, {"x": [1.0]}).ok


def test_whole_numbers_are_passed_on_and_arrays_left_out():
    def take(table, index):
        assert index.dtype.kind == "i"
        return table[index].sum()

    given = {"table": np.ones(4), "index": [1, 1, 2]}
    assert graphnn.check_function(take, given, {"table": [0, 2.0, 1, 0]}).ok
    assert graphnn.check_function(network, arrays(), slopes, only="v").counts["agree"] == 5
    drawn = graphnn.check_function(network, arrays(), slopes, entries=7)
    assert sum(drawn.counts.values()) == 7


def test_progress_counts_entries_of_all_arrays():
    seen = []
    graphnn.check_function(
        lambda x, y: x.sum() + y.sum(),
        {"x": np.zeros(2), "y": np.zeros(3)},
        {"x": np.ones(2), "y": np.ones(3)},
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_sample_is_that_of_the_seed():
    reports = [
        graphnn.check_function(network, arrays(), slopes, entries=5, **seed)
        for seed in ({}, {"seed": 0}, {"seed": 1})
    ]
    taken = [[found.verdicts.tolist() for found in report.parameters] for report in reports]
    assert taken[0] == taken[1] != taken[2]


def test_without_steps_to_both_sides_no_kink_is_seen():
    loop = functions.FunctionLoop(lambda x: abs(x).sum(), {"x": np.zeros(1)})
    for offsets in ([-2e-6, -1e-6], [1e-6, 2e-6], [-1e-6, 1e-6], [-2e-6, 1e-6, 2e-6]):
        assert not loop.differences("x", offsets, lambda done: None, None).crossed.any()
    both = [-2e-6, -1e-6, 1e-6, 2e-6]
    assert loop.differences("x", both, lambda done: None, None).crossed.all()


def test_float32_is_granted_what_it_rounds():
    given = arrays()
    narrow = {name: array.astype("f4") for name, array in slopes(**given).items()}
    report = graphnn.check_function(network, given, narrow)
    assert report.ok
    assert "25 entries in float32" in str(report)


@pytest.mark.parametrize(
    ("function", "gradient", "options", "message"),
    [
        (np.sin, {"x": [1.0, 1.0]}, {}, "the function gives float64 of shape [2]"),
        (lambda x: x.sum(), {"x": [1.0]}, {}, "'x' has shape [2], but its gradient [1]"),
        (
            lambda x: x.sum(),
            {"y": [1.0]},
            {},
            "there is no array of real numbers 'y' to check\n   = help: there are x",
        ),
        (lambda x: x.sum(), {"n": [1.0]}, {}, "there is no array of real numbers 'n' to check"),
        (lambda x: x.sum(), [1.0], {}, "the gradient is not a mapping from names to arrays"),
        (lambda x: x.sum(), {}, {}, "the gradient is of no array\n   = help: there are x"),
        (
            lambda x: x.sum(),
            {"x": [[1.0, 1.0]] * 3},
            {},
            "'x' has shape [2], but its gradient [3, 2]\n"
            "   = help: it may lack the sum over rows: give its '.sum(axis=0)'",
        ),
        (
            lambda x: x.sum(),
            {"x": ["a", "b"]},
            {},
            "the gradient of 'x' is not an array of numbers",
        ),
        (lambda x: x.sum(), {"x": [1.0, 1]}, {"only": "z"}, "there is no array of real numbers 'z"),
        (lambda x: x.sum(), {"x": [1.0, 1]}, {"only": []}, "'only' selects nothing"),
        (lambda x: x.sum(), {"x": [1.0, 1]}, {"only": 3}, "a name is text, not 3"),
        (lambda x: x.sum(), {"x": [1.0, 1]}, {"progress": 3}, "'progress' must be a function of"),
        (lambda x: x.sum(), {"x": [1.0, 1]}, {"step": -1}, "the step must be positive, not -1"),
        (lambda x: x.sort() or 1.0, {"x": [1.0, 1]}, {}, "the function modifies its argument 'x'"),
    ],
)
def test_what_cannot_be_checked(function, gradient, options, message):
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(
            lambda x, n=0: function(x), {"x": [2.0, 1.0], "n": [1]}, gradient, **options
        )
    assert message in str(caught.value)


def test_a_function_that_gives_another_value_each_time_is_refused():
    values = iter([1.5, 1.25])
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(lambda x: next(values), {"x": [1.0]}, {"x": [0.0]})
    assert str(caught.value) == (
        "error[bad-value]: the function gives 1.5, and then 1.25\n"
        "   = help: let it give the same for the same arrays, as by a fixed seed"
    )


def test_two_derivatives_that_are_nearly_the_same_are_shown_in_full():
    report = graphnn.check_function(lambda x: x.sum() ** 2, {"x": [1.0]}, {"x": [2 + 3e-9]})
    assert "wrong backward (1 of 1), given 2.0000000029999998, numerical 1.9999999999" in str(
        report
    )
    report = graphnn.check_function(lambda x: x.sum() ** 2, {"x": [1.0]}, {"x": [2 + 1e-12]})
    assert "agree, given 2, numerical 2 " in str(report)


def narrow(x, dtype):
    return (x.astype(dtype) ** 2).sum()


@pytest.mark.parametrize(
    ("function", "dtype"),
    [
        (lambda x: narrow(x, np.float32), "float32"),
        (lambda x: narrow(x, np.float16), "float16"),
        (lambda x: float(narrow(x, np.float32)), "float32"),
    ],
)
def test_a_function_that_computes_in_a_lower_precision_is_refused(function, dtype):
    """What it rounds looks like kinks, which would excuse the gradient, 5 % off."""
    x = np.random.default_rng(0).normal(size=6)
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(function, {"x": x}, {"x": 2.1 * x})
    assert str(caught.value) == (
        f"error[bad-dtype]: the function computes in {dtype}\n"
        "   = help: let it compute in float64, from the arrays on, or its differences are roundings"
    )


@pytest.mark.parametrize("value", [1.5, 3.0])
def test_numbers_that_float32_has_are_those_of_float64_too(value):
    """As of a function that is constant, or one whose argument alone is such a number."""
    x, n = np.array([value]), np.array([2])
    assert graphnn.check_function(lambda x, n: x.sum() * n[0], {"x": x, "n": n}, {"x": [2.0]}).ok
    assert graphnn.check_function(lambda x: value, {"x": x}, {"x": [0.0]}).ok


def test_a_gradient_that_modifies_its_arguments_is_refused():
    """Or the function is checked elsewhere, where this gradient is right."""

    def doubled(x):
        x *= 2
        return {"x": 2 * x}

    x = np.array([1.0, 2.0])
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(lambda x: (x**2).sum(), {"x": x}, doubled)
    assert str(caught.value) == (
        "error[bad-value]: the gradient modifies its argument 'x'\n   = help: let it work on a copy"
    )
    assert x.tolist() == [1.0, 2.0]


def test_a_gradient_in_memory_that_the_function_writes_to_is_kept():
    slope = np.zeros(2)

    def value(x):
        np.multiply(2, x, out=slope)
        return (x**2).sum()

    def gradient(x):
        value(x)
        return {"x": slope}

    report = graphnn.check_function(value, {"x": [1.0, 2.0]}, gradient)
    assert report.counts["agree"] == 2, str(report)


def test_two_values_that_are_nearly_the_same_are_shown_in_full():
    values = iter([1 / 3, 1 / 3 + 1e-15])
    with pytest.raises(graphnn.UsageError, match=r"gives 0\.333+, and then 0\.333+4\d?\n"):
        graphnn.check_function(lambda x: next(values), {"x": [1.0]}, {"x": [0.0]})


@pytest.mark.parametrize(
    ("found", "message"),
    [(None, "the function gives None"), (np.zeros(2), "the function gives float64 of shape [2]")],
)
def test_what_is_no_number_is_named(found, message):
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(lambda x: found, {"x": [1.0]}, {"x": [0.0]})
    assert str(caught.value) == (
        f"error[wrong-shape]: {message}\n   = help: let it give one real number"
    )


def test_names_of_arrays_are_texts():
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.check_function(len, {0: [1.0]}, lambda **given: given)
    assert str(caught.value) == "error[bad-option]: a name is text, not 0"


def test_what_is_no_function_is_refused():
    with pytest.raises(graphnn.UsageError, match="'function' is 5, not a function of the arrays"):
        graphnn.check_function(5, {"x": [1.0]}, {"x": [0.0]})


def test_a_value_that_is_not_finite():
    with pytest.raises(graphnn.RunError, match="the value of the function is nan"):
        graphnn.check_function(lambda x: np.nan, {"x": [1.0]}, {"x": [1.0]})


def test_an_interruption_keeps_what_was_reached():
    calls = []

    def slow(x):
        calls.append(1)
        if len(calls) > 10:
            raise KeyboardInterrupt
        return x.sum()

    with pytest.raises(graphnn.Interrupted) as caught:
        graphnn.check_function(slow, {"x": np.arange(9.0)}, {"x": np.ones(9)})
    assert caught.value.done == 2
    assert caught.value.report.counts["agree"] == 2


def test_a_kink_that_is_not_looked_for_is_unresolved(monkeypatch):
    monkeypatch.setattr(functions.FunctionLoop, "_bent", lambda *given: False)
    report = graphnn.check_function(lambda x: np.maximum(x, 0).sum(), {"x": [0.0]}, {"x": [0.0]})
    assert report.counts["unresolved"] == 1

"""Step rules, difference rules and extrapolations, the library's own and a user's."""

import numpy as np
import pytest

import graphnn
from gradient_cases import digits
from graphnn.gradients.numerical.rules import (
    CENTRAL,
    EXTRAPOLATIONS,
    FORWARD,
    RICHARDSON,
    STEPS,
    DifferenceRule,
    Extrapolation,
)
from tables import cases

EXP = "{graphnn: 1, nodes: {x: {op: parameter, value: [0.0, 1.0]}, y: {op: exp, inputs: x}, "


def exponential():
    """The sum of exp(x) at 0 and 1, whose derivatives are all 1 and e."""
    return graphnn.loads(EXP + "f: {op: sum, inputs: y}}}")


def taken(**options):
    return graphnn.numerical_gradient(exponential(), **options)["x.value"]


@pytest.mark.parametrize(
    ("options", "remainder"),
    [
        # Taylor: what is left of exp's own series, over its value, at h = 1e-2.
        ({"rule": "forward"}, 1e-2 / 2),
        ({"rule": "central"}, 1e-4 / 6),
        ({"order": 4}, -4e-8 / 120),
        ({"extrapolation": "richardson"}, -4e-8 / 120),
    ],
)
def test_the_remainder_is_that_of_taylors_series(options, remainder):
    found = taken(step=1e-2, **options)
    exact = np.exp([0.0, 1.0])
    np.testing.assert_allclose((found.value - exact) / exact, remainder, rtol=1e-2)
    error = np.abs(found.value - exact)
    assert (error <= 2 * found.error).all()
    assert (found.error <= 100 * error).all()


def test_richardson_of_the_central_rule_is_the_central_rule_of_order_4():
    one = taken(step=1e-3, extrapolation="richardson").value
    np.testing.assert_allclose(one, taken(step=1e-3, order=4).value, rtol=1e-12)


def test_richardson_of_the_forward_rule_is_of_order_2():
    # 2 D(h) - D(2h) is the rule with weights -3/2, 2, -1/2.
    one = taken(step=1e-3, rule="forward", extrapolation="richardson").value
    own = DifferenceRule({0: -1.5, 1: 2.0, 2: -0.5}, 2)
    np.testing.assert_allclose(one, taken(step=1e-3, rule=own).value, rtol=1e-11)


@pytest.mark.parametrize("method", ["probes", "loop"])
def test_a_difference_rule_of_ones_own(method):
    # Fornberg 1988, table 3: one-sided, third order. By Taylor's series its remainder is h^3 times
    # the fourth derivative times sum(w k^4) / 4!, which is (3 - 24 + 27) / 24.
    own = DifferenceRule({0: -11 / 6, 1: 3.0, 2: -1.5, 3: 1 / 3}, 3)
    assert own.default_step() == pytest.approx(np.finfo(float).eps ** 0.25)
    found = taken(rule=own, step=1e-2, method=method)
    exact = np.exp([0.0, 1.0])
    np.testing.assert_allclose((found.value - exact) / exact, 1e-6 / 4, rtol=3e-2)
    assert (np.abs(found.value - exact) <= 2 * found.error).all()


def test_a_step_rule_of_ones_own():
    seen = []

    def tenth(values, rule):
        seen.append((values.tolist(), rule))
        return 0.1

    found = taken(rule="forward", step=tenth)
    assert seen == [([0.0, 1.0], FORWARD)]
    np.testing.assert_allclose(found.value, np.exp([0.0, 1.0]) * (np.exp(0.1) - 1) / 0.1)


def test_the_relative_step_grows_with_the_parameter():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {w: {op: parameter, value: [3000, 4000]}, "
        "s: {op: power, inputs: w, exponent: 3}, f: {op: sum, inputs: s}}}"
    )
    exact = 3 * np.square([3000.0, 4000.0])
    found = graphnn.numerical_gradient(net, step="relative")["w.value"]
    # A central difference of a cube is off by h^2, which gives the step: the root mean square of
    # 3000 and 4000 times the cube root of epsilon.
    h = np.finfo(float).eps ** (1 / 3) * np.sqrt((3000**2 + 4000**2) / 2)
    np.testing.assert_allclose(found.value, exact, rtol=1e-9)
    coarse = graphnn.numerical_gradient(net, step=lambda values, rule: 1e4 * h)["w.value"]
    np.testing.assert_allclose(coarse.value - exact, (1e4 * h) ** 2, rtol=1e-9)
    default = graphnn.numerical_gradient(net)["w.value"]
    assert np.abs(found.value - exact).max() < np.abs(default.value - exact).max()


def test_an_extrapolation_of_ones_own():
    def least(found, order):
        """The two nearest of three, and how far they are apart."""
        return found[0], np.abs(found[1] - found[0])

    own = Extrapolation((1, 2, 3), least)
    found = taken(step=1e-2, extrapolation=own)
    np.testing.assert_array_equal(found.value, taken(step=1e-2).value)
    # Compared by the library, a third of that is the error of a rule of order 2.
    np.testing.assert_allclose(found.error, 3 * taken(step=1e-2).error, rtol=1e-9)


def test_an_extrapolation_keeps_its_value_where_no_error_is_asked_for():
    for name in ("richardson", RICHARDSON):
        found = taken(step=1e-2, extrapolation=name, estimate=False)
        np.testing.assert_array_equal(
            found.value, taken(step=1e-2, extrapolation="richardson").value
        )
        assert np.isnan(found.error).all()


@cases(
    r"""
    options= | expected
    {"extrapolation": "richardsen"}
        | error[unknown-extrapolation]: there is no extrapolation 'richardsen'
        \n   = help: did you mean 'richardson'?
    {"step": "half"}
        | error[unknown-step-rule]: there is no step rule 'half'
        \n   = help: there are balanced and relative
    {"rule": CENTRAL, "order": 4}
        | error[unknown-order]: the rule given has order 2, not 4\n   = help: leave 'order' out
    {"step": lambda values, rule: -1.0} | error[bad-step]: the step must be positive, not -1.0
    """,
    CENTRAL=CENTRAL,
)
def test_a_rule_that_is_not_there(options, expected):
    net, inputs = digits()
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.numerical_gradient(net, inputs, **options)
    assert str(caught.value) == expected


def test_the_balanced_step_is_the_default():
    for rule in ("forward", "central"):
        default = taken(rule=rule).value
        np.testing.assert_array_equal(taken(rule=rule, step="balanced").value, default)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_extrapolations_take_off_the_leading_error(order):
    """Of derivatives ``5 + 3 h^order`` at 1, 2 and 4 steps."""
    found = [np.array([5.0 + 3 * stretch**order]) for stretch in (1, 2, 4)]
    value, error = EXTRAPOLATIONS["richardson"].combine(found, order)
    assert (value, error) == (5, 0)
    value, error = EXTRAPOLATIONS["compared"].combine(found[:2], order)
    assert (value, error) == (8, 3)
    # What is left of the next order is what the error estimates.
    found = [np.array([5.0 + 3 * stretch ** (order + 1)]) for stretch in (1, 2, 4)]
    value, error = EXTRAPOLATIONS["richardson"].combine(found, order)
    assert error == pytest.approx(np.abs(value - 5))


def test_the_relative_step_is_never_below_the_balanced_one():
    for size in (0.0, 0.5, 1.0):
        assert STEPS["relative"](np.full(3, size), CENTRAL) == CENTRAL.default_step()
    assert STEPS["relative"](np.full(3, 1.5), CENTRAL) == 1.5 * CENTRAL.default_step()

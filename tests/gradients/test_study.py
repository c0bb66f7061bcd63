"""The step study shows what numerical analysis says of it."""

import numpy as np
import pytest

import graphnn

CUBE = (
    "{graphnn: 1, nodes: {x: {op: parameter, value: 1.0}, f: {op: power, inputs: x, exponent: 3}}}"
)


def test_the_study_of_a_cube():
    study = graphnn.step_study(graphnn.loads(CUBE), "x.value")
    assert study.reference == pytest.approx(3.0, rel=1e-15)
    h = study.steps
    np.testing.assert_allclose(h[:20], [10.0**-k for k in range(1, 21)])
    assert h[20] == 10e-50
    # (1 + h)^3 = 1 + 3 h + 3 h^2 + h^3: forward is off by 3 h + h^2, central by h^2.
    coarse = slice(0, 3)
    np.testing.assert_allclose(
        study.forward_error[coarse], 3 * h[coarse] + h[coarse] ** 2, rtol=1e-6
    )
    np.testing.assert_allclose(study.central_error[coarse], h[coarse] ** 2, rtol=1e-6)
    # Below half the spacing of numbers at 1, the parameter does not move at all.
    assert (study.central[h < 1e-16] == 0).all()
    assert (study.forward[h < 1e-16] == 0).all()
    assert (study.central_error[h < 1e-16] == study.reference).all()
    # 1e-4 is a sound choice for the central rule: nothing here is a hundred times better.
    at = int(np.flatnonzero(np.isclose(h, 1e-4))[0])
    assert study.central_error[at] < 1e-7


def test_an_entry_of_a_matrix():
    net = graphnn.loads(
        "{graphnn: 1, nodes: {w: {op: parameter, value: [[1, 2], [3, 4]]}, "
        "s: {op: power, inputs: w, exponent: 2}, f: {op: sum, inputs: s}}}"
    )
    study = graphnn.step_study(net, "w.value[1, 0]")
    assert study.entry == "w.value[1,0]"
    assert study.reference == 6.0


@pytest.mark.parametrize(
    "entry", ["w.value", "w.value[2,0]", "w.value[0]", "w.value[a,b]", "w.value[-1,0]"]
)
def test_an_entry_that_is_not_there(entry):
    net = graphnn.loads(
        "{graphnn: 1, nodes: {w: {op: parameter, value: [[1, 2], [3, 4]]}, "
        "f: {op: sum, inputs: w}}}"
    )
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.step_study(net, entry)
    assert str(caught.value) == (
        f"error[unknown-entry]: '{entry}' is not an entry of 'w.value', whose shape is [2, 2]\n"
        "   = help: such as w.value[1,1]"
    )


def test_a_parameter_that_is_not_there():
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.step_study(graphnn.loads(CUBE), "y.value[0]")
    assert str(caught.value) == (
        "error[unknown-parameter]: the network has no parameter 'y.value'\n"
        "   = help: did you mean 'x.value'?"
    )

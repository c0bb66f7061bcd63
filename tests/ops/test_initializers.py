"""Initializers: the distributions that the literature prescribes."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
from pydantic import ValidationError

import graphnn
from graphnn.diagnostics import SpecError
from graphnn.execution.network import _start
from graphnn.graph import Origin, Parameter
from graphnn.ops.initializers import INITIALIZERS, Initializer, _Scaled, fans
from graphnn.spec.values import Scalar
from tables import cases

SHAPE = (300, 200)


FILTERS = "out in ..."


NONE = "there is no initializer '{}' for 'a.weight'"


def draw(name, shape=SHAPE, layout="... out", **options):
    return INITIALIZERS[name](**options).draw(np.random.default_rng(0), shape, layout)


def test_names():
    assert sorted(INITIALIZERS) == [
        *("constant", "he", "lecun", "normal", "ones", "orthogonal", "truncated_normal", "uniform"),
        *("xavier", "zeros"),
    ]


@pytest.mark.parametrize("name", sorted(INITIALIZERS.keys() - {"constant"}))
@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 2), (2, 3), (2, 3, 4), (4, 3, 2)])
def test_shape_dtype_and_repetition(name, shape):
    first, second = draw(name, shape), draw(name, shape)
    assert np.shape(first) == shape
    assert np.asarray(first).dtype == np.float64
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()


def test_fixed_values():
    assert (draw("zeros") == 0).all()
    assert (draw("ones") == 1).all()
    assert (draw("constant", value=0.7) == 0.7).all()


def test_seeds_draw_what_they_always_drew():
    # Published numbers of training hang on these draws, bit for bit.
    for name, variance in (("xavier", 2 / 500), ("he", 2 / 300), ("lecun", 1 / 300)):
        std = np.sqrt(variance)
        expected = np.random.default_rng(0).normal(0, std, SHAPE)
        assert np.array_equal(draw(name), expected)
        expected = np.random.default_rng(0).uniform(-std * np.sqrt(3), std * np.sqrt(3), SHAPE)
        assert np.array_equal(draw(name, distribution="uniform"), expected)
    assert np.array_equal(draw("normal"), np.random.default_rng(0).normal(0, 0.01, SHAPE))
    assert np.array_equal(draw("uniform"), np.random.default_rng(0).uniform(-0.05, 0.05, SHAPE))


def truncated(cut):
    """Variance and kurtosis of a standard normal number within `cut`, by integration."""
    x = np.linspace(-cut, cut, 100_001)
    density = np.exp(-(x**2) / 2)
    total, second, fourth = (np.trapezoid(density * x**power, x) for power in (0, 2, 4))
    return second / total, (fourth / total) / (second / total) ** 2


NORMAL, UNIFORM = 3.0, 1.8  # kurtosis
XAVIER, HE, LECUN = 2 / 500, 2 / 300, 1 / 300
CASES = [
    ("normal", {}, 0.01**2, NORMAL),
    ("normal", {"std": 2.0}, 4.0, NORMAL),
    ("uniform", {}, 0.1**2 / 12, UNIFORM),
    ("xavier", {}, XAVIER, NORMAL),
    ("xavier", {"distribution": "uniform"}, XAVIER, UNIFORM),
    ("xavier", {"gain": 5 / 3}, XAVIER * 25 / 9, NORMAL),
    ("he", {}, HE, NORMAL),
    ("he", {"distribution": "uniform"}, HE, UNIFORM),
    ("he", {"distribution": "uniform", "gain": 0.5}, HE / 4, UNIFORM),
    ("lecun", {}, LECUN, NORMAL),
    ("lecun", {"distribution": "uniform"}, LECUN, UNIFORM),
    ("truncated_normal", {}, 0.01**2 * truncated(2)[0], truncated(2)[1]),
    *(
        ("truncated_normal", {"std": 3.0, "cut": cut}, 9 * truncated(cut)[0], truncated(cut)[1])
        for cut in (0.01, 0.5, 0.99, 1.0, 3.0, 8.0)
    ),
]


@pytest.mark.parametrize(("name", "options", "variance", "kurtosis"), CASES)
def test_variance(name, options, variance, kurtosis):
    numbers = draw(name, **options)
    # Of n independent numbers, within five standard errors of the mean and of the variance.
    error = math.sqrt((kurtosis - 1) / numbers.size)
    assert abs(numbers.var() / variance - 1) < 5 * error
    assert abs(numbers.mean()) < 5 * math.sqrt(variance / numbers.size)


@pytest.mark.parametrize("cut", [0.01, 0.5, 1.0, 2.0, 3.0])
def test_truncated_variance_is_the_formula(cut):
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    formula = 1 - 2 * cut * density / math.erf(cut / math.sqrt(2))
    assert truncated(cut)[0] == pytest.approx(formula, rel=1e-6)
    if cut == 2:
        assert formula == pytest.approx(0.774, abs=5e-4)  # which the docstring states


@pytest.mark.parametrize("cut", [0.01, 0.5, 1.0, 2.0, 3.0])
def test_truncated_numbers_stay_within_the_cut_and_fill_it(cut):
    numbers = draw("truncated_normal", mean=5.0, std=2.0, cut=cut)
    outermost = np.abs(numbers - 5).max()
    assert 0.98 * 2 * cut < outermost <= 2 * cut * (1 + 1e-12)


def test_truncated_numbers_have_the_shape_of_the_density():
    # Within the cut of 2, the share within 1 is that of the normal distribution.
    numbers = draw("truncated_normal", std=1.0)
    share = math.erf(1 / math.sqrt(2)) / math.erf(2 / math.sqrt(2))
    error = math.sqrt(share * (1 - share) / numbers.size)
    assert abs((np.abs(numbers) < 1).mean() - share) < 5 * error
    numbers = draw("truncated_normal", std=1.0, cut=0.9)
    share = math.erf(0.45 / math.sqrt(2)) / math.erf(0.9 / math.sqrt(2))
    assert abs((np.abs(numbers) < 0.45).mean() - share) < 5 * error


# Orthogonal


@pytest.mark.parametrize("gain", [1.0, math.sqrt(2)])
@pytest.mark.parametrize("shape", [(100, 100), (100, 30), (30, 100), (10, 1), (1, 10)])
def test_orthogonal_rows_or_columns(shape, gain):
    matrix = draw("orthogonal", shape, gain=gain)
    product = matrix.T @ matrix if shape[0] >= shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), rtol=0, atol=1e-12)
    assert matrix.flags.c_contiguous


@pytest.mark.parametrize(
    ("shape", "layout", "matrix"),
    [
        ((4, 5, 6), "... out", lambda w: w.reshape(20, 6).T),
        ((8, 3, 5, 5), FILTERS, lambda w: w.reshape(8, 75)),
        ((80, 3, 5, 5), FILTERS, lambda w: w.reshape(80, 75).T),
        ((3, 8, 5, 5), "in out ...", lambda w: w.transpose(1, 0, 2, 3).reshape(8, 75)),
    ],
)
def test_orthogonal_arrays_are_matrices_of_outputs_by_the_rest(shape, layout, matrix):
    rows = matrix(draw("orthogonal", shape, layout))
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), rtol=0, atol=1e-12)


def test_orthogonal_matrices_are_uniform():
    # Of a uniform orthogonal matrix the trace has mean 0 and variance 1 (Diaconis and Shahshahani
    # 1994). Without the signs, LAPACK's Q has a negative diagonal: the mean is far from 0.
    rng = np.random.default_rng(0)
    start = INITIALIZERS["orthogonal"]()
    traces = [np.trace(start.draw(rng, (5, 5))) for _ in range(2000)]
    assert abs(np.mean(traces)) < 5 / math.sqrt(2000)
    assert abs(np.var(traces) - 1) < 5 * math.sqrt(2 / 2000)


# Fans


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((784, 50), "... out", (784, 50)),
        ((10, 30, 200), "... out", (300, 200)),
        ((7,), "... out", (1, 7)),
        ((), "... out", (1, 1)),
        ((16, 3, 5, 5), FILTERS, (75, 400)),
        ((16, 1, 5, 5), FILTERS, (25, 400)),
        ((16, 3), FILTERS, (3, 16)),
        ((3, 16, 5, 5), "in out ...", (75, 400)),
        ((5, 3, 16), "... in out", (15, 80)),
        ((16,), FILTERS, (1, 16)),
    ],
)
def test_fans(shape, layout, expected):
    assert fans(shape, layout) == expected


@pytest.mark.parametrize(
    ("name", "variance"), [("xavier", 2 / 475), ("he", 2 / 75), ("lecun", 1 / 75)]
)
def test_the_spread_of_filters(name, variance):
    numbers = draw(name, (16, 3, 5, 5), FILTERS)
    expected = np.random.default_rng(0).normal(0, np.sqrt(variance), (16, 3, 5, 5))
    np.testing.assert_allclose(numbers, expected, rtol=1e-14)


def test_a_network_starts_its_parameters_by_their_layout():
    start = INITIALIZERS["he"]()
    origin = Origin(Scalar("f"), start, layout=FILTERS)
    made = Parameter("f.filters", (16, 3, 5, 5), origin, trainable=True, learned=True)
    found = _start(made, np.dtype("float64"), 7)
    rng = np.random.default_rng([7, zlib.crc32(b"f.filters")])
    np.testing.assert_array_equal(found, start.draw(rng, (16, 3, 5, 5), FILTERS))


def test_the_layout_of_an_operand_reaches_the_graph(monkeypatch):
    from dataclasses import replace

    from graphnn.ops.families.linear import Affine

    weight, bias = Affine.parameter_operands()
    kept = (replace(weight, layout="out ..."), bias)
    monkeypatch.setattr(Affine, "parameter_operands", classmethod(lambda cls: kept))
    for given in ("", ", weight: lecun"):
        spec = f"""
        graphnn: 1
        nodes:
          x: {{op: input, shape: [batch, 30]}}
          a: {{op: affine, inputs: x, units: 20{given}}}
        """
        origins = {p.name: p.origin for p in graphnn.loads(spec).graph.parameters.values()}
        assert origins["a.weight"].layout == "out ..."
        assert origins["a.bias"].layout == "... out"


def test_every_initializer_can_be_asked_for_by_a_spec():
    options = {
        "constant": "{value: 0.5}",
        "normal": "{mean: 1, std: 0.1}",
        "uniform": "{low: -1, high: 1}",
        "truncated_normal": "{mean: 1, std: 0.1, cut: 1.5}",
        "xavier": "{distribution: uniform, gain: 2}",
        "he": "{distribution: uniform, gain: 2}",
        "lecun": "{distribution: uniform, gain: 2}",
        "orthogonal": "{gain: 2}",
    }
    for name, kind in INITIALIZERS.items():
        spec = f"""
        graphnn: 1
        nodes:
          x: {{op: input, shape: [batch, 30]}}
          a: {{op: affine, inputs: x, units: 20, weight: {{{name}: {options.get(name, "{}")}}}}}
        """
        network = graphnn.loads(spec, seed=3)
        start = network.graph.parameters["a.weight"].origin.start
        assert isinstance(start, kind)
        rng = np.random.default_rng([3, zlib.crc32(b"a.weight")])
        np.testing.assert_array_equal(network.parameters["a.weight"], start.draw(rng, (30, 20)))


def test_mean_and_bounds():
    assert abs(draw("normal", mean=3.0).mean() - 3) < 1e-3
    numbers = draw("uniform", low=1.0, high=2.0)
    assert 1 <= numbers.min() < 1.001
    assert 1.999 < numbers.max() < 2
    bound = np.sqrt(6 / 500)  # Glorot and Bengio 2010, eq. 16
    numbers = np.abs(draw("xavier", distribution="uniform"))
    assert 0.999 * bound < numbers.max() <= bound


@pytest.mark.parametrize("options", [{"low": 1.0}, {"low": 0.5, "high": 0.5}])
def test_bounds_the_wrong_way_round(options):
    with pytest.raises(ValidationError) as caught:
        INITIALIZERS["uniform"](**options)
    (error,) = caught.value.errors()
    high = options.get("high", 0.05)
    assert error["loc"] == ("high",)
    assert error["msg"] == f"Value error, {high} is not above 'low', {options['low']}"


def test_a_bound_that_is_no_number_is_reported_once():
    with pytest.raises(ValidationError) as caught:
        INITIALIZERS["uniform"](low="x", high=1.0)
    assert [error["loc"] for error in caught.value.errors()] == [("low",)]


def test_a_rule_draws_its_own_numbers():
    with pytest.raises(NotImplementedError):
        Initializer().draw(np.random.default_rng(0), (1,))
    with pytest.raises(NotImplementedError):
        _Scaled().draw(np.random.default_rng(0), (1,))


@cases(
    """
    given | message= | help
    he_normal | NONE.format("he_normal") | write {he: {distribution: normal}}
    xavier_uniform | NONE.format("xavier_uniform") | write {xavier: {distribution: uniform}}
    kaiming_uniform_ | NONE.format("kaiming_uniform_") | write {he: {distribution: uniform}}
    GlorotNormal | NONE.format("GlorotNormal") | write {xavier: {distribution: normal}}
    lecun_normal | NONE.format("lecun_normal") | write {lecun: {distribution: normal}}
    glorot | NONE.format("glorot") | write xavier
    kaiming | NONE.format("kaiming") | write he
    {glorot_uniform: {}} | NONE.format("glorot_uniform") | write {xavier: {distribution: uniform}}
    random_normal | NONE.format("random_normal") | write normal
    {constant: 3} | "the options of 'constant' must be a mapping, not 3"
        | write {constant: {value: 3}}
    {orthogonal: 0.5} | "the options of 'orthogonal' must be a mapping, not 0.5"
        | write {orthogonal: {gain: 0.5}}
    {he: 2} | "the options of 'he' must be a mapping, not 2" | 'he' takes distribution, gain
    """,
    NONE=NONE,
)
def test_what_other_libraries_call_an_initializer(given, message, help):
    spec = f"""
    graphnn: 1
    nodes:
      x: {{op: input, shape: [batch, 3]}}
      a: {{op: affine, inputs: x, units: 2, weight: {given}}}
    """
    with pytest.raises(SpecError) as caught:
        graphnn.loads(spec)
    assert [(found.message, found.help) for found in caught.value.diagnostics] == [(message, help)]
    # What the help says is taken.
    if help.startswith("write "):
        graphnn.loads(spec.replace(given, help.removeprefix("write ")))

"""Optimizers against their formulas written out, and what they are known by; schedules."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import TrainingError
from graphnn.training import OPTIMIZERS, SCHEDULES
from graphnn.training.fitting import optimizers
from graphnn.training.fitting.optimizers import Course, clip
from graphnn.training.fitting.schedules import Constant, Cosine, Schedule, Step
from tables import cases

SHAPES = {"w": (4, 3), "b": (3,), "scalar": ()}
STEPS = 10
RATE = 0.05
COURSE = Course(epochs=STEPS, steps=1)


def start(seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {name: np.array(rng.normal(size=shape), dtype) for name, shape in SHAPES.items()}


def gradients(dtype=np.float64):
    """Of very different sizes, and with one entry that never moves."""
    found = []
    for step in range(STEPS):
        grads = start(step + 1, dtype)
        grads["w"] *= 10.0 ** np.arange(-2, 2)[:, None].astype(dtype)
        grads["w"][0, 0] = 0
        found.append(grads)
    return found


def walk(optimizer, dtype=np.float64):
    """Parameters after the steps along `gradients`, and the state."""
    parameters = start(dtype=dtype)
    state = optimizer.start(parameters, COURSE)
    for grads in gradients(dtype):
        optimizer.step(state, parameters, grads)
    return parameters, state


# The rules, each as its paper or torch's page on it has it, for one array and one step after
# another: a generator that is sent a gradient and the parameter and gives the step.


def sgd(options):
    step = None
    while True:
        g = yield step
        step = RATE * g


def momentum(options):
    mu, v, step = options.get("momentum", 0.9), 0, None
    while True:
        g = yield step
        v = mu * v + g
        step = RATE * v


def nesterov(options):
    mu, v, step = options.get("momentum", 0.9), 0, None
    while True:
        g = yield step
        v = mu * v + g
        step = RATE * (g + mu * v)


def adagrad(options):
    s, step = 0, None
    while True:
        g = yield step
        s = s + g**2
        step = RATE * g / (np.sqrt(s) + options.get("epsilon", 1e-10))


def rmsprop(options):
    alpha, s, step = options.get("alpha", 0.99), 0, None
    while True:
        g = yield step
        s = alpha * s + (1 - alpha) * g**2
        step = RATE * g / (np.sqrt(s) + options.get("epsilon", 1e-8))


def adam(options):
    b1, b2 = options.get("beta1", 0.9), options.get("beta2", 0.999)
    m, v, t, step = 0, 0, 0, None
    while True:
        g = yield step
        t += 1
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        corrected = np.sqrt(v / (1 - b2**t)) + options.get("epsilon", 1e-8)
        step = RATE * m / (1 - b1**t) / corrected


RULES = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}
CASES = [
    ("sgd", {}),
    ("momentum", {}),
    ("momentum", {"momentum": 0.5}),
    ("momentum", {"momentum": 0.0}),
    ("nesterov", {}),
    ("nesterov", {"momentum": 0.5}),
    ("adagrad", {}),
    ("adagrad", {"epsilon": 0.1}),
    ("rmsprop", {}),
    ("rmsprop", {"alpha": 0.5, "epsilon": 0.1}),
    ("rmsprop", {"alpha": 0.0}),
    ("adam", {}),
    ("adam", {"beta1": 0.5, "beta2": 0.7, "epsilon": 0.1}),
    ("adam", {"beta1": 0.0, "beta2": 0.0}),
    ("adamw", {}),
    ("adamw", {"beta1": 0.5, "beta2": 0.7, "epsilon": 0.1}),
]


def by_hand(name, options, decay, clip_norm):
    parameters = start()
    rules = {key: RULES[name](options) for key in parameters}
    for rule in rules.values():
        next(rule)
    for grads in gradients():
        if clip_norm is not None:
            norm = math.sqrt(sum(float((g**2).sum()) for g in grads.values()))
            grads = {key: g * min(1.0, clip_norm / (norm + 1e-6)) for key, g in grads.items()}
        for key, w in parameters.items():
            if name == "adamw":
                w = w - RATE * decay * w
                parameters[key] = w - rules[key].send(grads[key])
            else:
                parameters[key] = w - rules[key].send(grads[key] + decay * w)
    return parameters


def test_every_optimizer_has_a_case():
    assert {name for name, _ in CASES} == set(RULES) == set(OPTIMIZERS)


@pytest.mark.parametrize("clip_norm", [None, 2.0, 1e6])
@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_ten_steps_follow_the_formula(name, options, decay, clip_norm):
    optimizer = OPTIMIZERS[name](
        learning_rate=RATE, weight_decay=decay, clip_norm=clip_norm, **options
    )
    found, _ = walk(optimizer)
    for key, expected in by_hand(name, options, decay, clip_norm).items():
        np.testing.assert_allclose(found[key], expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_float32_stays_float32(name, options):
    optimizer = OPTIMIZERS[name](learning_rate=RATE, weight_decay=0.3, clip_norm=2.0, **options)
    found, state = walk(optimizer, np.float32)
    for key, expected in by_hand(name, options, 0.3, 2.0).items():
        assert found[key].dtype == np.float32
        np.testing.assert_allclose(found[key], expected, rtol=1e-4, atol=1e-5)
    assert all(array.dtype == np.float32 for array in state.named.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_allocates_nothing_of_the_size_of_a_parameter(name):
    parameters = {"w": np.ones((500, 200)), "b": np.ones(200)}
    optimizer = OPTIMIZERS[name](weight_decay=0.1, clip_norm=1.0)
    state = optimizer.start(parameters, COURSE)
    kept = {key: id(array) for key, array in state.named.items()}
    grads = {key: np.full_like(array, 0.5) for key, array in parameters.items()}
    optimizer.step(state, parameters, grads)
    tracemalloc.start()
    try:
        optimizer.step(state, parameters, grads)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # NumPy works in pieces of 8,192 entries; the weight is 800 kB.
    assert peak < 100_000
    assert {key: id(array) for key, array in state.named.items()} == kept


def test_the_state_counts_steps_and_starts_at_zero():
    optimizer = OPTIMIZERS["adam"]()
    state = optimizer.start(start(), COURSE)
    assert state.steps == 0
    assert sorted(state.named) == sorted(
        f"{s}/{n}" for s in ("gradients", "squares") for n in SHAPES
    )
    assert all((array == 0).all() for array in state.named.values())
    optimizer.step(state, start(), gradients()[0])
    assert state.steps == 1


# What the rules are known by


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    # Kingma and Ba 2015, section 2.1: the ratio of the corrected moments is +-1 in step 1.
    for size in (1e-3, 1.0, 1e6):
        w = {"w": np.zeros(2)}
        optimizer = OPTIMIZERS["adam"](learning_rate=0.01, epsilon=1e-14)
        optimizer.step(optimizer.start(w, COURSE), w, {"w": np.array([size, -size])})
        np.testing.assert_allclose(w["w"], [-0.01, 0.01], rtol=1e-10)


def test_momentum_reaches_its_terminal_velocity():
    # Along a constant gradient g the velocity tends to g / (1 - momentum).
    w = {"w": np.zeros(1)}
    optimizer = OPTIMIZERS["momentum"](learning_rate=0.1, momentum=0.9)
    state = optimizer.start(w, COURSE)
    for _ in range(400):
        before = w["w"].copy()
        optimizer.step(state, w, {"w": np.array([3.0])})
    np.testing.assert_allclose(before - w["w"], 0.1 * 3.0 / (1 - 0.9), rtol=1e-12)


def test_adagrad_steps_shrink_with_the_square_root():
    # Along a constant gradient step t is learning_rate / sqrt(t).
    w = {"w": np.zeros(1)}
    optimizer = OPTIMIZERS["adagrad"](learning_rate=0.1)
    state = optimizer.start(w, COURSE)
    for _ in range(9):
        optimizer.step(state, w, {"w": np.array([7.0])})
    expected = -0.1 * sum(1 / math.sqrt(t) for t in range(1, 10))
    np.testing.assert_allclose(w["w"], expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_weight_decay_alone_is_exponential(name):
    w = {"w": np.array([5.0])}
    optimizer = OPTIMIZERS[name](learning_rate=0.1, weight_decay=0.2)
    state = optimizer.start(w, COURSE)
    for _ in range(7):
        optimizer.step(state, w, {"w": np.zeros(1)})
    np.testing.assert_allclose(w["w"], 5 * (1 - 0.1 * 0.2) ** 7, rtol=1e-14)


# Clipping


def test_clipping_takes_all_gradients_for_one_vector():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    clip(grads, 1.0)
    np.testing.assert_allclose(grads["a"], [3 / (5 + 1e-6), 0], rtol=1e-15)
    np.testing.assert_allclose(grads["b"], [[4 / (5 + 1e-6)]], rtol=1e-15)


def test_clipping_leaves_short_gradients_alone():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    clip(grads, 5.1)
    assert grads["a"].tolist() == [3, 0]
    assert grads["b"].tolist() == [[4]]
    nothing = {"a": np.zeros(3)}
    clip(nothing, 1.0)
    assert nothing["a"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e30), (np.float64, 1e200)])
def test_clipping_survives_squares_that_overflow(dtype, size):
    grads = {"a": np.array([3 * size, 4 * size], dtype)}
    with np.errstate(over="ignore"):
        clip(grads, 1.0)
    np.testing.assert_allclose(grads["a"], [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_clipping_does_not_hide_what_is_not_finite(bad):
    grads = {"a": np.array([1.0, bad])}
    with np.errstate(invalid="ignore"):
        clip(grads, 1.0)
    assert not np.isfinite(grads["a"]).all()


def test_arrays_of_any_order_are_clipped_and_moved():
    grads = {"a": np.asfortranarray([[3.0, 0.0], [0.0, 4.0]])}
    clip(grads, 1.0)
    w = {"a": np.asfortranarray(np.ones((2, 2)))}
    optimizer = OPTIMIZERS["adam"](learning_rate=0.5, epsilon=1e-12)
    optimizer.step(optimizer.start(w, COURSE), w, grads)
    np.testing.assert_allclose(w["a"], [[0.5, 1], [1, 0.5]], rtol=1e-9)


# Schedules

DONE = Course(epochs=10, steps=4)


def scales(schedule, course=DONE):
    return [schedule.scale(step, course) for step in range(course.epochs * course.steps)]


def test_constant():
    assert scales(Constant()) == [1.0] * 40


def test_step_falls_at_the_start_of_every_third_epoch():
    expected = [0.5 ** (step // 12) for step in range(40)]
    assert scales(Step(every=3, factor=0.5)) == expected


def test_step_may_fall_within_an_epoch():
    assert scales(Step(every=0.5, factor=0.5), Course(2, 4)) == [
        *(1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125),
    ]


@pytest.mark.parametrize("every", ["0.1", "0.2", "0.3", "0.7", "1.1", "1", "0.35", "2.5", "0.001"])
@pytest.mark.parametrize("steps", [1, 3, 7, 10, 12, 49, 100])
def test_step_falls_when_exact_arithmetic_says_so(every, steps):
    schedule, course = Step(every=float(every), factor=0.5), Course(30, steps)
    for step in range(30 * steps):
        falls = math.floor(Fraction(step, steps) / Fraction(every))
        assert schedule.scale(step, course) == 0.5**falls


def test_cosine_goes_from_one_towards_the_floor():
    found = scales(Cosine(floor=0.2))
    expected = [0.2 + 0.8 * math.cos(math.pi * step / 80) ** 2 for step in range(40)]
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found[0] == 1.0
    assert found[20] == pytest.approx(0.6, rel=1e-15)
    # Where the next step would be, at the end of the training, it is the floor.
    assert Cosine(floor=0.2).scale(40, DONE) == pytest.approx(0.2, rel=1e-15)


@pytest.mark.parametrize(
    "schedule", [Constant(warm_up=2), Step(every=50, warm_up=2), Cosine(warm_up=2)]
)
def test_warm_up_rises_in_equal_steps(schedule):
    np.testing.assert_allclose(scales(schedule)[:8], np.arange(1, 9) / 8, rtol=1e-15)


def test_warm_up_of_a_part_of_an_epoch():
    assert scales(Constant(warm_up=0.75))[:4] == [1 / 3, 2 / 3, 1, 1]
    assert scales(Constant(warm_up=0.625))[:4] == [0.4, 0.8, 1, 1]
    assert scales(Constant(warm_up=0.1))[:4] == [1, 1, 1, 1]
    found = scales(Cosine(warm_up=0.625))
    assert found[:3] == [0.4, 0.8, 1.0]
    assert found[3] == pytest.approx((1 + math.cos(math.pi * 0.125 / 9.375)) / 2, rel=1e-15)
    assert all(a > b for a, b in pairwise(found[2:]))


def test_cosine_starts_where_the_warm_up_ends_and_steps_count_from_the_start():
    found = scales(Cosine(warm_up=2))
    expected = [(1 + math.cos(math.pi * step / 32)) / 2 for step in range(32)]
    np.testing.assert_allclose(found[8:], expected, rtol=1e-14)
    assert scales(Step(every=3, factor=0.5, warm_up=1))[11:13] == [1.0, 0.5]


@pytest.mark.parametrize("warm_up", [10, 20])
def test_warm_up_may_fill_the_training(warm_up):
    found = scales(Cosine(warm_up=warm_up))
    np.testing.assert_allclose(found, np.arange(1, 41) / (4 * warm_up), rtol=1e-15)


def test_a_schedule_scales_the_steps():
    optimizer = OPTIMIZERS["sgd"](learning_rate=0.1, schedule=Step(every=2, factor=0.5))
    w = {"w": np.zeros(1)}
    state = optimizer.start(w, Course(epochs=3, steps=2))
    path = []
    for _ in range(6):
        optimizer.step(state, w, {"w": np.ones(1)})
        path.append(float(w["w"][0]))
    np.testing.assert_allclose(path, [-0.1, -0.2, -0.3, -0.4, -0.45, -0.5], rtol=1e-14)


def test_rules_that_say_nothing():
    with pytest.raises(NotImplementedError):
        Schedule().scale(0, DONE)
    w = {"w": np.zeros(1)}
    optimizer = optimizers.Optimizer()
    with pytest.raises(NotImplementedError):
        optimizer.step(optimizer.start(w, DONE), w, {"w": np.ones(1)})


# What a spec says

SPEC = """
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  f: {op: sum, inputs: x}
train:
  loss: f
  optimizer: OPTIMIZER
"""


def found_in(text):
    network = graphnn.loads(SPEC.replace("OPTIMIZER", text))
    return optimizers.find(network.graph.spec.train.optimizer)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_bare_name_means_the_defaults(name):
    assert found_in(name) == OPTIMIZERS[name]()
    assert found_in(f"{{{name}: {{}}}}") == OPTIMIZERS[name]()


def test_defaults_are_those_of_torch_where_that_has_some():
    adam = OPTIMIZERS["adam"]()
    assert (adam.learning_rate, adam.beta1, adam.beta2) == (1e-3, 0.9, 0.999)
    assert (adam.epsilon, adam.weight_decay) == (1e-8, 0)
    assert OPTIMIZERS["adamw"]().weight_decay == 0.01
    assert OPTIMIZERS["adagrad"]().epsilon == 1e-10
    assert OPTIMIZERS["adagrad"]().learning_rate == 0.01
    rmsprop = OPTIMIZERS["rmsprop"]()
    assert (rmsprop.learning_rate, rmsprop.alpha, rmsprop.epsilon) == (0.01, 0.99, 1e-8)


def test_everything_can_be_said():
    found = found_in(
        "{adam: {learning_rate: 0.002, weight_decay: 0.01, clip_norm: 1, beta1: 0.8, beta2: 0.9,"
        " epsilon: 1e-6, schedule: {cosine: {warm_up: 2, floor: 0.1}}}}"
    )
    assert found == OPTIMIZERS["adam"](
        learning_rate=0.002,
        weight_decay=0.01,
        clip_norm=1.0,
        beta1=0.8,
        beta2=0.9,
        epsilon=1e-6,
        schedule=Cosine(warm_up=2.0, floor=0.1),
    )


@pytest.mark.parametrize("name", ["constant", "cosine"])
def test_a_schedule_may_be_a_bare_name(name):
    assert found_in(f"{{sgd: {{schedule: {name}}}}}").schedule == SCHEDULES[name]()


LINE = "  optimizer: "


@cases("""
    text | first | marked | help
    adm | error[unknown-optimizer]: there is no optimizer 'adm' | adm | did you mean 'adam'?
    quux | error[unknown-optimizer]: there is no optimizer 'quux' | quux
        | the optimizers are adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd
    {sgd: {learning_rat: 0.1}}
        | error[bad-optimizer]: the optimizer 'sgd' has no option 'learning_rat' | learning_rat
        | did you mean 'learning_rate'?
    {sgd: {patience: 0.1}} | error[bad-optimizer]: the optimizer 'sgd' has no option 'patience'
        | patience | its options are learning_rate, weight_decay, clip_norm, schedule
    {sgd: {momentum: 0.9}} | error[bad-optimizer]: the optimizer 'sgd' has no option 'momentum'
        | momentum | 'momentum' is an optimizer itself, as in {momentum: {momentum: ...}}
    {sgd: {adam: 0.9}} | error[bad-optimizer]: the optimizer 'sgd' has no option 'adam' | adam
        | 'adam' is an optimizer itself, as in {adam: ...}
    {sgd: {schedule: warm_up}} | error[unknown-schedule]: there is no schedule 'warm_up' | warm_up
        | it is an option of each schedule, as in {constant: {warm_up: ...}}
    {sgd: {schedule: {every: 3}}}
        | error[wrong-type]: 'schedule' gives options without the schedule that takes them: every
        | {every: 3} | write {step: {every: 3}}
    beta1 | error[unknown-optimizer]: there is no optimizer 'beta1' | beta1
        | it is an option of adam and adamw, as in {adam: {beta1: ...}}
    {sgd: {name: sgd}} | error[bad-optimizer]: the optimizer 'sgd' has no option 'name' | name
        | its options are learning_rate, weight_decay, clip_norm, schedule
    {sgd: {learning_rate: 0}}
        | error[bad-optimizer]: 'learning_rate' of 'sgd' must be more than 0, not 0 | 0 |
    {sgd: {weight_decay: -0.5}}
        | error[bad-optimizer]: 'weight_decay' of 'sgd' must be at least 0, not -0.5 | -0.5 |
    {sgd: {clip_norm: big}} | error[bad-optimizer]: 'clip_norm' of 'sgd' must be a number, not 'big'
        | big |
    {adam: {beta1: 1}} | error[bad-optimizer]: 'beta1' of 'adam' must be less than 1, not 1 | 1 |
    {sgd: {schedule: cosin}} | error[unknown-schedule]: there is no schedule 'cosin' | cosin
        | did you mean 'cosine'?
    {sgd: {schedule: quux}} | error[unknown-schedule]: there is no schedule 'quux' | quux
        | the schedules are constant, cosine, step
    {sgd: {schedule: {cosine: {warmup: 2}}}}
        | error[bad-schedule]: the schedule 'cosine' has no option 'warmup' | warmup
        | did you mean 'warm_up'?
    {sgd: {schedule: {cosine: {end: 2}}}}
        | error[bad-schedule]: the schedule 'cosine' has no option 'end' | end
        | its options are warm_up, floor
    {sgd: {schedule: {cosine: {floor: 2}}}}
        | error[bad-schedule]: 'floor' of 'cosine' must be at most 1, not 2 | 2 |
    {sgd: {schedule: step}} | error[bad-schedule]: the schedule 'step' does not give its 'every'
        | step | write it as {step: {every: ...}}
    {sgd: {schedule: {step: 3}}}
        | error[bad-schedule]: the options of 'step' must be a mapping, not 3 | 3
        | its options are warm_up, every, factor
    {sgd: {schedule: [cosine]}}
        | error[bad-schedule]: 'schedule' must be one schedule, such as {cosine: {warm_up: 2}}, not
        a list
        | [cosine] |
    {sgd: {schedule: {cosine: {}, step: {}}}}
        | error[wrong-count]: 'schedule' takes one schedule, but names cosine, step
        | {cosine: {}, step: {}} | keep one, with its options inside: {cosine: {...}}
""")
def test_faults_are_reported_with_their_place(text, first, marked, help):
    with pytest.raises(TrainingError) as caught:
        found_in(text)
    column = len(LINE) + text.rindex(marked)
    expected = [
        first,
        f"  --> <text>:8:{column + 1}",
        "   |",
        f" 8 | {LINE}{text}",
        "   | " + " " * column + "^" * len(marked),
    ]
    if help:
        expected.append(f"   = help: {help}")
    assert str(caught.value).split("\n") == expected


def test_a_misspelt_option_is_not_reported_as_missing():
    with pytest.raises(TrainingError) as caught:
        found_in("{sgd: {schedule: {step: {evry: 3}}}}")
    (found,) = caught.value.diagnostics
    assert found.message == "the schedule 'step' has no option 'evry'"
    assert found.help == "did you mean 'every'?"


def test_all_faults_are_reported_at_once():
    with pytest.raises(TrainingError) as caught:
        found_in("{adam: {beta1: 2, schedule: {cosine: {floor: -1, warm_up: -1}}, beta2: x}}")
    assert [found.message for found in caught.value.diagnostics] == [
        "'beta1' of 'adam' must be less than 1, not 2",
        "'floor' of 'cosine' must be at least 0, not -1",
        "'warm_up' of 'cosine' must be at least 0, not -1",
        "'beta2' of 'adam' must be a number, not 'x'",
    ]

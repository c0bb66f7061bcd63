"""Ten steps of every optimizer, and the schedules, against torch.optim's."""

from __future__ import annotations

import numpy as np
import pytest

import graphnn
from graphnn.training import OPTIMIZERS
from graphnn.training.fitting.optimizers import Course
from graphnn.training.fitting.schedules import Constant, Cosine, Step

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

SHAPES = {"w": (30, 20), "b": (20,), "filters": (4, 3, 2, 2), "scalar": ()}
STEPS = 10
COURSE = Course(epochs=5, steps=2)


def arrays(seed, dtype):
    rng = np.random.default_rng(seed)
    return {name: np.array(rng.normal(size=shape), dtype) for name, shape in SHAPES.items()}


def sgd(**options):
    return lambda parameters, **common: torch.optim.SGD(parameters, **options, **common)


def of(kind, **options):
    return lambda parameters, **common: kind(parameters, **options, **common)


CASES = [
    ("sgd", {}, sgd()),
    ("momentum", {}, sgd(momentum=0.9)),
    ("momentum", {"momentum": 0.5}, sgd(momentum=0.5)),
    ("nesterov", {}, sgd(momentum=0.9, nesterov=True)),
    ("nesterov", {"momentum": 0.5}, sgd(momentum=0.5, nesterov=True)),
    ("adagrad", {}, of(torch.optim.Adagrad)),
    ("adagrad", {"epsilon": 1e-3}, of(torch.optim.Adagrad, eps=1e-3)),
    ("rmsprop", {}, of(torch.optim.RMSprop)),
    ("rmsprop", {"alpha": 0.9, "epsilon": 1e-3}, of(torch.optim.RMSprop, alpha=0.9, eps=1e-3)),
    ("adam", {}, of(torch.optim.Adam)),
    (
        "adam",
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3},
        of(torch.optim.Adam, betas=(0.8, 0.9), eps=1e-3),
    ),
    ("adamw", {}, of(torch.optim.AdamW)),
    ("adamw", {"beta1": 0.8, "beta2": 0.9}, of(torch.optim.AdamW, betas=(0.8, 0.9))),
]


def ours(optimizer, dtype=np.float64):
    parameters = arrays(0, dtype)
    state = optimizer.start(parameters, COURSE)
    for step in range(STEPS):
        optimizer.step(state, parameters, arrays(step + 1, dtype))
    return parameters


def theirs(make, rate, decay, clip_norm, dtype=np.float64, schedule=None):
    parameters = {
        name: torch.tensor(array, requires_grad=True) for name, array in arrays(0, dtype).items()
    }
    optimizer = make(parameters.values(), lr=rate, weight_decay=decay)
    scheduler = schedule(optimizer) if schedule else None
    for step in range(STEPS):
        for name, array in arrays(step + 1, dtype).items():
            parameters[name].grad = torch.tensor(array)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters.values(), clip_norm)
        optimizer.step()
        if scheduler:
            scheduler.step()
    return {name: tensor.detach().numpy() for name, tensor in parameters.items()}


def assert_equal_to_rounding(found, expected):
    # Entries are of order 1; one that comes to lie next to 0 keeps the rounding of its way there.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


def test_every_optimizer_has_a_case():
    assert {name for name, *_ in CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize("clip_norm", [None, 1.0, 1e6])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("name", "options", "make"), CASES)
def test_ten_steps_in_float64(name, options, make, decay, clip_norm):
    optimizer = OPTIMIZERS[name](
        learning_rate=0.03, weight_decay=decay, clip_norm=clip_norm, **options
    )
    expected = theirs(make, 0.03, decay, clip_norm)
    for key, array in ours(optimizer).items():
        assert_equal_to_rounding(array, expected[key])


@pytest.mark.parametrize(("name", "options", "make"), CASES)
def test_ten_steps_in_float32(name, options, make):
    optimizer = OPTIMIZERS[name](learning_rate=0.03, weight_decay=0.1, clip_norm=1.0, **options)
    expected = theirs(make, 0.03, 0.1, 1.0, np.float32)
    for key, array in ours(optimizer, np.float32).items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, expected[key], rtol=2e-5, atol=2e-6)


# torch steps its schedulers once a step here, as this package counts.
SCHEDULES = [
    (Step(every=2, factor=0.3), lambda o: torch.optim.lr_scheduler.StepLR(o, 4, gamma=0.3)),
    (Cosine(), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS)),
    (
        Cosine(floor=0.2),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.2 * 0.03),
    ),
    (Constant(warm_up=2), lambda o: torch.optim.lr_scheduler.LinearLR(o, 1 / 4, 1, total_iters=3)),
]


@pytest.mark.parametrize(("schedule", "make_schedule"), SCHEDULES)
@pytest.mark.parametrize(("name", "options", "make"), CASES)
def test_schedules(name, options, make, schedule, make_schedule):
    optimizer = OPTIMIZERS[name](learning_rate=0.03, weight_decay=0.1, schedule=schedule, **options)
    expected = theirs(make, 0.03, 0.1, None, schedule=make_schedule)
    for key, array in ours(optimizer).items():
        assert_equal_to_rounding(array, expected[key])


HEADS = """
graphnn: 1
nodes:
  x: {op: parameter, shape: [2, 3], value: [[1, -2, 3], [2, 1, -1]], trainable: false}
  y: {op: affine, inputs: x, units: 1}
  l: {op: mean, inputs: y}
  other: {op: affine, inputs: x, units: 2}
  m: {op: mean_squared_error, inputs: [other, other]}
  scores: {op: affine, inputs: x, units: 2}
  best: {op: argmax, inputs: scores}
  real: {op: cast, inputs: best, dtype: float}
  b: {op: mean, inputs: real}
  f: {op: add, inputs: [l, b]}
outputs: [f, other]
train: {loss: f, optimizer: OPTIMIZER, gradient: WAY, epochs: 3}
"""


@pytest.mark.parametrize("way", ["backprop", "numerical"])
@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_only_what_the_loss_depends_on_decays(name, way):
    optimizer = f"{{{name}: {{learning_rate: 0.1, weight_decay: 0.3}}}}"
    net = graphnn.loads(HEADS.replace("OPTIMIZER", optimizer).replace("WAY", way))
    before = {key: array.copy() for key, array in net.parameters.items()}
    module = graphnn.to_torch(net)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    trained = [each for each in module.parameters() if each.requires_grad]
    descent = kinds[name](trained, lr=0.1, weight_decay=0.3)
    for _ in range(3):
        descent.zero_grad()
        module()[0].backward()
        descent.step()
    theirs = graphnn.loads(HEADS.replace("OPTIMIZER", optimizer).replace("WAY", way))
    graphnn.from_torch_state(theirs, module.state_dict())
    found = graphnn.train(net).network
    for key, array in found.parameters.items():
        np.testing.assert_allclose(array, theirs.parameters[key], atol=1e-6)
        assert np.array_equal(array, before[key]) == (not key.startswith("y."))

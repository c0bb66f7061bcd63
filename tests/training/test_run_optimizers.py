"""Runs with optimizers that have a state, and with schedules: interrupted, resumed, refused."""

import numpy as np
import pytest

import checkpoints
import graphnn
from graphnn.diagnostics import FileError, TrainingError
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.training import OPTIMIZERS

pytestmark = pytest.mark.usefixtures("no_plots")

SPEC = """
graphnn: 1
dtype: DTYPE
nodes:
  x:    {op: input, shape: [batch, 4]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 3}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  loss: loss
  optimizer: OPTIMIZER
  batch_size: 8
  epochs: 4
  seed: 3
"""
COSINE = "{learning_rate: 0.05, schedule: {cosine: {warm_up: 1.5, floor: 0.1}}}"


@pytest.fixture
def spec(tmp_path):
    rng = np.random.default_rng(0)
    t = rng.integers(0, 3, 50)
    np.savez(tmp_path / "rows.npz", x=rng.normal(size=(50, 4)) + np.eye(3, 4)[t] * 3, t=t)

    def write(optimizer, dtype="float64"):
        path = tmp_path / "net.yaml"
        path.write_text(SPEC.replace("OPTIMIZER", optimizer).replace("DTYPE", dtype))
        return path

    return write


def stop(progress):
    if (progress.epoch, progress.batch) == (3, 4):
        raise KeyboardInterrupt


def same(one, other):
    assert one.history == other.history
    for name, array in one.network.parameters.items():
        assert array.tobytes() == other.network.parameters[name].tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"), [*((name, "float64") for name in OPTIMIZERS), ("adam", "float32")]
)
def test_a_resumed_run_equals_an_uninterrupted_one(spec, tmp_path, name, dtype):
    path = spec(f"{{{name}: {COSINE}}}", dtype)
    whole = graphnn.train(path, folder=tmp_path / "whole")
    broken_off = graphnn.train(path, folder=tmp_path / "parts", progress=stop)
    assert broken_off.interrupted
    assert len(broken_off.history) == 2
    parts = graphnn.train(path, folder=tmp_path / "parts", resume=True)
    same(parts, whole)
    for name in (CHECKPOINT, "weights.safetensors"):
        one, other = (tmp_path / run / name for run in ("parts", "whole"))
        assert one.read_bytes() == other.read_bytes()


def test_the_state_matters(spec, tmp_path):
    # The same, but with the optimizer's state set back: else the test above could not fail.
    path = spec(f"{{adam: {COSINE}}}")
    whole = graphnn.train(path)
    graphnn.train(path, folder=tmp_path / "parts", progress=stop)
    checkpoint = tmp_path / "parts" / CHECKPOINT
    arrays, record = checkpoints.read(checkpoint)
    for key in arrays:
        if key.startswith("//optimizer/"):
            arrays[key] = arrays[key] * 0
    checkpoints.write(checkpoint, arrays, record)
    parts = graphnn.train(path, folder=tmp_path / "parts", resume=True)
    assert parts.history[:2] == whole.history[:2]
    assert parts.history[2] != whole.history[2]


@pytest.mark.parametrize("schedule", ["constant", "{step: {every: 1, factor: 0.5}}"])
def test_epochs_may_be_added_where_the_schedule_does_not_count_them(spec, tmp_path, schedule):
    path = spec(f"{{adam: {{schedule: {schedule}}}}}")
    whole = graphnn.train(path)
    graphnn.train(path, {"epochs": 2}, folder=tmp_path / "parts")
    same(graphnn.train(path, folder=tmp_path / "parts", resume=True), whole)


def test_epochs_may_not_be_added_to_a_cosine(spec, tmp_path, monkeypatch):
    path = spec(f"{{adam: {COSINE}}}")
    monkeypatch.chdir(tmp_path)
    graphnn.train(path, {"epochs": 2}, folder="run")
    with pytest.raises(TrainingError) as caught:
        graphnn.train(path, folder="run", resume=True)
    assert str(caught.value) == (
        "error[different-spec]: 'run/checkpoint.safetensors' was written by another spec\n"
        "   = help: nothing may change between a run and its resumption: the schedule ends with it"
    )


@pytest.mark.parametrize("fault", ["missing", "shape", "steps", "parameter"])
def test_a_checkpoint_that_lacks_something_is_refused(spec, tmp_path, monkeypatch, fault):
    path = spec("adam")
    monkeypatch.chdir(tmp_path)
    before = graphnn.load(path).parameters["a.weight"].copy()
    graphnn.train(path, {"epochs": 1}, folder="run")
    checkpoint = tmp_path / "run" / CHECKPOINT
    arrays, record = checkpoints.read(checkpoint)
    if fault == "missing":
        del arrays["//optimizer/squares/a.bias"]
    elif fault == "parameter":
        del arrays["a.bias"]
    elif fault == "shape":
        arrays["//optimizer/squares/a.bias"] = np.zeros(2)
    else:
        del record["steps"]
    checkpoints.write(checkpoint, arrays, record)
    net = graphnn.load(path)
    with pytest.raises(FileError) as caught:
        graphnn.train(net, folder="run", resume=True)
    assert str(caught.value) == (
        "error[broken-file]: 'run/checkpoint.safetensors' is not a checkpoint of graphnn"
    )
    np.testing.assert_array_equal(net.parameters["a.weight"], before)


def test_a_run_follows_the_schedule(spec):
    # Plain descent over one batch of all rows, by hand with the rates of the schedule.
    path = spec("{sgd: {learning_rate: 0.5, schedule: {step: {every: 2, factor: 0.1}}}}")
    run = graphnn.train(path, {"batch_size": 50})
    rows = np.load(path.parent / "rows.npz")
    x, t = rows["x"], rows["t"]
    start = graphnn.load(path)
    w, b = (start.parameters[name].copy() for name in ("a.weight", "a.bias"))
    for rate in (0.5, 0.5, 0.05, 0.05):
        e = np.exp(x @ w + b)
        d = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[t]) / len(t)
        w -= rate * x.T @ d
        b -= rate * d.sum(axis=0)
    np.testing.assert_allclose(run.network.parameters["a.weight"], w, rtol=1e-12)
    np.testing.assert_allclose(run.network.parameters["a.bias"], b, rtol=1e-12)


def test_options_can_be_set(spec):
    path = spec("{adam: {learning_rate: 0.05, schedule: {cosine: {floor: 0.1}}}}")
    set_ = {"floor": 0.5, "learning_rate": 0.01}
    written = spec("{adam: {learning_rate: 0.01, schedule: {cosine: {floor: 0.5}}}}").read_text()
    expected = graphnn.train(graphnn.loads(written, folder=path.parent))
    path = spec("{adam: {learning_rate: 0.05, schedule: {cosine: {floor: 0.1}}}}")
    same(graphnn.train(path, set_), expected)


def test_frozen_parameters_have_no_state(spec, tmp_path):
    path = spec("adam")
    text = path.read_text().replace(
        "  y:    {op: softmax, inputs: a}",
        "  b: {op: affine, inputs: a, units: 3, trainable: false}\n  y: {op: softmax, inputs: b}",
    )
    path.write_text(text)
    graphnn.train(path, {"epochs": 1}, folder=tmp_path / "run")
    arrays = graphnn.storage.archives.read_arrays(tmp_path / "run" / CHECKPOINT)
    assert sorted(arrays) == [
        *("//optimizer/gradients/a.bias", "//optimizer/gradients/a.weight"),
        *("//optimizer/squares/a.bias", "//optimizer/squares/a.weight", "//path", "a.bias"),
        *("a.weight", "b.bias", "b.weight"),
    ]

"""Training and running as two modes: statistics that are kept, noise that is drawn."""

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import RunError, TrainingError
from graphnn.ops.families.normalization import DropoutTraining
from graphnn.storage.archives import read_arrays
from graphnn.training.data.dataset import Dataset
from graphnn.training.data.splits import Sets
from graphnn.training.fitting.loop import Training
from located import marked, reported

pytestmark = pytest.mark.usefixtures("no_plots")

NODES = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 4]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 6}
  n:    {op: batch_norm, inputs: a}
  z:    {op: relu, inputs: n}
  d:    {op: dropout, inputs: z, rate: 0.4}
  b:    {op: affine, inputs: d, units: 3}
  y:    {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
"""
TRAIN = """
train:
  data: {npz: rows.npz}
  test: 10
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.1, weight_decay: 0.01}}
  batch_size: 10
  epochs: 3
"""
STATE = ("n.running_mean", "n.running_variance")


@pytest.fixture
def spec(tmp_path):
    rng = np.random.default_rng(0)
    t = rng.integers(0, 3, 50)
    np.savez(tmp_path / "rows.npz", x=rng.normal(size=(50, 4)) + np.eye(3, 4)[t] * 2, t=t)
    (tmp_path / "net.yaml").write_text(NODES + TRAIN)
    return tmp_path / "net.yaml"


def rows(count=8, seed=1):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(count, 4)) + 3, "t": rng.integers(0, 3, count)}


def equal(net, other):
    return all(
        array.tobytes() == other.arrays[name].tobytes() for name, array in net.arrays.items()
    )


def test_state_is_kept_apart_from_what_is_learned(spec):
    net = graphnn.load(spec)
    assert set(net.state) == set(STATE)
    assert set(net.parameters) == {
        "a.weight", "a.bias", "n.gain", "n.shift", "b.weight", "b.bias"
    }  # fmt: skip
    assert set(net.trainable) == set(net.parameters)
    assert net.state["n.running_mean"].tolist() == [0] * 6
    assert net.state["n.running_variance"].tolist() == [1] * 6


def test_a_step_moves_the_statistics_to_those_of_the_batch_and_nothing_else_does():
    # A learning rate of almost 0 and a decay that would halve everything that is learned.
    optimizer = "optimizer: {sgd: {learning_rate: 1e-9, weight_decay: 5e8}}"
    text = NODES.replace("inputs: a}", "inputs: a, momentum: 0.25}")
    net = graphnn.loads(text + f"train: {{{optimizer}, epochs: 1, batch_size: 8}}")
    data = rows()
    a = data["x"] @ net.parameters["a.weight"] + net.parameters["a.bias"]
    weight = net.parameters["a.weight"].copy()
    graphnn.train(net, data=data)
    np.testing.assert_allclose(net.state["n.running_mean"], 0.25 * a.mean(axis=0), rtol=1e-12)
    variance = 0.75 + 0.25 * a.var(axis=0, ddof=1)
    np.testing.assert_allclose(net.state["n.running_variance"], variance, rtol=1e-12)
    np.testing.assert_allclose(net.parameters["a.weight"], weight / 2, rtol=1e-6)


def test_a_run_takes_the_running_statistics_and_drops_nothing(spec):
    net = graphnn.train(spec).network
    p, data = net.arrays, rows()
    normal = data["x"] @ p["a.weight"] + p["a.bias"] - p["n.running_mean"]
    normal /= np.sqrt(p["n.running_variance"] + 1e-5)
    z = np.maximum(normal * p["n.gain"] + p["n.shift"], 0)
    e = np.exp(z @ p["b.weight"] + p["b.bias"])
    y = e / e.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(net.run(x=data["x"])["y"], y, rtol=1e-12)
    losses = -np.log(y[np.arange(8), data["t"]])
    assert net.loss(data) == pytest.approx(losses.mean(), rel=1e-12)
    # One row alone has no statistics of its own, and needs none.
    np.testing.assert_allclose(net.run(x=data["x"][:1])["y"], y[:1], rtol=1e-12)


def test_the_test_rows_are_evaluated_as_a_run(spec):
    run = graphnn.train(spec)
    sets = graphnn.training.data.splits.load_sets(run.network, run.network.graph.spec.train)
    held_back = sets.test.arrays
    assert run.test["loss"] == pytest.approx(run.network.loss(held_back), rel=1e-12)
    said = run.network.run(x=held_back["x"])["y"].argmax(axis=1)
    assert run.test["accuracy"] == pytest.approx((said == held_back["t"]).mean())


def test_weights_hold_the_state(spec, tmp_path):
    net = graphnn.train(spec).network
    assert np.abs(net.state["n.running_mean"]).min() > 1e-3
    for name in ("net.safetensors", "net.npz"):
        net.save(tmp_path / name)
        assert set(read_arrays(tmp_path / name)) == set(net.arrays)
        other = graphnn.load(spec)
        assert not equal(net, other)
        other.assign(read_arrays(tmp_path / name))
        assert equal(net, other)
        (tmp_path / "again.yaml").write_text(f"weights: {{file: {name}}}\n" + NODES)
        again = graphnn.load(tmp_path / "again.yaml")
        assert equal(net, again)
        assert net.run(x=rows()["x"])["y"].tobytes() == again.run(x=rows()["x"])["y"].tobytes()


def test_a_resumed_run_equals_an_uninterrupted_one(spec, tmp_path):
    whole = graphnn.train(spec, folder=tmp_path / "whole")
    graphnn.train(spec, {"epochs": 1}, folder=tmp_path / "parts")
    parts = graphnn.train(spec, folder=tmp_path / "parts", resume=True)
    assert parts.history == whole.history
    assert equal(parts.network, whole.network)
    for name in ("weights.safetensors", "history.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_an_interrupted_epoch_leaves_no_trace_in_the_state(spec):
    def stop(progress):
        if (progress.epoch, progress.batch) == (3, 2):
            raise KeyboardInterrupt

    interrupted = graphnn.train(spec, progress=stop)
    assert interrupted.interrupted
    assert equal(interrupted.network, graphnn.train(spec, {"epochs": 2}).network)


def test_a_seed_makes_a_run_with_noise_the_same(spec):
    once, again = (graphnn.train(spec) for _ in range(2))
    assert equal(once.network, again.network)
    assert once.history == again.history
    assert not equal(once.network, graphnn.train(spec, {"seed": 1}).network)


def test_every_step_meets_new_noise(spec, monkeypatch):
    masks = record_masks(monkeypatch)
    graphnn.train(spec, {"epochs": 2})
    assert len(masks) == 2 * 4  # 40 rows in batches of 10
    assert len({mask.tobytes() for mask in masks}) == len(masks)


def record_masks(monkeypatch):
    masks = []
    right = DropoutTraining.noise

    def noise(self, rng, shape, dtype):
        masks.append(right(self, rng, shape, dtype))
        return masks[-1]

    monkeypatch.setattr(DropoutTraining, "noise", noise)
    return masks


def test_a_dropped_unit_is_not_there_for_a_step(monkeypatch):
    masks = record_masks(monkeypatch)
    text = NODES.replace("rate: 0.4", "rate: 0.9")
    net = graphnn.loads(text + "train: {epochs: 1, batch_size: 2, seed: 3}")
    before = net.parameters["b.weight"].copy()
    graphnn.train(net, data=rows(2))
    (mask,) = masks
    dropped = ~mask.any(axis=0)
    assert dropped.any()
    assert np.array_equal(net.parameters["b.weight"][dropped], before[dropped])


def test_numerical_training_meets_the_same_noise_and_statistics(spec, monkeypatch):
    masks = record_masks(monkeypatch)
    by_backprop = graphnn.train(spec, {"epochs": 1})
    met = [mask.copy() for mask in masks]
    masks.clear()
    numerical = graphnn.train(spec, {"epochs": 1, "gradient": "numerical"})
    kinds = {mask.tobytes() for mask in masks}
    assert kinds == {mask.tobytes() for mask in met}
    assert len(masks) > len(met)
    for name, array in by_backprop.network.arrays.items():
        np.testing.assert_allclose(array, numerical.network.arrays[name], atol=1e-6)
    assert by_backprop.history[0]["loss"] == pytest.approx(numerical.history[0]["loss"], abs=1e-6)


def test_the_noise_of_a_seed_is_that_of_both_dtypes(spec, monkeypatch):
    masks = record_masks(monkeypatch)
    graphnn.train(spec, {"epochs": 1})
    wide = [mask == 0 for mask in masks]
    masks.clear()
    run = graphnn.train(spec, {"epochs": 1, "dtype": "float32"})
    assert all(np.array_equal(a, b == 0) for a, b in zip(wide, masks, strict=True))
    assert {array.dtype for array in run.network.arrays.values()} == {np.dtype("float32")}
    assert {mask.dtype for mask in masks} == {np.dtype("float32")}


def test_frozen_parameters_still_have_running_statistics():
    text = NODES.replace("inputs: a}", "inputs: a, trainable: false}")
    net = graphnn.loads(text + "train: {epochs: 1, batch_size: 8}")
    graphnn.train(net, data=rows())
    assert net.parameters["n.gain"].tolist() == [1] * 6
    assert np.abs(net.state["n.running_mean"]).min() > 0


def test_a_batch_of_a_single_row_has_no_variance():
    net = graphnn.loads(NODES + "train: {epochs: 1, batch_size: 4}")
    training = Training(net, net.graph.spec.train, Sets(Dataset(rows(8), "data")))
    with pytest.raises(RunError) as caught:
        training.step(rows(1))
    assert str(caught.value) == (
        "error[bad-value]: at 'n': batch_norm needs at least 2 values of each channel in "
        "training, not 1\n"
        "   = help: choose a 'batch_size' that leaves no batch of a single row"
    )


@pytest.mark.parametrize(
    ("count", "size", "fault", "help"),
    [
        (9, 4, "of 9 rows in batches of 4, the last batch has 1", 5),
        (101, 10, "of 101 rows in batches of 10, the last batch has 1", 11),
        (13, 3, "of 13 rows in batches of 3, the last batch has 1", 5),
        (31, 3, "of 31 rows in batches of 3, the last batch has 1", 4),
        (9, 1, "each batch has 1 of the 9 rows", 3),
        (1, 4, "there is 1 row to train on", None),
    ],
)
def test_a_single_row_is_reported_before_the_first_step(count, size, fault, help):
    net = graphnn.loads(NODES + f"train: {{epochs: 1, batch_size: {size}}}")
    with pytest.raises(TrainingError) as caught:
        graphnn.train(net, data=rows(count))
    advice = f"choose a batch_size that leaves no such batch, such as {help}"
    if help is None:
        advice = "train on more rows"
    message = f"{fault}, but 'n' (batch_norm) needs 2"
    assert reported(caught) == [("too-few-rows", message, advice)]
    assert marked(caught.value.diagnostics[0]) == str(size)
    if help:
        # By brute force, the nearest size whose batches all have two rows.
        sizes = [n for n in range(2, count + 1) if count % n != 1]
        assert abs(help - size) == min(abs(n - size) for n in sizes)


@pytest.mark.parametrize(("shape", "size"), [("[batch, 3, 2]", 1), ("[batch, 3, 1, 1]", 2)])
def test_axes_after_the_channels_make_up_for_rows(shape, size):
    text = f"""
graphnn: 1
nodes:
  x: {{op: input, shape: {shape}}}
  n: {{op: batch_norm, inputs: x}}
  s: {{op: power, inputs: n, exponent: 2}}
  f: {{op: sum, inputs: s}}
train: {{loss: f, epochs: 1, batch_size: {size}}}
"""
    net = graphnn.loads(text)
    data = np.random.default_rng(0).normal(size=(4, *net.graph.nodes["x"].shape[1:]))
    assert len(graphnn.train(net, data={"x": data}).history) == 1


def test_other_ops_take_single_rows():
    text = NODES.replace("batch_norm", "layer_norm") + "train: {batch_size: 1, epochs: 2}"
    assert len(graphnn.train(graphnn.loads(text), data=rows(3)).history) == 2

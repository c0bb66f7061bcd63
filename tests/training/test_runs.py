"""Training against hand-written loops, and everything a run leaves behind."""

import csv
import json
import signal

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import DataError, Diagnostic, GraphnnError, RunError, TrainingError
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.training.fitting.loop import Training
from places import SPECS
from tables import cases

SPEC = """
graphnn: 1
sizes: {features: 4}
nodes:
  x:    {op: input, shape: [batch, features]}
  t:    {op: input, shape: [batch], dtype: int}
  a:    {op: affine, inputs: x, units: 3}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  loss: loss
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.5}}
  batch_size: 8
  epochs: 4
  seed: 3
"""


@pytest.fixture
def place(tmp_path):
    rng = np.random.default_rng(0)
    t = rng.integers(0, 3, 50)
    x = rng.normal(size=(50, 4)) + np.eye(3, 4)[t] * 3
    np.savez(tmp_path / "rows.npz", x=x, t=t)
    (tmp_path / "net.yaml").write_text(SPEC)
    return tmp_path


@pytest.fixture
def folder(place, no_plots):
    return place


def one_epoch_by_hand(net, x, t, order, rate, size):
    """Mini-batch descent on softmax regression, written out; loss and accuracy of the epoch."""
    w, b = (net.parameters[name].copy() for name in ("a.weight", "a.bias"))
    losses, hits = [], []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        e = np.exp(x[rows] @ w + b)
        y = e / e.sum(axis=1, keepdims=True)
        losses.extend(-np.log(y[np.arange(len(rows)), t[rows]]))
        hits.extend(y.argmax(axis=1) == t[rows])
        d = (y - np.eye(3)[t[rows]]) / len(rows)
        w -= rate * x[rows].T @ d
        b -= rate * d.sum(axis=0)
    return w, b, np.mean(losses), np.mean(hits)


def test_an_epoch_is_mini_batch_descent(folder):
    net = graphnn.load(folder / "net.yaml", {"epochs": 1})
    rows = np.load(folder / "rows.npz")
    order = np.random.default_rng([3, 2]).permutation(50)
    w, b, loss, accuracy = one_epoch_by_hand(net, rows["x"], rows["t"], order, 0.5, 8)
    run = graphnn.train(net)
    np.testing.assert_allclose(net.parameters["a.weight"], w, rtol=1e-12)
    np.testing.assert_allclose(net.parameters["a.bias"], b, rtol=1e-12)
    assert run.history[0]["loss"] == pytest.approx(loss, rel=1e-12)
    assert run.history[0]["accuracy"] == pytest.approx(accuracy, rel=1e-12)


def test_a_seed_makes_a_run_the_same_bit_for_bit(folder):
    runs = [graphnn.train(folder / "net.yaml") for _ in range(2)]
    other = graphnn.train(folder / "net.yaml", {"seed": 4})
    for name, array in runs[0].network.parameters.items():
        assert array.tobytes() == runs[1].network.parameters[name].tobytes()
        assert array.tobytes() != other.network.parameters[name].tobytes()
    assert runs[0].history == runs[1].history


def test_training_by_numerical_gradients_goes_the_same_way(folder):
    by_backprop = graphnn.train(folder / "net.yaml", {"epochs": 2})
    numerical = graphnn.train(folder / "net.yaml", {"epochs": 2, "gradient": "numerical"})
    for name, array in by_backprop.network.parameters.items():
        np.testing.assert_allclose(array, numerical.network.parameters[name], atol=1e-6)
    assert by_backprop.history[-1]["loss"] == pytest.approx(numerical.history[-1]["loss"], abs=1e-6)


def test_a_resumed_run_equals_an_uninterrupted_one(folder):
    whole = graphnn.train(folder / "net.yaml", folder=folder / "whole")
    graphnn.train(folder / "net.yaml", {"epochs": 2}, folder=folder / "parts")
    parts = graphnn.train(folder / "net.yaml", folder=folder / "parts", resume=True)
    assert parts.history == whole.history
    for name in ("weights.safetensors", "history.csv", "spec.yaml"):
        assert (folder / "parts" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_an_interrupted_run_keeps_whole_epochs(folder):
    def stop(progress):
        if (progress.epoch, progress.batch) == (3, 4):
            raise KeyboardInterrupt

    run = graphnn.train(folder / "net.yaml", folder=folder / "run", progress=stop)
    assert run.interrupted
    assert len(run.history) == 2
    two = graphnn.train(folder / "net.yaml", {"epochs": 2})
    saved = graphnn.load(folder / "net.yaml")
    saved.assign(graphnn.storage.archives.read_arrays(folder / "run" / "weights.safetensors"))
    for name, array in two.network.parameters.items():
        assert array.tobytes() == run.network.parameters[name].tobytes()
        assert array.tobytes() == saved.parameters[name].tobytes()
    resumed = graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    whole = graphnn.train(folder / "net.yaml")
    assert resumed.history == whole.history


def test_a_run_that_diverges_says_where_and_keeps_what_was_before(folder):
    # One step an epoch, so that the first epoch ends before its step shows.
    settings = {"learning_rate": 1e308, "batch_size": 50}
    with pytest.raises(RunError) as caught:
        graphnn.train(folder / "net.yaml", settings, folder=folder / "run")
    [found] = caught.value.diagnostics
    assert found.code == "not-finite"
    assert found.help == "lower the learning rate, which is 1e+308, or set 'clip_norm'"
    once = graphnn.train(folder / "net.yaml", settings | {"epochs": 1}).network.parameters
    kept = graphnn.storage.archives.read_arrays(folder / "run" / "weights.safetensors")
    np.testing.assert_array_equal(kept["a.weight"], once["a.weight"])
    assert len((folder / "run" / "history.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "settings", [{"learning_rate": 1e308}, {"test": 0.999}, {"metrics": {"r_squared": ["y", "t"]}}]
)
@pytest.mark.parametrize("there", [False, True])
def test_a_run_that_fails_in_its_first_epoch_leaves_nothing(folder, settings, there):
    place = folder / "runs" / "one"
    if there:
        place.mkdir(parents=True)
    before = sorted(folder.rglob("*"))
    with pytest.raises(GraphnnError):
        graphnn.train(folder / "net.yaml", settings, folder=place)
    assert sorted(folder.rglob("*")) == before
    assert graphnn.train(folder / "net.yaml", folder=place).folder == place


def test_a_resumed_run_that_fails_keeps_what_it_found(folder, monkeypatch):
    monkeypatch.setattr(Training, "epoch", lambda *_: signal.raise_signal(signal.SIGINT))
    assert graphnn.train(folder / "net.yaml", folder=folder / "run").interrupted
    monkeypatch.undo()

    def fail(*_):
        raise RunError(Diagnostic("not-finite", "it is not"))

    monkeypatch.setattr(Training, "epoch", fail)
    before = sorted((folder / "run").iterdir())
    with pytest.raises(RunError):
        graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    assert sorted((folder / "run").iterdir()) == before


def test_a_result_that_no_step_has_made_is_not_laid_on_the_learning_rate(folder):
    text = SPEC.replace("op: affine, inputs: x, units: 3", "op: affine, inputs: u, units: 3")
    text = text.replace("  a:  ", "  u:    {op: log, inputs: x}\n  a:  ")
    (folder / "net.yaml").write_text(text)
    with pytest.raises(RunError) as caught:
        graphnn.train(folder / "net.yaml")
    assert [(found.code, found.help) for found in caught.value.diagnostics] == [("not-finite", "")]


def test_every_metric_that_does_not_fit_is_reported_before_the_first_step(folder):
    metrics = {"r_squared": ["y", "t"], "top_k_accuracy": {"inputs": ["y", "t"], "k": 7}}
    with pytest.raises(TrainingError) as caught:
        graphnn.train(folder / "net.yaml", {"metrics": metrics})
    assert [(found.message, found.help) for found in caught.value.diagnostics] == [
        (
            "r_squared cannot compare predictions of shape [batch, 3] with targets of shape "
            "[batch]",
            "both have the same shape",
        ),
        ("top_k_accuracy cannot look among the 7 best of 3 classes", "give it a 'k' of at most 3"),
    ]


def test_what_a_run_leaves(place):
    run = graphnn.train(place / "net.yaml", {"validation": 10, "test": 0.2}, folder=place / "run")
    assert sorted(run.files) == sorted(path.name for path in (place / "run").iterdir())
    assert set(run.files) == {
        CHECKPOINT,
        "weights.safetensors",
        "history.csv",
        "spec.yaml",
        "summary.json",
        "diagram.svg",
        "curves.png",
        "confusion.png",
    }
    with (place / "run" / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy"]
    for row, shown in zip(rows, run.history, strict=True):
        assert {name: float(row[name]) for name in shown} == shown
    summary = json.loads((place / "run" / "summary.json").read_text())
    assert summary == {
        "spec": "../net.yaml",
        "epochs": 4,
        "last": run.history[-1],
        "test": run.test,
    }
    used = graphnn.loads((place / "run" / "spec.yaml").read_text(), folder=place)
    assert used.graph.spec.train.validation.value == 10
    assert (place / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert ">a</" in (place / "run" / "diagram.svg").read_text()


def test_validation_and_test_rows_are_held_back(folder):
    from graphnn.training.fitting.loop import Training

    net = graphnn.load(folder / "net.yaml", {"validation": 10, "test": 0.2})
    sets = Training(net, net.graph.spec.train).sets
    assert (len(sets.train), len(sets.validation), len(sets.test)) == (30, 10, 10)
    rows = np.concatenate([part.arrays["x"] for part in (sets.train, sets.validation, sets.test)])
    everything = np.load(folder / "rows.npz")["x"]
    np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(everything, axis=0))


def test_evaluation_is_the_mean_over_all_rows(folder):
    from graphnn.training.fitting.loop import Training

    net = graphnn.load(folder / "net.yaml")
    training = Training(net, net.graph.spec.train)
    rows = np.load(folder / "rows.npz")
    found = training.evaluate(training.sets.train)
    e = np.exp(rows["x"] @ net.parameters["a.weight"] + net.parameters["a.bias"])
    y = e / e.sum(axis=1, keepdims=True)
    assert found["loss"] == pytest.approx(-np.log(y[np.arange(50), rows["t"]]).mean())
    assert found["accuracy"] == pytest.approx((y.argmax(axis=1) == rows["t"]).mean())


def test_data_may_be_given_from_python(folder):
    rows = np.load(folder / "rows.npz")
    net = graphnn.load(folder / "net.yaml")
    given = graphnn.train(net, data={"x": rows["x"], "t": rows["t"]})
    read = graphnn.train(folder / "net.yaml")
    assert given.network is net
    assert given.history == read.history


IMAGES = """
graphnn: 1
nodes:
  x:    {op: input, shape: [batch, 1, 4, 5]}
  t:    {op: input, shape: [batch], dtype: int}
  u:    {op: input, shape: [batch]}
  c:    {op: conv2d, inputs: x, filters: 2, kernel: 2}
  f:    {op: flatten, inputs: c}
  a:    {op: affine, inputs: f, units: 2}
  y:    {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
  v:    {op: negative, inputs: u}
train:
  loss: loss
  metrics: {accuracy: [y, t]}
  augment: {shift: 1}
"""


@pytest.mark.parametrize("act", [graphnn.train, graphnn.evaluate])
@cases(
    r"""
    data= | message
    {"x": np.zeros((3, 19)), "t": [0, 1, 0]}
        | error[wrong-width]: 'x' needs 1x4x5 = 20 values a row, but 'x' has 19
    {"x": np.zeros((0, 1, 4, 5)), "t": []}
        | error[no-rows]: 'x' holds no rows\nerror[no-rows]: 't' holds no rows
    {"x": np.zeros((3, 1, 4, 5)), "t": [0, 1]} | error[row-mismatch]: 't' has 2 rows, but 'x' has 3
    {"x": np.zeros((1, 20)), "T": [0]}
        | error[unknown-input]: the network has no input 'T' to feed
        \n   = help: did you mean 't'?
        \nerror[missing-input]: the data have no array to feed input 't'
    {"x": np.zeros((1, 20)), "t": [["cat", "dog"]]}
        | error[not-numbers]: 't' in the data is not an array of numbers
    {"x": [[1.0], [1.0, 2.0]], "t": [0, 1]}
        | error[not-numbers]: 'x' in the data is not an array of numbers
    {"x": np.zeros((1, 20)), "t": [0.5]}
        | error[not-whole]: 't' takes whole numbers of 64 bits, but 't'[0] is 0.5
    {"x": np.zeros((3, 20)), "t": [0.0, 1.0, 2.0]}
        | error[class-outside]: 't' takes classes 0 to 1, but 't' holds 2 in row 2
        \n   = help: 3 classes need 3 outputs, not 2
    {"x": np.zeros((3, 20)), "t": [0, 1, -1]}
        | error[class-outside]: 't' takes classes 0 to 1, but 't' holds -1 in row 2
        \n   = help: class numbers count from 0
    {"x": np.zeros((1, 20)), "t": [0], "u": [0]}
        | error[unknown-input]: the loss 'loss' does not depend on 'u'
        \n   = help: leave 'u' out, or choose another loss
    """,
    np=np,
)
def test_arrays_that_do_not_do_are_refused_before_anything_runs(act, data, message):
    with pytest.raises(DataError) as caught:
        act(graphnn.loads(IMAGES), data=data)
    assert str(caught.value).replace("\n\n", "\n") == message


def test_arrays_are_taken_as_those_of_a_file_are():
    rng = np.random.default_rng(0)
    rows, labels = rng.random((6, 1, 4, 5)), [0, 1] * 3
    runs = [
        graphnn.train(graphnn.loads(IMAGES), data={"x": x, "t": t})
        for x, t in ((rows, labels), (rows.reshape(6, 20), np.array(labels, float)))
    ]
    assert runs[0].history == runs[1].history


@pytest.mark.slow
def test_digits_that_were_wrong_are_pictured(tmp_path):
    net = graphnn.load(SPECS / "mnist.yaml", {"epochs": 1, "rows": 500})
    run = graphnn.train(net, folder=tmp_path / "run")
    assert "mistakes.png" in run.files
    assert (tmp_path / "run" / "mistakes.png").read_bytes().startswith(b"\x89PNG")


def test_frozen_parameters_stay(folder):
    text = SPEC.replace("units: 3}", "units: 3, trainable: false}")
    (folder / "frozen.yaml").write_text(text)
    with pytest.raises(TrainingError) as caught:
        graphnn.train(folder / "frozen.yaml")
    assert caught.value.diagnostics[0].code == "nothing-to-train"
    text = SPEC.replace(
        "  y:    {op: softmax, inputs: a}",
        "  b: {op: affine, inputs: a, units: 3, trainable: false}\n  y: {op: softmax, inputs: b}",
    )
    (folder / "half.yaml").write_text(text)
    before = graphnn.load(folder / "half.yaml")
    run = graphnn.train(folder / "half.yaml")
    after = run.network.parameters
    np.testing.assert_array_equal(after["b.weight"], before.parameters["b.weight"])
    assert (after["a.weight"] != before.parameters["a.weight"]).all()


@cases(r"""
    options= | message
    {"resume": True} | error[nothing-to-resume]: only a folder can be resumed
    {"resume": True, "folder": "none"} | error[nothing-to-resume]: 'none' holds no run to resume
    {"folder": "."}
        | error[folder-in-use]: '.' already holds something
        \n   = help: name another folder, or resume the run in it with --resume
""")
def test_folders_that_do_not_do(folder, monkeypatch, options, message):
    monkeypatch.chdir(folder)
    with pytest.raises(TrainingError) as caught:
        graphnn.train("net.yaml", **options)
    assert str(caught.value) == message


def test_a_checkpoint_of_another_spec_is_refused(folder):
    graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=folder / "run")
    with pytest.raises(TrainingError) as caught:
        graphnn.train(folder / "net.yaml", {"batch_size": 9}, folder=folder / "run", resume=True)
    assert [found.code for found in caught.value.diagnostics] == ["different-spec"]


def test_weights_are_no_checkpoint(folder):
    run = graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=folder / "run")
    run.network.save(folder / "run" / CHECKPOINT)
    with pytest.raises(graphnn.FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    assert [found.code for found in caught.value.diagnostics] == ["broken-file"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("  data: {npz: rows.npz}\n", ""), "no-data"),
        (("{sgd: {learning_rate: 0.5}}", "{sdg: {}}"), "unknown-optimizer"),
        (("{learning_rate: 0.5}", "{learning_rat: 0.5}"), "bad-optimizer"),
        (("{learning_rate: 0.5}", "{learning_rate: -1}"), "bad-optimizer"),
        (("accuracy:", "acuracy:"), "unknown-metric"),
    ],
)
def test_train_sections_that_make_no_sense(folder, change, code):
    (folder / "net.yaml").write_text(SPEC.replace(*change))
    with pytest.raises(TrainingError) as caught:
        graphnn.train(folder / "net.yaml")
    assert [found.code for found in caught.value.diagnostics] == [code]
    assert all(found.span is not None for found in caught.value.diagnostics)


def test_a_spec_that_does_not_say_how_to_train():
    with pytest.raises(TrainingError) as caught:
        graphnn.train(SPECS / "softmax.yaml")
    assert str(caught.value) == (
        "error[no-train]: the spec does not say how to train\n"
        "   = help: add a section 'train' to it, such as train: {data: ..., epochs: 10}"
    )


def test_without_matplotlib_the_weights_are_still_kept(folder, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    settings = {"epochs": 1, "validation": 10}
    run = graphnn.train(folder / "net.yaml", settings, folder=folder / "run")
    assert "weights.safetensors" in run.files
    assert "curves.png" not in run.files
    assert run.remarks == (
        "no curves.png, confusion.png: plots need matplotlib, which is not installed",
    )


def test_training_by_numerical_gradients_never_asks_for_a_vjp(folder, monkeypatch):
    from graphnn.ops.families.linear import Affine

    def no_vjp(self, *arrays, **keywords):
        raise AssertionError("a vjp was asked for")

    monkeypatch.setattr(Affine, "vjp", no_vjp)
    run = graphnn.train(folder / "net.yaml", {"epochs": 1, "gradient": "numerical"})
    assert run.history[0]["loss"] < 1.5
    with pytest.raises(AssertionError):
        graphnn.train(folder / "net.yaml", {"epochs": 1})


def test_twenty_steps_by_numerical_gradients_end_where_those_by_backprop_do(monkeypatch):
    monkeypatch.setattr("graphnn.training.fitting.loop.Dataset.batches", first_of(20))
    settings = {"epochs": 1, "test": 100, "validation": 100}
    numerical = graphnn.train(SPECS / "mnist_numerical.yaml", settings)
    backprop = graphnn.train(SPECS / "mnist.yaml", settings)
    for name, array in backprop.network.parameters.items():
        moved = np.abs(array - graphnn.load(SPECS / "mnist.yaml").parameters[name]).max()
        assert moved > 0.01
        np.testing.assert_allclose(numerical.network.parameters[name], array, rtol=0, atol=1e-8)


def first_of(count):
    """`Dataset.batches`, ended after `count` of them."""
    from itertools import islice

    from graphnn.training.data.dataset import Dataset

    whole = Dataset.batches

    def batches(self, size, rng=None):
        return islice(whole(self, size, rng), count)

    return batches


@pytest.mark.parametrize("call", [graphnn.train, graphnn.evaluate])
def test_settings_for_a_network_that_is_built(call):
    net = graphnn.load(SPECS / "regression.yaml")
    with pytest.raises(graphnn.UsageError) as caught:
        call(net, {"epochs": 1})
    assert str(caught.value) == (
        "error[bad-option]: settings replace values of a spec file, but a network is given\n"
        "   = help: give them to load: graphnn.load(FILE, settings)"
    )

"""Pictures that a run and an evaluation leave, each where there is something to see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.training.fitting.loop import Training

CLASSIFIER = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1, 5, 5]}
  t: {op: input, shape: [batch], dtype: int}
  c: {op: conv2d, inputs: x, filters: 2, kernel: 3}
  f: {op: flatten, inputs: c}
  a: {op: affine, inputs: f, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  validation: 4
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.5}}
  epochs: 2
"""
# Makes of an image its half.
HALF = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5, 5]}
  t: {op: input, shape: [batch, 5, 5]}
  w: {op: parameter, shape: [1], value: [0.5], trainable: false}
  y: {op: multiply, inputs: [x, w]}
  b: {op: parameter, shape: [1], value: [0]}
  s: {op: add, inputs: [y, b]}
  loss: {op: mean_squared_error, inputs: [s, t]}
outputs: [y]
train: {data: {npz: {file: rows.npz, x: x, t: x}}, loss: loss, epochs: 1}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("rows.npz", x=rng.random((12, 1, 5, 5)), t=np.arange(12) % 2)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, by function: its arguments."""
    found = {}

    def watched(name):
        draw = getattr(drawing, name)

        def call(*arguments, **options):
            found[name] = (arguments, options)
            return draw(*arguments, **options)

        monkeypatch.setattr(drawing, name, call)

    for name in ("confusion", "filters", "reconstructions"):
        watched(name)
    return found


def train(text: str, **settings) -> graphnn.Run:
    Path("net.yaml").write_text(text)
    return graphnn.train("net.yaml", settings, folder="run")


def test_filters_before_and_after(drawn):
    run = train(CLASSIFIER)
    assert "filters.png" in run.files
    (after,), options = drawn["filters"]
    np.testing.assert_array_equal(after, run.network.parameters["c.weight"])
    start = graphnn.load("net.yaml").parameters["c.weight"]
    np.testing.assert_array_equal(options["before"], start)
    assert (after != start).all()
    assert options["title"] == "c.weight after training"
    assert Path("run/filters.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kernel: 3}", "kernel: 3, trainable: false}"),
        ("kernel: 3}", "kernel: 1}"),
        ("x: {op: input, shape: [batch, 1, 5, 5]}", "x: {op: input, shape: [batch, 5, 5, 1]}"),
        ("op: conv2d, inputs: x, filters: 2, kernel: 3", "op: identity, inputs: x"),
    ],
)
def test_filters_that_do_not_learn_or_cannot_be_seen(old, new):
    assert old in CLASSIFIER
    text = CLASSIFIER.replace(old, new)
    if "5, 5, 1]" in new:
        text = text.replace("kernel: 3", "kernel: [3, 1]")
    assert "filters.png" not in train(text).files


def test_a_confusion_of_the_rows_held_back(drawn):
    run = train(CLASSIFIER)
    assert {"confusion.png", "mistakes.png"} <= set(run.files)
    (counts,), _ = drawn["confusion"]
    found = graphnn.evaluate(run.network)
    assert (found.kind, found.rows) == ("validation", 4)
    np.testing.assert_array_equal(counts, found.confusion)
    assert int(counts.sum()) == 4


def test_no_confusion_where_no_rows_are_held_back():
    files = train(CLASSIFIER.replace("  validation: 4\n", "")).files
    assert not {"confusion.png", "mistakes.png"} & set(files)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({}, "training"), ({"validation": 5}, "validation"), ({"test": 5}, "test")],
)
def test_images_with_what_the_network_makes_of_them(drawn, settings, kind):
    run = train(HALF, **settings)
    assert "reconstructions.png" in run.files
    (images, made), options = drawn["reconstructions"]
    assert len(images) == (5 if settings else 12)
    np.testing.assert_array_equal(made, images / 2)
    assert options["title"] == f"{kind} images, and below each what the network makes of it"
    found = graphnn.evaluate("net.yaml", settings, weights="run")
    assert found.draw("pictures") == ("reconstructions.png",)
    np.testing.assert_array_equal(drawn["reconstructions"][0][0], images)


def test_rows_that_are_given_are_not_called_held_back(drawn):
    train(HALF)
    rows = np.load("rows.npz")["x"]
    found = graphnn.evaluate("net.yaml", weights="run", data={"x": rows, "t": rows})
    assert found.draw("pictures") == ("reconstructions.png",)
    title = drawn["reconstructions"][1]["title"]
    assert title == "images, and below each what the network makes of it"


def test_a_run_that_breaks_off_reports_its_own_fault(monkeypatch):
    np.savez("rows.npz", x=np.ones((4, 5, 5)))
    Path("net.yaml").write_text(HALF.replace("epochs: 1", "epochs: 3"))
    whole = Training.epoch

    def epoch(self, progress=None):
        if self.state.history:
            raise graphnn.RunError(graphnn.Diagnostic("not-finite", "the second epoch"))
        whole(self, progress)

    monkeypatch.setattr(Training, "epoch", epoch)
    shown = []

    def reconstructed(*_):
        shown.append("asked")
        raise graphnn.RunError(graphnn.Diagnostic("not-finite", "another place"))

    monkeypatch.setattr("graphnn.training.runs.figures.reconstructed", reconstructed)
    with pytest.raises(graphnn.RunError) as caught:
        graphnn.train("net.yaml", folder="run")
    assert shown == ["asked"]
    assert str(caught.value) == "error[not-finite]: the second epoch"
    assert (Path("run") / "weights.safetensors").exists()


def test_rows_that_are_no_images():
    np.savez("rows.npz", x=np.ones((3, 4)))
    run = train(HALF.replace("[batch, 5, 5]", "[batch, 4]"))
    assert "reconstructions.png" not in run.files
    assert graphnn.evaluate("net.yaml", weights="run").draw("pictures") == ()

"""``graphnn evaluate``."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.training.fitting.measuring import confusion_matrix

SOFTMAX = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, weight: [[0, 0], [0, 0]]}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  metrics: {accuracy: [y, t], top_k_accuracy: {inputs: [y, t], k: 2}}
"""
# With the weights below, equal scores give both classes 1/2, and scores apart by log 3 1/4 and 3/4.
ROWS = np.array([[0, 0], [0, 0], [0, math.log(3)]])


@pytest.fixture
def net(here) -> str:
    np.savez("rows.npz", x=ROWS, t=[0, 1, 1])
    np.savez("other.npz", x=ROWS[1:], t=[1, 0])
    np.savez("weights.npz", **{"a.weight": np.eye(2), "a.bias": np.zeros(2)})
    Path("net.yaml").write_text(SOFTMAX)
    return "net.yaml"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("graphnn: 1", "graphnn: 1\nweights: {file: weights.npz}"),
        ("[[0, 0], [0, 0]]", "[[1, 0], [0, 1]], bias: [0, 0]"),
    ],
    ids=["a file", "numbers"],
)
def test_a_spec_may_say_what_its_parameters_are(call, net, old, new):
    expected = call("evaluate", net, "--weights", "weights.npz").out
    Path("net.yaml").write_text(SOFTMAX.replace(old, new))
    assert call("evaluate", net).out == expected


def test_a_spec_without_weights_is_refused_in_python_too(net):
    with pytest.raises(
        graphnn.UsageError, match=r"no trained parameters are given for 'net\.yaml'"
    ):
        graphnn.evaluate(net)


def test_loss_and_metrics_of_all_rows(call, net):
    result = call("evaluate", net, "--weights", "weights.npz")
    loss = (2 * math.log(2) - math.log(3 / 4)) / 3
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"3 training rows\nloss            {loss:.4f}\naccuracy        0.6667\n"
        "top_k_accuracy  1.0000\n"
    )


def test_rows_held_back_come_first(call, net):
    text = SOFTMAX + "  validation: 1\n"
    Path(net).write_text(text)
    out = call("evaluate", net, "--weights", "weights.npz").out
    assert out.startswith("1 validation row\n")
    Path(net).write_text(text + "  test: {npz: other.npz}\n")
    out = call("evaluate", net, "--weights", "weights.npz").out
    # -log(1/2) and -log(1/4), whose mean is 1.5 log 2; both rows are wrong
    assert out.startswith("2 test rows\nloss            1.0397\naccuracy        0.0000\n")


def test_other_rows_and_json(call, net):
    result = call(
        "evaluate",
        net,
        "--weights",
        "weights.npz",
        "--data",
        "{npz: other.npz}",
        "--format",
        "json",
    )
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert found.pop("loss") == pytest.approx(1.5 * math.log(2), rel=1e-14)
    assert found == {
        "rows": 2,
        "kind": "given",
        "accuracy": 0.0,
        "top_k_accuracy": 1.0,
        "confusion": [[0, 1], [1, 0]],
        "classes": None,
    }


def test_texts_are_numbered_as_in_training(call, net):
    Path("rows.csv").write_text("x0,x1,t\n0,0,ant\n0,1,bee\n2,0,cat\n")
    Path("bees.csv").write_text("x0,x1,t\n0,5,bee\n")
    text = SOFTMAX.replace("{npz: rows.npz}", "{csv: {file: rows.csv, x: [x0, x1], t: t}}")
    Path(net).write_text(text.replace("[[0, 0], [0, 0]]", "[[0, 0, 0], [0, 0, 0]]"))
    weights = {"a.weight": np.array([[0, 0, 1], [0, 1, 0]]), "a.bias": np.zeros(3)}
    np.savez("weights.npz", **weights)
    data = "{csv: {file: bees.csv, x: [x0, x1], t: t}}"
    result = call("evaluate", net, "--weights", "weights.npz", "--data", data, "--format", "json")
    found = json.loads(result.out)
    assert found["classes"] == ["ant", "bee", "cat"]
    assert found["confusion"] == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


def test_pictures_of_a_classifier(call, net):
    result = call("evaluate", net, "--weights", "weights.npz", "-o", "pictures/net")
    assert (result.code, result.err) == (0, "wrote 'pictures/net': confusion.png\n")
    assert Path("pictures/net/confusion.png").read_bytes().startswith(b"\x89PNG")


def test_no_pictures_of_what_classifies_nothing(call, line):
    np.savez("rows.npz", x=[[1, 2], [3, 4]], t=[[1.5], [2.5]])
    np.savez("w.npz", **{"a.bias": [0.5]})
    train = "train:\n  data: {npz: rows.npz}\n  metrics: {r_squared: [a, t]}\n"
    Path(line).write_text(Path(line).read_text() + train)
    result = call("evaluate", line, "--weights", "w.npz", "-o", "pictures")
    # Outputs 0.5 and 2.5 for 1.5 and 2.5: squared errors 1 and 0, of targets whose variance is 1/4.
    assert (result.code, result.out) == (
        0,
        "2 training rows\nloss       0.5000\nr_squared  -1.0000\n",
    )
    assert result.err == "no pictures: no metric 'accuracy' names the nodes that classify\n"
    assert not Path("pictures").exists()


def test_another_file_is_read_like_the_one_that_the_spec_names(call, net, here):
    (here / "elsewhere").mkdir()
    Path("elsewhere/rows.npz").write_bytes(Path("other.npz").read_bytes())
    expected = call("evaluate", net, "--weights", "weights.npz", "--data", "{npz: other.npz}")
    assert expected.out.startswith("2 rows\nloss            1.0397\n")
    for path in ("other.npz", "elsewhere/rows.npz", here / "elsewhere/rows.npz"):
        assert call("evaluate", net, "--weights", "weights.npz", "--data", path) == expected
    found = graphnn.evaluate(net, weights="weights.npz", data="elsewhere/rows.npz")
    assert found.values["loss"] == pytest.approx(1.5 * math.log(2), rel=1e-12)
    missing = call("evaluate", net, "--weights", "weights.npz", "--data", "elsewhere/no.npz")
    assert missing.err == "error[no-such-file]: there is no file 'elsewhere/no.npz'\n"
    Path(net).write_text(SOFTMAX.replace("npz: rows.npz", "mnist: {x: images, t: labels}"))
    refused = call("evaluate", net, "--weights", "weights.npz", "--data", "other.npz")
    assert (refused.code, refused.err) == (
        2,
        "error[bad-option]: 'other.npz' does not say where rows come from\n"
        "   = help: write what kind of data it is, as 'train.data' would: {npz: FILE}\n",
    )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            (),
            2,
            "error[bad-option]: no trained parameters are given for 'net.yaml'\n   = help: give "
            "'weights' of a run, or name its folder in place of the file\n",
        ),
        (("--weights", "no.npz"), 1, "error[no-such-file]: there is no file 'no.npz'\n"),
        (
            ("--weights", "weights.npz", "--data", "{npy: rows.npz}"),
            2,
            "error[unknown-data]: there is no kind of data 'npy'\n"
            "  --> --data:1:8\n"
            "   |\n"
            " 1 | data: {npy: rows.npz}\n"
            "   |        ^^^\n"
            "   = help: did you mean 'npz'?\n",
        ),
    ],
)
def test_calls_that_make_no_sense(call, net, options, code, message):
    result = call("evaluate", net, *options)
    assert (result.code, result.out, result.err) == (code, "", message)


def test_rows_for_an_input_that_the_loss_does_not_need(call, net):
    unread = "  u: {op: input, shape: [batch]}\n  v: {op: negative, inputs: u}\ntrain:\n"
    Path(net).write_text(SOFTMAX.replace("train:\n", unread))
    data = "{npz: {file: rows.npz, x: x, t: t, u: t}}"
    assert call("evaluate", net, "--weights", "weights.npz", "--data", data).usage_error == (
        "error[unknown-input]: the loss 'loss' does not depend on 'u'\n"
        "  --> --data:1:42\n"
        "   |\n"
        " 1 | data: {npz: {file: rows.npz, x: x, t: t, u: t}}\n"
        "   |                                          ^\n"
        "   = help: leave 'u' out, or choose another loss\n"
    )


def test_a_network_that_trains_without_data(call, descent):
    np.savez("w.npz", **{"x.value": [0.0, 0.0]})
    result = call("evaluate", descent, "--weights", "w.npz")
    assert (result.code, result.err) == (
        1,
        "error[no-data]: the network trains without data, so there are no rows to evaluate it on\n",
    )


def test_confusion_leaves_out_what_is_no_class():
    found = confusion_matrix(np.array([0, 1, 1]), np.array([0, 5, -1]), 2)
    assert found.tolist() == [[1, 0], [0, 0]]


def test_from_python(net):
    rows = {"x": ROWS[1:], "t": np.array([1, 0])}
    found = graphnn.evaluate(net, weights="weights.npz", data=rows)
    assert (found.kind, found.rows, found.names) == ("given", 2, None)
    assert found.values["loss"] == pytest.approx(1.5 * math.log(2), rel=1e-14)
    assert found.confusion.tolist() == [[0, 1], [1, 0]]
    assert graphnn.evaluate(graphnn.load(net), data=rows).values["accuracy"] == 0.5


def test_mistaken_images_in_colour_are_pictured_as_they_are(here, monkeypatch):
    nodes = SOFTMAX.replace("[batch, 2]", "[batch, 3, 2, 1]")
    flat = "f: {op: flatten, inputs: x}\n  a: {op: affine, units: 2, weight: zeros, inputs: f}"
    given = "a: {op: affine, inputs: x, weight: [[0, 0], [0, 0]]}"
    Path("net.yaml").write_text(nodes.replace(given, flat))
    red, blue = (np.eye(3)[channel].reshape(3, 1, 1) * np.ones((3, 2, 1)) for channel in (0, 2))
    np.savez("rows.npz", x=[red, blue], t=[0, 1])
    found = graphnn.evaluate(graphnn.load("net.yaml"))
    shown = []
    mistakes = drawing.mistakes

    def draw(*arguments, **options):
        shown.append(mistakes(*arguments, **options))

    monkeypatch.setattr("graphnn.drawing.mistakes", draw)
    assert found.draw("pictures") == ("confusion.png", "mistakes.png")
    # Equal scores are taken for class 0, so that blue is the one mistake.
    (image,) = shown[0].axes[0].images
    assert np.array_equal(image.get_array(), np.tile([0.0, 0, 1], (2, 1, 1)))


def test_mistaken_images_are_pictured(call, here):
    nodes = SOFTMAX.replace("[batch, 2]", "[batch, 25]").replace(", weight: [[0, 0], [0, 0]]", "")
    Path("net.yaml").write_text(nodes.replace("inputs: x}", "inputs: x, units: 2}"))
    np.savez("rows.npz", x=np.random.default_rng(0).random((6, 25)), t=[0, 1, 0, 1, 0, 1])
    np.savez("w.npz", **{"a.weight": np.zeros((25, 2)), "a.bias": [1.0, 0.0]})
    result = call("evaluate", "net.yaml", "--weights", "w.npz", "-o", "pictures")
    assert (result.code, result.err) == (0, "wrote 'pictures': confusion.png, mistakes.png\n")
    assert "accuracy        0.5000\n" in result.out
    assert Path("pictures/mistakes.png").read_bytes().startswith(b"\x89PNG")

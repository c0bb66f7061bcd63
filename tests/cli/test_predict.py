"""``graphnn predict``."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graphnn

pytestmark = pytest.mark.usefixtures("no_plots")

# The class is the brighter of the left and the right half of a 2x2 image; full against none makes
# scores apart by 2 log 3, so that the odds are 9 to 1.
HALVES = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 4]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {csv: {file: rows.csv, x: [p, q, r, s], t: t}}
  metrics: {accuracy: [y, t]}
"""
LEFT, RIGHT = [[255, 0], [255, 0]], [[0, 255], [0, 255]]


def save(name: str, grey: list) -> None:
    Image.fromarray(np.array(grey, np.uint8)).save(name)


@pytest.fixture
def net(here) -> str:
    Path("net.yaml").write_text(HALVES)
    weight = math.log(3) * np.array([[1, 0], [0, 1], [1, 0], [0, 1]])
    np.savez("w.npz", **{"a.weight": weight, "a.bias": np.zeros(2)})
    save("left.png", LEFT)
    save("right.png", RIGHT)
    return "net.yaml"


def test_pictures_with_their_classes(call, net):
    assert call("predict", net, "--weights", "w.npz", "left.png", "right.png").output == (
        "           class  probability\n"
        "left.png   0           0.9000\n"
        "right.png  1           0.9000\n"
    )


def test_classes_have_the_names_of_the_data(call, net):
    Path("rows.csv").write_text("p,q,r,s,t\n0,1,0,1,right\n1,0,1,0,left\n")
    result = call("predict", net, "--weights", "w.npz", "right.png")
    assert result.out.splitlines()[1] == "right.png  right       0.9000"


@pytest.mark.parametrize("name", ["x", "other"])
def test_rows_of_an_archive_as_json(call, net, name):
    # Grey levels of a PNG become 0 to 1; arrays are taken as they are.
    np.savez("rows.npz", **{name: [[1.0, 0, 1, 0], [0, 0, 0, 0.5]]})
    result = call("predict", net, "--weights", "w.npz", "rows.npz", "left.png", "--format", "json")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    half = math.sqrt(3) / (1 + math.sqrt(3))
    scores = [each.pop("score") for each in found]
    assert scores == pytest.approx([0.9, half, 0.9], rel=1e-12)
    assert found == [
        {"source": "rows.npz[0]", "label": 0, "name": "0"},
        {"source": "rows.npz[1]", "label": 1, "name": "1"},
        {"source": "left.png", "label": 0, "name": "0"},
    ]


def test_one_probability(call, net):
    text = HALVES.replace("units: 2", "units: 1").replace("softmax", "sigmoid")
    text = text.replace("cross_entropy", "binary_cross_entropy")
    Path(net).write_text(text.replace("shape: [batch], dtype: int", "shape: [batch, 1]"))
    weight = math.log(3) * np.array([[-1], [1], [-1], [1]])
    np.savez("w.npz", **{"a.weight": weight, "a.bias": [0.0]})
    assert [
        line.split()
        for line in call(
            "predict", net, "--weights", "w.npz", "left.png", "right.png"
        ).output.splitlines()[1:]
    ] == [
        ["left.png", "0", "0.9000"],
        ["right.png", "1", "0.9000"],
    ]


def test_scores_that_are_no_probabilities_are_not_called_so(call, net):
    Path(net).write_text(HALVES.replace("accuracy: [y, t]", "accuracy: [a, t]"))
    out = call("predict", net, "--weights", "w.npz", "left.png").out
    # Two pixels of 1, each with weight log 3.
    assert out == f"          class   score\nleft.png  0      {2 * math.log(3):.4f}\n"


def test_colours(call, net):
    text = HALVES.replace("[batch, 4]", "[batch, 3, 1, 1]")
    text = text.replace(
        "  a: {op: affine, inputs: x", "  f: {op: flatten, inputs: x}\n  a: {op: affine, inputs: f"
    )
    Path(net).write_text(text)
    weight = math.log(3) * np.array([[2, 0], [0, 0], [0, 2]])
    np.savez("w.npz", **{"a.weight": weight, "a.bias": np.zeros(2)})
    Image.fromarray(np.array([[[0, 0, 255]]], np.uint8)).save("blue.png")
    out = call("predict", net, "--weights", "w.npz", "blue.png").out
    assert out.splitlines()[1].split() == ["blue.png", "1", "0.9000"]


def images(text: str) -> str:
    """The network for images with a height and a width."""
    text = text.replace("[batch, 4]", "[batch, 1, 2, 2]")
    flat = "  f: {op: flatten, inputs: x}\n  a: {op: affine, inputs: f"
    return text.replace("  a: {op: affine, inputs: x", flat)


def test_an_image_of_another_shape_is_no_image(call, net):
    Path(net).write_text(images(HALVES))
    assert call("predict", net, "--weights", "w.npz", "left.png").code == 0
    save("wide.png", [[0, 0, 0, 0]])
    assert call("predict", net, "--weights", "w.npz", "wide.png").error == (
        "error[wrong-size]: 'wide.png' has 1x4 pixels, not 2x2\n"
        "   = note: input 'x' takes 2x2, height by width\n"
        "   = help: for other sizes write resize: stretch, or resize: crop\n"
    )


def test_what_is_transparent_is_white(call, net):
    # A black stroke on a clear layer, left; what nobody sees is black too.
    layer = np.zeros((2, 2, 4), np.uint8)
    layer[:, 0, 3] = 255
    Image.fromarray(layer).save("layer.png")
    out = call("predict", net, "--weights", "w.npz", "layer.png").out
    assert out.splitlines()[1].split() == ["layer.png", "1", "0.9000"]


def test_what_cannot_be_read(call, net):
    save("wide.png", [[0, 0, 0]])
    Path("text.png").write_text("none")
    np.savez("two.npz", a=[[1]], b=[[2]])
    Path("photo.gif").write_bytes(b"GIF")
    Path("rows.npy").write_bytes(b"\x93NUMPY")
    Path("none").mkdir()
    Path("thin.csv").write_text("p,r,s\n1,2,3\n")
    Path("typo.csv").write_text("p,q,r,ss\n1,2,3,4\n")
    for name, message in {
        "wide.png": "error[wrong-width]: 'x' needs 4 values a row, but 'wide.png' has 1x3 = 3\n",
        "text.png": "error[not-an-image]: 'text.png' is not an image: it begins with the bytes "
        "6e 6f 6e 65\n"
        "   = help: PNG, JPEG, WebP and BMP files are read\n",
        "two.npz": "error[unknown-array]: 'two.npz' has no array 'x'\n"
        "   = help: its arrays are a, b\n",
        "photo.gif": "error[unknown-format]: 'photo.gif' is not a file of rows or images\n"
        "   = help: give images, a folder of them, or rows in .csv, .parquet, .npy, .npz or "
        ".safetensors\n",
        "right.txt": "error[no-such-file]: there is no file 'right.txt'\n"
        "   = help: did you mean 'right.png'?\n",
        "rows.npy": "error[broken-file]: 'rows.npy' is not a sound .npy file\n",
        "none": "error[no-rows]: the folder 'none' holds no images\n",
        "thin.csv": "error[unknown-column]: 'thin.csv' has no column 'q'\n"
        "  --> net.yaml:9:39\n"
        "   |\n"
        " 9 |   data: {csv: {file: rows.csv, x: [p, q, r, s], t: t}}\n"
        "   |                                       ^\n"
        "   = help: its columns are p, r, s\n",
        "typo.csv": "error[unknown-column]: 'typo.csv' has no column 's'\n"
        "  --> net.yaml:9:45\n"
        "   |\n"
        " 9 |   data: {csv: {file: rows.csv, x: [p, q, r, s], t: t}}\n"
        "   |                                             ^\n"
        "   = help: did you mean 'ss'?\n",
    }.items():
        assert call("predict", net, "--weights", "w.npz", name).error == message


@pytest.mark.parametrize(
    "text",
    [
        "p,q,r,s,t\n1,0,1,0,0\n0,1,0,1,?\n",  # as in training; what is predicted may be anything
        "s,r,q,p\n0,1,0,1\n1,0,1,0\n",  # by the names that the spec gives
        "x.0,x.1,x.2,x.3,more\n1,0,1,0,9\n0,1,0,1,9\n",  # by the name of the input
        "a,b,c,d\n1,0,1,0\n0,1,0,1\n",  # as many as it takes
    ],
)
def test_rows_of_a_table(call, net, text):
    Path("new.csv").write_text(text)
    assert [
        line.split()
        for line in call("predict", net, "--weights", "w.npz", "new.csv").output.splitlines()[1:]
    ] == [
        ["new.csv[0]", "0", "0.9000"],
        ["new.csv[1]", "1", "0.9000"],
    ]


def test_a_table_without_names_for_its_columns(call, net):
    Path(net).write_text(HALVES.replace("{file: rows.csv, x: [p, q, r, s], t: t}", "rows.csv"))
    Path("new.csv").write_text("a,b,c\n1,0,1\n")
    assert call("predict", net, "--weights", "w.npz", "new.csv").error == (
        "error[missing-column]: 'new.csv' has no column for input 'x'\n"
        "   = note: its columns are a, b, c\n"
        "   = help: name the columns as the training data do, or NAME.0, NAME.1 and so on by the "
        "input\n"
    )


def test_an_array_alone_and_a_folder(call, net):
    np.save("rows.npy", [[1.0, 0, 1, 0], [0, 1, 0, 1]])
    save_in = Path("all")
    (save_in / "deeper").mkdir(parents=True)
    (save_in / ".hidden").mkdir()
    for place, image in {"b": LEFT, "deeper/a": RIGHT, ".hidden/c": LEFT}.items():
        save(f"all/{place}.png", image)
    (save_in / "notes.txt").write_text("none")
    assert [
        line.split()[:2]
        for line in call(
            "predict", net, "--weights", "w.npz", "rows.npy", "all"
        ).output.splitlines()[1:]
    ] == [
        ["rows.npy[0]", "0"],
        ["rows.npy[1]", "1"],
        ["all/b.png", "0"],
        ["all/deeper/a.png", "1"],
    ]


def test_a_network_that_predicts_no_classes_reports_its_outputs(call, net):
    Path(net).write_text(HALVES.replace("  metrics: {accuracy: [y, t]}\n", ""))
    result = call("predict", net, "--weights", "w.npz", "left.png", "right.png")
    assert (result.code, result.out) == (
        0,
        "             y[0]    y[1]\nleft.png   0.9000  0.1000\nright.png  0.1000  0.9000\n",
    )
    assert (
        result.err == "no metric 'accuracy' names the node that classifies, so outputs are shown\n"
    )


def test_one_line_of_python_gives_the_same(call, net):
    shown = json.loads(
        call("predict", net, "--weights", "w.npz", "left.png", "--format", "json").out
    )
    (found,) = graphnn.predict(net, ["left.png"], weights="w.npz")
    assert isinstance(found, graphnn.Prediction)
    assert shown == [{"source": "left.png", "label": 0, "name": "0", "score": found.score}]
    assert found.score == pytest.approx(0.9, rel=1e-12)
    trained = graphnn.load(net)
    trained.load_weights("w.npz")
    assert graphnn.predict(trained, [Path("left.png")]) == [found]
    assert graphnn.predict(trained, "left.png") == [found]
    assert graphnn.predict(trained, Path("left.png")) == [found]
    assert graphnn.Predictor(trained, trained.graph.spec.train)(["left.png"]) == [found]


def test_the_likeliest_classes(call, net):
    result = call("predict", net, "--weights", "w.npz", "left.png", "--top", "2")
    assert result.out == (
        "          class  probability  then\nleft.png  0           0.9000  1 0.1000\n"
    )
    options = ("--weights", "w.npz", "--top", "5", "--format", "json")
    (found,) = json.loads(call("predict", net, *options, "right.png").out)
    assert [each["name"] for each in found["ranked"]] == ["1", "0"]  # there are no more
    assert [each["score"] for each in found["ranked"]] == pytest.approx([0.9, 0.1], rel=1e-12)


def test_a_csv_of_classes(call, net):
    result = call("predict", net, "--weights", "w.npz", "left.png", "-o", "out.csv")
    assert (result.code, result.err) == (0, "wrote 'out.csv'\n")
    header, row = Path("out.csv").read_text().splitlines()
    assert header == "source,class,score"
    source, name, score = row.split(",")
    assert (source, name, float(score)) == ("left.png", "0", pytest.approx(0.9, rel=1e-12))
    call("predict", net, "--weights", "w.npz", "left.png", "-o", "out.csv", "--top", "2")
    header = Path("out.csv").read_text().splitlines()[0]
    assert header == "source,class_1,score_1,class_2,score_2"


def test_a_csv_of_outputs(call, net):
    Path("net.yaml").write_text(HALVES.replace("  metrics: {accuracy: [y, t]}\n", ""))
    call("predict", net, "--weights", "w.npz", "left.png", "-o", "out.csv")
    header, row = Path("out.csv").read_text().splitlines()
    assert header == "source,y[0],y[1]"
    assert [float(value) for value in row.split(",")[1:]] == pytest.approx([0.9, 0.1])


def test_the_folder_of_a_run_stands_for_spec_and_weights(call, net):
    Path("rows.csv").write_text("p,q,r,s,t\n0,1,0,1,right\n1,0,1,0,left\n")
    assert call("train", net, "-o", "run", "--set", "epochs=1", "--set", "batch_size=2").code == 0
    shown = call("predict", "run", "left.png").out
    assert shown == call("predict", net, "--weights", "run", "left.png").out
    assert shown.splitlines()[1].split()[1] in ("left", "right")
    (found,) = graphnn.predict("run", "left.png", top=2)
    assert {name for name, _ in found.ranked} == {"left", "right"}


def test_neither_weights_nor_a_run(call, net):
    result = call("predict", net, "left.png")
    assert (result.code, result.err) == (
        2,
        "error[bad-option]: no trained parameters are given for 'net.yaml'\n"
        "   = help: give 'weights' of a run, or name its folder in place of the file\n",
    )


def test_a_run_that_is_not_there(call):
    result = call("predict", "runs/none", "left.png")
    assert (result.code, result.err) == (
        1,
        "error[no-such-file]: there is no file 'runs/none'\n",
    )


def test_of_one_class_at_least(call, net):
    for top in (0, True, 1.5):
        with pytest.raises(graphnn.UsageError) as caught:
            graphnn.predict(net, "left.png", weights="w.npz", top=top)
        assert str(caught.value) == f"error[bad-option]: at least 1 class is ranked, not {top}"

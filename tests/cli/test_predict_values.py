"""``graphnn predict`` of networks that predict no classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn import drawing
from graphnn.diagnostics import UsageError
from tables import cases

# Makes the negative of an image.
NEGATIVE = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 25]}
  t: {op: input, shape: [batch, 25]}
  y: {op: affine, inputs: x, units: 25}
  loss: {op: mean_squared_error, inputs: [y, t]}
train: {loss: loss}
"""


@pytest.fixture
def plane(line) -> str:
    np.savez("w.npz", **{"a.weight": [[2.0], [-1.0]], "a.bias": [0.5]})
    Path(line).write_text(Path(line).read_text() + "train: {loss: loss}\n")
    return line


@pytest.fixture
def negative(here) -> str:
    Path("net.yaml").write_text(NEGATIVE)
    np.savez("w.npz", **{"y.weight": -np.eye(25), "y.bias": np.ones(25)})
    rng = np.random.default_rng(0)
    np.save("images.npy", rng.random((3, 25)))
    return "net.yaml"


def test_values_of_a_regression(call, plane):
    # 2 x0 - x1 + 0.5
    Path("rows.csv").write_text("x0,x1\n1,2\n3,4\n")
    assert (
        call("predict", plane, "--weights", "w.npz", "rows.csv").output
        == "                  a\nrows.csv[0]  0.5000\nrows.csv[1]  2.5000\n"
    )
    result = call("predict", plane, "--weights", "w.npz", "rows.csv", "--format", "json")
    assert json.loads(result.out) == [
        {"source": "rows.csv[0]", "outputs": {"a": [0.5]}},
        {"source": "rows.csv[1]", "outputs": {"a": [2.5]}},
    ]


def test_values_from_python(call, plane):
    np.save("rows.npy", [[1.0, 2.0]])
    (found,) = graphnn.predict(plane, "rows.npy", weights="w.npz")
    assert isinstance(found, graphnn.Outputs)
    assert (found.source, found.row.tolist()) == ("rows.npy", [1, 2])
    assert {name: values.tolist() for name, values in found.values.items()} == {"a": [0.5]}


def test_of_many_values_the_table_shows_the_range(call, negative):
    image = np.zeros((1, 25))
    image[0, :2] = 0.25, 0.75
    np.save("images.npy", image)
    assert call("predict", negative, "--weights", "w.npz", "images.npy").output == (
        f"{'':10}  {'y':>31}\nimages.npy  25 values from 0.2500 to 1.0000\n"
    )


def test_images_are_drawn_with_what_comes_of_them(call, negative, monkeypatch):
    shown = []
    draw = drawing.reconstructions
    monkeypatch.setattr(
        "graphnn.drawing.reconstructions", lambda *a, **o: shown.append(draw(*a, **o))
    )
    result = call("predict", negative, "--weights", "w.npz", "images.npy", "-o", "sheet.png")
    assert (result.code, result.err) == (0, "wrote 'sheet.png'\n")
    assert Path("sheet.png").read_bytes().startswith(b"\x89PNG")
    images = [image.get_array() for image in shown[0].axes[0].images]
    rows = np.load("images.npy").reshape(3, 5, 5)
    for number in range(3):
        np.testing.assert_allclose(images[number], rows[number])
        made = np.clip(1 - rows[number], rows.min(), rows.max())
        np.testing.assert_allclose(images[3 + number], made)


def test_nothing_to_draw(call, plane):
    np.save("rows.npy", [[1.0, 2.0]])
    result = call("predict", plane, "--weights", "w.npz", "rows.npy", "-o", "sheet.png")
    assert (result.code, result.err) == (
        2,
        "error[bad-option]: there is nothing to draw in 'sheet.png'\n"
        "   = help: a sheet shows what a network makes of images, where those are images of the "
        "same size\n",
    )
    assert not Path("sheet.png").exists()


@cases(r"""
    nodes= | message
    {"s": {"op": "add", "inputs": ["x", "t"]}}
        | error[wrong-inputs]: 's' reads 2 inputs, so files cannot feed it
        \n   = help: use graphnn run --input
    {"s": {"op": "sum", "inputs": "x", "axis": 0}}
        | error[wrong-shape]: 's' has no row for each row of 'x'\n   = help: use graphnn run --input
""")
def test_outputs_that_are_not_of_one_row(here, nodes, message):
    spec = {
        "graphnn": 1,
        "nodes": {
            "x": {"op": "input", "shape": ["batch", 2]},
            "t": {"op": "input", "shape": ["batch", 2]},
            "p": {"op": "parameter", "shape": [2]},
            "y": {"op": "multiply", "inputs": ["x", "p"]},
            "loss": {"op": "mean_squared_error", "inputs": ["y", "t"]},
            **nodes,
        },
        "outputs": ["s"],
        "train": {"loss": "loss"},
    }
    np.save("rows.npy", np.ones((3, 2)))
    with pytest.raises(UsageError) as caught:
        graphnn.predict(graphnn.loads(spec), "rows.npy")
    assert str(caught.value) == message

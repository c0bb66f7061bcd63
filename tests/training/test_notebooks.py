"""What results show in a notebook, and the bar of a training that Python starts."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import graphnn
from graphnn import drawing
from places import SPECS


@pytest.fixture(scope="module")
def run():
    return graphnn.train(SPECS / "regression.yaml", {"epochs": 3})


def size(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        picture.load()
        return picture.size


def test_a_run(run):
    last = run.history[-1]
    values = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
    assert repr(run) == f"<run: 3 epochs; {values}>"
    assert min(size(run._repr_png_())) > 100


def test_a_figure_shows_itself():
    figure = drawing.curves({"loss": [2.0, 1.0]})
    width, height = figure.get_size_inches()
    assert size(figure._repr_png_()) == (round(width * 100), round(height * 100))


def test_without_matplotlib_a_run_shows_text(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.style", None)
    assert run._repr_png_() is None


def test_an_evaluation(run):
    found = graphnn.evaluate(run.network, data={"x": [[1, 2]], "t": [[0.5]]})
    values = ", ".join(f"{name} {value:.4g}" for name, value in found.values.items())
    assert repr(found) == f"<evaluation on 1 given rows: {values}>"
    assert found._repr_png_() is None  # nothing is classified
    assert repr(found.dataset).endswith(": 1 rows of x (2,), t (1,)>")


def test_gradients(run):
    batch = {"x": [[1.0, 2.0]], "t": [[0.5]]}
    report = graphnn.check_gradients(run.network, batch)
    assert repr(report) == str(report)
    estimate = graphnn.numerical_gradient(run.network, batch)["a.weight"]
    assert repr(estimate) == "<estimate of shape (2, 1): 2 entries>"


def test_an_error_shows_its_diagnostics():
    with pytest.raises(graphnn.SpecError) as caught:
        graphnn.loads("graphnn: 1\nnodes: {x: {op: inptu}}\n")
    assert caught.value._render_traceback_() == str(caught.value).splitlines()


def test_the_bar_counts_the_batches_of_all_epochs(capsys):
    run = graphnn.train(SPECS / "regression.yaml", {"epochs": 3}, progress=True)
    shown = capsys.readouterr().err.split("\r")[-1]
    assert "epoch 3/3: 100%" in shown
    assert "validation_loss=" in shown
    plain = graphnn.train(SPECS / "regression.yaml", {"epochs": 3})
    for name, array in run.network.parameters.items():
        np.testing.assert_array_equal(array, plain.network.parameters[name])

"""What results show in a notebook, and the bar of a training that Python starts."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

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


def table(html: str) -> list[list[str]]:
    """Cells of the one table in `html`, its header first."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def picture(html: str) -> bytes | None:
    found = re.search(r'<img alt="[^"]+" src="data:image/png;base64,([^"]+)">', html)
    return found and base64.b64decode(found[1])


@pytest.mark.slow
def test_a_run(run):
    last = run.history[-1]
    values = ", ".join(f"{name} {value:.4g}" for name, value in last.items())
    assert repr(run) == f"<run: 3 epochs; {values}>"
    assert min(size(run._repr_png_())) > 100
    shown = run._repr_html_()
    assert size(picture(shown)) == size(run._repr_png_())
    assert table(shown) == [
        ["", "training", "validation"],
        ["loss", f"{last['loss']:.4g}", f"{last['validation_loss']:.4g}"],
        *[
            [name, f"{value:.4g}", f"{last[f'validation_{name}']:.4g}"]
            for name, value in last.items()
            if f"validation_{name}" in last and name != "loss"
        ],
    ]


def test_a_run_shows_the_epoch_whose_parameters_it_kept(run):
    rows = tuple({"loss": loss, "validation_loss": loss + 1} for loss in (3.0, 1.0, 2.0))
    found = replace(run, history=rows, best_epoch=2, test={"loss": 5.0})
    assert (found.epoch, found.measured["training"]) == (3, {"loss": 2.0})
    net = graphnn.load(SPECS / "regression.yaml", {"keep": "best"})
    found = replace(found, network=net)
    assert found.epoch == 2
    assert table(found._repr_html_()) == [
        ["", "training", "validation", "test"],
        ["loss", "1", "2", "5"],
    ]


def test_a_figure_shows_itself():
    figure = drawing.curves({"loss": [2.0, 1.0]})
    width, height = figure.get_size_inches()
    assert size(figure._repr_png_()) == (round(width * 100), round(height * 100))


def test_without_matplotlib_a_run_shows_text(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.style", None)
    assert run._repr_png_() is None
    assert picture(run._repr_html_()) is None
    assert len(table(run._repr_html_())) > 1


def test_an_evaluation(run):
    found = graphnn.evaluate(run.network, data={"x": [[1, 2]], "t": [[0.5]]})
    values = ", ".join(f"{name} {value:.4g}" for name, value in found.values.items())
    assert repr(found) == f"<evaluation on 1 given row: {values}>"
    assert found._repr_png_() is None  # nothing is classified
    measured = [[name, f"{value:.4g}"] for name, value in found.values.items()]
    assert table(found._repr_html_()) == [["", "given"], *measured]
    assert repr(found.dataset).endswith(": 1 row of x (2,), t (1,)>")


def test_gradients(run):
    batch = {"x": [[1.0, 2.0]], "t": [[0.5]]}
    report = graphnn.check_gradients(run.network, batch)
    assert repr(report) == str(report)
    text = f"<b>{str(report).splitlines()[0]}</b><table>"
    assert report._repr_html_().startswith(text)
    cells = table(report._repr_html_())
    assert cells[0] == ["worst entry", "verdict", "backprop", "numerical"]
    assert [
        f"  {name}: {verdict}, backprop {derivative}, numerical {numerical}"
        for name, verdict, derivative, numerical in cells[1:]
    ] == str(report).splitlines()[1:]
    estimate = graphnn.numerical_gradient(run.network, batch)["a.weight"]
    assert repr(estimate) == "<estimate of shape (2, 1): 2 entries>"
    ends = [f"{end:.9g}" for end in (estimate.value.min(), estimate.value.max())]
    assert table(estimate._repr_html_()) == [
        ["shape", "entries", "at a kink", "least", "greatest", "largest error"],
        ["[2, 1]", "2", "0", *ends, f"{estimate.error.max():.1g}"],
    ]
    aligned = re.findall("text-align:(left|right)", estimate._repr_html_())
    assert aligned[-6:] == ["left", *["right"] * 5]  # all numbers but the shape
    options = {"entries": {"a.weight": [(0, 0)]}}
    part = graphnn.numerical_gradient(run.network, batch, **options)["a.weight"]
    assert repr(part) == "<estimate of shape (2, 1): 1 of 2 entries>"


def test_a_report_of_one_parameter(run):
    given = {"a.weight": np.array([[9.0], [9.0]])}
    batch = {"x": [[1.0, 2.0]], "t": [[0.5]]}
    report = graphnn.check_gradients(run.network, batch, gradients=given)
    first, *rest = table(report._repr_html_())
    assert first == ["worst entry", "verdict", "given", "numerical"]
    assert len(rest) == 1


CHAIN = "graphnn: 1\nnodes:\n  a0: {op: input, shape: [batch, 1]}\n"


def test_a_report_of_many_parameters_shows_the_worst():
    nodes = [f"  a{n}: {{op: affine, inputs: a{n - 1}, units: 1}}\n" for n in range(1, 7)]
    net = graphnn.loads(f"{CHAIN}{''.join(nodes)}  l: {{op: mean, inputs: a6}}\noutputs: [l]\n")
    given = {"a3.bias": np.array([9.0])}
    exact = graphnn.backprop(net, {"a0": [[1.0]]})
    report = graphnn.check_gradients(net, {"a0": [[1.0]]}, gradients={**exact, **given})
    shown = report._repr_html_()
    assert shown.endswith("</table>  and 4 more parameters")
    assert [table(shown)[1][:2], len(table(shown))] == [
        ["a3.bias[0]", "wrong backward (1 of 1)"],
        9,
    ]


TABLE = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  f: {op: impute, inputs: x}
  a: {op: affine, inputs: f, units: 2}
  y: {op: softmax, inputs: a}
  l: {op: cross_entropy, inputs: [y, t]}
train: {data: {csv: a.csv}}
"""


def test_a_dataset(tmp_path):
    (tmp_path / "a.csv").write_text("u,v,t\n1,,b<\n3,4,a\n")
    (tmp_path / "net.yaml").write_text(TABLE)
    found = graphnn.evaluate(graphnn.load(tmp_path / "net.yaml")).dataset
    assert found._repr_html_().startswith("<b>a.csv: 2 rows</b><table>")
    assert table(found._repr_html_()) == [
        ["input", "shape of a row", "type", "least", "greatest", "classes"],
        ["x", "[2]", "float64", "1", "4", ""],
        ["t", "[]", "int64", "0", "1", "a, b&lt;"],
    ]


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

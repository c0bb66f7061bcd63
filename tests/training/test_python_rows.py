"""Rows given in Python: arrays, texts of classes, and data frames, for training to prediction."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import graphnn

pytestmark = pytest.mark.usefixtures("no_plots")

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch], dtype: int}
  f: {op: impute, inputs: x}
  a: {op: affine, inputs: f, units: 2, weight: [[9, -9], [0, 0], [0, 0]]}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.01}}
  epochs: 2
"""
X = np.linspace(-1, 1, 8)
KINDS = np.where(X > 0, "above", "below")
DATA = "train:\n  data: {csv: {file: rows.csv, categories: side, x: [n, side], t: kind}}"


class Frame:
    """What of a pandas data frame is used, so that the tests need no pandas."""

    def __init__(self, **columns) -> None:
        self.columns = list(columns)
        self._rows = list(zip(*columns.values(), strict=True))

    def to_csv(self, *, index: bool) -> str:
        assert index is False
        out = io.StringIO()
        csv.writer(out).writerows([self.columns, *self._rows])
        return out.getvalue()


def frame(**columns):
    return Frame(**columns)


@pytest.fixture(params=["stand-in", "pandas"])
def made(request):
    if request.param == "pandas":
        return pytest.importorskip("pandas").DataFrame
    return lambda columns: Frame(**columns)


def one_hot(sides):
    return [[float(side == name) for name in ("left", "right")] for side in sides]


SIDES = ["left", "right"] * 4
ROWS = np.column_stack([X, one_hot(SIDES)])


def test_texts_of_classes_are_numbered_in_sorted_order():
    net = graphnn.loads(SPEC)
    run = graphnn.train(net, data={"x": ROWS, "t": KINDS})
    assert net.classes == {"t": ("above", "below")}
    assert run.history[-1]["accuracy"] == 1.0
    again = graphnn.evaluate(net, data={"x": ROWS[:2], "t": ["below", "below"]})
    assert again.values["accuracy"] == 1.0
    assert again.names == ("above", "below")


def test_a_text_that_training_did_not_have():
    net = graphnn.loads(SPEC)
    graphnn.train(net, data={"x": ROWS, "t": KINDS})
    with pytest.raises(graphnn.DataError) as error:
        graphnn.evaluate(net, data={"x": ROWS[:2], "t": ["below", "abov"]})
    assert str(error.value) == (
        "error[unknown-class]: 'abov' is not a class of input 't' in the training set\n"
        "   = help: did you mean 'above'?"
    )


def test_predictions_for_rows_in_a_mapping_are_refused():
    with pytest.raises(graphnn.UsageError) as caught:
        graphnn.predict(graphnn.loads(SPEC), {"x": X[:3]})
    assert str(caught.value) == (
        "error[bad-option]: rows are given as a mapping, where predict takes paths, rows or a data "
        "frame\n"
        "   = help: make a frame of columns: pandas.DataFrame(...); or give the array alone"
    )


@pytest.mark.parametrize("given", [[["a", "b"]] * 8, [object()] * 8, ["a", 1] * 4])
def test_what_is_neither_numbers_nor_texts(given):
    with pytest.raises(graphnn.DataError) as error:
        graphnn.train(graphnn.loads(SPEC), data={"x": ROWS, "t": given})
    assert str(error.value) == "error[not-numbers]: 't' in the data is not an array of numbers"


def test_a_data_frame_stands_for_the_table_of_the_spec(made):
    net = graphnn.loads(SPEC.replace("train:", DATA))
    rows = made({"kind": KINDS, "n": X, "side": SIDES, "more": X})
    run = graphnn.train(net, data=rows)
    assert run.history[-1]["accuracy"] == 1.0
    assert net.classes == {"t": ("above", "below"), "x.side": ("left", "right")}
    by_array = graphnn.loads(SPEC)
    other = graphnn.train(by_array, data={"x": ROWS, "t": KINDS})
    assert run.history == other.history
    assert graphnn.evaluate(net, data=rows).values["accuracy"] == 1.0


def test_predictions_for_a_data_frame_and_an_array(made):
    net = graphnn.loads(SPEC.replace("train:", DATA))
    graphnn.train(net, data=made({"kind": KINDS, "n": X, "side": SIDES}))
    found = graphnn.predict(net, made({"n": [0.8, float("nan")], "side": ["right", "left"]}))
    assert [each.name for each in found] == ["above", *{found[1].name}]
    assert [each.source for each in found] == ["[0]", "[1]"]
    mean = net.state["f.mean"][0]
    rows = np.array([[0.8, 0, 1], [mean, 1, 0]])
    same = graphnn.predict(net, rows)
    assert [each.score for each in same] == pytest.approx([each.score for each in found])
    expected = net.run(x=rows, outputs="y")["y"].max(axis=1)
    assert [each.score for each in same] == pytest.approx(list(expected), rel=1e-12)


def test_a_run_is_evaluated_by_its_folder_as_by_its_network(tmp_path):
    net = graphnn.loads(SPEC)
    graphnn.train(net, data={"x": ROWS, "t": KINDS}, folder=tmp_path / "run")
    rows = {"x": ROWS, "t": ["below"] * 8}
    again = graphnn.evaluate(tmp_path / "run", data=rows)
    assert again.values == graphnn.evaluate(net, data=rows).values
    assert (again.names, again.values["accuracy"]) == (("above", "below"), 0.5)


@pytest.mark.parametrize("kind", [list, np.ndarray.tolist, lambda rows: tuple(map(tuple, rows))])
def test_predictions_for_rows_in_lists(kind):
    net = graphnn.loads(SPEC)
    graphnn.train(net, data={"x": ROWS, "t": KINDS})
    assert graphnn.predict(net, kind(ROWS)) == graphnn.predict(net, ROWS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0.1, 0.2]], "'x' needs 3 values a row, but 'the array' has 2"),
        ([[0.1, 0.2], [0.3]], "the array does not hold numbers"),
        (3, "'the array' holds no rows"),
    ],
)
def test_predictions_for_what_is_no_row_of_the_input(rows, message):
    with pytest.raises(graphnn.DataError) as error:
        graphnn.predict(graphnn.loads(SPEC), rows)
    assert error.value.diagnostics[0].message == message


@pytest.mark.parametrize(("data", "kind"), [((ROWS, KINDS), "tuple"), (ROWS, "ndarray")])
def test_data_that_name_no_input(data, kind):
    for use in (graphnn.train, graphnn.evaluate):
        with pytest.raises(graphnn.DataError) as error:
            use(graphnn.loads(SPEC), data=data)
        assert str(error.value) == (
            f"error[missing-input]: data of type {kind} do not name the input that each array "
            'feeds\n   = help: write data={"x": ..., "t": ...}'
        )


def test_columns_by_the_names_of_inputs(made):
    net = graphnn.loads(SPEC)
    columns = {f"x.{n}": ROWS[:, n] for n in range(3)} | {"t": KINDS}
    assert graphnn.train(net, data=made(columns)).history[-1]["accuracy"] == 1.0


def test_faults_of_a_data_frame_have_their_place_in_it(made):
    net = graphnn.loads(SPEC.replace("train:", DATA))
    rows = made({"kind": KINDS, "n": ["1.5", "1,5", *["2"] * 6], "side": SIDES})
    with pytest.raises(graphnn.DataError) as error:
        graphnn.train(net, data=rows)
    (found,) = error.value.diagnostics
    assert found.message == "'1,5' in column 'n' is not a finite number"
    assert (found.span.source.name, found.span.line) == ("the data frame", 3)


@pytest.mark.parametrize("rows", [np.zeros((2, 4)), np.array([["a", "b", "c"]])])
def test_arrays_that_do_not_fit(rows):
    net = graphnn.loads(SPEC)
    with pytest.raises(graphnn.DataError):
        graphnn.predict(net, rows)
    assert not Path("runs").exists()


HELD = "  validation: 0.25\n  test: 1\n  stratify: t\n  keep: best\n"


def test_rows_are_held_back_of_those_given_as_of_those_of_a_file(tmp_path):
    np.savez(tmp_path / "rows.npz", x=ROWS, t=X > 0)
    (tmp_path / "net.yaml").write_text(SPEC + HELD + "  data: {npz: rows.npz}\n")
    by_file = graphnn.train(tmp_path / "net.yaml")
    run = graphnn.train(graphnn.loads(SPEC + HELD), data={"x": ROWS, "t": X > 0})
    assert run.history == by_file.history
    assert {"validation_loss", "validation_accuracy"} <= run.history[0].keys()
    assert (run.test_rows, run.test, run.best_epoch) == (1, by_file.test, by_file.best_epoch)


def test_validation_rows_with_the_class_numbers_of_those_given(tmp_path):
    lines = ["n,side,kind", "-0.5,left,below", "-0.7,right,below"]
    (tmp_path / "held.csv").write_text("\n".join(lines))
    held = "  validation: {csv: {file: held.csv, categories: side, x: [n, side], t: kind}}\n"
    (tmp_path / "net.yaml").write_text(SPEC.replace("train:", DATA) + held)
    kinds = ["below"] * 7 + ["above"]
    rows = Frame(n=np.linspace(-1, 1, 8), side=SIDES, kind=kinds)
    run = graphnn.train(tmp_path / "net.yaml", data=rows)
    assert run.network.classes["t"] == ("above", "below")
    assert run.history[0]["validation_accuracy"] == 1.0


def test_more_rows_to_hold_back_than_are_given():
    with pytest.raises(graphnn.DataError) as error:
        graphnn.train(graphnn.loads(SPEC + "  validation: 8\n"), data={"x": ROWS, "t": KINDS})
    assert str(error.value) == (
        "error[bad-split]: 8 of the 8 rows of 'data' cannot be split off: both parts need a row\n"
        "   --> <text>:13:15\n"
        "    |\n"
        " 13 |   validation: 8\n"
        "    |               ^"
    )

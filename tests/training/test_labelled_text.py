"""Texts with classes, from tables: tokens, lengths, classes, and what is predicted for others."""

from __future__ import annotations

import pytest
from numpy.testing import assert_array_equal

import graphnn
from graphnn.diagnostics import DataError
from graphnn.spec.values import located
from graphnn.training.data import dataset
from graphnn.training.data.columns import InputRequirements, InputSpec

pytestmark = pytest.mark.usefixtures("no_plots")

TABLE = 'text,mood\n"good, very good",up\nnot good,down\nbad!,down\n'
KEYS = {"column": "text", "classes": "mood", "x": "text", "n": "length", "t": "labels"}


def load(folder, keys=KEYS, classes=None, content=TABLE, width=5):
    (folder / "a.csv").write_text(content, encoding="utf-8")
    shapes = {"x": (width,), "m": (width,), "n": (), "t": ()}
    specs = {name: InputSpec(name, (None, *shapes[name]), "int") for name in shapes if name in keys}
    spec = located({"texts": {"file": "a.csv", **keys}})
    return dataset.load(spec, InputRequirements(specs), folder, classes).train


def test_tokens_lengths_and_classes(tmp_path):
    rows = load(tmp_path, {**KEYS, "m": "mask"})
    assert rows.classes["x"] == ("<pad>", "<unknown>", "!", ",", "bad", "good", "not", "very")
    assert rows.classes["t"] == ("down", "up")
    assert_array_equal(rows.arrays["x"], [[5, 3, 7, 5, 0], [6, 5, 0, 0, 0], [4, 2, 0, 0, 0]])
    assert_array_equal(rows.arrays["n"], [4, 2, 2])
    assert_array_equal(rows.arrays["m"], rows.arrays["x"] != 0)
    assert_array_equal(rows.arrays["t"], [1, 0, 0])


def test_a_second_set_has_the_numbers_of_the_first(tmp_path):
    first = load(tmp_path)
    later = load(tmp_path, classes=first.classes, content="text,mood\nvery odd,up\n")
    assert later.classes == first.classes
    assert_array_equal(later.arrays["x"], [[7, 1, 0, 0, 0]])
    assert_array_equal(later.arrays["t"], [1])


def test_labels_are_plain_numbers_where_those_of_a_first_set_were(tmp_path):
    later = load(tmp_path, classes={}, content="text,mood\ngood,2\nbad,1\n")
    assert "t" not in later.classes
    assert_array_equal(later.arrays["t"], [2, 1])
    with pytest.raises(DataError, match="'up' is not a class of input 't' in the training set"):
        load(tmp_path, classes={})


def test_the_most_frequent_tokens_are_kept_and_whole_numbers_sorted_by_value(tmp_path):
    content = "text,mood\naab,10\nac,9\na,10\n"
    rows = load(tmp_path, {**KEYS, "by": "characters", "vocabulary": 4}, content=content)
    assert rows.classes["x"] == ("<pad>", "<unknown>", "a", "b")
    assert rows.classes["t"] == ("9", "10")
    assert_array_equal(rows.arrays["x"][1], [2, 1, 0, 0, 0])


def test_long_texts_are_cut_where_that_is_asked_for(tmp_path):
    rows = load(tmp_path, {**KEYS, "longer": "cut"}, width=2)
    assert_array_equal(rows.arrays["x"][0], [5, 3])
    assert_array_equal(rows.arrays["n"], [2, 2, 2])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"width": 3},
            "error[wrong-width]: this text has 4 words, but a row takes 3\n"
            '  --> {folder}/a.csv:2:1\n   |\n 2 | "good, very good",up\n'
            "   | ^^^^^^^^^^^^^^^^^\n   = help: write `longer: cut`, or make rows of 4",
        ),
        (
            {"keys": {**KEYS, "column": "txt"}},
            "error[unknown-column]: 'a.csv' has no column 'txt'\n   = help: did you mean 'text'?",
        ),
        (
            {"keys": {key: value for key, value in KEYS.items() if key != "classes"}},
            "error[missing-key]: 'texts' has no 'classes', the column that labels come from\n"
            "   = help: write `texts: {{classes: COLUMN, ...}}`",
        ),
        (
            {"content": "text,mood\ngood,\n"},
            "error[missing-value]: this text has no class\n"
            "  --> {folder}/a.csv:2:6\n   |\n 2 | good,\n   |      ^",
        ),
        ({"content": "text,mood\n"}, "error[no-rows]: 'a.csv' holds no rows"),
        (
            {"classes": {"t": ("up", "flat"), "x": ("<pad>", "<unknown>")}},
            "error[unknown-class]: 'down' is not a class of input 't' in the training set\n"
            "  --> {folder}/a.csv:3:1\n   |\n 3 | not good,down\n   | ^^^^^^^^\n"
            "   = note: also in line 4\n"
            "   = help: the classes are up, flat",
        ),
    ],
)
def test_what_does_not_fit_is_reported(tmp_path, given, message):
    with pytest.raises(DataError) as caught:
        load(tmp_path, **given)
    (first, *_) = str(caught.value).split("\n\n")
    assert first == message.format(folder=tmp_path)


SPEC = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 5], dtype: int}
  n: {op: input, shape: [batch], dtype: int}
  e: {op: embedding, inputs: x, vocabulary: 8, units: 4, padding: 0}
  h: {op: gru, inputs: [e, n], units: 4, returns: last}
  a: {op: affine, inputs: h, units: 2}
  y: {op: softmax, inputs: a}
  t: {op: input, shape: [batch], dtype: int}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {texts: {file: a.csv, column: text, classes: mood, x: text, n: length, t: labels}}
  metrics: {accuracy: [y, t]}
  optimizer: {adam: {learning_rate: 0.05}}
  epochs: 60
"""


def test_a_network_learns_texts_and_predicts_lines_and_tables(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "a.yaml").write_text(SPEC)
    run = graphnn.train(tmp_path / "a.yaml", folder=tmp_path / "run")
    assert run.history[-1]["accuracy"] == 1
    (tmp_path / "new.txt").write_text("not good\n\ngood, very good\n")
    found = graphnn.predict(tmp_path / "run", tmp_path / "new.txt")
    assert [each.name for each in found] == ["down", "up"]
    assert [each.source for each in found] == [f"{tmp_path}/new.txt[{n}]" for n in range(2)]
    table = graphnn.predict(tmp_path / "run", tmp_path / "a.csv")
    assert [each.name for each in table] == ["up", "down", "down"]
    assert table[1].score == found[0].score
    (tmp_path / "long.txt").write_text("good " * 6)
    with pytest.raises(DataError, match="this text has 6 words, but a row takes 5"):
        graphnn.predict(tmp_path / "run", tmp_path / "long.txt")

"""Text as data: windows and lines of characters and words, and the vocabulary they share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import graphnn
from graphnn.diagnostics import DataError
from graphnn.spec.values import located
from graphnn.training.data import dataset
from graphnn.training.data.columns import InputRequirements, InputSpec
from tables import cases

pytestmark = pytest.mark.usefixtures("no_plots")

TEXT = "the cat sat.\nthe dog ran away!\n\nthe end\n"


def needs(shapes):
    return InputRequirements(
        {name: InputSpec(name, (None, *row), "int") for name, row in shapes.items()}
    )


def load(folder, data, classes=None, text=TEXT, **shapes):
    """The training rows that `data` come to."""
    (folder / "a.txt").write_text(text, encoding="utf-8")
    kind, keys = data
    spec = located({kind: {"file": "a.txt", **keys}})
    return dataset.load(spec, needs(shapes), folder, classes).train


def shown(rows, name, between=""):
    """The rows of an input as the texts that they stand for."""
    names = rows.classes[name]
    return [between.join(names[number] for number in row) for row in rows.arrays[name]]


def refused(folder, data, **given):
    with pytest.raises(DataError) as caught:
        load(folder, data, **given)
    return str(caught.value)


def test_windows_of_characters_and_what_follows_each(tmp_path):
    rows = load(tmp_path, ("characters", {"x": "text", "t": "next"}), x=(5,), t=(5,))
    assert rows.classes["x"] == rows.classes["t"] == tuple(sorted(set(TEXT)))
    whole = "".join(shown(rows, "x"))
    assert whole == TEXT[: len(whole)]
    assert "".join(shown(rows, "t")) == TEXT[1 : len(whole) + 1]
    assert len(rows) == (len(TEXT) - 1) // 5


def test_the_character_behind_a_window(tmp_path):
    data = ("characters", {"x": "text", "t": "next", "stride": 1})
    rows = load(tmp_path, data, x=(4,), t=())
    assert len(rows) == len(TEXT) - 4
    names = rows.classes["t"]
    assert "".join(names[number] for number in rows.arrays["t"]) == TEXT[4:]


def test_a_length_where_the_input_leaves_it_open(tmp_path):
    rows = load(tmp_path, ("characters", {"x": "text", "length": 3}), x=(None,))
    assert rows.arrays["x"].shape == (13, 3)


def test_lines_of_words_with_marks_and_masks(tmp_path):
    keys = {"x": "text", "t": "next", "m": "mask", "n": "length", "rows": "lines"}
    rows = load(tmp_path, ("words", keys), x=(6,), t=(6,), m=(6,), n=())
    assert rows.classes["x"][:4] == ("<pad>", "<end>", "!", ".")
    assert shown(rows, "x", " ") == [
        "<end> the cat sat . <pad>",
        "<end> the dog ran away !",
        "<end> the end <pad> <pad> <pad>",
    ]
    assert shown(rows, "t", " ") == [
        "the cat sat . <end> <pad>",
        "the dog ran away ! <end>",
        "the end <end> <pad> <pad> <pad>",
    ]
    assert_array_equal(rows.arrays["m"], rows.arrays["t"] != 0)
    assert_array_equal(rows.arrays["n"], [5, 6, 3])


def test_the_most_frequent_are_kept(tmp_path):
    data = ("words", {"x": "text", "vocabulary": 4, "stride": 1})
    rows = load(tmp_path, data, text="a b a c a b d e f", x=(1,))
    assert rows.classes["x"] == ("<unknown>", "a", "b", "c")
    assert " ".join(shown(rows, "x")) == "a b a c a b <unknown> <unknown>"


def test_a_second_text_has_the_vocabulary_of_the_first(tmp_path):
    known = {"x": ("a", "b", "c", " ")}
    rows = load(tmp_path, ("characters", {"x": "text"}), known, text="cab b", x=(2,))
    assert_array_equal(rows.arrays["x"], [[2, 0], [1, 3]])
    message = refused(tmp_path, ("characters", {"x": "text"}), classes=known, text="ab\nxz", x=(2,))
    path = tmp_path / "a.txt"
    assert message == (
        f"error[unknown-class]: the character '\\n' is not in the vocabulary of the training text\n"
        f"  --> {path}:1:3\n   |\n 1 | ab\n   |   ^\n   = help: it has 4: 'a', 'b', 'c', ' '\n\n"
        f"error[unknown-class]: the character 'x' is not in the vocabulary of the training text\n"
        f"  --> {path}:2:1\n   |\n 2 | xz\n   | ^\n   = help: it has 4: 'a', 'b', 'c', ' '\n\n"
        f"error[unknown-class]: the character 'z' is not in the vocabulary of the training text\n"
        f"  --> {path}:2:2\n   |\n 2 | xz\n   |  ^\n   = help: it has 4: 'a', 'b', 'c', ' '"
    )


@cases(r"""
    data= | shapes= | message
    ("words", {"x": "text", "rows": "lines"}) | {"x": (4,)}
        | error[wrong-width]: the longest line of 'a.txt' has 5 words, but a row takes 4
        \n   = help: a line and the mark of its end take 6
    ("words", {"x": "text"}) | {"x": (40,)}
        | error[no-rows]: 'a.txt' has 11 words, but a row and the word behind it take 41
        \n   = help: shorten the rows, or take a longer text
    ("words", {"x": "txt"}) | {"x": (4,)}
        | error[unknown-array]: 'words' has no tokens 'txt'\n   = help: did you mean 'text'?
    ("words", {"x": "text", "length": 3}) | {"x": (4,)}
        | error[wrong-width]: the length of 'words' is 3, but the inputs take 4
    ("words", {"x": "text", "t": "next"}) | {"x": (4,), "t": (3,)}
        | error[wrong-width]: the inputs take rows of 3 and 4 tokens, but those of 'words' have one
        length
    ("words", {"x": "text"}) | {"x": (None,)}
        | error[missing-key]: 'words' has no 'length', and no input says how many tokens a row has
        \n   = help: write `length: 100`, or give the input a size along its second axis
    ("words", {"x": "text", "stride": "half"}) | {"x": (4,)}
        | error[bad-value]: the stride of 'words' must be a whole number of at least 1, not 'half'
    ("characters", {"x": "text", "rows": "paragraphs"}) | {"x": (4,)}
        | error[bad-value]: the rows of 'characters' is windows or lines, not 'paragraphs'
""")
def test_what_is_refused(tmp_path, data, shapes, message):
    assert refused(tmp_path, data, **shapes) == message


def test_a_text_that_is_not_utf_8(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"abc\nd\xff")
    spec = located({"characters": {"file": "b.txt", "x": "text"}})
    with pytest.raises(DataError) as caught:
        dataset.load(spec, needs({"x": (2,)}), tmp_path)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.line, found.span.column) == ("not-text", 2, 2)
    assert found.help == "save the text as UTF-8"


NET = """\
graphnn: 1
sizes: {time: 3, characters: 5}
nodes:
  x: {op: input, shape: [batch, time]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 20}
  z: {op: tanh, inputs: a}
  b: {op: affine, inputs: z, units: characters}
  y: {op: softmax, inputs: b}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {characters: {file: a.txt, x: text, t: next, stride: 1}}
  metrics: {accuracy: [y, t]}
  optimizer: {adam: {learning_rate: 0.05}}
  batch_size: 10
  epochs: 60
"""


def test_the_vocabulary_stays_with_the_weights(tmp_path):
    (tmp_path / "a.txt").write_text("abcde" * 40)
    (tmp_path / "net.yaml").write_text(NET)
    found = graphnn.train(tmp_path / "net.yaml", folder=tmp_path / "run")
    assert found.history[-1]["accuracy"] == 1.0
    assert found.network.classes["t"] == ("a", "b", "c", "d", "e")
    np.save(tmp_path / "rows.npy", np.array([[0, 1, 2], [3, 4, 0]]))
    read = graphnn.predict(tmp_path / "run", tmp_path / "rows.npy")
    assert [each.name for each in read] == ["d", "b"]


def test_more_characters_than_the_network_has_classes(tmp_path):
    (tmp_path / "a.txt").write_text("abcdefg" * 40)
    (tmp_path / "net.yaml").write_text(NET)
    (found,) = graphnn.diagnose(tmp_path / "net.yaml")
    assert found.message == "'t' takes 5 classes, but 'a.txt' holds 7: a, b, c, d, e, f, g"
    assert found.help == "7 classes need 7 outputs, not 5"

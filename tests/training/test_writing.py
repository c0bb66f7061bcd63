"""Text that networks write: goings-on of a line, and answers to it."""

from __future__ import annotations

import json

import numpy as np
import pytest

import graphnn
from graphnn.cli import main
from graphnn.diagnostics import DataError, GraphnnError, UsageError
from graphnn.training import Writer

pytestmark = pytest.mark.usefixtures("no_plots")

# Of each character, the embedding is the scores of the next one.
PAIRS = """\
graphnn: 1
sizes: {time: 4, classes: 5}
nodes:
  x:    {op: input, shape: [batch, time], dtype: int}
  t:    {op: input, shape: [batch, time], dtype: int}
  e:    {op: embedding, inputs: x, vocabulary: classes, units: classes}
  y:    {op: softmax, inputs: e}
  flat: {op: reshape, inputs: y, shape: [batch * time, classes]}
  next: {op: reshape, inputs: t, shape: [batch * time]}
  loss: {op: cross_entropy, inputs: [flat, next]}
train:
  data: {characters: {file: a.txt, x: text, t: next}}
  metrics: {accuracy: [y, t]}
  optimizer: {adam: {learning_rate: 0.3}}
  batch_size: 10
  epochs: 10
"""
SUMS = """\
graphnn: 1
sizes: {asked: 3, answered: 2, classes: 13}
nodes:
  x: {op: input, shape: [batch, asked], dtype: int}
  b: {op: input, shape: [batch, answered], dtype: int}
  t: {op: input, shape: [batch, answered], dtype: int}
  e: {op: embedding, inputs: x, vocabulary: classes, units: 8}
  f: {op: embedding, inputs: b, vocabulary: classes, units: 8}
  h: {op: lstm, inputs: e, units: 8}
  l: {op: select, inputs: h, axis: 1, index: -1}
  c: {op: constant, value: {ones: [answered, 1]}}
  r: {op: reshape, inputs: l, shape: [batch, 1, 8]}
  m: {op: multiply, inputs: [r, c]}
  j: {op: concat, inputs: [f, m], axis: 2}
  g: {op: lstm, inputs: j, units: 8}
  a: {op: affine, inputs: g, units: classes}
  y: {op: softmax, inputs: a}
  flat: {op: reshape, inputs: y, shape: [batch * answered, classes]}
  want: {op: reshape, inputs: t, shape: [batch * answered]}
  loss: {op: cross_entropy, inputs: [flat, want]}
train:
  data: {additions: {digits: 1, rows: 20, x: reversed, b: previous, t: answer}}
  metrics: {accuracy: [y, t]}
  epochs: 1
"""


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """The folder of a run that has learned the alphabet, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("abcde" * 60)
    (tmp_path / "net.yaml").write_text(PAIRS)
    graphnn.train("net.yaml", folder="run")
    return tmp_path / "run"


def test_a_line_goes_on(pairs, capsys):
    (pairs / "lines.txt").write_text("ab\n\ncdeab\n")
    net = graphnn.training.trained(pairs)
    writer = Writer(net, graphnn.training.train_spec(net), length=7)
    found = writer([pairs / "lines.txt"])
    assert [(each.text, each.written) for each in found] == [
        ("ab", "cdeabcd"),
        ("cdeab", "cdeabcd"),
    ]
    assert [each.source.rpartition(":")[2] for each in found] == ["1", "3"]
    with pytest.raises(SystemExit) as ended:
        main(["predict", "run", "run/lines.txt", "--length", "3", "--format", "json"])
    assert ended.value.code == 0
    written = json.loads(capsys.readouterr().out)
    assert [each["written"] for each in written] == ["cde", "cde"]
    assert len(graphnn.predict("run", "run/lines.txt")[0].written) == 100


def test_a_character_that_training_did_not_have(pairs):
    (pairs / "lines.txt").write_text("abc\nabz\n")
    with pytest.raises(DataError) as caught:
        graphnn.predict(pairs, pairs / "lines.txt")
    (found,) = caught.value.diagnostics
    assert found.message == "the character 'z' is not in the vocabulary of the training text"
    assert (found.span.line, found.span.column) == (2, 3)


def test_tokens_are_drawn_from_the_seed(pairs):
    (pairs / "lines.txt").write_text("ab\n")
    net = graphnn.training.trained(pairs)
    spec = graphnn.training.train_spec(net)
    drawn = [
        Writer(net, spec, 40, temperature=20.0, seed=seed)([pairs / "lines.txt"])[0].written
        for seed in (0, 0, 1)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    cold = Writer(net, spec, 10, temperature=0.05)([pairs / "lines.txt"])
    assert cold[0].written == "cdeabcdeab"


def test_an_answer_is_written_token_by_token(tmp_path):
    """Each token is the likeliest after the question and the tokens before it."""
    (tmp_path / "net.yaml").write_text(SUMS)
    net = graphnn.train(tmp_path / "net.yaml").network
    rng = np.random.default_rng(4)
    net.assign({name: rng.normal(size=array.shape) for name, array in net.parameters.items()})
    (tmp_path / "q.txt").write_text("3+4\n9+9\n1+\n")
    found = Writer(net, graphnn.training.train_spec(net))([tmp_path / "q.txt"])
    texts = net.classes["x"]
    assert len({each.written for each in found}) > 1
    for each in found:
        asked = [texts.index(character) for character in each.text.ljust(3)[::-1]]
        answer = [texts.index(character) for character in each.written.ljust(2)]
        before = [texts.index("_"), answer[0]]
        scores = net.run({"x": [asked], "b": [before]}, outputs=["y"])["y"][0]
        assert scores.argmax(axis=-1).tolist() == answer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("metrics: {accuracy: [y, t]}", "metrics: {}"), "the network does not write text"),
        (("b: previous", "b: answer"), "'y' also reads b, which no text feeds"),
    ],
)
def test_a_network_that_does_not_write_text(tmp_path, change, message):
    (tmp_path / "net.yaml").write_text(SUMS.replace(*change))
    net = graphnn.train(tmp_path / "net.yaml").network
    with pytest.raises(UsageError) as caught:
        Writer(net, graphnn.training.train_spec(net))
    assert caught.value.diagnostics[0].message == message


def test_weights_without_a_vocabulary(tmp_path):
    net = graphnn.loads(SUMS)
    with pytest.raises(GraphnnError) as caught:
        Writer(net, graphnn.training.train_spec(net))
    message = "the weights hold no vocabulary: which number stands for which token"
    assert caught.value.diagnostics[0].message == message


def test_a_question_that_is_too_long(tmp_path):
    (tmp_path / "net.yaml").write_text(SUMS)
    net = graphnn.train(tmp_path / "net.yaml").network
    (tmp_path / "q.txt").write_text("13+4\n")
    with pytest.raises(DataError) as caught:
        Writer(net, graphnn.training.train_spec(net))([tmp_path / "q.txt"])
    assert str(caught.value) == "error[wrong-width]: 'x' takes 3 tokens, but the line has 4"

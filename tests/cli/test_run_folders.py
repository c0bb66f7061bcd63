"""Commands that take a spec take the folder of a run, with its parameters."""

from pathlib import Path

import numpy as np
import pytest

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
outputs: [y]
train:
  data: {npz: rows.npz}
  metrics: {accuracy: [y, t]}
  optimizer: {sgd: {learning_rate: 0.5}}
  epochs: 2
examples:
  - properties: {finite: {output: y}}
"""
FILES = "checkpoint.safetensors, weights.safetensors, history.csv, spec.yaml, summary.json"


@pytest.fixture(autouse=True)
def trained(here, call, no_plots):
    x = np.random.default_rng(0).normal(size=(12, 2))
    (here / "specs").mkdir()
    np.savez(here / "specs/rows.npz", x=x, t=(x[:, 0] > 0).astype(int))
    np.savez(here / "given.npz", x=x[:3])
    (here / "specs/net.yaml").write_text(SPEC)
    assert call("train", "specs/net.yaml").code == 0


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "evaluate",
        "draw --show values",
        "predict given.npz",
        "export -o net.py --style numpy",
    ],
)
def test_a_run_has_its_own_parameters(here, call, command):
    name, *options = command.split()
    made = {"draw": ["net.svg"], "export": ["net.py", "net.npz"]}.get(name, [])

    def outcome(file, *weights):
        result = call(name, file, *options, *weights)
        return result, [Path(each).read_bytes() for each in made]

    found, files = outcome("runs/net")
    assert found.code == 0
    assert found.err.count("error") == 0
    assert (found, files) == outcome("specs/net.yaml", "--weights", "runs/net")
    # Whether the parameters matter at all: those of another seed give another outcome.
    call("train", "specs/net.yaml", "-o", "other", "--set", "seed=3")
    assert (found, files) != outcome("specs/net.yaml", "--weights", "other")
    assert (found, files) == outcome("runs/net", "--weights", "runs/net")


def test_gradients_are_those_at_the_parameters_of_the_run(call, here):
    import graphnn

    assert call("grad", "runs/net", "--save", "grad.npz").code == 0
    rows = np.load("specs/rows.npz")
    net = graphnn.load("specs/net.yaml")
    net.load_weights("runs/net")
    expected = graphnn.backprop(net, {name: rows[name][:5] for name in ("x", "t")})
    for name, value in np.load("grad.npz").items():
        np.testing.assert_allclose(value, expected[name], atol=1e-9)
    checked = call("gradcheck", "runs/net")
    assert checked.out.startswith("6 entries in float64: 6 agree\n")
    assert checked == call("gradcheck", "specs/net.yaml", "--weights", "runs/net")
    assert checked != call("gradcheck", "specs/net.yaml")


def test_what_asks_for_no_parameters_reads_the_spec(call):
    assert call("check", "runs/net").out == "runs/net/spec.yaml: fine\n"
    assert call("test", "runs/net").out == (
        "ok      runs/net/spec.yaml:19\n        finite of 'y': not contradicted\n"
        "1 example in 1 file: all ok\n"
    )
    assert call("diff", "specs/net.yaml", "runs/net").out == "no difference\n"
    shown = call("show", "runs/net").out
    assert shown == call("show", "specs/net.yaml").out.replace("specs/net.yaml", "runs/net")
    assert call("convert", "runs/net", "-o", "specs/copy.yaml").code == 0
    assert call("diff", "specs/copy.yaml", "runs/net").out == "no difference\n"


def test_a_run_is_trained_again_or_resumed_in_its_own_folder(call):
    assert f"wrote 'runs/net-2': {FILES}" in call("train", "runs/net").out
    resumed = call("train", "runs/net", "--resume", "--set", "epochs=3")
    assert resumed.out.startswith("epoch 3 of 3\n")
    assert f"wrote 'runs/net': {FILES}" in resumed.out


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("show specs", "error[no-such-file]: there is no file 'specs/spec.yaml'\n"),
        ("evaluate specs", "error[no-such-file]: there is no file 'specs/spec.yaml'\n"),
        (
            "evaluate specs/net.yaml",
            "error[bad-option]: no trained parameters are given for 'specs/net.yaml'\n"
            "   = help: give 'weights' of a run, or name its folder in place of the file\n",
        ),
    ],
)
def test_what_is_no_run_is_reported(call, command, message):
    assert call(*command.split()).err == message

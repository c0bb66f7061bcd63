"""``graphnn grad`` and ``graphnn gradcheck``, and the inputs that they find for themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graphnn import gradients
from graphnn.gradients import GradientEstimate
from graphnn.gradients import _check as check
from graphnn.gradients.numerical import api
from graphnn.gradients.numerical.api import Interrupted
from graphnn.ops.families.activation import Tanh
from graphnn.ops.families.normalization import DropoutTraining
from tables import cases

# The loss is the mean of a: its gradient by the weight is the mean of the rows of x.
MEAN = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  w: {op: parameter, value: [[1], [1]]}
  a: {op: matmul, inputs: [x, w]}
  y: {op: sum, inputs: a, axis: 1}
"""
HEADER = "parameter  shape   norm  largest  at     error  kinks"


def mean(more: str = "") -> None:
    Path("mean.yaml").write_text(MEAN + more)


def gradient(call, *arguments: str) -> tuple[np.ndarray, str]:
    """The gradient by w of the mean of a, which is the mean of x's rows, and what was said."""
    result = call("grad", "mean.yaml", "--loss", "y", "--save", "g.npz", *arguments)
    assert result.code == 0, result.err
    assert result.err.endswith("wrote 'g.npz'\n")
    with np.load("g.npz") as saved:
        return saved["w.value"].ravel(), result.err.removesuffix("wrote 'g.npz'\n")


def test_a_gradient_that_is_known(call, descent):
    # The gradient of x0^2 + x1^2 at (-3, 4) is (-6, 8), whose norm is 10.
    result = call("grad", descent)
    assert (result.code, result.err) == (0, "")
    header, row = result.out.splitlines()
    assert header.split() == ["parameter", "shape", "norm", "largest", "at", "error", "kinks"]
    words = row.split()
    assert words[:5] == ["x.value", "[2]", "10", "8", "[1]"]
    assert 0 < float(words[5]) < 1e-6
    assert words[6] == "0"


def test_step_and_rule_decide_the_error(call, descent):
    # The forward difference of x^2 is 2 x + h: here -6 + 0.5 and 8 + 0.5, the central one exact.
    result = call("grad", descent, "--rule", "forward", "--step", "0.5", "--save", "g.npz")
    assert result.code == 0
    with np.load("g.npz") as saved:
        np.testing.assert_allclose(saved["x.value"], [-5.5, 8.5], rtol=1e-12)
    assert result.out.splitlines()[1].split()[3:6] == ["8.5", "[1]", "0.5"]


def test_kinks_are_counted(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: parameter, shape: [3], value: [-1, 0, 1]}\n"
        "  a: {op: relu, inputs: x}\n  f: {op: sum, inputs: a}\n"
    )
    result = call("grad", "net.yaml")
    assert result.code == 0
    assert result.out.splitlines()[1].split()[-1] == "1"


def test_only_some_parameters(call, line):
    common = (line, "--input", "x=[[1, 2]]", "--input", "t=[[0]]", "--only", "a.bias")
    for command in ("grad", "gradcheck"):
        result = call(command, *common)
        assert (result.code, result.err) == (0, "")
        assert "a.bias" in result.out
        assert "a.weight" not in result.out
        assert call(command, *common[:-1], "a.bais").usage_error == (
            "error[unknown-parameter]: the network has no parameter 'a.bais'\n"
            "   = help: did you mean 'a.bias'?\n"
        )


@pytest.mark.parametrize(("option", "value"), [("--step", "0"), ("--step", "-1"), ("--batch", "0")])
def test_a_number_that_makes_no_sense(call, descent, option, value):
    assert call("grad", descent, option, value).code == 2


def test_a_network_without_a_loss(call):
    Path("net.yaml").write_text("graphnn: 1\nnodes: {x: {op: input, shape: [2]}}\n")
    for command in ("grad", "gradcheck"):
        assert call(command, "net.yaml").usage_error.startswith(
            "error[no-loss]: the network has no loss\n"
        )


def test_inputs_that_are_given(call):
    mean()
    found, said = gradient(call, "--input", "x=[[1, 2], [3, 6]]")
    np.testing.assert_allclose(found, [2, 4], rtol=1e-9)
    assert said == ""


def test_inputs_from_the_first_rows_of_the_training_data(call):
    rows = np.random.default_rng(0).normal(size=(9, 2))
    np.savez("rows.npz", x=rows)
    mean("train: {loss: y, data: {npz: {file: rows.npz, x: x}}}\n")
    found, said = gradient(call, "--batch", "4")
    np.testing.assert_allclose(found, rows[:4].mean(axis=0), rtol=1e-8)
    assert said == "inputs: the first 4 rows of the training data\n"
    found, said = gradient(call, "--batch", "40")
    np.testing.assert_allclose(found, rows.mean(axis=0), rtol=1e-8)
    assert said == "inputs: the first 9 rows of the training data\n"


def test_inputs_from_an_example(call):
    mean("examples: [{outputs: {w: [[1], [1]]}}, {inputs: {x: [[5, 7]]}, outputs: {a: [[12]]}}]\n")
    found, said = gradient(call)
    np.testing.assert_allclose(found, [5, 7], rtol=1e-9)
    assert said == "inputs: those of example 2\n"


def test_training_data_that_are_elsewhere(call):
    mean("train: {loss: y, data: {npz: {file: rows.npz, x: x}}}\n")
    _, said = gradient(call)
    assert said == (
        "the training data are not here\ninputs: random, with free sizes of 5, seed 0\n"
    )


def test_training_data_at_fault(call):
    mean("train: {loss: y, data: {npz: {file: rows.npz, x: x}}}\n")
    np.savez("rows.npz", x=np.ones((3, 5)))
    assert call("grad", "mean.yaml").error.startswith("error[wrong-width]: ")
    Path("rows.npz").write_text("no archive")
    assert "\n  --> mean.yaml:7:" in call("grad", "mean.yaml").error


def test_random_inputs_come_from_the_seed(call):
    mean()
    first, said = gradient(call, "--seed", "1", "--batch", "3")
    assert said == "inputs: random, with free sizes of 3, seed 1\n"
    again, _ = gradient(call, "--seed", "1", "--batch", "3")
    other, _ = gradient(call, "--seed", "2", "--batch", "3")
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert (np.abs(first) < 3).all()


def frequencies(call, target: str) -> np.ndarray:
    """How often each of five classes is drawn in 60 rows, from the gradient of equal scores."""
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
        "  t: {op: input, shape: [batch], dtype: int}\n"
        "  u: {op: reshape, inputs: t, shape: [batch]}\n"
        "  a: {op: affine, inputs: x, units: 5, weight: zeros}\n  y: {op: softmax, inputs: a}\n"
        f"  loss: {{op: cross_entropy, inputs: {{prediction: y, target: {target}}}}}\n"
    )
    result = call("grad", "net.yaml", "--batch", "60", "--save", "g.npz")
    assert result.code == 0, result.err
    with np.load("g.npz") as saved:
        # Each probability is 1/5, and the gradient by a bias is that minus the class's frequency.
        return (0.2 - saved["a.bias"]) * 60


def test_random_class_numbers_are_those_of_the_loss(call):
    found = frequencies(call, "t")
    np.testing.assert_allclose(found, found.round(), atol=1e-6)
    assert (found.round() > 0).all()
    assert found.sum() == pytest.approx(60)


def test_random_whole_numbers_that_no_loss_reads_are_0_and_1(call):
    found = frequencies(call, "u")
    assert (found[:2].round() > 0).all()
    assert found[:2].sum() == pytest.approx(60)
    np.testing.assert_allclose(found[2:], 0, atol=1e-6)


def test_random_numbers_lie_where_their_ops_work(call):
    # A logarithm of a number that is not positive would end the run.
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  l: {op: log, inputs: x}\n"
        "  a: {op: affine, inputs: l, units: 1}\n  f: {op: mean, inputs: a}\n"
    )
    result = call("gradcheck", "net.yaml", "--batch", "50")
    assert (result.code, result.out.splitlines()[0]) == (0, "3 entries in float64: 3 agree")


def test_random_numbers_for_ops_that_disagree(call):
    # A probability is wanted, and a number of the other op's domain, both of the same input.
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
        "  p: {op: sigmoid, inputs: w}\n  w: {op: affine, inputs: x, units: 2}\n"
        "  loss: {op: binary_cross_entropy, inputs: [p, x]}\n"
    )
    assert call("gradcheck", "net.yaml").code == 0


def test_rows_that_lack_an_input(call):
    # The training loss needs no t, so that its data have none.
    np.savez("rows.npz", x=np.ones((3, 2)))
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
        "  t: {op: input, shape: [batch, 2]}\n  w: {op: parameter, value: 2}\n"
        "  a: {op: multiply, inputs: [x, w]}\n  f: {op: mean, inputs: a}\n"
        "  loss: {op: mean_squared_error, inputs: [a, t]}\n"
        "train: {loss: f, data: {npz: {file: rows.npz, x: x}}}\n"
    )
    assert call("grad", "net.yaml").err == "inputs: the first 3 rows of the training data\n"
    result = call("grad", "net.yaml", "--loss", "loss")
    assert result.err == "inputs: random, with free sizes of 5, seed 0\n"


def test_several_losses_are_added_up(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  w: {op: parameter, value: 2}\n"
        "  a: {op: multiply, inputs: [x, w]}\n"
        "  f: {op: mean, inputs: a}\n  s: {op: sum, inputs: a}\n"
    )
    found = []
    for losses in (["f"], ["s"], ["f", "s"]):
        options = [part for loss in losses for part in ("--loss", loss)]
        call("grad", "net.yaml", "--input", "x=[[1, 4]]", *options, "--save", f"{len(found)}.npz")
        with np.load(f"{len(found)}.npz") as saved:
            found.append(float(saved["w.value"]))
    np.testing.assert_allclose(found, [2.5, 5.0, 7.5], rtol=1e-9)


def test_inputs_of_which_some_are_given(call):
    Path("net.yaml").write_text(
        "graphnn: 1\nsizes: {n: free, m: free}\nnodes:\n  x: {op: input, shape: [n, m]}\n"
        "  t: {op: input, shape: [n]}\n  u: {op: input, shape: [m, m]}\n"
        "  w: {op: parameter, value: 2}\n  a: {op: multiply, inputs: [x, w]}\n"
        "  b: {op: matmul, inputs: [a, u]}\n"
        "  s: {op: sum, inputs: b, axis: 1}\n  loss: {op: mean_squared_error, inputs: [s, t]}\n"
    )
    x = "x=[[1, 2, 3], [4, 5, 6]]"
    result = call("gradcheck", "net.yaml", "--input", x, "--seed", "3")
    assert (result.code, result.err) == (0, "inputs: random for t, u, seed 3\n")
    result = call("grad", "net.yaml", "--input", x, "--input", "t=[1]")
    assert result.code == 1
    assert result.err == (
        "inputs: random for u, seed 0\n"
        "error[size-conflict]: 'n' is 2 in the input 'x', but 1 in 't'\n"
    )


def test_a_bar_where_somebody_looks(call, descent, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for command in ("grad", "gradcheck"):
        result = call(command, descent)
        assert result.code == 0
        assert "entries" in result.err
        assert "2/2" in result.err


def test_gradients_agree(call, line):
    arguments = ("gradcheck", line, "--input", "x=[[1, 2], [3, 4]]", "--input", "t=[[0], [1]]")
    result = call(*arguments)
    assert (result.code, result.err) == (0, "")
    first, *rest = result.out.splitlines()
    assert first == "3 entries in float64: 3 agree"
    assert sorted(text.split("[")[0] for text in rest) == ["  a.bias", "  a.weight"]
    report = json.loads(call(*arguments, "--format", "json").out)
    assert (report["ok"], report["counts"]["agree"]) == (True, 3)
    # d loss / d bias is the mean of 2 (a - t) with a = 0.5 and 2.5: the mean of 1 and 3.
    bias = next(found for found in report["parameters"] if found["name"] == "a.bias")
    assert bias["worst"]["backprop"] == pytest.approx(2)


def test_a_wrong_backward_pass_is_exposed(call, monkeypatch):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: parameter, shape: [2], value: [0.3, -0.7]}\n"
        "  a: {op: tanh, inputs: x}\n  f: {op: sum, inputs: a}\n"
    )
    monkeypatch.setattr(Tanh, "vjp", lambda self, g, y, x, **options: (g * (1 + y * y),))
    result = call("gradcheck", "net.yaml")
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("2 entries in float64: 2 wrong backward\n")
    report = json.loads(call("gradcheck", "net.yaml", "--format", "json").out)
    assert (report["ok"], report["counts"]["wrong backward"]) == (False, 2)


def strict(text: str):
    """JSON without NaN and infinities, which Python's own reader takes."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_null_for_what_is_not_finite(call, monkeypatch):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: parameter, shape: [2], value: [0.3, -0.7]}\n"
        "  a: {op: tanh, inputs: x}\n  f: {op: sum, inputs: a}\n"
    )
    for spoilt in (np.nan, np.inf):
        monkeypatch.setattr(Tanh, "vjp", lambda self, g, y, x, by=spoilt, **options: (g * by,))
        result = call("gradcheck", "net.yaml", "--format", "json")
        assert (result.code, result.err) == (1, "")
        report = strict(result.out)
        assert report["counts"]["wrong backward"] == 2
        worst = report["parameters"][0]["worst"]
        assert worst["backprop"] is None
        # The derivative of tanh is 1 - tanh^2.
        slope = 1 - np.tanh([0.3, -0.7][worst["index"][0]]) ** 2
        assert worst["numerical"] == pytest.approx(slope)


DROPPED = """\
graphnn: 1
nodes:
  w: {op: parameter, value: [1, 1, 1, 1, 1, 1, 1, 1]}
  d: {op: dropout, inputs: w, rate: 0.75}
  f: {op: sum, inputs: d}
"""


def test_gradients_as_in_training(call):
    # Each entry that is kept counts 1 / (1 - 0.75) times, the same ones for every perturbation.
    Path("net.yaml").write_text(DROPPED)
    found = {}
    for name, more in {
        "run": (),
        "train": ("--mode", "train"),
        "again": ("--mode", "train", "--seed", "0"),
        "other": ("--mode", "train", "--seed", "1"),
    }.items():
        assert call("grad", "net.yaml", "--save", "g.npz", *more).code == 0
        with np.load("g.npz") as saved:
            found[name] = saved["w.value"]
    np.testing.assert_allclose(found["run"], np.ones(8), rtol=1e-9)
    assert set(found["train"].round(6)) == set(found["other"].round(6)) == {0, 4}
    assert np.array_equal(found["train"], found["again"])
    assert not np.array_equal(found["train"], found["other"])
    number = int(np.argmax(found["train"]))
    study = call("grad", "net.yaml", "--study", f"w.value[{number}]", "--mode", "train")
    assert study.out.splitlines()[0] == f"w.value[{number}]  backprop: 4.0"


def test_what_ops_do_in_training_is_checked_there(call, monkeypatch):
    Path("net.yaml").write_text(
        "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 3]}\n"
        "  a: {op: affine, inputs: x, units: 4}\n  n: {op: batch_norm, inputs: a}\n"
        "  z: {op: tanh, inputs: n}\n  d: {op: dropout, inputs: z, rate: 0.5}\n"
        "  f: {op: sum, inputs: d, axis: 1}\ntrain: {loss: f}\n"
    )
    for mode in ("run", "train"):
        result = call("gradcheck", "net.yaml", "--mode", mode)
        assert (result.code, result.out.splitlines()[0]) == (0, "24 entries in float64: 24 agree")
    right = DropoutTraining.vjp

    def doubled(self, *arrays, **options):
        first, *others = right(self, *arrays, **options)
        return (2 * first, *others)

    monkeypatch.setattr(DropoutTraining, "vjp", doubled)
    assert call("gradcheck", "net.yaml").code == 0
    assert call("gradcheck", "net.yaml", "--mode", "train").code == 1


def test_a_step_study(call, descent):
    result = call("grad", descent, "--study", "x.value[1]")
    assert (result.code, result.err) == (0, "")
    title, header, *rows, last = result.out.splitlines()
    assert title == "x.value[1]  backprop: 8.0"
    assert header.split("  ")[-1] == "central error"
    # The forward difference of x^2 is 2 x + h; far below 1e-16 nothing moves.
    assert [row.split()[0] for row in rows] == [f"1e-{k:02}" for k in (*range(1, 21), 49)]
    assert rows[0].split() == ["1e-01", "8.1", "8", "1.0e-01", rows[0].split()[-1]]
    assert float(rows[0].split()[-1]) < 1e-12
    assert rows[-1].split() == ["1e-49", "0", "0", "8.0e+00", "8.0e+00"]
    assert last == "wrote 'study.png'"
    assert Path("study.png").read_bytes().startswith(b"\x89PNG")


def test_a_step_study_elsewhere(call, descent):
    result = call("grad", descent, "--study", "x.value[0]", "-o", "s.svg")
    assert (result.code, result.out.splitlines()[-1]) == (0, "wrote 's.svg'")
    assert Path("s.svg").read_text().startswith("<?xml")


def test_a_step_study_of_no_entry(call, descent):
    assert call("grad", descent, "--study", "x.value[2]").usage_error.startswith(
        "error[unknown-entry]: 'x.value[2]' is not an entry of 'x.value'"
    )


@cases(r"""
    arguments= | message=
    ("-o", "x.png") | "error[bad-option]: '-o' needs '--study'\n"
    ("--study", "x.value[0]", "--save", "g.npz")
        | "error[bad-option]: '--save' cannot be combined with '--study'\n"
""")
def test_options_that_do_not_go_together(call, descent, arguments, message):
    assert call("grad", descent, *arguments).usage_error.startswith(message)


RELU = """\
graphnn: 1
nodes:
  x: {op: parameter, value: [0.00003, 1.0, -2.0]}
  r: {op: relu, inputs: x}
  f: {op: sum, inputs: r}
"""


def test_chosen_entries(call, descent):
    # The gradient of x0^2 + x1^2 at (-3, 4) is (-6, 8).
    result = call("grad", descent, "--entries", "x.value[0]", "--save", "g.npz")
    assert (result.code, result.err) == (0, "wrote 'g.npz'\n")
    header, row = result.out.splitlines()
    assert header.split()[-2:] == ["kinks", "entries"]
    words = row.split()
    assert (words[2:5], words[-3:]) == (["6", "-6", "[0]"], ["1", "of", "2"])
    with np.load("g.npz") as saved:
        np.testing.assert_allclose(saved["x.value"], [-6, np.nan], rtol=1e-9)


@pytest.mark.parametrize("command", ["grad", "gradcheck"])
def test_a_sample_of_entries(call, line, command):
    common = (line, "--input", "x=[[1, 2]]", "--input", "t=[[0]]")
    shown = {call(command, *common, "--entries", "1", "--seed", str(n)).out for n in range(8)}
    assert len(shown) > 1  # seeds draw different entries
    again = call(command, *common, "--entries", "1", "--seed", "3")
    assert again.out == call(command, *common, "--entries", "1", "--seed", "3").out
    assert call("gradcheck", *common, "--entries", "2").out.startswith(
        "2 entries in float64: 2 agree\n"
    )


@cases(r"""
    arguments= | message
    ("--entries", "3", "--entries", "x.value[0]")
        | error[bad-option]: '--entries 3' cannot be combined with entry names
    ("--entries", "x.value[2]")
        | error[unknown-entry]: 'x.value[2]' is not an entry of 'x.value', whose shape is [2]
        \n   = help: such as x.value[1]
    ("--entries", "0") | error[bad-entries]: a sample has at least 1 entry, not 0
    ("--entries", "-4") | error[bad-entries]: a sample has at least 1 entry, not -4
""")
def test_entries_that_make_no_sense(call, descent, arguments, message):
    for command in ("grad", "gradcheck"):
        assert call(command, descent, *arguments).usage_error == f"{message}\n"


@pytest.mark.parametrize("command", ["grad", "gradcheck"])
def test_a_network_without_parameters(call, command):
    Path("net.yaml").write_text("graphnn: 1\nnodes: {f: {op: constant, value: 1}}\n")
    for options in ((), ("--entries", "3")):
        result = call(command, "net.yaml", "--loss", "f", *options)
        assert (result.code, result.out) == (2, "")
        assert result.err == (
            "error[missing-gradient]: there is nothing to take a gradient by: the network has no "
            "parameter\n"
        )


def test_the_complex_step_is_exact(call, descent):
    result = call("grad", descent, "--method", "complex", "--save", "g.npz")
    assert result.code == 0
    with np.load("g.npz") as saved:
        assert saved["x.value"].tolist() == [-6.0, 8.0]
    assert call("gradcheck", descent, "--method", "complex").out.startswith(
        "2 entries in float64: 2 agree"
    )


def test_the_order_of_the_rule(call, descent):
    assert call("grad", descent, "--order", "4").code == 0
    assert call("gradcheck", descent, "--order", "3").usage_error == (
        "error[unknown-order]: the central rule has no order 3\n   = help: its order is 2 or 4\n"
    )


def test_kinks_are_reported_by_place(call):
    Path("net.yaml").write_text(RELU)
    result = call("grad", "net.yaml", "--step", "1e-4")
    assert result.out.splitlines()[2:] == ["kink: x.value[0] crosses one at 'r'[0]"]
    result = call("gradcheck", "net.yaml", "--step", "1e-4")
    assert result.code == 0
    assert result.out.startswith(
        "3 entries in float64: 2 agree, 1 kink\n  x.value[0]: kink at 'r'[0] (1 of 3), backprop 1, "
    )
    report = json.loads(call("gradcheck", "net.yaml", "--step", "1e-4", "--format", "json").out)
    assert report["parameters"][0]["kinks"] == [
        {"index": [0], "node": "r", "sample": None, "at": [0], "verdict": "kink"}
    ]


def test_of_many_kinks_a_few_are_reported(call):
    Path("net.yaml").write_text(RELU.replace("1.0, -2.0", "0.00002, " * 6 + "1"))
    lines = call("grad", "net.yaml", "--step", "1e-4").out.splitlines()
    assert len(lines) == 8
    assert lines[-1] == "and 2 more kinks"


@pytest.mark.parametrize("command", ["grad", "gradcheck"])
def test_how_the_work_is_done(call, descent, monkeypatch, command):
    module = api if command == "grad" else check
    right, seen = module.estimate_gradient, []

    def spy(network, inputs, options):
        names = ("workers", "max_memory", "extrapolation")
        seen.append({name: getattr(options, name) for name in names})
        return right(network, inputs, options)

    monkeypatch.setattr(module, "estimate_gradient", spy)
    more = ("--workers", "3", "--max-memory", "2", "--extrapolation", "richardson")
    for arguments in ((), more):
        assert call(command, descent, *arguments).code == 0
    assert seen == [
        {"workers": None, "max_memory": 256 * 2**20, "extrapolation": "compared"},
        {"workers": 3, "max_memory": 2 * 2**20, "extrapolation": "richardson"},
    ]
    for option in ("--workers", "--max-memory"):
        assert call(command, descent, option, "0").code == 2


def interrupted(estimates):
    """What ends with these estimates and with Ctrl-C."""

    def stop(*arguments, **options):
        raise Interrupted(estimates, 5)

    return stop


def test_ctrl_c_shows_what_was_reached(call, descent, monkeypatch):
    known = GradientEstimate(np.array([1.0, np.nan]), np.array([1e-9, np.nan]), np.zeros(2, bool))
    reached = {"x.value": replace(known, entries=np.array([0]))}
    monkeypatch.setattr(gradients, "numerical_gradient", interrupted(reached))
    monkeypatch.setattr(check, "estimate_gradient", interrupted(reached))
    result = call("grad", descent, "--save", "g.npz")
    assert result.code == 1
    assert result.out.splitlines()[1].split()[-3:] == ["1", "of", "2"]
    assert result.err == "wrote 'g.npz'\ninterrupted: 1 of 5 entries were computed\n"
    result = call("gradcheck", descent)
    assert result.code == 1
    assert result.out.startswith("1 entry in float64: 1 wrong backward\n")
    assert result.err == "interrupted: 1 of 5 entries were computed\n"
    with np.load("g.npz") as saved:
        np.testing.assert_array_equal(saved["x.value"], [1.0, np.nan])


@pytest.mark.parametrize("command", ["grad", "gradcheck"])
def test_scores_in_place_of_probabilities_are_reported_where_they_show(call, here, command):
    Path("net.yaml").write_text(
        "graphnn: 1\n"
        "nodes:\n"
        "  x: {op: input, shape: [batch, 2]}\n"
        "  t: {op: input, shape: [batch], dtype: int}\n"
        "  a: {op: affine, inputs: x, units: 2, weight: [[1, -1], [1, -1]]}\n"
        "  loss: {op: cross_entropy, inputs: [a, t]}\n"
    )
    given = ("--input", "x=[[1, 1]]", "--input", "t=[1]")
    result = call(command, "net.yaml", *given)
    assert result.code == 1
    assert result.err == (
        "error[not-finite]: the result is not finite: 'loss' (cross_entropy) is the first to give "
        "NaN at [0]\n"
        "\n"
        "warning[not-probabilities]: 'loss' takes probabilities, but affine 'a' gives other "
        "numbers\n"
        "  --> net.yaml:6:38\n"
        "   |\n"
        " 5 |   a: {op: affine, inputs: x, units: 2, weight: [[1, -1], [1, -1]]}\n"
        "   |   - affine 'a' is computed here\n"
        " 6 |   loss: {op: cross_entropy, inputs: [a, t]}\n"
        "   |                                      ^\n"
        "   = help: put a softmax between the two\n"
    )
    text = (
        Path("net.yaml").read_text().replace("graphnn: 1", "graphnn: 1\nallow: not-probabilities")
    )
    Path("net.yaml").write_text(text)
    assert "warning" not in call(command, "net.yaml", *given).err
    result = call(command, "net.yaml", "--input", "x=[[1]]", "--input", "t=[1]")
    assert result.err.startswith("error[wrong-shape]: ")


def test_ctrl_c_before_anything_was_reached(call, descent, monkeypatch):
    monkeypatch.setattr(gradients, "numerical_gradient", interrupted({}))
    monkeypatch.setattr(check, "estimate_gradient", interrupted({}))
    said = "interrupted: 0 of 5 entries were computed\n"
    assert call("grad", descent, "--save", "g.npz").error == said
    assert not Path("g.npz").exists()
    assert call("gradcheck", descent).error == said
    result = call("gradcheck", descent, "--format", "json")
    assert (result.code, result.err) == (1, said)
    assert json.loads(result.out)["parameters"] == []


def test_what_trains_in_float32_is_checked(call, descent):
    text = Path(descent).read_text().replace("graphnn: 1\n", "graphnn: 1\ndtype: float32\n", 1)
    Path("single.yaml").write_text(text)
    for options, precision in (((), "float64"), (("--dtype", "float32"), "float32")):
        result = call("gradcheck", "single.yaml", *options)
        first = result.out.splitlines()[0]
        assert (result.code, first) == (0, f"2 entries in {precision}: 2 agree")
        report = json.loads(call("gradcheck", "single.yaml", *options, "--format", "json").out)
        assert report["parameters"][0]["precision"] == precision
    result = call("gradcheck", "single.yaml", "--tolerance", "2")
    assert (result.code, result.err) == (
        2,
        "error[bad-option]: 'tolerance' must be a number from 0 to 1, not 2.0\n"
        "   = help: leave it out for the rounding of the gradient's precision\n",
    )

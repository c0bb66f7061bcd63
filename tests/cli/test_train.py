"""``graphnn train``."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.storage.archives import read_arrays
from tables import cases

# Enough epochs to be interrupted in the middle of, each of a few milliseconds.
LONG = 400
NETWORK = f"""\
graphnn: 1
nodes:
  x: {{op: input, shape: [batch, 3]}}
  t: {{op: input, shape: [batch], dtype: int}}
  a: {{op: affine, inputs: x, units: 8}}
  z: {{op: sigmoid, inputs: a}}
  b: {{op: affine, inputs: z, units: 2}}
  y: {{op: softmax, inputs: b}}
  loss: {{op: cross_entropy, inputs: [y, t]}}
train:
  data: {{npz: {{file: rows.npz, x: x, t: t}}}}
  validation: 10
  test: 20
  metrics: {{accuracy: [y, t]}}
  batch_size: 10
  epochs: {LONG}
"""


@pytest.fixture
def rows(here: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 3))
    np.savez("rows.npz", x=x, t=(x.sum(axis=1) > 0).astype(int))
    Path("net.yaml").write_text(NETWORK)


def test_a_run_without_data(call, descent):
    result = call("train", descent)
    assert result.code == 0
    # Every step takes x to 0.8 x, so that the loss falls from 25 by 0.64.
    assert result.err == (
        "epoch 1/3  loss 25.0000\nepoch 2/3  loss 16.0000\nepoch 3/3  loss 10.2400\n"
    )
    names = (
        "checkpoint.safetensors, weights.safetensors, history.csv, spec.yaml, summary.json, "
        "diagram.svg, curves.png, path.png"
    )
    assert result.out == (
        f"epoch 3 of 3\n      training\nloss   10.2400\nwrote 'runs/descent': {names}\n"
    )
    assert sorted(path.name for path in Path("runs/descent").iterdir()) == sorted(names.split(", "))
    found = read_arrays(Path("runs/descent/weights.safetensors"))["x.value"]
    np.testing.assert_allclose(found, [-3 * 0.8**3, 4 * 0.8**3], rtol=1e-12)


def test_the_end_of_a_run_with_rows_held_back(call, rows):
    result = call("train", "net.yaml", "-o", "out", "--set", "epochs=2")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == "epoch 2 of 2"
    assert lines[1].split() == ["training", "validation", "test"]
    assert [text.split()[0] for text in lines[2:4]] == ["loss", "accuracy"]
    loss, accuracy = (text.split()[-1] for text in lines[2:4])
    assert lines[4] == f"test accuracy {accuracy}, loss {loss} on 20 rows"
    assert lines[5].startswith("wrote 'out': checkpoint.safetensors, ")
    history = Path("out/history.csv").read_text().splitlines()
    assert len(history) == 3
    assert result.err.startswith("epoch 1/2  loss ")
    # What 'run' measures with the weights that are left is what training reported.
    measured = call("run", "net.yaml", "--weights", "out/weights.safetensors").out
    assert measured == f"20 test rows in batches of 10\nloss      {loss}\naccuracy  {accuracy}\n"


def test_a_run_gets_a_folder_of_its_own_and_the_latest_is_resumed(call, descent, here, no_plots):
    for name in ("descent", "descent-2"):
        (here / "runs" / name).mkdir(parents=True)
    (here / "runs" / "descent" / "checkpoint.safetensors").touch()
    assert "wrote 'runs/descent-2': " in call("train", descent).out
    result = call("train", descent, "--resume", "--set", "epochs=4")
    assert result.code == 0
    assert result.err.startswith("epoch 4/4  loss 6.5536\n")
    assert "wrote 'runs/descent-2': " in result.out
    found = read_arrays(Path("runs/descent-2/weights.safetensors"))["x.value"]
    np.testing.assert_allclose(found, [-3 * 0.8**4, 4 * 0.8**4], rtol=1e-12)
    shorter = call("train", descent, "--resume", "--set", "epochs=2")  # than what is done
    assert shorter.out.splitlines()[0] == "epoch 4"


def test_a_loss_that_rises_is_noted(call, descent, no_plots):
    # Every step takes x to -2 x, so that the loss grows by 4.
    result = call("train", descent, "--set", "learning_rate=1.5", "--set", "epochs=5")
    assert (
        "\nnote: the loss rose from 25 to 6400; "
        "lower the learning rate, which is 1.5, or set 'clip_norm'\n"
    ) in result.err
    shorter = call("train", descent, "--set", "learning_rate=1.5", "--set", "epochs=4")
    assert "rose" not in shorter.err  # 64 times


def test_a_bar_where_somebody_looks(call, descent, no_plots, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = call("train", descent)
    assert result.code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", result.err).replace("\r", "\n")
    assert re.search(r"epoch 3/3  batch 1/1 \S+ loss 10.2400", plain)
    for epoch, loss in enumerate(["25.0000", "16.0000", "10.2400"], start=1):
        assert re.search(rf"^epoch {epoch}/3  loss {loss} *$", plain, re.MULTILINE)


WIDE = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train:
  data: {csv: rows.csv}
  validation: 4
  metrics: {mean_absolute_error: [y, t]}
  epochs: 100
"""


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, "loss  mean_absolute_error  validation_loss"),
        (96, "loss  validation_loss  validation_mean_absolute_error"),
    ],
)
def test_a_bar_is_whole_and_lines_are_single(call, here, no_plots, monkeypatch, columns, shown):
    Path("rows.csv").write_text("x.0,x.1,t\n" + "0.1,0.2,0.3\n0.5,0.1,0.6\n" * 10)
    Path("net.yaml").write_text(WIDE)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    result = call("train", "net.yaml")
    assert result.code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", result.err).replace("\r", "\n")
    lines = [line.rstrip() for line in plain.splitlines() if line.strip()]
    assert max(map(len, lines)) <= columns
    stay = [line for line in lines if re.match(r"epoch +\d+/100  loss", line)]
    assert len(stay) == 100
    # What does not fit is left out whole, of training rows first.
    assert re.sub(r" [\d.]+(?= |$)", "", stay[9]) == f"epoch  10/100  {shown}"
    bars = [line for line in lines if "batch" in line]
    assert bars
    assert all(re.search("[━╸╺]{10}", line) for line in bars)


def test_a_folder_in_use(call, descent, here):
    (here / "out").mkdir()
    (here / "out" / "mine").touch()
    assert call("train", descent, "-o", "out").error == (
        "error[folder-in-use]: 'out' already holds something\n"
        "   = help: name another folder, or resume the run in it with --resume\n"
    )
    assert [path.name for path in (here / "out").iterdir()] == ["mine"]


def test_nothing_to_resume(call, descent, here):
    assert call("train", descent, "--resume").error == (
        "error[nothing-to-resume]: there is no run of 'descent.yaml' in 'runs' to resume\n"
        "   = help: name its folder by -o FOLDER\n"
    )
    assert (
        call("train", descent, "--resume", "-o", "out").error
        == "error[nothing-to-resume]: 'out' holds no run to resume\n"
    )
    # A folder that only looks like one of this spec's runs is not taken.
    (here / "runs" / "descent-x").mkdir(parents=True)
    (here / "runs" / "descent-x" / "checkpoint.safetensors").touch()
    assert call("train", descent, "--resume").code == 1


def test_a_run_of_another_spec(call, descent, no_plots):
    call("train", descent, "-o", "out")
    assert call(
        "train", descent, "-o", "out", "--resume", "--set", "learning_rate=0.2"
    ).error.startswith("error[different-spec]: ")


def test_a_spec_that_does_not_train(call, line):
    assert call("train", line).error.startswith(
        "error[no-train]: the spec does not say how to train\n"
    )


def test_a_loss_that_runs_away_keeps_what_was_reached(call, descent):
    # Each step multiplies x by 1 - 2 * 1e99, so that the third loss overflows.
    result = call("train", descent, "-o", "out", "--set", "learning_rate=1.0e+99")
    assert (result.code, result.out) == (1, "")
    *lines, fault, help = result.err.splitlines()
    assert lines == [
        "epoch 1/3  loss 25.0000",
        "epoch 2/3  loss 1e+200",
        "what was reached before is kept in 'out'",
    ]
    assert fault.startswith("error[not-finite]: ")
    assert help == "   = help: lower the learning rate, which is 1e+99, or set 'clip_norm'"
    assert len(Path("out/history.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_reached_and_resume_completes_it(call, start, rows, no_plots):
    process = start("train", "net.yaml", "--set", "seed=3")
    for line in process.stderr:
        if line.startswith("epoch   3/"):
            break
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=600)
    assert process.returncode == 1
    *_, interrupted, advice = rest.splitlines()
    done = len(Path("runs/net/history.csv").read_text().splitlines()) - 1
    assert 3 <= done < LONG
    assert interrupted == f"interrupted after {done} epochs; what was reached is kept"
    assert advice == "resume with: graphnn train net.yaml -o runs/net --resume --set seed=3"
    assert out.splitlines()[0] == f"epoch {done} of {LONG}"
    kept = read_arrays(Path("runs/net/weights.safetensors"))
    uninterrupted = graphnn.train("net.yaml", {"seed": 3, "epochs": done}).network.parameters
    assert {name: array.tobytes() for name, array in kept.items()} == {
        name: array.tobytes() for name, array in uninterrupted.items()
    }

    result = call(*advice.removeprefix("resume with: graphnn ").split())
    assert result.code == 0
    assert result.err.startswith(f"epoch {done + 1:3}/{LONG}  ")
    whole = graphnn.train("net.yaml", {"seed": 3}).network.parameters
    resumed = read_arrays(Path("runs/net/weights.safetensors"))
    assert {name: array.tobytes() for name, array in resumed.items()} == {
        name: array.tobytes() for name, array in whole.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_a_cluster_sends_is_ctrl_c(start, rows, number):
    process = start("train", "net.yaml", "--set", "epochs=100000")
    for line in process.stderr:
        if line.startswith("epoch      3/"):
            break
    process.send_signal(number)
    out, rest = process.communicate(timeout=600)
    assert process.returncode == 1
    *_, interrupted, advice = rest.splitlines()
    done = len(Path("runs/net/history.csv").read_text().splitlines()) - 1
    assert interrupted == f"interrupted after {done} epochs; what was reached is kept"
    assert advice == "resume with: graphnn train net.yaml -o runs/net --resume --set epochs=100000"
    assert "wrote 'runs/net': checkpoint.safetensors, " in out


@pytest.mark.slow
def test_two_trainings_at_once_have_a_folder_each(call, start, rows):
    process = start("train", "net.yaml", "--set", "epochs=100000")
    process.stderr.readline()
    refused = call("train", "net.yaml", "-o", "runs/net")
    owner = f"process {process.pid} on {socket.gethostname()}"
    assert refused.code == 1
    assert refused.err == (
        f"error[folder-in-use]: 'runs/net' is in use by {owner}\n"
        "   = help: name another folder, or wait for the training in it to end\n"
    )
    assert "wrote 'runs/net-2': " in call("train", "net.yaml", "--set", "epochs=1").out
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=600)


def test_a_full_disk_says_how_to_resume(call, descent, no_plots, monkeypatch):
    call("train", descent, "-o", "out")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = call("train", descent, "-o", "out", "--resume", "--set", "epochs=5")
    assert result.code == 1
    assert result.err.splitlines() == [
        "epoch 4/5  loss 6.5536",
        "what was reached before is kept in 'out'",
        "resume with: graphnn train descent.yaml -o out --resume --set epochs=5",
        "error[unwritable-file]: 'out/checkpoint.safetensors' cannot be written: "
        "No space left on device",
        "   = note: training stopped after epoch 4; the checkpoint holds epoch 3",
        "   = help: make room, then resume the run with --resume",
    ]


def test_ctrl_c_in_the_first_epoch(call, descent, monkeypatch):
    from graphnn.training.fitting.loop import Training

    def interrupted(self: Training, progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "epoch", interrupted)
    result = call("train", descent, "-o", "my run", "--set", "epochs=2")
    assert result.code == 1
    assert result.out.startswith("wrote 'my run': checkpoint.safetensors, ")
    assert result.err == (
        "interrupted after no epoch at all; what was reached is kept\n"
        "resume with: graphnn train descent.yaml -o 'my run' --resume --set epochs=2\n"
    )


def test_a_picture_that_cannot_be_made_is_reported(call, descent, no_plots):
    result = call("train", descent, "-o", "out")
    assert result.code == 0
    assert "curves.png" not in result.out
    assert "note: no curves.png, path.png: plots need matplotlib" in result.err


RISING = """\
graphnn: 1
nodes:
  x: {op: parameter, shape: [1], value: [1.0]}
  y: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: y}
train: {loss: f, optimizer: {sgd: {learning_rate: 2}}, epochs: 9}
"""


@cases("""
    keep | title | loss
    best | epoch 1 of 9, the best, stopped early after 3 | 1.0000
    last | epoch 3 of 9, the best was 1, stopped early after 3 | 81.0000
""")
@pytest.mark.usefixtures("no_plots")
def test_an_early_end_is_reported(call, here, keep, title, loss):
    Path("rising.yaml").write_text(RISING)
    stop = "early_stopping={patience: 2, metric: loss}"
    result = call("train", "rising.yaml", "-o", "run", "--set", stop, "--set", f"keep={keep}")
    assert result.code == 0
    shown, _, values = result.out.splitlines()[:3]
    assert (shown, values.split()) == (title, ["loss", loss])


def test_check_reports_what_cannot_be_watched(call, descent):
    result = call("check", descent, "--set", "early_stopping={patience: 2}")
    assert result.code != 0
    assert (
        "error[not-measured]: 'early_stopping' watches 'validation_loss', which is not measured\n"
        in result.out + result.err
    )
    assert "= help: hold rows back for it, such as validation: 0.1\n" in result.out + result.err


def test_all_faults_at_once(call, here):
    Path("rows.csv").write_text("a,b,c,t\n1,2,3,0\n4,5,six,1\n")
    data = "{csv: {file: rows.csv, x: [a, b, c], t: u}}"
    text = NETWORK.replace("{npz: {file: rows.npz, x: x, t: t}}", data)
    column = "net.yaml:11:49: error[unknown-column]: 'rows.csv' has no column 'u'"
    cell = "rows.csv:3:5: error[not-a-number]: 'six' in column 'c' is not a finite number"
    more = {
        "units: 8": ("units: many", "net.yaml:5:37: error[unknown-size]: there is no size 'many'"),
        "test: 20": ("optimizer: sdg", "net.yaml:13:14: error[unknown-optimizer]: there is no "),
    }
    for old, (new, message) in more.items():
        Path("net.yaml").write_text(text.replace(old, new))
        result = call("train", "net.yaml")
        assert (result.code, result.out) == (1, "")
        checked = call("check", "net.yaml", "--format", "short").out.splitlines()
        assert len(checked) == 3
        assert column in checked and cell in checked
        assert any(line.startswith(message) for line in checked)
        assert result.err == call("check", "net.yaml").out.rpartition("\n\n")[0] + "\n"
        assert not Path("runs").exists()


def test_a_fault_that_is_not_of_the_spec_is_reported_alone(call, here, rows):
    Path("net.yaml").write_text(NETWORK.replace(f"epochs: {LONG}", "epochs: 1"))
    assert call("train", "net.yaml", "-o", "run").code == 0
    Path("net.yaml").write_text(NETWORK.replace(f"epochs: {LONG}", "epochs: 1\n  rows: 4000"))
    result = call("train", "net.yaml", "-o", "run")
    assert result.code == 1
    assert result.err.startswith("error[") and result.err.count("error[") == 1

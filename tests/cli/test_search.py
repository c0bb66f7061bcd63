"""``graphnn search``."""

from __future__ import annotations

import csv
import re
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest

import graphnn

pytest.importorskip("optuna")

SEARCH = "search: {learning_rate: {choice: [0.1, 0.25]}, pruner: none}\n"


@pytest.fixture
def study(descent: str) -> str:
    path = Path(descent)
    path.write_text(path.read_text() + SEARCH)
    return descent


def test_a_search_and_what_it_leaves(call, study):
    result = call("search", study, "--trials", "6")
    assert result.code == 0
    # A step takes x to 0.8 x, or to 0.5 x; the third epoch begins with the loss after two.
    losses = {"0.1": "10.2400", "0.25": "1.5625"}
    lines = result.err.splitlines()
    rates = [line.rpartition("=")[2] for line in lines]
    assert set(rates) == {"0.1", "0.25"}
    assert lines == [
        f"trial {n}/6  {losses[rate]}  learning_rate={rate}" for n, rate in enumerate(rates, 1)
    ]
    order = sorted(range(6), key=lambda n: (float(losses[rates[n]]), n))[:5]
    table = [["trial", "loss", "learning_rate"]]
    table += [[str(n + 1), losses[rates[n]], rates[n]] for n in order]
    first, *rows, wrote, advice = result.out.splitlines()
    assert first == "6 trials: 6 complete"
    assert [row.split() for row in rows] == table
    names = "study.log, trials.csv, best.yaml, curves.png, values.png"
    assert wrote == f"wrote 'runs/descent-search': {names}"
    assert advice == "train with: graphnn train descent.yaml --set learning_rate=0.25"
    folder = Path("runs/descent-search")
    left = sorted(path.name for path in folder.iterdir())
    assert left == sorted([".study.log.lock", *names.split(", ")])
    kept = list(csv.reader((folder / "trials.csv").read_text().splitlines()))
    assert kept[0] == ["trial", "state", "epochs", "loss", "learning_rate"]
    assert [row[:3] for row in kept[1:]] == [[str(n), "complete", "3"] for n in range(1, 7)]
    assert [row[4] for row in kept[1:]] == rates
    best = graphnn.train(folder / "best.yaml").history[-1]["loss"]
    assert best == pytest.approx(25 / 16, rel=1e-12)

    # A second call goes on.
    result = call("search", study, "--trials", "7")
    assert result.err.startswith("trial 7/7  ")
    assert result.out.startswith("7 trials: 7 complete\n")


def test_a_bar_where_somebody_looks(call, study, no_plots, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = call("search", study, "--trials", "2", "-o", "out")
    assert result.code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", result.err)
    assert re.search(r"2/2 trials \S+ trial 2  epoch 3/3  best \d", plain)
    assert "note: no curves.png, values.png: plots need matplotlib" in plain


def test_a_search_that_cannot_begin_leaves_no_folder(call, descent):
    assert call("search", descent).error.startswith(
        "error[no-search]: the spec does not say what to search\n"
    )
    assert not Path("runs").exists()


def test_check_reports_what_a_search_cannot_do(call, descent):
    path = Path(descent)
    path.write_text(path.read_text() + "search: {learning_rat: {uniform: [0.1, 0.2]}}\n")
    result = call("check", descent)
    assert (result.code, result.err) == (1, "")
    assert result.out == (
        "error[unknown-setting]: the setting 'learning_rat' is neither a size of the spec nor a "
        "value of its 'train' or of a node\n"
        "  --> descent.yaml:7:10\n"
        "   |\n"
        " 7 | search: {learning_rat: {uniform: [0.1, 0.2]}}\n"
        "   |          ^^^^^^^^^^^^\n"
        "   = help: did you mean 'learning_rate'?\n"
        "\n"
        "descent.yaml: 1 error  (graphnn explain unknown-setting)\n"
    )
    text = path.read_text().replace("learning_rat:", "learning_rate:")
    path.write_text(re.sub("train: .*", "", text))
    assert call("check", descent).out == (
        "error[no-train]: a search trains, but the spec does not say how to train\n"
        "  --> descent.yaml:7:1\n"
        "   |\n"
        " 7 | search: {learning_rate: {uniform: [0.1, 0.2]}}\n"
        "   | ^^^^^^\n"
        "   = help: add a section 'train' to it, such as train: {data: ..., epochs: 10}\n"
        "\n"
        "descent.yaml: 1 error  (graphnn explain no-train)\n"
    )


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(
    call, start, study, no_plots, number
):
    process = start("search", study, "--trials", "500", "--set", "epochs=5")
    for line in process.stderr:
        if line.startswith("trial   2/"):
            break
    process.send_signal(number)
    out, rest = process.communicate(timeout=600)
    assert process.returncode == 1
    *_, interrupted, advice = rest.splitlines()
    assert interrupted == "interrupted; what was done is kept"
    assert advice == ("resume with: graphnn search descent.yaml --trials 500 --set epochs=5")
    with Path("runs/descent-search/trials.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    done = sum(row["state"] == "complete" for row in rows)
    assert 2 <= done < 500
    assert f"{done} complete" in out
    more = advice.removeprefix("resume with: graphnn ").replace("500", str(done + 1))
    result = call(*shlex.split(more))
    assert result.code == 0
    assert f"{done + 1} complete" in result.out


def test_why_no_trial_is_complete(call, descent, no_plots):
    path = Path(descent)
    path.write_text(path.read_text() + "search: {learning_rate: {choice: [1.0e+200]}}\n")
    result = call("search", descent, "--trials", "2")
    assert result.code == 0
    assert result.out.startswith("2 trials: 2 diverged\nno trial is complete\nwrote ")
    assert (
        "note: trial 1 diverged: the result is not finite: 'squares' (power) is the first to give "
        "infinity at [0]\n"
    ) in result.err


def test_the_likely_cause_of_trials_that_all_diverge_is_shown(call, descent, no_plots):
    text = """\
graphnn: 1
nodes:
  w: {op: parameter, value: [[-1, -1]]}
  t: {op: constant, value: [0], dtype: int}
  y: {op: negative, inputs: w}
  z: {op: negative, inputs: y}
  f: {op: cross_entropy, inputs: [z, t]}
train: {loss: f, epochs: 2}
search: {learning_rate: {choice: [1, 2]}}
"""
    Path("net.yaml").write_text(text)
    result = call("search", "net.yaml", "--trials", "2")
    assert result.code == 0
    assert (
        "note: trial 1 diverged: the result is not finite: 'f' (cross_entropy) is the first to "
        "give NaN at [0]\n"
        "warning[not-probabilities]: 'f' takes probabilities, but negative 'z' gives other "
        "numbers\n"
    ) in result.err


def test_why_trials_failed_is_reported_once(call, descent, no_plots):
    path = Path(descent)
    text = path.read_text().replace(
        "loss: f", "loss: f, early_stopping: {patience: 1, metric: loss}"
    )
    # No rows are held back, so that there is no validation_loss to watch.
    search = "search: {early_stopping.metric: {choice: [loss, validation_loss]}}\n"
    path.write_text(text + search)
    result = call("search", descent, "--trials", "5")
    assert result.code == 0
    assert result.err.count("error[not-measured]: ") == 1
    states = re.findall(r"(\d) (\w+)", result.out.splitlines()[0].partition(": ")[2])
    assert {name for _, name in states} == {"complete", "failed"}


BATCHES = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  n: {op: batch_norm, inputs: x}
  y: {op: affine, inputs: n, units: 1}
  t: {op: input, shape: [batch, 1]}
  loss: {op: mean_squared_error, inputs: [y, t]}
train: {data: {npz: rows.npz}, epochs: 1}
search: {batch_size: {choice: [10, 20, 40]}}
"""


def test_a_search_all_of_whose_trials_fail_ends_in_the_fault(call, here):
    np.savez("rows.npz", x=np.zeros((81, 2)), t=np.zeros((81, 1)))
    Path("net.yaml").write_text(BATCHES)
    result = call("search", "net.yaml", "--trials", "3")
    assert (result.code, result.out) == (1, "")
    *trials, error, place, bar, line, mark, note, help = result.err.splitlines()
    assert [re.sub("=.*", "", trial) for trial in trials] == [
        f"trial {number}/3  failed  batch_size" for number in (1, 2, 3)
    ]
    size = int(trials[0].rpartition("=")[2])
    assert error == (
        f"error[too-few-rows]: of 81 rows in batches of {size}, the last batch has 1, but 'n' "
        "(batch_norm) needs 2"
    )
    assert place.startswith("  --> net.yaml:9:")
    assert (bar, line) == ("   |", " 9 | search: {batch_size: {choice: [10, 20, 40]}}")
    assert mark.strip("| ") == "^^"
    assert note == "   = note: no trial had a result: 3 of 3 failed like this"
    assert help.startswith("   = help: choose a batch_size that leaves no such batch, such as ")
    assert not Path("runs").exists()

"""A search whose trials fail, are interrupted at a bad moment, or belong to a dead process."""

from __future__ import annotations

import csv
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import FileError, GraphnnError, TrainingError
from graphnn.training.studies.trials import Trials

pytestmark = pytest.mark.usefixtures("no_plots")

optuna = pytest.importorskip("optuna")

DESCENT = """\
graphnn: 1
nodes:
  x: {op: parameter, shape: [2], value: [-3, 4]}
  squares: {op: power, inputs: x, exponent: 2}
  f: {op: sum, inputs: squares}
train: {loss: f, optimizer: {sgd: {learning_rate: 0.1}}, epochs: 4}
search: {learning_rate: {uniform: [0.1, 0.4]}, pruner: none}
"""
FOREIGN = "trial 1 has a setting that the search does not vary"
DRAWN = "trial 1 draws '{}' in another way than the search"
OUTSIDE = "trial 1 has 'learning_rate' outside its range"
PLANE = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 3]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train: {data: {npz: {file: rows.npz, x: x, t: t}}, batch_size: 5, epochs: 2, seed: 0}
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def descent():
    Path("descent.yaml").write_text(DESCENT)
    return "descent.yaml"


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    np.savez("rows.npz", x=rng.normal(size=(10, 3)), t=rng.normal(size=(10, 1)))


def plane(search):
    Path("net.yaml").write_text(PLANE + f"search: {search}\n")
    return "net.yaml"


def test_a_trial_that_fails_is_not_one_that_diverged_and_says_why(rows):
    file = plane("{rows: {choice: [5, 11]}}")
    found = graphnn.search(file, 8, storage="study.log")
    states = {trial.settings["rows"]: trial.state for trial in found.trials}
    assert states == {5: "complete", 11: "failed"}
    message = "'rows' is 11, but there are 10 rows to train on"
    assert {trial.fault for trial in found.trials} == {"", message}
    assert [(fault.code, fault.message) for fault in found.faults] == [("too-few-rows", message)]
    found.write(".")
    shown = list(csv.DictReader(Path("trials.csv").read_text().splitlines()))
    assert {(row["rows"], row["state"]) for row in shown} == {("5", "complete"), ("11", "failed")}
    assert graphnn.search(file, 8, storage="study.log").trials == found.trials


def test_a_search_all_of_whose_trials_fail_ends_in_their_fault_and_leaves_nothing(rows):
    file = plane("{rows: {choice: [11]}}")
    with pytest.raises(GraphnnError) as caught:
        graphnn.search(file, 3, storage="study.log")
    assert str(caught.value) == (
        "error[too-few-rows]: 'rows' is 11, but there are 10 rows to train on\n"
        "  --> net.yaml:8:26\n"
        "   |\n"
        " 8 | search: {rows: {choice: [11]}}\n"
        "   |                          ^^\n"
        "   = note: no trial had a result: 3 of 3 failed like this\n"
        "   = help: rows for validation and test are held back first"
    )
    assert not Path("study.log").exists()

    shown = []
    with pytest.raises(GraphnnError):
        graphnn.search(file, 500, progress=shown.append)
    assert [(p.trial.number, p.trial.state, p.done) for p in shown] == [
        (number, "failed", number) for number in range(1, 11)
    ]


def test_two_ways_to_fail_are_no_reason_to_stop(rows):
    file = plane("{rows: {choice: [9]}, validation: {choice: [2, 10]}}")
    found = graphnn.search(file, 20)
    assert [trial.state for trial in found.trials] == ["failed"] * 20
    assert {fault.code for fault in found.faults} == {"bad-split", "too-few-rows"}


def test_a_missing_file_ends_a_search_at_once(rows):
    file = plane("{learning_rate: {choice: [0.1]}}")
    Path("rows.npz").unlink()
    with pytest.raises(FileError, match=r"rows\.npz"):
        graphnn.search(file, 3, storage="study.log")
    assert not Path("study.log").exists()


def test_a_fault_does_not_take_away_what_is_done(rows):
    file = plane("{learning_rate: {choice: [0.01]}}")
    graphnn.search(file, 2, storage="study.log")
    Path("rows.npz").unlink()
    with pytest.raises(FileError):
        graphnn.search(file, 3, storage="study.log")
    states = [trial.state for trial in graphnn.search(file, 2, storage="study.log").trials]
    assert states == ["complete", "complete", "interrupted"]


@pytest.mark.parametrize("moment", ["ask", "tell", "report"])
@pytest.mark.parametrize("late", [False, True])
def test_ctrl_c_at_no_moment_leaves_a_trial_under_way(descent, monkeypatch, moment, late):
    work = getattr(Trials, moment)

    def interrupted(self, *arguments):
        if not late:
            signal.raise_signal(signal.SIGINT)
        result = work(self, *arguments)
        if late:
            signal.raise_signal(signal.SIGINT)
        return result

    with monkeypatch.context() as patched:
        patched.setattr(Trials, moment, interrupted)
        found = graphnn.search(descent, 3, storage="study.log")
    assert found.interrupted
    assert [t.state for t in found.trials] == ["complete" if moment == "tell" else "interrupted"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    done = [t.state for t in graphnn.search(descent, 3, storage="study.log").trials]
    assert done.count("complete") == 3


@pytest.mark.slow
def test_the_trial_of_a_killed_process_is_ended_by_whoever_goes_on(descent):
    code = (
        "import graphnn, time\n"
        "def wait(progress):\n"
        "    print('under way', flush=True)\n"
        "    time.sleep(100)\n"
        f"graphnn.search({descent!r}, 2, storage='study.log', progress=wait)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "under way\n"
    # As long as it is alive, its trial counts.
    alone = graphnn.search(descent, 1, storage="study.log")
    assert [trial.state for trial in alone.trials] == ["running"]
    process.kill()
    process.communicate()
    found = graphnn.search(descent, 2, storage="study.log")
    assert [trial.state for trial in found.trials] == ["interrupted", "complete", "complete"]


def test_a_trial_that_nobody_owns_is_ended(descent):
    graphnn.search(descent, 1, storage="study.log")
    backend = optuna.storages.journal.JournalFileBackend("study.log")
    storage = optuna.storages.JournalStorage(backend)
    optuna.load_study(study_name="graphnn", storage=storage).ask()
    found = graphnn.search(descent, 2, storage="study.log").trials
    assert [trial.state for trial in found] == ["complete", "complete"]


def test_a_line_that_was_broken_off_is_dropped(descent):
    graphnn.search(descent, 2, storage="study.log")
    content = Path("study.log").read_bytes()
    Path("study.log").write_bytes(content[:-9])
    found = graphnn.search(descent, 3, storage="study.log").trials
    assert [t.state for t in found] == ["complete", "interrupted", "complete", "complete"]
    assert found == graphnn.search(descent, 3, storage="study.log").trials


def test_a_first_line_that_was_broken_off_is_dropped(descent):
    graphnn.search(descent, 1, storage="study.log")
    first = Path("study.log").read_bytes().partition(b"\n")[0]
    for size in (1, 20, len(first)):
        Path("study.log").write_bytes(first[:size])
        found = graphnn.search(descent, 1, storage="study.log").trials
        assert [t.state for t in found] == ["complete"]


def test_a_line_that_another_process_was_killed_in_is_dropped(descent):
    killed = []

    def other(progress):
        if progress.trial.number == 2 and not killed:
            killed.append(progress)
            with Path("study.log").open("ab") as stream:
                stream.write(b'{"op_code":7,"worker_id')

    found = graphnn.search(descent, 3, storage="study.log", progress=other)
    assert [t.state for t in found.trials] == ["complete"] * 3
    assert graphnn.search(descent, 3, storage="study.log").trials == found.trials


def test_a_full_disk_is_reported_and_what_is_done_stays(descent, monkeypatch):
    graphnn.search(descent, 1, storage="study.log")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FileError) as caught:
            graphnn.search(descent, 2, storage="study.log")
    assert str(caught.value) == (
        "error[unwritable-file]: 'study.log' cannot be written: No space left on device"
    )
    assert len(graphnn.search(descent, 2, storage="study.log").trials) == 2


def damage(old, new):
    content = Path("study.log").read_text()
    assert old in content
    Path("study.log").write_text(content.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"op_code":5', '"op_code":"x"', "its records are damaged"),
        ('"op_code":5', '"op_code":', "its records are damaged"),
        ('"param_name":"learning_rate"', '"param_name":"rate"', FOREIGN),
        ('\\"high\\": 0.4', '\\"high\\": 0.5', DRAWN.format("learning_rate")),
        ('"param_value_internal":0.', '"param_value_internal":1.', OUTSIDE),
        ('"param_value_internal":0.', '"param_value_internal":NaN,"x":0.', OUTSIDE),
        ('"intermediate_value":', '"intermediate_value":"a","x":', "its records are damaged"),
        ('"step":2', '"step":"2"', "trial 1 is damaged"),
        ('"values":[', f'"values":[{10**400},', "its records are damaged"),
        ('"values":[', f'"values":[{10**400}],"x":[', "its records are damaged"),
        ('"directions":[1]', '"directions":[2]', "it does not minimize"),
    ],
)
def test_a_study_that_no_search_has_written(descent, old, new, reason):
    graphnn.search(descent, 1, storage="study.log")
    damage(old, new)
    with pytest.raises(TrainingError) as caught:
        graphnn.search(descent, 2, storage="study.log")
    assert str(caught.value) == (
        f"error[bad-search-file]: 'study.log' cannot be opened as a search: {reason}"
    )

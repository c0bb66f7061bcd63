"""A search whose trials fail, are interrupted at a bad moment, or belong to a dead process."""

from __future__ import annotations

import csv
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import graphnn
from graphnn.diagnostics import FileError, GraphnnError
from graphnn.storage import DeferredInterrupt, leases
from graphnn.training.studies.trials import Trials

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
    found = graphnn.search(file, 8, storage="study.db")
    states = {trial.settings["rows"]: trial.state for trial in found.trials}
    assert states == {5: "complete", 11: "failed"}
    message = "'rows' is 11, but there are 10 rows to train on"
    assert {trial.fault for trial in found.trials} == {"", message}
    assert [(fault.code, fault.message) for fault in found.faults] == [("too-few-rows", message)]
    found.write(".")
    told = list(csv.DictReader(Path("trials.csv").read_text().splitlines()))
    assert {(row["rows"], row["state"]) for row in told} == {("5", "complete"), ("11", "failed")}
    assert graphnn.search(file, 8, storage="study.db").trials == found.trials


def test_a_search_all_of_whose_trials_fail_ends_in_their_fault_and_leaves_nothing(rows):
    file = plane("{rows: {choice: [11]}}")
    with pytest.raises(GraphnnError) as caught:
        graphnn.search(file, 3, storage="study.db")
    assert str(caught.value) == (
        "error[too-few-rows]: 'rows' is 11, but there are 10 rows to train on\n"
        "  --> net.yaml:8:26\n"
        "   |\n"
        " 8 | search: {rows: {choice: [11]}}\n"
        "   |                          ^^\n"
        "   = note: no trial came to anything: 3 of 3 failed like this\n"
        "   = help: rows for validation and test are held back first"
    )
    assert not Path("study.db").exists()

    told = []
    with pytest.raises(GraphnnError):
        graphnn.search(file, 500, progress=told.append)
    assert [(p.trial.number, p.trial.state, p.done) for p in told] == [
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
        graphnn.search(file, 3, storage="study.db")
    assert not Path("study.db").exists()


def test_a_fault_does_not_take_away_what_is_done(rows):
    file = plane("{learning_rate: {choice: [0.01]}}")
    graphnn.search(file, 2, storage="study.db")
    Path("rows.npz").unlink()
    with pytest.raises(FileError):
        graphnn.search(file, 3, storage="study.db")
    states = [trial.state for trial in graphnn.search(file, 2, storage="study.db").trials]
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
        found = graphnn.search(descent, 3, storage="study.db")
    assert found.interrupted
    assert [t.state for t in found.trials] == ["complete" if moment == "tell" else "interrupted"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    done = [t.state for t in graphnn.search(descent, 3, storage="study.db").trials]
    assert done.count("complete") == 3


def test_ctrl_c_is_held_back_and_then_let_through():
    done = []
    with pytest.raises(KeyboardInterrupt), DeferredInterrupt() as held:
        signal.raise_signal(signal.SIGINT)
        done.append("held")
        with held.let_through():
            done.append("never")
    assert (done, held.came) == (["held"], True)
    with DeferredInterrupt() as held, pytest.raises(KeyboardInterrupt), held.let_through():
        signal.raise_signal(signal.SIGINT)
    assert held.came


def test_a_thread_holds_nothing_back():
    found = []

    def work():
        with DeferredInterrupt() as held, held.let_through():
            found.append(signal.getsignal(signal.SIGINT) is signal.default_int_handler)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [True]


def test_the_trial_of_a_killed_process_is_ended_by_whoever_goes_on(descent):
    code = (
        "import graphnn, time\n"
        "def wait(progress):\n"
        "    print('under way', flush=True)\n"
        "    time.sleep(100)\n"
        f"graphnn.search({descent!r}, 2, storage='study.db', progress=wait)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "under way\n"
    # As long as it is alive, its trial counts.
    alone = graphnn.search(descent, 1, storage="study.db")
    assert [trial.state for trial in alone.trials] == ["running"]
    process.kill()
    process.communicate()
    found = graphnn.search(descent, 2, storage="study.db")
    assert [trial.state for trial in found.trials] == ["interrupted", "complete", "complete"]


def test_a_trial_that_nobody_owns_is_left_alone_for_a_while(descent, monkeypatch):
    graphnn.search(descent, 1, storage="study.db")
    optuna.load_study(study_name="graphnn", storage="sqlite:///study.db").ask()
    assert len(graphnn.search(descent, 2, storage="study.db").trials) == 1
    later = time.time() + 121
    monkeypatch.setattr(time, "time", lambda: later)
    found = graphnn.search(descent, 2, storage="study.db").trials
    assert [trial.state for trial in found] == ["complete", "complete"]


def test_who_is_gone():
    owner = leases.WorkerLease()
    assert not leases.is_gone(owner.name)
    owner.close()
    assert leases.is_gone(owner.name)
    process = subprocess.Popen([sys.executable, "-c", ""])
    host = socket.gethostname()
    process.wait()
    assert leases.is_gone(f"{host}:{process.pid}:0")
    assert not leases.is_gone(f"{host}:{os.getppid()}:0")
    assert not leases.is_gone(f"not-{host}:{process.pid}:0")
    assert not leases.is_gone("strange")

"""The folder of a run: who owns it, what a full disk or a kill leaves, and what resumes."""

import errno
import os
import re
import socket
import stat
import subprocess
import sys

import numpy as np
import pytest

import checkpoints
import graphnn
from graphnn.diagnostics import FileError, TrainingError
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.training.runs import run as run_module

pytestmark = pytest.mark.usefixtures("no_plots")

SPEC = """
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train: {data: {npz: rows.npz}, optimizer: momentum, batch_size: 8, epochs: 4}
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "rows.npz", x=rng.normal(size=(50, 2)), t=rng.normal(size=(50, 1)))
    (tmp_path / "net.yaml").write_text(SPEC)
    return tmp_path


def test_two_runs_cannot_share_a_folder(folder):
    place = folder / "run"
    second = []

    def begin_another(_):
        if not second:
            with pytest.raises(TrainingError) as caught:
                graphnn.train(folder / "net.yaml", folder=place)
            second.append(str(caught.value))

    graphnn.train(folder / "net.yaml", folder=place, progress=begin_another)
    owner = f"process {os.getpid()} on {socket.gethostname()}"
    assert second == [
        f"error[folder-in-use]: '{place}' is in use by {owner}\n"
        "   = help: name another folder, or wait for the training in it to end"
    ]
    assert not (place / ".lock").exists()


@pytest.mark.parametrize("name", [".lock", "weights.safetensors"])
def test_a_link_out_of_the_folder_is_not_written_through(folder, name):
    place = folder / "run"
    graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=place)
    (folder / "mine.txt").write_text("mine")
    (place / name).unlink(missing_ok=True)
    (place / name).symlink_to("../mine.txt")
    with pytest.raises(FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=place, resume=True)
    assert str(caught.value) == (
        f"error[file-outside]: '{place / name}' is a link that leads out of the folder of the run\n"
        "   = help: a run writes into its folder alone: put the file itself in the place of the "
        "link"
    )
    assert (folder / "mine.txt").read_text() == "mine"


@pytest.mark.slow
def test_what_a_killed_run_leaves_is_no_dead_end(folder):
    code = (
        "import os, sys, graphnn; from graphnn.storage import archives\n"
        "save = archives.files.write_whole\n"
        "def killed(path, write, **options):\n"
        "    save(path, lambda stream: (write(stream), stream.flush(), os._exit(9)), **options)\n"
        "archives.files.write_whole = killed\n"
        "graphnn.train('net.yaml', folder='run')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 9
    left = [path.name for path in (folder / "run").iterdir()]
    assert [re.sub(r"\w{8}\.part", "*", name) for name in sorted(left)] == [
        ".checkpoint.safetensors.*",
        ".lock",
    ]
    with pytest.raises(TrainingError, match="holds no run to resume"):
        graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    graphnn.train(folder / "net.yaml", folder=folder / "run")
    assert not [path for path in (folder / "run").iterdir() if path.name.startswith(".")]


def test_a_flipped_bit_in_a_checkpoint_is_noticed(folder):
    graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=folder / "run")
    path = folder / "run" / CHECKPOINT
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    assert str(caught.value) == (
        f"error[broken-file]: '{path}' is damaged: it does not match its digest\n"
        "   = help: take a copy of it, or train again in another folder"
    )


def test_a_full_disk_says_what_is_kept_and_a_resumed_run_is_the_same(folder, monkeypatch):
    sync, epochs = os.fsync, []

    def full(descriptor):
        if epochs[-1] == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(run_module, "_REST", 0)
    monkeypatch.setattr(os, "fsync", full)
    place = folder / "run"
    with pytest.raises(FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=place, progress=lambda p: epochs.append(p.epoch))
    assert str(caught.value) == (
        f"error[unwritable-file]: '{place / CHECKPOINT}' cannot be written: "
        "No space left on device\n"
        "   = note: training stopped after epoch 3; the checkpoint holds epoch 2\n"
        "   = help: make room, then resume the run with --resume"
    )
    assert {path.name for path in place.iterdir()} == {CHECKPOINT, "spec.yaml", "summary.json"}
    monkeypatch.undo()
    resumed = graphnn.train(folder / "net.yaml", folder=place, resume=True)
    assert resumed.history == graphnn.train(folder / "net.yaml").history


def test_a_disk_that_is_full_at_once_leaves_nothing(folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=folder / "run")
    assert str(caught.value).splitlines()[1:] == [
        "   = note: training stopped after epoch 1; no epoch is kept"
    ]
    assert not (folder / "run").exists()


def test_a_checkpoint_is_on_disk_before_it_has_its_name(folder, monkeypatch):
    done = []

    def sync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        done.append((kind, (folder / "run" / CHECKPOINT).exists()))

    monkeypatch.setattr(os, "fsync", sync)
    graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=folder / "run")
    assert done == [("file", False), ("folder", True)]


def test_checkpoints_take_a_small_share_of_the_time(folder, monkeypatch):
    saved, now = [], [0.0]

    def save(training, path):
        saved.append(training.state.epoch)
        now[0] += 1.0

    def progress(_):
        now[0] += 7.0 / 5  # an epoch of five batches takes seven seconds

    monkeypatch.setattr(run_module.checkpoint, "save", save)
    monkeypatch.setattr(run_module.time, "monotonic", lambda: now[0])
    graphnn.train(
        folder / "net.yaml",
        {"epochs": 20, "batch_size": 10},
        folder=folder / "run",
        progress=progress,
    )
    assert saved == [1, 9, 17, 20]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 10**400),
        ("steps", -7),
        ("steps", 1.5),
        ("epoch", 7),
        ("history", [{"loss": "a"}]),
        ("history", [{"rate": 0.5}]),
        ("rng", {}),
        ("noise", None),
        ("spec", ...),
    ],
)
def test_a_checkpoint_with_strange_records_is_refused(folder, key, value):
    graphnn.train(folder / "net.yaml", {"epochs": 1}, folder=folder / "run")
    path = folder / "run" / CHECKPOINT

    def change(_, record):
        record[key] = value
        if value is ...:
            del record[key]

    checkpoints.alter(path, change)
    with pytest.raises(FileError) as caught:
        graphnn.train(folder / "net.yaml", folder=folder / "run", resume=True)
    assert str(caught.value) == f"error[broken-file]: '{path}' is not a checkpoint of graphnn"

"""Event files of TensorBoard, read back by their format and not by what wrote them."""

from __future__ import annotations

import struct
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import graphnn

pytest.importorskip("tensorboardX")

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1]}
  t: {op: input, shape: [batch, 1]}
  y: {op: affine, inputs: x, units: 1}
  loss: {op: mean_squared_error, inputs: [y, t]}
train:
  data: {csv: rows.csv}
  validation: 4
  metrics: {mean_absolute_error: [y, t]}
  epochs: 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch, no_plots):
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("x,t\n" + "".join(f"{n / 10},{n / 5}\n" for n in range(20)))
    Path("net.yaml").write_text(SPEC)


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Values by tag and step: records of a length, its checksum, an event, and its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = defaultdict(dict)
    for path in sorted(folder.glob("events.out.tfevents.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            event = Event.FromString(content[at + 12 : at + 12 + length])
            for value in event.summary.value:
                found[value.tag][event.step] = value.simple_value
            at += 16 + length
    return dict(found)


def test_every_epoch_and_measure(here):
    run = graphnn.train("net.yaml", folder="run", tensorboard=True)
    training, validation = (scalars(Path("run/events") / k) for k in ("training", "validation"))
    for name in ("loss", "mean_absolute_error"):
        for epoch, row in enumerate(run.history, start=1):
            assert training[name][epoch] == pytest.approx(row[name], rel=1e-6)
            assert validation[name][epoch] == pytest.approx(row[f"validation_{name}"], rel=1e-6)
    assert training.keys() == validation.keys() == {"loss", "mean_absolute_error"}


def test_a_resumed_run_continues_the_same_charts(here):
    graphnn.train("net.yaml", {"epochs": 2}, folder="run", tensorboard=True)
    graphnn.train("net.yaml", {"epochs": 4}, folder="run", resume=True, tensorboard=True)
    assert [*scalars(Path("run/events/training"))["loss"]] == [1, 2, 3, 4]


def test_without_a_folder(here):
    with pytest.raises(graphnn.UsageError) as error:
        graphnn.train("net.yaml", tensorboard=True)
    assert str(error.value) == ("error[bad-option]: event files need a folder: give one by folder=")


def test_without_the_package(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(graphnn.TrainingError) as error:
        graphnn.train("net.yaml", folder="run", tensorboard=True)
    assert str(error.value) == (
        "error[no-tensorboard]: event files need tensorboardX, which is not installed\n"
        "   = help: pip install 'graphnn[tensorboard]'"
    )
    assert not Path("run").exists()

"""What is warned of in data that train: columns on scales far apart, files that systems leave."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import graphnn

SPEC = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  NODE
  a: {op: affine, inputs: READ, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train:
  data: {npz: rows.npz}
  metrics: {accuracy: [y, t]}
  epochs: 20
"""
PLAIN = SPEC.replace("  NODE\n", "").replace("READ", "x")
NORMED = SPEC.replace("NODE", "n: {op: batch_norm, inputs: x}").replace("READ", "n")
HELP = "bring each to mean 0 and deviation 1: let nodes read a standardize of 'x'"


def rows(folder, scales):
    """Two classes, which the first column alone parts, and without exception."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 2))
    x[0] = 1
    np.savez(folder / "rows.npz", x=x * scales, t=(x[:, 0] > 0).astype(int))


def warned(folder, text):
    (folder / "net.yaml").write_text(text)
    return [(found.code, found.message, found.help) for found in graphnn.diagnose("net.yaml")]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_columns_on_scales_1000_apart(tmp_path):
    rows(tmp_path, [1, 1000])
    message = (
        "the columns of 'x' are on scales far apart: up to 1 in column 0, up to 1e+03 in column 1"
    )
    assert warned(tmp_path, PLAIN) == [("unscaled-columns", message, HELP)]
    run = graphnn.train("net.yaml")
    assert run.remarks == (f"{message}; {HELP}",)
    # What the warning is for: as they are, the columns are hardly learned from.
    assert run.history[-1]["accuracy"] < 0.8
    assert warned(tmp_path, NORMED) == []
    assert graphnn.train("net.yaml").remarks == ()
    assert graphnn.train("net.yaml").history[-1]["accuracy"] > 0.95


def test_it_may_be_allowed(tmp_path):
    rows(tmp_path, [1, 1000])
    assert warned(tmp_path, PLAIN + "allow: unscaled-columns\n") == []
    assert graphnn.train("net.yaml").remarks == ()


@pytest.mark.parametrize("scales", [(1, 255), (1000, 1000), (1e308, 1e308), (0, 1000), (0, 0)])
def test_columns_that_are_not_so_far_apart(tmp_path, scales):
    rows(tmp_path, scales)
    assert warned(tmp_path, PLAIN) == []


def test_a_fault_in_the_network_does_not_stand_in_the_way(tmp_path):
    rows(tmp_path, [1, 1000])
    codes = [code for code, *_ in warned(tmp_path, PLAIN.replace("units: 2", "units: many"))]
    assert codes == ["unknown-size"]


IMAGES = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 1, 2, 3]}
  t: {op: input, shape: [batch], dtype: int}
  f: {op: flatten, inputs: x}
  a: {op: affine, inputs: f, units: 2}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
train: {data: {folder: pets}, epochs: 1}
"""


def test_files_that_systems_leave_are_skipped(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        Image.new("L", (3, 2)).save(tmp_path / "pets" / kind / "1.png")
    assert warned(tmp_path, IMAGES) == []
    (tmp_path / "pets" / "__MACOSX" / "cat").mkdir(parents=True)
    for name in ("cat/Thumbs.db", "dog/.DS_Store", "desktop.ini"):
        (tmp_path / "pets" / name).write_bytes(b"")
    left = "pets/__MACOSX, pets/cat/Thumbs.db, pets/desktop.ini, pets/dog/.DS_Store"
    message = f"system files in 'pets' are skipped: {left}"
    help = "delete them, or write allow: skipped-files"
    assert warned(tmp_path, IMAGES) == [("skipped-files", message, help)]
    run = graphnn.train("net.yaml")
    assert run.network.classes == {"t": ("cat", "dog")}
    assert run.remarks == (f"{message}; {help}",)

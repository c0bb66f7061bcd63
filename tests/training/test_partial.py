"""What is reported of training a graph that is at fault: all that the fault does not hide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graphnn
from graphnn.diagnostics import UsageError
from graphnn.training.data.requirements import demand_of
from places import ROOT

SPECS = sorted(path for path in (ROOT / "specs").rglob("*.yaml") if "\ntrain:" in path.read_text())
SOUND = """\
graphnn: 1
nodes:
  x: {op: input, shape: [batch, 2]}
  t: {op: input, shape: [batch], dtype: int}
  a: {op: affine, inputs: x, units: 3}
  y: {op: softmax, inputs: a}
  loss: {op: cross_entropy, inputs: [y, t]}
  q: {op: input, shape: [batch, 2]}
outputs: [y, q]
train:
  data: DATA
"""
UNITS = ("units: 3", "units: many"), "unknown-size"
SHAPE = ("shape: [batch, 2]", "shape: [batch, many]"), "unknown-size"
READS = ("inputs: x", "inputs: z"), "unknown-node"
OP = ("op: softmax", "op: sofmax"), "unknown-op"


def reported(tmp_path: Path, data: str, *changes: tuple[str, str]) -> list[tuple[str, str]]:
    text = SOUND.replace("DATA", data)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    found = graphnn.diagnose_text(text, folder=tmp_path)
    return [(each.code, each.message) for each in found if each.severity == "error"]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_of_a_sound_graph_it_knows_what_the_network_asks(path):
    network = graphnn.load(path)
    spec = network.graph.spec.train
    losses = network.losses([each.name for each in spec.loss] or None)
    compared = [node.name for metric in spec.metrics for node in metric.nodes]
    read = network.executor([*losses, *compared]).plan.inputs
    found = demand_of(network, spec)
    assert [*found.needs] == [node.name for node in network.graph.inputs if node.name in read]
    for name, need in found.needs.items():
        node = network.graph.node(name)
        sizes = tuple(size if isinstance(size, int) else None for size in node.shape)
        assert (need.name, need.shape) == (name, sizes)
        assert need.dtype == ("int" if node.kind == "int" else network.graph.spec.dtype)
    idle = {node.name for node in network.graph.inputs} - {*read}
    assert (found.idle.keys(), found.complete) == (idle, True)
    assert all(found.find(name) is None for name in idle)


@pytest.mark.parametrize("fault", [UNITS, SHAPE, READS, OP], ids=["units", "shape", "reads", "op"])
def test_columns_that_the_spec_names(tmp_path, fault):
    change, code = fault
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,0\n1,no,1\n")
    data = "{csv: {file: rows.csv, x: [a, b], t: d}}"
    cell = ("not-a-number", "'no' in column 'b' is not a finite number")
    column = ("unknown-column", "'rows.csv' has no column 'd'")
    found = reported(tmp_path, data, change)
    assert [each for each in found if each[0] != code] == [cell, column]
    assert [each[0] for each in found].count(code) == 1


def test_columns_in_order_need_every_input(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,0\n1,no,1\n")
    cell = ("not-a-number", "'no' in column 'b' is not a finite number")
    units = ("unknown-size", "there is no size 'many'")
    assert reported(tmp_path, "{csv: rows.csv}", UNITS[0]) == [cell, units]
    assert reported(tmp_path, "{csv: rows.csv}", SHAPE[0]) == [units]


def test_classes_need_the_loss(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,c\n1,2,0\n1,3,7\n")
    data = "{csv: {file: rows.csv, x: [a, b], t: c}}"
    outside = ("class-outside", "'t' takes classes 0 to 2, but 'c' holds 7 in row 1")
    assert reported(tmp_path, data) == [outside]
    assert reported(tmp_path, data, UNITS[0]) == [("unknown-size", "there is no size 'many'")]
    elsewhere = ("outputs: [y, q]", "outputs: [y, z]")
    assert reported(tmp_path, data, elsewhere) == [
        outside,
        ("unknown-node", "there is no node 'z'"),
    ]


@pytest.mark.parametrize("change", [SHAPE, READS], ids=["shape", "reads"])
def test_arrays_of_npz(tmp_path, change):
    np.savez(tmp_path / "rows.npz", u=np.ones((2, 2)), t=np.zeros(3, int))
    found = reported(tmp_path, "{npz: {file: rows.npz, x: v}}", change[0])
    assert ("unknown-array", "'rows.npz' has no array 'v'") in found
    assert len(found) == 2


def test_rows_of_arrays_whose_shape_nothing_determines(tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.ones((2, 2)), t=np.zeros(3, int))
    found = reported(tmp_path, "{npz: rows.npz}", SHAPE[0])
    assert found[1] == ("row-mismatch", "'t' has 3 rows, but 'x' has 2")
    # Whether 'x' is fed is not known here.
    assert [code for code, _ in reported(tmp_path, "{npz: rows.npz}", READS[0])] == ["unknown-node"]


def test_an_input_that_no_loss_depends_on(tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.ones((2, 2)), t=np.zeros(2, int))
    idle = ("unknown-input", "the loss 'loss' does not depend on 'q'")
    data = "{npz: {file: rows.npz, q: x}}"
    assert reported(tmp_path, data, UNITS[0])[1:] == [idle]
    assert [code for code, _ in reported(tmp_path, data, READS[0])] == ["unknown-node"]


def test_names_that_are_no_input(tmp_path):
    np.savez(tmp_path / "rows.npz", x=np.ones((2, 2)), t=np.zeros(2, int))
    found = reported(tmp_path, "{npz: {file: rows.npz, z: x}}", UNITS[0])
    assert found[1:] == [("unknown-input", "the network has no input 'z' to feed")]
    # A node of an unknown op may be the input that data name.
    lost = ("x: {op: input", "x: {op: inptu")
    assert reported(tmp_path, "{npz: {file: rows.npz, x: x}}", lost) == [
        ("unknown-op", "there is no op 'inptu'")
    ]
    # And so may a node without an op.
    lost = ("x: {op: input, ", "x: {")
    assert [code for code, _ in reported(tmp_path, "{npz: {file: rows.npz, x: x}}", lost)] == [
        "missing-key"
    ]


def test_files_of_idx(tmp_path):
    (tmp_path / "x.idx").write_bytes(b"no")
    (tmp_path / "t.idx").write_bytes(b"\0\0\x08\1\0\0\0\2\0\1")
    data = "{idx: {x: x.idx, t: t.idx}}"
    for change in (UNITS, SHAPE, READS):
        found = reported(tmp_path, data, change[0])
        assert ("not-idx", "'x.idx' is not an IDX file: it begins with the bytes 6e 6f") in found
        assert len(found) == 2
    # Of a list, nothing says which file feeds which input when one may be missing.
    assert len(reported(tmp_path, "{idx: [x.idx, t.idx]}", SHAPE[0])) == 2
    assert len(reported(tmp_path, "{idx: [x.idx, t.idx]}", READS[0])) == 1


def test_folders_of_images(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / "pets" / kind).mkdir(parents=True)
        Image.new("L", (2, 1)).save(tmp_path / "pets" / kind / "1.png")
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("")
    png = ("not-an-image", "the name 'pets/cat/notes.txt' is not that of an image")
    array = ("unknown-array", "'folder' has no array 'imgs'")
    for change in (UNITS, SHAPE, READS):
        found = reported(tmp_path, "{folder: {path: pets, x: imgs}}", change[0])
        assert set(found) > {png, array}
        assert len(found) == 3


def test_arrays_of_mnist(tmp_path):
    for change in (UNITS, SHAPE, READS):
        found = reported(tmp_path, "{mnist: {x: imges, t: labels}}", change[0])
        assert ("unknown-array", "'mnist' has no array 'imges'") in found
        assert len(found) == 2
    missing = ("missing-input", "'mnist' names nothing to feed input 'x'")
    assert reported(tmp_path, "{mnist: {t: labels}}", SHAPE[0])[1:] == [missing]


def test_no_data(tmp_path):
    none = ("no-data", "nothing says where the values of 'x' come from")
    without = ("  data: DATA\n", "  epochs: 1\n")
    assert reported(tmp_path, "DATA", without, UNITS[0])[1:] == [none]
    # A key that there is not may be meant for it.
    unknown = ("  data: DATA\n", "  rowfile: {csv: rows.csv}\n")
    assert [code for code, _ in reported(tmp_path, "DATA", unknown)] == ["unknown-key"]
    assert [code for code, _ in reported(tmp_path, "3")] == ["wrong-type"]


def test_no_loss(tmp_path):
    spec = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
    spec += "  a: {op: affine, inputs: x, units: UNITS}\ntrain: {ENTRY}\n"

    def codes(units: str, entry: str) -> list[str]:
        text = spec.replace("UNITS", units).replace("ENTRY", entry)
        return [found.code for found in graphnn.diagnose_text(text, folder=tmp_path)]

    assert codes("2", "epochs: 1") == ["no-loss"]
    assert codes("many", "epochs: 1") == ["unknown-size"]  # 'a' might be a single number
    assert codes("2", "objective: a") == ["unknown-key"]  # which may be meant for 'loss'
    with pytest.raises(UsageError, match="no loss"):
        graphnn.loads(spec.replace("UNITS", "2").replace("ENTRY", "epochs: 1")).loss(
            {"x": [[1, 2]]}
        )


@pytest.mark.parametrize(
    ("node", "codes"),
    [
        ("{op: relu, inputs: x, zzz: 1}", ["unknown-key", "nothing-to-train"]),
        ("{op: affine, inputs: x, units: 2, zzz: 1}", ["unknown-key"]),
        ("{op: afine, inputs: x, units: 2}", ["unknown-op"]),
        ("{op: afine, inputs: x, trainable: false}", ["unknown-op", "nothing-to-train"]),
        ("{inputs: x}", ["missing-key"]),
        ("{inputs: x, trainable: false}", ["missing-key", "nothing-to-train"]),
        ("{block: dense, inputs: x}", ["unknown-block"]),
        ("3", ["wrong-type"]),
    ],
)
def test_nothing_to_train(tmp_path, node, codes):
    spec = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n  t: NODE\n"
    spec += "  u: {op: relu, inputs: x}\n  loss: {op: mean_squared_error, inputs: [u, x]}\n"
    spec += "train: {loss: loss, data: {npz: nowhere.npz}}\n"
    found = graphnn.diagnose_text(spec.replace("NODE", node), folder=tmp_path)
    assert [each.code for each in found if each.severity == "error"] == codes


def test_data_of_their_own_are_read_beside_faulty_ones(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,t\n1,2\n")
    (tmp_path / "held.csv").write_text("a,b,t\n1,2,0\n1,2\n")
    data = "{csv: rows.csv}\n  validation: {csv: held.csv}\n  test: {csv: none.csv}"
    found = reported(tmp_path, data)
    assert found == [
        ("ragged-row", "this row has 2 cells, but the header has 3"),
        ("ragged-row", "this row has 2 cells, but the header has 3"),
    ]
    found = reported(tmp_path, "3\n  validation: {csv: held.csv}")
    assert [code for code, _ in found] == ["ragged-row", "wrong-type"]

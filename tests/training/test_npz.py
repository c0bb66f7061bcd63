"""Arrays of .npz files, sound ones from numpy.savez and hostile ones made by hand."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from graphnn.diagnostics import DataError, FileError
from graphnn.storage import archives
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.dataset import Data, load
from located import located_yaml, marked, reported
from tables import cases

X = InputSpec("x", (None, 2), "float64")
T = InputSpec("t", (None,), "int")
ROWS = np.array([[1.5, 2.0], [3.0, -4.0], [0.1, 0.2]])
CLASSES = np.array([2, 0, 1], np.uint8)


def read(folder: Path, spec: str = "{npz: a.npz}", *inputs: InputSpec) -> Data:
    inputs = inputs or (X, T)
    return load(located_yaml(spec), InputRequirements({need.name: need for need in inputs}), folder)


def refused(folder: Path, spec: str = "{npz: a.npz}", *inputs: InputSpec) -> list:
    with pytest.raises((DataError, FileError)) as error:
        read(folder, spec, *inputs)
    return reported(error)


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def pack(path: Path, method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "a.npz", x=ROWS, t=CLASSES)
    return tmp_path


def test_arrays_named_like_the_inputs(folder: Path) -> None:
    data = read(folder)
    assert (data.train.name, len(data.train), data.test) == ("a.npz", 3, None)
    assert np.array_equal(data.train.arrays["x"], ROWS)
    assert data.train.arrays["t"].tolist() == [2, 0, 1]
    assert data.train.arrays["t"].dtype == np.int64


def test_arrays_by_input_and_by_default_by_name(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "b.npz", images=ROWS, t=CLASSES)
    data = read(tmp_path, "{npz: {file: b.npz, x: images}}")
    assert np.array_equal(data.train.arrays["x"], ROWS)
    assert data.train.arrays["t"].tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "values",
    [
        ROWS.astype(np.float32),
        ROWS.astype(">f8"),
        np.asfortranarray(ROWS),
        np.array([[1, 2], [3, 4], [5, 6]], ">i4"),
        np.array([[True, False], [False, True], [True, True]]),
        np.array([[0, 255], [1, 2], [3, 4]], np.uint8),
    ],
    ids=["float32", "big-endian", "fortran", "int", "bool", "bytes"],
)
def test_every_kind_of_number_keeps_its_value(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", x=values)
    x = read(tmp_path, "{npz: a.npz}", X).train.arrays["x"]
    assert x.dtype == np.float64
    assert x.dtype.isnative
    assert x.tolist() == [[float(value) for value in row] for row in values]


def test_a_header_of_version_2(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, ROWS, version=(2, 0))
    pack(tmp_path / "a.npz", x=stream.getvalue())
    assert np.array_equal(read(tmp_path, "{npz: a.npz}", X).train.arrays["x"], ROWS)


@cases("""
    spec | code | message | help | at
    {npz: {x: x, t: t}} | missing-key | 'npz' has no 'file' | write `npz: {file: NAME, ...}`
        | {x: x, t: t}
    {npz: {file: a.npz, x: X2}} | unknown-array | 'a.npz' has no array 'X2' | did you mean 'x'? | X2
    {npz: {file: a.npz, x: pixels}} | unknown-array | 'a.npz' has no array 'pixels'
        | its arrays are x, t | pixels
    {npz: {fil: a.npz}} | unknown-input | the network has no input 'fil' to feed
        | did you mean 'file'? | fil
    {npz: {file: [a.npz]}} | wrong-type | the file of 'npz' must be a text, not a list | | [a.npz]
    {npz: [a.npz]} | wrong-type | the file of 'npz' must be a text, not a list | | [a.npz]
    {npz: {file: a.npz, x: [x]}} | wrong-type | the array for 'x' must be a text, not a list | | [x]
""")
def test_fault_of_the_spec(folder, spec, code, message, help, at) -> None:
    with pytest.raises((DataError, FileError)) as error:
        read(folder, spec)
    assert reported(error) == [(code, message, help)]
    assert marked(error.value.diagnostics[0]) == at


def test_missing_arrays_are_reported_together_and_many_names_are_cut(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{f"array_{i}": ROWS for i in range(12)})
    help = f"its arrays are {', '.join(f'array_{i}' for i in range(10))} and 2 more"
    assert refused(tmp_path) == [
        ("unknown-array", "'a.npz' has no array 'x'", help),
        ("unknown-array", "'a.npz' has no array 't'", help),
    ]


def test_values_that_do_not_fit_are_reported_for_every_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([[1.0, np.nan]]), t=np.array([0.5]))
    assert refused(tmp_path) == [
        ("not-finite", "'x'[0, 1] is nan, not finite", ""),
        ("not-whole", "'t' takes whole numbers of 64 bits, but 't'[0] is 0.5", ""),
    ]


# ---------------------------------------------------------------- files of strangers


def test_a_single_number(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.float64(3.0))
    assert refused(tmp_path, "{npz: a.npz}", X) == [("no-rows", "'x' holds no rows", "")]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(archives, "LIMIT", 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((4 << 20, 2)))
    assert (tmp_path / "a.npz").stat().st_size < 100_000
    tracemalloc.start()
    message = "the arrays of 'a.npz' declare 0.0625 GiB, more than 0.0009766 GiB"
    assert refused(tmp_path, "{npz: a.npz}", X) == [("data-too-large", message, "")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def declare(path: Path, size: int) -> None:
    """Change the unpacked size in the archive's directory."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", size)
    path.write_bytes(content)


def test_a_member_that_holds_more_than_it_declares(tmp_path: Path) -> None:
    header = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }")
    pack(tmp_path / "a.npz", x=header + bytes(64 << 20))
    declare(tmp_path / "a.npz", len(header) + 16)
    tracemalloc.start()
    message = "the array 'x' in 'a.npz' is damaged"
    assert refused(tmp_path, "{npz: a.npz}", X) == [("broken-file", message, "")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20

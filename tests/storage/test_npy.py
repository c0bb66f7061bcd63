"""A single array in an .npy file, read without pickle and without trust in its header."""

from __future__ import annotations

import io

import numpy as np
import pytest

from graphnn.diagnostics import FileError
from graphnn.storage import archives


def saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array([1.5, 2.5], ">f4"),
        np.array([True, False]),
        np.zeros((0, 4)),
        np.float64(3),
    ],
)
def test_what_numpy_saves_is_read(tmp_path, array):
    path = tmp_path / "a.npy"
    path.write_bytes(saved(array))
    found = archives.read_npy(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative


WHOLE = saved(np.arange(6.0))


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "broken-file", "'a.npy' is not a sound .npy file"),
        (b"\x93NUMPY", "broken-file", "'a.npy' is not a sound .npy file"),
        (WHOLE[:-1], "broken-file", "'a.npy' is not a sound .npy file"),
        (WHOLE + b"\0", "broken-file", "'a.npy' is not a sound .npy file"),
        (WHOLE.replace(b"(6,)", b"(9,)"), "broken-file", "'a.npy' is not a sound .npy file"),
        (
            saved(np.array([{}], object)),
            "pickled-array",
            "the array 'a' holds Python objects, which only pickle could read",
        ),
        (saved(np.array(["b"])), "not-numbers", "the array 'a' holds <U1, not numbers"),
    ],
)
def test_what_is_not_sound(tmp_path, content, code, message):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(FileError) as caught:
        archives.read_npy(tmp_path / "a.npy")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == (code, message)


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LIMIT", 100)
    (tmp_path / "a.npy").write_bytes(WHOLE)
    with pytest.raises(FileError) as caught:
        archives.read_npy(tmp_path / "a.npy")
    assert caught.value.diagnostics[0].code == "data-too-large"


def test_no_file(tmp_path):
    with pytest.raises(FileError) as caught:
        archives.read_npy(tmp_path / "a.npy")
    assert caught.value.diagnostics[0].code == "no-such-file"

"""Archives of arrays: written whole, read without pickle and without trust."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load

import graphnn
from graphnn.diagnostics import FileError
from graphnn.storage import archives


def refused(function, *arguments):
    with pytest.raises(FileError) as caught:
        function(*arguments)
    (found,) = caught.value.diagnostics
    return found.code, found.message, found.help


NPY = "it is an .npy file: save the array by name: numpy.savez('rows.npz', x=array)"
ARRAYS = {
    "a.weight": np.array([[1.5, -2], [np.pi, 5e-324]]),
    "file": np.float32([1, 2, 3]),
    "whole": np.array([[2**62, -1]]),
    "bytes": np.uint8([0, 255]),
    "truth": np.array([True, False]),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3)),
    "//path": np.arange(3.0),
}


@pytest.mark.parametrize("name", ["w.npz", "w.safetensors"])
def test_written_and_read(tmp_path, name):
    path = tmp_path / name
    archives.write_arrays(path, ARRAYS, {"note": "naïve"})
    found = archives.read_arrays(path)
    assert found.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        assert found[key].dtype == array.dtype
        assert found[key].shape == array.shape
        assert found[key].tobytes() == array.tobytes()
    chosen = archives.read_arrays(path, None, ["whole", "file"])
    assert list(chosen) == ["whole", "file"]
    assert np.array_equal(archives.read_array(path, "scalar"), 2.5)
    assert list(tmp_path.iterdir()) == [path]


def test_metadata(tmp_path):
    path = tmp_path / "w.safetensors"
    archives.write_arrays(path, {"a": np.ones(1)}, {"note": "naïve", "n": "1"})
    with archives.opened(path) as archive:
        assert archive.metadata == {"note": "naïve", "n": "1"}
    archives.write_arrays(path, {"a": np.ones(1)})
    with archives.opened(path) as archive:
        assert archive.metadata == {}


def test_numpy_reads_what_was_written_and_the_other_way_round(tmp_path):
    path = tmp_path / "w.npz"
    archives.write_arrays(path, ARRAYS)
    with np.load(path, allow_pickle=False) as found:
        for key, array in ARRAYS.items():
            if key != "//path":
                assert np.array_equal(found[key], array)
    np.savez_compressed(path, a=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
    assert archives.read_arrays(path, None, ["a"])["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_any_memory_layout_is_written(tmp_path):
    array = np.arange(12.0).reshape(3, 4)
    for name in ("w.npz", "w.safetensors"):
        for view in (array.T, array[::2, ::-1]):
            archives.write_arrays(tmp_path / name, {"a": view})
            assert archives.read_array(tmp_path / name, "a").tolist() == view.tolist()


def test_big_endian_numbers_come_out_native(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, a=np.array([1.5, 2], ">f8"), b=np.array([[258]], ">i2"))
    found = archives.read_arrays(path)
    assert found["a"].dtype.isnative
    assert found["b"].dtype == np.int16
    assert (found["a"].tolist(), found["b"].tolist()) == ([1.5, 2], [[258]])


# --- what is refused


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("w.pkl", "it is a pickle: save its arrays by numpy.savez('rows.npz', x=..., t=...)"),
        ("w", ""),
        ("w.NPZ", ""),
        ("w.npy", NPY),
    ],
)
def test_another_suffix(tmp_path, name, help):
    expected = ("unknown-format", f"'{name}' is neither .npz nor .safetensors", help)
    (tmp_path / name).touch()
    assert refused(archives.read_arrays, tmp_path / name) == expected
    assert refused(archives.write_arrays, tmp_path / name, {}) == expected


def test_missing_arrays(tmp_path):
    for name in ("w.npz", "w.safetensors"):
        path = tmp_path / name
        archives.write_arrays(path, {"weight": np.ones(1), "bias": np.ones(1)})
        message = f"'{name}' has no array 'wieght'"
        help = "did you mean 'weight'?"
        assert refused(archives.read_array, path, "wieght") == ("unknown-array", message, help)
        code, message, help = refused(archives.read_arrays, path, None, ["bias", "other"])
        assert (code, message) == ("unknown-array", f"'{name}' has no array 'other'")
        assert help in ("its arrays are weight, bias", "its arrays are bias, weight")


def test_an_archive_of_nothing(tmp_path):
    path = tmp_path / "w.npz"
    archives.write_arrays(path, {})
    assert archives.read_arrays(path) == {}
    assert refused(archives.read_array, path, "a")[:2] == (
        "unknown-array",
        "'w.npz' has no array 'a'",
    )


class Planted:
    ran = False

    def __reduce__(self):
        return setattr, (Planted, "ran", True)


def test_a_pickle_is_never_run(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, a=np.array([Planted()], dtype=object))
    assert refused(archives.read_arrays, path) == (
        "pickled-array",
        "the array 'a' holds Python objects, which only pickle could read",
        "save it as an array of numbers",
    )
    assert not Planted.ran
    with np.load(path, allow_pickle=True) as loaded:  # the plant does work
        loaded["a"]
    assert Planted.ran


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (np.array(["ab"]), "<U2"),
        (np.array([1j]), "complex128"),
        (np.array(["2024-01-01"], "datetime64[D]"), "datetime64[D]"),
        (np.zeros(2, [("x", "f8")]), "[('x', '<f8')]"),
    ],
)
def test_what_is_no_number(tmp_path, array, shown):
    path = tmp_path / "w.npz"
    np.savez(path, a=array)
    message = f"the array 'a' holds {shown}, not numbers"
    numbers = "names, numbers = numpy.unique(a, return_inverse=True)"
    help = f"save labels as numbers: {numbers}" if shown == "<U2" else ""
    assert refused(archives.read_arrays, path) == ("not-numbers", message, help)


def packed(content, *, method=zipfile.ZIP_STORED, name="a.npy"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def npy(header, data=b"", magic=b"\x93NUMPY\x01\x00"):
    text = header.encode("latin-1") + b"\n"
    return magic + struct.pack("<H", len(text)) + text + data


def header(shape="(2,)", descr="'<f8'", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


GOOD = npy(header(), bytes(16))
DAMAGED = {
    "no content": b"",
    "no magic": b"hello",
    "another version": npy(header(), bytes(16), b"\x93NUMPY\x03\x00"),
    "a header cut off": GOOD[:30],
    "numbers cut off": GOOD[:-1],
    "numbers too many": GOOD + b"\0",
    "a header that is no Python": npy("{'descr': ", bytes(16)),
    "a header that is no dict": npy("[1, 2]", bytes(16)),
    "a header of deep brackets": npy("(" * 5000, bytes(16)),
    "a header that never closes a text": npy("{'descr': '''", bytes(16)),
    "a header that calls": npy("__import__('os').getcwd()", bytes(16)),
    "an unknown type": npy(header(descr="'<q9'"), bytes(16)),
    "a shape below zero": npy(header("(-2,)"), bytes(16)),
    "two shapes below zero": npy(header("(-1, -2)"), bytes(16)),
    "a shape that is no tuple": npy(header("2"), bytes(16)),
    "a shape of words": npy(header("('a',)"), bytes(16)),
    "a shape beyond all memory": npy(header("(2**62, 2**62)"), bytes(16)),
    "a shape of many digits": npy(header(f"({'9' * 4000},)"), bytes(16)),
    "no rows of more than all memory": npy(header("(0, 10**30)")),
    "a size of many digits beside none": npy(header(f"(0, {10**30})")),
    "a header of many numbers": npy("[" + "1, " * 5000),
    "a version that there is not": npy(header(), bytes(16), b"\x93NUMPY\x09\x00"),
    "a shape of many axes": npy(header(f"({'1,' * 70})"), bytes(8)),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_damaged_arrays(tmp_path, content):
    path = tmp_path / "w.npz"
    path.write_bytes(packed(content))
    message = "the array 'a' in 'w.npz' is damaged"
    assert refused(archives.read_arrays, path) == ("broken-file", message, "")


def test_the_same_content_undamaged(tmp_path):
    path = tmp_path / "w.npz"
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        path.write_bytes(packed(GOOD, method=method))
        assert archives.read_arrays(path)["a"].tolist() == [0, 0]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packed_by_methods_that_numpy_does_not_use(tmp_path, method):
    path = tmp_path / "w.npz"
    path.write_bytes(packed(GOOD, method=method))
    message = "the array 'a' in 'w.npz' is damaged"
    assert refused(archives.read_arrays, path) == ("broken-file", message, "")


def test_a_checksum_that_is_wrong(tmp_path):
    content = bytearray(packed(npy(header(), np.array([1.0, 2]).tobytes())))
    place = content.index(np.array([1.0, 2]).tobytes())
    content[place] ^= 1
    (tmp_path / "w.npz").write_bytes(bytes(content))
    assert refused(archives.read_arrays, tmp_path / "w.npz")[0] == "broken-file"


def test_a_bomb_of_zeros(tmp_path):
    # 3 GiB that pack into 3 MB: refused by what the archive declares, before any is unpacked.
    path = tmp_path / "w.npz"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in "abc":
            archive.writestr(f"{name}.npy", GOOD)
    content = bytearray(stream.getvalue())
    # In the central directory the unpacked size stands 24 bytes after the signature.
    place = -1
    for _ in "abc":
        place = content.index(b"PK\x01\x02", place + 1)
        content[place + 24 : place + 28] = struct.pack("<I", 1 << 30)
    path.write_bytes(bytes(content))
    message = "the arrays of 'w.npz' declare 3 GiB, more than 2 GiB"
    assert refused(archives.read_arrays, path) == ("data-too-large", message, "")
    # One alone takes no more than 2 GiB, but so few bytes never unpack to one.
    message = f"the array 'b' in 'w.npz' would unpack to 1 GiB from {len(deflated(GOOD))} bytes"
    help = "save it unpacked, with numpy.savez"
    assert refused(archives.read_array, path, "b") == ("data-too-large", message, help)


def deflated(content):
    """As zip packs it: by deflate, without zlib's header and checksum."""
    return zlib.compress(content, 1, -15)


@pytest.mark.parametrize(("size", "code"), [(256 << 20, "broken-file"), ((256 << 20) + 1, None)])
def test_one_array_that_declares_too_much(size, code):
    content = bytearray(packed(GOOD))
    place = content.index(b"PK\x01\x02") + 24
    content[place : place + 4] = struct.pack("<I", size)
    opened = archives.Npz(io.BytesIO(content), "w.npz")
    assert opened.names == ("a",)
    for read in (opened.read, opened.shape):
        assert refused(read, "a")[0] == (code or "data-too-large")


def test_a_name_given_twice(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", GOOD)
        archive.writestr("a", GOOD)
    path = tmp_path / "w.npz"
    path.write_bytes(stream.getvalue())
    message = "'w.npz' holds two arrays called 'a'"
    assert refused(archives.read_arrays, path) == ("broken-file", message, "")


@pytest.mark.slow
def test_an_archive_of_very_many_names(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", GOOD)
        archive.comment = b"x" * 65535
    # As many entries of the table as 8 MiB do not hold, without the members that they speak of.
    whole = stream.getvalue()
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry = whole[start:end]
    count = (8 << 20) // len(entry) + 1
    tail = bytearray(whole[end:])
    tail[8:12] = struct.pack("<HH", count & 0xFFFF, count & 0xFFFF)
    tail[12:16] = struct.pack("<I", count * len(entry))
    path = tmp_path / "w.npz"
    path.write_bytes(whole[:start] + entry * count + bytes(tail))
    assert refused(archives.read_arrays, path)[0] == "not-npz"
    with zipfile.ZipFile(path) as judged:  # which it is, for one who does not mind the size
        assert len(judged.infolist()) == count


def test_what_is_no_zip(tmp_path):
    path = tmp_path / "w.npz"
    for content, help in ((b"", ""), (b"PK", ""), (GOOD, NPY)):
        path.write_bytes(content)
        expected = ("not-npz", "'w.npz' is not an .npz file", help)
        assert refused(archives.read_arrays, path) == expected
    path.write_bytes(packed(GOOD)[:-10])
    help = "copy or download it again: the end of the .npz file is missing"
    expected = ("truncated-file", "'w.npz' ends too early", help)
    assert refused(archives.read_arrays, path) == expected


def safetensors(head, data=b""):
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


BROKEN = {
    "nothing": b"",
    "a length alone": struct.pack("<Q", 8),
    "a length beyond the file": struct.pack("<Q", 2**63),
    "a header that is no JSON": safetensors(b"{hello"),
    "data cut off": safetensors({"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}),
    "offsets that do not fit": safetensors(
        {"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)
    ),
    "an unknown type": safetensors(
        {"a": {"dtype": "F65", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)
    ),
    "a table of contents beyond 24 MiB": struct.pack("<Q", (24 << 20) + 1) + bytes((24 << 20) + 9),
    "deep brackets": safetensors(b'{"a":' * 100_000),
    "a name given twice": safetensors(
        b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
        b' "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}',
        bytes(1),
    ),
    "two arrays in one place": safetensors(
        {n: {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]} for n in "ab"}, bytes(1)
    ),
    "a gap": safetensors(
        {
            "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
            "b": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]},
        },
        bytes(3),
    ),
    "bytes that no array has": safetensors(
        {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, bytes(2)
    ),
    "a shape below zero": safetensors(
        {"a": {"dtype": "U8", "shape": [-1, -1], "data_offsets": [0, 1]}}, bytes(1)
    ),
    "a shape of fractions": safetensors(
        {"a": {"dtype": "U8", "shape": [1.0], "data_offsets": [0, 1]}}, bytes(1)
    ),
    "a shape that is no list": safetensors(
        {"a": {"dtype": "U8", "shape": 1, "data_offsets": [0, 1]}}, bytes(1)
    ),
    "a list for a table of contents": safetensors([]),
    "metadata that are numbers": safetensors({"__metadata__": {"a": 1}}),
    "metadata that are a list": safetensors({"__metadata__": []}),
    "an array that is a number": safetensors({"a": 1}),
    "a table of contents in UTF-16": safetensors("{}".encode("utf-16")),
    "a pickle": b"\x80\x04cos\nsystem\n(S'ls'\ntR.",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_safetensors(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    expected = ("broken-file", "'w.safetensors' is not a sound .safetensors file", "")
    assert refused(archives.read_arrays, path) == expected


def test_an_array_of_too_many_axes(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(
        safetensors({"a": {"dtype": "U8", "shape": [1] * 65, "data_offsets": [0, 1]}}, bytes(1))
    )
    message = "the array 'a' in 'w.safetensors' is damaged"
    assert refused(archives.read_arrays, path) == ("broken-file", message, "")


def test_numbers_that_numpy_does_not_have(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(
        safetensors({"a": {"dtype": "C64", "shape": [2], "data_offsets": [0, 16]}}, bytes(16))
    )
    message = "the array 'a' holds C64, which is not read"
    assert refused(archives.read_arrays, path) == ("not-numbers", message, "save it as F32")


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    path = tmp_path / "w.safetensors"
    numbers = np.float32([1.5, -2, 3e38, -0.0])  # of at most 8 bits, but for the third
    packed = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
    path.write_bytes(
        safetensors({"a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}, packed)
    )
    found = archives.read_arrays(path)["a"]
    assert found.dtype == np.float32
    assert found[[0, 1, 3]].tolist() == [1.5, -2, 0]
    assert abs(found[2] / 3e38 - 1) < 2**-7


def test_the_library_judges_safetensors_alike(tmp_path):
    sound = safetensors(
        {
            "__metadata__": {"note": "x"},
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "BOOL", "shape": [], "data_offsets": [8, 9]},
        },
        np.float32([1.5, -2]).tobytes() + b"\x01",
    )
    rng = np.random.default_rng(0)
    path = tmp_path / "w.safetensors"
    agreed = {True: 0, False: 0}
    for content in [sound, *BROKEN.values(), *(changed(sound, rng) for _ in range(400))]:
        path.write_bytes(content)
        try:
            wanted = load(content)
        except Exception:
            wanted = None
        try:
            found = archives.read_arrays(path)
        except FileError:
            found = None
        if wanted is not None and repeats(content):
            assert found is None  # of two, the library silently takes the last
            continue
        assert (found is None) == (wanted is None), content
        agreed[found is None] += 1
        for name in found or ():
            assert found[name].dtype == wanted[name].dtype
            assert np.array_equal(found[name], wanted[name], equal_nan=True)
    assert min(agreed.values()) > 10


def repeats(content):
    """Whether a key stands twice in the table of contents."""
    twice = []

    def seen(pairs):
        twice.append(len(dict(pairs)) < len(pairs))
        return dict(pairs)

    json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")], object_pairs_hook=seen)
    return any(twice)


def changed(content, rng):
    """`content` with one byte of its table of contents replaced."""
    changed = bytearray(content)
    changed[rng.integers(0, len(content) - 9)] = rng.integers(0, 128)
    return bytes(changed)


@settings(max_examples=150)
@given(st.data())
def test_bytes_changed_at_will_are_read_or_refused(tmp_path_factory, data):
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.arange(5.0), b=np.ones((2, 2), np.int8))
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("changed") / "w.npz"
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    try:
        found = archives.read_arrays(path)
    except FileError:
        return
    assert all(array.dtype.kind in "buif" for array in found.values())


@pytest.mark.parametrize(
    ("value", "shown"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "-infinity")]
)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_weights_that_are_not_finite_are_reported_when_they_are_read(
    tmp_path, monkeypatch, value, shown, suffix
):
    monkeypatch.chdir(tmp_path)
    path = Path(f"w{suffix}")
    archives.write_arrays(path, {"y.weight": np.array([[1, 2], [3, value]])})
    help = "   = help: save finite weights: the training may have diverged"
    node = "y: {op: affine, inputs: x, bias: false, units: 2"
    head = "graphnn: 1\nnodes:\n  x: {op: input, shape: [batch, 2]}\n"
    Path("net.yaml").write_text(f"{head}  {node}, weight: {{file: {path}}}}}\n")
    (found,) = graphnn.diagnose("net.yaml")
    place = len(f"  {node}, weight: {{file: ") + 1
    assert str(found) == (
        f"error[not-finite]: 'y.weight' holds {shown} at [1, 1] in '{path}'\n"
        f"  --> net.yaml:4:{place}\n"
        "   |\n"
        f" 4 |   {node}, weight: {{file: {path}}}}}\n"
        f"   | {' ' * (place - 1)}{'^' * len(str(path))}\n"
        f"{help}\n"
    )
    Path("net.yaml").write_text(f"{head}  {node}}}\nweights: {{file: {path}}}\n")
    (found,) = graphnn.diagnose("net.yaml")
    assert str(found) == (
        f"error[not-finite]: 'y.weight' holds {shown} at [1, 1] in '{path}'\n"
        "  --> net.yaml:5:17\n"
        "   |\n"
        f" 5 | weights: {{file: {path}}}\n"
        f"   |                 {'^' * len(str(path))}\n"
        f"{help}\n"
    )

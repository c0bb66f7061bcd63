"""IDX files, written here byte by byte as their format is published."""

from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from graphnn.diagnostics import DataError, FileError, GraphnnError
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.dataset import Data, load
from located import located_yaml, marked, reported
from tables import cases

X = InputSpec("x", (None, 6), "float64")
T = InputSpec("t", (None,), "int")
IMAGES = bytes([0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6])  # two of 2x3


def idx(kind: int, shape: tuple[int, ...], content: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + content


def read(folder: Path, spec: str, *inputs: InputSpec) -> Data:
    inputs = inputs or (X, T)
    return load(located_yaml(spec), InputRequirements({need.name: need for need in inputs}), folder)


def refused(folder: Path, spec: str, *inputs: InputSpec) -> tuple[list, list[str]]:
    with pytest.raises(DataError) as error:
        read(folder, spec, *inputs)
    return reported(error), [marked(found) for found in error.value.diagnostics]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").write_bytes(idx(8, (2, 2, 3), IMAGES))
    (tmp_path / "labels").write_bytes(idx(8, (2,), bytes([7, 3])))
    return tmp_path


def test_files_in_the_order_of_the_inputs(folder: Path) -> None:
    data = read(folder, "{idx: [images, labels]}")
    assert data.test is None
    assert (len(data.train), data.train.name) == (2, "images, labels")
    assert data.train.arrays["x"].tolist() == [
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
        [1 / 255, 2 / 255, 3 / 255, 4 / 255, 5 / 255, 6 / 255],
    ]
    assert data.train.arrays["t"].tolist() == [7, 3]


def test_files_by_input(folder: Path) -> None:
    data = read(folder, "{idx: {t: labels, x: images}}")
    assert data.train.arrays["t"].tolist() == [7, 3]
    assert data.train.arrays["x"][0, 1] == 0.2


def test_one_file_without_a_list(folder: Path) -> None:
    assert read(folder, "{idx: labels}", T).train.arrays["t"].tolist() == [7, 3]


def test_gzip_is_recognised_by_content_not_by_name(folder: Path) -> None:
    (folder / "images.bin").write_bytes(gzip.compress(idx(8, (2, 2, 3), IMAGES)))
    (folder / "labels.gz").write_bytes(idx(8, (2,), bytes([7, 3])))
    data = read(folder, "{idx: [images.bin, labels.gz]}")
    assert data.train.arrays["x"][0].tolist() == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert data.train.arrays["t"].tolist() == [7, 3]


def test_a_gzip_file_of_two_members_reads_as_one(folder: Path) -> None:
    whole = idx(8, (2,), bytes([7, 3]))
    (folder / "labels").write_bytes(gzip.compress(whole[:5]) + gzip.compress(whole[5:]))
    assert read(folder, "{idx: labels}", T).train.arrays["t"].tolist() == [7, 3]


@pytest.mark.parametrize(
    ("kind", "code", "values"),
    [
        (0x08, "B", [0, 255]),
        (0x09, "b", [-128, 127]),
        (0x0B, "h", [-2, 300]),
        (0x0C, "i", [-70000, 70000]),
        (0x0D, "f", [-0.5, 1.5]),
        (0x0E, "d", [0.1, -1e100]),
    ],
)
def test_every_type_is_big_endian_and_unscaled_in_one_axis(
    tmp_path: Path, kind: int, code: str, values: list
) -> None:
    (tmp_path / "a").write_bytes(idx(kind, (2,), struct.pack(f">2{code}", *values)))
    need = InputSpec("y", (None,), "float64")
    assert read(tmp_path, "{idx: a}", need).train.arrays["y"].tolist() == values


def test_images_stay_grey_levels_for_an_int_input_and_floats_are_not_scaled(folder: Path) -> None:
    need = InputSpec("x", (None, 2, 3), "int")
    assert read(folder, "{idx: images}", need).train.arrays["x"].tolist() == [
        [[0, 51, 102], [153, 204, 255]],
        [[1, 2, 3], [4, 5, 6]],
    ]
    (folder / "floats").write_bytes(idx(0x0D, (1, 2), struct.pack(">2f", 255.0, 2.0)))
    need = InputSpec("x", (None, 2), "float64")
    assert read(folder, "{idx: floats}", need).train.arrays["x"].tolist() == [[255.0, 2.0]]


def test_labels_as_one_hot_rows(folder: Path) -> None:
    need = InputSpec("t", (None, 10), "float64")
    assert read(folder, "{idx: labels}", need).train.arrays["t"].tolist() == [
        [0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    ]


NOT_IDX = "an IDX file begins with 00 00, then a type (08, 09, 0b to 0e), then its number of axes"


@cases(
    r"""
    content= | code | message | help
    b"" | not-idx | 'a' is not an IDX file: it is empty | $NOT_IDX
    b"\0\0" | not-idx | 'a' is not an IDX file: it begins with the bytes 00 00 | $NOT_IDX
    b"PQ\x03\x04rest" | not-idx | 'a' is not an IDX file: it begins with the bytes 50 51 03 04
        | $NOT_IDX
    idx(0x0A, (1,), b"\0") | not-idx | 'a' is not an IDX file: it begins with the bytes 00 00 0a 01
        | $NOT_IDX
    b"\0\0\x08\0" | not-idx | 'a' declares 0 axes, where 1 to 16 make sense |
    b"\0\0\x08\xff" + bytes(1020) | not-idx | 'a' declares 255 axes, where 1 to 16 make sense |
    b"\0\0\x08\x03\0\0\0\x02" | truncated-file | 'a' ends within its header |
    idx(8, (2, 2, 3), IMAGES[:-1]) | truncated-file
        | 'a' declares 2x2x3 values in 12 bytes, but only 11 follow |
    idx(0x0C, (2,), bytes(7)) | truncated-file | 'a' declares 2 values in 8 bytes, but only 7 follow
        |
    idx(8, (2, 2, 3), IMAGES + b"\0") | broken-file
        | 'a' continues after the 2x2x3 values that it declares |
    idx(8, (1 << 31, 1, 1), b"") | truncated-file
        | 'a' declares 2147483648x1x1 values in 2147483648 bytes, but only 0 follow |
    idx(8, (2**32 - 1,) * 3, b"") | data-too-large
        | 'a' declares 4294967295x4294967295x4294967295 values, more than 2 GiB |
    idx(0x0E, (1 << 30,), b"") | data-too-large | 'a' declares 1073741824 values, more than 2 GiB |
    idx(8, (0, 2**32 - 1), b"") | no-rows | 'a' declares 0x4294967295 values: none |
    """,
    IMAGES=IMAGES,
    NOT_IDX=NOT_IDX,
    idx=idx,
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_that_is_not_sound(tmp_path, packed, content, code, message, help) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(content) if packed else content)
    tracemalloc.start()
    found, marks = refused(tmp_path, "{idx: a}", T)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(code, message, help)]
    assert marks == ["a"]
    assert peak < 8 << 20  # what is declared is never allocated


def test_a_truncated_gzip_file(folder: Path) -> None:
    whole = gzip.compress(idx(8, (2, 2, 3), IMAGES))
    for length in (5, len(whole) // 2, len(whole) - 1):
        (folder / "cut.gz").write_bytes(whole[:length])
        found, marks = refused(folder, "{idx: [cut.gz, labels]}")
        assert found == [("truncated-file", "the gzip file 'cut.gz' ends too early", "")]
        assert marks == ["cut.gz"]


@pytest.mark.parametrize("place", [3, 12, -8, -1])  # method, data, checksum, length
def test_a_damaged_gzip_file(folder: Path, place: int) -> None:
    content = bytearray(gzip.compress(idx(8, (2, 2, 3), IMAGES)))
    content[2 if place == 3 else place] ^= 0xFF
    (folder / "bad.gz").write_bytes(content)
    found, _ = refused(folder, "{idx: [bad.gz, labels]}")
    assert found == [("broken-file", "'bad.gz' is not a sound gzip file", "")]


def test_a_gzip_bomb_is_unpacked_no_further_than_it_declares(folder: Path) -> None:
    bomb = idx(8, (2, 2, 3), bytes(64 << 20))
    (folder / "bomb.gz").write_bytes(gzip.compress(bomb, 1))
    del bomb
    tracemalloc.start()
    found, _ = refused(folder, "{idx: [bomb.gz, labels]}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    message = "'bomb.gz' continues after the 2x2x3 values that it declares"
    assert found == [("broken-file", message, "")]
    assert peak < 8 << 20


def test_different_numbers_of_rows(folder: Path) -> None:
    (folder / "labels").write_bytes(idx(8, (3,), bytes(3)))
    with pytest.raises(DataError) as error:
        read(folder, "{idx: [images, labels]}")
    assert str(error.value) == (
        "error[row-mismatch]: 't' has 3 rows, but 'x' has 2\n"
        "  --> spec.yaml:1:16\n"
        "   |\n"
        " 1 | {idx: [images, labels]}\n"
        "   |        ------  ^^^^^^ 'labels' feeds 't'\n"
        "   |        |\n"
        "   |        'images' feeds 'x'"
    )


def test_images_of_another_size(folder: Path) -> None:
    found, marks = refused(
        folder, "{idx: [images, labels]}", InputSpec("x", (None, 784), "float32"), T
    )
    message = "'x' needs 784 values a row, but 'images' has 2x3 = 6"
    assert found == [("wrong-width", message, "")]
    assert marks == ["images"]


@cases("""
    spec | code | message | help | at
    {idx: [images]} | wrong-count | 'idx' needs one file an input, 2 in all, but names 1
        | the inputs are, in this order: x, t | [images]
    {idx: {x: images}} | missing-input | 'idx' names nothing to feed input 't' | | {x: images}
    {idx: {x: images, tt: labels}} | unknown-input | the network has no input 'tt' to feed
        | did you mean 't'? | tt
    {idx: [images, {a: b}]} | wrong-type | the file for 't' must be a text, not a mapping | | {a: b}
""")
def test_fault_of_the_spec(folder, spec, code, message, help, at) -> None:
    assert refused(folder, spec) == ([(code, message, help)], [at])


# ---------------------------------------------------------------- files of strangers


def test_a_missing_file_and_its_neighbour(folder: Path) -> None:
    with pytest.raises(FileError) as error:
        read(folder, "{idx: [imags, lables]}")
    assert reported(error) == [
        ("no-such-file", f"there is no file '{folder}/imags'", "did you mean 'images'?"),
        ("no-such-file", f"there is no file '{folder}/lables'", "did you mean 'labels'?"),
    ]
    assert [marked(found) for found in error.value.diagnostics] == ["imags", "lables"]


def test_faults_of_files_and_of_data_are_reported_together(folder: Path) -> None:
    (folder / "images").write_bytes(b"")
    with pytest.raises(DataError) as error:
        read(folder, "{idx: [images, lables]}")
    assert [found.code for found in error.value.diagnostics] == ["not-idx", "no-such-file"]


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "sub/../../secret"])
def test_a_file_outside_the_folder(folder: Path, name: str) -> None:
    inside = folder / "inside"
    inside.mkdir()
    (folder / "secret").write_bytes(idx(8, (2,), bytes([7, 3])))
    (inside / "link").symlink_to(folder / "secret")
    with pytest.raises(FileError) as error:
        read(inside, f"{{idx: {name}}}", T)
    message = f"'{name}' lies outside the folder of the spec that names it"
    help = "put the file beside the spec, or in a folder below it"
    assert reported(error) == [("file-outside", message, help)]
    assert marked(error.value.diagnostics[0]) == name


def test_a_link_that_stays_inside_is_followed(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "labels")
    assert read(folder, "{idx: link}", T).train.arrays["t"].tolist() == [7, 3]


def test_a_pipe_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(FileError) as error:
        read(folder, "{idx: pipe}", T)
    assert reported(error) == [("not-a-file", f"'{folder}/pipe' is not a regular file", "")]


def test_any_damage_ends_in_data_or_in_an_error_of_ours(folder: Path) -> None:
    rng = np.random.default_rng(0)
    whole = np.frombuffer(gzip.compress(idx(8, (2, 2, 3), IMAGES)), np.uint8)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(400):
        damaged = whole.copy()
        damaged[rng.integers(len(whole), size=2)] ^= rng.integers(1, 256, size=2, dtype=np.uint8)
        (folder / "damaged").write_bytes(damaged.tobytes())
        try:
            read(folder, "{idx: [damaged, labels]}")
            outcomes["read"] += 1
        except GraphnnError:
            outcomes["refused"] += 1
    assert outcomes["read"] > 0  # the header of gzip holds bytes that mean nothing
    assert outcomes["refused"] > 300

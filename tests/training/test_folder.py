"""Folders of images; PNG files are written here chunk by chunk as their format is published."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from graphnn.diagnostics import DataError, FileError, GraphnnError
from graphnn.training.data import sources
from graphnn.training.data.columns import InputRequirements, InputSpec
from graphnn.training.data.dataset import Data, Dataset, load
from located import located_yaml, marked, reported
from tables import cases

X = InputSpec("x", (None, 1, 2, 3), "float64")
T = InputSpec("t", (None,), "int")
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CAT, DOG = [[0, 51, 102], [153, 204, 255]], [[255, 0, 255], [0, 255, 0]]


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(rows, colour: int = GREY, *, bits: int = 8, size=None, extra: bytes = b"") -> bytes:
    rows = np.asarray(rows, ">u2" if bits == 16 else ">u1")
    height, width = size or rows.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def packed(rows) -> bytes:
    """The chunk of pixels of `png`."""
    return chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows)))


def put(base: Path, **files: bytes) -> None:
    """``put(base, dog_a=...)`` writes ``dog/a.png``."""
    for name, content in files.items():
        kind, name = name.split("_")
        (base / kind).mkdir(parents=True, exist_ok=True)
        (base / kind / f"{name}.png").write_bytes(content)


def read(base: Path, spec: str = "{folder: pets}", *inputs: InputSpec, like=None) -> Data:
    inputs = inputs or (X, T)
    demand = InputRequirements({need.name: need for need in inputs})
    return load(located_yaml(spec), demand, base, like and like.classes)


def refused(base: Path, spec: str = "{folder: pets}", *inputs: InputSpec, like=None) -> list:
    with pytest.raises((DataError, FileError)) as error:
        read(base, spec, *inputs, like=like)
    for found in error.value.diagnostics:
        assert marked(found) in spec
    return reported(error)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    put(tmp_path / "pets", dog_1=png(DOG), cat_2=png(DOG), cat_1=png(CAT))
    return tmp_path


def test_folders_are_the_classes_in_the_order_of_their_names(base: Path) -> None:
    data = read(base, "{folder: pets/}")
    assert data.test is None
    assert (len(data.train), data.train.name) == (3, "pets")
    assert data.train.arrays["t"].tolist() == [0, 0, 1]
    assert data.train.classes == {"t": ("cat", "dog")}
    assert data.train.arrays["x"].tolist() == [
        [[[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]],
        [[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]],
        [[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]],
    ]


def test_classes_that_are_numbers_are_in_the_order_of_their_values(tmp_path: Path) -> None:
    put(tmp_path / "n", **{f"{n}_a": png([[n]]) for n in (0, 2, 10)})
    data = read(tmp_path, "{folder: n}", InputSpec("x", (None, 1, 1), "int"), T)
    # An int input would take the labels if the spec did not say otherwise.
    assert data.train.arrays["x"].ravel().tolist() == [0, 1, 2]
    spec = "{folder: {path: n, x: images}}"
    data = read(tmp_path, spec, InputSpec("x", (None, 1, 1), "int"), T)
    assert data.train.arrays["x"].ravel().tolist() == [0, 2, 10]
    assert data.train.classes == {"t": ("0", "2", "10")}


def test_what_feeds_each_input(base: Path) -> None:
    spec = "{folder: {path: pets, t: labels, x: images, u: images}}"
    one_hot = InputSpec("t", (None, 2), "float64")
    flat = InputSpec("u", (None, 6), "float32")
    arrays = read(base, spec, X, one_hot, flat).train.arrays
    assert arrays["t"].tolist() == [[1, 0], [1, 0], [0, 1]]
    np.testing.assert_allclose(arrays["u"][0], [0, 0.2, 0.4, 0.6, 0.8, 1], atol=1e-7)
    assert arrays["u"].dtype == np.float32


def test_colours(tmp_path: Path) -> None:
    put(tmp_path / "c", a_1=png([[[10, 20, 30], [40, 50, 60]]], RGB))
    spec = "{folder: {path: c, x: images}}"
    need = InputSpec("x", (None, 3, 1, 2), "int")
    found = read(tmp_path, spec, need).train.arrays["x"]
    assert found.tolist() == [[[[10, 40]], [[20, 50]], [[30, 60]]]]
    # By ITU-R 601: 0.299 R + 0.587 G + 0.114 B, which is 18.15 and 48.15.
    need = InputSpec("x", (None, 1, 1, 2), "int")
    assert read(tmp_path, spec, need).train.arrays["x"].tolist() == [[[[18, 48]]]]


PALETTE_CHUNKS = chunk(b"PLTE", bytes([9, 9, 9, 200, 200, 200])) + chunk(b"tRNS", bytes([0, 128]))


# Where alpha is a of 255, a white ground shows through: (a * level + (255 - a) * 255) / 255.
@pytest.mark.parametrize(
    ("content", "levels"),
    [
        (png([[9, 200]]), [9, 200]),
        (png([[9 * 257, 200 * 257 + 100]], bits=16), [9, 200]),
        (png([[9 * 257, 99]], bits=16, extra=chunk(b"tRNS", bytes([0, 99]))), [9, 255]),
        (png([[9, 200]], extra=chunk(b"tRNS", bytes([0, 9]))), [255, 200]),
        (png([[[9, 0], [200, 255]]], GREY_ALPHA), [255, 200]),
        (png([[[9, 9, 9, 7], [200, 200, 200, 255]]], RGBA), [248, 200]),
        (png([[0, 1]], PALETTE, extra=PALETTE_CHUNKS), [255, 227]),
    ],
    ids=[
        "grey",
        "16 bits",
        "16 bits and one clear level",
        "one clear level",
        "grey and alpha",
        "rgba",
        "palette",
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_png(
    tmp_path: Path, content: bytes, levels: list[int], channels: int
) -> None:
    put(tmp_path / "c", a_1=content)
    need = InputSpec("x", (None, channels, 1, 2), "int")
    found = read(tmp_path, "{folder: {path: c, x: images}}", need).train.arrays["x"]
    assert found.tolist() == [[[levels]] * channels]


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    put(tmp_path / "c", a_1=png([[0b10100000]], bits=1, size=(1, 3)))
    need = InputSpec("x", (None, 1, 3), "float64")
    found = read(tmp_path, "{folder: c}", need).train.arrays["x"]
    assert found.tolist() == [[[1.0, 0.0, 1.0]]]


def test_files_beside_the_classes_and_hidden_ones_do_not_count(base: Path) -> None:
    (base / "pets" / "README.txt").write_text("pets")
    (base / "pets" / ".git").mkdir()
    (base / "pets" / "cat" / ".DS_Store").write_bytes(b"\0")
    assert read(base).train.classes == {"t": ("cat", "dog")}


# ---------------------------------------------------------------- a second set


def test_a_second_set_has_the_numbers_of_the_first(base: Path) -> None:
    put(base / "more", dog_1=png(DOG))
    like = read(base).train
    data = read(base, "{folder: more}", like=like).train
    assert data.arrays["t"].tolist() == [1]
    assert data.classes == {"t": ("cat", "dog")}
    put(base / "more", dig_1=png(DOG))
    assert refused(base, "{folder: more}", like=like) == [
        (
            "unknown-class",
            "'dig' is not a class of input 't' in the training set",
            "did you mean 'dog'?",
        )
    ]


def test_a_second_set_after_one_of_plain_numbers(base: Path) -> None:
    put(base / "more", **{"7_a": png(DOG)})
    like = Dataset({"t": np.array([1, 7])}, "first")
    assert read(base, "{folder: more}", like=like).train.arrays["t"].tolist() == [7]
    assert refused(base, like=like) == [
        ("unknown-class", f"'{kind}' is not a class of input 't' in the training set", help)
        for kind, help in [
            ("cat", "its classes are whole numbers"),
            ("dog", "its classes are whole numbers"),
        ]
    ]


# ---------------------------------------------------------------- faults


@cases(
    r"""
    content= | code | message
    b"" | not-an-image | 'pets/dog/bad.png' is not an image: it is empty
    b"\xfe\xd8\xff\xe0JFIF" | not-an-image
        | 'pets/dog/bad.png' is not an image: it begins with the bytes fe d8 ff e0
    png(DOG)[:-1] | truncated-file | the PNG file 'pets/dog/bad.png' ends too early
    png(DOG)[:9] | truncated-file | the PNG file 'pets/dog/bad.png' ends too early
    png(CAT).replace(packed(CAT), chunk(b"IDAT", packed(CAT)[8:11])) | broken-file
        | 'pets/dog/bad.png' is not a sound PNG file
    png(CAT).replace(packed(CAT), chunk(b"IDAT", b"no zlib here")) | broken-file
        | 'pets/dog/bad.png' is not a sound PNG file
    png(DOG).replace(b"IHDR", b"IHDX") | broken-file | 'pets/dog/bad.png' is not a sound PNG file
    png(DOG, colour=5) | broken-file | 'pets/dog/bad.png' is not a sound PNG file
    png(DOG, size=(0, 3)) | broken-file | 'pets/dog/bad.png' is not a sound PNG file
    """,
    CAT=CAT,
    DOG=DOG,
    chunk=chunk,
    packed=packed,
    png=png,
)
def test_a_file_that_is_not_sound(base: Path, content: bytes, code: str, message: str) -> None:
    put(base / "pets", dog_bad=content)
    help = "PNG, JPEG, WebP and BMP files are read" if code == "not-an-image" else ""
    assert refused(base) == [(code, message, help)]


def test_an_image_of_another_size_than_the_input_takes(base: Path) -> None:
    put(base / "pets", dog_bad=png([[1, 2]]))
    with pytest.raises(DataError) as error:
        read(base)
    assert str(error.value) == (
        "error[wrong-size]: 'pets/dog/bad.png' has 1x2 pixels, not 2x3\n"
        "  --> spec.yaml:1:10\n"
        "   |\n"
        " 1 | {folder: pets}\n"
        "   |          ^^^^\n"
        "   = note: input 'x' takes 2x3, height by width\n"
        "   = help: for other sizes write resize: stretch, or resize: crop"
    )


def test_an_image_of_another_size_than_the_first(base: Path) -> None:
    put(base / "pets", dog_bad=png([[1, 2]]))
    flat = InputSpec("x", (None, 6), "float64")
    with pytest.raises(DataError) as error:
        read(base, "{folder: pets}", flat, T)
    message = "'pets/dog/bad.png' has 1x2 pixels, not 2x3"
    help = "for other sizes write resize: stretch, or resize: crop"
    assert reported(error) == [("wrong-size", message, help)]
    assert [note.text for note in error.value.diagnostics[0].notes] == [
        "'pets/cat/1.png' has 2x3, height by width"
    ]


def test_a_flat_input_of_another_width(base: Path) -> None:
    message = "'x' needs 7 values a row, but 'pets' has 2x3 = 6"
    assert refused(base, "{folder: pets}", InputSpec("x", (None, 7), "float64"), T) == [
        ("wrong-width", message, "")
    ]


def test_all_faults_are_reported_at_once_but_no_more_than_ten(base: Path) -> None:
    put(base / "pets", cat_3=b"", dog_2=png([[1]]), dog_3=png(DOG)[:-1])
    assert [code for code, *_ in refused(base)] == ["not-an-image", "wrong-size", "truncated-file"]
    put(base / "pets", **{f"cat_x{n}": b"\x89" + bytes([n]) for n in range(20)})
    assert len(refused(base)) == 10


def test_images_that_are_alike_at_fault_are_one_fault(base: Path) -> None:
    put(base / "pets", cat_3=png([[1]]), dog_2=png([[1]]), dog_3=b"", dog_4=b"")
    with pytest.raises(DataError) as caught:
        read(base, "{folder: pets}")
    assert [(each.code, each.notes[-1].text) for each in caught.value.diagnostics] == [
        ("wrong-size", "also in file 'pets/dog/2.png'"),
        ("not-an-image", "also in file 'pets/dog/4.png'"),
    ]


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (30_000, "'bombs/a/1.png' has 30000x30000 pixels, more than 33,554,432"),
        (5_000, "the 3 images of 'bombs' would take 0.06985 GiB of memory, more than 0.0625 GiB"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    base: Path, monkeypatch, side: int, message: str
) -> None:
    monkeypatch.setattr(sources.folder, "LIMIT", 64 << 20)
    bomb = png(np.zeros((1, 1)), size=(side, side))
    put(base / "bombs", a_1=bomb, a_2=bomb, a_3=bomb)
    flat = InputSpec("x", (None, 6), "float64")
    tracemalloc.start()
    found = refused(base, "{folder: bombs}", flat, T)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [("data-too-large", message, "")]
    assert peak < 8 << 20


def test_no_more_is_unpacked_than_an_image_declares(base: Path) -> None:
    lines = zlib.compress(bytes(128 << 20), 1)
    whole = png(DOG)
    at = whole.index(b"IDAT") - 4
    put(base / "pets", dog_big=whole[:at] + chunk(b"IDAT", lines) + chunk(b"IEND", b""))
    tracemalloc.start()
    assert len(read(base).train) == 4
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_folder_that_is_not_as_it_should_be(base: Path) -> None:
    (base / "empty").mkdir()
    (base / "some" / "a").mkdir(parents=True)
    put(base / "some", b_1=png(DOG))
    (base / "some" / "b" / "notes.txt").write_text("")
    (base / "file").write_text("")
    assert refused(base, "{folder: empty}") == [
        (
            "no-classes",
            "'empty' holds no folder that could be a class",
            "put the images of each class into a separate folder",
        )
    ]
    assert refused(base, "{folder: some}") == [
        ("no-rows", "the class 'some/a' holds no images", ""),
        (
            "not-an-image",
            "the name 'some/b/notes.txt' is not that of an image",
            "leave nothing but PNG, JPEG, WebP and BMP images in the folder of a class",
        ),
    ]
    assert refused(base, "{folder: none}") == [
        ("no-such-folder", f"there is no folder '{base}/none'", "")
    ]
    assert refused(base, "{folder: file}") == [
        ("not-a-folder", f"'{base}/file' is not a folder", "")
    ]


@cases("""
    spec | code | message | help
    {folder: {x: images}} | missing-key | 'folder' has no 'path' | write `folder: {path: NAME, ...}`
    {folder: {path: pets, x: image}} | unknown-array | 'folder' has no array 'image'
        | did you mean 'images'?
    {folder: {path: pets, y: images}} | unknown-input | the network has no input 'y' to feed
        | its inputs are x, t; 'folder' also takes path, resize
    {folder: [pets]} | wrong-type | the path of 'folder' must be a text, not a list |
""")
def test_fault_of_the_spec(base: Path, spec: str, code: str, message: str, help: str) -> None:
    assert refused(base, spec) == [(code, message, help)]


# ---------------------------------------------------------------- files of strangers


def test_any_damage_ends_in_data_or_in_an_error_of_ours(base: Path) -> None:
    rng = np.random.default_rng(0)
    whole = np.frombuffer(png([[0, 1, 0], [1, 0, 1]], PALETTE, extra=PALETTE_CHUNKS), np.uint8)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(300):
        damaged = whole.copy()
        damaged[rng.integers(8, len(whole), size=2)] ^= rng.integers(1, 256, 2, dtype=np.uint8)
        put(base / "pets", dog_x=damaged.tobytes())
        try:
            read(base)
            outcomes["read"] += 1
        except GraphnnError:
            outcomes["refused"] += 1
    assert outcomes["read"] > 0
    assert outcomes["refused"] > 150


def test_more_folders_than_the_loss_has_classes(base: Path) -> None:
    put(base / "pets", fox_1=png(DOG))
    found = refused(base, "{folder: pets}", X, InputSpec("t", (None,), "int", 2))
    message = "'t' takes 2 classes, but 'pets' holds 3: cat, dog, fox"
    help = "3 classes need 3 outputs, not 2"
    assert found == [("class-outside", message, help)]
    assert len(read(base, "{folder: pets}", X, InputSpec("t", (None,), "int", 3)).train) == 4

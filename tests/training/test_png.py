"""PNG files of every kind, whose pixels are all there or which are refused."""

import struct
import zlib

import numpy as np
import pytest

from graphnn.diagnostics import DataError
from graphnn.training.data.pictures import Picture

HEIGHT, WIDTH = 7, 5
# The seven passes by hand: which pixels of each 8x8 block come in which.
PASSES = ("16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656")
BROKEN = ("broken-file", "'a.png' is not a sound PNG file")
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, content):
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(stream, colour=0, depth=8, interlaced=0, parts=1):
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, interlaced)
    packed = zlib.compress(stream)
    step = -(-len(packed) // parts)
    data = [chunk(b"IDAT", packed[at : at + step]) for at in range(0, len(packed), step)]
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if colour == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + palette
        + b"".join(data)
        + chunk(b"IEND", b"")
    )


def in_passes(image):
    """The stream of an interlaced grey image: a filter byte and the pixels of each row."""
    stream = b""
    for number in "1234567":
        for i, row in enumerate(image):
            shown = [p for j, p in enumerate(row) if PASSES[i % 8][j % 8] == number]
            stream += b"\0" + bytes(shown) if shown else b""
    return stream


def pixels(content):
    return Picture("a.png", content, None).pixels("L")


def refused(content):
    with pytest.raises(DataError) as caught:
        pixels(content)
    (found,) = caught.value.diagnostics
    return found.code, found.message


@pytest.mark.parametrize(
    ("colour", "depth"),
    [
        *((0, depth) for depth in (1, 2, 4, 8, 16)),
        *((3, depth) for depth in (1, 2, 4, 8)),
        *((colour, depth) for colour in (2, 4, 6) for depth in (8, 16)),
    ],
)
def test_the_last_byte_of_every_kind_counts(colour, depth):
    row = 1 + -(-WIDTH * depth * CHANNELS[colour] // 8)
    whole = HEIGHT * row
    assert pixels(png(bytes(whole), colour, depth)).shape == (HEIGHT, WIDTH)
    assert refused(png(bytes(whole - 1), colour, depth)) == BROKEN


def test_pixels_may_come_in_several_chunks():
    image = np.arange(1, 36, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    stream = b"".join(b"\0" + row.tobytes() for row in image)
    assert np.array_equal(pixels(png(stream)), image)
    assert np.array_equal(pixels(png(stream, parts=5)), image)


def test_interlaced_files_are_whole_with_their_last_pass():
    image = np.arange(1, 36, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    stream = in_passes(image)
    assert np.array_equal(pixels(png(stream, interlaced=1)), image)
    # 35 pixels and a byte for each of 1, 1, 1, 2, 2, 4 and 3 rows.
    assert len(stream) == 49
    assert refused(png(stream[:-1], interlaced=1)) == BROKEN


def test_bytes_behind_the_last_row_do_not_matter():
    image = np.full((HEIGHT, WIDTH), 7, np.uint8)
    stream = b"".join(b"\0" + row.tobytes() for row in image)
    assert np.array_equal(pixels(png(stream + bytes(1000))), image)


@pytest.mark.parametrize("missing", [1, 3, HEIGHT - 1])
def test_rows_that_are_missing_are_not_taken_for_black(missing):
    # Pillow reads such a file without an error.
    row = b"\0" + bytes([7]) * WIDTH
    early = ("truncated-file", "the PNG file 'a.png' ends too early")
    assert refused(png(row * (HEIGHT - missing))) == early


def test_a_pass_that_is_missing_is_not_taken_for_black():
    image = np.arange(1, 36, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    last = 3 * (1 + WIDTH)  # the seventh pass has every other row
    early = ("truncated-file", "the PNG file 'a.png' ends too early")
    assert refused(png(in_passes(image)[:-last], interlaced=1)) == early

"""PNG files of strangers: their size is read and judged before anything is unpacked."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Span
from graphnn.training.data.faults import refuse

Mode = Literal["L", "RGB"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_MAX_PIXELS = 1 << 25  # 5792 x 5792, which take 128 MiB a copy while they are read
_AT_ONCE = 1 << 16  # bytes unpacked at a time, only to be counted
# First column and row, and the steps between columns and rows, of each pass of an interlaced file.
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_HEADER = 24  # bytes up to the end of width and height
# What Pillow raises on damage, by its own account and by trial.
_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, LookupError)


def size(name: str, content: bytes, span: Span | None) -> tuple[int, int]:
    """Height and width that a PNG file declares.

    Parameters
    ----------
    name : str
        What errors call the file.
    content : bytes
        All of it.
    span : Span or None
        Where the spec asks for it, for errors.

    Raises
    ------
    DataError
        It is not PNG, ends too early, or has too many pixels.

    References
    ----------
    W3C, Portable Network Graphics (PNG) specification, third edition, 5.2, 11.2.1 and 11.2.5.
    """
    if not content.startswith(_SIGNATURE):
        shown = f"begins with the bytes {content[:4].hex(' ')}" if content else "is empty"
        raise refuse("not-png", f"'{name}' is not a PNG file: it {shown}", span)
    if _END not in content:
        raise refuse("truncated-file", f"the PNG file '{name}' ends too early", span)
    width, height = struct.unpack(">II", content[_HEADER - 8 : _HEADER])
    if content[12:16] != b"IHDR" or not width or not height:
        raise _broken(name, span)
    if height * width > _MAX_PIXELS:
        message = f"'{name}' has {height}x{width} pixels, more than {_MAX_PIXELS:,}"
        raise refuse("data-too-large", message, span)
    return height, width


def pixels(name: str, content: bytes, mode: Mode, span: Span | None) -> NDArray[np.uint8]:
    """Pixels of a PNG file whose `size` is known to be bearable.

    Parameters
    ----------
    name, content, span
        As for `size`.
    mode : {"L", "RGB"}
        Grey levels or colours. Colours become grey by ITU-R 601. What is transparent shows white,
        as paper would.

    Returns
    -------
    ndarray of uint8, shape (height, width) or (height, width, 3)

    Raises
    ------
    DataError
        The file is damaged, or Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise refuse(
            "no-pillow",
            "PNG files need Pillow, which is not installed",
            span,
            help="pip install 'graphnn[images]'",
        ) from None
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            _refuse_short(name, content, span)
            image.load()
            if image.mode.startswith("I"):
                grey = np.asarray(image)
                through = grey == image.info.get("transparency")
                return _of_16_bits(np.where(through, 65535, grey), mode)
            if image.has_transparency_data:
                # Colours that nobody sees can be anything, most often black.
                whole = image if image.mode == "RGBA" else image.convert("RGBA")
                paper = Image.new(mode, image.size, "white")
                paper.paste(whole.convert(mode), mask=whole.getchannel("A"))
                return np.asarray(paper)
            return np.asarray(image.convert(mode))
    except _FAULTS:
        raise _broken(name, span) from None


def _refuse_short(name: str, content: bytes, span: Span | None) -> None:
    """Refuse a stream of pixels that ends before the last row, which Pillow fills with zeros."""
    wanted, packed, found = _stream_size(content), zlib.decompressobj(), 0
    for part in _chunks(content, b"IDAT"):
        while part and found < wanted:
            found += len(packed.decompress(part, _AT_ONCE))
            part = packed.unconsumed_tail
    if found < wanted:
        message = f"the PNG file '{name}' holds {found:,} of the {wanted:,} bytes of its pixels"
        raise refuse("truncated-file", message, span)


def _chunks(content: bytes, kind: bytes) -> Iterator[bytes]:
    """What the chunks of one kind hold."""
    place = len(_SIGNATURE)
    while place + 8 <= len(content):
        length, found = struct.unpack(">I4s", content[place : place + 8])
        if found == kind:
            yield content[place + 8 : place + 8 + length]
        place += length + 12


def _stream_size(content: bytes) -> int:
    """Bytes of the unpacked pixels: of each pass, a byte a row and its pixels (sections 7.2, 8)."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    size = 0
    for left, top, right, down in passes:
        columns, rows = -(-max(0, width - left) // right), -(-max(0, height - top) // down)
        size += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return size


def _of_16_bits(grey: NDArray[Any], mode: Mode) -> NDArray[np.uint8]:
    """Grey levels 0 to 65535 as 0 to 255, which Pillow would cut off instead."""
    levels = np.round(grey / 257).astype(np.uint8)
    return levels if mode == "L" else np.repeat(levels[..., None], 3, axis=2)


def _broken(name: str, span: Span | None) -> DataError:
    return refuse("broken-file", f"'{name}' is not a sound PNG file", span)

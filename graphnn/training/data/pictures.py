"""PNG files of strangers, read by Pillow: how large they are is judged before they are unpacked."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Note, Span
from graphnn.ops import Array
from graphnn.storage import foreign
from graphnn.training.data.columns import InputSpec

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngImageFile

Mode = Literal["L", "RGB"]
Size = tuple[int, int]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_MAX_PIXELS = 1 << 25  # 5792 x 5792, which take 128 MiB a copy while they are read
# What Pillow raises on damage, by its own account and by trial.
_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, LookupError)


class Picture:
    """A PNG file, of which no more than the header is read at first.

    Parameters
    ----------
    name : str
        What errors call the file.
    content : bytes
        All of it.
    span : Span or None
        Where the spec asks for it, for errors.

    Attributes
    ----------
    size : tuple of int
        Height and width.

    Raises
    ------
    DataError
        It is not PNG, ends too early, or has too many pixels.
    """

    def __init__(self, name: str, content: bytes, span: Span | None) -> None:
        self._name, self._span = name, span
        if not content.startswith(_SIGNATURE):
            shown = f"begins with the bytes {content[:4].hex(' ')}" if content else "is empty"
            found = foreign.format_of(content)
            help = f"it is {found.what}: {found.help}" if found else ""
            message = f"'{name}' is not a PNG file: it {shown}"
            raise DataError.of("not-png", message, span, help=help)
        if _END not in content:
            raise DataError.of("truncated-file", f"the PNG file '{name}' ends too early", span)
        self._image = self._opened(content)
        self.size: Size = (self._image.height, self._image.width)
        if self._image.height * self._image.width > _MAX_PIXELS:
            message = f"'{name}' has {_show(self.size)} pixels, more than {_MAX_PIXELS:,}"
            raise DataError.of("data-too-large", message, span)

    def check_size(self, wanted: Size, taker: str) -> None:
        """Check that it has the size `wanted`; `taker` says by what.

        Raises
        ------
        DataError
            It has another.
        """
        if self.size != wanted:
            message = f"'{self._name}' has {_show(self.size)} pixels, not {_show(wanted)}"
            notes = (Note(f"{taker} {_show(wanted)}, height by width"),)
            raise DataError.of("wrong-size", message, self._span, notes=notes)

    def pixels(self, mode: Mode) -> NDArray[np.uint8]:
        """Grey levels or colours, 0 to 255.

        Colours become grey by ITU-R 601. What is transparent shows white, as paper would.

        Parameters
        ----------
        mode : {"L", "RGB"}

        Returns
        -------
        ndarray of uint8, shape (height, width) or (height, width, 3)

        Raises
        ------
        DataError
            The file is damaged.
        """
        from PIL import Image

        image = self._image
        try:
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
            raise self._broken() from None

    def _opened(self, content: bytes) -> PngImageFile:
        # Not by Image.open, which warns of large pictures before they can be refused.
        from PIL import PngImagePlugin

        try:
            return PngImagePlugin.PngImageFile(io.BytesIO(content))
        except _FAULTS:
            raise self._broken() from None

    def _broken(self) -> DataError:
        message = f"'{self._name}' is not a sound PNG file"
        return DataError.of("broken-file", message, self._span)


def mode_of(need: InputSpec) -> Mode:
    """RGB for an input of shape [batch, 3, height, width], else grey."""
    return "RGB" if len(need.row) == 3 and need.row[0] == 3 else "L"


def size_of(need: InputSpec) -> Size | None:
    """Height and width that an input takes, if its shape says so."""
    if len(need.row) in (2, 3):
        height, width = need.row[-2:]
        if height is not None and width is not None:
            return height, width
    return None


def rows(need: InputSpec, pictures: Array) -> Array:
    """Pictures [rows, height, width] or [rows, height, width, 3] with the axes of the input."""
    if pictures.ndim == 4:
        return np.moveaxis(pictures, 3, 1)
    return pictures[:, None] if len(need.row) == 3 else pictures


def _of_16_bits(grey: Array, mode: Mode) -> NDArray[np.uint8]:
    """Grey levels 0 to 65535 as 0 to 255, which Pillow would cut off instead."""
    levels = np.round(grey / 257).astype(np.uint8)
    return levels if mode == "L" else np.repeat(levels[..., None], 3, axis=2)


def _show(size: Size) -> str:
    return f"{size[0]}x{size[1]}"

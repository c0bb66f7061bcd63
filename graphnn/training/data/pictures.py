"""Images of strangers, read by Pillow: how large they are is judged before they are unpacked."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphnn.diagnostics import DataError, Note, Span
from graphnn.ops import Array
from graphnn.storage import foreign
from graphnn.training.data import png_stream
from graphnn.training.data.columns import InputSpec

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

Mode = Literal["L", "RGB"]
Resize = Literal["stretch", "crop"]
Size = tuple[int, int]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
KINDS = "PNG, JPEG, WebP and BMP"
RESIZES: tuple[Resize, ...] = ("stretch", "crop")
_MAX_PIXELS = 1 << 25  # 5792 x 5792, which take 128 MiB a copy while they are read
_ORIENTATION = 0x0112  # the tag of Exif; from 5 on, rows are shown as columns
# What Pillow raises on damage, by its own account and by trial.
_FAULTS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, LookupError)


class _Format(NamedTuple):
    """How a format begins, after some bytes, and the class of Pillow that reads it."""

    name: str
    offset: int
    start: bytes
    module: str
    reader: str

    def opened(self, content: bytes) -> ImageFile:
        """The image, of which the header is read."""
        # Not by Image.open, which warns of large pictures before they can be refused.
        module = importlib.import_module(f"PIL.{self.module}")
        image: ImageFile = getattr(module, self.reader)(io.BytesIO(content))
        return image


_FORMATS = (
    _Format("PNG", 0, png_stream.SIGNATURE, "PngImagePlugin", "PngImageFile"),
    _Format("JPEG", 0, b"\xff\xd8\xff", "JpegImagePlugin", "JpegImageFile"),
    _Format("WebP", 8, b"WEBP", "WebPImagePlugin", "WebPImageFile"),
    _Format("BMP", 0, b"BM", "BmpImagePlugin", "BmpImageFile"),
)


class Picture:
    """An image, of which no more than the header is read at first.

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
        Height and width, upright as its Exif data say.

    Raises
    ------
    DataError
        It is not an image of a kind that is read, ends too early, or has too many pixels.
    """

    def __init__(self, name: str, content: bytes, span: Span | None) -> None:
        self._name, self._span = name, span
        starts = (each for each in _FORMATS if content.startswith(each.start, each.offset))
        self._format = next(starts, None) or self._refuse(content)
        if self._format.name == "PNG" and not png_stream.ends(content):
            raise self._ends_early()
        self._content = content
        try:
            self._image = self._format.opened(content)
            sideways = self._photograph and self._image.getexif().get(_ORIENTATION, 1) >= 5
        except _FAULTS:
            raise self._broken() from None
        size = (self._image.height, self._image.width)
        self.size: Size = size[::-1] if sideways else size
        if size[0] * size[1] > _MAX_PIXELS:
            message = f"'{name}' has {_show(self.size)} pixels, more than {_MAX_PIXELS:,}"
            raise DataError.of("data-too-large", message, span)

    @property
    def _photograph(self) -> bool:
        """Whether a camera may have written it, which says how it was held."""
        return self._format.name in ("JPEG", "WebP")

    def _refuse(self, content: bytes) -> _Format:
        shown = f"begins with the bytes {content[:4].hex(' ')}" if content else "is empty"
        found = foreign.format_of(content)
        help = f"it is {found.what}: {found.help}" if found else f"{KINDS} files are read"
        message = f"'{self._name}' is not an image: it {shown}"
        raise DataError.of("not-an-image", message, self._span, help=help)

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
            help = "for other sizes write resize: stretch, or resize: crop"
            raise DataError.of("wrong-size", message, self._span, notes=notes, help=help)

    def pixels(
        self, mode: Mode, size: Size | None = None, resize: Resize | None = None
    ) -> NDArray[np.uint8]:
        """Grey levels or colours, 0 to 255.

        Colours become grey by ITU-R 601. What is transparent shows white, as paper would.

        Parameters
        ----------
        mode : {"L", "RGB"}
        size : tuple of int, optional
            Height and width of the result, where `resize` is given.
        resize : {"stretch", "crop"}, optional
            How to give it another size: all of it, or the middle that has the new proportions.

        Returns
        -------
        ndarray of uint8, shape (height, width) or (height, width, 3)

        Raises
        ------
        DataError
            The file is damaged.
        """
        from PIL import ImageOps

        try:
            self._image.load()
            if self._format.name == "PNG" and not png_stream.is_whole(self._content):
                raise self._ends_early()
            image = _plain(self._image, mode)
            if self._photograph:
                image.info = self._image.info
                image = ImageOps.exif_transpose(image)
            if size is not None and resize is not None and self.size != size:
                image = _resized(image, size, resize)
            return np.asarray(image)
        except _FAULTS:
            raise self._broken() from None

    def _broken(self) -> DataError:
        message = f"'{self._name}' is not a sound {self._format.name} file"
        return DataError.of("broken-file", message, self._span)

    def _ends_early(self) -> DataError:
        message = f"the PNG file '{self._name}' ends too early"
        return DataError.of("truncated-file", message, self._span)


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


def _plain(image: Image.Image, mode: Mode) -> Image.Image:
    """Grey levels or colours of 8 bits, on white."""
    from PIL import Image

    if image.mode.startswith("I"):
        grey = np.asarray(image)
        through = grey == image.info.get("transparency")
        # Grey levels 0 to 65535 as 0 to 255, which Pillow would cut off instead.
        levels = np.round(np.where(through, 65535, grey) / 257).astype(np.uint8)
        return Image.fromarray(levels).convert(mode)
    if image.has_transparency_data:
        # Colours that nobody sees can be anything, most often black.
        whole = image if image.mode == "RGBA" else image.convert("RGBA")
        paper = Image.new(mode, image.size, "white")
        paper.paste(whole.convert(mode), mask=whole.getchannel("A"))
        return paper
    return image.convert(mode)


def _resized(image: Image.Image, size: Size, resize: Resize) -> Image.Image:
    from PIL import Image, ImageOps

    across_down = size[::-1]
    if resize == "crop":
        return ImageOps.fit(image, across_down, Image.Resampling.BILINEAR)
    return image.resize(across_down, Image.Resampling.BILINEAR)


def _show(size: Size) -> str:
    return f"{size[0]}x{size[1]}"

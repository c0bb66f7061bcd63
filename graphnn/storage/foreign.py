"""Files that hold something else than they should: what it is, and what to do about it."""

from __future__ import annotations

from typing import IO, NamedTuple

ZIP = b"PK\x03\x04"


class Format(NamedTuple):
    """A format that is not read, or not here.

    Attributes
    ----------
    start : bytes
        What such a file begins with.
    what : str
        A noun for it, with its article.
    help : str
        How to come by a file that is read.
    suffixes : tuple of str
        What the names of such files end in.
    """

    start: bytes
    what: str
    help: str
    suffixes: tuple[str, ...] = ()


_ARRAYS = "save its arrays by numpy.savez('rows.npz', x=..., t=...)"
_ARRAY = "save the array by name: numpy.savez('rows.npz', x=array)"
_TABLE = "save it as .csv, as by pandas: table.to_csv('rows.csv', index=False)"
_IMAGE = "convert it to PNG, as by Pillow: Image.open(...).save('name.png')"
_PHOTO = "images are read in folders, a folder for each class"
_DOWNLOAD = "what was downloaded is not the file itself: open the address in a browser"
_STATE = (
    "save the state of a module by safetensors.torch.save_file(module.state_dict(), "
    "'model.safetensors'), other arrays by numpy.savez('rows.npz', x=..., t=...)"
)
_PICKLES = (".pkl", ".pickle", ".joblib")
_FORMATS = (
    Format(b"version https://git-lfs", "a Git LFS pointer", "fetch the file by: git lfs pull"),
    *(Format(start, "a web page", _DOWNLOAD) for start in (b"<!DOCTYPE", b"<!doctype", b"<html")),
    Format(b"\x93NUMPY", "an .npy file", _ARRAY, (".npy",)),
    # The number that torch.save began with before it wrote ZIP archives.
    Format(b"\x80\x02\x8a\nl\xfc\x9cF\xf9", "a pickle of torch", _STATE, (".pt", ".pth")),
    *(Format(b"\x80" + bytes([n]), "a pickle", _ARRAYS, _PICKLES) for n in range(2, 6)),
    Format(b"\x89HDF\r\n\x1a\n", "an HDF5 file", _ARRAYS, (".h5", ".hdf5", ".keras")),
    Format(b"MATLAB 5.0", "a MATLAB file", _ARRAYS, (".mat",)),
    Format(b"PAR1\x15", "a Parquet file", _TABLE, (".parquet",)),
    Format(b"ARROW1\0", "an Arrow file", _TABLE),
    Format(ZIP, "a ZIP archive", "save a sheet as .csv; an .npz file is read by 'npz'"),
    Format(b"\xff\xd8\xff", "a JPEG image", _PHOTO),
    Format(b"GIF89a", "a GIF image", _IMAGE),
)
LONGEST = max(len(each.start) for each in _FORMATS)


def format_of(content: bytes) -> Format | None:
    """The format that `content` is in, if it is one of those known here."""
    return next((each for each in _FORMATS if content.startswith(each.start)), None)


def help_with(name: str, stream: IO[bytes] | None = None) -> str:
    """Help where the file `name` cannot be read; empty if nothing is known of what it holds."""
    found = None
    if stream is not None:
        stream.seek(0)
        found = format_of(stream.read(LONGEST))
    by_name = (each for each in _FORMATS if name.lower().endswith(each.suffixes))
    found = found or next(by_name, None)
    return "" if found is None else f"it is {found.what}: {found.help}"

"""Named arrays in .npz and .safetensors files: read without pickle and without trust."""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graphnn import files
from graphnn.errors import FileError, Span, listed, suggestion

Array = NDArray[Any]
LIMIT = 2 << 30  # bytes of one file, and of the arrays read at once, unpacked
SUFFIXES = (".npz", ".safetensors")
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile, zlib and NumPy's header parser raise on damaged content.
_BROKEN = (
    ValueError,
    TypeError,
    OverflowError,
    LookupError,
    EOFError,
    OSError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(
    path: Path, span: Span | None = None, names: Iterable[str] | None = None
) -> dict[str, Array]:
    """Arrays of numbers by name.

    Parameters
    ----------
    path : Path
        An .npz or .safetensors file.
    span : Span, optional
        Where a spec names it, for errors.
    names : iterable of str, optional
        The arrays to read; by default all.

    Raises
    ------
    FileError
        The file is missing, of another kind, damaged, too large, or lacks an array; or an array
        is not of numbers.
    """
    if path.suffix not in SUFFIXES:
        raise files.fail("unknown-format", f"'{path.name}' is neither .npz nor .safetensors", span)
    if path.suffix == ".npz":
        with files.open_regular(path, span) as stream:
            packed = Npz(stream, path.name, span)
            wanted = packed.names if names is None else tuple(names)
            packed.refuse_more(LIMIT, wanted, span)
            return {name: packed.read(name, span) for name in wanted}
    arrays = _read_safetensors(path.name, files.read_bytes(path, LIMIT, span), span)
    for name in names or ():
        if name not in arrays:
            raise _no_array(path.name, name, arrays, span)
    return arrays if names is None else {name: arrays[name] for name in names}


def read_array(path: Path, name: str, span: Span | None = None) -> Array:
    """One array; see `read_arrays`."""
    return read_arrays(path, span, [name])[name]


def write_arrays(
    path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays to an .npz or .safetensors file, whole or not at all.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray
    metadata : mapping of str to str, optional
        Kept in a .safetensors file only.

    Raises
    ------
    FileError
        The suffix is another one, or the file cannot be written.
    """
    # Not by np.ascontiguousarray, which gives a single number an axis.
    own = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if path.suffix == ".npz":
        # Not by keyword: an array may be called 'file'.
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, array in own.items():
                with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        content = buffer.getvalue()
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save

        content = save(own, dict(metadata) if metadata else None)
    else:
        raise files.fail("unknown-format", f"'{path.name}' is neither .npz nor .safetensors", None)
    files.write_whole(path, lambda stream: stream.write(content))


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a .safetensors file that `read_arrays` accepts."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        return dict(opened.metadata() or {})


def _read_safetensors(file: str, content: bytes, span: Span | None) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, *_BROKEN):
        message = f"'{file}' is not a sound .safetensors file"
        raise files.fail("broken-file", message, span) from None


class Npz:
    """The arrays in an .npz file, each read when asked for.

    Parameters
    ----------
    stream : binary file
        Open as long as arrays are read.
    file : str
        Its name, for messages.
    span : Span, optional
        Where a spec names it.

    Raises
    ------
    FileError
        It is not a zip archive.
    """

    def __init__(self, stream: IO[bytes], file: str, span: Span | None = None) -> None:
        self._file = file
        try:
            self._zip = zipfile.ZipFile(stream)
        except _BROKEN:
            raise files.fail("not-npz", f"'{file}' is not an .npz file", span) from None
        self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._members)

    def refuse_more(self, limit: int, names: Iterable[str], span: Span | None = None) -> None:
        """Refuse arrays that would take more than `limit` bytes together.

        Raises
        ------
        FileError
        """
        total = sum(self._members[name].file_size for name in names if name in self._members)
        if total > limit:
            declared = f"{files.show_bytes(total)}, more than {files.show_bytes(limit)}"
            message = f"the arrays of '{self._file}' declare {declared}"
            raise files.fail("data-too-large", message, span)

    def read(self, name: str, span: Span | None = None) -> Array:
        """One array of numbers, in the machine's byte order.

        Raises
        ------
        FileError
            There is no such array, or it is damaged, too large, or not of numbers.
        """
        info = self._members.get(name)
        if info is None:
            raise _no_array(self._file, name, self._members, span)
        if info.file_size > LIMIT:
            declared = files.show_bytes(info.file_size)
            message = f"the array '{name}' declares {declared}, more than {files.show_bytes(LIMIT)}"
            raise files.fail("data-too-large", message, span)
        try:
            # The other methods of zip are never NumPy's, and LZMA allocates what its header asks.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("packed by a method that NumPy does not use")
            with self._zip.open(info) as member:
                return _array(member, info.file_size, name, span)
        except _BROKEN:
            message = f"the array '{name}' in '{self._file}' is damaged"
            raise files.fail("broken-file", message, span) from None


def _no_array(file: str, name: str, found: Iterable[str], span: Span | None) -> FileError:
    found = tuple(found)
    help = suggestion(name, found, f"its arrays are {listed(found)}")
    return files.fail("unknown-array", f"'{file}' has no array '{name}'", span, help)


def _array(member: IO[bytes], size: int, name: str, span: Span | None) -> Array:
    shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(member)](member)
    if dtype.hasobject:
        message = f"the array '{name}' holds Python objects, which only pickle could read"
        raise files.fail("pickled-array", message, span, "save it as an array of numbers")
    if dtype.kind not in "buif":
        message = f"the array '{name}' holds {dtype}, not numbers"
        raise files.fail("not-numbers", message, span)
    declared = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or declared != size - member.tell():
        raise ValueError("the header's shape does not match the member's size")
    content = files.take(member, declared + 1)  # one more, so that zipfile reaches its checksum
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)

"""Named arrays in .npz and .safetensors files: read without pickle and without trust."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graphnn import files
from graphnn.errors import Diagnostic, FileError, Span, suggestion

Array = NDArray[Any]
LIMIT = 2 << 30  # bytes of one file, and of one array unpacked
SUFFIXES = (".npz", ".safetensors")
_CHUNK = 1 << 20
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile, zlib and NumPy's header parser raise on damaged content.
_BROKEN = (
    ValueError,
    TypeError,
    OverflowError,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
    SyntaxError,
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
        raise _refuse("unknown-format", f"'{path.name}' is neither .npz nor .safetensors", span)
    content = files.read_bytes(path, LIMIT, span)
    if path.suffix == ".npz":
        return _read_npz(path.name, content, span, names)
    return _pick(path.name, _read_safetensors(path.name, content, span), span, names)


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
    own = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if path.suffix == ".npz":
        # Not by keyword: an array may be called 'file'.
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, array in own.items():
                with packed.open(f"{name}.npy", "w") as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        content = buffer.getvalue()
    elif path.suffix == ".safetensors":
        from safetensors.numpy import save

        content = save(own, dict(metadata) if metadata else None)
    else:
        raise _refuse("unknown-format", f"'{path.name}' is neither .npz nor .safetensors", None)
    files.write_whole(path, lambda stream: stream.write(content))


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a .safetensors file that `read_arrays` accepts."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as opened:
        return dict(opened.metadata() or {})


def _refuse(code: str, message: str, span: Span | None, help: str = "") -> FileError:
    return FileError(Diagnostic(code, message, span, help=help))


def _read_safetensors(file: str, content: bytes, span: Span | None) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, *_BROKEN):
        message = f"'{file}' is not a sound .safetensors file"
        raise _refuse("broken-file", message, span) from None


def _read_npz(
    file: str, content: bytes, span: Span | None, names: Iterable[str] | None
) -> dict[str, Array]:
    try:
        packed = zipfile.ZipFile(io.BytesIO(content))
    except _BROKEN:
        raise _refuse("broken-file", f"'{file}' is not an .npz file", span) from None
    members = {info.filename.removesuffix(".npy"): info for info in packed.infolist()}
    return {
        name: _read_member(file, packed, info, name, span)
        for name, info in _pick(file, members, span, names).items()
    }


def _pick(
    file: str, found: Mapping[str, Any], span: Span | None, names: Iterable[str] | None
) -> dict[str, Any]:
    if names is None:
        return dict(found)
    picked = {}
    for name in names:
        if name not in found:
            listed = ", ".join(list(found)[:8]) or "none"
            raise _refuse(
                "unknown-array",
                f"'{file}' has no array '{name}'",
                span,
                suggestion(name, found, f"its arrays are {listed}"),
            )
        picked[name] = found[name]
    return picked


def _read_member(
    file: str, packed: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, span: Span | None
) -> Array:
    if info.file_size > LIMIT:
        message = f"the array '{name}' declares more than {LIMIT >> 30} GiB"
        raise _refuse("file-too-large", message, span)
    try:
        # The other methods of zip are never NumPy's, and LZMA allocates what its header asks.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("packed by a method that NumPy does not use")
        with packed.open(info) as member:
            return _array(member, info.file_size, name, span)
    except _BROKEN:
        message = f"the array '{name}' in '{file}' is damaged"
        raise _refuse("broken-file", message, span) from None


def _array(member: IO[bytes], size: int, name: str, span: Span | None) -> Array:
    shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(member)](member)
    if dtype.hasobject:
        message = f"the array '{name}' holds Python objects, which only pickle could read"
        raise _refuse("pickled-array", message, span, "save it as an array of numbers")
    if dtype.kind not in "buif":
        message = f"the array '{name}' holds {dtype}, not numbers"
        raise _refuse("not-numbers", message, span)
    declared = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or declared != size - member.tell():
        raise ValueError("the header's shape does not match the member's size")
    content = bytearray()
    # One byte more than declared, so that zipfile reaches its checksum.
    while chunk := member.read(min(_CHUNK, declared + 1 - len(content))):
        content += chunk
    array = np.frombuffer(bytes(content), dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)

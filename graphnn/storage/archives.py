"""Named arrays in .npz and .safetensors files: read without pickle and without trust."""

from __future__ import annotations

import io
import json
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar, cast

import numpy as np

from graphnn.diagnostics import FileError, Span, listed, suggestion
from graphnn.storage import Array, files, foreign
from graphnn.storage.files import MEBIBYTE, take

E = TypeVar("E")  # what is known of an array before it is read
LIMIT = 2 << 30  # bytes of the arrays read at once where nothing says how many are wanted
_MAX_HEADER = 24 * MEBIBYTE  # of the table of contents of .safetensors: some 300,000 arrays
_MAX_DIRECTORY = 8 * MEBIBYTE  # of that of .npz: some 80,000 arrays
_UNSUSPECTED = 256 * MEBIBYTE  # any .npz file may unpack to an array of this size
_MAX_CANDIDATES = 1000  # arrays compared with a misspelt name; each comparison takes time
# The types of .safetensors that are read, and the bits that a number of each type takes.
_DTYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "|u1"},
    **{f"{kind}{8 * size}": f"<{kind.lower()}{size}" for kind in "IU" for size in (1, 2, 4, 8)},
}
_BITS = {
    **{name: 8 * np.dtype(dtype).itemsize for name, dtype in _DTYPES.items()},
    **{"C64": 64, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4},
    **{"F6_E2M3": 6, "F6_E3M2": 6},
}
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile, zlib, NumPy's header parser and ours raise on damaged content.
_BROKEN = (
    ValueError,
    TypeError,
    AttributeError,
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


@contextmanager
def opened(path: Path, span: Span | None = None) -> Iterator[Archive]:
    """The archive at `path`, of which nothing but its table of contents is read.

    Parameters
    ----------
    path : Path
        An .npz or .safetensors file.
    span : Span, optional
        Where a spec names it, for errors.

    Raises
    ------
    FileError
        The file is missing, of another kind or damaged.
    """
    kind = _KINDS.get(path.suffix)
    if kind is None:
        raise _unknown_format(path, span)
    with files.open_regular(path, span) as stream:
        yield kind(stream, path.name, span)


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
        The file is missing, of another kind, damaged, or lacks an array; the arrays are not of
        numbers, or take more than 2 GiB.
    """
    with opened(path, span) as archive:
        return read_from(archive, archive.names if names is None else tuple(names), span)


def read_from(archive: Archive, names: Iterable[str], span: Span | None = None) -> dict[str, Array]:
    """Arrays of an open archive, where nothing says how large they should be.

    Raises
    ------
    FileError
        As `read_arrays`.
    """
    names = tuple(names)
    total = sum(archive.size(name, span) for name in names)
    _check_size(f"the arrays of '{archive.file}' declare", total, span)
    return {name: archive.read(name, span) for name in names}


def read_array(path: Path, name: str, span: Span | None = None) -> Array:
    """One array; see `read_arrays`."""
    return read_arrays(path, span, [name])[name]


def read_npy(path: Path) -> Array:
    """The array in an .npy file.

    Raises
    ------
    FileError
        The file is missing, damaged, or not of numbers, or takes more than 2 GiB.
    """
    with files.open_regular(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        _check_size(f"the array of '{path.name}' takes", size)
        stream.seek(0)
        with _damage_reported(f"'{path.name}' is not a sound .npy file"):
            return _array(stream, size, path.stem, None)


def _check_size(what: str, size: int, span: Span | None = None) -> None:
    if size > LIMIT:
        message = f"{what} {files.show_bytes(size)}, more than {files.show_bytes(LIMIT)}"
        raise FileError.of("data-too-large", message, span)


@contextmanager
def _damage_reported(message: str, span: Span | None = None) -> Iterator[None]:
    try:
        yield
    except _BROKEN:
        raise FileError.of("broken-file", message, span) from None


def write_arrays(
    path: Path,
    arrays: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
    *,
    durable: bool = False,
) -> None:
    """Write arrays to an .npz or .safetensors file, whole or not at all.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray
    metadata : mapping of str to str, optional
        Kept in a .safetensors file only.
    durable : bool
        Wait for the disk; see `files.write_whole`.

    Raises
    ------
    FileError
        The suffix is another one, or the file cannot be written.
    """
    content = packed(path, arrays, metadata)
    files.write_whole(path, lambda stream: stream.write(content), durable=durable)


def packed(
    path: Path, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None
) -> bytes:
    """What `write_arrays` writes to `path`, for `files.write_all`."""
    # Not by np.ascontiguousarray, which gives a single number an axis.
    own = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if path.suffix == ".npz":
        # Not by keyword: an array may be called 'file'.
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in own.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        return buffer.getvalue()
    if path.suffix == ".safetensors":
        from safetensors.numpy import save

        return bytes(save(own, dict(metadata) if metadata else None))
    raise _unknown_format(path)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where an array lies in a .safetensors file, and what it is."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class _Entries(Generic[E]):
    """Arrays by name in a file, each read when asked for.

    Parameters
    ----------
    stream : binary file
        Open as long as arrays are read.
    file : str
        Its name, for messages.
    """

    def __init__(self, stream: IO[bytes], file: str) -> None:
        self._stream = stream
        self.file = file
        self.metadata: Mapping[str, str] = {}
        self._entries: dict[str, E] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(self._entries)

    def _find(self, name: str, span: Span | None) -> E:
        if name in self._entries:
            return self._entries[name]
        found = self.names
        help = suggestion(name, found[:_MAX_CANDIDATES], f"its arrays are {listed(found)}")
        message = f"'{self.file}' has no array '{name}'"
        raise FileError.of("unknown-array", message, span, help=help)


class Safetensors(_Entries[_Entry]):
    """The arrays in a .safetensors file; `span` is where a spec names it.

    Raises
    ------
    FileError
        It is not such a file: its table of contents must be sound and account for every byte.

    References
    ----------
    Hugging Face, safetensors, section "Format".
    """

    def __init__(self, stream: IO[bytes], file: str, span: Span | None = None) -> None:
        super().__init__(stream, file)
        with _damage_reported(f"'{file}' is not a sound .safetensors file", span):
            length = int.from_bytes(take(stream, 8), "little")
            if not 0 < length <= _MAX_HEADER:
                raise ValueError("a table of contents too long")
            self._start = 8 + length
            header = json.loads(take(stream, length).decode(), object_pairs_hook=_unrepeated)
            self.metadata = _texts(header.pop("__metadata__", {}))
            self._entries = {name: _entry(found) for name, found in header.items()}
            self._check_offsets(stream.seek(0, io.SEEK_END) - self._start)

    def _check_offsets(self, size: int) -> None:
        reached = 0
        for entry in sorted(self._entries.values(), key=lambda entry: (entry.start, entry.end)):
            if entry.start != reached:
                raise ValueError("a gap, or two arrays in one place")
            reached = entry.end
        if reached != size:
            raise ValueError("the file is shorter or longer")

    def shape(self, name: str, span: Span | None = None) -> tuple[int, ...]:
        """Shape of one array."""
        return self._find(name, span).shape

    def size(self, name: str, span: Span | None = None) -> int:
        """Bytes that one array takes."""
        entry = self._find(name, span)
        return entry.end - entry.start

    def read(self, name: str, span: Span | None = None) -> Array:
        """One array of numbers in the machine's byte order, or a FileError why not."""
        entry = self._find(name, span)
        if entry.dtype not in _DTYPES:
            message = f"the array '{name}' holds {entry.dtype}, which is not read"
            raise FileError.of("not-numbers", message, span, help="save it as F32")
        dtype = np.dtype(_DTYPES[entry.dtype])
        self._stream.seek(self._start + entry.start)
        content = take(self._stream, entry.end - entry.start)
        with _damage_reported(f"the array '{name}' in '{self.file}' is damaged", span):
            array: Array = np.frombuffer(content, dtype).reshape(entry.shape)
        if entry.dtype == "BF16":  # the upper half of F32
            return (array.astype(np.uint32) << 16).view(np.float32)
        own = np.dtype(bool) if entry.dtype == "BOOL" else dtype.newbyteorder("=")
        return array.astype(own)


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key given twice")
    return found


def _texts(found: Any) -> dict[str, str]:
    if not all(isinstance(text, str) for text in found.values()):
        raise ValueError("metadata other than texts")
    return dict(found)


def _entry(found: Any) -> _Entry:
    dtype, shape, (start, end) = found["dtype"], found["shape"], found["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError("an entry of another form")
    if 8 * (end - start) != math.prod(shape) * _BITS[dtype]:
        raise ValueError("offsets that do not fit the shape")
    return _Entry(dtype, tuple(shape), start, end)


class Npz(_Entries[zipfile.ZipInfo]):
    """The arrays in an .npz file; `span` is where a spec names it.

    Raises
    ------
    FileError
        It is not a zip archive, or one in which a name stands twice.
    """

    def __init__(self, stream: IO[bytes], file: str, span: Span | None = None) -> None:
        super().__init__(stream, file)
        try:
            # The table of contents is read in one piece, so that its size can be judged here.
            self._zip = zipfile.ZipFile(cast(IO[bytes], _InPieces(stream)))
        except _BROKEN as error:
            raise _not_npz(file, stream, error, span) from None
        for info in self._zip.infolist():
            if info.filename.endswith("data.pkl"):  # as torch.save leaves it
                help = foreign.help_with(".pt")
                raise FileError.of("not-npz", f"'{file}' is not an .npz file", span, help=help)
            name = info.filename.removesuffix(".npy")
            if name in self._entries:
                message = f"'{file}' holds two arrays called '{name}'"
                raise FileError.of("broken-file", message, span)
            self._entries[name] = info

    def shape(self, name: str, span: Span | None = None) -> tuple[int, ...]:
        """Shape of one array."""
        with self._opened(name, span) as (member, info):
            return _header(member, info.file_size, name, span)[0]

    def size(self, name: str, span: Span | None = None) -> int:
        """Bytes that one array takes, unpacked."""
        return self._find(name, span).file_size

    def read(self, name: str, span: Span | None = None) -> Array:
        """One array of numbers in the machine's byte order, or a FileError why not."""
        with self._opened(name, span) as (member, info):
            return _array(member, info.file_size, name, span)

    @contextmanager
    def _opened(self, name: str, span: Span | None) -> Iterator[tuple[IO[bytes], zipfile.ZipInfo]]:
        info = self._find(name, span)
        if info.file_size > files.unpacked_limit(info.compress_size, _UNSUSPECTED):
            shown = f"{files.show_bytes(info.file_size)} from {info.compress_size:,} bytes"
            message = f"the array '{name}' in '{self.file}' would unpack to {shown}"
            help = "save it unpacked, with numpy.savez"
            raise FileError.of("data-too-large", message, span, help=help)
        with _damage_reported(f"the array '{name}' in '{self.file}' is damaged", span):
            # The other methods of zip are never NumPy's, and LZMA allocates what its header asks.
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("packed by a method that NumPy does not use")
            with self._zip.open(info) as member:
                yield member, info


class _InPieces:
    """A stream that is never asked for more than a table of contents may take."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, count: int = -1) -> bytes:
        # Without a count the end is read, which holds a comment of 64 KiB at most.
        count = 1 << 17 if count < 0 else min(count, _MAX_DIRECTORY + 1)
        content = self._stream.read(count)
        if len(content) > _MAX_DIRECTORY:
            raise ValueError("a table of contents too long")
        return content

    def seekable(self) -> bool:
        return True


Archive = Npz | Safetensors
_KINDS: dict[str, type[Npz] | type[Safetensors]] = {".npz": Npz, ".safetensors": Safetensors}
SUFFIXES = tuple(_KINDS)


def _unknown_format(path: Path, span: Span | None = None) -> FileError:
    if path.is_dir():
        return files.not_a_file(path, span)
    message = f"'{path.name}' is neither .npz nor .safetensors"
    return FileError.of("unknown-format", message, span, help=foreign.help_with(path.name))


def _not_npz(file: str, stream: IO[bytes], error: Exception, span: Span | None) -> FileError:
    stream.seek(0)
    if isinstance(error, zipfile.BadZipFile) and stream.read(len(foreign.ZIP)) == foreign.ZIP:
        help = "copy or download it again: the end of the .npz file is missing"
        return FileError.of("truncated-file", f"'{file}' ends too early", span, help=help)
    help = foreign.help_with(file, stream)
    return FileError.of("not-npz", f"'{file}' is not an .npz file", span, help=help)


def _header(
    member: IO[bytes], size: int, name: str, span: Span | None
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(member)](member)
    if dtype.hasobject:
        message = f"the array '{name}' holds Python objects, which only pickle could read"
        raise FileError.of("pickled-array", message, span, help="save it as an array of numbers")
    if dtype.kind not in "buif":
        message = f"the array '{name}' holds {dtype}, not numbers"
        number = f"names, numbers = numpy.unique({name}, return_inverse=True)"
        help = f"save labels as numbers: {number}" if dtype.kind in "US" else ""
        raise FileError.of("not-numbers", message, span, help=help)
    declared = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or declared != size - member.tell():
        raise ValueError("the header's shape does not match the member's size")
    return shape, fortran, dtype


def _array(member: IO[bytes], size: int, name: str, span: Span | None) -> Array:
    shape, fortran, dtype = _header(member, size, name, span)
    # One more than declared, so that zipfile reaches its checksum.
    content = take(member, math.prod(shape) * dtype.itemsize + 1)
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)

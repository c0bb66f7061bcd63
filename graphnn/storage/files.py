"""Files taken in with limits and confined to a folder; files put out whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from errno import ELOOP
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from graphnn.diagnostics import FileError, Span, UsageError, nearest

MEBIBYTE = 1 << 20
_SHOWN = 200  # characters of an address
_UNFINISHED = ".part"  # the suffix of a file that is being written


def as_path(given: object) -> Path:
    """The path that an argument of a function names.

    Raises
    ------
    UsageError
        It is neither text nor a path: of a number, Python opens the file that has it already.
    """
    if isinstance(given, str | os.PathLike) and isinstance(os.fspath(given), str):
        return Path(given)
    help = "decode it first: os.fsdecode(...)" if isinstance(given, bytes | os.PathLike) else ""
    message = f"a path is needed here, not {type(given).__name__}"
    raise UsageError.of("bad-option", message, help=help)


def read_bytes(path: Path, limit: int, span: Span | None = None) -> bytes:
    """Content of the regular file at `path`, which may hold at most `limit` bytes.

    Parameters
    ----------
    path : Path
    limit : int
        Largest size accepted, in bytes.
    span : Span, optional
        Where the file is named, for the error.

    Raises
    ------
    FileError
        The file is missing, unreadable, not a regular file, or too large.
    """
    with open_regular(path, span) as stream:
        try:
            # In one piece, as pieces that grow take ten times as long. Files of /proc say 0.
            stated = min(os.fstat(stream.fileno()).st_size, limit)
            content = stream.read(stated + 1)
            if len(content) > stated:
                content += take(stream, limit - stated)
        except OSError as error:  # such as that of /proc/self/mem, which looks like a regular file
            raise _unreadable(path, error, span) from None
    if len(content) > limit:
        message = f"'{path}' is larger than {limit / MEBIBYTE:g} MiB"
        raise FileError.of("file-too-large", message, span)
    return content


@contextmanager
def open_regular(path: Path, span: Span | None = None) -> Iterator[BinaryIO]:
    """Open the regular file at `path` for reading; never blocks on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise not_a_file(path, span)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, span) from None
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def not_a_file(path: Path, span: Span | None = None) -> FileError:
    """What is wrong with `path` in the place of a file."""
    what = "is a folder, not a file" if path.is_dir() else "is not a regular file"
    return FileError.of("not-a-file", f"'{path}' {what}", span)


def take(stream: IO[bytes], count: int) -> bytes:
    """The next `count` bytes, fewer at the end; memory grows only with what is there."""
    content = bytearray()
    while len(content) < count:
        piece = stream.read(min(MEBIBYTE, count - len(content)))
        if not piece:
            break
        content += piece
    return bytes(content)


def unpacked_limit(packed: int, unsuspected: int) -> int:
    """How many bytes a file of `packed` bytes may unpack to.

    Any file may come to `unsuspected` bytes. One that grows fifty-fold beyond that was made to: of
    numbers that train something, deflate leaves more.
    """
    return max(unsuspected, 50 * packed)


def show_bytes(count: int) -> str:
    """A number of bytes in GiB."""
    return f"{count / (1 << 30):.4g} GiB"


def _unreadable(path: Path, error: OSError | ValueError, span: Span | None) -> FileError:
    if isinstance(error, FileNotFoundError):
        message = f"there is no file '{path}'"
        return FileError.of("no-such-file", message, span, help=_neighbour(path))
    return FileError.of("unreadable-file", f"'{path}' cannot be read: {_reason(error)}", span)


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    # By the stem, as suffixes alone would make unlike names alike; the same suffix counts last.
    names.sort(key=lambda name: name.endswith(path.suffix))
    stems = {Path(name).stem: name for name in names}
    found = nearest(path.stem, stems)
    return f"did you mean '{stems[found]}'?" if found else ""


def within(folder: Path, name: str, span: Span | None = None, start: Path | None = None) -> Path:
    """Resolve `name`, as a spec in `folder` gives it, to a path inside that folder's tree.

    Parameters
    ----------
    folder : Path
    name : str
    span : Span, optional
        Where the spec gives it, for the error.
    start : Path, optional
        The folder that the name starts from, where that is one inside of `folder`.

    Raises
    ------
    FileError
        The name is absolute, or leads (by ``..``, ``~`` or a link) out of `folder`; or it is an
        address.
    """
    _check_name(name, span)
    root = folder.resolve()
    try:
        path = ((start or folder).resolve() / name).resolve()
    except (OSError, ValueError, RuntimeError):
        raise FileError.of("bad-file-name", f"'{name}' is not a file name", span) from None
    if not path.is_relative_to(root):
        raise _outside(name, span)
    # Relative where `folder` is, so that messages show the name as people know it.
    return folder / path.relative_to(root)


def _check_name(name: str, span: Span | None) -> None:
    """Refuse what stands for a file elsewhere, but is not the name of one here."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name):
        message = f"'{name[:_SHOWN]}' is an address, not the name of a file"
        help = "download the file into the folder of the spec, and give its name"
        raise FileError.of("bad-file-name", message, span, help=help)
    if name.startswith("~/") or re.match(r"[A-Za-z]:[/\\]", name):
        raise _outside(name, span)


def _outside(name: str, span: Span | None) -> FileError:
    message = f"'{name}' lies outside the folder of the spec that names it"
    help = "put the file beside the spec, or in a folder below it"
    return FileError.of("file-outside", message, span, help=help)


def write_whole(path: Path, write: Callable[[BinaryIO], object], *, durable: bool = False) -> None:
    """Let `write` fill a file beside `path`, then rename it into place.

    Whatever happens, `path` holds either what it held before or all of the new content. A file
    that was there keeps its permissions, and a link stays one: what it leads to is written.

    Parameters
    ----------
    path : Path
    write : callable
        Given the open file.
    durable : bool
        Wait for the disk, so that this holds when the power fails, too.

    Raises
    ------
    FileError
        The folder does not exist or cannot be written; or `path` is a folder, a device or a pipe.
    """
    target = _target(path)
    with _filled(target, write, durable=durable) as beside:
        _put(beside, target, durable=durable)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all of them whole, or none.

    Raises
    ------
    FileError
        One of them cannot be written.
    """
    targets = {_target(path): content for path, content in contents.items()}
    with ExitStack() as stack:
        filled = {
            path: stack.enter_context(_filled(path, partial(_take_in, content)))
            for path, content in targets.items()
        }
        for path, beside in filled.items():
            _put(beside, path)


def _target(path: Path) -> Path:
    """Where to write what is called `path`: there, or where that leads as a link."""
    try:
        # A renamed file would replace the link, and leave what it leads to as it was.
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        if target.is_symlink():
            raise unwritable(path, OSError(ELOOP, os.strerror(ELOOP)))
        taken = path.exists() and not path.is_file()
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    if taken:  # of a device or a pipe, the new file would take the place
        raise not_a_file(path)
    return target


def leads_out(folder: Path) -> Path | None:
    """The first link in `folder` to what lies outside of it, if there is one."""
    root = Path(os.path.realpath(folder))
    for path in sorted(folder.iterdir()):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
            return path
    return None


def _take_in(content: bytes, stream: BinaryIO) -> None:
    stream.write(content)


@contextmanager
def _filled(
    path: Path, write: Callable[[BinaryIO], object], *, durable: bool = False
) -> Iterator[Path]:
    """A file beside `path` that `write` has filled, gone at the end unless it was moved."""
    try:
        descriptor, name = tempfile.mkstemp(_UNFINISHED, f".{path.name[:40]}.", path.parent)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    beside = Path(name)
    try:
        try:
            with os.fdopen(descriptor, "wb") as stream:
                write(stream)
                if durable:
                    stream.flush()
                    os.fsync(descriptor)
        except OSError as error:
            raise unwritable(path, error) from None
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _put(beside: Path, path: Path, *, durable: bool = False) -> None:
    try:
        beside.chmod(_permissions(path))
        beside.replace(path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None


def unfinished(folder: Path) -> list[Path]:
    """Files in `folder` that `write_whole` was filling in processes that were killed."""
    return [path for path in folder.glob(f".*{_UNFINISHED}") if path.is_file()]


def _sync_folder(folder: Path) -> None:
    """Have the disk hold the names in `folder`; Windows does so without being asked."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all."""
    write_whole(path, lambda stream: stream.write(text.encode()))


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    """Write `rows` as CSV to `path`, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue())


def unwritable(path: Path, error: OSError | ValueError) -> FileError:
    """What `error` says of writing to `path`."""
    if isinstance(error, FileNotFoundError):
        return FileError.of("no-such-folder", f"there is no folder '{path.parent}' to write into")
    return FileError.of("unwritable-file", f"'{path}' cannot be written: {_reason(error)}")


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error)


def _permissions(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask

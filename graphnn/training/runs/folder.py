"""The folder of a run: its owner while it is written, and what a killed one has left in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphnn.diagnostics import FileError, TrainingError
from graphnn.execution.weight_files import CHECKPOINT
from graphnn.storage import files
from graphnn.storage.locks import OwnerLock, is_held

_LOCK = ".lock"


@contextmanager
def claimed(folder: str | Path | None, resume: bool) -> Iterator[Path | None]:
    """Make `folder`, if one is asked for, and own it; where nothing gets into it, remove it again.

    Raises
    ------
    TrainingError
        Another process owns it, it holds something, or to resume, no run.
    FileError
        It cannot be made or written, or holds a link that leads out of it.
    """
    if folder is None:
        if resume:
            raise TrainingError.of("nothing-to-resume", "only a folder can be resumed")
        yield None
        return
    place = files.as_path(folder)
    if not place.is_dir():
        _check(place, resume)
    elif (link := files.leads_out(place)) is not None:
        message = f"'{link}' is a link that leads out of the folder of the run"
        help = "a run writes into its folder alone: put the file itself in the place of the link"
        raise FileError.of("file-outside", message, help=help)
    with made(place), _owned(place):
        _check(place, resume)
        for unfinished in files.unfinished(place):
            unfinished.unlink()
        yield place


def is_free(place: Path) -> bool:
    """Whether a run may begin in `place`: no process owns it, and it holds nothing to keep."""
    return not place.exists() or (not is_held(place / _LOCK) and _is_empty(place))


@contextmanager
def made(place: Path) -> Iterator[None]:
    """Make a folder, and those it lies in; remove what was made where nothing gets into it."""
    missing = [each for each in (place, *place.parents) if not each.exists()]
    make_folder(place)
    try:
        yield
    finally:
        for each in missing:
            if not each.exists() or any(each.iterdir()):
                break
            each.rmdir()


def make_folder(path: str | Path) -> Path:
    """`path` as a folder that is there, or a `FileError` why it cannot be."""
    place = files.as_path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"the folder '{place}' cannot be made: {error.strerror}"
        raise FileError.of("unwritable-file", message) from None
    return place


@contextmanager
def _owned(place: Path) -> Iterator[None]:
    lock = OwnerLock(place / _LOCK)
    try:
        free = lock.acquire()
    except OSError as error:
        raise files.unwritable(place, error) from None
    if not free:
        message = f"'{place}' is in use by {lock.owner}"
        help = "name another folder, or wait for the training in it to end"
        raise TrainingError.of("folder-in-use", message, help=help)
    try:
        yield
    finally:
        lock.release()


def _check(place: Path, resume: bool) -> None:
    if resume and not (place / CHECKPOINT).exists():
        raise TrainingError.of("nothing-to-resume", f"'{place}' holds no run to resume")
    if not resume and place.exists() and not _is_empty(place):
        message = f"'{place}' already holds something"
        help = "name another folder, or resume the run in it with --resume"
        raise TrainingError.of("folder-in-use", message, help=help)


def _is_empty(place: Path) -> bool:
    """Whether it is a folder with nothing in it but what a run that was killed has left."""
    if not place.is_dir():
        return False
    nothing = {place / _LOCK, *files.unfinished(place)}
    return all(each in nothing for each in place.iterdir())
